"""The materials that are traded, what a cubic metre of each weighs, and what may stand in for what.

Both tables are data: `seed/materials.csv` and `seed/substitutions.csv`, each row with its source and whether it has
been verified. A listing may override a density; the one used is stored with the quantity.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from geo.errors import FractionError, FractionFault, MaterialError, MaterialFault
from geo.quantities import EnteredMass, weigh
from geo.units import EnteredUnit, VolumeState

SEED_DIR: Final = Path(__file__).resolve().parent.parent / "seed"


class MaterialGroup(StrEnum):
    """The top level of the taxonomy: what a map colours by."""

    STONE = "stone"
    SOIL = "soil"
    CONCRETE = "concrete"
    ASPHALT = "asphalt"


class Treatment(StrEnum):
    """What has to be done to a material before it serves."""

    NONE = "none"
    SORTING = "sorting"
    SIEVING = "sieving"
    WASHING = "washing"
    CRUSHING = "crushing"


# Fractions ------------------------------------------------------------------------------------------------------

FRACTION_LIMIT_MM: Final = Decimal(2000)
"""Blocks of blasted rock beyond two metres are broken before they can be loaded."""

_SIZE: Final = r"[-−]?\d{1,6}(?:[.,]\d{1,3})?"
_FRACTION_TEXT: Final = re.compile(rf"\s*(?P<lower>{_SIZE})\s*[/–-]\s*(?P<upper>{_SIZE})\s*(?:mm)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fraction:
    """A grain fraction d/D: grains between two sieve sizes in millimetres, as NS-EN 13242 names it.

    Raises FractionError: negative, wrong_order, too_large.
    """

    lower_mm: Decimal
    upper_mm: Decimal

    def __post_init__(self) -> None:
        """Check 0 <= d < D <= limit."""
        if self.lower_mm < 0 or self.upper_mm < 0:
            raise FractionError(FractionFault.NEGATIVE)
        if self.lower_mm >= self.upper_mm:
            raise FractionError(FractionFault.WRONG_ORDER, lower_mm=self.lower_mm, upper_mm=self.upper_mm)
        if self.upper_mm > FRACTION_LIMIT_MM:
            raise FractionError(FractionFault.TOO_LARGE, limit_mm=FRACTION_LIMIT_MM)

    def __str__(self) -> str:
        """Return it as d/D with decimal points and no needless zeros: 8/16, 0/5.6."""
        return f"{_plain(self.lower_mm)}/{_plain(self.upper_mm)}"

    def lies_within(self, other: "Fraction") -> bool:
        """Tell whether every grain of this fraction is one of the other's."""
        return self.lower_mm >= other.lower_mm and self.upper_mm <= other.upper_mm


def read_fraction(text: str) -> Fraction:
    """Return the fraction written as 8/16, 22-120, 0/5,6 or 0/32 mm.

    Raises FractionError: not_a_fraction, negative, wrong_order, too_large.
    """
    found = _FRACTION_TEXT.fullmatch(text)
    if found is None:
        raise FractionError(FractionFault.NOT_A_FRACTION)
    lower, upper = (Decimal(size.replace(",", ".").replace("−", "-")) for size in found.group("lower", "upper"))
    return Fraction(lower_mm=lower, upper_mm=upper)


def _plain(size_mm: Decimal) -> str:
    return f"{size_mm.normalize():f}"


# Materials ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A kind of mass. Densities are in t/m3 by state; a state without one is not traded in, or not known."""

    key: str
    name_no: str
    name_en: str
    group: MaterialGroup
    ewc: str | None
    """Code of the European list of wastes; None for a product."""
    ns9431: str | None
    """Norwegian waste-type code (NS 9431); None for a product."""
    densities_t_per_m3: Mapping[VolumeState, Decimal] = field(hash=False)
    has_fraction: bool
    """Whether a grain fraction d/D says something about it."""
    typical_fraction: Fraction | None
    """What to show as an example, never a default."""
    note: str
    source: str
    is_verified: bool

    def density_t_per_m3(self, unit: EnteredUnit) -> Decimal | None:
        """Return the density for volumes in `unit`; None for tonnes, and where the state has none."""
        return None if unit.state is None else self.densities_t_per_m3.get(unit.state)

    @property
    def units(self) -> tuple[EnteredUnit, ...]:
        """The units a quantity of it can be entered in without stating a density."""
        return tuple(unit for unit in EnteredUnit if unit.state is None or unit.state in self.densities_t_per_m3)

    def weigh(self, amount: Decimal, unit: EnteredUnit, *, density_t_per_m3: Decimal | None = None) -> EnteredMass:
        """Return the mass of `amount`, by a stated density or else this material's own.

        Raises QuantityError: as `geo.quantities.weigh`.
        """
        if density_t_per_m3 is None:
            density_t_per_m3 = self.density_t_per_m3(unit)
        return weigh(amount, unit, density_t_per_m3=density_t_per_m3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution:
    """One material standing in for another: after which treatment, and how well (0 < fitness <= 1)."""

    demanded: str
    offered: str
    treatment: Treatment
    fitness: float
    note_no: str
    note_en: str
    source: str
    is_verified: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taxonomy:
    """All materials by key, and what may stand in for what."""

    materials: Mapping[str, Material]
    substitutions: Mapping[tuple[str, str], Substitution]
    """By (demanded, offered). A material for itself is not in it: see `substitution`."""

    def material(self, key: str) -> Material:
        """Return the material with this key.

        Raises MaterialError: unknown_material.
        """
        try:
            return self.materials[key]
        except KeyError:
            raise MaterialError(MaterialFault.UNKNOWN_MATERIAL, key=key) from None

    def in_group(self, group: MaterialGroup) -> tuple[Material, ...]:
        """Return the materials of a group, in the order of the table."""
        return tuple(material for material in self.materials.values() if material.group is group)

    def substitution(self, *, demanded: str, offered: str) -> Substitution | None:
        """Return how `offered` serves where `demanded` is asked for; None where it does not.

        A material serves for itself, untreated and fully.
        Raises MaterialError: unknown_material.
        """
        self.material(offered)
        if demanded == offered:
            return _itself(demanded)
        return self.substitutions.get((self.material(demanded).key, offered))

    def compatible_offers(self, demanded: str) -> frozenset[str]:
        """Return the keys of every material that may serve where `demanded` is asked for, itself among them."""
        return frozenset({self.material(demanded).key} | {o for d, o in self.substitutions if d == demanded})

    def compatible_demands(self, offered: str) -> frozenset[str]:
        """Return the keys of every material that `offered` may serve for, itself among them."""
        return frozenset({self.material(offered).key} | {d for d, o in self.substitutions if o == offered})


def _itself(key: str) -> Substitution:
    return Substitution(
        demanded=key,
        offered=key,
        treatment=Treatment.NONE,
        fitness=1.0,
        note_no="",
        note_en="",
        source="the same material",
        is_verified=True,
    )


# Reading the tables ---------------------------------------------------------------------------------------------


@cache
def taxonomy() -> Taxonomy:
    """Return the taxonomy of the seed tables, read once."""
    return read_taxonomy(SEED_DIR / "materials.csv", SEED_DIR / "substitutions.csv")


def read_taxonomy(materials_csv: Path, substitutions_csv: Path) -> Taxonomy:
    """Return the taxonomy in two tables.

    Raises MaterialError: bad_table, for a row that cannot be read, a key that is there twice or is not a material.
    """
    materials: dict[str, Material] = {}
    for line, row in _rows(materials_csv):
        material = _material(row, line=line)
        if material.key in materials:
            raise _bad_row(line, f"{material.key} is there twice")
        materials[material.key] = material
    substitutions: dict[tuple[str, str], Substitution] = {}
    for line, row in _rows(substitutions_csv):
        substitution = _substitution(row, line=line)
        pair = (substitution.demanded, substitution.offered)
        if not materials.keys() >= set(pair) or len(set(pair)) == 1 or pair in substitutions:
            raise _bad_row(line, f"{pair} is not a new pair of two materials")
        substitutions[pair] = substitution
    return Taxonomy(materials=MappingProxyType(materials), substitutions=MappingProxyType(substitutions))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restval="")
        for row in reader:
            yield reader.line_num, row


def _material(row: Mapping[str, str], *, line: int) -> Material:
    try:
        return Material(
            key=row["key"],
            name_no=row["name_no"],
            name_en=row["name_en"],
            group=MaterialGroup(row["group"]),
            ewc=row["ewc"] or None,
            ns9431=row["ns9431"] or None,
            densities_t_per_m3=MappingProxyType(_densities(row)),
            has_fraction=_yes(row["has_fraction"]),
            typical_fraction=read_fraction(row["typical_fraction"]) if row["typical_fraction"] else None,
            note=row["note"],
            source=row["source"],
            is_verified=_yes(row["verified"]),
        )
    except (KeyError, ValueError, InvalidOperation, FractionError) as error:
        raise _bad_row(line, repr(error)) from error


def _densities(row: Mapping[str, str]) -> dict[VolumeState, Decimal]:
    """The densities a row gives; a loose or placed one it leaves out is worked out: loose = bank / f_loose."""
    bank, loose, placed = (_number(row[name]) for name in ("bank_t_m3", "loose_t_m3", "placed_t_m3"))
    found = {
        VolumeState.BANK: bank,
        VolumeState.LOOSE: loose or _swollen(bank, _number(row["f_loose"])),
        VolumeState.PLACED: placed or _swollen(bank, _number(row["f_placed"])),
    }
    return {state: density for state, density in found.items() if density is not None}


def _swollen(bank_t_per_m3: Decimal | None, factor: Decimal | None) -> Decimal | None:
    """Density after swelling, to the two decimals of the table: the mass of one bank m3 spread over `factor` m3."""
    if bank_t_per_m3 is None or factor is None:
        return None
    return (bank_t_per_m3 / factor).quantize(Decimal("0.01"))


def _substitution(row: Mapping[str, str], *, line: int) -> Substitution:
    try:
        fitness = float(row["fitness"])
        if not 0 < fitness <= 1:
            raise ValueError(f"fitness {fitness} is not in (0, 1]")
        return Substitution(
            demanded=row["demanded"],
            offered=row["offered"],
            treatment=Treatment(row["treatment"]),
            fitness=fitness,
            note_no=row["note_no"],
            note_en=row["note_en"],
            source=row["source"],
            is_verified=_yes(row["verified"]),
        )
    except (KeyError, ValueError) as error:
        raise _bad_row(line, repr(error)) from error


def _number(text: str) -> Decimal | None:
    if not text:
        return None
    number = Decimal(text)
    if not (number.is_finite() and number > 0):
        raise ValueError(f"{text} is not a positive number")
    return number


def _yes(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError(f"{text!r} is neither yes nor no")
    return text == "yes"


def _bad_row(line: int, reason: str) -> MaterialError:
    return MaterialError(MaterialFault.BAD_TABLE, line=line, reason=reason)
