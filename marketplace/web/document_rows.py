"""What pages show of documents and photos, in the visitor's language.

A page of a listing, project or facility hands `documents_section(...)` to its template as `documents`, and includes
`documents/_section.html`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from flask import url_for
from flask_babel import gettext as _

from marketplace import db
from marketplace.file_types import FileType
from marketplace.filters import with_unit
from marketplace.models import Document, Facility, Listing, Project
from marketplace.permissions import Permission, allows
from marketplace.pictures import CARD_PX, THUMBNAIL_PX
from marketplace.queries.documents import documents_of
from marketplace.types import DocumentKind, ListingStatus
from marketplace.web.access import current_actor

type Subject = Listing | Project | Facility

SHORT_HASH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRow:
    id: int
    number: int
    alt: str
    """What a screen reader says: what was written of it, else its number."""
    caption: str
    """What was written of it, if anything."""
    is_shared: bool
    thumbnail_url: str
    card_url: str
    page_url: str
    file_url: str
    thumbnail_size_px: tuple[int, int]
    card_width_px: int
    size: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    id: int
    kind: DocumentKind
    title: str
    file_url: str
    format: str
    size: str
    sha256: str
    short_hash: str
    is_shared: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentsSection:
    """The photos and documents that the visitor may see. `edit_url` for who may add and change them."""

    photos: tuple[PhotoRow, ...]
    files: tuple[FileRow, ...]
    edit_url: str | None
    shows_who_sees: bool
    """Whether to mark what only members see."""

    @property
    def is_empty(self) -> bool:
        return not self.photos and not self.files


def documents_section(subject: Subject) -> DocumentsSection:
    actor = current_actor()
    sees_all = actor.is_admin or (subject.organisation_id is not None and actor.is_member(subject.organisation_id))
    return rows_of(
        documents_of(db.session, **key_of(subject), shared_only=not sees_all),
        edit_url=edit_url_of(subject) if can_change(subject) else None,
        shows_who_sees=sees_all,
    )


def rows_of(documents: tuple[Document, ...], *, edit_url: str | None, shows_who_sees: bool) -> DocumentsSection:
    photos = [each for each in documents if each.kind is DocumentKind.PHOTO]
    return DocumentsSection(
        photos=tuple(photo_row(each, number=number) for number, each in enumerate(photos, start=1)),
        files=tuple(file_row(each) for each in documents if each.kind is not DocumentKind.PHOTO),
        edit_url=edit_url,
        shows_who_sees=shows_who_sees,
    )


def photo_row(document: Document, *, number: int) -> PhotoRow:
    width_px, height_px = document.width_px or 1, document.height_px or 1
    shrunk = min(1.0, THUMBNAIL_PX / max(width_px, height_px))
    return PhotoRow(
        id=document.id,
        number=number,
        alt=document.alt_text or _("Photo %(number)s", number=number),
        caption=document.alt_text,
        is_shared=document.is_shared,
        thumbnail_url=url_for("documents.thumbnail", document_id=document.id),
        card_url=url_for("documents.card", document_id=document.id),
        page_url=url_for("documents.show", document_id=document.id),
        file_url=file_url(document),
        thumbnail_size_px=(max(1, round(width_px * shrunk)), max(1, round(height_px * shrunk))),
        card_width_px=max(1, round(width_px * min(1.0, CARD_PX / max(width_px, height_px)))),
        size=file_size(document.size_bytes),
        created_at=document.created_at,
    )


def file_row(document: Document) -> FileRow:
    return FileRow(
        id=document.id,
        kind=document.kind,
        title=document.title,
        file_url=file_url(document),
        format=FileType(document.media_type).name,
        size=file_size(document.size_bytes),
        sha256=document.sha256,
        short_hash=document.sha256[:SHORT_HASH],
        is_shared=document.is_shared,
        created_at=document.created_at,
    )


def file_url(document: Document) -> str:
    return url_for("documents.file", document_id=document.id, name=document.file_name)


def file_size(size_bytes: int) -> str:
    """1,2 MB; 340 kB."""
    if size_bytes >= 1_000_000:
        return with_unit(size_bytes / 1_000_000, "MB", 1)
    return with_unit(max(1, size_bytes / 1000), "kB")


def can_change(subject: Subject) -> bool:
    is_closed = isinstance(subject, Listing) and subject.status is ListingStatus.CLOSED
    return not is_closed and allows(Permission.EDIT_DOCUMENTS, current_actor(), subject)


class SubjectKey(TypedDict, total=False):
    """The one keyword that queries and services know a subject by."""

    listing_id: int
    project_id: int
    facility_id: int


def key_of(subject: Subject) -> SubjectKey:
    match subject:
        case Listing():
            return {"listing_id": subject.id}
        case Project():
            return {"project_id": subject.id}
        case Facility():
            return {"facility_id": subject.id}


def edit_url_of(subject: Subject, *, action: str = "of", **values: Any) -> str:
    """The page that adds and changes documents; with `action` "arrange", where its forms are posted to."""
    return url_for(f"documents.{action}_{type(subject).__name__.lower()}", **key_of(subject), **values)
