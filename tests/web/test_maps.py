import json
import re
from collections.abc import Iterator

import folium
import pytest
from flask import Flask
from folium.plugins import Fullscreen

from marketplace.config import ROOT
from marketplace.maps import (
    FacilityLayer,
    ForeignAsset,
    ListingLayer,
    MapView,
    PlaceLayer,
    PlaceSearch,
    SiteDrawing,
    bounds_of,
    compose_map,
    own_tiles_url,
)

STATIC = ROOT / "marketplace/static"
POINT = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [10.5, 59.9]},
    "properties": {"id": 7, "kind": "surplus", "group": "stone", "title": "Sprengstein", "is_example": True},
}


@pytest.fixture(autouse=True)
def _in_a_request(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        yield


def test_a_map_is_an_element_and_one_module_script() -> None:
    parts = compose_map("search", view=MapView(bbox=(10.2, 59.8, 10.9, 60.1)))
    assert parts.element_id == "map_search"
    assert '<div class="mf-map__canvas" id="map_search"></div>' in parts.html
    assert '"bounds": [\n[\n59.8,\n10.2,\n],\n[\n60.1,\n10.9,\n],\n]' in parts.script
    assert 'import { createMap } from "/static/js/map.js";' in parts.script
    assert 'import { addBaseLayer } from "/static/js/map-base.js";' in parts.script


def test_a_map_links_to_own_files_only() -> None:
    layers = [
        ListingLayer(data_url="/search/points"),
        FacilityLayer(data_url="/facilities.geojson"),
        SiteDrawing(target_id="site"),
        PlaceSearch(input_id="place", url="/geocode"),
        PlaceLayer([POINT]),
        folium.GeoJson(POINT),
    ]
    parts = compose_map("all", layers=layers)
    assert parts.stylesheets == ("/static/vendor/leaflet/leaflet.css", "/static/vendor/geoman/leaflet-geoman.css")
    assert parts.scripts == (
        "/static/vendor/leaflet/leaflet.js",
        "/static/vendor/protomaps/protomaps-leaflet.js",
        "/static/vendor/geoman/leaflet-geoman.min.js",
    )
    assert "//" not in re.sub(r"https?://(www\.w3\.org|leafletjs\.com)", "", parts.html)


def test_an_element_with_assets_from_elsewhere_is_refused() -> None:
    with pytest.raises(ForeignAsset, match="not served by the program itself"):
        compose_map("foreign", layers=[Fullscreen()])


def test_every_function_a_map_calls_is_exported_by_its_module() -> None:
    parts = compose_map(
        "all",
        layers=[
            ListingLayer(data_url="/"),
            FacilityLayer(data_url="/"),
            SiteDrawing(target_id="site"),
            PlaceSearch(input_id="place", url="/"),
            PlaceLayer([POINT]),
        ],
    )
    imports = re.findall(r'import \{ (\w+) \} from "/static/(js/[\w-]+\.js)";', parts.script)
    assert len(imports) == 7
    for function, module in imports:
        assert f"export function {function}(" in (STATIC / module).read_text()
        assert f"{function}(" in parts.script.replace("import", "", 1)


def test_what_people_wrote_cannot_end_the_script() -> None:
    nasty = {**POINT, "properties": {**POINT["properties"], "title": "</script><script>alert(1)</script>'&"}}
    script = compose_map("nasty", layers=[PlaceLayer([nasty])]).script
    assert "</script" not in script
    assert "\\u003c/script\\u003e\\u003cscript\\u003ealert(1)" in script


def test_features_keep_the_names_of_their_properties() -> None:
    script = compose_map("place", layers=[PlaceLayer([POINT])]).script
    found = re.search(r'"places": (\{.*\}),\n', script)
    assert found
    assert json.loads(found[1])["features"] == [POINT]


def test_a_map_of_known_places_begins_around_them() -> None:
    script = compose_map("place", layers=[PlaceLayer([POINT])]).script
    assert '"bounds": [\n[\n59.9,\n10.5,\n],\n[\n59.9,\n10.5,\n],\n]' in script


def test_a_map_of_nothing_shows_norway() -> None:
    assert bounds_of([]) is None
    assert "71." in compose_map("empty", layers=[PlaceLayer([])]).script


def test_the_tile_address_keeps_its_places() -> None:
    assert own_tiles_url() == "/basemap/{z}/{x}/{y}.mvt"
