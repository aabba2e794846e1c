"""The nightly sweep, as the worker runs it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from marketplace import clock
from marketplace.db import make_engine, make_sessions
from marketplace.jobs import run_worker
from marketplace.queue import Task, enqueue
from marketplace.storage import open_storage
from tests.conftest import fresh_database, test_settings

ORPHAN = "ab" * 32


def test_the_worker_sweeps_the_storage_that_the_settings_name(
    database_server: URL, filled_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = (tmp_path / "documents").as_uri()
    storage = open_storage(url)
    storage.put(ORPHAN, b"x")
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(days=2))
    with fresh_database(database_server, template=filled_template) as database:
        settings = test_settings(database, documents_url=url)
        engine = make_engine(settings)
        with make_sessions(engine).begin() as session:
            enqueue(session, Task.SWEEP_CONTENT, timestamp=0)
        run_worker(settings, wait=False, handle_signals=False)
        engine.dispose()
    assert not storage.exists(ORPHAN)
