"""Distances by road: a matrix of 50 x 50 from the program, and from the bare engine, in turns.

The network is a town of crossing streets, some of them one-way and some closed to heavy vehicles, made for this; or an
extract of OpenStreetMap given with --file. The bare engine is asked the same questions, written beforehand, in as many
threads. `kept` is the same matrix out of the database, where the first who asked has left it.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import osmium
from osmium.osm.mutable import Node, Way
from sqlalchemy import URL, Engine, delete

from bench.data import empty_database, server
from geo import crs
from geo.geometry import Position
from geo.routing import Region, Stop
from geo.routing.valhalla import THREADS, Network, ValhallaRouter, costing
from marketplace import clock, road_files
from marketplace.db import make_sessions
from marketplace.models import RoadLeg
from marketplace.services.road_networks import build_network
from marketplace.services.routes import legs_between

SIDE = 180
STREET_M = 150.0
STOPS = 50
ROUNDS = 9
SEED = 7
CORNER = (10.5, 59.8)


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench roads", description=__doc__)
    parser.add_argument("--file", type=Path, help="an extract of OpenStreetMap (.osm.pbf) instead of the made town")
    parser.add_argument(
        "--side", type=int, default=SIDE, help="junctions along a side of the town (default: %(default)s)"
    )
    parser.add_argument("--stops", type=int, default=STOPS, help="from and to how many places (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is asked (default: %(default)s)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        file = given.file or made_town(Path(folder) / "town.osm.pbf", side=given.side)
        started = time.perf_counter()
        built = build_network(Path(folder) / "roads", file, now=clock.now())
        print(
            f"{file.name}: {file.stat().st_size / 1e6:.1f} MB, built in {time.perf_counter() - started:.1f} s"
            f" into {built.tiles_bytes / 1e6:.1f} MB"
        )
        network = Network(road_files.tiles_of(Path(folder) / "roads", built.version), version=built.version)
        stops = some_stops(file, count=given.stops)
        with server() as url:
            measure(network, stops, url=url, rounds=given.rounds)
    return 0


def measure(network: Network, stops: Sequence[Stop], *, url: URL, rounds: int) -> None:
    router = ValhallaRouter(network)
    pairs = [(origin, destination) for origin in stops for destination in stops]
    with empty_database(url) as engine:
        ways: dict[str, Callable[[], object]] = {
            "bare engine": bare(router, stops),
            "router": lambda: router.matrix(stops, stops),
            "program, asked first": lambda: ask_anew(engine, router, pairs),
            "program, kept": lambda: ask(engine, router, pairs),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(rounds + 1):  # the first one warms up
            for name, way in list(ways.items()) if turn % 2 else reversed(list(ways.items())):
                started = time.perf_counter()
                way()
                if turn:
                    times[name].append(time.perf_counter() - started)
        found = [leg for row in router.matrix(stops, stops) for leg in row]
    print(f"{len(stops)} x {len(stops)}: {sum(not leg.is_estimate for leg in found)} of {len(found)} by road")
    base = statistics.median(times["bare engine"])
    for name, each in times.items():
        median = statistics.median(each)
        print(f"{name:24} {1000 * median:8.1f} ms  {len(found) / median:9,.0f} pairs/s  ratio {median / base:5.2f}")


def bare(router: ValhallaRouter, stops: Sequence[Stop]) -> Callable[[], object]:
    """The engine's own calls for the same matrix: a row at a time, from where the lorry comes onto the roads."""
    access = router._entrances(stops)
    there = [found for stop in stops if (found := access[stop.position]) is not None]
    options = {"costing": "truck", "costing_options": {"truck": costing(router.lorry)}}
    targets = [each.end.asked() for each in there]
    questions = [{"sources": [each.start.asked()], "targets": targets, **options} for each in there]
    threads = ThreadPoolExecutor(THREADS)
    network = Network(router.network._tiles, version="bare")

    def drive(question: Mapping[str, object]) -> object:
        return network.engine.matrix(question)  # this thread's engine

    return lambda: list(threads.map(drive, questions))


def ask(engine: Engine, router: ValhallaRouter, pairs: Sequence[tuple[Stop, Stop]]) -> None:
    with make_sessions(engine)() as session:
        legs_between(session, pairs, router=router)


def ask_anew(engine: Engine, router: ValhallaRouter, pairs: Sequence[tuple[Stop, Stop]]) -> None:
    with engine.begin() as connection:
        connection.execute(delete(RoadLeg))
    ask(engine, router, pairs)


# What is driven ---------------------------------------------------------------------------------------------------


def made_town(file: Path, *, side: int) -> Path:
    drawn = random.Random(SEED)
    kinds = [{}, {}, {}, {"oneway": "yes"}, {"maxweight": "10"}]
    with osmium.SimpleWriter(str(file), overwrite=True) as writer:
        for y in range(side):
            for x in range(side):
                writer.add_node(Node(id=1 + y * side + x, location=place(x, y, drawn), version=1))
        streets = [(y * side + x, y * side + x + 1) for y in range(side) for x in range(side - 1)]
        streets += [(y * side + x, (y + 1) * side + x) for y in range(side - 1) for x in range(side)]
        for number, (start, end) in enumerate(streets, start=1):
            tags = {"highway": drawn.choice(("residential", "tertiary", "secondary")), **drawn.choice(kinds)}
            writer.add_way(Way(id=number, nodes=[start + 1, end + 1], tags=tags, version=1))
    return file


def place(x: int, y: int, drawn: random.Random) -> tuple[float, float]:
    lon, lat = crs.destination(*CORNER, azimuth_deg=90, distance_m=(x + drawn.uniform(-0.2, 0.2)) * STREET_M)
    return crs.destination(lon, lat, azimuth_deg=0, distance_m=(y + drawn.uniform(-0.2, 0.2)) * STREET_M)


class Ends(osmium.SimpleHandler):
    """The places that roads begin at."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Position] = []

    def way(self, way: osmium.osm.Way) -> None:
        if way.tags.get("highway") in {"primary", "secondary", "tertiary", "residential", "unclassified"}:
            first = way.nodes[0].location
            self.places.append(Position(lon=round(first.lon, 5), lat=round(first.lat, 5)))


def some_stops(file: Path, *, count: int) -> list[Stop]:
    ends = Ends()
    ends.apply_file(str(file), locations=True)
    return [Stop(position=each, region=Region.OSLO) for each in random.Random(SEED).sample(ends.places, count)]
