"""What a search page shows, made ready for its templates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from flask import url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from geo import crs
from geo.geometry import BBox
from marketplace import clock
from marketplace.actor import Actor
from marketplace.forms.search import SearchForm
from marketplace.i18n import translate
from marketplace.labels import material_name
from marketplace.maps import FacilityLayer, ListingLayer, MapParts, MapView, OriginLayer, PlaceSearch, compose_map
from marketplace.queries.search import (
    FEW,
    Hit,
    Mark,
    Search,
    Sort,
    prepare_search,
    search_page,
)
from marketplace.queries.search_counts import bounds_of_results, facets
from marketplace.queries.search_filters import SearchFilters
from marketplace.services.freshness import unconfirmed_day
from marketplace.services.search_roads import hits_by_road
from marketplace.types import ListingKind, ListingStatus
from marketplace.web import search_choices as choices
from marketplace.web import search_said as said
from marketplace.web.cards import ListingCard, shown_documentation, whole_t
from marketplace.web.road_words import LegWords, in_words
from marketplace.web.search_state import SearchState, address

NEAR_ZOOM = 11
FACILITIES_FROM_ZOOM = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A listing that was found; `distance_m` and `way` are None where distances are measured from nowhere."""

    card: ListingCard
    distance_m: float | None
    way: LegWords | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchView:
    state: SearchState
    url: str
    """The address of this very page, in its shortest form."""
    form: SearchForm
    problems: tuple[tuple[str, str], ...]
    """Fields that could not be read, each with what is wrong."""
    notes: tuple[str, ...]
    total: int
    results: tuple[Result, ...]
    first: int
    last: int
    previous_url: str | None
    next_url: str | None
    chips: tuple[said.Chip, ...]
    clear_url: str
    save_url: str
    """Where this search can be kept, to be told of what is new."""
    other_view_url: str
    """The map where the list is shown, and the other way round, on a screen with room for one."""
    kinds: tuple[choices.Choice, ...]
    documentations: tuple[choices.Choice, ...]
    materials: tuple[choices.MaterialChoices, ...]
    municipalities: tuple[choices.Choice, ...]
    prices: tuple[choices.Choice, ...]
    reaches: tuple[choices.Choice, ...]
    origins: tuple[choices.Choice, ...]
    sorts: tuple[choices.Choice, ...]
    ways_out: tuple[said.WayOut, ...]
    post_kind: ListingKind
    map_query: str
    bounds: BBox | None
    fit: str
    """What decides where the map looks: where this stays the same, so does the map."""
    map: MapParts | None


def view_of(
    session: Session, actor: Actor, state: SearchState, *, args: MultiDict[str, str], today: date, with_map: bool
) -> SearchView:
    """The page of a settled state; `args` is what the address said, to be shown again where it could not be read."""
    search = prepare_search(session, state.filters, today=today)
    counts = facets(session, search)
    page = search_page(session, search, sort=state.sort, total=counts.total, after=state.after, before=state.before)
    bounds = map_bounds(session, state, search, total=counts.total)
    filters = state.filters
    return SearchView(
        state=state,
        url=address(state),
        form=choices.form_of(state, args),
        problems=tuple((each.field, translate(each.message, each.params)) for each in state.problems),
        notes=tuple(said.notes(search)),
        total=counts.total,
        results=tuple(_results(session, state, page.hits)),
        first=page.first_rank + 1,
        last=min(page.first_rank + len(page.hits), counts.total),
        previous_url=_page_address(state, before=page.before),
        next_url=_page_address(state, after=page.after),
        chips=tuple(said.chips(session, state, counts)),
        clear_url=address(SearchState(chosen_sort=None, is_following=state.is_following, shows_map=state.shows_map)),
        save_url=_save_address(state),
        other_view_url=address(replace(state, shows_map=not state.shows_map)),
        kinds=tuple(choices.kinds(filters, counts)),
        documentations=tuple(choices.documentations(filters, counts)),
        materials=tuple(choices.materials(filters, counts)),
        municipalities=tuple(choices.municipalities(session, filters, counts)),
        prices=tuple(choices.prices(filters)),
        reaches=tuple(choices.reaches(filters)),
        origins=tuple(choices.origins(session, actor, state, today=today)),
        sorts=tuple(choices.sorts(state)),
        ways_out=tuple(said.ways_out(session, state, search)) if not counts.total else (),
        post_kind=ListingKind.DEMAND if filters.kind in {None, ListingKind.SURPLUS} else ListingKind.SURPLUS,
        map_query=state.map_query(),
        bounds=bounds,
        fit=_fit(state),
        map=_map(state, bounds) if with_map else None,
    )


# Addresses --------------------------------------------------------------------------------------------------------


def _page_address(state: SearchState, *, before: Mark | None = None, after: Mark | None = None) -> str | None:
    if before is None and after is None:
        return None
    return address(replace(state, before=before, after=after))


def _save_address(state: SearchState) -> str:
    plain = replace(state, chosen_sort=None, is_following=False, shows_map=False, after=None, before=None)
    return f"{url_for('saved_searches.new')}?{plain.query()}"


# Results ----------------------------------------------------------------------------------------------------------


def _results(session: Session, state: SearchState, hits: Sequence[Hit]) -> Iterator[Result]:
    """The hits of a page, with the way from the centre, or to it from a surplus.

    Pages are cut by the straight line. Where a network of roads is in use and the nearest come first, those of a page
    stand in the order by road.
    """
    for hit, leg in hits_by_road(
        session, hits, centre=state.filters.centre, is_nearest_first=state.sort is Sort.DISTANCE
    ):
        way = None if leg is None else in_words(leg, is_approximate=hit.hides_position)
        yield Result(card=_card(hit), distance_m=hit.distance_m, way=way)


def _card(hit: Hit) -> ListingCard:
    return ListingCard(
        id=hit.id,
        kind=hit.kind,
        status=ListingStatus.PUBLISHED,
        material_group=hit.material_group,
        material_name=material_name(hit.material_key),
        fraction_mm=hit.fraction_mm,
        mass_t=hit.left_t,
        whole_t=whole_t(hit.mass_t, left_t=hit.left_t),
        period=hit.period,
        price_kind=hit.price_kind,
        price_nok_per_t=hit.price_nok_per_t,
        municipality_name=hit.municipality_name,
        is_example=hit.is_example,
        organisation_name=hit.organisation_name,
        is_verified=hit.is_verified,
        project_name=hit.project_name,
        facility_name=hit.facility_name,
        documentation=shown_documentation(hit.kind, hit.documentation),
        unconfirmed_since=unconfirmed_day(
            ListingStatus.PUBLISHED, asked_at=hit.asked_at, renewed_at=hit.renewed_at, now=clock.now()
        ),
        hides_position=hit.hides_position,
    )


# The map ----------------------------------------------------------------------------------------------------------


def map_bounds(session: Session, state: SearchState, search: Search, *, total: int) -> BBox | None:
    """Where the map looks: at the area asked for, else around the place, else where the results are."""
    filters = state.filters
    if filters.area is not None:
        return filters.area
    if filters.centre is not None and filters.within_km is not None:
        return around(filters.centre.position.lon, filters.centre.position.lat, reach_m=float(filters.within_km) * 1000)
    is_everywhere = total > FEW and not filters.municipalities
    if filters.centre is not None or not total or is_everywhere:
        return None  # around the place, or all of Norway
    return bounds_of_results(session, search)


def around(lon: float, lat: float, *, reach_m: float) -> BBox:
    """The box around a circle."""
    sides = [crs.destination(lon, lat, azimuth_deg=azimuth, distance_m=reach_m) for azimuth in (0, 90, 180, 270)]
    return BBox(west=sides[3][0], south=sides[2][1], east=sides[1][0], north=sides[0][1])


def _fit(state: SearchState) -> str:
    placed = SearchFilters(
        centre=state.filters.centre,
        within_km=state.filters.within_km,
        area=state.filters.area,
        municipalities=state.filters.municipalities,
    )
    return SearchState(filters=placed).query()


def _map(state: SearchState, bounds: BBox | None) -> MapParts:
    centre = state.filters.centre
    middle = (centre.position.lon, centre.position.lat) if centre is not None else None
    box = None if bounds is None else (bounds.west, bounds.south, bounds.east, bounds.north)
    return compose_map(
        "results_map",
        view=MapView(bbox=box, middle=middle, zoom=NEAR_ZOOM),
        layers=[
            ListingLayer(data_url=url_for("search.points"), query=state.map_query()),
            OriginLayer(at=middle, label=centre.label if centre is not None else ""),
            FacilityLayer(data_url=url_for("facilities.points"), min_zoom=FACILITIES_FROM_ZOOM),
            PlaceSearch(input_id="near", url=url_for("geocode.search")),
        ],
    )
