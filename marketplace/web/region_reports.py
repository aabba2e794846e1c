"""What a region reports: its indicators, the reduction plans of its developers, and the report of a year on paper."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from geo.months import Month, MonthPeriod
from marketplace import clock, db
from marketplace.disclosure import LEAST_DEALS, LEAST_ORGANISATIONS, may_show
from marketplace.errors import NotFound
from marketplace.filters import date_
from marketplace.i18n import translate
from marketplace.indicators import PURPOSES
from marketplace.models import ImpactReport
from marketplace.permissions import Permission
from marketplace.queries.impact_reports import report_for_page, reports_of_region
from marketplace.queries.indicators import indicators_of
from marketplace.queries.mass_plans import Reduction, projects_without_plan, reduction_in_region
from marketplace.queries.region_flows import FlowScope, first_month
from marketplace.queries.regions import Region, disclosure_of
from marketplace.services.yearly_reports import make_yearly_report
from marketplace.types import ReportKind
from marketplace.web.access import current_actor, requires
from marketplace.web.downloads import CSV, download
from marketplace.web.indicator_sheet import figure_text, indicator_sheet
from marketplace.web.limits import YEARLY_REPORTS_BY_ACCOUNT, count_attempt
from marketplace.web.printed import pdf_of, pdf_response
from marketplace.web.reduction_words import how_ranges_are_put_together, keeps_text, projects_text, without_target_text
from marketplace.web.region_desk import region_title
from marketplace.web.region_requests import Asked, asked_of, asked_region
from marketplace.web.region_sheets import Cell, Column, Sheet, csv_of, figure, words
from marketplace.web.yearly_paper import yearly_paper

bp = Blueprint("region_reports", __name__, url_prefix="/regions")

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
AHEAD: Final = 3
"""Plans are made some years ahead."""


def _asked() -> tuple[Asked, int]:
    """The region of the address and its year; where it says none that can be, the one that its months end in."""
    asked = asked_of(asked_region())
    text = request.args.get("year", "")
    year = int(text) if text.isascii() and text.isdecimal() and len(text) == 4 else 0
    return asked, year if FIRST_YEAR <= year < LAST_YEAR else asked.period.last.year


def _frame(asked: Asked, year: int, *, years: Sequence[int]) -> dict[str, Any]:
    return {
        "asked": asked,
        "title": region_title(asked.region),
        "year": year,
        "years": years,
        "query": _query(asked, year),
        "queries": {each: _query(asked, each) for each in years},
        "least_deals": LEAST_DEALS,
        "least_organisations": LEAST_ORGANISATIONS,
    }


def _query(asked: Asked, year: int) -> str:
    """What stands behind the question mark of an address that asks for the same."""
    return urlencode({**asked.region.parameters, "year": year}, doseq=True)


def _year_scope(region: Region, year: int) -> FlowScope:
    return FlowScope(region=region, period=MonthPeriod.of_year(year))


# Indicators and reports -----------------------------------------------------------------------------------------------


@bp.get("/report")
@requires(Permission.PUBLIC)
def index() -> ResponseReturnValue:
    asked, year = _asked()
    figures = indicators_of(db.session, _year_scope(asked.region, year), disclosure=asked.disclosure, today=asked.today)
    return render_template(
        "region_reports/index.html",
        **_frame(asked, year, years=_years(asked)),
        indicators=[
            {
                "name": translate(each.definition.name, {}),
                "figure": figure_text(each),
                "meaning": translate(each.definition.meaning, {}),
                "source": translate(each.definition.source, {}),
                "purposes": [translate(PURPOSES[purpose], {}) for purpose in each.definition.purposes],
            }
            for each in figures
        ],
        reports=[
            (report, report.period[0].year if report.period else None)
            for report in reports_of_region(db.session, region=asked.region, with_full=asked.disclosure.is_full)
        ],
    )


@bp.get("/indicators.csv")
@requires(Permission.PUBLIC)
def indicators_csv() -> ResponseReturnValue:
    asked, year = _asked()
    figures = indicators_of(db.session, _year_scope(asked.region, year), disclosure=asked.disclosure, today=asked.today)
    return _file(asked, year, indicator_sheet(figures), what=_("Indicators"), key="indicators")


@bp.post("/report")
@requires(Permission.ACCOUNT)
def make() -> ResponseReturnValue:
    asked, year = _asked()
    actor, now = current_actor(), clock.now()
    assert actor.user_id is not None
    count_attempt((YEARLY_REPORTS_BY_ACCOUNT, actor.user_id))
    report = make_yearly_report(db.session, actor, region=asked.region, year=year, now=now)
    if report.made_at == now:
        flash(_("The report of %(year)s is made. It stays as it is now.", year=year), "success")
    else:
        flash(_("The newest report of %(year)s says the same already.", year=year), "info")
    return redirect(f"{url_for('.index')}?{_query(asked, year)}#reports")


def load_report(report_id: int) -> ImpactReport:
    """A region's report that the visitor may read.

    Raises:
        NotFound: there is none, or it says what only others may read.
    """
    report = report_for_page(db.session, report_id=report_id)
    if report is None or report.kind is not ReportKind.YEARLY_REPORT:
        raise NotFound
    region = Region(numbers=frozenset(report.municipality_numbers), name="")
    if report.is_full and not disclosure_of(db.session, current_actor(), region).is_full:
        raise NotFound
    return report


@bp.get("/report/<id:report_id>.pdf")
@requires(Permission.PUBLIC, subject=load_report)
def pdf(report: ImpactReport) -> ResponseReturnValue:
    paper = yearly_paper(report)
    made = pdf_of(
        "yearly_report",
        {"report": paper, "words": {"number": _("Everything in this report, as a number (SHA-256)")}},
        title=f"{paper.eyebrow}: {paper.title}",
        made_at=report.made_at,
        head=paper.eyebrow,
        foot=_("As it stood on %(day)s.", day=date_(report.made_at)),
    )
    return pdf_response(made, name=f"{_('Yearly report')} {paper.title}")


def _years(asked: Asked) -> list[int]:
    """From the first delivery on, this year last."""
    first = first_month(db.session, region=asked.region) or Month.of(asked.today)
    return list(range(min(first.year, asked.today.year), asked.today.year + 1))


# Reduction plans ------------------------------------------------------------------------------------------------------


@bp.get("/reduction")
@requires(Permission.PUBLIC)
def reduction() -> ResponseReturnValue:
    asked, year = _asked()
    found = _reduction(asked, year)
    is_shown = _may_show(found, asked)
    return render_template(
        "region_reports/reduction.html",
        **_frame(asked, year, years=_plan_years(asked, year)),
        reduction=found,
        is_shown=is_shown,
        without_plan=projects_without_plan(db.session, region=asked.region, year=year)
        if asked.disclosure.is_full
        else (),
        projects_text=projects_text(
            len(found.projects), len({each.project.organisation_id for each in found.projects})
        ),
        without_target=without_target_text(found.without_target)
        if found.without_target and found.together.target_t is not None
        else None,
        ranges_text=how_ranges_are_put_together(),
    )


@bp.get("/reduction.csv")
@requires(Permission.PUBLIC)
def reduction_csv() -> ResponseReturnValue:
    """Project by project for those who see all of the region.

    Raises:
        NotFound: the visitor does not.
    """
    asked, year = _asked()
    if not asked.disclosure.is_full:
        raise NotFound
    sheet = _reduction_sheet(_reduction(asked, year))
    return _file(asked, year, sheet, what=_("Reduction plans of developers"), key="reduction")


def _reduction(asked: Asked, year: int) -> Reduction:
    return reduction_in_region(db.session, region=asked.region, year=year, today=asked.today)


def _may_show(found: Reduction, asked: Asked) -> bool:
    """Whether all projects together may be shown: here a project stands for a deal in the rule of disclosure."""
    organisations = {each.project.organisation_id for each in found.projects}
    return may_show(asked.disclosure, deals=len(found.projects), organisations=len(organisations))


def _plan_years(asked: Asked, year: int) -> list[int]:
    return sorted({year, *range(asked.today.year - 1, asked.today.year + AHEAD)})


def _reduction_sheet(found: Reduction) -> Sheet:
    return Sheet(
        columns=(
            Column(label=_("Project")),
            Column(label=_("Organisation")),
            Column(label=_("Developer")),
            Column(label=_("Target"), unit="t", is_numeric=True),
            Column(label=_("Planned surplus"), unit="t", is_numeric=True),
            Column(label=_("Planned surplus, low"), unit="t", is_numeric=True),
            Column(label=_("Planned surplus, high"), unit="t", is_numeric=True),
            Column(label=_("Reused on site"), unit="t", is_numeric=True),
            Column(label=_("Passed on to others"), unit="t", is_numeric=True),
            Column(label=_("Disposed of"), unit="t", is_numeric=True),
            Column(label=_("Outlook"), unit="t", is_numeric=True),
            Column(label=_("Target kept?")),
            Column(label=_("Measures")),
        ),
        rows=tuple(
            (
                words(each.project.name),
                words(each.project.organisation.name),
                words(each.project.builder),
                figure(each.year.target_t),
                figure(each.year.plan.surplus.value),
                figure(each.year.plan.surplus.low),
                figure(each.year.plan.surplus.high),
                *(
                    figure(mass_t if each.year.recorded_count else None)
                    for mass_t in (
                        each.year.outcome.reused_t,
                        each.year.outcome.passed_on_t,
                        each.year.outcome.disposed_t,
                    )
                ),
                figure(each.year.outlook.value),
                words(keeps_text(each.year.keeps_target)),
                Cell(text=each.measures),
            )
            for each in found.projects
        ),
    )


def _file(asked: Asked, year: int, sheet: Sheet, *, what: str, key: str) -> ResponseReturnValue:
    about = (
        (_("What"), what),
        (_("Region"), region_title(asked.region)),
        (_("Period"), str(year)),
        (_("Made"), asked.today.isoformat()),
    )
    return download(csv_of(sheet, about=about), media_type=CSV, name=f"masseflyt-{asked.region.slug}-{key}-{year}.csv")
