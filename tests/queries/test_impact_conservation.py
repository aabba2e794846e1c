"""However flows are cut up, the parts add up to the deals: by way, month, material, level, place, and as exported."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.impact import Measure, nothing_avoided
from geo.months import Month, MonthPeriod
from geo.pyramid import Level
from marketplace.clock import local_date
from marketplace.models import Deal, DealImpact, Ticket
from marketplace.queries.exported_flows import delivered_months
from marketplace.queries.impact import avoided_by
from marketplace.queries.region_deals import count_deals_of_region
from marketplace.queries.region_flows import Dimension, FlowGroup, FlowScope, Way, flow_groupings, flow_groups
from marketplace.queries.regions import EVERYWHERE, Region
from marketplace.types import DealStatus, TicketStatus
from tests.factories import Factory
from tests.services.impact_drift import Sum, figures_of, months_of_loads
from tests.services.test_impact_sums import rates

OSLO, BAERUM, ASKER, BERGEN = "0301", "3201", "3203", "4601"
MUNICIPALITIES = (OSLO, BAERUM, ASKER, BERGEN)
SHARES = ("0", "0.35", "1")
MOMENTS = [datetime(2026, month, day, 23, 30, tzinfo=UTC) for month, day in ((1, 31), (2, 28), (6, 15), (12, 31))]
"""Some are another month, or another year, in Norway than in Greenwich."""
PERIOD = MonthPeriod(Month(2026, 2), Month(2026, 12))
ALL_TIME = MonthPeriod(Month(2026, 1), Month(2027, 12))

GROUPINGS = (
    (),
    *((dimension,) for dimension in Dimension),
    (Dimension.ORIGIN, Dimension.DESTINATION),
    (Dimension.MONTH, Dimension.WAY),
)

scenes = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
municipalities = st.sampled_from(MUNICIPALITIES)
regions = st.sets(municipalities, min_size=1).map(lambda numbers: Region(numbers=frozenset(numbers), name="Some"))


@dataclass(frozen=True)
class Load:
    at: datetime
    mass_t: Decimal
    is_weighed: bool
    status: TicketStatus


@dataclass(frozen=True)
class Drawn:
    """A deal as it was drawn."""

    origin: str
    destination: str
    material: str
    level: Level
    share: str
    loads: list[Load]


loads = st.builds(
    Load,
    at=st.sampled_from(MOMENTS),
    mass_t=st.integers(1, 60_000).map(lambda kg: Decimal(kg) / 1000),
    is_weighed=st.booleans(),
    status=st.sampled_from([TicketStatus.REPORTED, TicketStatus.CONFIRMED, TicketStatus.DISPUTED, TicketStatus.VOIDED]),
)
drawn_deals = st.lists(
    st.builds(
        Drawn,
        origin=municipalities,
        destination=municipalities,
        material=st.sampled_from(["blasted_rock", "clay"]),
        level=st.sampled_from(Level),
        share=st.sampled_from(SHARES),
        loads=st.lists(loads, max_size=4),
    ),
    min_size=1,
    max_size=5,
)


def delivered(make: Factory, drawn: Drawn, *, reporter_id: int, set_id: int) -> Deal:
    deal = make.deal(
        status=DealStatus.AGREED,
        surplus=make.listing(material=drawn.material),
        origin_municipality_number=drawn.origin,
        destination_municipality_number=drawn.destination,
    )
    by = nothing_avoided() if drawn.level is Level.PENDING else rates(drawn.share)
    make.impact(deal, by, level=drawn.level, factor_set_id=set_id)
    for load in drawn.loads:
        make.ticket(
            deal,
            loaded_at=load.at,
            mass_t=load.mass_t,
            is_weighed=load.is_weighed,
            status=load.status,
            reported_by_id=reporter_id,
        )
    return deal


def by_loads(session: Session, deals: Iterable[Deal], scope: FlowScope) -> Sum:
    """What the scope means, worked out from the loads alone."""
    total = Sum()
    for deal in deals:
        ends = {deal.origin_municipality_number, deal.destination_municipality_number}
        if not scope.region.is_everywhere and not ends & scope.region.numbers:
            continue
        record = session.scalars(select(DealImpact).where(DealImpact.deal_id == deal.id, DealImpact.is_current)).one()
        tickets = session.scalars(select(Ticket).where(Ticket.deal_id == deal.id)).all()
        for month, each in months_of_loads(tickets, record.rates).items():
            if scope.period.first <= Month.of(month) <= scope.period.last:
                # What waits in a hub counts once it goes on.
                total += replace(each, avoided_t=Decimal(0)) if record.level is Level.PENDING else each
    return total


def together(groups: Iterable[FlowGroup]) -> Sum:
    total = Sum()
    for each in groups:
        total += Sum(each.loads, each.delivered_t, each.avoided_t, figures_of(each.ledger))
    return total


def groups(session: Session, scope: FlowScope, *by: Dimension) -> tuple[FlowGroup, ...]:
    return flow_groups(session, scope, by=by, measures=tuple(Measure))


@scenes
@given(drawn=drawn_deals, region=regions | st.just(EVERYWHERE), period=st.sampled_from([PERIOD, ALL_TIME]))
def test_deals_dashboard_and_exports_say_the_same_to_the_last_digit(
    session: Session, make: Factory, drawn: list[Drawn], region: Region, period: MonthPeriod
) -> None:
    savepoint = session.begin_nested()
    try:
        reporter_id, set_id = make.user().id, make.factor_set().id
        deals = [delivered(make, each, reporter_id=reporter_id, set_id=set_id) for each in drawn]
        session.expire_all()
        scope = FlowScope(region=region, period=period)
        expected = by_loads(session, deals, scope)
        at_once = flow_groupings(session, scope, by_each=GROUPINGS, measures=tuple(Measure), with_counts=True)
        for by, found in zip(GROUPINGS, at_once, strict=True):
            assert together(found) == expected, by
            assert found == flow_groups(session, scope, by=by, measures=tuple(Measure), with_counts=True)
        assert sum((together(groups(session, _only(scope, way))) for way in Way), Sum()) == expected
        assert _exported(session, scope) == expected
        assert count_deals_of_region(session, scope)[1:] == (expected.loads, expected.delivered_t)
        whole = FlowScope(region=EVERYWHERE, period=ALL_TIME)
        assert _of_deals(session, deals) == together(groups(session, whole)) == _outward(session, whole)
    finally:
        savepoint.rollback()
        session.expunge_all()


def _only(scope: FlowScope, way: Way) -> FlowScope:
    return FlowScope(region=scope.region, period=scope.period, way=way)


def _exported(session: Session, scope: FlowScope) -> Sum:
    total = Sum()
    for each in delivered_months(session, scope):
        total += Sum(each.loads, each.delivered_t, each.mass_t, figures_of(each.ledger))
    return total


def _of_deals(session: Session, deals: Iterable[Deal]) -> Sum:
    """As their own pages say."""
    total = Sum()
    for deal in deals:
        found = avoided_by(session, deal_id=deal.id)
        total += Sum(found.loads, found.delivered_t, found.avoided_t, figures_of(found.ledger))
    return total


def _outward(session: Session, scope: FlowScope) -> Sum:
    """What leaves each municipality, and what stays in it, of all of them: everything, once."""
    total = Sum()
    for number in MUNICIPALITIES:
        own = FlowScope(region=Region(numbers=frozenset({number}), name=number), period=scope.period)
        total += together(groups(session, _only(own, Way.OUT))) + together(groups(session, _only(own, Way.WITHIN)))
    return total


def test_the_last_night_of_a_year_counts_in_the_year_it_is_in_norway(session: Session, make: Factory) -> None:
    load = Load(at=MOMENTS[-1], mass_t=Decimal(10), is_weighed=True, status=TicketStatus.REPORTED)
    drawn = Drawn(origin=OSLO, destination=ASKER, material="clay", level=Level.REUSE, share="1", loads=[load])
    deal = delivered(make, drawn, reporter_id=make.user().id, set_id=make.factor_set().id)
    assert local_date(load.at).year == 2027
    for year, mass_t in ((2026, 0), (2027, 10)):
        scope = FlowScope(region=EVERYWHERE, period=MonthPeriod.of_year(year))
        assert together(groups(session, scope)).delivered_t == mass_t
        assert by_loads(session, [deal], scope).delivered_t == mass_t
