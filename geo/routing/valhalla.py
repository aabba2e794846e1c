"""Road distance on a network built from OpenStreetMap, driven by Valhalla.

Sources: Valhalla 3.9, its documentation of the matrix and locate services; measured on two cores, Valhalla's
`timedistancematrix` takes 27 ms for one origin and 50 destinations within 30 km, its default for trucks twenty times as
long.
"""

import json
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import batched
from pathlib import Path
from typing import Any, Final

from valhalla import Actor, ValhallaError, get_config

from geo.geometry import Position
from geo.impact import Method
from geo.routing import polyline
from geo.routing.circuity import CircuityRouter
from geo.routing.legs import Leg, LegStatus, Region, RoutingError, Stop, straight_m
from geo.routing.lorries import LORRIES, Lorry
from geo.units import M_PER_KM

REACH_M: Final = 1_000
"""How far from a road a place may lie. Sites lie beside the roads that lead to them, and hidden positions up to a
kilometre from where the site is."""

AROUND_CLOSED_M: Final = 150
"""How far around a stop on a road that is closed to the lorry another one is looked for."""

OFF_END_M: Final = 2.0
"""How far from a junction a lorry comes onto a road."""

MOST_STOPS: Final = 500
"""Destinations that are asked for at once."""

MOST_M: Final = 3_000_000
"""Longer than any way in Norway (Lindesnes to Kirkenes: about 2,500 km)."""

THREADS: Final = min(2, os.cpu_count() or 1)
"""Origins that are driven from at once; the engine lets other threads run meanwhile."""

NO_WAY: Final = frozenset({154, 170, 171, 441, 442, 443})
"""Valhalla's errors for stops without a way between them, or one longer than `MOST_M`."""


type _Edge = Mapping[str, Any]
"""One direction of a road, as Valhalla's locate service describes it."""


NOTHING: Final[Mapping[str, float | None]] = {"distance": None, "time": None}


class Network:
    """A network of roads: an archive of tiles, and its engine, one a thread.

    `version` names what the tiles were built from and by, and the lorries: whatever decides an answer.
    Raises RoutingError where the archive cannot be opened.
    """

    def __init__(self, tiles: Path, *, version: str) -> None:
        self.version = version
        self._tiles = tiles
        self._own = threading.local()
        if not tiles.is_file():
            raise RoutingError(f"{tiles} is not there")

    @property
    def engine(self) -> Actor:
        """The engine of this thread; it is not made for being shared."""
        engine = getattr(self._own, "engine", None)
        if engine is None:
            engine = self._own.engine = _engine(self._tiles)
        return engine

    @cached_property
    def threads(self) -> ThreadPoolExecutor:
        """Threads that keep their engines from one question to the next; they end with the network."""
        return ThreadPoolExecutor(THREADS, thread_name_prefix="roads")


def engine_settings(tiles: Path) -> dict[str, Any]:
    """Return Valhalla's settings to read an archive of tiles."""
    # What get_config returns shares its parts with the defaults it was made from.
    settings: dict[str, Any] = deepcopy(get_config(tile_extract=str(tiles), tile_dir=""))
    settings["mjolnir"] |= {"traffic_extract": "", "admin": "", "timezone": "", "landmarks": ""}
    # Its own check of what is connected refuses a whole matrix for one stop on an island.
    settings["loki"]["use_connectivity"] = False
    settings["loki"]["service_defaults"]["search_cutoff"] = REACH_M
    settings["thor"] |= {"source_to_target_algorithm": "timedistancematrix", "clear_reserved_memory": True}
    limits = settings["service_limits"]
    limits["truck"] = {
        "max_distance": float(MOST_M),
        "max_locations": MOST_STOPS + 1,
        "max_matrix_distance": float(MOST_M),
        "max_matrix_location_pairs": MOST_STOPS,
    }
    limits["allow_hard_exclusions"] = True  # of ferries and tolls
    return settings


def _engine(tiles: Path) -> Actor:
    """An engine reads its settings from a file, and only when it is made."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(engine_settings(tiles), file)
        file.flush()
        try:
            return Actor(file.name)
        except RuntimeError as error:
            raise RoutingError(f"{tiles} cannot be opened: {error}") from error


class ValhallaRouter:
    """Drives a network with a lorry.

    A stop is taken to the nearest road that the lorry may use, at most `REACH_M` away; the gap is driven straight, and
    counts for the distance but not for the time. Where the network has no answer the leg is an estimate of `fallback`,
    whose status says why.
    """

    method: Final = Method.ROAD

    def __init__(
        self, network: Network, *, lorry: Lorry = LORRIES["32t"], fallback: CircuityRouter | None = None
    ) -> None:
        self.network = network
        self.lorry = lorry
        self.fallback = fallback or CircuityRouter()

    @property
    def profile(self) -> str:
        """The lorry and what it keeps away from."""
        return self.lorry.profile

    @property
    def version(self) -> str:
        """The network's."""
        return self.network.version

    def estimate(self, origin: Stop, destination: Stop, *, status: LegStatus = LegStatus.ESTIMATED) -> Leg:
        """The leg without the network, `status` telling why."""
        return self.fallback.estimate(origin, destination, status=status)

    def winding_as(self, factors: Mapping[Region, Decimal]) -> "ValhallaRouter":
        """The same network and lorry, with other factors where it has no answer."""
        return ValhallaRouter(self.network, lorry=self.lorry, fallback=CircuityRouter(factors))

    def matrix(self, origins: Sequence[Stop], destinations: Sequence[Stop]) -> list[list[Leg]]:
        """One row an origin, one leg a destination."""
        if not origins or not destinations:
            return [[] for _ in origins]
        at = self._entrances([*origins, *destinations])
        if len(origins) <= len(destinations):
            return self._each(lambda origin: self._lines_of([origin], destinations, at), origins)
        columns = self._each(lambda destination: self._lines_of(origins, [destination], at), destinations)
        return [list(row) for row in zip(*columns, strict=True)]

    def _each(self, drive: Callable[[Stop], list[Leg]], stops: Sequence[Stop]) -> list[list[Leg]]:
        return [drive(stops[0])] if len(stops) == 1 else list(self.network.threads.map(drive, stops))

    def route(self, origin: Stop, destination: Stop) -> Leg:
        """One leg with the line it runs along."""
        at = self._entrances([origin, destination])
        leaves, arrives = at[origin.position], at[destination.position]
        if leaves is None or arrives is None:
            return self.estimate(origin, destination, status=LegStatus.OFF_NETWORK)
        asked = {"locations": [leaves.start.asked(), arrives.end.asked()], "directions_type": "none"}
        try:
            trip = self._ask("route", asked)["trip"]
        except ValhallaError as error:
            _require_no_way(error)
            return self.estimate(origin, destination, status=LegStatus.NO_ROUTE)
        shape = polyline.decode(trip["legs"][0]["shape"], scale=polyline.ENGINE_SCALE)
        summary = trip["summary"]
        gap_m = _gap_m(origin, destination, leaves.start, arrives.end)
        found = self._found(origin, destination, km=summary["length"], seconds=summary["time"], gap_m=gap_m)
        return replace(found, line=shape)

    def _lines_of(
        self, origins: Sequence[Stop], destinations: Sequence[Stop], at: Mapping[Position, "_Access | None"]
    ) -> list[Leg]:
        """From one origin to all destinations, or from all origins to one destination: what the engine is best at."""
        pairs = [(origin, destination) for origin in origins for destination in destinations]
        ends = [(at[origin.position], at[destination.position]) for origin, destination in pairs]
        answers = self._drive([(one.start, other.end) for one, other in ends if one is not None and other is not None])
        legs: list[Leg] = []
        for (origin, destination), (leaves, arrives) in zip(pairs, ends, strict=True):
            if leaves is None or arrives is None:
                legs.append(self.estimate(origin, destination, status=LegStatus.OFF_NETWORK))
            else:
                km, seconds = next(answers)
                gap_m = _gap_m(origin, destination, leaves.start, arrives.end)
                legs.append(self._found(origin, destination, km=km, seconds=seconds, gap_m=gap_m))
        return legs

    def _drive(self, ways: Sequence[tuple["_Entrance", "_Entrance"]]) -> Iterator[tuple[float | None, float | None]]:
        """Kilometres and seconds of ways that share their start, or their end; None for no way."""
        for part in batched(ways, MOST_STOPS):
            starts, ends = (list(dict.fromkeys(side)) for side in zip(*part, strict=True))
            asked = {"sources": [each.asked() for each in starts], "targets": [each.asked() for each in ends]}
            try:
                answer = self._ask("matrix", asked)["sources_to_targets"]
            except ValhallaError as error:
                _require_no_way(error)
                answer = [[NOTHING] * len(ends)] * len(starts)
            # A pair without a way may say 0 km; its time is what tells.
            for start, end in part:
                found = answer[starts.index(start)][ends.index(end)]
                yield found["distance"], found["time"]

    def _found(self, origin: Stop, destination: Stop, *, km: float | None, seconds: float | None, gap_m: float) -> Leg:
        if km is None or seconds is None:
            return self.estimate(origin, destination, status=LegStatus.NO_ROUTE)
        return Leg(
            status=LegStatus.FOUND,
            straight_m=straight_m(origin, destination),
            factor=self.fallback.factor(origin, destination),
            road_m=round(km * M_PER_KM + gap_m, 1),
            road_s=float(round(seconds)),
        )

    def _entrances(self, stops: Sequence[Stop]) -> dict[Position, "_Access | None"]:
        """Where each stop's lorry comes onto the network; None where that is too far away.

        The engine would choose anew for every question, not always alike for a matrix and a route, and would let the
        lorry begin or end on a bridge that it may not drive over.
        """
        places = dict.fromkeys(stop.position for stop in stops)
        edges = dict(self._edges(list(places), within_m=0))
        closed = [place for place in places if edges[place] and not any(map(self._may_drive, edges[place]))]
        nearby = dict(self._edges(closed, within_m=AROUND_CLOSED_M))
        found: dict[Position, _Access | None] = {}
        for place in places:
            # Where nothing else is near, the stop lies on the road that is closed, and somebody has to let it in.
            open_ = [edge for edge in (*edges[place], *nearby.get(place, ())) if self._may_drive(edge)]
            found[place] = _access(place, open_ or edges[place])
        return found

    def _edges(self, places: Sequence[Position], *, within_m: int) -> Iterator[tuple[Position, Sequence[_Edge]]]:
        """The directed roads nearest to each place, and all others within some metres of it."""
        for part in batched(places, MOST_STOPS):
            asked = [{"lon": place.lon, "lat": place.lat, "radius": within_m} for place in part]
            try:
                answers = self._ask("locate", {"locations": asked, "verbose": True})
            except ValhallaError as error:
                raise RoutingError(f"the places were refused: {error}") from error
            for place, answer in zip(part, answers, strict=True):
                yield place, answer.get("edges") or ()

    def _may_drive(self, edge: _Edge) -> bool:
        """Whether the lorry is within what is signed there, and does not keep away from it."""
        facts = edge["edge"]
        if (self.lorry.avoids_tolls and facts["toll"]) or (self.lorry.avoids_ferries and _is_ferry(edge)):
            return False
        limits = {each["type"]: each["value"] for each in edge["access_restrictions"] if each["truck"]}
        return all(measure <= limits.get(name, measure) for name, measure in _measures(self.lorry).items())

    def _ask(self, service: str, asked: Mapping[str, Any]) -> Any:
        question = {**asked, "costing": "truck", "costing_options": {"truck": costing(self.lorry)}}
        try:
            return getattr(self.network.engine, service)(question)
        except ValhallaError:
            raise
        except RuntimeError as error:  # such as of tiles that cannot be read
            raise RoutingError(f"the engine failed: {error}") from error


def costing(lorry: Lorry) -> dict[str, Any]:
    """Return how Valhalla is told of a lorry."""
    return {
        "weight": lorry.weight_t,
        "axle_load": lorry.axle_load_t,
        "axle_count": lorry.axle_count,
        "height": lorry.height_m,
        "width": lorry.width_m,
        "length": lorry.length_m,
        "exclude_ferries": lorry.avoids_ferries,
        "exclude_tolls": lorry.avoids_tolls,
    }


def _measures(lorry: Lorry) -> dict[str, float]:
    """What is compared with the signs, by Valhalla's names of them."""
    return {
        "max_weight": lorry.weight_t,
        "max_axle_load": lorry.axle_load_t,
        "max_axles": lorry.axle_count,
        "max_height": lorry.height_m,
        "max_width": lorry.width_m,
        "max_length": lorry.length_m,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entrance:
    """A place on a road, and how far the stop lies from it."""

    position: Position
    gap_m: float

    def asked(self) -> dict[str, float]:
        """The place as it is asked for: that very road and no other."""
        return {
            "lon": self.position.lon,
            "lat": self.position.lat,
            "minimum_reachability": 0,
            "node_snap_tolerance": 0,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    """Where a lorry comes onto the network from a stop, and where it leaves it for the stop."""

    start: _Entrance
    end: _Entrance


def _access(place: Position, edges: Sequence[_Edge]) -> _Access | None:
    """On the nearest road from which, and to which, one gets farthest: not in a yard that leads nowhere.

    The engine counts the junctions that can be reached, up to 50. Of roads that meet there, one that is driven both
    ways goes first, and no ferry. Where all are one-way, one starts at the end of a road that leads there, from which
    all others can be driven, and ends at the beginning of one that leads away, which all others lead to.
    """
    near = [edge for edge in edges if _gap_to(place, edge) <= REACH_M]
    if not near:
        return None
    directions = Counter(edge["edge_info"]["way_id"] for edge in near)

    def rank(edge: _Edge, along: float) -> tuple[bool, int, int, bool, float]:
        reach = min(edge["outbound_reach"], edge["inbound_reach"])
        is_oneway = directions[edge["edge_info"]["way_id"]] < 2
        return _is_ferry(edge), -reach, round(_gap_to(place, edge)), is_oneway, abs(edge["percent_along"] - along)

    start = min(near, key=lambda edge: rank(edge, 1))
    end = min(near, key=lambda edge: rank(edge, 0))
    return _Access(start=_entrance(place, start), end=_entrance(place, end))


def _entrance(place: Position, edge: _Edge) -> _Entrance:
    return _Entrance(position=_within(edge), gap_m=_gap_to(place, edge))


def _gap_to(place: Position, edge: _Edge) -> float:
    return place.distance_m(_nearest_of(edge))


def _nearest_of(edge: _Edge) -> Position:
    return Position(lon=edge["correlated_lon"], lat=edge["correlated_lat"])


def _is_ferry(edge: _Edge) -> bool:
    return bool(edge["edge"]["classification"]["use"] == "ferry")


def _within(edge: _Edge) -> Position:
    """The nearest place of a road, moved off its ends by a little: at a junction all roads that meet there are near."""
    nearest = _nearest_of(edge)
    line = polyline.decode(edge["edge_info"]["shape"], scale=polyline.ENGINE_SCALE)
    for end, next_ in ((line[0], line[1]), (line[-1], line[-2])):
        last, inner = (Position(lon=lon, lat=lat) for lon, lat in (end, next_))
        if nearest.distance_m(last) < OFF_END_M:
            share = min(0.5, OFF_END_M / max(last.distance_m(inner), OFF_END_M))
            return Position(
                lon=last.lon + share * (inner.lon - last.lon),
                lat=last.lat + share * (inner.lat - last.lat),
            )
    return nearest


def _gap_m(origin: Stop, destination: Stop, start: _Entrance, end: _Entrance) -> float:
    """Both gaps together, none to where one is already."""
    return 0.0 if origin.position == destination.position else start.gap_m + end.gap_m


def _require_no_way(error: ValhallaError) -> None:
    """Raises RoutingError where an error says anything else than that there is no way."""
    if error.code not in NO_WAY:
        raise RoutingError(f"the engine refused: {error}") from error
