"""A ledger worked out leg by leg and line by line, for a person to check by hand.

The same figures as `geo.impact.ledger_of`, by the method as it is written and not by rates: what the lines come to is
what the ledger says, to the rounding of the rates (1e-9 of a unit a tonne and a trip). Central figures only: legs share
their lorry, their fuel and their circuity, so the range of a sum is not the sum of ranges.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from geo.factors import LITRE
from geo.impact import ENOUGH_DIGITS, Comparison, Leg, Measure, Role, trips

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSteps:
    """What is driven on one leg. Every figure is positive; `sign` tells whether it is avoided (1) or added (-1)."""

    leg: Leg
    sign: int
    length_km: Decimal
    """By road, or straight line x circuity."""
    mass_t: Decimal
    loads: Decimal
    full_km: Decimal
    empty_km: Decimal
    energy: Decimal
    """Of the vehicle's: litres or kWh."""
    co2e_kg: Decimal

    @property
    def tkm(self) -> Decimal:
        """Tonnes x kilometres, loaded."""
        return self.mass_t * self.length_km

    @property
    def vehicle_km(self) -> Decimal:
        """Out full and back empty."""
        return self.full_km + self.empty_km


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactSteps:
    """A mass, leg by leg, and what every line of the ledgers comes to. Unknown prices come to None."""

    mass_t: Decimal
    supplied_t: Decimal
    """s q: as much new material would have been driven from the quarry."""
    loads: Decimal
    supplied_loads: Decimal
    legs: tuple[LegSteps, ...]
    result: Mapping[Measure, Decimal | None]

    def with_role(self, role: Role) -> tuple[LegSteps, ...]:
        """Return the legs that are driven for it."""
        return tuple(each for each in self.legs if each.leg.role is role)


def steps(comparison: Comparison, mass_t: Decimal) -> ImpactSteps:
    """Return the calculation of what `mass_t` tonnes avoid."""
    with localcontext(prec=ENOUGH_DIGITS):
        return _steps(comparison, mass_t)


def _steps(c: Comparison, mass_t: Decimal) -> ImpactSteps:
    supplied_t = c.substitution * mass_t
    legs = tuple(_leg(c, leg, mass_t=supplied_t if leg.role is Role.FROM_QUARRY else mass_t) for leg in c.legs)
    landfill_t = c.landfill_share.value * mass_t * (ONE - c.residue_share)
    virgin_t = c.substitution * mass_t * (ONE - c.residue_share)
    landfill_m3 = None if c.placed_t_per_m3 is None else landfill_t / c.placed_t_per_m3.value
    vehicle_km = _net(legs, "vehicle_km")
    result: dict[Measure, Decimal | None] = {
        Measure.TKM: _net(legs, "tkm"),
        Measure.TRIPS: _net(legs, "loads"),
        Measure.VEHICLE_KM: vehicle_km,
        Measure.LITRES: _net(legs, "energy") if c.vehicle.energy == LITRE else ZERO,
        Measure.TRANSPORT_CO2E_KG: _net(legs, "co2e_kg"),
        Measure.LANDFILL_T: landfill_t,
        Measure.LANDFILL_M3: landfill_m3,
        Measure.LANDFILL_M2: None if landfill_m3 is None else landfill_m3 / c.landfill_height_m.value,
        Measure.VIRGIN_T: virgin_t,
        Measure.MATERIAL_CO2E_KG: virgin_t * c.primary_kg_per_t.value - mass_t * c.processing_kg_per_t.value,
        Measure.DISPOSAL_CO2E_KG: landfill_t * (c.landfill_kg_per_t.value - c.recovery_kg_per_t.value),
        Measure.HAULAGE_NOK: None if c.haulage_nok_per_km is None else vehicle_km * c.haulage_nok_per_km.value,
        Measure.GATE_FEE_NOK: None if c.gate_fee_nok_per_t is None else landfill_t * c.gate_fee_nok_per_t.value,
        Measure.PURCHASE_NOK: None if c.purchase_nok_per_t is None else virgin_t * c.purchase_nok_per_t.value,
    }
    return ImpactSteps(
        mass_t=mass_t,
        supplied_t=supplied_t,
        loads=trips(mass_t, payload_t=c.vehicle.payload_t),
        supplied_loads=trips(supplied_t, payload_t=c.vehicle.payload_t),
        legs=legs,
        result=result,
    )


def _leg(c: Comparison, leg: Leg, *, mass_t: Decimal) -> LegSteps:
    loads = trips(mass_t, payload_t=c.vehicle.payload_t)
    length_km = c.km(leg).value
    full_km, empty_km = loads * length_km, loads * length_km * c.empty_return
    energy = full_km * c.vehicle.full_per_km.value + empty_km * c.vehicle.empty_per_km.value
    return LegSteps(
        leg=leg,
        sign=-1 if leg.role is Role.HAUL else 1,
        length_km=length_km,
        mass_t=mass_t,
        loads=loads,
        full_km=full_km,
        empty_km=empty_km,
        energy=energy,
        co2e_kg=energy * c.vehicle.kg_co2e_per_energy.value,
    )


def _net(legs: tuple[LegSteps, ...], name: str) -> Decimal:
    """What is avoided less what is added."""
    return sum((each.sign * getattr(each, name) for each in legs), ZERO)
