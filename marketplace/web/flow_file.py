"""The flow map as one HTML file: Leaflet, the map's own scripts and styles, the land, and all that is shown upon it.

It opens from a disk without a network, and its own Content-Security-Policy keeps it from asking for one.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from flask import render_template
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from geo.flowmap import OUTLINE_STEPS_PER_DEGREE, Detail, map_file, outline_of
from marketplace.disclosure import Disclosure
from marketplace.filters import month_, months_
from marketplace.maps import MapView, map_texts, view_options
from marketplace.queries.facilities import facility_places
from marketplace.queries.flow_cells import FlowFilters
from marketplace.queries.flows import flow_picture
from marketplace.queries.municipalities import division_fingerprint, municipality_areas_25833, municipality_points
from marketplace.types import FacilityKind
from marketplace.web.bundled import bundle, in_script
from marketplace.web.facility_map import feature_of
from marketplace.web.flow_map import detail_names, flow_data, flow_texts, zoom_steps

MODULES: Final = ("symbols", "map", "map-facilities", "flow-lines", "flow-panel", "flow-file")
"""Each before those that import it."""
STYLES: Final = ("tokens", "map", "flows", "flow-file")
LINKED: Final = re.compile(r"[^;{}]*url\([^)]*\);?")
"""A declaration that asks for a file."""


def flow_file(
    session: Session,
    filters: FlowFilters,
    *,
    details: Sequence[Detail],
    disclosure: Disclosure,
    title: str,
    made_at: datetime,
    site: str,
    static_folder: str,
) -> str:
    """The whole page. `site` is the address of the program, which the file names as where it is from."""
    static = Path(static_folder)
    found = {detail: flow_picture(session, filters, detail=detail, disclosure=disclosure) for detail in details}
    drawn = map_file(
        "flows",
        options=view_options(MapView()) | {"texts": camel_case(map_texts())},
        data={
            "pictures": {detail.value: flow_data(picture) for detail, picture in found.items()},
            "details": zoom_steps(details),
            "months": [month_(each) for each in filters.period],
            "outline": outline(session),
            "outlineSteps": OUTLINE_STEPS_PER_DEGREE,
            "names": [
                [name, round(position.lon, 4), round(position.lat, 4)]
                for name, position in municipality_points(session)
            ],
            "facilities": [facility_in_file(feature_of(place)) for place in facility_places(session)],
            "texts": flow_texts() | {"attribution": _("Map data: © Kartverket")},
        },
    )
    return render_template(
        "flows/file.html",
        title=title,
        period=months_(filters.period),
        made_at=made_at,
        site=site,
        filters=filters,
        disclosure=disclosure,
        detail_names=[detail_names()[detail] for detail in details],
        held_back_deals=max((picture.held_back_deals for picture in found.values()), default=0),
        facility_kinds=tuple(FacilityKind),
        drawn=drawn,
        leaflet=in_script((static / "vendor/leaflet/leaflet.js").read_text(encoding="utf-8")),
        script=bundle(static / "js", MODULES, wanted=("createMap", "drawFlowFile")),
        style="\n".join(
            [
                without_files((static / "vendor/leaflet/leaflet.css").read_text(encoding="utf-8")),
                *((static / f"css/{name}.css").read_text(encoding="utf-8") for name in STYLES),
            ]
        ),
    )


def outline(session: Session) -> list[list[int]]:
    """The land, simplified. That takes seconds, so it is done once for each division and not for each visitor."""
    fingerprint = division_fingerprint(session)
    if fingerprint not in _outlines:
        simplified = outline_of(municipality_areas_25833(session))
        _outlines.clear()
        _outlines[fingerprint] = simplified
    return _outlines[fingerprint]


_outlines: Final[dict[str, list[list[int]]]] = {}


def without_files(style: str) -> str:
    """A stylesheet without what it would fetch: pictures of markers and controls that our maps do not have."""
    return LINKED.sub("", style)


def facility_in_file(feature: Any) -> Any:
    """Without its page, which a file on a disk cannot lead to."""
    properties = {name: value for name, value in feature["properties"].items() if name != "url"}
    return {**feature, "properties": properties}


def camel_case(texts: dict[str, str]) -> dict[str, str]:
    """As folium names them for scripts."""
    return {re.sub(r"_(\w)", lambda found: found[1].upper(), name): text for name, text in texts.items()}
