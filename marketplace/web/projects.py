"""Projects: the list, a project's page, and the form that makes and changes one."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import NotFound
from marketplace.forms.projects import ProjectForm
from marketplace.models import Listing, Project
from marketplace.permissions import Permission, allows
from marketplace.queries import projects as queries
from marketplace.queries.matches import matches_for_listings
from marketplace.queries.positions import blurred_position_of_project, exact_position_of
from marketplace.services import projects as services
from marketplace.services.editing import edit_version
from marketplace.services.match_roads import all_by_road
from marketplace.types import ListingStatus, ProjectKind
from marketplace.web.access import current_actor, requires
from marketplace.web.cards import card_of
from marketplace.web.document_rows import documents_section
from marketplace.web.editing import saving
from marketplace.web.match_rows import looks_for_matches, match_section
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.places import Feature, about_feature, drawing_map, listing_feature, project_feature, still_map
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("projects", __name__, url_prefix="/projects")

EVERYBODYS = "all"
FEW = 3
"""Matches of each listing; the listing's own page has more."""


def load_project(project_id: int) -> Project:
    project = queries.project_for_page(db.session, project_id=project_id)
    if project is None:
        raise NotFound
    return project


@bp.get("")
@requires(Permission.PUBLIC)
def index() -> ResponseReturnValue:
    """The visitor's own projects; for whom has none, and on demand, all with open listings."""
    own = tuple(membership.organisation_id for membership in current_actor().memberships)
    shows_all = not own or request.args.get("view") == EVERYBODYS
    cursor = cursor_from_address()
    page = (
        queries.projects_with_open_listings(db.session, cursor=cursor)
        if shows_all
        else queries.projects_of(db.session, organisation_ids=own, cursor=cursor)
    )
    return render_template(
        "projects/index.html",
        page=page,
        links=page_links(page, ".index", view=EVERYBODYS if shows_all and own else None),
        shows_all=shows_all,
        has_own=bool(own),
    )


@bp.get("/<id:project_id>")
@requires(Permission.VIEW_PROJECT, subject=load_project)
def show(project: Project) -> ResponseReturnValue:
    actor = current_actor()
    is_member = actor.is_member(project.organisation_id)
    counts = queries.count_listings_of_project(db.session, project_id=project.id)
    statuses = queries.STATUSES_IN_ORDER if is_member else (ListingStatus.PUBLISHED,)
    status = next((each for each in statuses if each.value == request.args.get("status")), None)
    page = queries.listings_of_project(
        db.session,
        project_id=project.id,
        statuses=statuses if status is None else (status,),
        cursor=cursor_from_address(),
    )
    today = clock.local_date(clock.now())
    asking = [each for each in page.items if looks_for_matches(each, today=today)]
    found = matches_for_listings(db.session, asking, today=today, limit=FEW, near_limit=FEW)
    found = all_by_road(db.session, asking, found)
    is_exact = allows(Permission.VIEW_POSITION, actor, project)
    position = queries.position_of(project) if is_exact else blurred_position_of_project(db.session, project)
    place = project_feature(project) if is_exact else about_feature(position, title=project.name)
    on_map = [_pin(each) for each in page.items if each.has_own_position]
    return render_template(
        "projects/show.html",
        project=project,
        cards=[card_of(each) for each in page.items],
        links=page_links(page, ".show", project_id=project.id, status=status),
        counts={each: counts[each] for each in statuses if each in counts},
        status=status,
        map=still_map("project", [place, *on_map], middle=position),
        position=position,
        is_exact=is_exact,
        matched=[match_section(each, found[each.id]) for each in asking],
        documents=documents_section(project),
        is_member=is_member,
    )


def _pin(listing: Listing) -> Feature:
    is_exact = allows(Permission.VIEW_POSITION, current_actor(), listing)
    return listing_feature(listing, position=exact_position_of(listing) if is_exact else None)


@bp.route("/new", methods=["GET", "POST"])
@requires(Permission.CREATE_PROJECT)
def new() -> ResponseReturnValue:
    memberships = current_actor().editable
    today = clock.local_date(clock.now())
    form = ProjectForm(data={"organisation_id": memberships[0].organisation_id, "starts_on": today})
    form.offer(memberships)
    if form.validate_on_submit():
        with applying(form) as attempt:
            project = services.create_project(
                db.session,
                current_actor(),
                organisation_id=form.organisation_id.data,
                details=details_of(form),
                now=clock.now(),
            )
        if attempt.ok:
            flash(_("The project is in place. Now post what it has too much of, or what it needs."), "success")
            return redirect(url_for(".show", project_id=project.id))
    return _form_page(form, project=None), unprocessable(form)


@bp.route("/<id:project_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_PROJECT, subject=load_project)
def edit(project: Project) -> ResponseReturnValue:
    form = ProjectForm(data=_data_of(project))
    form.offer(tuple(each for each in current_actor().editable if each.organisation_id == project.organisation_id))
    if form.validate_on_submit():
        with saving(form, version_now=lambda: edit_version(project)) as attempt:
            services.update_project(
                db.session,
                current_actor(),
                project_id=project.id,
                details=details_of(form),
                now=clock.now(),
                seen_version=form.version.data or None,
            )
        if attempt.ok:
            flash(_("The changes are saved."), "success")
            return redirect(url_for(".show", project_id=project.id))
        return _form_page(form, project=project), attempt.status
    return _form_page(form, project=project), unprocessable(form)


def details_of(form: ProjectForm) -> services.ProjectDetails:
    """What a form that has been validated says."""
    assert form.chosen_site is not None
    return services.ProjectDetails(
        name=form.name.data,
        kind=ProjectKind(form.kind.data),
        builder=form.builder.data,
        site=form.chosen_site,
        starts_on=form.starts_on.data,
        ends_on=form.ends_on.data,
        description=form.description.data or "",
    )


def _data_of(project: Project) -> dict[str, object]:
    return {
        "organisation_id": project.organisation_id,
        "name": project.name,
        "kind": project.kind.value,
        "builder": project.builder,
        "site": queries.site_of(project),
        "starts_on": project.starts_on,
        "ends_on": project.ends_on,
        "description": project.description,
        "version": edit_version(project),
    }


def _form_page(form: ProjectForm, *, project: Project | None) -> str:
    own = tuple(membership.organisation_id for membership in current_actor().editable)
    near = queries.position_of(project) if project else queries.newest_position(db.session, organisation_ids=own)
    return render_template(
        "projects/form.html",
        form=form,
        project=project,
        map=drawing_map("site_map", target_id=form.site.id, near=near, polygons=True),
    )
