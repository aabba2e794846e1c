"""What an owner has to state about a lot beside its laboratory values, by material."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from geo.materials import Material, MaterialGroup
from geo.proof import DeclarationKind

ROCK: Final = frozenset({"blasted_rock", "tbm_rock", "crushed_rock", "cobble", "base_course", "stone_dust"})
"""Materials that come from solid rock, which may be alum or black shale."""
HUMIC: Final = frozenset({"topsoil", "subsoil", "peat"})
"""Soil with humus, seeds and roots in it."""
FARMLAND: Final = "topsoil"
"""Matjord: from farmland unless the owner says otherwise."""
STORED_AS_WASTE: Final = frozenset({"asphalt"})
STORAGE_LIMIT_YEARS: Final = 3
"""Asphalt flakes stored longer become a landfill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A statement that the owner has made, or denied."""

    kind: DeclarationKind
    is_met: bool = True
    """False where the owner says that it is not so."""
    basis: str = ""
    """What it rests on: a report, a map, an earlier use of the place."""


def may_be_declared(material: Material) -> bool:
    """Whether an unpolluted origin can stand in for laboratory values: of natural ground only."""
    return material.group in {MaterialGroup.STONE, MaterialGroup.SOIL}


def required_declarations(
    material: Material, *, is_from_farmland: bool | None = None, has_coating_samples: bool = False
) -> tuple[DeclarationKind, ...]:
    """Return what must be stated of a lot of `material`, tested or not, in the order to ask it.

    `is_from_farmland` None is what the material itself suggests. Coatings that are sampled need no statement.
    """
    if is_from_farmland is None:
        is_from_farmland = material.key == FARMLAND
    needed = {
        DeclarationKind.NOT_ACID_FORMING: material.key in ROCK,
        DeclarationKind.ALIEN_SPECIES: material.key in HUMIC,
        DeclarationKind.FARMLAND_PESTS: is_from_farmland and material.key in HUMIC,
        DeclarationKind.NO_PLANT_WASTE: material.key in HUMIC,
        DeclarationKind.NO_FOREIGN_PARTS: material.group is MaterialGroup.CONCRETE,
        DeclarationKind.NO_COATING: material.group is MaterialGroup.CONCRETE and not has_coating_samples,
    }
    return tuple(kind for kind, is_needed in needed.items() if is_needed)


def storage_deadline(material: Material, stored_since: date) -> date | None:
    """Return the day from which the stored lot counts as a landfill; None for what may be stored."""
    if material.key not in STORED_AS_WASTE:
        return None
    year = stored_since.year + STORAGE_LIMIT_YEARS
    is_leap_day = (stored_since.month, stored_since.day) == (2, 29)
    return date(year, 3, 1) if is_leap_day else stored_since.replace(year=year)
