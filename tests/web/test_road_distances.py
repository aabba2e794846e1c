"""Distances by road on pages: what they rest on, whom they put first, and whose roads they are."""

import html
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from geo.routing import LORRIES
from marketplace import routing
from marketplace.models import RoadLeg
from marketplace.routing import Roads
from marketplace.services.road_networks import build_network
from marketplace.types import DealStatus, ListingKind
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory, stored_point
from tests.road_networks import PLACES, ROADS, position, write_osm

DEMAND = ListingKind.DEMAND


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("roads")
    build_network(made / "built", write_osm(made / "made.osm.pbf", PLACES, ROADS), now=NOW)
    return made / "built"


@pytest.fixture
def on_roads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "_roads", Roads(folder))


@pytest.fixture
def browser(client: Client) -> Client:
    return client.in_english()


def at(place: str | tuple[float, float]) -> tuple[float, float]:
    found = position(PLACES[place] if isinstance(place, str) else place)
    return found.lon, found.lat


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.text


def said(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def rows(page: str) -> list[int]:
    return [int(id_) for id_ in re.findall(r'mf-listing--match [^>]*data-listing-id="(\d+)"', page)]


def links_on_map(page: str) -> dict[int, list[list[float]]]:
    found = re.search(r'"places": (\{.*\}),$', page, re.MULTILINE)
    assert found, "no places on the map"
    features = json.loads(found[1])["features"]
    return {
        each["properties"]["id"]: each["geometry"]["coordinates"]
        for each in features
        if each["properties"].get("role") == "link"
    }


# Without a network ------------------------------------------------------------------------------------------------


def test_an_estimate_says_that_it_is_one_and_with_which_factor(browser: Client, make: Factory):
    demand = make.listing(kind=DEMAND, position=at("a"))
    make.listing(position=at("b"))
    page = read(browser, f"/listings/{demand.id}")
    assert "2.6 km Estimate: 2 km as the crow flies × 1.30" in said(page)
    assert "No network of roads is loaded" in said(page)
    assert "OpenStreetMap" not in page
    assert "Distances by road are estimates." in said(page)


def test_where_roads_wind_more_the_factor_is_larger(browser: Client, make: Factory):
    bergen = {"municipality_number": "4601"}
    demand = make.listing(kind=DEMAND, position=(5.32, 60.39), **bergen)
    make.listing(position=(5.40, 60.39), **bergen)
    assert "× 1.60" in said(read(browser, f"/listings/{demand.id}"))


# With one ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("on_roads")
def test_a_match_says_how_far_and_how_long_by_road(browser: Client, make: Factory):
    demand = make.listing(kind=DEMAND, position=at("a"))
    make.listing(position=at("c"))
    page = read(browser, f"/listings/{demand.id}")
    assert "8.3 km Driving time" in said(page)
    assert "By road; 4 km as the crow flies" in said(page)
    assert "as a lorry of 32 t drives" in said(page)


@pytest.mark.usefixtures("on_roads")
def test_the_best_that_are_shown_change_places_by_road(browser: Client, make: Factory):
    """The nearer one lies behind a bridge for 10 t."""
    demand = make.listing(kind=DEMAND, position=at("b"), mass_t=1000)
    behind = make.listing(position=at((3.4, 0)), mass_t=1000)
    open_ = make.listing(position=at((0.4, 0)), mass_t=1000)
    page = read(browser, f"/listings/{demand.id}")
    assert rows(page) == [open_.id, behind.id]
    every = read(browser, f"/listings/{demand.id}/matches")
    assert rows(every) == [open_.id, behind.id]


def test_without_a_network_the_order_is_that_of_the_straight_line(browser: Client, make: Factory):
    demand = make.listing(kind=DEMAND, position=at("b"), mass_t=1000)
    behind = make.listing(position=at((3.4, 0)), mass_t=1000)
    open_ = make.listing(position=at((0.4, 0)), mass_t=1000)
    assert rows(read(browser, f"/listings/{demand.id}")) == [behind.id, open_.id]


@pytest.mark.usefixtures("on_roads")
def test_the_way_is_that_of_the_masses_not_the_way_back(browser: Client, make: Factory):
    """From c to d the street is one-way, and the way back three times as long."""
    surplus = make.listing(position=at("c"), material="topsoil")
    make.listing(kind=DEMAND, position=at("d"), material="topsoil")
    assert "2 km Driving time" in said(read(browser, f"/listings/{surplus.id}"))
    demand = make.listing(kind=DEMAND, position=at("c"), material="clay")
    make.listing(position=at("d"), material="clay")
    assert "6.3 km Driving time" in said(read(browser, f"/listings/{demand.id}"))


@pytest.mark.usefixtures("on_roads")
def test_the_map_draws_the_road_and_names_whose_it_is(browser: Client, make: Factory):
    demand = make.listing(kind=DEMAND, position=at("a"))
    fits = make.listing(position=at("c"))
    page = read(browser, f"/listings/{demand.id}")
    line = links_on_map(page)[fits.id]
    assert line[0] == pytest.approx(at("a"), abs=1e-5)
    assert line[-1] == pytest.approx(at("c"), abs=1e-5)
    assert any(each == pytest.approx(at("b_c"), abs=1e-3) for each in line)
    assert r'"attribution": "Roads: \u00a9 OpenStreetMap contributors"' in page
    assert "© OpenStreetMap contributors , ODbL" in said(page)
    sources = said(read(browser, "/sources"))
    assert "© OpenStreetMap contributors (made.osm.pbf), driven by Valhalla" in sources
    assert "ODbL 1.0" in sources


@pytest.mark.usefixtures("on_roads")
def test_what_the_network_cannot_answer_is_an_estimate_that_says_why(browser: Client, make: Factory):
    demand = make.listing(kind=DEMAND, position=at("a"))
    make.listing(position=at((1, 5)))
    page = said(read(browser, f"/listings/{demand.id}"))
    assert "Estimate, as no road for lorries is near: 5.1 km as the crow flies × 1.30" in page
    farm = make.listing(kind=DEMAND, position=at("farm"), material="clay")
    make.listing(position=at("g"), material="clay")
    page = said(read(browser, f"/listings/{farm.id}"))
    assert "Estimate, as no way for lorries was found: 28" in page


@pytest.mark.usefixtures("on_roads")
def test_a_limit_holds_as_the_crow_flies_and_a_longer_road_is_told_of(browser: Client, make: Factory):
    demand = make.listing(kind=DEMAND, position=at("a"), max_distance_km=Decimal(5))
    near = make.listing(position=at("c"))
    page = read(browser, f"/listings/{demand.id}")
    assert rows(page) == [near.id]
    assert "Within the limit of 5 km as the crow flies, beyond it by road" in said(page)


@pytest.mark.usefixtures("on_roads")
def test_a_hidden_place_is_only_told_of_to_the_kilometre(browser: Client, make: Factory):
    demand = make.listing(kind=DEMAND, position=at("a"))
    make.listing(position=at("c"), hides_position=True, exact_position_25833=stored_point(at("c")))
    page = said(read(browser, f"/listings/{demand.id}"))
    assert re.search(r"about \d+ km Driving time", page)
    assert re.search(r"By road; about \d+ km as the crow flies", page)


@pytest.mark.usefixtures("on_roads")
def test_results_of_a_search_stand_in_order_by_road(browser: Client, make: Factory):
    behind = make.listing(position=at((3.4, 0)))
    open_ = make.listing(position=at((0.4, 0)))
    lon, lat = at("b")
    page = read(browser, f"/search?at={lon},{lat},Here&near=Here&sort=distance")
    assert [int(id_) for id_ in re.findall(r'data-listing-id="(\d+)"', page)] == [open_.id, behind.id]
    assert re.search(r"1\.6 km, \d min", said(page))
    newest = read(browser, f"/search?at={lon},{lat},Here&near=Here&sort=newest")
    assert set(re.findall(r'data-listing-id="(\d+)"', newest)) == {str(open_.id), str(behind.id)}
    assert "Driving" not in read(browser, "/search")


@pytest.mark.usefixtures("on_roads")
def test_a_deal_shows_the_way_between_its_places(browser: Client, make: Factory):
    deal = make.deal(
        status=DealStatus.AGREED,
        origin_position_25833=stored_point(at("a")),
        destination_position_25833=stored_point(at("c")),
    )
    browser.log_in_as(make.member(deal.giver_organisation))
    page = read(browser, f"/deals/{deal.id}")
    assert "8.3 km" in said(page)
    assert "By road; 4 km as the crow flies" in said(page)
    assert len(links_on_map(page)[deal.id]) > 3


@pytest.mark.usefixtures("on_roads")
def test_lists_of_ones_own_and_projects_tell_it_too(browser: Client, make: Factory):
    user = make.member()
    organisation = user.memberships[0].organisation
    project = make.project(organisation)
    make.listing(organisation, project=project, project_id=project.id, position=at("c"))
    make.listing(kind=DEMAND, position=at("a"), mass_t=4000)
    browser.log_in_as(user)
    assert re.search(r"Best match: Blasted rock, 4,000 t, 8\.3 km, \d+ min away\.", said(read(browser, "/listings")))
    assert re.search(r"8\.3 km, \d+ min", said(read(browser, f"/projects/{project.id}")))


@pytest.mark.usefixtures("on_roads")
def test_answers_are_kept_by_pages_that_only_read_and_asked_for_once(browser: Client, make: Factory, session):
    demand = make.listing(kind=DEMAND, position=at("a"))
    make.listing(position=at("c"))
    first = read(browser, f"/listings/{demand.id}")
    count = session.scalar(select(func.count()).select_from(RoadLeg))
    assert count
    assert read(browser, f"/listings/{demand.id}").count("8.3") == first.count("8.3")
    assert session.scalar(select(func.count()).select_from(RoadLeg)) == count
    assert set(session.scalars(select(RoadLeg.profile))) == {LORRIES["32t"].profile}


@pytest.mark.usefixtures("on_roads")
def test_three_matches_take_no_more_questions_than_one(browser: Client, make: Factory, count_queries: QueryCounter):
    counts = []
    for material, number in (("clay", 1), ("topsoil", 3)):
        demand = make.listing(kind=DEMAND, position=at("a"), material=material)
        for place in range(number):
            make.listing(position=at((place, 0)), material=material)
        read(browser, f"/listings/{demand.id}")  # keeps the answers
        with count_queries() as statements:
            read(browser, f"/listings/{demand.id}")
        counts.append(len(statements))
    assert counts[0] == counts[1]
