"""Every mail the program wants sent, whether or not a server takes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.models.base import Base
from marketplace.types import CreatedAt, Id, LongText, Moment, ShortText

type MailContext = Mapping[str, str | int | Sequence[MailContext]]


class OutboxMail(Base):
    """A mail: its template and context when it is asked for, its subject and body once the job has rendered it.

    `sent_at` is when the mail server took it, or the local outbox where no server is set. `unsubscribe_path` is where
    one request stops mails of this sort (RFC 8058), None for a mail that answers something its recipient did.
    """

    __tablename__ = "outbox_mail"
    __table_args__ = (
        Index("ix_outbox_mail_recipient", "recipient", "id"),
        Index("ix_outbox_mail_unsent", "id", postgresql_where=text("sent_at IS NULL")),
    )

    id: Mapped[Id]
    recipient: Mapped[str] = mapped_column(String(320))
    template: Mapped[ShortText]
    locale: Mapped[str] = mapped_column(String(5))
    context: Mapped[dict[str, Any]] = mapped_column(JSONB)
    subject: Mapped[LongText | None]
    body_text: Mapped[LongText | None]
    created_at: Mapped[CreatedAt]
    sent_at: Mapped[Moment | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[LongText | None]
    unsubscribe_path: Mapped[LongText | None]
