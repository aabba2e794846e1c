"""Months of a calendar, and periods of whole months: the step that deliveries are added up in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self

MONTHS_IN_YEAR: Final = 12
WRITTEN: Final = re.compile(r"(?P<year>[12][0-9]{3})-(?P<number>0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of the calendar; months sort in the order of time."""

    year: int
    number: int
    """1 to 12."""

    def __post_init__(self) -> None:
        """Check that there is such a month."""
        if not 1 <= self.number <= MONTHS_IN_YEAR:
            raise ValueError(f"there is no month {self.number}")

    @classmethod
    def of(cls, day: date) -> Self:
        """Return the month a day lies in."""
        return cls(day.year, day.month)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the month written as 2026-03.

        Raises ValueError: it is not written so.
        """
        written = WRITTEN.fullmatch(text.strip())
        if written is None:
            raise ValueError(f"not a month: {text}")
        return cls(int(written["year"]), int(written["number"]))

    def __str__(self) -> str:
        """As it is written in an address: 2026-03."""
        return f"{self.year:04}-{self.number:02}"

    @property
    def first_day(self) -> date:
        """The day it begins, which stands for it in the database."""
        return date(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        """The day it ends, itself included."""
        return self.shifted(1).first_day - timedelta(days=1)

    def shifted(self, months: int) -> "Month":
        """Return the month so many after it; before it for a negative number."""
        years, index = divmod(self.number - 1 + months, MONTHS_IN_YEAR)
        return Month(self.year + years, index + 1)

    def until(self, other: "Month") -> int:
        """Return how many months after it the other one is."""
        return MONTHS_IN_YEAR * (other.year - self.year) + other.number - self.number


@dataclass(frozen=True, slots=True)
class MonthPeriod:
    """Whole months, from the first to the last, both included."""

    first: Month
    last: Month

    def __post_init__(self) -> None:
        """Check the order."""
        if self.last < self.first:
            raise ValueError("the period ends before it begins")

    @classmethod
    def of_year(cls, year: int) -> Self:
        """Return a calendar year."""
        return cls(Month(year, 1), Month(year, MONTHS_IN_YEAR))

    @classmethod
    def ending(cls, last: Month, *, months: int) -> Self:
        """Return so many months, of which `last` is the last one."""
        return cls(last.shifted(1 - months), last)

    def __iter__(self) -> Iterator[Month]:
        """Go through its months."""
        return (self.first.shifted(n) for n in range(len(self)))

    def __len__(self) -> int:
        """How many months it has."""
        return self.first.until(self.last) + 1

    def __contains__(self, month: Month) -> bool:
        """Whether it has the month."""
        return self.first <= month <= self.last

    @property
    def days(self) -> tuple[date, date]:
        """Its first and its last day."""
        return self.first.first_day, self.last.last_day

    @property
    def before(self) -> "MonthPeriod":
        """As many months right before it, to compare with."""
        return MonthPeriod(self.first.shifted(-len(self)), self.first.shifted(-1))
