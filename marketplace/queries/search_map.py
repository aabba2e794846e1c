"""The results of a search as a map shows them: pins, and clusters by a grid that follows the zoom level.

The database writes the whole answer, GeoJSON as text, in one statement; nothing of it is read again on the way out.
Which listings are meant is said by `select()`, as everywhere; how they are told is SQL of one piece.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Double, Text, func, select, text
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TextualSelect

from geo.geometry import BBox
from geo.materials import MaterialGroup, taxonomy
from geo.postgis import grid_cell_m
from geo.prepared import BoxForm, bent_box, box_form, box_values, point_in_box
from marketplace.models import Listing
from marketplace.queries.direct import DirectStatement, scalar, written
from marketplace.queries.search import Search
from marketplace.queries.search_filters import SHAPES_KEPT, Shape, fulfils

FEW = 120
"""Up to this many listings in view are arranged one by one; more are first gathered in the cells of a grid."""

PIN_PIXELS = 36
CLUSTER_PIXELS = 48
"""Pins, and clusters, nearer to each other than this are one."""
CELL_PIXELS = 84
LARGEST_MAP_PIXELS = 5_000
"""However near the map says it is, it is not taken for larger than this: a view of all Norway at the zoom level of a
street would be thousands of pins."""

VIEW = "view"
"""The name of the view among the parameters."""

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
NARROW_NO_BREAK_SPACE = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapTexts:
    """The visitor's words; patterns hold a figure's place as `{}`. `listing_url` comes before a listing's id."""

    is_norwegian: bool
    listing_url: str
    price_nok_per_t: str
    free: str
    taker_pays: str
    giver_pays: str
    tested: str
    declared: str


def map_of_results(session: Session, search: Search, *, view: BBox, zoom: float, texts: MapTexts) -> str:
    """A FeatureCollection of the results inside `view`, as JSON text; `total` beside the features counts them.

    The features are as `marketplace.maps.ListingLayer` takes them. Where there are few in view a cluster names its
    listings in `ids`, and one whose listings all lie on one spot holds the properties of each in `listings`.
    """
    form = box_form(view)
    values = {**search.values, **view_values(view, form=form, zoom=zoom)}
    return str(scalar(session, _written(search.shape, form, texts), values))


@lru_cache(maxsize=SHAPES_KEPT)
def _written(shape: Shape, form: BoxForm, texts: MapTexts) -> DirectStatement:
    return written(map_statement(shape, form, texts))


def map_statement(shape: Shape, form: BoxForm, texts: MapTexts) -> TextualSelect:
    """A few listings are read once and arranged; only where there are too many are all in view added up."""
    found = select(*POINT).where(fulfils(shape), point_in_box(Listing.position_25833, VIEW, form=form))
    arranged = text(ARRANGED).bindparams(
        **{group.value: [material.key for material in taxonomy().in_group(group)] for group in MaterialGroup},
        is_norwegian=texts.is_norwegian,
        signs=f"{NARROW_NO_BREAK_SPACE}," if texts.is_norwegian else ",.",
        day="FMDD.FMMM.YYYY" if texts.is_norwegian else "FMDD Mon YYYY",
        dash=f"{NO_BREAK_SPACE}\N{EN DASH} ",
        unit_t=f"{NO_BREAK_SPACE}t",
        unit_mm=f"{NO_BREAK_SPACE}mm",
        listing_url=texts.listing_url,
        price_nok_per_t=texts.price_nok_per_t,
        free=texts.free,
        taker_pays=texts.taker_pays,
        giver_pays=texts.giver_pays,
        tested=texts.tested,
        declared=texts.declared,
    )
    return arranged.columns(map=Text).add_cte(found.cte("found").prefix_with("NOT MATERIALIZED"))


def view_values(view: BBox, *, form: BoxForm, zoom: float) -> dict[str, object]:
    pixel_m = pixel_on_map_m(view, zoom=zoom)
    return box_values(VIEW, view, form=form) | {
        "pin_m": PIN_PIXELS * pixel_m,
        "cluster_m": CLUSTER_PIXELS * pixel_m,
        "cell_m": CELL_PIXELS * pixel_m,
        "few": FEW,
    }


def pixel_on_map_m(view: BBox, *, zoom: float) -> float:
    """The metres that a pixel of the map is, or what it would be if the view filled `LARGEST_MAP_PIXELS`."""
    min_x, min_y, max_x, max_y = bent_box(view).around
    return max(grid_cell_m(zoom, pixels=1), max(max_x - min_x, max_y - min_y) / LARGEST_MAP_PIXELS)


POINT: tuple[Any, ...] = (
    Listing.id,
    Listing.kind,
    Listing.material_key,
    Listing.left_t.label("mass_t"),
    func.ST_X(Listing.position_25833, type_=Double()).label("x"),
    func.ST_Y(Listing.position_25833, type_=Double()).label("y"),
)

# As marketplace.filters writes them, which a test sees to: 20 000 t; 12,5 t; 0,35 t.
QUANTITY = """
translate(rtrim(to_char($mass_t, CASE
    WHEN $mass_t >= 100 THEN 'FM999,999,999,990' WHEN $mass_t >= 1 THEN 'FM990.9' ELSE 'FM990.999'
END), '.'), ',.', :signs) || :unit_t"""

PRICE = """
replace(
    CASE price_kind WHEN 'taker_pays' THEN :taker_pays WHEN 'giver_pays' THEN :giver_pays ELSE :free END,
    '{}',
    coalesce(replace(:price_nok_per_t, '{}', translate(to_char(price_nok_per_t, CASE
        WHEN price_nok_per_t = trunc(price_nok_per_t) THEN 'FM999,990' ELSE 'FM999,990.00'
    END), ',.', :signs)), '')
)"""

PERIOD = """
CASE
    WHEN available_from = available_to THEN to_char(available_from, :day)
    ELSE to_char(available_from, :day) || :dash || to_char(available_to, :day)
END"""

# concat() takes no notice of NULL, which || makes of a fraction that is not there.
TITLE = """
concat(
    upper(left(material_name, 1)), substr(material_name, 2),
    ' ' || translate(trim_scale(fraction_min_mm) || '/' || trim_scale(fraction_max_mm), '.', right(:signs, 1)),
    CASE WHEN fraction_max_mm IS NOT NULL THEN :unit_mm END
)"""

# What would lie on each other on the map becomes one cluster: neighbours by distance, whatever cell they are in. Only
# one part of the UNION is read: how many there are is asked once, before. Without its OFFSET the planner sorts all
# listings by their cell instead of adding up in a hash table.
ARRANGED = (
    """
SELECT json_build_object(
    'type', 'FeatureCollection',
    'total', coalesce(sum(cell.count), 0),
    'features', coalesce(json_agg(json_build_object(
        'type', 'Feature',
        'geometry', ST_AsGeoJSON(cell.middle, 5)::json,
        'properties', CASE WHEN cell.count = 1 THEN told.listings->0 ELSE json_strip_nulls(json_build_object(
            'count', cell.count,
            'quantity', $cell_quantity,
            'surplus', cell.surplus,
            'demand', cell.count - cell.surplus - cell.reception,
            'reception', cell.reception,
            'groups', json_build_object(
                'stone', cell.stone, 'soil', cell.soil, 'concrete', cell.concrete, 'asphalt', cell.asphalt
            ),
            'bounds', json_build_array(
                round(ST_X(cell.south_west)::numeric, 5), round(ST_Y(cell.south_west)::numeric, 5),
                round(ST_X(cell.north_east)::numeric, 5), round(ST_Y(cell.north_east)::numeric, 5)
            ),
            'ids', CASE WHEN cardinality(cell.ids) = cell.count THEN cell.ids END,
            'listings', told.listings
        )) END
    ) ORDER BY cell.first_id), '[]')
)::text AS map
FROM (
    WITH few AS MATERIALIZED (SELECT * FROM found LIMIT :few + 1)
    SELECT
        sum(count) AS count, sum(surplus) AS surplus, sum(reception) AS reception,
        sum(stone) AS stone, sum(soil) AS soil, sum(concrete) AS concrete, sum(asphalt) AS asphalt,
        sum(mass_t) AS mass_t,
        ST_Transform(ST_Point(sum(sum_x) / sum(count), sum(sum_y) / sum(count), 25833), 4326) AS middle,
        ST_Transform(ST_Point(min(min_x), min(min_y), 25833), 4326) AS south_west,
        ST_Transform(ST_Point(max(max_x), max(max_y), 25833), 4326) AS north_east,
        min(min_x) = max(max_x) AND min(min_y) = max(max_y) AS is_one_spot,
        array_agg(single_id) FILTER (WHERE single_id IS NOT NULL) AS ids,
        min(first_id) AS first_id
    FROM (
        SELECT *, ST_ClusterDBSCAN(
            ST_Point(sum_x / count, sum_y / count, 25833),
            (SELECT CASE WHEN count(*) <= :few THEN :pin_m ELSE :cluster_m END FROM few),
            1
        ) OVER () AS neighbourhood
        FROM (
            SELECT
                count(*) AS count, count(*) FILTER (WHERE kind = 'surplus') AS surplus,
                count(*) FILTER (WHERE kind = 'reception') AS reception,
                count(*) FILTER (WHERE material_key = ANY(:stone)) AS stone,
                count(*) FILTER (WHERE material_key = ANY(:soil)) AS soil,
                count(*) FILTER (WHERE material_key = ANY(:concrete)) AS concrete,
                count(*) FILTER (WHERE material_key = ANY(:asphalt)) AS asphalt,
                sum(mass_t) AS mass_t, sum(x) AS sum_x, sum(y) AS sum_y,
                min(x) AS min_x, max(x) AS max_x, min(y) AS min_y, max(y) AS max_y,
                min(id) AS first_id, CASE WHEN count(*) = 1 THEN min(id) END AS single_id
            FROM (
                SELECT *, id AS cell_x, 0 AS cell_y FROM few WHERE (SELECT count(*) FROM few) <= :few
                UNION ALL
                SELECT *, floor(x / :cell_m), floor(y / :cell_m) FROM (SELECT * FROM found OFFSET 0) AS many
                WHERE (SELECT count(*) FROM few) > :few
            ) AS point
            GROUP BY cell_x, cell_y
        ) AS cell
    ) AS cell
    GROUP BY neighbourhood
) AS cell
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object(
        'id', id,
        'kind', kind,
        'group', group_key,
        'title', $title,
        'quantity', $listing_quantity,
        'details', CASE
            WHEN kind <> 'surplus' OR documentation = 'none' THEN json_build_array($period, $price)
            ELSE json_build_array(
                $period, $price, CASE documentation WHEN 'tested' THEN :tested ELSE :declared END::text
            )
        END,
        'is_example', is_example,
        'url', :listing_url || id
    ) ORDER BY id) AS listings
    FROM listing
    JOIN (
        SELECT key, group_key, CASE WHEN :is_norwegian THEN name_no ELSE name_en END AS material_name FROM material
    ) AS material ON material.key = listing.material_key
    WHERE listing.id = ANY(cell.ids)
) AS told ON cell.is_one_spot
""".replace("$cell_quantity", QUANTITY.replace("$mass_t", "cell.mass_t"))
    .replace("$listing_quantity", QUANTITY.replace("$mass_t", "left_t"))
    .replace("$title", TITLE)
    .replace("$period", PERIOD)
    .replace("$price", PRICE)
)
