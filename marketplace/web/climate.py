"""A project's climate statement: how it stands now, those that were made, and each as PDF and XLSX."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.utils import secure_filename

from marketplace import clock, db
from marketplace.climate_values import ClimateContent, from_json
from marketplace.errors import Conflict, NotFound
from marketplace.filters import date_
from marketplace.i18n import translate
from marketplace.models import ImpactReport, Project
from marketplace.permissions import Permission
from marketplace.queries.climate import climate_content
from marketplace.queries.impact_reports import reports_of_project
from marketplace.services.climate_statements import make_climate_statement
from marketplace.types import ReportKind
from marketplace.web.access import current_actor, requires
from marketplace.web.climate_file import climate_workbook
from marketplace.web.climate_sheet import climate_sheet
from marketplace.web.downloads import XLSX, download
from marketplace.web.paging import id_from_address
from marketplace.web.printed import pdf_of, pdf_response
from marketplace.web.projects import load_project

bp = Blueprint("climate", __name__, url_prefix="/projects/<id:project_id>")


@bp.get("/climate-statement")
@requires(Permission.VIEW_PLAN, subject=load_project)
def show(project: Project) -> ResponseReturnValue:
    """How things stand now, and the statements that were made."""
    content = climate_content(db.session, project, now=clock.now())
    return render_template(
        "projects/climate.html",
        project=project,
        content=content,
        sheet=climate_sheet(content),
        reports=reports_of_project(db.session, project_id=project.id),
    )


@bp.post("/climate-statement")
@requires(Permission.EDIT_PROJECT, subject=load_project)
def make(project: Project) -> ResponseReturnValue:
    try:
        make_climate_statement(db.session, current_actor(), project_id=project.id, now=clock.now())
    except Conflict as refused:
        flash(translate(refused.message, refused.params), "warning")
    else:
        flash(_("The statement is made, and prints the same from now on."), "success")
    return redirect(url_for(".show", project_id=project.id, _anchor="statements"), code=303)


@bp.get("/climate-statement.pdf")
@requires(Permission.VIEW_PLAN, subject=load_project)
def pdf(project: Project) -> ResponseReturnValue:
    report = _report_of(project)
    content = from_json(report.content)
    made = pdf_of(
        "climate_statement",
        {"sheet": climate_sheet(content), "words": _words(content), "sha256": report.content_sha256},
        title=f"{_('Climate statement')}: {content.project}",
        made_at=report.made_at,
        head=_("Climate statement"),
        foot=_("%(project)s, as it stood on %(day)s.", project=content.project, day=date_(content.made_at)),
        author=content.organisation,
    )
    return pdf_response(made, name=_name(content))


@bp.get("/climate-statement.xlsx")
@requires(Permission.VIEW_PLAN, subject=load_project)
def xlsx(project: Project) -> ResponseReturnValue:
    report = _report_of(project)
    content = from_json(report.content)
    name = f"{secure_filename(_name(content)) or 'masseflyt'}.xlsx"
    return download(climate_workbook(content, sha256=report.content_sha256), media_type=XLSX, name=name)


def _report_of(project: Project) -> ImpactReport:
    """The statement that the address names, else the latest. Raises NotFound: the project has none of that number."""
    wanted = id_from_address("report")
    if "report" in request.args and wanted is None:
        raise NotFound
    if wanted is None:
        found = next(iter(reports_of_project(db.session, project_id=project.id)), None)
    else:
        found = db.session.get(ImpactReport, wanted)
    if found is None or found.project_id != project.id or found.kind is not ReportKind.CLIMATE_STATEMENT:
        raise NotFound
    return found


def _name(content: ClimateContent) -> str:
    return f"{_('Climate statement')} {content.project} {content.made_at:%Y-%m-%d}"


def _words(content: ClimateContent) -> dict[str, str]:
    """The words of the paper that are its own."""
    return {
        "eyebrow": _("Climate statement, %(day)s", day=date_(content.made_at)),
        "ledgers": _("What is avoided"),
        "ledgers_note": _(
            "Expected is all that is agreed; achieved is what has been delivered. Ranges stand under the figures."
        ),
        "ledger": _("Ledger"),
        "unit": _("Unit"),
        "expected": _("Expected"),
        "achieved": _("Achieved"),
        "levels": _("The resource pyramid"),
        "level": _("Outcome"),
        "share": _("Share of agreed"),
        "agreed": _("Agreed (t)"),
        "avoided": _("Delivered and avoided (t)"),
        "deals": _("Deals, and what they are compared with"),
        "agreed_and_avoided": _("Agreed / avoided"),
        "without": _("Without the deal"),
        "driven": _("Driven with the deal"),
        "how": _("Worked out with"),
        "co2e": _("CO₂e expected (kg)"),
        "method": _("Method"),
        "limits": _("Limits"),
        "factors": _("Factors and sources"),
        "what": _("What"),
        "figure": _("Figure"),
        "range": _("Range"),
        "source": _("Source"),
        "mark": _("Mark"),
        "number": _("Number of this statement: whoever is handed it can compare."),
    }
