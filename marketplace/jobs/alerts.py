"""Telling people of what is new: as it comes, and in digests.

What is published is told of by a job that its own transaction queues; the minute's job tells of whatever else has
become new, a changed quantity or a better proof. The digests ask hourly what has fallen due.
"""

from collections.abc import Callable

import structlog
from procrastinate import JobContext, RetryStrategy
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.jobs.app import app, job_session, runtime_of
from marketplace.queue import Task
from marketplace.services import alerts
from marketplace.services.links import LinkSigner

RETRY = RetryStrategy(max_attempts=5, exponential_wait=4)
"""A database that restarts is back by then; after that the next minute's job goes on."""

log = structlog.get_logger("masseflyt.jobs")


@app.periodic(cron="* * * * *")
@app.task(name=Task.TELL_OF_NEWS, queueing_lock=Task.TELL_OF_NEWS, retry=RETRY, pass_context=True)
def tell_of_news(context: JobContext, timestamp: int | None = None) -> None:
    del timestamp
    signer = signer_of(context)
    told = until_nothing_is_left(context, lambda session: alerts.tell_of_news(session, signer=signer, now=clock.now()))
    if told:
        log.info("news_told", listings=told)


@app.periodic(cron="2 * * * *")
@app.task(name=Task.SEND_ALERT_DIGESTS, queueing_lock=Task.SEND_ALERT_DIGESTS, pass_context=True)
def send_alert_digests(context: JobContext, timestamp: int) -> None:
    del timestamp
    signer = signer_of(context)
    mailed = until_nothing_is_left(
        context, lambda session: alerts.send_digests(session, signer=signer, now=clock.now())
    )
    log.info("alert_digests_sent", people=mailed)


def signer_of(context: JobContext) -> LinkSigner:
    return LinkSigner(runtime_of(context).settings.secret_key.get_secret_value())


def until_nothing_is_left(context: JobContext, do_some: Callable[[Session], int]) -> int:
    """Do some at a time, each in a transaction of its own, and count what was done."""
    total = 0
    done = -1
    while done:
        with job_session(context) as session:
            done = do_some(session)
        total += done
    return total
