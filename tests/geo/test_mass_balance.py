"""Mass balances: hand-worked rows, and what holds of every one."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.errors import BalanceError, QuantityError
from geo.mass_balance import Balance, Outcome, YearRow, balance, planned_t, total, year_of
from geo.quantities import MAX_MASS_T, Quantity
from geo.quarters import Quarter
from tests.geo.strategies import decimals


def t(low: str | int, likely: str | int | None = None, high: str | int | None = None) -> Quantity:
    """A planned mass; a single figure is known without a range."""
    return planned_t(*(Decimal(each if each is not None else low) for each in (low, likely, high)))


@st.composite
def balances(draw: st.DrawFn) -> Balance:
    def masses() -> list[Decimal]:
        return sorted(draw(st.lists(decimals("0", "1e6"), min_size=3, max_size=3)))

    excavated, needed, wished = masses(), masses(), masses()
    # What is reused is there and is wanted, by the likely figures and by the most.
    likely = min(wished[1], excavated[1], needed[1])
    high = max(likely, min(wished[2], excavated[2], needed[2]))
    return balance(
        excavated=planned_t(*excavated),
        reused=planned_t(min(wished[0], likely), likely, high),
        needed=planned_t(*needed),
    )


# Hand-worked ----------------------------------------------------------------------------------------------------------


def test_what_is_left_over_and_what_is_wanting() -> None:
    row = balance(excavated=t(9_000, 12_000, 15_000), reused=t(2_000, 3_000, 4_000), needed=t(5_000, 5_000, 6_000))
    assert (row.surplus.low, row.surplus.value, row.surplus.high) == (5_000, 9_000, 13_000)
    assert (row.deficit.low, row.deficit.value, row.deficit.high) == (1_000, 2_000, 4_000)
    assert row.reused_share == Decimal("0.25")


def test_the_least_surplus_is_never_below_nothing() -> None:
    row = balance(excavated=t(100, 500, 900), reused=t(100, 300, 600), needed=t(600))
    assert row.surplus.low == 0
    assert row.reuse_at_low == 100  # all there is, though 600 were hoped for


def test_surplus_of_one_quarter_does_not_make_up_for_the_deficit_of_another() -> None:
    spring = balance(excavated=t(1_000), reused=t(0), needed=t(0))
    autumn = balance(excavated=t(0), reused=t(0), needed=t(1_000))
    both = total([spring, autumn])
    assert (both.surplus.value, both.deficit.value) == (1_000, 1_000)


def test_nothing_at_all_is_a_balance_of_zeros() -> None:
    assert total([]).surplus.value == 0
    assert total([]).reused_share is None


@pytest.mark.parametrize(
    ("excavated", "reused", "needed", "code"),
    [
        (t(100), t(200), t(300), "reused_above_excavated"),
        (t(300), t(200), t(100), "reused_above_needed"),
        (t(100), t(50, 50, 101), t(300), "reused_above_excavated"),
        (t(300), t(50, 50, 101), t(100), "reused_above_needed"),
    ],
)
def test_no_more_is_reused_than_there_is_or_is_wanted(
    excavated: Quantity, reused: Quantity, needed: Quantity, code: str
) -> None:
    with pytest.raises(BalanceError) as refused:
        balance(excavated=excavated, reused=reused, needed=needed)
    assert refused.value.code == code


def test_a_plan_takes_no_impossible_masses() -> None:
    with pytest.raises(BalanceError):
        t(-1, 0, 0)
    for figures in (("2", "1", "3"), ("0", "1", "0.5"), ("0", "1", MAX_MASS_T + 1), ("0", "NaN", "1")):
        with pytest.raises(QuantityError):
            t(*figures)  # type: ignore[arg-type]


def test_the_outlook_of_a_year_takes_the_record_where_there_is_one() -> None:
    planned = balance(excavated=t(800, 1_000, 1_300), reused=t(200), needed=t(200))
    record = Outcome(excavated_t=Decimal(900), reused_t=Decimal(300), passed_on_t=Decimal(350), disposed_t=Decimal(150))
    year = year_of(
        [
            YearRow(balance=planned, outcome=record, is_over=True),
            YearRow(balance=planned, outcome=None, is_over=True),
            YearRow(balance=planned, outcome=None, is_over=False),
        ],
        target_t=Decimal(2_000),
    )
    assert (year.recorded_count, year.due_count, year.recorded_t) == (1, 1, 500)
    assert (year.outlook.low, year.outlook.value, year.outlook.high) == (1_700, 2_100, 2_700)
    assert year.keeps_target is False
    assert year.outcome.unaccounted_t == 100
    assert year.outcome.share(year.outcome.reused_t) == Decimal("0.375")


# Properties -----------------------------------------------------------------------------------------------------------


@given(balances())
def test_low_is_at_most_likely_and_likely_at_most_high(row: Balance) -> None:
    for figure in (row.surplus, row.deficit):
        assert 0 <= figure.low <= figure.value <= figure.high


@given(balances())
def test_mass_is_kept_at_each_end_and_in_the_middle(row: Balance) -> None:
    assert row.excavated.value == row.reused.value + row.surplus.value
    assert row.excavated.low == row.reuse_at_low + row.surplus.low
    assert row.excavated.high == row.reuse_at_high + row.surplus.high
    assert row.reuse_at_low == min(row.reused.high, row.excavated.low)
    assert row.reuse_at_high == row.reused.low


@given(balances(), st.data())
def test_the_range_holds_every_surplus_that_the_ranges_put_in_allow(row: Balance, data: st.DataObject) -> None:
    excavated = data.draw(st.decimals(row.excavated.low, row.excavated.high, places=3))
    reused = min(excavated, data.draw(st.decimals(row.reused.low, row.reused.high, places=3)))
    assert row.surplus.low <= excavated - reused <= row.surplus.high


@given(st.lists(balances(), max_size=6))
def test_sums_do_not_depend_on_the_order_and_keep_mass(rows: list[Balance]) -> None:
    summed = total(rows)
    assert summed == total(reversed(rows))
    assert summed.excavated.value == summed.reused.value + summed.surplus.value
    assert summed.excavated.low == summed.reuse_at_low + summed.surplus.low
    assert summed.excavated.high == summed.reuse_at_high + summed.surplus.high


# Quarters -------------------------------------------------------------------------------------------------------------


@given(st.dates(date(2000, 1, 1), date(2199, 12, 31)))
def test_every_day_lies_in_its_quarter(day: date) -> None:
    quarter = Quarter.of(day)
    assert quarter.first_day <= day <= quarter.last_day
    assert quarter < quarter.next
    assert quarter.next.shifted(-1) == quarter
    assert quarter.shifted(-4) == Quarter(quarter.year - 1, quarter.number)
    assert quarter.within(day, day) == (day, day)


def test_a_quarter_is_cut_to_a_period() -> None:
    quarter = Quarter(2027, 4)
    assert (quarter.first_day, quarter.last_day) == (date(2027, 10, 1), date(2027, 12, 31))
    assert quarter.within(date(2027, 11, 5), date(2029, 1, 1)) == (date(2027, 11, 5), date(2027, 12, 31))
    assert quarter.within(date(2028, 1, 1), date(2029, 1, 1)) is None
