"""Putting a job in the queue, in the transaction that causes it.

Services know a job by its name only; what it does stands in `marketplace/jobs/`. The job becomes visible to the worker
when the caller's transaction commits, and never if it rolls back.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import procrastinate
from procrastinate.jobs import JobDeferrer
from procrastinate.types import JSONDict
from sqlalchemy.orm import Session

_defer_only = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


class Task(StrEnum):
    """The registered tasks; a test holds this list against the tasks in `marketplace.jobs`."""

    SEND_MAIL = "send_mail"
    EXPIRE_LISTINGS = "expire_listings"
    REMIND_OF_EXPIRY = "remind_of_expiry"
    ASK_WHETHER_LISTINGS_STAND = "ask_whether_listings_stand"
    KEEP_RECEPTIONS = "keep_receptions"
    EXPIRE_OFFERS = "expire_offers"
    CHASE_DEALS = "chase_deals"
    CHECK_IMPORT = "check_import"
    APPLY_IMPORT = "apply_import"
    TIDY = "tidy"
    RETRY_STALLED = "retry_stalled"
    SWEEP_CONTENT = "sweep_content"
    PROVE_LOG = "prove_log"
    TELL_OF_NEWS = "tell_of_news"
    SEND_DAILY_MAILS = "send_daily_mails"
    SEND_ALERT_DIGESTS = "send_alert_digests"


def enqueue(session: Session, task: Task, *, lock: str | None = None, **arguments: int | str) -> int:
    """Queue `task` on the session's own connection; returns the job's id. Arguments are ids and scalars only."""
    return _deferrer(session, task, lock=lock).defer(**arguments)


def enqueue_each(session: Session, task: Task, arguments: Iterable[Mapping[str, int | str]]) -> None:
    """Queue `task` once for each set of arguments, in one statement."""
    each: list[JSONDict] = [dict(one) for one in arguments]
    if each:
        _deferrer(session, task, lock=None).batch_defer(*each)


def _deferrer(session: Session, task: Task, *, lock: str | None) -> JobDeferrer:
    session.flush()  # what the job will read must be in the same transaction
    connection = session.connection().connection.driver_connection
    return _defer_only.configure_task(task.value, allow_unknown=True, connection=connection, lock=lock)
