"""What the range of a result does not say."""

from dataclasses import replace
from decimal import Decimal

import pytest

from geo.certainty import is_held_fixed, is_range_verified, is_sign_certain
from geo.factor_tables import factor_tables
from geo.impact import Comparison, Leg, Method, Role, ledger_of, rates_of
from tests.geo.test_impact import golden, ranged

D = Decimal


def estimated(to_landfill: str, haul: str, *, from_quarry: str = "0", substitution: str = "0") -> Comparison:
    legs = (
        Leg(role=Role.TO_LANDFILL, origin="i", destination="L", length_km=D(to_landfill)),
        Leg(role=Role.FROM_QUARRY, origin="Q", destination="j", length_km=D(from_quarry)),
        Leg(role=Role.HAUL, origin="i", destination="j", length_km=D(haul)),
    )
    circuity = ranged("1.20", "1.30", "1.45", "1")
    return golden(method=Method.ESTIMATE, circuity=circuity, legs=legs, substitution=D(substitution))


@pytest.mark.parametrize(
    ("to_landfill", "haul", "is_certain"),
    [("20", "10", True), ("10", "20", True), ("11", "10", False), ("10", "11", False), ("14.5", "12", True)],
)
def test_two_sides_closer_than_the_roads_may_differ_have_no_certain_sign(
    to_landfill: str, haul: str, is_certain: bool
) -> None:
    comparison = estimated(to_landfill, haul)
    assert is_sign_certain(comparison) is is_certain
    for measure, figure in ledger_of(rates_of(comparison), D(1000)).items():
        if measure.unit == "km":
            assert figure.low > 0 or figure.high < 0, "one factor for all legs: the range never says it"


def test_the_quarry_counts_by_the_share_that_is_replaced() -> None:
    assert is_sign_certain(estimated("11", "10", from_quarry="20", substitution="1"))
    assert not is_sign_certain(estimated("11", "10", from_quarry="20", substitution="0"))


def test_roads_that_were_measured_are_certain() -> None:
    assert is_sign_certain(replace(estimated("11", "10"), method=Method.ROAD))


def test_the_payload_and_the_residue_are_held_fixed() -> None:
    assert is_held_fixed("vehicle.tipper_4axle.payload")
    assert is_held_fixed("default.residue_share")
    assert not is_held_fixed("default.landfill_share")


def test_a_verified_figure_has_a_range_of_its_source_or_a_mark() -> None:
    """Whose range is of the source too, row by row: any other that is verified says in its note that it is not."""
    ranged_rows = (
        each.factor
        for kept in factor_tables().sets.values()
        for each in kept.factors.values()
        if each.factor.is_verified
    )
    unmarked = {
        each.key
        for each in ranged_rows
        if each.quantity.low != each.quantity.high
        and is_range_verified(low=each.quantity.low, high=each.quantity.high, note=each.note)
    }
    assert unmarked == {"fuel.diesel_mineral.ttw", "material.aggregates.primary", "fuel.diesel_lorry.wtt"}
