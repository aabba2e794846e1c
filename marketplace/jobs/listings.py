"""Ending listings with their period, saying so a week before, and asking now and then whether they still stand.

Hourly, since a period ends at midnight in Norway and a worker may have been down; both ask what is left to do.
"""

import structlog
from procrastinate import JobContext

from marketplace import clock
from marketplace.jobs.app import app, job_session, runtime_of
from marketplace.queue import Task
from marketplace.services import expiry, freshness
from marketplace.services.links import LinkSigner

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


@app.periodic(cron="35 7-15 * * 1-5")  # UTC: on workdays, when somebody can go and look
@app.task(name=Task.ASK_WHETHER_LISTINGS_STAND, queueing_lock=Task.ASK_WHETHER_LISTINGS_STAND, pass_context=True)
def ask_whether_listings_stand(context: JobContext, timestamp: int) -> None:
    del timestamp
    signer = LinkSigner(runtime_of(context).settings.secret_key.get_secret_value())
    with job_session(context) as session:
        paused = freshness.pause_unanswered(session, signer=signer, now=clock.now())
        asked = freshness.ask_whether_listings_stand(session, signer=signer, now=clock.now())
        log.info("listings_asked_about", asked=asked, paused=paused)
