"""Maps: Leaflet composed by folium, with our own assets and nothing that the Content-Security-Policy forbids.

    parts = compose_map(
        "search",
        view=MapView(bbox=(10.2, 59.8, 10.9, 60.1)),
        layers=[ListingLayer(data_url=url_for("search.points")), FacilityLayer(data_url=url_for("front.facilities"))],
    )

and in the template `components/maps.html`: `map_head(parts)` in the head, `map_block(parts, label=...)` in the page,
`map_scripts(parts)` last. A layer is a folium element whose script is one call of a function in `static/js/`; elements
of folium itself (GeoJson, PolyLine, ...) can be given as layers too, as long as they bring no assets from elsewhere.

What the data addresses answer (GeoJSON, EPSG:4326):

* `ListingLayer`: GET data_url with the page's filters and `bbox=west,south,east,north&zoom=z`. A FeatureCollection of
  points. A single listing has properties `id, kind, group, title, quantity, url` and, where there are any,
  `details` (a list of ready lines), `is_example`. A cluster has `count, quantity, groups` ({"stone": 12, ...}),
  `surplus`, `demand` (counts) and `bounds` ([west, south, east, north]) to zoom to; or, where its listings share one
  spot, `listings` with the properties of each; a small one `ids` of what is in it. All text is ready for show.
* `FacilityLayer`: GET data_url, no parameters. Points with `id, kind, title`, and `details`, `url` where there are any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import folium
import shapely
from branca.element import CssLink, Figure, JavascriptLink, MacroElement
from flask import Flask, current_app, url_for
from flask_babel import gettext as _
from folium.elements import JSCSSMixin
from folium.template import Template
from markupsafe import Markup

from geo import norway

type Bounds = tuple[float, float, float, float]
"""(west, south, east, north) in degrees."""

LEAFLET_JS: Final = ("leaflet", "vendor/leaflet/leaflet.js")
LEAFLET_CSS: Final = ("leaflet_css", "vendor/leaflet/leaflet.css")
OWN_ASSETS: Final[Mapping[str, str | None]] = {
    "leaflet": LEAFLET_JS[1],
    "leaflet_css": LEAFLET_CSS[1],
    # What folium brings for markers that we do not use.
    "jquery": None,
    "bootstrap": None,
    "bootstrap_css": None,
    "awesome_markers": None,
    "awesome_markers_css": None,
    "awesome_markers_font_css": None,
    "awesome_rotate_css": None,
    "glyphicons_css": None,
}
"""folium's name of an asset -> the file under static/ that stands in for it; None: left out."""


class ForeignAsset(RuntimeError):
    """A folium element wants a file that we do not serve ourselves."""


class OwnMap(folium.Map):
    """A Leaflet map made by `createMap` of map.js; `element_id` is its id in the page."""

    default_js = [LEAFLET_JS]  # noqa: RUF012 - as folium declares it
    default_css = [LEAFLET_CSS]  # noqa: RUF012 - as folium declares it
    _template = Template(
        """
        {% macro html(this, kwargs) %}<div class="mf-map__canvas" id="{{ this.get_name() }}"></div>{% endmacro %}
        {% macro script(this, kwargs) %}
        const {{ this.get_name() }} = createMap("{{ this.get_name() }}", {{ this.own_options|tojavascript }});
        {% endmacro %}
        """
    )

    def __init__(self, element_id: str, options: dict[str, Any]) -> None:
        super().__init__(tiles=None)
        self._id = element_id
        self.own_options = options

    def render(self, **kwargs: Any) -> str:
        # folium.Map adds a script of its own for retina and touch, inline in the head; Leaflet 1.9 needs none.
        JSCSSMixin.render(self, **kwargs)
        return ""


class ScriptLayer(JSCSSMixin):
    """A layer drawn by `function(map, options)` of a module in static/js/."""

    module: str
    function: str
    _template = Template(
        """
        {% macro script(this, kwargs) %}
        {{ this.function }}({{ this._parent.get_name() }}, {{ this.options|tojavascript }});
        {% endmacro %}
        """
    )

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self._name = type(self).__name__
        self.options = options


class BaseLayer(ScriptLayer):
    """The program's own vector map, what a configured file has upon it, and raster tiles above once one has come."""

    module = "map-base.js"
    function = "addBaseLayer"
    default_js = [("protomaps", "vendor/protomaps/protomaps-leaflet.js")]  # noqa: RUF012 - as folium declares it

    def __init__(self) -> None:
        settings = current_app.settings  # type: ignore[attr-defined]
        super().__init__(
            {
                "url": own_tiles_url(),
                "file_url": url_for("basemap.archive") if settings.basemap_pmtiles else None,
                "attribution": _("Map data: © Kartverket"),
                "raster_url": settings.basemap_url,
                "raster_attribution": settings.basemap_attribution,
            }
        )


class ListingLayer(ScriptLayer):
    """Listings of the visible map from `data_url`, as clusters and pins that know their rows in the list.

    `query` is the page's filters as a query string; the page changes them with the event `mf:filters`.
    """

    module = "map-listings.js"
    function = "addListings"

    def __init__(self, *, data_url: str, query: str = "", fit: bool = False) -> None:
        super().__init__({"data_url": data_url, "query": query, "fit": fit, "texts": listing_texts()})


class OriginLayer(ScriptLayer):
    """A mark where distances are measured from; the page moves it with the event `mf:origin`."""

    module = "map-origin.js"
    function = "addOrigin"

    def __init__(self, *, at: tuple[float, float] | None, label: str) -> None:
        super().__init__({"at": at, "label": label, "texts": {"from": _("Distances are measured from here: {place}")}})


class FacilityLayer(ScriptLayer):
    """Quarries, landfills, recycling plants and interim storage from `data_url`, from zoom level `min_zoom` on."""

    module = "map-facilities.js"
    function = "addFacilities"

    def __init__(self, *, data_url: str, min_zoom: int = 9) -> None:
        super().__init__(
            {
                "data_url": data_url,
                "min_zoom": min_zoom,
                "texts": JsonText(facility_texts()),
            }
        )


class PlaceLayer(ScriptLayer):
    """Places that are known when the page is made: a listing and its matches, a project's site.

    `features` is GeoJSON with the properties that `ListingLayer` has for single listings, and for several on one spot;
    a shape without a `kind` is drawn as a site, with `facility` as that kind of facility. `role: "self"` marks what the
    page is about, and `role: "link"` a line from it to the listing `id`, dashed where `is_near`.
    """

    module = "map-listings.js"
    function = "addPlaces"

    def __init__(self, features: Sequence[Mapping[str, Any]], *, fit: bool = True) -> None:
        collection = {"type": "FeatureCollection", "features": [dict(feature) for feature in features]}
        self.bounds = bounds_of(features) if fit else None
        attribution = _("Roads: © OpenStreetMap contributors") if any(map(_is_road, features)) else None
        super().__init__(
            {"places": JsonText(collection), "fit": fit, "texts": listing_texts(), "attribution": attribution}
        )


class SiteDrawing(ScriptLayer):
    """Drawing of a point, or a polygon, into the form field `target_id` as GeoJSON.

    `lon_id` and `lat_id` are the typed coordinates that also work without JavaScript; both ways are kept in step.
    """

    module = "map-draw.js"
    function = "addDrawing"
    default_js = [("geoman", "vendor/geoman/leaflet-geoman.min.js")]  # noqa: RUF012 - as folium declares it
    default_css = [("geoman_css", "vendor/geoman/leaflet-geoman.css")]  # noqa: RUF012 - as folium declares it

    def __init__(
        self, *, target_id: str, lon_id: str | None = None, lat_id: str | None = None, polygons: bool = True
    ) -> None:
        super().__init__(
            {
                "target_id": target_id,
                "lon_id": lon_id,
                "lat_id": lat_id,
                "polygons": polygons,
                "texts": {
                    "place": _("Press the map to set the point."),
                    "draw": _(
                        "Press the map for each corner. Finish with the button, or by pressing the first corner."
                    ),
                    "point_set": _("The point is set. Drag it to move it."),
                    "area_set": _("The area is drawn. Drag a corner to change it."),
                    "nothing": _("Nothing is set yet."),
                    "locating": _("Finding your position …"),
                    "not_located": _("Your position could not be found. Press the map instead."),
                    "pin": _("The position you have set"),
                },
            }
        )


class PlaceSearch(ScriptLayer):
    """The search box over the map (`place_search` in components/maps.html) that moves it."""

    module = "map-search.js"
    function = "addPlaceSearch"

    def __init__(self, *, input_id: str, url: str) -> None:
        super().__init__(
            {
                "input_id": input_id,
                "url": url,
                "texts": {
                    "none": _("No place of that name."),
                    "failed": _("The search for places does not answer just now."),
                    "found": _("Places found: {count}"),
                },
            }
        )


class JsonText(folium.utilities.JsCode):
    """A value that is written into the script as JSON, its keys as they are (folium writes keys in camel case)."""

    def __init__(self, value: object) -> None:
        text = current_app.json.dumps(value)
        for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("'", "\\u0027")):
            text = text.replace(character, escape)
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """What a map shows first: a box, or a middle with a zoom level; all of Norway where neither is given."""

    bbox: Bounds | None = None
    middle: tuple[float, float] | None = None
    """(lon, lat)."""
    zoom: int = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class MapParts:
    """A composed map, for components/maps.html: assets for the head, its element, and a module script."""

    element_id: str
    stylesheets: tuple[str, ...]
    scripts: tuple[str, ...]
    html: Markup
    script: Markup


def compose_map(
    element_id: str,
    *,
    view: MapView | None = None,
    layers: Sequence[MacroElement] = (),
    is_still: bool = False,
) -> MapParts:
    """The map `map_<element_id>` with the base layer and `layers`, in parts.

    `is_still`: a picture of a place, which does not take the page's scrolling.

    Raises:
        ForeignAsset: a layer links to a file that is not ours.
    """
    view = view or MapView(bbox=next((layer.bounds for layer in layers if isinstance(layer, PlaceLayer)), None))
    made = OwnMap(element_id, view_options(view) | {"is_still": is_still, "texts": map_texts()})
    for layer in (BaseLayer(), *layers):
        made.add_child(layer)
    figure = Figure()
    figure.add_child(made)
    made.render()
    links = list(figure.header._children.values())
    return MapParts(
        element_id=made.get_name(),
        stylesheets=tuple(own_url(link.url) for link in links if isinstance(link, CssLink)),
        scripts=tuple(own_url(link.url) for link in links if isinstance(link, JavascriptLink)),
        html=Markup(figure.html.render()),  # noqa: S704 - folium's own templates; every value in them is ours
        script=Markup("\n".join([*_imports(made), figure.script.render()])),  # noqa: S704 - values are escaped JSON
    )


def _imports(made: OwnMap) -> list[str]:
    """The lines that fetch the functions which the map's script calls."""
    functions = {("map.js", "createMap")}
    functions |= {(layer.module, layer.function) for layer in made._children.values() if isinstance(layer, ScriptLayer)}
    return [
        f'import {{ {function} }} from "{url_for("static", filename=f"js/{module}")}";'
        for module, function in sorted(functions)
    ]


def own_url(path: str) -> str:
    if "//" in path:
        raise ForeignAsset(f"{path} is not served by the program itself")
    return url_for("static", filename=path)


def own_tiles_url() -> str:
    """The address of the program's own tiles with its {z}, {x} and {y} unescaped."""
    one = url_for("basemap.tile", z=0, x=0, y=0)
    return one.replace("/0/0/0.mvt", "/{z}/{x}/{y}.mvt")


def view_options(view: MapView) -> dict[str, Any]:
    west, south, east, north = view.bbox or norway.BOUNDS_LONLAT
    if view.middle is not None and view.bbox is None:
        lon, lat = view.middle
        return {"center": [lat, lon], "zoom": view.zoom}
    return {"bounds": [[south, west], [north, east]]}


def _is_road(feature: Mapping[str, Any]) -> bool:
    """Whether a feature is a way that runs along roads: a link that is not straight."""
    is_link: bool = feature.get("properties", {}).get("role") == "link"
    return is_link and len(feature["geometry"]["coordinates"]) > 2


def bounds_of(features: Sequence[Mapping[str, Any]]) -> Bounds | None:
    """The box around GeoJSON features; None around none."""
    if not features:
        return None
    west, south, east, north = shapely.total_bounds([shapely.geometry.shape(found["geometry"]) for found in features])
    return float(west), float(south), float(east), float(north)


def map_texts() -> dict[str, str]:
    return {
        "zoom_in": _("Zoom in"),
        "zoom_out": _("Zoom out"),
    }


def facility_texts() -> dict[str, str]:
    return {
        "quarry": _("Quarry"),
        "landfill": _("Landfill"),
        "recycling": _("Recycling plant"),
        "interim_storage": _("Interim storage"),
        "open": _("More about this place"),
    }


def listing_texts() -> dict[str, str]:
    return {
        "surplus": _("Surplus"),
        "demand": _("Demand"),
        "reception": _("Reception"),
        "example": _("Example"),
        "open": _("See the listing"),
        "cluster": _("Listings here: {count}, {quantity} in all. Press to zoom in."),
        "failed": _("The listings could not be fetched. The list beside the map still holds."),
        "stone": _("Stone"),
        "soil": _("Soil"),
        "concrete": _("Concrete"),
        "asphalt": _("Asphalt"),
        "other": _("Other materials"),
        "site": _("The project's site"),
    }


def repoint_folium() -> None:
    """Let every folium element that is known link to our own files instead of to five content networks."""
    for element in _all_subclasses(JSCSSMixin):
        for name in ("default_js", "default_css"):
            if name in vars(element):
                setattr(element, name, [own for link in vars(element)[name] if (own := _own_link(*link)) is not None])


def _own_link(name: str, url: str) -> tuple[str, str] | None:
    if name not in OWN_ASSETS:
        return name, url  # compose_map refuses it if it is not ours
    own = OWN_ASSETS[name]
    return None if own is None else (name, own)


def _all_subclasses(cls: type) -> list[type]:
    children: list[type] = cls.__subclasses__()
    return [found for child in children for found in (child, *_all_subclasses(child))]


def init_app(_app: Flask) -> None:
    repoint_folium()
