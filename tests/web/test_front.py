from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from marketplace.queries.front import overview, served_demands
from marketplace.types import ListingKind, ListingStatus
from tests.conftest import Client, QueryCounter
from tests.factories import SANDVIKA, Factory

OSLO = (10.75, 59.91)
TRONDHEIM = (10.40, 63.43)
SURPLUS, DEMAND = ListingKind.SURPLUS, ListingKind.DEMAND


def test_figures_count_open_listings_only(session: Session, make: Factory) -> None:
    make.listing(kind=SURPLUS, mass_t=1000)
    make.listing(kind=SURPLUS, mass_t=500)
    make.listing(kind=DEMAND, mass_t=300)
    make.listing(kind=SURPLUS, mass_t=9000, status=ListingStatus.DRAFT)
    make.listing(
        kind=DEMAND,
        mass_t=9000,
        available_from=make.today - timedelta(days=90),
        available_to=make.today - timedelta(days=1),
    )
    seen = overview(session, today=make.today)
    assert (seen.surplus.count, seen.surplus.mass_t) == (2, Decimal(1500))
    assert (seen.demand.count, seen.demand.mass_t) == (1, Decimal(300))


def test_a_facility_counts_once_however_much_it_takes_in(session: Session, make: Factory) -> None:
    facility = make.facility()
    for material in ("clay", "blasted_rock"):
        make.listing(kind=ListingKind.RECEPTION, facility_id=facility.id, material=material)
    make.listing(kind=ListingKind.RECEPTION)
    seen = overview(session, today=make.today)
    assert (seen.facilities, seen.receptions) == (2, 3)
    assert (seen.surplus.count, seen.demand.count) == (0, 0)


def test_an_empty_marketplace_has_figures_too(session: Session, make: Factory) -> None:
    seen = overview(session, today=make.today)
    assert (seen.surplus.mass_t, seen.demand.mass_t, seen.served_demands, seen.extent) == (0, 0, 0, None)


def test_the_map_begins_around_the_listings(session: Session, make: Factory) -> None:
    make.listing(kind=SURPLUS, position=SANDVIKA)
    make.listing(kind=DEMAND, position=OSLO)
    extent = overview(session, today=make.today).extent
    assert extent is not None
    assert extent.west < SANDVIKA[0] < OSLO[0] < extent.east
    assert extent.south < SANDVIKA[1] < OSLO[1] < extent.north
    assert extent.east - extent.west < 0.5


@pytest.mark.parametrize(
    ("surplus", "is_served"),
    [
        ({}, True),
        ({"position": TRONDHEIM}, False),
        ({"material": "peat"}, False),
        ({"status": ListingStatus.PAUSED}, False),
        ({"kind": DEMAND}, False),
        ({"days": (-10, -1)}, False),
        ({"days": (91, 120)}, False),
        ({"days": (90, 120)}, True),
        # Blasted rock may stand in for coarse crushed rock, after crushing.
        ({"demanded": "cobble"}, True),
    ],
)
def test_a_demand_is_served_by_what_fits_near_and_in_time(
    session: Session, make: Factory, surplus: dict[str, object], is_served: bool
) -> None:
    first, last = surplus.pop("days", (0, 90))  # type: ignore[misc]
    demanded = str(surplus.pop("demanded", "blasted_rock"))
    make.listing(kind=DEMAND, material=demanded, position=SANDVIKA)
    values = {"kind": SURPLUS, "position": OSLO, **surplus}
    make.listing(
        available_from=make.today + timedelta(days=first), available_to=make.today + timedelta(days=last), **values
    )
    served, looked_at = served_demands(session, today=make.today)
    assert (served == 1) is is_served
    assert looked_at == (2 if values["kind"] is DEMAND else 1)


def test_the_front_page_shows_the_newest_of_both_kinds(client: Client, make: Factory) -> None:
    for kind in (SURPLUS, DEMAND):
        for age in range(5):
            make.listing(kind=kind, mass_t=1000 + age, published_at=make.now - timedelta(hours=age))
    make.session.commit()
    page = client.in_english().get("/")
    assert page.status_code == 200
    for age in range(5):
        assert page.text.count(f"1,00{age}\N{NO-BREAK SPACE}t") == (2 if age < 3 else 0)


def test_the_front_page_asks_as_often_for_many_listings_as_for_one(
    client: Client, make: Factory, count_queries: QueryCounter
) -> None:
    make.listing(kind=SURPLUS)
    make.session.commit()
    client.get("/")
    with count_queries() as with_one:
        client.get("/")
    for _ in range(3):
        make.listing(kind=SURPLUS)
        make.listing(kind=DEMAND)
    make.session.commit()
    with count_queries() as with_more:
        client.get("/")
    assert len(with_more) == len(with_one)


@pytest.mark.parametrize("path", ["/about", "/sources"])
def test_it_says_what_it_is_and_what_it_is_made_of(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_facilities_are_geojson_for_the_map(client: Client) -> None:
    answer = client.get("/facilities.geojson")
    assert answer.mimetype == "application/geo+json"
    assert answer.json == {"type": "FeatureCollection", "features": []}
