import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.no import orgnr

from marketplace.registers.orgnr import format_org_number, parse_org_number


@pytest.mark.parametrize(
    "written",
    [
        "974760673",
        "974 760 673",
        " 974\u00a0760\u00a0673 ",
        "974.760.673",
        "NO 974 760 673 MVA",
        "NO974760673MVA",
        "974 760 673 mva",
        "Org.nr. 974 760 673",
        "org.nr: 974760673",
    ],
)
def test_a_number_is_read_as_people_write_it(written: str) -> None:
    assert parse_org_number(written) == "974760673"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "MVA",
        "974760674",
        "97476067",
        "9747606730",
        "97476067a",
        "٩٧٤٧٦٠٦٧٣",
        "<b>974760673</b>",
        "NO",
        "0" * 100_000,
    ],
)
def test_anything_else_is_no_number(written: str) -> None:
    assert parse_org_number(written) is None


@given(st.integers(min_value=0, max_value=999_999_999).map(lambda number: f"{number:09d}"))
def test_it_agrees_with_modulus_11_and_survives_being_written_out(digits: str) -> None:
    assert (parse_org_number(digits) == digits) == orgnr.is_valid(digits)
    if orgnr.is_valid(digits):
        assert parse_org_number(format_org_number(digits)) == digits


def test_it_is_written_in_groups_of_three() -> None:
    assert format_org_number("974760673") == "974\u00a0760\u00a0673"
