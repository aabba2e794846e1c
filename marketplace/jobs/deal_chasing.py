"""Speaking of deals that have been left silent.

Every hour of the working day: a worker that was down in the morning makes up for it, and nobody is told twice a day.
"""

import structlog
from procrastinate import JobContext

from marketplace import clock
from marketplace.jobs.app import app, job_session
from marketplace.queue import Task
from marketplace.services.deal_chasing import AT_ONCE, chase_silent_deals

log = structlog.get_logger("masseflyt.jobs")


@app.periodic(cron="20 * * * *")
@app.task(name=Task.CHASE_DEALS, queueing_lock=Task.CHASE_DEALS, pass_context=True)
def chase_deals(context: JobContext, timestamp: int) -> None:
    del timestamp
    count = AT_ONCE
    while count == AT_ONCE:
        with job_session(context) as session:
            count = chase_silent_deals(session, now=clock.now())
        log.info("deals_chased", count=count)
