"""Reading the outbox."""

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from marketplace.models import OutboxMail
from marketplace.queries.paging import Cursor, IdPage, page_by_id


def outbox_page(session: Session, *, cursor: Cursor) -> IdPage[OutboxMail]:
    """Mails without their bodies, newest first."""
    return page_by_id(
        session,
        select(OutboxMail).options(defer(OutboxMail.body_text), defer(OutboxMail.context)),
        key=OutboxMail.id,
        make=lambda row: row.OutboxMail,
        id_of=lambda mail: mail.id,
        cursor=cursor,
    )


def mail_by_id(session: Session, *, mail_id: int) -> OutboxMail | None:
    return session.get(OutboxMail, mail_id)
