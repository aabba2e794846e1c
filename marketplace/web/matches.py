"""All matches of a listing, on a page of their own."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace import clock, db
from marketplace.models import Listing
from marketplace.permissions import Permission, allows
from marketplace.queries.matches import matches_for_listing
from marketplace.queries.positions import exact_position_of
from marketplace.queries.projects import position_of
from marketplace.services.match_roads import LINES, matches_by_road
from marketplace.web.access import current_actor, requires
from marketplace.web.listings import load_listing
from marketplace.web.match_rows import impacts_of, match_features, match_section
from marketplace.web.places import listing_feature, still_map

bp = Blueprint("matches", __name__)

MANY = 60
MANY_NEAR = 30
"""Who looks at more than these would rather search."""


@bp.get("/listings/<id:listing_id>/matches")
@requires(Permission.VIEW_LISTING, subject=load_listing)
def of_listing(listing: Listing) -> ResponseReturnValue:
    today = clock.local_date(clock.now())
    found = matches_for_listing(db.session, listing, today=today, limit=MANY, near_limit=MANY_NEAR)
    found = matches_by_road(db.session, listing, found, lines=LINES)
    is_exact = allows(Permission.VIEW_POSITION, current_actor(), listing)
    here = exact_position_of(listing) if is_exact else position_of(listing)
    features = [*match_features(found, here=here), listing_feature(listing, is_self=True, position=here)]
    return render_template(
        "matches/of_listing.html",
        listing=listing,
        section=match_section(listing, found, impacts=impacts_of(listing, found, today=today)),
        map=still_map("matches", features, middle=here),
    )
