"""What the indicators of a region come to (`marketplace.indicators`)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from geo.impact import Measure
from geo.quantities import Quantity
from marketplace.clock import OSLO
from marketplace.disclosure import Disclosure, may_show
from marketplace.indicators import Figure, Indicator
from marketplace.models import Deal, DealMonth, Facility, Listing
from marketplace.queries.mass_plans import reduction_in_region
from marketplace.queries.open_listings import is_open
from marketplace.queries.region_flows import PARTIES, FlowGroup, FlowScope, compared
from marketplace.types import FacilityKind, ListingKind

NOTHING = Decimal(0)
OF_PLANS = frozenset({Indicator.PLANNING_PROJECTS, Indicator.KEEPING_PROJECTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """How many deals, listings or projects a figure rests on, and how many different organisations."""

    deals: int
    organisations: int

    @classmethod
    def of(cls, flows: FlowGroup) -> "Basis":
        return cls(deals=flows.deals, organisations=flows.organisations)

    def may_be_shown(self, disclosure: Disclosure) -> bool:
        return may_show(disclosure, deals=self.deals, organisations=self.organisations)


def indicators_of(
    session: Session,
    scope: FlowScope,
    *,
    disclosure: Disclosure,
    today: date,
    only: Collection[Indicator] = tuple(Indicator),
) -> tuple[Figure, ...]:
    """The indicators of a region in a period, in order. Plans are read row by row, so only where they are asked for."""
    found = [
        *_of_deliveries(session, scope, disclosure),
        *_of_surplus(session, scope, disclosure),
        *_of_storage(session, scope, disclosure, today=today),
        *(_of_plans(session, scope, disclosure, today=today) if OF_PLANS.intersection(only) else ()),
    ]
    by_indicator = {each.indicator: each for each in found}
    return tuple(by_indicator[indicator] for indicator in Indicator if indicator in only)


# Deliveries -----------------------------------------------------------------------------------------------------------


def _of_deliveries(session: Session, scope: FlowScope, disclosure: Disclosure) -> Iterator[Figure]:
    enterprises, givers, takers, deals = session.execute(
        select(
            func.count(PARTIES.c.organisation_id.distinct()),
            func.count(Deal.giver_organisation_id.distinct()),
            func.count(Deal.taker_organisation_id.distinct()),
            func.count(DealMonth.deal_id.distinct()),
        )
        .select_from(DealMonth)
        .join(Deal, Deal.id == DealMonth.deal_id)
        .join(PARTIES, true())
        .where(scope.selects(DealMonth), DealMonth.loads > 0)
    ).one()
    is_shown = Basis(deals=deals, organisations=enterprises).may_be_shown(disclosure)
    flows = compared(session, scope, with_counts=True)
    is_final_shown = flows is None or Basis.of(flows.flows).may_be_shown(disclosure)
    landfill, virgin = (
        (flows.flows.ledger[Measure.LANDFILL_T], flows.flows.ledger[Measure.VIRGIN_T]) if flows else (None, None)
    )
    final_t = flows.flows.delivered_t if flows else NOTHING
    share = flows.recovered_t / final_t if flows and final_t else None
    yield _figure(Indicator.SHARING_ENTERPRISES, enterprises, is_shown=is_shown)
    yield _figure(Indicator.GIVING_ENTERPRISES, givers, is_shown=is_shown)
    yield _figure(Indicator.TAKING_ENTERPRISES, takers, is_shown=is_shown)
    yield _figure(Indicator.SHARED_MASS_T, final_t, is_shown=is_final_shown)
    is_share_shown = is_final_shown and (flows is None or flows.may_tell_recovered(disclosure))
    yield _figure(Indicator.RECOVERED_SHARE, share, is_shown=is_share_shown)
    yield _ranged(Indicator.LANDFILL_AVOIDED_T, landfill, is_shown=is_final_shown)
    yield _ranged(Indicator.VIRGIN_AVOIDED_T, virgin, is_shown=is_final_shown)


def _figure(indicator: Indicator, value: Decimal | int | None, *, is_shown: bool) -> Figure:
    if not is_shown:
        return Figure(indicator=indicator, value=None, is_held_back=True)
    return Figure(indicator=indicator, value=None if value is None else Decimal(value))


def _ranged(indicator: Indicator, quantity: Quantity | None, *, is_shown: bool) -> Figure:
    if quantity is None or not is_shown:
        return _figure(indicator, NOTHING, is_shown=is_shown)
    return Figure(indicator=indicator, value=quantity.value, low=quantity.low, high=quantity.high)


# Surplus --------------------------------------------------------------------------------------------------------------


def _of_surplus(session: Session, scope: FlowScope, disclosure: Disclosure) -> Iterator[Figure]:
    first, last = scope.period.days
    posted_t, placed_t, listings, organisations = session.execute(
        select(
            func.sum(Listing.mass_t),
            func.sum(func.least(Listing.committed_t, Listing.mass_t)),
            func.count(Listing.id),
            func.count(Listing.organisation_id.distinct()),
        ).where(
            Listing.kind == ListingKind.SURPLUS,
            scope.region.has(Listing.municipality_number),
            Listing.published_at >= _midnight(first),
            Listing.published_at < _midnight(last + timedelta(days=1)),
        )
    ).one()
    is_shown = Basis(deals=listings, organisations=organisations).may_be_shown(disclosure)
    yield _figure(Indicator.PLACED_SHARE, placed_t / posted_t if posted_t else None, is_shown=is_shown)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=OSLO)


# Interim storage ------------------------------------------------------------------------------------------------------


def _of_storage(session: Session, scope: FlowScope, disclosure: Disclosure, *, today: date) -> Iterator[Figure]:
    offered = (
        select(Facility.id, Facility.capacity_t)
        .where(
            Facility.kind == FacilityKind.INTERIM_STORAGE,
            Facility.closed_at.is_(None),
            scope.region.has(Facility.municipality_number),
            select(Listing.id)
            .where(Listing.facility_id == Facility.id, Listing.kind == ListingKind.RECEPTION, is_open(today))
            .exists(),
        )
        .subquery()
    )
    places, capacity_t = session.execute(
        select(func.count(), func.sum(offered.c.capacity_t)).select_from(offered)
    ).one()
    yield _figure(Indicator.STORAGE_OFFERED, places, is_shown=True)
    yield _figure(Indicator.STORAGE_CAPACITY_T, capacity_t or NOTHING, is_shown=True)

    into = (
        select(DealMonth.deal_id, DealMonth.delivered_t, Deal.destination_facility_id)
        .join(Deal, Deal.id == DealMonth.deal_id)
        .join(Facility, Facility.id == Deal.destination_facility_id)
        .where(
            Facility.kind == FacilityKind.INTERIM_STORAGE,
            scope.region.has(Facility.municipality_number),
            scope.selects(DealMonth),
            DealMonth.loads > 0,
        )
        .subquery()
    )
    used, received_t, deals = session.execute(
        select(
            func.count(into.c.destination_facility_id.distinct()),
            func.sum(into.c.delivered_t),
            func.count(into.c.deal_id.distinct()),
        )
    ).one()
    organisations = session.scalar(
        select(func.count(PARTIES.c.organisation_id.distinct()))
        .select_from(Deal)
        .join(PARTIES, true())
        .where(Deal.id.in_(select(into.c.deal_id)))
    )
    is_shown = Basis(deals=deals, organisations=organisations or 0).may_be_shown(disclosure)
    yield _figure(Indicator.STORAGE_USED, used, is_shown=is_shown)
    yield _figure(Indicator.STORAGE_RECEIVED_T, received_t or NOTHING, is_shown=is_shown)


# Plans ----------------------------------------------------------------------------------------------------------------


def _of_plans(session: Session, scope: FlowScope, disclosure: Disclosure, *, today: date) -> Iterator[Figure]:
    reduction = reduction_in_region(session, region=scope.region, year=scope.period.last.year, today=today)
    basis = Basis(
        deals=len(reduction.projects), organisations=len({each.project.organisation_id for each in reduction.projects})
    )
    is_shown = basis.may_be_shown(disclosure)
    with_target = [each for each in reduction.projects if each.year.target_t is not None]
    keeping = sum(bool(each.year.keeps_target) for each in with_target)
    yield _figure(Indicator.PLANNING_PROJECTS, len(reduction.projects), is_shown=is_shown)
    yield _figure(Indicator.KEEPING_PROJECTS, keeping if with_target else None, is_shown=is_shown)
