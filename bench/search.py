"""Searching: the list with its counts, and the map's data, each against the bare SQL it runs.

The program is asked as a server asks it, by WSGI in this process; the SQL goes through psycopg. Both ask about the same
places in turns. The map's data must come within `MOST_RATIO` times its bare SQL.
"""

import argparse
import gc
from collections.abc import Callable, Sequence
from io import BytesIO
from urllib.parse import urlencode, urlsplit

from flask import Flask
from sqlalchemy import text
from werkzeug.test import EnvironBuilder

from bench.data import database_of, server
from bench.measure import Measured, connect, side_by_side, table
from marketplace import create_app
from marketplace.config import Settings
from marketplace.db import make_engine

SIZES = (1_000, 10_000, 100_000)
MOST_RATIO = 2.0
PLACES = 12
ROUNDS = 60

NORWAY = "3.5,57.5,32.5,71.6"

type Place = tuple[float, float]

SOME_PLACES = text(
    "SELECT ST_X(place), ST_Y(place) FROM"
    " (SELECT id, ST_Transform(position_25833, 4326) AS place FROM listing WHERE status = 'published') AS open"
    " ORDER BY md5(id::text) LIMIT :count"
)
"""Where some of the listings are: most of them where people live, as those who search do."""


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
    with engine.connect() as connection:
        places = [(lon, lat) for lon, lat in connection.execute(SOME_PLACES, {"count": PLACES})]
    app = create_app(settings, bind=engine)
    gc.collect()
    gc.freeze()  # as marketplace.wsgi does
    with connect(settings) as bare:
        rows = [
            side_by_side(what, [ask(app, address) for address in addresses], engine=engine, bare=bare, rounds=rounds)
            for what, addresses in questions(places).items()
        ]
    engine.dispose()
    return rows


def ask(app: Flask, address: str, headers: dict[str, str] | None = None) -> Callable[[], int]:
    """A request, ready to be made many times; returns the length of its answer."""
    parts = urlsplit(address)
    environ = EnvironBuilder(path=parts.path, query_string=parts.query, headers=headers).get_environ()

    def request() -> int:
        statuses: list[str] = []
        body = app({**environ, "wsgi.input": BytesIO()}, lambda status, *_headers: statuses.append(status))
        try:
            length = sum(map(len, body))
        finally:
            body.close()  # type: ignore[attr-defined]  # Flask's answers have it
        assert statuses == ["200 OK"], statuses
        return length

    return request


def questions(places: Sequence[Place]) -> dict[str, list[str]]:
    """Some addresses of each sort, each about another place, so that nothing is merely remembered."""
    return {
        "list: everything, newest first": ["/search"],
        "list: near a place, nearest first": [near(place, within=50) for place in places],
        "list: tested, near a place": [near(place, within=50, documentation="tested") for place in places],
        "list: near a place, of one kind": [
            near(place, within=50, kind="surplus", material="clay", sort="quantity") for place in places
        ],
        "list: in the map near a place": [f"/search?area={box(place, width=0.6, height=0.3)}" for place in places],
        "list: by words": [f"/search?q={words}" for words in ("sprengstein", "pukk+oslo", "leire", "stein")],
        "map: all of Norway": [f"/search/map.json?bbox={NORWAY}&zoom=4.5"],
        "map: near a place, region": [view(place, zoom=8, width=5.0, height=2.4) for place in places],
        "map: near a place, city": [view(place, zoom=11, width=0.6, height=0.3) for place in places],
        "map: near a place, streets": [view(place, zoom=14, width=0.08, height=0.04) for place in places],
        "map: near a place, filtered": [
            view(place, zoom=10, width=1.2, height=0.6, kind="surplus", group="stone", mass_min=1000)
            for place in places
        ],
    }


def near(place: Place, **filters: object) -> str:
    lon, lat = place
    return f"/search?{urlencode({'near': 'X', 'at': f'{lon:.5f},{lat:.5f},X', **filters})}"


def view(place: Place, *, zoom: float, width: float, height: float, **filters: object) -> str:
    return f"/search/map.json?{urlencode({**filters, 'bbox': box(place, width=width, height=height), 'zoom': zoom})}"


def box(place: Place, *, width: float, height: float) -> str:
    """A view of some degrees around a place."""
    lon, lat = place
    return f"{lon - width / 2:.5f},{lat - height / 2:.5f},{lon + width / 2:.5f},{lat + height / 2:.5f}"
