"""Whether a use of surplus masses counts as recovery, and what follows from it.

Source: rules.md, Recovery or disposal (forurensningsloven 27 and 32). All three tests must hold. Where one does not,
the use is not recovery: the substitution share is 0, and no virgin material is credited as avoided. A test that nobody
has answered credits nothing either, until it is answered.
"""

from collections.abc import Mapping
from enum import StrEnum

from marketplace.types import RecoveryTest


class Recovery(StrEnum):
    """What the answers come to."""

    RECOVERY = "recovery"
    NOT_RECOVERY = "not_recovery"
    UNANSWERED = "unanswered"

    @property
    def credits_virgin_material(self) -> bool:
        return self is Recovery.RECOVERY


def recovery_of(answers: Mapping[RecoveryTest, bool]) -> Recovery:
    """What the tests that are answered come to; one that does not hold settles it, whatever the others will say."""
    if not all(answers.values()):
        return Recovery.NOT_RECOVERY
    return Recovery.RECOVERY if len(answers) == len(RecoveryTest) else Recovery.UNANSWERED
