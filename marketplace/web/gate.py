"""The page at a gate: whoever has its address reports loads, without an account and with a bad network.

The address is what permits, so no cookie of the phone's matters and nothing here asks for one. With scripts, a ticket
is kept on the phone until it has got through (`static/js/gate.js`), and the page opens again without a network
(`gate-worker.js`, served below /gate/ so that it looks after nothing else).
"""

from contextlib import closing
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from uuid import UUID, uuid4

from flask import Blueprint, Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.acting import Acting, act_as
from marketplace.clock import OSLO
from marketplace.errors import Conflict, FieldError, TooManyAttempts, status_of
from marketplace.file_types import LIMIT_BYTES, MEBIBYTE
from marketplace.filters import tonnes
from marketplace.forms.tickets import GateForm, LoadForm
from marketplace.i18n import translate
from marketplace.models import GateLink
from marketplace.permissions import Permission
from marketplace.queries.tickets import loads_by_link
from marketplace.services.gate_links import (
    SENT_WITHIN,
    STOPPED,
    Gate,
    GateClosed,
    GateSigner,
    gate_of_token,
    require_open,
)
from marketplace.services.links import DeadLink
from marketplace.services.ticket_reports import TicketReport
from marketplace.services.tickets import Added, add_ticket, left_to_deliver_t
from marketplace.web.access import requires
from marketplace.web.document_files import storage
from marketplace.web.errors import error_response, wants_json
from marketplace.web.limits import GATE_BY_LINK, count_attempt
from marketplace.web.security import csrf
from marketplace.web.submit import add_error, applying, unprocessable

bp = Blueprint("gate", __name__, url_prefix="/gate")
csrf.exempt(bp)

REPORT_BYTES = LIMIT_BYTES + MEBIBYTE
WORKER = "js/gate-worker.js"


@bp.url_value_preprocessor
def allow_a_photo(_endpoint: str | None, arguments: dict[str, str] | None) -> None:
    """More than other requests may hold, for who has an address of ours; before anything has read the form."""
    if request.method == "POST" and arguments and gate_signer().read(arguments.get("token", "")) is not None:
        request.max_content_length = REPORT_BYTES


@bp.after_request
def keep_private(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"  # the address is the key
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@bp.get("/worker.js")
@requires(Permission.PUBLIC)
def worker() -> Response:
    """The service worker. Its address bounds what it looks after: the pages of gates, and no other."""
    script = Path(current_app.static_folder or "", WORKER).read_text(encoding="utf-8")
    return Response(script, mimetype="text/javascript")


@bp.route("/<token>", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def report(token: str) -> ResponseReturnValue:
    try:
        gate, link = gate_of_token(db.session, token, signer=gate_signer())
    except DeadLink as dead:
        return _dead(dead)
    if request.method == "POST":
        return _take(gate, link, token=token)
    try:
        require_open(db.session, link, now=clock.now())
    except GateClosed as closed:
        return _dead(closed)
    return _page(link, GateForm(formdata=None, data={"loaded_at": _now_at(link)}), token=token)


def gate_signer() -> GateSigner:
    settings = current_app.settings  # type: ignore[attr-defined]  # set by build_app
    return GateSigner(settings.secret_key.get_secret_value())


# Taking a load --------------------------------------------------------------------------------------------------------


def _take(gate: Gate, link: GateLink, *, token: str) -> ResponseReturnValue:
    form = GateForm()
    act_as(db.session, Acting(label=f"gate:{gate.link_id}"))
    try:
        count_attempt((GATE_BY_LINK, gate.link_id))
        if form.validate_on_submit():
            with applying(form) as attempt:
                added = add_ticket(
                    db.session,
                    gate,
                    deal_id=gate.deal_id,
                    report=_report(form, link),
                    storage=storage(),
                    now=clock.now(),
                )
            if attempt.ok:
                return _taken(added, token=token)
    except (Conflict, TooManyAttempts) as refused:
        if isinstance(refused, GateClosed) and wants_json():
            return _closed(refused)
        if wants_json():
            raise  # the edge's own answer says it, with its status
        db.session.rollback()
        add_error(form, FieldError(field="", message=refused.message, params=refused.params))
        page = make_response(_page(link, form, token=token), status_of(refused))
        if isinstance(refused, TooManyAttempts):
            page.headers["Retry-After"] = str(refused.retry_after_s)
        return page
    if wants_json():
        return _refused(form)
    return _page(link, form, token=token), unprocessable(form)


def _report(form: LoadForm, link: GateLink) -> TicketReport:
    local = datetime.combine(link.valid_on, form.loaded_at.data, tzinfo=OSLO)
    return report_of(form, loaded_at=local.astimezone(UTC))


def report_of(form: LoadForm, *, loaded_at: datetime) -> TicketReport:
    """What a form says of a load, with the photo that came along."""
    assert form.mass_t.data is not None, "required"
    return TicketReport(
        number=form.number.data or "",
        loaded_at=loaded_at,
        vehicle_registration=form.vehicle_registration.data or "",
        mass_t=form.mass_t.data,
        is_weighed=form.is_weighed,
        carrier=form.carrier.data or "",
        note=form.note.data or "",
        client_key=key_of(form),
        slip=_photo(),
    )


def _photo() -> bytes | None:
    sent = request.files.get("slip")
    if sent is None or not sent.filename:
        return None
    with closing(sent):
        return sent.read(LIMIT_BYTES + 1)


def key_of(form: LoadForm) -> UUID | None:
    """The sender's name for the sending; None where it is none."""
    try:
        return UUID(form.client_key.data or "")
    except ValueError:
        return None


def _taken(added: Added, *, token: str) -> ResponseReturnValue:
    ticket = added.ticket
    if wants_json():
        said = {"number": ticket.number, "mass_t": str(ticket.mass_t), "is_new": added.is_new}
        return said, HTTPStatus.CREATED if added.is_new else HTTPStatus.OK
    message = (
        _("Ticket %(number)s is sent: %(mass)s.", number=ticket.number, mass=tonnes(ticket.mass_t))
        if added.is_new
        else _("Ticket %(number)s had been sent already, and counts once.", number=ticket.number)
    )
    flash(message, "success")
    return redirect(url_for(".report", token=token), HTTPStatus.SEE_OTHER)


def _refused(form: GateForm) -> ResponseReturnValue:
    """What cannot be taken, for the script that keeps the ticket on the phone."""
    errors = {name: [str(each) for each in found] for name, found in form.errors.items() if name}
    said = [f"{form[name].label.text}: {each}" for name, found in errors.items() for each in found]
    problem = {
        "type": "about:blank",
        "title": HTTPStatus.UNPROCESSABLE_ENTITY.phrase,
        "status": HTTPStatus.UNPROCESSABLE_ENTITY.value,
        "detail": " ".join([*map(str, form.form_errors), *said]),
        "errors": errors,
    }
    response = make_response(problem, HTTPStatus.UNPROCESSABLE_ENTITY)
    response.mimetype = "application/problem+json"
    return response


def _closed(dead: DeadLink | GateClosed) -> ResponseReturnValue:
    """The edge's own answer, with `closed` where the link never takes a load again: sending again is no use."""
    response = error_response(status_of(dead), message=translate(dead.message, dead.params))
    db.session.rollback()
    problem = {**response.get_json(), "closed": dead.message != STOPPED}
    return make_response(problem, status_of(dead), {"Content-Type": response.mimetype})


# The page -------------------------------------------------------------------------------------------------------------


def _page(link: GateLink, form: GateForm, *, token: str) -> str:
    """The form, under a new name for what is sent next unless it came back with errors."""
    if not form.errors or not form.client_key.data:
        form.client_key.data = str(uuid4())
    count, mass_t = loads_by_link(db.session, link_id=link.id)
    return render_template(
        "gate/show.html",
        form=form,
        link=link,
        deal=link.deal,
        token=token,
        count=count,
        mass_t=mass_t,
        left_t=left_to_deliver_t(link.deal),
        is_early=clock.local_date(clock.now()) < link.valid_on,
        is_late=clock.local_date(clock.now()) > link.valid_on,
        until=link.valid_on + SENT_WITHIN,
        limit_bytes=LIMIT_BYTES,
    )


def _now_at(link: GateLink) -> datetime | None:
    """The time to begin with: now, on the link's own day."""
    now = clock.now()
    return now.astimezone(OSLO) if clock.local_date(now) == link.valid_on else None


def _dead(dead: DeadLink | GateClosed) -> ResponseReturnValue:
    """Why nothing is taken; what waits on the phone is still shown, since nobody else has it."""
    if wants_json():
        return _closed(dead)
    page = render_template("gate/dead.html", message=translate(dead.message, dead.params))
    return make_response(page, status_of(dead))
