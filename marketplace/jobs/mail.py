"""Sending what the outbox holds."""

from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job

from marketplace import clock
from marketplace.jobs.app import app, job_session, runtime_of
from marketplace.queue import Task
from marketplace.services.mail import deliver_mail

WAITS_S = (15, 60, 5 * 60, 15 * 60, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
"""Pauses between the attempts: one that restarts is soon met again, one that is down for a day is not given up."""


class MailNotSent(Exception):
    """The mail server did not take a mail; the reason stands in the outbox. `is_final`: it never will."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        self.is_final = is_final
        super().__init__(reason)


class Backoff(BaseRetryStrategy):
    """Whatever went wrong is tried again, a database that was away too: given up is only what a server has refused."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        is_final = isinstance(exception, MailNotSent) and exception.is_final
        if is_final or job.attempts >= len(WAITS_S):
            return None
        return RetryDecision(retry_in={"seconds": WAITS_S[job.attempts]})


@app.task(name=Task.SEND_MAIL, retry=Backoff(), pass_context=True)
def send_mail(context: JobContext, *, mail_id: int) -> None:
    runtime = runtime_of(context)
    with job_session(context) as session:
        failure = deliver_mail(
            session,
            mail_id=mail_id,
            render=runtime.render,
            transport=runtime.transport,
            sender=runtime.settings.mail_from,
            now=clock.now(),
        )
    if failure is not None:  # raised only now: the attempt has been noted and committed
        raise MailNotSent(failure.reason, is_final=failure.is_final)
