"""The map's data: what a pin says, what a cluster counts, and that it stays small."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy.orm import Session

from geo.geometry import BBox
from marketplace.filters import fraction, nok_per_t, tonnes
from marketplace.queries.search import prepare_search
from marketplace.queries.search_filters import SearchFilters
from marketplace.queries.search_map import MapTexts, map_of_results
from marketplace.types import ListingKind, PriceKind
from marketplace.web.search import map_texts
from tests.factories import SANDVIKA, Factory

VIEW = BBox(west=10.4, south=59.8, east=10.7, north=60.0)
TEXTS = MapTexts(
    is_norwegian=True,
    listing_url="/listings/",
    price_nok_per_t="{} kr/t",
    free="Gratis",
    taker_pays="{}, betales av mottaker",
    giver_pays="{}, betales av avgiver",
    tested="Testet",
    declared="Erklært",
)


def features(session: Session, make: Factory, *, zoom: float = 12, texts: MapTexts = TEXTS) -> list[dict[str, object]]:
    search = prepare_search(session, SearchFilters(), today=make.today)
    return json.loads(map_of_results(session, search, view=VIEW, zoom=zoom, texts=texts))["features"]


def properties(session: Session, make: Factory, **options: object) -> list[dict[str, object]]:
    return [feature["properties"] for feature in features(session, make, **options)]


def test_an_empty_map_is_a_collection_of_nothing(session: Session, make: Factory) -> None:
    search = prepare_search(session, SearchFilters(), today=make.today)
    told = json.loads(map_of_results(session, search, view=VIEW, zoom=10, texts=TEXTS))
    assert told == {"type": "FeatureCollection", "total": 0, "features": []}


def test_a_single_listing_says_all_its_popup_shows(session: Session, make: Factory) -> None:
    listing = make.listing(
        material="crushed_rock",
        kind=ListingKind.DEMAND,
        mass_t=Decimal(20000),
        fraction_min_mm=Decimal(8),
        fraction_max_mm=Decimal("22.4"),
        price_kind=PriceKind.TAKER_PAYS,
        price_nok_per_t=Decimal(145),
        is_example=True,
    )
    (feature,) = features(session, make)
    assert feature["geometry"]["coordinates"] == [
        pytest.approx(SANDVIKA[0], abs=1e-5),
        pytest.approx(SANDVIKA[1], abs=1e-5),
    ]
    assert feature["properties"] == {
        "id": listing.id,
        "kind": "demand",
        "group": "stone",
        "title": "Pukk 8/22,4\xa0mm",
        "quantity": "20\u202f000\xa0t",
        "details": ["1.3.2027\xa0– 30.5.2027", "145 kr/t, betales av mottaker"],
        "is_example": True,
        "url": f"/listings/{listing.id}",
    }


def test_listings_on_one_spot_are_told_apart(session: Session, make: Factory) -> None:
    listings = [make.listing(mass_t=10), make.listing(mass_t=20, kind=ListingKind.DEMAND)]
    (cluster,) = properties(session, make, zoom=18)
    assert (cluster["count"], cluster["surplus"], cluster["demand"], cluster["quantity"]) == (2, 1, 1, "30\xa0t")
    assert cluster["reception"] == 0
    assert [each["id"] for each in cluster["listings"]] == [each.id for each in listings]


def test_a_cluster_counts_its_groups_and_knows_its_bounds(session: Session, make: Factory) -> None:
    for material, lon in (("clay", 10.52), ("clay", 10.53), ("brick", 10.54)):
        make.listing(material=material, position=(lon, 59.89))
    (cluster,) = properties(session, make, zoom=8)
    assert cluster["groups"] == {"stone": 0, "soil": 2, "concrete": 1, "asphalt": 0}
    assert cluster["bounds"] == [pytest.approx(edge, abs=1e-3) for edge in (10.52, 59.89, 10.54, 59.89)]
    assert len(cluster["ids"]) == 3
    assert "listings" not in cluster


def test_nearer_on_the_map_clusters_fall_apart(session: Session, make: Factory) -> None:
    for lon in (10.52, 10.53, 10.54):
        make.listing(position=(lon, 59.89))
    assert [len(features(session, make, zoom=zoom)) for zoom in (8, 16)] == [1, 3]


def test_many_listings_are_few_features_at_any_zoom(session: Session, make: Factory) -> None:
    user, organisation = make.user(), make.organisation()
    for n in range(300):
        position = (10.41 + 0.28 * (n % 20) / 20, 59.81 + 0.18 * (n // 20) / 15)
        make.listing(organisation, position=position, created_by_id=user.id)
    assert sum(each.get("count", 1) for each in properties(session, make, zoom=9)) == 300
    assert len(properties(session, make, zoom=9)) < 30
    assert len(properties(session, make, zoom=22)) <= 300


@pytest.mark.parametrize(
    "mass_t", ["0.35", "0.999", "1", "12.5", "99.94", "99.96", "100", "100.5", "1234.5", "1234567"]
)
@pytest.mark.parametrize("locale", ["nb", "en"])
def test_quantities_read_as_everywhere_else(
    mass_t: str, locale: str, app: Flask, session: Session, make: Factory
) -> None:
    make.listing(mass_t=Decimal(mass_t))
    with in_language(app, locale):
        assert properties(session, make, texts=map_texts(locale))[0]["quantity"] == tonnes(Decimal(mass_t))


@pytest.mark.parametrize("price", ["45", "45.50", "1200"])
@pytest.mark.parametrize("locale", ["nb", "en"])
def test_prices_read_as_everywhere_else(price: str, locale: str, app: Flask, session: Session, make: Factory) -> None:
    make.listing(price_kind=PriceKind.TAKER_PAYS, price_nok_per_t=Decimal(price))
    with in_language(app, locale):
        told = properties(session, make, texts=map_texts(locale))[0]["details"][1]
        assert told.startswith(nok_per_t(Decimal(price)))


@pytest.mark.parametrize("locale", ["nb", "en"])
def test_fractions_read_as_everywhere_else(locale: str, app: Flask, session: Session, make: Factory) -> None:
    make.listing(material="stone_dust", fraction_min_mm=Decimal(0), fraction_max_mm=Decimal("5.6"))
    with in_language(app, locale):
        told = properties(session, make, texts=map_texts(locale))[0]["title"]
        assert told.endswith(fraction((Decimal(0), Decimal("5.6"))))


def test_a_name_with_every_sign_stays_json(session: Session, make: Factory) -> None:
    make.listing()
    told = properties(session, make, texts=replace(TEXTS, free='"\\</script>{}%s:x'))
    assert told[0]["details"][1] == '"\\</script>%s:x'


@contextmanager
def in_language(app: Flask, locale: str) -> Iterator[None]:
    with app.test_request_context(), force_locale(locale):
        yield
