"""Counting attempts in the database, so that every server process sees the same count."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.errors import TooManyAttempts
from marketplace.models import Throttle

KEPT_FOR = timedelta(days=1)


def hit(session: Session, *, key: str, limit: int, window: timedelta, now: datetime) -> None:
    """Count one attempt under `key` in the current window of fixed length.

    The count only stays when the caller's transaction commits, so a view that refuses must answer, not raise.

    Raises:
        TooManyAttempts: this attempt is over `limit` for the window.
    """
    length_s = int(window.total_seconds())
    started = datetime.fromtimestamp(int(now.timestamp()) // length_s * length_s, tz=UTC)
    count = (
        insert(Throttle)
        .values(key=key, window_started_at=started, hits=1)
        .on_conflict_do_update(
            index_elements=[Throttle.key, Throttle.window_started_at], set_={"hits": Throttle.hits + 1}
        )
        .returning(Throttle.hits)
    )
    if session.execute(count).scalar_one() > limit:
        raise TooManyAttempts(retry_after_s=int((started + window - now).total_seconds()) + 1)


def forget(session: Session, *, key: str) -> None:
    """Drop what is counted under `key`: whoever has shown who they are has nothing to be held back from."""
    session.execute(delete(Throttle).where(Throttle.key == key))


def forget_old(session: Session, *, now: datetime) -> None:
    """Drop windows that can no longer refuse anybody."""
    session.execute(delete(Throttle).where(Throttle.window_started_at < now - KEPT_FOR))
