"""Searches by brute force: what each filter means, said once more in Python."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import shapely

from geo.crs import stored_box, to_stored
from geo.geometry import BBox, Position
from geo.norway import OUTLINE
from marketplace.queries.search import Sort
from marketplace.queries.search_filters import SearchFilters
from marketplace.types import Documentation, ListingKind, ListingStatus, PriceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A listing as the oracle knows it."""

    id: int
    status: ListingStatus
    kind: ListingKind
    documentation: Documentation
    material: str
    mass_t: Decimal
    available_from: date
    available_to: date
    price_kind: PriceKind
    price_nok_per_t: Decimal | None
    position: Position
    municipality: str
    text: str
    published_at: datetime


def fits(row: Row, filters: SearchFilters, *, today: date) -> bool:
    return (
        row.status is ListingStatus.PUBLISHED
        and row.available_to >= today
        and filters.kind in (None, row.kind)
        and _is_documented(row, filters.documentation)
        and (not filters.wanted_materials or row.material in filters.wanted_materials)
        and (filters.mass_min_t is None or row.mass_t >= filters.mass_min_t)
        and (filters.mass_max_t is None or row.mass_t <= filters.mass_max_t)
        and (filters.period_from is None or row.available_to >= filters.period_from)
        and (filters.period_to is None or row.available_from <= filters.period_to)
        and filters.price_kind in (None, row.price_kind)
        and _is_affordable(row, filters.price_max_nok_per_t)
        and _is_near(row, filters)
        and (filters.area is None or lies_in(row.position, filters.area))
        and (not filters.municipalities or row.municipality in filters.municipalities)
        and all(_has_word(row.text, word) for word in filters.text.split())
    )


def order(row: Row, sort: Sort, filters: SearchFilters) -> tuple[object, ...]:
    if sort is Sort.DISTANCE and filters.centre is not None:
        return planar_m(filters.centre.position, row.position), row.id
    if sort is Sort.QUANTITY:
        return -row.mass_t, -row.id
    return -row.published_at.timestamp(), -row.id


def planar_m(one: Position, other: Position) -> float:
    ends = [to_stored(shapely.Point(each.lon, each.lat)) for each in (one, other)]
    return float(ends[0].distance(ends[1]))


def lies_in(position: Position, box: BBox) -> bool:
    if shapely.box(box.west, box.south, box.east, box.north).covers(OUTLINE):
        return True
    point = to_stored(shapely.Point(position.lon, position.lat))
    return bool(stored_box(box.west, box.south, box.east, box.north).covers(point))


def _is_documented(row: Row, least: Documentation | None) -> bool:
    if least is None or row.kind is not ListingKind.SURPLUS:
        return True
    enough = {Documentation.TESTED} if least is Documentation.TESTED else {Documentation.TESTED, Documentation.DECLARED}
    return row.documentation in enough


def _is_affordable(row: Row, most: Decimal | None) -> bool:
    if most is None or row.price_kind is not PriceKind.TAKER_PAYS:
        return True
    return row.price_nok_per_t is not None and row.price_nok_per_t <= most


def _is_near(row: Row, filters: SearchFilters) -> bool:
    if filters.centre is None or filters.within_km is None:
        return True
    return filters.centre.position.distance_m(row.position) <= float(filters.within_km) * 1000


def _has_word(text: str, word: str) -> bool:
    """For words that are their own stem."""
    return any(each.startswith(word) for each in text.split()) or (len(word) >= 4 and word in text)
