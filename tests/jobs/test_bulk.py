"""Imports in the worker: checked and applied in slices, taken up again, and broken off where nothing helps."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.jobs import bulk as jobs
from marketplace.jobs import run_worker
from marketplace.models import AuditEntry, ImportBatch, Listing, OutboxMail
from marketplace.services import bulk
from marketplace.services.mail import send_mail
from marketplace.types import ImportStatus, Role
from tests.conftest import NOW, test_settings
from tests.factories import Factory
from tests.services.test_bulk import csv_file, row, stage

ROWS = 10


@pytest.fixture
def sent(committing_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> tuple[Actor, int]:
    """A file of some rows that somebody has just sent, and chunks so small that it takes several."""
    monkeypatch.setattr(bulk, "CHUNK_ROWS", 3)
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        actor = make.actor(make.member(make.organisation(), role=Role.EDITOR))
        batch = stage(session, actor, csv_file([row(Referanse=f"R{n}") for n in range(ROWS)])).batch
        return actor, batch.id


def work(engine: Engine) -> None:
    """A worker that does not wait goes home where the rest of a file waits for its first part; then comes the next."""
    waiting = text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at IS NULL")
    while True:
        run_worker(test_settings(engine.url), wait=False, handle_signals=False)
        with engine.connect() as connection:
            if not connection.scalar(waiting):
                return


def batch_of(session: Session, batch_id: int) -> ImportBatch:
    return session.get_one(ImportBatch, batch_id)


def test_the_worker_checks_and_applies_a_file(committing_engine: Engine, sent: tuple[Actor, int]) -> None:
    actor, batch_id = sent
    sessions = make_sessions(committing_engine)
    work(committing_engine)
    with sessions.begin() as session:
        assert batch_of(session, batch_id).status is ImportStatus.CHECKED
        bulk.request_apply(session, actor, batch_id=batch_id)
    work(committing_engine)
    with sessions() as session:
        assert batch_of(session, batch_id).status is ImportStatus.APPLIED
        assert session.scalar(select(func.count()).select_from(Listing)) == ROWS


def test_what_a_file_changes_is_logged_as_done_by_who_sent_it(
    committing_engine: Engine, sent: tuple[Actor, int]
) -> None:
    actor, batch_id = sent
    work(committing_engine)
    with make_sessions(committing_engine).begin() as session:
        bulk.request_apply(session, actor, batch_id=batch_id)
    work(committing_engine)
    with make_sessions(committing_engine)() as session:
        listings = select(AuditEntry.actor_user_id, AuditEntry.actor_label).where(AuditEntry.table_name == "listing")
        assert set(session.execute(listings).all()) == {(actor.user_id, "job:apply_import")}


def test_a_long_file_lets_others_go_first(
    committing_engine: Engine, sent: tuple[Actor, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each slice the rest waits behind what was queued meanwhile."""
    monkeypatch.setattr(jobs, "SLICE_S", 0.0)
    done: list[str] = []
    check = bulk.check_chunk

    def noting(session: Session, **values: object) -> bool:
        done.append("mail sent" if session.scalar(select(OutboxMail.sent_at)) else "mail waits")
        return check(session, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(bulk, "check_chunk", noting)
    with make_sessions(committing_engine).begin() as session:
        context: dict[str, str | int] = {"name": "Kari", "token": "t"}
        send_mail(session, to="kari@bygg.example", template="confirm_address", locale="nb", context=context)
    work(committing_engine)
    assert len(done) == 4
    assert done[-1] == "mail sent"
    with make_sessions(committing_engine)() as session:
        assert batch_of(session, sent[1]).status is ImportStatus.CHECKED


def test_what_fails_again_and_again_is_broken_off_and_said(
    committing_engine: Engine, sent: tuple[Actor, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, batch_id = sent

    def fail(_session: Session, **_values: object) -> bool:
        raise RuntimeError("a row that nobody thought of")

    monkeypatch.setattr(bulk, "check_chunk", fail)
    for _ in range(jobs.ATTEMPTS):
        work(committing_engine)
        with committing_engine.begin() as connection:  # else the next attempt would be waited for
            connection.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'"))
    with make_sessions(committing_engine).begin() as session:
        batch = batch_of(session, batch_id)
        assert batch.status is ImportStatus.FAILED
        assert bulk.message_of(batch) is not None
        bulk.discard(session, actor, batch_id=batch_id)


@pytest.mark.parametrize("times", [1, 2])
def test_a_job_that_runs_twice_changes_nothing_more(
    committing_engine: Engine, sent: tuple[Actor, int], times: int
) -> None:
    actor, batch_id = sent
    sessions = make_sessions(committing_engine)

    def again(step: Callable[[Session], None]) -> None:
        for _ in range(times):
            with sessions.begin() as session:
                step(session)

    again(lambda session: bulk.go_on(session, bulk.Task.CHECK_IMPORT, batch_id=batch_id))
    work(committing_engine)
    with sessions.begin() as session:
        bulk.request_apply(session, actor, batch_id=batch_id)
    user_id = actor.user_id or 0
    again(lambda session: bulk.go_on(session, bulk.Task.APPLY_IMPORT, batch_id=batch_id, user_id=user_id))
    work(committing_engine)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Listing)) == ROWS
        assert batch_of(session, batch_id).done_count == ROWS
