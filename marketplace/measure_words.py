"""The figures of the ledgers as people write them, in the visitor's language."""

from decimal import Decimal
from typing import Final

from flask_babel import get_locale

from geo.impact import MONEY, Measure
from geo.quantities import Quantity
from marketplace.filters import EN_DASH, NO_BREAK_SPACE, number

UNITS: Final = {
    Measure.TKM: "tkm",
    Measure.TRIPS: "",
    Measure.VEHICLE_KM: "km",
    Measure.LITRES: "l",
    Measure.TRANSPORT_CO2E_KG: "kg CO₂e",
    Measure.LANDFILL_T: "t",
    Measure.LANDFILL_M3: "m³",
    Measure.LANDFILL_M2: "m²",
    Measure.VIRGIN_T: "t",
    Measure.MATERIAL_CO2E_KG: "kg CO₂e",
    Measure.DISPOSAL_CO2E_KG: "kg CO₂e",
}
"""Money is written as the language has it; trips are a number."""

WHOLE_FROM: Final = 100
"""From so many on, decimals are noise."""


def measure_unit(measure: Measure) -> str:
    """The unit of a ledger, as it stands in the head of a table; empty for trips."""
    if measure not in MONEY:
        return UNITS[measure]
    locale = get_locale()
    return "NOK" if locale is not None and locale.language == "en" else "kr"


def measure_number(measure: Measure, value: Decimal) -> str:
    """A figure without its unit."""
    if measure is Measure.TRIPS or measure in MONEY or abs(value) >= WHOLE_FROM:
        return number(value)
    return number(value, 1)


def measure_figure(measure: Measure, value: Decimal) -> str:
    """A figure with its unit: 5 976 kg CO₂e."""
    unit = measure_unit(measure)
    return measure_number(measure, value) + (NO_BREAK_SPACE + unit if unit else "")


def measure_range(measure: Measure, quantity: Quantity) -> str:
    """From low to high; nothing where both read the same. Below zero the ends are kept apart by words' own dash."""
    low, high = measure_number(measure, quantity.low), measure_number(measure, quantity.high)
    if low == high:
        return ""
    between = f" {EN_DASH} " if quantity.low < 0 else EN_DASH
    return low + between + high
