"""Matches on pages: on a listing's own, on all of its matches, and on its project's."""

import html
import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from markupsafe import escape

from geo.materials import taxonomy
from marketplace.models import Listing
from marketplace.types import ClosedReason, Documentation, ListingKind, ListingStatus, Role
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import SANDVIKA, Factory

ASKER = (10.4390, 59.8331)
DEMAND = ListingKind.DEMAND


@pytest.fixture
def browser(client: Client) -> Client:
    return client.in_english()


@pytest.fixture
def demand(make: Factory) -> Listing:
    return make.listing(kind=DEMAND, mass_t=2000)


def read(client: Client, path: str, *, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.text


def said(page: str) -> str:
    """The page as it reads: no tags, one space between words."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def rows(page: str) -> list[int]:
    return [int(id_) for id_ in re.findall(r'mf-listing--match [^>]*data-listing-id="(\d+)"', page)]


def near_rows(page: str) -> list[int]:
    return [int(id_) for id_ in re.findall(r'class="mf-near" data-listing-id="(\d+)"', page)]


def features_on_map(page: str) -> list[dict]:
    found = re.search(r'"places": (\{.*\}),$', page, re.MULTILINE)
    assert found, "no places on the map"
    return json.loads(found[1])["features"]


# A listing's page -------------------------------------------------------------------------------------------------


def test_a_row_says_how_far_how_much_and_why(browser, make, demand):
    project = make.project(name="E18 Ramstad")
    make.listing(
        project=project, project_id=project.id, mass_t=800, position=ASKER, max_distance_km=Decimal(30), is_example=True
    )
    page = said(read(browser, f"/listings/{demand.id}"))
    assert "Who has it nearby" in page
    for part in ("8.1 km as the crow flies", "Covers 40% of the need", "Takes the whole surplus"):
        assert part in page
    for part in ("The same material", "The periods share about three months", "Within the giver's limit of 30"):
        assert part in page
    assert "E18 Ramstad" in page
    assert "Example" in page


RECEPTION = ListingKind.RECEPTION


def test_a_surplus_finds_receptions_and_they_find_it(browser, make):
    surplus = make.listing(material="clay")
    facility = make.facility(name="Sandvika jordmottak")
    reception = make.listing(kind=RECEPTION, material="clay", facility_id=facility.id)
    other = make.listing(kind=RECEPTION, material="blasted_rock")
    page = read(browser, f"/listings/{surplus.id}")
    assert rows(page) == [reception.id]
    assert near_rows(page) == []
    for part in ("Who can use it nearby", "Sandvika jordmottak", "Takes the whole surplus", "Reception"):
        assert part in said(page)
    assert "of the need" not in said(page)
    assert rows(read(browser, f"/listings/{reception.id}")) == [surplus.id]
    assert rows(read(browser, f"/listings/{other.id}")) == []


def test_who_wants_tests_is_told_what_is_missing(browser, make):
    declared = make.listing(documentation=Documentation.DECLARED)
    page = read(browser, f"/listings/{make.listing(kind=DEMAND, accepts_declared=False).id}")
    assert (rows(page), near_rows(page)) == ([], [declared.id])
    assert "Needs laboratory results" in said(page)
    page = read(browser, f"/listings/{make.listing(kind=DEMAND).id}")
    assert "Declared clean, not tested" in said(page)


def test_what_is_kept_inside_shows_its_own_people_who_may_lawfully_take_it(browser, make):
    """A mass of class 3 goes to those that may have it, and nobody else learns that it is there."""
    organisation = make.organisation()
    kept = make.listing(organisation, material="clay", status=ListingStatus.DRAFT, quality_class=3)
    may = make.listing(kind=RECEPTION, material="clay", accepts_class_max=4)
    may_not = make.listing(kind=RECEPTION, material="clay", accepts_class_max=2)
    demand = make.listing(kind=DEMAND, material="clay")
    browser.log_in_as(make.member(organisation, role=Role.VIEWER))
    page = read(browser, f"/listings/{kept.id}")
    assert rows(page) == [may.id]
    assert near_rows(page) == []
    for part in ("Who may lawfully take it", "May take masses of class 3"):
        assert part in said(page)
    everything = read(browser, f"/listings/{kept.id}/matches")
    for other in (may_not, demand):
        assert f"/listings/{other.id}" not in everything
    assert "kind=reception" in page  # the wider search
    stranger = browser.application.test_client()
    assert stranger.get(f"/listings/{kept.id}").status_code != 200
    assert rows(read(stranger, f"/listings/{may.id}")) == []


def test_what_is_kept_inside_nearly_fits_only_who_may_take_its_class(browser, make):
    """A smaller lot or another period can be agreed on; a class that is not allowed cannot."""
    organisation = make.organisation()
    kept = make.listing(organisation, material="clay", status=ListingStatus.DRAFT, quality_class=2)
    later = {"available_from": kept.available_to + timedelta(days=7), "available_to": kept.available_to + timedelta(30)}
    late = make.listing(kind=RECEPTION, material="clay", accepts_class_max=2, **later)
    make.listing(kind=RECEPTION, material="clay", accepts_class_max=1)
    make.listing(kind=RECEPTION, material="clay", accepts_class_max=1, **later)
    make.listing(kind=DEMAND, material="clay")
    browser.log_in_as(make.member(organisation))
    page = read(browser, f"/listings/{kept.id}")
    assert (rows(page), near_rows(page)) == ([], [late.id])
    assert "at most" not in said(page)
    assert "the taker takes class" not in said(page)


def test_what_is_too_polluted_for_everybody_has_no_takers(browser, make):
    organisation = make.organisation()
    kept = make.listing(organisation, material="clay", status=ListingStatus.DRAFT, quality_class=6)
    make.listing(kind=RECEPTION, material="clay", accepts_class_max=5)
    browser.log_in_as(make.member(organisation))
    page = read(browser, f"/listings/{kept.id}")
    assert "No facility nearby may take this just now" in said(page)


def test_near_misses_stand_under_the_matches_with_what_would_have_to_change(browser, make, demand):
    late = make.listing(
        available_from=demand.available_to + timedelta(days=21), available_to=demand.available_to + timedelta(days=60)
    )
    match = make.listing()
    page = read(browser, f"/listings/{demand.id}")
    assert (rows(page), near_rows(page)) == ([match.id], [late.id])
    assert "Nearly fits" in said(page)
    assert "Available three weeks too late" in said(page)
    assert page.index(f'data-listing-id="{match.id}"') < page.index(f'data-listing-id="{late.id}"')


def test_anybody_sees_the_matches_of_a_published_listing(browser, make, demand):
    make.listing()
    assert len(rows(read(browser, f"/listings/{demand.id}"))) == 1


def test_the_owner_of_a_draft_sees_whom_it_would_fit(browser, make):
    surplus = make.listing()
    draft = make.listing(kind=DEMAND, status=ListingStatus.DRAFT)
    browser.log_in_as(make.member(draft.organisation, role=Role.VIEWER))
    assert rows(read(browser, f"/listings/{draft.id}")) == [surplus.id]


def test_listings_that_nobody_else_sees_are_nobodys_match(browser, make, demand):
    make.listing(status=ListingStatus.DRAFT)
    make.listing(status=ListingStatus.PAUSED)
    page = read(browser, f"/listings/{demand.id}")
    assert rows(page) == near_rows(page) == []


def test_what_the_same_organisation_has_is_marked(browser, make, demand):
    make.listing(demand.organisation)
    assert "Same organisation" in said(read(browser, f"/listings/{demand.id}"))


@pytest.mark.parametrize(
    "values",
    [
        {"status": ListingStatus.CLOSED, "closed_at": NOW, "closed_reason": ClosedReason.OWNER},
        {"available_from": NOW.date() - timedelta(days=30), "available_to": NOW.date() - timedelta(days=1)},
    ],
)
def test_a_listing_that_is_over_says_nothing_of_matches(browser, make, values):
    make.listing()
    over = make.listing(kind=DEMAND, **values)
    browser.log_in_as(make.member(over.organisation))
    page = read(browser, f"/listings/{over.id}")
    assert "matches-heading" not in page


def test_without_matches_the_page_leads_on_to_a_wider_search(browser, make, demand):
    page = read(browser, f"/listings/{demand.id}")
    assert "Nobody nearby has this just now" in said(page)
    (link,) = set(re.findall(r'href="(/search\?[^"]*within=100[^"]*)"', page))
    far = make.listing(position=(10.4662, 60.5))
    found = read(browser, html.unescape(link))
    assert f'data-listing-id="{far.id}"' in found
    assert all(f"material={key}" in link for key in taxonomy().compatible_offers("blasted_rock"))


def test_publishing_leads_to_the_matches(browser, make, demand):
    match = make.listing()
    editor = make.member(demand.organisation, role=Role.EDITOR)
    draft = make.listing(demand.organisation, kind=DEMAND, status=ListingStatus.DRAFT)
    answer = browser.log_in_as(editor).post(f"/listings/{draft.id}/publish")
    assert answer.location == f"/listings/{draft.id}?published=1#matches"
    page = read(browser, answer.location.partition("#")[0])
    assert "Published." in page
    assert 'id="matches"' in page
    assert rows(page) == [match.id]


def test_the_note_on_a_substitution_is_told_once(browser, make):
    demand = make.listing(kind=DEMAND, material="crushed_rock", fraction_min_mm=8, fraction_max_mm=16)
    for _ in range(3):
        make.listing(material="blasted_rock")
    page = said(read(browser, f"/listings/{demand.id}"))
    assert page.count("Blasted rock can serve as crushed rock after crushing") == 3
    assert page.count("resistance to wear and fragmentation must be documented") == 1
    assert page.count("Engineering judgement, not verified.") == 1


def test_what_people_wrote_is_shown_as_text(browser, make, demand):
    hostile = '<script>alert("hei")</script>'
    project = make.project(name=hostile)
    make.listing(project=project, project_id=project.id)
    page = read(browser, f"/listings/{demand.id}")
    assert hostile not in page
    assert escape(hostile) in page


# On the map -------------------------------------------------------------------------------------------------------


def test_the_map_draws_a_line_to_every_match(browser, make, demand):
    match = make.listing(position=ASKER)
    late = make.listing(
        position=(10.62, 59.91),
        available_from=demand.available_to + timedelta(days=21),
        available_to=demand.available_to + timedelta(days=60),
    )
    features = features_on_map(read(browser, f"/listings/{demand.id}"))
    lines = {
        feature["properties"]["id"]: (feature["properties"]["is_near"], feature["geometry"]["coordinates"])
        for feature in features
        if feature["geometry"]["type"] == "LineString"
    }
    assert {id_: is_near for id_, (is_near, _) in lines.items()} == {match.id: False, late.id: True}
    assert lines[match.id][1][0] == pytest.approx(SANDVIKA, abs=1e-5)
    assert lines[match.id][1][1] == pytest.approx(ASKER, abs=1e-5)
    pins = [feature["properties"] for feature in features if feature["geometry"]["type"] == "Point"]
    assert {pin["id"]: pin.get("role") for pin in pins} == {match.id: None, late.id: None, demand.id: "self"}


def test_matches_on_one_spot_share_a_pin(browser, make, demand):
    there = [make.listing(position=ASKER, mass_t=mass_t) for mass_t in (1000, 500)]
    features = features_on_map(read(browser, f"/listings/{demand.id}"))
    (pin,) = [feature["properties"] for feature in features if "count" in feature["properties"]]
    assert (pin["count"], pin["surplus"], pin["demand"]) == (2, 2, 0)
    assert {listing["id"] for listing in pin["listings"]} == {listing.id for listing in there}


# All matches ------------------------------------------------------------------------------------------------------


def test_more_matches_than_a_page_has_room_for_are_on_one_of_their_own(browser, make, demand):
    ids = {make.listing(mass_t=100 * n).id for n in range(1, 10)}
    page = read(browser, f"/listings/{demand.id}")
    assert len(rows(page)) < len(ids)
    assert f'href="/listings/{demand.id}/matches"' in page
    assert set(rows(read(browser, f"/listings/{demand.id}/matches"))) == ids


def test_all_matches_of_a_listing_without_any_helps_on(browser, demand):
    assert "Nobody nearby has this just now" in said(read(browser, f"/listings/{demand.id}/matches"))


def test_there_are_no_matches_of_what_there_is_not(browser):
    for path in ("/listings/999999/matches", "/listings/0/matches", "/listings/9223372036854775808/matches"):
        assert browser.get(path).status_code == 404


# A project's page -------------------------------------------------------------------------------------------------


def test_a_project_shows_the_matches_of_all_its_listings(browser, make):
    project = make.project()
    ours = {"project": project, "project_id": project.id}
    make.listing(**ours, material="topsoil")
    make.listing(**ours, kind=DEMAND, material="crushed_rock")
    wanted = make.listing(kind=DEMAND, material="topsoil")
    offered = make.listing(material="crushed_rock")
    page = read(browser, f"/projects/{project.id}")
    assert sorted(near_rows(page)) == sorted([wanted.id, offered.id])
    assert "Who it fits nearby" in said(page)


def test_a_public_visitor_learns_nothing_of_a_projects_drafts(browser, make):
    project = make.project()
    ours = {"project": project, "project_id": project.id}
    make.listing(**ours, material="topsoil")
    make.listing(**ours, material="clay", status=ListingStatus.DRAFT)
    only_for_the_draft = make.listing(kind=DEMAND, material="clay")
    path = f"/projects/{project.id}"
    assert only_for_the_draft.id not in near_rows(read(browser, path))
    browser.log_in_as(make.member(project.organisation, role=Role.VIEWER))
    assert only_for_the_draft.id in near_rows(read(browser, path))


# One's own listings -----------------------------------------------------------------------------------------------


def test_ones_own_listings_tell_their_best_match(browser, make):
    user = make.member()
    organisation = user.memberships[0].organisation
    fits = make.listing(organisation, material="topsoil")
    late = make.listing(organisation, material="clay", mass_t=300)
    make.listing(organisation, material="peat")
    make.listing(kind=DEMAND, material="topsoil", mass_t=4000)
    make.listing(
        kind=DEMAND,
        material="clay",
        available_from=late.available_to + timedelta(days=7),
        available_to=late.available_to + timedelta(days=60),
    )
    page = read(browser.log_in_as(user), "/listings")
    assert "Best match: Topsoil, 4,000 t, 0 m (estimate) away. Covers 25% of the need." in said(page)
    assert "Nearly fits: Clay, 1,000 t, 0 m (estimate) away. Available one week too early." in said(page)
    assert f'href="/listings/{fits.id}#matches"' in page
    assert page.count("mf-bestmatch") == 2


# How many statements ----------------------------------------------------------------------------------------------


def test_a_listings_page_takes_as_many_statements_for_three_matches_as_for_one(
    browser: Client, make: Factory, demand: Listing, count_queries: QueryCounter
):
    project = make.project()
    read(browser, "/about")  # asks once whether this is a demo
    counts = []
    for more in (1, 2):
        for _ in range(more):
            make.listing(project=project, project_id=project.id)
        with count_queries() as statements:
            read(browser, f"/listings/{demand.id}")
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_projects_page_takes_as_many_statements_for_three_listings_as_for_one(
    browser: Client, make: Factory, count_queries: QueryCounter
):
    project = make.project()
    make.listing(kind=DEMAND)
    read(browser, "/about")
    counts = []
    for more in (1, 2):
        for _ in range(more):
            make.listing(project=project, project_id=project.id)
        with count_queries() as statements:
            page = read(browser, f"/projects/{project.id}")
        counts.append(len(statements))
    assert len(near_rows(page)) == 3
    assert counts[0] == counts[1]
