"""Mass balance: what is dug out, what of it is used again on site, what is left over and what is wanting.

    surplus = excavated - reused          deficit = needed - reused

of one material in one quarter, in tonnes, each with its range. The likely figures are subtracted as they are. The ends
of a range are the outermost that the ranges put in allow: least surplus where least is dug out and most of it reused,
most surplus the other way round, and never below zero, since no more is reused than there is. Nothing is taken to
cancel out, neither within a row nor between rows: the figures of one site come from the same survey and the same
densities, so they are wrong together rather than apart, and a root of squares would promise too narrow a range. Sums
are therefore of all lows and of all highs, the widest there is.

So mass is kept at each end: excavated = reused + surplus, for the reuse that goes with that end (`reuse_at_low`,
`reuse_at_high`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from geo.errors import BalanceError, BalanceFault, QuantityError, QuantityFault
from geo.quantities import MAX_MASS_T, Quantity

PLAN: Final = "plan"
RECORD: Final = "record"
TONNES: Final = "t"
ZERO: Final = Decimal(0)


def planned_t(low_t: Decimal, likely_t: Decimal, high_t: Decimal) -> Quantity:
    """Return a planned mass, of no less than nothing and no more than any project has.

    Raises QuantityError: not_finite, bad_range, too_large; BalanceError: negative.
    """
    if not all(figure.is_finite() for figure in (low_t, likely_t, high_t)):
        raise QuantityError(QuantityFault.NOT_FINITE)
    if min(low_t, likely_t, high_t) < 0:
        raise BalanceError(BalanceFault.NEGATIVE)
    if max(low_t, likely_t, high_t) > MAX_MASS_T:
        raise QuantityError(QuantityFault.TOO_LARGE, limit_t=MAX_MASS_T)
    return Quantity(value=likely_t, low=low_t, high=high_t, unit=TONNES, source=PLAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """A mass balance, of one row or of several together. All in tonnes."""

    excavated: Quantity
    reused: Quantity
    needed: Quantity
    surplus: Quantity
    deficit: Quantity

    def __add__(self, other: "Balance") -> "Balance":
        """Return both together. A surplus here does not make up for a deficit there: they are other masses or times."""
        return Balance(
            excavated=self.excavated + other.excavated,
            reused=self.reused + other.reused,
            needed=self.needed + other.needed,
            surplus=self.surplus + other.surplus,
            deficit=self.deficit + other.deficit,
        )

    @property
    def reuse_at_low(self) -> Decimal:
        """What is reused where the surplus is least, in tonnes."""
        return self.excavated.low - self.surplus.low

    @property
    def reuse_at_high(self) -> Decimal:
        """What is reused where the surplus is greatest, in tonnes."""
        return self.excavated.high - self.surplus.high

    @property
    def reused_share(self) -> Decimal | None:
        """The likely share of what is dug out that is reused on site, 0 to 1; None where nothing is dug out."""
        return self.reused.value / self.excavated.value if self.excavated.value else None


def balance(*, excavated: Quantity, reused: Quantity, needed: Quantity) -> Balance:
    """Return the balance of one material in one quarter.

    Raises BalanceError: reused_above_excavated, reused_above_needed: likely against likely, and most against most.
    """
    _check_within(reused, excavated, BalanceFault.REUSED_ABOVE_EXCAVATED)
    _check_within(reused, needed, BalanceFault.REUSED_ABOVE_NEEDED)
    return Balance(
        excavated=excavated,
        reused=reused,
        needed=needed,
        surplus=_left(excavated, reused),
        deficit=_left(needed, reused),
    )


def total(balances: Iterable[Balance]) -> Balance:
    """Return the balances together; nothing at all of none."""
    nothing = Quantity.exact(ZERO, unit=TONNES, source=PLAN)
    return sum(balances, Balance(excavated=nothing, reused=nothing, needed=nothing, surplus=nothing, deficit=nothing))


def _check_within(reused: Quantity, bound: Quantity, fault: BalanceFault) -> None:
    if reused.value > bound.value:
        raise BalanceError(fault, bound="likely", reused_t=reused.value, limit_t=bound.value)
    if reused.high > bound.high:
        raise BalanceError(fault, bound="high", reused_t=reused.high, limit_t=bound.high)


def _left(whole: Quantity, reused: Quantity) -> Quantity:
    return Quantity(
        value=whole.value - reused.value,
        low=max(ZERO, whole.low - reused.high),
        high=whole.high - reused.low,
        unit=whole.unit,
        source=PLAN,
    )


# What it came to ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the masses, in tonnes: of one row or of several together."""

    excavated_t: Decimal = ZERO
    reused_t: Decimal = ZERO
    passed_on_t: Decimal = ZERO
    """To other projects, through storage or not."""
    disposed_t: Decimal = ZERO
    """To landfill."""

    def __add__(self, other: "Outcome") -> "Outcome":
        """Return both together."""
        return Outcome(
            excavated_t=self.excavated_t + other.excavated_t,
            reused_t=self.reused_t + other.reused_t,
            passed_on_t=self.passed_on_t + other.passed_on_t,
            disposed_t=self.disposed_t + other.disposed_t,
        )

    @property
    def left_site_t(self) -> Decimal:
        """The surplus that left the site: what a reduction is measured on."""
        return self.passed_on_t + self.disposed_t

    @property
    def accounted_t(self) -> Decimal:
        """What is known to have gone somewhere."""
        return self.reused_t + self.left_site_t

    @property
    def unaccounted_t(self) -> Decimal:
        """What was dug out and has gone nowhere yet: it lies in store, or was not recorded. Never negative."""
        return max(ZERO, self.excavated_t - self.accounted_t)

    def share(self, part_t: Decimal) -> Decimal | None:
        """Return a part's share of what is accounted for, so that the shares add up to one; None of nothing."""
        return part_t / self.accounted_t if self.accounted_t else None


@dataclass(frozen=True, slots=True, kw_only=True)
class YearRow:
    """One row of a year's plan: its balance, and what it came to; None where that is not known."""

    balance: Balance
    outcome: Outcome | None
    is_over: bool
    """Whether its quarter is, so that the outcome could be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """A year of a project, or of several: target, plan, and what it has come to so far."""

    plan: Balance
    outcome: Outcome
    target_t: Decimal | None
    """The most surplus that is to leave the site; None where none was set."""
    recorded_count: int
    """Rows with an outcome."""
    due_count: int
    """Rows whose quarter is over, and that still have no outcome."""
    outlook: Quantity
    """The surplus that will have left the site: as recorded where it is, else as planned. In tonnes."""

    @property
    def recorded_t(self) -> Decimal | None:
        """The surplus that has left the site, None where nothing was recorded."""
        return self.outcome.left_site_t if self.recorded_count else None

    @property
    def keeps_target(self) -> bool | None:
        """Whether the likely outlook keeps the target; None without one."""
        return None if self.target_t is None else self.outlook.value <= self.target_t


def year_of(rows: Iterable[YearRow], *, target_t: Decimal | None) -> Year:
    """Return the year that the rows make up."""
    rows = tuple(rows)
    recorded = [row.outcome for row in rows if row.outcome is not None]
    outlook = Quantity.exact(ZERO, unit=TONNES, source=PLAN)
    for row in rows:
        if row.outcome is None:
            outlook += row.balance.surplus
        else:
            outlook += Quantity.exact(row.outcome.left_site_t, unit=TONNES, source=RECORD)
    return Year(
        plan=total(row.balance for row in rows),
        outcome=sum(recorded, Outcome()),
        target_t=target_t,
        recorded_count=len(recorded),
        due_count=sum(row.is_over and row.outcome is None for row in rows),
        outlook=outlook,
    )
