"""Where the results stand in a laboratory's table: a row a result, a row a sample, or a column a sample."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from geo.errors import LabError, LabFault
from geo.lab_headings import Role, named_role, role_of, sample_preference
from geo.lab_values import find_parameter, mg_kg_per_unit, split_unit
from geo.limits import Parameter
from geo.quality_tables import QualityTables

NEAR: Final = 2
"""Headings may be spread over so many rows above and below the one that names parameters."""


class TableRow(Protocol):
    """A row of text cells, and its number as a person sees it."""

    @property
    def number(self) -> int: ...

    @property
    def cells(self) -> tuple[str, ...]: ...


class Shape(StrEnum):
    """How a table lies."""

    ROW_PER_RESULT = "row_per_result"
    ROW_PER_SAMPLE = "row_per_sample"
    COLUMN_PER_SAMPLE = "column_per_sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundResult:
    """The cells that make up one result."""

    line: int
    column: int
    sample: str
    parameter: str
    value: str
    unit: str = ""
    loq: str = ""
    medium: str = ""
    is_sample_from_above: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A shape, the row of the headings, the first row of results (both from 0), and how to take results from rows."""

    shape: Shape
    heading: int
    start: int
    results: Callable[[Iterable[TableRow]], Iterator[FoundResult]]


def _cell(row: TableRow, column: int | None) -> str:
    return row.cells[column] if column is not None and column < len(row.cells) else ""


def with_sign(sign: str, value: str) -> str:
    """The value behind the sign that stands in a column of its own; what a spreadsheet stored as a number stays one."""
    return type(value)(sign + value) if sign else value


def find_layout(top: Sequence[TableRow], tables: QualityTables) -> Layout | None:
    """The layout of a table by its first rows; None where nothing in them names parameters."""
    for index, row in enumerate(top):
        roles = {role_of(cell) for cell in row.cells if cell}
        if {Role.PARAMETER, Role.VALUE} <= roles:
            return _row_per_result(index, row)
    across = [_parameters_in(row.cells, tables) for row in top]
    width = max((len(row.cells) for row in top), default=0)
    down = [_parameters_in([_cell(row, column) for row in top], tables) for column in range(width)]
    most_across = max(across, key=len, default=[])
    most_down = max(down, key=len, default=[])
    if max(len(most_across), len(most_down)) < 2:
        return None
    if len(most_across) >= len(most_down):
        return _row_per_sample(top, across.index(most_across), most_across, tables)
    return _column_per_sample(top, down.index(most_down), most_down, tables)


def _parameters_in(cells: Sequence[str], tables: QualityTables) -> list[int]:
    return [
        place for place, cell in enumerate(cells) if cell and role_of(cell) is None and known(cell, tables) is not None
    ]


def known(heading: str, tables: QualityTables) -> Parameter | None:
    """The parameter a heading names, with or without a unit behind it."""
    return find_parameter(heading, tables=tables) or find_parameter(split_unit(heading)[0], tables=tables)


def named(heading: str, tables: QualityTables) -> tuple[str, str]:
    """The name and the unit in a heading; a `%` that belongs to the name (TS%) is left in it."""
    return (heading, "") if find_parameter(heading, tables=tables) else split_unit(heading)


def _is_unit(cell: str) -> bool:
    try:
        mg_kg_per_unit(cell)
    except LabError as error:
        return error.code in {LabFault.LEACHATE, LabFault.RADIOACTIVITY, LabFault.WET_WEIGHT}
    return True


# A row a result -------------------------------------------------------------------------------------------------


def _row_per_result(index: int, heading: TableRow) -> Layout:
    columns = _columns_by_role(heading)
    value_unit = split_unit(heading.cells[columns[Role.VALUE]])[1]

    def results(rows: Iterable[TableRow]) -> Iterator[FoundResult]:
        above = ""
        for row in rows:
            cells = {role: _cell(row, column) for role, column in columns.items()}
            named = cells.get(Role.SAMPLE, "")
            above = named or above
            if not cells[Role.PARAMETER] and not cells[Role.VALUE]:
                continue
            yield FoundResult(
                line=row.number,
                column=columns[Role.VALUE] + 1,
                sample=above,
                is_sample_from_above=not named and bool(above),
                parameter=cells[Role.PARAMETER],
                value=with_sign(cells.get(Role.SIGN, ""), cells[Role.VALUE]),
                unit=cells.get(Role.UNIT, "") or value_unit,
                loq=cells.get(Role.LOQ, ""),
                medium=cells.get(Role.MEDIUM, ""),
            )

    return Layout(shape=Shape.ROW_PER_RESULT, heading=index, start=index + 1, results=results)


def _columns_by_role(heading: TableRow) -> dict[Role, int]:
    found: dict[Role, int] = {}
    for column, cell in enumerate(heading.cells):
        role = role_of(cell) if cell else None
        if role is None:
            continue
        if role is Role.SAMPLE and Role.SAMPLE in found:
            if sample_preference(cell) < sample_preference(heading.cells[found[role]]):
                found[role] = column
        else:
            found.setdefault(role, column)
    return found


# A row a sample -------------------------------------------------------------------------------------------------


def _row_per_sample(top: Sequence[TableRow], index: int, columns: Sequence[int], tables: QualityTables) -> Layout:
    heading = top[index]
    above = top[max(0, index - NEAR) : index]
    around = [*above, *top[index : index + NEAR + 1]]
    sample_column = _sample_column(around, heading, columns)
    medium_column = _column_of(Role.MEDIUM, around, columns)
    units = {column: named(heading.cells[column], tables)[1] for column in columns}
    loqs: dict[int, str] = {}
    for row in above:
        _add_units(units, row)
    start = index + 1
    while start < len(top) and _belongs_to_heading(top[start], columns, sample_column):
        _add_units(units, top[start])
        if role_of(_cell(top[start], sample_column)) is Role.LOQ:
            loqs = {column: _cell(top[start], column) for column in columns}
        start += 1
    unknown = [
        column
        for column, cell in enumerate(heading.cells)
        if cell and column not in {*columns, sample_column} and not _has_role([*above, heading], column)
    ]

    def results(rows: Iterable[TableRow]) -> Iterator[FoundResult]:
        for column in unknown:
            yield FoundResult(
                line=heading.number, column=column + 1, sample="", parameter=heading.cells[column], value=""
            )
        for row in rows:
            sample = _cell(row, sample_column)
            if named_role(split_unit(sample)[0]) in {Role.UNIT, Role.LOQ, Role.SAMPLE}:
                continue  # a heading that comes again
            for column in columns:
                if value := _cell(row, column):
                    yield FoundResult(
                        line=row.number,
                        column=column + 1,
                        sample=sample,
                        parameter=named(heading.cells[column], tables)[0],
                        value=value,
                        unit=units[column],
                        loq=loqs.get(column, ""),
                        medium=_cell(row, medium_column),
                    )

    return Layout(shape=Shape.ROW_PER_SAMPLE, heading=index, start=start, results=results)


def _has_role(rows: Sequence[TableRow], column: int) -> bool:
    return any(role_of(_cell(row, column)) is not None for row in rows if _cell(row, column))


def _column_of(role: Role, rows: Sequence[TableRow], taken: Sequence[int]) -> int | None:
    found = (column for row in rows for column, cell in enumerate(row.cells) if cell and role_of(cell) is role)
    return next((column for column in found if column not in taken), None)


def _sample_column(around: Sequence[TableRow], heading: TableRow, taken: Sequence[int]) -> int | None:
    """The column under the best heading for samples; else the first that is nothing else."""
    found = [
        (sample_preference(cell), column)
        for row in around
        for column, cell in enumerate(row.cells)
        if cell and column not in taken and role_of(cell) is Role.SAMPLE
    ]
    if found:
        return min(found)[1]
    free = (column for column, cell in enumerate(heading.cells) if column not in taken and role_of(cell) is None)
    return next(free, None)


def _add_units(units: dict[int, str], row: TableRow) -> None:
    """Take the units of a row that holds them."""
    cells = {column: _cell(row, column) for column in units if _cell(row, column)}
    if cells and all(_is_unit(cell) for cell in cells.values()):
        for column, cell in cells.items():
            units[column] = units[column] or cell


def _belongs_to_heading(row: TableRow, columns: Sequence[int], sample_column: int | None) -> bool:
    cells = [_cell(row, column) for column in columns if _cell(row, column)]
    return all(_is_unit(cell) for cell in cells) or role_of(_cell(row, sample_column)) in {Role.LOQ, Role.UNIT}


# A column a sample ----------------------------------------------------------------------------------------------


def _column_per_sample(
    top: Sequence[TableRow], names_column: int, named_rows: Sequence[int], tables: QualityTables
) -> Layout:
    start = named_rows[0]
    above = top[:start]
    index = _sample_row(above, names_column)
    heading = above[index] if index is not None else None
    width = max((len(row.cells) for row in top), default=0)
    roles = _roles_of_columns(above[-1 - 2 * NEAR :], names_column, width)
    data = [top[place] for place in named_rows]
    unit_column = roles.get(Role.UNIT) or _unit_column(data, names_column, width)
    skipped = {unit_column, *roles.values()} | _other_columns(above, names_column)
    sample_columns = [
        column
        for column in range(names_column + 1, width)
        if column not in skipped and ((heading and _cell(heading, column)) or _has_numbers(data, column))
    ]
    medium_row = next(
        (row for row in above if any(role_of(cell) is Role.MEDIUM for cell in _labels(row, names_column))), None
    )

    def results(rows: Iterable[TableRow]) -> Iterator[FoundResult]:
        for row in rows:
            label = _cell(row, names_column)
            values = {column: _cell(row, column) for column in sample_columns if _cell(row, column)}
            if not label or not values or role_of(label) is not None:
                continue
            name, unit = named(label, tables)
            if known(label, tables) is None:
                values = dict([next(iter(values.items()))])  # to be told once, not for each sample
            for column, value in values.items():
                yield FoundResult(
                    line=row.number,
                    column=column + 1,
                    sample=_cell(heading, column) if heading else "",
                    parameter=name,
                    value=value,
                    unit=_cell(row, unit_column) or unit,
                    loq=_cell(row, roles.get(Role.LOQ)),
                    medium=_cell(medium_row, column) if medium_row else "",
                )

    return Layout(shape=Shape.COLUMN_PER_SAMPLE, heading=index or 0, start=start, results=results)


def _labels(row: TableRow, names_column: int) -> Sequence[str]:
    return [cell for cell in row.cells[: names_column + 1] if cell]


def _sample_row(above: Sequence[TableRow], names_column: int) -> int | None:
    """The row that names the samples: by its label, else the last one with anything beside the parameters."""
    labelled = [
        (sample_preference(label), index)
        for index, row in enumerate(above)
        for label in _labels(row, names_column)
        if role_of(label) is Role.SAMPLE and any(row.cells[names_column + 1 :])
    ]
    if labelled:
        return min(labelled)[1]
    filled = [index for index, row in enumerate(above) if any(row.cells[names_column + 1 :])]
    return filled[-1] if filled else None


def _roles_of_columns(above: Sequence[TableRow], names_column: int, width: int) -> dict[Role, int]:
    found: dict[Role, int] = {}
    for row in above:
        for column in range(names_column + 1, width):
            role = role_of(_cell(row, column)) if _cell(row, column) else None
            if role in {Role.UNIT, Role.LOQ}:
                found.setdefault(role, column)
    return found


def _other_columns(above: Sequence[TableRow], names_column: int) -> set[int]:
    return {
        column
        for row in above
        for column, cell in enumerate(row.cells)
        if column > names_column and cell and role_of(cell) is Role.OTHER
    }


def _unit_column(data: Sequence[TableRow], names_column: int, width: int) -> int | None:
    """A column without a heading that holds nothing but units."""
    for column in range(names_column + 1, width):
        cells = [_cell(row, column) for row in data if _cell(row, column)]
        if cells and sum(map(_is_unit, cells)) >= 0.8 * len(cells):
            return column
    return None


def _has_numbers(data: Sequence[TableRow], column: int) -> bool:
    return any(_cell(row, column)[:1] in set("0123456789<") for row in data if _cell(row, column))
