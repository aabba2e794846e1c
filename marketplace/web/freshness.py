"""Saying that listings still stand: by the link of a mail without logging in, or on one's own pages."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace import clock, db
from marketplace.acting import Acting, act_as
from marketplace.errors import Conflict
from marketplace.filters import tonnes
from marketplace.i18n import translate
from marketplace.labels import material_name
from marketplace.models import Listing
from marketplace.permissions import Permission
from marketplace.services import freshness as services
from marketplace.services.links import DeadLink
from marketplace.web.access import current_actor, requires
from marketplace.web.links import dead_link_page
from marketplace.web.listings import load_listing
from marketplace.web.sessions import link_signer

bp = Blueprint("freshness", __name__)


@bp.route("/still-stands/<token>", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def by_link(token: str) -> ResponseReturnValue:
    """What the link's owner was asked about. Opening it changes nothing: mail programs open links by themselves."""
    try:
        user = services.person_of_link(db.session, token=token, signer=link_signer(), now=clock.now())
    except DeadLink as dead:
        return dead_link_page(dead, again=None)
    actor = services.actor_behind(user)
    wanted = request.args.get("listing", "")
    if request.method == "POST":
        act_as(db.session, Acting(label="link", user_id=user.id, request_id=g.get("request_id")))
        if wanted.isascii() and wanted.isdecimal():
            confirmed = services.confirm_listing(
                db.session, actor, listing_id=min(int(wanted), LARGEST_ID), now=clock.now()
            )
        else:
            confirmed = services.confirm_listings(db.session, actor, now=clock.now())
        tell(confirmed)
        return redirect(url_for(".by_link", token=token))
    awaiting = services.awaiting_answer(db.session, actor)
    first = [each for each in awaiting if str(each.id) == wanted]
    return render_template(
        "freshness/by_link.html",
        token=token,
        name=user.name,
        listings=[*first, *(each for each in awaiting if each not in first)],
        is_one_asked=bool(first),
    )


LARGEST_ID = 2**63 - 1


@bp.post("/listings/still-stand")
@requires(Permission.ACCOUNT)
def own() -> ResponseReturnValue:
    tell(services.confirm_listings(db.session, current_actor(), now=clock.now()))
    return redirect(url_for("listings.index"))


@bp.post("/listings/<id:listing_id>/still-stands")
@requires(Permission.EDIT_LISTING, subject=load_listing)
def one(listing: Listing) -> ResponseReturnValue:
    try:
        tell(services.confirm_listing(db.session, current_actor(), listing_id=listing.id, now=clock.now()))
    except Conflict as conflict:
        flash(translate(conflict.message, conflict.params), "warning")
    return redirect(url_for("listings.show", listing_id=listing.id))


def tell(confirmed: services.Confirmed) -> None:
    """Say what came of it."""
    for each in confirmed.refused:
        name = f"{material_name(each.listing.material_key)}, {tonnes(each.listing.mass_t)}"
        flash(f"{name}: {translate(each.why.message, each.why.params)}", "warning")
    count = len(confirmed.standing)
    if count:
        flash(ngettext("Thank you. It stands.", "Thank you. %(num)s listings stand.", count), "success")
    elif not confirmed.refused:
        flash(_("There is nothing more to confirm."), "info")
