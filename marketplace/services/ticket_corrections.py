"""Putting right what a ticket says: a new row in place of the old one, which stays and counts for nothing."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Forbidden, InvalidInput
from marketplace.i18n_marker import N_
from marketplace.models import Deal, Ticket
from marketplace.services.commitments import HeldDeal, hold
from marketplace.services.deal_actions import DealAction, require, sides_of
from marketplace.services.deal_events import DealEvent
from marketplace.services.known_tickets import OtherTicket
from marketplace.services.ticket_reports import TicketReport, checked_report, day_problems, put_slip, read_slip
from marketplace.services.tickets import (
    CorrectedMeanwhile,
    bounded,
    checked_reason,
    load_columns,
    require_current,
    require_left_to_deliver,
    ticket_of,
    told_of,
)
from marketplace.storage import Storage
from marketplace.text import clean_text
from marketplace.types import TicketSource, TicketStatus

KEPT_WHEN_VOIDED = (
    "deal_id",
    "number",
    "loaded_at",
    "vehicle_registration",
    "mass_t",
    "is_weighed",
    "carrier",
    "origin_name",
    "destination_name",
    "note",
)
SLIP = ("slip_sha256", "slip_media_type", "slip_size_bytes")


def correct_ticket(
    session: Session,
    actor: Actor,
    *,
    deal_id: int,
    ticket_id: int,
    report: TicketReport,
    reason: str,
    storage: Storage | None = None,
    now: datetime,
) -> Ticket:
    """The new row that says what is right; the old one stays, and counts for nothing.

    Only the side that reported a load corrects it; the other side disputes. What was confirmed has to be confirmed
    anew. A photo stays unless another is given. Sent twice under one `client_key`, it is made once.

    Raises:
        NotFound, Forbidden, Conflict: as for `deals.require`, or the other side reported it.
        CorrectedMeanwhile: another row has taken its place, also one of the same `client_key` that says another thing.
        OtherTicket: the number or the key is another load's.
        InvalidInput: as for `add_ticket`, or no reason is given (field "reason").
    """
    report = checked_report(report, now=now)
    slip = put_slip(session, read_slip(report.slip), storage=storage)
    held = hold(session, deal_id=deal_id)
    deal = held.deal
    require(DealAction.CORRECT_TICKET, deal, actor)
    again = _sent_before(session, deal, report, ticket_id=ticket_id)
    if again is not None:
        if _says_all_the_same(again, report, deal, slip=slip, reason=reason):
            return again
        raise CorrectedMeanwhile
    old = _correctable(session, actor, deal, ticket_id)
    problems = tuple(day_problems(report, deal))
    if problems:
        raise InvalidInput(*problems)
    reason = checked_reason(reason, missing=N_("Say why it is corrected."))
    number = report.number or old.number
    _require_free(session, deal, number, but=old)
    require_left_to_deliver(deal, report.mass_t, instead_of_t=old.counted_t)
    new = Ticket(**load_columns(report, deal), **(slip or _slip_of(old)), number=number, status=TicketStatus.REPORTED)
    new.client_key = report.client_key
    _put_in_place(session, actor, held, old=old, new=new, reason=reason, now=now)
    was_disputed = old.status is TicketStatus.DISPUTED  # then the other side waits for it
    told_of(session, deal, DealEvent.TICKET_CORRECTED, by=old.side, about_id=new.id, at_once=was_disputed, now=now)
    return new


def void_ticket(session: Session, actor: Actor, *, deal_id: int, ticket_id: int, reason: str, now: datetime) -> Ticket:
    """The new row that says that a load was never delivered.

    Raises:
        NotFound, Forbidden, Conflict, CorrectedMeanwhile, InvalidInput: as for `correct_ticket`.
    """
    held = hold(session, deal_id=deal_id)
    deal = held.deal
    require(DealAction.CORRECT_TICKET, deal, actor)
    old = _correctable(session, actor, deal, ticket_id)
    if old.status is TicketStatus.VOIDED:
        return old
    reason = checked_reason(reason, missing=N_("Say why it is voided."))
    new = Ticket(**{name: getattr(old, name) for name in KEPT_WHEN_VOIDED}, **_slip_of(old), status=TicketStatus.VOIDED)
    _put_in_place(session, actor, held, old=old, new=new, reason=reason, now=now)
    was_disputed = old.status is TicketStatus.DISPUTED  # then the other side waits for it
    told_of(session, deal, DealEvent.TICKET_VOIDED, by=old.side, about_id=new.id, at_once=was_disputed, now=now)
    return new


def _correctable(session: Session, actor: Actor, deal: Deal, ticket_id: int) -> Ticket:
    ticket = ticket_of(session, deal, ticket_id)
    if ticket.side not in sides_of(deal, actor):
        raise Forbidden(N_("The other side reported this load. Dispute it, and they can correct it."))
    require_current(ticket)
    return ticket


def _sent_before(session: Session, deal: Deal, report: TicketReport, *, ticket_id: int) -> Ticket | None:
    """The correction of the ticket that was made under the report's key.

    Raises:
        OtherTicket: the key is another ticket's.
    """
    if report.client_key is None:
        return None
    sent = session.scalar(select(Ticket).where(Ticket.deal_id == deal.id, Ticket.client_key == report.client_key))
    if sent is not None and sent.corrects_id != ticket_id:
        raise OtherTicket(sent)
    return sent


def _says_all_the_same(
    ticket: Ticket, report: TicketReport, deal: Deal, *, slip: Mapping[str, object], reason: str
) -> bool:
    """Whether a correction is the one that made the ticket, sent again: to the letter, or what was added would go."""
    said = {**load_columns(report, deal), **slip, "correction_reason": clean_text(reason)}
    if report.number:
        said["number"] = report.number
    return all(getattr(ticket, name) == value for name, value in said.items())


def _require_free(session: Session, deal: Deal, number: str, *, but: Ticket) -> None:
    """A number that another load ever had is taken; one that this load had before is not."""
    own: Ticket | None = but
    own_ids = []
    while own is not None:
        own_ids.append(own.id)
        own = own.corrects
    other = session.scalar(
        select(Ticket)
        .where(Ticket.deal_id == deal.id, func.lower(Ticket.number) == func.lower(number), Ticket.id.not_in(own_ids))
        .order_by(Ticket.id.desc())
        .limit(1)
    )
    if other is not None:
        raise OtherTicket(other)


def _slip_of(ticket: Ticket) -> dict[str, object]:
    return {name: getattr(ticket, name) for name in SLIP}


def _put_in_place(
    session: Session, actor: Actor, held: HeldDeal, *, old: Ticket, new: Ticket, reason: str, now: datetime
) -> None:
    assert actor.user_id is not None
    new.source, new.side, new.reported_by_id = TicketSource.TYPED, old.side, actor.user_id
    new.corrects_id, new.correction_reason, new.created_at = old.id, reason, now
    with bounded(session, held, now=now):
        old.is_current = False
        session.flush()  # the number must be free before the new row takes it
        session.add(new)
