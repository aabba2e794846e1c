"""Looking after what facilities take in: periods without an end move on, and what is over ends.

Hourly, as for all listings; it asks what is left to do.
"""

import structlog
from procrastinate import JobContext

from marketplace import clock
from marketplace.jobs.app import app, job_session
from marketplace.queue import Task
from marketplace.services import receptions

log = structlog.get_logger("masseflyt.jobs")


@app.periodic(cron="25 * * * *")
@app.task(name=Task.KEEP_RECEPTIONS, queueing_lock=Task.KEEP_RECEPTIONS, pass_context=True)
def keep_receptions(context: JobContext, timestamp: int) -> None:
    del timestamp
    with job_session(context) as session:
        log.info("receptions_kept", facilities=receptions.keep_receptions(session, now=clock.now()))
