"""The sets of figures in the seed tables, and what may stand in a set."""

from decimal import Decimal
from pathlib import Path

import pytest

from geo.errors import FactorError, FactorFault
from geo.factor_tables import check_factor, check_set, factor_tables, read_factor_tables
from geo.factors import Factor, FactorSet
from geo.quantities import Quantity

TABLES = factor_tables()


def quantity(value: str, *, low: str | None = None, high: str | None = None, unit: str = "kg CO2e/t") -> Quantity:
    return Quantity(
        value=Decimal(value), low=Decimal(low or value), high=Decimal(high or value), unit=unit, source="a test"
    )


def fault_of(key: str, given: Quantity) -> FactorFault:
    with pytest.raises(FactorError) as caught:
        check_factor(key, given)
    return caught.value.code


def test_one_set_is_active_and_it_is_of_2025() -> None:
    assert [each.version for each in TABLES.sets.values() if each.status == "active"] == ["desnz-2025"]


def test_every_set_has_all_that_the_method_asks_for() -> None:
    for each in TABLES.sets.values():
        check_set(each.figures)


def test_every_figure_names_a_source_that_is_found_and_its_year() -> None:
    for each in TABLES.sets.values():
        assert {figure.factor.quantity.source for figure in each.factors.values()} <= TABLES.sources.keys()
        assert all(figure.year for figure in each.factors.values())


def test_engineering_judgement_is_never_called_verified() -> None:
    figures = [figure.factor for each in TABLES.sets.values() for figure in each.factors.values()]
    assert not any(each.is_verified for each in figures if each.quantity.source == "Engineering default")


def test_every_note_has_its_norwegian() -> None:
    assert all(norwegian for english, norwegian in TABLES.notes_no.items() if english)


def test_a_set_takes_what_it_does_not_name_from_the_one_it_builds_on() -> None:
    draft, base = TABLES.sets["norway-2026-draft"].figures, TABLES.sets["desnz-2025"].figures
    rock = draft.material("aggregates").primary
    assert (rock.low, rock.value, rock.high) == (Decimal("1.5"), Decimal("3.5"), Decimal(8))
    changed = {key for key in base.factors if base.factors[key] != draft.factors[key]}
    assert changed == {"material.aggregates.primary"}


def test_the_set_of_2024_gives_the_published_kilograms_a_kilometre() -> None:
    figures = TABLES.sets["desnz-2024"].figures
    lorry, litre = figures.vehicle(), figures.factor("fuel.diesel_lorry.ttw").value
    assert round(lorry.full_per_km.value * litre, 5) == Decimal("1.07433")
    assert round(lorry.empty_per_km.value * litre, 5) == Decimal("0.74987")


def test_the_set_of_2024_gives_the_golden_case() -> None:
    """63 trips a leg, 3,276 km full and as many empty: 5,976 kg, and 7,428 from well to wheel (impact_method.md)."""
    figures = TABLES.sets["desnz-2024"].figures
    lorry = figures.vehicle()
    litres = 63 * (35 + 25 - 8) * (lorry.full_per_km.value + lorry.empty_per_km.value)
    assert round(litres * figures.factor("fuel.diesel_lorry.ttw").value) == 5976
    assert round(litres * lorry.kg_co2e_per_energy.value) == 7428


@pytest.mark.parametrize(
    ("key", "given", "fault"),
    [
        ("material.aggregates.colour", quantity("1"), FactorFault.UNKNOWN_KEY),
        ("Vehicle.tipper.full", quantity("1", unit="l/km"), FactorFault.UNKNOWN_KEY),
        ("fuel.electricity.ttw", quantity("0", unit="kg CO2e/l"), FactorFault.WRONG_UNIT),
        ("fuel.diesel.ttw", quantity("3", unit="kg CO2e/kWh"), FactorFault.WRONG_UNIT),
        ("vehicle.tipper.full", quantity("40", unit="l/100 km"), FactorFault.WRONG_UNIT),
        ("material.aggregates.primary", quantity("1", low="-1"), FactorFault.NEGATIVE),
        ("vehicle.tipper.payload", quantity("18", low="0", unit="t"), FactorFault.NOT_POSITIVE),
        ("default.landfill_height", quantity("0", unit="m"), FactorFault.NOT_POSITIVE),
        ("default.landfill_share", quantity("0.7", high="1.1", unit="1"), FactorFault.NOT_A_SHARE),
    ],
)
def test_what_cannot_stand_in_a_set_is_refused(key: str, given: Quantity, fault: FactorFault) -> None:
    assert fault_of(key, given) is fault


def test_a_set_without_its_own_lorry_is_refused() -> None:
    kept = TABLES.sets["desnz-2025"].figures
    other = FactorSet(version="x", default_vehicle="none", default_fuel=kept.default_fuel, factors=kept.factors)
    with pytest.raises(FactorError) as caught:
        check_set(other)
    assert (caught.value.code, caught.value.params["key"]) == (FactorFault.MISSING, "vehicle.none.full")


def test_a_lorry_without_all_its_figures_is_refused() -> None:
    kept = TABLES.sets["desnz-2025"].figures
    lone = Factor(key="vehicle.new.payload", quantity=quantity("20", unit="t"), is_verified=False)
    other = FactorSet(
        version="x",
        default_vehicle=kept.default_vehicle,
        default_fuel=kept.default_fuel,
        factors={**kept.factors, lone.key: lone},
    )
    with pytest.raises(FactorError) as caught:
        check_set(other)
    assert caught.value.params["key"] == "vehicle.new.full"


@pytest.mark.parametrize("broken", ["9,3,8", "x,3,8", "NaN,3,8"])
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, broken: str) -> None:
    (tmp_path / "factors.csv").write_text(
        "factor_set,key,low,value,high,unit,source,year,licence,verified,note_en,note_no\n"
        f"a,material.aggregates.primary,{broken},kg CO2e/t,somebody,2026,own,no,,\n"
    )
    with pytest.raises(FactorError) as caught:
        read_factor_tables(tmp_path)
    assert (caught.value.code, caught.value.params["line"]) == (FactorFault.BAD_TABLE, 2)
