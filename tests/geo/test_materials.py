"""Fractions, the material table and what may stand in for what."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given

from geo.errors import FractionError, FractionFault, MaterialError, MaterialFault
from geo.materials import (
    SEED_DIR,
    Fraction,
    MaterialGroup,
    Treatment,
    read_fraction,
    read_taxonomy,
    taxonomy,
)
from geo.quantities import DENSITY_HIGH_T_PER_M3, DENSITY_LOW_T_PER_M3
from geo.units import VolumeState
from tests.geo.strategies import MATERIALS, fractions

TAXONOMY = taxonomy()
DEMAND_AND_OFFER = [(s.demanded, s.offered) for s in TAXONOMY.substitutions.values()]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("8/16", "8/16"),
        ("0/32", "0/32"),
        ("22-120", "22/120"),
        ("22 – 120 mm", "22/120"),
        (" 0/5,6 ", "0/5.6"),
        ("0/5.60", "0/5.6"),
        ("100/200", "100/200"),
        ("0/2000", "0/2000"),
    ],
)
def test_fraction_is_read_as_people_write_it(text, written):
    assert str(read_fraction(text)) == written


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("32/0", FractionFault.WRONG_ORDER),
        ("8/8", FractionFault.WRONG_ORDER),
        ("-4/8", FractionFault.NEGATIVE),
        ("0/-8", FractionFault.NEGATIVE),
        ("0/2000.1", FractionFault.TOO_LARGE),
        ("8", FractionFault.NOT_A_FRACTION),
        ("8/16/32", FractionFault.NOT_A_FRACTION),
        ("a/b", FractionFault.NOT_A_FRACTION),
        ("0/1e3", FractionFault.NOT_A_FRACTION),
        ("0/" + "9" * 1000, FractionFault.NOT_A_FRACTION),
        ("", FractionFault.NOT_A_FRACTION),
    ],
)
def test_bad_fraction_is_refused_with_its_reason(text, fault):
    with pytest.raises(FractionError) as caught:
        read_fraction(text)
    assert caught.value.code is fault


@given(fraction=fractions())
def test_fraction_written_and_read_again_is_the_same(fraction):
    assert read_fraction(str(fraction)) == fraction


def test_fraction_lies_within_one_that_has_all_its_grains():
    wide = read_fraction("0/32")
    assert read_fraction("8/16").lies_within(wide)
    assert wide.lies_within(wide)
    assert not wide.lies_within(read_fraction("8/16"))
    assert not read_fraction("22/63").lies_within(wide)


def test_unknown_material_is_named():
    with pytest.raises(MaterialError, match="unknown_material key=gold"):
        TAXONOMY.material("gold")
    with pytest.raises(MaterialError):
        TAXONOMY.compatible_offers("gold")


def test_every_group_has_materials():
    assert sum(len(TAXONOMY.in_group(group)) for group in MaterialGroup) == len(TAXONOMY.materials)
    assert all(TAXONOMY.in_group(group) for group in MaterialGroup)


@pytest.mark.parametrize("key", MATERIALS)
def test_densities_are_plausible_and_a_bank_metre_swells_when_dug(key):
    densities = TAXONOMY.material(key).densities_t_per_m3
    assert densities, "nothing could be entered in cubic metres"
    assert all(DENSITY_LOW_T_PER_M3 <= density <= DENSITY_HIGH_T_PER_M3 for density in densities.values())
    assert densities[VolumeState.LOOSE] < densities.get(VolumeState.BANK, Decimal(10))
    assert densities[VolumeState.LOOSE] < densities[VolumeState.PLACED]


MATERIAL_HEAD = (
    "key,name_no,name_en,group,ewc,ns9431,bank_t_m3,f_loose,f_placed,loose_t_m3,placed_t_m3,"
    "has_fraction,typical_fraction,note,source,licence,verified\n"
)
SUBSTITUTION_HEAD = "demanded,offered,treatment,fitness,note_no,note_en,source,verified\n"


def tables(tmp_path, materials: str, substitutions: str = ""):
    (tmp_path / "materials.csv").write_text(MATERIAL_HEAD + materials, encoding="utf-8")
    (tmp_path / "substitutions.csv").write_text(SUBSTITUTION_HEAD + substitutions, encoding="utf-8")
    return tmp_path / "materials.csv", tmp_path / "substitutions.csv"


def test_density_left_out_is_worked_out_from_the_swell_factor(tmp_path):
    read = read_taxonomy(*tables(tmp_path, "rock,stein,rock,stone,,,2.70,1.60,1.35,,,no,,,x,,no\n"))
    assert dict(read.material("rock").densities_t_per_m3) == {
        VolumeState.BANK: Decimal("2.70"),
        VolumeState.LOOSE: Decimal("1.69"),  # 2.70 / 1.60 = 1.6875
        VolumeState.PLACED: Decimal("2.00"),
    }


def test_seed_densities_agree_with_their_swell_factors_within_a_hundredth(tmp_path):
    """The table gives both; with the given ones struck out, the worked-out ones come to the same."""
    with (SEED_DIR / "materials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    struck = io.StringIO()
    writer = csv.DictWriter(struck, fieldnames=list(rows[0]))
    writer.writerows(row | {"loose_t_m3": "", "placed_t_m3": ""} for row in rows)
    worked_out = read_taxonomy(*tables(tmp_path, struck.getvalue()))
    for key, material in worked_out.materials.items():
        for state, density in material.densities_t_per_m3.items():
            given_density = TAXONOMY.material(key).densities_t_per_m3[state]
            assert abs(density - given_density) <= Decimal("0.01"), (key, state)


GOOD = "rock,stein,rock,stone,,,2.70,,,,,no,,,x,,no\nsand,sand,sand,stone,,,,,,1.6,,yes,0/8,,x,,no\n"


@pytest.mark.parametrize(
    ("materials", "substitutions"),
    [
        ("rock,stein,rock,metal,,,2.70,,,,,no,,,x,,no\n", ""),
        ("rock,stein,rock,stone,,,heavy,,,,,no,,,x,,no\n", ""),
        ("rock,stein,rock,stone,,,-2.70,,,,,no,,,x,,no\n", ""),
        ("rock,stein,rock,stone,,,2.70,,,,,maybe,,,x,,no\n", ""),
        ("rock,stein,rock,stone,,,2.70,,,,,yes,32/0,,x,,no\n", ""),
        ("rock,stein\n", ""),
        (GOOD + GOOD, ""),
        (GOOD, "rock,gold,none,0.5,,,x,no\n"),
        (GOOD, "rock,rock,none,0.5,,,x,no\n"),
        (GOOD, "rock,sand,none,0.5,,,x,no\n" * 2),
        (GOOD, "rock,sand,none,1.5,,,x,no\n"),
        (GOOD, "rock,sand,none,0,,,x,no\n"),
        (GOOD, "rock,sand,none,nan,,,x,no\n"),
        (GOOD, "rock,sand,magic,0.5,,,x,no\n"),
    ],
)
def test_bad_row_of_a_table_is_refused_with_its_line(tmp_path, materials, substitutions):
    with pytest.raises(MaterialError) as caught:
        read_taxonomy(*tables(tmp_path, materials, substitutions))
    assert caught.value.code is MaterialFault.BAD_TABLE
    assert caught.value.params["line"] >= 2


@pytest.mark.parametrize("key", MATERIALS)
def test_material_serves_for_itself_untreated(key):
    itself = TAXONOMY.substitution(demanded=key, offered=key)
    assert (itself.treatment, itself.fitness) == (Treatment.NONE, 1.0)


@pytest.mark.parametrize(("demanded", "offered"), DEMAND_AND_OFFER)
def test_substitution_says_why_in_both_languages_and_is_not_as_good_as_the_thing_itself(demanded, offered):
    row = TAXONOMY.substitution(demanded=demanded, offered=offered)
    assert row.fitness < 1
    assert row.note_no
    assert row.note_en
    assert row.source


@pytest.mark.parametrize("key", ["topsoil", "peat", "clay", "silt"])
def test_nothing_else_serves_as(key):
    assert TAXONOMY.compatible_offers(key) == {key}


def test_what_has_humus_in_it_serves_for_nothing_that_carries():
    for humic in ("topsoil", "peat"):
        assert TAXONOMY.compatible_demands(humic) == {humic}


def test_rock_becomes_products_by_crushing():
    for product in ("crushed_rock", "cobble", "base_course", "gravel"):
        assert TAXONOMY.substitution(demanded=product, offered="blasted_rock").treatment is Treatment.CRUSHING


def test_demolition_concrete_and_reclaimed_asphalt_are_never_used_uncrushed():
    for waste in ("concrete", "asphalt", "brick"):
        rows = [s for s in TAXONOMY.substitutions.values() if s.offered == waste]
        assert rows
        assert {row.treatment for row in rows} == {Treatment.CRUSHING}


@pytest.mark.parametrize("demanded", MATERIALS)
@pytest.mark.parametrize("offered", MATERIALS)
def test_both_directions_of_the_table_agree(demanded, offered):
    serves = TAXONOMY.substitution(demanded=demanded, offered=offered) is not None
    assert (offered in TAXONOMY.compatible_offers(demanded)) == serves
    assert (demanded in TAXONOMY.compatible_demands(offered)) == serves


def test_fraction_holds_its_bounds():
    with pytest.raises(FractionError, match="wrong_order lower_mm=16 upper_mm=8"):
        Fraction(lower_mm=Decimal(16), upper_mm=Decimal(8))
