"""The program's own map: municipalities and place names as vector tiles, for where no other map can be fetched."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Session, aliased

from geo import crs, norway
from geo.units import SRID_LONLAT, SRID_STORED
from marketplace.models import GazetteerPlace, Municipality, PlaceKind

SRID_WEB_MERCATOR: Final = 3857
MIN_ZOOM: Final = 3
MAX_ZOOM: Final = 11
"""Beyond this the browser enlarges what it has: the polygons hold no finer detail."""

EXTENT: Final = 4096
COARSE_EXTENT: Final = 1024
"""A tile is drawn 512 pixels wide, so this is half a pixel. Every vertex lands on the same grid whichever municipality
it belongs to, so neighbours stay together where a simplification of each alone would open cracks."""
COARSE_UP_TO_ZOOM: Final = 8
MARGIN: Final = 1 / 16
"""Of a tile's width: what is drawn at its edge without a seam, and how far a name reaches into the next tile."""

LEAST_POPULATION: Final = {3: 100_000, 4: 60_000, 5: 25_000, 6: 10_000, 7: 4_000, 8: 1_500}
"""At these zoom levels only towns of this size are named."""
MUNICIPALITIES_FROM_ZOOM: Final = 7
PLACES_FROM_ZOOM: Final = 10

type Expression = ColumnElement[Any]


def basemap_tile(session: Session, *, zoom: int, x: int, y: int) -> bytes:
    """A Mapbox Vector Tile with the layers `land`, `boundary` and `place`; empty where there is only sea.

    `x` and `y` lie within the zoom level. Answered through the GiST indexes of the areas and positions.
    """
    tile = func.ST_TileEnvelope(zoom, x, y)
    extent = COARSE_EXTENT if zoom <= COARSE_UP_TO_ZOOM else EXTENT
    layers = [
        _layer("land", _areas(Municipality.area_25833, tile, extent), extent),
        _layer("boundary", _areas(func.ST_Boundary(Municipality.area_25833), tile, extent), extent),
        _layer("place", _places(tile, zoom), EXTENT),
    ]
    return bytes(session.scalar(select(layers[0].op("||")(layers[1]).op("||")(layers[2]))) or b"")


def _layer(name: str, features: Select[*tuple[Any, ...]], extent: int) -> Expression:
    rows = features.subquery(f"{name}_features")
    return (
        select(
            func.coalesce(func.ST_AsMVT(rows.table_valued(), name, extent, "shape", type_=BYTEA), literal(b"", BYTEA))
        )
        .select_from(rows)
        .scalar_subquery()
    )


def _areas(shape: Any, tile: Expression, extent: int) -> Select[Any, Any]:
    drawn = _drawn(shape, tile, extent)
    features = (
        select(Municipality.number, drawn.label("shape"))
        .where(Municipality.area_25833.op("&&")(_stored_box(tile)))
        .subquery()
    )
    return select(features.c.number, features.c.shape).where(features.c.shape.is_not(None)).order_by(features.c.number)


def _places(tile: Expression, zoom: int) -> Select[Any, Any, Any, Any]:
    place, town = GazetteerPlace, aliased(GazetteerPlace)
    people = func.coalesce(func.max(place.population), 0)
    wanted = [and_(place.kind == PlaceKind.TOWN, func.coalesce(place.population, 0) >= LEAST_POPULATION.get(zoom, 0))]
    if zoom >= MUNICIPALITIES_FROM_ZOOM:
        has_town_of_that_name = (
            select(town.id)
            .where(
                town.kind == PlaceKind.TOWN,
                town.search_name == place.search_name,
                town.municipality_number == place.municipality_number,
            )
            .exists()
        )
        wanted.append(and_(place.kind == PlaceKind.MUNICIPALITY, ~has_town_of_that_name))
    if zoom >= PLACES_FROM_ZOOM:
        wanted.append(place.kind == PlaceKind.PLACE)
    return (
        select(
            place.name,
            place.kind,
            people.cast(Integer).label("population"),
            _drawn(place.position_25833, tile, EXTENT).label("shape"),
        )
        .where(place.position_25833.op("&&")(_stored_box(tile)), or_(*wanted))
        # A place has a row for each name it is searched by; on the map it stands once.
        .group_by(place.name, place.kind, place.position_25833)
        .order_by(people.desc(), func.min(place.id))
    )


def _drawn(shape: Any, tile: Expression, extent: int) -> Expression:
    return func.ST_AsMVTGeom(
        func.ST_Transform(shape, SRID_WEB_MERCATOR),
        func.ST_SetSRID(func.Box2D(tile), SRID_WEB_MERCATOR),
        extent,
        int(extent * MARGIN),
    )


def _stored_box(tile: Expression) -> Expression:
    """The box in EPSG:25833 around what of a tile and its margin lies near Norway.

    The edges are broken into pieces first, since they are bent there; and no more of the earth is transformed than
    the projection can hold.
    """
    west, south, east, north = norway.BOUNDS_LONLAT
    corners = [
        crs.transform_point(lon, lat, source_srid=SRID_LONLAT, target_srid=SRID_WEB_MERCATOR)
        for lon, lat in ((west, south), (east, north))
    ]
    near_norway = func.ST_MakeEnvelope(*corners[0], *corners[1], SRID_WEB_MERCATOR)
    width = func.ST_XMax(tile) - func.ST_XMin(tile)
    seen = func.ST_Intersection(func.ST_Expand(tile, width * MARGIN), near_norway)
    return func.ST_Envelope(func.ST_Transform(func.ST_Segmentize(seen, width / 8), SRID_STORED))
