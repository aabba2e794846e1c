"""Less surplus, year by year: a project's targets, and what an organisation's projects come to together."""

from http import HTTPStatus

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import NotFound
from marketplace.filters import date_
from marketplace.forms.mass_plans import TargetForm
from marketplace.models import Organisation, Project
from marketplace.permissions import Permission
from marketplace.plan_values import year_problems
from marketplace.queries import mass_plans as queries
from marketplace.services.editing import ChangedMeanwhile
from marketplace.services.reductions import set_target, target_version
from marketplace.web.access import current_actor, requires
from marketplace.web.mass_plans import tell_changed, today
from marketplace.web.organisations import load_organisation
from marketplace.web.plan_paper import Paper, plan_paper, reduction_paper
from marketplace.web.plan_view import plan_view
from marketplace.web.printed import pdf_of, pdf_response
from marketplace.web.projects import load_project
from marketplace.web.reduction_words import how_ranges_are_put_together, without_target_text
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("reductions", __name__)


def asked_year() -> int:
    """The year in the address. Raises NotFound: nobody plans for it."""
    year = int((request.view_args or {})["year"])
    if any(year_problems(year, today=today())):
        raise NotFound
    return year


def load_project_in_year(project_id: int, year: int) -> Project:
    del year  # read by `asked_year`, once the visitor is known to be let in
    return load_project(project_id)


def load_organisation_in_year(organisation_id: int, year: int) -> Organisation:
    del year
    return load_organisation(organisation_id)


# A project's target ---------------------------------------------------------------------------------------------------


@bp.route("/projects/<id:project_id>/plan/targets/<int:year>", methods=["GET", "POST"])
@requires(Permission.EDIT_PLAN, subject=load_project_in_year)
def target(project: Project) -> ResponseReturnValue:
    year = asked_year()
    found = queries.targets_of_project(db.session, project_id=project.id)
    target = found.get(year)
    form = TargetForm(
        data={
            "surplus_target_t": target.surplus_target_t if target else None,
            "measures": target.measures if target else "",
            "version": target_version(target),
        }
    )
    status = HTTPStatus.OK
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                set_target(
                    db.session,
                    current_actor(),
                    project_id=project.id,
                    year=year,
                    surplus_target_t=form.surplus_target_t.data,
                    measures=form.measures.data or "",
                    now=clock.now(),
                    seen_version=form.version.data or "",
                )
            if attempt.ok:
                flash(_("The target is saved."), "success")
                return redirect(url_for("mass_plans.show", project_id=project.id, _anchor="years"))
        except ChangedMeanwhile as conflict:
            status = HTTPStatus.CONFLICT
            db.session.expire_all()
            now_there = queries.targets_of_project(db.session, project_id=project.id).get(year)
            tell_changed(form, conflict, target_version(now_there))
    if status is HTTPStatus.OK:
        status = unprocessable(form)
    rows = queries.rows_of_project(db.session, project_id=project.id)
    planned = queries.years_of((row for row in rows if row.year == year), {}, today=today()).get(year)
    return render_template("mass_plans/target.html", form=form, project=project, year=year, planned=planned), status


@bp.get("/projects/<id:project_id>/plan.pdf")
@requires(Permission.VIEW_PLAN, subject=load_project)
def project_pdf(project: Project) -> ResponseReturnValue:
    view = plan_view(
        project,
        queries.rows_of_project(db.session, project_id=project.id),
        (),
        queries.targets_of_project(db.session, project_id=project.id),
        today=today(),
    )
    return _printed(plan_paper(project, view), author=project.organisation.name, name=_("Mass plan"))


# An organisation's year -----------------------------------------------------------------------------------------------


@bp.get("/organisations/<id:organisation_id>/reduction/<int:year>")
@requires(Permission.VIEW_PLAN, subject=load_organisation_in_year)
def of_organisation(organisation: Organisation) -> ResponseReturnValue:
    year = asked_year()
    reduction = queries.reduction_of_organisation(db.session, organisation_id=organisation.id, year=year, today=today())
    planned = queries.planned_years(db.session, organisation_id=organisation.id)
    return render_template(
        "mass_plans/reduction.html",
        organisation=organisation,
        reduction=reduction,
        year=year,
        years=sorted({*planned, year, today().year}),
        ranges_text=how_ranges_are_put_together(),
        without_target=without_target_text(reduction.without_target)
        if reduction.without_target and reduction.together.target_t is not None
        else None,
    )


@bp.get("/organisations/<id:organisation_id>/reduction/<int:year>.pdf")
@requires(Permission.VIEW_PLAN, subject=load_organisation_in_year)
def organisation_pdf(organisation: Organisation) -> ResponseReturnValue:
    year = asked_year()
    reduction = queries.reduction_of_organisation(db.session, organisation_id=organisation.id, year=year, today=today())
    paper = reduction_paper(organisation, reduction, year=year)
    return _printed(paper, author=organisation.name, name=_("Yearly reduction of surplus masses"))


def _printed(paper: Paper, *, author: str, name: str) -> Response:
    now = clock.now()
    pdf = pdf_of(
        "reduction_plan",
        paper,
        title=f"{paper.eyebrow}: {paper.title}",
        made_at=now,
        head=paper.eyebrow,
        foot=_("As it stood on %(day)s. All masses in tonnes.", day=date_(now)),
        author=author,
    )
    return pdf_response(pdf, name=f"{name} {paper.title}")
