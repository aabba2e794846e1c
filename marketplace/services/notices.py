"""The daily mail of what befell one's deals, how people want to be mailed, and what they have seen.

A daily mail is written together with the row that says whom it was sent on which day and with the marks on the notices
it tells of, all in one transaction: after a crash either all of it is there or nothing, and a second run finds nothing
to do. It never waits for a lock, so it stands in nobody's way: a person whose notices are being written at this moment
gets their mail an hour later.
"""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.clock import OSLO, local_date
from marketplace.models import Notice, NoticeDigest, User
from marketplace.queries.notices import Told, unmailed
from marketplace.services.deal_events import material_in, set_read
from marketplace.services.mail import send_mail
from marketplace.types import NoticePace

FROM: Final = time(7, 0)
"""When the day's mail is written, in Oslo."""
AT_ONCE: Final = 100
"""People mailed in one transaction."""
MOST_LINES: Final = 40


def send_daily_mails(session: Session, *, now: datetime, after: int = 0) -> int | None:
    """Write the day's mail to the next people who have something to be told, in the order of their ids.

    Returns the id of the last one looked at, to go on `after`; None where there is nobody more.
    """
    if now.astimezone(OSLO).time() < FROM:
        return None
    today = local_date(now)
    waiting = select(Notice.user_id).where(Notice.mail_id.is_(None), Notice.read_at.is_(None))
    mailed = select(NoticeDigest.user_id).where(NoticeDigest.day == today)
    people = session.scalars(
        select(User)
        .where(User.id > after, User.id.in_(waiting), User.id.not_in(mailed))
        .where(User.deal_notices != NoticePace.NEVER)
        .where(User.email_confirmed_at.is_not(None), User.banned_at.is_(None))
        .order_by(User.id)
        .limit(AT_ONCE)
        .with_for_update(key_share=True, skip_locked=True)  # two workers must not both mail somebody
    ).all()
    for person in people:
        _mail_the_day(session, person, now=now)
    return people[-1].id if len(people) == AT_ONCE else None


def change_pace(session: Session, actor: Actor, *, pace: NoticePace) -> None:
    session.get_one(User, actor.user_id).deal_notices = pace
    session.flush()


def mark_all_read(session: Session, actor: Actor, *, seen_at: datetime, now: datetime) -> None:
    """Keep that a person has seen all that they had been told of by `seen_at`."""
    seen_until = min(seen_at, now)
    unread = select(Notice.id).where(Notice.user_id == actor.user_id, Notice.last_at <= seen_until)
    set_read(session, unread, now=now)


def _mail_the_day(session: Session, person: User, *, now: datetime) -> None:
    today = local_date(now)
    if session.get(NoticeDigest, (person.id, today), populate_existing=True) is not None:
        return  # by another worker, since the people were looked up
    waiting = select(Notice.id).where(Notice.user_id == person.id, Notice.mail_id.is_(None), Notice.read_at.is_(None))
    # Whoever writes one of these at this moment may hold a deal that others wait for: never wait for them.
    held = session.scalars(waiting.order_by(Notice.id).with_for_update(skip_locked=True)).all()
    if not held or len(held) < len(session.scalars(waiting).all()):
        return
    lines = _lines(unmailed(session, notice_ids=held), locale=person.locale)
    mail = send_mail(
        session,
        to=person.email,
        template="deal_daily",
        locale=person.locale,
        context={
            "name": person.name,
            "day": today.isoformat(),
            "lines": lines[:MOST_LINES],
            "more": max(0, len(lines) - MOST_LINES),
        },
    )
    session.execute(insert(NoticeDigest).values(user_id=person.id, day=today, mail_id=mail.id))
    session.execute(update(Notice).where(Notice.id.in_(held)).values(mail_id=mail.id))


def _lines(told: Sequence[Told], *, locale: str) -> list[dict[str, str | int]]:
    """One line for each kind of event of each deal, with how often it happened."""
    times: dict[tuple[object, ...], int] = {}
    first: dict[tuple[object, ...], Told] = {}
    for each in told:
        kind = (each.deal_id, each.enquiry_id, each.event, each.by)
        times[kind] = times.get(kind, 0) + each.times
        first.setdefault(kind, each)
    return [
        {
            "event": each.event.value,
            "by": each.by or "",
            "other": each.other,
            "material": material_in(each.material_key, locale),
            "times": times[kind],
            "path": f"/deals/{each.deal_id}" if each.deal_id is not None else f"/enquiries/{each.enquiry_id}",
        }
        for kind, each in first.items()
    ]
