"""One engine a program, one session a request, one commit at the edge.

Views and services reach the session of the running request through `session`. The edge commits once, after a view of
an unsafe method (POST and the like) has answered without raising; a GET never commits, so it can never write.
"""

from select import POLLIN, poll
from typing import Any

import psycopg
from flask import Flask, Response, current_app, g, request
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.local import LocalProxy

from marketplace.acting import ACTING, Acting, tell_when_begun
from marketplace.afterwards import do_afterwards
from marketplace.config import Settings

EXTENSION = "masseflyt_sessions"
READERS = "masseflyt_reading_engine"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PATIENCE = {
    "connect_timeout": 5,  # seconds, as the keepalives
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}

LEAST_LIKENESS = 0.45
"""Share of a word's trigrams that a text must have for pg_trgm's `<%` to take it for similar."""


def make_engine(settings: Settings, *, url: str | None = None, application_name: str = "masseflyt") -> Engine:
    """An engine on `url`, else on the settings' database, whose statements end at the statement timeout."""
    address = url or settings.database_url
    if address is None:
        raise RuntimeError("no database address: start the private cluster first")
    engine = create_engine(
        address,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        hide_parameters=True,  # a failing statement is logged, and what it was to write is nobody's business there
        connect_args={
            **_patience(address),
            "application_name": application_name,
            "options": " ".join(f"-c {name}={value}" for name, value in session_settings(settings).items()),
        },
    )
    event.listen(engine, "checkout", _refuse_when_dropped)
    return engine


def _refuse_when_dropped(connection: psycopg.Connection[Any], *_pool: object) -> None:
    """Have the pool open another connection where the server has dropped this one, as it does when it restarts.

    An idle connection with something to read has been told goodbye. Looking costs no round trip, unlike a ping.

    Raises:
        DisconnectionError: to the pool, which tries again with a new connection.
    """
    if connection.closed:
        raise DisconnectionError
    waiting = poll()
    waiting.register(connection.fileno(), POLLIN)
    if waiting.poll(0):
        raise DisconnectionError


def _patience(address: str) -> dict[str, int]:
    """How long to wait for a server that is not there any more, where the address does not say itself.

    Without these, libpq waits minutes for one that swallows what it is sent, and hours for one that went away.
    """
    given = make_url(address).query
    return {name: value for name, value in PATIENCE.items() if name not in given}


def session_settings(settings: Settings) -> dict[str, object]:
    """PostgreSQL's settings for the program's connections, which ask many short questions about places."""
    return {
        "statement_timeout": settings.database_statement_timeout_ms,
        "timezone": "UTC",
        # A plan made without the values believes that any box on the map is tiny.
        "plan_cache_mode": "force_custom_plan",
        # PostGIS functions are counted as so costly that the planner compiles, or starts workers for, what takes
        # milliseconds: half a second of compiling, 40 ms of starting.
        "jit": "off",
        "max_parallel_workers_per_gather": 0,
        # Room to group all listings by a map's grid without sorting them on disk.
        "work_mem": "16MB",
        "pg_trgm.word_similarity_threshold": LEAST_LIKENESS,
    }


def make_sessions(bind: Engine | Connection, *, acting: Acting | None = None) -> sessionmaker[Session]:
    """Sessions on an engine; on a connection (tests) each commit is a savepoint of the connection's transaction.

    What they write is logged as done by `acting`, unless a session is told otherwise.
    """
    info = {ACTING: acting}
    if isinstance(bind, Connection):
        sessions = sessionmaker(bind, join_transaction_mode="create_savepoint", autoflush=False, info=info)
    else:
        sessions = sessionmaker(bind, autoflush=False, info=info)
    event.listen(sessions, "after_begin", tell_when_begun)
    event.listen(sessions, "after_transaction_end", do_afterwards)
    return sessions


def _current_session() -> Session:
    if "db_session" not in g:
        g.db_session = current_app.extensions[EXTENSION]()
    current: Session = g.db_session
    return current


session: Session = LocalProxy(_current_session)  # type: ignore[assignment]  # a proxy of the request's session


def reading_session() -> Session:
    """A session for views that only ask: each question stands alone, so none waits for a transaction to begin and end.

    Where the request has its session already, that one; a request never holds two connections.
    """
    bind = current_app.extensions[EXTENSION].kw["bind"]
    if "db_session" in g or isinstance(bind, Connection):
        return _current_session()
    if "db_reader" not in g:
        g.db_reader = current_app.extensions[EXTENSION](bind=current_app.extensions[READERS])
    reader: Session = g.db_reader
    return reader


def init_app(app: Flask, bind: Engine | Connection) -> None:
    app.extensions[EXTENSION] = make_sessions(bind)
    if isinstance(bind, Engine):
        app.extensions[READERS] = bind.execution_options(isolation_level="AUTOCOMMIT")

    @app.after_request
    def commit_once(response: Response) -> Response:
        if "db_session" in g and request.method not in SAFE_METHODS:
            g.db_session.commit()
        return response

    @app.teardown_request
    def close(_error: BaseException | None) -> None:
        for name in ("db_session", "db_reader"):
            opened = g.pop(name, None)
            if opened is not None:
                opened.close()
