"""Hypothesis strategies for positions, quantities and lots."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import shapely
from hypothesis import assume
from hypothesis import strategies as st

from geo import norway
from geo.assessment import LotKind
from geo.geometry import LONLAT_DECIMALS, Position
from geo.matching import Lot, counterparts
from geo.materials import Fraction, taxonomy
from geo.proof import Documentation
from geo.quantities import Quantity

MATERIALS = sorted(taxonomy().materials)
WEST, SOUTH, EAST, NORTH = norway.BOUNDS_LONLAT


@st.composite
def positions(draw: st.DrawFn) -> Position:
    """A position in Norway, with the decimals that are kept: somewhere along a parallel that crosses the country."""
    lat = draw(st.floats(SOUTH + 0.01, NORTH - 0.01))
    across = norway.OUTLINE.intersection(shapely.LineString([(WEST, lat), (EAST, lat)]))
    pieces = [piece for piece in shapely.get_parts(across) if piece.length > 0.01]
    place = draw(st.sampled_from(pieces)).interpolate(draw(st.floats(0.001, 0.999)), normalized=True)
    lon, lat = round(place.x, LONLAT_DECIMALS), round(place.y, LONLAT_DECIMALS)
    assume(shapely.contains_xy(norway.OUTLINE, lon, lat))
    return Position(lon=lon, lat=lat)


def decimals(low: str, high: str, *, places: int = 3) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places)


def quantities(unit: str = "t") -> st.SearchStrategy[Quantity]:
    bounds = st.lists(decimals("-1e6", "1e6"), min_size=3, max_size=3).map(sorted)
    return bounds.map(lambda b: Quantity(low=b[0], value=b[1], high=b[2], unit=unit, source="test"))


def fractions() -> st.SearchStrategy[Fraction]:
    sizes = st.lists(decimals("0", "500", places=1), min_size=2, max_size=2, unique=True).map(sorted)
    return sizes.map(lambda pair: Fraction(lower_mm=pair[0], upper_mm=pair[1]))


def periods() -> st.SearchStrategy[tuple[date, date]]:
    days = st.dates(date(2026, 1, 1), date(2027, 12, 31))
    return st.tuples(days, days).map(lambda pair: (min(pair), max(pair)))


@st.composite
def lots(draw: st.DrawFn, kind: LotKind) -> Lot:
    mass_t = draw(decimals("1", "100000"))
    starts, ends = draw(periods())
    return Lot(
        kind=kind,
        material=draw(st.sampled_from(MATERIALS)),
        fraction=draw(st.none() | fractions()),
        mass_t=mass_t,
        min_lot_t=draw(st.none() | decimals("0.001", str(mass_t))),
        available_from=starts,
        available_to=ends,
        max_distance_km=draw(st.none() | decimals("1", "600", places=1)),
        **draw(proofs() if kind is LotKind.SURPLUS else acceptances()),
    )


def proofs() -> st.SearchStrategy[dict[str, object]]:
    """What a surplus's quality rests on; most of them are clean, as most that are traded."""
    return st.fixed_dictionaries(
        {
            "documentation": st.sampled_from(Documentation),
            "quality_class": st.none() | st.just(1) | st.integers(1, 6),
        }
    )


def acceptances() -> st.SearchStrategy[dict[str, object]]:
    """What a taker says of the quality of what it takes."""
    return st.fixed_dictionaries({"accepts_declared": st.booleans(), "accepts_class_max": st.integers(1, 5)})


surpluses = lots(LotKind.SURPLUS)
demands = lots(LotKind.DEMAND)
receptions = lots(LotKind.RECEPTION)
takers = demands | receptions


@st.composite
def compatible_pairs(draw: st.DrawFn) -> tuple[Lot, Lot]:
    """A surplus and a taker of materials that can serve for one another."""
    surplus, taker = draw(surpluses), draw(takers)
    serving = counterparts(LotKind.SURPLUS, material=surplus.material, taxonomy=taxonomy())
    return surplus, replace(taker, material=draw(st.sampled_from(sorted(serving[taker.kind]))))


distances_m = st.floats(0, 200_000)
