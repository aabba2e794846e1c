"""What an owner has to state about a lot beside its laboratory values, by material."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from geo.materials import Material, MaterialGroup

ROCK: Final = frozenset({"blasted_rock", "tbm_rock", "crushed_rock", "cobble", "base_course", "stone_dust"})
"""Materials that come from solid rock, which may be alum or black shale."""
HUMIC: Final = frozenset({"topsoil", "subsoil", "peat"})
"""Soil with humus, seeds and roots in it."""
FARMLAND: Final = "topsoil"
"""Matjord: from farmland unless the owner says otherwise."""
STORED_AS_WASTE: Final = frozenset({"asphalt"})
STORAGE_LIMIT_YEARS: Final = 3
"""Asphalt flakes stored longer become a landfill."""


class DeclarationKind(StrEnum):
    """Statements about a lot, each worded so that keeping it is what makes the lot fit."""

    VIRGIN_AREA = "virgin_area"
    """Comes from a documented unpolluted area: the one basis for "declared, not tested". Needs its basis in words."""
    NOT_ACID_FORMING = "not_acid_forming"
    """Is neither alum shale nor black shale, which count as contaminated until documented otherwise (M-2105/2021)."""
    ALIEN_SPECIES = "alien_species"
    """Free of alien species that spread (forskrift om fremmede organismer 24; M-982)."""
    FARMLAND_PESTS = "farmland_pests"
    """Free of potato cyst nematode and wild oats."""
    NO_PLANT_WASTE = "no_plant_waste"
    """Roots, stumps and plant waste are taken out."""
    NO_FOREIGN_PARTS = "no_foreign_parts"
    """No reinforcement, plastic or soft joints in it (chapter 14A)."""
    NO_COATING = "no_coating"
    """Has no paint, plaster or other coating, or it was removed: otherwise the coating is sampled apart."""


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
