"""What a climate statement says: all of it, as values of its own, kept as JSON so that it prints the same for ever.

Names, distances and figures stand as they were when it was made. What is called differently from language to language
(a material, a level, a ledger) is kept as the value that a language has a word for.

A field is never taken away or given another meaning; a new one has a default, so that what was kept before it reads on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter

from geo.impact import Ledger, Measure, Method
from geo.pyramid import Level
from geo.quantities import Quantity
from marketplace.impact_basis import Chosen
from marketplace.recovery import Recovery


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its range, in the unit of its ledger."""

    low: Decimal
    value: Decimal
    high: Decimal

    @classmethod
    def of(cls, quantity: Quantity) -> "Figure":
        return cls(low=quantity.low, value=quantity.value, high=quantity.high)


type Figures = dict[Measure, Figure]


def figures_of_ledger(ledger: Ledger) -> Figures:
    return {measure: Figure.of(ledger[measure]) for measure in Measure}


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Where the mass would have gone, or the need been filled from; `km` is the road to it."""

    name: str
    municipality: str
    chosen: Chosen
    km: Decimal
    is_verified: bool | None = None
    is_example: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DealLine:
    """A deal of the project. `number` is only said where the project's organisation is a side of it.

    `expected` is what all that was agreed comes to, `achieved` what the loads that count have come to. Both are nothing
    while the mass sits in a hub (`Level.PENDING`). `driven_km` is all of the way, leg by leg.
    """

    number: int | None
    is_giving: bool
    by_way_of_hub: bool
    material_key: str
    material_no: str
    material_en: str
    origin_municipality: str
    destination_municipality: str
    level: Level
    recovery: Recovery
    method: Method
    network_version: str | None
    circuity: Decimal
    driven_km: tuple[Decimal, ...]
    landfill: Baseline | None
    quarry: Baseline | None
    substitution: Decimal
    landfill_share: Decimal
    residue_share: Decimal
    vehicle: str
    payload_t: Decimal
    factor_set: str
    agreed_t: Decimal
    delivered_t: Decimal
    avoided_t: Decimal
    is_plausible: bool
    expected: Figures
    achieved: Figures
    unknown: tuple[Measure, ...] = ()
    """Ledgers that nothing can be said of, for want of a price or a density; their figures are zero."""
    is_sign_certain: bool = True
    """Whether roads that differ from leg to leg could not turn what is avoided into what is added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorUsed:
    """A figure that the statement rests on."""

    factor_set: str
    key: str
    value: Decimal
    low: Decimal
    high: Decimal
    unit: str
    source: str
    year: int | None
    is_verified: bool
    is_range_verified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUsed:
    """A version that the statement rests on, and of how many deals."""

    version: str
    name: str
    deals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelLine:
    """How much is agreed, and has come, at a level of the resource pyramid."""

    level: Level
    agreed_t: Decimal
    avoided_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimateContent:
    """Everything that the statement prints. The sums leave out what is pending in hubs, which counts where it ends."""

    project_id: int
    project: str
    organisation: str
    org_number: str
    builder: str
    municipality: str
    starts_on: date
    ends_on: date
    is_example: bool
    made_at: datetime
    agreed_t: Decimal
    delivered_t: Decimal
    avoided_t: Decimal
    pending_t: Decimal
    """Delivered into hubs."""
    expected: Figures
    achieved: Figures
    levels: tuple[LevelLine, ...]
    deals: tuple[DealLine, ...]
    without_record: int
    """Deals that are agreed and have no record of what they are compared with, and so are in no figure."""
    sets: tuple[SetUsed, ...]
    factors: tuple[FactorUsed, ...]

    @property
    def counted(self) -> tuple[DealLine, ...]:
        return tuple(each for each in self.deals if each.level is not Level.PENDING)

    def known_for(self, measure: Measure) -> int:
        """How many of the counted deals say anything of a ledger."""
        return sum(measure not in each.unknown for each in self.counted)

    def is_unknown(self, measure: Measure) -> bool:
        """Whether no deal says anything of a ledger."""
        return bool(self.counted) and not self.known_for(measure)

    def is_partly_known(self, measure: Measure) -> bool:
        """Whether a sum is of some of the deals only."""
        return 0 < self.known_for(measure) < len(self.counted)


_CONTENT: Final = TypeAdapter(ClimateContent)


def to_json(content: ClimateContent) -> dict[str, Any]:
    """The content as it is kept, figures as text so that no digit is lost."""
    kept: dict[str, Any] = _CONTENT.dump_python(content, mode="json")
    return kept


def from_json(kept: Mapping[str, Any]) -> ClimateContent:
    """The content as it was when it was kept."""
    return _CONTENT.validate_python(kept)
