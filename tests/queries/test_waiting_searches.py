"""A saved search is told of a listing if, and only if, the search page with its filters finds it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo.geometry import BBox
from geo.materials import MaterialGroup
from marketplace.clock import local_date
from marketplace.models import Listing, SavedSearch
from marketplace.queries.search_filters import SearchFilters, fulfils, shape_of, values_of
from marketplace.queries.search_words import words_as_written
from marketplace.queries.waiting_searches import columns_of, searches_that_find
from marketplace.types import AlertFrequency, Documentation, ListingKind, PriceKind
from tests.conftest import NOW
from tests.factories import Factory
from tests.queries.test_search import OSLO, listings, searches, store
from tests.queries.test_search_plans import plan

TODAY = local_date(NOW)


def keep(session: Session, make: Factory, *, user_id: int, filters: SearchFilters, serial: int = 0) -> int:
    columns = columns_of(filters, words_as_written(session, filters.text).words)
    kept = SavedSearch(
        user_id=user_id, name="x", query=f"n={serial}", frequency=AlertFrequency.DAILY, seen_at=NOW, **columns
    )
    session.add(kept)
    session.flush()
    return kept.id


def found_by_page(session: Session, filters: SearchFilters) -> set[int]:
    """What the page finds when it takes the words as they are written."""
    words = words_as_written(session, filters.text).words
    shape, values = shape_of(filters, words), values_of(filters, words, today=TODAY)
    return set(session.scalars(select(Listing.id).where(fulfils(shape)), values))


def pairs(session: Session, listing_ids: list[int]) -> set[tuple[int, int]]:
    statement = searches_that_find(columns=(SavedSearch.id, Listing.id), listing_ids=listing_ids, today=TODAY)
    return {tuple(row) for row in session.execute(statement)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(listings(), min_size=1, max_size=12), waiting=st.lists(searches(), min_size=1, max_size=8))
def test_a_search_waits_for_what_its_page_finds_and_nothing_else(
    session: Session, make: Factory, drawn: list[dict[str, object]], waiting: list[SearchFilters]
) -> None:
    savepoint = session.begin_nested()
    try:
        rows = store(session, make, drawn)
        user = make.user()
        kept = {
            keep(session, make, user_id=user.id, filters=filters, serial=serial): filters
            for serial, filters in enumerate(waiting)
        }
        expected = {
            (search_id, listing_id)
            for search_id, filters in kept.items()
            for listing_id in found_by_page(session, filters)
        }
        assert pairs(session, [row.id for row in rows]) == expected
    finally:
        savepoint.rollback()


@pytest.mark.parametrize(
    "filters",
    [
        SearchFilters(kind=ListingKind.SURPLUS),
        SearchFilters(groups=frozenset({MaterialGroup.STONE})),
        SearchFilters(materials=frozenset({"blasted_rock", "clay"})),
        SearchFilters(documentation=Documentation.DECLARED),
        SearchFilters(mass_min_t=Decimal("999.9999"), mass_max_t=Decimal("1000.0001")),
        SearchFilters(period_from=TODAY + timedelta(days=90), period_to=TODAY + timedelta(days=90)),
        SearchFilters(price_kind=PriceKind.FREE, price_max_nok_per_t=Decimal("0.005")),
        SearchFilters(municipalities=frozenset({"3201"})),
        SearchFilters(area=BBox(west=10.5, south=59.8, east=10.6, north=59.95)),
        SearchFilters(text="sprengstein i bærum"),
    ],
    ids=lambda filters: ",".join(filters.active),
)
def test_each_filter_lets_through_what_it_should(session: Session, make: Factory, filters: SearchFilters) -> None:
    listing = make.listing(search_text="sprengstein til overs i bærum")
    kept = keep(session, make, user_id=make.user().id, filters=filters)
    assert pairs(session, [listing.id]) == {(kept, listing.id)}


@pytest.mark.parametrize(
    "filters",
    [
        SearchFilters(kind=ListingKind.DEMAND),
        SearchFilters(groups=frozenset({MaterialGroup.SOIL})),
        SearchFilters(materials=frozenset({"clay"})),
        SearchFilters(documentation=Documentation.TESTED),
        SearchFilters(mass_min_t=Decimal("1000.0001")),
        SearchFilters(mass_max_t=Decimal("999.9999")),
        SearchFilters(period_from=TODAY + timedelta(days=91)),
        SearchFilters(period_to=TODAY - timedelta(days=1)),
        SearchFilters(price_kind=PriceKind.TAKER_PAYS),
        SearchFilters(municipalities=frozenset({"0301"})),
        SearchFilters(area=BBox(west=10.6, south=59.8, east=10.7, north=59.95)),
        SearchFilters(text="sprengstein oslo"),
    ],
    ids=lambda filters: ",".join(filters.active),
)
def test_each_filter_keeps_out_what_it_should(session: Session, make: Factory, filters: SearchFilters) -> None:
    listing = make.listing(search_text="sprengstein i bærum", documentation=Documentation.DECLARED)
    keep(session, make, user_id=make.user().id, filters=filters)
    assert pairs(session, [listing.id]) == set()


def test_a_circle_and_a_box_apart_find_nothing(session: Session, make: Factory) -> None:
    bergen = BBox(west=5.2, south=60.3, east=5.4, north=60.5)
    listings_ = [make.listing(position=(5.3221, 60.3913)).id, make.listing(position=(10.7522, 59.9139)).id]
    near_oslo = SearchFilters(centre=OSLO, within_km=Decimal(5))
    keep(session, make, user_id=make.user().id, filters=replace(near_oslo, area=bergen))
    assert pairs(session, listings_) == set()


@pytest.fixture
def many_searches(session: Session, make: Factory) -> None:
    """Twenty thousand circles all over the country, for one material each."""
    user = make.user()
    session.execute(
        text(
            """
            INSERT INTO saved_search (user_id, name, query, frequency, seen_at, materials, bounds_25833,
                                      centre_x_m, centre_y_m, reach_m)
            SELECT :user_id, 'x', 'n=' || n, 'never', now(), ARRAY[(ARRAY['clay', 'gravel', 'concrete'])[n % 3 + 1]],
                   ST_Expand(ST_SetSRID(ST_MakePoint(x, y), 25833), 20000), x, y, 20000
            FROM (SELECT n, 200000 + 7919 * n % 800000 AS x, 6500000 + 104729 * n % 1300000 AS y
                  FROM generate_series(1, 20000) n) places
            """
        ),
        {"user_id": user.id},
    )
    session.execute(text("ANALYZE saved_search"))


def test_the_waiting_searches_are_found_by_an_index(session: Session, make: Factory, many_searches: None) -> None:
    listing = make.listing(material="clay")
    found = plan(session, searches_that_find(columns=(SavedSearch.id,), listing_ids=[listing.id], today=TODAY), {})
    assert "ix_saved_search_bounds_25833" in found or "ix_saved_search_materials" in found, found
    assert "Seq Scan on saved_search" not in found, found
