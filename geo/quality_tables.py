"""The tables of `seed/quality/`: parameters, limits, sampling rules.

Each limit has its source and whether it has been verified. A parameter without a limit is known, and shown, but judges
nothing.
"""

import csv
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from geo.errors import LabError, LabFault
from geo.limits import (
    CLEAN,
    CONDITIONAL,
    CONTAMINATED,
    HAZARDOUS,
    SOIL_LEVELS,
    Level,
    Limit,
    Limits,
    LimitsByParameter,
    Parameter,
    RuleBook,
    RuleBookInfo,
    SamplingRule,
    Verified,
)
from geo.materials import SEED_DIR
from geo.proof import Medium

QUALITY_DIR: Final = SEED_DIR / "quality"

type Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QualityTables:
    """All parameters, limits and sampling rules."""

    parameters: Mapping[str, Parameter]
    names: Mapping[str, str]
    """Code by every way the name is written, as `plain_name` gives it."""
    parts: Mapping[str, tuple[str, ...]]
    """Codes by the sum they are a part of."""
    limits: Mapping[tuple[RuleBook, Medium], LimitsByParameter]
    rule_books: Mapping[RuleBook, RuleBookInfo]
    sampling: Mapping[str, SamplingRule]

    def parts_of(self, code: str) -> tuple[str, ...]:
        """The codes that make up a sum; empty for what is no sum."""
        return self.parts.get(code, ())

    def is_judged(self, code: str) -> bool:
        """Whether any rule book has a limit for it."""
        return any(code in limits for limits in self.limits.values())

    def limits_for(self, rule_book: RuleBook, medium: Medium) -> LimitsByParameter:
        """The limits by parameter; none for a coating on what has no rule for coatings."""
        return self.limits.get((rule_book, medium), MappingProxyType({}))


# Names ----------------------------------------------------------------------------------------------------------


def plain_name(name: str) -> str:
    """A parameter's name without what laboratories write in different ways: case, spaces, punctuation, Σ."""
    folded = unicodedata.normalize("NFKC", name).casefold().replace("σ", "sum")
    return "".join(letter for letter in folded if letter.isalnum())


# Reading the tables ---------------------------------------------------------------------------------------------


@cache
def quality_tables() -> QualityTables:
    """Return the tables of `seed/quality/`, read once."""
    return read_quality_tables(QUALITY_DIR)


def read_quality_tables(folder: Path) -> QualityTables:
    """Return the tables in a folder.

    Raises LabError: bad_table, for a row that cannot be read or does not fit the others.
    """
    parameters = _table(folder / "parameters.csv", _parameter, key=lambda parameter: parameter.code)
    limits = {
        (RuleBook.SOIL, Medium.MASS): _limits(folder / "limits_soil.csv", _soil_limits, parameters),
        (RuleBook.CHAPTER_14A, Medium.MASS): _limits(folder / "limits_concrete.csv", _concrete_limits, parameters),
        (RuleBook.CHAPTER_14A, Medium.COATING): _limits(folder / "limits_concrete.csv", _coating_limits, parameters),
        (RuleBook.ASPHALT, Medium.MASS): _limits(folder / "limits_asphalt.csv", _asphalt_limits, parameters),
    }
    return QualityTables(
        parameters=parameters,
        names=_names(folder / "parameters.csv"),
        parts=_parts(parameters),
        limits=MappingProxyType(limits),
        rule_books=_table(folder / "rule_books.csv", _rule_book, key=lambda book: book.key),
        sampling=_table(folder / "sampling.csv", _sampling_rule, key=lambda rule: rule.key),
    )


def _table[K, V](path: Path, read: Callable[[Row], V], *, key: Callable[[V], K]) -> Mapping[K, V]:
    found: dict[K, V] = {}
    for line, row in _rows(path):
        try:
            value = read(row)
            if key(value) in found:
                raise ValueError(f"{key(value)} is there twice")
        except (KeyError, ValueError, InvalidOperation) as error:
            raise LabError(LabFault.BAD_TABLE, table=path.name, line=line, reason=repr(error)) from error
        found[key(value)] = value
    return MappingProxyType(found)


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restval="")
        for row in reader:
            yield reader.line_num, row


def _parameter(row: Row) -> Parameter:
    return Parameter(
        code=row["code"],
        name_no=row["name_no"],
        name_en=row["name_en"],
        is_inorganic=_yes(row["is_inorganic"]),
        part_of=row["part_of"] or None,
        note=row["note"],
    )


def _names(path: Path) -> Mapping[str, str]:
    """Every way of writing a name; one that could mean two parameters is a mistake in the table."""
    found: dict[str, str] = {}
    for line, row in _rows(path):
        code = row["code"]
        for name in (code, row["name_no"], row["name_en"], *row["synonyms"].split("|")):
            if found.setdefault(plain_name(name), code) != code and plain_name(name):
                reason = f"{name} is a name of {found[plain_name(name)]} already"
                raise LabError(LabFault.BAD_TABLE, table=path.name, line=line, reason=reason)
    found.pop("", None)
    return MappingProxyType(found)


def _parts(parameters: Mapping[str, Parameter]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for parameter in parameters.values():
        if parameter.part_of is not None:
            found[parameter.part_of] = (*found.get(parameter.part_of, ()), parameter.code)
    return MappingProxyType(found)


def _limits(path: Path, read: Callable[[Row], Limits], parameters: Mapping[str, Parameter]) -> LimitsByParameter:
    def checked(row: Row) -> Limits:
        limits = read(row)
        values = [step.value_mg_kg for step in limits.steps]
        if limits.parameter not in parameters or values != sorted(values):
            raise ValueError(f"{limits.parameter} is no parameter, or its limits do not rise")
        return limits

    found = _table(path, checked, key=lambda limits: limits.parameter)
    return MappingProxyType({code: limits for code, limits in found.items() if limits.steps})


def _soil_limits(row: Row) -> Limits:
    steps = ((f"k{number}", "verified", SOIL_LEVELS[number]) for number in range(1, 6))
    return _limits_in(row, clean=SOIL_LEVELS[0], steps=steps)


def _concrete_limits(row: Row) -> Limits:
    return _limits_in(row, clean=CLEAN, steps=[("limit", "limit_verified", CONTAMINATED)])


def _coating_limits(row: Row) -> Limits:
    columns = {"coating_free": CONDITIONAL, "coating_max": CONTAMINATED, "coating_hazardous": HAZARDOUS}
    return _limits_in(
        row,
        clean=CLEAN,
        steps=((column, f"{column}_verified", beyond) for column, beyond in columns.items()),
        inclusive="coating_hazardous",
    )


def _asphalt_limits(row: Row) -> Limits:
    return _limits_in(row, clean=CLEAN, steps=[("limit", "verified", HAZARDOUS)])


def _limits_in(row: Row, *, clean: Level, steps: Iterable[tuple[str, str, Level]], inclusive: str = "") -> Limits:
    """The limits in those columns of a row that hold one: (value's column, its mark's column, what is beyond)."""
    return Limits(
        parameter=row["code"],
        clean=clean,
        steps=tuple(
            Limit(
                value_mg_kg=_positive(row[column]),
                beyond=beyond,
                verified=Verified(row[mark]),
                is_inclusive=column == inclusive,
            )
            for column, mark, beyond in steps
            if row[column]
        ),
        source=row["source"],
        note=row["note"],
    )


def _rule_book(row: Row) -> RuleBookInfo:
    names = {name: row[name] for name in ("version", "name_no", "name_en", "source", "note")}
    return RuleBookInfo(key=RuleBook(row["key"]), **names)


def _sampling_rule(row: Row) -> SamplingRule:
    return SamplingRule(
        key=row["key"],
        min_samples=int(row["min_samples"]),
        min_layers=int(row["min_layers"]),
        m3_per_sample=_positive(row["m3_per_sample"]),
        verified=Verified(row["verified"]),
        source=row["source"],
        note=row["note"],
    )


def _positive(text: str) -> Decimal:
    number = Decimal(text)
    if not (number.is_finite() and number > 0):
        raise ValueError(f"{text} is not a positive number")
    return number


def _yes(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError(f"{text!r} is neither yes nor no")
    return text == "yes"
