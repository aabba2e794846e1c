"""What is said when a change to a lot's proof takes its listing off the market."""

from collections.abc import Callable
from functools import wraps

from flask import flash
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.models import Listing
from marketplace.quality_wording import obstacle_in_words
from marketplace.services.quality import quality_of
from marketplace.types import ListingStatus, PausedReason

type _View = Callable[[Listing], ResponseReturnValue]


def telling_if_taken_down(view: _View) -> _View:
    """The view, which also says that others do not see the listing any more, and why, where it has made it so."""

    @wraps(view)
    def telling(listing: Listing) -> ResponseReturnValue:
        was_public = listing.status is ListingStatus.PUBLISHED
        answer = view(listing)
        if was_public and _is_taken_down(listing):
            quality = quality_of(db.session, listing, today=clock.local_date(clock.now()))
            why = " ".join(obstacle_in_words(each) for each in quality.verdict.obstacles)
            flash(
                _("The listing is taken off the market, and others do not see it any more. %(why)s", why=why), "warning"
            )
        return answer

    return telling


def _is_taken_down(listing: Listing) -> bool:
    return listing.status is ListingStatus.PAUSED and listing.paused_reason is PausedReason.QUALITY
