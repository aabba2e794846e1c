"""PostGIS expressions for columns of geometry in EPSG:25833.

The way to the nearest rows within a distance: filter with `within_reach` (which a GiST index answers), order by
`nearest_first`, LIMIT in an inner query, and compare the geodesic distance with the limit outside. Planar distances
only rank and filter; what people are shown is geodesic. For statements that are asked over and over with new values see
`geo.prepared`.

Points are transformed here, before they are sent, so that the server sees constants it can look up in the index. Every
value is a bound parameter.
"""

import math
from typing import Any, Final

from geoalchemy2 import Geography, WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Double, Integer, cast, func, literal
from sqlalchemy.orm import InstrumentedAttribute

from geo import crs
from geo.geometry import Position
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


def within_reach(column: GeometryColumn, point: ColumnElement[Any], *, reach_m: float) -> ColumnElement[bool]:
    """Return whether a geometry's box meets the square around `point` that no place within `reach_m` lies outside.

    Index-backed, and a little too generous: a square, and wide enough for what the projection stretches.
    """
    return column.bool_op("&&")(func.ST_Expand(point, _double(reach_m * crs.PLANAR_STRETCH_MAX)))


# Distances ------------------------------------------------------------------------------------------------------


def nearest_first(column: GeometryColumn, point: ColumnElement[Any]) -> ColumnElement[float]:
    """Return the planar distance in metres that a GiST index can order by: for ORDER BY with LIMIT, not for show."""
    return column.op("<->", return_type=Double())(point)


def geodesic_between_m(one: GeometryColumn, other: GeometryColumn) -> ColumnElement[float]:
    """Return the geodesic distance in metres between the nearest places of two columns."""
    return func.ST_Distance(_geography(_lonlat(one)), _geography(_lonlat(other)), type_=Double())


# Grids ----------------------------------------------------------------------------------------------------------


def grid_cell_m(zoom: float, *, pixels: int = 64, lat: float = 62.0) -> float:
    """Return the side in metres of a grid cell about `pixels` wide on a web map, at a zoom level and latitude."""
    return float(pixels * _WEB_MERCATOR_M_PER_PIXEL * math.cos(math.radians(lat)) / 2**zoom)


# Output ---------------------------------------------------------------------------------------------------------


def lon_lat(column: GeometryColumn) -> tuple[ColumnElement[float], ColumnElement[float]]:
    """Return longitude and latitude of a point, in degrees."""
    return func.ST_X(_lonlat(column), type_=Double()), func.ST_Y(_lonlat(column), type_=Double())


def _lonlat(column: GeometryColumn) -> ColumnElement[Any]:
    return func.ST_Transform(column, literal(SRID_LONLAT, Integer))


def _geography(lonlat: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(lonlat, Geography(srid=SRID_LONLAT))


def _double(number: float) -> ColumnElement[float]:
    """A number sent as double precision, whatever Python's type."""
    return literal(number, Double())
