"""Searching: the list with its counts, and the map's data, each against the bare SQL it runs.

The program is asked as a server asks it, by WSGI in this process; the SQL goes through psycopg. Both ask about the same
places in turns. The map's data must come within `MOST_RATIO` times its bare SQL.
"""

import argparse
import gc
from collections.abc import Callable, Sequence
from io import BytesIO
from random import Random
from urllib.parse import urlencode, urlsplit

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bench.data import database_of, server
from bench.measure import Measured, connect, side_by_side, table
from marketplace import create_app
from marketplace.config import Settings
from marketplace.db import make_engine

SIZES = (1_000, 10_000, 100_000)
MOST_RATIO = 2.0
PLACES = 12
ROUNDS = 60

TOWNS = ((10.75, 59.91), (10.53, 59.89), (5.33, 60.39), (10.40, 63.43), (5.73, 58.97), (10.20, 59.74))
NORWAY = "3.5,57.5,32.5,71.6"


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench search", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many listings (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is asked (default: %(default)s)")
    given = parser.parse_args(arguments)
    slow: list[str] = []
    with server() as url:
        for size in given.sizes:
            with database_of(size, url) as settings:
                rows = measure(settings, rounds=given.rounds)
            print(table(rows), end="\n\n", flush=True)
            slow += [f"{row.what} at {size:,}" for row in rows if row.what.startswith("map") and row.ratio > MOST_RATIO]
            slow += [f"{row.what} at {size:,}: no spatial index" for row in rows if lacks_index(row, size)]
    print("\n".join(["Not as promised:", *slow]) if slow else f"The map's data stays within {MOST_RATIO:g}x its SQL.")
    return 1 if slow else 0


def lacks_index(row: Measured, size: int) -> bool:
    """Whether a question about a part of Norway is answered without the spatial index where that would matter."""
    return size >= 10_000 and "near" in row.what and not any("position_25833" in name for name in row.indexes)


def measure(settings: Settings, *, rounds: int) -> list[Measured]:
    engine = make_engine(settings)
    app = create_app(settings, bind=engine)
    gc.collect()
    gc.freeze()  # as marketplace.wsgi does
    with connect(settings) as bare:
        rows = [
            side_by_side(what, [ask(app, address) for address in addresses], engine=engine, bare=bare, rounds=rounds)
            for what, addresses in questions(Random(1)).items()
        ]
    engine.dispose()
    return rows


def ask(app: Flask, address: str, headers: dict[str, str] | None = None) -> Callable[[], int]:
    """A request, ready to be made many times; returns the length of its answer."""
    parts = urlsplit(address)
    environ = EnvironBuilder(path=parts.path, query_string=parts.query, headers=headers).get_environ()

    def request() -> int:
        body, status, _headers = run_wsgi_app(app, {**environ, "wsgi.input": BytesIO()}, buffered=True)
        assert status == "200 OK", status
        return sum(map(len, body))

    return request


def questions(random: Random) -> dict[str, list[str]]:
    """Some addresses of each sort, at slightly different places, so that nothing is merely remembered."""
    return {
        "list: everything, newest first": ["/search"],
        "list: near a place, nearest first": [search(random, within=50) for _ in range(PLACES)],
        "list: near a place, of one kind": [
            search(random, within=50, kind="surplus", material="clay", sort="quantity") for _ in range(PLACES)
        ],
        "list: in the visible map near a town": [
            f"/search?area={box(random, width=0.6, height=0.3)}" for _ in range(PLACES)
        ],
        "list: by words": [f"/search?q={words}" for words in ("sprengstein", "pukk+oslo", "leire", "stein")],
        "map: all of Norway": [f"/search/map.json?bbox={NORWAY}&zoom=4.5"],
        "map: near a town, region": [view(random, zoom=8, width=5.0, height=2.4) for _ in range(PLACES)],
        "map: near a town, city": [view(random, zoom=11, width=0.6, height=0.3) for _ in range(PLACES)],
        "map: near a town, streets": [view(random, zoom=14, width=0.08, height=0.04) for _ in range(PLACES)],
        "map: near a town, filtered": [
            view(random, zoom=10, width=1.2, height=0.6, kind="surplus", group="stone", mass_min=1000)
            for _ in range(PLACES)
        ],
    }


def search(random: Random, **filters: object) -> str:
    lon, lat = somewhere(random)
    return f"/search?{urlencode({'near': 'X', 'at': f'{lon:.5f},{lat:.5f},X', **filters})}"


def view(random: Random, *, zoom: float, width: float, height: float, **filters: object) -> str:
    return f"/search/map.json?{urlencode({**filters, 'bbox': box(random, width=width, height=height), 'zoom': zoom})}"


def box(random: Random, *, width: float, height: float) -> str:
    """A view of some degrees around a town."""
    lon, lat = somewhere(random)
    return f"{lon - width / 2:.5f},{lat - height / 2:.5f},{lon + width / 2:.5f},{lat + height / 2:.5f}"


def somewhere(random: Random) -> tuple[float, float]:
    lon, lat = random.choice(TOWNS)
    return lon + random.uniform(-0.05, 0.05), lat + random.uniform(-0.02, 0.02)
