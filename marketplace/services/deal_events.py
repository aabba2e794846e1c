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
from marketplace.clock import local_date
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
    Ticket,
    User,
)
from marketplace.models.mail import MailContext
from marketplace.services.mail import send_mail
from marketplace.types import DealEvent as DealEvent  # noqa: PLC0414 (said again for whoever imports it from here)
from marketplace.types import NoticePace, OfferStatus, Role, Side, TicketStatus

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

OFFERS: Final = frozenset({DealEvent.REQUESTED, DealEvent.OFFERED, DealEvent.COUNTERED, DealEvent.AMENDMENT_PROPOSED})
"""What comes with terms to be answered."""

ABOUT_A_TICKET: Final = frozenset({DealEvent.TICKET_DISPUTED, DealEvent.TICKET_CORRECTED, DealEvent.TICKET_VOIDED})

ANSWERED: Final = OFFERS | {DealEvent.MESSAGE, DealEvent.TICKET_DISPUTED, DealEvent.TICKET_CORRECTED, DealEvent.ENQUIRY}
"""What whoever is told of it answers."""


def tell(
    session: Session,
    deal: Deal,
    event: DealEvent,
    *,
    by: Side | None,
    now: datetime,
    about_id: int | None = None,
    times: int = 1,
    at_once: bool = False,
) -> int:
    """Tell the people of the other side than `by`, or of both where it happened by itself; returns how many.

    `about_id` is the message, statement or ticket that it is about: each is told of once, however often this is called.
    What is about none is counted up in the person's waiting notice, if there is one, by `times`: how often it happened.
    `at_once` tells of it without waiting for the daily mail, also where such things come by the dozen.

    A message sent along with a request or an offer is told of by that: no `MESSAGE` beside it.
    """
    session.flush()
    sides = (by.other,) if by is not None else (Side.GIVER, Side.TAKER)
    told = [(user, side) for side in sides for user in followers(session, deal, side=side)]
    if not told:
        return 0
    common = {"deal_id": deal.id, "event": event, "by": by, "about_id": about_id, "times": times}
    fresh = _write(session, common, user_ids={user.id for user, _side in told}, now=now)
    for user, side in told:
        if user.id in fresh and _wants_it_now(user, event, at_once=at_once):
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
                "offers": [],
                "loads": [],
                "asks_for": _asked(event),
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


def _wants_it_now(user: User, event: DealEvent, *, at_once: bool = False) -> bool:
    return user.deal_notices is NoticePace.IMMEDIATE and (at_once or event not in NEVER_AT_ONCE)


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
                "times": Notice.times + statement.excluded.times,
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
    ticket = session.get_one(Ticket, about_id) if event in ABOUT_A_TICKET and about_id else None
    message = session.get_one(DealMessage, about_id).body if event is DealEvent.MESSAGE and about_id else ""
    return {
        "name": user.name,
        "path": _path(deal, event, ticket),
        "event": event.value,
        "by": by or "",
        "other": other.name,
        "material": material_in(deal.material_key, user.locale),
        "lines": quoted(message) if ticket is None else quoted(_reason(ticket)),
        "offers": _offers(session, deal) if event in OFFERS else [],
        "loads": [] if ticket is None else [{"number": ticket.number, "mass_t": str(ticket.mass_t)}],
        "asks_for": _asked(event),
    }


def _path(deal: Deal, event: DealEvent, ticket: Ticket | None) -> str:
    if ticket is not None:
        return f"/deals/{deal.id}/tickets/{ticket.id}"
    is_about_statement = event in (DealEvent.STATEMENT_DRAWN_UP, DealEvent.STATEMENT_VOIDED, DealEvent.COMPLETED)
    return f"/deals/{deal.id}/statement" if is_about_statement else f"/deals/{deal.id}"


def _reason(ticket: Ticket) -> str:
    """Why it stands as it does, in the words of who did that to it."""
    return ticket.dispute_reason if ticket.status is TicketStatus.DISPUTED else ticket.correction_reason


def _asked(event: DealEvent) -> str:
    """What the mail asks for: an answer, a signature, or nothing but to be read."""
    if event in ANSWERED:
        return "answer"
    return "signature" if event is DealEvent.STATEMENT_DRAWN_UP else ""


def _offers(session: Session, deal: Deal) -> list[dict[str, str | int]]:
    """The terms that wait for an answer; read anew, since the deal's own list may be of before."""
    offer = session.scalar(select(DealOffer).where(DealOffer.deal_id == deal.id, DealOffer.status == OfferStatus.OPEN))
    if offer is None:
        return []
    return [
        {
            "mass_t": str(offer.mass_t),
            "starts_on": offer.starts_on.isoformat(),
            "ends_on": offer.ends_on.isoformat(),
            "price_kind": offer.price_kind.value,
            "price_nok_per_t": "" if offer.price_nok_per_t is None else str(offer.price_nok_per_t),
            "answer_by": local_date(offer.expires_at).isoformat(),
        }
    ]
