"""Reading documents and photos: those of one listing, facility or project, and one with what it belongs to."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, joinedload, undefer

from marketplace.models import (
    BackgroundOverride,
    Deal,
    DealStatement,
    Declaration,
    Document,
    LabReport,
    Project,
    RecoveryAnswer,
    Ticket,
)
from marketplace.types import DocumentKind

PROOFS = (LabReport, Declaration, BackgroundOverride)
"""What is said of a lot's quality, and names the document that it rests on."""


def documents_of(
    session: Session,
    *,
    listing_id: int | None = None,
    facility_id: int | None = None,
    project_id: int | None = None,
    kind: DocumentKind | None = None,
    shared_only: bool = False,
) -> tuple[Document, ...]:
    """The documents of one listing, facility or project: photos in their order, then the others, the newest first."""
    query = kept_documents(listing_id=listing_id, facility_id=facility_id, project_id=project_id)
    if kind is not None:
        query = query.where(Document.kind == kind)
    if shared_only:
        query = query.where(Document.is_shared)
    return tuple(session.scalars(query))


def kept_documents(
    *, listing_id: int | None = None, facility_id: int | None = None, project_id: int | None = None
) -> Select[Document]:
    belongs: tuple[ColumnElement[bool], ...] = tuple(
        column == wanted
        for column, wanted in (
            (Document.listing_id, listing_id),
            (Document.facility_id, facility_id),
            (Document.project_id, project_id),
        )
        if wanted is not None
    )
    if len(belongs) != 1:
        raise ValueError("documents belong to one listing, facility or project")
    return (
        select(Document)
        .where(*belongs, Document.removed_at.is_(None))
        .order_by(Document.kind != DocumentKind.PHOTO, Document.ordinal, Document.created_at.desc(), Document.id.desc())
    )


def document_for_page(session: Session, *, document_id: int) -> Document | None:
    """The document with what it belongs to, and all that says who may see that; None also for one that was removed."""
    query = (
        select(Document)
        .where(Document.id == document_id, Document.removed_at.is_(None))
        .options(
            joinedload(Document.listing),
            joinedload(Document.facility),
            joinedload(Document.project).options(undefer(Project.has_open_listings)),
        )
    )
    return session.scalars(query).one_or_none()


def is_proof(session: Session, *, document_id: int) -> bool:
    """Whether what is said of a lot's quality, or of a use being recovery, rests on this document."""
    rests = (exists().where(proof.document_id == document_id, proof.removed_at.is_(None)) for proof in PROOFS)
    return session.scalar(select(or_(*rests, exists().where(RecoveryAnswer.document_id == document_id)))) is True


def is_signed_for(session: Session, *, document: Document) -> bool:
    """Whether a statement of a deal about its lot names it: what is filed must be there to be shown."""
    if document.listing_id is None:
        return False
    named = exists().where(
        DealStatement.deal_id == Deal.id,
        Deal.surplus_id == document.listing_id,
        DealStatement.voided_at.is_(None),
        DealStatement.content["papers"].contains([{"sha256": document.sha256}]),
    )
    return session.scalar(select(named)) is True


def wanted_content(session: Session, *, hashes: Collection[str], removed_since: datetime) -> set[str]:
    """Those of `hashes` whose content must stay.

    That of kept documents and fresh removals, what a proof ever named, and the slips of loads, corrected ones too.
    """
    rests = (exists().where(proof.document_id == Document.id) for proof in (*PROOFS, RecoveryAnswer))
    query = select(Document.sha256).where(
        Document.sha256.in_(hashes),
        or_(Document.removed_at.is_(None), Document.removed_at > removed_since, *rests),
    )
    slips = select(Ticket.slip_sha256).where(Ticket.slip_sha256.in_(hashes))
    return set(session.scalars(query.union(slips)))
