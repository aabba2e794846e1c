"""Tables that are read on a page and taken home as CSV: a cell has the words for people and the value for machines."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from babel.dates import format_date
from flask_babel import get_locale

from geo.months import Month
from marketplace.charts import Chart
from marketplace.disclosure import Shown
from marketplace.filters import EN_DASH, number
from marketplace.web.downloads import CSV_ENCODING, harmless, locale

FILE_DECIMALS: Final = 3
"""Of figures in a file, at most: a tonne to the kilogram, a kilogram to the gram."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    label: str
    unit: str = ""
    """Stands in the heading, behind the label."""
    is_numeric: bool = False

    @property
    def heading(self) -> str:
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What stands in a cell; `value` goes into the file where there is one, else `text`."""

    text: str
    value: Decimal | int | None = None
    href: str | None = None
    note: str = ""
    """Stands small beneath it on the page; the file has it in columns of its own."""
    in_file: str = ""
    """Stands in the file instead of the text, where machines want it otherwise."""
    heat: int = 0
    """From 1 to 5 where the cell is shaded by its figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    """The last line, of sums. It adds up what is shown."""

    @property
    def is_figures(self) -> bool:
        """Whether it is mostly numbers, which stay in their columns on a phone too; words become cards there."""
        return sum(not column.is_numeric for column in self.columns) <= 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One question about a region, answered by a chart, or by a table alone."""

    key: str
    title: str
    text: str
    sheet: Sheet
    chart: Chart | None = None
    note: str = ""
    held_back_deals: int = 0
    csv_href: str = ""
    file_sheet: Sheet | None = None
    """What the file has where the page's table is laid out otherwise."""
    empty: str = ""
    """Stands instead of all where there is nothing to show."""

    @property
    def is_empty(self) -> bool:
        return not self.sheet.rows


def words(text: str, *, href: str | None = None, note: str = "") -> Cell:
    return Cell(text=text, href=href, note=note)


def figure(
    value: Decimal | int | None, *, decimals: int = 0, href: str | None = None, heat: int = 0, text: str | None = None
) -> Cell:
    """A number, rounded for people and not for machines; a dash where it is not known."""
    if value is None:
        return Cell(text=EN_DASH)
    return Cell(text=number(value, decimals) if text is None else text, value=value, href=href, heat=heat)


def month_cell(month: Month, *, href: str | None = None) -> Cell:
    """By name for people, as 2026-03 for machines."""
    return Cell(text=format_date(month.first_day, "MMM yy", locale=get_locale()), href=href, in_file=str(month))


def nothing_in(found: Shown[Any]) -> Cell:
    """Where there is no group: nothing, or held back. The file has a zero only where nothing is held back."""
    return Cell(text=EN_DASH, value=None if found.held_back_deals else 0)


def csv_of(sheet: Sheet, *, about: Iterable[tuple[str, str]]) -> bytes:
    """The table as a file that a Norwegian Excel opens as it is meant, with lines of what it is about above it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerows([harmless(cell) for cell in line] for line in about)
    writer.writerow([])
    writer.writerow([harmless(column.heading) for column in sheet.columns])
    for row in (*sheet.rows, *([sheet.total] if sheet.total else [])):
        writer.writerow([_written(cell) for cell in row])
    return text.getvalue().encode(CSV_ENCODING)


def _written(cell: Cell) -> str:
    """A number plainly, so that a spreadsheet takes it for one, also below zero; all else as it stands on the page."""
    if cell.value is None:
        return "" if cell.text == EN_DASH else harmless(cell.in_file or cell.text)
    plain = f"{round(Decimal(cell.value), FILE_DECIMALS):f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return plain if locale() == "en" else plain.replace(".", ",")
