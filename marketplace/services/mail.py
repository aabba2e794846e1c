"""Mail: asked for in the caller's transaction, rendered and sent by a job."""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import unquote, urlsplit

from sqlalchemy.orm import Session

from marketplace.models import OutboxMail
from marketplace.queue import Task, enqueue

SMTP_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMail:
    subject: str
    body_text: str


Renderer = Callable[[OutboxMail], RenderedMail]
"""The edge hands in the one that knows the templates and the languages."""


class Transport(Protocol):
    def send(self, message: EmailMessage) -> None: ...


class LocalOutbox:
    """Delivers to nowhere: the mail stays readable on the outbox page."""

    def send(self, message: EmailMessage) -> None:
        del message


class SmtpServer:
    """An SMTP server given as `smtp://user:password@host:587` (STARTTLS where offered) or `smtps://host:465`."""

    def __init__(self, url: str) -> None:
        self.parts = urlsplit(url)

    def send(self, message: EmailMessage) -> None:
        secure = self.parts.scheme == "smtps"
        host = self.parts.hostname or "localhost"
        connect = smtplib.SMTP_SSL if secure else smtplib.SMTP
        with connect(host, self.parts.port or (465 if secure else 587), timeout=SMTP_TIMEOUT_S) as server:
            if not secure and server.has_extn("starttls"):
                server.starttls()
            if self.parts.username:
                server.login(unquote(self.parts.username), unquote(self.parts.password or ""))
            server.send_message(message)


def send_mail(session: Session, *, to: str, template: str, locale: str, context: dict[str, str | int]) -> OutboxMail:
    """Keep the mail and queue its sending, both only if the caller's transaction commits.

    `template` names `templates/email/<template>.txt`; `context` is what it needs, ids and scalars only.
    """
    mail = OutboxMail(recipient=to, template=template, locale=locale, context=context)
    session.add(mail)
    session.flush()
    enqueue(session, Task.SEND_MAIL, mail_id=mail.id)
    return mail


def deliver_mail(
    session: Session, *, mail_id: int, render: Renderer, transport: Transport, sender: str, now: datetime
) -> None:
    """Hand one kept mail to the transport; a second call for the same mail does nothing."""
    mail = session.get(OutboxMail, mail_id, with_for_update=True)  # two workers must not both send it
    if mail is None or mail.sent_at is not None:
        return
    rendered = render(mail)
    mail.subject, mail.body_text = rendered.subject, rendered.body_text
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, mail.recipient, rendered.subject
    message["Message-ID"] = f"<masseflyt-{mail.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.body_text)
    mail.attempts += 1
    transport.send(message)
    mail.sent_at = now
    session.flush()
