"""Between reference systems, and distances on the ellipsoid.

Transformers and the geodesic are made once and shared: pyproj >= 3.1 keeps one PROJ context a thread inside them.
"""

from functools import cache
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from shapely.geometry.base import BaseGeometry

from geo.units import ELLIPSOID, SRID_LONLAT, SRID_STORED

PLANAR_STRETCH_MAX: Final = 1.005
"""A planar distance in EPSG:25833 is at most this many times the geodesic one within Norway.

Scale of UTM at a longitude difference L from 15 degrees east: k = 0.9996 (1 + (L cos lat)^2 / 2) (Snyder 1987,
equation 8-11, first terms); 1.0041 at its worst, on the border in the south-east of Finnmark and off Vestland.
"""

PLANAR_STRETCH_MIN: Final = 0.9995
"""A planar distance in EPSG:25833 is at least this many times the geodesic one: k = 0.9996 on the central meridian."""

_CHORD_DEG: Final = 0.05

_GEOD: Final = Geod(ellps=ELLIPSOID)


@cache
def transformer(source_srid: int, target_srid: int) -> Transformer:
    """Return the shared transformer between two EPSG codes; axes are x, y = (lon, lat) or (easting, northing)."""
    return Transformer.from_crs(source_srid, target_srid, always_xy=True)


def transform_point(x: float, y: float, *, source_srid: int, target_srid: int) -> tuple[float, float]:
    """Return one position in the target system.

    Raises pyproj.exceptions.ProjError where the position has no image there.
    """
    image_x, image_y = transformer(source_srid, target_srid).transform(x, y, errcheck=True)
    return float(image_x), float(image_y)


def transform_geometry[G: BaseGeometry](geometry: G, *, source_srid: int, target_srid: int) -> G:
    """Return the geometry with every vertex transformed; edges stay straight between them."""
    through = transformer(source_srid, target_srid)

    def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(through.transform(xy[:, 0], xy[:, 1], errcheck=True))

    return shapely.transform(geometry, move)


def to_stored[G: BaseGeometry](geometry: G) -> G:
    """Return a geometry given in EPSG:4326 as it is stored, in EPSG:25833."""
    return transform_geometry(geometry, source_srid=SRID_LONLAT, target_srid=SRID_STORED)


def from_stored[G: BaseGeometry](geometry_25833: G) -> G:
    """Return a stored geometry (EPSG:25833) as it leaves the program, in EPSG:4326."""
    return transform_geometry(geometry_25833, source_srid=SRID_STORED, target_srid=SRID_LONLAT)


def stored_box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """Return a box of longitudes and latitudes as the bent quadrilateral it is in EPSG:25833, true to 2 metres.

    Its edges are broken into chords before they are transformed. A chord of length l of the parallel at 60 degrees,
    drawn with a radius R of 3,600 km, strays l^2 / 8R from it: 0.3 m for 0.05 degree, 2 m for a 200th of Norway.
    """
    box = shapely.box(west, south, east, north)
    return to_stored(shapely.segmentize(box, max(_CHORD_DEG, (east - west) / 200)))


def utm_srid(lon: float) -> int:
    """Return the EPSG code of the ETRS89 UTM zone that site drawings use at a longitude in mainland Norway.

    Zone 32 is widened to the west coast (3-12 degrees east, below 64 degrees north; the land above lies east of 6),
    so all of Norway west of 12 degrees is zone 32; east of it a zone is 6 degrees wide.
    Source: NATO/MGRS exception 32V, used by Kartverket for EUREF89 UTM.
    """
    return 25832 if lon < 12 else 25800 + int((lon + 180) // 6) + 1


def distance_m(from_lon: float, from_lat: float, to_lon: float, to_lat: float) -> float:
    """Return the geodesic distance between two positions in degrees, in metres (Karney 2013)."""
    return float(_GEOD.inv(from_lon, from_lat, to_lon, to_lat)[2])


def destination(lon: float, lat: float, *, azimuth_deg: float, distance_m: float) -> tuple[float, float]:
    """Return (lon, lat) of the place a distance away in a direction, clockwise from north (Karney 2013)."""
    to_lon, to_lat, _ = _GEOD.fwd(lon, lat, azimuth_deg, distance_m)
    return float(to_lon), float(to_lat)


def area_m2(geometry: BaseGeometry) -> float:
    """Return the geodesic area of a geometry in EPSG:4326, in square metres; 0 for a point."""
    area, _ = _GEOD.geometry_area_perimeter(shapely.orient_polygons(geometry))
    return float(area)
