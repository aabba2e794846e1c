"""Flows between places, and what of them is shown to whom."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.flowmap import Detail, grid_number
from geo.geometry import BBox
from geo.materials import MaterialGroup
from geo.months import Month, MonthPeriod
from marketplace.disclosure import Disclosure
from marketplace.models import Deal, Municipality, Organisation
from marketplace.queries.flow_cells import FlowFilters, Progress
from marketplace.queries.flow_places import places_of
from marketplace.queries.flows import FlowLine, ends_of, flow_lines, flow_picture
from marketplace.queries.region_flows import Way
from marketplace.queries.regions import EVERYWHERE, Region
from marketplace.types import DealStatus
from tests.factories import Factory

YEAR = MonthPeriod.of_year(2027)
BAERUM, OSLO, ASKER, RINGERIKE = "3201", "0301", "3203", "3305"
SPOTS = {BAERUM: (10.5262, 59.9385), OSLO: (10.75, 59.91), ASKER: (10.43, 59.83), RINGERIKE: (10.25, 60.16)}
IN_BAERUM = Region(numbers=frozenset({BAERUM}), name="Bærum", municipalities=(BAERUM,))

type MakeFlow = Callable[..., Deal]


def point(number: str) -> object:
    return from_shape(to_stored(shapely.Point(*SPOTS[number])), srid=25833)


@pytest.fixture
def make_flow(make: Factory) -> MakeFlow:
    """`make_flow(OSLO, BAERUM, loads={"2027-01": 30})`: an agreed deal with a load in each of the months."""

    def flow(
        origin: str,
        destination: str,
        *,
        loads: dict[str, float] | None = None,
        giver: Organisation | None = None,
        taker: Organisation | None = None,
        material: str = "blasted_rock",
        status: DealStatus = DealStatus.AGREED,
        **values: object,
    ) -> Deal:
        giver = giver or make.organisation()
        surplus = make.listing(giver, material=material)
        deal = make.deal(
            taker=taker,
            surplus=surplus,
            status=status,
            origin_municipality_number=origin,
            origin_position_25833=point(origin),
            origin_name=f"Fra {origin}",
            destination_municipality_number=destination,
            destination_position_25833=point(destination),
            destination_name=f"Til {destination}",
            **values,
        )
        for month, mass_t in (loads or {}).items():
            year, number = map(int, month.split("-"))
            make.ticket(deal, loaded_at=datetime(year, number, 15, 12, tzinfo=UTC), mass_t=Decimal(str(mass_t)))
        return deal

    return flow


def filters(region: Region = EVERYWHERE, **values: object) -> FlowFilters:
    return FlowFilters(region=region, **{"period": YEAR, **values})  # type: ignore[arg-type]


def lines(
    session: Session,
    wanted: FlowFilters,
    *,
    detail: Detail = Detail.MUNICIPALITY,
    disclosure: Disclosure = Disclosure.FULL,
    sight: BBox | None = None,
) -> tuple[FlowLine, ...]:
    return flow_lines(session, wanted, detail=detail, disclosure=disclosure, sight=sight).groups


def ways(found: tuple[FlowLine, ...]) -> list[tuple[str, str, Decimal]]:
    return [(line.origin, line.destination, line.mass_t) for line in found]


# What flows -----------------------------------------------------------------------------------------------------------


def test_loads_of_several_deals_are_one_flow(session: Session, make_flow: MakeFlow) -> None:
    make_flow(OSLO, BAERUM, loads={"2027-01": 30, "2027-02": 20})
    make_flow(OSLO, BAERUM, loads={"2027-02": 12.5})
    make_flow(BAERUM, OSLO, loads={"2027-02": 8})
    found = lines(session, filters())
    assert ways(found) == [(OSLO, BAERUM, Decimal("62.5")), (BAERUM, OSLO, Decimal(8))]
    assert [line.deals for line in found] == [2, 1]


def test_loads_outside_the_period_do_not_count(session: Session, make_flow: MakeFlow) -> None:
    make_flow(OSLO, BAERUM, loads={"2026-12": 30, "2027-01": 20, "2027-02": 10})
    period = MonthPeriod(Month(2027, 1), Month(2027, 1))
    assert ways(lines(session, filters(period=period))) == [(OSLO, BAERUM, 20)]


def test_material_groups_are_flows_of_their_own(session: Session, make_flow: MakeFlow) -> None:
    make_flow(OSLO, BAERUM, loads={"2027-01": 30})
    make_flow(OSLO, BAERUM, loads={"2027-01": 10}, material="clay")
    assert [(line.group, line.mass_t) for line in lines(session, filters())] == [("stone", 30), ("soil", 10)]
    only_soil = filters(groups=frozenset({MaterialGroup.SOIL}))
    assert [line.group for line in lines(session, only_soil)] == ["soil"]
    assert lines(session, filters(materials=frozenset({"moraine"}))) == ()


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (None, {(OSLO, BAERUM), (BAERUM, OSLO), (BAERUM, BAERUM)}),
        (Way.IN, {(OSLO, BAERUM)}),
        (Way.OUT, {(BAERUM, OSLO)}),
        (Way.WITHIN, {(BAERUM, BAERUM)}),
    ],
)
def test_a_region_sees_its_own_flows(
    session: Session, make_flow: MakeFlow, way: Way | None, expected: set[tuple[str, str]]
) -> None:
    for origin, destination in ((OSLO, BAERUM), (BAERUM, OSLO), (BAERUM, BAERUM), (OSLO, ASKER)):
        make_flow(origin, destination, loads={"2027-01": 30})
    found = lines(session, filters(IN_BAERUM, way=way))
    assert {(line.origin, line.destination) for line in found} == expected


def test_what_is_agreed_is_spread_over_its_days(session: Session, make_flow: MakeFlow) -> None:
    deal = make_flow(OSLO, BAERUM, loads={"2027-01": 30}, mass_t=900, agreed_from=date(2027, 1, 22))
    deal.agreed_to = date(2027, 2, 20)  # 10 days of January, 20 of February
    session.flush()
    wanted = filters(stage=Progress.AGREED)
    picture = flow_picture(session, wanted, detail=Detail.MUNICIPALITY, disclosure=Disclosure.FULL)
    assert picture.picture.mass_t == 900
    assert picture.months_t[:3] == (300, 600, 0)
    february = filters(stage=Progress.AGREED, period=MonthPeriod(Month(2027, 2), Month(2027, 2)))
    assert ways(lines(session, february)) == [(OSLO, BAERUM, 600)]


def test_stages_are_separate_figures(session: Session, make_flow: MakeFlow) -> None:
    make_flow(OSLO, BAERUM, loads={"2027-03": 30}, mass_t=900)
    make_flow(OSLO, BAERUM, status=DealStatus.NEGOTIATING, mass_t=400)
    make_flow(OSLO, BAERUM, status=DealStatus.CANCELLED, mass_t=77)
    wide = MonthPeriod(Month(2026, 1), Month(2029, 12))
    found = {stage: ways(lines(session, filters(stage=stage, period=wide))) for stage in Progress}
    assert found == {
        Progress.DELIVERED: [(OSLO, BAERUM, 30)],
        Progress.AGREED: [(OSLO, BAERUM, 900)],
        Progress.PLANNED: [(OSLO, BAERUM, 400)],
    }


# By what they are gathered --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("detail", list(Detail))
def test_every_detail_has_the_same_tonnes_and_knows_its_places(
    session: Session, make_flow: MakeFlow, detail: Detail
) -> None:
    for origin, destination in ((OSLO, BAERUM), (BAERUM, OSLO), (RINGERIKE, ASKER)):
        make_flow(origin, destination, loads={"2027-01": 30, "2027-05": 11})
    found = lines(session, filters(), detail=detail)
    assert sum(line.mass_t for line in found) == 3 * 41
    places = places_of(session, filters(), detail=detail, ends=ends_of(found))
    assert places.keys() == {end for line in found for end in (line.origin, line.destination)}
    assert all(59.5 < place.position.lat < 61.5 and 8 < place.position.lon < 12 for place in places.values())


def test_counties_gather_municipalities(session: Session, make_flow: MakeFlow) -> None:
    make_flow(ASKER, OSLO, loads={"2027-01": 30})
    make_flow(BAERUM, OSLO, loads={"2027-01": 20})
    found = lines(session, filters(), detail=Detail.COUNTY)
    assert ways(found) == [("32", "03", 50)]
    places = places_of(session, filters(), detail=Detail.COUNTY, ends=ends_of(found))
    assert places["32"].name == "Akershus"


@pytest.mark.parametrize("number", list(SPOTS))
def test_the_database_numbers_squares_as_the_program_does(session: Session, make_flow: MakeFlow, number: str) -> None:
    make_flow(number, number, loads={"2027-01": 30})
    at = to_stored(shapely.Point(*SPOTS[number]))
    [line] = lines(session, filters(), detail=Detail.GRID)
    assert line.origin == str(grid_number(at.x, at.y))


def test_projects_are_named_and_stand_where_the_deals_say(session: Session, make_flow: MakeFlow) -> None:
    deal = make_flow(OSLO, BAERUM, loads={"2027-01": 30})
    found = lines(session, filters(), detail=Detail.PROJECT)
    [line] = found
    assert line.destination == f"p{deal.destination_project_id}"
    place = places_of(session, filters(), detail=Detail.PROJECT, ends=ends_of(found))[line.destination]
    assert place.name == f"Til {BAERUM}"
    assert (place.position.lon, place.position.lat) == pytest.approx(SPOTS[BAERUM], abs=1e-6)


def test_only_flows_with_an_end_in_sight(session: Session, make_flow: MakeFlow) -> None:
    make_flow(OSLO, BAERUM, loads={"2027-01": 30})
    make_flow(RINGERIKE, RINGERIKE, loads={"2027-01": 20})
    around_oslo = BBox(west=10.7, south=59.85, east=10.8, north=59.95)
    assert ways(lines(session, filters(), detail=Detail.GRID, sight=around_oslo))[0][2] == 30
    assert len(lines(session, filters(), detail=Detail.GRID, sight=around_oslo)) == 1


def test_what_is_not_drawn_is_named(session: Session, make_flow: MakeFlow) -> None:
    make_flow(OSLO, BAERUM, loads={"2027-01": 30})
    make_flow(BAERUM, OSLO, loads={"2027-01": 20})
    make_flow(ASKER, OSLO, loads={"2027-01": 5})
    found = flow_picture(session, filters(), detail=Detail.MUNICIPALITY, disclosure=Disclosure.FULL, most=1)
    assert [ribbon.flow.mass_t for ribbon in found.picture.ribbons] == [30]
    assert (found.picture.remainder.flow_count, found.picture.remainder.mass_t) == (2, 25)
    assert found.picture.mass_t == 55


def test_a_flow_of_a_municipality_of_the_past_is_no_line_on_the_map(session: Session, make_flow: MakeFlow) -> None:
    session.add(Municipality(number="3299", name="Gamle Bærum", county_number="32", source="of the past"))
    session.flush()
    make_flow(OSLO, BAERUM, loads={"2027-01": 30})
    deal = make_flow(OSLO, BAERUM, loads={"2027-01": 20})
    deal.destination_municipality_number = "3299"
    session.flush()
    found = flow_picture(session, filters(), detail=Detail.MUNICIPALITY, disclosure=Disclosure.FULL)
    assert [ribbon.flow.mass_t for ribbon in found.picture.ribbons] == [30]
    assert (found.picture.remainder.flow_count, found.picture.remainder.mass_t) == (1, 20)
    assert found.months_t[0] == 30


def test_the_number_of_questions_does_not_grow(
    session: Session, make_flow: MakeFlow, count_queries: Callable[[], object]
) -> None:
    def asked() -> int:
        with count_queries() as statements:  # type: ignore[attr-defined]
            flow_picture(session, filters(), detail=Detail.PROJECT, disclosure=Disclosure.FULL)
        return len(statements)

    make_flow(OSLO, BAERUM, loads={"2027-01": 30})
    before = asked()
    for _number in range(3):
        make_flow(BAERUM, ASKER, loads={"2027-01": 30, "2027-02": 4})
    assert asked() == before == 3


# What is shown to whom ------------------------------------------------------------------------------------------------


def test_a_flow_that_rests_on_few_deals_is_held_back(session: Session, make_flow: MakeFlow) -> None:
    for _number in range(3):
        make_flow(OSLO, BAERUM, loads={"2027-01": 30})
    for _number in range(3):
        make_flow(OSLO, ASKER, loads={"2027-01": 10})
    for _number in range(2):
        make_flow(BAERUM, OSLO, loads={"2027-01": 8})
    found = flow_lines(session, filters(), detail=Detail.MUNICIPALITY, disclosure=Disclosure.OPEN)
    # The two alone would be found again by subtraction: the smallest other one goes with them.
    assert ways(found.groups) == [(OSLO, BAERUM, 90)]
    assert found.held_back_deals == 5
    assert found.mass_t == 90


def test_no_box_tells_a_visitor_where_sites_are(session: Session, make_flow: MakeFlow) -> None:
    for _number in range(3):
        make_flow(OSLO, BAERUM, loads={"2027-01": 10})
    far_off = BBox(west=20, south=68, east=21, north=69)
    beside = BBox(west=10.52, south=59.93, east=10.53, north=59.94)
    everything = lines(session, filters(), disclosure=Disclosure.OPEN)
    assert everything
    for sight in (far_off, beside):
        assert lines(session, filters(), disclosure=Disclosure.OPEN, sight=sight) == everything
    assert lines(session, filters(), sight=far_off) == ()


def test_two_organisations_are_too_few(session: Session, make: Factory, make_flow: MakeFlow) -> None:
    giver, taker = make.organisation(), make.organisation()
    for _number in range(4):
        make_flow(OSLO, BAERUM, loads={"2027-01": 30}, giver=giver, taker=taker)
    assert lines(session, filters(), disclosure=Disclosure.OPEN) == ()
    make_flow(OSLO, BAERUM, loads={"2027-01": 30}, giver=giver)
    assert ways(lines(session, filters(), disclosure=Disclosure.OPEN)) == [(OSLO, BAERUM, 150)]


def test_a_month_that_rests_on_few_deals_is_held_back(session: Session, make_flow: MakeFlow) -> None:
    for _number in range(3):
        make_flow(OSLO, BAERUM, loads={"2027-01": 30, "2027-02": 20, "2027-03": 10})
    make_flow(OSLO, BAERUM, loads={"2027-04": 44})
    found = flow_picture(session, filters(), detail=Detail.MUNICIPALITY, disclosure=Disclosure.OPEN)
    [ribbon] = found.picture.ribbons
    # April rests on one deal; so that it is not what is missing of the whole, the smallest other month goes with it.
    assert ribbon.flow.months_t[:5] == (90, 60, None, None, 0)
    assert ribbon.flow.mass_t == 224
    assert found.months_t[:5] == (90, 60, None, None, 0)
    full = flow_picture(session, filters(), detail=Detail.MUNICIPALITY, disclosure=Disclosure.FULL)
    assert full.months_t[:5] == (90, 60, 30, 44, 0)
