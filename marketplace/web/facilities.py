"""Facilities: the list, a facility's page, the form that makes and changes one, and the number told at the gate."""

from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from geo.materials import MaterialGroup, taxonomy
from marketplace import clock, db
from marketplace.errors import Conflict, NotFound
from marketplace.forms.facilities import CLASSES, CapacityForm, FacilityForm
from marketplace.i18n import translate
from marketplace.models import Facility
from marketplace.permissions import Permission, allows
from marketplace.queries import facilities as queries
from marketplace.queries.matches import matches_for_listings
from marketplace.queries.projects import newest_position
from marketplace.services import facilities as services
from marketplace.services.editing import edit_version
from marketplace.services.match_roads import all_by_road
from marketplace.services.receptions import position_of_facility
from marketplace.types import FacilityKind, ListingStatus
from marketplace.web.access import current_actor, requires
from marketplace.web.document_rows import documents_section
from marketplace.web.editing import saving
from marketplace.web.facility_facts import facts_of
from marketplace.web.facility_form import data_of, details_of, tell_the_rest
from marketplace.web.facility_map import address_of, feature_of, map_of_facility, overview_map
from marketplace.web.match_rows import looks_for_matches, match_section
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.places import drawing_map
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("facilities", __name__)

FRESH_S = 300
FEW = 3
"""Matches of each reception; the listing's own page has more."""


def load_facility(facility_id: int) -> Facility:
    facility = queries.facility_for_page(db.session, facility_id=facility_id)
    if facility is None:
        raise NotFound
    return facility


# Finding ----------------------------------------------------------------------------------------------------------


@bp.get("/facilities.geojson")
@requires(Permission.PUBLIC)
def points() -> ResponseReturnValue:
    """As `marketplace.maps.FacilityLayer` takes them."""
    places = queries.facility_places(db.session, filters_from_address())
    response = jsonify({"type": "FeatureCollection", "features": [feature_of(each) for each in places]})
    response.mimetype = "application/geo+json"
    response.cache_control.private = True  # its words are in the visitor's language
    response.cache_control.max_age = FRESH_S
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.get("/facilities")
@requires(Permission.PUBLIC)
def index() -> ResponseReturnValue:
    filters = filters_from_address()
    page = queries.facilities_page(db.session, filters, cursor=cursor_from_address())
    today = clock.local_date(clock.now())
    return render_template(
        "facilities/index.html",
        rows=[facts_of(each, today=today) for each in page.items],
        count=queries.count_facilities(db.session, filters),
        links=page_links(page, ".index", **address_of(filters)),
        filters=filters,
        kinds=list(FacilityKind),
        groups=[(group, taxonomy().in_group(group)) for group in MaterialGroup],
        classes=CLASSES[1:],
        map=overview_map(filters, queries.bounds_of_facilities(db.session, filters)),
    )


def filters_from_address() -> queries.FacilityFilters:
    """What an address asks for; a value that nobody offered counts for nothing."""
    kind, material, class_ = (request.args.get(name, "") for name in ("kind", "material", "class"))
    return queries.FacilityFilters(
        kind=next((each for each in FacilityKind if each.value == kind), None),
        material=material if material in taxonomy().materials else None,
        class_=next((number for number, _text in CLASSES if str(number) == class_), None),
    )


# A facility's page ------------------------------------------------------------------------------------------------


@bp.get("/facilities/<id:facility_id>")
@requires(Permission.VIEW_FACILITY, subject=load_facility)
def show(facility: Facility) -> ResponseReturnValue:
    return _page(facility, CapacityForm())


def _page(facility: Facility, form: CapacityForm) -> str:
    today = clock.local_date(clock.now())
    is_member = facility.organisation_id is not None and current_actor().is_member(facility.organisation_id)
    receptions = queries.receptions_of(db.session, facility_id=facility.id)
    shown = [each for each in receptions if is_member or each.status is ListingStatus.PUBLISHED]
    asking = [each for each in shown if is_member and looks_for_matches(each, today=today)]
    found = matches_for_listings(db.session, asking, today=today, limit=FEW, near_limit=FEW)
    found = all_by_road(db.session, asking, found)
    position = position_of_facility(facility)
    return render_template(
        "facilities/show.html",
        facility=facility,
        facts=facts_of(facility, today=today),
        position=position,
        map=map_of_facility(facility, position),
        materials=[taxonomy().materials[key] for key in facility.accepts if key in taxonomy().materials],
        listed={each.material_key: each.id for each in shown},
        matched=[match_section(each, found[each.id]) for each in asking],
        documents=documents_section(facility),
        is_member=is_member,
        is_kept=allows(Permission.EDIT_FACILITY, current_actor(), facility),
        form=form,
    )


# Making and changing ----------------------------------------------------------------------------------------------


@bp.route("/facilities/new", methods=["GET", "POST"])
@requires(Permission.CREATE_FACILITY)
def new() -> ResponseReturnValue:
    actor = current_actor()
    form = FacilityForm(data={"organisation_id": actor.editable[0].organisation_id, "accepts_declared": True})
    form.offer(actor.editable)
    if form.validate_on_submit():
        with applying(form) as attempt:
            facility = services.create_facility(
                db.session,
                actor,
                organisation_id=form.organisation_id.data,
                details=details_of(form),
                now=clock.now(),
            )
        if attempt.ok:
            flash(_("The facility is in place, and everybody can see it."), "success")
            return redirect(url_for(".show", facility_id=facility.id))
    elif form.is_submitted():
        tell_the_rest(form)
    return _form_page(form, facility=None), unprocessable(form)


@bp.route("/facilities/<id:facility_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_FACILITY, subject=load_facility)
def edit(facility: Facility) -> ResponseReturnValue:
    if facility.closed_at is not None:
        raise Conflict(services.IS_CLOSED)
    form = FacilityForm(data=data_of(facility))
    form.offer(tuple(each for each in current_actor().editable if each.organisation_id == facility.organisation_id))
    if form.validate_on_submit():
        with saving(form, version_now=lambda: edit_version(facility)) as attempt:
            services.update_facility(
                db.session,
                current_actor(),
                facility_id=facility.id,
                details=details_of(form),
                now=clock.now(),
                seen_version=form.version.data or None,
            )
        if attempt.ok:
            flash(_("The changes are saved."), "success")
            return redirect(url_for(".show", facility_id=facility.id))
        return _form_page(form, facility=facility), attempt.status
    if form.is_submitted():
        tell_the_rest(form)
    return _form_page(form, facility=facility), unprocessable(form)


def _form_page(form: FacilityForm, *, facility: Facility | None) -> str:
    own = tuple(each.organisation_id for each in current_actor().editable)
    near = position_of_facility(facility) if facility else newest_position(db.session, organisation_ids=own)
    return render_template(
        "facilities/form.html",
        form=form,
        facility=facility,
        groups=[(group, taxonomy().in_group(group)) for group in MaterialGroup],
        map=drawing_map("gate_map", target_id=form.position.id, near=near, polygons=False),
    )


@bp.post("/facilities/<id:facility_id>/capacity")
@requires(Permission.EDIT_FACILITY, subject=load_facility)
def report_capacity(facility: Facility) -> ResponseReturnValue:
    form = CapacityForm()
    left_t = form.capacity_left_t.data if form.validate_on_submit() else None
    if left_t is not None:
        try:
            with applying(form) as attempt:
                services.report_capacity(
                    db.session,
                    current_actor(),
                    facility_id=facility.id,
                    capacity_left_t=left_t,
                    now=clock.now(),
                )
        except Conflict as conflict:
            return _unchanged(facility, conflict)
        if attempt.ok:
            flash(_("Noted. Everybody sees the new number now."), "success")
            return redirect(url_for(".show", facility_id=facility.id, _anchor="capacity"))
    return _page(facility, form), HTTPStatus.UNPROCESSABLE_ENTITY


@bp.post("/facilities/<id:facility_id>/close")
@requires(Permission.EDIT_FACILITY, subject=load_facility)
def close(facility: Facility) -> ResponseReturnValue:
    return _lead(facility, services.close_facility, said=_("The facility is closed, and takes nothing in."))


@bp.post("/facilities/<id:facility_id>/reopen")
@requires(Permission.EDIT_FACILITY, subject=load_facility)
def reopen(facility: Facility) -> ResponseReturnValue:
    said = _("The facility is open again. Check how much room there is.")
    return _lead(facility, services.reopen_facility, said=said)


def _lead(facility: Facility, service: Callable[..., Facility], *, said: str) -> ResponseReturnValue:
    try:
        service(db.session, current_actor(), facility_id=facility.id, now=clock.now())
    except Conflict as conflict:
        return _unchanged(facility, conflict)
    flash(said, "success")
    return redirect(url_for(".show", facility_id=facility.id))


def _unchanged(facility: Facility, conflict: Conflict) -> ResponseReturnValue:
    """The facility as it is, with why it could not be led where the visitor wanted it."""
    flash(translate(conflict.message, conflict.params), "warning")
    return _page(facility, CapacityForm(formdata=None)), HTTPStatus.CONFLICT
