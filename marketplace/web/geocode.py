"""Moving the map to what somebody typed: `/geocode?q=Sandvika&near=10.5,59.9` answers with places as JSON."""

import math
import threading
import time
from collections import deque
from http import HTTPStatus

from flask import Blueprint, Response, current_app, jsonify, request

from geo.geometry import Position
from marketplace import db
from marketplace.permissions import Permission
from marketplace.services.geocoding import Place, make_geocoder
from marketplace.web.access import requires
from marketplace.web.limits import client
from marketplace.web.registers import registers

bp = Blueprint("geocode", __name__)

LIMIT_EXTENSION = "masseflyt_geocode_limit"
MAX_PLACES = 8
FRESH_S = 300

LOOKUPS = 60
WINDOW_S = 30.0
VISITORS_COUNTED = 10_000


class LightLimit:
    """At most `LOOKUPS` a visitor in `WINDOW_S`, so that one does not crowd out the others; counted in this process.

    The counts that guard accounts are kept in the database; this one is asked at every key press.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lookups: dict[str, deque[float]] = {}

    def is_over(self, visitor: str, *, at_s: float) -> bool:
        with self._lock:
            if len(self._lookups) > VISITORS_COUNTED:
                self._lookups.clear()
            recent = self._lookups.setdefault(visitor, deque(maxlen=LOOKUPS))
            if len(recent) == LOOKUPS and at_s - recent[0] < WINDOW_S:
                return True
            recent.append(at_s)
            return False


def is_over_limit() -> bool:
    """Whether this visitor has asked too often of late."""
    if not current_app.settings.rate_limits:  # type: ignore[attr-defined]
        return False
    limit: LightLimit = current_app.extensions.setdefault(LIMIT_EXTENSION, LightLimit())
    return limit.is_over(client(), at_s=time.monotonic())


@bp.get("/geocode")
@requires(Permission.PUBLIC)
def search() -> Response | tuple[Response, int, dict[str, str]]:
    """Places for `q`, the best first; `near` is where the map looks, as lon,lat."""
    if is_over_limit():
        return jsonify([]), HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(int(WINDOW_S))}
    geocoder = make_geocoder(db.session, registers().addresses)
    places = geocoder.search(request.args.get("q", ""), near=read_near(request.args.get("near")), limit=MAX_PLACES)
    answer = jsonify([place_json(place) for place in places])
    answer.cache_control.private = True
    answer.cache_control.max_age = FRESH_S
    return answer


def read_near(text: str | None) -> Position | None:
    """Where the map looks; what is no position is as good as none."""
    try:
        lon, lat = (float(part) for part in (text or "").split(","))
    except ValueError:
        return None
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 85):
        return None
    return Position(lon=lon, lat=lat)


def place_json(place: Place) -> dict[str, object]:
    box = place.bbox
    return {
        "label": place.label,
        "kind": place.kind.value,
        "municipality": place.municipality_name,
        "lon": place.position.lon,
        "lat": place.position.lat,
        "bbox": None if box is None else [box.west, box.south, box.east, box.north],
        "source": place.source,
    }
