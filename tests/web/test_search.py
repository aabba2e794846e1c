"""The search page: what it says, that its address says all, and that nothing sent to it breaks it."""

import json
import re
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from sqlalchemy.orm import Session

from marketplace.queries import direct
from marketplace.types import Documentation, ListingKind, ListingStatus, Role
from tests.conftest import Client, QueryCounter
from tests.factories import Factory

OSLO = (10.7522, 59.9139)


def ids(page: str) -> list[int]:
    return [int(each) for each in re.findall(r'data-listing-id="(\d+)"', page)]


def get(client: Client, address: str, **options: object) -> str:
    response = client.get(address, **options)
    assert response.status_code == 200
    return response.text


def test_anybody_can_search(client: Client, make: Factory) -> None:
    listing = make.listing(is_example=True)
    page = get(client.in_english(), "/search")
    assert ids(page) == [listing.id]
    assert "One listing" in page
    assert "Example" in page


def test_list_and_map_say_the_same(client: Client, make: Factory) -> None:
    for n in range(30):
        make.listing(material="clay" if n % 2 else "sand", position=(10.5 + n / 100, 59.9))
    page = get(client.in_english(), "/search?material=clay")
    query = re.search(r'data-query="([^"]*)"', page)[1]
    told = json.loads(get(client, f"/search/map.json?{query}&bbox=10,59,12,61&zoom=9"))
    assert told["total"] == 15
    assert "15 listings" in page


def test_all_that_was_chosen_stands_in_the_form_again(client: Client, make: Factory) -> None:
    make.listing(material="clay")
    page = get(
        client.in_english(),
        "/search?q=clay&kind=surplus&group=soil&material=brick&mass_min=10&mass_max=2000.5&from_day=2027-03-02"
        "&to_day=2027-05-01&price=free&price_max=40&municipality=3201&near=Sandvika",
    )
    for written in (
        'value="clay"',
        'value="surplus" checked',
        'value="soil" checked',
        'value="brick" checked',
        'value="2000.5"',
        'value="2027-03-02"',
        'value="free" checked',
        'value="3201" checked',
        'value="Sandvika, Bærum"',
    ):
        assert written in re.sub(r"\s+", " ", page), written


def test_documentation_is_a_filter_with_counts(client: Client, make: Factory) -> None:
    tested, declared = make.listing(), make.listing(documentation=Documentation.DECLARED)
    demand = make.listing(kind=ListingKind.DEMAND)
    page = get(client.in_english(), "/search?kind=surplus")
    for choice, count in (("all", 2), ("declared", 2), ("tested", 1)):
        assert re.search(rf'id="n-documentation-{choice}">{count}<', page)
    assert "Declared, not tested" in page
    page = get(client, "/search?documentation=tested")
    assert set(ids(page)) == {tested.id, demand.id}
    assert re.search(r'value="tested" checked', page)
    assert "Surpluses only when tested" in page
    assert set(ids(get(client, "/search?documentation=declared&kind=surplus"))) == {tested.id, declared.id}
    assert len(ids(get(client, "/search?documentation=none"))) == 3  # no such choice


def test_documentation_is_asked_of_surpluses_only(client: Client, make: Factory) -> None:
    make.listing(documentation=Documentation.DECLARED)
    demand = make.listing(kind=ListingKind.DEMAND)
    page = get(client.in_english(), "/search?documentation=tested&kind=demand")
    assert ids(page) == [demand.id]
    for choice in ("all", "declared", "tested"):
        assert f'id="n-documentation-{choice}">1<' in page
    page = get(client, "/search?documentation=tested")
    for choice, count in (("all", 2), ("declared", 2), ("tested", 1)):
        assert f'id="n-documentation-{choice}">{count}<' in page
    assert "Whatever the documentation (1)" in get(client, "/search?documentation=tested&kind=surplus")


def test_receptions_are_a_kind_of_their_own(client: Client, make: Factory) -> None:
    make.listing()
    facility = make.facility(name="Sandvika jordmottak")
    reception = make.listing(kind=ListingKind.RECEPTION, facility_id=facility.id)
    page = get(client.in_english(), "/search?kind=reception")
    assert ids(page) == [reception.id]
    assert 'value="reception" checked' in page
    assert "mf-kind--reception" in page
    assert "Sandvika jordmottak" in page
    told = json.loads(get(client, "/search/map.json?kind=reception&bbox=10,59,12,61&zoom=9"))
    assert [each["properties"]["kind"] for each in told["features"]] == ["reception"]


def test_the_map_is_told_where_distances_are_measured_from(client: Client, make: Factory) -> None:
    make.listing()
    assert 'data-origin="10.52700,59.89000,Sandvika"' in get(client, "/search?near=Sandvika&at=10.527,59.89,Sandvika")
    assert "data-origin" not in get(client, "/search")


def test_who_asks_for_many_names_is_answered_without_the_register(
    client: Client, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page still works: towns are among our own names."""

    def refuse(*_args: object) -> None:
        pytest.fail("the register was asked")

    monkeypatch.setattr("marketplace.web.search.is_over_limit", lambda: True)
    monkeypatch.setattr("marketplace.web.search.make_geocoder", refuse)
    assert 'value="Sandvika, Bærum"' in get(client, "/search?near=Sandvika")


def test_a_chosen_municipality_stays_though_it_has_nothing(client: Client, make: Factory) -> None:
    make.listing(material="clay")
    page = get(client, "/search?municipality=4601&material=clay")
    assert re.search(r'value="4601" checked><span>Bergen</span>', page)
    assert "Bergen" in re.search(r'class="mf-chosen".*?</ul>', page, re.DOTALL)[0]


def test_a_place_by_name_is_found_and_kept_in_the_address(client: Client, make: Factory) -> None:
    near, far = make.listing(), make.listing(position=OSLO)
    page = get(client.in_english(), "/search?near=Sandvika&within=5")
    assert ids(page) == [near.id]
    address = re.search(r'data-url="([^"]*)"', page)[1].replace("&amp;", "&")
    assert "at=10.5" in address
    assert ids(get(client, address)) == [near.id]
    assert ids(get(client, address.replace("within=5", "within=50"))) == [near.id, far.id]


def test_another_name_typed_over_a_known_place_is_looked_up_anew(client: Client, make: Factory) -> None:
    make.listing()
    page = get(client, "/search?near=Drammen&at=10.52700,59.89000,Sandvika,+Bærum")
    assert "at=10.2" in page


def test_an_unknown_place_is_said_beside_its_field(client: Client, make: Factory) -> None:
    listing = make.listing()
    page = get(client.in_english(), "/search?near=Qwxyzzy&within=5")
    assert "No place of that name was found." in page
    assert 'value="Qwxyzzy"' in page
    assert ids(page) == [listing.id]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("mass_min=-5", "Enter a number that is not below zero."),
        ("mass_min=plenty", "Enter a number, with digits only."),
        ("mass_min=12,000", "12,000 can be read in two ways. Write 12000 or 12.0."),
        ("mass_min=10&mass_max=5", "The most is less than the least."),
        ("from_day=soon", "Enter a day, for example 31.12.2027."),
        ("from_day=2027-05-02&to_day=2027-05-01", "The period ends before it starts."),
        ("price_max=free", "Enter a number, with digits only."),
        ("within=25", "Say which place to measure from."),
        ("q=" + "x" * 300, "This is too long. Only the beginning was searched for."),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(query: str, message: str, client: Client, make: Factory) -> None:
    make.listing(mass_t=7)
    for headers in ({}, {"HX-Request": "true"}):
        assert message in get(client.in_english(), f"/search?{query}", headers=headers)


def test_what_was_typed_stays_where_it_cannot_be_read(client: Client) -> None:
    page = get(client.in_english(), "/search?mass_min=10&mass_max=5&from_day=soon")
    for typed in ("10", "5", "soon"):
        assert f'value="{typed}"' in page


HOSTILE = [
    "area=11,60,10,59",
    "area=nan,nan,nan,nan",
    "area=1,2,3",
    "area=-170,-80,-160,-70",
    "area=0,0,1e400,5",
    "area=10,59,11," + "9" * 5000,
    "bbox=inf,0,1,1",
    "bbox=11,60,10,59",
    "zoom=99",
    "zoom=nan",
    "zoom=-1e308",
    "kind=gold",
    "material=gold&material=clay%00",
    "group=water",
    "mass_min=1e999",
    "mass_min=NaN",
    "mass_max=Infinity",
    "mass_min=" + "9" * 39,
    "price_max=" + "9" * 5000,
    "price=%27%3B--",
    "from_day=0000-00-00",
    "from_day=9999-12-31&to_day=9999-12-31",
    "from_day=0001-01-01",
    "q=%25",
    "q=_%5C%27%22%3A*%26!()%3C-%3E",
    "q=a%00b",
    "q=og+i+p%C3%A5",
    "q=" + "sprengstein+" * 900,
    "q=%F0%9F%98%80",
    "q=%ED%A0%80",
    "near=%00",
    "near=59.9,10.7",
    "near=" + "x" * 9000,
    "at=999,999,Nowhere&near=Nowhere",
    "at=nan,nan,X&near=X",
    "within=0",
    "within=-3",
    "within=1e9&near=Oslo",
    "origin=project:0",
    "origin=project:99999999999999999999",
    "origin=listing:-1",
    "origin=user:1",
    "origin=listing:٣",
    "municipality=9999",
    "municipality=%27",
    "municipality=٣٢٠١",
    "sort=random",
    "sort=distance",
    "after=AAAA",
    "after=%FF",
    "after=" + "A" * 5000,
    "after=WyJuZXdlc3QiLCJ4IiwxLDBd",
    "before=WyJxdWFudGl0eSIsIjFlOTk5OTk5IiwxLDBd",
    "before=WyJxdWFudGl0eSIsIk5hTiIsMSwwXQ",
    "after=WyJkaXN0YW5jZSIsImluZiIsMSwwXQ",
    "after=W10",
    "after=bnVsbA",
    "follow=maybe&view=both",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_nothing_sent_breaks_it(query: str, client: Client, make: Factory) -> None:
    make.listing()
    assert client.get(f"/search?{query}").status_code == 200
    assert client.get(f"/search?{query}", headers={"HX-Request": "true"}).status_code == 200
    assert json.loads(get(client, f"/search/map.json?{query}"))["type"] == "FeatureCollection"


def test_an_area_outside_norway_has_nothing_in_it(client: Client, make: Factory) -> None:
    make.listing()
    assert ids(get(client, "/search?area=-60,10,-50,20")) == []


def test_typed_text_is_shown_as_text(client: Client) -> None:
    page = get(client, "/search?q=%3Cscript%3Ealert(1)%3C/script%3E&near=%22%3E%3Cb%3E")
    assert "<script>alert" not in page
    assert '"><b>' not in page


# Pages, parts and addresses ---------------------------------------------------------------------------------------


def links(page: str, rel: str) -> list[str]:
    return [each.replace("&amp;", "&") for each in re.findall(rf'rel="{rel}" href="([^"]*)"', page)]


@pytest.mark.parametrize("query", ["", "sort=quantity", "near=Oslo", "near=Oslo&within=100&sort=newest"])
def test_pages_lead_on_and_back(query: str, client: Client, make: Factory) -> None:
    user, organisation = make.user(), make.organisation()
    for n in range(45):
        make.listing(organisation, created_by_id=user.id, mass_t=100 + n % 3, position=(10.5 + (n % 7) / 50, 59.9))
    pages = [get(client, f"/search?{query}")]
    while forward := links(pages[-1], "next"):
        pages.append(get(client, forward[0]))
    assert [len(ids(page)) for page in pages] == [20, 20, 5]
    assert len({each for page in pages for each in ids(page)}) == 45
    back = get(client, links(pages[2], "prev")[0])
    assert ids(back) == ids(pages[1])
    assert ids(get(client, links(back, "prev")[0])) == ids(pages[0])


def test_a_part_holds_the_list_the_counts_and_its_own_address(client: Client, make: Factory) -> None:
    make.listing()
    response = client.get("/search?kind=surplus&q=&mass_min=", headers={"HX-Request": "true"})
    assert response.headers["HX-Push-Url"] == "/search?kind=surplus"
    assert "HX-Request" in response.headers["Vary"]
    assert "<html" not in response.text
    assert 'id="n-kind-demand" hx-swap-oob="true"' in response.text


def test_moving_the_map_leaves_one_step_back(client: Client) -> None:
    response = client.get("/search?area=10,59,11,60", headers={"HX-Request": "true", "X-Search-By": "map"})
    assert response.headers["HX-Replace-Url"].startswith("/search?area=10.00000,59.00000")
    assert "HX-Push-Url" not in response.headers


def test_results_on_one_page_are_not_counted_off(client: Client, make: Factory) -> None:
    make.listing()
    assert "mf-paging" not in client.get("/search").text


def test_a_restored_page_is_whole(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in get(client, "/search", headers=headers)


def test_the_map_is_sent_again_only_when_it_changed(client: Client, make: Factory) -> None:
    make.listing()
    address = "/search/map.json?bbox=10,59,11,60&zoom=10"
    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.mimetype, again.status_code, again.data) == ("application/geo+json", 304, b"")
    make.listing()
    assert client.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_an_old_municipality_number_finds_what_took_over(client: Client, make: Factory) -> None:
    listing = make.listing()
    assert ids(get(client, "/search?municipality=3024")) == [listing.id]  # Bærum, 2020 to 2023


# When there is nothing --------------------------------------------------------------------------------------------


def test_an_empty_result_names_the_way_out(client: Client, make: Factory) -> None:
    make.listing(material="clay", mass_t=100)
    page = get(client.in_english(), "/search?material=clay&mass_min=5000")
    assert "No listings" in page
    assert "Any quantity (1)" in page
    assert 'href="/search?material=clay"' in page
    assert "/listings/new?kind=demand" in page


def test_whoever_seeks_a_buyer_in_vain_is_led_to_post_a_surplus(client: Client) -> None:
    assert "/listings/new?kind=surplus" in get(client, "/search?kind=demand")


def test_a_typing_error_is_owned_up_to(client: Client, make: Factory) -> None:
    listing = make.listing(search_text="betong")
    page = get(client.in_english(), "/search?q=betnog")
    assert ids(page) == [listing.id]
    assert "No listing has the word betnog. Searched for betong." in page


# One's own as the place to search from ----------------------------------------------------------------------------


def test_ones_own_projects_and_listings_are_offered(client: Client, make: Factory) -> None:
    user = make.member()
    organisation = user.memberships[0].organisation
    project = make.project(organisation, name="Tunnelen", position=OSLO)
    own = make.listing(organisation, position=OSLO)
    client.log_in_as(user)
    assert f'value="project:{project.id}"' in get(client, "/search")
    page = get(client, f"/search?origin=project:{project.id}&within=1")
    assert ids(page) == [own.id]
    assert f'value="project:{project.id}" selected' in page


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_a_draft_is_a_place_to_search_from_for_its_own_people_only(
    role: Role | None, client: Client, make: Factory
) -> None:
    organisation = make.organisation()
    draft = make.listing(organisation, status=ListingStatus.DRAFT, position=(5.3221, 60.3913))
    make.listing(position=(5.33, 60.39))
    if role is not None:
        client.log_in_as(make.member(organisation, role=role))
    page = get(client.in_english(), f"/search?origin=listing:{draft.id}")
    assert ("That project or listing is not to be found." in page) == (role is None)
    assert ("mf-listing__distance" in page) == (role is not None)


def test_what_was_chosen_last_is_the_place_to_search_from(client: Client, make: Factory) -> None:
    user = make.member()
    project = make.project(user.memberships[0].organisation, position=OSLO)
    make.listing()
    client.log_in_as(user)
    origin = f"origin=project:{project.id}"
    known = "near=Sandvika,+Bærum&at=10.52700,59.89000,Sandvika,+Bærum"
    assert f"{origin}" in re.search(r'data-url="([^"]*)"', get(client, f"/search?{known}&{origin}"))[1]
    assert "origin=" not in re.search(r'data-url="([^"]*)"', get(client, f"/search?near=Sandvika&{origin}"))[1]


# Statements -------------------------------------------------------------------------------------------------------


def test_as_many_statements_for_three_listings_as_for_one(
    client: Client, make: Factory, count_queries: QueryCounter, session: Session
) -> None:
    make.listing()
    get(client, "/search?near=Oslo")
    session.expire_all()
    with count_queries() as for_one:
        get(client, "/search?near=Oslo&kind=surplus")
    for n in range(2):
        make.listing(kind=ListingKind.SURPLUS, mass_t=Decimal(n + 1), available_to=make.today + timedelta(days=n))
    session.expire_all()
    with count_queries() as for_three:
        get(client, "/search?near=Oslo&kind=surplus")
    assert len(for_one) == len(for_three)


def test_the_map_takes_one_statement(
    client: Client, make: Factory, count_queries: QueryCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class NotingCursor(psycopg.RawCursor):
        def execute(self, query: str, *arguments: object, **options: object) -> psycopg.RawCursor:
            asked.append(query)
            return super().execute(query, *arguments, **options)

    monkeypatch.setattr(direct, "Cursor", NotingCursor)
    make.listing()
    with count_queries() as others:
        get(client, "/search/map.json?bbox=10,59,11,60&zoom=10&kind=surplus&price=free")
    assert (len(asked), len(others)) == (1, 0)
