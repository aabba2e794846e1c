"""The moderators' desk: what was reported, who answers, and what becomes of a listing."""

from flask import Blueprint, flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace import clock, db
from marketplace.errors import Conflict, NotFound
from marketplace.forms.base import PostedForm
from marketplace.forms.moderation import AnswerForm, HideForm, RefuseForm
from marketplace.i18n import translate
from marketplace.models import Appeal, Listing
from marketplace.permissions import Permission
from marketplace.queries import moderation as queries
from marketplace.services import appeals, hiding, reports
from marketplace.services.hiding import CAN_BE_HIDDEN
from marketplace.web.access import current_actor, requires
from marketplace.web.admin_frame import admin_page, back_to
from marketplace.web.admin_organisations import organisation_page
from marketplace.web.listings import load_listing
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("")
@requires(Permission.ADMINISTER)
def index() -> ResponseReturnValue:
    page = queries.reported_listings(db.session, cursor=cursor_from_address())
    return admin_page("admin/index.html", tab="reports", page=page, links=page_links(page, ".index"))


@bp.get("/appeals")
@requires(Permission.ADMINISTER)
def appeals_index() -> ResponseReturnValue:
    page = queries.open_appeals(db.session, cursor=cursor_from_address())
    return admin_page("admin/appeals.html", tab="appeals", page=page, links=page_links(page, ".appeals_index"))


@bp.get("/verifications")
@requires(Permission.ADMINISTER)
def requests_index() -> ResponseReturnValue:
    page = queries.open_requests(db.session, cursor=cursor_from_address())
    return admin_page("admin/requests.html", tab="requests", page=page, links=page_links(page, ".requests_index"))


# One listing ------------------------------------------------------------------------------------------------------


@bp.get("/listings/<id:listing_id>")
@requires(Permission.ADMINISTER, subject=load_listing)
def listing(listing: Listing) -> ResponseReturnValue:
    return _listing_page(listing)


@bp.post("/listings/<id:listing_id>/hide")
@requires(Permission.ADMINISTER, subject=load_listing)
def hide(listing: Listing) -> ResponseReturnValue:
    form = HideForm(prefix="hide-")
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                hiding.hide_listing(
                    db.session, current_actor(), listing_id=listing.id, reason=form.reason.data, now=clock.now()
                )
        except Conflict as conflict:
            return _changed(listing, conflict)
        if attempt.ok:
            return _done(listing, said=_("The listing is hidden, and its owner is told why."))
    return _listing_page(listing, hide=form), unprocessable(form)


@bp.post("/listings/<id:listing_id>/restore")
@requires(Permission.ADMINISTER, subject=load_listing)
def restore(listing: Listing) -> ResponseReturnValue:
    form = AnswerForm(prefix="restore-")
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                restored = hiding.restore_listing(
                    db.session, current_actor(), listing_id=listing.id, answer=form.answer.data, now=clock.now()
                )
        except Conflict as conflict:
            return _changed(listing, conflict)
        if attempt.ok:
            for problem in restored.problems:
                flash(translate(problem.message, problem.params), "warning")
            if restored.is_in_sight:
                return _done(listing, said=_("Everybody sees the listing again, and its owner is told."))
            return _done(
                listing, said=_("The listing is not hidden any more, and its owner is told. It is not in sight.")
            )
    return _listing_page(listing, restore=form), unprocessable(form)


@bp.post("/listings/<id:listing_id>/dismiss")
@requires(Permission.ADMINISTER, subject=load_listing)
def dismiss(listing: Listing) -> ResponseReturnValue:
    try:
        count = reports.dismiss_reports(db.session, current_actor(), listing_id=listing.id, now=clock.now())
    except Conflict as conflict:
        return _changed(listing, conflict)
    flash(ngettext("The report is dismissed.", "%(num)s reports are dismissed.", count), "success")
    return back_to(url_for(".index"))


def load_appeal(appeal_id: int) -> Appeal:
    appeal = queries.appeal_by_id(db.session, appeal_id=appeal_id)
    if appeal is None:
        raise NotFound
    return appeal


@bp.post("/appeals/<id:appeal_id>/refuse")
@requires(Permission.ADMINISTER, subject=load_appeal)
def refuse(appeal: Appeal) -> ResponseReturnValue:
    form = RefuseForm(prefix="refuse-")
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                appeals.refuse_appeal(
                    db.session, current_actor(), appeal_id=appeal.id, answer=form.answer.data, now=clock.now()
                )
        except Conflict as conflict:
            flash(translate(conflict.message, conflict.params), "warning")
            return back_to(url_for(".appeals_index"))
        if attempt.ok:
            flash(_("The answer is sent. All stays as it was."), "success")
            return back_to(url_for(".appeals_index"))
    if appeal.listing_id is not None:
        return _listing_page(load_listing(appeal.listing_id), refuse=form), unprocessable(form)
    return organisation_page(appeal.organisation, refuse=form), unprocessable(form)


def _listing_page(
    listing: Listing,
    *,
    hide: PostedForm | None = None,
    restore: PostedForm | None = None,
    refuse: PostedForm | None = None,
) -> str:
    said = queries.reports_of(db.session, listing_id=listing.id)
    answers = queries.appeals_about(db.session, listing_id=listing.id)
    return admin_page(
        "admin/listing.html",
        tab="reports",
        listing=listing,
        reports=said,
        has_open_reports=any(each.decided_at is None for each in said),
        appeals=answers,
        open_appeal=next((each for each in answers if each.decided_at is None), None),
        can_be_hidden=listing.hidden_at is None and listing.status in CAN_BE_HIDDEN,
        hide=hide or HideForm(formdata=None, prefix="hide-"),
        restore=restore or AnswerForm(formdata=None, prefix="restore-"),
        refuse=refuse or RefuseForm(formdata=None, prefix="refuse-"),
    )


def _done(listing: Listing, *, said: str) -> ResponseReturnValue:
    flash(said, "success")
    return back_to(url_for(".listing", listing_id=listing.id))


def _changed(listing: Listing, conflict: Conflict) -> ResponseReturnValue:
    flash(translate(conflict.message, conflict.params), "warning")
    return back_to(url_for(".listing", listing_id=listing.id))
