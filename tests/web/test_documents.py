"""Photos and documents over the web: handed in with and without scripts, put in order, and served with permission."""

import io
import re
from http import HTTPStatus
from uuid import uuid4

import html5lib
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from marketplace.file_types import LIMIT_BYTES
from marketplace.models import Document, Listing, User
from marketplace.queries.documents import documents_of
from marketplace.storage import ObjectStorage, Storage, StorageFailed
from marketplace.types import DocumentKind, ListingStatus, Role
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory
from tests.files import HTML, PDF, SVG, office, photo_from_phone, picture

JSON = {"Accept": "application/json"}


@pytest.fixture
def listing(make: Factory) -> Listing:
    return make.listing()


@pytest.fixture
def editor(make: Factory, listing: Listing) -> User:
    return make.member(listing.organisation, role=Role.EDITOR)


@pytest.fixture
def browser(client: Client, editor: User) -> Client:
    return client.in_english().log_in_as(editor)


@pytest.fixture
def storage(app: Flask) -> Storage:
    kept: Storage = app.storage  # type: ignore[attr-defined] - set by build_app
    return kept


class Page:
    """The page that adds documents to a listing."""

    def __init__(self, browser: Client, session: Session, listing: Listing) -> None:
        self.browser, self.session, self.listing = browser, session, listing
        self.address = f"/listings/{listing.id}/documents"

    def send(self, *files: tuple[bytes, str], headers: dict[str, str] | None = None, **answers: str) -> TestResponse:
        data = {
            "upload_id": str(uuid4()),
            **answers,
            "file": [FileStorage(io.BytesIO(content), filename=name) for content, name in files],
        }
        boundary, body = encode_multipart(data)
        kind = f'multipart/form-data; boundary="{boundary}"'
        return self.browser.post(self.address, data=body, content_type=kind, headers=headers or {})

    def send_photos(self, *contents: bytes, **options: object) -> TestResponse:
        named = [(content, f"IMG_{number}.jpg") for number, content in enumerate(contents, start=1)]
        return self.send(*named, kind="photo", **options)  # type: ignore[arg-type]

    def send_report(self, content: bytes = PDF, name: str = "rapport.pdf", **answers: str) -> TestResponse:
        return self.send((content, name), **{"kind": "lab_report", "is_shared": "y", **answers})

    def arrange(self, **answers: str) -> TestResponse:
        return self.browser.post(f"{self.address}/arrange", data=answers)

    @property
    def kept(self) -> list[Document]:
        self.session.expire_all()
        return list(documents_of(self.session, listing_id=self.listing.id))

    @property
    def html(self) -> str:
        return self.browser.get(self.address).text


@pytest.fixture
def page(browser: Client, session: Session, listing: Listing) -> Page:
    return Page(browser, session, listing)


# Handing in -----------------------------------------------------------------------------------------------------------


def test_several_photos_are_sent_by_a_plain_form(page: Page) -> None:
    answer = page.send_photos(picture(colour="red"), photo_from_phone(), picture("PNG"))
    assert (answer.status_code, answer.location) == (302, page.address)
    assert [each.file_name for each in page.kept] == ["IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg"]
    assert "3 photos are added." in page.html


def test_of_several_photos_the_good_ones_are_kept_and_the_others_named(page: Page) -> None:
    answer = page.send_photos(picture(colour="red"), SVG, picture(colour="blue"))
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert [each.file_name for each in page.kept] == ["IMG_1.jpg", "IMG_3.jpg"]
    assert "IMG_2.jpg: This kind of file is not taken." in answer.text
    assert 'aria-describedby="photo-file-error"' in answer.text


def test_a_form_that_is_sent_again_adds_nothing(page: Page) -> None:
    upload_id = str(uuid4())
    for _ in range(2):
        page.send_photos(picture(colour="red"), picture(colour="blue"), upload_id=upload_id)
    assert len(page.kept) == 2


def test_a_document_is_sent_with_its_kind_name_and_readers(page: Page) -> None:
    assert page.send_report(title="Grunnundersøkelse", kind="certificate").status_code == 302
    page.send((office(), "tall.pdf"), kind="other")
    document, hidden = sorted(page.kept, key=lambda each: each.id)
    assert (document.title, document.kind, document.is_shared) == (
        "Grunnundersøkelse",
        DocumentKind.CERTIFICATE,
        True,
    )
    assert (hidden.file_name, hidden.is_shared) == ("tall.xlsx", False)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "tom.pdf", "The file is empty."),
        (HTML, "rapport.pdf", "This kind of file is not taken."),
        (PDF[:-20], "rapport.pdf", "The file is damaged"),
        (PDF + bytes(LIMIT_BYTES), "stor.pdf", "The file is 26 MB. It can be at most 25 MB."),
    ],
)
def test_what_is_wrong_with_a_file_stands_beside_it(page: Page, content: bytes, name: str, message: str) -> None:
    answer = page.send_report(content, name, title="Det jeg skrev")
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    beside = re.search(r'<div id="file-file-error".*?</div>', answer.text, re.DOTALL)
    assert beside
    assert message in beside.group()
    assert "Det jeg skrev" in answer.text
    assert page.kept == []


@pytest.mark.parametrize("kind", ["", "photo", "nonsense"])
def test_without_a_file_or_a_kind_nothing_is_added(page: Page, kind: str) -> None:
    assert page.send(kind=kind).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert page.kept == []


def test_a_script_is_answered_in_few_words(page: Page) -> None:
    upload_id = str(uuid4())
    first, again = (page.send_photos(picture(), headers=JSON, upload_id=upload_id) for _ in range(2))
    assert (first.status_code, again.status_code) == (HTTPStatus.CREATED, HTTPStatus.CREATED)
    assert first.json == again.json == {"ids": [page.kept[0].id]}

    refused = page.send_photos(SVG, headers=JSON)
    assert (refused.status_code, refused.is_json) == (HTTPStatus.UNPROCESSABLE_ENTITY, True)
    assert "not taken" in refused.json["detail"]


def test_an_upload_without_a_name_of_its_own_is_taken(page: Page) -> None:
    assert page.send_photos(picture(), upload_id="nonsense").status_code == 302
    assert len(page.kept) == 1


def test_a_storage_that_fails_is_said_so_and_leaves_nothing(
    page: Page, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object) -> None:
        raise StorageFailed

    monkeypatch.setattr(ObjectStorage, "put", fail)
    answer = page.send_photos(picture(), headers=JSON)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert page.kept == []


def test_only_who_is_logged_in_may_send_much(page: Page, client: Client, listing: Listing) -> None:
    much = picture() + bytes(5 * 1024 * 1024)
    assert page.send_photos(much).status_code == 302
    client.application.config["WTF_CSRF_ENABLED"] = True  # which reads the form before anything else
    page.browser = client.application.test_client()  # type: ignore[assignment] - a visitor
    assert page.send_photos(much).status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_more_than_one_request_may_hold_is_refused(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.web.documents.UPLOAD_BYTES", 1000)
    assert page.send_photos(picture(size=(2000, 2000))).status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert page.kept == []


def test_a_closed_listing_takes_nothing_more(page: Page, session: Session) -> None:
    page.send_report()
    page.listing.status, page.listing.closed_at, page.listing.closed_reason = ListingStatus.CLOSED, NOW, "owner"
    session.flush()
    assert page.browser.get(page.address).status_code == HTTPStatus.CONFLICT
    assert page.send_report().status_code == HTTPStatus.CONFLICT
    assert page.arrange(remove=str(page.kept[0].id)).status_code == HTTPStatus.CONFLICT
    shown = page.browser.get(f"/listings/{page.listing.id}").text
    assert "rapport" in shown
    assert page.address not in shown


# Putting in order -----------------------------------------------------------------------------------------------------


def test_what_was_written_is_kept_by_every_button(page: Page) -> None:
    page.send_photos(picture(colour="red"), picture(colour="blue"))
    first, second = page.kept
    answer = page.arrange(
        **{f"text-{first.id}": "Haugen", f"text-{second.id}": "Bruddet", f"shared-{second.id}": "y"},
        later=str(first.id),
    )
    assert answer.location == f"{page.address}?moved={first.id}#document-{first.id}"
    assert page.kept == [second, first]
    assert (first.alt_text, first.is_shared, second.alt_text, second.is_shared) == ("Haugen", False, "Bruddet", True)


def test_a_description_that_is_too_long_comes_back_as_it_was_typed(page: Page) -> None:
    page.send_photos(picture())
    (photo,) = page.kept
    answer = page.arrange(**{f"text-{photo.id}": "å" * 201, f"shared-{photo.id}": "y"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "å" * 201 in answer.text
    assert f'id="error-{photo.id}"' in answer.text


def test_a_document_is_renamed_and_removed(page: Page, session: Session) -> None:
    page.send_report()
    (document,) = page.kept
    page.arrange(**{f"text-{document.id}": "Ny rapport"})
    session.refresh(document)
    assert (document.title, document.is_shared) == ("Ny rapport", False)
    name = document.file_name
    page.arrange(remove=str(document.id))
    assert page.kept == []
    assert session.scalar(select(Document.removed_at)) == NOW
    assert page.browser.get(f"/documents/{document.id}/{name}").status_code == HTTPStatus.NOT_FOUND


def test_documents_of_another_page_are_not_moved_or_removed(page: Page, make: Factory, storage: Storage) -> None:
    other = make.photo(make.listing(page.listing.organisation), storage=storage)
    for button in ("earlier", "remove"):
        assert page.arrange(**{button: str(other.id)}).status_code == HTTPStatus.NOT_FOUND
    assert other.removed_at is None


# Seeing ---------------------------------------------------------------------------------------------------------------


def test_a_listing_shows_its_photos_and_documents(page: Page, client: Client) -> None:
    page.send_photos(picture())
    page.send_report(title="Prøver <fra> feltet")
    photo, report = page.kept
    page.arrange(**{f"text-{photo.id}": "Steinhaug", f"shared-{photo.id}": "y", f"text-{report.id}": report.title})

    visitor = client.application.test_client()
    shown = visitor.get(f"/listings/{page.listing.id}").text
    assert 'alt="Steinhaug"' in shown
    assert f"/documents/{photo.id}/thumbnail" in shown
    assert "Prøver" not in shown  # it is shared with nobody any more
    assert page.address not in shown

    own = page.browser.get(f"/listings/{page.listing.id}").text
    assert "Prøver &lt;fra&gt; feltet" in own
    assert report.sha256[:12] in own
    assert "Members only" in own


def test_a_listing_without_any_says_nothing_to_others(page: Page, client: Client) -> None:
    visitor = client.application.test_client()
    assert "documents-heading" not in visitor.get(f"/listings/{page.listing.id}").text
    assert "Add photos and documents" in page.browser.get(f"/listings/{page.listing.id}").text


def test_many_photos_take_no_more_questions_than_one(
    page: Page, make: Factory, storage: Storage, count_queries: QueryCounter
) -> None:
    counts: list[tuple[int, int]] = []
    page.browser.get(f"/listings/{page.listing.id}")
    for _ in range(2):
        make.photo(page.listing, storage=storage)
        with count_queries() as statements:
            page.browser.get(f"/listings/{page.listing.id}")
        with count_queries() as on_own_page:
            page.browser.get(page.address)
        counts.append((len(statements), len(on_own_page)))
    assert counts[0] == counts[1]


def test_a_photo_has_a_page_that_leads_to_its_neighbours(page: Page, make: Factory, storage: Storage) -> None:
    first, second, third = (make.photo(page.listing, storage=storage) for _ in range(3))
    second.is_shared = False
    page.session.flush()
    assert f"/documents/{second.id}" in page.browser.get(f"/documents/{first.id}").text
    visitor = page.browser.application.test_client()
    shown = visitor.get(f"/documents/{first.id}").text
    assert f'href="/documents/{third.id}"' in shown
    assert f"/documents/{second.id}" not in shown


# Serving --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def report(page: Page) -> Document:
    page.send_report(PDF, "Rapport æøå.pdf")
    return page.kept[0]


@pytest.fixture
def address(report: Document) -> str:
    return f"/documents/{report.id}/{report.file_name}"


def test_a_report_is_served_as_what_it_is_and_nothing_else(page: Page, address: str, report: Document) -> None:
    answer = page.browser.get(address)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PDF, "application/pdf")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == (
        "inline; filename=\"Rapport a.pdf\"; filename*=UTF-8''Rapport%20%C3%A6%C3%B8%C3%A5.pdf"
    )
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert answer.get_etag() == (report.sha256, False)


def test_what_a_browser_could_run_or_open_elsewhere_is_saved_instead(page: Page) -> None:
    page.send((office(), "tall.xlsx"), (b"", ""), kind="other", is_shared="y")
    page.send((b"Bly;12\n", "tall.csv"), kind="other", is_shared="y")
    for document in page.kept:
        answer = page.browser.get(f"/documents/{document.id}/{document.file_name}")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_photos_are_served_in_three_sizes_in_a_sandbox(page: Page) -> None:
    page.send_photos(picture(size=(3000, 2000)))
    (photo,) = page.kept
    sizes = []
    for name in (photo.file_name, "card", "thumbnail"):
        answer = page.browser.get(f"/documents/{photo.id}/{name}")
        assert answer.mimetype == "image/jpeg"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        sizes.append(len(answer.data))
        again = page.browser.get(f"/documents/{photo.id}/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_a_browser_keeps_what_all_may_see_and_asks_again_for_what_members_see(
    page: Page, address: str, report: Document
) -> None:
    assert page.browser.get(address).headers["Cache-Control"] == "private, max-age=86400, immutable"
    report.is_shared = False
    page.session.flush()
    assert page.browser.get(address).headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-4", PDF[:5]),
        ("bytes=5-", PDF[5:]),
        ("bytes=-6", PDF[-6:]),
        ("bytes=0-999999", PDF),
    ],
)
def test_a_part_is_served_where_a_part_is_asked_for(page: Page, address: str, asked: str, expected: bytes) -> None:
    answer = page.browser.get(address, headers={"Range": asked})
    assert (answer.status_code, answer.data) == (HTTPStatus.PARTIAL_CONTENT, expected)
    assert answer.content_length == len(expected)
    start = PDF.index(expected)
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/{len(PDF)}"


def test_a_part_that_is_not_there_is_refused(page: Page, address: str) -> None:
    answer = page.browser.get(address, headers={"Range": "bytes=9999-"})
    assert answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    assert answer.headers["Content-Range"] == f"bytes */{len(PDF)}"


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-4", "If-Range": '"another"'},
        {"Range": "bytes=0-1,3-4"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=4-1"},
    ],
)
def test_the_whole_is_served_where_a_part_would_not_fit(page: Page, address: str, headers: dict[str, str]) -> None:
    answer = page.browser.get(address, headers=headers)
    assert (answer.status_code, answer.data) == (200, PDF)


def test_a_download_goes_on_where_it_broke_off(page: Page, address: str) -> None:
    tag = page.browser.get(address).headers["ETag"]
    answer = page.browser.get(address, headers={"Range": "bytes=10-", "If-Range": tag})
    assert (answer.status_code, answer.data) == (HTTPStatus.PARTIAL_CONTENT, PDF[10:])


def test_only_its_own_name_leads_to_a_document(page: Page, report: Document) -> None:
    for name in ("rapport.html", "..%2f..%2fetc%2fpasswd"):
        assert page.browser.get(f"/documents/{report.id}/{name}").status_code == HTTPStatus.NOT_FOUND


def test_content_that_is_missing_is_not_there(page: Page, address: str, report: Document, storage: Storage) -> None:
    storage.delete([report.sha256])
    assert page.browser.get(address).status_code == HTTPStatus.NOT_FOUND


def test_a_photo_without_its_smaller_ones_is_served_whole(page: Page, make: Factory, storage: Storage) -> None:
    photo = make.photo(page.listing, storage=storage)
    storage.delete([f"{photo.sha256}.thumbnail"])
    assert len(page.browser.get(f"/documents/{photo.id}/thumbnail").data) == photo.size_bytes


def test_projects_and_facilities_have_a_page_too(page: Page, make: Factory) -> None:
    project = make.project(page.listing.organisation)
    facility = make.facility(page.listing.organisation)
    for address in (f"/projects/{project.id}/documents", f"/facilities/{facility.id}/documents"):
        page.address = address
        assert page.send_report(kind="permit").location == address
        assert "rapport" in page.html


def test_the_pages_are_valid_and_name_each_thing_once(page: Page) -> None:
    page.send_photos(picture(colour="red"), picture(colour="blue"))
    page.send_report()
    photo = page.kept[0]
    refused = page.send_report(HTML)
    too_long = page.arrange(**{f"text-{photo.id}": "x" * 201})
    shown = [page.browser.get(path).text for path in (page.address, f"/documents/{photo.id}")]
    for html in (*shown, refused.text, too_long.text):
        parser = html5lib.HTMLParser()
        parser.parse(html)
        assert parser.errors == []
        ids = re.findall(r'\bid="([^"]+)"', html)
        assert sorted(ids) == sorted(set(ids))
        assert html.count("<h1") == 1
