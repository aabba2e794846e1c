"""How near a near miss is to a match, and which of several comes first.

The prospect of a pair is what it would score once the changes are made, each missed term counting half at most and the
less the farther the change reaches. So what fits well and lacks little comes first, one change goes before two of the
same size, and a longer haul is never taken for a shorter one.
"""

from typing import Final

from geo.assessment import (
    WEIGHTS,
    AcceptClass,
    Assessment,
    Change,
    Criterion,
    LowerSmallestLot,
    ProveQuality,
    RaiseDistanceLimit,
    ShiftPeriod,
    Term,
    Treat,
    Verdict,
)
from geo.matching import (
    ADJUSTED_FRACTION_SCORE,
    NEAR_DISTANCE_FACTOR,
    NEAR_GAP_DAYS,
    NEAR_LOT_FACTOR,
    distance_score,
    quantity_score,
)

MISSED_SHARE: Final = 0.5
"""What somebody has to be talked into counts half of what fits as it is."""

TREATMENT_STRAIN: Final = 0.5
"""A sieve or a crusher has to be brought in: neither a trifle nor out of the question."""

PROOF_STRAIN: Final = 0.5
"""Samples have to be taken and analysed: some weeks, and somebody has to pay."""

CLASS_STRAIN: Final = 1.0
"""What a place may take is settled by its permit or the law; it is told, and not counted on."""


def strain(change: Change) -> float:
    """Return how far a change reaches, from 0 for none to 1 for the most that is worth talking about."""
    match change:
        case ShiftPeriod():
            return change.days / NEAR_GAP_DAYS
        case LowerSmallestLot():
            return (float(change.from_t / change.to_t) - 1) / (NEAR_LOT_FACTOR - 1)
        case RaiseDistanceLimit():
            return (change.to_m / change.from_m - 1) / (NEAR_DISTANCE_FACTOR - 1)
        case Treat():
            return TREATMENT_STRAIN
        case ProveQuality():
            return PROOF_STRAIN
        case AcceptClass():
            return CLASS_STRAIN


def prospect(assessment: Assessment) -> float:
    """Return the prospect of a match or near miss, in [0, 1], to six decimals; a match's is its score."""
    return round(sum(WEIGHTS[term.criterion] * _promise(assessment, term) for term in assessment.terms), 6)


def near_miss_key(assessment: Assessment, *, tie_break: int) -> tuple[float, float, int]:
    """Return the key that sorts the best prospect first: then the nearer, then the lower `tie_break` (an id)."""
    return -prospect(assessment), assessment.distance.distance_m, tie_break


def _promise(assessment: Assessment, term: Term) -> float:
    if term.verdict is not Verdict.MISS:
        return term.score
    if not term.changes:
        return 0.0
    farthest = max(strain(change) for change in term.changes)
    return MISSED_SHARE * max(0.0, 1 - farthest) * _score_once_changed(assessment, term.criterion)


def _score_once_changed(assessment: Assessment, criterion: Criterion) -> float:
    match criterion:
        case Criterion.DISTANCE:
            return distance_score(assessment.distance.distance_m)
        case Criterion.QUANTITY:
            return quantity_score(assessment.quantity.usable_t)
        case Criterion.FRACTION:
            return ADJUSTED_FRACTION_SCORE
        case _:
            return 1.0  # whoever moves a period moves it far enough
