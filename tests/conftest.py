"""A database of the run's own, and a transaction a test that is rolled back whatever the test commits."""

import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from psycopg.errors import ObjectInUse
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from marketplace import create_app
from marketplace.config import Settings
from marketplace.db import make_engine, make_sessions
from marketplace.migrate import upgrade
from marketplace.models import User
from marketplace.services import passwords
from marketplace.services.demo import load_demo
from marketplace.services.reference import load_reference_data
from tests.factories import Factory

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
"""When every test takes place."""


@contextmanager
def _server_url() -> Iterator[URL]:
    """A PostgreSQL server to make databases in: `TEST_SERVER_URL`, else the program's private cluster."""
    given = os.environ.get("TEST_SERVER_URL")
    if given:
        yield make_url(given)
        return
    from marketplace import cluster  # only here: what runs against a given server needs no cluster

    with cluster.ensure_running() as lease:
        yield make_url(lease.url("postgres"))


@contextmanager
def fresh_database(server: URL, *, template: str | None = None) -> Iterator[URL]:
    """A new database, empty or a copy of `template`, that is dropped in the end."""
    name = f"masseflyt_test_{os.getpid()}_{secrets.token_hex(4)}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        _create_database(admin, name, template=template)
        try:
            yield server.set(database=name)
        finally:
            with admin.connect() as connection:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    finally:
        admin.dispose()


def _create_database(admin: Engine, name: str, *, template: str | None) -> None:
    """PostgreSQL copies no database that somebody is connected to, and for a moment its own autovacuum may be."""
    statement = text(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
    for is_last in (False, False, True):
        try:
            with admin.connect() as connection:
                connection.execute(statement)
        except OperationalError as error:
            if is_last or not isinstance(error.orig, ObjectInUse):
                raise
        else:
            return


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Argon2 is meant to take its time, of which tests have no use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture(scope="session")
def database_server() -> Iterator[URL]:
    with _server_url() as url:
        yield url


@pytest.fixture(scope="session")
def filled_template(database_server: URL) -> Iterator[str]:
    """The name of a migrated database with the reference data that nobody is connected to, for copying."""
    with fresh_database(database_server) as url:
        engine = make_engine(test_settings(url))
        upgrade(engine)
        with make_sessions(engine).begin() as session:
            load_reference_data(session)
        engine.dispose()
        assert url.database is not None
        yield url.database


@pytest.fixture(scope="session")
def settings(database_server: URL, filled_template: str) -> Iterator[Settings]:
    """Settings on the run's database, with the reference data and nothing online."""
    with fresh_database(database_server, template=filled_template) as url:
        yield test_settings(url)


def test_settings(url: URL, **overrides: object) -> Settings:
    return Settings(
        _env_file=None,
        **{
            "database_url": url.render_as_string(hide_password=False),
            "secret_key": "only-for-tests-only-for-tests-only-for-tests",
            "geocoder_online": False,
            "registers_online": False,
            "basemap_url": "",
            "documents_url": "memory:",
            "roads_dir": "/nonexistent",
            "log_level": "error",
            **overrides,
        },
    )


test_settings.__test__ = False  # type: ignore[attr-defined] - a maker of settings, no test


@pytest.fixture(scope="session")
def engine(settings: Settings) -> Iterator[Engine]:
    made = make_engine(settings)
    yield made
    made.dispose()


@pytest.fixture
def committing_engine(database_server: URL, filled_template: str) -> Iterator[Engine]:
    """An engine on a database of the test's own, for what several connections at once commit."""
    with fresh_database(database_server, template=filled_template) as url:
        made = make_engine(test_settings(url))
        yield made
        made.dispose()


@pytest.fixture(scope="session")
def demo_engine(database_server: URL, filled_template: str) -> Iterator[Engine]:
    """An engine on a database with the demo region in it, loaded once for the run: it takes a while."""
    with fresh_database(database_server, template=filled_template) as url:
        made = make_engine(test_settings(url))
        with make_sessions(made).begin() as session:
            load_demo(session, now=NOW)
        yield made
        made.dispose()


@contextmanager
def undone(engine: Engine) -> Iterator[Connection]:
    """A connection whose doings are rolled back, whatever is committed on it."""
    with engine.connect() as opened:
        transaction = opened.begin()
        yield opened
        transaction.rollback()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with undone(engine) as opened:
        yield opened


@pytest.fixture
def demo_connection(demo_engine: Engine) -> Iterator[Connection]:
    with undone(demo_engine) as opened:
        yield opened


@pytest.fixture
def demo(demo_connection: Connection) -> Iterator[Session]:
    """A session on the demo region; what a test changes is undone after it."""
    with make_sessions(demo_connection)() as opened:
        yield opened


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    with make_sessions(connection)() as opened:
        yield opened


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The time of the test, also for views and jobs."""
    monkeypatch.setattr("marketplace.clock.now", lambda: NOW)
    return NOW


@pytest.fixture
def make(session: Session) -> Factory:
    """Makes rows: `make.listing(material="blasted_rock")`."""
    return Factory(session, now=NOW)


@pytest.fixture(scope="session")
def _application(settings: Settings, engine: Engine) -> Flask:
    return create_app(settings, bind=engine, testing=True)


@pytest.fixture
def app(_application: Flask, connection: Connection, now: datetime) -> Iterator[Flask]:
    """The application, its sessions bound to the test's transaction."""
    from marketplace.db import EXTENSION
    from marketplace.web import demo

    before = _application.extensions[EXTENSION]
    _application.extensions[EXTENSION] = make_sessions(connection)
    _application.extensions.pop(demo.EXTENSION, None)
    yield _application
    _application.extensions[EXTENSION] = before
    _application.extensions.pop(demo.EXTENSION, None)


class Client(FlaskClient):
    """A visitor; `log_in_as` starts a session the way the log-in page does, without its form."""

    def log_in_as(self, user: User) -> "Client":
        from marketplace.web.access import session_key

        with self.session_transaction() as cookie:
            cookie["_user_id"] = session_key(user_id=user.id, epoch=user.session_epoch)
            cookie["_fresh"] = True
        return self

    def in_english(self) -> "Client":
        with self.session_transaction() as cookie:
            cookie["locale"] = "en"
        return self


@pytest.fixture
def client(app: Flask) -> Iterator[Client]:
    """A visitor who is not logged in; forms need no CSRF token, which `tests/web/test_security.py` looks after."""
    app.test_client_class = Client
    app.config["WTF_CSRF_ENABLED"] = False
    yield app.test_client()  # type: ignore[misc] - the class set above
    app.config["WTF_CSRF_ENABLED"] = True


@pytest.fixture
def count_queries(connection: Connection) -> "QueryCounter":
    return QueryCounter(connection)


class QueryCounter:
    """Counts the statements on the test's connection: `with count_queries() as statements: ...`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __call__(self) -> AbstractContextManager[list[str]]:
        return self._counting()

    @contextmanager
    def _counting(self) -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
            if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                statements.append(statement)

        event.listen(self.connection, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(self.connection, "before_cursor_execute", note)
