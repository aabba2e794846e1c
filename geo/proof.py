"""The words for what a lot's quality rests on, and what came of it."""

from enum import StrEnum


class Medium(StrEnum):
    """What a sample was taken of."""

    MASS = "mass"
    COATING = "coating"
    """Paint, plaster or a joint on concrete and brick, judged apart from it (avfallsforskriften 14A)."""


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
    """What somebody may have to answer for about a lot, beside or instead of samples."""

    VIRGIN_AREA = "virgin_area"
    """It comes from a place that is documented never to have been polluted."""
    NOT_ACID_FORMING = "not_acid_forming"
    ALIEN_SPECIES = "alien_species"
    FARMLAND_PESTS = "farmland_pests"
    NO_FOREIGN_PARTS = "no_foreign_parts"
    NO_COAL_TAR = "no_coal_tar"
    FLAKES_STORED_SINCE = "flakes_stored_since"
