"""Reading where a lot has gone: its deals with what was driven in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from marketplace.models import Deal, Facility, Municipality, Organisation, Ticket
from marketplace.types import DealStatus, TicketStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class LotDelivery:
    """What one deal has brought of a lot; `hub` is where it came by, for the second leg of a chain."""

    deal_id: int
    giver_organisation_id: int
    taker_organisation_id: int
    taker: str
    destination: str
    municipality: str
    delivered_t: Decimal
    load_count: int
    first_at: datetime
    last_at: datetime
    changed_at: datetime
    is_signed: bool
    hub: str | None

    @property
    def is_first_leg(self) -> bool:
        """Whether it takes from the lot itself: what goes on from a hub has been counted when it came in."""
        return self.hub is None


def deliveries_of_lot(session: Session, *, listing_id: int) -> Sequence[LotDelivery]:
    """All that was driven of a lot, a deal a row, the first one first."""
    loads = (
        select(
            Ticket.deal_id,
            func.count().label("load_count"),
            func.min(Ticket.loaded_at).label("first_at"),
            func.max(Ticket.loaded_at).label("last_at"),
            func.max(func.coalesce(Ticket.confirmed_at, Ticket.created_at)).label("changed_at"),
        )
        .join(Deal, Deal.id == Ticket.deal_id)
        .where(Deal.surplus_id == listing_id, Ticket.is_current, Ticket.status != TicketStatus.VOIDED)
        .group_by(Ticket.deal_id)
        .subquery()
    )
    taker, hub = aliased(Organisation), aliased(Facility)
    query = (
        select(
            Deal.id.label("deal_id"),
            Deal.giver_organisation_id,
            Deal.taker_organisation_id,
            taker.name.label("taker"),
            Deal.destination_name.label("destination"),
            Municipality.name.label("municipality"),
            Deal.delivered_t,
            loads.c.load_count,
            loads.c.first_at,
            loads.c.last_at,
            func.greatest(loads.c.changed_at, Deal.ended_at).label("changed_at"),
            (Deal.status == DealStatus.COMPLETED).label("is_signed"),
            hub.name.label("hub"),
        )
        .join(loads, loads.c.deal_id == Deal.id)
        .join(taker, taker.id == Deal.taker_organisation_id)
        .join(Municipality, Municipality.number == Deal.destination_municipality_number)
        .outerjoin(hub, hub.id == Deal.origin_facility_id)
        .where(Deal.surplus_id == listing_id)
        .order_by(loads.c.first_at, Deal.id)
    )
    return [LotDelivery(**row._mapping) for row in session.execute(query)]
