"""Taking a file of many rows in as it is: what it is, which row has the headings, and the rows below them."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import chain, islice
from typing import BinaryIO, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import DomainError, Forbidden, field_error
from marketplace.i18n_marker import N_
from marketplace.models import ImportBatch, Project
from marketplace.queue import Task, enqueue
from marketplace.services.bulk_kinds import columns_of
from marketplace.table_columns import HEADER_WITHIN_ROWS, Column, Header, find_header
from marketplace.table_faults import MIB, TableError, TableFault, TableLimits
from marketplace.tables import Row, Table, read_pasted, read_table, sheets_in_turn
from marketplace.text import clean_line
from marketplace.types import ImportKind, ImportRowStatus, ImportStatus

ROWS_A_COPY: Final = 1_000
LIMITS: Final = TableLimits(file_bytes=20 * MIB)
FILE_NAME_LIMIT: Final = 200
QUEUE_LOCK: Final = "imports"
"""One import is worked on at a time, so that a slot of the worker is always left for mail and the rest."""

OPEN: Final = (ImportStatus.STAGED, ImportStatus.CHECKED, ImportStatus.APPLYING)
"""A file that stands so is not taken in a second time."""


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
    with _with_header(given, columns_of(kind)) as (table, first, header):
        batch = ImportBatch(
            organisation_id=organisation_id,
            project_id=project_id,
            kind=kind,
            status=ImportStatus.STAGED,
            file_name=_named_with_sheet(given, table),
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
    enqueue(session, Task.CHECK_IMPORT, lock=QUEUE_LOCK, batch_id=batch.id)
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
def _with_header(given: GivenFile, columns: tuple[Column, ...]) -> Iterator[tuple[Table, list[Row], Header]]:
    """The first sheet with headings, its first rows, which have been drawn from it, and the headings.

    Raises:
        InvalidInput, MissingColumns: as `stage_file`.
    """
    looked_at: list[str] = []
    with closing(sheets_in_turn(lambda sheet: _opened(given, sheet=sheet))) as tables:
        for table in tables:
            looked_at.append(table.sheet or "")
            first = _first_rows(table)
            if find_header(first, columns) is not None or not (looked_at[1:] or table.other_sheets):
                yield table, first, _required_header(first, columns, field=given.field)
                return
    raise field_error(
        given.field,
        N_("The headings of the template were not found in the first %(count)s rows of the sheets %(sheets)s."),
        count=HEADER_WITHIN_ROWS,
        sheets=", ".join(looked_at),
    )


def _first_rows(table: Table) -> list[Row]:
    """None of a sheet that is empty where others may not be."""
    try:
        return list(islice(table, HEADER_WITHIN_ROWS))
    except TableError as error:
        if error.fault is TableFault.EMPTY and table.other_sheets:
            return []
        raise


def _opened(given: GivenFile, *, sheet: str | None = None) -> Table:
    if given.is_pasted:
        return read_pasted(given.data.read().decode(), limits=LIMITS, field=given.field)
    given.data.seek(0)
    return read_table(given.data, filename=given.name, limits=LIMITS, sheet=sheet)


def _named_with_sheet(given: GivenFile, table: Table) -> str:
    """The name of the file; with the sheet behind it, where there was one to choose."""
    name = clean_line(given.name)[:FILE_NAME_LIMIT]
    sheet = f" [{clean_line(table.sheet)}]" if table.sheet and table.other_sheets else ""
    return name[: FILE_NAME_LIMIT - len(sheet)] + sheet


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
    while part := list(islice(rows, ROWS_A_COPY)):
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY import_row (batch_id, line, cells, status) FROM STDIN") as copy,
        ):
            copy.set_types(["int8", "int4", "text[]", "varchar"])
            for row in part:
                copy.write_row((batch_id, row.number, [str(cell) for cell in row.cells], ImportRowStatus.STAGED.value))
        count += len(part)
    return count
