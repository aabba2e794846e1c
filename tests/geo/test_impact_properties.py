"""What holds of any comparison: the method by hand, ranges, conservation, symmetry and that nothing counts twice."""

from dataclasses import replace
from decimal import Decimal, localcontext

from hypothesis import given, settings
from hypothesis import strategies as st

from geo.impact import (
    ENOUGH_DIGITS,
    RATE_STEP,
    Comparison,
    Ledger,
    Leg,
    Measure,
    Rates,
    Role,
    from_json,
    ledger_of,
    nothing_avoided,
    rates_of,
    to_json,
    trips,
)
from geo.quantities import Quantity
from tests.geo.impact_cases import by_hand, centre, comparisons, lengths, masses, points, shares, with_length
from tests.geo.strategies import decimals

ZERO = Decimal(0)
DRIVEN = (
    Measure.TKM,
    Measure.TRIPS,
    Measure.VEHICLE_KM,
    Measure.LITRES,
    Measure.TRANSPORT_CO2E_KG,
    Measure.HAULAGE_NOK,
)
BY_KM = tuple(measure for measure in DRIVEN if measure is not Measure.TRIPS)
BY_TONNE = tuple(measure for measure in Measure if measure not in DRIVEN)
LEGS_WITHOUT_A_DEAL = (Role.TO_LANDFILL, Role.FROM_QUARRY)

often = settings(deadline=None, max_examples=50)
sometimes = settings(deadline=None, max_examples=25)
payloads = decimals("0.001", "60")


def rounding(rates: Rates, mass_t: Decimal) -> Decimal:
    """How much rates kept to nine decimals can come to at most."""
    return RATE_STEP * (mass_t + 2 * trips(mass_t, payload_t=rates.payload_t) + 1)


def bounds(quantity: Quantity) -> tuple[Decimal, Decimal, Decimal]:
    return quantity.low, quantity.value, quantity.high


def exact(comparison: Comparison) -> Comparison:
    """Without its ranges, so that what differs is not how they were added."""
    found = centre(comparison).at
    both = [(comparison, {}), (comparison.vehicle, {})]
    for one, changes in both:
        for name in one.__dataclass_fields__:
            each = getattr(one, name)
            if isinstance(each, Quantity):
                changes[name] = Quantity.exact(found[name], unit=each.unit, source=each.source)
    return replace(comparison, **{**both[0][1], "vehicle": replace(comparison.vehicle, **both[1][1])})


def net_km(comparison: Comparison) -> Decimal:
    """Avoided for every tonne, on roads as long as the crow flies."""
    share = {Role.TO_LANDFILL: Decimal(1), Role.FROM_QUARRY: comparison.substitution, Role.HAUL: Decimal(-1)}
    return sum((share[leg.role] * leg.length_km for leg in comparison.legs), ZERO)


# The method ---------------------------------------------------------------------------------------------------------


@often
@given(comparison=comparisons(), mass_t=masses)
def test_the_central_figures_are_those_of_the_method_leg_by_leg(comparison: Comparison, mass_t: Decimal) -> None:
    rates = rates_of(comparison)
    ledger = ledger_of(rates, mass_t)
    for measure, expected in by_hand(centre(comparison), mass_t).items():
        assert abs(ledger[measure].value - expected) <= rounding(rates, mass_t), measure


@often
@given(data=st.data(), comparison=comparisons(), mass_t=masses)
def test_a_range_holds_whatever_the_ranges_put_in_may_hold(
    data: st.DataObject, comparison: Comparison, mass_t: Decimal
) -> None:
    rates = rates_of(comparison)
    ledger = ledger_of(rates, mass_t)
    slack = rounding(rates, mass_t)
    for measure, value in by_hand(data.draw(points(comparison)), mass_t).items():
        assert ledger[measure].low - slack <= value <= ledger[measure].high + slack, measure


@sometimes
@given(comparison=comparisons(), mass_t=masses)
def test_what_is_known_without_a_range_comes_to_one_figure(comparison: Comparison, mass_t: Decimal) -> None:
    comparison = exact(comparison)
    rates = rates_of(comparison)
    for measure, quantity in ledger_of(rates, mass_t).items():
        assert quantity.low == quantity.value == quantity.high, measure


@sometimes
@given(comparison=comparisons())
def test_a_comparison_is_read_again_as_it_was_kept(comparison: Comparison) -> None:
    assert from_json(to_json(comparison)) == comparison


# Conservation -------------------------------------------------------------------------------------------------------


@sometimes
@given(comparison=comparisons(), parts=st.lists(decimals("0", "500"), max_size=6))
def test_what_goes_by_the_tonne_adds_up_over_deliveries_and_loads_never_get_fewer(
    comparison: Comparison, parts: list[Decimal]
) -> None:
    rates = rates_of(comparison)
    whole = ledger_of(rates, sum(parts, ZERO))
    each = [ledger_of(rates, part) for part in parts]
    with localcontext(prec=ENOUGH_DIGITS):
        for measure in (*BY_TONNE, Measure.TKM):
            summed = [sum(column, ZERO) for column in zip(*(bounds(one[measure]) for one in each), strict=True)]
            assert list(bounds(whole[measure])) == (summed or [ZERO] * 3), measure
    driven = sum((trips(part, payload_t=rates.payload_t) for part in parts), ZERO)
    assert trips(sum(parts, ZERO), payload_t=rates.payload_t) <= driven


@often
@given(mass_t=decimals("0", "50000000"), payload_t=payloads)
def test_loads_carry_all_of_the_mass_and_all_but_one_are_full(mass_t: Decimal, payload_t: Decimal) -> None:
    loads = trips(mass_t, payload_t=payload_t)
    assert loads == loads.to_integral_value()
    assert (loads - 1) * payload_t < mass_t <= loads * payload_t or loads == mass_t == 0


@sometimes
@given(comparison=comparisons())
def test_nothing_delivered_avoids_nothing(comparison: Comparison) -> None:
    assert all(bounds(quantity) == (0, 0, 0) for quantity in ledger_of(rates_of(comparison), ZERO).values())


# Symmetry -----------------------------------------------------------------------------------------------------------


@sometimes
@given(comparison=comparisons(hubs=0), mass_t=masses)
def test_with_and_without_the_deal_are_measured_alike(comparison: Comparison, mass_t: Decimal) -> None:
    """What is driven with the deal and what is driven without it change places: avoided becomes added."""
    direct = replace(comparison, substitution=ZERO)
    swap = {Role.TO_LANDFILL: Role.HAUL, Role.HAUL: Role.TO_LANDFILL}
    turned = replace(direct, legs=tuple(replace(leg, role=swap.get(leg.role, leg.role)) for leg in direct.legs))
    one, other = (ledger_of(rates_of(each), mass_t) for each in (direct, turned))
    for measure in DRIVEN:
        assert bounds(one[measure]) == tuple(-bound for bound in reversed(bounds(other[measure]))), measure


@sometimes
@given(comparison=comparisons(), mass_t=masses)
def test_the_order_and_the_direction_of_legs_are_all_the_same(comparison: Comparison, mass_t: Decimal) -> None:
    legs = tuple(replace(leg, origin=leg.destination, destination=leg.origin) for leg in reversed(comparison.legs))
    turned = replace(comparison, legs=legs)
    assert ledger_of(rates_of(comparison), mass_t) == ledger_of(rates_of(turned), mass_t)


@sometimes
@given(comparison=comparisons(hubs=0), mass_t=masses, length_km=lengths)
def test_as_far_with_as_without_is_nothing_avoided(comparison: Comparison, mass_t: Decimal, length_km: Decimal) -> None:
    level = replace(
        comparison,
        substitution=ZERO,
        legs=tuple(replace(leg, length_km=length_km) for leg in comparison.legs),
    )
    ledger = ledger_of(rates_of(level), mass_t)
    assert all(bounds(ledger[measure]) == (0, 0, 0) for measure in DRIVEN)


# Monotonicity -------------------------------------------------------------------------------------------------------


@often
@given(
    comparison=comparisons(), mass_t=masses, added_km=decimals("0", "300"), role=st.sampled_from(LEGS_WITHOUT_A_DEAL)
)
def test_a_longer_way_without_the_deal_never_lowers_what_is_saved(
    comparison: Comparison, mass_t: Decimal, added_km: Decimal, role: Role
) -> None:
    assert_not_less(comparison, with_length(comparison, role, added_km=added_km), mass_t)


@often
@given(comparison=comparisons(), mass_t=masses, added_km=decimals("0", "300"))
def test_a_longer_haul_never_raises_what_is_saved(comparison: Comparison, mass_t: Decimal, added_km: Decimal) -> None:
    assert_not_less(with_length(comparison, Role.HAUL, added_km=added_km), comparison, mass_t)


@sometimes
@given(comparison=comparisons(), mass_t=masses, less=shares)
def test_the_more_is_recovered_the_more_virgin_material_is_spared(
    comparison: Comparison, mass_t: Decimal, less: Decimal
) -> None:
    lower = replace(comparison, substitution=min(less, comparison.substitution))
    one, other = (ledger_of(rates_of(each), mass_t) for each in (lower, comparison))
    for measure in (Measure.TKM, Measure.VIRGIN_T, Measure.MATERIAL_CO2E_KG, Measure.PURCHASE_NOK):
        assert one[measure].value <= other[measure].value + rounding(rates_of(comparison), mass_t), measure


def assert_not_less(shorter: Comparison, longer: Comparison, mass_t: Decimal) -> None:
    """Not at either end of the range, nor between; and no other ledger has moved."""
    one, other = (ledger_of(rates_of(each), mass_t) for each in (shorter, longer))
    for measure in DRIVEN:
        assert all(a <= b for a, b in zip(bounds(one[measure]), bounds(other[measure]), strict=True)), measure
    assert all(bounds(one[measure]) == bounds(other[measure]) for measure in BY_TONNE)


# Signs --------------------------------------------------------------------------------------------------------------


@often
@given(comparison=comparisons(), mass_t=decimals("0.001", "100000"), added_km=decimals("0.1", "300"))
def test_a_haul_that_is_longer_than_all_it_saves_is_negative_all_through(
    comparison: Comparison, mass_t: Decimal, added_km: Decimal
) -> None:
    saved_km = sum((leg.length_km for leg in comparison.legs if leg.role is not Role.HAUL), ZERO)
    far = with_length(comparison, Role.HAUL, added_km=saved_km + added_km)
    comparison = replace(far, substitution=Decimal(comparison.substitution >= Decimal("0.5")))
    ledger = ledger_of(rates_of(comparison), mass_t)
    for measure in (Measure.TKM, Measure.VEHICLE_KM):
        assert ledger[measure].low <= ledger[measure].value <= ledger[measure].high < 0, measure
    assert ledger[Measure.TRANSPORT_CO2E_KG].high <= 0
    assert (ledger[Measure.TKM].value < 0) is (net_km(comparison) < 0)


# Hubs ---------------------------------------------------------------------------------------------------------------


def without_a_hub(comparison: Comparison) -> Comparison:
    """The same way driven in one go."""
    hauls = [leg for leg in comparison.legs if leg.role is Role.HAUL]
    straight = Leg(
        role=Role.HAUL,
        origin=hauls[0].origin,
        destination=hauls[-1].destination,
        length_km=sum((leg.length_km for leg in hauls), ZERO),
    )
    return replace(comparison, legs=(*(leg for leg in comparison.legs if leg.role is not Role.HAUL), straight))


@often
@given(comparison=comparisons(hubs=2), mass_t=masses)
def test_a_hub_on_the_way_adds_loads_and_nothing_else(comparison: Comparison, mass_t: Decimal) -> None:
    one, other = (ledger_of(rates_of(each), mass_t) for each in (comparison, without_a_hub(comparison)))
    for measure in Measure:
        if measure is not Measure.TRIPS:
            assert bounds(one[measure]) == bounds(other[measure]), measure
    extra = 2 * trips(mass_t, payload_t=comparison.vehicle.payload_t)
    assert one[Measure.TRIPS].value == other[Measure.TRIPS].value - extra


@sometimes
@given(comparison=comparisons(hubs=1), in_t=masses, share=decimals("0", "1"))
def test_what_goes_by_way_of_a_hub_counts_once_where_it_is_used(
    comparison: Comparison, in_t: Decimal, share: Decimal
) -> None:
    """The deal into the hub and the deal out of it come to what one deal along both legs does, for what went out."""
    out_t = (in_t * share).quantize(Decimal("0.001"))
    into, out_of = ledger_of(nothing_avoided(), in_t), ledger_of(rates_of(comparison), out_t)
    assert {measure: bounds(into[measure] + out_of[measure]) for measure in Measure} == {
        measure: bounds(quantity) for measure, quantity in out_of.items()
    }
    rates = rates_of(comparison)
    for measure, expected in by_hand(centre(comparison), out_t).items():
        assert abs((into[measure] + out_of[measure]).value - expected) <= rounding(rates, out_t), measure


@sometimes
@given(comparison=comparisons(), mass_t=masses, rejected=shares)
def test_what_a_hub_rejects_is_neither_spared_nor_kept_from_the_landfill(
    comparison: Comparison, mass_t: Decimal, rejected: Decimal
) -> None:
    whole: Ledger = ledger_of(rates_of(replace(comparison, residue_share=ZERO)), mass_t)
    rates = rates_of(replace(comparison, residue_share=rejected))
    rest = ledger_of(rates, mass_t)
    for measure in (Measure.LANDFILL_T, Measure.LANDFILL_M3, Measure.LANDFILL_M2, Measure.VIRGIN_T):
        expected = whole[measure].value * (1 - rejected)
        assert abs(rest[measure].value - expected) <= 2 * rounding(rates, mass_t), measure
        assert bounds(rest[measure])[0] >= 0
    assert bounds(rest[Measure.TKM]) == bounds(whole[Measure.TKM])
