"""Listings: one's own, a listing's page, the form that posts one, and what leads it from draft to closed."""

from collections.abc import Callable, Sequence, Set
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from geo.geometry import Position
from geo.materials import Fraction, MaterialGroup, taxonomy
from geo.quantities import MAX_MASS_T
from geo.units import EnteredUnit
from marketplace import clock, db
from marketplace.errors import Conflict, InvalidInput, NotFound
from marketplace.forms.listings import ListingForm
from marketplace.i18n import translate
from marketplace.models import Listing
from marketplace.permissions import Permission, allows
from marketplace.queries import listings as queries
from marketplace.queries.baselines import BaselineFacility, facilities_to_name
from marketplace.queries.matches import matches_for_listing, matches_for_listings
from marketplace.queries.positions import exact_position_of
from marketplace.queries.projects import (
    ProjectOption,
    newest_position,
    position_of,
    position_of_project,
    project_options,
)
from marketplace.services import listings as services
from marketplace.services.editing import edit_version
from marketplace.services.freshness import awaiting_answer, awaits_answer, unconfirmed_since
from marketplace.services.listing_details import KEEP, USUAL_TOLERANCE_PERCENT, ListingDetails, check_details
from marketplace.services.listings import Transition, can
from marketplace.services.match_roads import LINES, all_by_road, matches_by_road
from marketplace.services.quality import quality_of
from marketplace.types import Haulage, ListingKind, ListingStatus, Loading, PriceKind
from marketplace.web.access import current_actor, requires
from marketplace.web.cards import card_of
from marketplace.web.deal_rows import deals_section
from marketplace.web.document_rows import documents_section
from marketplace.web.editing import saving
from marketplace.web.match_rows import best_row, impacts_of, looks_for_matches, match_features, match_section
from marketplace.web.paging import cursor_from_address, id_from_address, page_links
from marketplace.web.places import Feature, about_feature, drawing_map, listing_feature, project_feature, still_map
from marketplace.web.plan_view import plan_step_of
from marketplace.web.posting_proof import Saved, after_saving, asks, proof_data, publish_if_ready, save_proof
from marketplace.web.quality_view import view_of
from marketplace.web.submit import add_error, applying, unprocessable

bp = Blueprint("listings", __name__, url_prefix="/listings")

PERIOD_WITHOUT_PROJECT = timedelta(days=180)
PLACE_FIELDS = frozenset({"project_id", "organisation_id", "position", "lat", "lon"})
READ_TOGETHER = (PLACE_FIELDS, frozenset({"price_kind", "price_nok_per_t"}))
"""Where one answer of a group cannot be read, nothing can be said of the others."""

PUBLISH = "publish"
"""The value of the button that publishes at once; the other one keeps a draft."""


def load_listing(listing_id: int) -> Listing:
    listing = queries.listing_for_page(db.session, listing_id=listing_id)
    if listing is None:
        raise NotFound
    return listing


# One's own --------------------------------------------------------------------------------------------------------


@bp.get("")
@requires(Permission.ACCOUNT)
def index() -> ResponseReturnValue:
    own = tuple(membership.organisation_id for membership in current_actor().memberships)
    status = _member(ListingStatus, request.args.get("status"))
    kind = _member(ListingKind, request.args.get("kind"))
    page = queries.listings_of(db.session, organisation_ids=own, status=status, kind=kind, cursor=cursor_from_address())
    several = len(own) > 1
    today = clock.local_date(clock.now())
    asking = [each for each in page.items if looks_for_matches(each, today=today)]
    found = all_by_road(
        db.session, asking, matches_for_listings(db.session, asking, today=today, limit=1, near_limit=1)
    )
    return render_template(
        "listings/index.html",
        best={each.id: best_row(each, found[each.id]) for each in asking},
        cards=[card_of(each, with_organisation=several, with_project=True) for each in page.items],
        counts=queries.count_listings_of(db.session, organisation_ids=own),
        awaiting=len(awaiting_answer(db.session, current_actor())),
        status=status,
        kind=kind,
        statuses=list(ListingStatus),
        kinds=list(ListingKind),
        links=page_links(page, ".index", status=status, kind=kind),
    )


def _member[Member: (ListingStatus, ListingKind)](members: type[Member], text: str | None) -> Member | None:
    """The member an address names; a name nobody gave counts for nothing."""
    return next((member for member in members if member.value == text), None)


# A listing's page -------------------------------------------------------------------------------------------------


@bp.get("/<id:listing_id>")
@requires(Permission.VIEW_LISTING, subject=load_listing)
def show(listing: Listing) -> ResponseReturnValue:
    return _page(listing)


def _page(listing: Listing) -> str:
    today = clock.local_date(clock.now())
    is_exact = allows(Permission.VIEW_POSITION, current_actor(), listing)
    position = exact_position_of(listing) if is_exact else position_of(listing)
    around: list[Feature] = []
    if not is_exact:
        around = [about_feature(position, title=_("The masses are somewhere in this circle"))]
    elif listing.project and not listing.has_own_position:
        around = [project_feature(listing.project)]
    found = matches_by_road(db.session, listing, matches_for_listing(db.session, listing, today=today), lines=LINES)
    lot_quality = quality_of(db.session, listing, today=today) if listing.kind is ListingKind.SURPLUS else None
    return render_template(
        "listings/show.html",
        lot_quality=lot_quality,
        quality=view_of(lot_quality, listing=listing) if lot_quality else None,
        listing=listing,
        material=taxonomy().material(listing.material_key),
        position=position,
        is_exact=is_exact,
        map=still_map(
            "listing",
            [
                *around,
                *match_features(found, here=position),
                listing_feature(listing, is_self=True, position=position),
            ],
            middle=position,
        ),
        matches=match_section(listing, found, impacts=impacts_of(listing, found, today=today))
        if looks_for_matches(listing, today=today)
        else None,
        can_do={transition.value: can(transition, listing) for transition in Transition},
        was_just_published="published" in request.args,
        documents=documents_section(listing.facility or listing),
        plan_step=plan_step_of(listing, today=today)
        if allows(Permission.VIEW_PLAN, current_actor(), listing)
        else None,
        deals=deals_section(listing, today=today),
        awaits_answer=awaits_answer(listing),
        unconfirmed_since=unconfirmed_since(listing, now=clock.now()),
        today=today,
    )


# Posting ----------------------------------------------------------------------------------------------------------


@bp.route("/new", methods=["GET", "POST"])
@requires(Permission.CREATE_LISTING)
def new() -> ResponseReturnValue:
    """One short page: what, how much and where; everything else has a default that mostly holds."""
    actor, today = current_actor(), clock.local_date(clock.now())
    wanted_id = id_from_address("project")
    projects = project_options(
        db.session,
        organisation_ids=tuple(each.organisation_id for each in actor.editable),
        today=today,
        first_id=wanted_id,
    )
    chosen = projects[0] if projects else None
    if wanted_id is not None and (chosen is None or chosen.id != wanted_id):
        raise NotFound
    form = ListingForm(data=_defaults(chosen, kind=request.args.get("kind"), today=today))
    form.offer(projects, actor.editable, _facilities(chosen, first_id=None))
    form.wants_publishing = request.form.get("action") == PUBLISH
    saved = Saved.KEPT
    if form.validate_on_submit():
        with applying(form) as attempt:
            listing = services.create_listing(
                db.session,
                actor,
                organisation_id=_organisation_id(form, projects),
                details=details_of(form),
                now=clock.now(),
            )
            save_proof(form, listing)
            saved = publish_if_ready(form, listing)
        if attempt.ok:
            return after_saving(listing, saved)
    elif form.is_submitted():
        tell_the_rest(form, organisation_id=_organisation_id(form, projects))
    return _form_page(form, listing=None, projects=projects), unprocessable(form)


@bp.route("/<id:listing_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_LISTING, subject=load_listing)
def edit(listing: Listing) -> ResponseReturnValue:
    if listing.facility_id is not None:
        return redirect(url_for("facilities.edit", facility_id=listing.facility_id))
    if not can(Transition.EDIT, listing):
        raise Conflict(services.WRONG_TRANSITION[listing.status])
    actor, today = current_actor(), clock.local_date(clock.now())
    projects = project_options(
        db.session, organisation_ids=(listing.organisation_id,), today=today, first_id=listing.project_id
    )
    form = ListingForm(data=_data_of(listing))
    own = tuple(each for each in actor.editable if each.organisation_id == listing.organisation_id)
    form.offer(projects, own, _facilities(None, near=position_of(listing), first_id=listing.baseline_facility_id))
    is_draft = listing.status is ListingStatus.DRAFT
    form.wants_publishing = request.form.get("action") == PUBLISH and is_draft
    saved = Saved.KEPT
    if form.validate_on_submit():
        with saving(form, version_now=lambda: edit_version(listing)) as attempt:
            services.update_listing(
                db.session,
                actor,
                listing_id=listing.id,
                details=details_of(form),
                now=clock.now(),
                seen_version=form.version.data or None,
            )
            if is_draft:
                save_proof(form, listing)
            saved = publish_if_ready(form, listing)
        if attempt.ok:
            return after_saving(listing, saved)
        return _form_page(form, listing=listing, projects=projects), attempt.status
    elif form.is_submitted():
        tell_the_rest(form, organisation_id=listing.organisation_id)
    return _form_page(form, listing=listing, projects=projects), unprocessable(form)


def _defaults(project: ProjectOption | None, *, kind: str | None, today: date) -> dict[str, object]:
    first, last = today, today + PERIOD_WITHOUT_PROJECT
    if project is not None and project.period[1] >= today:
        first, last = max(today, project.period[0]), project.period[1]
    editable = current_actor().editable
    return {
        "kind": (_member(ListingKind, kind) or ListingKind.SURPLUS).value,
        "project_id": project.id if project else None,
        "organisation_id": editable[0].organisation_id,
        "accepts_declared": True,
        "tolerance_percent": USUAL_TOLERANCE_PERCENT,
        "available_from": first,
        "available_to": last,
        **proof_data(None),
    }


def _facilities(
    chosen: ProjectOption | None, *, near: Position | None = None, first_id: int | None
) -> Sequence[BaselineFacility]:
    """Those that may be named as what would have happened without a deal: the ones around where one mostly posts."""
    own = tuple(each.organisation_id for each in current_actor().editable)
    here = near or (
        position_of_project(db.session, project_id=chosen.id)
        if chosen
        else newest_position(db.session, organisation_ids=own)
    )
    return facilities_to_name(db.session, near=here, first_id=first_id)


def _organisation_id(form: ListingForm, projects: tuple[ProjectOption, ...]) -> int:
    """The organisation of the chosen project, else the one chosen by itself."""
    project = next((each for each in projects if each.id == form.project_id.data), None)
    return project.organisation_id if project else form.organisation_id.data


def details_of(form: ListingForm, *, unread: Set[str] = frozenset()) -> ListingDetails:
    """What a form says; in place of each answer that could not be read, one that stands in nobody's way."""
    today = clock.local_date(clock.now())

    def answer(name: str, harmless: Any = None) -> Any:
        return harmless if name in unread else form[name].data

    return ListingDetails(
        kind=ListingKind(answer("kind", ListingKind.SURPLUS)),
        project_id=answer("project_id"),
        own_position=None if unread & PLACE_FIELDS else form.own_position,
        hides_position=answer("hides_position", False),
        accepts_declared=None if form.is_surplus else answer("accepts_declared"),
        material_key=answer("material_key", next(iter(taxonomy().materials))),
        entered_value=answer("entered_value", MAX_MASS_T),
        entered_unit=EnteredUnit(answer("entered_unit", EnteredUnit.TONNE)),
        density_t_m3=answer("density_t_m3"),
        fraction=answer("fraction"),
        min_lot_t=answer("min_lot_t"),
        tolerance_percent=answer("tolerance_percent"),
        available_from=answer("available_from", answer("available_to", today)),
        available_to=answer("available_to", answer("available_from", today)),
        price_kind=PriceKind(answer("price_kind", PriceKind.FREE)),
        price_nok_per_t=answer("price_nok_per_t"),
        loading=Loading(answer("loading", Loading.GIVER)),
        haulage=Haulage(answer("haulage", Haulage.GIVER)),
        max_distance_km=answer("max_distance_km"),
        baseline_facility_id=answer("baseline_facility_id", KEEP),
        description=answer("description", ""),
    )


def tell_the_rest(form: ListingForm, *, organisation_id: int) -> None:
    """Where some answers cannot be read, say what is wrong with the others too, so that one round puts all right."""
    unread = frozenset(form.errors)
    unread = unread.union(*(group for group in READ_TOGETHER if unread & group))
    details = details_of(form, unread=unread)
    checked = check_details(db.session, details, organisation_id=organisation_id, now=clock.now())
    for problem in checked.problems:
        if problem.field not in unread:
            add_error(form, problem)


def _data_of(listing: Listing) -> dict[str, object]:
    own_density = taxonomy().material(listing.material_key).density_t_per_m3(listing.entered_unit)
    return {
        "kind": listing.kind.value,
        "project_id": listing.project_id,
        "organisation_id": listing.organisation_id,
        "has_own_position": listing.has_own_position and listing.project_id is not None,
        "position": exact_position_of(listing) if listing.has_own_position else None,
        "hides_position": listing.hides_position,
        "accepts_declared": listing.accepts_declared,
        "material_key": listing.material_key,
        "entered_value": listing.entered_value,
        "entered_unit": listing.entered_unit.value,
        "density_t_m3": None if listing.density_t_m3 == own_density else listing.density_t_m3,
        "fraction": Fraction(lower_mm=listing.fraction_mm[0], upper_mm=listing.fraction_mm[1])
        if listing.fraction_mm
        else None,
        "min_lot_t": listing.min_lot_t,
        "tolerance_percent": listing.tolerance_percent,
        "available_from": listing.available_from,
        "available_to": listing.available_to,
        "price_kind": listing.price_kind.value,
        "price_nok_per_t": listing.price_nok_per_t,
        "loading": listing.loading.value,
        "haulage": listing.haulage.value,
        "max_distance_km": listing.max_distance_km,
        "baseline_facility_id": listing.baseline_facility_id,
        "description": listing.description,
        "version": edit_version(listing),
        **proof_data(listing if listing.status is ListingStatus.DRAFT else None),
    }


def _form_page(form: ListingForm, *, listing: Listing | None, projects: tuple[ProjectOption, ...]) -> str:
    chosen = next((each.id for each in projects if each.id == form.project_id.data), None)
    own = tuple(each.organisation_id for each in current_actor().editable)
    near = (
        position_of_project(db.session, project_id=chosen)
        if chosen
        else newest_position(db.session, organisation_ids=own)
    )
    return render_template(
        "listings/form.html",
        form=form,
        listing=listing,
        asks=asks(),
        groups=[(group, taxonomy().in_group(group)) for group in MaterialGroup],
        has_projects=bool(projects),
        can_publish=current_actor().is_confirmed,
        map=drawing_map("pin_map", target_id=form.position.id, near=near, polygons=False),
    )


# From draft to closed ---------------------------------------------------------------------------------------------


@bp.post("/<id:listing_id>/publish")
@requires(Permission.PUBLISH_LISTING, subject=load_listing)
def publish(listing: Listing) -> ResponseReturnValue:
    try:
        services.publish_listing(db.session, current_actor(), listing_id=listing.id, now=clock.now())
    except InvalidInput as refused:
        for error in refused.errors:
            flash(translate(error.message, error.params), "error")
        if listing.hidden_at is not None or listing.organisation.is_banned:
            return redirect(url_for(".show", listing_id=listing.id))
        # What stands in the way can only be put right in the form, or where the proof is.
        is_in_form = any(error.field == "available_to" for error in refused.errors)
        return redirect(url_for(".edit" if is_in_form else "quality.show", listing_id=listing.id))
    except Conflict as conflict:
        return _unchanged(listing, conflict)
    return redirect(url_for(".show", listing_id=listing.id, published=1, _anchor="matches"))


@bp.post("/<id:listing_id>/pause")
@requires(Permission.EDIT_LISTING, subject=load_listing)
def pause(listing: Listing) -> ResponseReturnValue:
    return _lead(listing, services.pause_listing, said=_("The listing is paused. Nobody else sees it for now."))


@bp.post("/<id:listing_id>/close")
@requires(Permission.EDIT_LISTING, subject=load_listing)
def close(listing: Listing) -> ResponseReturnValue:
    return _lead(listing, services.close_listing, said=_("The listing is closed."))


def _lead(listing: Listing, service: Callable[..., Listing], *, said: str) -> ResponseReturnValue:
    try:
        service(db.session, current_actor(), listing_id=listing.id, now=clock.now())
    except Conflict as conflict:
        return _unchanged(listing, conflict)
    flash(said, "success")
    return redirect(url_for(".show", listing_id=listing.id))


def _unchanged(listing: Listing, conflict: Conflict) -> ResponseReturnValue:
    """The listing as it is, with why it could not be led where the visitor wanted it."""
    flash(translate(conflict.message, conflict.params), "warning")
    return _page(listing), HTTPStatus.CONFLICT


@bp.post("/<id:listing_id>/duplicate")
@requires(Permission.EDIT_LISTING, subject=load_listing)
def duplicate(listing: Listing) -> ResponseReturnValue:
    try:
        copy = services.duplicate_listing(db.session, current_actor(), listing_id=listing.id, now=clock.now())
    except Conflict as conflict:
        return _unchanged(listing, conflict)
    flash(_("This is a copy, as a draft. Check the quantity and the period before you publish it."), "info")
    return redirect(url_for(".edit", listing_id=copy.id))


@bp.post("/<id:listing_id>/delete")
@requires(Permission.EDIT_LISTING, subject=load_listing)
def delete(listing: Listing) -> ResponseReturnValue:
    try:
        services.delete_draft(db.session, current_actor(), listing_id=listing.id)
    except Conflict as conflict:
        return _unchanged(listing, conflict)
    flash(_("The draft is deleted."), "success")
    return redirect(url_for(".index"))
