"""The daily mail of what befell one's deals.

Every hour: from seven in Oslo it asks who has not had the day's mail, so that one missed by a worker that was down is
made up for. Each hundred people are a transaction of their own.
"""

import structlog
from procrastinate import JobContext

from marketplace import clock
from marketplace.jobs.app import app, job_session
from marketplace.queue import Task
from marketplace.services.notices import send_daily_mails

log = structlog.get_logger("masseflyt.jobs")


@app.periodic(cron="5 * * * *")
@app.task(name=Task.SEND_DAILY_MAILS, queueing_lock=Task.SEND_DAILY_MAILS, pass_context=True)
def send_daily(context: JobContext, timestamp: int) -> None:
    del timestamp
    now = clock.now()
    after: int | None = 0
    while after is not None:
        with job_session(context) as session:
            after = send_daily_mails(session, now=now, after=after)
