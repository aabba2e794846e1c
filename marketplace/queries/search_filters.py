"""What a search asks for, and each of its filters as a condition on listings.

The list, the facets, the map and the hints for an empty result all take their conditions from here, so that they
cannot come to say different things.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, String, and_, any_, bindparam, literal_column, or_, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from geo.geometry import BBox, Position
from geo.materials import MaterialGroup, taxonomy
from geo.prepared import (
    BoxForm,
    box_form,
    box_values,
    distance_values,
    place_values,
    point_in_box,
    within_distance,
)
from geo.units import M_PER_KM
from marketplace.models import Listing
from marketplace.queries.open_listings import TODAY, is_open
from marketplace.queries.search_words import Word, word_found, word_values
from marketplace.types import Documentation, ListingKind, PriceKind


class Filter(StrEnum):
    """The filters a person sees as one; each can be taken away on its own."""

    TEXT = "text"
    KIND = "kind"
    DOCUMENTATION = "documentation"
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

    `documentation` is the least that a surplus's being clean must rest on; what takes masses has none to show, and is
    not asked for any. A material is wanted when it or its group is chosen. Quantities are of the whole
    listing. `period` overlaps the listing's; either end may be open. `price_max_nok_per_t` is the most that the taker
    pays: what is free, and what the giver pays for, is always within it. `centre` alone filters nothing: it is what
    distances are measured from.
    """

    text: str = ""
    kind: ListingKind | None = None
    documentation: Documentation | None = None
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
            Filter.DOCUMENTATION: self.documentation,
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


def documented_by(least: Documentation | None) -> tuple[Documentation, ...]:
    """What is at least as good as this; everything that counts as documented where nothing is asked."""
    if least is Documentation.TESTED:
        return (Documentation.TESTED,)
    return Documentation.DECLARED, Documentation.TESTED


EMPTY: Mapping[Filter, Mapping[str, Any]] = {
    Filter.TEXT: {"text": ""},
    Filter.KIND: {"kind": None},
    Filter.DOCUMENTATION: {"documentation": None},
    Filter.MATERIAL: {"groups": frozenset(), "materials": frozenset()},
    Filter.MASS: {"mass_min_t": None, "mass_max_t": None},
    Filter.PERIOD: {"period_from": None, "period_to": None},
    Filter.PRICE: {"price_kind": None, "price_max_nok_per_t": None},
    Filter.DISTANCE: {"within_km": None},
    Filter.AREA: {"area": None},
    Filter.MUNICIPALITY: {"municipalities": frozenset()},
}
"""What `SearchFilters` holds where a filter is not set."""


# As statements see it ---------------------------------------------------------------------------------------------


class Several(IntEnum):
    NONE = 0
    ONE = 1
    MANY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What of a search decides how its statements read, apart from the values that they are asked with.

    Statements are built once for each shape: building one takes as long as the database takes to answer.
    """

    words: tuple[bool, ...]
    """For each word, whether it is looked for inside other words, too."""
    has_kind: bool
    has_documentation: bool
    materials: Several
    has_mass_min: bool
    has_mass_max: bool
    has_period_from: bool
    has_period_to: bool
    has_price_kind: bool
    has_price_max: bool
    has_centre: bool
    has_reach: bool
    area: BoxForm | None
    has_municipalities: bool


SHAPES_KEPT = 256
"""Built statements are kept for this many shapes of each kind: all that people use, and no more than fits in memory."""

CENTRE = "centre"
AREA = "area"
"""The names of the place and the box among the parameters."""


def shape_of(filters: SearchFilters, words: tuple[Word, ...]) -> Shape:
    return Shape(
        words=tuple(word.is_sought_inside for word in words),
        has_kind=filters.kind is not None,
        has_documentation=filters.documentation is not None,
        materials=Several(min(len(filters.wanted_materials), Several.MANY)),
        has_mass_min=filters.mass_min_t is not None,
        has_mass_max=filters.mass_max_t is not None,
        has_period_from=filters.period_from is not None,
        has_period_to=filters.period_to is not None,
        has_price_kind=filters.price_kind is not None,
        has_price_max=filters.price_max_nok_per_t is not None,
        has_centre=filters.centre is not None,
        has_reach=filters.within_km is not None and filters.centre is not None,
        area=None if filters.area is None else box_form(filters.area),
        has_municipalities=bool(filters.municipalities),
    )


def values_of(filters: SearchFilters, words: tuple[Word, ...], *, today: date) -> dict[str, object]:
    """The parameters of every statement about the search; one that a statement does not name does it no harm."""
    materials = sorted(filters.wanted_materials)
    values: dict[str, object] = {
        "today": today,
        "kind": filters.kind and filters.kind.value,
        "documentations": [each.value for each in documented_by(filters.documentation)],
        "material": materials[0] if materials else None,
        "materials": materials,
        "mass_min_t": filters.mass_min_t,
        "mass_max_t": filters.mass_max_t,
        "period_from": filters.period_from,
        "period_to": filters.period_to,
        "price_kind": filters.price_kind and filters.price_kind.value,
        "price_max_nok_per_t": filters.price_max_nok_per_t,
        "municipalities": sorted(filters.municipalities),
    }
    for place, word in enumerate(words):
        values |= word_values(place, word)
    if filters.centre is not None:
        values |= place_values(CENTRE, filters.centre.position)
        if filters.within_km is not None:
            values |= distance_values(CENTRE, distance_m=float(filters.within_km) * M_PER_KM)
    if filters.area is not None:
        values |= box_values(AREA, filters.area, form=box_form(filters.area))
    return values


@lru_cache(maxsize=SHAPES_KEPT)
def conditions_of(shape: Shape) -> Mapping[Filter, ColumnElement[bool]]:
    """The condition of each active filter."""
    position = Listing.position_25833
    conditions = {
        Filter.TEXT: [word_found(place, is_inside=is_inside) for place, is_inside in enumerate(shape.words)],
        Filter.KIND: [Listing.kind == _value("kind", Listing.kind)] if shape.has_kind else [],
        Filter.DOCUMENTATION: [
            or_(Listing.kind != literal_column("'surplus'"), _is_among(Listing.documentation, "documentations"))
        ]
        if shape.has_documentation
        else [],
        Filter.MATERIAL: _materials(shape.materials),
        Filter.MASS: [
            *([Listing.left_t >= _value("mass_min_t", Listing.left_t)] if shape.has_mass_min else []),
            *([Listing.left_t <= _value("mass_max_t", Listing.left_t)] if shape.has_mass_max else []),
        ],
        Filter.PERIOD: [
            *([Listing.available_to >= _value("period_from", Listing.available_to)] if shape.has_period_from else []),
            *([Listing.available_from <= _value("period_to", Listing.available_from)] if shape.has_period_to else []),
        ],
        Filter.PRICE: [
            *([Listing.price_kind == _value("price_kind", Listing.price_kind)] if shape.has_price_kind else []),
            *([_is_affordable()] if shape.has_price_max else []),
        ],
        Filter.DISTANCE: [within_distance(position, CENTRE)] if shape.has_reach else [],
        Filter.AREA: [point_in_box(position, AREA, form=shape.area)] if shape.area is not None else [],
        Filter.MUNICIPALITY: [_is_among(Listing.municipality_number, "municipalities")]
        if shape.has_municipalities
        else [],
    }
    return {name: and_(*parts) for name, parts in conditions.items() if parts}


@lru_cache(maxsize=SHAPES_KEPT)
def fulfils(shape: Shape, *, besides: tuple[Filter, ...] = ()) -> ColumnElement[bool]:
    """What a listing must fulfil to be a result, leaving some filters out of account."""
    conditions = conditions_of(shape)
    return and_(is_open(TODAY), *(each for name, each in conditions.items() if name not in besides))


def _value(name: str, column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    return bindparam(name, type_=column.type)


def _materials(several: Several) -> list[ColumnElement[bool]]:
    match several:
        case Several.NONE:
            return []
        case Several.ONE:  # an equality, which the index of kind, material and position can answer
            return [Listing.material_key == _value("material", Listing.material_key)]
        case Several.MANY:
            return [_is_among(Listing.material_key, "materials")]


def _is_among(column: InstrumentedAttribute[Any], name: str) -> ColumnElement[bool]:
    return type_coerce(column, String) == any_(bindparam(name, type_=ARRAY(String)))


def _is_affordable() -> ColumnElement[bool]:
    most = _value("price_max_nok_per_t", Listing.price_nok_per_t)
    return or_(Listing.price_kind != PriceKind.TAKER_PAYS, Listing.price_nok_per_t <= most)
