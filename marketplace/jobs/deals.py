"""Ending offers that nobody has answered in time.

Every quarter of an hour: who looks at a deal is told at once that its offer has run out, with or without this.
"""

import structlog
from procrastinate import JobContext

from marketplace import clock
from marketplace.jobs.app import app, job_session
from marketplace.queue import Task
from marketplace.services import deals

log = structlog.get_logger("masseflyt.jobs")


@app.periodic(cron="*/15 * * * *")
@app.task(name=Task.EXPIRE_OFFERS, queueing_lock=Task.EXPIRE_OFFERS, pass_context=True)
def expire_offers(context: JobContext, timestamp: int) -> None:
    del timestamp
    with job_session(context) as session:
        log.info("offers_expired", count=deals.expire_offers(session, now=clock.now()))
