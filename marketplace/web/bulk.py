"""Imports: handing in a file of many rows, seeing what is wrong with it, and applying what is good."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace import clock, db
from marketplace.errors import Conflict, NotFound
from marketplace.filters import datetime_
from marketplace.forms.bulk import ImportForm
from marketplace.forms.fields import decimal_sign
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.models import ImportBatch, ImportRow
from marketplace.permissions import Permission, allows
from marketplace.queries import bulk as queries
from marketplace.queries.paging import Cursor
from marketplace.queries.projects import ProjectOption, project_options
from marketplace.services import bulk as services
from marketplace.services import bulk_preview as preview
from marketplace.services import bulk_staging as staging
from marketplace.services.bulk_kinds import columns_of, kind_meant
from marketplace.services.bulk_rows import header_of, problem_from
from marketplace.services.bulk_staging import GivenFile, MissingColumns, Staged
from marketplace.types import ImportKind, ImportStatus
from marketplace.web import bulk_files as files
from marketplace.web.access import current_actor, requires
from marketplace.web.downloads import CSV, XLSX, download, locale
from marketplace.web.paging import cursor_from_address, id_from_address, page_links
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("imports", __name__, url_prefix="/imports")

ROOM_FOR_THE_FORM = 1024 * 1024
WORKING = (ImportStatus.STAGED, ImportStatus.APPLYING)
BAD, NOTED, GOOD = "bad", "noted", "good"
"""In the address of a page: which rows it shows. Noted ones were applied, and are not all that was wanted."""


type Understood = preview.UnderstoodListing | preview.UnderstoodPlanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemLine:
    """One thing that is wrong with a row: where it stands, what stands there, and why it cannot."""

    line: int
    column: str
    cell: str
    reason: str
    listing_id: int | None


@bp.url_value_preprocessor
def allow_files(_endpoint: str | None, _arguments: object) -> None:
    """More than other requests may hold, for who is logged in; before anything has read the form."""
    if request.method == "POST" and not current_actor().is_anonymous:
        request.max_content_length = staging.LIMITS.file_bytes + ROOM_FOR_THE_FORM
        request.max_form_memory_size = staging.LIMITS.file_bytes


def load_batch(batch_id: int) -> ImportBatch:
    batch = queries.batch_for_page(db.session, batch_id=batch_id)
    if batch is None:
        raise NotFound
    return batch


@bp.get("")
@requires(Permission.ACCOUNT)
def index() -> ResponseReturnValue:
    own = tuple(membership.organisation_id for membership in current_actor().memberships)
    page = queries.batches_of(db.session, organisation_ids=own, cursor=cursor_from_address())
    return render_template(
        "bulk/index.html", batches=page.items, several=len(own) > 1, links=page_links(page, ".index")
    )


# Handing in -------------------------------------------------------------------------------------------------------


@bp.route("/new", methods=["GET", "POST"])
@requires(Permission.CREATE_LISTING)
def new() -> ResponseReturnValue:
    actor = current_actor()
    projects = _projects(first_id=id_from_address("project"))
    wanted = next((each for each in projects if each.id == id_from_address("project")), None)
    form = ImportForm(
        data={
            "kind": ImportKind.PLAN.value if request.args.get("kind") == ImportKind.PLAN else ImportKind.LISTINGS.value,
            "organisation_id": wanted.organisation_id if wanted else actor.editable[0].organisation_id,
            "project_id": wanted.id if wanted else None,
        }
    )
    form.offer(projects, actor.editable)
    if form.validate_on_submit():
        given = _given(form)
        if given is not None and (staged := _stage(form, given, projects)) is not None:
            return _after_staging(staged)
    page = render_template(
        "bulk/new.html",
        form=form,
        columns={kind: columns_of(kind) for kind in ImportKind},
        locale_name=locale(),
        has_projects=bool(projects),
    )
    return page, unprocessable(form)


def _projects(*, first_id: int | None) -> tuple[ProjectOption, ...]:
    return project_options(
        db.session,
        organisation_ids=tuple(each.organisation_id for each in current_actor().editable),
        today=clock.local_date(clock.now()),
        first_id=first_id,
    )


def _given(form: ImportForm) -> GivenFile | None:
    """The file, else the pasted cells; None, with a message beside the field, where there is neither."""
    sent = request.files.get("file")
    if sent is not None and sent.filename:
        return GivenFile(data=sent.stream, name=sent.filename, decimal_sign=decimal_sign())  # type: ignore[arg-type]
    if form.text.data and form.text.data.strip():
        return staging.pasted(form.text.data, name=_("Pasted cells"), decimal_sign=decimal_sign())
    form.file.errors = [_("Choose a file, or paste the cells.")]
    return None


def _stage(form: ImportForm, given: GivenFile, projects: tuple[ProjectOption, ...]) -> Staged | None:
    """The staged file; None, with messages in the form, where it cannot be taken."""
    project = next((each for each in projects if each.id == form.project_id.data), None) if form.is_plan else None
    kind = ImportKind(form.kind.data)
    staged: Staged | None = None
    try:
        with applying(form) as attempt:
            staged = staging.stage_file(
                db.session,
                current_actor(),
                organisation_id=project.organisation_id if project else form.organisation_id.data,
                kind=kind,
                project_id=project.id if project else None,
                given=given,
            )
    except MissingColumns as missing:
        names = ", ".join(column.header(locale()) for column in missing.columns)
        field = form[given.field]
        field.errors = [*field.errors, _("The table lacks these columns: %(columns)s.", columns=names)]
    if staged is None and (other := kind_meant(given, instead_of=kind)) is not None:
        form[given.field].errors = [translate(LOOKS_LIKE[other], {})]
    return staged if attempt.ok else None


LOOKS_LIKE = {
    ImportKind.PLAN: N_("This looks like a mass plan. Choose that above, and the project it is for."),
    ImportKind.LISTINGS: N_("This looks like a file of listings. Choose that above."),
}


def _after_staging(staged: Staged) -> ResponseReturnValue:
    if staged.is_known:
        flash(_("This very file is here already. This is how it stands."), "info")
    elif staged.applied_before is not None:
        flash(
            _(
                "This very file was applied %(moment)s. What has not changed since stays as it is.",
                moment=datetime_(staged.applied_before),
            ),
            "info",
        )
    return redirect(url_for(".show", batch_id=staged.batch.id))


@bp.get("/template")
@requires(Permission.CREATE_LISTING)
def template() -> ResponseReturnValue:
    kind = ImportKind.PLAN if request.args.get("kind") == ImportKind.PLAN else ImportKind.LISTINGS
    name = files.FILE_NAMES[kind]
    if request.args.get("format") == "csv":
        return download(files.csv_template(kind), media_type=CSV, name=f"{name}.csv")
    names = [each.name for each in _projects(first_id=None)] if kind is ImportKind.LISTINGS else []
    content = files.xlsx_template(kind, project_names=names)
    return download(content, media_type=XLSX, name=f"{name}.xlsx")


# How it stands ----------------------------------------------------------------------------------------------------


@bp.get("/<id:batch_id>")
@requires(Permission.VIEW_IMPORT, subject=load_batch)
def show(batch: ImportBatch) -> ResponseReturnValue:
    return _page(batch)


def _page(batch: ImportBatch) -> str:
    counts = queries.row_counts(db.session, batch_id=batch.id)
    shown = _shown(counts)
    understood: Sequence[Understood] = []
    cursor = cursor_from_address()
    if shown == GOOD:
        page = queries.usable_rows(db.session, batch_id=batch.id, cursor=cursor)
        if batch.status is not ImportStatus.STAGED:
            understood = _understood(batch, page.rows)
    else:
        page = queries.rows_with_problems(db.session, batch_id=batch.id, is_bad=shown == BAD, cursor=cursor)
    header = header_of(batch, columns_of(batch.kind))
    return render_template(
        "bulk/show.html",
        batch=batch,
        counts=counts,
        is_working=batch.status in WORKING,
        share=_share(batch),
        problem=translate(problem.message, problem.params) if (problem := services.message_of(batch)) else None,
        left_out=[heading for heading in header.unknown if not files.is_reason(heading)],
        known_count=_known_count(batch, counts),
        shown=shown,
        usable_count=counts.usable,
        lines=[*chain.from_iterable(_lines(batch, row) for row in page.rows)] if shown != GOOD else [],
        understood=understood,
        read_otherwise=sorted({row.line for row in page.rows} - {each.line for each in understood}),
        outcomes={row.line: row for row in page.rows},
        previous_url=_rows_url(batch, page.previous, shown=shown),
        next_url=_rows_url(batch, page.following, shown=shown),
        may_edit=allows(Permission.EDIT_IMPORT, current_actor(), batch),
    )


def _shown(counts: queries.RowCounts) -> str:
    """Which rows the page shows: those asked for, else those that somebody has to look at first."""
    asked = request.args.get("rows")
    if asked in (BAD, NOTED, GOOD):
        return asked
    if counts.bad:
        return BAD
    return NOTED if counts.noted else GOOD


def _known_count(batch: ImportBatch, counts: queries.RowCounts) -> int:
    """How many of the good rows are about what is there already."""
    if batch.kind is not ImportKind.PLAN or batch.status is not ImportStatus.CHECKED:
        return counts.known
    references = preview.plan_references(db.session, batch)
    return queries.count_good_with(db.session, batch_id=batch.id, references=references)


def _understood(batch: ImportBatch, rows: Sequence[ImportRow]) -> Sequence[Understood]:
    if batch.kind is ImportKind.PLAN:
        return preview.understood_plan_rows(db.session, batch, rows)
    return preview.understood_listings(db.session, batch, rows, now=clock.now())


def _rows_url(batch: ImportBatch, cursor: Cursor | None, *, shown: str) -> str | None:
    if cursor is None:
        return None
    return url_for(
        ".show",
        batch_id=batch.id,
        rows=shown,
        before=cursor.before,
        after=cursor.after,
        _anchor="rows",
    )


def _lines(batch: ImportBatch, row: ImportRow) -> list[ProblemLine]:
    columns = {column.key: column for column in columns_of(batch.kind)}
    places = header_of(batch, tuple(columns.values())).places
    lines = []
    for problem in map(problem_from, row.problems):
        place = places.get(problem.field)
        column = columns.get(problem.field)
        lines.append(
            ProblemLine(
                line=row.line,
                column=batch.header[place] if place is not None else column.header(locale()) if column else "",
                cell=row.cells[place] if place is not None and place < len(row.cells) else "",
                reason=files.reason_of(problem, columns),
                listing_id=row.listing_id,
            )
        )
    return lines


def _share(batch: ImportBatch) -> int:
    """How much of the work under way is done, in per cent."""
    total = batch.row_count if batch.status is ImportStatus.STAGED else batch.good_count
    return min(100, 100 * batch.done_count // total) if total else 0


@bp.get("/<id:batch_id>/progress")
@requires(Permission.VIEW_IMPORT, subject=load_batch)
def progress(batch: ImportBatch) -> ResponseReturnValue:
    """The part of the page that asks again while the work goes on; the whole page is loaded anew when it is done."""
    part = Response(render_template("bulk/_progress.html", batch=batch, share=_share(batch)))
    if batch.status not in WORKING:
        part.headers["HX-Refresh"] = "true"
    return part


@bp.get("/<id:batch_id>/bad-rows.csv")
@requires(Permission.VIEW_IMPORT, subject=load_batch)
def bad_rows(batch: ImportBatch) -> ResponseReturnValue:
    rows = queries.bad_rows(db.session, batch_id=batch.id)
    content = b"".join(files.bad_rows_csv(batch, rows))  # no larger than the file was
    return download(content, media_type=CSV, name=files.bad_rows_name(batch))


# Applying ---------------------------------------------------------------------------------------------------------


@bp.post("/<id:batch_id>/apply")
@requires(Permission.EDIT_IMPORT, subject=load_batch)
def apply(batch: ImportBatch) -> ResponseReturnValue:
    try:
        services.request_apply(db.session, current_actor(), batch_id=batch.id)
    except Conflict as conflict:
        flash(translate(conflict.message, conflict.params), "warning")
    return redirect(url_for(".show", batch_id=batch.id))


@bp.post("/<id:batch_id>/discard")
@requires(Permission.EDIT_IMPORT, subject=load_batch)
def discard(batch: ImportBatch) -> ResponseReturnValue:
    count = batch.row_count
    try:
        services.discard(db.session, current_actor(), batch_id=batch.id)
    except Conflict as conflict:
        flash(translate(conflict.message, conflict.params), "warning")
        return redirect(url_for(".show", batch_id=batch.id))
    flash(
        ngettext("The file and its row are discarded.", "The file and its %(num)s rows are discarded.", count),
        "success",
    )
    return redirect(url_for(".index"))
