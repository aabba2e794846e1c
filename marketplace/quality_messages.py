"""What stands in the way of a lot, what to do about it, and what its owner states, in words.

Sentences are English message ids with named parameters; the edges translate them.
"""

from typing import Final

from geo.gate import Obstacle, ObstacleKind, Remedy
from geo.proof import DeclarationKind
from marketplace.i18n_marker import N_

OBSTACLES: Final[dict[ObstacleKind, str]] = {
    ObstacleKind.NOT_DOCUMENTED: N_("Nothing shows yet that these masses are clean."),
    ObstacleKind.UNKNOWN: N_("The laboratory results do not settle whether these masses are clean."),
    ObstacleKind.CONTAMINATED: N_("The masses are contaminated, so they stay inside your organisation."),
    ObstacleKind.HAZARDOUS_POSSIBLE: N_("The masses may be hazardous waste. Only an expert may decide."),
    ObstacleKind.BASIS_MISSING: N_("Say what shows that the area has never been polluted."),
    ObstacleKind.CANNOT_BE_DECLARED: N_("Only natural ground can be declared clean. This material needs samples."),
    ObstacleKind.STORED_TOO_LONG: N_(
        "Flakes stored for more than three years are a landfill, and can no longer be offered."
    ),
}
CONTAMINATED_IN_CLASS: Final = N_(
    "The masses are in class %(soil_class)s, so they stay inside your organisation: using them elsewhere needs a"
    " permit."
)

MISSING: Final[dict[DeclarationKind, str]] = {
    DeclarationKind.VIRGIN_AREA: N_("State that the masses come from an area that has never been polluted."),
    DeclarationKind.NOT_ACID_FORMING: N_("State that the rock is neither alum shale nor black shale."),
    DeclarationKind.ALIEN_SPECIES: N_("State that the soil has been checked for alien species."),
    DeclarationKind.FARMLAND_PESTS: N_("State that the soil is free of potato cyst nematode and wild oats."),
    DeclarationKind.NO_PLANT_WASTE: N_("State that roots, stumps and plant waste are taken out."),
    DeclarationKind.NO_FOREIGN_PARTS: N_("State that reinforcement, plastic and soft joints are taken out."),
    DeclarationKind.NO_COATING: N_("State that there is no paint, plaster or other coating, or sample the coating."),
    DeclarationKind.FLAKES_STORED_SINCE: N_("Say since when the flakes have been stored."),
}
"""What to do where a material needs a statement that nobody has made."""

DENIED: Final[dict[DeclarationKind, str]] = {
    DeclarationKind.VIRGIN_AREA: N_("You have said that the area may be polluted."),
    DeclarationKind.NOT_ACID_FORMING: N_(
        "You have said that the rock may form acid. It counts as contaminated until samples show otherwise."
    ),
    DeclarationKind.ALIEN_SPECIES: N_("You have said that there may be alien species in the soil."),
    DeclarationKind.FARMLAND_PESTS: N_(
        "You have said that there may be potato cyst nematode or wild oats in the soil."
    ),
    DeclarationKind.NO_PLANT_WASTE: N_("You have said that there are roots or plant waste in it."),
    DeclarationKind.NO_FOREIGN_PARTS: N_("You have said that there is reinforcement, plastic or soft joints in it."),
    DeclarationKind.NO_COATING: N_("You have said that there is a coating on it, and the coating is not sampled."),
    DeclarationKind.FLAKES_STORED_SINCE: N_("Say since when the flakes have been stored."),
}

STATEMENTS: Final[dict[DeclarationKind, str]] = {
    DeclarationKind.VIRGIN_AREA: N_("The masses come from an area that is documented never to have been polluted"),
    DeclarationKind.NOT_ACID_FORMING: N_("The rock is neither alum shale nor black shale"),
    DeclarationKind.ALIEN_SPECIES: N_("The soil has been checked, and no alien species that spread were found"),
    DeclarationKind.FARMLAND_PESTS: N_("The soil is free of potato cyst nematode and wild oats"),
    DeclarationKind.NO_PLANT_WASTE: N_("Roots, stumps and plant waste are taken out"),
    DeclarationKind.NO_FOREIGN_PARTS: N_("There is no reinforcement, plastic or soft joint in it"),
    DeclarationKind.NO_COATING: N_("There is no paint, plaster or other coating on it"),
    DeclarationKind.FLAKES_STORED_SINCE: N_("The flakes have been stored since"),
}
"""What the owner states, as it stands beside a box to tick and on the lot."""

WHY: Final[dict[DeclarationKind, str]] = {
    DeclarationKind.VIRGIN_AREA: N_("Forurensningsforskriften chapter 2: no suspicion of pollution, now or before."),
    DeclarationKind.NOT_ACID_FORMING: N_("Such rock counts as contaminated until documented otherwise (M-2105/2021)."),
    DeclarationKind.ALIEN_SPECIES: N_("Required of soil with humus (forskrift om fremmede organismer § 24, M-982)."),
    DeclarationKind.FARMLAND_PESTS: N_("Required of soil from farmland."),
    DeclarationKind.NO_PLANT_WASTE: N_("Roots and plant waste are not clean masses."),
    DeclarationKind.NO_FOREIGN_PARTS: N_("Avfallsforskriften chapter 14A."),
    DeclarationKind.NO_COATING: N_("Avfallsforskriften chapter 14A: a coating is judged apart."),
    DeclarationKind.FLAKES_STORED_SINCE: N_("Stored for more than three years they become a landfill."),
}

REMEDIES: Final[dict[Remedy, str]] = {
    Remedy.ENTER_LAB_RESULTS: N_("Add laboratory results"),
    Remedy.SAMPLE_MASS: N_("Sample the mass itself: so far only the coating is sampled"),
    Remedy.DECLARE_ORIGIN: N_("Or declare that they come from an area that has never been polluted"),
    Remedy.STATE_BASIS: N_("Write what it rests on: a report, a map, what the place was used for before"),
    Remedy.ANALYSE_MISSING: N_("Have the missing parameters analysed"),
    Remedy.LOWER_LOQ: N_("Ask the laboratory for a lower limit of quantification"),
    Remedy.ASK_LABORATORY: N_("Ask the laboratory why the sum and its parts do not agree"),
    Remedy.DECLARE: N_("Answer the question"),
    Remedy.DOCUMENT_BY_SAMPLING: N_("Document the rock with samples as M-2105/2021 says"),
    Remedy.SAMPLE_COATING: N_("Sample the coating, and enter the results as a coating"),
    Remedy.REMOVE_COATING: N_("Remove the coating, and deliver it as waste"),
    Remedy.SORT: N_("Sort it out, then change your answer"),
    Remedy.KEEP_INSIDE: N_(
        "Use them inside your own project, or ask Miljødirektoratet for a permit to use them elsewhere"
    ),
    Remedy.DELIVER: N_("Deliver them to a receiver with a permit for such masses"),
    Remedy.ASK_EXPERT: N_("Let an expert in hazardous waste assess them"),
}


def obstacle_message(obstacle: Obstacle) -> tuple[str, dict[str, object]]:
    """What is in the way, as a message id and its parameters."""
    if obstacle.kind is ObstacleKind.DECLARATION_MISSING and obstacle.declaration is not None:
        return MISSING[obstacle.declaration], {}
    if obstacle.kind is ObstacleKind.DECLARATION_DENIED and obstacle.declaration is not None:
        return DENIED[obstacle.declaration], {}
    if obstacle.kind is ObstacleKind.CONTAMINATED and obstacle.soil_class is not None:
        return CONTAMINATED_IN_CLASS, {"soil_class": obstacle.soil_class}
    return OBSTACLES[obstacle.kind], {}
