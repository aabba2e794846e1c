"""Matching: worked cases of every criterion, and what holds for all pairs."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geo.assessment import (
    WEIGHTS,
    AcceptClass,
    Assessment,
    ChangeKind,
    Criterion,
    Grading,
    LotKind,
    LowerSmallestLot,
    ProveQuality,
    RaiseDistanceLimit,
    ShiftPeriod,
    Timing,
    Treat,
    Verdict,
    rank_key,
)
from geo.errors import MaterialError
from geo.matching import Lot, assess, assess_pair, candidate_bounds, score_by_road
from geo.materials import Treatment, read_fraction, taxonomy
from geo.proof import Documentation
from tests.geo.strategies import compatible_pairs, decimals, distances_m, surpluses, takers

TAXONOMY = taxonomy()
MAY, JUNE = (date(2026, 5, 1), date(2026, 5, 31)), (date(2026, 6, 1), date(2026, 6, 30))


def lot(kind: LotKind, material: str, fraction: str | None, period: tuple[date, date], **stated: str) -> Lot:
    return Lot(
        kind=kind,
        material=material,
        fraction=read_fraction(fraction) if fraction else None,
        documentation=Documentation.TESTED if kind is LotKind.SURPLUS else Documentation.NONE,
        available_from=period[0],
        available_to=period[1],
        **{"mass_t": Decimal(1000), **{name: Decimal(number) for name, number in stated.items()}},
    )


def surplus(material="base_course", fraction="0/32", period=MAY, **stated: str) -> Lot:
    return lot(LotKind.SURPLUS, material, fraction, period, **stated)


def demand(material="base_course", fraction="0/32", period=MAY, **stated: str) -> Lot:
    return lot(LotKind.DEMAND, material, fraction, period, **stated)


def reception(material="clay", fraction=None, period=MAY, **stated: str) -> Lot:
    return lot(LotKind.RECEPTION, material, fraction, period, **stated)


def judged(one: Lot, other: Lot, *, distance_m: float = 10_000) -> Assessment:
    return assess(one, other, distance_m=distance_m, taxonomy=TAXONOMY)


def test_weights_add_up_to_one():
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    assert set(WEIGHTS) == set(Criterion)


def test_same_material_next_door_worked_by_hand():
    """31 days in common, 1000 of 1000 t, at the gate: 1 in all but quantity, 1000 / 1200 there."""
    found = judged(surplus(), demand(), distance_m=0)
    assert found.is_match
    assert [term.verdict for term in found.terms] == [Verdict.FIT] * 6
    assert found.score == pytest.approx(0.85 + 0.15 * 1000 / 1200, abs=1e-6)
    assert (found.coverage, found.share_used) == (1, 1)


def test_rock_to_be_crushed_for_a_road_worked_by_hand():
    """Material 0.9 and fraction 0.8 by crushing, 15 of 30 days, 400 of 4000 t usable, half the distance score."""
    road = demand(mass_t="4000", period=(date(2026, 5, 17), date(2026, 7, 1)))
    found = judged(surplus("blasted_rock", "0/500", mass_t="400"), road, distance_m=15_000)
    assert found.is_match
    assert found.material.verdict is found.fraction.verdict is Verdict.WITH_TREATMENT
    assert found.material.substitution.treatment is Treatment.CRUSHING
    assert found.period.overlap_days == 15
    assert (found.coverage, found.share_used, found.quantity.usable_t) == (0.1, 1, 400)
    expected = 0.30 * 0.5 + 0.20 * 0.9 + 0.15 * 0.5 + 0.15 * 400 / 600 + 0.10 * 0.8 + 0.10
    assert found.score == pytest.approx(expected, abs=1e-6)


# Material -------------------------------------------------------------------------------------------------------


def test_material_that_cannot_serve_is_beyond_change():
    found = judged(surplus("clay", None), demand("base_course"))
    assert found.material.verdict is Verdict.MISS
    assert found.material.substitution is None
    assert not found.is_match
    assert not found.is_near_miss


def test_substitution_is_not_the_same_both_ways():
    assert judged(surplus("blasted_rock", "0/500"), demand("base_course")).is_match
    crushed_for_fill = judged(surplus("base_course"), demand("blasted_rock", "0/500"))
    assert crushed_for_fill.material.verdict is Verdict.FIT
    assert crushed_for_fill.material.score < 0.9
    assert judged(surplus("gravel", None), demand("topsoil", None)).material.verdict is Verdict.MISS


# Fraction -------------------------------------------------------------------------------------------------------


FIT, TREATED, MISS = Verdict.FIT, Verdict.WITH_TREATMENT, Verdict.MISS
NONE, SIEVING, CRUSHING = Treatment.NONE, Treatment.SIEVING, Treatment.CRUSHING


@pytest.mark.parametrize(
    ("offered", "asked", "verdict", "grading", "treatment"),
    [
        # the same material, untreated
        (("crushed_rock", "8/16"), ("crushed_rock", "8/16"), FIT, Grading.WITHIN, NONE),
        (("crushed_rock", "8/11"), ("crushed_rock", "8/16"), FIT, Grading.WITHIN, NONE),
        (("crushed_rock", "8/22"), ("crushed_rock", "8/16"), MISS, Grading.ADJUSTABLE, SIEVING),
        (("crushed_rock", "4/16"), ("crushed_rock", "8/16"), MISS, Grading.ADJUSTABLE, SIEVING),
        (("crushed_rock", "22/63"), ("crushed_rock", "8/16"), MISS, Grading.ADJUSTABLE, CRUSHING),
        (("crushed_rock", "16/22"), ("crushed_rock", "8/16"), MISS, Grading.ADJUSTABLE, CRUSHING),
        (("crushed_rock", "0/8"), ("crushed_rock", "8/16"), MISS, Grading.TOO_FINE, NONE),
        # crushed for the material's sake, and so to the fraction
        (("cobble", "22/120"), ("crushed_rock", "8/16"), TREATED, Grading.ADJUSTABLE, CRUSHING),
        (("blasted_rock", "0/500"), ("base_course", "0/32"), TREATED, Grading.ADJUSTABLE, SIEVING),
        (("blasted_rock", "0/8"), ("crushed_rock", "8/16"), MISS, Grading.TOO_FINE, NONE),
        # sieved or washed: the tails go, but nothing is broken
        (("base_course", "0/32"), ("crushed_rock", "8/16"), TREATED, Grading.ADJUSTABLE, SIEVING),
        (("tbm_rock", "0/63"), ("crushed_rock", "8/16"), TREATED, Grading.ADJUSTABLE, SIEVING),
        (("gravel", "22/63"), ("crushed_rock", "8/16"), MISS, Grading.ADJUSTABLE, CRUSHING),
        # not known, or not asked
        (("crushed_rock", None), ("crushed_rock", "8/16"), FIT, Grading.UNKNOWN, NONE),
        (("crushed_rock", "8/16"), ("crushed_rock", None), FIT, Grading.UNKNOWN, NONE),
        (("moraine", None), ("gravel", "0/32"), FIT, Grading.UNKNOWN, NONE),
        (("clay", None), ("clay", None), FIT, Grading.NOT_APPLICABLE, NONE),
        (("gravel", "0/32"), ("moraine", None), FIT, Grading.NOT_APPLICABLE, NONE),
        # whole concrete has no fraction until it is crushed to one
        (("concrete", None), ("crushed_concrete", "0/63"), TREATED, Grading.ADJUSTABLE, CRUSHING),
        (("concrete", None), ("crushed_concrete", None), FIT, Grading.UNKNOWN, NONE),
    ],
)
def test_fraction(offered, asked, verdict, grading, treatment):
    term = judged(surplus(*offered), demand(*asked)).fraction
    assert (term.verdict, term.grading, term.treatment) == (verdict, grading, treatment)


def test_unknown_fraction_scores_below_a_known_one_that_fits_or_can_be_made_to():
    unknown = judged(surplus("crushed_rock", None), demand("crushed_rock", "8/16"))
    adjusted = judged(surplus("cobble", "22/120"), demand("crushed_rock", "8/16"))
    within = judged(surplus("crushed_rock", "8/16"), demand("crushed_rock", "8/16"))
    assert unknown.is_match
    assert unknown.fraction.score < adjusted.fraction.score < within.fraction.score


@pytest.mark.parametrize(
    ("offered", "demanded", "gives"),
    [
        (("crushed_rock", "16/32"), ("crushed_rock", "22/120"), "22/32"),  # no sieve makes what is not there
        (("crushed_rock", "4/16"), ("crushed_rock", "8/16"), "8/16"),
        (("crushed_rock", "32/63"), ("crushed_rock", "8/16"), "8/16"),  # crushed
        (("base_course", "0/20"), ("crushed_rock", "8/32"), "8/20"),  # sieved for the material's sake
        (("blasted_rock", "0/500"), ("base_course", "0/32"), "0/32"),  # crushed for the material's sake
        (("blasted_rock", "100/500"), ("base_course", "0/150"), "0/150"),  # crushing makes the fines
        (("blasted_rock", None), ("base_course", "0/32"), None),
    ],
)
def test_treatment_gives_no_grains_that_are_not_there(offered, demanded, gives):
    """A 16/32 sieved for a demand of 22/120 is 22/32, and is called that."""
    term = judged(surplus(*offered), demand(*demanded)).fraction
    assert term.gives == (read_fraction(gives) if gives else None)
    assert [change.fraction for change in term.changes if isinstance(change, Treat)] in ([], [term.gives])


def test_wrong_fraction_that_could_be_sieved_is_a_near_miss_that_says_so():
    found = judged(surplus("crushed_rock", "8/22"), demand("crushed_rock", "8/16"))
    assert found.is_near_miss
    assert found.changes == (Treat(treatment=Treatment.SIEVING, fraction=read_fraction("8/16")),)


def test_grains_that_are_too_fine_are_beyond_change():
    assert not judged(surplus("crushed_rock", "0/4"), demand("crushed_rock", "8/16")).is_near_miss


# Quality --------------------------------------------------------------------------------------------------------

TESTED, DECLARED, UNDOCUMENTED = Documentation.TESTED, Documentation.DECLARED, Documentation.NONE


@pytest.mark.parametrize(
    ("documentation", "quality_class", "accepts_declared", "accepts_class_max", "score", "changes"),
    [
        (TESTED, 1, False, 1, 1.0, ()),
        (TESTED, None, False, 1, 1.0, ()),  # concrete and asphalt have no classes
        (DECLARED, None, True, 1, 0.6, ()),
        (DECLARED, None, False, 1, 0.0, (ProveQuality(needs=TESTED),)),
        (UNDOCUMENTED, None, True, 5, 0.0, (ProveQuality(needs=DECLARED),)),
        (UNDOCUMENTED, None, False, 5, 0.0, (ProveQuality(needs=TESTED),)),
        # a class has been found by tests, whatever is published
        (UNDOCUMENTED, 2, False, 2, 1.0, ()),
        (TESTED, 3, True, 3, 1.0, ()),
        (TESTED, 3, True, 2, 0.0, (AcceptClass(from_class=2, to_class=3),)),
        (TESTED, 5, True, 5, 1.0, ()),
        (TESTED, 6, True, 5, 0.0, ()),
    ],
)
def test_quality(documentation, quality_class, accepts_declared, accepts_class_max, score, changes):
    offered = replace(surplus("clay", None), documentation=documentation, quality_class=quality_class)
    for taker in (demand("clay", None), reception()):
        asked = replace(taker, accepts_declared=accepts_declared, accepts_class_max=accepts_class_max)
        found = judged(offered, asked)
        assert (found.quality.score, found.quality.changes) == (score, changes)
        assert found.is_match == (score > 0)
        assert found.is_near_miss == bool(changes)


def test_what_is_barred_is_beyond_change():
    barred = replace(surplus("concrete", None), is_barred=True)
    assert barred.is_taken_by_nobody
    assert not judged(barred, demand("concrete", None)).is_near_miss


@given(one=surpluses, other=takers, quality_class=st.integers(1, 6))
def test_a_worse_class_never_scores_better(one, other, quality_class):
    known = replace(one, documentation=TESTED, quality_class=one.quality_class or 1)
    worse = replace(known, quality_class=max(quality_class, known.quality_class))
    assert judged(worse, other).score <= judged(known, other).score


# Receptions -----------------------------------------------------------------------------------------------------


def test_a_reception_takes_what_its_permit_names_and_nothing_that_could_be_made_into_it():
    assert judged(surplus("clay", None), reception("clay")).is_match
    rock = judged(surplus("blasted_rock", "0/500"), reception("base_course"))
    assert not rock.is_match
    assert not rock.is_near_miss


def test_a_reception_that_has_not_said_a_fraction_takes_every_one():
    found = judged(surplus("blasted_rock", "0/500"), reception("blasted_rock"))
    assert (found.fraction.grading, found.fraction.score) == (Grading.NOT_APPLICABLE, 1)
    assert judged(surplus("blasted_rock", "0/500"), reception("blasted_rock", "0/300")).is_near_miss


# Period ---------------------------------------------------------------------------------------------------------


def test_periods_that_share_their_last_day_meet():
    found = judged(surplus(period=MAY), demand(period=(MAY[1], JUNE[1])))
    assert found.is_match
    assert found.period.overlap_days == 1


@pytest.mark.parametrize(
    ("offered", "asked", "days", "timing"),
    [
        (MAY, JUNE, 1, Timing.SURPLUS_TOO_EARLY),
        (JUNE, MAY, 1, Timing.SURPLUS_TOO_LATE),
        (MAY, (date(2026, 6, 21), date(2026, 7, 1)), 21, Timing.SURPLUS_TOO_EARLY),
        (MAY, (date(2026, 8, 29), date(2026, 9, 1)), 90, Timing.SURPLUS_TOO_EARLY),
    ],
)
def test_periods_that_just_miss_say_by_how_much_and_which_way(offered, asked, days, timing):
    found = judged(surplus(period=offered), demand(period=asked))
    assert (found.period.gap_days, found.period.timing) == (days, timing)
    assert found.is_near_miss
    assert found.changes == (ShiftPeriod(timing=timing, days=days),)


def test_period_moved_by_what_the_change_says_is_a_match():
    needed = demand(period=(date(2026, 6, 21), date(2026, 7, 1)))
    (change,) = judged(surplus(), needed).changes
    moved = replace(surplus(), available_to=MAY[1] + timedelta(days=change.days))
    assert judged(moved, needed).is_match


def test_gap_of_more_than_a_quarter_is_no_near_miss():
    found = judged(surplus(), demand(period=(date(2026, 8, 30), date(2026, 9, 1))))
    assert found.period.gap_days == 91
    assert found.changes == ()
    assert not found.is_near_miss


# Quantity -------------------------------------------------------------------------------------------------------


def test_smallest_lot_larger_than_the_need_says_which_side_would_have_to_lower_it():
    found = judged(surplus(mass_t="5000", min_lot_t="800"), demand(mass_t="500"))
    assert found.quantity.verdict is Verdict.MISS
    assert found.is_near_miss
    assert found.changes == (LowerSmallestLot(side=LotKind.SURPLUS, from_t=Decimal(800), to_t=Decimal(500)),)


def test_both_smallest_lots_can_be_too_large():
    found = judged(surplus(mass_t="700", min_lot_t="600"), demand(mass_t="500", min_lot_t="500"))
    assert [change.side for change in found.changes] == [LotKind.SURPLUS]
    found = judged(surplus(mass_t="400", min_lot_t="400"), demand(mass_t="500", min_lot_t="500"))
    assert [change.side for change in found.changes] == [LotKind.DEMAND]


def test_smallest_lot_of_more_than_double_is_no_near_miss():
    assert judged(surplus(mass_t="5000", min_lot_t="1000"), demand(mass_t="500")).is_near_miss
    assert not judged(surplus(mass_t="5000", min_lot_t="1001"), demand(mass_t="500")).is_near_miss


def test_smallest_lot_equal_to_what_is_usable_is_no_miss():
    assert judged(surplus(mass_t="5000", min_lot_t="500"), demand(mass_t="500")).is_match


# Distance -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("surplus_km", "demand_km", "limit_m", "limit_of"),
    [
        (None, None, 50_000, ()),
        ("20", None, 20_000, (LotKind.SURPLUS,)),
        (None, "120", 120_000, (LotKind.DEMAND,)),
        ("20", "30", 20_000, (LotKind.SURPLUS,)),
        ("40", "30", 30_000, (LotKind.DEMAND,)),
        ("30", "30.0", 30_000, (LotKind.SURPLUS, LotKind.DEMAND)),
        ("9000", None, 500_000, (LotKind.SURPLUS,)),
    ],
)
def test_the_shorter_stated_limit_holds_and_the_default_where_none_is(surplus_km, demand_km, limit_m, limit_of):
    one = surplus(**({"max_distance_km": surplus_km} if surplus_km else {}))
    other = demand(**({"max_distance_km": demand_km} if demand_km else {}))
    assert judged(one, other, distance_m=limit_m).is_match
    beyond = judged(one, other, distance_m=limit_m + 1)
    assert (beyond.distance.limit_m, beyond.distance.limit_of) == (limit_m, limit_of)
    assert beyond.is_near_miss


def test_both_sides_have_to_raise_limits_that_are_passed():
    found = judged(surplus(max_distance_km="20"), demand(max_distance_km="24"), distance_m=25_000)
    assert found.changes == (
        RaiseDistanceLimit(side=LotKind.SURPLUS, from_m=20_000, to_m=25_000),
        RaiseDistanceLimit(side=LotKind.DEMAND, from_m=24_000, to_m=25_000),
    )


def test_passing_the_default_is_nobodys_limit_in_particular():
    found = judged(surplus(), demand(), distance_m=60_000)
    assert found.changes == (RaiseDistanceLimit(side=None, from_m=50_000, to_m=60_000),)


def test_half_as_far_again_is_the_farthest_near_miss():
    assert judged(surplus(), demand(), distance_m=75_000).is_near_miss
    assert not judged(surplus(), demand(), distance_m=75_001).is_near_miss


# The whole ------------------------------------------------------------------------------------------------------


def test_two_things_in_the_way_are_a_near_miss_and_three_are_not():
    late = surplus(period=JUNE, mass_t="5000", min_lot_t="800")
    two = judged(late, demand(mass_t="500"))
    assert len(two.misses) == 2
    assert two.is_near_miss
    assert [change.kind for change in two.changes] == [ChangeKind.SHIFT_PERIOD, ChangeKind.LOWER_SMALLEST_LOT]
    three = judged(late, demand(mass_t="500"), distance_m=60_000)
    assert len(three.misses) == 3
    assert not three.is_near_miss


def test_one_hopeless_thing_spoils_a_near_miss():
    assert not judged(surplus(period=JUNE), demand("crushed_rock", "63/90")).is_near_miss


def test_ranking_is_by_score_then_distance_then_id():
    near, far = judged(surplus(), demand(), distance_m=1_000), judged(surplus(), demand(), distance_m=9_000)
    out = judged(surplus(), demand(), distance_m=60_000), judged(surplus(), demand(), distance_m=70_000)
    assert out[0].score == out[1].score
    keys = [rank_key(near, tie_break=9), rank_key(far, tie_break=1), rank_key(far, tie_break=2)]
    keys += [rank_key(out[0], tie_break=5), rank_key(out[1], tie_break=3)]
    assert all(one < other for one, other in pairwise(keys))


@pytest.mark.parametrize("distance_m", [-1.0, float("nan")])
def test_what_is_no_distance_is_refused(distance_m):
    with pytest.raises(ValueError, match="is not a distance"):
        judged(surplus(), demand(), distance_m=distance_m)


def test_two_of_a_kind_are_refused():
    with pytest.raises(ValueError, match="not a surplus and a taker"):
        judged(demand(), demand())
    with pytest.raises(ValueError, match="not a surplus and a taker"):
        assess_pair(surplus(), surplus(), distance_m=1, taxonomy=TAXONOMY)


def test_unknown_material_is_refused():
    with pytest.raises(MaterialError):
        judged(surplus("gold", None), demand())
    with pytest.raises(MaterialError):
        judged(surplus(), demand("gold", None))


@pytest.mark.parametrize(
    "wrong",
    [{"mass_t": Decimal(0)}, {"min_lot_t": Decimal(-1)}, {"max_distance_km": Decimal(0)}, {"available_to": date.min}],
)
def test_impossible_lot_is_refused(wrong):
    with pytest.raises(ValueError):
        replace(surplus(), **wrong)


@given(one=surpluses, other=takers, distance_m=distances_m)
def test_it_does_not_matter_which_side_asks(one, other, distance_m):
    asked = assess_pair(one, other, distance_m=distance_m, taxonomy=TAXONOMY)
    assert assess_pair(other, one, distance_m=distance_m, taxonomy=TAXONOMY) == asked


@given(one=surpluses, other=takers, distance_m=distances_m)
def test_scores_lie_in_the_unit_interval_and_only_a_miss_scores_nothing(one, other, distance_m):
    found = judged(one, other, distance_m=distance_m)
    assert 0 <= found.score <= 1
    for term in found.terms:
        assert 0 <= term.score <= 1
        assert (term.score == 0) == (term.verdict is Verdict.MISS)
        assert term.verdict is Verdict.MISS or not term.changes
    assert 0 < found.coverage <= 1
    assert 0 < found.share_used <= 1
    assert 1 in (found.coverage, found.share_used)


@given(one=surpluses, other=takers, distance_m=distances_m)
def test_match_has_no_misses_and_near_miss_has_some_with_changes(one, other, distance_m):
    found = judged(one, other, distance_m=distance_m)
    assert found.is_match == (found.misses == ())
    assert not (found.is_match and found.is_near_miss)
    if found.is_near_miss:
        assert 1 <= len(found.misses) <= 2
        assert all(term.changes for term in found.misses)


@given(one=surpluses, other=takers, distance_m=distances_m, nearer=st.floats(0, 1))
def test_nearer_never_lowers_the_score(one, other, distance_m, nearer):
    assert judged(one, other, distance_m=distance_m * nearer).score >= judged(one, other, distance_m=distance_m).score


@given(one=surpluses, other=takers, more=st.tuples(*[st.integers(0, 200)] * 4))
def test_wider_periods_never_lower_the_score(one, other, more):
    days = [timedelta(days=number) for number in more]
    wider_one = replace(one, available_from=one.available_from - days[0], available_to=one.available_to + days[1])
    wider_other = replace(
        other, available_from=other.available_from - days[2], available_to=other.available_to + days[3]
    )
    assert judged(wider_one, wider_other).score >= judged(one, other).score


@given(one=surpluses, other=takers, more_t=st.tuples(*[decimals("0", "100000")] * 2))
def test_more_to_give_or_to_take_never_lowers_the_score(one, other, more_t):
    larger = judged(replace(one, mass_t=one.mass_t + more_t[0]), replace(other, mass_t=other.mass_t + more_t[1]))
    assert larger.score >= judged(one, other).score


@given(one=surpluses, other=takers, more_t=decimals("0", "100000"))
def test_larger_surplus_never_covers_less_of_the_same_demand(one, other, more_t):
    larger = judged(replace(one, mass_t=one.mass_t + more_t), other)
    assert larger.coverage >= judged(one, other).coverage
    assert larger.quantity.score >= judged(one, other).quantity.score


@given(pair=compatible_pairs(), distance_m=distances_m, asks_demand=st.booleans())
def test_every_match_and_near_miss_lies_within_the_bounds_a_search_filters_by(pair, distance_m, asks_demand):
    one, other = pair
    found = judged(one, other, distance_m=distance_m)
    assume(found.is_match or found.is_near_miss)
    own, candidate = (other, one) if asks_demand else (one, other)
    bounds = candidate_bounds(own, taxonomy=TAXONOMY, with_near_misses=not found.is_match)
    assert candidate.material in bounds.materials[candidate.kind]
    assert candidate.available_to >= bounds.ends_from
    assert candidate.available_from <= bounds.starts_to
    assert distance_m <= bounds.reach_m
    assert candidate.max_distance_km is not None or distance_m <= bounds.unstated_reach_m


def test_bounds_at_the_ends_of_the_calendar_stay_in_it():
    bounds = candidate_bounds(surplus(period=(date.min, date.max)), taxonomy=TAXONOMY)
    assert (bounds.ends_from, bounds.starts_to) == (date.min, date.max)


@given(pair=compatible_pairs(), distance_m=distances_m, longer=st.floats(0, 100_000))
def test_by_road_a_match_scores_as_one_that_lies_so_far_away(pair, distance_m, longer):
    """Where no limit stands between the two."""
    one, other = (replace(lot, max_distance_km=Decimal(10_000)) for lot in pair)
    found = assess_pair(one, other, distance_m=distance_m, taxonomy=TAXONOMY)
    road_m = distance_m + longer
    there = assess_pair(one, other, distance_m=road_m, taxonomy=TAXONOMY)
    assert score_by_road(found, road_m=road_m) == pytest.approx(there.score, abs=2e-6)
    assert score_by_road(found, road_m=distance_m) == found.score
    assert score_by_road(found, road_m=road_m) <= found.score


def test_a_distance_that_is_none_has_no_score():
    found = judged(surplus(), demand())
    with pytest.raises(ValueError, match="is not a distance"):
        score_by_road(found, road_m=-1)
