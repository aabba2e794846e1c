"""A ledger worked out line by line is the ledger; and what replaces what is said of every material."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import MaterialError
from geo.impact import Measure, Role, ledger_of, rates_of
from geo.impact_steps import steps
from geo.materials import taxonomy
from geo.replacements import family_of, read_replacements, replacements
from tests.geo.test_impact import golden

D = Decimal


@given(
    mass_t=st.decimals(min_value=0, max_value=50_000, places=3),
    substitution=st.decimals(min_value=0, max_value=1, places=2),
    residue=st.decimals(min_value=0, max_value=1, places=2),
)
def test_the_lines_come_to_what_the_ledger_says(mass_t: Decimal, substitution: Decimal, residue: Decimal) -> None:
    comparison = golden(substitution=substitution, residue_share=residue)
    worked, ledger = steps(comparison, mass_t), ledger_of(rates_of(comparison), mass_t)
    for measure in Measure:
        line = worked.result[measure]
        assert line is None or abs(line - ledger[measure].value) < D("0.001")


def test_the_golden_case_leg_by_leg() -> None:
    worked = steps(golden(), D(1000))
    (landfill,), (quarry,), (haul,) = (worked.with_role(role) for role in Role)
    assert (worked.loads, landfill.loads, quarry.loads, haul.loads) == (63, 63, 63, 63)
    assert (landfill.tkm, quarry.tkm, haul.tkm) == (35_000, 25_000, 8_000)
    assert (landfill.sign, quarry.sign, haul.sign) == (1, 1, -1)
    assert worked.result[Measure.TKM] == 52_000
    assert worked.result[Measure.VEHICLE_KM] == 6_552


def test_every_material_has_something_it_replaces() -> None:
    assert set(replacements()) == set(taxonomy().materials)


@pytest.mark.parametrize("material", ["concrete", "crushed_concrete", "brick"])
def test_crushed_concrete_and_brick_replace_aggregate_and_nothing_better(material: str) -> None:
    assert replacements()[material].family == "aggregates"


@pytest.mark.parametrize("material", ["topsoil", "clay", "peat", "subsoil"])
def test_soil_replaces_nothing_that_is_made(material: str) -> None:
    assert replacements()[material].family == family_of(material) == "mineral_soil"


def test_a_table_that_leaves_a_material_out_is_refused(tmp_path: object) -> None:
    path = tmp_path / "replaces.csv"  # type: ignore[operator]
    path.write_text("needed,sold_as,landfilled_as,family,note_no,note_en,source,verified\n")
    with pytest.raises(MaterialError):
        read_replacements(path, taxonomy=taxonomy())
