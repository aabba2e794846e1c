"""Enquiries: what visitors ask about a listing, by the visitor's link or account, and on the owner's side."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import Conflict, FieldError, NotFound
from marketplace.forms.messages import AnswerForm, MessageForm, QuestionForm, VisitorsQuestionForm
from marketplace.i18n import N_, translate
from marketplace.models import Enquiry, Listing
from marketplace.permissions import Permission
from marketplace.queries import enquiries as queries
from marketplace.services import enquiries as services
from marketplace.services import enquiry_answers as answers
from marketplace.services.links import DeadLink
from marketplace.types import ListingStatus
from marketplace.web.access import current_actor, requires
from marketplace.web.limits import (
    ENQUIRIES_BY_ADDRESS,
    ENQUIRIES_BY_CLIENT,
    MESSAGES_BY_ACCOUNT,
    client,
    over_limit,
    refused,
)
from marketplace.web.links import dead_link_page
from marketplace.web.listings import load_listing
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.seen import seen_at, stamp
from marketplace.web.sessions import link_signer
from marketplace.web.submit import add_error, applying, unprocessable

bp = Blueprint("enquiries", __name__)

MAILED_TO = "enquiry_mailed_to"
NOT_OPEN = N_("Questions can be asked of listings that others see.")


@bp.app_context_processor
def enquiry_globals() -> dict[str, object]:
    return {"enquiries_waiting": enquiries_waiting}


def enquiries_waiting() -> int:
    """How many questions wait for an answer that the visitor could give."""
    own = tuple(membership.organisation_id for membership in current_actor().editable)
    return queries.count_waiting(db.session, organisation_ids=own) if own else 0


def load_enquiry(enquiry_id: int) -> Enquiry:
    enquiry = queries.enquiry_for_page(db.session, enquiry_id=enquiry_id)
    if enquiry is None:
        raise NotFound
    return enquiry


# Asking -----------------------------------------------------------------------------------------------------------


@bp.route("/listings/<id:listing_id>/enquiries/new", methods=["GET", "POST"])
@requires(Permission.VIEW_LISTING, subject=load_listing)
def new(listing: Listing) -> ResponseReturnValue:
    """A visitor gives name and address, whoever is logged in only asks."""
    actor = current_actor()
    if listing.status is not ListingStatus.PUBLISHED or actor.is_member(listing.organisation_id):
        flash(translate(services.OWN_LISTING if actor.is_member(listing.organisation_id) else NOT_OPEN, {}), "info")
        return redirect(url_for("listings.show", listing_id=listing.id), 303)
    if actor.is_confirmed:
        return _ask_as_member(listing)
    form = VisitorsQuestionForm()
    if form.validate_on_submit():
        if form.website.data:  # a machine: let it believe that it was heard
            return redirect(url_for(".sent"), 303)
        over = over_limit(form, (ENQUIRIES_BY_CLIENT, client()), (ENQUIRIES_BY_ADDRESS, form.email.data))
        if over:
            return refused(_form_page(listing, form), over)
        with applying(form) as attempt:
            services.ask(
                db.session,
                listing=listing,
                name=form.name.data,
                firm=form.firm.data,
                email=form.email.data,
                body=form.body.data,
                locale=str(get_locale()),
                signer=link_signer(),
                now=clock.now(),
            )
        if attempt.ok:
            session[MAILED_TO] = form.email.data
            return redirect(url_for(".sent"), 303)
    return _form_page(listing, form), unprocessable(form)


def _ask_as_member(listing: Listing) -> ResponseReturnValue:
    form, actor = QuestionForm(), current_actor()
    if form.validate_on_submit():
        over = over_limit(form, (MESSAGES_BY_ACCOUNT, actor.user_id or 0))
        if over:
            return refused(_form_page(load_listing(listing.id), form), over)
        try:
            with applying(form) as attempt:
                enquiry = services.ask_as_member(
                    db.session, actor, listing=listing, body=form.body.data, now=clock.now()
                )
            if attempt.ok:
                flash(_("Your question is sent. The answer comes by mail, and stands here."), "success")
                return redirect(url_for(".show", enquiry_id=enquiry.id), 303)
        except Conflict as conflict:
            add_error(form, FieldError(field="", message=conflict.message, params=conflict.params))
    return _form_page(listing, form), unprocessable(form)


def _form_page(listing: Listing, form: QuestionForm) -> str:
    return render_template("enquiries/new.html", listing=listing, form=form, longest=services.LONGEST)


@bp.get("/enquiries/sent")
@requires(Permission.PUBLIC)
def sent() -> ResponseReturnValue:
    return render_template("enquiries/sent.html", email=session.get(MAILED_TO))


# By the visitor's link --------------------------------------------------------------------------------------------


@bp.get("/enquiries/with/<token>")
@requires(Permission.PUBLIC)
def by_link(token: str) -> ResponseReturnValue:
    """Before it is confirmed a button, which mail scanners do not press; after that what was written."""
    try:
        enquiry = services.enquiry_of_link(db.session, token=token, signer=link_signer(), now=clock.now())
    except DeadLink as dead:
        return dead_link_page(dead)
    return _visitors_page(enquiry, token=token, form=MessageForm())


@bp.post("/enquiries/with/<token>/confirm")
@requires(Permission.PUBLIC)
def confirm(token: str) -> ResponseReturnValue:
    try:
        services.confirm(db.session, token=token, signer=link_signer(), now=clock.now())
        flash(_("Your question is sent. You get the answer by mail."), "success")
    except DeadLink as dead:
        return dead_link_page(dead)
    except Conflict as conflict:
        flash(translate(conflict.message, conflict.params), "warning")
    return redirect(url_for(".by_link", token=token), 303)


@bp.post("/enquiries/with/<token>")
@requires(Permission.PUBLIC)
def write_by_link(token: str) -> ResponseReturnValue:
    form, now = MessageForm(), clock.now()
    try:
        if form.validate_on_submit():
            over = over_limit(form, (ENQUIRIES_BY_CLIENT, client()))
            enquiry = services.enquiry_of_link(db.session, token=token, signer=link_signer(), now=now, hold=True)
            if over:
                return refused(_visitors_page(enquiry, token=token, form=form), over)
            if _write_more(enquiry, form):
                return redirect(url_for(".by_link", token=token), 303)
        enquiry = services.enquiry_of_link(db.session, token=token, signer=link_signer(), now=now)
    except DeadLink as dead:
        return dead_link_page(dead)
    return _visitors_page(enquiry, token=token, form=form), unprocessable(form)


def _write_more(enquiry: Enquiry, form: MessageForm) -> bool:
    try:
        with applying(form) as attempt:
            services.write_more(db.session, enquiry, body=form.body.data, now=clock.now())
    except Conflict as conflict:
        add_error(form, FieldError(field="", message=conflict.message, params=conflict.params))
        return False
    if attempt.ok:
        flash(_("Sent."), "success")
    return attempt.ok


def _visitors_page(enquiry: Enquiry, *, token: str | None, form: MessageForm) -> str:
    """`token` is None for whoever is logged in with the address of the enquiry."""
    return render_template("enquiries/visitor.html", enquiry=enquiry, token=token, form=form)


# On the pages -----------------------------------------------------------------------------------------------------


@bp.get("/enquiries")
@requires(Permission.ACCOUNT)
def index() -> ResponseReturnValue:
    actor = current_actor()
    own = tuple(membership.organisation_id for membership in actor.memberships)
    shows_sent = request.args.get("show") == "sent" or not own
    waiting_only = bool(request.args.get("waiting"))
    user_id, cursor = actor.user_id or 0, cursor_from_address()
    if shows_sent:
        page = queries.sent_enquiries(db.session, email=actor.email, user_id=user_id, cursor=cursor)
    else:
        page = queries.received_enquiries(
            db.session, organisation_ids=own, user_id=user_id, waiting_only=waiting_only, cursor=cursor
        )
    return render_template(
        "enquiries/index.html",
        rows=page.items,
        shows_sent=shows_sent,
        has_own=bool(own),
        waiting_only=waiting_only,
        waiting=queries.count_waiting(db.session, organisation_ids=own) if own else 0,
        links=page_links(page, ".index", show="sent" if shows_sent else None, waiting=1 if waiting_only else None),
    )


@bp.get("/enquiries/<id:enquiry_id>")
@requires(Permission.VIEW_ENQUIRY, subject=load_enquiry)
def show(enquiry: Enquiry) -> ResponseReturnValue:
    return _page(enquiry, _form_for(enquiry))


@bp.post("/enquiries/<id:enquiry_id>/messages")
@requires(Permission.WRITE_IN_ENQUIRY, subject=load_enquiry)
def write(enquiry: Enquiry) -> ResponseReturnValue:
    form, actor = _form_for(enquiry), current_actor()
    if form.validate_on_submit():
        over = over_limit(form, (MESSAGES_BY_ACCOUNT, actor.user_id or 0))
        if over:
            return refused(_page(load_enquiry(enquiry.id), form), over)
        if actor.can_edit(enquiry.organisation_id):
            is_written = _answer(enquiry, form)
        else:
            is_written = _write_more(answers.held_enquiry(db.session, enquiry_id=enquiry.id), form)
        if is_written:
            return redirect(url_for(".show", enquiry_id=enquiry.id), 303)
    return _page(enquiry, form), unprocessable(form)


def _form_for(enquiry: Enquiry) -> MessageForm:
    return AnswerForm() if current_actor().can_edit(enquiry.organisation_id) else MessageForm()


def _page(enquiry: Enquiry, form: MessageForm) -> str:
    """The owner's side of it for the owner's people and administrators, else the visitor's."""
    actor = current_actor()
    if not actor.is_member(enquiry.organisation_id) and not actor.is_admin:
        return _visitors_page(enquiry, token=None, form=form)
    return render_template(
        "enquiries/show.html",
        enquiry=enquiry,
        form=form,
        is_unread=queries.is_unread(db.session, enquiry_id=enquiry.id, user_id=actor.user_id or 0),
        seen=stamp(clock.now()),
    )


def _answer(enquiry: Enquiry, form: MessageForm) -> bool:
    try:
        with applying(form) as attempt:
            answers.answer(
                db.session,
                current_actor(),
                enquiry_id=enquiry.id,
                body=form.body.data,
                signer=link_signer(),
                now=clock.now(),
            )
    except Conflict as conflict:
        add_error(form, FieldError(field="", message=conflict.message, params=conflict.params))
        return False
    if attempt.ok:
        flash(_("Your answer is on its way by mail."), "success")
    return attempt.ok


@bp.post("/enquiries/<id:enquiry_id>/close")
@requires(Permission.ANSWER_ENQUIRY, subject=load_enquiry)
def close(enquiry: Enquiry) -> ResponseReturnValue:
    is_unwanted = request.form.get("unwanted") == "yes"
    answers.close(db.session, current_actor(), enquiry_id=enquiry.id, is_unwanted=is_unwanted, now=clock.now())
    flash(_("Closed. Nothing more comes from that address.") if is_unwanted else _("Closed."), "success")
    return redirect(url_for(".show", enquiry_id=enquiry.id), 303)


@bp.post("/enquiries/<id:enquiry_id>/reopen")
@requires(Permission.ANSWER_ENQUIRY, subject=load_enquiry)
def reopen(enquiry: Enquiry) -> ResponseReturnValue:
    answers.reopen(db.session, current_actor(), enquiry_id=enquiry.id)
    flash(_("The enquiry is open again."), "success")
    return redirect(url_for(".show", enquiry_id=enquiry.id), 303)


@bp.post("/enquiries/<id:enquiry_id>/invite")
@requires(Permission.ANSWER_ENQUIRY, subject=load_enquiry)
def invite(enquiry: Enquiry) -> ResponseReturnValue:
    try:
        is_new = answers.invite(
            db.session, current_actor(), enquiry_id=enquiry.id, signer=link_signer(), now=clock.now()
        )
        flash(_("The invitation is on its way by mail.") if is_new else _("They have been invited already."), "success")
    except Conflict as conflict:
        flash(translate(conflict.message, conflict.params), "warning")
    return redirect(url_for(".show", enquiry_id=enquiry.id), 303)


@bp.post("/enquiries/<id:enquiry_id>/read")
@requires(Permission.VIEW_ENQUIRY, subject=load_enquiry)
def read(enquiry: Enquiry) -> ResponseReturnValue:
    now = clock.now()
    answers.mark_read(db.session, current_actor(), enquiry=enquiry, seen_at=seen_at() or now, now=now)
    return redirect(url_for(".show", enquiry_id=enquiry.id), 303)
