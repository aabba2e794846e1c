"""Road distance on a network built from OpenStreetMap, driven by Valhalla.

Sources: Valhalla 3.9, its documentation of the matrix and locate services; measured on two cores, Valhalla's
`timedistancematrix` takes 27 ms for one origin and 50 destinations within 30 km, its default for trucks twenty times as
long.
"""

import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import batched
from pathlib import Path
from typing import Any, Final

from valhalla import Actor, ValhallaError, get_config

from geo.geometry import Position
from geo.impact import Method
from geo.routing import polyline
from geo.routing.circuity import CircuityRouter
from geo.routing.legs import Leg, LegStatus, Stop, straight_m
from geo.routing.lorries import LORRIES, Lorry
from geo.units import M_PER_KM

REACH_M: Final = 1_000
"""How far from a road a place may lie. Sites lie beside the roads that lead to them, and hidden positions up to a
kilometre from where the site is."""

MOST_STOPS: Final = 500
"""Destinations that are asked for at once."""

MOST_M: Final = 3_000_000
"""Longer than any way in Norway (Lindesnes to Kirkenes: about 2,500 km)."""

THREADS: Final = min(2, os.cpu_count() or 1)
"""Origins that are driven from at once; the engine lets other threads run meanwhile."""

NO_WAY: Final = frozenset({154, 170, 171, 441, 442, 443})
"""Valhalla's errors for stops without a way between them, or one longer than `MOST_M`."""


class RoutingError(Exception):
    """The network cannot be used, or the engine refused a question that it should have an answer to."""


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

    def matrix(self, origins: Sequence[Stop], destinations: Sequence[Stop]) -> list[list[Leg]]:
        """One row an origin, one leg a destination."""
        if not origins or not destinations:
            return [[] for _ in origins]
        at = self._entrances([*origins, *destinations])

        def row(origin: Stop) -> list[Leg]:
            return self._row(origin, destinations, at)

        if len(origins) == 1:
            return [row(origins[0])]
        return list(self.network.threads.map(row, origins))

    def route(self, origin: Stop, destination: Stop) -> Leg:
        """One leg with the line it runs along."""
        at = self._entrances([origin, destination])
        start, end = at[origin.position], at[destination.position]
        if start is None or end is None:
            return self.estimate(origin, destination, status=LegStatus.OFF_NETWORK)
        asked = {"locations": [start.asked(), end.asked()], "directions_type": "none"}
        try:
            trip = self._ask("route", asked)["trip"]
        except ValhallaError as error:
            _require_no_way(error)
            return self.estimate(origin, destination, status=LegStatus.NO_ROUTE)
        shape = polyline.decode(trip["legs"][0]["shape"], scale=polyline.ENGINE_SCALE)
        summary = trip["summary"]
        gap_m = _gap_m(origin, destination, start, end)
        found = self._found(origin, destination, km=summary["length"], seconds=summary["time"], gap_m=gap_m)
        return replace(found, line=shape)

    def _row(self, origin: Stop, destinations: Sequence[Stop], at: Mapping[Position, "_Entrance | None"]) -> list[Leg]:
        start = at[origin.position]
        ends = [at[destination.position] for destination in destinations]
        asked = [end for end in ends if end is not None] if start is not None else []
        answers = iter(self._drive(start, asked)) if start is not None else iter(())
        legs: list[Leg] = []
        for destination, end in zip(destinations, ends, strict=True):
            if start is None or end is None:
                legs.append(self.estimate(origin, destination, status=LegStatus.OFF_NETWORK))
            else:
                km, seconds = next(answers)
                gap_m = _gap_m(origin, destination, start, end)
                legs.append(self._found(origin, destination, km=km, seconds=seconds, gap_m=gap_m))
        return legs

    def _drive(self, start: "_Entrance", ends: Sequence["_Entrance"]) -> Iterator[tuple[float | None, float | None]]:
        """Kilometres and seconds to each end, None for no way."""
        for part in batched(ends, MOST_STOPS):
            asked = {"sources": [start.asked()], "targets": [end.asked() for end in part]}
            try:
                answer = self._ask("matrix", asked)
            except ValhallaError as error:
                _require_no_way(error)
                yield from [(None, None)] * len(part)
            else:
                # A pair without a way may say 0 km; its time is what tells.
                yield from ((each["distance"], each["time"]) for each in answer["sources_to_targets"][0])

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

    def _entrances(self, stops: Sequence[Stop]) -> dict[Position, "_Entrance | None"]:
        """Where each stop's lorry comes onto the network; None where that is too far away.

        The engine would choose anew for every question, and not always alike for a matrix and a route.
        """
        found: dict[Position, _Entrance | None] = {}
        for part in batched(dict.fromkeys(stop.position for stop in stops), MOST_STOPS):
            asked = {"locations": [{"lon": place.lon, "lat": place.lat} for place in part], "verbose": True}
            try:
                answers = self._ask("locate", asked)
            except ValhallaError as error:
                raise RoutingError(f"the places were refused: {error}") from error
            found |= {
                place: _entrance(place, answer.get("edges") or ()) for place, answer in zip(part, answers, strict=True)
            }
        return found

    def _ask(self, service: str, asked: Mapping[str, Any]) -> Any:
        question = {**asked, "costing": "truck", "costing_options": {"truck": costing(self.lorry)}}
        return getattr(self.network.engine, service)(question)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entrance:
    """A place on a road, and how far the stop lies from it."""

    position: Position
    gap_m: float

    def asked(self) -> dict[str, float]:
        return {"lon": self.position.lon, "lat": self.position.lat, "minimum_reachability": 0}


def _entrance(place: Position, edges: Sequence[Mapping[str, Any]]) -> _Entrance | None:
    """The nearest road from which, and to which, one gets farthest: not a yard's that leads nowhere.

    The engine counts the junctions that can be reached, up to 50.
    """
    found = [
        (
            -min(edge["outbound_reach"], edge["inbound_reach"]),
            place.distance_m(Position(lon=edge["correlated_lon"], lat=edge["correlated_lat"])),
            Position(lon=edge["correlated_lon"], lat=edge["correlated_lat"]),
        )
        for edge in edges
    ]
    near = [each for each in found if each[1] <= REACH_M]
    if not near:
        return None
    _, gap_m, position = min(near, key=lambda each: each[:2])
    return _Entrance(position=position, gap_m=gap_m)


def _gap_m(origin: Stop, destination: Stop, start: _Entrance, end: _Entrance) -> float:
    """Both gaps together, none to where one is already."""
    return 0.0 if origin.position == destination.position else start.gap_m + end.gap_m


def _require_no_way(error: ValhallaError) -> None:
    """Raises RoutingError where an error says anything else than that there is no way."""
    if error.code not in NO_WAY:
        raise RoutingError(f"the engine refused: {error}") from error
