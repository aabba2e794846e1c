"""Files of a weighbridge's system: read and shown row by row, and nothing counted before somebody confirms.

The file is kept as it came until then. The same file, or the same row in another file, changes nothing a second time:
a load is known by its number.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum, auto
from io import BytesIO
from itertools import chain, islice
from typing import Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import DomainError, FieldError, Forbidden, InvalidInput, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Deal, TicketFile
from marketplace.parsing import read_decimal
from marketplace.services.commitments import hold
from marketplace.services.deal_actions import DealAction, require, sides_of
from marketplace.services.known_tickets import KnownTickets, OtherTicket, known_tickets
from marketplace.services.ticket_reports import TicketReport, checked_report, day_problems
from marketplace.services.tickets import Intake
from marketplace.table_columns import HEADER_WITHIN_ROWS, Header, find_header
from marketplace.table_faults import MIB, TableLimits
from marketplace.tables import Row, Table, read_table, sheets_in_turn
from marketplace.text import clean_line
from marketplace.ticket_columns import MASSES, TICKET_COLUMNS, MassUnit, decimal_sign_of, read_ticket, unit_of
from marketplace.types import TicketSource

LIMITS: Final = TableLimits(file_bytes=3 * MIB, unpacked_bytes=60 * MIB, rows=2_000)
"""Some 30,000 t. All of it is taken in within a request, each load logged and sealed; more comes in another file."""
KEPT_FOR: Final = timedelta(days=2)
NAME_LIMIT: Final = 200


class RowState(StrEnum):
    NEW = auto()
    KNOWN = auto()
    """The same load has been reported before."""
    REPEATED = auto()
    """A row above says the same."""
    BAD = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A row of the file; `problems` by column, and "" for what concerns all of it."""

    line: int
    cells: Mapping[str, str]
    report: TicketReport | None
    state: RowState
    problems: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """What a file was understood as."""

    unit: MassUnit
    unknown_headings: tuple[str, ...]
    rows: tuple[FileRow, ...]

    def count(self, state: RowState) -> int:
        return sum(row.state is state for row in self.rows)

    @property
    def new_t(self) -> Decimal:
        return sum((row.report.mass_t for row in self.rows if row.state is RowState.NEW and row.report), Decimal(0))


def stage_ticket_file(
    session: Session, actor: Actor, *, deal: Deal, file_name: str, content: bytes, now: datetime
) -> TicketFile:
    """The file, kept for its preview. Files that have been lying about are thrown away.

    Raises:
        Forbidden, Conflict: the actor may not report loads of the deal, or not now.
        InvalidInput: it is no table of loads (field "file").
    """
    side = require(DealAction.ADD_TICKET, deal, actor)
    if actor.user_id is None:
        raise Forbidden
    _read(content)
    session.execute(delete(TicketFile).where(TicketFile.created_at < now - KEPT_FOR))
    staged = TicketFile(
        deal_id=deal.id,
        side=side,
        file_name=clean_line(file_name)[-NAME_LIMIT:] or None,
        content=content,
        created_by_id=actor.user_id,
        created_at=now,
    )
    session.add(staged)
    session.flush()
    return staged


def reading_of(session: Session, staged: TicketFile, *, now: datetime) -> FileReading:
    """What the file says now, held against the loads that are there already."""
    deal = staged.deal
    header, rows = _read(staged.content)
    named = [(row.number, _named(row, header)) for row in rows]
    figures = [cells[key] for _line, cells in named for key in MASSES if cells.get(key)]
    sign = decimal_sign_of(figures)
    unit = unit_of(header, _numbers(figures, sign))
    read = [_file_row(line, cells, unit=unit, sign=sign, deal=deal, now=now) for line, cells in named]
    known = known_tickets(session, deal, [row.report for row in read if row.report is not None])
    seen: dict[str, TicketReport] = {}
    placed = (row if row.report is None else _placed(row, row.report, known=known, seen=seen) for row in read)
    return FileReading(unit=unit, unknown_headings=header.unknown, rows=tuple(placed))


def apply_ticket_file(
    session: Session, actor: Actor, *, staged: TicketFile, only_good: bool, now: datetime
) -> FileReading:
    """Take in the file's new loads, all or none of them; the file is thrown away then.

    Raises:
        InvalidInput: some rows are bad, and the good ones alone were not asked for.
        Conflict: all of it together is more than what is agreed.
        Forbidden: the actor may not report loads of the deal.
    """
    held = hold(session, deal_id=staged.deal_id)
    require_own(staged, actor)
    reading = reading_of(session, staged, now=now)
    if reading.count(RowState.BAD) and not only_good:
        raise field_error("only_good", N_("Some rows cannot be used. Mend the file, or take in the good rows alone."))
    new = [(row.line, row.report) for row in reading.rows if row.state is RowState.NEW and row.report is not None]
    reports = [report for _line, report in new]
    intake = Intake(session, actor, held, reports=reports, source=TicketSource.FILE, now=now)
    for line, report in new:
        with _refused_as_file(line=line):
            intake.take(report)
    with _refused_as_file():
        intake.write()
    session.delete(staged)
    session.flush()
    return reading


def require_own(staged: TicketFile, actor: Actor) -> None:
    """
    Raises:
        Forbidden, Conflict: the actor's side may not report loads of the deal, or the other side handed the file in.
    """
    require(DealAction.ADD_TICKET, staged.deal, actor)
    if staged.side not in sides_of(staged.deal, actor):
        raise Forbidden


def discard_ticket_file(session: Session, actor: Actor, *, staged: TicketFile) -> None:
    """
    Raises:
        Forbidden, Conflict: as `require_own`.
    """
    require_own(staged, actor)
    session.delete(staged)
    session.flush()


class FileRefused(InvalidInput):
    """What could not be taken in, by the row's line where it is one row's fault; nothing of the file was."""

    def __init__(self, refused: DomainError, *, line: int | None = None) -> None:
        errors = refused.errors if isinstance(refused, InvalidInput) else ()
        first = errors[0] if errors else FieldError(field="", message=refused.message, params=refused.params)
        super().__init__(replace(first, field=""))
        self.line = line


@contextmanager
def _refused_as_file(*, line: int | None = None) -> Iterator[None]:
    try:
        yield
    except DomainError as refused:
        raise FileRefused(refused, line=line) from refused


# Reading ----------------------------------------------------------------------------------------------------------


def _read(content: bytes) -> tuple[Header, list[Row]]:
    """The headings and the rows below them, of the first sheet that has them.

    Raises:
        InvalidInput: no table, or not one of loads (field "file").
    """
    with closing(sheets_in_turn(lambda sheet: read_table(BytesIO(content), limits=LIMITS, sheet=sheet))) as tables:
        for table in tables:
            header, rows = _with_header(table)
            if header is not None:
                return _complete(header), rows
    raise field_error(
        "file",
        N_("No headings of loads were found in the first %(count)s rows: number, date, registration and mass."),
        count=HEADER_WITHIN_ROWS,
    )


def _with_header(table: Table) -> tuple[Header | None, list[Row]]:
    first = list(islice(table, HEADER_WITHIN_ROWS))
    header = find_header(first, TICKET_COLUMNS)
    if header is None:
        return None, []
    return header, [row for row in chain(first, table) if row.number > header.line]


def _complete(header: Header) -> Header:
    lacking = [column.header_no for column in header.missing]
    if "net" not in header.places and not {"gross", "tare"} <= header.places.keys():
        lacking.append("Netto")
    if lacking:
        raise field_error("file", N_("These columns are missing: %(columns)s."), columns=", ".join(lacking))
    if header.twice:
        raise field_error(
            "file",
            N_("Two columns are called or mean the same: %(headings)s. Keep one of them."),
            headings=", ".join(header.twice),
        )
    return header


def _named(row: Row, header: Header) -> dict[str, str]:
    return {key: row.cells[at] for key, at in header.places.items() if at < len(row.cells)}


def _numbers(figures: Sequence[str], sign: str) -> list[Decimal]:
    found = []
    for figure in figures:
        try:
            found.append(read_decimal(figure, decimal_sign=sign))
        except ValueError:
            continue
    return found


def _file_row(line: int, cells: Mapping[str, str], *, unit: MassUnit, sign: str, deal: Deal, now: datetime) -> FileRow:
    read, problems = read_ticket(cells, unit=unit, decimal_sign=sign)
    if read is None:
        return FileRow(line=line, cells=cells, report=None, state=RowState.BAD, problems=problems)
    try:
        report = checked_report(TicketReport(**asdict(read)), now=now)
    except InvalidInput as refused:
        return FileRow(line=line, cells=cells, report=None, state=RowState.BAD, problems=refused.errors)
    problems = tuple(day_problems(report, deal))
    state = RowState.BAD if problems else RowState.NEW
    return FileRow(line=line, cells=cells, report=None if problems else report, state=state, problems=problems)


def _placed(row: FileRow, report: TicketReport, *, known: KnownTickets, seen: dict[str, TicketReport]) -> FileRow:
    """The row, told apart from those that say what is known already."""
    try:
        if known.repeated_by(report) is not None:
            return replace(row, state=RowState.KNOWN)
    except OtherTicket:
        return _bad(row, N_("A load of this number is there already, and says something else."))
    first = seen.setdefault(known.number_key(report.number), report)
    if first is report:
        return row
    if first == report:
        return replace(row, state=RowState.REPEATED)
    return _bad(row, N_("A row above has the same number, and says something else."))


def _bad(row: FileRow, message: str) -> FileRow:
    problem = FieldError(field="number", message=message)
    return replace(row, state=RowState.BAD, report=None, problems=(problem,))
