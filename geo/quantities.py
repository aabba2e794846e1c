"""Quantities: a mass from what a person entered, and figures that keep their range.

Everything is Decimal, so that a figure printed again from the same inputs is the same to the digit.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

from geo.errors import QuantityError, QuantityFault
from geo.units import DENSITY_STEP_T_PER_M3, MASS_STEP_T, EnteredUnit

MAX_MASS_T: Final = Decimal(50_000_000)
"""Above any single lot in Norway: Ringeriksbanen and E16 together are 9.8 million bank m3, some 26 million t
(Bane NOR 2019), and Avtjerna is planned for 40-50 million t over 10-15 years."""

DENSITY_LOW_T_PER_M3: Final = Decimal("0.3")
DENSITY_HIGH_T_PER_M3: Final = Decimal("3.5")
"""Bounds for a density a person may state: dry peat lies near 0.3, and the heaviest Norwegian rock that is
quarried (eclogite) near 3.5 (NGU, density of rock types)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredMass:
    """A mass in tonnes, and all it was worked out from: what was entered, in which unit, with which density."""

    mass_t: Decimal
    amount: Decimal
    unit: EnteredUnit
    density_t_per_m3: Decimal | None
    """The density used; None where the amount was tonnes already."""


def read_unit(text: str) -> EnteredUnit:
    """Return the unit named by `text`.

    Raises QuantityError: unknown_unit.
    """
    try:
        return EnteredUnit(text)
    except ValueError:
        raise QuantityError(QuantityFault.UNKNOWN_UNIT, unit=text) from None


def weigh(amount: Decimal, unit: EnteredUnit, *, density_t_per_m3: Decimal | None = None) -> EnteredMass:
    """Return the mass of `amount`, rounded to the kilogram: mass = volume x density of the state it was measured in.

    `density_t_per_m3` is needed for a volume and left out of account for tonnes.
    Raises QuantityError: not_finite, not_positive, too_large, no_density, density_out_of_range.
    """
    if not amount.is_finite():
        raise QuantityError(QuantityFault.NOT_FINITE)
    if amount <= 0:
        raise QuantityError(QuantityFault.NOT_POSITIVE)
    if amount > MAX_MASS_T / DENSITY_LOW_T_PER_M3:
        raise QuantityError(QuantityFault.TOO_LARGE, limit_t=MAX_MASS_T)
    density = None if unit.state is None else _checked_density(density_t_per_m3, unit=unit)
    exact_t = amount if density is None else amount * density
    if exact_t > MAX_MASS_T:
        raise QuantityError(QuantityFault.TOO_LARGE, limit_t=MAX_MASS_T)
    mass_t = exact_t.quantize(MASS_STEP_T)
    if mass_t <= 0:
        raise QuantityError(QuantityFault.NOT_POSITIVE)
    return EnteredMass(mass_t=mass_t, amount=amount, unit=unit, density_t_per_m3=density)


def _checked_density(density_t_per_m3: Decimal | None, *, unit: EnteredUnit) -> Decimal:
    if density_t_per_m3 is None:
        raise QuantityError(QuantityFault.NO_DENSITY, unit=unit)
    if not density_t_per_m3.is_finite():
        raise QuantityError(QuantityFault.NOT_FINITE)
    if not DENSITY_LOW_T_PER_M3 <= density_t_per_m3 <= DENSITY_HIGH_T_PER_M3:
        raise QuantityError(
            QuantityFault.DENSITY_OUT_OF_RANGE,
            density_t_per_m3=density_t_per_m3,
            low_t_per_m3=DENSITY_LOW_T_PER_M3,
            high_t_per_m3=DENSITY_HIGH_T_PER_M3,
        )
    return density_t_per_m3.quantize(DENSITY_STEP_T_PER_M3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A figure with the range it may lie in, its unit, and where it comes from.

    Holds low <= value <= high, all finite. Arithmetic is on intervals: the result contains every figure that
    could come from figures inside the ranges put in.
    Raises QuantityError: not_finite, bad_range.
    """

    value: Decimal
    low: Decimal
    high: Decimal
    unit: str
    source: str

    def __post_init__(self) -> None:
        """Check the invariant."""
        if not all(bound.is_finite() for bound in (self.low, self.value, self.high)):
            raise QuantityError(QuantityFault.NOT_FINITE)
        if not self.low <= self.value <= self.high:
            raise QuantityError(QuantityFault.BAD_RANGE, low=self.low, value=self.value, high=self.high)

    @classmethod
    def exact(cls, value: Decimal, *, unit: str, source: str) -> Self:
        """Return a quantity known without a range, such as a weighed load."""
        return cls(value=value, low=value, high=value, unit=unit, source=source)

    def __add__(self, other: "Quantity") -> "Quantity":
        """Return the sum; the ranges add.

        Raises QuantityError: units_differ.
        """
        if self.unit != other.unit:
            raise QuantityError(QuantityFault.UNITS_DIFFER, one=self.unit, other=other.unit)
        return Quantity(
            value=self.value + other.value,
            low=self.low + other.low,
            high=self.high + other.high,
            unit=self.unit,
            source=_joined(self.source, other.source),
        )

    def scaled(self, factor: Decimal) -> "Quantity":
        """Return the quantity times a number without a unit; a negative one turns the range round."""
        ends = self.low * factor, self.high * factor
        return Quantity(value=self.value * factor, low=min(ends), high=max(ends), unit=self.unit, source=self.source)

    def times(self, other: "Quantity", *, unit: str) -> "Quantity":
        """Return the product in the `unit` the caller knows it has; the signs of both ranges are heeded."""
        corners = [one * two for one in (self.low, self.high) for two in (other.low, other.high)]
        return Quantity(
            value=self.value * other.value,
            low=min(corners),
            high=max(corners),
            unit=unit,
            source=_joined(self.source, other.source),
        )


def _joined(one: str, other: str) -> str:
    """Both sources, each named once, in the order they came."""
    return "; ".join(dict.fromkeys([*one.split("; "), *other.split("; ")]))
