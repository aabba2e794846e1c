"""What a delivery avoids, against what would have happened without it: two-sided, in separate ledgers, with ranges.

Without the deal the surplus would have been driven to a landfill (or where its owner says), and the need would have
been filled from a quarry (or who is named) (Magnusson et al. 2015). Both sides are measured by the same method. The
ledgers of transport, landfill, virgin material, material, disposal and cost are never added to one another.

A comparison is turned into rates once and frozen with the deal; what it comes to is then, for any mass q,

    per tonne x q + per trip x ceil(q / payload) + per substituted trip x ceil(s q / payload)

for the low, the central and the high figure alike. That is also all that the database knows of it: its function
`impact_ledger` (migration 0015) is the same rule in SQL.

A range heeds what both sides share: one circuity factor, one lorry and one fuel hold for every leg of a comparison, so
their ranges widen what is avoided, and not each leg by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Final

from geo.errors import ImpactError, ImpactFault
from geo.factors import LITRE, Vehicle
from geo.quantities import Quantity

RATE_STEP: Final = Decimal("1E-9")
"""Rates are kept to this, so that a ledger is the same to the digit wherever it is worked out."""

PLAUSIBLE_LOW_KG_PER_T: Final = Decimal(1)
PLAUSIBLE_HIGH_KG_PER_T: Final = Decimal(20)
"""Published savings lie between these, kg CO2e a tonne reused; a result outside them is shown and flagged."""

ENOUGH_DIGITS: Final = 60
"""For products of tonnes, kilometres and factors to be exact."""

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


class Method(StrEnum):
    """How the distances of a comparison were found, all of them alike."""

    ESTIMATE = "estimate"
    """Straight line x circuity."""
    ROAD = "road"
    """By a road network."""


class Role(StrEnum):
    """What a leg is driven for."""

    TO_LANDFILL = "to_landfill"
    """Without the deal: the surplus to where it would have gone."""
    FROM_QUARRY = "from_quarry"
    """Without the deal: what the surplus replaces, to where it is needed."""
    HAUL = "haul"
    """With the deal: all the way, or one leg of it by way of a hub."""


class Measure(StrEnum):
    """The ledgers' lines. Positive is avoided, negative is added. The order is that of the database's arrays."""

    TKM = "tkm"
    TRIPS = "trips"
    VEHICLE_KM = "vehicle_km"
    LITRES = "litres"
    TRANSPORT_CO2E_KG = "transport_co2e_kg"
    LANDFILL_T = "landfill_t"
    LANDFILL_M3 = "landfill_m3"
    LANDFILL_M2 = "landfill_m2"
    VIRGIN_T = "virgin_t"
    MATERIAL_CO2E_KG = "material_co2e_kg"
    DISPOSAL_CO2E_KG = "disposal_co2e_kg"
    HAULAGE_NOK = "haulage_nok"
    GATE_FEE_NOK = "gate_fee_nok"
    PURCHASE_NOK = "purchase_nok"

    @property
    def unit(self) -> str:
        """The unit its figures are in."""
        return UNITS[self]


UNITS: Final[Mapping[Measure, str]] = {
    Measure.TKM: "tkm",
    Measure.TRIPS: "trips",
    Measure.VEHICLE_KM: "km",
    Measure.LITRES: "l",
    Measure.TRANSPORT_CO2E_KG: "kg CO2e",
    Measure.LANDFILL_T: "t",
    Measure.LANDFILL_M3: "m3",
    Measure.LANDFILL_M2: "m2",
    Measure.VIRGIN_T: "t",
    Measure.MATERIAL_CO2E_KG: "kg CO2e",
    Measure.DISPOSAL_CO2E_KG: "kg CO2e",
    Measure.HAULAGE_NOK: "NOK",
    Measure.GATE_FEE_NOK: "NOK",
    Measure.PURCHASE_NOK: "NOK",
}

CO2E: Final = (Measure.TRANSPORT_CO2E_KG, Measure.MATERIAL_CO2E_KG, Measure.DISPOSAL_CO2E_KG)
"""Three ledgers, shown apart; they are only taken together to see whether a result is plausible."""

MONEY: Final = (Measure.HAULAGE_NOK, Measure.GATE_FEE_NOK, Measure.PURCHASE_NOK)

type Ledger = Mapping[Measure, Quantity]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One way from a place to another, in km before the comparison's circuity: straight, or by road."""

    role: Role
    origin: str
    destination: str
    length_km: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that a result rests on. Shares are between 0 and 1.

    Raises ImpactError: bad_share, bad_length, bad_payload.
    """

    factor_set: str
    material_key: str
    method: Method
    circuity: Quantity
    """Road over the legs' lengths; exactly 1 where those are by road."""
    legs: tuple[Leg, ...]
    substitution: Decimal
    """s: how much of the mass replaces new material; 0 unless the three tests of recovery hold."""
    landfill_share: Quantity
    """p: how likely it would have been landfilled."""
    residue_share: Decimal
    """r: how much of it a hub rejects."""
    vehicle: Vehicle
    empty_return: Decimal
    """How much of the way back is driven empty: 1 unless a return load is documented. The same on both sides."""
    placed_t_per_m3: Quantity | None
    landfill_height_m: Quantity
    primary_kg_per_t: Quantity
    """What is replaced, made anew."""
    processing_kg_per_t: Quantity
    """Crushing, washing or handling at a hub; exactly 0 where there is none."""
    landfill_kg_per_t: Quantity
    recovery_kg_per_t: Quantity
    haulage_nok_per_km: Quantity | None
    gate_fee_nok_per_t: Quantity | None
    purchase_nok_per_t: Quantity | None

    def __post_init__(self) -> None:
        """Check what the method asks of its inputs."""
        shares = (self.substitution, self.landfill_share.low, self.landfill_share.high, self.residue_share)
        for share in (*shares, self.empty_return):
            if not (share.is_finite() and ZERO <= share <= ONE):
                raise ImpactError(ImpactFault.BAD_SHARE, share=share)
        for leg in self.legs:
            if not (leg.length_km.is_finite() and leg.length_km >= ZERO):
                raise ImpactError(ImpactFault.BAD_LENGTH, length_km=leg.length_km)
        if not (self.vehicle.payload_t.is_finite() and self.vehicle.payload_t > ZERO):
            raise ImpactError(ImpactFault.BAD_PAYLOAD, payload_t=self.vehicle.payload_t)

    def km(self, leg: Leg) -> Quantity:
        """The distance of a leg with its range, km."""
        return Quantity(
            value=self.circuity.value * leg.length_km,
            low=self.circuity.low * leg.length_km,
            high=self.circuity.high * leg.length_km,
            unit="km",
            source=self.circuity.source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """A comparison made linear: what each measure is per tonne, per trip and per substituted trip."""

    payload_t: Decimal
    substitution: Decimal
    per_tonne: Ledger
    per_trip: Ledger
    per_substituted_trip: Ledger


def trips(mass_t: Decimal, *, payload_t: Decimal) -> Decimal:
    """How many loads a mass is: every one is driven full but the last."""
    whole, rest = divmod(mass_t, payload_t)
    return whole + (ONE if rest else ZERO)


def rates_of(comparison: Comparison) -> Rates:
    """The rates of a comparison, to 1e-9 of their units."""
    with localcontext(prec=ENOUGH_DIGITS):
        return _rates_of(comparison)


def _rates_of(comparison: Comparison) -> Rates:
    c, s = comparison, comparison.substitution
    supplied_whole = s == ONE
    carried_km, supplied_km = _net_lengths(c)
    carried_legs = sum((_sign(leg) for leg in c.legs if leg.role is not Role.FROM_QUARRY), start=0)
    supplied_legs = sum(leg.role is Role.FROM_QUARRY for leg in c.legs) if s else 0
    tkm = c.circuity.scaled(carried_km + s * supplied_km)
    if supplied_whole:  # both sides drive as many loads: one figure, whose range heeds that they share the roads
        carried_km, supplied_km = carried_km + supplied_km, ZERO
        carried_legs, supplied_legs = carried_legs + supplied_legs, 0
    landfill = c.landfill_share.scaled(ONE - c.residue_share)
    virgin = s * (ONE - c.residue_share)
    per_tonne = {
        Measure.TKM: tkm,
        Measure.LANDFILL_T: landfill,
        Measure.LANDFILL_M3: _times(landfill, _inverse(c.placed_t_per_m3)),
        Measure.LANDFILL_M2: _times(_times(landfill, _inverse(c.placed_t_per_m3)), _inverse(c.landfill_height_m)),
        Measure.VIRGIN_T: Quantity.exact(virgin, unit="t", source="s (1 - r)"),
        Measure.MATERIAL_CO2E_KG: _minus(c.primary_kg_per_t.scaled(virgin), c.processing_kg_per_t),
        Measure.DISPOSAL_CO2E_KG: _times(landfill, _minus(c.landfill_kg_per_t, c.recovery_kg_per_t)),
        Measure.GATE_FEE_NOK: _times(landfill, c.gate_fee_nok_per_t),
        Measure.PURCHASE_NOK: _times(Quantity.exact(virgin, unit="t", source="s (1 - r)"), c.purchase_nok_per_t),
    }
    return Rates(
        payload_t=c.vehicle.payload_t,
        substitution=s,
        per_tonne=_complete(per_tonne),
        per_trip=_complete(_per_trip(c, net_km=carried_km, legs=carried_legs)),
        per_substituted_trip=_complete(_per_trip(c, net_km=supplied_km, legs=supplied_legs)),
    )


def _sign(leg: Leg) -> int:
    return -1 if leg.role is Role.HAUL else 1


def _net_lengths(comparison: Comparison) -> tuple[Decimal, Decimal]:
    """Lengths avoided, km before circuity: of legs that carry all of the mass, and of the one that carries s of it."""
    carried = sum((_sign(leg) * leg.length_km for leg in comparison.legs if leg.role is not Role.FROM_QUARRY), ZERO)
    supplied = sum((leg.length_km for leg in comparison.legs if leg.role is Role.FROM_QUARRY), ZERO)
    return carried, supplied if comparison.substitution else ZERO


def _per_trip(comparison: Comparison, *, net_km: Decimal, legs: int) -> dict[Measure, Quantity]:
    """What one trip along every leg avoids: out full and, by `empty_return`, back empty."""
    c = comparison
    km = c.circuity.scaled(net_km)
    vehicle_km = km.scaled(ONE + c.empty_return)
    energy = _times(km, c.vehicle.full_per_km + c.vehicle.empty_per_km.scaled(c.empty_return))
    return {
        Measure.TRIPS: Quantity.exact(Decimal(legs), unit="trips", source="legs"),
        Measure.VEHICLE_KM: vehicle_km,
        Measure.LITRES: energy.scaled(ONE if c.vehicle.energy == LITRE else ZERO),
        Measure.TRANSPORT_CO2E_KG: _times(energy, c.vehicle.kg_co2e_per_energy),
        Measure.HAULAGE_NOK: _times(vehicle_km, c.haulage_nok_per_km),
    }


def _times(one: Quantity, other: Quantity | None) -> Quantity:
    """The product, its unit given by the measure it ends in; nothing where one of the two is not known."""
    if other is None:
        return one.scaled(ZERO)
    return one.times(other, unit=one.unit)


def _minus(one: Quantity, other: Quantity) -> Quantity:
    return one + other.scaled(-ONE)


def _inverse(quantity: Quantity | None) -> Quantity | None:
    if quantity is None or quantity.low <= ZERO:
        return None
    return Quantity(
        value=ONE / quantity.value,
        low=ONE / quantity.high,
        high=ONE / quantity.low,
        unit=f"1/({quantity.unit})",
        source=quantity.source,
    )


def _complete(found: Mapping[Measure, Quantity]) -> Ledger:
    """Every measure, in order, in its own unit and to the step that rates are kept to."""
    nothing = Quantity.exact(ZERO, unit="", source="")
    return {
        measure: Quantity(
            value=rate.value.quantize(RATE_STEP),
            low=rate.low.quantize(RATE_STEP),
            high=rate.high.quantize(RATE_STEP),
            unit=measure.unit,
            source=rate.source,
        )
        for measure in Measure
        for rate in (found.get(measure, nothing),)
    }


def ledger_of(rates: Rates, mass_t: Decimal) -> Ledger:
    """What a mass avoids by these rates, exactly. Zero tonnes avoid nothing.

    Raises ImpactError: negative_mass.
    """
    if not mass_t.is_finite() or mass_t < ZERO:
        raise ImpactError(ImpactFault.NEGATIVE_MASS, mass_t=mass_t)
    with localcontext(prec=ENOUGH_DIGITS):
        whole = trips(mass_t, payload_t=rates.payload_t)
        substituted = trips(mass_t * rates.substitution, payload_t=rates.payload_t)
        return {
            measure: rates.per_tonne[measure].scaled(mass_t)
            + rates.per_trip[measure].scaled(whole)
            + rates.per_substituted_trip[measure].scaled(substituted)
            for measure in Measure
        }


def is_plausible(ledger: Ledger, *, mass_t: Decimal) -> bool:
    """Whether the CO2e avoided a tonne lies where published savings do; nothing to judge at zero tonnes."""
    return is_plausible_kg(sum((ledger[measure].value for measure in CO2E), ZERO), mass_t=mass_t)


def is_plausible_kg(co2e_kg: Decimal, *, mass_t: Decimal) -> bool:
    """The same of the three ledgers taken together."""
    if not mass_t:
        return True
    kg_per_t = co2e_kg / mass_t
    return PLAUSIBLE_LOW_KG_PER_T <= kg_per_t <= PLAUSIBLE_HIGH_KG_PER_T


def nothing_avoided() -> Rates:
    """The rates of what does not count: what waits in a hub counts where it is used in the end."""
    return Rates(
        payload_t=ONE,
        substitution=ZERO,
        per_tonne=_complete({}),
        per_trip=_complete({}),
        per_substituted_trip=_complete({}),
    )


def to_json(comparison: Comparison) -> dict[str, object]:
    """A comparison as JSON values, numbers as text so that no digit is lost."""
    return {field.name: _value_to_json(getattr(comparison, field.name)) for field in fields(comparison)}


def _value_to_json(value: object) -> object:
    if isinstance(value, Quantity | Leg | Vehicle):
        return {field.name: _value_to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_value_to_json(each) for each in value]
    return str(value) if isinstance(value, Decimal) else value


def from_json(values: Mapping[str, object]) -> Comparison:
    """What `to_json` made JSON of.

    Raises ImpactError: unreadable.
    """
    try:
        return _from_json(values)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ImpactError(ImpactFault.UNREADABLE, reason=str(error)) from error


def _from_json(values: Mapping[str, object]) -> Comparison:
    read: dict[str, object] = dict(values)
    for name in ("substitution", "residue_share", "empty_return"):
        read[name] = Decimal(str(values[name]))
    for name in _QUANTITIES:
        read[name] = _quantity(values[name])
    legs, vehicle = values["legs"], values["vehicle"]
    if not isinstance(legs, list) or not isinstance(vehicle, Mapping):
        raise TypeError("legs and vehicle")
    read["method"] = Method(str(values["method"]))
    read["legs"] = tuple(
        Leg(
            role=Role(leg["role"]),
            origin=leg["origin"],
            destination=leg["destination"],
            length_km=Decimal(leg["length_km"]),
        )
        for leg in legs
    )
    per_km = {name: _quantity(vehicle[name]) for name in ("full_per_km", "empty_per_km", "kg_co2e_per_energy")}
    read["vehicle"] = Vehicle(
        key=vehicle["key"],
        payload_t=Decimal(vehicle["payload_t"]),
        energy=vehicle["energy"],
        **per_km,  # type: ignore[arg-type]  # a vehicle's are never None
    )
    return Comparison(**read)  # type: ignore[arg-type]  # read field by field above


_QUANTITIES: Final = (
    "circuity",
    "landfill_share",
    "placed_t_per_m3",
    "landfill_height_m",
    "primary_kg_per_t",
    "processing_kg_per_t",
    "landfill_kg_per_t",
    "recovery_kg_per_t",
    "haulage_nok_per_km",
    "gate_fee_nok_per_t",
    "purchase_nok_per_t",
)


def _quantity(value: object) -> Quantity | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError("quantity")
    return Quantity(
        value=Decimal(value["value"]),
        low=Decimal(value["low"]),
        high=Decimal(value["high"]),
        unit=value["unit"],
        source=value["source"],
    )
