"""Near misses: how far a change reaches, and which comes first."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given

from geo.assessment import (
    AcceptClass,
    LotKind,
    LowerSmallestLot,
    ProveQuality,
    RaiseDistanceLimit,
    ShiftPeriod,
    Timing,
    Treat,
)
from geo.matching import Lot, assess
from geo.materials import Fraction, Treatment, taxonomy
from geo.near_misses import MISSED_SHARE, near_miss_key, prospect, strain
from geo.proof import Documentation
from tests.geo.strategies import distances_m, surpluses, takers

TAXONOMY = taxonomy()
SURPLUS = Lot(
    kind=LotKind.SURPLUS,
    material="blasted_rock",
    mass_t=Decimal(1000),
    available_from=date(2027, 3, 1),
    available_to=date(2027, 5, 31),
    documentation=Documentation.TESTED,
)
DEMAND = replace(SURPLUS, kind=LotKind.DEMAND)


def judged(surplus: Lot = SURPLUS, demand: Lot = DEMAND, *, distance_m: float = 5_000):
    return assess(surplus, demand, distance_m=distance_m, taxonomy=TAXONOMY)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (ShiftPeriod(timing=Timing.SURPLUS_TOO_EARLY, days=9), 0.1),
        (ShiftPeriod(timing=Timing.SURPLUS_TOO_LATE, days=90), 1.0),
        (LowerSmallestLot(side=LotKind.DEMAND, from_t=Decimal(150), to_t=Decimal(100)), 0.5),
        (RaiseDistanceLimit(side=None, from_m=50_000.0, to_m=55_000.0), 0.2),
        (Treat(treatment=Treatment.SIEVING, fraction=Fraction(lower_mm=Decimal(8), upper_mm=Decimal(16))), 0.5),
        (ProveQuality(needs=Documentation.TESTED), 0.5),
        (AcceptClass(from_class=1, to_class=2), 1.0),
    ],
)
def test_strain_is_the_share_of_the_farthest_change_worth_talking_about(change, expected):
    assert strain(change) == pytest.approx(expected)


def test_prospect_of_a_missed_period_is_half_of_it_less_the_strain():
    """The period stands for 0.5 * (1 - 9/90); the fractions are not stated, which scores 0.6."""
    early = replace(SURPLUS, available_to=DEMAND.available_from - timedelta(days=9), available_from=date(2027, 1, 1))
    found = judged(early)
    assert found.is_near_miss
    assert prospect(found) == pytest.approx(0.30 * 0.75 + 0.20 + 0.15 * 0.45 + 0.15 / 1.2 + 0.06 + 0.10, abs=1e-6)


def test_a_longer_haul_is_not_taken_for_a_shorter_one():
    """12 km where 10 are allowed lies nearer to a deal than 60 km where 50 are."""
    close = judged(replace(SURPLUS, max_distance_km=Decimal(10)), distance_m=12_000)
    far = judged(distance_m=60_000)
    assert close.is_near_miss
    assert far.is_near_miss
    assert prospect(close) > prospect(far)


def test_one_change_comes_before_two():
    late = replace(SURPLUS, available_from=date(2027, 6, 10), available_to=date(2027, 8, 1))
    one = judged(late)
    two = judged(late, replace(DEMAND, min_lot_t=Decimal(1001), mass_t=Decimal(1001)))
    assert (len(one.misses), len(two.misses)) == (1, 2)
    assert near_miss_key(one, tie_break=2) < near_miss_key(two, tie_break=1)


def test_what_could_be_proven_comes_before_what_a_place_may_not_take():
    declared = judged(replace(SURPLUS, documentation=Documentation.DECLARED), replace(DEMAND, accepts_declared=False))
    refused = judged(replace(SURPLUS, quality_class=2))
    assert declared.is_near_miss
    assert refused.is_near_miss
    assert prospect(declared) > prospect(refused)


@given(surplus=surpluses, demand=takers, distance_m=distances_m)
def test_prospect_lies_between_the_score_and_what_the_misses_could_add(surplus, demand, distance_m):
    found = judged(surplus, demand, distance_m=distance_m)
    assert found.score <= prospect(found) <= 1
    if found.is_match:
        assert prospect(found) == found.score
    assert prospect(found) <= found.score + MISSED_SHARE
    for change in found.changes:
        assert 0 < strain(change) <= 1
