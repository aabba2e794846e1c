"""The worker's Procrastinate App, and what a running task is handed.

A task is thin: it opens the job's session, calls one service, and the session commits once when the service returned.

    @app.periodic(cron="10 * * * *")
    @app.task(name=Task.EXPIRE_LISTINGS, queueing_lock=Task.EXPIRE_LISTINGS, pass_context=True)
    def expire(context: JobContext, timestamp: int) -> None:
        with job_session(context) as session:
            expire_listings(session, now=clock.now())

A task may run twice (a worker was killed before it could say that it was done), so every service behind one is safe to
call again. A periodic task that was due while no worker ran is made up for only within ten minutes, so what must happen
every day is scheduled every hour and asks the database what is left to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import procrastinate
import structlog
from procrastinate import JobContext
from sqlalchemy.orm import Session, sessionmaker

from marketplace.acting import Acting, act_as
from marketplace.config import Settings
from marketplace.services.mail import Renderer, Transport
from marketplace.storage import Storage

TASK_MODULES = (
    "marketplace.jobs.mail",
    "marketplace.jobs.listings",
    "marketplace.jobs.facilities",
    "marketplace.jobs.deals",
    "marketplace.jobs.deal_chasing",
    "marketplace.jobs.bulk",
    "marketplace.jobs.housekeeping",
    "marketplace.jobs.audit",
    "marketplace.jobs.documents",
    "marketplace.jobs.alerts",
    "marketplace.jobs.notices",
)

RUNTIME = "runtime"

# The worker replaces this connector by one on its own settings' database.
app = procrastinate.App(connector=procrastinate.PsycopgConnector(), import_paths=TASK_MODULES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What the tasks of one worker share."""

    settings: Settings
    sessions: sessionmaker[Session]
    render: Renderer
    transport: Transport
    storage: Storage


def runtime_of(context: JobContext) -> Runtime:
    runtime = context.additional_context[RUNTIME]
    assert isinstance(runtime, Runtime)
    return runtime


@contextmanager
def job_session(context: JobContext, *, user_id: int | None = None) -> Iterator[Session]:
    """The job's session; commits when the block ends, rolls back when it raises.

    `user_id` is whose work it does, where somebody asked for it: the audit log names them.
    """
    with (
        structlog.contextvars.bound_contextvars(job_id=context.job.id, task=context.job.task_name),
        runtime_of(context).sessions.begin() as session,
    ):
        act_as(session, Acting(label=f"job:{context.job.task_name}", user_id=user_id))
        yield session
