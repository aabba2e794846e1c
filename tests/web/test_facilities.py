"""Facilities in the browser: finding them, what their pages say, and what is refused."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.models import Facility, Listing, Organisation, User
from marketplace.services.facilities import create_facility, report_capacity
from marketplace.types import FacilityKind, ListingStatus, Role
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory
from tests.services.test_receptions import DETAILS
from tests.web.test_projects import HOSTILE, SANDVIKA, message_beside

TODAY = date(2027, 3, 1)
FORM: dict[str, object] = {
    "name": "Mellomlager Rud",
    "kind": "interim_storage",
    "position": SANDVIKA,
    "accepts": ["blasted_rock", "clay"],
    "accepts_class_max": "1",
    "accepts_declared": "y",
    "capacity_t": "50 000",
    "capacity_left_t": "20000",
    "reception_price_nok_per_t": "85,50",
    "opens_on": "",
    "closes_on": "",
    "opening_hours": "Hverdager 7-16",
    "permit_reference": "",
    "permit_ends_on": "",
    "note": "Ingen røtter.",
}


@pytest.fixture
def organisation(make: Factory) -> Organisation:
    return make.organisation(name="Mottaket AS")


@pytest.fixture
def keeper(make: Factory, organisation: Organisation) -> User:
    return make.member(organisation, role=Role.EDITOR)


@pytest.fixture
def facility(session: Session, make: Factory, keeper: User, organisation: Organisation) -> Facility:
    return create_facility(
        session, make.actor(keeper), organisation_id=organisation.id, details=DETAILS, now=NOW - timedelta(days=2)
    )


@pytest.fixture
def browser(client: Client, keeper: User) -> Client:
    return client.in_english().log_in_as(keeper)


def newest(session: Session) -> Facility | None:
    session.expire_all()
    return session.scalars(select(Facility).order_by(Facility.id.desc())).first()


# Making and changing ----------------------------------------------------------------------------------------------


def test_a_facility_is_registered_and_its_receptions_are_in_search(browser: Client, session: Session) -> None:
    page = browser.post("/facilities/new", data=FORM, follow_redirects=True).text
    facility = newest(session)
    assert facility is not None
    assert facility.reception_price_nok_per_t == Decimal("85.5")
    assert "20,000&nbsp;t free of 50,000" in page or "20,000\xa0t free of 50,000" in page
    found = browser.get("/search?kind=reception").text
    assert found.count("Mellomlager Rud") >= 2


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"name": " "}, "name", "Enter the facility"),
        ({"kind": "castle"}, "kind", "Choose the kind"),
        ({"accepts": []}, "accepts", "at least one material"),
        ({"accepts": ["gold"]}, "accepts", "Choose materials from the list"),
        ({"position": ""}, "position", "Mark on the map"),
        ({"position": "{"}, "position", "could not be read"),
        ({"accepts_class_max": "3"}, "permit_reference", "takes a permit"),
        ({"accepts_class_max": "x"}, "accepts_class_max", "Choose a class"),
        ({"capacity_t": "many"}, "capacity_t", "Enter a number"),
        ({"capacity_left_t": "60000"}, "capacity_left_t", "more room left"),
        ({"capacity_left_t": "-1"}, "capacity_left_t", "zero or more"),
        ({"reception_price_nok_per_t": ""}, "reception_price_nok_per_t", "what it costs"),
        ({"closes_on": "31.12.20"}, "closes_on", "Enter a day"),
        ({"permit_ends_on": "2027-02-28", "permit_reference": "A"}, "permit_ends_on", "has ended"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    browser: Client, session: Session, changes: dict[str, object], field: str, said: str
) -> None:
    answer = browser.post("/facilities/new", data={**FORM, **changes})
    assert answer.status_code == 422
    assert said in message_beside(answer.text, field)
    assert "Ingen røtter." in answer.text
    assert newest(session) is None


def test_what_can_and_cannot_be_read_is_told_at_once(browser: Client) -> None:
    page = browser.post("/facilities/new", data={**FORM, "name": "", "capacity_t": "?", "accepts": [], "position": ""})
    assert all(message_beside(page.text, field) for field in ("name", "capacity_t", "accepts", "position"))


def test_coordinates_may_be_typed_without_a_map(browser: Client, session: Session) -> None:
    browser.post("/facilities/new", data={**FORM, "position": "", "lat": "59,8906", "lon": "10,5266"})
    facility = newest(session)
    assert facility is not None
    assert facility.municipality_number == "3201"


def test_words_that_were_typed_are_shown_as_words(browser: Client) -> None:
    page = browser.post(
        "/facilities/new",
        data={**FORM, "name": HOSTILE, "note": HOSTILE, "opening_hours": HOSTILE, "permit_reference": HOSTILE},
        follow_redirects=True,
    ).text
    assert "alert(" in page
    assert HOSTILE not in page


def test_nobody_registers_one_for_other_peoples_organisation(browser: Client, session: Session, make: Factory) -> None:
    answer = browser.post("/facilities/new", data={**FORM, "organisation_id": make.organisation().id})
    assert answer.status_code == 422
    assert newest(session) is None


def test_whose_address_is_not_confirmed_is_told_before_they_type(client: Client, make: Factory) -> None:
    client.in_english().log_in_as(make.member(confirmed=False))
    assert "Confirm your e-mail address before you register" in client.get("/facilities/new").text
    assert client.post("/facilities/new", data=FORM).status_code == 403


def test_an_edit_that_somebody_overtook_is_shown_again(
    browser: Client, session: Session, make: Factory, keeper: User, facility: Facility
) -> None:
    page = browser.get(f"/facilities/{facility.id}/edit").text
    version = re.search(r'name="version"[^>]*value="([^"]+)"', page)
    assert version is not None
    report_capacity(session, make.actor(keeper), facility_id=facility.id, capacity_left_t=Decimal(5), now=NOW)
    answer = browser.post(f"/facilities/{facility.id}/edit", data={**FORM, "version": version[1]})
    assert answer.status_code == 409
    assert "Somebody else changed this" in answer.text


# The gate ---------------------------------------------------------------------------------------------------------


def test_one_number_from_the_gate_is_shown_at_once(browser: Client, facility: Facility) -> None:
    answer = browser.post(f"/facilities/{facility.id}/capacity", data={"capacity_left_t": "1 250,5"})
    assert answer.location == f"/facilities/{facility.id}#capacity"
    assert re.search(r"1,251\s*t free of 50,000", browser.get(f"/facilities/{facility.id}").text)


@pytest.mark.parametrize("typed", ["", "lots", "-1", "50001", "1e99", "NaN"])
def test_a_number_that_cannot_be_stays_in_the_field(
    browser: Client, session: Session, facility: Facility, typed: str
) -> None:
    answer = browser.post(f"/facilities/{facility.id}/capacity", data={"capacity_left_t": typed})
    assert answer.status_code == 422
    assert message_beside(answer.text, "capacity_left_t")
    session.refresh(facility)
    assert facility.capacity_left_t == 20_000


def test_closing_and_opening_again(browser: Client, session: Session, facility: Facility) -> None:
    def in_sight() -> int:
        session.expire_all()
        return len(session.scalars(select(Listing).where(Listing.status == ListingStatus.PUBLISHED)).all())

    browser.post(f"/facilities/{facility.id}/close")
    assert in_sight() == 0
    assert "Mellomlager Rud" not in browser.get("/facilities").text
    assert browser.get(f"/facilities/{facility.id}/edit").status_code == 409
    assert browser.post(f"/facilities/{facility.id}/capacity", data={"capacity_left_t": "1"}).status_code == 409
    browser.post(f"/facilities/{facility.id}/reopen")
    assert in_sight() == 2


# What a page says -------------------------------------------------------------------------------------------------


def test_one_that_nobody_answers_for_says_so(client: Client, make: Factory) -> None:
    place = make.facility(is_verified=False, source="En liste")
    page = client.in_english().get(f"/facilities/{place.id}").text
    assert "Not confirmed by its operator." in page
    assert "En liste" in page
    assert "Report" not in page


@pytest.mark.parametrize(
    ("days", "said"), [(-1, "Its permit ended"), (0, "Its permit ends"), (60, "Its permit ends"), (61, None)]
)
def test_the_end_of_a_permit_is_warned_of(client: Client, make: Factory, days: int, said: str | None) -> None:
    place = make.facility(permit_reference="EKSEMPEL-1", permit_ends_on=TODAY + timedelta(days=days))
    page = client.in_english().get(f"/facilities/{place.id}").text
    assert "EKSEMPEL-1" in page
    assert (said in page) if said else "Its permit" not in page


def test_only_members_see_what_fits(client: Client, make: Factory, keeper: User, facility: Facility) -> None:
    make.listing(material="clay")
    address = f"/facilities/{facility.id}"
    assert 'id="matches-heading"' not in client.get(address).text
    assert 'id="matches-heading"' in client.log_in_as(keeper).get(address).text


def test_a_reception_is_changed_at_its_facility(browser: Client, session: Session, facility: Facility) -> None:
    listing = session.scalars(select(Listing).where(Listing.facility_id == facility.id)).first()
    assert listing is not None
    page = browser.get(f"/listings/{listing.id}").text
    assert f"/facilities/{facility.id}/edit" in page
    assert "Room left" in page
    assert "/duplicate" not in page
    assert browser.get(f"/listings/{listing.id}/edit").location == f"/facilities/{facility.id}/edit"
    assert browser.post(f"/listings/{listing.id}/pause").status_code == 409
    assert browser.post(f"/listings/{listing.id}/duplicate").status_code == 409


def test_an_organisations_page_names_its_facilities(client: Client, facility: Facility) -> None:
    page = client.get(f"/organisations/{facility.organisation_id}").text
    assert page.count(f"/facilities/{facility.id}") == 1


# Finding ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def several(make: Factory) -> None:
    make.facility(name="Anda pukkverk", kind=FacilityKind.QUARRY, accepts=["blasted_rock"])
    make.facility(name="Ås deponi", kind=FacilityKind.LANDFILL, accepts=["clay"])
    make.facility(
        name="Berg deponi",
        kind=FacilityKind.LANDFILL,
        accepts=["clay", "silt"],
        accepts_class_max=3,
        permit_reference="EKSEMPEL-1",
    )


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Anda pukkverk", "Berg deponi", "Ås deponi"]),
        ("?kind=landfill", ["Berg deponi", "Ås deponi"]),
        ("?material=clay&kind=landfill", ["Berg deponi", "Ås deponi"]),
        ("?class=3", ["Berg deponi"]),
        ("?class=4", []),
        ("?kind=castle&material=gold&class=9", ["Anda pukkverk", "Berg deponi", "Ås deponi"]),
        ("?before=9223372036854775808&class=-1", ["Anda pukkverk", "Berg deponi", "Ås deponi"]),
    ],
)
def test_the_list_and_the_map_hold_what_is_asked_for(client: Client, query: str, names: list[str]) -> None:
    page = client.get(f"/facilities{query}").text
    shown = re.findall(r'class="mf-facility__link"[^>]*>([^<]+)<', page)
    assert shown == names
    on_map = client.get(f"/facilities.geojson{query}").json["features"]  # type: ignore[index]
    assert sorted(each["properties"]["title"] for each in on_map) == sorted(names)
    assert all(each["properties"]["url"].startswith("/facilities/") for each in on_map)


def test_a_long_list_is_paged_by_name_both_ways(client: Client, make: Factory) -> None:
    names = [f"Mottak {number:02}" for number in range(45)]
    for name in reversed(names):
        make.facility(name=name)

    def page(address: str) -> tuple[list[str], dict[str, str]]:
        text = client.get(address).text
        shown = re.findall(r'class="mf-facility__link"[^>]*>([^<]+)<', text)
        return shown, {rel: href.replace("&amp;", "&") for rel, href in re.findall(r'rel="(\w+)" href="([^"]+)"', text)}

    first, links = page("/facilities?kind=interim_storage")
    second, links_of_second = page(links["next"])
    third, links_of_third = page(links_of_second["next"])
    assert [*first, *second, *third] == names
    assert "next" not in links_of_third
    assert page(links_of_third["prev"])[0] == second
    assert page(links_of_second["prev"])[0] == first


@pytest.mark.parametrize("path", ["/facilities", "/facilities.geojson"])
def test_more_facilities_take_no_more_statements(
    client: Client, make: Factory, count_queries: QueryCounter, path: str
) -> None:
    counts = []
    for added in (1, 3):
        for _number in range(added):
            make.facility(make.organisation())
        client.get(path)
        make.session.expire_all()
        with count_queries() as statements:
            client.get(path)
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_more_materials_take_no_more_statements(
    browser: Client, session: Session, make: Factory, keeper: User, count_queries: QueryCounter
) -> None:
    def statements_for(accepts: tuple[str, ...]) -> int:
        data = {**FORM, "accepts": list(accepts)}
        address = browser.post("/facilities/new", data=data).location
        browser.get(address)
        session.expire_all()
        with count_queries() as statements:
            assert browser.get(address).status_code == 200
        return len(statements)

    for material in ("clay", "silt", "moraine"):
        make.listing(material=material)
    assert statements_for(("clay",)) == statements_for(("clay", "silt", "moraine"))


ADDRESSES: list[Callable[[int], str]] = [
    lambda id_: f"/facilities/{id_}",
    lambda id_: f"/facilities/{id_}/edit",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("id_", [2**62, 2**63, 0, -1])
def test_an_id_that_names_nothing_is_not_found(browser: Client, address: Callable[[int], str], id_: int) -> None:
    assert browser.get(address(id_)).status_code == 404


def test_nothing_is_made_up_for_whom_nobody_answers(client: Client, make: Factory) -> None:
    place = make.facility(accepts=["clay"])
    page = client.in_english().get(f"/facilities/{place.id}").text
    assert "clean masses</dd>" not in page
    assert "Room left" not in page
    assert page.count("not given") == 3  # class, price and permit
