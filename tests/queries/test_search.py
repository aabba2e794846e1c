"""What a search finds, counts and suggests, compared with a search by brute force."""

import json
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.orm import Session

from geo.geometry import BBox, Position
from geo.materials import MaterialGroup, taxonomy
from geo.norway import BOUNDS_LONLAT
from marketplace.models import Listing
from marketplace.queries import search as search_queries
from marketplace.queries import search_map
from marketplace.queries.search import (
    Hit,
    Page,
    Sort,
    prepare_search,
    search_page,
)
from marketplace.queries.search_counts import Facets, bounds_of_results, facets, loosenings
from marketplace.queries.search_filters import Centre, Filter, SearchFilters
from marketplace.queries.search_map import MapTexts, map_of_results
from marketplace.types import Documentation, Haulage, ListingKind, ListingStatus, Loading, PausedReason, PriceKind
from tests.conftest import NOW
from tests.factories import Factory, stored_point
from tests.queries.search_cases import Row, fits, lies_in, order

TODAY = date(2027, 3, 1)
OSLO = Centre(position=Position(lon=10.7522, lat=59.9139), label="Oslo")
NORWAY = BBox(west=BOUNDS_LONLAT[0], south=BOUNDS_LONLAT[1], east=BOUNDS_LONLAT[2], north=BOUNDS_LONLAT[3])
TEXTS = MapTexts(
    is_norwegian=True,
    listing_url="/listings/",
    price_nok_per_t="{} kr/t",
    free="Gratis",
    taker_pays="{}",
    giver_pays="{}",
    tested="Testet",
    declared="Erklært",
)


def hits(session: Session, filters: SearchFilters, *, sort: Sort | None = None, today: date = TODAY) -> tuple[Hit, ...]:
    """The first page."""
    search = prepare_search(session, filters, today=today)
    chosen = sort or (Sort.DISTANCE if filters.centre else Sort.NEWEST)
    return search_page(session, search, sort=chosen, total=facets(session, search).total).hits


def ids(session: Session, filters: SearchFilters, **options: object) -> list[int]:
    return [hit.id for hit in hits(session, filters, **options)]


def count(session: Session, filters: SearchFilters) -> Facets:
    return facets(session, prepare_search(session, filters, today=TODAY))


# What is found ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "days_left", "is_found"),
    [
        (ListingStatus.PUBLISHED, 1, True),
        (ListingStatus.PUBLISHED, 0, True),
        (ListingStatus.PUBLISHED, -1, False),
        (ListingStatus.PAUSED, 1, False),
        (ListingStatus.DRAFT, 1, False),
    ],
)
def test_only_open_listings_are_found(
    status: ListingStatus, days_left: int, is_found: bool, session: Session, make: Factory
) -> None:
    listing = make.listing(
        status=status, available_from=TODAY - timedelta(days=9), available_to=TODAY + timedelta(days=days_left)
    )
    assert ids(session, SearchFilters()) == ([listing.id] if is_found else [])


def test_a_group_stands_for_all_its_materials(session: Session, make: Factory) -> None:
    clay, _rock, brick = (make.listing(material=key) for key in ("clay", "blasted_rock", "brick"))
    filters = SearchFilters(groups=frozenset({MaterialGroup.SOIL}), materials=frozenset({"brick"}))
    assert set(ids(session, filters)) == {clay.id, brick.id}


def test_a_period_need_only_overlap(session: Session, make: Factory) -> None:
    listing = make.listing(available_from=date(2027, 4, 1), available_to=date(2027, 5, 31))
    for first, last, is_found in [
        (date(2027, 5, 31), None, True),
        (date(2027, 6, 1), None, False),
        (None, date(2027, 4, 1), True),
        (None, date(2027, 3, 31), False),
        (date(2027, 4, 10), date(2027, 4, 11), True),
    ]:
        assert ids(session, SearchFilters(period_from=first, period_to=last)) == ([listing.id] if is_found else [])


def test_the_most_a_taker_pays_lets_free_and_paid_for_masses_through(session: Session, make: Factory) -> None:
    free = make.listing()
    cheap = make.listing(price_kind=PriceKind.TAKER_PAYS, price_nok_per_t=Decimal(40))
    make.listing(price_kind=PriceKind.TAKER_PAYS, price_nok_per_t=Decimal("40.01"))
    paid_for = make.listing(price_kind=PriceKind.GIVER_PAYS, price_nok_per_t=Decimal(90))
    assert set(ids(session, SearchFilters(price_max_nok_per_t=Decimal(40)))) == {free.id, cheap.id, paid_for.id}


def test_distances_are_geodesic_and_come_nearest_first(session: Session, make: Factory) -> None:
    far = make.listing(position=(10.2045, 59.7441))  # Drammen
    near = make.listing(position=(10.7522, 59.9239))
    found = hits(session, SearchFilters(centre=OSLO))
    assert [hit.id for hit in found] == [near.id, far.id]
    assert found[0].distance_m == pytest.approx(OSLO.position.distance_m(Position(lon=10.7522, lat=59.9239)), abs=0.5)


def test_within_a_distance_means_as_the_distance_is_shown(session: Session, make: Factory) -> None:
    """In Bergen a planar kilometre is some 2 m longer than a geodesic one; the difference must not lose a listing."""
    bergen = Centre(position=Position(lon=5.3221, lat=60.3913), label="Bergen")
    listing = make.listing(position=(5.7, 60.3913))
    exact_km = Decimal(bergen.position.distance_m(Position(lon=5.7, lat=60.3913))) / 1000
    inside, outside = (exact_km + Decimal(step) for step in ("0.001", "-0.001"))
    assert ids(session, SearchFilters(centre=bergen, within_km=inside)) == [listing.id]
    assert ids(session, SearchFilters(centre=bergen, within_km=outside)) == []


def test_an_area_is_the_map_and_not_the_box_around_it_in_the_stored_grid(session: Session, make: Factory) -> None:
    """In Finnmark the two grids are turned against each other by twelve degrees."""
    area = BBox(west=28.0, south=69.5, east=29.0, north=70.0)
    inside, _outside = make.listing(position=(28.02, 69.98)), make.listing(position=(27.97, 69.98))
    assert ids(session, SearchFilters(area=area)) == [inside.id]


def test_results_of_equal_rank_keep_one_order(session: Session, make: Factory) -> None:
    listings = [make.listing(mass_t=500) for _ in range(3)]
    newest_first = [each.id for each in reversed(listings)]
    assert ids(session, SearchFilters()) == ids(session, SearchFilters(), sort=Sort.QUANTITY) == newest_first
    assert ids(session, SearchFilters(centre=OSLO)) == newest_first[::-1]


# Facets and hints -------------------------------------------------------------------------------------------------


def test_a_facet_leaves_its_own_choice_out_of_account(session: Session, make: Factory) -> None:
    make.listing(material="clay")
    make.listing(material="clay", kind=ListingKind.DEMAND)
    make.listing(material="sand")
    counted = count(session, SearchFilters(kind=ListingKind.SURPLUS, materials=frozenset({"clay"})))
    assert counted.total == 1
    assert counted.kinds == {ListingKind.SURPLUS: 1, ListingKind.DEMAND: 1}
    assert counted.materials == {"clay": 1, "sand": 1}
    assert [(each.name, each.count) for each in counted.municipalities] == [("Bærum", 1)]


def test_a_facet_heeds_all_other_filters(session: Session, make: Factory) -> None:
    make.listing(material="clay", mass_t=100)
    make.listing(material="sand", mass_t=9000)
    assert count(session, SearchFilters(mass_min_t=Decimal(1000))).materials == {"sand": 1}


def test_what_stands_in_the_way_is_named_with_what_it_would_give(session: Session, make: Factory) -> None:
    make.listing(material="clay", mass_t=100)
    make.listing(material="sand", mass_t=9000)
    filters = SearchFilters(materials=frozenset({"clay"}), mass_min_t=Decimal(5000), kind=ListingKind.SURPLUS)
    search = prepare_search(session, filters, today=TODAY)
    assert {(each.dropped, each.count) for each in loosenings(session, search)} == {
        (Filter.MASS, 1),
        (Filter.MATERIAL, 1),
    }


def test_the_map_can_show_a_single_result(session: Session, make: Factory) -> None:
    make.listing(position=(10.5, 59.9))
    box = bounds_of_results(session, prepare_search(session, SearchFilters(), today=TODAY))
    assert box is not None
    assert box.west < 10.5 < box.east
    assert box.south < 59.9 < box.north


# Pages ------------------------------------------------------------------------------------------------------------


def test_a_mark_beyond_the_end_shows_the_first_page(session: Session, make: Factory) -> None:
    make.listing(mass_t=10)
    search = prepare_search(session, SearchFilters(), today=TODAY)
    beyond = search_queries.Mark(sort=Sort.QUANTITY, key=Decimal(1), listing_id=1, rank=99)
    assert len(search_page(session, search, sort=Sort.QUANTITY, total=1, after=beyond).hits) == 1


def test_a_mark_of_another_sort_counts_for_nothing(session: Session, make: Factory) -> None:
    make.listing()
    search = prepare_search(session, SearchFilters(), today=TODAY)
    other = search_queries.Mark(sort=Sort.NEWEST, key=NOW, listing_id=1, rank=99)
    assert len(search_page(session, search, sort=Sort.QUANTITY, total=1, after=other).hits) == 1


def forward(session: Session, filters: SearchFilters, *, sort: Sort, size: int) -> list[Page]:
    search = prepare_search(session, filters, today=TODAY)
    total = facets(session, search).total
    pages = [search_page(session, search, sort=sort, total=total, size=size)]
    while pages[-1].after is not None:
        pages.append(search_page(session, search, sort=sort, total=total, after=pages[-1].after, size=size))
    return pages


def backward(session: Session, filters: SearchFilters, last: Page, *, sort: Sort, size: int) -> list[Page]:
    search = prepare_search(session, filters, today=TODAY)
    total = facets(session, search).total
    pages = [last]
    while pages[-1].before is not None:
        pages.append(search_page(session, search, sort=sort, total=total, before=pages[-1].before, size=size))
    return pages[::-1]


# Against brute force ----------------------------------------------------------------------------------------------

PLACES = [(10.5266, 59.8906), (10.7522, 59.9139), (10.75, 59.92), (5.3221, 60.3913), (25.0, 70.0), (10.53, 59.8906)]
DOCUMENTATIONS = (Documentation.DECLARED, Documentation.TESTED)
MATERIALS = ["blasted_rock", "gravel", "clay", "concrete", "asphalt"]
SAID = ["grus fra oslo", "sandstein", "grus og sandstein", ""]
days = st.integers(-40, 80).map(lambda n: TODAY + timedelta(days=n))
masses = st.sampled_from([Decimal("0.5"), Decimal(100), Decimal(100), Decimal("2500.125"), Decimal(400_000)])
prices = st.sampled_from([Decimal(10), Decimal(45), Decimal("45.50"), Decimal(300)])


def some[Value](values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value | None]:
    return st.none() | values


@st.composite
def listings(draw: st.DrawFn) -> dict[str, object]:
    first, last = sorted((draw(days), draw(days)))
    price_kind = draw(st.sampled_from(PriceKind))
    return {
        "status": draw(st.sampled_from([ListingStatus.PUBLISHED] * 4 + [ListingStatus.PAUSED])),
        "kind": (kind := draw(st.sampled_from(ListingKind))),
        "documentation": draw(st.sampled_from(DOCUMENTATIONS)) if kind is ListingKind.SURPLUS else Documentation.NONE,
        "material": draw(st.sampled_from(MATERIALS)),
        "mass_t": draw(masses),
        "available_from": first,
        "available_to": last,
        "price_kind": price_kind,
        "price_nok_per_t": None if price_kind is PriceKind.FREE else draw(prices),
        "place": draw(st.sampled_from(PLACES)),
        "municipality": draw(st.sampled_from(["0301", "3201", "4601"])),
        "text": draw(st.sampled_from(SAID)),
        "published_at": NOW - timedelta(hours=draw(st.integers(0, 3))),
    }


@st.composite
def searches(draw: st.DrawFn) -> SearchFilters:
    period = sorted((draw(days), draw(days)))
    lon, lat = draw(st.sampled_from(PLACES))
    half = draw(st.sampled_from([0.01, 0.3, 6.0]))
    return SearchFilters(
        text=draw(st.sampled_from(["", "", "grus", "sand", "stein", "oslo grus"])),
        kind=draw(some(st.sampled_from(ListingKind))),
        documentation=draw(some(st.sampled_from(DOCUMENTATIONS))),
        groups=draw(st.frozensets(st.sampled_from(MaterialGroup), max_size=1)),
        materials=draw(st.frozensets(st.sampled_from(MATERIALS), max_size=2)),
        mass_min_t=draw(some(masses)),
        mass_max_t=draw(some(masses)),
        period_from=draw(some(st.just(period[0]))),
        period_to=draw(some(st.just(period[1]))),
        price_kind=draw(some(st.sampled_from(PriceKind))),
        price_max_nok_per_t=draw(some(prices)),
        centre=draw(some(st.just(OSLO))),
        within_km=draw(some(st.sampled_from([Decimal(1), Decimal(15), Decimal(400)]))),
        area=draw(some(st.just(BBox(west=lon - half, south=lat - half / 2, east=lon + half, north=lat + half / 2)))),
        municipalities=draw(st.frozensets(st.sampled_from(["0301", "4601"]), max_size=1)),
    )


def store(session: Session, make: Factory, drawn: list[dict[str, object]]) -> list[Row]:
    user, organisation = make.user(), make.organisation()
    values = [
        {
            "kind": each["kind"],
            "documentation": each["documentation"],
            "facility_id": make.facility().id if each["kind"] is ListingKind.RECEPTION else None,
            "status": each["status"],
            "organisation_id": organisation.id,
            "material_key": each["material"],
            "mass_t": each["mass_t"],
            "entered_value": each["mass_t"],
            "entered_unit": "t",
            "available_from": each["available_from"],
            "available_to": each["available_to"],
            "price_kind": each["price_kind"],
            "price_nok_per_t": each["price_nok_per_t"],
            "loading": Loading.GIVER,
            "haulage": Haulage.GIVER,
            "position_25833": stored_point(each["place"]),
            "municipality_number": each["municipality"],
            "published_at": each["published_at"],
            "renewed_at": each["published_at"],
            "paused_reason": PausedReason.OWNER if each["status"] is ListingStatus.PAUSED else None,
            "search_text": each["text"],
            "created_by_id": user.id,
        }
        for each in drawn
    ]
    stored_ids = session.scalars(insert(Listing).returning(Listing.id, sort_by_parameter_order=True), values).all()
    return [
        Row(
            id=listing_id,
            position=Position(lon=each["place"][0], lat=each["place"][1]),
            **{name: each[name] for name in each if name != "place"},
        )
        for listing_id, each in zip(stored_ids, drawn, strict=True)
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=st.lists(listings(), min_size=1, max_size=14),
    filters=searches(),
    sort=st.sampled_from(Sort),
    size=st.integers(1, 5),
    is_few=st.booleans(),
)
def test_list_facets_pages_and_map_say_what_brute_force_says(
    session: Session,
    make: Factory,
    monkeypatch: pytest.MonkeyPatch,
    drawn: list[dict[str, object]],
    filters: SearchFilters,
    sort: Sort,
    size: int,
    is_few: bool,
) -> None:
    if sort is Sort.DISTANCE and filters.centre is None:
        sort = Sort.NEWEST
    savepoint = session.begin_nested()
    try:
        rows = store(session, make, drawn)
        # Each of the two ways a list, and a map, is read, whatever the number of listings.
        monkeypatch.setattr(search_queries, "FEW", 5000 if is_few else 0)
        monkeypatch.setattr(search_map, "FEW", 120 if is_few else 0)
        expected = [
            row.id for row in sorted(rows, key=lambda row: order(row, sort, filters)) if fits(row, filters, today=TODAY)
        ]
        search = prepare_search(session, filters, today=TODAY)

        pages = forward(session, filters, sort=sort, size=size)
        assert [hit.id for page in pages for hit in page.hits] == expected
        assert backward(session, filters, pages[-1], sort=sort, size=size) == pages

        counted = facets(session, search)
        assert counted.total == len(expected)
        assert counted.kinds == count_by("kind", rows, filters.without(Filter.KIND))
        surpluses = [row for row in rows if row.kind is ListingKind.SURPLUS]
        assert counted.documentations == count_by("documentation", surpluses, filters.without(Filter.DOCUMENTATION))
        takers = (row for row in rows if row.kind is not ListingKind.SURPLUS)
        assert counted.takers == sum(fits(row, filters.without(Filter.DOCUMENTATION), today=TODAY) for row in takers)
        assert counted.materials == count_by("material", rows, filters.without(Filter.MATERIAL))
        assert {each.number: each.count for each in counted.municipalities} == count_by(
            "municipality", rows, filters.without(Filter.MUNICIPALITY)
        )
        if not expected:
            assert {each.dropped: each.count for each in loosenings(session, search)} == {
                each: found
                for each in filters.active
                if (found := sum(fits(row, filters.without(each), today=TODAY) for row in rows))
            }
        for view in (NORWAY, BBox(west=10.0, south=59.0, east=11.0, north=60.5)):
            told = json.loads(map_of_results(session, search, view=view, zoom=9, texts=TEXTS))
            inside = [row for row in rows if row.id in expected and lies_in(row.position, view)]
            assert told["total"] == len(inside)
            assert sum(feature["properties"].get("count", 1) for feature in told["features"]) == len(inside)
    finally:
        savepoint.rollback()


def count_by(name: str, rows: list[Row], filters: SearchFilters) -> dict[object, int]:
    return dict(Counter(getattr(row, name) for row in rows if fits(row, filters, today=TODAY)))


def test_the_oracle_knows_every_material() -> None:
    assert set(MATERIALS) <= taxonomy().materials.keys()
