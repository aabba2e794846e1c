"""What the two sides of a deal write to each other, how far each person has read, and whether they are told of it."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, selectinload

from marketplace.actor import Actor
from marketplace.errors import Forbidden, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Deal, DealFollow, DealMessage, DealReading, Notice
from marketplace.services.deal_actions import DealAction, require, sides_of
from marketplace.services.deal_events import DealEvent, set_read, tell
from marketplace.text import is_blank

LONGEST: Final = 5000
SENT_TWICE: Final = timedelta(minutes=5)
"""The same words of the same person within this time are a form that was sent twice."""


def send_message(session: Session, actor: Actor, *, deal_id: int, body: str, now: datetime) -> DealMessage:
    """The message, which the other side is told of; one that is sent again by accident is the one that is there.

    Raises:
        NotFound: there is no such deal.
        Forbidden: the actor may not act for either side.
        InvalidInput: nothing was written, or too much.
    """
    if is_blank(body):
        raise field_error("body", N_("Write something first."))
    if len(body) > LONGEST:
        raise field_error("body", N_("Use at most %(maximum)s characters."), maximum=LONGEST)
    deal = _held(session, deal_id)
    side = require(DealAction.MESSAGE, deal, actor)
    assert actor.user_id is not None
    sent_before = session.scalars(
        select(DealMessage)
        .where(DealMessage.deal_id == deal.id, DealMessage.author_id == actor.user_id, DealMessage.body == body)
        .where(DealMessage.created_at > now - SENT_TWICE)
        .order_by(DealMessage.id.desc())
        .limit(1)
    ).first()
    if sent_before is not None:
        return sent_before
    message = DealMessage(deal_id=deal.id, side=side, author_id=actor.user_id, body=body, created_at=now)
    session.add(message)
    deal.touched_at = now
    session.flush()
    tell(session, deal, DealEvent.MESSAGE, by=side, now=now, about_id=message.id)
    return message


def mark_read(session: Session, actor: Actor, *, deal_id: int, seen_at: datetime, now: datetime) -> None:
    """Keep that a person has seen all that stood on the deal's page at `seen_at`; what is newer stays unread."""
    assert actor.user_id is not None
    until = min(seen_at, now)
    reading = insert(DealReading).values(deal_id=deal_id, user_id=actor.user_id, read_at=until)
    session.execute(
        reading.on_conflict_do_update(
            index_elements=[DealReading.deal_id, DealReading.user_id],
            set_={"read_at": func.greatest(DealReading.read_at, until)},
        )
    )
    seen = select(Notice.id).where(Notice.user_id == actor.user_id, Notice.deal_id == deal_id, Notice.last_at <= until)
    set_read(session, seen, now=now)


def follow(session: Session, actor: Actor, *, deal: Deal, is_following: bool) -> None:
    """Keep a person's own word on whether they are told of a deal.

    Raises:
        Forbidden: they act for neither side, and so are not told in any case.
    """
    if not sides_of(deal, actor):
        raise Forbidden
    word = insert(DealFollow).values(deal_id=deal.id, user_id=actor.user_id, is_following=is_following)
    session.execute(
        word.on_conflict_do_update(
            index_elements=[DealFollow.deal_id, DealFollow.user_id], set_={"is_following": is_following}
        )
    )


def _held(session: Session, deal_id: int) -> Deal:
    """The deal alone, which is the last to be held of all that belongs to it: nothing else changes with a message."""
    deal = session.scalars(
        select(Deal)
        .where(Deal.id == deal_id)
        .options(selectinload(Deal.offers))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if deal is None:
        raise NotFound
    return deal
