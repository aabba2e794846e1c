"""A mass-balance plan as a file: the columns that the import reads, so that it can be worked on and brought back."""

import io
from collections.abc import Iterator
from decimal import Decimal

import xlsxwriter
from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.utils import secure_filename

from marketplace import db
from marketplace.labels import material_name
from marketplace.models import MassPlanRow, Project
from marketplace.permissions import Permission
from marketplace.plan_columns import PLAN_COLUMNS
from marketplace.queries.mass_plans import balance_of, rows_of_project
from marketplace.web.access import requires
from marketplace.web.downloads import CSV, XLSX, csv_file, download, locale
from marketplace.web.projects import load_project

bp = Blueprint("plan_files", __name__)

type Cell = str | int | Decimal | None


@bp.get("/projects/<id:project_id>/plan.csv")
@requires(Permission.VIEW_PLAN, subject=load_project)
def csv(project: Project) -> ResponseReturnValue:
    head = [column.header(locale()) for column in PLAN_COLUMNS]
    rows = rows_of_project(db.session, project_id=project.id)
    content = csv_file([head, *([_written(cell) for cell in _cells(row)] for row in rows)])
    return download(content, media_type=CSV, name=_name_of(project, ending="csv"))


@bp.get("/projects/<id:project_id>/plan.xlsx")
@requires(Permission.VIEW_PLAN, subject=load_project)
def xlsx(project: Project) -> ResponseReturnValue:
    """The plan on the first sheet, and what it comes to on a second one that the import leaves out of account."""
    rows = rows_of_project(db.session, project_id=project.id)
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        masses = book.add_format({"num_format": "#,##0.###"})
        plan = book.add_worksheet(_("Plan"))
        _fill(plan, [column.header(locale()) for column in PLAN_COLUMNS], map(_cells, rows), head=head, masses=masses)
        result = book.add_worksheet(_("Balance"))
        _fill(result, _result_head(), map(_result_cells, rows), head=head, masses=masses)
    return download(file.getvalue(), media_type=XLSX, name=_name_of(project, ending="xlsx"))


def _fill(sheet: object, headings: list[str], rows: Iterator[list[Cell]], *, head: object, masses: object) -> None:
    assert isinstance(sheet, xlsxwriter.worksheet.Worksheet)
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 2, 9)
    sheet.set_column(3, len(headings) - 1, 14)
    for at, heading in enumerate(headings):
        sheet.write_string(0, at, heading, head)
    for line, cells in enumerate(rows, start=1):
        for at, cell in enumerate(cells):
            if isinstance(cell, Decimal):
                sheet.write_number(line, at, float(cell), masses)
            elif isinstance(cell, int):
                sheet.write_number(line, at, cell)
            elif cell:
                sheet.write_string(line, at, cell)


def _cells(row: MassPlanRow) -> list[Cell]:
    known: dict[str, Cell] = {"material_key": material_name(row.material_key)}
    return [known.get(column.key, getattr(row, column.key)) for column in PLAN_COLUMNS]


def _result_head() -> list[str]:
    return [
        _("Material"),
        _("Year"),
        _("Quarter"),
        _("Surplus, low (t)"),
        _("Surplus, likely (t)"),
        _("Surplus, high (t)"),
        _("Deficit, low (t)"),
        _("Deficit, likely (t)"),
        _("Deficit, high (t)"),
    ]


def _result_cells(row: MassPlanRow) -> list[Cell]:
    balance = balance_of(row)
    figures = [figure for mass in (balance.surplus, balance.deficit) for figure in (mass.low, mass.value, mass.high)]
    return [material_name(row.material_key), row.year, row.quarter, *figures]


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        plain = f"{cell:.3f}".rstrip("0").rstrip(".")
        return plain if locale() == "en" else plain.replace(".", ",")
    return str(cell)


def _name_of(project: Project, *, ending: str) -> str:
    return f"{secure_filename(f'{_("Mass plan")} {project.name}') or 'plan'}.{ending}"
