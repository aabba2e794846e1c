"""Documents and photos beside a listing, a facility or a project: added, described, put in order, taken away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import sha256
from pathlib import PurePath
from typing import Literal
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound, field_error
from marketplace.file_types import FIELD, FileType, recognise, safe_name
from marketplace.i18n_marker import N_
from marketplace.models import Document, Facility, Listing, Project, VerificationRequest
from marketplace.pictures import Picture, read_picture
from marketplace.queries.documents import is_proof, is_signed_for, kept_documents
from marketplace.services.content_sweep import while_not_swept
from marketplace.services.editing import NAME_LIMIT, text_problems
from marketplace.storage import Storage
from marketplace.text import clean_line
from marketplace.types import DocumentKind, ListingStatus

type Subject = Listing | Facility | Project

MOST_PHOTOS = 20
MOST_FILES = 30

CARD = "card"
THUMBNAIL = "thumbnail"
"""What is derived from a photo lies beside it under its hash and one of these."""

NO_PICTURE = N_("This is no picture. Add it under documents instead.")
ENOUGH_PHOTOS = N_("There are %(limit)s photos already, which is as many as there can be. Remove one first.")
ENOUGH_FILES = N_("There are %(limit)s documents already, which is as many as there can be. Remove one first.")
HERE_ALREADY = N_("This is here already: “%(title)s”.")
OTHER_UPLOAD = N_("This upload belongs to another page. Choose the file again.")


class DocumentsAreClosed(Conflict):
    message = N_("This listing is closed, and its documents stay as they are.")


class RestsOnDocument(Conflict):
    message = N_("What is said of the quality, or of recovery, rests on this document. Remove that first.")


class SignedFor(Conflict):
    message = N_("A statement that was signed names this document, so it stays.")


class Unchanged(Enum):
    """Told apart from None and from an empty text: what is not to be changed."""

    UNCHANGED = "unchanged"


UNCHANGED: Literal[Unchanged.UNCHANGED] = Unchanged.UNCHANGED


def add_document(
    session: Session,
    actor: Actor,
    *,
    listing_id: int | None = None,
    facility_id: int | None = None,
    project_id: int | None = None,
    kind: DocumentKind,
    title: str = "",
    file_name: str,
    content: bytes,
    upload_id: UUID,
    is_shared: bool = True,
    takes_what_is_there: bool = False,
    storage: Storage,
    now: datetime,
) -> Document:
    """The document that `content` became, or became earlier where an upload is sent again under the same `upload_id`.

    The same content under another name is refused, or is the document that is there where `takes_what_is_there`.

    A picture is encoded anew, without the camera's position (`marketplace.pictures`); other files stay as they are.
    The content is in the storage for good before the row is written. Without a title it is called as the file is.

    Raises:
        NotFound: there is no such listing, facility or project.
        Forbidden: the actor may not change it.
        DocumentsAreClosed: the listing is closed.
        InvalidInput: the file cannot be taken (field "file"), or the title is too long.
        StorageFailed: the storage does not answer.
    """
    subject = _editable_subject(session, actor, listing_id=listing_id, facility_id=facility_id, project_id=project_id)
    assert subject.organisation_id is not None
    assert actor.user_id is not None
    earlier = session.scalar(
        select(Document).where(Document.organisation_id == subject.organisation_id, Document.upload_id == upload_id)
    )
    if earlier is not None:
        return _same_upload(earlier, subject)
    file = _kept_file(content, file_name=file_name, kind=kind)
    title = clean_line(title) or PurePath(file.name).stem
    problems = tuple(text_problems(title, field="title", limit=NAME_LIMIT))
    if problems:
        raise InvalidInput(*problems)

    there = tuple(session.scalars(_kept_of(subject)))
    _require_room(there, kind=kind)
    for each in there:
        if each.sha256 == file.sha256:
            if takes_what_is_there:
                return each
            raise field_error(FIELD, HERE_ALREADY, title=each.title)

    while_not_swept(session)
    _store(storage, file)
    is_photo = kind is DocumentKind.PHOTO
    document = Document(
        organisation_id=subject.organisation_id,
        listing_id=subject.id if isinstance(subject, Listing) else None,
        facility_id=subject.id if isinstance(subject, Facility) else None,
        project_id=subject.id if isinstance(subject, Project) else None,
        kind=kind,
        title=title,
        file_name=file.name,
        media_type=file.file_type.value,
        size_bytes=len(file.content),
        sha256=file.sha256,
        width_px=file.picture.width_px if file.picture and is_photo else None,
        height_px=file.picture.height_px if file.picture and is_photo else None,
        ordinal=1 + max((each.ordinal for each in there), default=0) if is_photo else 0,
        is_shared=is_shared,
        upload_id=upload_id,
        uploaded_by_id=actor.user_id,
        created_at=now,
    )
    session.add(document)
    session.flush()
    return document


def add_proof_of_organisation(
    session: Session,
    actor: Actor,
    *,
    request: VerificationRequest,
    file_name: str,
    content: bytes,
    upload_id: UUID,
    storage: Storage,
    now: datetime,
) -> Document:
    """The document that shows that somebody may act for their organisation; its members and administrators see it.

    Raises:
        InvalidInput: the file cannot be taken (field "file").
        StorageFailed: the storage does not answer.
    """
    assert actor.user_id is not None
    file = _kept_file(content, file_name=file_name, kind=DocumentKind.OTHER)
    while_not_swept(session)
    _store(storage, file)
    document = Document(
        organisation_id=request.organisation_id,
        verification_request_id=request.id,
        kind=DocumentKind.OTHER,
        title=PurePath(file.name).stem,
        file_name=file.name,
        media_type=file.file_type.value,
        size_bytes=len(file.content),
        sha256=file.sha256,
        is_shared=False,
        upload_id=upload_id,
        uploaded_by_id=actor.user_id,
        created_at=now,
    )
    session.add(document)
    session.flush()
    return document


def describe_document(
    session: Session,
    actor: Actor,
    *,
    document_id: int,
    title: str | Unchanged = UNCHANGED,
    alt_text: str | Unchanged = UNCHANGED,
    is_shared: bool | Unchanged = UNCHANGED,
) -> Document:
    """The document with another title, another account of what a photo shows, or other readers.

    Raises:
        NotFound, Forbidden, DocumentsAreClosed: as for `add_document`.
        InvalidInput: a text is too long, or the title says nothing.
    """
    document = _editable(session, actor, document_id=document_id)
    problems: list[FieldError] = []
    if not isinstance(title, Unchanged):
        document.title = title = clean_line(title)
        problems += text_problems(title, field="title", limit=NAME_LIMIT, missing=N_("Give the document a name."))
    if not isinstance(alt_text, Unchanged):
        document.alt_text = alt_text = clean_line(alt_text)
        problems += text_problems(alt_text, field="alt_text", limit=NAME_LIMIT)
    if problems:
        raise InvalidInput(*problems)
    if not isinstance(is_shared, Unchanged):
        document.is_shared = is_shared
    session.flush()
    return document


def reorder_photos(session: Session, actor: Actor, *, document_ids: Sequence[int]) -> None:
    """Put the photos of one listing, facility or project in the order of `document_ids`.

    Photos that it does not name come after in the order they had; ids of something else are passed over.

    Raises:
        NotFound, Forbidden, DocumentsAreClosed: as for `add_document`.
    """
    if not document_ids:
        return
    first = _editable(session, actor, document_id=document_ids[0])
    photos = _photos_beside(session, first)
    place = {document_id: number for number, document_id in enumerate(document_ids)}
    _number(sorted(photos, key=lambda photo: place.get(photo.id, len(place))))
    session.flush()


def move_photo(session: Session, actor: Actor, *, document_id: int, by: int) -> Document:
    """The photo, `by` places further on in its row (backwards where negative), at most at its ends.

    Raises:
        NotFound, Forbidden, DocumentsAreClosed: as for `add_document`.
    """
    document = _editable(session, actor, document_id=document_id)
    photos = _photos_beside(session, document)
    if document in photos:
        at = photos.index(document)
        photos.insert(max(0, at + by), photos.pop(at))
        _number(photos)
        session.flush()
    return document


def remove_document(session: Session, actor: Actor, *, document_id: int, now: datetime) -> Document:
    """The document, out of sight. Its row stays; its content goes a month later.

    Raises:
        NotFound, Forbidden, DocumentsAreClosed: as for `add_document`.
        RestsOnDocument: lab results, a declaration or an answer of recovery name it as their proof.
        SignedFor: a statement of a deal names it.
    """
    document = _editable(session, actor, document_id=document_id)
    if is_proof(session, document_id=document.id):
        raise RestsOnDocument
    if is_signed_for(session, document=document):
        raise SignedFor
    document.removed_at = now
    session.flush()
    return document


def _editable(session: Session, actor: Actor, *, document_id: int) -> Document:
    document = session.scalar(select(Document).where(Document.id == document_id, Document.removed_at.is_(None)))
    if document is None or document.verification_request_id is not None:
        raise NotFound
    _editable_subject(
        session,
        actor,
        listing_id=document.listing_id,
        facility_id=document.facility_id,
        project_id=document.project_id,
    )
    session.refresh(document)  # as it is now that nobody else can change what stands beside it
    if document.removed_at is not None:
        raise NotFound
    return document


def _editable_subject(
    session: Session,
    actor: Actor,
    *,
    listing_id: int | None,
    facility_id: int | None,
    project_id: int | None,
) -> Subject:
    """What documents are to be added to or changed at, its row locked.

    The lock lets one upload at a time count what is there: two that are sent at once could otherwise both take the
    last place, or be the same photo twice.
    """
    if sum(each is not None for each in (listing_id, facility_id, project_id)) != 1:
        raise ValueError("a document belongs to one listing, facility or project")
    # FOR NO KEY UPDATE: rows elsewhere may go on pointing at it meanwhile.
    lock = {"key_share": True}
    subject: Subject | None
    if listing_id is not None:
        subject = session.get(Listing, listing_id, with_for_update=lock)
    elif facility_id is not None:
        subject = session.get(Facility, facility_id, with_for_update=lock)
    else:
        subject = session.get(Project, project_id, with_for_update=lock)
    if subject is None:
        raise NotFound
    if subject.organisation_id is None or not actor.can_edit(subject.organisation_id):
        raise Forbidden
    if isinstance(subject, Listing) and subject.status is ListingStatus.CLOSED:
        raise DocumentsAreClosed
    return subject


def _same_upload(earlier: Document, subject: Subject) -> Document:
    """What an upload became when it came the first time; that it was removed since does not bring it back."""
    column = {Listing: earlier.listing_id, Facility: earlier.facility_id, Project: earlier.project_id}
    if column[type(subject)] != subject.id:
        raise field_error(FIELD, OTHER_UPLOAD)
    return earlier


def _kept_of(subject: Subject) -> Select[Document]:
    match subject:
        case Listing():
            return kept_documents(listing_id=subject.id)
        case Facility():
            return kept_documents(facility_id=subject.id)
        case Project():
            return kept_documents(project_id=subject.id)


def _photos_beside(session: Session, document: Document) -> list[Document]:
    query = kept_documents(
        listing_id=document.listing_id, facility_id=document.facility_id, project_id=document.project_id
    )
    return list(session.scalars(query.where(Document.kind == DocumentKind.PHOTO)))


def _number(photos: Sequence[Document]) -> None:
    for number, photo in enumerate(photos, start=1):
        photo.ordinal = number


def _require_room(there: Sequence[Document], *, kind: DocumentKind) -> None:
    photos = sum(each.kind is DocumentKind.PHOTO for each in there)
    if kind is DocumentKind.PHOTO and photos >= MOST_PHOTOS:
        raise field_error(FIELD, ENOUGH_PHOTOS, limit=MOST_PHOTOS)
    if kind is not DocumentKind.PHOTO and len(there) - photos >= MOST_FILES:
        raise field_error(FIELD, ENOUGH_FILES, limit=MOST_FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeptFile:
    """A file as it will be kept, `picture` where it shows one."""

    name: str
    file_type: FileType
    content: bytes
    sha256: str
    picture: Picture | None


def _kept_file(content: bytes, *, file_name: str, kind: DocumentKind) -> _KeptFile:
    """
    Raises:
        InvalidInput: the file cannot be taken (field "file").
    """
    file_type = recognise(content, file_name=file_name)
    if kind is DocumentKind.PHOTO and not file_type.is_picture:
        raise field_error(FIELD, NO_PICTURE)
    picture = read_picture(content, file_type=file_type) if file_type.is_picture else None
    kept_type = FileType.JPEG if file_type.is_picture else file_type
    kept = picture.content if picture else content
    return _KeptFile(
        name=safe_name(file_name, file_type=kept_type),
        file_type=kept_type,
        content=kept,
        sha256=sha256(kept).hexdigest(),
        picture=picture,
    )


def _store(storage: Storage, file: _KeptFile) -> None:
    """The parts before the whole: what names a photo finds all of it."""
    if file.picture:
        storage.put(f"{file.sha256}.{THUMBNAIL}", file.picture.thumbnail)
        storage.put(f"{file.sha256}.{CARD}", file.picture.card)
    storage.put(file.sha256, file.content)
