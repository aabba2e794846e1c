"""Bulk import: a file of listings taken in, checked and applied, beside a plain COPY of the very rows that came of it.

The file names projects and positions all over Norway; half of it is demand, half surplus that is declared clean, and
all of it is published, so that every row passes the gate. The COPY goes into the same table with the same indexes, once
the imported rows are out of it again. Memory is what the process had at most, beyond what it had before.
"""

import argparse
import csv
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

import psycopg
import xlsxwriter
from geoalchemy2.shape import from_shape
from shapely import Point
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from bench.data import database_of, server
from bench.measure import connect
from geo.materials import MaterialGroup, taxonomy
from geo.units import SRID_STORED
from marketplace import clock
from marketplace.actor import Actor
from marketplace.config import Settings
from marketplace.db import make_engine, make_sessions
from marketplace.listing_columns import STATEMENTS
from marketplace.models import ImportBatch, Listing, Membership, Organisation, Project, User
from marketplace.queries.accounts import actor_of
from marketplace.services import bulk, bulk_staging
from marketplace.services.quality import asked_of
from marketplace.types import ImportKind, ImportStatus, OrganisationKind, ProjectKind, Role

ROWS = 50_000
PROJECTS = 200
ALREADY_THERE = 5_000
HEADINGS = (
    "Referanse", "Type", "Prosjekt", "Breddegrad", "Lengdegrad", "Materiale", "Mengde", "Enhet", "Fra dato", "Til dato",
    "Beskrivelse", "Publiser", "Grunnlag for rene masser", "Hvem svarer for det",
    *(heading for heading, _ in STATEMENTS.values()),
)  # fmt: skip
MOST_SECONDS_PER_1000 = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    what: str
    seconds: float
    memory_mb: float


def run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench bulk", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="how many rows the file has (default: %(default)s)")
    given = parser.parse_args(arguments)
    with server() as url, database_of(ALREADY_THERE, url) as settings, tempfile.TemporaryDirectory() as folder:
        taken = measure(settings, Path(folder), rows=given.rows)
    copied = taken[-1].seconds
    print(f"{'':34} {'total':>9} {'per 1,000':>10} {'x COPY':>8} {'memory':>9}")
    for each in taken:
        print(
            f"{each.what:34} {each.seconds:7.1f} s {1000 * each.seconds / given.rows:8.3f} s"
            f" {each.seconds / copied:8.1f} {each.memory_mb:6.0f} MB"
        )
    worked = sum(each.seconds for each in taken if each.what in ("check", "apply"))
    per_1000 = 1000 * worked / given.rows
    print(f"Check and apply: {per_1000:.2f} s per 1,000 rows; at most {MOST_SECONDS_PER_1000:g} s are promised.")
    return 1 if per_1000 > MOST_SECONDS_PER_1000 else 0


def measure(settings: Settings, folder: Path, *, rows: int) -> list[Taken]:
    engine = make_engine(settings)
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        actor = an_editor(session)
        places = some_places(session)
    as_csv, as_xlsx = folder / "rows.csv", folder / "rows.xlsx"
    write_csv(as_csv, file_rows(places, rows=rows))
    write_xlsx(as_xlsx, file_rows(places, rows=rows))
    taken = [timed("take in (XLSX)", lambda: discard(sessions, actor, stage(sessions, actor, as_xlsx)))]
    batch_ids: list[int] = []
    taken.append(timed("take in (CSV)", lambda: batch_ids.append(stage(sessions, actor, as_csv))))
    taken.append(timed("check", lambda: check(sessions, batch_ids[0])))
    taken.append(timed("apply", lambda: apply(sessions, actor, batch_ids[0], rows=rows)))
    batch_ids.append(stage(sessions, actor, as_csv))
    check(sessions, batch_ids[1])
    taken.append(timed("apply the same file again", lambda: apply(sessions, actor, batch_ids[1], rows=rows)))
    taken.append(copy_the_same(settings, engine, actor, folder / "rows.copy", rows=rows))
    engine.dispose()
    return taken


def timed(what: str, work: Callable[[], object]) -> Taken:
    before_mb, started = peak_mb(), time.perf_counter()
    work()
    taken = Taken(what=what, seconds=time.perf_counter() - started, memory_mb=peak_mb() - before_mb)
    print(f"{what}: {taken.seconds:.1f} s", flush=True)
    return taken


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# What is imported -------------------------------------------------------------------------------------------------


def an_editor(session: Session) -> Actor:
    organisation = Organisation(org_number="999999999", name="Måling AS", kind=OrganisationKind.CONTRACTOR)
    user = User(
        email="bench@example.com", name="Målt", password_hash="none", locale="nb", email_confirmed_at=clock.now()
    )
    session.add_all([organisation, user])
    session.flush()
    session.add(Membership(user_id=user.id, organisation_id=organisation.id, role=Role.OWNER))
    today = clock.local_date(clock.now())
    site = session.execute(
        text(
            "SELECT ST_X(position_25833), ST_Y(position_25833), municipality_number FROM project ORDER BY id LIMIT :n"
        ),
        {"n": PROJECTS},
    )
    for number, (x, y, municipality) in enumerate(site):
        point = from_shape(Point(x, y), srid=SRID_STORED)
        session.add(
            Project(
                organisation_id=organisation.id,
                name=f"Måling {number}",
                kind=ProjectKind.ROAD,
                builder="Byggherre",
                site_25833=point,
                position_25833=point,
                municipality_number=municipality,
                starts_on=today,
                ends_on=today + timedelta(days=900),
                created_by_id=user.id,
            )
        )
    session.flush()
    session.refresh(user, ["memberships"])
    return actor_of(user)


def some_places(session: Session) -> list[tuple[float, float]]:
    """(lon, lat) of listings that are there, so that they lie on land."""
    query = text(
        "SELECT round(ST_X(place)::numeric, 6), round(ST_Y(place)::numeric, 6) FROM"
        " (SELECT id, ST_Transform(position_25833, 4326) AS place FROM listing) AS there ORDER BY id"
    )
    return [(float(lon), float(lat)) for lon, lat in session.execute(query)]


def file_rows(places: Sequence[tuple[float, float]], *, rows: int) -> Iterator[tuple[str, ...]]:
    natural = [
        material for group in (MaterialGroup.STONE, MaterialGroup.SOIL) for material in taxonomy().in_group(group)
    ]
    first = clock.local_date(clock.now())
    for number in range(rows):
        lon, lat = places[number % len(places)]
        is_surplus, has_project = number % 2 == 0, number % 3 == 0
        material = natural[number % len(natural)]
        asked = asked_of(material) if is_surplus else ()
        yield (
            f"M-{number}",
            "Overskudd" if is_surplus else "Behov",
            f"Måling {number % PROJECTS}" if has_project else "",
            "" if has_project else f"{lat:.6f}".replace(".", ","),
            "" if has_project else f"{lon:.6f}".replace(".", ","),
            material.name_no,
            str(100 + number % 20_000),
            "tonn" if number % 4 else "løse m³",
            written(first + timedelta(days=number % 60)),
            written(first + timedelta(days=90 + number % 400)),
            "Ligger i haug på tomta og kan hentes på dagtid.",
            "ja",
            *(("Urørt område, rapport 14", "Kari Nordmann") if is_surplus else ("", "")),
            *("ja" if kind in asked else "" for kind in STATEMENTS),
        )


def written(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def write_csv(path: Path, rows: Iterator[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADINGS)
        writer.writerows(rows)


def write_xlsx(path: Path, rows: Iterator[tuple[str, ...]]) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADINGS)
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number, 0, row)


# The program ------------------------------------------------------------------------------------------------------


def stage(sessions: sessionmaker[Session], actor: Actor, path: Path) -> int:
    with sessions.begin() as session, path.open("rb") as data:
        given = bulk_staging.GivenFile(data=data, name=path.name, decimal_sign=",")
        organisation_id = actor.memberships[0].organisation_id
        staged = bulk_staging.stage_file(
            session, actor, organisation_id=organisation_id, kind=ImportKind.LISTINGS, given=given
        )
        assert not staged.is_known
        return staged.batch.id


def discard(sessions: sessionmaker[Session], actor: Actor, batch_id: int) -> None:
    with sessions.begin() as session:
        bulk.discard(session, actor, batch_id=batch_id)


def check(sessions: sessionmaker[Session], batch_id: int) -> None:
    in_chunks(sessions, lambda session: bulk.check_chunk(session, batch_id=batch_id, now=clock.now()))
    with sessions() as session:
        batch = session.get_one(ImportBatch, batch_id)
        assert (batch.status, batch.bad_count) == (ImportStatus.CHECKED, 0), batch.bad_count


def apply(sessions: sessionmaker[Session], actor: Actor, batch_id: int, *, rows: int) -> None:
    user_id = actor.user_id
    assert user_id is not None
    with sessions.begin() as session:
        bulk.request_apply(session, actor, batch_id=batch_id)
    in_chunks(sessions, lambda session: bulk.apply_chunk(session, batch_id=batch_id, user_id=user_id, now=clock.now()))
    with sessions() as session:
        published = session.scalar(
            text("SELECT count(*) FROM listing WHERE created_by_id = :id AND status = 'published'"), {"id": user_id}
        )
        assert published == rows, published


def in_chunks(sessions: sessionmaker[Session], step: Callable[[Session], bool]) -> None:
    has_more = True
    while has_more:
        with sessions.begin() as session:
            has_more = step(session)


# Plain COPY -------------------------------------------------------------------------------------------------------


def copy_the_same(settings: Settings, engine: Engine, actor: Actor, path: Path, *, rows: int) -> Taken:
    columns = ", ".join(
        column.name for column in Listing.__table__.columns if column.name != "id" and column.computed is None
    )
    mine = {"id": actor.user_id}
    with connect(settings) as bare:
        with path.open("wb") as file:
            wanted = f"SELECT {columns} FROM listing WHERE created_by_id = %(id)s ORDER BY id"
            copy_out(bare, f"COPY ({wanted}) TO STDOUT", mine, file)
        bare.execute("ALTER TABLE listing DISABLE TRIGGER audit")  # COPY is what nothing but the table itself costs
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM listing WHERE created_by_id = :id"), mine)
        bare.execute("VACUUM (ANALYZE) listing")

        def copy_in() -> None:
            with (
                path.open("rb") as file,
                bare.cursor() as cursor,
                cursor.copy(f"COPY listing ({columns}) FROM STDIN") as copy,
            ):
                while part := file.read(1 << 16):
                    copy.write(part)

        taken = timed("plain COPY of the same rows", copy_in)
        found = bare.execute("SELECT count(*) FROM listing WHERE created_by_id = %(id)s", mine).fetchone()
        assert found == (rows,)
        return taken


def copy_out(bare: psycopg.Connection[Any], statement: str, values: dict[str, Any], file: IO[bytes]) -> None:
    with bare.cursor() as cursor, cursor.copy(statement, values) as copy:
        for part in copy:
            file.write(part)
