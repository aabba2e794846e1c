"""Taking away stored content that no document names any more."""

import structlog
from procrastinate import JobContext

from marketplace import clock
from marketplace.jobs.app import app, job_session, runtime_of
from marketplace.queue import Task
from marketplace.services.content_sweep import sweep_content

log = structlog.get_logger("masseflyt.jobs")


@app.periodic(cron="25 2 * * *")  # nightly: a missed night only leaves it to the next
@app.task(name=Task.SWEEP_CONTENT, queueing_lock=Task.SWEEP_CONTENT, pass_context=True)
def sweep(context: JobContext, timestamp: int) -> None:
    del timestamp
    storage = runtime_of(context).storage
    with job_session(context) as session:
        log.info("content_swept", count=sweep_content(session, storage=storage, now=clock.now()))
