"""Databases to measure in: migrated, with the reference data and a generated set of some size."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text

from marketplace import clock
from marketplace.config import Settings
from marketplace.db import make_engine, make_sessions
from marketplace.migrate import upgrade
from marketplace.services.reference import load_reference_data
from marketplace.services.scale import load_scale


@contextmanager
def server() -> Iterator[URL]:
    """A PostgreSQL server to make databases on."""
    given = os.environ.get("BENCH_SERVER_URL")
    if given:
        yield make_url(given)
        return
    from marketplace import cluster

    with cluster.ensure_running() as lease:
        yield make_url(lease.url("postgres"))


@contextmanager
def database_of(size: int, on: URL) -> Iterator[Settings]:
    """Settings on a new database with `size` generated listings; it is dropped in the end."""
    name = f"masseflyt_bench_{size}_{secrets.token_hex(4)}"
    admin = create_engine(on, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        settings = settings_on(on.set(database=name))
        started = time.perf_counter()
        _fill(settings, size=size)
        print(f"{size:,} listings loaded in {time.perf_counter() - started:.1f} s", flush=True)
        yield settings
    finally:
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()


@contextmanager
def empty_database(on: URL) -> Iterator[Engine]:
    """An engine on a new database with nothing in its tables; it is dropped in the end."""
    name = f"masseflyt_bench_empty_{secrets.token_hex(4)}"
    admin = create_engine(on, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine = make_engine(settings_on(on.set(database=name)))
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()


def settings_on(url: URL) -> Settings:
    return Settings(
        _env_file=None,
        database_url=url.render_as_string(hide_password=False),
        secret_key="only-for-measuring-only-for-measuring",
        database_statement_timeout_ms=120_000,
        geocoder_online=False,
        registers_online=False,
        basemap_url="",
        roads_dir=Path("/nonexistent"),
        log_level="error",
    )


def _fill(settings: Settings, *, size: int) -> None:
    engine = make_engine(settings)
    upgrade(engine)
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        load_reference_data(session)
    with sessions.begin() as session:
        load_scale(session, listings=size, now=clock.now())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
    engine.dispose()


@contextmanager
def without_triggers(connection: Connection, *tables: str) -> Iterator[None]:
    """Rows that are written as the triggers of `tables` would leave them: what those cost is measured elsewhere."""
    for table in tables:
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    yield
    for table in tables:
        connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
