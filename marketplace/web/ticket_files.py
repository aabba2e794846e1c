"""Weighbridge files on a deal's page: handing one in, seeing what each row was understood as, taking it in."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import joinedload
from werkzeug.utils import secure_filename

from marketplace import clock, db
from marketplace.errors import FieldError, NotFound
from marketplace.forms.accounts import EmptyForm
from marketplace.forms.ticket_files import ApplyTicketFileForm, TicketFileForm
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.models import Deal, TicketFile
from marketplace.permissions import Permission
from marketplace.queries.look_alikes import Load, look_alikes
from marketplace.services.ticket_files import (
    LIMITS,
    FileReading,
    FileRow,
    RowState,
    apply_ticket_file,
    discard_ticket_file,
    reading_of,
    require_own,
    stage_ticket_file,
)
from marketplace.services.tickets import left_to_deliver_t
from marketplace.ticket_columns import BY_KEY, TICKET_COLUMNS
from marketplace.web.access import current_actor, requires
from marketplace.web.deal_page import load_deal
from marketplace.web.downloads import CSV, csv_file, download, locale
from marketplace.web.submit import add_error, applying, unprocessable

bp = Blueprint("ticket_files", __name__, url_prefix="/deals")

ROOM_FOR_THE_FORM = 64 * 1024
COLUMN_OF = {"mass_t": "net", "loaded_at": "day"}
"""Where a report's field stands in the file, where it is not called the same."""
ROWS_SHOWN = 500
"""A page with more is too heavy for a phone; what is not shown is counted."""


@bp.url_value_preprocessor
def allow_files(_endpoint: str | None, _arguments: object) -> None:
    """More than other requests may hold, for who is logged in; before anything has read the form."""
    if request.method == "POST" and not current_actor().is_anonymous:
        request.max_content_length = LIMITS.file_bytes + ROOM_FOR_THE_FORM


def load_file(deal_id: int, file_id: int) -> TicketFile:
    staged = db.session.get(TicketFile, file_id, options=(joinedload(TicketFile.deal).selectinload(Deal.offers),))
    if staged is None or staged.deal_id != deal_id:
        raise NotFound(N_("This file has been taken in or thrown away meanwhile."))
    return staged


@bp.route("/<id:deal_id>/ticket-files/new", methods=["GET", "POST"])
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def new(deal: Deal) -> ResponseReturnValue:
    form = TicketFileForm()
    if form.validate_on_submit():
        upload = request.files.get("file")
        if upload is None or not upload.filename:
            add_error(form, FieldError(field="file", message=N_("Choose a file.")))
        else:
            with applying(form) as attempt:
                staged = stage_ticket_file(
                    db.session,
                    current_actor(),
                    deal=deal,
                    file_name=upload.filename,
                    content=upload.read(LIMITS.file_bytes + 1),
                    now=clock.now(),
                )
            if attempt.ok:
                return redirect(url_for(".show", deal_id=deal.id, file_id=staged.id), 303)
    page = render_template("ticket_files/new.html", deal=deal, form=form, columns=TICKET_COLUMNS, locale_name=locale())
    return page, unprocessable(form)


@bp.get("/<id:deal_id>/ticket-files/<id:file_id>")
@requires(Permission.ACT_ON_DEAL, subject=load_file)
def show(staged: TicketFile) -> ResponseReturnValue:
    require_own(staged, current_actor())
    return _page(staged, form=ApplyTicketFileForm())


@bp.post("/<id:deal_id>/ticket-files/<id:file_id>/apply")
@requires(Permission.ACT_ON_DEAL, subject=load_file)
def apply(staged: TicketFile) -> ResponseReturnValue:
    form = ApplyTicketFileForm()
    deal_id = staged.deal_id
    if form.validate_on_submit():
        with applying(form) as attempt:
            reading = apply_ticket_file(
                db.session, current_actor(), staged=staged, only_good=form.only_good.data, now=clock.now()
            )
        if attempt.ok:
            count = reading.count(RowState.NEW)
            flash(ngettext("One load was taken in.", "%(num)s loads were taken in.", count), "success")
            return redirect(url_for("deals.show", deal_id=deal_id, _anchor="tickets"), 303)
    return _page(staged, form=form), unprocessable(form)


@bp.post("/<id:deal_id>/ticket-files/<id:file_id>/discard")
@requires(Permission.ACT_ON_DEAL, subject=load_file)
def discard(staged: TicketFile) -> ResponseReturnValue:
    deal_id = staged.deal_id
    if EmptyForm().validate_on_submit():
        discard_ticket_file(db.session, current_actor(), staged=staged)
        flash(_("The file was thrown away. Nothing of it had been taken in."), "success")
    return redirect(url_for("deals.show", deal_id=deal_id, _anchor="tickets"), 303)


@bp.get("/ticket-files/template.csv")
@requires(Permission.PUBLIC)
def template() -> ResponseReturnValue:
    """The headings, and an example below them."""
    head = [column.header(locale()) for column in TICKET_COLUMNS]
    content = csv_file([head, [column.example(locale()) for column in TICKET_COLUMNS]])
    return download(content, media_type=CSV, name=f"{secure_filename(_('loads-template'))}.csv")


def _page(staged: TicketFile, *, form: ApplyTicketFileForm) -> str:
    reading = reading_of(db.session, staged, now=clock.now())
    return render_template(
        "ticket_files/show.html",
        staged=staged,
        deal=staged.deal,
        form=form,
        reading=reading,
        counts={state.value: reading.count(state) for state in RowState},
        left_t=left_to_deliver_t(staged.deal),
        look_alikes=_look_alikes(staged.deal, reading),
        bad_rows=[(row, _problems(row)) for row in reading.rows if row.state is RowState.BAD][:ROWS_SHOWN],
        other_rows=[row for row in reading.rows if row.state is not RowState.BAD][:ROWS_SHOWN],
        rows_shown=ROWS_SHOWN,
    )


def _look_alikes(deal: Deal, reading: FileReading) -> dict[str, Load]:
    """By the number of each new row that has one: the load, there or in the file, that it looks the same as."""
    new = [row.report for row in reading.rows if row.state is RowState.NEW and row.report is not None]
    loads = [
        Load(
            number=report.number,
            vehicle_registration=report.vehicle_registration,
            mass_t=report.mass_t,
            loaded_at=report.loaded_at,
        )
        for report in new
    ]
    return look_alikes(db.session, deal_id=deal.id, loads=loads)


def _problems(row: FileRow) -> list[tuple[str, str, str]]:
    """What is wrong with a row: the column's name, what stands there, and why it cannot."""
    found = []
    for problem in row.problems:
        key = COLUMN_OF.get(problem.field, problem.field)
        column = BY_KEY.get(key)
        name = column.header(locale()) if column else _("The whole row")
        found.append((name, row.cells.get(key, ""), translate(problem.message, problem.params)))
    return found
