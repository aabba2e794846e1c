"""Matching: the counterparts of a listing, found by the program and by the bare SQL it runs, in turns.

Listings are asked about around Oslo, where most lie, around Tromsø, where those who state no limit are compared with
what lies hundreds of kilometres away, and anywhere. `in reach` is how many open counterparts lie within all that a
match or near miss must lie within, `read` how many of them the program fetches to be sure that it shows the best; both
are medians, and so are the times. Every candidate must be read from a GiST index.
"""

import argparse
import gc
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from sqlalchemy import Text, cast, func, select, tuple_
from sqlalchemy.orm import Session

from bench.data import database_of, server
from bench.measure import Measured, Statement, connect, recording, side_by_side
from bench.search import ask
from geo.geometry import Position
from geo.matching import candidate_bounds
from geo.materials import taxonomy
from geo.postgis import nearest_first, point_25833, within_reach
from marketplace import clock, create_app
from marketplace.config import Settings
from marketplace.db import make_engine, make_sessions
from marketplace.models import Listing
from marketplace.queries.matches import lot_of, matches_for_listing
from marketplace.queries.open_listings import is_open
from marketplace.queries.projects import position_of
from marketplace.types import ListingKind

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 60
LISTINGS = 20
NEAREST = 400
"""Listings of a region are drawn from so many around its town."""

REGIONS = {
    "around Oslo": Position(lon=10.75, lat=59.91),
    "around Tromsø": Position(lon=18.9553, lat=69.6492),
    "anywhere in Norway": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    measured: Measured
    in_reach: float
    read: float


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench matching", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many listings (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is asked (default: %(default)s)")
    given = parser.parse_args(arguments)
    unindexed: list[str] = []
    with server() as url:
        for size in given.sizes:
            with database_of(size, url) as settings:
                rows = measure(settings, rounds=given.rounds)
            print(table(rows), end="\n\n", flush=True)
            unindexed += [f"{row.measured.what} at {size:,}" for row in rows if lacks_index(row, size)]
    print("\n".join(["Without the index:", *unindexed]) if unindexed else "Every candidate comes from a GiST index.")
    return 1 if unindexed else 0


def lacks_index(row: Row, size: int) -> bool:
    """Small tables are read whole, and rightly so."""
    return size >= 10_000 and "ix_listing_kind_material_key_position_25833" not in row.measured.indexes


def measure(settings: Settings, *, rounds: int) -> list[Row]:
    engine = make_engine(settings)
    app = create_app(settings, bind=engine)
    gc.collect()
    gc.freeze()  # as marketplace.wsgi does
    today = clock.local_date(clock.now())
    rows: list[Row] = []
    with make_sessions(engine)() as session, connect(settings) as bare:
        for region, town in REGIONS.items():
            listings = some_listings(session, town, today=today)
            finds = [finding(session, listing, today=today) for listing in listings]
            pages = [ask(app, f"/listings/{listing.id}") for listing in listings]
            in_reach = statistics.median(count_in_reach(session, listing, today=today) for listing in listings)
            for what, questions in (("matches", finds), ("page", pages)):
                read = []
                for question in questions:
                    with recording(engine) as statements:
                        question()
                    read.append(rows_read(bare, statements))
                measured = side_by_side(f"{what}, {region}", questions, engine=engine, bare=bare, rounds=rounds)
                rows.append(Row(measured=measured, in_reach=in_reach, read=statistics.median(read)))
    engine.dispose()
    return rows


def some_listings(session: Session, town: Position | None, *, today: date) -> Sequence[Listing]:
    """The same ones each time: some of those around a town, or of all."""
    pool = select(Listing.id).where(is_open(today))
    if town is not None:
        pool = pool.order_by(nearest_first(Listing.position_25833, point_25833(town))).limit(NEAREST)
    query = select(Listing).where(Listing.id.in_(pool)).order_by(func.md5(cast(Listing.id, Text))).limit(LISTINGS)
    return session.scalars(query).all()


def finding(session: Session, listing: Listing, *, today: date) -> Callable[[], int]:
    def find() -> int:
        found = matches_for_listing(session, listing, today=today)
        return len(found.fits) + len(found.near_misses)

    return find


def count_in_reach(session: Session, listing: Listing, *, today: date) -> int:
    bounds = candidate_bounds(lot_of(listing, today=today), taxonomy=taxonomy())
    here = point_25833(position_of(listing))
    query = select(func.count()).where(
        is_open(today),
        tuple_(Listing.kind, Listing.material_key).in_(
            [(ListingKind(kind.value), each) for kind, materials in bounds.materials.items() for each in materials]
        ),
        Listing.available_to >= bounds.ends_from,
        Listing.available_from <= bounds.starts_to,
        within_reach(Listing.position_25833, here, reach_m=bounds.unstated_reach_m),
    )
    return session.scalar(query) or 0


def rows_read(bare: psycopg.Connection[Any], statements: Sequence[Statement]) -> int:
    """The candidates that the statements of one question fetch, some of them twice."""
    of_candidates = [statement for statement in statements if "WITH judged AS" in statement.sql]
    return sum(bare.execute(statement.sql, statement.parameters).rowcount for statement in of_candidates)


def table(rows: Sequence[Row]) -> str:
    lines = [f"{'':28} {'in reach':>9} {'read':>5} {'bare SQL':>10} {'program':>10} {'ratio':>6}  indexes of listing"]
    for row in rows:
        measured = row.measured
        names = ", ".join(name.removeprefix("ix_listing_") for name in measured.indexes) or "-"
        lines.append(
            f"{measured.what:28} {row.in_reach:9,.0f} {row.read:5.0f} {measured.bare_ms:7.2f} ms"
            f" {measured.program_ms:7.2f} ms {measured.ratio:6.2f}  {names}"
        )
    return "\n".join(lines)
