"""Reading enquiries: those that an organisation got, those that somebody sent, and one with all that was written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Exists, Select, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload, selectinload

from marketplace.models import Enquiry, EnquiryMessage, Listing, Notice
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import EnquiryStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class EnquiryRow:
    enquiry: Enquiry
    last: str
    """What was written last."""
    is_unread: bool


def enquiry_for_page(session: Session, *, enquiry_id: int) -> Enquiry | None:
    """An enquiry that its owner was told of, with listing, owner and messages."""
    query = (
        select(Enquiry)
        .where(Enquiry.id == enquiry_id, Enquiry.status != EnquiryStatus.UNCONFIRMED)
        .options(
            joinedload(Enquiry.listing).joinedload(Listing.municipality),
            joinedload(Enquiry.organisation),
            selectinload(Enquiry.messages).joinedload(EnquiryMessage.author),
        )
    )
    return session.scalars(query).one_or_none()


def received_enquiries(
    session: Session, *, organisation_ids: tuple[int, ...], user_id: int, waiting_only: bool, cursor: Cursor
) -> IdPage[EnquiryRow]:
    """What organisations got, first what waits for an answer, then what was written in last.

    `waiting_only` is only what waits: what is open and has the visitor's word last.
    """
    query = _rows(user_id).where(Enquiry.organisation_id.in_(organisation_ids))
    if waiting_only:
        query = query.where(Enquiry.waits)
    return _page(session, query, cursor=cursor, sorted_by=(Enquiry.waits, Enquiry.touched_at))


def sent_enquiries(session: Session, *, email: str, user_id: int, cursor: Cursor) -> IdPage[EnquiryRow]:
    """What was asked from an address, which is known to be the reader's, first what was written in last."""
    query = _rows(user_id).where(func.lower(Enquiry.email) == email.lower())
    return _page(session, query, cursor=cursor, sorted_by=(Enquiry.touched_at,))


def count_waiting(session: Session, *, organisation_ids: tuple[int, ...]) -> int:
    """How many enquiries of some organisations wait for an answer."""
    query = select(func.count()).where(Enquiry.organisation_id.in_(organisation_ids), Enquiry.waits)
    return session.scalar(query) or 0


def is_unread(session: Session, *, enquiry_id: int, user_id: int) -> bool:
    """Whether something of it was told to a person, who has not seen it."""
    return bool(session.scalar(select(_is_unread(user_id).where(Notice.enquiry_id == enquiry_id))))


def _is_unread(user_id: int) -> Exists:
    return exists().where(Notice.user_id == user_id, Notice.read_at.is_(None))


def _rows(user_id: int) -> Select[tuple[Enquiry, str, bool]]:
    last = (
        select(EnquiryMessage.body)
        .where(EnquiryMessage.enquiry_id == Enquiry.id)
        .order_by(EnquiryMessage.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    is_unread = _is_unread(user_id).where(Notice.enquiry_id == Enquiry.id)
    return (
        select(Enquiry, func.left(last, 300).label("last"), is_unread.label("is_unread"))
        .where(Enquiry.status != EnquiryStatus.UNCONFIRMED)
        .options(joinedload(Enquiry.listing).joinedload(Listing.municipality), joinedload(Enquiry.organisation))
    )


def _page(
    session: Session,
    query: Select[tuple[Enquiry, str, bool]],
    *,
    cursor: Cursor,
    sorted_by: Sequence[InstrumentedAttribute[Any]],
) -> IdPage[EnquiryRow]:
    return page_by_id(
        session,
        query,
        key=Enquiry.id,
        make=lambda row: EnquiryRow(enquiry=row.Enquiry, last=row.last or "", is_unread=row.is_unread),
        id_of=lambda row: row.enquiry.id,
        cursor=cursor,
        sorted_by=sorted_by,
    )
