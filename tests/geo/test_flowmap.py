import json
import re
from decimal import Decimal
from math import dist

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.crs import to_stored, transform_point
from geo.flowmap import (
    LEAST_PX,
    WIDEST_PX,
    Detail,
    Flow,
    Place,
    Remainder,
    as_drawn,
    control_point,
    detail_at,
    from_mercator,
    grid_corner_m,
    grid_number,
    json_for_script,
    map_file,
    outline_of,
    picture_of,
    scale_top,
    to_mercator,
    width_px,
)
from geo.geometry import Position

OSLO = Position(lon=10.75, lat=59.91)
BERGEN = Position(lon=5.32, lat=60.39)
PLACES = {
    "0301": Place(key="0301", name="Oslo", position=OSLO),
    "4601": Place(key="4601", name="Bergen", position=BERGEN),
    "3201": Place(key="3201", name="Bærum", position=Position(lon=10.52, lat=59.89)),
}

places = st.builds(Position, lon=st.floats(4, 31), lat=st.floats(57.5, 71.5))
masses = st.decimals(0, 10**9, places=3)


def flow(origin: str, destination: str, mass: float | str, group: str = "stone", **facts: object) -> Flow:
    return Flow(
        origin=origin,
        destination=destination,
        group=group,
        mass_t=Decimal(mass),
        deal_count=1,
        **facts,  # type: ignore[arg-type]
    )


def test_the_largest_are_drawn_and_the_rest_is_named() -> None:
    flows = [flow("0301", "4601", 10), flow("4601", "0301", 500), flow("3201", "0301", "20.5")]
    picture = picture_of(flows, PLACES, detail=Detail.MUNICIPALITY, most=1)
    assert [ribbon.flow.mass_t for ribbon in picture.ribbons] == [500]
    assert picture.remainder == Remainder(flow_count=2, mass_t=Decimal("30.5"))
    assert [place.key for place in picture.places] == ["0301", "4601"]
    assert picture.mass_t == Decimal("530.5")


@given(st.lists(masses, max_size=12), st.integers(1, 12))
def test_no_tonne_is_lost_however_few_are_drawn(given_masses: list[Decimal], most: int) -> None:
    flows = [flow("0301", "4601", mass) for mass in given_masses]  # type: ignore[arg-type]
    assert picture_of(flows, PLACES, detail=Detail.COUNTY, most=most).mass_t == sum(given_masses)


def test_what_was_left_out_before_counts_with_the_rest() -> None:
    before = Remainder(flow_count=40, mass_t=Decimal(7))
    picture = picture_of([flow("0301", "4601", 10)], PLACES, detail=Detail.COUNTY, remainder=before)
    assert picture.remainder == before


def test_a_flow_within_a_place_has_no_curve() -> None:
    picture = picture_of([flow("0301", "0301", 10), flow("0301", "4601", 5)], PLACES, detail=Detail.COUNTY)
    within, across = picture.ribbons
    assert within.through is None
    assert across.through is not None


@given(places, places)
def test_a_flow_and_its_return_flow_part(start: Position, end: Position) -> None:
    if dist(to_mercator(start), to_mercator(end)) < 1:
        return
    there = to_mercator(control_point(start, end, bend=0.16))
    back = to_mercator(control_point(end, start, bend=0.16))
    apart = dist(there, back)
    assert apart == pytest.approx(4 * 0.16 * dist(to_mercator(start), to_mercator(end)), rel=1e-6)


def test_a_flow_bends_to_the_right_of_its_direction() -> None:
    eastward = control_point(BERGEN, Position(lon=OSLO.lon, lat=BERGEN.lat), bend=0.16)
    assert eastward.lat < BERGEN.lat


def test_groups_between_the_same_places_lie_beside_each_other() -> None:
    flows = [flow("0301", "4601", 10, "stone"), flow("0301", "4601", 5, "soil"), flow("0301", "4601", 2, "asphalt")]
    picture = picture_of(flows, PLACES, detail=Detail.COUNTY)
    middle = tuple(sum(pair) / 2 for pair in zip(to_mercator(OSLO), to_mercator(BERGEN), strict=True))
    strays = [dist(middle, to_mercator(ribbon.through)) for ribbon in picture.ribbons if ribbon.through]
    assert strays == sorted(strays)
    assert len({round(stray) for stray in strays}) == 3


@given(places)
def test_mercator_there_and_back(position: Position) -> None:
    back = from_mercator(*to_mercator(position))
    assert (back.lon, back.lat) == pytest.approx((position.lon, position.lat), abs=1e-9)


def test_mercator_is_that_of_epsg_3857() -> None:
    by_pyproj = transform_point(OSLO.lon, OSLO.lat, source_srid=4326, target_srid=3857)
    assert to_mercator(OSLO) == pytest.approx(by_pyproj, abs=0.001)


def test_width_is_in_proportion() -> None:
    assert width_px(Decimal(1000), widest_t=Decimal(1000)) == WIDEST_PX
    assert width_px(Decimal(500), widest_t=Decimal(1000)) == WIDEST_PX / 2
    assert width_px(Decimal(1), widest_t=Decimal(1000)) == LEAST_PX
    assert width_px(Decimal(0), widest_t=Decimal(1000)) == 0


@given(masses, masses)
def test_more_is_never_drawn_thinner(one: Decimal, other: Decimal) -> None:
    less, more = sorted((one, other))
    top = scale_top(more)
    assert width_px(less, widest_t=top) <= width_px(more, widest_t=top) <= WIDEST_PX


@pytest.mark.parametrize(
    ("mass", "top"), [("0", "1"), ("0.3", "0.5"), ("1", "1"), ("1.01", "2"), ("4200", "5000"), ("7000", "10000")]
)
def test_the_scale_takes_round_steps(mass: str, top: str) -> None:
    assert scale_top(Decimal(mass)) == Decimal(top)


@pytest.mark.parametrize(
    ("zoom", "detail"),
    [(4, Detail.COUNTY), (6.5, Detail.MUNICIPALITY), (9.5, Detail.MUNICIPALITY), (10, Detail.GRID), (18, "project")],
)
def test_the_zoom_level_chooses_the_detail(zoom: float, detail: Detail) -> None:
    assert detail_at(zoom, allowed=Detail) is Detail(detail)


def test_no_finer_detail_than_allowed() -> None:
    assert detail_at(18, allowed=[Detail.COUNTY, Detail.MUNICIPALITY]) is Detail.MUNICIPALITY
    assert detail_at(4, allowed=[Detail.MUNICIPALITY]) is Detail.MUNICIPALITY


def test_squares_have_the_numbers_of_statistics_norway() -> None:
    """Worked by hand: 262,612 m east lies from 260,000 on, 6,656,182 m north from 6,655,000."""
    assert grid_number(262_612.18, 6_656_182.37) == 22_600_006_655_000
    assert grid_corner_m(22_600_006_655_000) == (260_000, 6_655_000)


@given(places)
def test_a_place_lies_in_its_square(position: Position) -> None:
    point = to_stored(shapely.Point(position.lon, position.lat))
    east, north = grid_corner_m(grid_number(point.x, point.y))
    assert 0 <= point.x - east < 5_000
    assert 0 <= point.y - north < 5_000
    assert east % 5_000 == north % 5_000 == 0


def test_what_is_drawn_names_places_once() -> None:
    flows = [
        flow("0301", "4601", "10.5", months_t=(Decimal("10.5"), None, Decimal(0))),
        flow("4601", "0301", 4),
    ]
    drawn = as_drawn(picture_of(flows, PLACES, detail=Detail.MUNICIPALITY))
    assert [place["name"] for place in drawn["places"]] == ["Oslo", "Bergen"]
    first, second = drawn["flows"]
    assert (first["from"], first["to"], first["mass_t"], first["months_t"]) == (0, 1, 10.5, [10.5, None, 0])
    assert "months_t" not in second
    assert drawn["scales"]["whole"]["ribbon"]["top"] == drawn["scales"]["month"]["ribbon"]["top"] == 20
    json.dumps(drawn)


def test_nothing_draws_nothing() -> None:
    drawn = as_drawn(picture_of([], {}, detail=Detail.COUNTY))
    assert drawn["flows"] == drawn["places"] == []
    assert drawn["scales"]["whole"]["ribbon"]["top"] == 1


def test_what_stays_within_a_place_has_a_scale_of_its_own() -> None:
    flows = [flow("0301", "0301", 90_000), flow("0301", "4601", 40)]
    scales = as_drawn(picture_of(flows, PLACES, detail=Detail.COUNTY))["scales"]["whole"]
    assert (scales["ribbon"]["top"], scales["ring"]["top"]) == (50, 100_000)


def test_names_cannot_end_the_script() -> None:
    text = json_for_script({"name": "</script><script>alert(1)</script>\u2028&"})
    assert not re.search("[<>&\u2028]", text)
    assert json.loads(text) == {"name": "</script><script>alert(1)</script>\u2028&"}


def test_the_file_is_an_element_and_a_script() -> None:
    made = map_file("flows", options={"zoom": 5}, data={"name": "</script>"})
    assert made.html.strip() == '<div class="mf-map__canvas" id="map_flows"></div>'
    assert 'const map_flows = createMap("map_flows", {"zoom":5});' in made.script
    assert 'drawFlowFile(map_flows, {"name":"\\u003c/script\\u003e"});' in made.script
    assert "//" not in made.html + made.script


def test_outlines_of_neighbours_stay_neighbours() -> None:
    """Two squares of 50 km with a wavy border between them, which is simplified the same from either side."""
    border = [(300_000 + (60 if step % 2 else 0), 6_600_000 + 1_000 * step) for step in range(51)]
    west = shapely.Polygon([*border, (250_000, 6_650_000), (250_000, 6_600_000)])
    east = shapely.Polygon([*border, (350_000, 6_650_000), (350_000, 6_600_000)])
    rings = [corners_of(ring) for ring in outline_of([west, east])]
    assert [ring[0] == ring[-1] for ring in rings] == [True, True]
    assert len(rings[0]) < 12
    one, other = (shapely.Polygon(ring) for ring in rings)
    assert one.intersection(other).area == 0
    assert one.intersection(other).length > 400  # steps along the border


def test_an_island_smaller_than_a_step_is_left_out() -> None:
    assert outline_of([shapely.box(300_000, 6_600_000, 300_020, 6_600_020)]) == []
    assert outline_of([]) == []


def corners_of(ring: list[int]) -> list[tuple[int, int]]:
    """As `flow-file.js` reads them."""
    corners, at = [], (0, 0)
    for east, north in zip(ring[::2], ring[1::2], strict=True):
        at = (at[0] + east, at[1] + north)
        corners.append(at)
    return corners
