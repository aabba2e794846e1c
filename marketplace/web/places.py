"""What maps show of projects and listings, and the maps one draws on."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for

from geo.geometry import BLUR_RADIUS_M, Position, to_geojson
from geo.materials import taxonomy
from geo.routing import Line
from marketplace.filters import period, tonnes
from marketplace.labels import material_name
from marketplace.maps import MapParts, MapView, PlaceLayer, PlaceSearch, SiteDrawing, compose_map
from marketplace.models import Listing, Project
from marketplace.queries.projects import position_of, site_of

NEAR_ZOOM = 12

type Feature = Mapping[str, Any]


def drawing_map(element_id: str, *, target_id: str, near: Position | None, polygons: bool) -> MapParts:
    """A map to place a point on, or draw an area, into the field `target_id`; starts at `near`, else with Norway."""
    return compose_map(
        element_id,
        view=MapView(middle=(near.lon, near.lat), zoom=NEAR_ZOOM) if near else None,
        layers=[
            SiteDrawing(target_id=target_id, lon_id="lon", lat_id="lat", polygons=polygons),
            PlaceSearch(input_id="place", url=url_for("geocode.search")),
        ],
    )


def still_map(element_id: str, features: Sequence[Feature], *, middle: Position) -> MapParts:
    """A picture of some places that does not take the page's scrolling."""
    return compose_map(
        element_id,
        view=MapView(middle=(middle.lon, middle.lat), zoom=NEAR_ZOOM),
        layers=[PlaceLayer(features)],
        is_still=True,
    )


def project_feature(project: Project) -> Feature:
    """The site as it is drawn, for those who may know it (`Permission.VIEW_POSITION`)."""
    return _feature(to_geojson(site_of(project)), {"title": project.name})


def about_feature(position: Position, *, title: str) -> Feature:
    """A circle that the true place lies in, around the one that is shown instead."""
    return _feature(_point(position), {"title": title, "radius_m": BLUR_RADIUS_M})


def listing_feature(listing: Listing, *, is_self: bool = False, position: Position | None = None) -> Feature:
    """A listing where it is shown to everybody, unless another `position` is given."""
    properties = {
        "id": listing.id,
        "kind": listing.kind.value,
        "group": taxonomy().material(listing.material_key).group.value,
        "title": material_name(listing.material_key),
        "quantity": tonnes(listing.left_t),
        "details": [period(listing.period)],
        "is_example": listing.is_example,
    }
    if is_self:
        properties["role"] = "self"
    else:
        properties["url"] = url_for("listings.show", listing_id=listing.id)
    return _feature(_point(position or position_of(listing)), properties)


def rounded_line(line: Line) -> list[list[float]]:
    """A road's places for a map, to a metre."""
    return [[round(lon, 5), round(lat, 5)] for lon, lat in line]


def _point(position: Position) -> dict[str, object]:
    return {"type": "Point", "coordinates": [round(position.lon, 6), round(position.lat, 6)]}


def _feature(geometry: Mapping[str, Any], properties: Mapping[str, Any]) -> Feature:
    return {"type": "Feature", "geometry": geometry, "properties": properties}
