"""The loads of a deal as its page shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flask import flash, request
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from marketplace import db
from marketplace.filters import date_, period
from marketplace.models import Deal, Ticket
from marketplace.queries.look_alikes import Load, look_alikes
from marketplace.queries.paging import Cursor, IdPage
from marketplace.queries.tickets import TicketRow, TicketSums, ticket_sums, tickets_of
from marketplace.services.deal_actions import DealAction, can
from marketplace.services.tickets import left_to_deliver_t
from marketplace.types import Side, TicketStatus
from marketplace.web.deal_page import DealView, deal_section

ON_THE_DEALS_PAGE = 10
UNANSWERED = (TicketStatus.REPORTED,)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSection:
    """A page of a deal's loads, what they come to, and what the visitor may do with them."""

    page: IdPage[TicketRow]
    sums: TicketSums
    left_t: Decimal
    confirmable: frozenset[Side]
    """Whose loads the visitor may confirm."""
    correctable: frozenset[Side]
    can_add: bool
    can_open_gate: bool
    has_more: bool
    look_alikes: Mapping[str, Load]
    """By the number of a load: another one that it looks the same as."""

    @property
    def count(self) -> int:
        return self.sums.count()

    @property
    def counting_count(self) -> int:
        """The loads that count: all but those that were voided."""
        return self.count - self.sums.count(TicketStatus.VOIDED)

    @property
    def waiting_count(self) -> int:
        """The loads that wait for the visitor's word."""
        return sum(self.sums.count(*UNANSWERED, side=side) for side in self.confirmable)

    @property
    def waiting_t(self) -> Decimal:
        return sum((self.sums.mass_t(*UNANSWERED, side=side) for side in self.confirmable), Decimal(0))

    @property
    def confirmed_t(self) -> Decimal:
        return self.sums.mass_t(TicketStatus.CONFIRMED)

    @property
    def disputed_count(self) -> int:
        return self.sums.count(TicketStatus.DISPUTED)

    def may_confirm(self, row: TicketRow) -> bool:
        return row.side in self.confirmable and row.status in {TicketStatus.REPORTED, TicketStatus.DISPUTED}

    def may_dispute(self, row: TicketRow) -> bool:
        return row.side in self.confirmable and row.status in {TicketStatus.REPORTED, TicketStatus.CONFIRMED}


@deal_section("tickets")
def tickets_section(view: DealView, _form: FlaskForm | None) -> TicketSection:
    return section_of(view.deal, view, cursor=Cursor(), size=ON_THE_DEALS_PAGE)


def section_of(
    deal: Deal, view: DealView, *, cursor: Cursor, status: TicketStatus | None = None, size: int = 50
) -> TicketSection:
    page = tickets_of(db.session, deal_id=deal.id, status=status, cursor=cursor, size=size)
    acting = view.acting if view.actor.is_confirmed else ()
    return TicketSection(
        page=page,
        sums=ticket_sums(db.session, deal_id=deal.id),
        left_t=left_to_deliver_t(deal),
        confirmable=frozenset(
            side
            for side in Side
            if any(can(DealAction.CONFIRM_TICKET, deal, mine, reported_by=side) for mine in acting)
        ),
        correctable=frozenset(side for side in acting if can(DealAction.CORRECT_TICKET, deal, side)),
        can_add=view.may(DealAction.ADD_TICKET),
        can_open_gate=view.may(DealAction.MAKE_GATE_LINK) or view.may(DealAction.REVOKE_GATE_LINK),
        has_more=page.older is not None,
        look_alikes=look_alikes(
            db.session,
            deal_id=deal.id,
            loads=[load_of(row) for row in page.items if row.status is not TicketStatus.VOIDED],
        ),
    )


def warn_of_day(deal: Deal, day: date) -> None:
    """Tell the visitor of a day on which nothing was agreed to be driven; loads are taken all the same."""
    agreed = deal.agreed_period
    if agreed is not None and not agreed[0] <= day <= agreed[1]:
        said = _("%(day)s is outside the agreed period: %(period)s.", day=date_(day), period=period(agreed))
        flash(said, "warning")


def load_of(ticket: Ticket | TicketRow) -> Load:
    return Load(
        ticket_id=ticket.id,
        number=ticket.number,
        vehicle_registration=ticket.vehicle_registration,
        mass_t=ticket.mass_t,
        loaded_at=ticket.loaded_at,
    )


def chosen_status() -> TicketStatus | None:
    """The state that the address asks for; nothing for what is none."""
    wanted = request.args.get("status", "")
    return TicketStatus(wanted) if wanted in set(TicketStatus) else None
