"""Reporting a listing, and answering a moderator about one's own."""

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import Conflict
from marketplace.forms.moderation import AppealForm, ReportForm
from marketplace.i18n import translate
from marketplace.models import Listing, Organisation
from marketplace.permissions import Permission
from marketplace.queries.moderation import appeals_about
from marketplace.services import appeals, reports
from marketplace.types import ReportReason
from marketplace.web.access import current_actor, requires
from marketplace.web.limits import REPORTS_BY_CLIENT, client, over_limit, refused
from marketplace.web.listings import load_listing
from marketplace.web.organisations import load_organisation
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("reports", __name__)

SENT = "reports_sent"
"""In the session of a visitor without an account: the numbers of the reports, and nothing of what they say."""
MOST_REMEMBERED = 50


@bp.route("/listings/<id:listing_id>/report", methods=["GET", "POST"])
@requires(Permission.VIEW_LISTING, subject=load_listing)
def report(listing: Listing) -> ResponseReturnValue:
    actor = current_actor()
    form = ReportForm()
    if not actor.is_anonymous:
        del form.email
    if form.validate_on_submit():
        over = over_limit(form, (REPORTS_BY_CLIENT, client()))
        if over:
            return refused(render_template("reports/report.html", form=form, listing=listing), over)
        try:
            with applying(form) as attempt:
                sent = reports.report_listing(
                    db.session,
                    actor,
                    listing_id=listing.id,
                    reason=ReportReason(form.reason.data),
                    text=form.text.data,
                    email=form.email.data if actor.is_anonymous else None,
                    sent_before=_sent_before() if actor.is_anonymous else (),
                    locale=str(get_locale()),
                    now=clock.now(),
                )
        except Conflict as conflict:
            flash(translate(conflict.message, conflict.params), "warning")
            return redirect(url_for("listings.show", listing_id=listing.id), code=303)
        if attempt.ok:
            if actor.is_anonymous:
                session[SENT] = [*_sent_before(), sent.id][-MOST_REMEMBERED:]
            flash(_("Thank you. A moderator will look at the listing."), "success")
            return redirect(url_for("listings.show", listing_id=listing.id), code=303)
    return render_template("reports/report.html", form=form, listing=listing), unprocessable(form)


def _sent_before() -> list[int]:
    """The reports that this browser has sent without being logged in, the newest of them."""
    return list(session.get(SENT, ()))


@bp.route("/listings/<id:listing_id>/appeal", methods=["GET", "POST"])
@requires(Permission.EDIT_LISTING, subject=load_listing)
def appeal_hiding(listing: Listing) -> ResponseReturnValue:
    """Answer the moderator who hid a listing."""
    back = url_for("listings.show", listing_id=listing.id)
    form = AppealForm()
    if listing.hidden_at is None:
        return _nothing_to_answer(back)
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                appeals.appeal_hiding(
                    db.session, current_actor(), listing_id=listing.id, text=form.text.data, now=clock.now()
                )
        except Conflict:
            return _nothing_to_answer(back)
        if attempt.ok:
            return _answered(back)
    earlier = appeals_about(db.session, listing_id=listing.id)
    page = render_template("reports/appeal_hiding.html", form=form, listing=listing, earlier=earlier)
    return page, unprocessable(form)


@bp.route("/organisations/<id:organisation_id>/appeal", methods=["GET", "POST"])
@requires(Permission.ANSWER_FOR_ORGANISATION, subject=load_organisation)
def appeal_ban(organisation: Organisation) -> ResponseReturnValue:
    """Answer the moderator who banned an organisation."""
    back = url_for("organisations.show", organisation_id=organisation.id)
    form = AppealForm()
    if not organisation.is_banned:
        return _nothing_to_answer(back)
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                appeals.appeal_ban(
                    db.session, current_actor(), organisation_id=organisation.id, text=form.text.data, now=clock.now()
                )
        except Conflict:
            return _nothing_to_answer(back)
        if attempt.ok:
            return _answered(back)
    earlier = appeals_about(db.session, organisation_id=organisation.id)
    page = render_template("reports/appeal_ban.html", form=form, organisation=organisation, earlier=earlier)
    return page, unprocessable(form)


def _nothing_to_answer(back: str) -> ResponseReturnValue:
    flash(translate(appeals.NOTHING_TO_APPEAL, {}), "info")
    return redirect(back, code=303)


def _answered(back: str) -> ResponseReturnValue:
    flash(_("Your answer is sent. You are told by mail what the moderator makes of it."), "success")
    return redirect(back, code=303)
