"""The loads of a deal: reported by hand, looked at, confirmed, disputed, corrected and voided."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import uuid4

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace import clock, db
from marketplace.clock import OSLO
from marketplace.errors import Conflict, InvalidInput, NotFound
from marketplace.file_types import LIMIT_BYTES, MEBIBYTE, FileType
from marketplace.filters import tonnes
from marketplace.forms.tickets import (
    ESTIMATED,
    WEIGHED,
    CorrectionForm,
    DisputeForm,
    TicketForm,
    VoidForm,
)
from marketplace.i18n import translate
from marketplace.models import Deal, Ticket
from marketplace.permissions import Permission
from marketplace.queries.look_alikes import ALIKE_WITHIN, look_alikes
from marketplace.queries.tickets import ticket_versions
from marketplace.services.documents import THUMBNAIL
from marketplace.services.ticket_corrections import correct_ticket, void_ticket
from marketplace.services.ticket_reports import TicketReport
from marketplace.services.tickets import (
    CONFIRMED_AT_ONCE,
    add_ticket,
    confirm_tickets,
    dispute_ticket,
    left_to_deliver_t,
)
from marketplace.storage import NotStored
from marketplace.types import TicketStatus
from marketplace.web import LARGEST_ID
from marketplace.web.access import current_actor, requires
from marketplace.web.deal_page import load_deal, view_of_deal
from marketplace.web.document_files import NO_SCRIPTS, storage
from marketplace.web.gate import report_of
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.submit import applying, refused_in, unprocessable
from marketplace.web.ticket_section import chosen_status, load_of, section_of, warn_of_day

bp = Blueprint("tickets", __name__, url_prefix="/deals/<id:deal_id>/tickets")


@bp.url_value_preprocessor
def allow_a_photo(_endpoint: str | None, _arguments: object) -> None:
    """More than other requests may hold, for who is logged in; before anything has read the form."""
    if request.method == "POST" and not current_actor().is_anonymous:
        request.max_content_length = LIMIT_BYTES + MEBIBYTE


def load_deal_of_ticket(deal_id: int, ticket_id: int) -> Deal:
    return load_deal(deal_id)


def versions_here(deal: Deal) -> tuple[Ticket, ...]:
    """What was ever said of the load that the address names, the newest first."""
    assert request.view_args is not None
    versions = tuple(ticket_versions(db.session, deal_id=deal.id, ticket_id=request.view_args["ticket_id"]))
    if not versions:
        raise NotFound
    return versions


def newest_here(deal: Deal) -> Ticket:
    return versions_here(deal)[0]


# Looking --------------------------------------------------------------------------------------------------------------


@bp.get("")
@requires(Permission.VIEW_DEAL, subject=load_deal)
def index(deal: Deal) -> ResponseReturnValue:
    status = chosen_status()
    section = section_of(deal, view_of_deal(deal), cursor=cursor_from_address(), status=status)
    links = page_links(section.page, ".index", deal_id=deal.id, status=status)
    return render_template(
        "tickets/index.html", deal=deal, tickets=section, status=status, statuses=TicketStatus, links=links
    )


@bp.get("/<id:ticket_id>")
@requires(Permission.VIEW_DEAL, subject=load_deal_of_ticket)
def show(deal: Deal) -> ResponseReturnValue:
    return _ticket_page(deal, form=DisputeForm())


def _ticket_page(deal: Deal, *, form: DisputeForm) -> str:
    versions = versions_here(deal)
    ticket = versions[0]
    counts = [] if ticket.status is TicketStatus.VOIDED else [load_of(ticket)]
    return render_template(
        "tickets/show.html",
        deal=deal,
        ticket=ticket,
        versions=versions,
        look_alike=look_alikes(db.session, deal_id=deal.id, loads=counts).get(ticket.number),
        alike_within_min=int(ALIKE_WITHIN.total_seconds()) // 60,
        tickets=section_of(deal, view_of_deal(deal), cursor=cursor_from_address(), size=1),
        form=form,
    )


@bp.get("/<id:ticket_id>/slip")
@requires(Permission.VIEW_DEAL, subject=load_deal_of_ticket)
def slip(deal: Deal) -> ResponseReturnValue:
    """The photo of this very version's slip; `?size=small` for a small one."""
    assert request.view_args is not None
    wanted = request.view_args["ticket_id"]
    ticket = next(each for each in versions_here(deal) if each.id == wanted)
    if ticket.slip_sha256 is None:
        raise NotFound
    is_small = request.args.get("size") == "small"
    name = f"{ticket.slip_sha256}.{THUMBNAIL}" if is_small else ticket.slip_sha256
    if request.if_none_match.contains(name):
        return Response(status=HTTPStatus.NOT_MODIFIED)
    try:
        content = b"".join(storage().read(name))
    except NotStored:
        raise NotFound from None
    response = Response(content, mimetype=FileType.JPEG.value)
    response.set_etag(name)
    response.headers["Content-Security-Policy"] = NO_SCRIPTS[FileType.JPEG.value]
    response.headers["Content-Disposition"] = "inline"
    response.cache_control.private = response.cache_control.no_cache = True  # asked for anew: rights may have changed
    return response


# Reporting ------------------------------------------------------------------------------------------------------------


@bp.route("/new", methods=["GET", "POST"])
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def new(deal: Deal) -> ResponseReturnValue:
    now = clock.now()
    form = TicketForm(data={"loaded_on": clock.local_date(now), "loaded_at": now.astimezone(OSLO)})
    status = None
    if form.validate_on_submit():
        try:
            with applying(form) as attempt, _day_or_time(form, now=now):
                added = add_ticket(
                    db.session, current_actor(), deal_id=deal.id, report=_report(form), storage=storage(), now=now
                )
            if attempt.ok:
                ticket = added.ticket
                flash(
                    _("Ticket %(number)s is taken in: %(mass)s.", number=ticket.number, mass=tonnes(ticket.mass_t))
                    if added.is_new
                    else _("Ticket %(number)s had been sent already, and counts once.", number=ticket.number),
                    "success",
                )
                warn_of_day(deal, form.loaded_on.data)
                again = "again" in request.form
                return _seen(url_for(".new", deal_id=deal.id) if again else _on_deal(deal))
        except Conflict as refused:
            status = refused_in(form, refused)
    if not form.errors or not form.client_key.data:
        form.client_key.data = str(uuid4())
    page = render_template(
        "tickets/form.html",
        deal=deal,
        form=form,
        ticket=None,
        left_t=left_to_deliver_t(deal),
        today=clock.local_date(now),
    )
    return page, status or unprocessable(form)


@contextmanager
def _day_or_time(form: TicketForm, *, now: datetime) -> Iterator[None]:
    """Say beside the day what is wrong with when a load was driven, unless that day is today and the time is wrong."""
    try:
        yield
    except InvalidInput as refused:
        if form.loaded_on.data == clock.local_date(now):
            raise
        errors = (replace(each, field="loaded_on") if each.field == "loaded_at" else each for each in refused.errors)
        raise InvalidInput(*errors) from refused


def _report(form: TicketForm) -> TicketReport:
    local = datetime.combine(form.loaded_on.data, form.loaded_at.data, tzinfo=OSLO)
    said = report_of(form, loaded_at=local.astimezone(UTC))
    return TicketReport(
        **{name: getattr(said, name) for name in said.__slots__ if name not in {"origin_name", "destination_name"}},
        origin_name=form.origin_name.data or "",
        destination_name=form.destination_name.data or "",
    )


# Confirming and disputing ---------------------------------------------------------------------------------------------


@bp.post("/confirm")
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def confirm(deal: Deal) -> ResponseReturnValue:
    """Those that are ticked; all that wait where the button says so."""
    is_all = request.form.get("all") == "yes"
    chosen = [
        int(text)
        for text in request.form.getlist("ticket")[:CONFIRMED_AT_ONCE]
        if text.isascii() and text.isdecimal() and len(text) < len(str(LARGEST_ID))
    ]
    if not is_all and not chosen:
        flash(_("Tick the loads to confirm first."), "warning")
        return _seen(_back(deal))
    try:
        count = confirm_tickets(
            db.session, current_actor(), deal_id=deal.id, ticket_ids=None if is_all else chosen, now=clock.now()
        )
    except Conflict as refused:
        db.session.rollback()
        flash(translate(refused.message, refused.params), "warning")
        return _seen(_back(deal))
    if count:
        flash(ngettext("One load is confirmed.", "%(num)s loads are confirmed.", count), "success")
        if count == CONFIRMED_AT_ONCE:
            flash(_("That is as many as can be confirmed at once. Go on with the rest."), "info")
    else:
        flash(_("Nothing was left to confirm: these loads have been answered already."), "info")
    return _seen(_back(deal))


@bp.post("/<id:ticket_id>/dispute")
@requires(Permission.ACT_ON_DEAL, subject=load_deal_of_ticket)
def dispute(deal: Deal) -> ResponseReturnValue:
    form = DisputeForm()
    ticket = newest_here(deal)
    status = None
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                dispute_ticket(
                    db.session,
                    current_actor(),
                    deal_id=deal.id,
                    ticket_id=_seen_version(ticket),
                    reason=form.reason.data,
                    now=clock.now(),
                )
            if attempt.ok:
                flash(
                    _("The other side is told what is wrong with ticket %(number)s.", number=ticket.number), "success"
                )
                return _seen(url_for(".show", deal_id=deal.id, ticket_id=ticket.id))
        except Conflict as refused:
            status = refused_in(form, refused)
    return _ticket_page(deal, form=form), status or unprocessable(form)


# Corrections ----------------------------------------------------------------------------------------------------------


@bp.route("/<id:ticket_id>/correct", methods=["GET", "POST"])
@requires(Permission.ACT_ON_DEAL, subject=load_deal_of_ticket)
def correct(deal: Deal) -> ResponseReturnValue:
    ticket = newest_here(deal)
    form = CorrectionForm(data=_answers_of(ticket))
    status = None
    if form.validate_on_submit():
        try:
            with applying(form) as attempt, _day_or_time(form, now=clock.now()):
                corrected = correct_ticket(
                    db.session,
                    current_actor(),
                    deal_id=deal.id,
                    ticket_id=_seen_version(ticket),
                    report=_report(form),
                    reason=form.reason.data,
                    storage=storage(),
                    now=clock.now(),
                )
            if attempt.ok:
                flash(_("Ticket %(number)s is corrected.", number=corrected.number), "success")
                warn_of_day(deal, form.loaded_on.data)
                return _seen(url_for(".show", deal_id=deal.id, ticket_id=corrected.id))
        except Conflict as refused:
            status = refused_in(form, refused)
    if not form.errors or not form.client_key.data:
        form.client_key.data = str(uuid4())
    left_t = left_to_deliver_t(deal) + ticket.counted_t
    page = render_template(
        "tickets/form.html", deal=deal, form=form, ticket=ticket, left_t=left_t, today=clock.local_date(clock.now())
    )
    return page, status or unprocessable(form)


@bp.route("/<id:ticket_id>/void", methods=["GET", "POST"])
@requires(Permission.ACT_ON_DEAL, subject=load_deal_of_ticket)
def void(deal: Deal) -> ResponseReturnValue:
    ticket = newest_here(deal)
    form = VoidForm()
    status = None
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                voided = void_ticket(
                    db.session,
                    current_actor(),
                    deal_id=deal.id,
                    ticket_id=_seen_version(ticket),
                    reason=form.reason.data,
                    now=clock.now(),
                )
            if attempt.ok:
                flash(_("Ticket %(number)s counts for nothing any more.", number=voided.number), "success")
                return _seen(url_for(".show", deal_id=deal.id, ticket_id=voided.id))
        except Conflict as refused:
            status = refused_in(form, refused)
    return render_template("tickets/void.html", deal=deal, form=form, ticket=ticket), status or unprocessable(form)


def _answers_of(ticket: Ticket) -> dict[str, object]:
    local = ticket.loaded_at.astimezone(OSLO)
    return {
        "number": ticket.number,
        "mass_t": ticket.mass_t,
        "measure": WEIGHED if ticket.is_weighed else ESTIMATED,
        "vehicle_registration": ticket.vehicle_registration,
        "loaded_on": local.date(),
        "loaded_at": local,
        "carrier": ticket.carrier,
        "origin_name": ticket.origin_name,
        "destination_name": ticket.destination_name,
        "note": ticket.note,
    }


def _seen_version(ticket: Ticket) -> int:
    """The version that was on the screen: nobody corrects what they never saw."""
    seen = request.form.get("version", "")
    return int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < len(str(LARGEST_ID)) else ticket.id


def _seen(address: str) -> ResponseReturnValue:
    return redirect(address, HTTPStatus.SEE_OTHER)


def _on_deal(deal: Deal) -> str:
    return url_for("deals.show", deal_id=deal.id, _anchor="tickets")


def _back(deal: Deal) -> str:
    """To the list that the loads were ticked in."""
    if request.form.get("list") == "all":
        status = request.form.get("status", "")
        return url_for(".index", deal_id=deal.id, status=status if status in set(TicketStatus) else None)
    return _on_deal(deal)
