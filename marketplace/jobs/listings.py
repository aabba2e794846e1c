"""Ending listings with their period, and saying so a week before.

Hourly, since a period ends at midnight in Norway and a worker may have been down; both ask what is left to do.
"""

import structlog
from procrastinate import JobContext

from marketplace import clock
from marketplace.jobs.app import app, job_session
from marketplace.queue import Task
from marketplace.services import expiry

log = structlog.get_logger("masseflyt.jobs")


@app.periodic(cron="5 * * * *")
@app.task(name=Task.EXPIRE_LISTINGS, queueing_lock=Task.EXPIRE_LISTINGS, pass_context=True)
def expire_listings(context: JobContext, timestamp: int) -> None:
    del timestamp
    with job_session(context) as session:
        log.info("listings_expired", count=expiry.expire_listings(session, now=clock.now()))


@app.periodic(cron="15 7-18 * * *")  # UTC: mail comes by day
@app.task(name=Task.REMIND_OF_EXPIRY, queueing_lock=Task.REMIND_OF_EXPIRY, pass_context=True)
def remind_of_expiry(context: JobContext, timestamp: int) -> None:
    del timestamp
    with job_session(context) as session:
        log.info("expiry_reminders", count=expiry.remind_of_expiry(session, now=clock.now()))
