"""Hypothesis strategies for comparisons, and the method of impact written down leg by leg, without ranges."""

from dataclasses import dataclass, fields, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from math import ceil

from hypothesis import strategies as st

from geo.factors import KILOWATT_HOUR, LITRE, Vehicle
from geo.impact import ENOUGH_DIGITS, Comparison, Leg, Measure, Method, Role
from geo.quantities import Quantity
from tests.geo.strategies import decimals

D = Decimal

masses = decimals("0", "100000")
shares = st.sampled_from([D(0), D(1), D("0.5"), D(1) / D(3)]) | decimals("0", "1", places=4)
lengths = decimals("0", "400")


def ranges(low: str, high: str, unit: str, *, places: int = 4) -> st.SearchStrategy[Quantity]:
    """A figure with its range, now and then an exact one."""
    figure = decimals(low, high, places=places)
    ranged = st.lists(figure, min_size=3, max_size=3).map(sorted)
    return (ranged | figure.map(lambda one: [one] * 3)).map(
        lambda b: Quantity(low=b[0], value=b[1], high=b[2], unit=unit, source="test")
    )


@st.composite
def vehicles(draw: st.DrawFn) -> Vehicle:
    energy = draw(st.sampled_from([LITRE, KILOWATT_HOUR]))
    return Vehicle(
        key="any",
        payload_t=draw(decimals("0.001", "60")),
        full_per_km=draw(ranges("0.1", "3", f"{energy}/km")),
        empty_per_km=draw(ranges("0.1", "3", f"{energy}/km")),
        energy=energy,
        kg_co2e_per_energy=draw(ranges("0", "4", f"kg CO2e/{energy}")),
    )


@st.composite
def comparisons(draw: st.DrawFn, *, hubs: int | None = None) -> Comparison:
    """Any comparison, by way of up to two hubs."""
    between = draw(st.integers(0, 2)) if hubs is None else hubs
    stops = ["i", *(f"h{n}" for n in range(between)), "j"]
    hauls = tuple(
        Leg(role=Role.HAUL, origin=origin, destination=destination, length_km=draw(lengths))
        for origin, destination in pairwise(stops)
    )
    method = draw(st.sampled_from(Method))
    known = st.none() | ranges("0", "500", "NOK")
    return Comparison(
        factor_set="any",
        material_key="blasted_rock",
        method=method,
        circuity=draw(ranges("1", "2", "") if method is Method.ESTIMATE else ranges("1", "1", "")),
        legs=(
            Leg(role=Role.TO_LANDFILL, origin="i", destination="L", length_km=draw(lengths)),
            Leg(role=Role.FROM_QUARRY, origin="Q", destination="j", length_km=draw(lengths)),
            *hauls,
        ),
        substitution=draw(shares),
        landfill_share=draw(ranges("0", "1", "")),
        residue_share=draw(shares),
        vehicle=draw(vehicles()),
        empty_return=draw(shares),
        placed_t_per_m3=draw(st.none() | ranges("0.3", "3.5", "t/m3")),
        landfill_height_m=draw(ranges("1", "40", "m")),
        primary_kg_per_t=draw(ranges("0", "50", "kg CO2e/t")),
        processing_kg_per_t=draw(ranges("0", "20", "kg CO2e/t")),
        landfill_kg_per_t=draw(ranges("0", "20", "kg CO2e/t")),
        recovery_kg_per_t=draw(ranges("0", "20", "kg CO2e/t")),
        haulage_nok_per_km=draw(known),
        gate_fee_nok_per_t=draw(known),
        purchase_nok_per_t=draw(known),
    )


def with_length(comparison: Comparison, role: Role, *, added_km: Decimal) -> Comparison:
    """The same with the first leg of that role so much longer."""
    first = next(leg for leg in comparison.legs if leg.role is role)
    legs = tuple(replace(leg, length_km=leg.length_km + added_km) if leg is first else leg for leg in comparison.legs)
    return replace(comparison, legs=legs)


# The method leg by leg ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """A comparison with one number out of each of its ranges."""

    comparison: Comparison
    at: dict[str, Decimal]


def quantities_of(comparison: Comparison) -> dict[str, Quantity]:
    named = (
        (field.name, getattr(one, field.name)) for one in (comparison, comparison.vehicle) for field in fields(one)
    )
    return {name: each for name, each in named if isinstance(each, Quantity)}


def centre(comparison: Comparison) -> Point:
    return Point(comparison, {name: each.value for name, each in quantities_of(comparison).items()})


@st.composite
def points(draw: st.DrawFn, comparison: Comparison) -> Point:
    """Any numbers inside the ranges, their ends as often as what lies between."""
    at = {}
    for name, each in quantities_of(comparison).items():
        share = draw(st.sampled_from([D(0), D(1)]) | decimals("0", "1"))
        at[name] = each.low + (each.high - each.low) * share
    return Point(comparison, at)


def by_hand(point: Point, mass_t: Decimal) -> dict[Measure, Decimal]:
    """`impact_method.md` as it stands: leg by leg, each with its own loads."""
    with localcontext(prec=ENOUGH_DIGITS):
        return _by_hand(point, mass_t)


def _by_hand(point: Point, mass_t: Decimal) -> dict[Measure, Decimal]:
    c, at = point.comparison, point.at
    found = dict.fromkeys(Measure, D(0))
    for leg in c.legs:
        if leg.role is Role.FROM_QUARRY and not c.substitution:
            continue
        sign = -1 if leg.role is Role.HAUL else 1
        carried_t = mass_t * c.substitution if leg.role is Role.FROM_QUARRY else mass_t
        trips = D(ceil(Fraction(carried_t) / Fraction(c.vehicle.payload_t)))
        full_km = trips * leg.length_km * at["circuity"]
        empty_km = full_km * c.empty_return
        energy = full_km * at["full_per_km"] + empty_km * at["empty_per_km"]
        found[Measure.TKM] += sign * carried_t * leg.length_km * at["circuity"]
        found[Measure.TRIPS] += sign * trips
        found[Measure.VEHICLE_KM] += sign * (full_km + empty_km)
        found[Measure.LITRES] += sign * energy if c.vehicle.energy == LITRE else 0
        found[Measure.TRANSPORT_CO2E_KG] += sign * energy * at["kg_co2e_per_energy"]
        found[Measure.HAULAGE_NOK] += sign * (full_km + empty_km) * at.get("haulage_nok_per_km", D(0))
    landfill_t = at["landfill_share"] * mass_t * (1 - c.residue_share)
    virgin_t = c.substitution * mass_t * (1 - c.residue_share)
    found[Measure.LANDFILL_T] = landfill_t
    if c.placed_t_per_m3 is not None:
        found[Measure.LANDFILL_M3] = landfill_t / at["placed_t_per_m3"]
        found[Measure.LANDFILL_M2] = landfill_t / at["placed_t_per_m3"] / at["landfill_height_m"]
    found[Measure.VIRGIN_T] = virgin_t
    found[Measure.MATERIAL_CO2E_KG] = virgin_t * at["primary_kg_per_t"] - mass_t * at["processing_kg_per_t"]
    found[Measure.DISPOSAL_CO2E_KG] = landfill_t * (at["landfill_kg_per_t"] - at["recovery_kg_per_t"])
    found[Measure.GATE_FEE_NOK] = landfill_t * at.get("gate_fee_nok_per_t", D(0))
    found[Measure.PURCHASE_NOK] = virgin_t * at.get("purchase_nok_per_t", D(0))
    return found
