"""Positions and sites: read from text, checked, and given out again.

Everything here is in EPSG:4326, (lon, lat) in degrees. What is read is rounded to `LONLAT_DECIMALS` before it is
checked, so that a shape that was accepted stays valid when it is given out and read once more.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NoReturn, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo import crs, norway
from geo.errors import GeometryError, GeometryFault

LONLAT_DECIMALS: Final = 6
"""0.000001 degree is 0.11 m north and 0.06 m east at 60 degrees: finer than anybody points on a map."""

MAX_TEXT_CHARS: Final = 400_000
"""Room for `MAX_VERTICES` written with every digit a browser gives."""

MAX_VERTICES: Final = 5_000

MAX_SITE_AREA_M2: Final = 100_000_000.0
"""100 km2. The longest Norwegian project corridors (40 km of road and rail, some hundred metres wide) are a tenth."""

BLUR_RADIUS_M: Final = 1_000.0

type Site = shapely.Point | shapely.Polygon | shapely.MultiPolygon


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in degrees, WGS 84."""

    lon: float
    lat: float

    def distance_m(self, other: "Position") -> float:
        """Return the geodesic distance in metres."""
        return crs.distance_m(self.lon, self.lat, other.lon, other.lat)


@dataclass(frozen=True, slots=True, kw_only=True)
class BBox:
    """A box of longitudes and latitudes, such as the visible part of a map.

    Raises GeometryError: not_finite, not_degrees, wrong_range.
    """

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        """Check that the edges are degrees in the right order."""
        edges = (self.west, self.south, self.east, self.north)
        if not all(map(math.isfinite, edges)):
            raise GeometryError(GeometryFault.NOT_FINITE)
        for x, y in ((self.west, self.south), (self.east, self.north)):
            _require_degrees(x, y)
        if self.west >= self.east or self.south >= self.north:
            west, south, east, north = edges
            raise GeometryError(GeometryFault.WRONG_RANGE, west=west, south=south, east=east, north=north)


def read_bbox(text: str) -> BBox:
    """Return the box written as `west,south,east,north` (RFC 7946 section 5).

    Raises GeometryError: bad_coordinates, not_finite, not_degrees, wrong_range.
    """
    match text.split(",", maxsplit=4):
        case [west, south, east, north]:
            return BBox(west=_typed(west), south=_typed(south), east=_typed(east), north=_typed(north))
    raise GeometryError(GeometryFault.BAD_COORDINATES)


def read_position(lon: str, lat: str) -> Position:
    """Return the place two numbers name, with decimal point or decimal comma.

    Raises GeometryError: bad_coordinates, not_finite, not_degrees, swapped_lat_lon, outside_norway.
    """
    point = shapely.Point(_typed(lon), _typed(lat))
    return position_of(_checked_place(_rounded(point)))


def read_point(text: str) -> Position:
    """Return the place a GeoJSON Point, or a Feature of one, names.

    Raises GeometryError: as `read_site`, for what a point can have wrong.
    """
    return position_of(_read(text, allowed={"Point": _point}))


def read_site(text: str) -> Site:
    """Return the site that GeoJSON text draws: a Point, Polygon or MultiPolygon, alone or as one Feature.

    Mended without a word: rings that are not closed, rings that turn the wrong way (RFC 7946: the outer one
    anticlockwise), parts of a MultiPolygon that overlap, heights. Holes are kept.
    Raises GeometryError: too_long, not_json, unsupported_type, empty, bad_coordinates, not_finite,
    too_many_vertices, not_degrees, swapped_lat_lon, outside_norway, too_few_points, no_area, self_crossing,
    invalid_shape, too_large_area.
    """
    builders: dict[str, _Builder[Site]] = {"Point": _point, "Polygon": _polygon, "MultiPolygon": _multipolygon}
    return _read(text, allowed=builders)


def position_of(geometry: BaseGeometry) -> Position:
    """Return the place that stands for a geometry: a point itself, or a place inside a polygon (never in a hole)."""
    point = shapely.point_on_surface(geometry)
    return Position(lon=point.x, lat=point.y)


def to_geojson(geometry: BaseGeometry) -> dict[str, object]:
    """Return the GeoJSON object of a geometry, with `LONLAT_DECIMALS` decimals."""
    geojson: dict[str, object] = json.loads(shapely.to_geojson(_rounded(geometry)))
    return geojson


def blur_position(position: Position, *, key: bytes, radius_m: float = BLUR_RADIUS_M) -> Position:
    """Return a place within `radius_m` of a private one, the same each time for the same place and key.

    Every place in the circle is equally likely. `key` must hold a secret of the installation and name the place (a
    project, not one of its listings): several blurred positions of one place would average to the true one.
    """
    digest = blake2b(f"{position.lon:.6f},{position.lat:.6f}".encode(), key=blake2b(key).digest()).digest()
    turn, reach = (int.from_bytes(part) / 2**64 for part in (digest[:8], digest[8:16]))
    lon, lat = crs.destination(
        position.lon, position.lat, azimuth_deg=360 * turn, distance_m=radius_m * math.sqrt(reach)
    )
    return Position(lon=lon, lat=lat)


# From text to coordinates ---------------------------------------------------------------------------------------

type _Builder[G: BaseGeometry] = Callable[[object], G]


def _read[G: BaseGeometry](text: str, *, allowed: Mapping[str, _Builder[G]]) -> G:
    geometry = _geometry_object(text)
    build = allowed.get(str(geometry.get("type")))
    if build is None:
        raise GeometryError(
            GeometryFault.UNSUPPORTED_TYPE, type=str(geometry.get("type"))[:40], allowed=", ".join(allowed)
        )
    coordinates = geometry.get("coordinates")
    _require_size(coordinates)
    return build(coordinates)


def _geometry_object(text: str) -> Mapping[str, object]:
    """The geometry in a GeoJSON text, taken out of a Feature or a collection of one Feature."""
    if len(text) > MAX_TEXT_CHARS:
        raise GeometryError(GeometryFault.TOO_LONG, count=len(text), limit=MAX_TEXT_CHARS)
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise GeometryError(GeometryFault.NOT_JSON) from None
    match found:
        case {"type": "FeatureCollection", "features": [feature]}:
            found = feature
        case {"type": "FeatureCollection", "features": []}:
            raise GeometryError(GeometryFault.EMPTY)
    match found:
        case {"type": "Feature", "geometry": None}:
            raise GeometryError(GeometryFault.EMPTY)
        case {"type": "Feature", "geometry": inner}:
            found = inner
    if not isinstance(found, dict):
        raise GeometryError(GeometryFault.NOT_JSON)
    return found


def _refuse_constant(_name: str) -> NoReturn:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise GeometryError(GeometryFault.NOT_FINITE)


def _require_size(coordinates: object) -> None:
    """Refuse coordinates with no position at all, or with too many to work with."""
    if not isinstance(coordinates, list):
        raise GeometryError(GeometryFault.BAD_COORDINATES)
    count = _count_positions(coordinates)
    if count == 0:
        raise GeometryError(GeometryFault.EMPTY)
    if count > MAX_VERTICES:
        raise GeometryError(GeometryFault.TOO_MANY_VERTICES, count=count, limit=MAX_VERTICES)


def _count_positions(coordinates: object, depth: int = 4) -> int:
    """Positions in nested coordinates, no deeper than a MultiPolygon's four levels of lists."""
    match coordinates:
        case [first, *_] if depth == 0 or not isinstance(first, list):
            return 1
        case list():
            return sum(_count_positions(part, depth - 1) for part in coordinates)
    return 0


def _point(coordinates: object) -> shapely.Point:
    return _checked_place(_rounded(shapely.Point(_xy(coordinates))))


def _polygon(coordinates: object) -> shapely.Polygon | shapely.MultiPolygon:
    return _checked_shape([_rings(coordinates)])


def _multipolygon(coordinates: object) -> shapely.Polygon | shapely.MultiPolygon:
    return _checked_shape([_rings(part) for part in _parts(coordinates)])


def _rings(coordinates: object) -> shapely.Polygon:
    shell, *holes = [_ring(ring) for ring in _parts(coordinates)]
    return _rounded(shapely.Polygon(shell, holes))


def _ring(coordinates: object) -> list[tuple[float, float]]:
    corners = [_xy(position) for position in _parts(coordinates)]
    if len({(round(x, LONLAT_DECIMALS), round(y, LONLAT_DECIMALS)) for x, y in corners}) < 3:
        raise GeometryError(GeometryFault.TOO_FEW_POINTS)
    return corners


def _parts(coordinates: object) -> list[object]:
    if not isinstance(coordinates, list):
        raise GeometryError(GeometryFault.BAD_COORDINATES)
    if not coordinates:
        raise GeometryError(GeometryFault.EMPTY)
    return coordinates


def _xy(position: object) -> tuple[float, float]:
    """Longitude and latitude of one position; a height after them is dropped."""
    match position:
        case [x, y, *_]:
            return _number(x), _number(y)
    raise GeometryError(GeometryFault.BAD_COORDINATES)


def _number(given: object) -> float:
    """A JSON number."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise GeometryError(GeometryFault.BAD_COORDINATES)
    try:
        return _finite(float(given))
    except OverflowError:
        raise GeometryError(GeometryFault.NOT_FINITE) from None


def _typed(text: str) -> float:
    """A number a person wrote, with decimal point or decimal comma."""
    try:
        return _finite(float(text.replace(",", ".")))
    except ValueError:
        raise GeometryError(GeometryFault.BAD_COORDINATES) from None


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise GeometryError(GeometryFault.NOT_FINITE)
    return number


# Checks ---------------------------------------------------------------------------------------------------------


def _checked_shape(parts: list[shapely.Polygon]) -> shapely.Polygon | shapely.MultiPolygon:
    for part in parts:
        _checked_place(part)
        _require_valid(part)
    # On the grid that positions are rounded to, so that corners the union makes are on it as well.
    united = parts[0] if len(parts) == 1 else shapely.union_all(parts, grid_size=10**-LONLAT_DECIMALS)
    whole = cast("shapely.Polygon | shapely.MultiPolygon", shapely.orient_polygons(united))
    area_m2 = crs.area_m2(whole)
    if area_m2 > MAX_SITE_AREA_M2:
        raise GeometryError(GeometryFault.TOO_LARGE_AREA, area_m2=area_m2, limit_m2=MAX_SITE_AREA_M2)
    return whole


def _checked_place[G: BaseGeometry](geometry: G) -> G:
    """Refuse a geometry with a vertex outside mainland Norway, and say when its axes are exchanged."""
    xy = shapely.get_coordinates(geometry)
    outside = np.flatnonzero(~shapely.contains_xy(norway.OUTLINE, xy))
    if outside.size == 0:
        return geometry
    lon, lat = (float(number) for number in xy[outside[0]])
    if shapely.contains_xy(norway.OUTLINE, lat, lon):
        raise GeometryError(GeometryFault.SWAPPED_LAT_LON, lon=lon, lat=lat)
    _require_degrees(lon, lat)
    raise GeometryError(GeometryFault.OUTSIDE_NORWAY, lon=lon, lat=lat)


def _require_degrees(x: float, y: float) -> None:
    if abs(x) > 180 or abs(y) > 90:
        raise GeometryError(GeometryFault.NOT_DEGREES, x=x, y=y)


_REASON: Final = re.compile(r"(?P<what>[^\[]+)\[(?P<lon>\S+) (?P<lat>\S+)\]")
"""How GEOS words an invalid geometry: `Self-intersection[10.5 59.9]`."""


def _require_valid(polygon: shapely.Polygon) -> None:
    """Refuse a polygon without area, or whose outline crosses itself; says where (OGC 06-103r4, 6.1.11)."""
    if shapely.is_valid(polygon):
        return
    if shapely.convex_hull(polygon).area == 0:
        raise GeometryError(GeometryFault.NO_AREA)
    found = _REASON.match(shapely.is_valid_reason(polygon))
    if found is None:
        raise GeometryError(GeometryFault.TOO_FEW_POINTS)
    crosses = "self-intersection" in found["what"].lower()
    raise GeometryError(
        GeometryFault.SELF_CROSSING if crosses else GeometryFault.INVALID_SHAPE,
        lon=round(float(found["lon"]), LONLAT_DECIMALS),
        lat=round(float(found["lat"]), LONLAT_DECIMALS),
    )


def _rounded[G: BaseGeometry](geometry: G) -> G:
    def snap(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.round(xy, LONLAT_DECIMALS)

    return shapely.transform(geometry, snap)
