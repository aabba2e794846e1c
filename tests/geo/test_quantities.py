"""Quantities keep their range, and masses come from what was entered."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import QuantityError, QuantityFault
from geo.materials import taxonomy
from geo.quantities import MAX_MASS_T, Quantity, read_unit, weigh
from geo.units import EnteredUnit, VolumeState
from tests.geo.strategies import decimals, quantities


@pytest.mark.parametrize(
    ("material", "amount", "unit", "mass_t"),
    [
        ("blasted_rock", "1000", EnteredUnit.TONNE, "1000.000"),
        ("blasted_rock", "1000", EnteredUnit.M3_BANK, "2700.000"),  # 1000 m3 x 2.70
        ("blasted_rock", "1000", EnteredUnit.M3_LOOSE, "1690.000"),  # 1000 m3 x 1.69
        ("blasted_rock", "1000", EnteredUnit.M3_PLACED, "2000.000"),  # 1000 m3 x 2.00
        ("clay", "12.5", EnteredUnit.M3_BANK, "23.750"),  # 12.5 m3 x 1.90
        ("peat", "0.333", EnteredUnit.M3_LOOSE, "0.250"),  # 0.24975 t, to the kilogram
    ],
)
def test_mass_is_volume_times_density_of_its_state(material, amount, unit, mass_t):
    entered = taxonomy().material(material).weigh(Decimal(amount), unit)
    assert str(entered.mass_t) == mass_t


def test_stated_density_comes_before_the_tables():
    rock = taxonomy().material("blasted_rock")
    entered = rock.weigh(Decimal(10), EnteredUnit.M3_BANK, density_t_per_m3=Decimal("2.955"))
    assert (entered.mass_t, entered.density_t_per_m3) == (Decimal("29.550"), Decimal("2.955"))


def test_tonnes_need_no_density_and_keep_none():
    assert weigh(Decimal(3), EnteredUnit.TONNE, density_t_per_m3=Decimal(2)).density_t_per_m3 is None


def test_product_without_bank_density_cannot_be_entered_in_bank_volume():
    crushed = taxonomy().material("crushed_rock")
    assert EnteredUnit.M3_BANK not in crushed.units
    with pytest.raises(QuantityError) as caught:
        crushed.weigh(Decimal(10), EnteredUnit.M3_BANK)
    assert caught.value.code is QuantityFault.NO_DENSITY
    assert caught.value.params == {"unit": EnteredUnit.M3_BANK}


@pytest.mark.parametrize(
    ("amount", "unit", "density", "fault"),
    [
        ("0", EnteredUnit.TONNE, None, QuantityFault.NOT_POSITIVE),
        ("-1", EnteredUnit.TONNE, None, QuantityFault.NOT_POSITIVE),
        ("0.0004", EnteredUnit.TONNE, None, QuantityFault.NOT_POSITIVE),
        ("1e-999999", EnteredUnit.M3_BANK, "2", QuantityFault.NOT_POSITIVE),
        ("NaN", EnteredUnit.TONNE, None, QuantityFault.NOT_FINITE),
        ("sNaN", EnteredUnit.TONNE, None, QuantityFault.NOT_FINITE),
        ("Infinity", EnteredUnit.M3_LOOSE, "2", QuantityFault.NOT_FINITE),
        ("50000000.001", EnteredUnit.TONNE, None, QuantityFault.TOO_LARGE),
        ("30000000", EnteredUnit.M3_BANK, "2", QuantityFault.TOO_LARGE),
        ("1e999999", EnteredUnit.M3_BANK, "2", QuantityFault.TOO_LARGE),
        ("1", EnteredUnit.M3_BANK, "0.29", QuantityFault.DENSITY_OUT_OF_RANGE),
        ("1", EnteredUnit.M3_BANK, "3.51", QuantityFault.DENSITY_OUT_OF_RANGE),
        ("1", EnteredUnit.M3_BANK, "-2", QuantityFault.DENSITY_OUT_OF_RANGE),
        ("1", EnteredUnit.M3_BANK, "NaN", QuantityFault.NOT_FINITE),
    ],
)
def test_absurd_quantity_is_refused(amount, unit, density, fault):
    with pytest.raises(QuantityError) as caught:
        weigh(Decimal(amount), unit, density_t_per_m3=None if density is None else Decimal(density))
    assert caught.value.code is fault


def test_unknown_unit_is_refused_by_name():
    assert read_unit("m3_loose") is EnteredUnit.M3_LOOSE
    with pytest.raises(QuantityError, match="unknown_unit unit=tons"):
        read_unit("tons")


def test_units_know_their_state():
    assert [unit.state for unit in EnteredUnit] == [None, VolumeState.BANK, VolumeState.LOOSE, VolumeState.PLACED]


@given(amount=decimals("0.002", "1e7"), density=decimals("0.3", "3.5", places=2))
def test_mass_is_volume_times_density_to_half_a_kilogram(amount, density):
    mass_t = weigh(amount, EnteredUnit.M3_BANK, density_t_per_m3=density).mass_t
    assert 0 < mass_t <= MAX_MASS_T
    assert abs(mass_t - amount * density) <= Decimal("0.0005")


@pytest.mark.parametrize(
    ("low", "value", "high", "fault"),
    [
        ("2", "1", "3", QuantityFault.BAD_RANGE),
        ("1", "4", "3", QuantityFault.BAD_RANGE),
        ("NaN", "1", "3", QuantityFault.NOT_FINITE),
        ("1", "1", "Infinity", QuantityFault.NOT_FINITE),
    ],
)
def test_quantity_holds_its_value_inside_its_range(low, value, high, fault):
    with pytest.raises(QuantityError) as caught:
        Quantity(low=Decimal(low), value=Decimal(value), high=Decimal(high), unit="t", source="test")
    assert caught.value.code is fault


def test_different_units_do_not_add():
    mass = Quantity.exact(Decimal(1), unit="t", source="scale")
    with pytest.raises(QuantityError, match="units_differ one=t other=km"):
        mass + Quantity.exact(Decimal(1), unit="km", source="map")


def test_emissions_of_a_load_worked_by_hand():
    """17 t over 10 km at 0.10-0.14 (0.12) kg/tkm: 170 tkm, 17.0-23.8 (20.4) kg."""
    work = Quantity.exact(Decimal(17), unit="t", source="scale").times(
        Quantity.exact(Decimal(10), unit="km", source="map"), unit="tkm"
    )
    factor = Quantity(
        low=Decimal("0.10"), value=Decimal("0.12"), high=Decimal("0.14"), unit="kg/tkm", source="factors; map"
    )
    emitted = work.times(factor, unit="kg")
    assert (emitted.low, emitted.value, emitted.high) == (Decimal("17.00"), Decimal("20.40"), Decimal("23.80"))
    assert emitted.source == "scale; map; factors"


def test_negative_factor_turns_the_range_round():
    saved = Quantity(low=Decimal(1), value=Decimal(2), high=Decimal(5), unit="kg", source="x").scaled(Decimal(-2))
    assert (saved.low, saved.value, saved.high) == (Decimal(-10), Decimal(-4), Decimal(-2))


@given(one=quantities(), other=quantities(), share=st.tuples(*[decimals("0", "1")] * 2), factor=decimals("-1e3", "1e3"))
def test_arithmetic_contains_every_figure_inside_the_ranges(one, other, share, factor):
    a, b = (q.low + (q.high - q.low) * part for q, part in zip((one, other), share, strict=True))
    total, product, scaled = one + other, one.times(other, unit="t2"), one.scaled(factor)
    assert total.low <= a + b <= total.high
    assert product.low <= a * b <= product.high
    assert scaled.low <= a * factor <= scaled.high


@given(one=quantities(), other=quantities())
def test_sum_and_product_do_not_depend_on_the_order(one, other):
    assert one + other == other + one
    assert one.times(other, unit="t2") == other.times(one, unit="t2")
