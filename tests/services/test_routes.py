"""What the network answers is kept, by places, lorry and version, apart from what a request writes."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geo.geometry import Position
from geo.routing import CIRCUITY, LORRIES, CircuityRouter, Leg, LegStatus, Method, Region, RoutingError, Stop
from geo.routing.valhalla import ValhallaRouter
from marketplace import routing
from marketplace.afterwards import afterwards
from marketplace.db import make_engine, make_sessions
from marketplace.models import RoadLeg
from marketplace.queries.factor_sets import active_set
from marketplace.services.factor_sets import activate, copy_set
from marketplace.services.routes import KEPT_FOR, forget_legs, legs_between, route_between, routes_between, stop_of
from tests.conftest import NOW, QueryCounter, test_settings
from tests.road_networks import PLACES, ROADS, network_of, position, stop, write_osm

HERE, THERE, FARM, ASTRAY = stop(PLACES["a"]), stop(PLACES["d"]), stop(PLACES["farm"]), stop((1, 5))


class CountingRouter(ValhallaRouter):
    """Tells how many legs it was asked for."""

    asked = 0

    def matrix(self, origins, destinations):
        self.asked += len(origins) * len(destinations)
        return super().matrix(origins, destinations)

    def route(self, origin, destination):
        self.asked += 1
        return super().route(origin, destination)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("roads")
    return network_of(folder / "built", write_osm(folder / "made.osm.pbf", PLACES, ROADS))


@pytest.fixture
def router(network) -> CountingRouter:
    return CountingRouter(network)


def kept(session: Session) -> list[tuple[str, LegStatus, bool]]:
    rows = session.scalars(select(RoadLeg).order_by(RoadLeg.profile, RoadLeg.destination_lon_e5))
    return [(row.profile, row.status, row.line is not None) for row in rows]


def plain(leg: Leg) -> tuple[object, ...]:
    return leg.status, leg.straight_m, leg.factor, leg.road_m, leg.road_s


def test_an_estimate_is_worked_out_and_never_kept(session, count_queries: QueryCounter):
    with count_queries() as statements:
        legs = legs_between(session, [(HERE, THERE), (THERE, HERE)], router=CircuityRouter())
    assert [leg.status for leg in legs] == [LegStatus.ESTIMATED] * 2
    assert statements == []


def test_an_answer_is_asked_for_once_and_is_the_same_afterwards(session, router):
    pairs = [(HERE, THERE), (THERE, HERE), (HERE, FARM), (ASTRAY, HERE), (HERE, THERE)]
    first = legs_between(session, pairs, router=router)
    assert [leg.status for leg in first] == [
        LegStatus.FOUND,
        LegStatus.FOUND,
        LegStatus.NO_ROUTE,
        LegStatus.OFF_NETWORK,
        LegStatus.FOUND,
    ]
    session.rollback()  # a request that only reads
    asked = router.asked
    again = legs_between(session, pairs, router=router)
    assert [plain(leg) for leg in again] == [plain(leg) for leg in first]
    assert router.asked == asked > 0
    assert len(kept(session)) == 4


@pytest.mark.parametrize("count", [1, 5])
def test_legs_take_one_statement_whatever_their_number(session, router, count_queries: QueryCounter, count):
    pairs = [(HERE, stop((place, 0))) for place in range(count)]
    with count_queries() as statements:
        legs_between(session, pairs, router=router)
    assert len(statements) == 1


def test_each_lorry_and_each_network_has_its_own_answers(session, network, router):
    pair = [(stop(PLACES["e"]), stop(PLACES["f"]))]
    light = legs_between(session, pair, router=router)[0]
    heavy = legs_between(session, pair, router=ValhallaRouter(network, lorry=LORRIES["50t"]))[0]
    session.rollback()
    assert light.distance_m < heavy.distance_m
    assert [profile for profile, *_ in kept(session)] == ["32t", "50t"]
    session.execute(update(RoadLeg).values(created_at=NOW))
    assert forget_legs(session, version=router.version, now=NOW) == 0
    assert forget_legs(session, version="another", now=NOW) == 2
    assert forget_legs(session, version=None, now=NOW) == 0


def test_old_answers_are_forgotten(session, router):
    legs_between(session, [(HERE, THERE), (THERE, HERE)], router=router)
    session.rollback()
    session.execute(update(RoadLeg).values(created_at=NOW - KEPT_FOR))
    assert forget_legs(session, version=router.version, now=NOW) == 0
    assert forget_legs(session, version=router.version, now=NOW + timedelta(seconds=1)) == 2


class BrokenRouter(ValhallaRouter):
    """Its engine has failed."""

    def matrix(self, origins, destinations):
        raise RoutingError("the engine failed")

    def route(self, origin, destination):
        raise RoutingError("the engine failed")


def test_an_engine_that_fails_leaves_estimates_which_are_not_kept(session, network, router):
    broken = BrokenRouter(network)
    legs = legs_between(session, [(HERE, THERE), (THERE, HERE)], router=broken)
    assert [leg.status for leg in legs] == [LegStatus.ESTIMATED] * 2
    assert route_between(session, HERE, THERE, router=broken).status is LegStatus.ESTIMATED
    session.rollback()
    assert kept(session) == []
    measured = legs_between(session, [(HERE, THERE)], router=router)[0]
    session.rollback()
    assert plain(route_between(session, HERE, THERE, router=broken)) == plain(measured)


def test_tiles_that_cannot_be_read_are_an_error_of_the_network(network, monkeypatch):
    class Engine:
        def locate(self, question):
            raise RuntimeError("tile")

    monkeypatch.setattr(type(network), "engine", Engine())
    with pytest.raises(RoutingError, match="the engine failed"):
        ValhallaRouter(network).route(HERE, THERE)


def test_places_within_a_metre_are_one_place(session, router):
    near = Stop(position=Position(lon=HERE.position.lon + 1e-6, lat=HERE.position.lat), region=Region.OSLO)
    one, other = legs_between(session, [(HERE, THERE), (near, THERE)], router=router)
    assert one == other
    assert router.asked == 1


def test_a_line_is_asked_for_when_a_map_wants_it_and_kept_beside_the_distance(session, router):
    leg = legs_between(session, [(HERE, THERE)], router=router)[0]
    session.rollback()
    route = route_between(session, HERE, THERE, router=router)
    assert leg.line is None
    assert route.line is not None
    assert plain(route) == plain(leg)
    session.rollback()
    asked = router.asked
    again = route_between(session, HERE, THERE, router=router)
    assert router.asked == asked
    assert again.line is not None
    assert len(again.line) == len(route.line)
    assert plain(legs_between(session, [(HERE, THERE)], router=router)[0]) == plain(leg)
    estimates = routes_between(session, [(HERE, FARM), (HERE, ASTRAY)], router=router)
    assert [each.line for each in estimates] == [None, None]


def test_a_stop_winds_as_its_county_does():
    assert stop_of(position((0, 0)), "3201").region is Region.OSLO
    assert stop_of(position((0, 0)), "4601").region is Region.FJORDS


# On a connection of its own ---------------------------------------------------------------------------------------


@pytest.fixture
def one_connection(committing_engine: Engine) -> Iterator[Engine]:
    """A pool of a single connection, of which whoever holds one and wants another waits forever."""
    url = committing_engine.url
    made = make_engine(test_settings(url, database_pool_size=1))
    yield made
    made.dispose()


def count_of(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(RoadLeg)) or 0


def test_answers_are_kept_though_the_session_commits_nothing(one_connection, router):
    with make_sessions(one_connection)() as session:
        legs_between(session, [(HERE, THERE)], router=router)
        assert session.in_transaction()
    assert count_of(one_connection) == 1


def test_answers_are_kept_though_the_request_fails(one_connection, router):
    session = make_sessions(one_connection)()
    legs_between(session, [(HERE, THERE)], router=router)
    with pytest.raises(DBAPIError):
        session.execute(text("SELECT 1 / 0"))
    session.close()
    assert count_of(one_connection) == 1


def test_a_reader_that_never_begins_keeps_answers_too(one_connection, router):
    reader = one_connection.execution_options(isolation_level="AUTOCOMMIT")
    with make_sessions(reader)() as session:
        legs_between(session, [(HERE, THERE)], router=router)
    assert count_of(one_connection) == 1


def test_what_cannot_be_kept_fails_nobody(one_connection, router):
    with make_sessions(one_connection)() as session:

        def fail(connection):
            connection.exec_driver_sql("SELECT 1 / 0")

        afterwards(session, fail)
        legs_between(session, [(HERE, THERE)], router=router)
    assert count_of(one_connection) == 0
    with make_sessions(one_connection).begin() as session:
        assert session.scalar(select(1)) == 1


def test_many_who_ask_the_same_at_once_get_one_answer(committing_engine, network):
    pairs = [(stop(place), THERE) for place in PLACES.values()]
    answers: list[list[tuple[object, ...]]] = []

    def ask(order: int) -> None:
        router = ValhallaRouter(network)
        with make_sessions(committing_engine)() as session:
            legs = legs_between(session, pairs[::order], router=router)
        answers.append([plain(leg) for leg in legs][::order])

    threads = [threading.Thread(target=ask, args=(order,)) for order in (1, -1) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert all(each == answers[0] for each in answers)
    assert count_of(committing_engine) == len(pairs)


def test_estimates_wind_as_the_factor_set_in_use_has_it(session, make, now, router):
    admin = make.actor(make.user(is_admin=True))
    draft = copy_set(session, admin, set_id=active_set(session).id, version="test-2027", name="A test", now=now)
    row = next(each for each in draft.factors if each.key == f"circuity.{HERE.region}")
    row.value = row.high = Decimal("1.44")
    session.flush()
    assert legs_between(session, [(HERE, THERE)])[0].factor == CIRCUITY[HERE.region]
    activate(session, admin, set_id=draft.id, now=now)
    assert legs_between(session, [(HERE, THERE)])[0].factor == Decimal("1.44")
    assert router.winding_as({**CIRCUITY, HERE.region: Decimal(2)}).estimate(HERE, THERE).factor == 2


def test_the_router_in_use_is_asked_where_none_is_given(session):
    assert routing.router().method is Method.ESTIMATE
    assert legs_between(session, [(HERE, THERE)])[0].status is LegStatus.ESTIMATED
