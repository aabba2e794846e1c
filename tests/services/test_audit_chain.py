"""The chain of hashes: it holds whatever is committed at once, and shows whatever is done to it afterwards."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from marketplace.db import make_sessions
from marketplace.models import AuditEntry
from marketplace.services.audit import (
    LOG_TABLES,
    FaultKind,
    Proof,
    begin_anew,
    head_from_text,
    head_of_log,
    prove_log,
)
from tests.conftest import NOW
from tests.factories import Factory

WRITERS = 6
TURNS = 3


def write_some(session: Session) -> None:
    """Entries of two listings with hostile characters, sealed as they are when a transaction commits."""
    make = Factory(session, now=NOW)
    for _number in range(2):
        make.listing(description='«Æ"\\\n\u2028 😀', mass_t=1)
    session.execute(text("SET CONSTRAINTS audit_seal IMMEDIATE"))
    session.execute(text("SET CONSTRAINTS audit_seal DEFERRED"))


@pytest.fixture
def written(session: Session) -> Session:
    """A log that holds, whose entries are numbered from 1."""
    begin_anew(session)
    write_some(session)
    return session


def tamper(session: Session, statements: str) -> None:
    """As somebody who may do anything in the database, and has switched off what guards the log."""
    for table in LOG_TABLES:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
    for statement in statements.split("; "):
        session.connection().exec_driver_sql(statement)
    for table in LOG_TABLES:
        session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER ALL"))


def proof_of(engine: Engine) -> Proof:
    with make_sessions(engine)() as session:
        return prove_log(session)


def test_an_empty_log_holds(session: Session) -> None:
    begin_anew(session)
    assert prove_log(session) == Proof(seals=0, head=None, faults=0, first=None)


def test_every_entry_is_sealed_in_turn(written: Session) -> None:
    proof = prove_log(written)
    entries = written.scalar(select(func.count()).select_from(AuditEntry))
    assert (proof.seals, proof.faults) == (entries, 0)
    assert proof.head == head_of_log(written)
    assert proof.head is not None
    assert proof.head.seq == entries


def test_a_transaction_that_is_rolled_back_leaves_no_gap(committing_engine: Engine) -> None:
    before = proof_of(committing_engine).seals
    with make_sessions(committing_engine)() as session:
        for is_kept in (True, False, True):
            Factory(session, now=NOW).organisation()
            session.commit() if is_kept else session.rollback()
    proof = proof_of(committing_engine)
    assert (proof.seals - before, proof.faults) == (2, 0)


def test_transactions_that_commit_at_once_extend_one_chain(committing_engine: Engine) -> None:
    """All have written before any commits, so that none can know of the others' entries but at the end."""
    ready = Barrier(WRITERS)

    def one(_number: int) -> None:
        for _turn in range(TURNS):
            with make_sessions(committing_engine).begin() as session:
                Factory(session, now=NOW).listing()
                ready.wait(timeout=20)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(one, range(WRITERS)))
    proof = proof_of(committing_engine)
    assert proof.faults == 0
    assert proof.seals > WRITERS * TURNS


# Tampering --------------------------------------------------------------------------------------------------------

TAMPERING: dict[str, tuple[str, FaultKind]] = {
    "a value": ("UPDATE audit_entry SET after = after || '{\"mass_t\": 9}' WHERE id = 3", FaultKind.CHANGED),
    "what was before": ("UPDATE audit_entry SET before = '{\"mass_t\": 9}' WHERE id = 3", FaultKind.CHANGED),
    "who": ("UPDATE audit_entry SET actor_user_id = 77 WHERE id = 3", FaultKind.CHANGED),
    "when": ("UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE id = 3", FaultKind.CHANGED),
    "an entry for another": ("UPDATE audit_entry SET id = 1003 WHERE id = 3", FaultKind.DELETED),
    "an entry taken away": ("DELETE FROM audit_entry WHERE id = 3", FaultKind.DELETED),
    "an entry and its seal": (
        "DELETE FROM audit_seal WHERE entry_id = 3; DELETE FROM audit_entry WHERE id = 3",
        FaultKind.SEAL_DELETED,
    ),
    "an entry and its seal, with the gap closed": (
        "DELETE FROM audit_seal WHERE entry_id = 3; DELETE FROM audit_entry WHERE id = 3;"
        " UPDATE audit_seal SET seq = -seq WHERE seq > 3; UPDATE audit_seal SET seq = -seq - 1 WHERE seq < 0",
        FaultKind.REORDERED,
    ),
    "two entries in each other's place": (
        "UPDATE audit_seal SET seq = -3 WHERE seq = 3; UPDATE audit_seal SET seq = 3 WHERE seq = 4;"
        " UPDATE audit_seal SET seq = 4 WHERE seq = -3",
        FaultKind.REORDERED,
    ),
    "an entry put in": (
        "INSERT INTO audit_entry (actor_label, organisation_ids, subject_type, table_name, action)"
        " VALUES ('user', '{}', 'listing', 'listing', 'delete')",
        FaultKind.UNSEALED,
    ),
    "an entry kept from its organisation": (
        "DELETE FROM audit_reader WHERE ctid = (SELECT min(ctid) FROM audit_reader)",
        FaultKind.MISDIRECTED,
    ),
    "an entry shown to another": ("INSERT INTO audit_reader VALUES (4711, 3)", FaultKind.MISDIRECTED),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_shows(what: str, written: Session) -> None:
    statements, kind = TAMPERING[what]
    tamper(written, statements)
    first = prove_log(written).first
    assert first is not None
    assert first.kind is kind


def test_the_first_fault_is_the_one_that_is_named(written: Session) -> None:
    tamper(written, "UPDATE audit_entry SET actor_label = 'user' WHERE id IN (2, 4, 5)")
    proof = prove_log(written)
    assert proof.faults == 3
    assert proof.first is not None
    assert (proof.first.seq, proof.first.entry_id) == (2, 2)


def test_a_log_written_anew_holds_but_for_the_head_that_was_noted(written: Session) -> None:
    """Whoever owns the database can seal a shorter history again; only what was noted elsewhere gives them away."""
    noted = head_of_log(written)
    assert noted is not None
    tamper(
        written,
        "DELETE FROM audit_reader WHERE entry_id > 2; DELETE FROM audit_entry WHERE id > 2;"
        " DELETE FROM audit_seal WHERE seq > 2",
    )
    assert prove_log(written).faults == 0
    first = prove_log(written, noted=noted).first
    assert first is not None
    assert (first.kind, first.seq) == (FaultKind.CUT_OFF, noted.seq)


def test_a_head_that_was_noted_stays_in_the_chain(written: Session) -> None:
    noted = head_of_log(written)
    write_some(written)
    assert prove_log(written, noted=noted).faults == 0


def test_a_head_is_written_and_read_again(written: Session) -> None:
    head = head_of_log(written)
    assert head is not None
    assert head_from_text(f" {head} ") == head


@pytest.mark.parametrize("written_down", ["", "17", "17:abc", "0:" + "0" * 64, "-1:" + "0" * 64, "x:" + "0" * 64])
def test_what_is_no_head_is_not_taken_for_one(written_down: str) -> None:
    assert head_from_text(written_down) is None


def test_a_log_that_begins_anew_is_guarded_again(written: Session) -> None:
    Factory(written, now=NOW).listing()
    begin_anew(written)
    Factory(written, now=NOW).organisation()
    written.execute(text("SET CONSTRAINTS audit_seal IMMEDIATE"))
    assert (prove_log(written).seals, prove_log(written).faults) == (1, 0)
    with pytest.raises(ProgrammingError, match="append-only"):
        written.execute(text("DELETE FROM audit_entry"))
