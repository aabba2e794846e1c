"""What a person says of one material in one quarter of a plan, and everything that can be wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Self

from geo.errors import BalanceError, MaterialError, QuantityError
from geo.mass_balance import Balance, balance, planned_t
from geo.materials import taxonomy
from geo.quantities import MAX_MASS_T, Quantity
from geo.quarters import Quarter
from geo.units import MASS_STEP_T
from marketplace.errors import FieldError
from marketplace.geo_messages import refused_at
from marketplace.i18n_marker import N_

FIRST_YEAR: Final = 2000
YEARS_AHEAD: Final = 40
NOTE_LIMIT: Final = 500
PARTS: Final = ("excavated", "reused", "needed")
ACTUALS: Final = ("actual_excavated_t", "actual_reused_t", "actual_passed_on_t", "actual_disposed_t")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRange:
    """Low, likely and high, in tonnes, as somebody gave them: nothing has been checked."""

    low_t: Decimal
    likely_t: Decimal
    high_t: Decimal

    @classmethod
    def of(cls, low_t: Decimal | None, likely_t: Decimal | None, high_t: Decimal | None) -> Self | None:
        """The range of three answers; an end that was left out is the likely figure. None where all were.

        Raises:
            ValueError: an end without a likely figure.
        """
        if likely_t is None:
            if low_t is not None or high_t is not None:
                raise ValueError("an end of a range without its likely figure")
            return None
        return cls(
            low_t=_kept(likely_t if low_t is None else low_t),
            likely_t=_kept(likely_t),
            high_t=_kept(likely_t if high_t is None else high_t),
        )

    def quantity(self) -> Quantity:
        """Raises QuantityError, BalanceError: as `geo.mass_balance.planned_t`."""
        return planned_t(self.low_t, self.likely_t, self.high_t)


NOTHING: Final = PlanRange(low_t=Decimal(0), likely_t=Decimal(0), high_t=Decimal(0))


def _kept(value_t: Decimal) -> Decimal:
    """The number as the database keeps it, so that what is checked is what is kept; an absurd one as it is."""
    return value_t.quantize(MASS_STEP_T) if value_t.is_finite() and abs(value_t) < 10**15 else value_t


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRowValues:
    """A row of a plan. What was needed and not told is what is reused: nothing more was asked for.

    An `actual_` figure of None, and a `note` of None, leave what is kept as it is.
    """

    material_key: str
    year: int
    quarter: int
    excavated: PlanRange = NOTHING
    reused: PlanRange = NOTHING
    needed: PlanRange | None = None
    actual_excavated_t: Decimal | None = None
    actual_reused_t: Decimal | None = None
    actual_passed_on_t: Decimal | None = None
    actual_disposed_t: Decimal | None = None
    note: str | None = None

    @property
    def all_needed(self) -> PlanRange:
        return self.needed if self.needed is not None else self.reused

    def range_of(self, part: str) -> PlanRange:
        """The range of one of `PARTS`."""
        given: PlanRange = self.all_needed if part == "needed" else getattr(self, part)
        return given

    @property
    def time(self) -> Quarter:
        """Raises ValueError: there is no such quarter."""
        return Quarter(self.year, self.quarter)


def row_balance(values: PlanRowValues) -> Balance:
    """The balance of a row without problems.

    Raises:
        QuantityError, BalanceError: it has some.
    """
    return balance(
        excavated=values.excavated.quantity(), reused=values.reused.quantity(), needed=values.all_needed.quantity()
    )


def row_problems(values: PlanRowValues, *, today: date) -> Iterator[FieldError]:
    """Everything that is wrong with a row; each error's field is the column it stands in."""
    try:
        taxonomy().material(values.material_key)
    except MaterialError as error:
        yield from refused_at("material_key", error).errors
    yield from year_problems(values.year, today=today)
    if not 1 <= values.quarter <= 4:
        yield FieldError(field="quarter", message=N_("Choose a quarter from 1 to 4."))
    found = list(_mass_problems(values))
    yield from found
    actuals = {name: getattr(values, name) for name in ACTUALS}
    is_empty = not (values.excavated.high_t or values.all_needed.high_t) and not any(actuals.values())
    if is_empty and not found:
        yield FieldError(field="excavated_t", message=N_("Enter what is excavated, or what is needed."))
    yield from actual_problems(actuals)
    if any(value is not None for value in actuals.values()) and not _has_begun(values, today):
        yield FieldError(
            field="actual_excavated_t", message=N_("The quarter has not begun: nothing can have come of it.")
        )
    if values.note is not None and len(values.note) > NOTE_LIMIT:
        yield FieldError(
            field="note",
            message=N_("The text is %(count)s characters long; at most %(limit)s can be kept."),
            params={"count": len(values.note), "limit": NOTE_LIMIT},
        )


def _has_begun(values: PlanRowValues, today: date) -> bool:
    """Whether its quarter has; one that cannot be is wrong for another reason."""
    try:
        return values.time.first_day <= today
    except ValueError:
        return True


def year_problems(year: int, *, today: date, field: str = "year") -> Iterator[FieldError]:
    last = today.year + YEARS_AHEAD
    if not FIRST_YEAR <= year <= last:
        yield FieldError(
            field=field,
            message=N_("Choose a year between %(first)s and %(last)s."),
            params={"first": str(FIRST_YEAR), "last": str(last)},
        )


def _mass_problems(values: PlanRowValues) -> Iterator[FieldError]:
    quantities: dict[str, Quantity] = {}
    for part in PARTS:
        given = values.range_of(part)
        try:
            quantities[part] = given.quantity()
        except (QuantityError, BalanceError) as error:
            yield from refused_at(_worst_cell(part, given), error).errors
    if len(quantities) < len(PARTS):
        return
    try:
        balance(**quantities)
    except BalanceError as error:
        yield from refused_at("reused_high_t" if error.params["bound"] == "high" else "reused_t", error).errors


def _worst_cell(part: str, given: PlanRange) -> str:
    """The cell whose figure cannot stand: the first that is no mass, else the end that is on the wrong side.

    The likely figure comes first: an end that was left out is the same, and nobody entered it.
    """
    cells = {f"{part}_t": given.likely_t, f"{part}_low_t": given.low_t, f"{part}_high_t": given.high_t}
    for cell, value in cells.items():
        if not value.is_finite() or not 0 <= value <= MAX_MASS_T:
            return cell
    return f"{part}_low_t" if given.low_t > given.likely_t else f"{part}_high_t"


def actual_problems(figures: dict[str, Decimal | None]) -> Iterator[FieldError]:
    """What is wrong with recorded masses, each by its column. All are known, or none: else they would not add up."""
    known = {field: value for field, value in figures.items() if value is not None}
    for field in figures.keys() - known.keys() if known else ():
        yield FieldError(field=field, message=N_("Enter all four figures of what it came to; 0 where there was none."))
    yield from mass_problems(known)


def mass_problems(figures: dict[str, Decimal]) -> Iterator[FieldError]:
    """What is wrong with single masses, each by its field."""
    for field, value in figures.items():
        try:
            planned_t(value, value, value)
        except (QuantityError, BalanceError) as error:
            yield from refused_at(field, error).errors
