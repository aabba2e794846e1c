"""Does a surplus serve a taker, how well, and if not, what would have to change?

Six criteria are judged one by one: material, fraction, quality, period, quantity and distance. Each gives a term of
the `Assessment`: a verdict, a score and the facts behind it. Nothing depends on which side asks. A taker is a demand,
or what a facility takes in: that names its materials and is asked about no other, nor does it sort or crush for others.

The score of a pair is the weighted mean of the scores of its terms. Every term's score is 0 when it is a miss and
above 0 otherwise, and all else being equal it never falls when the places come nearer, when the periods share more
days, or when either side has more to give or to take.

The bounds and weights are engineering judgement, each with its reason beside it; none is a rule of an authority.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from geo.assessment import (
    WEIGHTS,
    AcceptClass,
    Assessment,
    Change,
    Criterion,
    DistanceTerm,
    FractionTerm,
    Grading,
    LotKind,
    LowerSmallestLot,
    MaterialTerm,
    PeriodTerm,
    ProveQuality,
    QualityTerm,
    QuantityTerm,
    RaiseDistanceLimit,
    ShiftPeriod,
    Timing,
    Treat,
    Verdict,
)
from geo.materials import Fraction, Substitution, Taxonomy, Treatment
from geo.proof import Documentation
from geo.units import M_PER_KM

DEFAULT_REACH_KM: Final = Decimal(50)
"""How far masses go when neither side has said: at 2-3 NOK per tonne and km, haulage beyond it costs more than new
crushed rock at the quarry gate."""

MAX_REACH_KM: Final = Decimal(500)
"""The farthest a side may say; what is stated beyond it counts as this."""


CLEAN_CLASS: Final = 1
HIGHEST_CLASS: Final = 5
"""The classes of the soil table that somebody may take; what is above the limits of class 5 is hazardous waste."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What one side has too much of, or takes.

    The period counts its first and last day; give only the part of it that is still to come. None for `fraction`,
    `min_lot_t` or `max_distance_km` means that the side has not said.

    A surplus has `documentation` and the `quality_class` of the soil table that its samples have shown, 1 to 6 (above
    class 5), None where they have shown none; `is_barred` where they have shown that it may not be used at all in a
    rule book without classes. A taker says whether it `accepts_declared` masses, and up to which class it may take.
    Raises ValueError where a mass or distance is not positive, or the period ends before it starts.
    """

    kind: LotKind
    material: str
    fraction: Fraction | None = None
    mass_t: Decimal
    min_lot_t: Decimal | None = None
    available_from: date
    available_to: date
    max_distance_km: Decimal | None = None
    documentation: Documentation = Documentation.NONE
    quality_class: int | None = None
    is_barred: bool = False
    accepts_declared: bool = True
    accepts_class_max: int = CLEAN_CLASS

    def __post_init__(self) -> None:
        """Check what every caller has checked before."""
        stated = (self.mass_t, self.min_lot_t, self.max_distance_km)
        if not all(number is None or number > 0 for number in stated):
            raise ValueError(f"a mass or distance of {self} is not positive")
        if self.available_to < self.available_from:
            raise ValueError(f"the period of {self} ends before it starts")

    @property
    def is_taken_by_nobody(self) -> bool:
        """Whether what is known of it bars every taker."""
        return self.is_barred or (self.quality_class or CLEAN_CLASS) > HIGHEST_CLASS


def assess(surplus: Lot, demand: Lot, *, distance_m: float, taxonomy: Taxonomy) -> Assessment:
    """Return how the surplus serves a demand or a reception, `distance_m` metres apart (geodesic or by road).

    Raises ValueError where the lots are not a surplus and a taker or the distance is not one;
    MaterialError: unknown_material.
    """
    if surplus.kind is not LotKind.SURPLUS or demand.kind is LotKind.SURPLUS:
        raise ValueError(f"{surplus.kind} and {demand.kind} are not a surplus and a taker")
    if not distance_m >= 0:
        raise ValueError(f"{distance_m} is not a distance")
    material = _material_term(surplus, demand, taxonomy=taxonomy)
    treatment = material.substitution.treatment if material.substitution else Treatment.NONE
    return Assessment(
        material=material,
        fraction=_fraction_term(surplus, demand, treatment=treatment, taxonomy=taxonomy),
        period=_period_term(surplus, demand),
        quantity=_quantity_term(surplus, demand),
        distance=_distance_term(surplus, demand, distance_m=distance_m),
        quality=_quality_term(surplus, demand),
    )


def assess_pair(one: Lot, other: Lot, *, distance_m: float, taxonomy: Taxonomy) -> Assessment:
    """Return the assessment of a surplus and a taker given in either order: the side that asks, and a candidate.

    Raises as `assess`.
    """
    surplus, demand = (one, other) if one.kind is LotKind.SURPLUS else (other, one)
    return assess(surplus, demand, distance_m=distance_m, taxonomy=taxonomy)


# Material -------------------------------------------------------------------------------------------------------


def _material_term(surplus: Lot, demand: Lot, *, taxonomy: Taxonomy) -> MaterialTerm:
    substitution = substitution_of(demand.kind, demanded=demand.material, offered=surplus.material, taxonomy=taxonomy)
    if substitution is None:
        return MaterialTerm(verdict=Verdict.MISS, score=0.0, substitution=None)
    verdict = Verdict.FIT if substitution.treatment is Treatment.NONE else Verdict.WITH_TREATMENT
    return MaterialTerm(verdict=verdict, score=substitution.fitness, substitution=substitution)


def substitution_of(kind: LotKind, *, demanded: str, offered: str, taxonomy: Taxonomy) -> Substitution | None:
    """Return how an offered material serves a taker of this kind; None where it does not.

    Raises MaterialError: unknown_material.
    """
    if kind is LotKind.RECEPTION and demanded != offered:
        return None  # its permit names what it may take in
    return taxonomy.substitution(demanded=demanded, offered=offered)


# Fraction -------------------------------------------------------------------------------------------------------

UNKNOWN_FRACTION_SCORE: Final = 0.6
"""It may turn out either way, and somebody has to ask."""

ADJUSTED_FRACTION_SCORE: Final = 0.8
"""It can be had, and some of the mass becomes something else."""

GRADED_BY: Final[Mapping[Treatment, frozenset[Treatment]]] = MappingProxyType(
    {
        Treatment.NONE: frozenset(),
        Treatment.SORTING: frozenset(),
        Treatment.SIEVING: frozenset({Treatment.SIEVING}),
        Treatment.WASHING: frozenset({Treatment.SIEVING}),
        Treatment.CRUSHING: frozenset({Treatment.SIEVING, Treatment.CRUSHING}),
    }
)
"""What each treatment does to the fraction on its way: a washing plant sieves, and so does a crushing plant."""


def _fraction_term(surplus: Lot, demand: Lot, *, treatment: Treatment, taxonomy: Taxonomy) -> FractionTerm:
    if not taxonomy.material(demand.material).has_fraction:
        return FractionTerm(verdict=Verdict.FIT, score=1.0, grading=Grading.NOT_APPLICABLE)
    if demand.kind is LotKind.RECEPTION and demand.fraction is None:
        return FractionTerm(verdict=Verdict.FIT, score=1.0, grading=Grading.NOT_APPLICABLE)  # it takes all of them
    is_unbroken = not taxonomy.material(surplus.material).has_fraction
    if demand.fraction and is_unbroken and treatment is Treatment.CRUSHING:
        return _adjusted(Treatment.CRUSHING, gives=demand.fraction)
    if surplus.fraction is None or demand.fraction is None:
        return FractionTerm(verdict=Verdict.FIT, score=UNKNOWN_FRACTION_SCORE, grading=Grading.UNKNOWN)
    return _graded(surplus.fraction, demand.fraction, treatment=treatment)


def _graded(offered: Fraction, demanded: Fraction, *, treatment: Treatment) -> FractionTerm:
    """The term of two known fractions, when the surplus is treated for its material's sake anyway."""
    needed = _least_treatment(offered, demanded)
    if needed is None:
        return FractionTerm(verdict=Verdict.MISS, score=0.0, grading=Grading.TOO_FINE)
    if needed is Treatment.NONE:
        return FractionTerm(verdict=Verdict.FIT, score=1.0, grading=Grading.WITHIN)
    is_crushed = Treatment.CRUSHING in {needed, treatment}
    gives = Fraction(
        # Crushing makes finer grains, sieving only takes grains away; nothing makes coarser ones.
        lower_mm=demanded.lower_mm if is_crushed else max(offered.lower_mm, demanded.lower_mm),
        upper_mm=min(offered.upper_mm, demanded.upper_mm),
    )
    if needed in GRADED_BY[treatment]:
        return _adjusted(needed, gives=gives)
    return FractionTerm(
        verdict=Verdict.MISS,
        score=0.0,
        grading=Grading.ADJUSTABLE,
        treatment=needed,
        gives=gives,
        changes=(Treat(treatment=needed, fraction=gives),),
    )


def _least_treatment(offered: Fraction, demanded: Fraction) -> Treatment | None:
    """What brings the offered grains within the demanded; None where all are too fine, since grains do not grow."""
    if offered.lies_within(demanded):
        return Treatment.NONE
    if offered.upper_mm <= demanded.lower_mm:
        return None
    return Treatment.CRUSHING if offered.lower_mm >= demanded.upper_mm else Treatment.SIEVING


def _adjusted(treatment: Treatment, *, gives: Fraction) -> FractionTerm:
    return FractionTerm(
        verdict=Verdict.WITH_TREATMENT,
        score=ADJUSTED_FRACTION_SCORE,
        grading=Grading.ADJUSTABLE,
        treatment=treatment,
        gives=gives,
    )


# Quality --------------------------------------------------------------------------------------------------------

DECLARED_SCORE: Final = 0.6
"""A stated basis is worth more than half of a test, and most who take it will want to see a sample all the same."""

PROVEN_SCORE: Final = 1.0


def _quality_term(surplus: Lot, demand: Lot) -> QualityTerm:
    known_class = surplus.quality_class
    if surplus.is_taken_by_nobody:
        return _missed_quality(surplus)
    if known_class is not None and known_class > demand.accepts_class_max:
        return _missed_quality(surplus, AcceptClass(from_class=demand.accepts_class_max, to_class=known_class))
    if known_class is None and surplus.documentation is Documentation.NONE:
        needs = Documentation.DECLARED if demand.accepts_declared else Documentation.TESTED
        return _missed_quality(surplus, ProveQuality(needs=needs))
    if surplus.documentation is not Documentation.DECLARED:
        return _quality(surplus, score=PROVEN_SCORE)
    if not demand.accepts_declared:
        return _missed_quality(surplus, ProveQuality(needs=Documentation.TESTED))
    return _quality(surplus, score=DECLARED_SCORE)


def _quality(surplus: Lot, *, score: float) -> QualityTerm:
    return QualityTerm(
        verdict=Verdict.FIT, score=score, documentation=surplus.documentation, quality_class=surplus.quality_class
    )


def _missed_quality(surplus: Lot, *changes: Change) -> QualityTerm:
    return QualityTerm(
        verdict=Verdict.MISS,
        score=0.0,
        changes=changes,
        documentation=surplus.documentation,
        quality_class=surplus.quality_class,
    )


# Period ---------------------------------------------------------------------------------------------------------

FULL_OVERLAP_DAYS: Final = 30
"""A month in common moves some 20,000 t (20 working days of 50-60 tipper loads): more adds little."""

NEAR_GAP_DAYS: Final = 90
"""A quarter: as long as interim storage on a site, or a change of its order of work, is worth talking about."""


def _period_term(surplus: Lot, demand: Lot) -> PeriodTerm:
    first = max(surplus.available_from, demand.available_from)
    last = min(surplus.available_to, demand.available_to)
    gap_days = (first - last).days
    if gap_days <= 0:
        overlap_days = 1 - gap_days
        return PeriodTerm(
            verdict=Verdict.FIT, score=min(1.0, overlap_days / FULL_OVERLAP_DAYS), overlap_days=overlap_days
        )
    is_early = surplus.available_to < demand.available_from
    timing = Timing.SURPLUS_TOO_EARLY if is_early else Timing.SURPLUS_TOO_LATE
    is_near = gap_days <= NEAR_GAP_DAYS
    return PeriodTerm(
        verdict=Verdict.MISS,
        score=0.0,
        overlap_days=0,
        gap_days=gap_days,
        timing=timing,
        changes=(ShiftPeriod(timing=timing, days=gap_days),) if is_near else (),
    )


# Quantity -------------------------------------------------------------------------------------------------------

HALF_SCORE_MASS_T: Final = Decimal(200)
"""Eleven tipper loads. The work of a deal is the same for few tonnes as for many, so the score of the usable mass q is
q / (q + 200 t). It looks at tonnes and not at shares, or a large surplus would rank a small need above a large one."""

NEAR_LOT_FACTOR: Final = 2
"""A smallest lot is negotiable down to half."""


def quantity_score(usable_t: Decimal) -> float:
    """Return what a mass that can change hands scores."""
    return float(usable_t / (usable_t + HALF_SCORE_MASS_T))


def _quantity_term(surplus: Lot, demand: Lot) -> QuantityTerm:
    usable_t = min(surplus.mass_t, demand.mass_t)
    changes = tuple(
        LowerSmallestLot(side=lot.kind, from_t=lot.min_lot_t, to_t=usable_t)
        for lot in (surplus, demand)
        if lot.min_lot_t is not None and lot.min_lot_t > usable_t
    )
    is_near = all(change.from_t <= NEAR_LOT_FACTOR * usable_t for change in changes)
    return QuantityTerm(
        verdict=Verdict.MISS if changes else Verdict.FIT,
        score=0.0 if changes else quantity_score(usable_t),
        usable_t=usable_t,
        coverage=float(usable_t / demand.mass_t),
        share_used=float(usable_t / surplus.mass_t),
        changes=changes if is_near else (),
    )


# Distance -------------------------------------------------------------------------------------------------------

HALF_SCORE_DISTANCE_M: Final = 15_000.0
"""The score of a distance d is 1 / (1 + d / 15 km): at 15 km haulage costs about as much as the loading, tipping and
levelling that every deal has. It does not look at the limits, or a bold limit would seem to shorten the road."""

NEAR_DISTANCE_FACTOR: Final = 1.5
"""Half as far again is worth asking."""


def distance_score(distance_m: float) -> float:
    """Return what a distance within the limits scores."""
    return 1 / (1 + distance_m / HALF_SCORE_DISTANCE_M)


def score_by_road(assessment: Assessment, *, road_m: float) -> float:
    """Return the score of a match whose haul is known by road. Its limits have been heeded, as the crow flies.

    Raises ValueError where the distance is not one.
    """
    if not road_m >= 0:
        raise ValueError(f"{road_m} is not a distance")
    gained = distance_score(road_m) - assessment.distance.score
    return round(assessment.score + WEIGHTS[Criterion.DISTANCE] * gained, 6)


def _distance_term(surplus: Lot, demand: Lot, *, distance_m: float) -> DistanceTerm:
    limits_m = {lot.kind: _limit_m(lot) for lot in (surplus, demand) if lot.max_distance_km is not None}
    limit_m = min(limits_m.values(), default=float(DEFAULT_REACH_KM * M_PER_KM))
    limit_of = tuple(side for side, own_m in limits_m.items() if own_m == limit_m)
    if distance_m <= limit_m:
        return DistanceTerm(
            verdict=Verdict.FIT,
            score=distance_score(distance_m),
            distance_m=distance_m,
            limit_m=limit_m,
            limit_of=limit_of,
        )
    passed: dict[LotKind | None, float] = {side: own_m for side, own_m in limits_m.items() if own_m < distance_m}
    changes = tuple(
        RaiseDistanceLimit(side=side, from_m=own_m, to_m=distance_m)
        for side, own_m in (passed or {None: limit_m}).items()
    )
    is_near = distance_m <= NEAR_DISTANCE_FACTOR * limit_m
    return DistanceTerm(
        verdict=Verdict.MISS,
        score=0.0,
        distance_m=distance_m,
        limit_m=limit_m,
        limit_of=limit_of,
        changes=changes if is_near else (),
    )


def _limit_m(lot: Lot) -> float:
    stated_km = lot.max_distance_km or MAX_REACH_KM
    return float(min(stated_km, MAX_REACH_KM) * M_PER_KM)


# Candidates -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateBounds:
    """What every match and near miss of a lot lies within: what a search in a database may filter by.

    A candidate is of one of the kinds in `materials` and of a material that stands there for it, ends on `ends_from`
    or later, starts on `starts_to` or earlier, and lies within `reach_m`; one that states no limit of its own lies
    within `unstated_reach_m`.
    """

    materials: Mapping[LotKind, frozenset[str]]
    ends_from: date
    starts_to: date
    reach_m: float
    unstated_reach_m: float


def counterparts(kind: LotKind, *, material: str, taxonomy: Taxonomy) -> Mapping[LotKind, frozenset[str]]:
    """Return the kinds of lot that can be the other side of one, and the materials that each of them may be of.

    Raises MaterialError: unknown_material.
    """
    match kind:
        case LotKind.SURPLUS:
            itself = frozenset({taxonomy.material(material).key})
            return {LotKind.DEMAND: taxonomy.compatible_demands(material), LotKind.RECEPTION: itself}
        case LotKind.DEMAND:
            return {LotKind.SURPLUS: taxonomy.compatible_offers(material)}
        case LotKind.RECEPTION:
            return {LotKind.SURPLUS: frozenset({taxonomy.material(material).key})}


def candidate_bounds(lot: Lot, *, taxonomy: Taxonomy, with_near_misses: bool = True) -> CandidateBounds:
    """Return the bounds of the counterparts worth assessing.

    Raises MaterialError: unknown_material.
    """
    gap = timedelta(days=NEAR_GAP_DAYS if with_near_misses else 0)
    factor = NEAR_DISTANCE_FACTOR if with_near_misses else 1.0
    default_m = float(DEFAULT_REACH_KM * M_PER_KM)
    return CandidateBounds(
        materials=counterparts(lot.kind, material=lot.material, taxonomy=taxonomy),
        ends_from=lot.available_from - min(gap, lot.available_from - date.min),
        starts_to=lot.available_to + min(gap, date.max - lot.available_to),
        reach_m=factor * _limit_m(lot),
        unstated_reach_m=factor * (default_m if lot.max_distance_km is None else _limit_m(lot)),
    )
