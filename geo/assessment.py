"""What is said of a surplus and a taker: each criterion judged, the score, and what would have to change.

Everything is a value with its facts, so that a page can say why in any language. `geo.matching` makes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Final

from geo.materials import Fraction, Substitution, Treatment
from geo.proof import Documentation


class LotKind(StrEnum):
    """The sides of a pair: a surplus, and one of the two that take."""

    SURPLUS = "surplus"
    DEMAND = "demand"
    RECEPTION = "reception"
    """What a facility takes in."""


# What would have to change --------------------------------------------------------------------------------------


class Timing(StrEnum):
    """Which way two periods miss each other."""

    SURPLUS_TOO_EARLY = "surplus_too_early"
    SURPLUS_TOO_LATE = "surplus_too_late"


class ChangeKind(StrEnum):
    """What sort of change would turn a miss into a fit."""

    TREAT = "treat"
    SHIFT_PERIOD = "shift_period"
    LOWER_SMALLEST_LOT = "lower_smallest_lot"
    RAISE_DISTANCE_LIMIT = "raise_distance_limit"
    PROVE_QUALITY = "prove_quality"
    ACCEPT_CLASS = "accept_class"


@dataclass(frozen=True, slots=True, kw_only=True)
class Treat:
    """The surplus would have to be treated, which would give `fraction`: the demanded one, or a part of it."""

    kind: ClassVar = ChangeKind.TREAT
    treatment: Treatment
    fraction: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftPeriod:
    """One of the two periods would have to move by this many days for the two to share one."""

    kind: ClassVar = ChangeKind.SHIFT_PERIOD
    timing: Timing
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerSmallestLot:
    """A side would have to accept a smaller lot than it has said."""

    kind: ClassVar = ChangeKind.LOWER_SMALLEST_LOT
    side: LotKind
    from_t: Decimal
    to_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseDistanceLimit:
    """A side would have to accept a longer haul; `side` is None where neither has said and the default is passed."""

    kind: ClassVar = ChangeKind.RAISE_DISTANCE_LIMIT
    side: LotKind | None
    from_m: float
    to_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveQuality:
    """The surplus would have to be shown to be clean: by laboratory results (`needs` TESTED), or at all (DECLARED)."""

    kind: ClassVar = ChangeKind.PROVE_QUALITY
    needs: Documentation


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptClass:
    """The taker would have to be one that may take masses of class `to_class`; it takes up to `from_class`."""

    kind: ClassVar = ChangeKind.ACCEPT_CLASS
    from_class: int
    to_class: int


type Change = Treat | ShiftPeriod | LowerSmallestLot | RaiseDistanceLimit | ProveQuality | AcceptClass


# Terms ----------------------------------------------------------------------------------------------------------


class Criterion(StrEnum):
    """What a pair is judged by."""

    MATERIAL = "material"
    FRACTION = "fraction"
    PERIOD = "period"
    QUANTITY = "quantity"
    DISTANCE = "distance"
    QUALITY = "quality"


class Verdict(StrEnum):
    """How a criterion turned out."""

    FIT = "fit"
    WITH_TREATMENT = "with_treatment"
    MISS = "miss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One criterion judged. `score` lies in [0, 1] and is 0 for a miss alone.

    `changes` is what would turn a miss into a fit; a miss without changes is out of reach.
    """

    criterion: ClassVar[Criterion]
    verdict: Verdict
    score: float
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialTerm(Term):
    """`substitution` tells how the one serves for the other; None where it does not."""

    criterion: ClassVar = Criterion.MATERIAL
    substitution: Substitution | None


class Grading(StrEnum):
    """How the surplus's fraction stands to the demanded one."""

    NOT_APPLICABLE = "not_applicable"
    """The demanded material is not traded by fraction."""
    UNKNOWN = "unknown"
    """A side has not said."""
    WITHIN = "within"
    ADJUSTABLE = "adjustable"
    """Sieving or crushing gives it."""
    TOO_FINE = "too_fine"


@dataclass(frozen=True, slots=True, kw_only=True)
class FractionTerm(Term):
    """`treatment` is the least that brings the surplus within the demanded fraction, and `gives` what comes of it.

    There is none where it lies within already, or is not known. What comes of it may be a part of the demanded
    fraction: nothing makes coarser grains, and sieving makes no finer ones.
    """

    criterion: ClassVar = Criterion.FRACTION
    grading: Grading
    treatment: Treatment = Treatment.NONE
    gives: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTerm(Term):
    """Days that the periods share; or days from the end of one to the start of the other, and which came first."""

    criterion: ClassVar = Criterion.PERIOD
    overlap_days: int
    gap_days: int = 0
    timing: Timing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityTerm(Term):
    """`usable_t` is what can change hands; `coverage` its share of the demand, `share_used` of the surplus."""

    criterion: ClassVar = Criterion.QUANTITY
    usable_t: Decimal
    coverage: float
    share_used: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceTerm(Term):
    """`limit_of` names the sides whose limit it is; empty where neither has said and the default holds."""

    criterion: ClassVar = Criterion.DISTANCE
    distance_m: float
    limit_m: float
    limit_of: tuple[LotKind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityTerm(Term):
    """What the surplus's being clean rests on, and its class of the soil table; None where it has none."""

    criterion: ClassVar = Criterion.QUALITY
    documentation: Documentation
    quality_class: int | None


# The whole ------------------------------------------------------------------------------------------------------

WEIGHTS: Final[Mapping[Criterion, float]] = MappingProxyType(
    {
        Criterion.DISTANCE: 0.30,  # haulage is most of the cost, and nearly all of the emissions
        Criterion.MATERIAL: 0.20,  # a poor substitute costs quality, or treatment
        Criterion.PERIOD: 0.15,  # what does not meet in time can be stored
        Criterion.QUANTITY: 0.15,
        Criterion.FRACTION: 0.10,  # already half told by the material
        Criterion.QUALITY: 0.10,  # what is only declared can be tested for a few kroner a tonne, in some weeks
    }
)

NEAR_MISSES_MAX: Final = 2
"""Two things can be talked about; with three it is another deal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """How a surplus serves a taker."""

    material: MaterialTerm
    fraction: FractionTerm
    period: PeriodTerm
    quantity: QuantityTerm
    distance: DistanceTerm
    quality: QualityTerm

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms, in the order they are told in."""
        return self.material, self.fraction, self.quality, self.period, self.quantity, self.distance

    @property
    def misses(self) -> tuple[Term, ...]:
        """The terms that stand in the way."""
        return tuple(term for term in self.terms if term.verdict is Verdict.MISS)

    @property
    def is_match(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.misses

    @property
    def is_near_miss(self) -> bool:
        """Whether no more than `NEAR_MISSES_MAX` things stand in the way, and all of them could be changed."""
        return 0 < len(self.misses) <= NEAR_MISSES_MAX and all(term.changes for term in self.misses)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What would have to change for a near miss to become a match."""
        return tuple(change for term in self.terms for change in term.changes)

    @property
    def score(self) -> float:
        """Weighted mean of the terms, in [0, 1], to six decimals so that sums of equal parts are equal."""
        return round(sum(WEIGHTS[term.criterion] * term.score for term in self.terms), 6)

    @property
    def coverage(self) -> float:
        """Share of the demand that the surplus can cover, in (0, 1]."""
        return self.quantity.coverage

    @property
    def share_used(self) -> float:
        """Share of the surplus that the demand can take, in (0, 1]."""
        return self.quantity.share_used


def rank_key(assessment: Assessment, *, tie_break: int) -> tuple[float, float, int]:
    """Return the key that sorts the best first: higher score, then nearer, then the lower `tie_break` (an id)."""
    return -assessment.score, assessment.distance.distance_m, tie_break
