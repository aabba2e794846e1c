"""Files of many rows, once they are taken in: checked row by row in a job, and applied in another.

    bulk_staging.stage_file -> [check_chunk ...] -> checked -> request_apply -> [apply_chunk ...] -> applied

A chunk is one transaction, and says in the batch how far it came: a worker that was killed goes on with the next chunk,
and a chunk that is done twice finds nothing left to do. What is applied is known again by its reference, so the same
file can be sent any number of times.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, FieldError, Forbidden, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import ImportBatch, ImportRow, User
from marketplace.queries.accounts import actor_of
from marketplace.queue import Task, enqueue
from marketplace.services.bulk_kinds import KINDS
from marketplace.services.bulk_rows import DERIVED, RowOutcome, StagedRow, kept_problems
from marketplace.services.bulk_staging import QUEUE_LOCK
from marketplace.types import ImportKind, ImportRowStatus, ImportStatus

CHUNK_ROWS: Final = 1_000


def check_chunk(session: Session, *, batch_id: int, now: datetime) -> bool:
    """Check the next rows of a staged batch; returns whether there are more to come."""
    batch = _held(session, batch_id)
    if batch is None or batch.status is not ImportStatus.STAGED:
        return False
    rows = _next_rows(session, batch, ImportRowStatus.STAGED)
    if rows:
        outcomes = KINDS[batch.kind].check(session, batch, rows, now=now)
        _keep(session, batch, outcomes)
        batch.done_count += len(rows)
    if len(rows) < CHUNK_ROWS:
        _tell_equal_rows_apart(session, batch)
        _count(session, batch)
        batch.status, batch.checked_at, batch.done_count = ImportStatus.CHECKED, now, 0
        return False
    return True


def request_apply(session: Session, actor: Actor, *, batch_id: int) -> ImportBatch:
    """Have the good rows of a checked batch applied, as the work of the actor.

    Raises:
        NotFound, Forbidden: no such batch, or the actor may not post for its organisation.
        Conflict: it is not checked yet, applied already, or has no good rows.
    """
    batch = _held_for(session, actor, batch_id)
    if batch.status is not ImportStatus.CHECKED:
        raise Conflict(NOT_NOW[batch.status])
    if not batch.good_count:
        raise Conflict(N_("No row of this file can be used as it is."))
    assert actor.user_id is not None
    batch.status, batch.done_count = ImportStatus.APPLYING, 0
    _enqueue(session, Task.APPLY_IMPORT, batch_id=batch.id, user_id=actor.user_id)
    return batch


NOT_NOW: Final = {
    ImportStatus.STAGED: N_("The file is still being checked."),
    ImportStatus.CHECKED: N_("The file has been checked, and nothing of it is applied."),
    ImportStatus.APPLYING: N_("The file is already being applied."),
    ImportStatus.APPLIED: N_("The file has been applied."),
    ImportStatus.FAILED: N_("The work on this file was broken off."),
    ImportStatus.DISCARDED: N_("This file has been discarded."),
}


def apply_chunk(session: Session, *, batch_id: int, user_id: int, now: datetime) -> bool:
    """Apply the next good rows of a batch that is being applied; returns whether there are more to come."""
    batch = _held(session, batch_id)
    if batch is None or batch.status is not ImportStatus.APPLYING:
        return False
    actor = _actor(session, user_id)
    if actor is None or not actor.can_edit(batch.organisation_id):
        _break_off(batch, N_("Whoever sent the file may no longer post for the organisation."))
        return False
    rows = _next_rows(session, batch, ImportRowStatus.GOOD)
    if rows:
        outcomes = KINDS[batch.kind].apply(session, actor, batch, rows, now=now)
        session.flush()
        _keep(session, batch, outcomes)
        batch.done_count += len(rows)
    if len(rows) < CHUNK_ROWS:
        batch.status, batch.applied_at = ImportStatus.APPLIED, now
        _count(session, batch)
        return False
    return True


def discard(session: Session, actor: Actor, *, batch_id: int) -> ImportBatch:
    """Throw the rows of a file away that has not been applied.

    Raises:
        NotFound, Forbidden: no such batch, or the actor may not post for its organisation.
        Conflict: it is being applied, or has been.
    """
    batch = _held_for(session, actor, batch_id)
    if batch.status not in (ImportStatus.STAGED, ImportStatus.CHECKED, ImportStatus.FAILED):
        raise Conflict(NOT_NOW[batch.status])
    session.execute(text("DELETE FROM import_row WHERE batch_id = :id"), {"id": batch.id})
    batch.status = ImportStatus.DISCARDED
    return batch


def go_on(session: Session, task: Task, *, batch_id: int, **arguments: int) -> None:
    """Queue the rest of the work on a batch behind whatever else waits, so that others get their turn."""
    _enqueue(session, task, batch_id=batch_id, **arguments)


def break_off(session: Session, *, batch_id: int) -> None:
    """Say of a batch that the work on it could not go on. What was applied stays, and the file can be sent again."""
    batch = _held(session, batch_id)
    if batch is not None and batch.status in (ImportStatus.STAGED, ImportStatus.APPLYING):
        _break_off(
            batch,
            N_(
                "Something went wrong on our side. What has been applied is in place; send the file again, and the rest"
                " follows."
            ),
        )


def _break_off(batch: ImportBatch, message: str) -> None:
    batch.status = ImportStatus.FAILED
    batch.problem = {"message": message, "params": {}}


def _enqueue(session: Session, task: Task, **arguments: int) -> None:
    enqueue(session, task, lock=QUEUE_LOCK, **arguments)


def _held(session: Session, batch_id: int) -> ImportBatch | None:
    """The batch, locked: a chunk that is done twice at once is done one after the other."""
    query = select(ImportBatch).where(ImportBatch.id == batch_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _held_for(session: Session, actor: Actor, batch_id: int) -> ImportBatch:
    batch = _held(session, batch_id)
    if batch is None:
        raise NotFound
    if not actor.can_edit(batch.organisation_id):
        raise Forbidden
    return batch


def _actor(session: Session, user_id: int) -> Actor | None:
    user = session.get(User, user_id)
    return actor_of(user) if user is not None else None


def _next_rows(session: Session, batch: ImportBatch, status: ImportRowStatus) -> list[StagedRow]:
    query = (
        select(ImportRow.line, ImportRow.cells, ImportRow.reference)
        .where(ImportRow.batch_id == batch.id, ImportRow.status == status)
        .order_by(ImportRow.line)
        .limit(CHUNK_ROWS)
    )
    return [
        StagedRow(line=line, cells=tuple(cells), reference=reference)
        for line, cells, reference in session.execute(query)
    ]


def _keep(session: Session, batch: ImportBatch, outcomes: Sequence[RowOutcome]) -> None:
    """Write what came of the rows of a chunk, and count them in the batch."""
    session.execute(
        update(ImportRow),
        [
            {
                "batch_id": batch.id,
                "line": each.line,
                "status": each.status,
                "reference": each.reference,
                "listing_id": each.listing_id,
                "problems": kept_problems(each.problems),
            }
            for each in outcomes
        ],
    )
    bad = sum(each.status is ImportRowStatus.BAD for each in outcomes)
    batch.bad_count += bad
    if batch.status is ImportStatus.STAGED:
        batch.good_count += len(outcomes) - bad


EQUAL_DERIVED: Final = text(
    "UPDATE import_row AS row SET reference = row.reference || '.' || equal.nth FROM ("
    " SELECT line, row_number() OVER (PARTITION BY reference ORDER BY line) AS nth"
    " FROM import_row WHERE batch_id = :batch_id AND starts_with(reference, :derived)"
    ") AS equal WHERE row.batch_id = :batch_id AND row.line = equal.line AND equal.nth > 1"
)
"""Rows without a reference may say the same: two lots that are alike. The second is the second next time too."""

SAME_REFERENCE: Final = text(
    "UPDATE import_row AS row SET status = 'bad', problems = row.problems || jsonb_build_array(jsonb_build_object("
    "  'column', CAST(:column AS text), 'message', CAST(:message AS text),"
    "  'params', jsonb_build_object('row', CASE WHEN row.line = same.first THEN same.last ELSE same.first END)))"
    " FROM (SELECT reference, min(line) AS first, max(line) AS last FROM import_row"
    "  WHERE batch_id = :batch_id AND reference IS NOT NULL GROUP BY reference HAVING count(*) > 1) AS same"
    " WHERE row.batch_id = :batch_id AND row.reference = same.reference"
)


def _tell_equal_rows_apart(session: Session, batch: ImportBatch) -> None:
    session.flush()
    session.execute(EQUAL_DERIVED, {"batch_id": batch.id, "derived": DERIVED})
    is_listings = batch.kind is ImportKind.LISTINGS
    session.execute(
        SAME_REFERENCE,
        {
            "batch_id": batch.id,
            "column": "reference" if is_listings else "material_key",
            "message": SAME_LISTING if is_listings else SAME_QUARTER,
        },
    )


SAME_LISTING: Final = N_("Row %(row)s has the same reference. Which of them holds?")
SAME_QUARTER: Final = N_("Row %(row)s is about the same material and quarter. Which of them holds?")


def _count(session: Session, batch: ImportBatch) -> None:
    counts = dict(
        session.execute(
            select(ImportRow.status, func.count()).where(ImportRow.batch_id == batch.id).group_by(ImportRow.status)
        ).all()
    )
    batch.bad_count = counts.get(ImportRowStatus.BAD, 0)
    batch.good_count = batch.row_count - batch.bad_count


def message_of(batch: ImportBatch) -> FieldError | None:
    """Why the work on a batch was broken off."""
    if batch.problem is None:
        return None
    return FieldError(field="", message=batch.problem["message"], params=batch.problem["params"])
