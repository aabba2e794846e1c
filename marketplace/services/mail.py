"""Mail: asked for in the caller's transaction, rendered and sent by a job."""

import smtplib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote, urlsplit

from sqlalchemy import BigInteger, ColumnElement, Text, cast, column, exists, func, or_, select, table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from marketplace.models import OutboxMail
from marketplace.models.mail import MailContext
from marketplace.queue import Task, enqueue_each

SMTP_TIMEOUT_S = 20.0
POLICY = SMTP.clone(max_line_length=998)
"""As long as a line may be (RFC 5322, 2.1.1): an address in a header must not be folded, nor encoded to fit."""
SECRET = "token"  # noqa: S105 - the name of a context key, not a secret
"""The context key of what only the recipient may hold."""
BLACKED_OUT = "[…]"
QUEUED_AGAIN_FOR = timedelta(days=7)
"""After that a mail is of no use any more."""
QUEUE_LOCK = 7_305_114_209
"""The advisory lock that those who look for lost mails take in turn, so that two of them do not queue one twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMail:
    """`unsubscribe_url` is where one request stops mails of this sort; "" for a mail that has no such place."""

    subject: str
    body_text: str
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFailure:
    """Why a mail was not taken; `is_final` where asking again would get the same answer."""

    reason: str
    is_final: bool


Renderer = Callable[[OutboxMail], RenderedMail]
"""The edge hands in the one that knows the templates and the languages."""


class Transport(Protocol):
    leaves_the_house: bool
    """Whether the recipient gets a copy of their own, so that links need not stay readable here."""

    def send(self, message: EmailMessage) -> None: ...


class LocalOutbox:
    """Delivers to nowhere: the mail stays readable on the outbox page."""

    leaves_the_house = False

    def send(self, message: EmailMessage) -> None:
        del message


class SmtpServer:
    """An SMTP server given as `smtp://user:password@host:587` (STARTTLS where offered) or `smtps://host:465`."""

    leaves_the_house = True

    def __init__(self, url: str) -> None:
        self.parts = urlsplit(url)

    def send(self, message: EmailMessage) -> None:
        secure = self.parts.scheme == "smtps"
        host = self.parts.hostname or "localhost"
        connect = smtplib.SMTP_SSL if secure else smtplib.SMTP
        with connect(host, self.parts.port or (465 if secure else 587), timeout=SMTP_TIMEOUT_S) as server:
            server.ehlo()
            if not secure and server.has_extn("starttls"):
                server.starttls()
            if self.parts.username:
                server.login(unquote(self.parts.username), unquote(self.parts.password or ""))
            server.send_message(message)


def send_mail(
    session: Session,
    *,
    to: str,
    template: str,
    locale: str,
    context: MailContext,
    unsubscribe_path: str | None = None,
) -> OutboxMail:
    """Keep the mail and queue its sending, both only if the caller's transaction commits.

    `template` names `templates/email/<template>.txt`; `context` is what it needs: ids and scalars, and rows of them.
    What only the recipient may hold goes under the key `token`, which is forgotten as soon as a mail server has taken
    the mail. `unsubscribe_path` is where a POST without log-in stops mails of this sort (RFC 8058).
    """
    mail = OutboxMail(
        recipient=to, template=template, locale=locale, context=dict(context), unsubscribe_path=unsubscribe_path
    )
    send_mails(session, (mail,))
    return mail


def send_mails(session: Session, mails: Sequence[OutboxMail]) -> None:
    """As `send_mail`, of many at once."""
    session.add_all(mails)
    session.flush()
    enqueue_each(session, Task.SEND_MAIL, [{"mail_id": mail.id} for mail in mails])


def queue_lost_mails(session: Session, *, now: datetime) -> int:
    """Queue the mails that were never sent and that no job will send any more; returns how many.

    One that a mail server has answered, and whose job has failed, was given up for good.
    """
    session.execute(select(func.pg_advisory_xact_lock(QUEUE_LOCK)))
    lost = session.scalars(
        select(OutboxMail.id)
        .where(OutboxMail.sent_at.is_(None), OutboxMail.created_at > now - QUEUED_AGAIN_FOR)
        .where(~_has_job("todo", "doing"), or_(OutboxMail.last_error.is_(None), ~_has_job("failed")))
        .order_by(OutboxMail.id)
    ).all()
    enqueue_each(session, Task.SEND_MAIL, [{"mail_id": mail_id} for mail_id in lost])
    return len(lost)


def _has_job(*statuses: str) -> ColumnElement[bool]:
    """Whether a job that is to send the mail stands in the queue (Procrastinate's own table) with such a status."""
    job = table("procrastinate_jobs", column("task_name"), column("args", JSONB), column("status"))
    mail_id = cast(job.c.args["mail_id"].astext, BigInteger)
    return exists().where(
        job.c.task_name == Task.SEND_MAIL.value, mail_id == OutboxMail.id, cast(job.c.status, Text).in_(statuses)
    )


def deliver_mail(
    session: Session, *, mail_id: int, render: Renderer, transport: Transport, sender: str, now: datetime
) -> DeliveryFailure | None:
    """Hand one kept mail to the transport and note how it went; a mail that was sent is not sent again."""
    mail = session.get(OutboxMail, mail_id, with_for_update=True)  # two workers must not both send it
    if mail is None or mail.sent_at is not None:
        return None
    rendered = render(mail)
    mail.subject, mail.body_text = rendered.subject, rendered.body_text
    mail.attempts += 1
    try:
        transport.send(_message(mail, rendered, sender=sender))
    except OSError as error:  # every smtplib error is one
        mail.last_error = f"{type(error).__name__}: {error}"
        session.flush()
        return DeliveryFailure(reason=mail.last_error, is_final=_is_final(error))
    mail.sent_at, mail.last_error = now, None
    if transport.leaves_the_house:
        _forget_secret(mail)
    session.flush()
    return None


def _message(mail: OutboxMail, rendered: RenderedMail, *, sender: str) -> EmailMessage:
    message = EmailMessage(policy=POLICY)
    message["From"], message["To"], message["Subject"] = sender, mail.recipient, rendered.subject
    message["Date"] = mail.created_at
    message["Message-ID"] = f"<masseflyt-{mail.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    if rendered.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{rendered.unsubscribe_url}>"
        if rendered.unsubscribe_url.startswith("https://"):  # RFC 8058, 3.1: one click only over HTTPS
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(rendered.body_text)
    return message


def _is_final(error: OSError) -> bool:
    """Whether the server said no for good (5xx), not merely not now."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= HTTPStatus.INTERNAL_SERVER_ERROR for code, _reason in error.recipients.values())
    # A refused log-in or sender is a fault of our settings, which somebody may put right before the next attempt.
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= HTTPStatus.INTERNAL_SERVER_ERROR


def _forget_secret(mail: OutboxMail) -> None:
    """A link that opens an account is nobody's business but the recipient's, not even an administrator's."""
    secret = mail.context.get(SECRET)
    if secret is None:
        return
    mail.context = {name: value for name, value in mail.context.items() if name != SECRET}
    mail.body_text = (mail.body_text or "").replace(str(secret), BLACKED_OUT)
    mail.unsubscribe_path = None  # the same secret
