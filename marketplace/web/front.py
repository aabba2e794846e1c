"""The front page, and what the program says of itself."""

import time

from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace import clock, db
from marketplace.maps import FacilityLayer, ListingLayer, MapView, compose_map
from marketplace.permissions import Permission
from marketplace.queries.front import REACH_M, Overview, newest_listings, overview
from marketplace.types import ListingKind
from marketplace.web.access import requires
from marketplace.web.cards import card_of

bp = Blueprint("front", __name__)

NEWEST = 3
REMEMBERED_S = 120.0
EXTENSION = "masseflyt_overview"
FACILITIES_FROM_ZOOM = 11


@bp.get("/")
@requires(Permission.PUBLIC)
def index() -> ResponseReturnValue:
    today = clock.local_date(clock.now())
    seen = remembered_overview()
    cards = {
        kind: [
            card_of(listing, with_organisation=True)
            for listing in newest_listings(db.session, kind=kind, today=today, count=NEWEST)
        ]
        for kind in (ListingKind.SURPLUS, ListingKind.DEMAND)
    }
    live = compose_map(
        "live",
        view=view_of(seen),
        layers=[
            ListingLayer(data_url=url_for("search.points")),
            FacilityLayer(data_url=url_for("facilities.points"), min_zoom=FACILITIES_FROM_ZOOM),
        ],
        is_still=True,
    )
    return render_template(
        "front/index.html",
        overview=seen,
        surpluses=cards[ListingKind.SURPLUS],
        demands=cards[ListingKind.DEMAND],
        reach_m=REACH_M,
        map=live,
    )


def remembered_overview() -> Overview:
    """The figures of all listings, counted at most every `REMEMBERED_S` seconds a process."""
    known: tuple[float, Overview] | None = current_app.extensions.get(EXTENSION)
    if known and time.monotonic() - known[0] < REMEMBERED_S and not current_app.testing:
        return known[1]
    counted = overview(db.session, today=clock.local_date(clock.now()))
    current_app.extensions[EXTENSION] = (time.monotonic(), counted)
    return counted


def view_of(seen: Overview) -> MapView | None:
    box = seen.extent
    return None if box is None else MapView(bbox=(box.west, box.south, box.east, box.north))


@bp.get("/about")
@requires(Permission.PUBLIC)
def about() -> ResponseReturnValue:
    return render_template("front/about.html", reach_m=REACH_M)


@bp.get("/sources")
@requires(Permission.PUBLIC)
def sources() -> ResponseReturnValue:
    return render_template("front/sources.html")
