"""The nightly proof of the log, as the worker runs it."""

import pytest
from sqlalchemy import Engine, text
from structlog.testing import CapturingLogger

from marketplace.db import make_sessions
from marketplace.jobs import run_worker
from marketplace.queue import Task, enqueue
from tests.conftest import NOW, test_settings
from tests.factories import Factory


@pytest.mark.parametrize("is_changed", [False, True])
def test_the_log_is_proved_and_its_head_noted(
    is_changed: bool, committing_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("marketplace.jobs.audit.log", log)
    with make_sessions(committing_engine).begin() as session:
        Factory(session, now=NOW).organisation()
    with make_sessions(committing_engine).begin() as session:
        if is_changed:
            session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER append_only"))
            session.execute(text("UPDATE audit_entry SET subject_id = subject_id + 1"))
        enqueue(session, Task.PROVE_LOG, timestamp=0)
    run_worker(test_settings(committing_engine.url), wait=False, handle_signals=False)
    (said,) = log.calls
    if is_changed:
        assert (said.args, said.kwargs["fault"], said.kwargs["entry_id"]) == (("audit_log_broken",), "changed", 1)
    else:
        assert said.args == ("audit_log_holds",)
        assert said.kwargs["head"].startswith(f"{said.kwargs['entries']}:")
