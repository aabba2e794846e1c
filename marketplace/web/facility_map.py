"""What maps show of facilities."""

from collections.abc import Mapping
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from geo.geometry import BBox, Position
from marketplace.filters import tonnes
from marketplace.labels import material_name
from marketplace.maps import FacilityLayer, MapParts, MapView, compose_map
from marketplace.models import Facility
from marketplace.queries.facilities import FacilityFilters, FacilityPlace
from marketplace.web.places import still_map

type Feature = Mapping[str, Any]


def overview_map(filters: FacilityFilters, bounds: BBox | None) -> MapParts:
    """All that a list of facilities holds, on whatever page of it."""
    return compose_map(
        "facilities",
        view=MapView(bbox=(bounds.west, bounds.south, bounds.east, bounds.north) if bounds else None),
        layers=[FacilityLayer(data_url=url_for("facilities.points", **address_of(filters)), min_zoom=0)],
    )


def address_of(filters: FacilityFilters) -> dict[str, Any]:
    """The filters as an address has them."""
    named = {"kind": filters.kind, "material": filters.material, "class": filters.class_}
    return {name: value for name, value in named.items() if value is not None}


def map_of_facility(facility: Facility, position: Position) -> MapParts:
    feature: Feature = {
        "type": "Feature",
        "geometry": _point(position),
        "properties": {"facility": facility.kind.value, "title": facility.name},
    }
    return still_map("facility", [feature], middle=position)


def feature_of(place: FacilityPlace) -> Feature:
    """As `marketplace.maps.FacilityLayer` takes it."""
    details = [", ".join(material_name(key) for key in place.accepts)]
    if place.accepts_class_max > 1:
        details.append(_("Up to class %(number)s", number=place.accepts_class_max))
    if place.free_t is not None:
        details.append(_("%(mass)s free", mass=tonnes(place.free_t)) if place.free_t else _("Full just now"))
    if place.organisation_name is None:
        details.append(_("The position is approximate, until the operator confirms it."))
    return {
        "type": "Feature",
        "geometry": _point(place.position),
        "properties": {
            "id": place.id,
            "kind": place.kind.value,
            "title": place.name,
            "details": [line for line in details if line],
            "url": url_for("facilities.show", facility_id=place.id),
        },
    }


def _point(position: Position) -> Mapping[str, Any]:
    return {"type": "Point", "coordinates": [round(position.lon, 5), round(position.lat, 5)]}
