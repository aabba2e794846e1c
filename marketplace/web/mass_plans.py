"""A project's mass-balance plan: its page, its rows one by one, and a quarter copied to another."""

from dataclasses import replace
from datetime import date
from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from geo.materials import taxonomy
from geo.quarters import Quarter
from marketplace import clock, db
from marketplace.errors import NotFound
from marketplace.forms.mass_plans import (
    CopyQuarterForm,
    PlanRowForm,
    quarter_label,
    quarter_value,
    read_quarter,
)
from marketplace.i18n import translate
from marketplace.models import MassPlanRow, Project
from marketplace.permissions import Permission
from marketplace.plan_values import ACTUALS, PARTS, PlanRowValues
from marketplace.queries import mass_plans as queries
from marketplace.services import mass_plans as services
from marketplace.services.editing import ChangedMeanwhile
from marketplace.services.mass_plans import EditedRow, PlanChange, plan_version
from marketplace.services.plan_listings import DraftChanges
from marketplace.services.reductions import record_actuals
from marketplace.web.access import current_actor, requires
from marketplace.web.plan_view import plan_view, quarters_between
from marketplace.web.projects import load_project
from marketplace.web.reduction_words import how_ranges_are_put_together
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("mass_plans", __name__)

QUARTERS_BEFORE, QUARTERS_AFTER = 4, 8
"""How far a plan can begin before its project, or today, and go on after it."""


@bp.app_template_filter("material_group")
def material_group(key: str) -> str:
    """The group a material is coloured by."""
    return taxonomy().material(key).group.value


def load_row(project_id: int, row_id: int) -> MassPlanRow:
    row = queries.row_with_project(db.session, row_id=row_id)
    if row is None or row.project_id != project_id or queries.is_emptied(row):
        raise NotFound
    return row


def today() -> date:
    return clock.local_date(clock.now())


# The plan -------------------------------------------------------------------------------------------------------------


@bp.get("/projects/<id:project_id>/plan")
@requires(Permission.VIEW_PLAN, subject=load_project)
def show(project: Project) -> ResponseReturnValue:
    return plan_page(project)


def plan_page(project: Project, *, copy_form: CopyQuarterForm | None = None) -> str:
    session = db.session
    rows = queries.rows_of_project(session, project_id=project.id)
    view = plan_view(
        project,
        rows,
        queries.made_listings(session, project_id=project.id),
        queries.targets_of_project(session, project_id=project.id),
        today=today(),
    )
    if copy_form is None:
        copy_form = CopyQuarterForm(data=_copy_defaults(view.planned))
        copy_form.offer(planned=view.planned, offered=offered_quarters(project, view.planned))
    return render_template(
        "mass_plans/show.html",
        project=project,
        view=view,
        copy_form=copy_form,
        today=today(),
        this_year=today().year,
        quarter_label=quarter_label,
        quarter_value=quarter_value,
        ranges_text=how_ranges_are_put_together(),
    )


def offered_quarters(project: Project, planned: tuple[Quarter, ...] = ()) -> list[Quarter]:
    """The quarters that can be planned for: the project's, with some before and after, and those planned already."""
    now = Quarter.of(today())
    first, last = min(Quarter.of(project.starts_on), now), max(Quarter.of(project.ends_on), now)
    wide = quarters_between(first.shifted(-QUARTERS_BEFORE), last.shifted(QUARTERS_AFTER))
    return sorted({*wide, *planned})


def _copy_defaults(planned: tuple[Quarter, ...]) -> dict[str, object]:
    last = max(planned, default=None)
    return {} if last is None else {"source": quarter_value(last), "target": quarter_value(last.next)}


# One row --------------------------------------------------------------------------------------------------------------


@bp.route("/projects/<id:project_id>/plan/rows/new", methods=["GET", "POST"])
@requires(Permission.EDIT_PLAN, subject=load_project)
def new_row(project: Project) -> ResponseReturnValue:
    form = PlanRowForm(data={"time": _wanted_time(project)})
    form.offer(offered_quarters(project))
    if form.validate_on_submit():
        values = form.values(material_key=form.material_key.data, quarter=read_quarter(form.time.data))
        with applying(form) as attempt:
            change = services.save_row(
                db.session,
                current_actor(),
                project_id=project.id,
                row=EditedRow(values=_with_actuals(values, form)),
                now=clock.now(),
            )
        if attempt.ok:
            say(change)
            if request.form.get("action") == "another":
                return redirect(url_for(".new_row", project_id=project.id, time=form.time.data))
            return redirect(url_for(".show", project_id=project.id))
    return _row_page(form, project=project, row=None), unprocessable(form)


@bp.route("/projects/<id:project_id>/plan/rows/<id:row_id>", methods=["GET", "POST"])
@requires(Permission.EDIT_PLAN, subject=load_row)
def edit_row(row: MassPlanRow) -> ResponseReturnValue:
    form = PlanRowForm(data=row_data(row) | {"version": plan_version([row])})
    form.fix_place()
    status = HTTPStatus.OK
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                change = _save(row, form)
            if attempt.ok:
                say(change)
                return redirect(url_for(".show", project_id=row.project_id))
        except ChangedMeanwhile as conflict:
            status = HTTPStatus.CONFLICT
            tell_changed(form, conflict, _version_of_row(row.id))
    if status is HTTPStatus.OK:
        status = unprocessable(form)
    return _row_page(form, project=row.project, row=row), status


def _save(row: MassPlanRow, form: PlanRowForm) -> PlanChange:
    session, actor, now = db.session, current_actor(), clock.now()
    values = form.values(material_key=row.material_key, quarter=queries.time_of(row))
    change = services.save_row(
        session,
        actor,
        project_id=row.project_id,
        row=EditedRow(values=_with_actuals(values, form), row_id=row.id),
        now=now,
        seen_version=form.version.data or None,
    )
    if form.actuals() != {name: getattr(row, name) for name in ACTUALS}:
        record_actuals(session, actor, row_id=row.id, actuals=form.actuals(), now=now)
        change.changed = 1
    return change


def _with_actuals(values: PlanRowValues, form: PlanRowForm) -> PlanRowValues:
    figures: dict[str, Any] = form.actuals()
    return replace(values, **figures)


def _version_of_row(row_id: int) -> str:
    db.session.expire_all()
    row = queries.row_with_project(db.session, row_id=row_id)
    return "" if row is None else plan_version([row])


@bp.post("/projects/<id:project_id>/plan/rows/<id:row_id>/remove")
@requires(Permission.EDIT_PLAN, subject=load_row)
def remove_row(row: MassPlanRow) -> ResponseReturnValue:
    project_id = row.project_id
    change = services.save_row(
        db.session,
        current_actor(),
        project_id=project_id,
        row=EditedRow(values=services.values_of(row), row_id=row.id, is_removed=True),
        now=clock.now(),
    )
    say(change)
    return redirect(url_for(".show", project_id=project_id))


def _row_page(form: PlanRowForm, *, project: Project, row: MassPlanRow | None) -> str:
    return render_template(
        "mass_plans/row.html",
        form=form,
        project=project,
        row=row,
        quarter=quarter_label(queries.time_of(row)) if row else None,
        # what can have come to something: a quarter that has begun, or one that is not chosen yet
        asks_outcome=row is None or queries.time_of(row).first_day <= today(),
        has_outcome=row is not None and queries.outcome_of(row) is not None,
    )


def _wanted_time(project: Project) -> str:
    """The quarter an address asks for, else the first of the project that is not over."""
    try:
        return quarter_value(read_quarter(request.args.get("time", "")))
    except ValueError:
        return quarter_value(Quarter.of(min(max(project.starts_on, today()), project.ends_on)))


def row_data(row: MassPlanRow) -> dict[str, object]:
    """What a form shows of a row; an end that is the likely figure is left empty, as it was or could have been."""
    data: dict[str, object] = {"note": row.note} | {name: getattr(row, name) for name in ACTUALS}
    for part in PARTS:
        likely = getattr(row, f"{part}_t")
        ends = {name: getattr(row, name) for name in (f"{part}_low_t", f"{part}_high_t")}
        is_exact = set(ends.values()) == {likely}
        data |= {name: None if is_exact else value for name, value in ends.items()}
        data[f"{part}_t"] = likely
    return data


def tell_changed(form: Any, conflict: ChangedMeanwhile, version: str) -> None:
    """Say that somebody was faster; sending the form once more is then a decision to overwrite."""
    form.form_errors.append(translate(conflict.message, conflict.params))
    form.version.data = version
    form.version.raw_data = [version]


# A quarter for another ------------------------------------------------------------------------------------------------


@bp.post("/projects/<id:project_id>/plan/copy")
@requires(Permission.EDIT_PLAN, subject=load_project)
def copy(project: Project) -> ResponseReturnValue:
    planned = tuple(queries.by_quarter(queries.rows_of_project(db.session, project_id=project.id)))
    form = CopyQuarterForm()
    form.offer(planned=planned, offered=offered_quarters(project, planned))
    if form.validate_on_submit():
        with applying(form) as attempt:
            change = services.copy_quarter(
                db.session,
                current_actor(),
                project_id=project.id,
                source=read_quarter(form.source.data),
                target=read_quarter(form.target.data),
                now=clock.now(),
            )
        if attempt.ok:
            if change.left:
                flash(
                    ngettext(
                        "%(num)s material was planned there already, and was left as it is.",
                        "%(num)s materials were planned there already, and were left as they are.",
                        change.left,
                    ),
                    "info",
                )
            say(change)
            return redirect(url_for(".show", project_id=project.id))
    return plan_page(project, copy_form=form), unprocessable(form)


# Words ----------------------------------------------------------------------------------------------------------------


def say(change: PlanChange) -> None:
    """What became of the plan, and of the listings that hang on it."""
    if change.added or change.changed or change.removed:
        flash(_("The plan is saved."), "success")
    else:
        flash(_("The plan already said this."), "info")
    say_drafts(change.drafts)


def say_drafts(drafts: DraftChanges) -> None:
    if drafts.updated:
        flash(
            ngettext(
                "%(num)s draft listing was brought in step with the plan.",
                "%(num)s draft listings were brought in step with the plan.",
                drafts.updated,
            ),
            "info",
        )
    if drafts.removed:
        flash(
            ngettext(
                "%(num)s draft listing that nobody had worked on was removed with its masses.",
                "%(num)s draft listings that nobody had worked on were removed with their masses.",
                drafts.removed,
            ),
            "info",
        )
    if drafts.kept or drafts.flagged:
        flash(
            ngettext(
                "%(num)s listing now says otherwise than the plan. Nothing was changed in it; decide for yourself.",
                "%(num)s listings now say otherwise than the plan. Nothing was changed in them; decide for yourself.",
                drafts.kept + drafts.flagged,
            ),
            "warning",
        )
