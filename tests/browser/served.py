"""The program with the demo region on a database of its own, served by threads of this process."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import URL
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.serving import WSGIRequestHandler, make_server

from marketplace import create_app
from marketplace.config import ROOT, Settings
from marketplace.db import make_engine, make_sessions
from marketplace.migrate import upgrade
from marketplace.services.demo import load_demo
from marketplace.services.reference import load_reference_data
from tests.conftest import fresh_database, test_settings
from tests.factories import Factory

WORKER = (
    "from marketplace.config import load_settings; from marketplace.jobs import run_worker; "
    "run_worker(load_settings(), wait=False)"
)


class QuietHandler(WSGIRequestHandler):
    def log(self, *_line: object) -> None:
        """Say nothing: a line for each request buries what a test has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The served program: its address, settings and database."""

    address: str
    settings: Settings
    sessions: sessionmaker[Session]

    def do_jobs(self) -> None:
        """Do what is queued, in a process of its own as the worker is."""
        environment = os.environ | {
            "DATABASE_URL": self.settings.database_url or "",
            "SECRET_KEY": self.settings.secret_key.get_secret_value(),
            "BASE_URL": self.settings.base_url,
        }
        subprocess.run([sys.executable, "-c", WORKER], cwd=ROOT, env=environment, check=True, timeout=60)

    @contextmanager
    def rows(self) -> Iterator[Factory]:
        """Makes rows that are there for good when the block ends."""
        with self.sessions.begin() as session:
            yield Factory(session, now=datetime.now(UTC))


@contextmanager
def served_demo(server_url: URL) -> Iterator[Site]:
    with fresh_database(server_url) as url, socket.create_server(("127.0.0.1", 0)) as listener:
        # The port is chosen before the program is made: links in mails must lead to it.
        port = listener.getsockname()[1]
        address = f"http://127.0.0.1:{port}"
        settings = test_settings(url, base_url=address)
        engine = make_engine(settings)
        sessions = make_sessions(engine)
        upgrade(engine)
        with sessions.begin() as session:
            load_reference_data(session)
            load_demo(session, now=datetime.now(UTC))
        app = create_app(settings, bind=engine)
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler, fd=listener.fileno())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Site(address=address, settings=settings, sessions=sessions)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            engine.dispose()
