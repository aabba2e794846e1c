"""The impact method, held to its golden case."""

from dataclasses import replace
from decimal import Decimal

import pytest

from geo.errors import ImpactError
from geo.factors import LITRE, Vehicle
from geo.impact import (
    Comparison,
    Leg,
    Measure,
    Method,
    Rates,
    Role,
    from_json,
    is_plausible,
    ledger_of,
    nothing_avoided,
    rates_of,
    to_json,
)
from geo.quantities import Quantity

D = Decimal
DIESEL_TTW, DIESEL_WTT = D("2.66155"), D("0.62409")


def exactly(value: str | Decimal, unit: str = "") -> Quantity:
    return Quantity.exact(D(value), unit=unit, source="test")


def ranged(low: str, value: str, high: str, unit: str = "") -> Quantity:
    return Quantity(value=D(value), low=D(low), high=D(high), unit=unit, source="test")


def rigid_gt17(*, with_wtt: bool = False) -> Vehicle:
    """DESNZ 2024, rigid above 17 t, kg CO2e per km full and empty, as litres of the diesel that gives them."""
    full, empty = (D("1.07433"), D("0.74987"))
    kg_per_l = DIESEL_TTW
    if with_wtt:
        full, empty = full + D("0.26149"), empty + D("0.18172")
    return Vehicle(
        key="rigid_gt17",
        payload_t=D(16),
        full_per_km=exactly(full / kg_per_l, "l/km"),
        empty_per_km=exactly(empty / kg_per_l, "l/km"),
        energy=LITRE,
        kg_co2e_per_energy=exactly(kg_per_l, "kg CO2e/l"),
    )


def golden(**changes: object) -> Comparison:
    legs = (
        Leg(role=Role.TO_LANDFILL, origin="i", destination="L", length_km=D(35)),
        Leg(role=Role.FROM_QUARRY, origin="Q", destination="j", length_km=D(25)),
        Leg(role=Role.HAUL, origin="i", destination="j", length_km=D(8)),
    )
    case = Comparison(
        factor_set="desnz-2024",
        material_key="blasted_rock",
        method=Method.ROAD,
        circuity=exactly("1"),
        legs=legs,
        substitution=D(1),
        landfill_share=ranged("0.5", "0.8", "1"),
        residue_share=D(0),
        vehicle=rigid_gt17(),
        empty_return=D(1),
        placed_t_per_m3=exactly("2", "t/m3"),
        landfill_height_m=ranged("5", "10", "20", "m"),
        primary_kg_per_t=ranged("1.5", "7.793", "8", "kg CO2e/t"),
        processing_kg_per_t=exactly("0", "kg CO2e/t"),
        landfill_kg_per_t=exactly("1.263", "kg CO2e/t"),
        recovery_kg_per_t=exactly("1.008", "kg CO2e/t"),
        haulage_nok_per_km=exactly("25", "NOK/km"),
        gate_fee_nok_per_t=None,
        purchase_nok_per_t=None,
    )
    return replace(case, **changes)  # type: ignore[arg-type]  # any field


def central(rates: Rates, mass_t: str = "1000") -> dict[Measure, Decimal]:
    return {measure: quantity.value for measure, quantity in ledger_of(rates, D(mass_t)).items()}


def test_the_golden_case() -> None:
    found = central(rates_of(golden()))
    assert found[Measure.TKM] == 52_000
    assert found[Measure.TRIPS] == 63  # 63 a leg: two are avoided, one is driven
    assert found[Measure.VEHICLE_KM] == 6_552
    assert round(found[Measure.TRANSPORT_CO2E_KG]) == 5_976
    well_to_wheel = central(rates_of(golden(vehicle=rigid_gt17(with_wtt=True))))
    assert round(well_to_wheel[Measure.TRANSPORT_CO2E_KG]) == 7_428


def test_the_other_ledgers_by_hand() -> None:
    ledger = ledger_of(rates_of(golden()), D(1000))
    said = {m: (q.low, q.value, q.high) for m, q in ledger.items()}
    assert said[Measure.LANDFILL_T] == (500, 800, 1000)
    assert said[Measure.LANDFILL_M3] == (250, 400, 500)
    assert said[Measure.LANDFILL_M2] == (D("12.5"), 40, 100)
    assert said[Measure.VIRGIN_T] == (1000, 1000, 1000)
    assert said[Measure.MATERIAL_CO2E_KG] == (1500, 7793, 8000)
    assert said[Measure.DISPOSAL_CO2E_KG] == (D("127.5"), 204, 255)
    assert said[Measure.HAULAGE_NOK] == (163_800,) * 3
    assert said[Measure.GATE_FEE_NOK] == said[Measure.PURCHASE_NOK] == (0, 0, 0)
    assert all(ledger[measure].unit == measure.unit for measure in Measure)


def test_a_hub_is_driven_to_and_from_and_processes_what_it_takes() -> None:
    legs = tuple(leg for leg in golden().legs if leg.role is not Role.HAUL)
    by_way_of = (
        Leg(role=Role.HAUL, origin="i", destination="h", length_km=D(10)),
        Leg(role=Role.HAUL, origin="h", destination="j", length_km=D(12)),
    )
    case = golden(legs=(*legs, *by_way_of), residue_share=D("0.05"), processing_kg_per_t=exactly("3.218", "kg CO2e/t"))
    found = central(rates_of(case))
    assert found[Measure.TKM] == 1000 * (60 - 22)
    assert found[Measure.TRIPS] == 0
    assert found[Measure.LANDFILL_T] == 760
    assert found[Measure.VIRGIN_T] == 950
    assert found[Measure.MATERIAL_CO2E_KG] == D(950) * D("7.793") - 3218


def test_nothing_is_credited_that_is_not_recovery() -> None:
    found = central(rates_of(golden(substitution=D(0))))
    assert found[Measure.VIRGIN_T] == found[Measure.MATERIAL_CO2E_KG] == 0
    assert found[Measure.TKM] == 27_000
    assert found[Measure.TRIPS] == 0


def test_a_part_that_replaces_drives_its_own_loads() -> None:
    found = central(rates_of(golden(substitution=D("0.5"))))
    assert found[Measure.TKM] == 1000 * (35 + D("12.5") - 8)
    assert found[Measure.VEHICLE_KM] == 2 * (63 * (35 - 8) + 32 * 25)  # 500 t are 32 loads


def test_a_longer_haul_than_without_the_deal_stays_negative() -> None:
    far = Leg(role=Role.HAUL, origin="i", destination="j", length_km=D(100))
    ledger = ledger_of(rates_of(golden(legs=(*golden().legs[:2], far))), D(1000))
    assert ledger[Measure.TKM].value == -40_000
    assert ledger[Measure.TRANSPORT_CO2E_KG].value < 0
    assert not is_plausible(
        ledger_of(rates_of(golden(primary_kg_per_t=exactly("40", "kg CO2e/t"))), D(1000)), mass_t=D(1000)
    )


def test_the_range_of_an_estimate_is_that_of_what_is_avoided() -> None:
    """One circuity holds for all legs: 52 km of straight line are saved by any factor, never 60 x 1.2 - 8 x 1.5."""
    ledger = ledger_of(rates_of(golden(method=Method.ESTIMATE, circuity=ranged("1.2", "1.3", "1.5"))), D(1000))
    tkm = ledger[Measure.TKM]
    assert (tkm.low, tkm.value, tkm.high) == (62_400, 67_600, 78_000)


def test_what_waits_in_a_hub_counts_nothing() -> None:
    assert set(central(nothing_avoided()).values()) == {D(0)}


def test_a_comparison_is_read_again_as_it_was_kept() -> None:
    case = golden(gate_fee_nok_per_t=ranged("80", "100", "150", "NOK/t"), method=Method.ESTIMATE)
    assert from_json(to_json(case)) == case
    with pytest.raises(ImpactError, match="unreadable"):
        from_json({"method": "road"})


@pytest.mark.parametrize(
    "changes",
    [
        {"substitution": D("1.1")},
        {"residue_share": D(-1)},
        {"landfill_share": ranged("0", "1", "2")},
        {"legs": (Leg(role=Role.HAUL, origin="i", destination="j", length_km=D(-1)),)},
        {"vehicle": replace(rigid_gt17(), payload_t=D(0))},
    ],
)
def test_bad_inputs_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ImpactError):
        golden(**changes)


def test_a_mass_below_zero_is_refused() -> None:
    with pytest.raises(ImpactError, match="negative_mass"):
        ledger_of(rates_of(golden()), D(-1))
