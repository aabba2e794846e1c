"""The three tests of recovery: who answers, with what, and what follows."""

from datetime import timedelta
from itertools import product
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.errors import Conflict, Forbidden, InvalidInput
from marketplace.models import Document, RecoveryAnswer
from marketplace.recovery import Recovery, recovery_of
from marketplace.services.documents import RestsOnDocument, remove_document
from marketplace.services.recovery import Answer, EvidenceFile, StatementWaits, answer_recovery
from marketplace.services.statements import draw_up
from marketplace.storage import Storage, open_storage
from marketplace.types import DealStatus, RecoveryTest, Side
from tests.closing import Closing, closing_deal
from tests.conftest import NOW
from tests.factories import Factory
from tests.files import PDF

LATER = NOW + timedelta(days=1)


@pytest.fixture
def storage() -> Storage:
    return open_storage("memory:")


@pytest.fixture
def closing(session: Session, make: Factory) -> Closing:
    return closing_deal(session, make)


def said(closing: Closing, *answers: Answer, storage: Storage, **values: object) -> None:
    defaults = {"now": NOW, "actor": closing.taker} | values
    actor = defaults.pop("actor")
    answer_recovery(closing.session, actor, deal_id=closing.deal.id, answers=answers, storage=storage, **defaults)


def kept(closing: Closing) -> dict[RecoveryTest, RecoveryAnswer]:
    rows = closing.session.scalars(select(RecoveryAnswer).where(RecoveryAnswer.deal_id == closing.deal.id))
    return {row.test: row for row in rows}


def holding(test: RecoveryTest = RecoveryTest.SUITABLE, **values: object) -> Answer:
    return Answer(**{"test": test, "holds": True, "evidence": "Reguleringsplan 2026", **values})


def file(content: bytes | None = None) -> EvidenceFile:
    return EvidenceFile(file_name="plan.pdf", content=content or PDF, upload_id=uuid4())


# What follows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", list(product([None, True, False], repeat=3)))
def test_it_is_recovery_only_if_all_three_hold(answers: tuple[bool | None, ...]) -> None:
    given = {test: holds for test, holds in zip(RecoveryTest, answers, strict=True) if holds is not None}
    found = recovery_of(given)
    assert found.credits_virgin_material is (answers == (True, True, True))
    assert (found is Recovery.NOT_RECOVERY) is (False in answers)
    assert (found is Recovery.UNANSWERED) is (None in answers and False not in answers)


# Answering --------------------------------------------------------------------------------------------------------


def test_the_taker_answers_with_what_shows_it(closing: Closing, storage: Storage) -> None:
    said(closing, holding(), holding(RecoveryTest.QUANTITY_MATCHES_NEED, holds=False), storage=storage)
    found = kept(closing)
    assert {test: row.holds for test, row in found.items()} == {
        RecoveryTest.SUITABLE: True,
        RecoveryTest.QUANTITY_MATCHES_NEED: False,
    }
    row = found[RecoveryTest.SUITABLE]
    assert (row.evidence, row.answered_by_id, row.answered_at) == ("Reguleringsplan 2026", closing.taker_user.id, NOW)


def test_the_giver_does_not_answer_for_the_taker(closing: Closing, storage: Storage) -> None:
    with pytest.raises(Forbidden):
        said(closing, holding(), storage=storage, actor=closing.giver)


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (holding(evidence="  "), "suitable_evidence"),
        (holding(holds=False, evidence=""), "suitable_evidence"),
        (holding(holds=None), "suitable_holds"),
        (holding(evidence="x" * 4001), "suitable_evidence"),
        (Answer(test=RecoveryTest.SUITABLE, holds=None), ""),
    ],
)
def test_an_answer_without_what_shows_it_is_none(
    closing: Closing, storage: Storage, answer: Answer, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        said(closing, answer, storage=storage)
    assert [each.field for each in refused.value.errors] == [field]
    assert kept(closing) == {}


def test_an_answer_can_be_changed_and_one_that_says_the_same_stays_who_gave_it(
    closing: Closing, storage: Storage
) -> None:
    said(closing, holding(), storage=storage)
    said(closing, holding(), storage=storage, now=LATER)
    assert kept(closing)[RecoveryTest.SUITABLE].answered_at == NOW
    said(closing, holding(evidence="Ny plan"), storage=storage, now=LATER)
    row = kept(closing)[RecoveryTest.SUITABLE]
    assert (row.evidence, row.answered_at) == ("Ny plan", LATER)


def test_it_can_be_answered_before_anything_is_agreed(session: Session, make: Factory, storage: Storage) -> None:
    closing = closing_deal(session, make, status=DealStatus.NEGOTIATING)
    said(closing, holding(), storage=storage)
    assert kept(closing)


@pytest.mark.parametrize("status", [DealStatus.CANCELLED, DealStatus.DECLINED])
def test_nothing_is_answered_of_a_deal_that_came_to_nothing(
    session: Session, make: Factory, storage: Storage, status: DealStatus
) -> None:
    closing = closing_deal(session, make, status=status)
    with pytest.raises(Conflict):
        said(closing, holding(), storage=storage)


def test_the_answers_stand_while_a_statement_waits_for_a_signature(closing: Closing, storage: Storage) -> None:
    closing.loads(4, 120)
    closing.answer()
    draw_up(closing.session, closing.giver, deal_id=closing.deal.id, now=NOW)
    with pytest.raises(StatementWaits):
        said(closing, holding(evidence="Noe annet"), storage=storage)


# The document -----------------------------------------------------------------------------------------------------


def test_a_document_is_kept_for_the_takers_project_and_for_members_only(closing: Closing, storage: Storage) -> None:
    said(closing, holding(file=file()), storage=storage)
    document = kept(closing)[RecoveryTest.SUITABLE].document
    assert document is not None
    assert document.project_id == closing.deal.destination_project_id
    assert document.organisation_id == closing.deal.organisation_id_of(Side.TAKER)
    assert not document.is_shared
    assert b"".join(storage.read(document.sha256)).startswith(b"%PDF")


def test_one_file_can_show_two_things(closing: Closing, storage: Storage) -> None:
    tests = (RecoveryTest.SUITABLE, RecoveryTest.QUANTITY_MATCHES_NEED)
    said(closing, *(holding(test, file=file()) for test in tests), storage=storage)
    assert len({kept(closing)[test].document_id for test in tests}) == 1
    assert len(closing.session.scalars(select(Document)).all()) == 1


def test_a_file_that_cannot_be_taken_is_refused_beside_its_own_question(closing: Closing, storage: Storage) -> None:
    with pytest.raises(InvalidInput) as refused:
        said(closing, holding(file=file(b"\x7fELF rubbish")), storage=storage)
    assert [each.field for each in refused.value.errors] == ["suitable_file"]


def test_a_document_stays_until_it_is_let_go_or_another_one_comes(closing: Closing, storage: Storage) -> None:
    said(closing, holding(file=file()), storage=storage)
    first = kept(closing)[RecoveryTest.SUITABLE].document_id
    said(closing, holding(evidence="Ny tekst"), storage=storage)
    assert kept(closing)[RecoveryTest.SUITABLE].document_id == first
    said(closing, holding(evidence="Ny tekst", keeps_document=False), storage=storage)
    assert kept(closing)[RecoveryTest.SUITABLE].document_id is None


def test_what_an_answer_rests_on_is_not_taken_away(closing: Closing, storage: Storage) -> None:
    said(closing, holding(file=file()), storage=storage)
    document_id = kept(closing)[RecoveryTest.SUITABLE].document_id
    with pytest.raises(RestsOnDocument):
        remove_document(closing.session, closing.taker, document_id=document_id, now=NOW)
