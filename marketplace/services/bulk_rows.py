"""A row of a file on its way in: what the steps of an import hand each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Protocol

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import FieldError
from marketplace.models import ImportBatch
from marketplace.table_columns import Column, Header, RowReader, folded, read_header
from marketplace.types import ImportRowStatus

DERIVED = "auto:"
"""Begins the reference of a row that has none of its own: what stands in it is what makes it the same row again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedRow:
    """A row as it stood in the file. `reference` is None until it is checked."""

    line: int
    cells: tuple[str, ...]
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """What came of a row. A row that was applied has problems where it is not all that it should be, say published."""

    line: int
    status: ImportRowStatus
    reference: str | None
    listing_id: int | None = None
    problems: Sequence[FieldError] = ()


class RowKind(Protocol):
    """What is done with the rows of one kind of file, a chunk at a time. Each is safe to do twice."""

    columns: tuple[Column, ...]

    def check(
        self, session: Session, batch: ImportBatch, rows: Sequence[StagedRow], *, now: datetime
    ) -> list[RowOutcome]:
        """Good or bad; nothing is written."""

    def apply(
        self, session: Session, actor: Actor, batch: ImportBatch, rows: Sequence[StagedRow], *, now: datetime
    ) -> list[RowOutcome]:
        """Applied, unchanged, or bad: what was good when it was checked need not be any more."""


def header_of(batch: ImportBatch, columns: tuple[Column, ...]) -> Header:
    """What the headings of a staged file say."""
    return read_header(batch.header, columns)


@dataclass(frozen=True, slots=True)
class CellReader:
    """Makes the readers of a file's rows."""

    header: Header
    decimal_sign: str
    columns: Mapping[str, Column] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: ImportBatch, columns: tuple[Column, ...]) -> "CellReader":
        return cls(header_of(batch, columns), batch.decimal_sign, {column.key: column for column in columns})

    def row(self, cells: Sequence[str]) -> RowReader:
        named = {key: cells[place] for key, place in self.header.places.items() if place < len(cells)}
        return RowReader(cells=named, decimal_sign=self.decimal_sign, columns=self.columns)


def derived_reference(cells: Mapping[str, str], *, apart_from: Iterable[str]) -> str:
    """The reference of a row without one: the same for the same cells, in whatever order their columns stand."""
    left_out = set(apart_from)
    said = sorted((key, folded(text)) for key, text in cells.items() if text and key not in left_out)
    return DERIVED + blake2b(repr(said).encode(), digest_size=12).hexdigest()


# Problems as the database keeps them ------------------------------------------------------------------------------


def kept_problems(problems: Iterable[FieldError]) -> list[dict[str, Any]]:
    """Problems as JSON, to be put into words where they are shown."""
    return [
        {"column": each.field, "message": each.message, "params": {k: _kept(v) for k, v in each.params.items()}}
        for each in problems
    ]


def problem_from(kept: Mapping[str, Any]) -> FieldError:
    return FieldError(
        field=kept["column"], message=kept["message"], params={k: _given(v) for k, v in kept["params"].items()}
    )


def _kept(value: object) -> object:
    if isinstance(value, Decimal):
        return {"decimal": str(value)}  # numbers are written in the visitor's own way, so they must stay numbers
    return value if isinstance(value, int | float) else str(value)


def _given(value: Any) -> object:
    return Decimal(value["decimal"]) if isinstance(value, dict) else value
