"""What the range of a result does not say: inputs that are held fixed, ranges that are nobody's but ours, and signs."""

from decimal import Decimal
from typing import Final

from geo.impact import Comparison, Leg, Method, Role

HELD_FIXED: Final = (".payload", ".residue_share")
"""How the keys of a factor set end that go in as their central figure alone: loads are whole ones, and a plant rejects
one share. Their ranges are told, and are in no range of a result."""

RANGE_IS_JUDGED: Final = "engineering judgement, not verified"
"""What a note says where the figure is its source's, and the range, or an end of it, is not."""

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


def is_held_fixed(key: str) -> bool:
    """Whether a figure goes into every result without its range."""
    return key.endswith(HELD_FIXED)


def is_range_verified(*, low: Decimal, high: Decimal, note: str) -> bool:
    """Whether the range, and not only the figure, is its source's; there is nothing to verify where there is none."""
    return low == high or RANGE_IS_JUDGED not in note


def is_sign_certain(comparison: Comparison) -> bool:
    """Whether the deal surely drives less, or surely more, whatever the roads of each leg are like.

    One factor is shared by all legs, so the range of a result never crosses zero by the roads. Let it differ from leg
    to leg within its own range, and two sides that lie closer than that may change places.
    """
    if comparison.method is Method.ROAD:
        return True
    avoided = sum((_share(leg, comparison) * leg.length_km for leg in comparison.legs), ZERO)
    added = sum((leg.length_km for leg in comparison.legs if leg.role is Role.HAUL), ZERO)
    factor = comparison.circuity
    return avoided * factor.low >= added * factor.high or avoided * factor.high <= added * factor.low


def _share(leg: Leg, comparison: Comparison) -> Decimal:
    """How much of the mass a leg is driven with where there is no deal."""
    if leg.role is Role.HAUL:
        return ZERO
    return comparison.substitution if leg.role is Role.FROM_QUARRY else ONE
