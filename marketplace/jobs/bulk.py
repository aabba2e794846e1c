"""Checking and applying the rows of files, a chunk a transaction and some seconds at a time.

After `SLICE_S` a job queues the rest of its work behind what waits already: files of several people are worked on in
turns, and a long one holds up nothing else. All imports share a lock, so that one slot of the worker is always free.
"""

from collections.abc import Callable
from time import monotonic

import structlog
from procrastinate import JobContext, RetryStrategy
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.jobs.app import app, job_session
from marketplace.queue import Task
from marketplace.services import bulk

SLICE_S = 15.0
"""The worker looks for what waited for a lock every five seconds, so shorter ones would be spent on waiting."""
ATTEMPTS = 3
"""A database that restarts is back by then; whatever else fails so often would fail for ever."""

log = structlog.get_logger("masseflyt.jobs")

RETRY = RetryStrategy(max_attempts=ATTEMPTS, exponential_wait=5)


@app.task(name=Task.CHECK_IMPORT, retry=RETRY, pass_context=True)
def check_import(context: JobContext, *, batch_id: int) -> None:
    _work(
        context,
        lambda session: bulk.check_chunk(session, batch_id=batch_id, now=clock.now()),
        rest=lambda session: bulk.go_on(session, Task.CHECK_IMPORT, batch_id=batch_id),
        batch_id=batch_id,
    )


@app.task(name=Task.APPLY_IMPORT, retry=RETRY, pass_context=True)
def apply_import(context: JobContext, *, batch_id: int, user_id: int) -> None:
    _work(
        context,
        lambda session: bulk.apply_chunk(session, batch_id=batch_id, user_id=user_id, now=clock.now()),
        rest=lambda session: bulk.go_on(session, Task.APPLY_IMPORT, batch_id=batch_id, user_id=user_id),
        batch_id=batch_id,
        user_id=user_id,
    )


def _work(
    context: JobContext,
    do_chunk: Callable[[Session], bool],
    *,
    rest: Callable[[Session], None],
    batch_id: int,
    user_id: int | None = None,
) -> None:
    until = monotonic() + SLICE_S
    try:
        has_more = True
        while has_more:
            with job_session(context, user_id=user_id) as session:
                has_more = do_chunk(session)
                if has_more and monotonic() >= until:
                    rest(session)
                    return
    except Exception:
        if context.job.attempts + 1 >= ATTEMPTS:
            with job_session(context) as session:
                bulk.break_off(session, batch_id=batch_id)
        raise
    log.info("import_worked_on", batch_id=batch_id)
