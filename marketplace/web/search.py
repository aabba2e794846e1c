"""Searching on a map and in a list that say the same: both follow from the address alone."""

from dataclasses import replace
from functools import cache

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from marketplace import clock, db
from marketplace.errors import FieldError
from marketplace.filters import nok_per_t
from marketplace.i18n import select_locale
from marketplace.i18n_marker import N_
from marketplace.labels import material_name
from marketplace.permissions import Permission, allows
from marketplace.queries.listings import listing_for_page
from marketplace.queries.municipalities import find_municipality
from marketplace.queries.positions import blurred_position_of_project
from marketplace.queries.projects import position_of, project_for_page
from marketplace.queries.search import prepare_search
from marketplace.queries.search_filters import Centre
from marketplace.queries.search_map import MapTexts, map_of_results
from marketplace.services.geocoding import Geocoder, OfflineGeocoder, make_geocoder
from marketplace.web.access import current_actor, requires
from marketplace.web.geocode import is_over_limit
from marketplace.web.registers import registers
from marketplace.web.search_reading import LIMITS, read_area, read_state, read_zoom
from marketplace.web.search_state import Origin, OriginKind, SearchState
from marketplace.web.search_view import view_of

bp = Blueprint("search", __name__)


@bp.get("/search")
@requires(Permission.PUBLIC)
def index() -> ResponseReturnValue:
    """The whole page, or only what changes on it where the page itself asks."""
    today = clock.local_date(clock.now())
    state = settled(db.session, read_state(request.args))
    is_part = "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers
    view = view_of(db.session, current_actor(), state, args=request.args, today=today, with_map=not is_part)
    response = make_response(render_template("search/results.html" if is_part else "search/index.html", view=view))
    response.vary.add("HX-Request")
    if is_part:
        is_moved = request.headers.get("X-Search-By") == "map"
        response.headers["HX-Replace-Url" if is_moved else "HX-Push-Url"] = view.url
    return response


@bp.get("/search/map.json")
@requires(Permission.PUBLIC)
def points() -> Response:
    """The search's results in the box `bbox` of a map at `zoom`, as `marketplace.maps.ListingLayer` takes them."""
    session = db.reading_session()
    state = settled(session, read_state(request.args))
    search = prepare_search(session, state.filters, today=clock.local_date(clock.now()))
    answer = map_of_results(
        session,
        search,
        view=read_area(request.args.get("bbox")) or LIMITS,
        zoom=read_zoom(request.args.get("zoom")),
        texts=map_texts(select_locale()),
    )
    # Asked for again each time, as all pages are, so that the map never shows what the list no longer says; but sent
    # only when it has changed.
    response = Response(answer, mimetype="application/geo+json")
    response.add_etag()
    if "If-None-Match" in request.headers:
        response.make_conditional(request)
    return response


@cache
def map_texts(locale: str) -> MapTexts:
    """The words of the map's data in the language of the request, which is `locale`."""
    one = url_for("listings.show", listing_id=1)
    return MapTexts(
        is_norwegian=locale != "en",
        listing_url=one.removesuffix("1"),
        price_nok_per_t=nok_per_t(1).replace("1", "{}"),
        free=_("Free"),
        taker_pays=_("%(price)s, paid by the taker", price="{}"),
        giver_pays=_("%(price)s, paid by the giver", price="{}"),
        tested=_("Tested"),
        declared=_("Declared, not tested"),
    )


# What an address names and has to be looked up --------------------------------------------------------------------


def settled(session: Session, state: SearchState) -> SearchState:
    """The state with its place found, and old municipality numbers exchanged for those in use."""
    state = _with_municipalities_in_use(session, state)
    if state.filters.centre is not None:
        return state
    if state.origin is not None:
        return _from_origin(session, state, state.origin)
    if state.near:
        return _from_place(session, state)
    if state.filters.within_km is not None:
        return _with_problem(state, "near", N_("Say which place to measure from."))
    return state


def _with_municipalities_in_use(session: Session, state: SearchState) -> SearchState:
    given = state.filters.municipalities
    if not given:
        return state
    found = (find_municipality(session, number) for number in sorted(given))
    numbers = frozenset(municipality.number for municipality in found if municipality is not None)
    return replace(state, filters=replace(state.filters, municipalities=numbers))


def _from_origin(session: Session, state: SearchState, origin: Origin) -> SearchState:
    """From a project or listing that the visitor may see; any other is as good as none."""
    centre = (_project_centre if origin.kind is OriginKind.PROJECT else _listing_centre)(session, origin.id)
    if centre is None:
        return _with_problem(replace(state, origin=None), "near", N_("That project or listing is not to be found."))
    return _centred(state, centre)


def _project_centre(session: Session, project_id: int) -> Centre | None:
    project = project_for_page(session, project_id=project_id)
    if project is None or not allows(Permission.VIEW_PROJECT, current_actor(), project):
        return None
    if allows(Permission.VIEW_POSITION, current_actor(), project):
        return Centre(position=position_of(project), label=project.name)
    return Centre(position=blurred_position_of_project(session, project), label=project.name)


def _listing_centre(session: Session, listing_id: int) -> Centre | None:
    listing = listing_for_page(session, listing_id=listing_id)
    if listing is None or not allows(Permission.VIEW_LISTING, current_actor(), listing):
        return None
    place = listing.project.name if listing.project else listing.municipality.name
    return Centre(position=position_of(listing), label=f"{material_name(listing.material_key)}, {place}")


def _from_place(session: Session, state: SearchState) -> SearchState:
    places = _geocoder(session).search(state.near, limit=1)
    if not places:
        return _with_problem(state, "near", N_("No place of that name was found."))
    return _centred(state, Centre(position=places[0].position, label=places[0].label))


def _geocoder(session: Session) -> Geocoder:
    """Who asks too often is answered from our own names alone, and asks the register of addresses no more."""
    return OfflineGeocoder(session) if is_over_limit() else make_geocoder(session, registers().addresses)


def _centred(state: SearchState, centre: Centre) -> SearchState:
    return replace(state, near="", filters=replace(state.filters, centre=centre))


def _with_problem(state: SearchState, field: str, message: str) -> SearchState:
    return replace(state, problems=(*state.problems, FieldError(field=field, message=message)))
