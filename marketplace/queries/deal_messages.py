"""Reading what was written in a deal."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.models import DealMessage, DealReading, Notice
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import Side

AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondence:
    """The newest messages, oldest of them first. `read_at` is how far the person has read, None who never has."""

    messages: tuple[DealMessage, ...]
    page: IdPage[DealMessage]
    read_at: datetime | None
    unread: int
    """Of the other side, also those on older pages."""
    has_notices: bool
    """Whether the person was told of something in the deal that they have not seen."""


def correspondence(
    session: Session, *, deal_id: int, user_id: int | None, side: Side | None, cursor: Cursor
) -> Correspondence:
    """`side` is the reader's own; an administrator has none, and nothing unread."""
    page: IdPage[DealMessage] = page_by_id(
        session,
        select(DealMessage).where(DealMessage.deal_id == deal_id).options(joinedload(DealMessage.author)),
        key=DealMessage.id,
        make=lambda row: row.DealMessage,
        id_of=lambda message: message.id,
        cursor=cursor,
        size=AT_ONCE,
    )
    read_at = session.scalar(
        select(DealReading.read_at).where(DealReading.deal_id == deal_id, DealReading.user_id == user_id)
    )
    unread = 0
    if side is not None:
        newer = select(func.count()).where(DealMessage.deal_id == deal_id, DealMessage.side != side)
        unread = session.scalar(newer if read_at is None else newer.where(DealMessage.created_at > read_at)) or 0
    told = exists().where(Notice.deal_id == deal_id, Notice.user_id == user_id, Notice.read_at.is_(None))
    return Correspondence(
        messages=tuple(reversed(page.items)),
        page=page,
        read_at=read_at,
        unread=unread,
        has_notices=bool(session.scalar(select(told))),
    )
