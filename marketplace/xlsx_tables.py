"""The rows of a sheet in an XLSX file, as the text somebody would read in its cells.

openpyxl reads them, of parts that the guard lets through.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from geo.lab_values import StoredNumber
from marketplace.table_faults import TableError, TableFault, TableLimits
from marketplace.xlsx_guard import MAX_UNITS, EndOfRowsError, GuardedArchive, Unit

if TYPE_CHECKING:
    from openpyxl.reader.excel import ExcelReader

# It warns of each cell with a date that is none, and Python keeps every warning that it has shown.
warnings.filterwarnings("ignore", module=r"openpyxl\.")

LITERAL: Final = re.compile(r'\[[^\]]*\]|"[^"]*"|\\.|_.|\*.')


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """An open XLSX file and the sheet of it that is read."""

    limits: TableLimits
    sheet: str
    other_sheets: tuple[str, ...]
    worksheet: Any
    """A ReadOnlyWorksheet, whose type stubs do not know that it has rows."""

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row's number and cells, without the rows that have no cells.

        Raises TableError.
        """
        epoch = self.worksheet.parent.epoch
        filled_up = 0
        with _told_as_faults(), suppress(EndOfRowsError):
            for number, row in enumerate(self.worksheet.iter_rows(), start=1):
                if number > MAX_UNITS:
                    raise TableError(TableFault.TOO_MANY_ROWS, limit=self.limits.rows)
                filled_up += len(row)  # a single cell far out to the right fills up all before it
                if filled_up > self.limits.rows * self.limits.columns:
                    raise TableError(TableFault.TOO_MANY_COLUMNS, row=number, limit=self.limits.columns)
                if row:
                    yield number, ["" if cell.value is None else _text(cell, epoch) for cell in row]


def open_book(file: BinaryIO, *, limits: TableLimits, sheet: str | None = None) -> Book:
    """Open the workbook at `sheet`, else at its first sheet that can be seen.

    Raises TableError.
    """
    from openpyxl.reader.excel import ExcelReader

    with _told_as_faults():
        archive = GuardedArchive(file, limits)
        # Step by step what `load_workbook` does, through the guard, and without what no table needs: names, themes,
        # properties and charts, each of which may be broken in a file whose cells are sound.
        reader = ExcelReader(file, read_only=True, keep_links=False)
        reader.archive = archive
        reader.read_manifest()
        reader.read_strings()
        archive.unit = Unit.ROW
        _read_workbook(reader)
        shown = [
            each
            for each, relation in reader.parser.find_sheets()
            if each.state == "visible" and relation.Type.endswith("/worksheet")
        ]
        wanted = [each for each in shown if sheet is None or each.name == sheet][:1]
        reader.parser.sheets = wanted
        reader.read_worksheets()
        if not reader.wb.worksheets:
            raise TableError(TableFault.EMPTY)
        worksheet: Any = reader.wb.worksheets[0]
        worksheet.reset_dimensions()  # what the sheet says of its size may not be so
        return Book(
            limits=limits,
            sheet=worksheet.title,
            other_sheets=tuple(each.name for each in shown if each is not wanted[0]),
            worksheet=worksheet,
        )


def _read_workbook(reader: "ExcelReader") -> None:
    from openpyxl.styles.stylesheet import apply_stylesheet

    reader.read_workbook()
    apply_stylesheet(reader.archive, reader.wb)


@contextmanager
def _told_as_faults() -> Iterator[None]:
    try:
        yield
    except (TableError, MemoryError):
        raise
    except Exception as error:  # openpyxl raises whatever a file that is broken, or made to be, leads it to
        raise TableError(TableFault.DAMAGED) from error


# Cells ----------------------------------------------------------------------------------------------------------


def _text(cell: Any, epoch: datetime) -> str:
    """What somebody reads in a cell that is not empty; of a formula, the formula."""
    value = cell.value
    if isinstance(value, str):
        return value
    if cell.data_type == "f":
        return getattr(value, "text", None) or "="
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number_text(value, cell.number_format)
    return _time_text(value, epoch)


def _time_text(value: date | time | timedelta, epoch: datetime) -> str:
    """A day as 2027-03-01, with the time of day behind it where there is one; a time alone as 13:45."""
    if isinstance(value, datetime):
        if value < epoch:
            return _plain((value - epoch) / timedelta(days=1))  # it is below nought, whatever its format says
        return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, timedelta):
        minutes = round(value / timedelta(minutes=1))
        return f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{value:%H:%M}" if isinstance(value, time) else value.isoformat()


def _number_text(number: float, number_format: str) -> str:
    """As it stands, rather than rounded; with the `<` or `>` and the percent sign that its format adds."""
    sign, is_percent = _added(number_format)
    return StoredNumber(f"{_plain(number * 100)}%" if is_percent else sign + _plain(number))


@lru_cache(maxsize=256)
def _added(number_format: str) -> tuple[str, bool]:
    """The `<` or `>` that the format writes before positive numbers, and whether it shows them in percent."""
    positive = number_format.partition(";")[0]
    written = re.sub(r"\[[^\]]*\]", "", positive).replace('"', "").replace("\\", "").lstrip()
    return written[0] if written[:1] in {"<", ">"} else "", "%" in LITERAL.sub("", positive)


def _plain(number: float) -> StoredNumber:
    """With a decimal point, and the 15 digits that a spreadsheet keeps: 0.1 + 0.2 is 0.3."""
    return StoredNumber(f"{Decimal(f'{number:.15g}'):f}")
