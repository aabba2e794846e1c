"""What a facility can still take in, over time, beside all that has been agreed to come and to go."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, Numeric, column, func, select
from sqlalchemy.orm import Session

from marketplace.clock import local_date
from marketplace.models import Deal, Facility, Ticket


def room_left_t(session: Session, facility: Facility, *, since: date, deal: Deal | None = None) -> Decimal | None:
    """The most that a facility can take in from a day on and keep; None where it has not said what room it has.

    What `deal` has booked there, if it is given, is left out of account. Negative where more is booked than it has.
    """
    room_t = facility.capacity_left_t if facility.capacity_left_t is not None else facility.capacity_t
    if room_t is None:
        return None
    stock = func.facility_stock(
        facility.id, facility.capacity_reported_at, None if deal is None else deal.id
    ).table_valued(column("day", Date), column("mass_t", Numeric))
    later = select(func.max(stock.c.mass_t)).where(stock.c.day > since).scalar_subquery()
    before = select(stock.c.mass_t).where(stock.c.day <= since).order_by(stock.c.day.desc()).limit(1).scalar_subquery()
    most_t = session.scalars(select(func.greatest(later, func.coalesce(before, 0)))).one()
    return Decimal(room_t - most_t) + _in_what_was_said_t(session, facility, deal)


def _in_what_was_said_t(session: Session, facility: Facility, deal: Deal | None) -> Decimal:
    """What of the deal stood there already when the operator said how much room there is."""
    if deal is None or facility.capacity_reported_at is None:
        return Decimal(0)
    loads = select(func.coalesce(func.sum(Ticket.counted_t), 0)).where(
        Ticket.deal_id == deal.id, Ticket.loaded_at <= facility.capacity_reported_at
    )
    return Decimal(session.scalars(loads).one())


def room_now_t(session: Session, facility: Facility, *, now: datetime) -> Decimal:
    """What a facility can take in from today on, as its listings say it; zero where it has not said."""
    if facility.capacity_left_t is None:
        return Decimal(0)
    return max(room_left_t(session, facility, since=local_date(now)) or Decimal(0), Decimal(0))


def booked_after_report_t(session: Session, facility: Facility, *, reported_at: datetime | None) -> Decimal:
    """The most that will be booked at once, if what room there is were said at a moment."""
    return session.scalars(select(func.facility_booked_peak_t(facility.id, reported_at, type_=Numeric))).one()
