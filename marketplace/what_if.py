"""What deals would have come to under other figures: their frozen facts, worked out anew and kept nowhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from geo.factors import Factor, FactorSet
from geo.impact import ENOUGH_DIGITS, Ledger, Measure, ledger_of
from geo.quantities import Quantity
from marketplace.impact_basis import Basis, rates_under

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A deal's facts, and the masses of it that are asked about: what it came to at the end less at the beginning.

    Loads are rounded up to whole ones over the deal, so that a period counts what it added (as the sums by month do).
    """

    basis: Basis
    before_t: Decimal
    until_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The same deals under two sets."""

    deals: int
    mass_t: Decimal
    pending_t: Decimal
    """What sits in hubs, and comes to nothing under any set."""
    one: Ledger
    other: Ledger

    def difference(self, measure: Measure) -> Decimal:
        """How much more the other set's central figure is."""
        return self.other[measure].value - self.one[measure].value


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorChange:
    """A figure that two sets do not have alike; None where one of them has it not."""

    key: str
    one: Factor | None
    other: Factor | None


def what_if(counted: Iterable[Counted], *, one: FactorSet, other: FactorSet) -> WhatIf:
    """What the deals come to under one set, and under another.

    Raises:
        FactorError: a set lacks a figure that one of the deals needs.
    """
    deals, mass_t, pending_t = 0, ZERO, ZERO
    sides = ((one, _Sum()), (other, _Sum()))
    with localcontext(prec=ENOUGH_DIGITS):
        for each in counted:
            deals += 1
            mass_t += each.until_t - each.before_t
            if each.basis.is_pending:
                pending_t += each.until_t - each.before_t
                continue
            for figures, added in sides:
                rates = rates_under(each.basis, figures)
                added.add(ledger_of(rates, each.until_t), 1)
                added.add(ledger_of(rates, each.before_t), -1)
        return WhatIf(
            deals=deals,
            mass_t=mass_t,
            pending_t=pending_t,
            one=sides[0][1].ledger,
            other=sides[1][1].ledger,
        )


class _Sum:
    """Adds ledgers up, each bound by itself, as the database does."""

    def __init__(self) -> None:
        self.figures = {measure: [ZERO, ZERO, ZERO] for measure in Measure}

    def add(self, ledger: Ledger, sign: int) -> None:
        for measure, sums in self.figures.items():
            figure = ledger[measure]
            for at, value in enumerate((figure.low, figure.value, figure.high)):
                sums[at] += sign * value

    @property
    def ledger(self) -> Mapping[Measure, Quantity]:
        return {
            measure: Quantity(low=low, value=value, high=high, unit=measure.unit, source="")
            for measure, (low, value, high) in self.figures.items()
        }


def changes_between(one: FactorSet, other: FactorSet) -> tuple[FactorChange, ...]:
    """The figures that are not alike, by key; only what they come to is compared, not who says so."""
    keys = sorted(one.factors.keys() | other.factors.keys())
    found = ((key, one.factors.get(key), other.factors.get(key)) for key in keys)
    return tuple(
        FactorChange(key=key, one=first, other=second)
        for key, first, second in found
        if first is None or second is None or _bounds(first) != _bounds(second)
    )


def _bounds(factor: Factor) -> tuple[Decimal, Decimal, Decimal, str]:
    quantity = factor.quantity
    return quantity.low, quantity.value, quantity.high, quantity.unit
