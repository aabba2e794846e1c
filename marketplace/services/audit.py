"""Proving the audit log, and the two cases where it is set aside: generated rows, and a demo that starts anew.

The chain is recomputed here from the rows, with none of the database's functions that made it. Whoever owns the
database can rewrite all of it; that shows where a head was noted down elsewhere before, and is not in the chain now.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum, auto
from typing import Any, Final

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from marketplace.models import AuditEntry, AuditReader, AuditSeal

BEFORE_THE_FIRST: Final = bytes(32)
"""What stands for the hash before the first one."""

BATCH: Final = 2_000
WRITTEN_HEAD: Final = re.compile(r"([1-9][0-9]{0,18}):([0-9a-f]{64})")
LOG_TABLES: Final = (AuditEntry.__tablename__, AuditReader.__tablename__, AuditSeal.__tablename__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last seal of a chain as somebody noted it: `17:3f…`."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


class FaultKind(StrEnum):
    CHANGED = auto()
    """The entry is not the one that was sealed."""
    DELETED = auto()
    """The entry that was sealed is gone."""
    SEAL_DELETED = auto()
    """A number of the chain is missing."""
    REORDERED = auto()
    """The seal does not follow on the one before it."""
    UNSEALED = auto()
    """The entry came round the chain."""
    MISDIRECTED = auto()
    """The entry is kept from an organisation that may read it, or shown to one that may not."""
    CUT_OFF = auto()
    """The head that was noted down is not in the chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    kind: FaultKind
    seq: int | None = None
    entry_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What came of reading the whole log: `first` is the first fault in the order of the chain, None where it holds."""

    seals: int
    head: Head | None
    faults: int
    first: Fault | None


def head_from_text(written: str) -> Head | None:
    """The head that `str(head)` wrote; None for anything else."""
    found = WRITTEN_HEAD.fullmatch(written.strip().lower())
    return Head(seq=int(found[1]), hash=bytes.fromhex(found[2])) if found else None


def prove_log(session: Session, *, noted: Head | None = None) -> Proof:
    """Recompute the chain from its first entry on, and look for what stands outside it.

    `noted` is a head that was noted down before: it must still be in the chain.
    """
    session.execute(text("SET LOCAL statement_timeout = 0"))
    seals, head, count, first = 0, None, 0, None
    for fault, seal in _walk(session):
        if seal is not None:
            seals, head = seals + 1, Head(seq=seal.seq, hash=seal.hash)
        if fault is not None:
            count, first = count + 1, first or fault
    for fault in (*_outside(session), *_missing_head(session, noted)):
        count, first = count + 1, first or fault
    return Proof(seals=seals, head=head, faults=count, first=first)


def head_of_log(session: Session) -> Head | None:
    last = session.execute(select(AuditSeal.seq, AuditSeal.hash).order_by(AuditSeal.seq.desc()).limit(1)).first()
    return Head(seq=last.seq, hash=last.hash) if last else None


def canonical(row: Row[Any]) -> str:
    """The text of an entry that is hashed: a JSON array, with `before` and `after` as PostgreSQL writes them."""
    moment: datetime = row.at
    parts = (
        row.id,
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        row.actor_user_id,
        row.actor_label,
        row.request_id,
        row.organisation_ids,
        row.subject_type,
        row.subject_id,
        row.table_name,
        row.row_id,
        row.action,
    )
    values = [json.dumps(part, ensure_ascii=False) for part in parts]
    return f"[{', '.join([*values, row.before or 'null', row.after or 'null'])}]"


# Walking the chain ------------------------------------------------------------------------------------------------

SEALED = text(
    "SELECT s.seq, s.entry_id, s.previous_hash, s.hash, e.id, e.at, e.actor_user_id, e.actor_label, e.request_id,"
    " e.organisation_ids, e.subject_type, e.subject_id, e.table_name, e.row_id, e.action, e.before::text AS before,"
    " e.after::text AS after"
    " FROM audit_seal s LEFT JOIN audit_entry e ON e.id = s.entry_id WHERE s.seq > :seq ORDER BY s.seq LIMIT :size"
)


def _walk(session: Session) -> Iterator[tuple[Fault | None, Row[Any]]]:
    """Each seal, and what is wrong with it."""
    seq, previous = 0, BEFORE_THE_FIRST
    while rows := session.execute(SEALED, {"seq": seq, "size": BATCH}).all():
        for row in rows:
            yield _fault_of(row, seq=seq, previous=previous), row
            seq, previous = row.seq, row.hash


def _fault_of(row: Row[Any], *, seq: int, previous: bytes) -> Fault | None:
    if row.seq != seq + 1:
        return Fault(kind=FaultKind.SEAL_DELETED, seq=seq + 1)
    if row.previous_hash != previous:
        return Fault(kind=FaultKind.REORDERED, seq=row.seq, entry_id=row.entry_id)
    if row.id is None:
        return Fault(kind=FaultKind.DELETED, seq=row.seq, entry_id=row.entry_id)
    if hashlib.sha256(previous + canonical(row).encode()).digest() != row.hash:
        return Fault(kind=FaultKind.CHANGED, seq=row.seq, entry_id=row.entry_id)
    return None


UNSEALED = text(
    "SELECT e.id FROM audit_entry e WHERE NOT EXISTS (SELECT FROM audit_seal s WHERE s.entry_id = e.id) ORDER BY e.id"
)
MISDIRECTED = text(
    "WITH meant AS (SELECT id AS entry_id, unnest(organisation_ids) AS organisation_id FROM audit_entry)"
    " SELECT coalesce(m.entry_id, r.entry_id) FROM meant m"
    " FULL JOIN audit_reader r ON r.entry_id = m.entry_id AND r.organisation_id = m.organisation_id"
    " WHERE m.entry_id IS NULL OR r.entry_id IS NULL ORDER BY 1"
)


def _outside(session: Session) -> Iterator[Fault]:
    for kind, question in ((FaultKind.UNSEALED, UNSEALED), (FaultKind.MISDIRECTED, MISDIRECTED)):
        for entry_id in session.scalars(question):
            yield Fault(kind=kind, entry_id=entry_id)


def _missing_head(session: Session, noted: Head | None) -> Iterator[Fault]:
    if noted is None:
        return
    found = session.scalar(select(AuditSeal.hash).where(AuditSeal.seq == noted.seq))
    if found != noted.hash:
        yield Fault(kind=FaultKind.CUT_OFF, seq=noted.seq)


# Setting it aside -------------------------------------------------------------------------------------------------


NOTE = text(
    "INSERT INTO audit_entry (actor_label, organisation_ids, subject_type, table_name, action, after)"
    " SELECT coalesce(nullif(current_setting('masseflyt.actor_label', true), ''), 'system'), '{}', t, t, 'note',"
    " jsonb_build_object('reason', CAST(:reason AS text)) FROM unnest(CAST(:tables AS text[])) AS t"
)


@contextmanager
def unlogged(session: Session, *tables: str, reason: str) -> Iterator[None]:
    """Log nothing of what the block does to `tables`, but that it was not logged, and why.

    For rows that a program generates by the hundred thousand. Everybody else's writes to the tables wait until the
    transaction ends, so that nothing of theirs goes unlogged.
    """
    for table in tables:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER audit"))
    yield
    session.flush()
    for table in tables:
        session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER audit"))
    session.execute(NOTE, {"tables": list(tables), "reason": reason})


def begin_anew(session: Session) -> None:
    """Empty the log. For a demo that was thrown away, whose numbers are given out again to other things."""
    # What this transaction logged waits to be sealed, and a table that something waits for cannot be emptied.
    session.execute(text("SET CONSTRAINTS audit_seal IMMEDIATE"))
    for table in LOG_TABLES:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER append_only"))
    session.execute(text(f"TRUNCATE {', '.join(LOG_TABLES)} RESTART IDENTITY"))
    for table in LOG_TABLES:
        session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER append_only"))
    session.execute(text("SET CONSTRAINTS audit_seal DEFERRED"))
