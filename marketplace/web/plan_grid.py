"""A year of a mass-balance plan as a grid: many rows written at once, all of them or none."""

from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import Field

from marketplace import clock, db
from marketplace.errors import FieldError, InvalidInput
from marketplace.forms.mass_plans import GridForm, GridLine
from marketplace.i18n import translate
from marketplace.models import MassPlanRow, Project
from marketplace.permissions import Permission
from marketplace.plan_values import PARTS, PlanRowValues
from marketplace.queries import mass_plans as queries
from marketplace.services import mass_plans as services
from marketplace.services.editing import ChangedMeanwhile
from marketplace.services.mass_plans import EditedRow, PlanChange, plan_version
from marketplace.web.access import current_actor, requires
from marketplace.web.mass_plans import offered_quarters, row_data, say, tell_changed, today
from marketplace.web.projects import load_project

bp = Blueprint("plan_grid", __name__)

BLANK_LINES = 3
LARGEST_ID = 2**63 - 1


@bp.route("/projects/<id:project_id>/plan/grid", methods=["GET", "POST"])
@requires(Permission.EDIT_PLAN, subject=load_project)
def grid(project: Project) -> ResponseReturnValue:
    planned = queries.rows_of_project(db.session, project_id=project.id)
    years = sorted({each.year for each in offered_quarters(project)} | {row.year for row in planned})
    year = _wanted_year(years, planned)
    rows = [row for row in planned if row.year == year]
    if request.method == "GET":
        form = GridForm(data={"rows": [_line_data(row) for row in rows], "version": plan_version(rows)})
        _add_blank_lines(form)
        return _grid_page(form, project=project, year=year, years=years, rows=rows)
    form = GridForm()
    if request.form.get("action") == "more":
        form.rows.errors = []
        _add_blank_lines(form)
        return _grid_page(form, project=project, year=year, years=years, rows=rows)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if form.validate():
        try:
            lines = [line for line in form.lines if not (line.is_blank or line.is_new_and_removed)]
            change = _save_grid(project, lines, year=year, version=form.version.data or None)
        except InvalidInput as refused:
            for error in refused.errors:
                _tell_in_grid(form, lines, error)
        except ChangedMeanwhile as conflict:
            status = HTTPStatus.CONFLICT
            tell_changed(form, conflict, _version_of_year(project.id, year))
        else:
            say(change)
            return redirect(url_for("mass_plans.show", project_id=project.id, _anchor=f"y{year}"))
    return _grid_page(form, project=project, year=year, years=years, rows=rows), status


def _save_grid(project: Project, lines: list[GridLine], *, year: int, version: str | None) -> PlanChange:
    edited = [
        EditedRow(
            values=line.values(year=year)
            if not line.is_removed.data
            else PlanRowValues(material_key="", year=year, quarter=1),
            row_id=_row_id(line),
            is_removed=bool(line.is_removed.data),
        )
        for line in lines
    ]
    with db.session.begin_nested():
        return services.save_rows(
            db.session,
            current_actor(),
            project_id=project.id,
            rows=edited,
            now=clock.now(),
            seen_version=version,
            year=year,
        )


def _row_id(line: GridLine) -> int | None:
    """The row a line is of; None for a new one. Raises ChangedMeanwhile: there can be no such row."""
    text = line.row_id.data
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and int(text) <= LARGEST_ID):
        raise ChangedMeanwhile
    return int(text)


def _tell_in_grid(form: GridForm, lines: list[GridLine], error: FieldError) -> None:
    """Put the error beside its cell: its field is `rows-<index>-<column>` of the lines that were sent on."""
    message = translate(error.message, error.params)
    _rows, _dash, rest = error.field.partition("-")
    index, _dash, column = rest.partition("-")
    if index.isdecimal() and int(index) < len(lines) and column in lines[int(index)]:
        cell = lines[int(index)][column]
        cell.errors = [*cell.errors, message]
    else:
        form.form_errors.append(message)


def _version_of_year(project_id: int, year: int) -> str:
    db.session.expire_all()
    rows = queries.rows_of_project(db.session, project_id=project_id)
    return plan_version(row for row in rows if row.year == year)


def _wanted_year(years: list[int], planned: tuple[MassPlanRow, ...]) -> int:
    asked = request.args.get("year", "")
    if asked.isdecimal() and len(asked) == 4 and int(asked) in years:
        return int(asked)
    this_year = today().year
    in_plan = {row.year for row in planned}
    return this_year if this_year in in_plan or not in_plan else min(in_plan, key=lambda year: abs(year - this_year))


def _line_data(row: MassPlanRow) -> dict[str, object]:
    return row_data(row) | {"row_id": row.id, "material_key": row.material_key, "quarter": str(row.quarter)}


def _add_blank_lines(form: GridForm) -> None:
    for _line in range(BLANK_LINES):
        if len(form.rows.entries) < form.rows.max_entries:
            form.rows.append_entry({"quarter": "1"})


def _said(line: GridLine, cell: Field) -> list[str]:
    """What is wrong with a cell, with the name of its figure: in the summary there are no columns to see."""
    name = line.full_names.get(cell.short_name)
    return [f"{name}: {message}" if name else str(message) for message in cell.errors]


def _grid_page(form: GridForm, *, project: Project, year: int, years: list[int], rows: list[MassPlanRow]) -> str:
    problems = [(f"{cell.id}", said) for line in form.lines for cell in line for said in _said(line, cell)]
    return render_template(
        "mass_plans/grid.html",
        form=form,
        project=project,
        year=year,
        years=years,
        rows={str(row.id): row for row in rows},
        parts=PARTS,
        problems=problems,
    )
