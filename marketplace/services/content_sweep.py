"""Taking away content that no document names: of uploads that never came to a row, and of what was removed."""

from datetime import datetime, timedelta
from itertools import batched

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.queries.documents import wanted_content
from marketplace.storage import Storage

LEFT_ALONE_FOR = timedelta(days=1)
"""Content this fresh may belong to a row that is about to be written."""

KEPT_AFTER_REMOVAL = timedelta(days=30)
"""How long a removal can be regretted."""

SWEEP_LOCK = 0x6D66_646F_6373
"""The advisory lock of the database that uploads share and a sweep has alone."""

MOST_AT_ONCE = 500


def while_not_swept(session: Session) -> None:
    """Keep sweeps out until the transaction ends.

    An upload may put content that lay there already, unnamed and a day old; it must not be taken away between that and
    the commit of the row that names it.
    """
    session.execute(select(func.pg_advisory_xact_lock_shared(SWEEP_LOCK)))


def sweep_content(session: Session, *, storage: Storage, now: datetime) -> int:
    """How many contents were taken away, at most `MOST_AT_ONCE`; the next sweep takes the rest.

    Content stays that a document names, also one removed within `KEPT_AFTER_REMOVAL`, and what a proof of quality ever
    named. What was stored within `LEFT_ALONE_FOR` stays too.
    """
    unnamed: list[str] = []
    for names in batched(storage.stored_before(now - LEFT_ALONE_FOR), 1000):
        unnamed += _unnamed(session, names, now=now)
        if len(unnamed) >= MOST_AT_ONCE:
            break
    if not unnamed:
        return 0
    session.execute(select(func.pg_advisory_xact_lock(SWEEP_LOCK)))
    # Asked again: an upload may have come to name one of them before the lock was had.
    swept = _unnamed(session, unnamed[:MOST_AT_ONCE], now=now)
    storage.delete(swept)
    return len(swept)


def _unnamed(session: Session, names: list[str] | tuple[str, ...], *, now: datetime) -> list[str]:
    hashes = {_hash_in(name) for name in names}
    wanted = wanted_content(session, hashes=hashes, removed_since=now - KEPT_AFTER_REMOVAL)
    return [name for name in names if _hash_in(name) not in wanted]


def _hash_in(name: str) -> str:
    return name.partition(".")[0]
