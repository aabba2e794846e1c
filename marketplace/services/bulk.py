"""Files of many rows: taken in as they are, checked row by row in a job, and applied in another.

    stage_file -> [check_chunk ...] -> checked -> request_apply -> [apply_chunk ...] -> applied

A chunk is one transaction, and says in the batch how far it came: a worker that was killed goes on with the next chunk,
and a chunk that is done twice finds nothing left to do. What is applied is known again by its reference, so the same
file can be sent any number of times.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import chain, islice
from typing import BinaryIO, Final

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, DomainError, FieldError, Forbidden, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import ImportBatch, ImportRow, Project, User
from marketplace.queries.accounts import actor_of
from marketplace.queue import Task, enqueue
from marketplace.services.bulk_listings import ListingRows
from marketplace.services.bulk_plans import PlanRows
from marketplace.services.bulk_rows import DERIVED, RowKind, RowOutcome, StagedRow, kept_problems
from marketplace.table_columns import HEADER_WITHIN_ROWS, Column, Header, find_header
from marketplace.table_faults import MIB, TableLimits
from marketplace.tables import Row, Table, read_pasted, read_table
from marketplace.text import clean_line
from marketplace.types import ImportKind, ImportRowStatus, ImportStatus

CHUNK_ROWS: Final = 1_000
LIMITS: Final = TableLimits(file_bytes=20 * MIB)
FILE_NAME_LIMIT: Final = 200
QUEUE_LOCK: Final = "imports"
"""One import is worked on at a time, so that a slot of the worker is always left for mail and the rest."""

KINDS: Final[dict[ImportKind, RowKind]] = {ImportKind.LISTINGS: ListingRows(), ImportKind.PLAN: PlanRows()}

OPEN: Final = (ImportStatus.STAGED, ImportStatus.CHECKED, ImportStatus.APPLYING)


class MissingColumns(DomainError):
    """The file lacks columns that there must be; which, is said in the visitor's language at the edge."""

    message = N_("The table lacks columns that there must be.")

    def __init__(self, columns: tuple[Column, ...]) -> None:
        super().__init__()
        self.columns = columns


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFile:
    """What somebody hands in: a file, or cells pasted from a spreadsheet. `field` is where its faults are said.

    `decimal_sign` is what numbers are written with where the file itself does not settle it.
    """

    data: BinaryIO
    name: str
    decimal_sign: str
    is_pasted: bool = False

    @property
    def field(self) -> str:
        return "text" if self.is_pasted else "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A batch. `is_known` where the very same file is there already and not done with; nothing was taken in then.

    `applied_before` is when the very same file was last applied.
    """

    batch: ImportBatch
    is_known: bool
    applied_before: datetime | None


def columns_of(kind: ImportKind) -> tuple[Column, ...]:
    return KINDS[kind].columns


# Taking in --------------------------------------------------------------------------------------------------------


def stage_file(
    session: Session,
    actor: Actor,
    *,
    organisation_id: int,
    kind: ImportKind,
    given: GivenFile,
    project_id: int | None = None,
) -> Staged:
    """Take the rows of a file in as they are, and have them checked. The file itself is not kept.

    Raises:
        Forbidden: the actor may not post for the organisation.
        InvalidInput: the file cannot be read, or is no table of ours; beside `given.field`.
        MissingColumns: it lacks columns.
    """
    if actor.user_id is None or not actor.can_edit(organisation_id):
        raise Forbidden
    _require_project(session, kind, project_id, organisation_id=organisation_id)
    digest, size = _digest(given.data)
    # Whoever presses twice sends the same file twice, at the same moment.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{organisation_id}:{digest}", 0))))
    earlier = _same_files(session, digest, kind, organisation_id=organisation_id, project_id=project_id)
    known = next((each for each in earlier if each.status in OPEN), None)
    applied_before = max((each.applied_at for each in earlier if each.applied_at is not None), default=None)
    if known is not None:
        return Staged(batch=known, is_known=True, applied_before=applied_before)
    with _opened(given) as table:
        first = list(islice(table, HEADER_WITHIN_ROWS))
        header = _required_header(first, KINDS[kind].columns, field=given.field)
        batch = ImportBatch(
            organisation_id=organisation_id,
            project_id=project_id,
            kind=kind,
            status=ImportStatus.STAGED,
            file_name=clean_line(given.name)[:FILE_NAME_LIMIT],
            sha256=digest,
            size_bytes=size,
            header=list(header.headings),
            decimal_sign=_decimal_sign(table, given),
            created_by_id=actor.user_id,
        )
        session.add(batch)
        session.flush()
        rows = (row for row in chain(first, table) if row.number > header.line)
        batch.row_count = _copy_rows(session, batch.id, rows)
    if not batch.row_count:
        raise field_error(given.field, N_("There are headings, and no rows below them."))
    _enqueue(session, Task.CHECK_IMPORT, batch_id=batch.id)
    return Staged(batch=batch, is_known=False, applied_before=applied_before)


def _require_project(session: Session, kind: ImportKind, project_id: int | None, *, organisation_id: int) -> None:
    if kind is not ImportKind.PLAN:
        return
    project = session.get(Project, project_id) if project_id is not None else None
    if project is None or project.organisation_id != organisation_id:
        raise field_error("project_id", N_("Choose one of your own projects."))


def _digest(data: BinaryIO) -> tuple[str, int]:
    """SHA-256 and size; leaves the file at its start."""
    data.seek(0)
    digest = hashlib.file_digest(data, "sha256").hexdigest()  # type: ignore[arg-type]  # any binary file does
    size = data.tell()
    data.seek(0)
    return digest, size


def _same_files(
    session: Session, digest: str, kind: ImportKind, *, organisation_id: int, project_id: int | None
) -> Sequence[ImportBatch]:
    query = (
        select(ImportBatch)
        .where(ImportBatch.organisation_id == organisation_id, ImportBatch.sha256 == digest)
        .where(ImportBatch.kind == kind, ImportBatch.project_id.is_not_distinct_from(project_id))
        .order_by(ImportBatch.id.desc())
    )
    return session.scalars(query).all()


@contextmanager
def _opened(given: GivenFile) -> Iterator[Table]:
    if given.is_pasted:
        with read_pasted(given.data.read().decode(), limits=LIMITS, field=given.field) as table:
            yield table
    else:
        with read_table(given.data, filename=given.name, limits=LIMITS) as table:
            yield table


def pasted(typed: str, *, name: str, decimal_sign: str) -> GivenFile:
    """Cells pasted from a spreadsheet, as something to hand in."""
    return GivenFile(data=BytesIO(typed.encode()), name=name, decimal_sign=decimal_sign, is_pasted=True)


def _required_header(rows: Sequence[Row], columns: tuple[Column, ...], *, field: str) -> Header:
    header = find_header(rows, columns)
    if header is None:
        raise field_error(
            field,
            N_("The headings of the template were not found in the first %(count)s rows."),
            count=HEADER_WITHIN_ROWS,
        )
    if header.missing:
        raise MissingColumns(header.missing)
    if header.twice:
        raise field_error(
            field,
            N_("Two columns are called or mean the same: %(headings)s. Keep one of them."),
            headings=", ".join(header.twice),
        )
    return header


def _decimal_sign(table: Table, given: GivenFile) -> str:
    """An XLSX file stores numbers with a point; where commas part the cells, they part no decimals."""
    if table.sheet is not None or table.delimiter == ",":
        return "."
    return "," if table.delimiter == ";" else given.decimal_sign


def _copy_rows(session: Session, batch_id: int, rows: Iterator[Row]) -> int:
    """Bring rows in by COPY, a chunk a statement: reading a large XLSX file takes longer than one statement may."""
    connection = session.connection().connection.driver_connection
    assert connection is not None
    count = 0
    while part := list(islice(rows, CHUNK_ROWS)):
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY import_row (batch_id, line, cells, status) FROM STDIN") as copy,
        ):
            copy.set_types(["int8", "int4", "text[]", "varchar"])
            for row in part:
                copy.write_row((batch_id, row.number, list(row.cells), ImportRowStatus.STAGED.value))
        count += len(part)
    return count


# Working through it -----------------------------------------------------------------------------------------------


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
