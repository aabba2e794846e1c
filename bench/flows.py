"""The flow map of thousands of flows: its page, the data of its map, and the file, each against the bare SQL it runs.

Beside the times stand the sizes of the answers, and how many of the flows are drawn and how many are named as the rest.
"""

import argparse
import gc
from collections.abc import Sequence

from flask import Flask
from sqlalchemy import text

from bench.data import database_of, server, without_triggers
from bench.measure import Measured, connect, side_by_side, table
from bench.search import ask
from marketplace import create_app
from marketplace.config import Settings
from marketplace.db import make_engine

SIZES = (1_000, 10_000)
ROUNDS = 20
LARGEST_DATA_KB = 400
"""Of what the map fetches at once, before it is compressed."""
LARGEST_FILE_KB = 4_000

PROJECTS = text(
    """
    WITH made AS (
      INSERT INTO project (organisation_id, name, kind, builder, site_25833, position_25833, municipality_number,
        starts_on, ends_on, created_by_id)
      SELECT organisation_id, 'Site ' || id, 'other', '', position_25833, position_25833, municipality_number,
        date '2026-01-01', date '2028-12-31', created_by_id
      FROM listing WHERE facility_id IS NULL AND NOT hides_position
      RETURNING id, name
    )
    UPDATE listing SET project_id = made.id FROM made WHERE made.name = 'Site ' || listing.id
    """
)
"""A site of its own for each listing, so that hardly two flows lie on each other."""

DEALS = text(
    """
    WITH given AS (
      SELECT row_number() OVER (ORDER BY md5(id::text)) AS n, *
      FROM listing WHERE kind = 'surplus' AND NOT hides_position
    ), paired AS (
      SELECT number, given.id AS surplus_id, given.material_key, given.organisation_id AS giver,
             given.position_25833 AS origin, given.municipality_number AS origin_number, given.created_by_id,
             wanted.project_id, wanted.organisation_id AS taker, wanted.position_25833 AS destination,
             wanted.municipality_number AS destination_number
      FROM generate_series(1, :count) AS number
      JOIN given ON given.n = 1 + number % (SELECT count(*) FROM given)
      -- Most are hauled to somewhere near, some farther off.
      CROSS JOIN LATERAL (
        SELECT * FROM listing
        WHERE kind = 'demand' AND status = 'published' AND project_id IS NOT NULL
          AND organisation_id <> given.organisation_id
        ORDER BY position_25833 <-> given.position_25833 OFFSET power(number % 23, 2)::int LIMIT 1
      ) AS wanted
    )
    INSERT INTO deal (status, opened_by, giver_organisation_id, taker_organisation_id, surplus_id, material_key,
      origin_name, origin_position_25833, origin_municipality_number, destination_name, destination_project_id,
      destination_position_25833, destination_municipality_number, agreed_t, agreed_from, agreed_to, agreed_at,
      delivered_t, touched_at, created_by_id)
    SELECT 'agreed', 'taker', giver, taker, surplus_id, material_key, 'Place ' || surplus_id, origin, origin_number,
      'Project ' || project_id, project_id, destination, destination_number, mass_t, day, day + 120, day, mass_t, day,
      created_by_id
    FROM paired CROSS JOIN LATERAL (
      SELECT round((50 * power(400, (number * 7919 % 1000) / 1000.0))::numeric, 3) AS mass_t,
             date '2026-01-01' + (number * 37 % 270)::int AS day
    ) AS terms
    """
)
MONTHS = text(
    """
    INSERT INTO deal_month (deal_id, month, origin_municipality_number, destination_municipality_number, material_key,
      level, loads, delivered_t, avoided_t, low, central, high)
    SELECT id, (date_trunc('month', agreed_from) + n * interval '1 month')::date, origin_municipality_number,
      destination_municipality_number, material_key, 'reuse', 10, round(agreed_t / 4, 3), round(agreed_t / 4, 3),
      zeros, zeros, zeros
    FROM deal, generate_series(0, 3) AS n, (SELECT array_fill(0::numeric, ARRAY[14]) AS zeros) AS nothing
    """
)

ADMINISTRATOR = text(
    "UPDATE app_user SET is_admin = true, email_confirmed_at = now()"
    " WHERE id = (SELECT min(id) FROM app_user) RETURNING id, session_epoch"
)
"""Who is shown everything."""


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench flows", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many flows (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is asked (default: %(default)s)")
    given = parser.parse_args(arguments)
    too_large: list[str] = []
    with server() as url:
        for size in given.sizes:
            with database_of(max(size, 1_000), url) as settings:
                rows = measure(settings, flows=size, rounds=given.rounds)
            print(table(rows), end="\n\n", flush=True)
            too_large += [f"{row.what} at {size:,}" for row in rows if row.bytes > 1000 * limit_kb(row)]
    print("\n".join(["Larger than promised:", *too_large]) if too_large else "Every answer is as small as promised.")
    return 1 if too_large else 0


def limit_kb(row: Measured) -> int:
    return LARGEST_FILE_KB if row.what.startswith("file") else LARGEST_DATA_KB


def measure(settings: Settings, *, flows: int, rounds: int) -> list[Measured]:
    engine = make_engine(settings)
    with engine.begin() as connection, without_triggers(connection, "project", "deal", "deal_month"):
        connection.execute(PROJECTS)
        connection.execute(DEALS, {"count": flows})
        connection.execute(MONTHS)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) deal, deal_month"))
        counties = connection.execute(text("SELECT number FROM county ORDER BY number LIMIT 4")).scalars().all()
        admin_id = connection.execute(
            text("UPDATE app_user SET is_admin = true WHERE id = 1 RETURNING id")
        ).scalar_one()
        epoch = connection.execute(text("SELECT session_epoch FROM app_user WHERE id = 1")).scalar_one()
    app = create_app(settings, bind=engine)
    headers = {"Cookie": cookie_of(app, user_id=admin_id, epoch=epoch)}
    period = "from=2026-01&to=2026-12"
    questions = {
        "page: all of Norway": [f"/regions/flows?{period}"],
        "map: between counties": [f"/regions/flows.json?{period}&detail=county"],
        "map: between municipalities": [f"/regions/flows.json?{period}&detail=municipality"],
        "map: of a county, between municipalities": [
            f"/regions/flows.json?{period}&detail=municipality&county={number}" for number in counties
        ],
        "map: between squares of 5 km": [f"/regions/flows.json?{period}&detail=grid"],
        "map: between projects": [f"/regions/flows.json?{period}&detail=project"],
        "map: between projects, in sight": [
            f"/regions/flows.json?{period}&detail=project&bbox={box}"
            for box in ("10.4,59.8,11.0,60.1", "5.1,60.2,5.6,60.5", "10.2,63.3,10.7,63.5")
        ],
        "file that opens alone": [f"/regions/flows.html?{period}"],
    }
    drawn(app, f"/regions/flows.json?{period}&detail=project", headers)
    gc.collect()
    gc.freeze()  # as marketplace.wsgi does
    with connect(settings) as bare:
        rows = [
            side_by_side(
                what, [ask(app, address, headers) for address in addresses], engine=engine, bare=bare, rounds=rounds
            )
            for what, addresses in questions.items()
        ]
    engine.dispose()
    return rows


def cookie_of(app: Flask, *, user_id: int, epoch: int) -> str:
    """Of somebody who is logged in."""
    from marketplace.web.access import session_key

    signer = app.session_interface.get_signing_serializer(app)
    value = signer.dumps({"_user_id": session_key(user_id=user_id, epoch=epoch), "_fresh": True})
    return f"{app.config['SESSION_COOKIE_NAME']}={value}"


def drawn(app: Flask, address: str, headers: dict[str, str]) -> None:
    """Tell how many of the flows are on the map."""
    answer = app.test_client(use_cookies=False).get(address, headers=headers)
    found = answer.get_json()
    print(f"on the map: {len(found['flows']):,} flows; named as the rest: {found['rest']['flows']:,}", flush=True)
