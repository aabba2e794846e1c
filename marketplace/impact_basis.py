"""What a deal is compared with, as facts: who, where, which materials, and how each was chosen.

From these facts and a factor set comes the comparison (`geo.impact.Comparison`), by `comparison_of`: the same for what
is expected of a match, for what is frozen with a deal, and for what-if under another set. The facts are kept as JSON
beside the comparison, so that a page reads the same for ever. A field is never taken away or given another meaning; a
new one has a default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter

from geo.factors import FactorSet, MaterialFactors
from geo.impact import (
    Comparison,
    Leg,
    Measure,
    Method,
    Rates,
    Role,
    from_json,
    nothing_avoided,
    rates_of,
    to_json,
)
from geo.materials import MaterialGroup, Treatment, taxonomy
from geo.pyramid import Level
from geo.quantities import Quantity
from geo.replacements import AGGREGATES, family_of
from geo.routing import Region, region_of_county
from geo.units import VolumeState
from marketplace.recovery import Recovery
from marketplace.types import FacilityKind

HUBS: Final = frozenset({FacilityKind.RECYCLING, FacilityKind.INTERIM_STORAGE})
"""What takes masses in to pass them on: what sits there is pending, and counts once, where it is used in the end."""

MADE_INTO_ANOTHER: Final = frozenset({Treatment.CRUSHING, Treatment.WASHING})
"""What turns reuse into recycling (rules.md, Resource pyramid)."""

DEMOLITION: Final = frozenset({MaterialGroup.CONCRETE, MaterialGroup.ASPHALT})
"""Concrete, brick and asphalt are aggregate only once they are crushed, here or before they were offered."""

WINDING: Final = (Region.OSLO, Region.NORWAY, Region.FJORDS)
"""Where roads wind least, first."""

NOTHING: Final = Decimal(0)
WHOLE: Final = Decimal(1)
EXACTLY_ROAD: Final = Quantity.exact(WHOLE, unit="1", source="measured by road")


class Chosen(StrEnum):
    """How a place of the comparison was found."""

    DECLARED = "declared"
    """The owner of the listing has said it."""
    NEAREST = "nearest"
    """The nearest facility that takes the material in, or sells what is replaced."""
    NOBODY = "nobody"
    """There is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisPlace:
    """A place, as it was; without a position where the sides of the deal may not know it exactly."""

    name: str
    municipality: str
    municipality_number: str
    lon: float | None
    lat: float | None
    facility_id: int | None = None
    kind: FacilityKind | None = None
    is_verified: bool | None = None
    """Whether somebody stands behind what is said of the facility; None where that was not kept, or it is none."""
    is_example: bool = False
    """Whether it is invented, for the demo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The facts of a comparison.

    `stops` are where the mass begins, the hubs it goes by, and where it is used. `landfill` is L and `quarry` is Q.
    `needed_key` is what is asked for there. `is_assumed`: the three tests of recovery are taken to hold, since nobody
    has answered them yet; only what is expected may be.
    """

    level: Level
    recovery: Recovery
    is_assumed: bool
    material_key: str
    needed_key: str
    replaced_family: str
    treatment: Treatment
    stops: tuple[BasisPlace, ...]
    landfill: BasisPlace | None
    landfill_chosen: Chosen
    quarry: BasisPlace | None
    quarry_chosen: Chosen
    method: Method
    network_version: str | None
    region: str
    """Of the factor set's circuity, as `careful_region` has it; counts where no road network was used."""
    legs: tuple[Leg, ...]
    gate_fee_nok_per_t: Decimal | None = None
    """What L takes for a tonne, where that is known."""
    purchase_nok_per_t: Decimal | None = None
    """What Q takes for a tonne, where that is known."""
    is_blurred: bool = False
    """Where the mass begins is only known to the sides within a kilometre, and was measured from what is shown."""
    is_fit: bool = True
    """Whether the table of materials has the mass serve for what is needed at all."""
    landfill_key: str = ""
    """Which material L is known to accept: the mass itself, or one that it is taken to be accepted as."""
    is_supplier_passed_over: bool = False
    """A supplier was named that does not sell what is replaced, or that takes part in the deal itself."""
    reach_km: int | None = None
    """L and Q were looked for so far away, as the crow flies; None where no end was set."""
    replaced_note_no: str = ""
    replaced_note_en: str = ""
    """What would have been bought, in words."""
    is_replaced_verified: bool = False
    """Whether somebody has held that against its source."""

    @property
    def hubs(self) -> tuple[BasisPlace, ...]:
        return self.stops[1:-1]

    @property
    def is_treated(self) -> bool:
        """Whether it is crushed or washed on its way, where it is used, or was before it was offered."""
        return self.is_made_into_another or any(each.kind is FacilityKind.RECYCLING for each in self.hubs)

    @property
    def is_made_into_another(self) -> bool:
        """Whether it takes crushing or washing to serve, wherever that is done."""
        return is_made_into_another(
            self.material_key, self.treatment, replaced_family=self.replaced_family, taken_in_by=self.stops[-1].kind
        )

    @property
    def is_taken_to_be_accepted(self) -> bool:
        """Whether L is only known to accept another material, that the mass is taken to be like."""
        return self.landfill is not None and self.landfill_key not in ("", self.material_key)

    @property
    def is_pending(self) -> bool:
        return self.level is Level.PENDING


def is_made_into_another(
    material_key: str, treatment: Treatment, *, replaced_family: str, taken_in_by: FacilityKind | None
) -> bool:
    """Whether a mass takes crushing or washing to serve.

    What is left of concrete, brick and asphalt does wherever it replaces aggregate, also where it is offered crushed:
    somebody has crushed it, and that is never free of emissions. A landfill takes it as it is.
    """
    if treatment in MADE_INTO_ANOTHER:
        return True
    is_demolition = taxonomy().material(material_key).group in DEMOLITION
    return is_demolition and replaced_family == AGGREGATES and taken_in_by is not FacilityKind.LANDFILL


def level_of(
    recovery: Recovery,
    *,
    taken_in_by: FacilityKind | None,
    by_way_of: tuple[FacilityKind, ...],
    is_made_into_another: bool,
) -> Level:
    """How good an outcome a use is; `taken_in_by` is the kind of facility that it ends at, None for a site."""
    if taken_in_by in HUBS:
        return Level.PENDING
    if taken_in_by is FacilityKind.LANDFILL or recovery is Recovery.NOT_RECOVERY:
        return Level.DISPOSAL
    if recovery is Recovery.UNANSWERED:
        return Level.UNDOCUMENTED
    if is_made_into_another or FacilityKind.RECYCLING in by_way_of:
        return Level.RECYCLING
    return Level.BACKFILLING if taken_in_by is FacilityKind.QUARRY else Level.REUSE


def substitution_of(basis: Basis) -> Decimal:
    """s: all of it replaces new material, or none.

    All of it where it is recovery, the mass serves for what is needed, and somebody is known to sell the new one. A
    quarry that is filled up would not have bought rock for that.
    """
    is_recovery = basis.level not in (Level.DISPOSAL, Level.UNDOCUMENTED, Level.PENDING)
    is_quarry_filled = basis.stops[-1].kind is FacilityKind.QUARRY
    return WHOLE if is_recovery and basis.is_fit and not is_quarry_filled and basis.quarry is not None else NOTHING


def careful_region(basis: Basis) -> Region:
    """Whose roads hold for all legs: of the regions at the two ends, the one that gives the smaller saving.

    Roads that wind less make a saving smaller, and roads that wind more make a loss larger.
    """
    ends = (basis.stops[0], basis.stops[-1])
    regions = sorted((region_of_county(each.municipality_number[:2]) for each in ends), key=WINDING.index)
    shares = {Role.TO_LANDFILL: WHOLE, Role.FROM_QUARRY: substitution_of(basis), Role.HAUL: -WHOLE}
    net_km = sum((shares[leg.role] * leg.length_km for leg in basis.legs), NOTHING)
    return regions[0] if net_km >= 0 else regions[-1]


def with_careful_region(basis: Basis) -> Basis:
    """The same facts with the roads that hold for them."""
    return replace(basis, region=careful_region(basis).value)


def is_known(basis: Basis, measure: Measure) -> bool:
    """Whether a line of the ledgers can be told at all: what nobody knows the price of cannot."""
    if measure is Measure.GATE_FEE_NOK:
        return basis.gate_fee_nok_per_t is not None and basis.landfill is not None
    if measure is Measure.PURCHASE_NOK:
        return basis.purchase_nok_per_t is not None and basis.quarry is not None
    return True


def comparison_of(basis: Basis, factors: FactorSet) -> Comparison:
    """The comparison of these facts under a factor set.

    Raises:
        FactorError: the set lacks a figure that is needed.
    """
    mass, replaced = factors.material(family_of(basis.material_key)), factors.material(basis.replaced_family)
    rejects = any(each.kind is FacilityKind.RECYCLING for each in basis.hubs)
    return Comparison(
        factor_set=factors.version,
        material_key=basis.material_key,
        method=basis.method,
        circuity=EXACTLY_ROAD if basis.method is Method.ROAD else factors.circuity(basis.region),
        legs=basis.legs,
        substitution=substitution_of(basis),
        landfill_share=_landfill_share(basis, factors),
        residue_share=factors.default("residue_share").value if rejects else NOTHING,
        vehicle=factors.vehicle(),
        empty_return=factors.default("empty_return").value,
        placed_t_per_m3=_placed(basis.material_key),
        landfill_height_m=factors.default("landfill_height"),
        primary_kg_per_t=replaced.primary,
        processing_kg_per_t=_processing(basis, mass, replaced),
        landfill_kg_per_t=mass.landfill,
        recovery_kg_per_t=mass.handling,
        haulage_nok_per_km=factors.default("haulage_price"),
        gate_fee_nok_per_t=_price(basis.gate_fee_nok_per_t, place=basis.landfill),
        purchase_nok_per_t=_price(basis.purchase_nok_per_t, place=basis.quarry),
    )


def rates_under(basis: Basis, factors: FactorSet) -> Rates:
    """The rates of these facts under a factor set: none while the mass sits in a hub."""
    return nothing_avoided() if basis.is_pending else rates_of(comparison_of(basis, factors))


def _landfill_share(basis: Basis, factors: FactorSet) -> Quantity:
    """p: disposal keeps nothing out of a landfill; what was declared is known; else the mix of the region holds."""
    if basis.level is Level.DISPOSAL:
        return Quantity.exact(NOTHING, unit="1", source="the use is disposal itself")
    if basis.landfill is None:
        return Quantity.exact(NOTHING, unit="1", source="no landfill takes it in")
    if basis.landfill_chosen is Chosen.DECLARED:
        is_landfill = basis.landfill.kind is FacilityKind.LANDFILL
        return Quantity.exact(WHOLE if is_landfill else NOTHING, unit="1", source="declared by the owner")
    return factors.default("landfill_share")


def _processing(basis: Basis, mass: MaterialFactors, replaced: MaterialFactors) -> Quantity:
    """Per tonne: storing it is handling of the mass, and making something else of it is making what it replaces."""
    total = Quantity.exact(NOTHING, unit="kg CO2e/t", source="no processing")
    for makes_another in processing_steps(basis):
        total = total + (replaced.processing if makes_another else mass.handling)
    return total


def processing_steps(basis: Basis) -> tuple[bool, ...]:
    """What is done to it: True where something else is made of it, False where a hub only stores it.

    Crushing or washing counts once: at the hub that does it, else where it is used.
    """
    steps = tuple(each.kind is FacilityKind.RECYCLING for each in basis.hubs)
    return (*steps, True) if basis.is_made_into_another and not any(steps) else steps


def processing_keys(basis: Basis) -> tuple[str, ...]:
    """The keys of the figures that processing rests on, each once."""
    kinds = set(processing_steps(basis))
    made = (f"material.{basis.replaced_family}.closed_loop",) if True in kinds else ()
    stored = (f"material.{family_of(basis.material_key)}.handling",) if False in kinds else ()
    return made + stored


def _placed(material_key: str) -> Quantity | None:
    material = taxonomy().material(material_key)
    density = material.densities_t_per_m3.get(VolumeState.PLACED)
    return None if density is None else Quantity.exact(density, unit="t/m³", source=material.source)


def _price(nok_per_t: Decimal | None, *, place: BasisPlace | None) -> Quantity | None:
    if nok_per_t is None or place is None:
        return None
    return Quantity.exact(nok_per_t, unit="NOK/t", source=place.name)


# As it is kept ----------------------------------------------------------------------------------------------------

_BASIS: Final = TypeAdapter(Basis)
COMPARISON: Final = "comparison"


def kept_basis(basis: Basis, comparison: Comparison | None) -> dict[str, Any]:
    """What `DealImpact.basis` holds: the facts, and the comparison that came of them (None while it is pending)."""
    kept: dict[str, Any] = _BASIS.dump_python(basis, mode="json")
    return {**kept, COMPARISON: None if comparison is None else to_json(comparison)}


def basis_of(kept: Mapping[str, Any]) -> Basis:
    """The facts as they were kept."""
    return _BASIS.validate_python({name: value for name, value in kept.items() if name != COMPARISON})


def kept_comparison(kept: Mapping[str, Any]) -> Comparison | None:
    """The comparison as it was kept, with every figure that it rests on; None while it was pending."""
    values = kept.get(COMPARISON)
    return None if values is None else from_json(values)
