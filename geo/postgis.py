"""PostGIS expressions for columns of geometry in EPSG:25833.

The way to the nearest rows within a distance: filter with `within_reach` (which a GiST index answers), order by
`nearest_first`, LIMIT in an inner query, and compare `geodesic_m` with the limit outside. Planar distances only
rank and filter; what people are shown is geodesic.

Points and boxes are transformed here, before they are sent, so that the server sees constants it can look up in the
index. Every value is a bound parameter.
"""

import math
from typing import Any, Final

import shapely
from geoalchemy2 import Geography, WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Double, Integer, Text, and_, cast, func, literal, or_
from sqlalchemy.orm import InstrumentedAttribute

from geo import crs, norway
from geo.geometry import LONLAT_DECIMALS, BBox, Position
from geo.units import SRID_LONLAT, SRID_STORED

type GeometryColumn = ColumnElement[Any] | InstrumentedAttribute[Any]

_WEB_MERCATOR_M_PER_PIXEL: Final = 2 * math.pi * 6_378_137 / 256
"""Ground size of a pixel of zoom level 0 at the equator, with tiles of 256 pixels (EPSG:3857)."""


# Values ---------------------------------------------------------------------------------------------------------


def stored(geometry: BaseGeometry) -> WKBElement:
    """Return a geometry in EPSG:4326 as the value of a column in EPSG:25833."""
    return from_shape(crs.to_stored(geometry), srid=SRID_STORED)


def loaded(element: WKBElement) -> BaseGeometry:
    """Return the value of a column in EPSG:25833 as a geometry in EPSG:4326."""
    return crs.from_stored(to_shape(element))


def point_25833(position: Position) -> ColumnElement[Any]:
    """Return a position as a point to compare columns with."""
    x, y = crs.transform_point(position.lon, position.lat, source_srid=SRID_LONLAT, target_srid=SRID_STORED)
    return func.ST_SetSRID(func.ST_MakePoint(_double(x), _double(y)), literal(SRID_STORED, Integer))


# Filters --------------------------------------------------------------------------------------------------------


def near_bbox(column: GeometryColumn, bbox: BBox) -> ColumnElement[bool]:
    """Return whether a geometry's own box meets the upright box around a box of longitudes and latitudes.

    Index-backed and cheap, but too generous: the two grids are turned against each other by up to 10 degrees, so a
    rim of what lies outside the map is let in. Enough for counts and clusters; a list wants `in_bbox`.
    """
    edges = crs.stored_box(bbox.west, bbox.south, bbox.east, bbox.north).bounds
    return column.bool_op("&&")(func.ST_MakeEnvelope(*map(_double, edges), literal(SRID_STORED, Integer)))


def in_bbox(column: GeometryColumn, bbox: BBox) -> ColumnElement[bool]:
    """Return whether a geometry in Norway meets a box of longitudes and latitudes, true to 2 metres at its edges.

    Index-backed. A box around all of Norway is compared as a box, which is several times faster.
    """
    if shapely.box(bbox.west, bbox.south, bbox.east, bbox.north).covers(norway.OUTLINE):
        return near_bbox(column, bbox)
    bent = shapely.to_wkb(crs.stored_box(bbox.west, bbox.south, bbox.east, bbox.north))
    return func.ST_Intersects(column, func.ST_GeomFromWKB(bent, literal(SRID_STORED, Integer)))


def within_reach(column: GeometryColumn, point: ColumnElement[Any], *, reach_m: float) -> ColumnElement[bool]:
    """Return whether a geometry's box meets the square around `point` that no place within `reach_m` lies outside.

    Index-backed, and a little too generous: a square, and wide enough for what the projection stretches.
    """
    return column.bool_op("&&")(func.ST_Expand(point, _double(reach_m * crs.PLANAR_STRETCH_MAX)))


def within_distance(column: GeometryColumn, position: Position, *, distance_m: float) -> ColumnElement[bool]:
    """Return whether a point lies within a geodesic distance of a position.

    Index-backed. The planar distance decides wherever it can; only for points in the thin ring where the stretch of
    the projection matters, a hundredth of the circle, is the geodesic one worked out.
    """
    point = point_25833(position)
    planar_m: ColumnElement[float] = func.ST_Distance(column, point, type_=Double())
    return and_(
        within_reach(column, point, reach_m=distance_m),
        or_(
            planar_m <= _double(distance_m * crs.PLANAR_STRETCH_MIN),
            and_(
                planar_m <= _double(distance_m * crs.PLANAR_STRETCH_MAX),
                geodesic_m(column, position) <= _double(distance_m),
            ),
        ),
    )


# Distances ------------------------------------------------------------------------------------------------------


def nearest_first(column: GeometryColumn, point: ColumnElement[Any]) -> ColumnElement[float]:
    """Return the planar distance in metres that a GiST index can order by: for ORDER BY with LIMIT, not for show."""
    return column.op("<->", return_type=Double())(point)


def geodesic_m(column: GeometryColumn, position: Position) -> ColumnElement[float]:
    """Return the geodesic distance in metres from a position to the nearest place of a geometry.

    WGS 84; `geo.geometry.Position.distance_m` gives the same for points, to the millimetre.
    """
    from_there = func.ST_SetSRID(
        func.ST_MakePoint(_double(position.lon), _double(position.lat)), literal(SRID_LONLAT, Integer)
    )
    return func.ST_Distance(_geography(_lonlat(column)), _geography(from_there), type_=Double())


def geodesic_between_m(one: GeometryColumn, other: GeometryColumn) -> ColumnElement[float]:
    """Return the geodesic distance in metres between the nearest places of two columns."""
    return func.ST_Distance(_geography(_lonlat(one)), _geography(_lonlat(other)), type_=Double())


# Grids ----------------------------------------------------------------------------------------------------------


def grid_cell_m(zoom: float, *, pixels: int = 64, lat: float = 62.0) -> float:
    """Return the side in metres of a grid cell about `pixels` wide on a web map, at a zoom level and latitude."""
    return float(pixels * _WEB_MERCATOR_M_PER_PIXEL * math.cos(math.radians(lat)) / 2**zoom)


def grid_cell(column: GeometryColumn, *, cell_m: float) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return the column and row of the grid cell a point lies in: the two expressions to GROUP BY.

    Cells are counted from the origin of EPSG:25833, so a cell stays where it is when the map moves.
    """
    return (
        cast(func.floor(func.ST_X(column) / _double(cell_m)), Integer),
        cast(func.floor(func.ST_Y(column) / _double(cell_m)), Integer),
    )


def mean_point(column: GeometryColumn) -> ColumnElement[Any]:
    """Return the point in EPSG:25833 in the middle of the points of a group: where a cluster is drawn."""
    mean = func.ST_MakePoint(func.avg(func.ST_X(column)), func.avg(func.ST_Y(column)))
    return func.ST_SetSRID(mean, literal(SRID_STORED, Integer))


# Output ---------------------------------------------------------------------------------------------------------


def lon_lat(column: GeometryColumn) -> tuple[ColumnElement[float], ColumnElement[float]]:
    """Return longitude and latitude of a point, in degrees."""
    return func.ST_X(_lonlat(column), type_=Double()), func.ST_Y(_lonlat(column), type_=Double())


def as_geojson(column: GeometryColumn) -> ColumnElement[str]:
    """Return the GeoJSON text of a geometry, in EPSG:4326 with the decimals it was read with."""
    return func.ST_AsGeoJSON(_lonlat(column), literal(LONLAT_DECIMALS, Integer), type_=Text())


def _lonlat(column: GeometryColumn) -> ColumnElement[Any]:
    return func.ST_Transform(column, literal(SRID_LONLAT, Integer))


def _geography(lonlat: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(lonlat, Geography(srid=SRID_LONLAT))


def _double(number: float) -> ColumnElement[float]:
    """A number sent as double precision, whatever Python's type."""
    return literal(number, Double())
