"""What lies ahead in a region: surplus without a taker, needs without a giver, the room of those who take in, and what
is agreed and still to come.

Published listings and facilities are public: nothing of them is held back. What deals come to, agreed or taken in, has
the counts that `marketplace.disclosure` asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, Date, Numeric, and_, cast, func, literal, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from geo.months import Month, MonthPeriod
from geo.quarters import Quarter
from marketplace.models import Deal, DealMonth, Facility, Listing
from marketplace.queries.open_listings import is_open
from marketplace.queries.region_flows import PARTIES, Way, way_of
from marketplace.queries.regions import Region
from marketplace.types import DealStatus, FacilityKind, ListingKind

QUARTERS_AHEAD: Final = 8
PACE_MONTHS: Final = 12
"""How far back one looks for the pace at which receivers fill up."""
NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterAhead:
    """What is left to agree in a quarter, with what the receivers that are open until its end have room for.

    A listing's tonnes lie evenly over the days it is available on, from today.
    """

    quarter: Quarter
    surplus_t: Decimal
    demand_t: Decimal
    room_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The quarters ahead, and what of the listings lies after the last of them."""

    quarters: tuple[QuarterAhead, ...]
    surplus_later_t: Decimal
    demand_later_t: Decimal
    surplus_listings: int
    demand_listings: int

    @property
    def surplus_t(self) -> Decimal:
        return sum((each.surplus_t for each in self.quarters), self.surplus_later_t)

    @property
    def demand_t(self) -> Decimal:
        return sum((each.demand_t for each in self.quarters), self.demand_later_t)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverRoom:
    """What a facility has room for now, and until when."""

    facility_id: int
    name: str
    kind: FacilityKind
    municipality_number: str
    free_t: Decimal | None
    """None where it has not said."""
    last_day: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What facilities of a kind took in by deals, over `PACE_MONTHS` months."""

    kind: FacilityKind
    mass_t: Decimal
    deals: int
    organisations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Runway:
    """How long the room of the facilities of a kind lasts at the pace at which they took in."""

    kind: FacilityKind
    facilities: int
    unknown: int
    """How many of them have not said what room they have."""
    free_t: Decimal
    pace_t_per_month: Decimal | None
    """None where it is held back."""

    @property
    def months(self) -> Decimal | None:
        """None where nothing was taken in, or it is held back, or no room is known."""
        if not self.pace_t_per_month or self.unknown == self.facilities:
            return None
        return self.free_t / self.pace_t_per_month


def outlook(session: Session, *, region: Region, rooms: Sequence[ReceiverRoom], today: date) -> Outlook:
    quarters = [Quarter.of(today).shifted(n) for n in range(QUARTERS_AHEAD)]
    # Arrays, not VALUES: SQLAlchemy keeps no statement that has those.
    ahead = (
        func.unnest(
            cast([max(quarter.first_day, today) for quarter in quarters], ARRAY(Date)),
            cast([quarter.last_day for quarter in quarters], ARRAY(Date)),
        )
        .table_valued("first", "last", with_ordinality="place")
        .render_derived(name="ahead")
    )
    number = ahead.c.place - 1
    begins = func.greatest(Listing.available_from, literal(today, Date))
    days = Listing.available_to - begins + 1
    overlap = func.least(ahead.c.last, Listing.available_to) - func.greatest(ahead.c.first, begins) + 1
    is_meant = (
        is_open(today),
        Listing.kind.in_((ListingKind.SURPLUS, ListingKind.DEMAND)),
        Listing.left_t > 0,
        region.has(Listing.municipality_number),
    )
    share_t = Listing.left_t * cast(overlap, Numeric) / cast(days, Numeric)
    by_quarter = session.execute(
        select(Listing.kind, number, func.round(func.sum(share_t), 3))
        .join(ahead, (ahead.c.first <= Listing.available_to) & (ahead.c.last >= begins))
        .where(*is_meant)
        .group_by(Listing.kind, ahead.c.place)
    )
    masses = {(kind, n): Decimal(mass_t) for kind, n, mass_t in by_quarter}
    totals = {
        kind: (count, mass_t)
        for kind, count, mass_t in session.execute(
            select(Listing.kind, func.count(), func.sum(Listing.left_t)).where(*is_meant).group_by(Listing.kind)
        )
    }

    def later(kind: ListingKind) -> Decimal:
        soon = sum((masses.get((kind, n), NOTHING) for n in range(QUARTERS_AHEAD)), NOTHING)
        return max(totals.get(kind, (0, NOTHING))[1] - soon, NOTHING)

    return Outlook(
        quarters=tuple(
            QuarterAhead(
                quarter=quarter,
                surplus_t=masses.get((ListingKind.SURPLUS, n), NOTHING),
                demand_t=masses.get((ListingKind.DEMAND, n), NOTHING),
                room_t=room_until(rooms, quarter.last_day),
            )
            for n, quarter in enumerate(quarters)
        ),
        surplus_later_t=later(ListingKind.SURPLUS),
        demand_later_t=later(ListingKind.DEMAND),
        surplus_listings=totals.get(ListingKind.SURPLUS, (0, NOTHING))[0],
        demand_listings=totals.get(ListingKind.DEMAND, (0, NOTHING))[0],
    )


def room_until(rooms: Sequence[ReceiverRoom], day: date) -> Decimal:
    """The room of those receivers that are open on a day, as they say it is now."""
    return sum((each.free_t or NOTHING for each in rooms if each.last_day is None or each.last_day >= day), NOTHING)


def receiver_rooms(session: Session, *, region: Region, today: date) -> tuple[ReceiverRoom, ...]:
    """The facilities of a region that are open now and take something in, those with most room first."""
    last_day = func.least(Facility.closes_on, Facility.permit_ends_on)
    free_t = Facility.capacity_left_t - Facility.booked_peak_t
    rows = session.execute(
        select(Facility.id, Facility.name, Facility.kind, Facility.municipality_number, free_t, last_day)
        .where(
            region.has(Facility.municipality_number),
            Facility.closed_at.is_(None),
            func.coalesce(last_day, today) >= today,
            func.coalesce(Facility.opens_on, today) <= today,
            Facility.kind != FacilityKind.QUARRY,
        )
        .order_by(free_t.desc().nulls_last(), Facility.name, Facility.id)
    )
    return tuple(
        ReceiverRoom(
            facility_id=facility_id, name=name, kind=kind, municipality_number=number, free_t=free, last_day=last
        )
        for facility_id, name, kind, number, free, last in rows
    )


def intakes(session: Session, *, region: Region, today: date) -> tuple[Intake, ...]:
    """What the facilities of a region took in over the last twelve whole months, by kind."""
    period = MonthPeriod.ending(Month.of(today).shifted(-1), months=PACE_MONTHS)
    rows = DealMonth.month.between(period.first.first_day, period.last.first_day)
    meant = (rows, region.has(Facility.municipality_number), DealMonth.loads > 0)
    sums = session.execute(
        select(Facility.kind, func.sum(DealMonth.delivered_t))
        .select_from(DealMonth)
        .join(Deal, Deal.id == DealMonth.deal_id)
        .join(Facility, Facility.id == Deal.destination_facility_id)
        .where(*meant)
        .group_by(Facility.kind)
        .order_by(Facility.kind)
    ).all()
    counts = session.execute(
        select(Facility.kind, func.count(Deal.id.distinct()), func.count(PARTIES.c.organisation_id.distinct()))
        .select_from(DealMonth)
        .join(Deal, Deal.id == DealMonth.deal_id)
        .join(Facility, Facility.id == Deal.destination_facility_id)
        .join(PARTIES, true())
        .where(*meant)
        .group_by(Facility.kind)
    )
    found = {kind: (deals, organisations) for kind, deals, organisations in counts}
    return tuple(
        Intake(kind=kind, mass_t=mass_t, deals=found[kind][0], organisations=found[kind][1]) for kind, mass_t in sums
    )


def runways(rooms: Sequence[ReceiverRoom], taken_in: Sequence[Intake]) -> tuple[Runway, ...]:
    """How long the room lasts, by kind of facility; `taken_in` holds only what may be shown."""
    pace = {each.kind: each.mass_t / PACE_MONTHS for each in taken_in}
    found = []
    for kind in FacilityKind:
        of_kind = [room for room in rooms if room.kind is kind]
        if of_kind:
            found.append(
                Runway(
                    kind=kind,
                    facilities=len(of_kind),
                    unknown=sum(room.free_t is None for room in of_kind),
                    free_t=sum((max(room.free_t or NOTHING, NOTHING) for room in of_kind), NOTHING),
                    pace_t_per_month=pace.get(kind),
                )
            )
    return tuple(found)


# Agreed, and still to come --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedGroup:
    """What is agreed one way and has not been delivered yet."""

    way: Way
    mass_t: Decimal
    deals: int
    organisations: int


def agreed_ahead(session: Session, *, region: Region) -> tuple[AgreedGroup, ...]:
    """What running deals of a region still have to deliver, by how they lie to it."""
    way = way_of(Deal, region).label("way")
    left_t = func.greatest(Deal.agreed_t - Deal.delivered_t, 0)
    asked = and_(
        Deal.status == DealStatus.AGREED,
        Deal.agreed_t > Deal.delivered_t,
        region.touches(Deal.origin_municipality_number, Deal.destination_municipality_number),
    )
    grouped: ColumnElement[str] = literal_column("way")
    sums = session.execute(select(way, func.sum(left_t)).where(asked).group_by(grouped))
    masses = {Way(key): mass_t for key, mass_t in sums}
    counts = session.execute(
        select(way, func.count(Deal.id.distinct()), func.count(PARTIES.c.organisation_id.distinct()))
        .join(PARTIES, true())
        .where(asked)
        .group_by(grouped)
    )
    found = {Way(key): (deals, organisations) for key, deals, organisations in counts}
    return tuple(
        AgreedGroup(way=each, mass_t=masses[each], deals=found[each][0], organisations=found[each][1])
        for each in Way
        if each in masses
    )
