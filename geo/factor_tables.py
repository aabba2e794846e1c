"""The tables of `seed/impact/`: sets of figures, each with its range, unit, source and year, and the sources in full.

A set may build on another one: what it does not name is as in that. `check_factor` is the one rule for what may stand
in a set at all, for the tables and for people who edit a draft alike.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from geo.errors import FactorError, FactorFault, QuantityError
from geo.factors import Factor, FactorSet
from geo.materials import SEED_DIR
from geo.quantities import Quantity
from geo.replacements import BRICK, FAMILIES

IMPACT_DIR: Final = SEED_DIR / "impact"

NAME: Final = "[a-z][a-z0-9_]{0,38}"
UNITS_OF_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    rf"vehicle\.{NAME}\.payload": ("t",),
    rf"vehicle\.{NAME}\.(full|empty)": ("l/km", "kWh/km"),
    r"fuel\.electricity\.(ttw|wtt)": ("kg CO2e/kWh",),
    rf"fuel\.{NAME}\.(ttw|wtt)": ("kg CO2e/l",),
    rf"circuity\.{NAME}": ("1",),
    rf"material\.{NAME}\.(primary|closed_loop|reused|landfill|handling)": ("kg CO2e/t",),
    r"default\.(landfill_share|empty_return|residue_share)": ("1",),
    r"default\.landfill_height": ("m",),
    r"default\.haulage_price": ("NOK/km",),
}
"""What keys there are, and the units their figures may be in; the first pattern that fits a key holds."""

SHARES: Final = frozenset({"default.landfill_share", "default.empty_return", "default.residue_share"})
POSITIVE: Final = re.compile(rf"vehicle\.{NAME}\.(payload|full|empty)|circuity\.{NAME}|default\.landfill_height")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedFactor:
    """A figure of the tables, and the year of its source."""

    factor: Factor
    year: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeedSet:
    """A set of the tables, what it builds on filled in. `status` is what it is loaded as where nothing is there yet."""

    version: str
    name: str
    status: str
    based_on: str | None
    default_vehicle: str
    default_fuel: str
    note: str
    factors: Mapping[str, SeedFactor]

    @property
    def figures(self) -> FactorSet:
        """The set to work things out with."""
        return FactorSet(
            version=self.version,
            default_vehicle=self.default_vehicle,
            default_fuel=self.default_fuel,
            factors={key: each.factor for key, each in self.factors.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where figures come from: what it is called in full, and where it is published."""

    key: str
    name_no: str
    name_en: str
    year: int | None
    licence: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactorTables:
    """Everything in the folder."""

    sets: Mapping[str, SeedSet]
    """By version, each after the one that it builds on."""
    sources: Mapping[str, Source]
    """By what a figure's source is called in short."""
    notes_no: Mapping[str, str]
    """The Norwegian of the notes and names of the tables, by the English."""


# What may stand in a set ----------------------------------------------------------------------------------------------


def units_of(key: str) -> tuple[str, ...]:
    """The units that a figure may be in; none for a key that there is not."""
    return next((units for pattern, units in UNITS_OF_KEYS.items() if re.fullmatch(pattern, key)), ())


def check_factor(key: str, quantity: Quantity) -> None:
    """Raise where a figure cannot stand in a set under this key.

    Raises FactorError: unknown_key, wrong_unit, negative, not_positive, not_a_share.
    """
    units = units_of(key)
    if not units:
        raise FactorError(FactorFault.UNKNOWN_KEY, key=key)
    if quantity.unit not in units:
        raise FactorError(FactorFault.WRONG_UNIT, key=key, unit=quantity.unit, units=", ".join(units))
    if quantity.low < 0:
        raise FactorError(FactorFault.NEGATIVE, key=key)
    if quantity.low == 0 and POSITIVE.fullmatch(key):
        raise FactorError(FactorFault.NOT_POSITIVE, key=key)
    if key in SHARES and quantity.high > 1:
        raise FactorError(FactorFault.NOT_A_SHARE, key=key)


def check_set(figures: FactorSet) -> None:
    """Raise where the method would not find in a set what it asks for.

    Raises FactorError: missing, and what `check_factor` raises.
    """
    for key, factor in figures.factors.items():
        check_factor(key, factor.quantity)
    figures.vehicle()
    for kind, name in sorted({(kind, name) for kind, name, *_ in (key.split(".") for key in figures.factors)}):
        if kind == "vehicle":
            figures.vehicle(name)
        elif kind == "material":
            figures.material(name)
        elif kind == "fuel":
            figures.factor(f"fuel.{name}.ttw")
            figures.factor(f"fuel.{name}.wtt")
    for name in ("oslo_region", "norway", "fjord_counties"):
        figures.circuity(name)
    for name in ("landfill_share", "empty_return", "residue_share", "landfill_height", "haulage_price"):
        figures.default(name)
    for family in (*FAMILIES.values(), BRICK):
        figures.material(family)


# Reading the tables ---------------------------------------------------------------------------------------------------


@cache
def factor_tables() -> FactorTables:
    """Return the tables of `seed/impact/`, read once."""
    return read_factor_tables(IMPACT_DIR)


def read_factor_tables(folder: Path) -> FactorTables:
    """Return the tables in a folder.

    Raises FactorError: bad_table, for a row that cannot be read, and what `check_set` raises.
    """
    own: dict[str, dict[str, SeedFactor]] = {}
    notes_no: dict[str, str] = {}
    for line, row in _rows(folder / "factors.csv"):
        found = own.setdefault(row["factor_set"], {})
        if row["key"] in found:
            raise _bad_row("factors.csv", line, f"{row['key']} is there twice")
        found[row["key"]] = _factor(row, line=line)
        notes_no[row["note_en"]] = row["note_no"]
    sets: dict[str, SeedSet] = {}
    for line, row in _rows(folder / "factor_sets.csv"):
        based_on = row["based_on"] or None
        if based_on is not None and based_on not in sets:
            raise _bad_row("factor_sets.csv", line, f"{based_on} does not stand above it")
        sets[row["version"]] = _set(row, own=own.get(row["version"], {}), base=sets[based_on] if based_on else None)
        notes_no[row["note_en"]], notes_no[row["name"]] = row["note_no"], row["name_no"]
        check_set(sets[row["version"]].figures)
    sources = {row["source"]: _source(row, line=line) for line, row in _rows(folder / "sources.csv")}
    return FactorTables(
        sets=MappingProxyType(sets), sources=MappingProxyType(sources), notes_no=MappingProxyType(notes_no)
    )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restval="")
        for row in reader:
            yield reader.line_num, row


def _factor(row: dict[str, str], *, line: int) -> SeedFactor:
    try:
        quantity = Quantity(
            value=Decimal(row["value"]),
            low=Decimal(row["low"]),
            high=Decimal(row["high"]),
            unit=row["unit"],
            source=row["source"],
        )
        is_verified = {"yes": True, "no": False}[row["verified"]]
        year = int(row["year"]) if row["year"] else None
    except (KeyError, ValueError, InvalidOperation, QuantityError) as error:
        raise _bad_row("factors.csv", line, repr(error)) from error
    factor = Factor(key=row["key"], quantity=quantity, is_verified=is_verified, note=row["note_en"])
    return SeedFactor(factor=factor, year=year)


def _set(row: dict[str, str], *, own: Mapping[str, SeedFactor], base: SeedSet | None) -> SeedSet:
    factors = {**(base.factors if base else {}), **own}
    return SeedSet(
        version=row["version"],
        name=row["name"],
        status=row["status"],
        based_on=row["based_on"] or None,
        default_vehicle=row["default_vehicle"],
        default_fuel=row["default_fuel"],
        note=row["note_en"],
        factors=MappingProxyType(dict(sorted(factors.items()))),
    )


def _source(row: dict[str, str], *, line: int) -> Source:
    try:
        year = int(row["year"]) if row["year"] else None
    except ValueError as error:
        raise _bad_row("sources.csv", line, repr(error)) from error
    return Source(
        key=row["source"],
        name_no=row["name_no"],
        name_en=row["name_en"],
        year=year,
        licence=row["licence"],
        url=row["url"],
    )


def _bad_row(table: str, line: int, reason: str) -> FactorError:
    return FactorError(FactorFault.BAD_TABLE, table=table, line=line, reason=reason)
