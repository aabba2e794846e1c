"""What a generated set is drawn from: places by population, masses, periods and prices by material.

Arrays in, arrays out, nothing of the database; the same generator state gives the same draws.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.materials import Fraction, Material, read_fraction, taxonomy
from geo.units import EnteredUnit
from marketplace.types import ClosedReason, ListingStatus, PriceKind

MATERIALS_CSV: Final = Path(__file__).resolve().parents[2] / "seed" / "scale" / "materials.csv"

LISTINGS_PER_PROJECT: Final = 4.0
SURPLUS_SHARE: Final = 0.62
TOWN_SHARE: Final = 0.8
"""Projects that lie around a place drawn by population; the others around any place of the gazetteer alike."""
FARTHEST_M: Final = 45_000.0
OUT_OF_SEASON: Final = 0.25
MASS_LIMITS_T: Final = (20.0, 400_000.0)
DAYS_AHEAD: Final = np.arange(-45, 330)
PRICE_STEP_NOK: Final = 5
OLDEST_DAYS: Final = 120.0

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Bools = NDArray[np.bool_]
type Cells = NDArray[np.object_]
"""Values as COPY text, None where there is none."""
type Rng = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialDraw:
    """How listings of one material are drawn; the head of the table says what each figure means."""

    material: Material
    surplus_weight: float
    demand_weight: float
    median_t: float
    log_sigma: float
    fractions: tuple[Fraction, ...]
    first_month: int
    last_month: int
    free_share: float
    giver_pays_share: float
    price_low_nok: int
    price_high_nok: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where people live; positions in EPSG:25833."""

    names: Sequence[str]
    x: Floats
    y: Floats
    population: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingDraws:
    """What each listing is, column by column. `material` indexes `material_draws`; days count from that of loading."""

    is_surplus: Bools
    material: Ints
    fraction: list[Fraction | None]
    entered_value: Ints
    entered_unit: Cells
    density_t_m3: Cells
    mass_t: Floats
    from_day: Ints
    to_day: Ints
    price_kind: Cells
    price_nok_per_t: Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """When each listing was written, published and closed, in that order and never after now; and why it was closed."""

    created: list[str]
    published: list[str | None]
    closed: list[str | None]
    reason: list[str | None]


@cache
def material_draws() -> tuple[MaterialDraw, ...]:
    """The table of `seed/scale/materials.csv`."""
    with MATERIALS_CSV.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return tuple(_material_draw(row) for row in rows)


def _material_draw(row: Mapping[str, str]) -> MaterialDraw:
    return MaterialDraw(
        material=taxonomy().material(row["material_key"]),
        surplus_weight=float(row["surplus_weight"]),
        demand_weight=float(row["demand_weight"]),
        median_t=float(row["median_t"]),
        log_sigma=float(row["log_sigma"]),
        fractions=tuple(read_fraction(each) for each in row["fractions"].split("|") if each),
        first_month=int(row["first_month"]),
        last_month=int(row["last_month"]),
        free_share=float(row["free_share"]),
        giver_pays_share=float(row["giver_pays_share"]),
        price_low_nok=int(row["price_low_nok"]),
        price_high_nok=int(row["price_high_nok"]),
    )


def weighted(rng: Rng, weights: Sequence[float], *, count: int) -> Ints:
    """`count` indices into `weights`, each as often as its weight says."""
    shares = np.array(weights, dtype=float)
    return np.asarray(rng.choice(len(shares), size=count, p=shares / shares.sum()), dtype=np.int64)


def choose[T](rng: Rng, shares: Mapping[T, float], *, count: int) -> list[T]:
    """`count` of the options, each as often as its share says."""
    options = list(shares)
    return [options[n] for n in weighted(rng, list(shares.values()), count=count).tolist()]


def scatter(rng: Rng, places: Places, *, count: int) -> tuple[Ints, Floats, Floats]:
    """Positions around places: the distance falls off exponentially, on a scale that grows with the town.

    Returns the index of the place, x and y.
    """
    by_people = weighted(rng, (places.population**0.9).tolist(), count=count)
    anywhere = rng.integers(len(places.x), size=count)
    place = np.where(rng.random(count) < TOWN_SHARE, by_people, anywhere)
    reach_m = 2_000.0 + 10.0 * np.sqrt(places.population[place])
    distance_m = np.minimum(rng.exponential(reach_m), FARTHEST_M)
    direction = rng.uniform(0.0, 2.0 * np.pi, size=count)
    x = places.x[place] + distance_m * np.cos(direction)
    y = places.y[place] + distance_m * np.sin(direction)
    return place, np.round(x, 1), np.round(y, 1)


def draw_project_sizes(rng: Rng, *, listings: int) -> Ints:
    """How many listings each project has, together `listings`: geometric, so most have a few and some have many."""
    sizes: list[int] = []
    while listings:
        size = min(int(rng.geometric(1.0 / LISTINGS_PER_PROJECT)), listings)
        sizes.append(size)
        listings -= size
    return np.array(sizes, dtype=np.int64)


def draw_listings(rng: Rng, *, today: date, count: int) -> ListingDraws:
    draws = material_draws()
    is_surplus = rng.random(count) < SURPLUS_SHARE
    offered = weighted(rng, [each.surplus_weight for each in draws], count=count)
    wanted = weighted(rng, [each.demand_weight for each in draws], count=count)
    drawn = ListingDraws(
        is_surplus=is_surplus,
        material=np.where(is_surplus, offered, wanted),
        fraction=[None] * count,
        entered_value=np.zeros(count, dtype=np.int64),
        entered_unit=np.full(count, EnteredUnit.TONNE.value, dtype=object),
        density_t_m3=np.full(count, None, dtype=object),
        mass_t=np.zeros(count),
        from_day=np.zeros(count, dtype=np.int64),
        to_day=np.zeros(count, dtype=np.int64),
        price_kind=np.full(count, PriceKind.FREE.value, dtype=object),
        price_nok_per_t=np.full(count, None, dtype=object),
    )
    for n, draw in enumerate(draws):
        rows = np.flatnonzero(drawn.material == n)
        _draw_quantity(rng, draw, drawn, rows)
        _draw_fraction(rng, draw, drawn, rows)
        _draw_period(rng, draw, drawn, rows, today=today)
        _draw_price(rng, draw, drawn, rows)
    return drawn


def _draw_quantity(rng: Rng, draw: MaterialDraw, drawn: ListingDraws, rows: Ints) -> None:
    """Log-normal masses, entered with two significant digits in tonnes or m3 of a state the material has."""
    mass_t = np.clip(draw.median_t * np.exp(draw.log_sigma * rng.standard_normal(len(rows))), *MASS_LIMITS_T)
    units = draw.material.units
    chosen = np.where(rng.random(len(rows)) < 0.5, 0, rng.integers(len(units), size=len(rows)))
    for n, unit in enumerate(units):
        some = chosen == n
        density = draw.material.density_t_per_m3(unit)
        value = mass_t[some] if density is None else mass_t[some] / float(density)
        step = 10.0 ** np.maximum(np.floor(np.log10(value)) - 1.0, 0.0)
        entered = np.asarray(np.round(value / step) * step, dtype=np.int64)
        drawn.entered_value[rows[some]] = entered
        drawn.entered_unit[rows[some]] = unit.value
        drawn.mass_t[rows[some]] = entered
        if density is not None:
            drawn.density_t_m3[rows[some]] = str(density)
            # Densities have two decimals, so the product is exact in hundredths of a tonne.
            drawn.mass_t[rows[some]] = entered * round(density * 100) / 100.0


def _draw_fraction(rng: Rng, draw: MaterialDraw, drawn: ListingDraws, rows: Ints) -> None:
    if draw.fractions:
        for row, n in zip(rows.tolist(), rng.integers(len(draw.fractions), size=len(rows)).tolist(), strict=True):
            drawn.fraction[row] = draw.fractions[n]


def _draw_period(rng: Rng, draw: MaterialDraw, drawn: ListingDraws, rows: Ints, *, today: date) -> None:
    """Starts from a month and a half ago to eleven months ahead, mostly in season; none has ended."""
    months = np.array([(today + timedelta(days=offset)).month for offset in DAYS_AHEAD.tolist()])
    in_season = (months >= draw.first_month) & (months <= draw.last_month)
    start = DAYS_AHEAD[weighted(rng, np.where(in_season, 1.0, OUT_OF_SEASON).tolist(), count=len(rows))]
    length = np.clip(60.0 * np.exp(0.8 * rng.standard_normal(len(rows))), 5.0, 540.0).astype(np.int64)
    drawn.from_day[rows] = start
    drawn.to_day[rows] = np.maximum(start + length, 3)


def _draw_price(rng: Rng, draw: MaterialDraw, drawn: ListingDraws, rows: Ints) -> None:
    luck = rng.random(len(rows))
    lowest, highest = draw.price_low_nok // PRICE_STEP_NOK, draw.price_high_nok // PRICE_STEP_NOK
    price_nok = rng.integers(lowest, highest + 1, size=len(rows)) * PRICE_STEP_NOK
    is_paid = luck >= draw.free_share
    by_giver = is_paid & (luck < draw.free_share + draw.giver_pays_share)
    drawn.price_kind[rows[is_paid]] = PriceKind.TAKER_PAYS.value
    drawn.price_kind[rows[by_giver]] = PriceKind.GIVER_PAYS.value
    drawn.price_nok_per_t[rows[is_paid]] = np.array([str(each) for each in price_nok[is_paid].tolist()], dtype=object)


def draw_smallest_lots(rng: Rng, mass_t: Floats) -> list[str | None]:
    """A lorry load for some, a day's driving for others, none at all for the rest; never above the whole."""
    lots = weighted(rng, (4, 4, 2), count=len(mass_t))
    lot_t = np.minimum(np.array([0.0, 16.0, 500.0])[lots], mass_t)
    return [f"{each:.2f}" if each else None for each in lot_t.tolist()]


def draw_moments(rng: Rng, statuses: Sequence[ListingStatus], *, now: datetime) -> Moments:
    moments = Moments(created=[], published=[], closed=[], reason=[])
    for status, (age, wait, life) in zip(statuses, rng.random((len(statuses), 3)).tolist(), strict=True):
        created = now - timedelta(days=0.1 + age * OLDEST_DAYS)
        published = created + (now - created) * (wait * 0.1)
        is_closed = status is ListingStatus.CLOSED
        moments.created.append(created.isoformat())
        moments.published.append(None if status is ListingStatus.DRAFT else published.isoformat())
        moments.closed.append((published + (now - published) * life).isoformat() if is_closed else None)
        moments.reason.append(ClosedReason.OWNER.value if is_closed else None)
    return moments
