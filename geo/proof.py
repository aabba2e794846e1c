"""The words for what a lot's quality rests on, and what came of it."""

from enum import StrEnum


class Medium(StrEnum):
    """What a sample was taken of."""

    MASS = "mass"
    COATING = "coating"
    """Paint, plaster or a joint on concrete and brick, judged apart from it (avfallsforskriften 14A)."""


class Documentation(StrEnum):
    """What a surplus's being clean rests on."""

    NONE = "none"
    DECLARED = "declared"
    TESTED = "tested"


class Outcome(StrEnum):
    """What a lot is judged to be."""

    CLEAN = "clean"
    CONDITIONAL = "conditional"
    """Concrete or brick with a coating that may be used again on conditions (avfallsforskriften 14A-5)."""
    CONTAMINATED = "contaminated"
    HAZARDOUS = "hazardous"
    """Possible hazardous waste: only an expert may decide."""
    UNKNOWN = "unknown"


class DeclarationKind(StrEnum):
    """What somebody may have to answer for about a lot, beside or instead of samples; `geo.declarations` says when.

    Each is worded so that keeping it is what makes the lot fit, but for the last, which is a day.
    """

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
    FLAKES_STORED_SINCE = "flakes_stored_since"
    """The day from which asphalt flakes have been stored."""
