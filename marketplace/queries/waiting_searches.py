"""Search the other way round: which saved searches find a listing.

Each condition says of the columns of `SavedSearch` what `queries.search_filters` says with the values of one search; a
test holds the two against each other. The box and the materials of a search are found by indexes, the rest is compared.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import shapely
from geoalchemy2.shape import from_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    Text,
    and_,
    any_,
    cast,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, array

from geo import crs
from geo.materials import MaterialGroup
from geo.prepared import BoxForm, bent_box, box_form, in_circle, in_outline, outline_text, place_values, point
from geo.units import M_PER_KM, SRID_STORED
from marketplace.models import Listing, MaterialRow, SavedSearch
from marketplace.queries.open_listings import is_open
from marketplace.queries.search_filters import CENTRE, SearchFilters, documented_by
from marketplace.queries.search_words import Word, beginning, begins_a_word, inside, inside_a_word
from marketplace.types import Documentation, ListingKind, PriceKind

ANY_MATERIAL: Final = "*"
GROUP: Final = "group:"
EVERYWHERE: Final = shapely.box(-1e7, -1e7, 1e7, 1e7)
"""In EPSG:25833: the Arctic and all around it."""
quantity_t: ColumnElement[Decimal] = Listing.left_t.expression
"""What quantities are compared with: the same as in `queries.search_filters`."""


# What a search waits for, as columns ------------------------------------------------------------------------------


def columns_of(filters: SearchFilters, words: tuple[Word, ...]) -> Mapping[str, object]:
    """What the columns of a saved search with these filters hold."""
    return {
        "kind": filters.kind,
        "documentation": filters.documentation,
        "materials": sorted({*filters.materials, *map(group_key, filters.groups)}) or [ANY_MATERIAL],
        "mass_min_t": filters.mass_min_t,
        "mass_max_t": filters.mass_max_t,
        "period_from": filters.period_from,
        "period_to": filters.period_to,
        "price_kind": filters.price_kind,
        "price_max_nok_per_t": filters.price_max_nok_per_t,
        "municipality_numbers": sorted(filters.municipalities) or None,
        "word_begins": [beginning(word) for word in words],
        "word_insides": [inside(word) for word in words],
        **_place_columns(filters),
    }


def group_key(group: MaterialGroup) -> str:
    return f"{GROUP}{group.value}"


def _place_columns(filters: SearchFilters) -> Mapping[str, object]:
    bounds: BaseGeometry = EVERYWHERE
    x, y, reach_m, outline = None, None, None, None
    if filters.centre is not None and filters.within_km is not None:
        x, y = map(float, place_values(CENTRE, filters.centre.position).values())  # type: ignore[arg-type]
        reach_m = float(filters.within_km) * M_PER_KM
        half = reach_m * crs.PLANAR_STRETCH_MAX
        bounds = shapely.box(x - half, y - half, x + half, y + half)
    if filters.area is not None:
        bent = bent_box(filters.area)
        around = shapely.box(*bent.around)
        outline = None if box_form(filters.area) is BoxForm.WHOLE else outline_text(bent)
        both = bounds.intersection(around)
        # Apart from each other nothing lies in both, whichever of them is looked in first.
        bounds = around if both.geom_type != "Polygon" or both.is_empty else both
    return {
        "bounds_25833": from_shape(bounds, srid=SRID_STORED),
        "centre_x_m": x,
        "centre_y_m": y,
        "reach_m": reach_m,
        "outline": outline,
    }


# Which searches find a listing ------------------------------------------------------------------------------------


def searches_that_find(*, columns: tuple[Any, ...], listing_ids: Collection[int], today: date) -> Select[Any]:
    """Columns of the pairs of `Listing` and `SavedSearch`, one for each search that finds one of some open listings.

    A search of somebody of the listing's own organisation finds it, too.
    """
    return (
        select(*columns)
        .select_from(Listing)
        .join(MaterialRow, MaterialRow.key == Listing.material_key)
        .join(SavedSearch, finds())
        .where(Listing.id == any_(literal(sorted(listing_ids), ARRAY(BigInteger))), is_open(today))
    )


def finds() -> ColumnElement[bool]:
    """Whether a search finds a listing that is open; the listing's material is joined."""
    return and_(
        SavedSearch.bounds_25833.bool_op("&&")(Listing.position_25833),
        SavedSearch.materials.bool_op("&&")(_material_keys()),
        or_(SavedSearch.kind.is_(None), _same(SavedSearch.kind.expression, Listing.kind.expression)),
        _is_documented(),
        or_(SavedSearch.mass_min_t.is_(None), quantity_t >= SavedSearch.mass_min_t),
        or_(SavedSearch.mass_max_t.is_(None), quantity_t <= SavedSearch.mass_max_t),
        or_(SavedSearch.period_from.is_(None), Listing.available_to >= SavedSearch.period_from),
        or_(SavedSearch.period_to.is_(None), Listing.available_from <= SavedSearch.period_to),
        or_(SavedSearch.price_kind.is_(None), _same(SavedSearch.price_kind.expression, Listing.price_kind.expression)),
        _is_affordable(),
        or_(
            SavedSearch.municipality_numbers.is_(None),
            type_coerce(Listing.municipality_number, Text) == any_(SavedSearch.municipality_numbers),
        ),
        _is_near(),
        or_(SavedSearch.outline.is_(None), in_outline(Listing.position_25833, SavedSearch.outline.expression)),
        _has_every_word(),
    )


def _material_keys() -> ColumnElement[Any]:
    """The ways in which a search can ask for the listing's material."""
    group = literal(GROUP, Text) + cast(type_coerce(MaterialRow.group, String), Text)
    return cast(array([literal(ANY_MATERIAL, Text), cast(Listing.material_key, Text), group]), ARRAY(Text))


def _same(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[bool]:
    return type_coerce(one, String) == type_coerce(other, String)


def _is_documented() -> ColumnElement[bool]:
    enough = [
        and_(SavedSearch.documentation == least, Listing.documentation.in_(documented_by(least)))
        for least in (Documentation.DECLARED, Documentation.TESTED)
    ]
    return or_(SavedSearch.documentation.is_(None), Listing.kind != ListingKind.SURPLUS, *enough)


def _is_affordable() -> ColumnElement[bool]:
    return or_(
        SavedSearch.price_max_nok_per_t.is_(None),
        Listing.price_kind != PriceKind.TAKER_PAYS,
        Listing.price_nok_per_t <= SavedSearch.price_max_nok_per_t,
    )


def _is_near() -> ColumnElement[bool]:
    centre = point(SavedSearch.centre_x_m.expression, SavedSearch.centre_y_m.expression)
    is_within = in_circle(Listing.position_25833, centre, reach_m=SavedSearch.reach_m.expression)
    return or_(SavedSearch.reach_m.is_(None), is_within)


def _has_every_word() -> ColumnElement[bool]:
    word = (
        func.unnest(SavedSearch.word_begins, SavedSearch.word_insides)
        .table_valued("begins", "inside", joins_implicitly=True)
        .render_derived(name="word")
    )
    has_it = or_(begins_a_word(word.c.begins), func.coalesce(inside_a_word(word.c.inside), not_(true())))
    lacks_one = exists(select(literal(1)).select_from(word).where(not_(has_it)).correlate(SavedSearch, Listing))
    return or_(func.cardinality(SavedSearch.word_begins) == 0, not_(lacks_one))
