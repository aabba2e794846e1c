"""The map beneath everything: the program's own vector tiles, or a PMTiles file where one is configured."""

from http import HTTPStatus

from flask import Blueprint, Response, current_app, make_response, request, send_file
from flask.typing import ResponseReturnValue

from marketplace import db
from marketplace.errors import NotFound
from marketplace.permissions import Permission
from marketplace.queries.basemap import MAX_ZOOM, MIN_ZOOM, basemap_tile
from marketplace.web.access import requires

bp = Blueprint("basemap", __name__, url_prefix="/basemap")

FRESH_S = 24 * 3600
STALE_S = 7 * FRESH_S
TILE_TYPE = "application/vnd.mapbox-vector-tile"


@bp.get("/<int:z>/<int:x>/<int:y>.mvt")
@requires(Permission.PUBLIC)
def tile(z: int, x: int, y: int) -> ResponseReturnValue:
    """A tile; an empty one (204) over the sea, so that the browser remembers that, too."""
    if not (MIN_ZOOM <= z <= MAX_ZOOM and x < 2**z and y < 2**z):
        raise NotFound
    content = basemap_tile(db.session, zoom=z, x=x, y=y)
    response = make_response(content, HTTPStatus.OK if content else HTTPStatus.NO_CONTENT)
    response.mimetype = TILE_TYPE
    return _kept(response)


@bp.get("/archive.pmtiles")
@requires(Permission.PUBLIC)
def archive() -> ResponseReturnValue:
    """The configured file; a viewer asks for the ranges it needs."""
    path = current_app.settings.basemap_pmtiles  # type: ignore[attr-defined]
    if path is None:
        raise NotFound
    return send_file(path, mimetype="application/vnd.pmtiles", conditional=True, max_age=FRESH_S)


def _kept(response: Response) -> Response:
    response.cache_control.public = True
    response.cache_control.max_age = FRESH_S
    response.cache_control.stale_while_revalidate = STALE_S
    response.add_etag()
    response.make_conditional(request)
    return response
