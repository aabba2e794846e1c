"""Flows of mass on a map: which are drawn, how, and the folium map of them that stands on its own.

A flow is one material group from one place to another. What is drawn of it is computed here, so that the page and the
file that is taken away draw the same:

* **Which.** The largest `MOST_DRAWN` by tonnes; the rest is named with its tonnes, never dropped in silence.
* **Where.** A quadratic Bezier curve between the two places, bent to the right of its direction, so that a flow and its
  return flow never lie upon each other. Each further group between the same places is bent a little more. The curve is
  set in Web Mercator, where zooming only scales: one control point serves every zoom level.
* **How wide.** In proportion to the tonnes (`width_px`), so that twice as wide is twice as much; only what would be
  thinner than `LEAST_PX` is drawn wider than it is, since it would not be seen.
* **Which way.** The ribbon ends in an arrowhead at its destination.

Within one place there is no way to draw: such a flow is a ring beside the place, as thick as its tonnes on a scale of
its own. Most masses stay near, and would else leave only hairlines for those that are driven somewhere.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import folium
import numpy as np
import shapely
from branca.element import Figure, MacroElement
from folium.template import Template
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.crs import from_stored
from geo.geometry import Position

MOST_DRAWN: Final = 250
"""Ribbons on one map. Beyond some hundreds they cover each other (seen on screens of 390 and 1,440 pixels)."""

WIDEST_PX: Final = 22.0
THICKEST_RING_PX: Final = 9.0
LEAST_PX: Final = 1.25

BEND: Final = 0.16
"""How far a curve strays from the straight line, as a share of the distance, at its middle; half of this is drawn,
since a quadratic curve reaches half-way to its control point."""
BEND_STEP: Final = 0.10
"""How much more each further group between the same two places."""

EARTH_RADIUS_M: Final = 6_378_137.0
"""Of the sphere of Web Mercator (EPSG:3857): the equatorial radius of WGS 84."""

DECIMALS: Final = 5
"""Of a degree: a metre. A place that others may know only roughly is given roughly, not merely rounded."""

GRID_CELL_M: Final = 5_000
"""SSB's 5 km grid: squares of EPSG:25833 whose corners are whole multiples of 5,000 m.

Source: G.-H. Strand and V. V. Holst Bloch, Statistical grids for Norway, Statistics Norway, Documents 2009/9. The grid
is defined in UTM zone 33 on WGS 84, some decimetres from ETRS89.
"""
GRID_FALSE_EASTING_M: Final = 2_000_000
"""Added to eastings in a square's number, which makes them positive in all of Norway (the same source)."""


class Detail(StrEnum):
    """What the ends of flows are gathered into, from coarse to fine."""

    COUNTY = "county"
    MUNICIPALITY = "municipality"
    GRID = "grid"
    """Squares of SSB's 5 km grid. They stand in for postal areas, of which no free data with positions is known."""
    PROJECT = "project"


FIRST_ZOOMS: Final[Mapping[Detail, float]] = {
    Detail.COUNTY: 0,
    Detail.MUNICIPALITY: 6.5,
    Detail.GRID: 10,
    Detail.PROJECT: 11.5,
}
"""The zoom level from which on flows are gathered so, where the map chooses. A municipality is some 40 px wide at 6.5,
a square of 5 km some 60 px at 10."""


def detail_at(zoom: float, *, allowed: Iterable[Detail]) -> Detail:
    """Return the finest of the allowed details that a zoom level has room for; the coarsest allowed below all."""
    fitting = [detail for detail in Detail if detail in set(allowed)]
    return next((detail for detail in reversed(fitting) if zoom >= FIRST_ZOOMS[detail]), fitting[0])


def grid_number(easting_m: float, northing_m: float) -> int:
    """Return the number of the square of SSB's 5 km grid (SSBID5KM) that a place in EPSG:25833 lies in.

    2 * 10^13 + easting * 10^7 + northing of its south-west corner, the easting with its false part
    (`GRID_FALSE_EASTING_M`, whose leading 2 is the 2 * 10^13).
    """
    east = math.floor(easting_m / GRID_CELL_M) * GRID_CELL_M
    north = math.floor(northing_m / GRID_CELL_M) * GRID_CELL_M
    return (GRID_FALSE_EASTING_M + east) * 10**7 + north


def grid_corner_m(number: int) -> tuple[int, int]:
    """Return easting and northing of the south-west corner of a square, in EPSG:25833."""
    east, north = divmod(number, 10**7)
    return east - GRID_FALSE_EASTING_M, north


# What is drawn ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An end of flows."""

    key: str
    name: str
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Mass of one material group from one place to another.

    `months_t` has one figure for each month of the period, None where it may not be known; it is empty where no month
    may be. `deal_count` is how many deals it rests on.
    """

    origin: str
    destination: str
    group: str
    mass_t: Decimal
    deal_count: int
    months_t: tuple[Decimal | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """Flows that are there and are not drawn, since larger ones are."""

    flow_count: int
    mass_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """A flow as it is drawn. `through` is the curve's control point; None for a flow within one place."""

    flow: Flow
    through: Position | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that one map draws at one detail, the largest first."""

    detail: Detail
    places: tuple[Place, ...]
    ribbons: tuple[Ribbon, ...]
    remainder: Remainder

    @property
    def mass_t(self) -> Decimal:
        """All tonnes, drawn and not drawn."""
        return self.remainder.mass_t + sum((ribbon.flow.mass_t for ribbon in self.ribbons), start=Decimal(0))


def picture_of(
    flows: Iterable[Flow],
    places: Mapping[str, Place],
    *,
    detail: Detail,
    remainder: Remainder | None = None,
    most: int = MOST_DRAWN,
) -> Picture:
    """Return what to draw of `flows`; `remainder` is what was left out already.

    A flow with an end that is in no `places` cannot be drawn, and is left out with the rest.
    """
    ranked = sorted(flows, key=lambda flow: (-flow.mass_t, flow.origin, flow.destination, flow.group))
    with_places = [flow for flow in ranked if flow.origin in places and flow.destination in places]
    drawn = with_places[:most]
    left_out = [*with_places[most:], *(flow for flow in ranked if not {flow.origin, flow.destination} <= places.keys())]
    before = remainder or Remainder(flow_count=0, mass_t=Decimal(0))
    ends = {end for flow in drawn for end in (flow.origin, flow.destination)}
    return Picture(
        detail=detail,
        places=tuple(places[key] for key in sorted(ends)),
        ribbons=tuple(_ribbons(drawn, places)),
        remainder=Remainder(
            flow_count=before.flow_count + len(left_out),
            mass_t=before.mass_t + sum((flow.mass_t for flow in left_out), start=Decimal(0)),
        ),
    )


def _ribbons(flows: Sequence[Flow], places: Mapping[str, Place]) -> Iterable[Ribbon]:
    """With each flow's curve; among flows between the same places the largest is bent least."""
    seen: dict[tuple[str, str], int] = {}
    for flow in flows:
        ends = (flow.origin, flow.destination)
        turn = seen[ends] = seen.get(ends, -1) + 1
        start, end = places[flow.origin].position, places[flow.destination].position
        is_within = flow.origin == flow.destination or start == end
        through = None if is_within else control_point(start, end, bend=BEND + turn * BEND_STEP)
        yield Ribbon(flow=flow, through=through)


def control_point(start: Position, end: Position, *, bend: float) -> Position:
    """Return the control point of the curve from `start` to `end`.

    It lies to the right of the middle of the straight line, `2 * bend` of its length off, both in Web Mercator. The
    curve's own middle strays half as far.
    """
    (x0, y0), (x1, y1) = to_mercator(start), to_mercator(end)
    return from_mercator((x0 + x1) / 2 + 2 * bend * (y1 - y0), (y0 + y1) / 2 - 2 * bend * (x1 - x0))


def to_mercator(position: Position) -> tuple[float, float]:
    """Return a place in EPSG:3857, in its metres."""
    x = EARTH_RADIUS_M * math.radians(position.lon)
    y = EARTH_RADIUS_M * math.asinh(math.tan(math.radians(position.lat)))
    return x, y


def from_mercator(x: float, y: float) -> Position:
    lon = math.degrees(x / EARTH_RADIUS_M)
    lat = math.degrees(math.atan(math.sinh(y / EARTH_RADIUS_M)))
    return Position(lon=lon, lat=lat)


def width_px(mass_t: Decimal, *, widest_t: Decimal, widest_px: float = WIDEST_PX) -> float:
    """Return how wide a flow is drawn where one of `widest_t` is drawn `widest_px` wide; 0 for nothing."""
    if mass_t <= 0 or widest_t <= 0:
        return 0.0
    return max(LEAST_PX, min(widest_px, widest_px * float(mass_t / widest_t)))


def scale_top(mass_t: Decimal) -> Decimal:
    """Return the round mass (1, 2 or 5 times a power of ten) at or above a mass: what the widest ribbon stands for.

    A scale that only takes round steps is easy to read, and stays the same while a filter changes the map a little.
    """
    if mass_t <= 0:
        return Decimal(1)
    step = Decimal(1).scaleb(mass_t.adjusted())
    return next(step * factor for factor in (1, 2, 5, 10) if step * factor >= mass_t)


def as_drawn(picture: Picture) -> dict[str, Any]:
    """Return the picture as `static/js/flow-lines.js` takes it: JSON with numbers, places by their index.

    Masses become floating point here, and here only: they are drawn and shown, no longer added up.
    """
    index = {place.key: number for number, place in enumerate(picture.places)}
    return {
        "detail": picture.detail.value,
        "places": [{"key": place.key, "name": place.name, "at": _lon_lat(place.position)} for place in picture.places],
        "flows": [
            {
                "from": index[ribbon.flow.origin],
                "to": index[ribbon.flow.destination],
                "group": ribbon.flow.group,
                "mass_t": _figure(ribbon.flow.mass_t),
                "deals": ribbon.flow.deal_count,
                **({"through": _lon_lat(ribbon.through)} if ribbon.through else {}),
                **({"months_t": [_figure(mass) for mass in ribbon.flow.months_t]} if ribbon.flow.months_t else {}),
            }
            for ribbon in picture.ribbons
        ],
        "rest": {"flows": picture.remainder.flow_count, "mass_t": _figure(picture.remainder.mass_t)},
        "scales": {"whole": _scales(picture, _whole), "month": _scales(picture, _largest_month)},
    }


def _scales(picture: Picture, size: Callable[[Flow], Decimal]) -> dict[str, Any]:
    """What the widest ribbon and the thickest ring stand for, by the largest of each."""
    ribbons = [size(ribbon.flow) for ribbon in picture.ribbons if ribbon.through]
    rings = [size(ribbon.flow) for ribbon in picture.ribbons if not ribbon.through]
    return {
        name: {
            "top": _figure(scale_top(max(masses, default=Decimal(0)))),
            "widest": widest_px,
            "least": LEAST_PX,
            "isUsed": bool(masses),
        }
        for name, masses, widest_px in (("ribbon", ribbons, WIDEST_PX), ("ring", rings, THICKEST_RING_PX))
    }


def _whole(flow: Flow) -> Decimal:
    return flow.mass_t


def _largest_month(flow: Flow) -> Decimal:
    return max((mass for mass in flow.months_t if mass is not None), default=Decimal(0))


def _figure(mass_t: Decimal | None) -> float | int | None:
    if mass_t is None:
        return None
    return int(mass_t) if mass_t == mass_t.to_integral_value() else float(mass_t)


def _lon_lat(position: Position) -> list[float]:
    return [round(position.lon, DECIMALS), round(position.lat, DECIMALS)]


# The land beneath ---------------------------------------------------------------------------------------------------

OUTLINE_STEPS_PER_DEGREE: Final = 1_000
"""Outlines are whole thousandths of a degree: 111 m north and 56 m east at 60 degrees, 4 px at zoom level 11."""
OUTLINE_TOLERANCE_M: Final = 400.0


def outline_of(areas_25833: Sequence[BaseGeometry], *, tolerance_m: float = OUTLINE_TOLERANCE_M) -> list[list[int]]:
    """Return the rings of neighbouring areas, simplified together so that they stay neighbours.

    A ring is whole steps (`OUTLINE_STEPS_PER_DEGREE`): longitude and latitude of its first corner, then the way from
    each corner to the next. Rings that shrink to less than a triangle are left out.
    """
    if not len(areas_25833):
        return []
    simple = shapely.coverage_simplify(np.asarray(areas_25833, dtype=object), tolerance_m)
    parts = shapely.get_parts(from_stored(shapely.GeometryCollection(list(simple))))
    rings = [ring for part in shapely.get_parts(parts) for ring in shapely.get_rings(part)]
    return [steps for ring in rings if (steps := _steps(shapely.get_coordinates(ring)))]


def _steps(lon_lat: NDArray[np.float64]) -> list[int]:
    whole = np.rint(lon_lat * OUTLINE_STEPS_PER_DEGREE).astype(int)
    moves = np.diff(whole, axis=0, prepend=[[0, 0]])
    kept = moves[moves.any(axis=1)]
    return [int(step) for step in kept.ravel()] if len(kept) > 3 else []


# The file that stands on its own ----------------------------------------------------------------------------------


class _Drawn(MacroElement):
    """What folium hands to the script of the page: the data, and the call that draws it."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        drawFlowFile({{ this._parent.get_name() }}, {{ this.data }});
        {% endmacro %}
        """
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca says no types
        self._name = "Flows"
        self.data = json_for_script(data)


class _FileMap(folium.Map):
    """A Leaflet map whose scripts are in the page itself."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - as folium declares it
    default_css: list[tuple[str, str]] = []  # noqa: RUF012 - as folium declares it
    _template = Template(
        """
        {% macro html(this, kwargs) %}<div class="mf-map__canvas" id="{{ this.get_name() }}"></div>{% endmacro %}
        {% macro script(this, kwargs) %}
        const {{ this.get_name() }} = createMap("{{ this.get_name() }}", {{ this.own_options }});
        {% endmacro %}
        """
    )

    def __init__(self, *, element_id: str, options: Mapping[str, Any]) -> None:
        super().__init__(tiles=None)
        self._id = element_id
        self.own_options = json_for_script(options)

    def render(self, **kwargs: Any) -> str:
        # folium.Map adds a script of its own for retina and touch, inline in the head; Leaflet 1.9 needs none.
        MacroElement.render(self, **kwargs)  # type: ignore[no-untyped-call]  # branca says no types
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFile:
    """A composed map: its element, and the script that makes it and draws upon it."""

    html: str
    script: str


def map_file(element_id: str, *, options: Mapping[str, Any], data: Mapping[str, Any]) -> MapFile:
    """Return the folium map `map_<element_id>` of flows for a page that opens without a network.

    `options` are those of `createMap` in `static/js/map.js`, `data` that of `drawFlowFile` in `flow-file.js`; the page
    has to bring both functions, and Leaflet, in itself.
    """
    made = _FileMap(element_id=element_id, options=options)
    made.add_child(_Drawn(data))
    figure = Figure()
    figure.add_child(made)
    made.render()
    return MapFile(html=figure.html.render(), script=figure.script.render())


def json_for_script(value: object) -> str:
    """Return a value as JSON that can stand in a script of a page: no text in it can end the script."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
