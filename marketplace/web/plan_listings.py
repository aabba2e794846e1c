"""Listings made from a mass-balance plan: made in one step, and brought in step one by one."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace import clock, db
from marketplace.errors import Conflict, InvalidInput
from marketplace.i18n import translate
from marketplace.models import Listing, Project
from marketplace.permissions import Permission
from marketplace.services.mass_plans import make_draft_listings
from marketplace.services.plan_listings import keep_own, take_plan
from marketplace.web.access import current_actor, requires
from marketplace.web.listings import load_listing
from marketplace.web.mass_plans import say_drafts
from marketplace.web.projects import load_project

bp = Blueprint("plan_listings", __name__)


@bp.post("/projects/<id:project_id>/plan/listings")
@requires(Permission.EDIT_PLAN, subject=load_project)
def make(project: Project) -> ResponseReturnValue:
    try:
        changes = make_draft_listings(db.session, current_actor(), project_id=project.id, now=clock.now())
    except Conflict as conflict:
        flash(translate(conflict.message, conflict.params), "warning")
        return redirect(url_for("mass_plans.show", project_id=project.id))
    if changes.made:
        flash(
            ngettext(
                "%(num)s draft listing is made. Check it, and publish it when you are ready.",
                "%(num)s draft listings are made. Check them, and publish them when you are ready.",
                changes.made,
            ),
            "success",
        )
    elif not changes.updated:
        flash(_("Every surplus and deficit that is still to come has its listing already."), "info")
    say_drafts(changes)
    return redirect(url_for("mass_plans.show", project_id=project.id, _anchor="listings"))


@bp.post("/listings/<id:listing_id>/plan/take")
@requires(Permission.EDIT_LISTING, subject=load_listing)
def take(listing: Listing) -> ResponseReturnValue:
    try:
        with db.session.begin_nested():
            take_plan(db.session, current_actor(), listing_id=listing.id, now=clock.now())
    except InvalidInput as refused:
        for error in refused.errors:
            flash(translate(error.message, error.params), "error")
    except Conflict as conflict:
        flash(translate(conflict.message, conflict.params), "warning")
    else:
        flash(_("The listing now says what the plan says."), "success")
    return redirect(url_for("listings.show", listing_id=listing.id))


@bp.post("/listings/<id:listing_id>/plan/keep")
@requires(Permission.EDIT_LISTING, subject=load_listing)
def keep(listing: Listing) -> ResponseReturnValue:
    keep_own(db.session, current_actor(), listing_id=listing.id, now=clock.now())
    flash(_("The listing stays as it is."), "success")
    return redirect(url_for("listings.show", listing_id=listing.id))
