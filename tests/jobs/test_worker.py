"""The worker on a database of its own: what is queued is done, once, and what a killed worker left is taken up."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.config import Settings
from marketplace.db import make_engine, make_sessions
from marketplace.jobs import run_worker
from marketplace.jobs.app import app
from marketplace.jobs.worker import connection_string
from marketplace.migrate import upgrade
from marketplace.models import OutboxMail
from marketplace.queue import Task, enqueue
from marketplace.services.mail import send_mail
from tests.conftest import fresh_database, test_settings


@pytest.fixture(scope="module")
def own_settings(database_server: URL) -> Iterator[Settings]:
    """On a database apart, where transactions are committed: a worker sees nothing else."""
    with fresh_database(database_server) as url:
        yield test_settings(url)


@pytest.fixture(scope="module")
def own_engine(own_settings: Settings) -> Iterator[Engine]:
    made = make_engine(own_settings)
    upgrade(made)
    yield made
    made.dispose()


def ask_for_mail(session: Session) -> int:
    context: dict[str, str | int] = {"name": "Kari", "token": "t"}
    return send_mail(session, to="kari@bygg.example", template="confirm_address", locale="nb", context=context).id


def queued(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        query = text("SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id")
        return [(name, status) for name, status in connection.execute(query) if not name.startswith("builtin:")]


def test_the_registered_tasks_are_those_that_services_may_queue() -> None:
    app.perform_import_paths()
    own = {name for name in app.tasks if not name.startswith(("builtin:", "procrastinate."))}
    assert own == {task.value for task in Task}


def test_periodic_tasks_do_not_pile_up() -> None:
    """While one waits in the queue, the next is not added to it."""
    app.perform_import_paths()
    periodic = {name for name, _ in app.periodic_registry.periodic_tasks}
    assert {Task.EXPIRE_LISTINGS, Task.REMIND_OF_EXPIRY, Task.TIDY, Task.RETRY_STALLED} <= periodic
    assert [name for name in periodic if app.tasks[name].queueing_lock is None] == []


def test_a_job_is_queued_only_if_its_cause_is_committed(own_engine: Engine) -> None:
    with make_sessions(own_engine)() as session:
        ask_for_mail(session)
        session.rollback()
    assert queued(own_engine) == []


def test_the_worker_sends_what_is_queued_and_clears_the_queue(own_settings: Settings, own_engine: Engine) -> None:
    with make_sessions(own_engine).begin() as session:
        mail_id = ask_for_mail(session)
    run_worker(own_settings, wait=False)
    with make_sessions(own_engine)() as session:
        mail = session.get_one(OutboxMail, mail_id)
        assert mail.sent_at is not None
        assert mail.attempts == 1
        assert "/signup/confirm?token=t" in (mail.body_text or "")
    assert Task.SEND_MAIL not in {name for name, _ in queued(own_engine)}


def test_a_mail_that_was_not_taken_waits_in_the_queue(own_settings: Settings, own_engine: Engine) -> None:
    unreachable = test_settings(own_engine.url, smtp_url="smtp://127.0.0.1:1")
    with make_sessions(own_engine).begin() as session:
        mail_id = ask_for_mail(session)
    run_worker(unreachable, wait=False)
    with make_sessions(own_engine)() as session:
        mail = session.get_one(OutboxMail, mail_id)
        assert mail.sent_at is None
        assert mail.attempts == 1
        assert "ConnectionRefusedError" in (mail.last_error or "")
    assert (Task.SEND_MAIL, "todo") in queued(own_engine)
    with own_engine.begin() as connection:
        waits = text("SELECT scheduled_at > now() FROM procrastinate_jobs WHERE task_name = 'send_mail'")
        assert connection.scalars(waits).all() == [True]
        connection.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE task_name = 'send_mail'"))
    run_worker(own_settings, wait=False)
    with make_sessions(own_engine)() as session:
        assert session.get_one(OutboxMail, mail_id).attempts == 2


def test_a_mail_waits_while_the_database_fails_and_its_lost_job_is_made_anew(
    own_settings: Settings, own_engine: Engine
) -> None:
    with make_sessions(own_engine).begin() as session:
        mail_id = ask_for_mail(session)
    with own_engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox_mail RENAME TO away"))
    run_worker(own_settings, wait=False)
    with own_engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO outbox_mail"))
    assert (Task.SEND_MAIL, "todo") in queued(own_engine)
    with make_sessions(own_engine).begin() as session:
        session.execute(text("DELETE FROM procrastinate_jobs WHERE task_name = 'send_mail'"))
        enqueue(session, Task.TIDY, timestamp=int(clock.now().timestamp()))
    run_worker(own_settings, wait=False)
    run_worker(own_settings, wait=False)  # the first may have ended before the mail was back in the queue
    with make_sessions(own_engine)() as session:
        assert session.get_one(OutboxMail, mail_id).sent_at is not None


def test_what_a_killed_worker_had_under_way_is_done(own_settings: Settings, own_engine: Engine) -> None:
    with make_sessions(own_engine).begin() as session:
        mail_id = ask_for_mail(session)
    with own_engine.begin() as connection:  # taken by a worker that died, and was struck off the list of workers
        connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'send_mail'"))
    run_worker(own_settings, wait=False)
    with make_sessions(own_engine).begin() as session:
        assert session.get_one(OutboxMail, mail_id).sent_at is None
        enqueue(session, Task.RETRY_STALLED, timestamp=int(clock.now().timestamp()))
    run_worker(own_settings, wait=False)
    run_worker(own_settings, wait=False)  # the first may have ended before what it took up was back in the queue
    with make_sessions(own_engine)() as session:
        assert session.get_one(OutboxMail, mail_id).sent_at is not None


def test_old_attempts_are_forgotten(own_settings: Settings, own_engine: Engine) -> None:
    with make_sessions(own_engine).begin() as session:
        session.execute(
            text("INSERT INTO throttle (key, window_started_at, hits) VALUES ('old', now() - interval '3 days', 1)")
        )
        session.execute(text("INSERT INTO throttle (key, window_started_at, hits) VALUES ('new', now(), 1)"))
        enqueue(session, Task.TIDY, timestamp=int(clock.now().timestamp()))
    run_worker(own_settings, wait=False)
    with make_sessions(own_engine)() as session:
        assert session.scalars(text("SELECT key FROM throttle")).all() == ["new"]


def test_the_worker_reaches_the_same_database_as_the_web(own_settings: Settings, own_engine: Engine) -> None:
    assert connection_string(own_settings).startswith("postgresql://")
    assert (own_engine.url.database or "") in connection_string(own_settings)
    with make_sessions(own_engine)() as session:
        assert session.scalars(select(OutboxMail.id)).first() is not None
