"""The columns of a table that people fill in, and how the headings and cells of a filled-in one are understood.

A heading is known by its name in either language, by synonyms and by its key, however it is capitalised, and whatever
stands behind it in brackets. A cell that says no more than a spreadsheet's formula has no value here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum, auto
from functools import lru_cache

from marketplace.errors import FieldError
from marketplace.i18n_marker import N_
from marketplace.parsing import UnclearNumber, read_day, read_decimal, two_readings
from marketplace.tables import Row, is_formula

HEADER_WITHIN_ROWS = 20
"""Titles, dates and merged headings stand above the headings proper."""
LEAST_KNOWN = 2
"""Headings that a row must have for being taken for the one with the headings."""

_BRACKETS = re.compile(r"[(\[][^)\]]*[)\]]?")
_NOT_WORDS = re.compile(r"[^\w³/%+]+")


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """The words of a text alone, to compare by: `  Mengde* ` and `mengde` are the same."""
    return _NOT_WORDS.sub(" ", text.casefold().replace("_", " ")).strip()


@lru_cache(maxsize=1024)
def folded_heading(text: str) -> str:
    """As `folded`, without what stands in brackets: `Mengde (tonn)` is `mengde`."""
    return folded(_BRACKETS.sub(" ", text)) or folded(text)


class CellKind(StrEnum):
    TEXT = auto()
    NUMBER = auto()
    DAY = auto()
    CHOICE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the answers a cell can hold; `value` is what the program calls it."""

    value: str
    name_no: str
    name_en: str
    synonyms: tuple[str, ...] = ()

    def name(self, locale: str) -> str:
        return self.name_en if locale == "en" else self.name_no


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`help` is a message id. `has_groups` as in `parsing.read_decimal`."""

    key: str
    header_no: str
    header_en: str
    help: str
    example_no: str = ""
    example_en: str = ""
    synonyms: tuple[str, ...] = ()
    kind: CellKind = CellKind.TEXT
    is_required: bool = False
    has_groups: bool = True
    choices: tuple[Choice, ...] = ()

    def header(self, locale: str) -> str:
        return self.header_en if locale == "en" else self.header_no

    def example(self, locale: str) -> str:
        return self.example_en if locale == "en" else self.example_no


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Which column stands where in a table; `line` is the row that said so."""

    line: int
    headings: tuple[str, ...]
    places: Mapping[str, int]
    """Column key -> index of its cells in a row."""
    unknown: tuple[str, ...]
    """Headings that are none of ours: their cells are left out of account."""
    twice: tuple[str, ...]
    """Headings that name a column which another heading has named before."""
    missing: tuple[Column, ...]
    """Columns that there must be."""


@lru_cache(maxsize=8)
def _names(columns: tuple[Column, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in columns:
        for name in (column.key, column.header_no, column.header_en, *column.synonyms):
            found.setdefault(folded_heading(name), column.key)
    return found


def read_header(headings: Sequence[str], columns: tuple[Column, ...], *, line: int = 1) -> Header:
    """What the headings of a table say of its columns."""
    names = _names(columns)
    places: dict[str, int] = {}
    unknown: list[str] = []
    twice: list[str] = []
    for index, heading in enumerate(headings):
        key = names.get(folded_heading(heading)) if heading else None
        if key is None:
            unknown += [heading] if heading else []
        elif key in places:
            twice.append(heading)
        else:
            places[key] = index
    return Header(
        line=line,
        headings=tuple(headings),
        places=places,
        unknown=tuple(unknown),
        twice=tuple(twice),
        missing=tuple(column for column in columns if column.is_required and column.key not in places),
    )


def find_header(rows: Iterable[Row], columns: tuple[Column, ...]) -> Header | None:
    """The row with the headings among the first rows of a table: the one that names most columns, the first of equals.

    None where no row names `LEAST_KNOWN` of them.
    """
    found = [read_header(row.cells, columns, line=row.number) for row in rows]
    best = max(found, key=lambda header: len(header.places), default=None)
    return best if best is not None and len(best.places) >= LEAST_KNOWN else None


# Cells ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _answers(choices: tuple[Choice, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for choice in choices:
        for name in (choice.value, choice.name_no, choice.name_en, *choice.synonyms):
            found.setdefault(folded(name), choice.value)
    return found


YES_OR_NO = (
    Choice(value="yes", name_no="ja", name_en="yes", synonyms=("j", "y", "true", "sann", "1", "x")),
    Choice(value="no", name_no="nei", name_en="no", synonyms=("n", "false", "usann", "0")),
)

BOTH_NAMED = 12
"""Choices that a message can name one by one."""


@dataclass(slots=True)
class RowReader:
    """Reads the cells of one row by column; what cannot be read is None, and told in `problems`."""

    cells: Mapping[str, str]
    decimal_sign: str
    columns: Mapping[str, Column]
    problems: list[FieldError] = field(default_factory=list)

    def text(self, key: str) -> str:
        """The cell; "" where there is none, or a formula."""
        typed = self.cells.get(key, "")
        if not typed:
            if self.columns[key].is_required:
                self.refuse(key, N_("This cell must not be empty."))
            return ""
        if is_formula(typed):
            self.refuse(key, N_("This is a formula. Paste what it comes to as a plain value."))
            return ""
        return typed

    def number(self, key: str) -> Decimal | None:
        typed = self.text(key)
        if not typed:
            return None
        try:
            return read_decimal(typed, decimal_sign=self.decimal_sign, has_groups=self.columns[key].has_groups)
        except UnclearNumber as unclear:
            thousands, parts = two_readings(str(unclear), decimal_sign=self.decimal_sign)
            self.refuse(
                key,
                N_("%(typed)s can be read in two ways. Write %(thousands)s or %(parts)s."),
                typed=typed,
                thousands=thousands,
                parts=Decimal(parts.replace(",", ".")),  # written in the visitor's own way
            )
        except ValueError:
            self.refuse(key, N_("Enter a number, with digits only."))
        return None

    def day(self, key: str) -> date | None:
        typed = self.text(key)
        if not typed:
            return None
        try:
            return read_day(typed)
        except ValueError:
            self.refuse(key, N_("Enter a day, for example 31.12.2027."))
            return None

    def choice(self, key: str) -> str | None:
        """The value of the choice."""
        typed = self.text(key)
        if not typed:
            return None
        choices = self.columns[key].choices
        value = _answers(choices).get(folded(typed))
        if value is None and len(choices) <= BOTH_NAMED:
            names = ", ".join(choice.name_no for choice in choices)
            self.refuse(key, N_("Write one of these: %(choices)s."), choices=names)
        elif value is None:
            self.refuse(key, N_("This is none of the choices. The template lists them."))
        return value

    def refuse(self, key: str, message: str, **params: object) -> None:
        self.problems.append(FieldError(field=key, message=message, params=params))

    @property
    def unread(self) -> frozenset[str]:
        """The columns that something is wrong with."""
        return frozenset(problem.field for problem in self.problems)
