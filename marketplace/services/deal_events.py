"""Telling people of what befalls their deals, and of enquiries.

`tell` writes one notice a person in the transaction of the change it tells of. Whoever wants mail at once gets it in
the same transaction; what is left waits for the daily mail (`services/notices.py`), unless it has been read by then.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.materials import taxonomy
from marketplace.models import (
    Deal,
    DealFollow,
    DealMessage,
    DealOffer,
    Enquiry,
    EnquiryMessage,
    Listing,
    Membership,
    Notice,
    Organisation,
    User,
)
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
    told = [(user, side) for side in sides for user in followers(session, deal, side=side)]
    if not told:
        return 0
    common = {"deal_id": deal.id, "event": event, "by": by, "about_id": about_id}
    fresh = _write(session, common, user_ids={user.id for user, _side in told}, now=now)
    for user, side in told:
        if user.id in fresh and _wants_it_now(user, event):
            context = _context_of_deal(session, deal, event, by=by, user=user, side=side, about_id=about_id)
            _mail(session, user, context, notice_id=fresh.pop(user.id))
    return len({user.id for user, _side in told})


def tell_of_enquiry(
    session: Session, enquiry: Enquiry, message: EnquiryMessage, *, people: Sequence[User], now: datetime
) -> None:
    """Tell an owner's people what a visitor has written; each message once."""
    session.flush()
    if not people:
        return
    event = DealEvent.ENQUIRY
    common = {"enquiry_id": enquiry.id, "event": event, "about_id": message.id}
    fresh = _write(session, common, user_ids={user.id for user in people}, now=now)
    for user in people:
        if user.id in fresh and _wants_it_now(user, event):
            context: MailContext = {
                "name": user.name,
                "path": f"/enquiries/{enquiry.id}",
                "event": event.value,
                "by": "",
                "other": enquiry.name,
                "material": material_in(enquiry.listing.material_key, user.locale),
                "lines": quoted(message.body),
            }
            _mail(session, user, context, notice_id=fresh[user.id])


def followers(session: Session, deal: Deal, *, side: Side) -> Sequence[User]:
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
    return following


def set_read(session: Session, notices: Select[*tuple[Any, ...]], *, now: datetime) -> None:
    """Mark those of the notices as read that are not; `notices` selects their ids.

    One that is being written at this moment is newer than what anybody has seen, and is not waited for: whoever writes
    it may be about to write another one that is held here.
    """
    unread = notices.where(Notice.read_at.is_(None)).with_for_update(skip_locked=True)
    session.execute(update(Notice).where(Notice.id.in_(unread)).values(read_at=now))


def quoted(text: str) -> list[dict[str, str | int]]:
    """What somebody wrote, line by line, for a mail: each is marked as theirs, so none can pose as a line of ours."""
    return [{"line": line} for line in text.splitlines()]


def material_in(material_key: str, locale: str) -> str:
    material = taxonomy().material(material_key)
    return material.name_en if locale == "en" else material.name_no


def _wants_it_now(user: User, event: DealEvent) -> bool:
    return user.deal_notices is NoticePace.IMMEDIATE and event not in NEVER_AT_ONCE


def _write(
    session: Session, common: Mapping[str, object], *, user_ids: Collection[int], now: datetime
) -> dict[int, int]:
    """The notices that say something new, by the person's id. Rows are written in one order: none waits for another."""
    rows = [{**common, "user_id": user_id, "first_at": now, "last_at": now} for user_id in sorted(user_ids)]
    statement = insert(Notice).values(rows)
    if common["about_id"] is not None:
        statement = statement.on_conflict_do_nothing()
    else:
        statement = statement.on_conflict_do_update(
            index_elements=[Notice.user_id, Notice.deal_id, Notice.event],
            index_where=and_(Notice.about_id.is_(None), Notice.mail_id.is_(None), Notice.read_at.is_(None)),
            set_={
                "times": Notice.times + 1,
                "last_at": func.greatest(Notice.last_at, now),
                "by": statement.excluded.by,
            },
        )
    return {row.user_id: row.id for row in session.execute(statement.returning(Notice.user_id, Notice.id))}


def _mail(session: Session, user: User, context: MailContext, *, notice_id: int) -> None:
    mail = send_mail(session, to=user.email, template="deal_notice", locale=user.locale, context=context)
    session.execute(update(Notice).where(Notice.id == notice_id).values(mail_id=mail.id))


def _context_of_deal(
    session: Session, deal: Deal, event: DealEvent, *, by: Side | None, user: User, side: Side, about_id: int | None
) -> MailContext:
    other = session.get_one(Organisation, deal.organisation_id_of(side.other))
    message = session.get_one(DealMessage, about_id).body if event is DealEvent.MESSAGE and about_id else ""
    return {
        "name": user.name,
        "path": f"/deals/{deal.id}",
        "event": event.value,
        "by": by or "",
        "other": other.name,
        "material": material_in(deal.material_key, user.locale),
        "lines": quoted(message),
    }
