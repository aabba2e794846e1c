"""What laboratories write in a cell: numbers, units and names."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import LabError, LabFault
from geo.lab_values import (
    StoredNumber,
    decimal_marks,
    find_parameter,
    mg_kg_per_unit,
    read_lab_value,
    read_number,
    read_parameter,
    split_unit,
)
from geo.quality_tables import quality_tables


@pytest.mark.parametrize(
    ("text", "value", "is_below"),
    [
        ("12,5", "12.5", False),
        ("12.5", "12.5", False),
        ("0,010", "0.010", False),
        (",5", "0.5", False),
        ("1,234", "1.234", False),
        ("1 234", "1234", False),
        ("1\u00a0234,5", "1234.5", False),
        ("12\u202f345", "12345", False),
        ("1\u2009234\u2009567", "1234567", False),
        ("1'234.5", "1234.5", False),
        ("1.234,5", "1234.5", False),
        ("1,234.5", "1234.5", False),
        ("1.234.567", "1234567", False),
        ("1,2E-3", "0.0012", False),
        ("5e+02", "500", False),
        ("<0,01", "0.01", True),
        ("< 0.01", "0.01", True),
        ("<\u00a00,01", "0.01", True),
        ("&lt;0,01", "0.01", True),
        ("≤ 2", "2", True),
        ("n.d. (<0,01)", "0.01", True),
        ("ND 0.01", "0.01", True),
        ("i.p. < 0,5", "0.5", True),
        ("0,012*", "0.012", False),
        ("<0,0030 ^", "0.0030", True),
    ],
)
def test_number_is_read_as_laboratories_write_it(text, value, is_below):
    reading = read_number(text)
    assert (reading.value, reading.is_below, reading.unit) == (Decimal(value), is_below, "")


@pytest.mark.parametrize("text", ["", " ", "-", "–", "\u00a0", "n.a.", "Ikke analysert", "*"])
def test_empty_cell_is_not_analysed(text):
    assert read_number(text) is None


@pytest.mark.parametrize("text", ["n.d.", "ND", "nd", "i.p.", "ip", "Ikke påvist", "<LOQ", "< LOD"])
def test_not_detected_needs_the_limit_of_quantification(text):
    with pytest.raises(LabError) as caught:
        read_lab_value("As", text, unit="mg/kg TS")
    assert caught.value.code is LabFault.NOT_DETECTED_WITHOUT_LOQ
    value = read_lab_value("As", text, unit="mg/kg TS", loq="0,5")
    assert (value.value_mg_kg, value.is_below) == (Decimal("0.5"), True)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("=A1*2", LabFault.FORMULA),
        ("= 5", LabFault.FORMULA),
        ("-1", LabFault.NEGATIVE),
        ("−0,5", LabFault.NEGATIVE),
        ("<-1", LabFault.NEGATIVE),
        ("<0", LabFault.NEGATIVE),
        ("0", LabFault.ZERO),
        ("0,000", LabFault.ZERO),
        ("NaN", LabFault.NOT_FINITE),
        ("-inf", LabFault.NOT_FINITE),
        (">500", LabFault.ABOVE_RANGE),
        ("≥ 500", LabFault.ABOVE_RANGE),
        ("ca. 5", LabFault.NOT_A_NUMBER),
        ("5 6", LabFault.NOT_A_NUMBER),
        ("12 34", LabFault.NOT_A_NUMBER),
        ("1,2,3", LabFault.NOT_A_NUMBER),
        ("5 ± 1", LabFault.NOT_A_NUMBER),
        ("5-6", LabFault.NOT_A_NUMBER),
        ("#N/A", LabFault.NOT_A_NUMBER),
        ("<", LabFault.NOT_A_NUMBER),
        ("1e999999999", LabFault.NOT_A_NUMBER),
        ("9" * 5000, LabFault.NOT_A_NUMBER),
        ("٣", LabFault.NOT_A_NUMBER),
        ("detected", LabFault.NOT_A_NUMBER),
    ],
)
def test_what_is_no_content_is_refused_with_its_reason(text, fault):
    with pytest.raises(LabError) as caught:
        read_lab_value("As", text, unit="mg/kg")
    assert caught.value.code is fault


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("mg/kg TS", "1"),
        ("mg/kg", "1"),
        ("mg/kgTS", "1"),
        ("mg/kg-TS", "1"),
        ("mg / kg TS", "1"),
        ("[mg/kg dw]", "1"),
        ("mg/kg d.w.", "1"),
        ("mg/kg (tørrstoff)", "1"),
        ("mg kg-1", "1"),
        ("MG/KG TS", "1"),
        ("g/t", "1"),
        ("g/tonn TS", "1"),
        ("ppm", "1"),
        ("µg/g", "1"),
        ("\u03bcg/kg TS", "0.001"),
        ("\u00b5g/kg", "0.001"),
        ("ug/kg TS", "0.001"),
        ("mcg/kg", "0.001"),
        ("ppb", "0.001"),
        ("ng/kg", "0.000001"),
        ("ng TEQ/kg TS", "0.000001"),
        ("ng WHO-TEQ/kg TS", "0.000001"),
        ("pg/g", "0.000001"),
        ("g/kg TS", "1000"),
        ("%", "10000"),
        ("% TS", "10000"),
        ("% (w/w)", "10000"),
    ],
)
def test_unit_is_converted(unit, factor):
    assert mg_kg_per_unit(unit) == Decimal(factor)


@pytest.mark.parametrize(
    ("unit", "fault"),
    [
        ("mg/l", LabFault.LEACHATE),
        ("µg/L", LabFault.LEACHATE),
        ("ng / l", LabFault.LEACHATE),
        ("mg/m3", LabFault.LEACHATE),
        ("mg/kg TS L/S=10", LabFault.LEACHATE),
        ("mg/kg (L/S 10)", LabFault.LEACHATE),
        ("mg/kg utlekking", LabFault.LEACHATE),
        ("Bq/kg", LabFault.RADIOACTIVITY),
        ("kBq/kg TS", LabFault.RADIOACTIVITY),
        ("mg/kg våtvekt", LabFault.WET_WEIGHT),
        ("mg/kg vv", LabFault.WET_WEIGHT),
        ("mg/kg w.w.", LabFault.WET_WEIGHT),
        ("", LabFault.NO_UNIT),
        ("  ", LabFault.NO_UNIT),
        ("mg", LabFault.UNKNOWN_UNIT),
        ("mg/kg fett", LabFault.UNKNOWN_UNIT),
        ("mS/m", LabFault.UNKNOWN_UNIT),
        ("kg/mg", LabFault.UNKNOWN_UNIT),
    ],
)
def test_unit_that_no_limit_is_in_is_refused_with_its_reason(unit, fault):
    with pytest.raises(LabError) as caught:
        mg_kg_per_unit(unit)
    assert caught.value.code is fault


def test_value_comes_in_mg_per_kg():
    assert read_lab_value("PCB7", "7,0", unit="µg/kg TS").value_mg_kg == Decimal("0.007")
    assert read_lab_value("Pb", "12 mg/kg TS", unit="").value_mg_kg == 12
    assert read_lab_value("Pb", "12 mg/kg TS", unit="g/t").value_mg_kg == 12


def test_two_units_that_differ_are_not_chosen_between():
    with pytest.raises(LabError) as caught:
        read_lab_value("Pb", "12 µg/kg", unit="mg/kg TS")
    assert caught.value.code is LabFault.UNITS_DIFFER


def test_more_than_a_kilogram_in_a_kilogram_is_refused():
    assert read_lab_value("Pb", "100", unit="%").value_mg_kg == 1_000_000
    with pytest.raises(LabError) as caught:
        read_lab_value("Pb", "101", unit="%")
    assert caught.value.code is LabFault.TOO_LARGE


def test_result_below_the_limit_of_quantification_beside_it_is_only_below_that_limit():
    value = read_lab_value("Cd", "0,005", unit="mg/kg", loq="0,01")
    assert (value.value_mg_kg, value.is_below) == (Decimal("0.01"), True)
    value = read_lab_value("Cd", "0,05", unit="mg/kg", loq="0,01")
    assert (value.value_mg_kg, value.is_below) == (Decimal("0.05"), False)


@given(
    value=st.decimals("0.00001", "9999", places=5),
    mark=st.sampled_from([".", ","]),
    before=st.sampled_from(["", "<", "< "]),
)
def test_number_written_with_either_mark_is_read_again(value, mark, before):
    reading = read_number(before + str(value).replace(".", mark))
    assert (reading.value, reading.is_below) == (value, bool(before))


@given(text=st.text(max_size=30))
def test_any_text_is_a_positive_number_or_refused(text):
    try:
        reading = read_number(text)
    except LabError:
        return
    assert reading is None or reading.value is None or reading.value > 0


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("As", "As"),
        ("Arsen (As)", "As"),
        ("As (Arsen)", "As"),
        ("Arsen, As", "As"),
        ("As Arsen", "As"),
        ("ARSEN", "As"),
        ("Arsen (As) Premium LOQ", "As"),
        ("Bly (Pb)", "Pb"),
        ("Kvikksølv (Hg)", "Hg"),
        ("Krom (Cr)", "Cr"),
        ("Krom, total", "Cr"),
        ("Krom VI", "Cr6"),
        ("Krom (VI)", "Cr6"),
        ("Cr6+", "Cr6"),
        ("Krom VI (Cr6+)", "Cr6"),
        ("Sum PAH(16) EPA", "PAH16"),
        ("PAH-16", "PAH16"),
        ("Sum PAH-16*", "PAH16"),
        ("Sum 16 PAH", "PAH16"),
        ("Σ PAH 16", "PAH16"),
        ("Benzo(a)pyren", "BaP"),
        ("Benso(a)pyren^", "BaP"),
        ("Benzo[a]pyrene", "BaP"),
        ("Benzo(a)pyren (BaP)", "BaP"),
        ("Sum PCB(7)", "PCB7"),
        ("Sum 7 PCB", "PCB7"),
        ("PCB-7", "PCB7"),
        ("PCB 28", "PCB28"),
        ("Alifater >C10-C12", "C10-C12"),
        ("Alifater > C12 - C35", "C12-C35"),
        ("Alifater >C8-C10", "C8-C10"),
        ("Fraksjon >C10-C12", "THC"),
        ("TOC", "TOC"),
        ("Tørrstoff", "dry_matter"),
        ("Benzen", "benzene"),
        ("Naftalen", "Nap"),
    ],
)
def test_parameter_is_known_by_its_usual_names(name, code):
    assert read_parameter(name).code == code


@pytest.mark.parametrize("name", ["", "Krom (Pb)", "Cr, Krom VI", "Prøve", "Arsen og bly", "Sum", "Unobtainium (Uo)"])
def test_name_that_could_be_something_else_is_not_known(name):
    assert find_parameter(name) is None
    with pytest.raises(LabError) as caught:
        read_parameter(name)
    assert caught.value.code is LabFault.UNKNOWN_PARAMETER


def test_every_parameter_is_known_by_its_names_in_both_languages():
    for parameter in quality_tables().parameters.values():
        for name in (parameter.code, parameter.name_no, parameter.name_en, parameter.name_no.upper()):
            assert read_parameter(name) == parameter


@pytest.mark.parametrize(
    ("heading", "name", "unit"),
    [
        ("Arsen (As) [mg/kg TS]", "Arsen (As)", "mg/kg TS"),
        ("Arsen (As) mg/kg TS", "Arsen (As)", "mg/kg TS"),
        ("Bly, mg/kg", "Bly", "mg/kg"),
        ("PCB7 (µg/kg)", "PCB7", "µg/kg"),
        ("TOC % TS", "TOC", "% TS"),
        ("Alifater >C10-C12 (mg/kg TS)", "Alifater >C10-C12", "mg/kg TS"),
        ("Sum PAH(16) EPA", "Sum PAH(16) EPA", ""),
        ("As", "As", ""),
        ("Barium mg/l", "Barium", "mg/l"),
        ("Ra-226 Bq/kg", "Ra-226", "Bq/kg"),
    ],
)
def test_heading_is_split_from_its_unit(heading, name, unit):
    assert split_unit(heading) == (name, unit)


@pytest.mark.parametrize("text", ["1.234", "<1.234", "12.345*", "123.456 mg/kg", "n.d. (<1.234)"])
@pytest.mark.parametrize("marks", [frozenset(), frozenset(","), frozenset(",.")])
def test_point_that_may_part_thousands_is_not_guessed_at(text, marks):
    with pytest.raises(LabError) as caught:
        read_number(text, marks=marks)
    assert caught.value.code is LabFault.AMBIGUOUS


def test_number_that_may_be_two_is_told_with_both():
    with pytest.raises(LabError) as caught:
        read_number("1.234", marks=frozenset(","))
    assert caught.value.params == {"text": "1.234", "whole": "1234", "fraction": "1,234"}


@pytest.mark.parametrize(
    ("text", "marks", "value"),
    [("1.234", ".", "1.234"), ("0.123", ",", "0.123"), ("1.2345", ",", "1.2345"), ("1,234", ",", "1.234")],
)
def test_point_is_the_decimal_mark_where_the_numbers_beside_it_have_points(text, marks, value):
    assert read_number(text, marks=frozenset(marks)).value == Decimal(value)


@pytest.mark.parametrize("marks", [".", ".,"])
def test_comma_among_decimal_points_is_not_guessed_at(marks):
    with pytest.raises(LabError) as caught:
        read_number("1,234", marks=frozenset(marks))
    assert (caught.value.code, caught.value.params["whole"]) == (LabFault.AMBIGUOUS, "1234")


def test_number_that_a_spreadsheet_stores_is_itself_and_settles_nothing_about_others():
    assert read_number(StoredNumber("1.234"), marks=frozenset(",")).value == Decimal("1.234")
    assert decimal_marks([StoredNumber("0.5")]) == frozenset()


@pytest.mark.parametrize(
    ("texts", "marks"),
    [
        (["0,5"], ","), (["<0.5"], "."), (["0,123"], ","), (["1.234,5"], ","), (["1,234.5"], "."), (["1 234,567"], ","),
        (["1.234.567"], ","), (["n.d. (<0,01)"], ","), (["1.234", "1,234", "12", "n.d.", "", "1.2.2027"], ""),
        (["0,5", "0.5"], ",."), (["12,5 mg/kg TS"], ","), (["1,234E3"], ","),
    ],
)  # fmt: skip
def test_decimal_marks_are_those_that_can_be_nothing_else(texts, marks):
    assert decimal_marks(texts) == decimal_marks(reversed(texts)) == frozenset(marks)
