"""What keeps the database tidy, and takes up what a killed worker left behind."""

import structlog
from procrastinate import JobContext

from marketplace import clock, routing
from marketplace.jobs.app import app, job_session
from marketplace.queue import Task
from marketplace.services.alerts import forget_closed
from marketplace.services.enquiries import forget_enquiries
from marketplace.services.mail import queue_lost_mails
from marketplace.services.routes import forget_legs
from marketplace.services.throttle import forget_old

STALLED_AFTER_S = 120.0

log = structlog.get_logger("masseflyt.jobs")


@app.periodic(cron="40 * * * *")
@app.task(name=Task.TIDY, queueing_lock=Task.TIDY, pass_context=True)
def tidy(context: JobContext, timestamp: int) -> None:
    del timestamp
    with job_session(context) as session:
        forget_old(session, now=clock.now())
        forget_enquiries(session, now=clock.now())
        forget_closed(session, now=clock.now())
        # What is named counts, also where this process cannot open it: the others may.
        forget_legs(session, version=routing.named_version(), now=clock.now())
    with job_session(context) as session:
        lost = queue_lost_mails(session, now=clock.now())
    if lost:
        log.warning("lost_mails_queued", mails=lost)


@app.periodic(cron="*/5 * * * *")
@app.task(name=Task.RETRY_STALLED, queueing_lock=Task.RETRY_STALLED, pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Start again what was under way in a worker that has not been heard of for two minutes."""
    del timestamp
    jobs = context.app.job_manager
    for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        log.warning("job_stalled", job_id=job.id, task=job.task_name)
        await jobs.retry_job(job)
