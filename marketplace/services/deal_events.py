"""Telling people of what befalls their deals.

`tell` writes one notice a person in the transaction of the change it tells of. Whoever wants mail at once gets it in
the same transaction; what is left waits for the daily mail (`services/notices.py`), unless it has been read by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.materials import taxonomy
from marketplace.models import Deal, DealFollow, DealMessage, DealOffer, Listing, Membership, Notice, Organisation, User
from marketplace.models.mail import MailContext
from marketplace.services.mail import send_mail
from marketplace.types import DealEvent as DealEvent  # noqa: PLC0414 (said again for whoever imports it from here)
from marketplace.types import NoticePace, Role, Side

NEVER_AT_ONCE: Final = frozenset(
    {
        DealEvent.RECOVERY_ANSWERED,
        DealEvent.TICKET_ADDED,
        DealEvent.TICKET_CONFIRMED,
        DealEvent.TICKET_CORRECTED,
        DealEvent.TICKET_VOIDED,
    }
)
"""What comes by the dozen a day waits for the daily mail, however soon somebody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    user: User
    side: Side


def tell(
    session: Session, deal: Deal, event: DealEvent, *, by: Side | None, now: datetime, about_id: int | None = None
) -> int:
    """Tell the people of the other side than `by`, or of both where it happened by itself; returns how many.

    `about_id` is the message, statement or ticket that it is about: each is told of once, however often this is called.
    What is about none is counted up in the person's waiting notice, if there is one.

    A message sent along with a request or an offer is told of by that: no `MESSAGE` beside it.
    """
    session.flush()
    sides = (by.other,) if by is not None else (Side.GIVER, Side.TAKER)
    told = [follower for side in sides for follower in followers(session, deal, side=side)]
    if not told:
        return 0
    fresh = _write(session, deal, event, told=told, by=by, about_id=about_id, now=now)
    for follower in told:
        notice_id = fresh.get(follower.user.id)
        if notice_id is None or follower.user.deal_notices is not NoticePace.IMMEDIATE or event in NEVER_AT_ONCE:
            continue
        mail = send_mail(
            session,
            to=follower.user.email,
            template="deal_notice",
            locale=follower.user.locale,
            context=_context(session, deal, event, follower=follower, about_id=about_id),
        )
        session.execute(update(Notice).where(Notice.id == notice_id).values(mail_id=mail.id))
    return len(fresh)


def followers(session: Session, deal: Deal, *, side: Side) -> Sequence[Follower]:
    """Who of a side is told: who said so, and who has to do with the deal and did not say no; else its owners.

    Whoever opened it, offered, answered or wrote in it has to do with it, and whoever put up the listing. All of them
    may act for the organisation, with an address that is known to be theirs.
    """
    listing_id = deal.surplus_id if side is Side.GIVER else deal.taking_listing_id
    takes_part = or_(
        User.id == deal.created_by_id,
        exists().where(Listing.id == listing_id, Listing.created_by_id == User.id),
        exists().where(
            DealOffer.deal_id == deal.id, or_(DealOffer.made_by_id == User.id, DealOffer.answered_by_id == User.id)
        ),
        exists().where(DealMessage.deal_id == deal.id, DealMessage.author_id == User.id),
    )
    candidates = session.execute(
        select(User, Membership.role, DealFollow.is_following, takes_part.label("takes_part"))
        .join(Membership, Membership.user_id == User.id)
        .outerjoin(DealFollow, and_(DealFollow.deal_id == deal.id, DealFollow.user_id == User.id))
        .where(Membership.organisation_id == deal.organisation_id_of(side))
        .where(Membership.role.in_((Role.OWNER, Role.EDITOR)))
        .where(User.email_confirmed_at.is_not(None), User.banned_at.is_(None))
        .order_by(User.id)
    ).all()
    following = [row.User for row in candidates if (row.takes_part if row.is_following is None else row.is_following)]
    if not following:
        following = [row.User for row in candidates if row.role is Role.OWNER and row.is_following is None]
    return [Follower(user=user, side=side) for user in following]


def _write(
    session: Session,
    deal: Deal,
    event: DealEvent,
    *,
    told: Sequence[Follower],
    by: Side | None,
    about_id: int | None,
    now: datetime,
) -> dict[int, int]:
    """The notices that say something new, by the person's id."""
    rows = [
        {
            "user_id": follower.user.id,
            "deal_id": deal.id,
            "event": event,
            "by": by,
            "about_id": about_id,
            "first_at": now,
            "last_at": now,
        }
        for follower in told
    ]
    statement = insert(Notice).values(rows)
    if about_id is not None:
        statement = statement.on_conflict_do_nothing(
            index_elements=[Notice.user_id, Notice.deal_id, Notice.event, Notice.about_id],
            index_where=Notice.about_id.is_not(None),
        )
    else:
        statement = statement.on_conflict_do_update(
            index_elements=[Notice.user_id, Notice.deal_id, Notice.event],
            index_where=and_(Notice.about_id.is_(None), Notice.mail_id.is_(None), Notice.read_at.is_(None)),
            set_={"times": Notice.times + 1, "last_at": func.greatest(Notice.last_at, now), "by": by},
        )
    return {row.user_id: row.id for row in session.execute(statement.returning(Notice.user_id, Notice.id))}


def _context(
    session: Session, deal: Deal, event: DealEvent, *, follower: Follower, about_id: int | None
) -> MailContext:
    material = taxonomy().material(deal.material_key)
    other = session.get_one(Organisation, deal.organisation_id_of(follower.side.other))
    message = session.get_one(DealMessage, about_id).body if event is DealEvent.MESSAGE and about_id else ""
    return {
        "name": follower.user.name,
        "deal_id": deal.id,
        "event": event.value,
        "other": other.name,
        "material": material.name_en if follower.user.locale == "en" else material.name_no,
        "lines": [{"line": line} for line in message.splitlines()],
    }
