"""Reading the outbox."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from marketplace.models import OutboxMail

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxPage:
    """Mails, newest first. `newer_than` and `older_than` are the keys of the pages beside it, None at the ends."""

    mails: list[OutboxMail]
    newer_than: int | None
    older_than: int | None


def outbox_page(
    session: Session, *, older_than: int | None = None, newer_than: int | None = None, size: int = PAGE_SIZE
) -> OutboxPage:
    """The page of mails before or after a mail's id; the newest page where neither is given."""
    query = select(OutboxMail).options(defer(OutboxMail.body_text)).limit(size + 1)
    if newer_than is not None:
        query = query.where(OutboxMail.id > newer_than).order_by(OutboxMail.id)
    else:
        query = query.order_by(OutboxMail.id.desc())
        if older_than is not None:
            query = query.where(OutboxMail.id < older_than)
    found = list(session.scalars(query))
    has_more = len(found) > size
    mails = found[:size]
    if newer_than is not None:
        mails.reverse()
        has_newer, has_older = has_more, True
    else:
        has_newer, has_older = older_than is not None, has_more
    return OutboxPage(
        mails=mails,
        newer_than=mails[0].id if mails and has_newer else None,
        older_than=mails[-1].id if mails and has_older else None,
    )


def mail_by_id(session: Session, *, mail_id: int) -> OutboxMail | None:
    return session.get(OutboxMail, mail_id)
