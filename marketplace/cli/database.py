"""The database a command works on: DATABASE_URL's, or the private cluster's."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from marketplace import cluster, routing
from marketplace.acting import Acting
from marketplace.config import ROOT, SHORTEST_SECRET_KEY, Settings, load_settings
from marketplace.db import make_engine, make_sessions
from marketplace.postgres import EXTENSIONS, OLDEST_POSTGRESQL

SECRET_KEY_FILE = ROOT / "var" / "secret_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database that answers, and the settings that lead to it."""

    settings: Settings
    engine: Engine
    lease: cluster.Lease | None
    """The hold on the private cluster; None where DATABASE_URL names the server."""

    @property
    def is_private(self) -> bool:
        return self.lease is not None


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and then how long it took."""
    began = time.perf_counter()
    click.echo(f"  {what} ... ", nl=False)
    try:
        yield
    except BaseException:
        click.echo("failed")
        raise
    click.echo(f"{time.perf_counter() - began:.1f} s")


@contextmanager
def open_database(**overrides: object) -> Iterator[Database]:
    """The database of the settings; the private cluster is held for as long as the block runs.

    Raises:
        click.ClickException: the server named in DATABASE_URL cannot be used, and why.
        ClusterError: the private cluster cannot be used, and why.
    """
    settings = load_settings(**overrides)
    routing.configure(settings)
    if settings.database_url:
        engine = make_engine(settings)
        try:
            _check_server(engine)
            yield Database(settings=settings, engine=engine, lease=None)
        finally:
            engine.dispose()
        return
    with _private_lease() as lease:
        lease.cluster.make_database()
        private = {"database_url": lease.url()}
        if len(settings.secret_key.get_secret_value()) < SHORTEST_SECRET_KEY:
            private["secret_key"] = _kept_secret_key()
        settings = load_settings(**overrides | private)
        engine = make_engine(settings)
        try:
            yield Database(settings=settings, engine=engine, lease=lease)
        finally:
            engine.dispose()


@contextmanager
def open_session() -> Iterator[Session]:
    """A session on a migrated database, committed when the block ends without an error: what most commands need."""
    with open_database() as database:
        require_newest_schema(database)
        with sessions(database).begin() as session:
            yield session


def sessions(database: Database) -> sessionmaker[Session]:
    """Sessions of this command, which the audit log names."""
    context = click.get_current_context(silent=True)
    command = context.command_path.partition(" ")[2] if context else ""
    return make_sessions(database.engine, acting=Acting(label=f"cli:{command.replace(' ', '-') or 'masseflyt'}"))


@contextmanager
def _private_lease() -> Iterator[cluster.Lease]:
    with step("Starting the private PostgreSQL in var/postgres"):
        lease = cluster.ensure_running()
    if lease.cluster.is_outside:
        click.echo(f"  Its files are in {lease.cluster.home}, as the user {lease.cluster.user.name} cannot enter here.")
    try:
        yield lease
    finally:
        if lease.close():
            click.echo("  The private PostgreSQL has stopped.")


def _kept_secret_key() -> str:
    """The key of this checkout, made at first use; only its owner can read it."""
    try:
        return SECRET_KEY_FILE.read_text().strip()
    except FileNotFoundError:
        key = secrets.token_urlsafe(48)
        descriptor = os.open(SECRET_KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(key + "\n")
        return key


# What a server of the user's own must offer -----------------------------------------------------------------------


def _check_server(engine: Engine) -> None:
    address = make_url(engine.url).render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            major = _server_major(connection)
            if major < OLDEST_POSTGRESQL:
                raise click.ClickException(
                    f"{address} runs PostgreSQL {major}; Masseflyt needs {OLDEST_POSTGRESQL} or newer."
                )
    except OperationalError as error:
        raise click.ClickException(f"{address} cannot be reached: {_first_line(error)}") from None


def ensure_extensions(engine: Engine) -> None:
    """The extensions are in the database, made now where we may.

    Raises:
        click.ClickException: the server lacks one, or our role may not make it.
    """
    with engine.begin() as connection:
        installed = set(connection.scalars(text("SELECT extname FROM pg_extension")))
        available = set(connection.scalars(text("SELECT name FROM pg_available_extensions")))
        major = _server_major(connection)
    for name in EXTENSIONS:
        if name in installed:
            continue
        if name not in available:
            raise click.ClickException(
                f"The database server has no extension {name}; install it there"
                f" (Debian: apt-get install postgresql-{major}-postgis-3)."
            )
        try:
            with engine.begin() as connection:
                connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {name}"))
        except DBAPIError as error:
            role, database = engine.url.username, engine.url.database
            raise click.ClickException(
                f"The role {role} may not make the extension {name} in the database {database};"
                f" let an administrator run there: CREATE EXTENSION {name};   ({_first_line(error)})"
            ) from None


def _server_major(connection: Connection) -> int:
    number = connection.scalar(text("SELECT current_setting('server_version_num')::integer"))
    return int(number or 0) // 10_000


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__


def current_revision(connection: Connection) -> str | None:
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def require_newest_schema(database: Database) -> None:
    """Raises click.ClickException where the database is not at the newest migration."""
    from marketplace.migrate import head_revision

    with database.engine.connect() as connection:
        revision = current_revision(connection)
    if revision != head_revision():
        where = f"at migration {revision}" if revision else "empty"
        raise click.ClickException(
            f"The database is {where} and the program needs {head_revision()}: run `masseflyt migrate` first."
        )
