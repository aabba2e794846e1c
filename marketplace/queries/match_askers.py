"""Who asks for counterparts: what is worth looking at for a listing, and the most that the rest of it can promise."""

from dataclasses import dataclass
from typing import Final

from geo.assessment import WEIGHTS, Criterion, LotKind
from geo.matching import (
    ADJUSTED_FRACTION_SCORE,
    DECLARED_SCORE,
    FULL_OVERLAP_DAYS,
    GRADED_BY,
    PROVEN_SCORE,
    UNKNOWN_FRACTION_SCORE,
    CandidateBounds,
    Lot,
    candidate_bounds,
    distance_score,
    quantity_score,
    substitution_of,
)
from geo.materials import Taxonomy, Treatment
from geo.near_misses import MISSED_SHARE, PROOF_STRAIN, TREATMENT_STRAIN
from geo.proof import Documentation

STEPS_M: Final = (8_000.0, 24_000.0)
"""How far to look first. Where many listings lie close, the best are found without reading those farther away."""

MISSED_FRACTION: Final = MISSED_SHARE * (1 - TREATMENT_STRAIN) * ADJUSTED_FRACTION_SCORE
"""What a fraction that would have to be treated adds to a prospect."""

MISSED_QUALITY: Final = MISSED_SHARE * (1 - PROOF_STRAIN) * PROVEN_SCORE
"""What a surplus that would have to be proven clean adds to a prospect; one of a class too high adds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """The highest score that a match, and the highest prospect that a near miss among some candidates can have."""

    score: float
    prospect: float


NOTHING: Final = Most(score=0.0, prospect=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatible:
    """A kind and material of counterparts. `fitness` is that of the substitution.

    `fraction_score` is the most that the fraction can score where no two fractions have to be compared for it, None
    where they have; then `is_sieved` and `is_crushed` tell whether a treatment brings the offered one to the demanded.
    """

    kind: str
    material: str
    fitness: float
    fraction_score: float | None
    is_sieved: bool
    is_crushed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The listing that asks: its lot, where it is (EPSG:25833), and what its counterparts lie within."""

    listing_id: int
    lot: Lot
    x: float
    y: float
    bounds: CandidateBounds
    compatible: tuple[Compatible, ...]

    @property
    def steps_m(self) -> tuple[float, ...]:
        """How far to look, step by step; the last is as far as any counterpart may lie."""
        return *(step_m for step_m in STEPS_M if step_m < self.bounds.unstated_reach_m), self.bounds.reach_m

    def most_beyond(self, reach_m: float) -> Most:
        """What no candidate farther away than this exceeds."""
        overlap_days = (self.lot.available_to - self.lot.available_from).days + 1
        terms = {
            Criterion.DISTANCE: distance_score(reach_m),
            Criterion.MATERIAL: max(each.fitness for each in self.compatible),
            Criterion.PERIOD: max(MISSED_SHARE, min(1.0, overlap_days / FULL_OVERLAP_DAYS)),
            Criterion.QUANTITY: quantity_score(self.lot.mass_t),
            Criterion.FRACTION: 1.0,
            Criterion.QUALITY: self._most_of_quality(),
        }
        missed = {
            Criterion.DISTANCE: MISSED_SHARE * terms[Criterion.DISTANCE],
            Criterion.PERIOD: MISSED_SHARE,
            Criterion.QUANTITY: MISSED_SHARE * terms[Criterion.QUANTITY],
            Criterion.FRACTION: MISSED_FRACTION,
            Criterion.QUALITY: min(MISSED_QUALITY, terms[Criterion.QUALITY]),
        }
        score = sum(WEIGHTS[criterion] * term for criterion, term in terms.items())
        least_loss = min(WEIGHTS[criterion] * (terms[criterion] - term) for criterion, term in missed.items())
        return Most(score=score, prospect=score - least_loss)

    def _most_of_quality(self) -> float:
        """What a surplus's own documentation lets it score anywhere; a taker may find one that is tested."""
        if self.lot.kind is not LotKind.SURPLUS or self.lot.documentation is Documentation.TESTED:
            return PROVEN_SCORE
        if self.lot.documentation is Documentation.DECLARED:
            return DECLARED_SCORE
        return MISSED_QUALITY if self.lot.quality_class is None else PROVEN_SCORE


def asker_of(listing_id: int, lot: Lot, *, x: float, y: float, taxonomy: Taxonomy) -> Asker:
    """Raises MaterialError: unknown_material."""
    bounds = candidate_bounds(lot, taxonomy=taxonomy)
    compatible = tuple(
        _compatible(lot, kind, other, taxonomy=taxonomy)
        for kind, materials in bounds.materials.items()
        for other in sorted(materials)
    )
    return Asker(listing_id=listing_id, lot=lot, x=x, y=y, bounds=bounds, compatible=compatible)


def _compatible(lot: Lot, kind: LotKind, other: str, *, taxonomy: Taxonomy) -> Compatible:
    is_surplus = lot.kind is LotKind.SURPLUS
    demanded, offered = (other, lot.material) if is_surplus else (lot.material, other)
    taker = kind if is_surplus else lot.kind
    substitution = substitution_of(taker, demanded=demanded, offered=offered, taxonomy=taxonomy)
    assert substitution is not None, "bounds name only what serves"
    fraction_score = None
    if not taxonomy.material(demanded).has_fraction:
        fraction_score = 1.0
    elif substitution.treatment is Treatment.CRUSHING and not taxonomy.material(offered).has_fraction:
        fraction_score = max(ADJUSTED_FRACTION_SCORE, UNKNOWN_FRACTION_SCORE)
    elif taker is LotKind.RECEPTION and (is_surplus or lot.fraction is None):
        fraction_score = 1.0  # the most: it may take all of them
    elif lot.fraction is None:
        fraction_score = UNKNOWN_FRACTION_SCORE
    return Compatible(
        kind=kind.value,
        material=other,
        fitness=substitution.fitness,
        fraction_score=fraction_score,
        is_sieved=Treatment.SIEVING in GRADED_BY[substitution.treatment],
        is_crushed=Treatment.CRUSHING in GRADED_BY[substitution.treatment],
    )
