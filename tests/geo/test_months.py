from datetime import date

import pytest

from geo.months import Month, MonthPeriod


def test_a_month_is_read_as_it_is_written() -> None:
    assert str(Month.read("2026-03")) == "2026-03"


@pytest.mark.parametrize("text", ["", "2026", "2026-3", "2026-13", "2026-00", "03-2026", "2026-03-01", "٢٠٢٦-03"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a month"):
        Month.read(text)


@pytest.mark.parametrize(("months", "expected"), [(1, "2027-01"), (-12, "2025-12"), (13, "2028-01"), (0, "2026-12")])
def test_shifting_goes_over_the_turn_of_the_year(months: int, expected: str) -> None:
    assert str(Month(2026, 12).shifted(months)) == expected


def test_a_month_ends_on_its_last_day() -> None:
    assert Month(2028, 2).last_day == date(2028, 2, 29)


def test_a_period_has_its_first_and_its_last_month() -> None:
    period = MonthPeriod(Month(2026, 11), Month(2027, 2))

    assert [str(month) for month in period] == ["2026-11", "2026-12", "2027-01", "2027-02"]
    assert len(period) == 4
    assert Month(2027, 2) in period
    assert Month(2027, 3) not in period
    assert period.days == (date(2026, 11, 1), date(2027, 2, 28))


def test_the_period_before_is_as_long_and_ends_right_before() -> None:
    assert MonthPeriod.of_year(2026).before == MonthPeriod.of_year(2025)


def test_a_period_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before"):
        MonthPeriod(Month(2026, 2), Month(2026, 1))
