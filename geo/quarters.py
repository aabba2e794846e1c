"""Quarters of a year: the step a mass-balance plan counts in."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A quarter of the calendar; quarters sort in the order of time."""

    year: int
    number: int
    """1 to 4."""

    def __post_init__(self) -> None:
        """Check that there is such a quarter."""
        if not 1 <= self.number <= 4:
            raise ValueError(f"there is no quarter {self.number}")

    @classmethod
    def of(cls, day: date) -> Self:
        """Return the quarter a day lies in."""
        return cls(day.year, (day.month - 1) // 3 + 1)

    @property
    def first_day(self) -> date:
        """The day it begins."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        """The day it ends, itself included."""
        return self.next.first_day - timedelta(days=1)

    @property
    def next(self) -> "Quarter":
        """The quarter after it."""
        return self.shifted(1)

    def shifted(self, quarters: int) -> "Quarter":
        """Return the quarter so many after it; before it for a negative number."""
        years, index = divmod(self.number - 1 + quarters, 4)
        return Quarter(self.year + years, index + 1)

    def within(self, first: date, last: date) -> tuple[date, date] | None:
        """Return its days from `first` to `last`, both included; None where there are none."""
        begin, end = max(self.first_day, first), min(self.last_day, last)
        return (begin, end) if begin <= end else None
