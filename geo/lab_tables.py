"""Tables of laboratory results, in the shapes in which Norwegian laboratories deliver them, understood row by row.

Three shapes are told apart by their headings: a row a result, a row a sample, and a column a sample. Lines above the
table, headings over several rows, a row of units and rows of limit values are expected. Every result is kept with what
it was understood as and what is wrong with it; nothing is left out in silence.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, islice
from typing import Final

from geo.errors import LabError, LabFault
from geo.lab_headings import Role, is_no_sample, medium_of, role_of
from geo.lab_layouts import FoundResult, Shape, TableRow, find_layout, known
from geo.lab_values import decimal_marks, mg_kg_per_unit, read_lab_value, split_unit
from geo.limits import Parameter
from geo.proof import Medium
from geo.quality import LabValue, Sample
from geo.quality_tables import QualityTables, quality_tables

HEADING_ROWS: Final = 60
"""Within so many rows the headings must come."""
MAX_RESULTS: Final = 20_000
"""No lot has more; a file that does is something else."""


class RowStatus(StrEnum):
    """What became of a result."""

    UNDERSTOOD = "understood"
    INFORMATIONAL = "informational"
    """Known, and without a limit; `value` is None where it is in a unit of its own (pH, mS/m)."""
    NOT_ANALYSED = "not_analysed"
    REPEATED = "repeated"
    """The same value of the same parameter and sample stands further up."""
    NO_SAMPLE = "no_sample"
    """A limit value or a mean beside the samples."""
    PROBLEM = "problem"
    """Not used; `problem` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRow:
    """One result, as it stands in the table and as it was understood."""

    line: int
    column: int
    """Both counted from 1, where the value stands."""
    sample: str
    medium: Medium
    is_sample_from_above: bool
    """Whether the cell of the sample is empty, as in merged cells, and the name comes from the row above."""
    parameter_text: str
    parameter: Parameter | None
    value_text: str
    unit_text: str
    value: LabValue | None
    status: RowStatus
    problem: LabError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabReading:
    """A whole table, understood."""

    shape: Shape
    rows: tuple[LabRow, ...]
    samples: tuple[Sample, ...]
    """Of what was understood, in the order of the table."""
    stated_unit: str
    """A unit that stands above the table for all of it; "" where there is none."""
    sheet: str = ""
    """The sheet of the file that it stands on, for who takes it from one to say."""

    @property
    def problems(self) -> tuple[LabRow, ...]:
        """The rows that are not used, and why."""
        return tuple(row for row in self.rows if row.problem is not None)

    @property
    def counts(self) -> Counter[RowStatus]:
        """How many results there are of each status."""
        return Counter(row.status for row in self.rows)


def read_lab_table(
    rows: Iterable[TableRow], *, assumed_unit: str = "", sample_name: str = "", tables: QualityTables | None = None
) -> LabReading:
    """Return the results in a table.

    `assumed_unit` is taken where the table names no unit, and `sample_name` where it names no sample; both are for the
    person to say, and without them such results have a problem.
    Raises LabError: no_heading, too_many_results.
    """
    tables = tables or quality_tables()
    stream = iter(rows)
    top = list(islice(stream, HEADING_ROWS))
    layout = find_layout(top, tables)
    if layout is None:
        raise LabError(LabFault.NO_HEADING)
    above = top[: layout.heading]
    stated_unit = _stated_unit(above)
    results = layout.results(chain(top[layout.start :], stream))
    # All are found before any is understood: what 1.234 is, a number further down may settle.
    found = list(islice(results, MAX_RESULTS))
    if next(results, None) is not None:
        raise LabError(LabFault.TOO_MANY_RESULTS, limit=MAX_RESULTS)
    reader = _ResultReader(
        tables=tables,
        marks=decimal_marks(text for result in found for text in (result.value, result.loq)),
        fallback_unit=stated_unit or assumed_unit,
        fallback_sample=(_stated_sample(above) if layout.shape is Shape.ROW_PER_RESULT else "") or sample_name,
    )
    settled = tuple(_without_conflicts([reader.read(result) for result in found]))
    return LabReading(shape=layout.shape, rows=settled, samples=_samples(settled), stated_unit=stated_unit)


# One result -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _ResultReader:
    """Understands results one by one."""

    tables: QualityTables
    marks: frozenset[str]
    """The decimal marks that the table uses."""
    fallback_unit: str
    fallback_sample: str

    def read(self, found: FoundResult) -> LabRow:
        """The result with what it was understood as; nothing about it raises."""
        parameter = known(found.parameter, self.tables)
        row = LabRow(
            line=found.line,
            column=found.column,
            sample=" ".join((found.sample or self.fallback_sample).split()),
            medium=medium_of(found.medium),
            is_sample_from_above=found.is_sample_from_above,
            parameter_text=found.parameter,
            parameter=parameter,
            value_text=str(found.value),
            unit_text=found.unit or self.fallback_unit,
            value=None,
            status=RowStatus.NOT_ANALYSED,
        )
        if is_no_sample(row.sample):
            return replace(row, status=RowStatus.NO_SAMPLE)
        if parameter is None:
            return _with_problem(row, LabError(LabFault.UNKNOWN_PARAMETER, name=found.parameter))
        is_needed = self.tables.is_judged(parameter.code) or parameter.part_of is not None
        try:
            value = read_lab_value(parameter.code, found.value, unit=row.unit_text, loq=found.loq, marks=self.marks)
        except LabError as error:
            return _with_problem(row, error) if is_needed else replace(row, status=RowStatus.INFORMATIONAL)
        if value is None:
            return row
        if not row.sample:
            return _with_problem(row, LabError(LabFault.NO_SAMPLE))
        return replace(row, value=value, status=RowStatus.UNDERSTOOD if is_needed else RowStatus.INFORMATIONAL)


def _with_problem(row: LabRow, problem: LabError) -> LabRow:
    return replace(row, value=None, status=RowStatus.PROBLEM, problem=problem)


def _stated_unit(above: Sequence[TableRow]) -> str:
    """The one unit of content that the lines above the table name; "" where there is none, or more than one."""
    named = {unit for row in above for cell in row.cells if (unit := split_unit(cell)[1])}
    factors = {_factor(unit) for unit in named} - {None}
    return min(named) if len(factors) == 1 and len(named) == 1 else ""


def _factor(unit: str) -> object:
    try:
        return mg_kg_per_unit(unit)
    except LabError:
        return None


def _stated_sample(above: Sequence[TableRow]) -> str:
    """The one sample that the lines above the table name; "" where there is none, or more than one."""
    found = set()
    for row in above:
        for cell, following in zip(row.cells, (*row.cells[1:], ""), strict=True):
            label, _, name = cell.partition(":")
            if cell and role_of(label) is Role.SAMPLE:
                found.add(name.strip() or following)
    found.discard("")
    return found.pop() if len(found) == 1 else ""


# All results together -------------------------------------------------------------------------------------------

type _Key = tuple[str, Medium, str]


def _key(row: LabRow) -> _Key:
    return row.sample.casefold(), row.medium, row.parameter.code if row.parameter else ""


def _without_conflicts(rows: Sequence[LabRow]) -> Iterator[LabRow]:
    """The rows, with those that repeat another marked, and a problem for those that contradict each other.

    Which of two that differ is right only a person can say, so that neither is used.
    """
    values: dict[_Key, dict[LabValue, list[int]]] = {}
    for row in rows:
        if row.value is not None:
            values.setdefault(_key(row), {}).setdefault(row.value, []).append(row.line)
    seen: set[_Key] = set()
    for row in rows:
        if row.value is None:
            yield row
            continue
        different = values[_key(row)]
        if len(different) > 1 and row.status is RowStatus.UNDERSTOOD:
            lines = sorted({line for lines in different.values() for line in lines})
            yield _with_problem(row, LabError(LabFault.CONFLICT, lines=", ".join(map(str, lines))))
        elif _key(row) in seen:
            yield replace(row, status=RowStatus.REPEATED)
        else:
            seen.add(_key(row))
            yield row


def _samples(rows: Iterable[LabRow]) -> tuple[Sample, ...]:
    names: dict[tuple[str, Medium], str] = {}
    values: dict[tuple[str, Medium], list[LabValue]] = {}
    for row in rows:
        if row.value is not None and row.status is not RowStatus.REPEATED:
            key = (row.sample.casefold(), row.medium)
            names.setdefault(key, row.sample)
            values.setdefault(key, []).append(row.value)
    return tuple(Sample(name=names[key], medium=key[1], values=tuple(values[key])) for key in names)
