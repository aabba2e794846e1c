"""The three tests of recovery, answered by the taker of a deal, each with what shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, FieldError, InvalidInput
from marketplace.i18n_marker import N_
from marketplace.models import Deal, Document, RecoveryAnswer
from marketplace.queries.statements import open_statement
from marketplace.services.commitments import hold
from marketplace.services.deal_actions import DealAction, require
from marketplace.services.deal_events import DealEvent, tell
from marketplace.services.documents import add_document
from marketplace.services.editing import DESCRIPTION_LIMIT, text_problems
from marketplace.services.impact_records import freeze
from marketplace.storage import Storage
from marketplace.text import is_blank
from marketplace.types import DealStatus, DocumentKind, ImpactReason, RecoveryTest

NOTHING_ANSWERED = N_("Answer at least one of the three.")
NO_EVIDENCE = N_("Say what shows it.")
NO_REASON = N_("Say why not.")
NO_ANSWER = N_("Say whether it holds.")


class StatementWaits(Conflict):
    message = N_("A statement with these answers waits for a signature. Send it back before you change them.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """A file that shows what was answered; `upload_id` is the sender's own name for the upload."""

    file_name: str
    content: bytes
    upload_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said of one test; `holds` is None where nothing was."""

    test: RecoveryTest
    holds: bool | None
    evidence: str = ""
    file: EvidenceFile | None = None
    keeps_document: bool = True
    """Whether the document of the answer before stays, where no other comes instead."""

    @property
    def is_given(self) -> bool:
        return self.holds is not None or not is_blank(self.evidence) or self.file is not None


def answer_recovery(
    session: Session, actor: Actor, *, deal_id: int, answers: Sequence[Answer], storage: Storage, now: datetime
) -> Deal:
    """The deal with these answers; a test that nothing is said of keeps the answer it has.

    A file is kept beside what the masses go to, and only the two sides of the deal may open it.

    Raises:
        NotFound, Forbidden, Conflict: there is no such deal, or it is not the actor's to answer, or not now.
        StatementWaits: one side has signed a statement that holds the answers as they are.
        InvalidInput: an answer without what shows it (field "<test>_evidence"), a file that cannot be taken.
    """
    deal = hold(session, deal_id=deal_id).deal
    side = require(DealAction.ANSWER_RECOVERY, deal, actor)
    if open_statement(session, deal_id=deal.id) is not None:
        raise StatementWaits
    given = [each for each in answers if each.is_given]
    problems = [problem for each in given for problem in _problems(each)]
    if not given:
        problems.append(FieldError(field="", message=NOTHING_ANSWERED))
    if problems:
        raise InvalidInput(*problems)
    before = _answers_of(session, deal)
    changed = [_write(session, actor, deal, each, before=before, storage=storage, now=now) for each in given]
    if any(changed):
        deal.touched_at = now
        session.flush()
        session.refresh(deal, ["recovery_answers"])
        if deal.status is DealStatus.AGREED:  # what is only talked about is not compared with anything yet
            freeze(session, deal, reason=ImpactReason.RECOVERY, now=now, by_user_id=actor.user_id)
        tell(session, deal, DealEvent.RECOVERY_ANSWERED, by=side, now=now)
    return deal


def _problems(answer: Answer) -> Iterator[FieldError]:
    if answer.holds is None:
        yield FieldError(field=f"{answer.test}_holds", message=NO_ANSWER)
    else:
        missing = NO_EVIDENCE if answer.holds else NO_REASON
        yield from text_problems(
            answer.evidence, field=f"{answer.test}_evidence", limit=DESCRIPTION_LIMIT, missing=missing
        )


def _answers_of(session: Session, deal: Deal) -> dict[RecoveryTest, RecoveryAnswer]:
    rows = session.scalars(select(RecoveryAnswer).where(RecoveryAnswer.deal_id == deal.id))
    return {row.test: row for row in rows}


def _write(
    session: Session,
    actor: Actor,
    deal: Deal,
    answer: Answer,
    *,
    before: dict[RecoveryTest, RecoveryAnswer],
    storage: Storage,
    now: datetime,
) -> bool:
    """Whether it says anything else than before."""
    assert answer.holds is not None
    assert actor.user_id is not None
    row = before.get(answer.test)
    document_id = row.document_id if row is not None and answer.keeps_document else None
    if answer.file is not None:
        document_id = _kept(session, actor, deal, answer.test, answer.file, storage=storage, now=now).id
    said = (answer.holds, answer.evidence, document_id)
    if row is None:
        row = RecoveryAnswer(deal_id=deal.id, test=answer.test)
        session.add(row)
    elif (row.holds, row.evidence, row.document_id) == said:
        return False
    row.holds, row.evidence, row.document_id = said
    row.answered_by_id, row.answered_at = actor.user_id, now
    return True


def _kept(
    session: Session,
    actor: Actor,
    deal: Deal,
    test: RecoveryTest,
    file: EvidenceFile,
    *,
    storage: Storage,
    now: datetime,
) -> Document:
    """The document beside the project or facility that takes the masses; beside the listing where there is neither."""
    is_in_project = deal.destination_project_id is not None
    is_in_facility = not is_in_project and deal.destination_facility_id is not None
    is_in_listing = not is_in_project and not is_in_facility
    try:
        return add_document(
            session,
            actor,
            project_id=deal.destination_project_id if is_in_project else None,
            facility_id=deal.destination_facility_id if is_in_facility else None,
            listing_id=deal.taking_listing_id if is_in_listing else None,
            kind=DocumentKind.OTHER,
            file_name=file.file_name,
            content=file.content,
            upload_id=file.upload_id,
            is_shared=False,
            takes_what_is_there=True,
            storage=storage,
            now=now,
        )
    except InvalidInput as refused:
        raise InvalidInput(
            *(FieldError(field=f"{test}_file", message=each.message, params=each.params) for each in refused.errors)
        ) from None
