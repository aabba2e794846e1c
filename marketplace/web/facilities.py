"""Facilities for the maps, as GeoJSON."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import db
from marketplace.labels import material_name
from marketplace.permissions import Permission
from marketplace.queries.facilities import FacilityPlace, facility_places
from marketplace.web.access import requires

bp = Blueprint("facilities", __name__)

FRESH_S = 300


@bp.get("/facilities.geojson")
@requires(Permission.PUBLIC)
def points() -> ResponseReturnValue:
    """As `marketplace.maps.FacilityLayer` takes them."""
    response = jsonify(
        {"type": "FeatureCollection", "features": [feature(each) for each in facility_places(db.session)]}
    )
    response.mimetype = "application/geo+json"
    response.cache_control.private = True  # its words are in the visitor's language
    response.cache_control.max_age = FRESH_S
    response.add_etag()
    response.make_conditional(request)
    return response


def feature(facility: FacilityPlace) -> dict[str, object]:
    details = [", ".join(material_name(key) for key in facility.accepts)]
    if not facility.is_verified:
        details.append(_("The position is approximate, until the operator confirms it."))
    return {
        "type": "Feature",
        "geometry": {
            "type": "Point",
            "coordinates": [round(facility.position.lon, 5), round(facility.position.lat, 5)],
        },
        "properties": {
            "id": facility.id,
            "kind": facility.kind.value,
            "title": facility.name,
            "details": [line for line in details if line],
        },
    }
