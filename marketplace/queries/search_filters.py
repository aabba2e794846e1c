"""What a search asks for, and each of its filters as a condition on listings.

The list, the facets, the map and the hints for an empty result all take their conditions from here, so that they
cannot come to say different things.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

from geo.geometry import BBox, Position
from geo.materials import MaterialGroup, taxonomy
from geo.postgis import point_in_bbox, within_distance
from geo.units import M_PER_KM
from marketplace.models import Listing
from marketplace.queries.search_words import Word, word_found
from marketplace.types import ListingKind, PriceKind


class Filter(StrEnum):
    """The filters a person sees as one; each can be taken away on its own."""

    TEXT = "text"
    KIND = "kind"
    MATERIAL = "material"
    MASS = "mass"
    PERIOD = "period"
    PRICE = "price"
    DISTANCE = "distance"
    AREA = "area"
    MUNICIPALITY = "municipality"


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """Where distances are measured from, and what the person called it."""

    position: Position
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilters:
    """What listings are wanted; a filter that is empty or None lets everything through.

    A material is wanted when it or its group is chosen. Quantities are of the whole listing. `period` overlaps the
    listing's; either end may be open. `price_max_nok_per_t` is the most that the taker pays: what is free, and what
    the giver pays for, is always within it. `centre` alone filters nothing: it is what distances are measured from.
    """

    text: str = ""
    kind: ListingKind | None = None
    groups: frozenset[MaterialGroup] = frozenset()
    materials: frozenset[str] = frozenset()
    mass_min_t: Decimal | None = None
    mass_max_t: Decimal | None = None
    period_from: date | None = None
    period_to: date | None = None
    price_kind: PriceKind | None = None
    price_max_nok_per_t: Decimal | None = None
    centre: Centre | None = None
    within_km: Decimal | None = None
    area: BBox | None = None
    municipalities: frozenset[str] = frozenset()

    @property
    def active(self) -> tuple[Filter, ...]:
        """The filters that leave something out."""
        given = {
            Filter.TEXT: self.text,
            Filter.KIND: self.kind,
            Filter.MATERIAL: self.groups | self.materials,
            Filter.MASS: (self.mass_min_t, self.mass_max_t) != (None, None),
            Filter.PERIOD: (self.period_from, self.period_to) != (None, None),
            Filter.PRICE: self.price_kind is not None or self.price_max_nok_per_t is not None,
            Filter.DISTANCE: self.centre is not None and self.within_km is not None,
            Filter.AREA: self.area,
            Filter.MUNICIPALITY: self.municipalities,
        }
        return tuple(each for each, value in given.items() if value)

    def without(self, dropped: Filter) -> "SearchFilters":
        return replace(self, **EMPTY[dropped])

    @property
    def wanted_materials(self) -> frozenset[str]:
        """The keys of the materials chosen, alone or by their group."""
        by_group = {each.key for group in self.groups for each in taxonomy().in_group(group)}
        return self.materials | by_group


EMPTY: Mapping[Filter, Mapping[str, Any]] = {
    Filter.TEXT: {"text": ""},
    Filter.KIND: {"kind": None},
    Filter.MATERIAL: {"groups": frozenset(), "materials": frozenset()},
    Filter.MASS: {"mass_min_t": None, "mass_max_t": None},
    Filter.PERIOD: {"period_from": None, "period_to": None},
    Filter.PRICE: {"price_kind": None, "price_max_nok_per_t": None},
    Filter.DISTANCE: {"within_km": None},
    Filter.AREA: {"area": None},
    Filter.MUNICIPALITY: {"municipalities": frozenset()},
}
"""What `SearchFilters` holds where a filter is not set."""


def conditions_of(filters: SearchFilters, words: tuple[Word, ...]) -> dict[Filter, ColumnElement[bool]]:
    """The condition of each active filter. `words` are those of `filters.text`, looked up by `look_up_words`."""
    conditions = {
        Filter.TEXT: _all(word_found(word) for word in words),
        Filter.KIND: None if filters.kind is None else Listing.kind == filters.kind,
        Filter.MATERIAL: _among(Listing.material_key, filters.wanted_materials),
        Filter.MASS: _between(Listing.mass_t, filters.mass_min_t, filters.mass_max_t),
        Filter.PERIOD: _overlap(filters.period_from, filters.period_to),
        Filter.PRICE: _price(filters.price_kind, filters.price_max_nok_per_t),
        Filter.DISTANCE: _distance(filters.centre, filters.within_km),
        Filter.AREA: None if filters.area is None else point_in_bbox(Listing.position_25833, filters.area),
        Filter.MUNICIPALITY: _among(Listing.municipality_number, filters.municipalities),
    }
    return {name: condition for name, condition in conditions.items() if condition is not None}


def _all(conditions: Iterable[ColumnElement[bool] | None]) -> ColumnElement[bool] | None:
    given = [condition for condition in conditions if condition is not None]
    return and_(*given) if given else None


def _among(column: InstrumentedAttribute[str], wanted: frozenset[str]) -> ColumnElement[bool] | None:
    return column.in_(sorted(wanted)) if wanted else None


def _between(
    column: InstrumentedAttribute[Decimal], least: Decimal | None, most: Decimal | None
) -> ColumnElement[bool] | None:
    return _all([None if least is None else column >= least, None if most is None else column <= most])


def _overlap(first: date | None, last: date | None) -> ColumnElement[bool] | None:
    return _all(
        [
            None if first is None else Listing.available_to >= first,
            None if last is None else Listing.available_from <= last,
        ]
    )


def _price(kind: PriceKind | None, most_nok_per_t: Decimal | None) -> ColumnElement[bool] | None:
    is_affordable = (
        None
        if most_nok_per_t is None
        else or_(Listing.price_kind != PriceKind.TAKER_PAYS, Listing.price_nok_per_t <= most_nok_per_t)
    )
    return _all([None if kind is None else Listing.price_kind == kind, is_affordable])


def _distance(centre: Centre | None, within_km: Decimal | None) -> ColumnElement[bool] | None:
    if centre is None or within_km is None:
        return None
    return within_distance(Listing.position_25833, centre.position, distance_m=float(within_km) * M_PER_KM)
