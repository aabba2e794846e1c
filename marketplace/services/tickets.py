"""Loads by ticket: reported once, confirmed or disputed by the other side, and corrected by new rows.

Every change is made under the deal's locks (`commitments.hold`), so that what is left to deliver is what is compared
with. The database holds the same bounds once more.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, Forbidden, InvalidInput, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Deal, GateLink, Ticket
from marketplace.services.commitments import HeldDeal, hold, settle
from marketplace.services.deal_actions import DealAction, require, sides_of
from marketplace.services.deal_events import DealEvent, tell
from marketplace.services.editing import text_problems
from marketplace.services.gate_links import Gate, require_open
from marketplace.services.known_tickets import known_tickets
from marketplace.services.statement_changes import void_if_changed
from marketplace.services.ticket_reports import (
    TicketReport,
    checked_report,
    day_problems,
    put_slip,
    read_slip,
)
from marketplace.storage import Storage
from marketplace.text import clean_text
from marketplace.types import Side, TicketSource, TicketStatus

type Reporter = Actor | Gate

REASON_LIMIT = 2_000
NO_SLIP: Final[Mapping[str, object]] = MappingProxyType({})
OWN_NUMBER = "L-"
"""Before the number of a load that has no slip."""

CONFIRMED_AT_ONCE = 500
"""Each is written to the log and sealed there, which takes its time."""

TOO_MUCH = N_("This load is %(mass_t)s t, and %(left_t)s t is left of what is agreed, tolerance included.")
NO_ROOM = N_("The facility has promised the room that this would take to others.")
NOT_BROUGHT_IN = N_("More than this cannot leave the hub: the first leg brings in no more.")
OTHER_DAY = N_("This link is for another day. Ask for the loads of this time to be entered by hand.")

BEYOND = {
    "ck_deal_delivered_t": N_("This load is more than is left of what is agreed."),
    "ck_listing_committed_t": N_("This load is more than is left of what is agreed."),
    "ck_facility_booked": NO_ROOM,
    "ck_deal_onward_t": NOT_BROUGHT_IN,
}
"""What the bounds of the database say when a load breaks them."""


class CorrectedMeanwhile(Conflict):
    message = N_("This ticket has been corrected since you opened it. Look at the newest one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    ticket: Ticket
    is_new: bool
    """False where the same load had been reported before: it counts once."""


def left_to_deliver_t(deal: Deal) -> Decimal:
    """What may still be driven of a deal, with the tolerance for the weighbridge."""
    return max(most_delivered_t(deal) - deal.delivered_t, Decimal(0))


def most_delivered_t(deal: Deal) -> Decimal:
    return deal.agreed_t * (1 + deal.tolerance_percent / 100)


# Reporting ------------------------------------------------------------------------------------------------------------


def add_ticket(
    session: Session,
    reporter: Reporter,
    *,
    deal_id: int,
    report: TicketReport,
    source: TicketSource = TicketSource.TYPED,
    storage: Storage | None = None,
    now: datetime,
) -> Added:
    """The ticket of a load, new or the one that was there: the same load sent twice counts once.

    It is known by the sender's own key, and by its number in the deal, also where it has been corrected since.

    Raises:
        NotFound, Forbidden, Conflict: the reporter may not, or the deal is not one that loads are driven for.
        GateClosed: the gate's link was withdrawn, or its time has run out.
        OtherTicket: the number or the key stands for another load.
        InvalidInput: a field cannot be taken, or the load is more than is left (field "mass_t").
    """
    report = checked_report(report, now=now)
    slip = put_slip(session, read_slip(report.slip), storage=storage)  # before rows are locked: it takes its time
    held = hold(session, deal_id=deal_id)
    intake = Intake(session, reporter, held, reports=[report], source=source, now=now)
    added = intake.take(report, slip=slip)
    intake.write()
    return added


class Intake:
    """Loads on their way into a deal that is held: each is looked at as it is taken, and `write` keeps all at once.

    Raises:
        NotFound, Forbidden: the deal is not the reporter's.
    """

    def __init__(
        self,
        session: Session,
        reporter: Reporter,
        held: HeldDeal,
        *,
        reports: Collection[TicketReport],
        source: TicketSource = TicketSource.TYPED,
        now: datetime,
    ) -> None:
        _require_party(reporter, held.deal)
        self.session, self.reporter, self.held, self.now = session, reporter, held, now
        self.source = TicketSource.GATE if isinstance(reporter, Gate) else source
        self.new: list[Ticket] = []
        self.new_t = Decimal(0)
        self.known = known_tickets(session, held.deal, reports)

    def take(self, report: TicketReport, *, slip: Mapping[str, object] = NO_SLIP) -> Added:
        """The ticket of one of the reports, checked already: one that is to be written, or the one that it repeats.

        Raises:
            Forbidden, Conflict, GateClosed, OtherTicket, InvalidInput: as for `add_ticket`.
        """
        deal, reporter = self.held.deal, self.reporter
        repeated = self.known.repeated_by(report)
        if repeated is not None:
            return Added(ticket=repeated, is_new=False)
        side = _require_reporter(self.session, reporter, deal, report, now=self.now)
        problems = tuple(day_problems(report, deal))
        if problems:
            raise InvalidInput(*problems)
        require_left_to_deliver(deal, report.mass_t, beside_t=self.new_t)
        ticket = Ticket(
            **load_columns(report, deal),
            **slip,
            number=report.number or _own_number(self.session, deal, beside=self.new),
            status=TicketStatus.REPORTED,
            source=self.source,
            side=side,
            client_key=report.client_key,
            gate_link_id=reporter.link_id if isinstance(reporter, Gate) else None,
            reported_by_id=None if isinstance(reporter, Gate) else reporter.user_id,
            created_at=self.now,
        )
        self.new.append(ticket)
        self.new_t += report.mass_t
        self.known.add(ticket)
        return Added(ticket=ticket, is_new=True)

    def write(self) -> None:
        """Keep what is new, and tell the other side of it once.

        Raises:
            InvalidInput: it is more than the database knows to be left (field "mass_t").
            Conflict: what the quantities rest on has no room for it.
        """
        if not self.new:
            return
        with bounded(self.session, self.held, now=self.now):
            self.session.add_all(self.new)
        told_of(
            self.session,
            self.held.deal,
            DealEvent.TICKET_ADDED,
            by=self.new[0].side,
            times=len(self.new),
            now=self.now,
        )


def _require_party(reporter: Reporter, deal: Deal) -> None:
    if isinstance(reporter, Gate):
        if reporter.deal_id != deal.id:
            raise NotFound
    elif not any(reporter.can_edit(each) for each in deal.organisation_ids):
        raise Forbidden


def _require_reporter(session: Session, reporter: Reporter, deal: Deal, report: TicketReport, *, now: datetime) -> Side:
    if not isinstance(reporter, Gate):
        return require(DealAction.ADD_TICKET, deal, reporter)
    link = session.get_one(GateLink, reporter.link_id, populate_existing=True)
    require_open(session, link, now=now)
    if local_date(report.loaded_at) != link.valid_on:
        raise field_error("loaded_at", OTHER_DAY)
    return link.side


def _own_number(session: Session, deal: Deal, *, beside: Collection[Ticket]) -> str:
    """A number for a load without a slip, that no other ticket of the deal has, also none that is still to be kept."""
    count = session.scalar(select(func.count()).select_from(Ticket).where(Ticket.deal_id == deal.id)) or 0
    count += len(beside)
    pending = {ticket.number.lower() for ticket in beside}
    while True:
        count += 1
        number = f"{OWN_NUMBER}{count}"
        taken = select(Ticket.id).where(Ticket.deal_id == deal.id, func.lower(Ticket.number) == number.lower())
        if number.lower() not in pending and session.scalar(taken) is None:
            return number


# Confirming and disputing ---------------------------------------------------------------------------------------------


def confirm_tickets(
    session: Session, actor: Actor, *, deal_id: int, ticket_ids: Collection[int] | None = None, now: datetime
) -> int:
    """Say that loads were received as reported; returns how many were confirmed by this.

    Of the other side's tickets only. `ticket_ids` None means all that nobody has said anything of; a disputed one is
    confirmed only by its id. What is confirmed already stays as it is. At most `CONFIRMED_AT_ONCE`, the oldest first.

    Raises:
        NotFound, Forbidden, Conflict: as for `deals.require`.
    """
    deal = hold(session, deal_id=deal_id).deal
    side = require(DealAction.CONFIRM_TICKET, deal, actor)
    answerable = [TicketStatus.REPORTED] if ticket_ids is None else [TicketStatus.REPORTED, TicketStatus.DISPUTED]
    waiting = (
        select(Ticket.id)
        .where(
            Ticket.deal_id == deal.id,
            Ticket.is_current,
            Ticket.status.in_(answerable),
            Ticket.side.in_(_reporters_answered_by(actor, deal)),
        )
        .order_by(Ticket.id)
        .limit(CONFIRMED_AT_ONCE)
    )
    if ticket_ids is not None:
        waiting = waiting.where(Ticket.id.in_(list(ticket_ids)))
    statement = (
        update(Ticket)
        .where(Ticket.id.in_(waiting.scalar_subquery()))
        .values(
            status=TicketStatus.CONFIRMED,
            confirmed_at=now,
            confirmed_by_id=actor.user_id,
            disputed_at=None,
        )
        .returning(Ticket.id)
        .execution_options(synchronize_session=False)
    )
    confirmed = session.scalars(statement).all()
    if confirmed:
        session.expire_all()
        deal = session.get_one(Deal, deal_id)
        told_of(session, deal, DealEvent.TICKET_CONFIRMED, by=side, now=now)
    return len(confirmed)


def dispute_ticket(
    session: Session, actor: Actor, *, deal_id: int, ticket_id: int, reason: str, now: datetime
) -> Ticket:
    """The ticket, disputed for a reason. It counts until it is corrected or voided.

    Raises:
        NotFound, Forbidden, Conflict: as for `deals.require`; also of the own side's tickets.
        CorrectedMeanwhile: another row has taken its place.
        InvalidInput: no reason is given (field "reason").
    """
    deal = hold(session, deal_id=deal_id).deal
    ticket = ticket_of(session, deal, ticket_id)
    side = require(DealAction.DISPUTE_TICKET, deal, actor, reported_by=ticket.side)
    require_current(ticket)
    if ticket.status is TicketStatus.VOIDED:
        raise Conflict(N_("This ticket is voided and counts for nothing."))
    reason = checked_reason(reason, missing=N_("Say what is wrong with the ticket."))
    ticket.status = TicketStatus.DISPUTED
    ticket.disputed_at, ticket.disputed_by_id, ticket.dispute_reason = now, actor.user_id, reason
    ticket.confirmed_at = ticket.confirmed_by_id = None
    session.flush()
    told_of(session, deal, DealEvent.TICKET_DISPUTED, by=side, about_id=ticket.id, now=now)
    return ticket


def _reporters_answered_by(actor: Actor, deal: Deal) -> list[Side]:
    """Whose tickets a person may confirm or dispute: the other side's."""
    return [side.other for side in sides_of(deal, actor)]


# What every change goes through ---------------------------------------------------------------------------------------


def ticket_of(session: Session, deal: Deal, ticket_id: int) -> Ticket:
    ticket = session.scalar(
        select(Ticket)
        .where(Ticket.id == ticket_id, Ticket.deal_id == deal.id)
        .execution_options(populate_existing=True)
    )
    if ticket is None:
        raise NotFound
    return ticket


def require_current(ticket: Ticket) -> None:
    if not ticket.is_current:
        raise CorrectedMeanwhile


def load_columns(report: TicketReport, deal: Deal) -> dict[str, object]:
    return {
        "deal_id": deal.id,
        "loaded_at": report.loaded_at,
        "vehicle_registration": report.vehicle_registration,
        "mass_t": report.mass_t,
        "is_weighed": report.is_weighed,
        "carrier": report.carrier,
        "origin_name": report.origin_name or deal.origin_name,
        "destination_name": report.destination_name or deal.destination_name,
        "note": report.note,
    }


def require_left_to_deliver(
    deal: Deal, mass_t: Decimal, *, instead_of_t: Decimal = Decimal(0), beside_t: Decimal = Decimal(0)
) -> None:
    left_t = most_delivered_t(deal) - deal.delivered_t + instead_of_t - beside_t
    if mass_t > left_t:
        raise field_error("mass_t", TOO_MUCH, mass_t=mass_t, left_t=max(left_t, Decimal(0)))


@contextmanager
def bounded(session: Session, held: HeldDeal, *, now: datetime) -> Iterator[None]:
    """Write what the block adds, and bring what the deal's quantities rest on in step with it.

    A bound of the database that it breaks becomes a message beside the mass.
    """
    committed_t = held.deal.committed_t
    try:
        with session.begin_nested():
            yield
            session.flush()
    except IntegrityError as refused:
        name = getattr(getattr(refused.orig, "diag", None), "constraint_name", None)
        if name not in BEYOND:
            raise
        raise field_error("mass_t", BEYOND[name]) from None
    session.refresh(held.deal, ["delivered_t", "committed_t"])
    if held.facilities or held.deal.committed_t != committed_t:
        settle(session, held, now=now)


def checked_reason(reason: str, *, missing: str) -> str:
    cleaned = clean_text(reason)
    problems = tuple(text_problems(cleaned, field="reason", limit=REASON_LIMIT, missing=missing))
    if problems:
        raise InvalidInput(*problems)
    return cleaned


def told_of(
    session: Session,
    deal: Deal,
    event: DealEvent,
    *,
    by: Side,
    about_id: int | None = None,
    times: int = 1,
    at_once: bool = False,
    now: datetime,
) -> None:
    deal.touched_at = now
    void_if_changed(session, deal, now=now)
    tell(session, deal, event, by=by, about_id=about_id, times=times, at_once=at_once, now=now)
