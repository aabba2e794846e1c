"""The dashboard of a county with a million deliveries beside one with ten thousand, each against the bare SQL it runs.

Both counties have as many deals over as many months; only how often a lorry drove differs. The loads go into the table
of loads with every trigger but that of the log, so that the sums are those the program keeps. Each page is asked of
both databases in turns, and a million may take at most `MOST_RATIO` times as long as ten thousand. Beside it stands
what adding up the loads themselves would have taken.
"""

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bench.data import database_of, server, without_triggers
from bench.flows import cookie_of
from bench.measure import Statement, connect, recording, replay
from bench.search import ask
from marketplace import create_app
from marketplace.config import Settings
from marketplace.db import make_engine
from marketplace.services.audit import unlogged

FEW, MANY = 10_000, 1_000_000
DEALS = 1_000
LISTINGS = 1_000
ROUNDS = 20
MOST_RATIO = 2.0
BATCH = 100_000
COUNTY = "32"
PERIOD = "from=2026-01&to=2026-12"

MAKE_DEALS = text(
    """
    WITH inside AS (
      SELECT row_number() OVER (ORDER BY number) - 1 AS n, number, count(*) OVER () AS of
      FROM municipality WHERE county_number = :county AND area_25833 IS NOT NULL
    ), outside AS (
      SELECT row_number() OVER (ORDER BY number) - 1 AS n, number, count(*) OVER () AS of
      FROM municipality WHERE county_number IN ('03', '31', '33') AND area_25833 IS NOT NULL
    ), given AS (
      SELECT row_number() OVER (ORDER BY id) - 1 AS n, *, count(*) OVER () AS of FROM listing WHERE kind = 'surplus'
    ), wanted AS (
      SELECT row_number() OVER (ORDER BY id) - 1 AS n, *, count(*) OVER () AS of FROM project
    ), ends AS (
      SELECT deal.n, here.number AS here, there.number AS there, outside.number AS away
      FROM generate_series(0, :deals - 1) AS deal (n)
      JOIN inside AS here ON here.n = deal.n % here.of
      JOIN inside AS there ON there.n = (deal.n * 7 + 3) % there.of
      JOIN outside ON outside.n = deal.n % outside.of
    )
    INSERT INTO deal (status, opened_by, giver_organisation_id, taker_organisation_id, surplus_id, material_key,
      origin_name, origin_position_25833, origin_municipality_number, destination_name, destination_project_id,
      destination_position_25833, destination_municipality_number, agreed_t, agreed_from, agreed_to, agreed_at,
      touched_at, created_by_id)
    SELECT 'agreed', 'taker', given.organisation_id,
      CASE WHEN wanted.organisation_id = given.organisation_id
        THEN (SELECT min(id) FROM organisation WHERE id <> given.organisation_id) ELSE wanted.organisation_id END,
      given.id, given.material_key, 'Site', given.position_25833,
      CASE WHEN ends.n % 3 = 1 THEN ends.away ELSE ends.here END, 'Fill', wanted.id, wanted.position_25833,
      CASE WHEN ends.n % 3 = 2 THEN ends.away ELSE ends.there END, 1000000, date '2026-01-01', date '2026-12-31',
      timestamptz '2026-01-01', timestamptz '2026-01-01', given.created_by_id
    FROM ends JOIN given ON given.n = ends.n % given.of JOIN wanted ON wanted.n = (ends.n * 13) % wanted.of
    """
)
MAKE_RECORDS = text(
    """
    INSERT INTO deal_impact (deal_id, number, reason, factor_set_id, method, level, agreed_t, payload_t, substitution,
      per_tonne_low, per_tonne, per_tonne_high, per_trip_low, per_trip, per_trip_high, per_substituted_trip_low,
      per_substituted_trip, per_substituted_trip_high, basis, made_at)
    SELECT id, 1, 'agreed', (SELECT min(id) FROM factor_set), 'estimate',
      (ARRAY['reuse', 'recycling', 'backfilling', 'disposal', 'undocumented'])[1 + id % 5], agreed_t, 16, 1,
      low, central, high, low, central, high, nothing, nothing, nothing, '{}', timestamptz '2026-01-01'
    FROM deal, (SELECT array_fill(1.111111111, ARRAY[14]) AS low, array_fill(2.222222222, ARRAY[14]) AS central,
      array_fill(3.333333333, ARRAY[14]) AS high, array_fill(0::numeric, ARRAY[14]) AS nothing) AS rates
    """
)
MAKE_LOADS = text(
    """
    INSERT INTO ticket (deal_id, number, status, source, side, loaded_at, vehicle_registration, mass_t, is_weighed,
      origin_name, destination_name, reported_by_id, confirmed_at)
    SELECT deals.ids[1 + n % :deals], n::text, CASE WHEN n % 10 = 0 THEN 'reported' ELSE 'confirmed' END, 'file',
      'giver', timestamptz '2026-01-05 09:00+01' + make_interval(days => (30 * (n % :deals % 8 + n / :deals % 4))::int),
      'AB 12345', 12 + n % 700 / 100.0, n % 20 <> 0, 'Site', 'Fill', :person,
      CASE WHEN n % 10 = 0 THEN NULL ELSE timestamptz '2026-12-31' END
    FROM generate_series(cast(:first AS integer), cast(:last AS integer)) AS n,
      (SELECT array_agg(id ORDER BY id) AS ids FROM deal) AS deals
    """
)
"""Each deal runs over four months, however often is driven."""

ADD_UP_LOADS = f"""
    SELECT date_trunc('month', timezone('Europe/Oslo', ticket.loaded_at)), sum(ticket.counted_t), sum(ticket.avoided_t)
    FROM ticket JOIN deal ON deal.id = ticket.deal_id
    JOIN municipality AS origin ON origin.number = deal.origin_municipality_number
    JOIN municipality AS destination ON destination.number = deal.destination_municipality_number
    WHERE '{COUNTY}' IN (origin.county_number, destination.county_number) GROUP BY 1
"""
QUESTIONS = {
    "dashboard, all of it shown": (f"/regions/dashboard?county={COUNTY}&{PERIOD}", True),
    "dashboard, as everybody sees it": (f"/regions/dashboard?county={COUNTY}&{PERIOD}", False),
    "deals behind it": (f"/regions/deals?county={COUNTY}&{PERIOD}", True),
    "from where to where, as CSV": (f"/regions/dashboard/matrix.csv?county={COUNTY}&{PERIOD}", True),
}


@dataclass
class Question:
    """A page of one of the databases, and the SQL it runs."""

    ask: Callable[[], int]
    statements: Sequence[Statement]
    bare: psycopg.Connection[Any]
    bytes: int
    program_s: list[float] = field(default_factory=list)
    bare_s: list[float] = field(default_factory=list)

    def turn(self, *, program_first: bool) -> None:
        ways = [(self.program_s, self.ask), (self.bare_s, lambda: replay(self.bare, self.statements))]
        for times, run_it in ways if program_first else reversed(ways):
            started = time.perf_counter()
            run_it()
            times.append(time.perf_counter() - started)

    @property
    def program_ms(self) -> float:
        return 1000 * statistics.median(self.program_s)

    @property
    def bare_ms(self) -> float:
        return 1000 * statistics.median(self.bare_s)


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench dashboard", description=__doc__)
    parser.add_argument("--few", type=int, default=FEW, help="deliveries of the one county (default: %(default)s)")
    parser.add_argument("--many", type=int, default=MANY, help="deliveries of the other (default: %(default)s)")
    parser.add_argument("--deals", type=int, default=DEALS, help="deals of both (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is asked (default: %(default)s)")
    given = parser.parse_args(arguments)
    slow = []
    with ExitStack() as stack:
        url = stack.enter_context(server())
        sides = []
        for loads in (given.few, given.many):
            settings = stack.enter_context(database_of(LISTINGS, url))
            sides.append(prepared(stack, settings, deals=given.deals, loads=loads))
        gc.collect()
        gc.freeze()  # as marketplace.wsgi does
        print(f"{'':34} {'loads':>10} {'bare SQL':>11} {'program':>11} {'ratio':>6} {'answer':>9}")
        for what in QUESTIONS:
            pair = [side[what] for side in sides]
            for turn in range(given.rounds):
                for question in pair if turn % 2 else reversed(pair):
                    question.turn(program_first=turn % 4 < 2)
            for question, loads in zip(pair, (given.few, given.many), strict=True):
                print(
                    f"{what:34} {loads:10,} {question.bare_ms:8.1f} ms {question.program_ms:8.1f} ms"
                    f" {question.program_ms / question.bare_ms:6.2f} {question.bytes / 1000:6.1f} kB",
                    flush=True,
                )
            growth = pair[1].program_ms / pair[0].program_ms
            print(f"{'':34} {'':10} {'':11} {growth:8.2f} x", flush=True)
            if growth > MOST_RATIO:
                slow.append(f"{what}: {growth:.2f} times as long")
    print("\n".join(["Not as promised:", *slow]) if slow else f"Within {MOST_RATIO:g} times, as promised.")
    return 1 if slow else 0


def prepared(stack: ExitStack, settings: Settings, *, deals: int, loads: int) -> dict[str, Question]:
    """The questions of a database with so many loads."""
    engine = make_engine(settings)
    stack.callback(engine.dispose)
    fill(engine, deals=deals, loads=loads)
    bare = stack.enter_context(connect(settings))
    started = time.perf_counter()
    bare.execute(ADD_UP_LOADS.encode()).fetchall()
    print(f"adding up the {loads:,} loads themselves: {1000 * (time.perf_counter() - started):.0f} ms", flush=True)
    app = create_app(settings, bind=engine)
    with engine.begin() as connection:
        admin_id, epoch = connection.execute(
            text("UPDATE app_user SET is_admin = true WHERE id = 1 RETURNING id, session_epoch")
        ).one()
    headers = {"Cookie": cookie_of(app, user_id=admin_id, epoch=epoch)}
    found = {}
    for what, (address, shows_all) in QUESTIONS.items():
        question = ask(app, address, headers if shows_all else None)
        question()  # fills what is kept for longer than a request
        with recording(engine) as statements:
            size = question()
        found[what] = Question(ask=question, statements=tuple(statements), bare=bare, bytes=size)
        replay(bare, statements)
    return found


def fill(engine: Engine, *, deals: int, loads: int) -> None:
    started = time.perf_counter()
    with Session(engine) as session, session.begin():
        session.execute(text("SET LOCAL statement_timeout = 0"))
        # What these deals hold of their listings is not asked about here: they come without the triggers of deals.
        with without_triggers(session.connection(), "deal", "deal_impact"):
            session.execute(MAKE_DEALS, {"county": COUNTY, "deals": deals})
            session.execute(MAKE_RECORDS)
    for first in range(0, loads, BATCH):
        with Session(engine) as session, session.begin():
            session.execute(text("SET LOCAL statement_timeout = 0"))
            with unlogged(session, "ticket", "deal", reason="generated for measuring"):
                person = session.execute(text("SELECT min(id) FROM app_user")).scalar_one()
                last = min(first + BATCH, loads) - 1
                session.execute(MAKE_LOADS, {"deals": deals, "first": first, "last": last, "person": person})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
    with engine.connect() as connection:
        counted, summed = connection.execute(
            text("SELECT (SELECT count(*) FROM ticket), (SELECT sum(loads) FROM flow_month)")
        ).one()
        assert counted == summed == loads, (counted, summed)
        rows = connection.execute(text("SELECT count(*) FROM flow_month")).scalar_one()
    took = time.perf_counter() - started
    print(f"{loads:,} loads of {deals:,} deals, {rows:,} sums, written in {took:.1f} s", flush=True)
