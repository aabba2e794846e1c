"""With as many listings as matter, every question about places is answered by the spatial index."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import URL, Select, event, text
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TextualSelect

from geo.geometry import BBox, Position
from geo.prepared import box_form
from marketplace.db import make_engine, make_sessions
from marketplace.models import Listing
from marketplace.queries.search import Search, Sort, page_statement, prepare_search
from marketplace.queries.search_counts import facets_statement
from marketplace.queries.search_filters import Centre, SearchFilters
from marketplace.queries.search_map import map_statement, view_values
from marketplace.services.audit import unlogged
from marketplace.types import ListingKind
from tests.conftest import NOW, fresh_database, test_settings
from tests.factories import Factory
from tests.queries.test_search_map import TEXTS

TODAY = date(2027, 3, 1)
LISTINGS = 20_000
OSLO = Centre(position=Position(lon=10.7522, lat=59.9139), label="Oslo")
CITY = BBox(west=10.6, south=59.85, east=10.9, north=59.98)
INDEXES = {index.name for index in Listing.__table__.indexes if index.dialect_options["postgresql"]["using"] == "gist"}


@pytest.fixture(scope="module")
def many(database_server: URL, filled_template: str) -> Iterator[Session]:
    """Listings spread over southern Norway, in a database that every test of this file reads."""
    with fresh_database(database_server, template=filled_template) as url:
        engine = make_engine(test_settings(url, database_statement_timeout_ms=60_000))
        with make_sessions(engine)() as session:
            make = Factory(session, now=NOW)
            template = make.listing(search_text="grus")
            names = [
                each.name
                for each in Listing.__table__.columns
                if each.name not in ("id", "search_vector", "passport_token") and each.computed is None
            ]
            values = {name: name for name in names} | {
                "position_25833": "ST_Point(-50000 + random() * 400000, 6450000 + random() * 450000, 25833)",
                "mass_t": "(1 + random() * 9000)::numeric(14, 3)",
                "renewed_at": "renewed_at - n * interval '1 minute'",
                "kind": "CASE WHEN n % 3 = 0 THEN 'demand' ELSE 'surplus' END",
                "material_key": "(ARRAY['clay', 'gravel', 'blasted_rock', 'brick'])[1 + n % 4]",
            }
            with unlogged(session, "listing", reason="many listings for tests"):
                session.execute(
                    text(
                        f"INSERT INTO listing ({', '.join(values)}) SELECT {', '.join(values.values())}"
                        " FROM listing, generate_series(1, :n) AS n WHERE id = :id"
                    ),
                    {"n": LISTINGS, "id": template.id},
                )
            session.execute(text("ANALYZE listing"))
            yield session
        engine.dispose()


def plan(session: Session, statement: Select[Any] | TextualSelect, values: Mapping[str, object]) -> str:
    """What EXPLAIN says of a statement as the driver is handed it."""
    handed: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, sql: str, parameters: object, *_rest: object) -> None:
        handed.append((sql, parameters))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    session.execute(statement, values)
    event.remove(connection, "before_cursor_execute", note)
    ((sql, parameters),) = handed
    rows = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, TIMING off) {sql}", parameters)
    return "\n".join(row[0] for row in rows)


def uses_spatial_index(told: str) -> bool:
    return any(f"Scan using {name}" in told or f"Scan on {name}" in told for name in INDEXES)


def prepared(session: Session, filters: SearchFilters) -> Search:
    return prepare_search(session, filters, today=TODAY)


SPATIAL = [
    SearchFilters(centre=OSLO, within_km=Decimal(15)),
    SearchFilters(area=CITY),
    SearchFilters(area=CITY, kind=ListingKind.SURPLUS, materials=frozenset({"clay"})),
    SearchFilters(centre=OSLO, within_km=Decimal(15), area=CITY, mass_min_t=Decimal(500)),
]


@pytest.mark.parametrize("filters", SPATIAL)
def test_counting_near_a_place_uses_the_spatial_index(filters: SearchFilters, many: Session) -> None:
    search = prepared(many, filters)
    told = plan(many, facets_statement(search.shape), search.values)
    assert uses_spatial_index(told), told


# Many results in another order than by distance are read from that order's own index, which is better then.
READ = [
    (filters, sort, is_gathered)
    for filters in SPATIAL
    for sort in Sort
    for is_gathered in (True, False)
    if (sort is Sort.DISTANCE and filters.centre) or (sort is not Sort.DISTANCE and is_gathered)
]


@pytest.mark.parametrize(("filters", "sort", "is_gathered"), READ)
def test_a_page_near_a_place_uses_the_spatial_index(
    filters: SearchFilters, sort: Sort, is_gathered: bool, many: Session
) -> None:
    search = prepared(many, filters)
    statement = page_statement(
        search.shape, sort=sort, has_mark=False, is_backward=False, limit=21, is_gathered=is_gathered
    )
    told = plan(many, statement, search.values)
    assert uses_spatial_index(told), told


def test_the_nearest_of_all_listings_are_read_in_order_from_the_index(many: Session) -> None:
    search = prepared(many, SearchFilters(centre=OSLO))
    statement = page_statement(
        search.shape, sort=Sort.DISTANCE, has_mark=False, is_backward=False, limit=21, is_gathered=False
    )
    told = plan(many, statement, search.values)
    assert "Order By: (position_25833 <->" in told, told
    assert "Seq Scan on listing" not in told, told


@pytest.mark.parametrize("filters", [SearchFilters(), *SPATIAL])
def test_the_map_of_a_city_uses_the_spatial_index(filters: SearchFilters, many: Session) -> None:
    search = prepared(many, filters)
    form = box_form(CITY)
    values = {**search.values, **view_values(CITY, form=form, zoom=12)}
    told = plan(many, map_statement(search.shape, form, TEXTS), values)
    assert uses_spatial_index(told), told
    assert "Seq Scan on listing" not in told, told
