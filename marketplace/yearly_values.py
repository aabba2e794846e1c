"""What a region's yearly report says: all of it, as values of its own, kept as JSON so that it always prints the same.

Names of places, projects and organisations stand as they were. What is called differently from language to language (a
material, a level, an indicator) is kept as the value that a language has a word for. Nothing is added up when it is
printed.

A field is never taken away or given another meaning; a new one has a default, so that what was kept before it reads on.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter

from geo.impact import Measure
from geo.pyramid import Level
from geo.quantities import Quantity
from marketplace.indicators import Figure, Indicator


@dataclass(frozen=True, slots=True, kw_only=True)
class Mass:
    """A mass with its range, t."""

    value: Decimal
    low: Decimal
    high: Decimal

    @classmethod
    def of(cls, quantity: Quantity) -> "Mass":
        return cls(value=quantity.value, low=quantity.low, high=quantity.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """What was avoided by one measure; negative where more was added."""

    measure: Measure
    value: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WayLine:
    """What flowed out of the region, within it or into it; `way` as `queries.region_flows.Way`."""

    way: str
    loads: int
    delivered_t: Decimal
    avoided_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthLine:
    """A month as 2026-03, with what was delivered in it and what that avoided."""

    month: str
    delivered_t: Decimal
    ledger: tuple[LedgerLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelLine:
    level: Level
    delivered_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialLine:
    material_key: str
    delivered_t: Decimal
    avoided_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BetweenLine:
    """From a municipality to another, or within one."""

    origin: str
    destination: str
    delivered_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorLine:
    """As `indicators.Figure`."""

    indicator: Indicator
    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    is_held_back: bool

    @classmethod
    def of(cls, figure: Figure) -> "IndicatorLine":
        return cls(
            indicator=figure.indicator,
            value=figure.value,
            low=figure.low,
            high=figure.high,
            is_held_back=figure.is_held_back,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """A year of a project's plan, or of all of them; None where nothing was set or recorded."""

    planned_surplus: Mass
    outlook: Mass
    target_t: Decimal | None
    recorded_t: Decimal | None
    reused_t: Decimal
    passed_on_t: Decimal
    disposed_t: Decimal
    keeps_target: bool | None
    project: str = ""
    organisation: str = ""
    municipality: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """How the reduction plans of the year went. `projects` are named only for those who see all of the region."""

    together: PlanLine
    project_count: int
    organisation_count: int
    without_target: int
    projects: tuple[PlanLine, ...] = ()
    without_plan: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class YearlyContent:
    """Everything that the paper prints.

    Each part holds what may be shown in it, and `held_back` says, by the name of the part, how many deals are not in
    it. `plans` is None where there were too few to be shown, or none.
    """

    region_name: str
    """Empty for the whole country."""
    municipalities: tuple[str, ...]
    year: int
    is_over: bool
    made_at: datetime
    is_full: bool
    factor_sets: tuple[str, ...]
    ways: tuple[WayLine, ...]
    ledger: tuple[LedgerLine, ...]
    months: tuple[MonthLine, ...]
    levels: tuple[LevelLine, ...]
    materials: tuple[MaterialLine, ...]
    between: tuple[BetweenLine, ...]
    indicators: tuple[IndicatorLine, ...]
    plans: Plans | None
    held_back: dict[str, int]
    has_examples: bool = False
    """Whether invented data is among it."""
    before: tuple[WayLine, ...] = ()
    """The year before, to compare with."""
    judged_deals: int = 0
    """Deals whose loads count in the ledgers; of them, those outside published savings and those with estimates."""
    implausible_deals: int = 0
    estimated_deals: int = 0


_CONTENT: Final = TypeAdapter(YearlyContent)


def to_json(content: YearlyContent) -> dict[str, Any]:
    """The content as it is kept."""
    kept: dict[str, Any] = _CONTENT.dump_python(content, mode="json")
    return kept


def from_json(kept: dict[str, Any]) -> YearlyContent:
    """The content as it was when it was kept."""
    return _CONTENT.validate_python(kept)
