"""Numbers as people in Norway type them."""

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask, session
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import Form

from marketplace.forms.fields import DateField, DecimalField, FractionField, write_decimal
from marketplace.parsing import UnclearNumber, read_decimal


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1200", "1200"),
        ("1 200,5", "1200.5"),
        ("1200.5", "1200.5"),
        ("1200,5", "1200.5"),
        ("1\N{NO-BREAK SPACE}200,5", "1200.5"),
        ("1\N{NARROW NO-BREAK SPACE}200 000", "1200000"),
        ("1.200,5", "1200.5"),
        ("1,200.5", "1200.5"),
        ("1.200.000", "1200000"),
        ("1200.500", "1200.500"),
        ("0.125", "0.125"),
        ("12,125", "12.125"),
        ("\N{MINUS SIGN}3", "-3"),
        ("-3,5", "-3.5"),
        (" 7 ", "7"),
        ("007", "7"),
    ],
)
def test_reads(text: str, number: str) -> None:
    assert read_decimal(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "NaN", "Infinity", "1e3", "1e999", "--1", "+1", "5 t", "٣", "²", "9" * 41),
        *("1,2,3", "1.2.3", "12 5", "1 2000", "1,200,5"),
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_decimal(text)
    assert not isinstance(refused.value, UnclearNumber)


@pytest.mark.parametrize(("text", "sign"), [("12.000", ","), ("1.250", ","), ("12,000", "."), ("1,250", ".")])
def test_does_not_guess_between_a_thousand_and_a_part(text: str, sign: str) -> None:
    with pytest.raises(UnclearNumber):
        read_decimal(text, decimal_sign=sign)
    assert read_decimal(text, decimal_sign=sign, has_groups=False) == Decimal(text.replace(",", "."))


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=3))
def test_reads_back_what_it_wrote(number: Decimal) -> None:
    assert read_decimal(write_decimal(number)) == number


@pytest.mark.parametrize("locale", ["nb", "en"])
@pytest.mark.parametrize("number", ["1.234", "1234.5", "12", "0.5", "120000"])
def test_what_an_edit_form_shows_can_be_sent_back(app: Flask, locale: str, number: str) -> None:
    class Amounts(Form):
        amount = DecimalField()

    with app.test_request_context():
        session["locale"] = locale
        shown = Amounts(amount=Decimal(number)).amount._value()
        form = Amounts(MultiDict({"amount": shown}))
        assert form.validate()
        assert form.amount.data == Decimal(number)


class Answers(Form):
    day = DateField()
    fraction = FractionField()


@pytest.mark.parametrize(
    ("text", "iso"), [("2027-03-01", "2027-03-01"), ("1.3.2027", "2027-03-01"), ("01.03.2027", "2027-03-01")]
)
def test_days(text: str, iso: str) -> None:
    form = Answers(MultiDict({"day": text}))
    assert form.validate()
    assert form.day.data.isoformat() == iso


def test_an_answer_that_was_not_sent_keeps_its_default_and_an_empty_one_does_not() -> None:
    kept = Answers(MultiDict({"fraction": "8/16"}), data={"day": date(2027, 3, 1)})
    assert kept.day.data == date(2027, 3, 1)
    emptied = Answers(MultiDict({"day": ""}), data={"day": date(2027, 3, 1)})
    assert emptied.day.data is None
