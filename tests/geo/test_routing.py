"""Routers: what they answer, and that it is the shortest way that the lorry may drive."""

import itertools
import os
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import networkx as nx
import osmium
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.geometry import Position
from geo.routing import (
    CIRCUITY,
    LORRIES,
    CircuityRouter,
    Leg,
    LegStatus,
    Method,
    Region,
    RoutingError,
    Stop,
    lorry_of_vehicle,
    polyline,
    region_of_county,
    region_of_stops,
    same_method,
)
from geo.routing.valhalla import Network, ValhallaRouter
from tests.geo import strategies
from tests.road_networks import PLACES, ROADS, Road, graph_of, network_of, position, stop, write_osm

AVOIDED = ({}, {"avoids_ferries": True}, {"avoids_tolls": True})
LORRIES_AND_AVOIDED = [replace(LORRIES[key], **avoided) for key in LORRIES for avoided in AVOIDED]


# Estimates --------------------------------------------------------------------------------------------------------


def test_an_estimate_is_the_straight_line_times_the_factor_of_its_region():
    here, there = (Stop(position=position(place), region=Region.OSLO) for place in ((0, 0), (10, 0)))
    leg = CircuityRouter().route(here, there)
    assert leg.status is LegStatus.ESTIMATED
    assert (leg.is_estimate, leg.method, leg.duration_s, leg.road_km, leg.line) == (
        True,
        Method.ESTIMATE,
        None,
        None,
        None,
    )
    assert leg.factor == Decimal("1.30")
    assert leg.distance_m == pytest.approx(13_000, abs=1)
    assert leg.straight_km == Decimal("10.000")


def test_between_regions_the_roads_wind_as_in_the_one_where_they_wind_more():
    oslo, fjord = Stop(position=position((0, 0)), region=Region.OSLO), Stop(position=position((9, 0)))
    fjord = replace(fjord, region=Region.FJORDS)
    router = CircuityRouter()
    assert router.route(oslo, fjord).factor == router.route(fjord, oslo).factor == CIRCUITY[Region.FJORDS]
    assert region_of_stops([oslo, fjord]) is Region.FJORDS


@pytest.mark.parametrize(
    ("county", "region"), [("03", Region.OSLO), ("32", Region.OSLO), ("46", Region.FJORDS), ("55", Region.NORWAY)]
)
def test_a_county_lies_in_a_region(county, region):
    assert region_of_county(county) is region


@given(st.lists(strategies.positions(), min_size=2, max_size=5))
def test_an_estimate_is_never_shorter_than_the_straight_line_and_the_same_both_ways(places):
    stops = [Stop(position=place) for place in places]
    matrix = CircuityRouter().matrix(stops, stops)
    for i, j in itertools.product(range(len(stops)), repeat=2):
        assert matrix[i][j].distance_m >= matrix[i][j].straight_m
        assert matrix[i][j].distance_m == pytest.approx(matrix[j][i].distance_m, abs=0.01)


def test_other_factors_give_another_version():
    assert CircuityRouter().version == CircuityRouter(dict(CIRCUITY)).version
    assert CircuityRouter().version != CircuityRouter({**CIRCUITY, Region.OSLO: Decimal("1.4")}).version


# One method for all that is compared ------------------------------------------------------------------------------


def leg(status: LegStatus) -> Leg:
    is_found = status is LegStatus.FOUND
    return Leg(
        status=status,
        straight_m=1000,
        factor=Decimal("1.3"),
        road_m=1500 if is_found else None,
        road_s=120 if is_found else None,
    )


@given(st.lists(st.sampled_from(LegStatus), max_size=6))
def test_what_is_compared_is_known_in_one_way(statuses):
    legs = same_method([leg(status) for status in statuses])
    assert len({each.method for each in legs}) <= 1
    if set(statuses) <= {LegStatus.FOUND}:
        assert all(each.distance_m == 1500 for each in legs)
    else:
        assert all(each.distance_m == 1300 for each in legs)
        for before, after in zip(statuses, legs, strict=True):
            assert after.status is (LegStatus.ESTIMATED if before is LegStatus.FOUND else before)


# Lines ------------------------------------------------------------------------------------------------------------


@given(st.lists(strategies.positions(), max_size=20))
def test_a_line_is_read_as_it_was_written(places):
    line = tuple((place.lon, place.lat) for place in places)
    read = polyline.decode(polyline.encode(line))
    apart = [key for key, _ in itertools.groupby((round(lon * 1e5), round(lat * 1e5)) for lon, lat in line)]
    assert [(round(lon * 1e5), round(lat * 1e5)) for lon, lat in read] == apart


@pytest.mark.parametrize("text", ["_", "_p~iF", "_p~iF~ps|U_", "øre"])
def test_what_is_no_line_is_refused(text):
    with pytest.raises(ValueError, match="line"):
        polyline.decode(text)


def test_a_published_line_is_read():
    """The example of Google's description of the format."""
    assert polyline.decode("_p~iF~ps|U_ulLnnqC_mqNvxq`@") == ((-120.2, 38.5), (-120.95, 40.7), (-126.453, 43.252))


# By road ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    folder = tmp_path_factory.mktemp("roads")
    return network_of(folder / "built", write_osm(folder / "made.osm.pbf", PLACES, ROADS))


def shortest_m(graph: nx.DiGraph, start: str, end: str) -> float | None:
    try:
        length_m: float = nx.shortest_path_length(graph, start, end, weight="length_m")
    except nx.NetworkXNoPath:
        return None
    return length_m


def assert_same(leg: Leg, length_m: float | None) -> None:
    if length_m is None:
        assert (leg.status, leg.is_estimate) == (LegStatus.NO_ROUTE, True)
        assert leg.distance_m == leg.straight_m * float(leg.factor)
    else:
        assert (leg.status, leg.method) == (LegStatus.FOUND, Method.ROAD)
        assert leg.road_m == pytest.approx(length_m, rel=0.005, abs=10)
        assert (leg.road_s or 0) > 0 or length_m == 0


@pytest.mark.parametrize("lorry", LORRIES_AND_AVOIDED, ids=lambda lorry: lorry.profile)
def test_a_matrix_is_what_another_program_finds_on_the_same_roads(network, lorry):
    """One-way streets, limits of weight and height, closed roads, a toll road, a ferry, and roads that no road leads
    to, between any two places of the network."""
    graph = graph_of(PLACES, ROADS, lorry)
    stops = [stop(place) for place in PLACES.values()]
    matrix = ValhallaRouter(network, lorry=lorry).matrix(stops, stops)
    for start, row in zip(PLACES, matrix, strict=True):
        for end, leg in zip(PLACES, row, strict=True):
            assert_same(leg, shortest_m(graph, start, end))


def test_to_one_place_from_many_is_what_it_is_from_each(network):
    stops = [stop(place) for place in PLACES.values()]
    graph = graph_of(PLACES, ROADS, LORRIES["32t"])
    for end in ("c", "island"):
        column = ValhallaRouter(network).matrix(stops, [stop(PLACES[end])])
        for start, row in zip(PLACES, column, strict=True):
            assert_same(row[0], shortest_m(graph, start, end))


@pytest.mark.parametrize(
    ("start", "end", "changed", "is_longer"),
    [
        ("e", "f", {"key": "50t", "weight_t": 50.0}, True),
        ("d", "e", {"height_m": 3.0}, False),
        ("b", "c", {"weight_t": 8.0}, False),
    ],
)
def test_a_limit_closes_a_road_to_what_is_beyond_it(network, start, end, changed, is_longer):
    ends = stop(PLACES[start]), stop(PLACES[end])
    usual = ValhallaRouter(network).route(*ends)
    other = ValhallaRouter(network, lorry=replace(LORRIES["32t"], **changed)).route(*ends)
    assert (other.distance_m > usual.distance_m) is is_longer
    assert (other.distance_m < usual.distance_m) is not is_longer


def test_a_one_way_street_is_longer_on_the_way_back(network):
    there, back = (ValhallaRouter(network).route(stop(PLACES[start]), stop(PLACES[end])) for start, end in ("cd", "dc"))
    assert there.distance_m == pytest.approx(2000, rel=0.01)
    assert back.distance_m == pytest.approx(2 * 3162, rel=0.01)


def test_who_avoids_the_ferry_drives_around_and_who_avoids_the_toll_stays_ashore(network):
    ends = stop(PLACES["quay"]), stop(PLACES["island"])
    by_ferry = ValhallaRouter(network).route(*ends)
    around = ValhallaRouter(network, lorry=replace(LORRIES["32t"], avoids_ferries=True)).route(*ends)
    assert by_ferry.distance_m == pytest.approx(2000, rel=0.01)
    assert around.distance_m == pytest.approx(2 * 30017, rel=0.01)
    tolls = ValhallaRouter(network, lorry=replace(LORRIES["32t"], avoids_tolls=True))
    assert tolls.route(stop(PLACES["g"]), stop(PLACES["quay"])).status is LegStatus.NO_ROUTE


def test_a_route_is_as_long_as_the_matrix_says_and_runs_along_the_road(network):
    router = ValhallaRouter(network)
    for start, end in itertools.permutations(("a", "d", "f", "island"), 2):
        ends = stop(PLACES[start]), stop(PLACES[end])
        route = router.route(*ends)
        assert route.road_m == pytest.approx(router.matrix([ends[0]], [ends[1]])[0][0].road_m, abs=3)
        assert route.line is not None
        places = [Position(lon=lon, lat=lat) for lon, lat in route.line]
        driven_m = sum(one.distance_m(other) for one, other in itertools.pairwise(places))
        assert driven_m == pytest.approx(route.road_m, rel=0.005, abs=10)
        assert places[0].distance_m(ends[0].position) < 10
        assert places[-1].distance_m(ends[1].position) < 10


def test_a_stop_beside_the_road_is_driven_to_straight(network):
    away_km = 0.4
    beside, there = stop((1, -away_km)), stop(PLACES["a"])
    leg = ValhallaRouter(network).matrix([beside], [there])[0][0]
    assert leg.road_m == pytest.approx(1000 + 1000 * away_km, rel=0.01)


def test_a_stop_far_from_all_roads_is_off_the_network_and_spoils_no_other(network):
    stops = [stop(PLACES["a"]), stop((1, 5)), stop(PLACES["d"])]
    router = ValhallaRouter(network)
    matrix = router.matrix(stops, stops)
    off = [[leg.status is LegStatus.OFF_NETWORK for leg in row] for row in matrix]
    assert off == [[False, True, False], [True, True, True], [False, True, False]]
    assert matrix[0][1].distance_m == matrix[0][1].straight_m * 1.3
    assert router.route(stops[0], stops[1]).status is LegStatus.OFF_NETWORK


def test_there_is_no_way_to_roads_that_no_road_leads_to(network):
    router = ValhallaRouter(network)
    there = router.matrix([stop(PLACES["a"])], [stop(PLACES["farm"]), stop(PLACES["b"])])[0]
    assert [leg.status for leg in there] == [LegStatus.NO_ROUTE, LegStatus.FOUND]
    assert router.route(stop(PLACES["a"]), stop(PLACES["barn"])).status is LegStatus.NO_ROUTE
    assert router.route(stop(PLACES["farm"]), stop(PLACES["barn"])).status is LegStatus.FOUND


def test_nothing_is_driven_to_where_one_is(network):
    here = stop((1, 0.2))
    router = ValhallaRouter(network)
    assert router.matrix([here], [here])[0][0].road_m == router.route(here, here).road_m == 0


def test_nothing_asked_is_nothing_answered(network):
    assert ValhallaRouter(network).matrix([], [stop((0, 0))]) == []
    assert ValhallaRouter(network).matrix([stop((0, 0))], []) == [[]]


def test_a_lorry_has_a_name_for_what_it_keeps_away_from():
    lorry = replace(LORRIES["32t"], avoids_ferries=True, avoids_tolls=True)
    assert (LORRIES["32t"].profile, lorry.profile) == ("32t", "32t-no-ferries-no-tolls")
    assert lorry_of_vehicle("truck_trailer").key == "50t"
    assert lorry_of_vehicle("something else").key == "32t"


def test_an_archive_that_is_not_there_is_said_to_be(tmp_path):
    with pytest.raises(RoutingError, match="is not there"):
        Network(tmp_path / "tiles.tar", version="none")


# Networks drawn by lot --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_a_network_drawn_by_lot_ways_are_found_where_there_are_any_and_hardly_longer_than_need_be(tmp_path, seed):
    """The engine drives the fastest way, and thinks of turns; the other program the shortest."""
    drawn = random.Random(seed)
    side = 7
    places = {
        f"{x}.{y}": (x + drawn.uniform(-0.3, 0.3), y + drawn.uniform(-0.3, 0.3))
        for x in range(side)
        for y in range(side)
    }
    neighbours = [
        (f"{x}.{y}", f"{x + dx}.{y + dy}")
        for x in range(side)
        for y in range(side)
        for dx, dy in ((1, 0), (0, 1))
        if x + dx < side and y + dy < side
    ]
    kinds = [
        {},
        {},
        {"tags": {"oneway": "yes"}},
        {"tags": {"maxweight": "20"}, "closed_to": frozenset(LORRIES)},
        {"tags": {"maxheight": "3.2"}, "closed_to": frozenset(LORRIES)},
    ]
    roads = [Road(ends=ends, **drawn.choice(kinds)) for ends in neighbours if drawn.random() < 0.85]
    network = network_of(tmp_path / "built", write_osm(tmp_path / "drawn.osm.pbf", places, roads))
    graph = graph_of(places, roads, LORRIES["32t"])
    # A stop where all roads are closed has to be let in somewhere; its neighbour has no way out in the graph.
    served = [name for name in places if graph.in_degree(name) and graph.out_degree(name)]
    stops = [stop(places[name]) for name in served]
    matrix = ValhallaRouter(network).matrix(stops, stops)
    differing = 0
    for start, row in zip(served, matrix, strict=True):
        for end, leg in zip(served, row, strict=True):
            wanted_m = shortest_m(graph, start, end)
            if wanted_m is None or leg.road_m is None:
                differing += (wanted_m is None) is not (leg.road_m is None)
                continue
            assert leg.road_m >= wanted_m * 0.995 - 10
            assert leg.road_m <= wanted_m * 1.25 + 100
    assert differing == 0


# A real extract ---------------------------------------------------------------------------------------------------

EXTRACT = Path(os.environ.get("GEODATA_DIR", "nowhere")) / "osm" / "oslo-east-filtered.osm.pbf"
DRIVABLE = frozenset(
    f"{kind}{link}"
    for kind in ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential")
    for link in ("", "_link")
) | {"living_street", "service", "track", "road", "construction", "emergency_access"}


class Junctions(osmium.SimpleHandler):
    """All ways of an extract, footpaths too, taken both ways whatever is signed: nothing that is allowed is shorter.

    `drivable` has those that lorries drive as a rule.
    """

    def __init__(self) -> None:
        super().__init__()
        self.all, self.drivable = nx.Graph(), nx.Graph()

    def way(self, way) -> None:
        tags = way.tags
        if "highway" not in tags and tags.get("route") != "ferry":
            return
        places = [Position(lon=node.location.lon, lat=node.location.lat) for node in way.nodes]
        for one, other in itertools.pairwise(places):
            self.all.add_edge(one, other, length_m=one.distance_m(other))
            if tags.get("highway") in DRIVABLE:
                self.drivable.add_edge(one, other, length_m=one.distance_m(other))


def lies_on_the_network(router: ValhallaRouter, place: Position) -> bool:
    access = router._entrances([Stop(position=place)])[place]
    return access is not None and max(access.start.gap_m, access.end.gap_m) < 0.5


@pytest.mark.slow
@pytest.mark.skipif(not EXTRACT.is_file(), reason="GEODATA_DIR names no folder with a real extract")
def test_on_real_roads_no_way_is_shorter_than_roads_allow_and_most_are_hardly_longer(tmp_path):
    roads = Junctions()
    roads.apply_file(str(EXTRACT), locations=True)
    main = max(nx.connected_components(roads.drivable), key=len)
    places = random.Random(5).sample(sorted(main, key=lambda each: (each.lon, each.lat)), 40)
    router = ValhallaRouter(network_of(tmp_path / "built", EXTRACT))
    # A stop that lies on a road closed to lorries is driven to straight, across what no road crosses.
    places = [place for place in places if lies_on_the_network(router, place)]
    stops = [Stop(position=place, region=Region.OSLO) for place in places]
    matrix = router.matrix(stops, stops)
    found, close = 0, 0
    for start, row in zip(places, matrix, strict=True):
        least_m, usual_m = (
            nx.single_source_dijkstra_path_length(graph, start, weight="length_m")
            for graph in (roads.all, roads.drivable)
        )
        for end, leg in zip(places, row, strict=True):
            if leg.road_m is None:
                continue
            found += 1
            # The engine keeps each piece of road in whole metres, on a sphere.
            assert leg.road_m >= 0.985 * least_m[end] - 20
            close += leg.road_m <= 1.25 * usual_m[end] + 100
    assert found > 0.8 * len(stops) ** 2
    assert close > 0.7 * found
