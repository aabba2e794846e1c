"""What the three tests of recovery are called, what is asked, and what the answers come to."""

from typing import Final

from marketplace.i18n_marker import N_
from marketplace.recovery import Recovery
from marketplace.types import RecoveryTest

TITLES: Final[dict[RecoveryTest, str]] = {
    RecoveryTest.CARRIED_OUT_REGARDLESS: N_("The works would be carried out anyway"),
    RecoveryTest.QUANTITY_MATCHES_NEED: N_("The quantity matches the need"),
    RecoveryTest.SUITABLE: N_("The masses suit the purpose"),
}

QUESTIONS: Final[dict[RecoveryTest, str]] = {
    RecoveryTest.CARRIED_OUT_REGARDLESS: N_("Would the works be carried out without these masses, too?"),
    RecoveryTest.QUANTITY_MATCHES_NEED: N_("Is the quantity no more than the works need?"),
    RecoveryTest.SUITABLE: N_("Are the masses suitable for what they are used for?"),
}

HINTS: Final[dict[RecoveryTest, str]] = {
    RecoveryTest.CARRIED_OUT_REGARDLESS: N_(
        "They replace something only where other masses would have been bought. A building permit, a zoning plan or a"
        " contract shows it."
    ),
    RecoveryTest.QUANTITY_MATCHES_NEED: N_(
        "Filling higher or wider than the purpose takes is disposal. A drawing or a calculation of quantities shows it."
    ),
    RecoveryTest.SUITABLE: N_(
        "Bearing, drainage, frost, and what it may be mixed with. The specification of the works shows it."
    ),
}

OUTCOMES: Final[dict[Recovery, str]] = {
    Recovery.RECOVERY: N_("Recovery"),
    Recovery.NOT_RECOVERY: N_("Not recovery"),
    Recovery.UNANSWERED: N_("Not answered yet"),
}

CONSEQUENCES: Final[dict[Recovery, str]] = {
    Recovery.RECOVERY: N_("All three tests hold: the virgin material that the masses replace is credited."),
    Recovery.NOT_RECOVERY: N_("No virgin material is credited: a use that fails one of the three tests is disposal."),
    Recovery.UNANSWERED: N_("No virgin material is credited until all three tests are answered."),
}
