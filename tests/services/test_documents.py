"""Documents and photos beside a listing, a facility or a project."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from obstore.store import MemoryStore
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import Forbidden, InvalidInput, NotFound
from marketplace.models import Document, Facility, LabReport, Listing
from marketplace.queries.documents import documents_of
from marketplace.services import documents as services
from marketplace.services.content_sweep import KEPT_AFTER_REMOVAL, sweep_content
from marketplace.services.documents import (
    CARD,
    MOST_FILES,
    MOST_PHOTOS,
    THUMBNAIL,
    DocumentsAreClosed,
    RestsOnDocument,
    add_document,
    describe_document,
    move_photo,
    remove_document,
    reorder_photos,
)
from marketplace.storage import ObjectStorage, Storage, StorageFailed
from marketplace.types import DocumentKind, FacilityKind, LabSource, ListingStatus, Role
from tests.conftest import NOW
from tests.factories import BAERUM, SANDVIKA, Factory, stored_point
from tests.files import PDF, photo_from_phone, picture


class BrokenStore(ObjectStorage):
    """Takes in `good` contents, then none."""

    def __init__(self, *, good: int) -> None:
        super().__init__(MemoryStore())
        self.left = good

    def put(self, name: str, content: bytes) -> None:
        if not self.left:
            raise StorageFailed
        self.left -= 1
        super().put(name, content)


@pytest.fixture
def storage() -> Storage:
    return ObjectStorage(MemoryStore())


@pytest.fixture
def listing(make: Factory) -> Listing:
    return make.listing()


@pytest.fixture
def editor(make: Factory, listing: Listing) -> Actor:
    return make.actor(make.member(listing.organisation, role=Role.EDITOR))


class Desk:
    """Hands files in, as one person at one listing."""

    def __init__(self, session: Session, actor: Actor, listing: Listing, storage: Storage) -> None:
        self.session, self.actor, self.listing, self.storage = session, actor, listing, storage

    def add(self, content: bytes = PDF, *, name: str = "Rapport 2027.pdf", **values: object) -> Document:
        belongs = {} if values.keys() & {"facility_id", "project_id"} else {"listing_id": self.listing.id}
        defaults: dict[str, object] = {
            "kind": DocumentKind.LAB_REPORT,
            "upload_id": uuid4(),
            "storage": self.storage,
            "now": NOW,
        }
        return add_document(
            self.session, self.actor, **{**belongs, **defaults, **values}, content=content, file_name=name
        )

    def photo(self, colour: int = 0, **values: object) -> Document:
        return self.add(picture(colour=(colour, 99, 99)), name="IMG_0001.JPG", **{"kind": DocumentKind.PHOTO, **values})

    def kept(self) -> list[Document]:
        return list(documents_of(self.session, listing_id=self.listing.id))


@pytest.fixture
def desk(session: Session, editor: Actor, listing: Listing, storage: Storage) -> Desk:
    return Desk(session, editor, listing, storage)


def test_a_report_is_kept_byte_for_byte(desk: Desk, editor: Actor) -> None:
    document = desk.add(PDF, name=r"C:\rapporter\Rapport 2027.PDF")

    assert (document.title, document.file_name, document.media_type) == (
        "Rapport 2027",
        "Rapport 2027.pdf",
        "application/pdf",
    )
    assert (document.size_bytes, document.width_px, document.uploaded_by_id) == (len(PDF), None, editor.user_id)
    assert b"".join(desk.storage.read(document.sha256)) == PDF
    assert desk.kept() == [document]


def test_a_photo_is_kept_encoded_anew_in_three_sizes(desk: Desk) -> None:
    taken = photo_from_phone(size=(4000, 3000))
    document = desk.add(taken, name="IMG_0042.HEIC", kind=DocumentKind.PHOTO)

    assert (document.width_px, document.height_px, document.media_type) == (1800, 2400, "image/jpeg")
    assert document.file_name == "IMG_0042.jpg"
    kept = b"".join(desk.storage.read(document.sha256))
    assert len(kept) == document.size_bytes
    assert b"Exif" not in kept
    assert desk.storage.exists(f"{document.sha256}.{CARD}")
    assert desk.storage.exists(f"{document.sha256}.{THUMBNAIL}")


def test_a_photographed_certificate_is_a_document_without_the_cameras_position(desk: Desk) -> None:
    document = desk.add(photo_from_phone(), name="sertifikat.jpg", kind=DocumentKind.CERTIFICATE)
    assert document.width_px is None
    assert b"Exif" not in b"".join(desk.storage.read(document.sha256))


def test_an_upload_that_is_sent_again_counts_once(desk: Desk) -> None:
    upload_id = uuid4()
    first = desk.photo(upload_id=upload_id)
    assert desk.photo(upload_id=upload_id) is first
    assert desk.photo(7, upload_id=upload_id) is first
    assert desk.kept() == [first]


def test_an_upload_that_is_sent_again_after_a_removal_brings_nothing_back(desk: Desk) -> None:
    upload_id = uuid4()
    first = desk.photo(upload_id=upload_id)
    remove_document(desk.session, desk.actor, document_id=first.id, now=NOW)
    assert desk.photo(upload_id=upload_id) is first
    assert desk.kept() == []


def test_an_upload_belongs_to_one_page(desk: Desk, make: Factory) -> None:
    upload_id = uuid4()
    desk.photo(upload_id=upload_id)
    other = make.listing(desk.listing.organisation)
    with pytest.raises(InvalidInput, match="another page"):
        desk.photo(upload_id=upload_id, listing_id=other.id)


def test_the_same_content_twice_is_told_so(desk: Desk, make: Factory) -> None:
    desk.add(title="Grunnundersøkelse")
    with pytest.raises(InvalidInput, match="Grunnundersøkelse"):
        desk.add(name="en annen.pdf")
    elsewhere = desk.add(listing_id=make.listing(desk.listing.organisation).id)
    assert elsewhere.sha256 == desk.kept()[0].sha256


def test_two_that_send_the_same_upload_at_once_make_one_document(committing_engine: Engine) -> None:
    from concurrent.futures import ThreadPoolExecutor

    sessions, storage, upload_id = make_sessions(committing_engine), ObjectStorage(MemoryStore()), uuid4()
    with sessions.begin() as session:
        make = Factory(session, now=NOW)
        listing = make.listing()
        listing_id, actor = listing.id, make.actor(make.member(listing.organisation))

    def send(_number: int) -> int:
        with sessions.begin() as session:
            return Desk(session, actor, session.get_one(Listing, listing_id), storage).photo(upload_id=upload_id).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(4)))) == 1


# Who may, and how many ------------------------------------------------------------------------------------------------


def test_only_an_editor_of_its_organisation_may_add(desk: Desk, make: Factory) -> None:
    viewer = make.actor(make.member(desk.listing.organisation, role=Role.VIEWER))
    for stranger in (viewer, make.actor(), Actor(user_id=None)):
        desk.actor = stranger
        with pytest.raises(Forbidden):
            desk.add()


def test_only_an_editor_of_its_organisation_may_change(desk: Desk, make: Factory) -> None:
    document = desk.photo()
    stranger = make.actor()
    for change in (
        lambda: describe_document(desk.session, stranger, document_id=document.id, title="Mitt"),
        lambda: move_photo(desk.session, stranger, document_id=document.id, by=1),
        lambda: reorder_photos(desk.session, stranger, document_ids=[document.id]),
        lambda: remove_document(desk.session, stranger, document_id=document.id, now=NOW),
    ):
        with pytest.raises(Forbidden):
            change()


def test_nothing_is_added_to_what_is_not_there_or_is_closed(desk: Desk, make: Factory) -> None:
    with pytest.raises(NotFound):
        desk.add(listing_id=987654321)
    document = desk.add()
    desk.listing.status, desk.listing.closed_at, desk.listing.closed_reason = ListingStatus.CLOSED, NOW, "owner"
    with pytest.raises(DocumentsAreClosed):
        desk.photo()
    with pytest.raises(DocumentsAreClosed):
        remove_document(desk.session, desk.actor, document_id=document.id, now=NOW)


def test_projects_and_facilities_have_documents_too(desk: Desk, make: Factory) -> None:
    organisation = desk.listing.organisation
    project = make.project(organisation)
    facility = Facility(
        key="mottak",
        name="Mottak",
        kind=FacilityKind.LANDFILL,
        accepts=[],
        position_25833=stored_point(SANDVIKA),
        municipality_number=BAERUM,
        organisation_id=organisation.id,
        source="egen",
    )
    desk.session.add(facility)
    desk.session.flush()

    permit = desk.add(facility_id=facility.id, kind=DocumentKind.PERMIT)
    plan = desk.add(project_id=project.id, kind=DocumentKind.OTHER)
    assert documents_of(desk.session, facility_id=facility.id) == (permit,)
    assert documents_of(desk.session, project_id=project.id) == (plan,)
    assert (permit.subject, plan.subject) == (facility, project)

    facility.organisation_id = None
    desk.session.flush()
    with pytest.raises(Forbidden):
        desk.add(facility_id=facility.id)


@pytest.mark.parametrize(("kind", "limit"), [(DocumentKind.PHOTO, MOST_PHOTOS), (DocumentKind.OTHER, MOST_FILES)])
def test_there_is_a_limit_to_how_many(
    desk: Desk, kind: DocumentKind, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_PHOTOS", 2)
    monkeypatch.setattr(services, "MOST_FILES", 2)
    assert limit in {20, 30}
    for number in range(2):
        desk.photo(number, kind=kind)
    with pytest.raises(InvalidInput, match="2"):
        desk.photo(9, kind=kind)
    desk.add() if kind is DocumentKind.PHOTO else desk.photo(10)  # the other sort has room of its own


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", DocumentKind.OTHER),
        (b"<html>", DocumentKind.OTHER),
        (PDF, DocumentKind.PHOTO),
        (picture()[:200], DocumentKind.PHOTO),
    ],
)
def test_what_is_refused_leaves_nothing(desk: Desk, content: bytes, kind: DocumentKind) -> None:
    with pytest.raises(InvalidInput) as refused:
        desk.add(content, kind=kind)
    assert [error.field for error in refused.value.errors] == ["file"]
    assert desk.kept() == []
    assert list(desk.storage.stored_before(NOW + timedelta(days=9999))) == []


@pytest.mark.parametrize("good", [0, 1, 2])
def test_a_storage_that_fails_leaves_no_row(desk: Desk, good: int) -> None:
    desk.storage = BrokenStore(good=good)
    with pytest.raises(StorageFailed):
        desk.photo()
    assert desk.session.scalar(select(func.count()).select_from(Document)) == 0


# Describing, order, removal -------------------------------------------------------------------------------------------


def test_what_is_not_named_stays_as_it_was(desk: Desk) -> None:
    document = desk.photo()
    describe_document(desk.session, desk.actor, document_id=document.id, alt_text="  Sprengstein\ni haug ")
    assert (document.alt_text, document.title, document.is_shared) == ("Sprengstein i haug", "IMG_0001", True)
    describe_document(desk.session, desk.actor, document_id=document.id, is_shared=False, title="Haugen")
    assert (document.alt_text, document.title, document.is_shared) == ("Sprengstein i haug", "Haugen", False)


@pytest.mark.parametrize(("field", "text"), [("title", ""), ("title", "x" * 201), ("alt_text", "x" * 201)])
def test_texts_are_held_to_their_limits(desk: Desk, field: str, text: str) -> None:
    document = desk.photo()
    with pytest.raises(InvalidInput) as refused:
        describe_document(desk.session, desk.actor, document_id=document.id, **{field: text})
    assert [error.field for error in refused.value.errors] == [field]


def test_photos_come_first_and_stand_in_the_order_they_are_given(desk: Desk) -> None:
    report = desk.add()
    photos = [desk.photo(number) for number in range(4)]
    assert desk.kept() == [*photos, report]

    reorder_photos(desk.session, desk.actor, document_ids=[photos[2].id, report.id, photos[0].id])
    assert desk.kept() == [photos[2], photos[0], photos[1], photos[3], report]


def test_a_photo_moves_one_place_and_not_beyond_the_ends(desk: Desk) -> None:
    first, second, third = (desk.photo(number) for number in range(3))
    move_photo(desk.session, desk.actor, document_id=third.id, by=-1)
    assert desk.kept() == [first, third, second]
    move_photo(desk.session, desk.actor, document_id=first.id, by=-1)
    move_photo(desk.session, desk.actor, document_id=second.id, by=1)
    assert desk.kept() == [first, third, second]


def test_what_is_removed_is_out_of_sight_and_its_row_stays(desk: Desk) -> None:
    document = desk.add()
    remove_document(desk.session, desk.actor, document_id=document.id, now=NOW)
    assert desk.kept() == []
    assert desk.session.get(Document, document.id) is document
    with pytest.raises(NotFound):
        describe_document(desk.session, desk.actor, document_id=document.id, title="x")
    assert desk.add().id != document.id  # the same content may come again


def test_a_document_that_proves_something_is_not_removed(desk: Desk, editor: Actor) -> None:
    document = desk.add()
    report = LabReport(
        listing_id=desk.listing.id, document_id=document.id, source=LabSource.FILE, created_by_id=editor.user_id
    )
    desk.session.add(report)
    desk.session.flush()
    with pytest.raises(RestsOnDocument):
        remove_document(desk.session, desk.actor, document_id=document.id, now=NOW)
    report.removed_at = NOW
    desk.session.flush()
    assert remove_document(desk.session, desk.actor, document_id=document.id, now=NOW).removed_at == NOW


# The sweep ------------------------------------------------------------------------------------------------------------


class Clocked(ObjectStorage):
    """A storage in which everything was put at one time."""

    def __init__(self, stored_at: datetime) -> None:
        super().__init__(MemoryStore())
        self.stored_at = stored_at

    def stored_before(self, moment: datetime):  # type: ignore[no-untyped-def]
        return super().stored_before(NOW + timedelta(days=9999)) if self.stored_at < moment else iter(())


def swept(desk: Desk, *, now: datetime = NOW) -> int:
    return sweep_content(desk.session, storage=desk.storage, now=now)


def test_content_that_nobody_names_is_swept_after_a_day(desk: Desk) -> None:
    desk.storage = Clocked(NOW)
    document = desk.photo()
    orphan = "ef" * 32
    desk.storage.put(orphan, b"x")
    desk.storage.put(f"{orphan}.card", b"x")

    assert swept(desk, now=NOW + timedelta(hours=23)) == 0
    assert swept(desk, now=NOW + timedelta(hours=25)) == 2
    assert not desk.storage.exists(orphan)
    assert desk.storage.exists(document.sha256)
    assert desk.storage.exists(f"{document.sha256}.{THUMBNAIL}")


def test_what_was_removed_is_swept_when_it_can_no_longer_be_regretted(desk: Desk) -> None:
    desk.storage = Clocked(NOW)
    document = desk.add()
    remove_document(desk.session, desk.actor, document_id=document.id, now=NOW)
    assert swept(desk, now=NOW + KEPT_AFTER_REMOVAL - timedelta(hours=1)) == 0
    assert swept(desk, now=NOW + KEPT_AFTER_REMOVAL + timedelta(hours=1)) == 1


def test_what_a_proof_rested_on_is_never_swept(desk: Desk, editor: Actor) -> None:
    desk.storage = Clocked(NOW)
    document = desk.add()
    desk.session.add(
        LabReport(
            listing_id=desk.listing.id,
            document_id=document.id,
            source=LabSource.FILE,
            created_by_id=editor.user_id,
            removed_at=NOW,
        )
    )
    desk.session.flush()
    remove_document(desk.session, desk.actor, document_id=document.id, now=NOW)
    assert swept(desk, now=NOW + timedelta(days=999)) == 0


def test_a_sweep_takes_so_many_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.services.content_sweep.MOST_AT_ONCE", 2)
    desk.storage = Clocked(NOW)
    for number in range(3):
        desk.storage.put(f"{number:064x}", b"x")
    late = NOW + timedelta(days=2)
    assert [swept(desk, now=late) for _ in range(3)] == [2, 1, 0]


def test_an_upload_and_a_sweep_wait_for_each_other(committing_engine: Engine) -> None:
    """What an upload put again, and has not committed, is not taken away by a sweep that had found it unnamed."""
    from marketplace.services.content_sweep import SWEEP_LOCK, while_not_swept

    sessions = make_sessions(committing_engine)
    with sessions.begin() as uploading, sessions.begin() as sweeping:
        while_not_swept(uploading)
        free = sweeping.scalar(select(func.pg_try_advisory_xact_lock(SWEEP_LOCK)))
        assert free is False
