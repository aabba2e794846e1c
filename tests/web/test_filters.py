from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from geo.months import Month, MonthPeriod
from marketplace import filters

NBSP = "\N{NO-BREAK SPACE}"
THIN = "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture(scope="module", autouse=True)
def _app() -> Iterator[None]:
    app = Flask(__name__)
    Babel(app, default_locale="nb", default_timezone="Europe/Oslo")
    with app.test_request_context():
        yield


def said(formatted: Callable[..., str], *values: object) -> tuple[str, str]:
    """In Norwegian and in English."""
    with force_locale("nb"):
        norwegian = formatted(*values)
    with force_locale("en"):
        return norwegian, formatted(*values)


def test_thousands_stand_apart_by_a_narrow_no_break_space() -> None:
    assert said(filters.number, 1284500) == (f"1{THIN}284{THIN}500", "1,284,500")


def test_number_rounds_half_up() -> None:
    assert said(filters.number, Decimal("2.5")) == ("3", "3")
    assert said(filters.number, Decimal("0.125"), 2) == ("0,13", "0.13")


def test_negative_number_has_a_minus_sign() -> None:
    assert said(filters.number, -5) == ("\N{MINUS SIGN}5", "\N{MINUS SIGN}5")


@pytest.mark.parametrize(
    ("mass_t", "norwegian", "english"),
    [
        (20000, f"20{THIN}000{NBSP}t", f"20,000{NBSP}t"),
        (Decimal("20000.000"), f"20{THIN}000{NBSP}t", f"20,000{NBSP}t"),
        (Decimal("100.4"), f"100{NBSP}t", f"100{NBSP}t"),
        (Decimal("12.5"), f"12,5{NBSP}t", f"12.5{NBSP}t"),
        (Decimal(12), f"12{NBSP}t", f"12{NBSP}t"),
        (Decimal("0.35"), f"0,35{NBSP}t", f"0.35{NBSP}t"),
    ],
)
def test_tonnes_keep_the_decimals_that_matter(mass_t: Decimal, norwegian: str, english: str) -> None:
    assert said(filters.tonnes, mass_t) == (norwegian, english)


def test_tonnes_number_leaves_the_unit_out() -> None:
    assert said(filters.tonnes_number, 412000) == (f"412{THIN}000", "412,000")


def test_cubic_metres() -> None:
    assert said(filters.cubic_metres, 7400) == (f"7{THIN}400{NBSP}m³", f"7,400{NBSP}m³")


@pytest.mark.parametrize(
    ("distance_m", "norwegian", "english"),
    [
        (0, f"0{NBSP}m", f"0{NBSP}m"),
        (853, f"850{NBSP}m", f"850{NBSP}m"),
        (994.9, f"990{NBSP}m", f"990{NBSP}m"),
        (996, f"1{NBSP}km", f"1{NBSP}km"),
        (12_412.7, f"12,4{NBSP}km", f"12.4{NBSP}km"),
        (310_400, f"310{NBSP}km", f"310{NBSP}km"),
    ],
)
def test_distance_is_as_exact_as_a_position_here(distance_m: float, norwegian: str, english: str) -> None:
    assert said(filters.distance, distance_m) == (norwegian, english)


@pytest.mark.parametrize(("distance_m", "english"), [(120, "1"), (2_499, "2"), (17_600, "18")])
def test_distance_to_a_hidden_place_is_told_in_whole_kilometres(distance_m: float, english: str) -> None:
    with force_locale("en"):
        assert filters.distance(distance_m, is_approximate=True) == f"about {english}{NBSP}km"


@pytest.mark.parametrize(
    ("duration_s", "norwegian", "english"),
    [
        (0, "1 min", "1 min"),
        (29, "1 min", "1 min"),
        (3_569, "59 min", "59 min"),
        (3_600, "1 t", "1 h"),
        (7_530, "2 t 6 min", "2 h 6 min"),
        (None, "–", "–"),
    ],
)
def test_driving_time_is_told_to_the_minute(duration_s: float | None, norwegian: str, english: str) -> None:
    told = said(filters.driving_time, duration_s)
    assert tuple(each.replace(NBSP, " ") for each in told) == (norwegian, english)


def test_money_follows_each_languages_habit() -> None:
    assert said(filters.nok, 1200) == (f"1{THIN}200{NBSP}kr", f"NOK{NBSP}1,200")
    assert said(filters.nok, Decimal("12.50")) == (f"12,50{NBSP}kr", f"NOK{NBSP}12.50")
    assert said(filters.nok_per_t, Decimal("45.00")) == (f"45{NBSP}kr/t", f"NOK{NBSP}45/t")


def test_date() -> None:
    assert said(filters.date_, date(2027, 3, 1)) == ("1. mars 2027", "1 Mar 2027")


def test_a_moment_is_shown_as_its_day_and_time_in_oslo() -> None:
    late = datetime(2027, 6, 30, 22, 30, tzinfo=UTC)
    assert said(filters.date_, late) == ("1. juli 2027", "1 Jul 2027")
    assert said(filters.datetime_, late) == ("1. juli 2027 kl. 00:30", "1 Jul 2027, 00:30")


@pytest.mark.parametrize(
    ("first", "last", "norwegian", "english"),
    [
        (date(2027, 3, 1), date(2027, 3, 1), "1. mars 2027", "1 Mar 2027"),
        (date(2027, 6, 1), date(2027, 6, 30), "1.–30. juni 2027", "1–30 Jun 2027"),
        (date(2027, 3, 1), date(2027, 6, 30), f"1. mars{NBSP}– 30. juni 2027", f"1 Mar{NBSP}– 30 Jun 2027"),
        (date(2026, 12, 1), date(2027, 1, 31), f"1. des. 2026{NBSP}– 31. jan. 2027", f"1 Dec 2026{NBSP}– 31 Jan 2027"),
        # The same month of two years is two months.
        (date(2026, 6, 1), date(2027, 6, 30), f"1. juni 2026{NBSP}– 30. juni 2027", f"1 Jun 2026{NBSP}– 30 Jun 2027"),
    ],
)
def test_period_says_month_and_year_once(first: date, last: date, norwegian: str, english: str) -> None:
    assert said(filters.period, (first, last)) == (norwegian, english)


def test_months_are_written_out() -> None:
    january, march = Month(2026, 1), Month(2027, 3)
    assert said(filters.months_, MonthPeriod(march, march)) == ("mars 2027", "March 2027")
    assert said(filters.months_, MonthPeriod(january, march)) == (
        f"januar 2026{NBSP}– mars 2027",
        f"January 2026{NBSP}– March 2027",
    )


def test_fraction() -> None:
    assert said(filters.fraction, (Decimal(8), Decimal(16))) == (f"8/16{NBSP}mm", f"8/16{NBSP}mm")
    assert said(filters.fraction, (0, Decimal("0.063"))) == (f"0/0,063{NBSP}mm", f"0/0.063{NBSP}mm")


def test_percent() -> None:
    assert said(filters.percent, Decimal("0.42")) == (f"42{NBSP}%", "42%")


def test_relative_time_looks_both_ways() -> None:
    now = datetime(2027, 3, 1, 9, tzinfo=UTC)
    assert said(filters.relative_time, now - timedelta(days=3), now) == ("for 3 døgn siden", "3 days ago")
    assert said(filters.relative_time, now + timedelta(hours=2), now) == ("om 2 timer", "in 2 hours")


@pytest.mark.parametrize("name", sorted(set(filters.FILTERS) - {"with_unit"}))
def test_what_is_not_known_is_a_dash(name: str) -> None:
    assert said(filters.FILTERS[name], None) == ("–", "–")
