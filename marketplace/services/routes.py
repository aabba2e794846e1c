"""How far lorries drive between places: asked of the router once, and kept for as long as its network is in use.

What the network answers is a fact of the network, not of the request that happened to ask. So it is written in a
transaction of its own, after the session's has ended (`marketplace.afterwards`): a GET never commits its session, and
must not lose what took the engine longest; a request that fails keeps its answers, too; and no request holds two
connections.

Places are rounded to a metre before anybody is asked, so an answer is the same whoever asks first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, delete, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.geometry import Position
from geo.routing import CIRCUITY, Leg, LegStatus, Method, Router, RoutingError, Stop, polyline, region_of_county
from marketplace import routing
from marketplace.afterwards import afterwards
from marketplace.models import RoadLeg
from marketplace.queries.factor_sets import winding_in_use
from marketplace.queries.road_legs import Ends, KeptLeg, kept_legs

E5 = 100_000

KEPT_FOR: Final = timedelta(days=90)
"""Anybody who searches has ways asked for; what is still wanted after this is asked for anew."""

log = structlog.get_logger(__name__)

type Pair = tuple[Stop, Stop]
"""From where, to where."""


def stop_of(position: Position, municipality_number: str) -> Stop:
    """A place in a municipality, whose number begins with its county's."""
    return Stop(position=position, region=region_of_county(municipality_number[:2]))


def router_for(session: Session) -> Router:
    """The router in use, whose estimates wind as the factor set in use has it: as what is avoided is worked out."""
    winding = {**CIRCUITY, **winding_in_use(session)}
    found = routing.router()
    return found if winding == CIRCUITY else found.winding_as(winding)


def legs_between(session: Session, pairs: Sequence[Pair], *, router: Router | None = None) -> tuple[Leg, ...]:
    """A leg for each pair, in their order, in one statement whatever their number; by the router in use, unless another
    is given.

    Legs stand alone: before they are compared with one another, `geo.routing.same_method` must have them.
    """
    router = router or router_for(session)
    if router.method is Method.ESTIMATE:
        return tuple(router.route(*pair) for pair in pairs)
    rounded = [(_rounded(origin), _rounded(destination)) for origin, destination in pairs]
    wanted = dict.fromkeys(rounded)
    kept = kept_legs(session, [_ends(pair) for pair in wanted], version=router.version, profile=router.profile)
    legs: dict[Pair, Leg] = {
        pair: _leg_of(kept[_ends(pair)], pair, router=router) for pair in wanted if _ends(pair) in kept
    }
    new = dict(_driven([pair for pair in wanted if pair not in legs], router))
    _keep(session, new, router)
    return tuple((legs | new)[pair] for pair in rounded)


def route_between(session: Session, origin: Stop, destination: Stop, *, router: Router | None = None) -> Leg:
    """A leg with the line it runs along; an estimate has none."""
    return routes_between(session, [(origin, destination)], router=router)[0]


def routes_between(session: Session, pairs: Sequence[Pair], *, router: Router | None = None) -> tuple[Leg, ...]:
    """As `legs_between`, with lines: for the few ways that a map shows, since each is driven by itself."""
    router = router or router_for(session)
    if router.method is Method.ESTIMATE:
        return tuple(router.route(*pair) for pair in pairs)
    rounded = [(_rounded(origin), _rounded(destination)) for origin, destination in pairs]
    kept = kept_legs(session, [_ends(pair) for pair in rounded], version=router.version, profile=router.profile)
    legs: dict[Pair, Leg] = {}
    new: dict[Pair, Leg] = {}
    for pair in dict.fromkeys(rounded):
        found = kept.get(_ends(pair))
        if found is not None and (found.line is not None or found.status is not LegStatus.FOUND):
            legs[pair] = _leg_of(found, pair, router=router)
        else:
            driven = _route(pair, router)
            # The distance that stands is the one that was given before, so that no page contradicts another.
            legs[pair] = replace(_leg_of(found, pair, router=router), line=driven.line) if found else driven
            new[pair] = legs[pair]
    _keep(session, new, router)
    return tuple(legs[pair] for pair in rounded)


def forget_legs(session: Session, *, version: str | None, now: datetime) -> int:
    """Forget what other networks than the one in use have answered, and what is old; returns how many answers."""
    unused = delete(RoadLeg)
    if version is not None:
        unused = unused.where(or_(RoadLeg.network_version != version, RoadLeg.created_at < now - KEPT_FOR))
    result: Any = session.execute(unused)
    forgotten: int = result.rowcount
    return forgotten


# Asking -----------------------------------------------------------------------------------------------------------


def _driven(pairs: Sequence[Pair], router: Router) -> Iterable[tuple[Pair, Leg]]:
    """As few matrices as there are sets of destinations: pairs that share an origin are asked for together, and origins
    that go to the same places, too."""
    by_origin: dict[Stop, list[Stop]] = {}
    for origin, destination in pairs:
        by_origin.setdefault(origin, []).append(destination)
    groups: dict[tuple[Stop, ...], list[Stop]] = {}
    for origin, destinations in by_origin.items():
        groups.setdefault(tuple(destinations), []).append(origin)
    for destinations_, origins in groups.items():
        for origin, row in zip(origins, _matrix(origins, destinations_, router), strict=True):
            for destination, leg in zip(destinations_, row, strict=True):
                yield (origin, destination), leg


def _matrix(origins: Sequence[Stop], destinations: Sequence[Stop], router: Router) -> list[list[Leg]]:
    """As the router's; where its engine fails, estimates, so that no page and no deal waits for it to be mended."""
    try:
        return router.matrix(origins, destinations)
    except RoutingError as error:
        log.error("roads.failed", version=router.version, error=str(error))
        return [[router.estimate(origin, destination) for destination in destinations] for origin in origins]


def _route(pair: Pair, router: Router) -> Leg:
    """As `_matrix`."""
    try:
        return router.route(*pair)
    except RoutingError as error:
        log.error("roads.failed", version=router.version, error=str(error))
        return router.estimate(*pair)


def _rounded(stop: Stop) -> Stop:
    at = stop.position
    return replace(stop, position=Position(lon=round(at.lon * E5) / E5, lat=round(at.lat * E5) / E5))


def _ends(pair: Pair) -> Ends:
    origin, destination = pair[0].position, pair[1].position
    return (
        round(origin.lon * E5),
        round(origin.lat * E5),
        round(destination.lon * E5),
        round(destination.lat * E5),
    )


# Keeping ----------------------------------------------------------------------------------------------------------


def _leg_of(kept: KeptLeg, pair: Pair, *, router: Router) -> Leg:
    line = None if kept.line is None else polyline.decode(kept.line)
    estimate = router.estimate(*pair, status=kept.status)
    return replace(estimate, road_m=kept.road_m, road_s=kept.road_s, line=line)


def _keep(session: Session, legs: Mapping[Pair, Leg], router: Router) -> None:
    # In one order, so that two who keep the same legs never wait for one another. What the engine could not be asked
    # for is no answer of the network.
    answered = [pair for pair in sorted(legs, key=_ends) if legs[pair].status is not LegStatus.ESTIMATED]
    if not answered:
        return
    rows = [_row(pair, legs[pair], router) for pair in answered]

    def write(connection: Connection) -> None:
        # Another request may have asked the same meanwhile. The first answer stays, and gets its line.
        statement = insert(RoadLeg)
        statement = statement.on_conflict_do_update(
            constraint="pk_road_leg",
            set_={"line": statement.excluded.line},
            where=RoadLeg.line.is_(None) & statement.excluded.line.is_not(None),
        )
        connection.execute(statement, rows)

    afterwards(session, write)


def _row(pair: Pair, leg: Leg, router: Router) -> dict[str, Any]:
    origin_lon, origin_lat, destination_lon, destination_lat = _ends(pair)
    return {
        "network_version": router.version,
        "profile": router.profile,
        "origin_lon_e5": origin_lon,
        "origin_lat_e5": origin_lat,
        "destination_lon_e5": destination_lon,
        "destination_lat_e5": destination_lat,
        "status": leg.status,
        "road_m": leg.road_m,
        "road_s": leg.road_s,
        "line": None if leg.line is None else polyline.encode(leg.line),
    }
