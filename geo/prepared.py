"""Spatial conditions with named parameters, for statements that are built once and asked with ever new values.

Building a condition out of values, and finding out that it was built before, takes as long as the database takes to
answer a small question. Each condition here has a function beside it that gives the values of its parameters; both
are told the same name, which keeps several places or boxes in one statement apart.
"""

import math
import struct
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import shapely
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    Integer,
    LargeBinary,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    or_,
)
from sqlalchemy.types import UserDefinedType

from geo import crs, norway
from geo.geometry import BBox, Position
from geo.postgis import GeometryColumn, geodesic_between_m, nearest_first
from geo.units import SRID_LONLAT, SRID_STORED

# Places ---------------------------------------------------------------------------------------------------------


def place_values(name: str, position: Position) -> dict[str, object]:
    """Return what `place` and what is measured from it are asked with."""
    x, y = crs.transform_point(position.lon, position.lat, source_srid=SRID_LONLAT, target_srid=SRID_STORED)
    return {f"{name}_x": x, f"{name}_y": y}


def place(name: str) -> ColumnElement[Any]:
    """Return a position as a point in EPSG:25833."""
    return point(_number(f"{name}_x"), _number(f"{name}_y"))


def point(x_m: ColumnElement[Any], y_m: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the point in EPSG:25833 of two numbers."""
    return func.ST_SetSRID(func.ST_MakePoint(x_m, y_m), literal(SRID_STORED, Integer))


def planar_m(column: GeometryColumn, name: str) -> ColumnElement[float]:
    """Return the planar distance from a place that a GiST index can order by."""
    return nearest_first(column, place(name))


def geodesic_m(column: GeometryColumn, name: str) -> ColumnElement[float]:
    """Return the geodesic distance from a place, in metres."""
    return geodesic_between_m(column, place(name))


def distance_values(name: str, *, distance_m: float) -> dict[str, object]:
    """Return what `within_distance` is asked with, beside the values of its place."""
    return {f"{name}_reach_m": distance_m}


def within_distance(column: GeometryColumn, name: str) -> ColumnElement[bool]:
    """Return whether a point lies within a geodesic distance of a place.

    Index-backed. The planar distance decides wherever it can; only for points in the thin ring where the stretch of
    the projection matters, a hundredth of the circle, is the geodesic one worked out.
    """
    reach_m = _number(f"{name}_reach_m")
    return and_(
        in_square(column, name, half_side_m=reach_m * crs.PLANAR_STRETCH_MAX),
        in_circle(column, place(name), reach_m=reach_m),
    )


def in_circle(
    column: GeometryColumn, centre: ColumnElement[Any], *, reach_m: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Return whether a point lies within a geodesic distance of a centre in EPSG:25833. No index answers it."""
    straight_m: ColumnElement[float] = func.ST_Distance(column, centre, type_=Double())
    return or_(
        straight_m <= reach_m * crs.PLANAR_STRETCH_MIN,
        and_(straight_m <= reach_m * crs.PLANAR_STRETCH_MAX, geodesic_between_m(column, centre) <= reach_m),
    )


def in_square(column: GeometryColumn, name: str, *, half_side_m: ColumnElement[float]) -> ColumnElement[bool]:
    """Return whether a point lies in the square around a place. Index-backed."""
    return column.bool_op("&&")(func.ST_Expand(place(name), half_side_m))


# Boxes ----------------------------------------------------------------------------------------------------------


_ACROSS_DEG: Final = 0.1
_UP_DEG: Final = 0.2
"""How long a chord of a parallel and of a meridian may be. In the stored system the one strays 1 metre from 5.6 km of
the parallel at 60 degrees (length^2 / 8R, R = 3,600 km), the other as much from 22 km of a meridian 15 degrees from the
central one (R = 60,000 km)."""
_MOST_CHORDS: Final = 120

SMALL_DEG: Final = 0.2
"""A box narrower than this holds a town at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BentBox:
    """A box of longitudes and latitudes in EPSG:25833: its corners, and upright boxes around and inside it.

    Boxes are (min x, min y, max x, max y). `inside` keeps a thousandth of the size away from the edges, which also
    covers what they bend between the corners; it is None where the box is turned so far, or so narrow, that none is.
    """

    corners: tuple[tuple[float, float], ...]
    around: tuple[float, float, float, float]
    inside: tuple[float, float, float, float] | None


@lru_cache(maxsize=4)
def bent_box(box: BBox) -> BentBox:
    """Return the shape of a box in the stored system, true to 2 metres."""
    across = _steps(box.west, box.east, _ACROSS_DEG)
    up = _steps(box.south, box.north, _UP_DEG)
    n, m = len(across), len(up)
    # Plain lists: a map's box has few corners, and each call of numpy costs more than the arithmetic.
    lons = [*across, *[box.east] * m, *reversed(across), *[box.west] * m]
    lats = [*[box.south] * n, *up, *[box.north] * n, *reversed(up)]
    x, y = crs.transformer(SRID_LONLAT, SRID_STORED).transform(lons, lats, errcheck=True)
    min_x, max_x = max(x[2 * n + m :]), min(x[n : n + m])
    min_y, max_y = max(y[:n]), min(y[n + m : 2 * n + m])
    margin = 2.0 + 0.001 * max(max_x - min_x, max_y - min_y)
    inside = (min_x + margin, min_y + margin, max_x - margin, max_y - margin)
    return BentBox(
        corners=tuple(zip(x, y, strict=True)),
        around=(min(x), min(y), max(x), max(y)),
        inside=inside if inside[0] < inside[2] and inside[1] < inside[3] else None,
    )


def _steps(first: float, last: float, most_deg: float) -> list[float]:
    """From one to the other in equal steps."""
    count = min(max(math.ceil((last - first) / most_deg), 1), _MOST_CHORDS)
    return [first + (last - first) * n / count for n in range(count + 1)]


class BoxForm(StrEnum):
    """How much of a box has to be looked at."""

    WHOLE = "whole"
    """All of Norway lies in it, so a box around it in the stored system will do."""
    BENT = "bent"
    """Most of it is an upright box in the stored system, the rest has to be compared with its bent outline."""
    SMALL = "small"
    """Little lies in it, or it is so narrow that no upright box lies inside: all is compared with its outline."""


def box_form(box: BBox) -> BoxForm:
    """Return the form of `point_in_box` that serves for a box of longitudes and latitudes."""
    if box.east - box.west < SMALL_DEG:
        return BoxForm.SMALL
    if shapely.box(box.west, box.south, box.east, box.north).covers(norway.OUTLINE):
        return BoxForm.WHOLE
    return BoxForm.BENT if bent_box(box).inside else BoxForm.SMALL


def box_values(name: str, box: BBox, *, form: BoxForm) -> dict[str, object]:
    """Return what `point_in_box` is asked with."""
    bent = bent_box(box)
    values: dict[str, object] = {f"{name}_around": _box_wkb(*bent.around)}
    if form is not BoxForm.WHOLE:
        values[f"{name}_outline"] = outline_text(bent)
    if form is BoxForm.BENT and bent.inside is not None:
        values[f"{name}_inside"] = _box_wkb(*bent.inside)
    return values


def outline_text(bent: BentBox) -> str:
    """Return the bent outline of a box as PostgreSQL writes a polygon of its own."""
    return ",".join(f"({x:.1f},{y:.1f})" for x, y in bent.corners).join("()")


def _box_wkb(min_x: float, min_y: float, max_x: float, max_y: float) -> bytes:
    """The polygon of an upright box as well-known binary (OGC 06-103r4, 8.2)."""
    return struct.pack("<BIII10d", 1, 3, 1, 5, min_x, min_y, max_x, min_y, max_x, max_y, min_x, max_y, min_x, min_y)


def point_in_box(column: GeometryColumn, name: str, *, form: BoxForm) -> ColumnElement[bool]:
    """Return whether a point in Norway lies in a box of longitudes and latitudes, true to 2 metres at its edges.

    Index-backed, and only what the upright box inside leaves open is compared with the bent outline. That is done by
    PostgreSQL's own geometry, since the planner holds `ST_Intersects` for so dear that beside it all else looks free.
    """
    around = _meets(column, f"{name}_around")
    if form is BoxForm.WHOLE:
        return around
    bent = in_outline(column, bindparam(f"{name}_outline", type_=Text()))
    return and_(around, bent if form is BoxForm.SMALL else or_(_meets(column, f"{name}_inside"), bent))


def in_outline(column: GeometryColumn, outline: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether a point lies within an outline as `outline_text` writes it. No index answers it."""
    return cast(column, NativePoint).op("<@", return_type=Boolean())(cast(outline, NativePolygon))


def _meets(column: GeometryColumn, name: str) -> ColumnElement[bool]:
    box = func.ST_GeomFromWKB(bindparam(name, type_=LargeBinary()), literal(SRID_STORED, Integer))
    return column.bool_op("&&")(box)


class NativePoint(UserDefinedType[str]):
    """PostgreSQL's own `point`."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        """Name the type in SQL."""
        return "point"


class NativePolygon(UserDefinedType[str]):
    """PostgreSQL's own `polygon`."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        """Name the type in SQL."""
        return "polygon"


def _number(name: str) -> ColumnElement[float]:
    return bindparam(name, type_=Double())
