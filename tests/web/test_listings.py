"""Listings in the browser: posting them, leading them from draft to closed, and who sees what."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.materials import taxonomy
from geo.units import EnteredUnit
from marketplace.models import Listing, Membership, Project, User
from marketplace.services.editing import edit_version
from marketplace.types import (
    ClosedReason,
    Haulage,
    ListingKind,
    ListingStatus,
    Loading,
    OrganisationKind,
    PriceKind,
    Role,
)
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory
from tests.web.test_projects import HOSTILE, message_beside

PIN = '{"type":"Point","coordinates":[10.2045,59.7439]}'


@pytest.fixture
def editor(make: Factory) -> User:
    return make.member(role=Role.EDITOR)


@pytest.fixture
def project(make: Factory, editor: User) -> Project:
    return make.project(editor.memberships[0].organisation, name="E16 Skaret", ends_on=date(2027, 10, 31))


@pytest.fixture
def browser(client: Client, editor: User) -> Client:
    return client.in_english().log_in_as(editor)


@pytest.fixture
def form(project: Project) -> dict[str, str]:
    """What a phone sends when only the needed has been filled in."""
    return {
        "kind": "surplus",
        "project_id": str(project.id),
        "position": "",
        "lat": "",
        "lon": "",
        "material_key": "blasted_rock",
        "fraction": "",
        "entered_value": "1 200,5",
        "entered_unit": "m3_bank",
        "density_t_m3": "",
        "available_from": "2027-03-01",
        "available_to": "2027-10-31",
        "price_kind": "free",
        "price_nok_per_t": "",
        "loading": "giver",
        "haulage": "by_agreement",
        "min_lot_t": "",
        "max_distance_km": "",
        "description": "",
        "version": "",
        "clean_by": "origin",
        "virgin_basis": "Urørt fjell under skog",
        "not_acid_forming": "y",
        "stated_by": "Kari Nordmann",
    }


ELSEWHERE = {"documents", "passport", "quality"}
"""Pages of their own that a listing leads to, whatever its status."""


def publish(form: dict[str, str], **changes: str) -> dict[str, str]:
    return form | {"action": "publish"} | changes


def only(session: Session) -> Listing:
    session.expire_all()
    return session.scalars(select(Listing)).one()


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Listing))


# Posting --------------------------------------------------------------------------------------------------------------


def test_publishing_leads_to_the_listing_and_its_matches(
    browser: Client, session: Session, form: dict[str, str], project: Project
) -> None:
    answer = browser.post("/listings/new", data=publish(form))
    listing = only(session)
    assert answer.status_code == 302
    assert answer.location == f"/listings/{listing.id}?published=1#matches"
    assert (listing.status, listing.published_at) == (ListingStatus.PUBLISHED, NOW)
    assert (str(listing.mass_t), listing.entered_unit) == ("3241.350", EnteredUnit.M3_BANK)
    assert (listing.loading, listing.haulage, listing.price_kind) == (
        Loading.GIVER,
        Haulage.BY_AGREEMENT,
        PriceKind.FREE,
    )
    assert (listing.project_id, listing.has_own_position) == (project.id, False)


def test_the_other_button_keeps_a_draft(browser: Client, session: Session, form: dict[str, str]) -> None:
    answer = browser.post("/listings/new", data=form | {"action": "draft"}, follow_redirects=True)
    assert only(session).status is ListingStatus.DRAFT
    assert "The draft is saved" in answer.text


def test_a_short_form_is_enough(browser: Client, session: Session, project: Project) -> None:
    """What is folded away, or was never touched, has a default."""
    least = {"material_key": "clay", "entered_value": "800", "project_id": str(project.id), "action": "publish"}
    answer = browser.post("/listings/new?kind=demand", data=least)
    assert answer.status_code == 302
    listing = only(session)
    assert listing.kind is ListingKind.DEMAND
    assert listing.period == (date(2027, 3, 1), date(2027, 10, 31))


def test_the_form_starts_from_the_project(browser: Client, make: Factory, editor: User, project: Project) -> None:
    make.project(editor.memberships[0].organisation, name="Nyere", starts_on=date(2027, 5, 1), ends_on=date(2027, 6, 1))
    page = browser.get(f"/listings/new?project={project.id}&kind=demand").text
    assert re.search(rf'<option[^>]* selected[^>]* value="{project.id}"', page)
    assert re.search(r'name="kind" value="demand" checked', page)
    assert re.search(r'name="available_from"[^>]* value="2027-03-01"', page)
    assert re.search(r'name="available_to"[^>]* value="2027-10-31"', page)
    newest = browser.get("/listings/new").text
    assert re.search(r'name="available_from"[^>]* value="2027-05-01"', newest)


def test_a_project_that_is_over_gives_no_period(browser: Client, make: Factory, editor: User) -> None:
    over = make.project(editor.memberships[0].organisation, starts_on=date(2025, 1, 1), ends_on=date(2026, 1, 1))
    page = browser.get(f"/listings/new?project={over.id}").text
    assert re.search(r'name="available_from"[^>]* value="2027-03-01"', page)
    assert re.search(r'name="available_to"[^>]* value="2027-08-28"', page)


def test_every_material_can_be_chosen_without_script(browser: Client, project: Project) -> None:
    page = browser.get("/listings/new").text
    for key, material in taxonomy().materials.items():
        card = re.search(rf'<input[^>]*type="radio"[^>]*name="material_key" value="{key}"[^>]*>', page)
        assert card
        assert ("data-fraction" in card[0]) == material.has_fraction


def test_a_pin_of_its_own_instead_of_a_project(browser: Client, session: Session, form: dict[str, str]) -> None:
    browser.post("/listings/new", data=publish(form, project_id="", position=PIN))
    listing = only(session)
    assert (listing.project_id, listing.municipality.name) == (None, "Drammen")


def test_a_pin_beside_the_project_counts_only_where_it_is_asked_for(
    browser: Client, session: Session, form: dict[str, str]
) -> None:
    browser.post("/listings/new", data=form | {"position": PIN})
    assert only(session).municipality.name == "Bærum"
    browser.post(f"/listings/{only(session).id}/edit", data=form | {"position": PIN, "has_own_position": "y"})
    assert only(session).municipality.name == "Drammen"


def test_typed_coordinates_serve_where_there_is_no_map(browser: Client, session: Session, form: dict[str, str]) -> None:
    browser.post("/listings/new", data=form | {"project_id": "", "lat": "59,7439", "lon": "10,2045"})
    assert only(session).municipality.name == "Drammen"


def test_somebody_without_projects_posts_with_a_pin(
    client: Client, session: Session, make: Factory, form: dict[str, str]
) -> None:
    client.in_english().log_in_as(make.member())
    page = client.get("/listings/new").text
    assert "Place a pin" in page
    assert client.post("/listings/new", data=publish(form, project_id="", position=PIN)).status_code == 302


def test_member_of_two_organisations_posts_for_the_projects(
    client: Client, session: Session, make: Factory, form: dict[str, str], project: Project, editor: User
) -> None:
    second = make.organisation()
    session.add(Membership(user_id=editor.id, organisation_id=second.id, role=Role.EDITOR))
    session.flush()
    client.in_english().log_in_as(editor)
    client.post("/listings/new", data=form | {"organisation_id": str(second.id)})
    assert only(session).organisation_id == project.organisation_id
    session.delete(only(session))
    session.flush()
    client.post("/listings/new", data=form | {"project_id": "", "position": PIN, "organisation_id": str(second.id)})
    assert only(session).organisation_id == second.id


def test_an_unconfirmed_person_keeps_a_draft(
    client: Client, session: Session, make: Factory, form: dict[str, str], project: Project
) -> None:
    client.in_english().log_in_as(make.member(project.organisation, confirmed=False))
    answer = client.post("/listings/new", data=publish(form), follow_redirects=True)
    assert only(session).status is ListingStatus.DRAFT
    assert "Confirm your e-mail address" in answer.text


# Bad input ------------------------------------------------------------------------------------------------------------

SWAPPED = '{"type":"Point","coordinates":[59.8906,10.5266]}'
PARIS = '{"type":"Point","coordinates":[2.35,48.85]}'


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"kind": "gift"}, "kind", "Choose surplus or demand"),
        ({"project_id": "9" * 30}, "project_id", "one of your own projects"),
        ({"project_id": "x"}, "project_id", "one of your own projects"),
        ({"project_id": "-1"}, "project_id", "one of your own projects"),
        ({"material_key": ""}, "material_key", "Choose a material"),
        ({"material_key": "gold"}, "material_key", "Choose a material"),
        ({"entered_value": ""}, "entered_value", "Enter how much"),
        ({"entered_value": "-5"}, "entered_value", "more than zero"),
        ({"entered_value": "0"}, "entered_value", "more than zero"),
        ({"entered_value": "NaN"}, "entered_value", "Enter a number"),
        ({"entered_value": "Infinity"}, "entered_value", "Enter a number"),
        ({"entered_value": "1e999"}, "entered_value", "Enter a number"),
        ({"entered_value": "9" * 39}, "entered_value", "larger than any project"),
        ({"entered_value": "9" * 4000}, "entered_value", "Enter a number"),
        ({"entered_value": "50000001", "entered_unit": "t"}, "entered_value", "larger than any project"),
        ({"entered_value": "12,000"}, "entered_value", "12000 or 12.0"),
        ({"entered_value": "٣٤"}, "entered_value", "Enter a number"),
        ({"entered_unit": "bushel"}, "entered_unit", "Choose tonnes"),
        ({"density_t_m3": "9"}, "density_t_m3", "between 0.3 and 3.5"),
        ({"density_t_m3": "NaN"}, "density_t_m3", "Enter a number"),
        ({"material_key": "crushed_rock"}, "density_t_m3", "No density is known"),
        ({"fraction": "32/0"}, "fraction", "larger than the smallest"),
        ({"fraction": "8/8"}, "fraction", "larger than the smallest"),
        ({"fraction": "-1/8"}, "fraction", "cannot be negative"),
        ({"fraction": "0/99999"}, "fraction", "more than 2,000"),
        ({"fraction": "coarse"}, "fraction", "with a slash"),
        ({"available_to": "2027-02-01"}, "available_to", "ends before it starts"),
        ({"available_from": "2026-01-01", "available_to": "2026-02-01"}, "available_to", "period is over"),
        ({"available_to": "31.31.2027"}, "available_to", "Enter a day"),
        ({"available_from": "0001-01-01"}, "available_from", "between the years"),
        ({"price_kind": "barter"}, "price_kind", "Choose who pays"),
        ({"price_kind": "taker_pays"}, "price_nok_per_t", "above zero"),
        ({"price_kind": "taker_pays", "price_nok_per_t": "-3"}, "price_nok_per_t", "above zero"),
        ({"price_kind": "giver_pays", "price_nok_per_t": "99999999999"}, "price_nok_per_t", "at most 5,000"),
        ({"min_lot_t": "4000"}, "min_lot_t", "larger than the whole"),
        ({"min_lot_t": "-1"}, "min_lot_t", "more than zero"),
        ({"max_distance_km": "0"}, "max_distance_km", "between 0 and 2,000"),
        ({"loading": "nobody"}, "loading", "Choose who loads"),
        ({"haulage": "nobody"}, "haulage", "Choose who drives"),
        ({"description": "y" * 4001}, "description", "at most 4000"),
        ({"project_id": "", "position": ""}, "position", "place a pin"),
        ({"project_id": "", "position": PARIS}, "position", "outside Norway"),
        ({"project_id": "", "position": SWAPPED}, "position", "swapped"),
        ({"project_id": "", "position": "{"}, "position", "could not be read"),
        ({"project_id": "", "position": '{"type":"Point","coordinates":[NaN,1]}'}, "position", "could not be read"),
    ],
)
def test_bad_input_is_refused_beside_its_field_and_nothing_typed_is_lost(
    browser: Client, session: Session, form: dict[str, str], change: dict[str, str], field: str, says: str
) -> None:
    typed = publish(form, **{"description": "Ligger i ranke ved porten", "min_lot_t": "17,5", **change})
    answer = browser.post("/listings/new", data=typed)
    assert answer.status_code == 422
    assert says in message_beside(answer.text, field)
    assert count(session) == 0
    for name in ("entered_value", "density_t_m3", "fraction", "price_nok_per_t", "min_lot_t", "max_distance_km"):
        assert re.search(rf'name="{name}"[^>]* value="{re.escape(typed[name])}"', answer.text), name
    assert typed["description"] in answer.text
    if typed["material_key"] in taxonomy().materials:
        assert re.search(rf'value="{typed["material_key"]}" checked', answer.text)


def test_what_does_not_count_for_the_other_answers_is_left_out_of_account(
    browser: Client, session: Session, form: dict[str, str]
) -> None:
    """A field that is hidden because of another answer must not stand in the way with what is left in it."""
    left = {
        "entered_unit": "t",
        "density_t_m3": "nonsense",
        "material_key": "clay",
        "fraction": "32/0",
        "price_kind": "free",
        "price_nok_per_t": "minus",
        "position": "junk",
        "lat": "junk",
    }
    assert browser.post("/listings/new", data=publish(form, **left)).status_code == 302
    listing = only(session)
    assert (listing.density_t_m3, listing.fraction_mm, listing.price_nok_per_t) == (None, None, None)


def test_another_organisations_project_is_no_choice(
    browser: Client, session: Session, make: Factory, form: dict[str, str]
) -> None:
    theirs = make.project()
    make.listing(project=theirs)
    before = count(session)
    answer = browser.post("/listings/new", data=publish(form, project_id=str(theirs.id)))
    assert answer.status_code == 422
    assert count(session) == before
    assert browser.get(f"/listings/new?project={theirs.id}").status_code == 404


def test_another_organisation_is_no_choice(
    browser: Client, session: Session, make: Factory, form: dict[str, str]
) -> None:
    for forged in (str(make.organisation().id), "x", "9" * 30):
        data = publish(form, project_id="", position=PIN, organisation_id=forged)
        assert browser.post("/listings/new", data=data).status_code == 422, forged
    assert count(session) == 0


def test_what_is_wrong_with_several_fields_is_said_of_each(browser: Client, form: dict[str, str]) -> None:
    page = browser.post(
        "/listings/new", data=publish(form, entered_value="-1", available_to="2027-01-01", max_distance_km="-4")
    ).text
    for field in ("entered_value", "available_to", "max_distance_km"):
        assert message_beside(page, field)
        assert f'href="#{field}"' in page
    assert re.search(r'<details class="mf-more" open', page)


def test_what_cannot_be_read_hides_nothing_else_that_is_wrong(browser: Client, form: dict[str, str]) -> None:
    """One round puts everything right: an answer that cannot be read does not keep the others from being judged."""
    wrong = {
        "entered_value": "much",
        "fraction": "32/0",
        "available_from": "someday",
        "max_distance_km": "-4",
        "description": "x" * 4001,
    }
    page = browser.post("/listings/new", data=publish(form, **wrong)).text
    assert {field for field in form if message_beside(page, field)} == set(wrong)


@pytest.mark.parametrize("field", ["kind", "material_key", "entered_value", "entered_unit", "project_id", "price_kind"])
def test_an_answer_that_cannot_be_read_is_the_only_one_blamed(
    browser: Client, form: dict[str, str], field: str
) -> None:
    right = {"min_lot_t": "100", "fraction": "0/32", "price_kind": "taker_pays", "price_nok_per_t": "30"}
    page = browser.post("/listings/new", data=publish(form, **(right | {field: "?"}))).text
    assert {name for name in form if message_beside(page, name)} == {field}


def test_ten_megabytes_are_refused_at_the_door(browser: Client, session: Session, form: dict[str, str]) -> None:
    answer = browser.post("/listings/new", data=publish(form, description="x" * 10_000_000))
    assert answer.status_code == 413
    assert count(session) == 0


@pytest.mark.parametrize(
    ("ticked", "kind", "accepts"), [("y", "demand", True), ("", "demand", False), ("", "surplus", True)]
)
def test_a_taker_says_whether_what_is_only_declared_will_do(
    browser: Client, session: Session, form: dict[str, str], ticked: str, kind: str, accepts: bool
) -> None:
    """The tick counts for those who need masses; nobody is asked who has them."""
    assert re.search(
        r'name="accepts_declared"[^>]*checked|checked[^>]*name="accepts_declared"', browser.get("/listings/new").text
    )
    browser.post("/listings/new", data=form | {"kind": kind} | ({"accepts_declared": ticked} if ticked else {}))
    assert only(session).accepts_declared is accepts


def test_html_is_shown_as_text(browser: Client, session: Session, form: dict[str, str]) -> None:
    browser.post("/listings/new", data=publish(form, description=HOSTILE))
    listing = only(session)
    listing.project.name = HOSTILE
    listing.organisation.name = HOSTILE
    session.flush()
    for address in (f"/listings/{listing.id}", "/listings", f"/listings/{listing.id}/edit", "/listings/new"):
        page = browser.get(address).text
        assert HOSTILE not in page, address
        assert "<img src=x" not in page, address


# A listing's page -----------------------------------------------------------------------------------------------------


def test_the_data_sheet_says_what_was_entered(client: Client, make: Factory) -> None:
    project = make.project(name="Tunnelen")
    listing = make.listing(
        project=project,
        mass_t=2430,
        entered_value=900,
        entered_unit=EnteredUnit.M3_BANK,
        density_t_m3="2.7",
        fraction_min_mm=0,
        fraction_max_mm=500,
        min_lot_t=100,
        price_kind=PriceKind.TAKER_PAYS,
        price_nok_per_t=35,
        max_distance_km=40,
        description="Sortert",
        is_example=True,
    )
    page = " ".join(client.in_english().get(f"/listings/{listing.id}").text.replace("\xa0", " ").split())
    for text in (
        "2,430",
        "900 m³ bank at 2.70 t/m³",
        "0/500 mm",
        "100 t",
        "NOK 35/t, paid by the taker",
        "40 km",
        "Sortert",
        "Example",
        "Tunnelen",
        "Bærum",
        "59.8906",
        "17 05 04",
        project.organisation.name,
    ):
        assert text in page, text


def test_visitors_see_no_tools(client: Client, make: Factory) -> None:
    page = client.get(f"/listings/{make.listing().id}").text
    for tool in ("/edit", "/pause", "/close", "/duplicate", "/publish", "/delete"):
        assert tool not in page


@pytest.mark.parametrize(
    ("status", "tools"),
    [
        (ListingStatus.DRAFT, {"publish", "edit", "duplicate", "delete"}),
        (ListingStatus.PUBLISHED, {"edit", "pause", "close", "duplicate"}),
        (ListingStatus.PAUSED, {"publish", "edit", "close", "duplicate"}),
        (ListingStatus.CLOSED, {"duplicate"}),
    ],
)
def test_editors_see_what_they_can_do_just_now(
    browser: Client, make: Factory, editor: User, status: ListingStatus, tools: set[str]
) -> None:
    listing = in_status(make, editor, status)
    page = browser.get(f"/listings/{listing.id}").text
    offered = set(re.findall(rf'"/listings/{listing.id}/(\w+)"', page))
    assert offered - ELSEWHERE == tools


def in_status(make: Factory, editor: User, status: ListingStatus) -> Listing:
    closed = {"closed_at": NOW, "closed_reason": ClosedReason.OWNER} if status is ListingStatus.CLOSED else {}
    return make.listing(editor.memberships[0].organisation, status=status, **closed)


@pytest.mark.parametrize("status", [ListingStatus.DRAFT, ListingStatus.PAUSED, ListingStatus.CLOSED])
def test_only_published_listings_are_seen_by_others(browser: Client, make: Factory, status: ListingStatus) -> None:
    stranger = make.member()
    listing = in_status(make, stranger, status)
    assert browser.get(f"/listings/{listing.id}").status_code == 404
    assert browser.get(f"/listings/{listing.id}/edit").status_code == 404
    assert browser.post(f"/listings/{listing.id}/publish").status_code == 404


@pytest.mark.parametrize("forged", ["0", "-1", "abc", "9223372036854775808", "9" * 40])
def test_forged_ids_lead_nowhere(browser: Client, forged: str) -> None:
    assert browser.get(f"/listings/{forged}").status_code == 404
    assert browser.post(f"/listings/{forged}/publish").status_code == 404


# Changing -------------------------------------------------------------------------------------------------------------


def test_edit_gives_back_what_was_entered(browser: Client, session: Session, form: dict[str, str]) -> None:
    typed = form | {
        "entered_value": "1 200,5",
        "density_t_m3": "2.55",
        "fraction": "0/5,6",
        "price_kind": "taker_pays",
        "price_nok_per_t": "12.50",
        "min_lot_t": "100",
    }
    browser.post("/listings/new", data=typed)
    before = only(session)
    page = browser.get(f"/listings/{before.id}/edit").text
    shown = {name: re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)[1] for name in ("version", "entered_value")}
    assert shown["entered_value"] == "1200.5"
    for name, value in (
        ("density_t_m3", "2.55"),
        ("fraction", "0/5.6"),
        ("price_nok_per_t", "12.5"),
        ("min_lot_t", "100"),
    ):
        assert re.search(rf'name="{name}"[^>]* value="{re.escape(value)}"', page), name


def test_saving_an_edit_without_a_change_changes_nothing(
    browser: Client, session: Session, form: dict[str, str]
) -> None:
    browser.post("/listings/new", data=publish(form, fraction="0/5,6", min_lot_t="17,5"))
    listing = only(session)
    before = (listing.mass_t, listing.entered_value, listing.fraction_mm, listing.min_lot_t, listing.period)
    page = browser.get(f"/listings/{listing.id}/edit").text
    again = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]* value="([^"]*)"', page))
    sent = form | {name: again[name] for name in ("entered_value", "fraction", "min_lot_t", "version")}
    assert browser.post(f"/listings/{listing.id}/edit", data=sent | {"action": "save"}).status_code == 302
    listing = only(session)
    assert before == (listing.mass_t, listing.entered_value, listing.fraction_mm, listing.min_lot_t, listing.period)
    assert listing.status is ListingStatus.PUBLISHED


def test_second_editor_is_asked_and_then_overwrites(browser: Client, session: Session, form: dict[str, str]) -> None:
    browser.post("/listings/new", data=form)
    listing = only(session)
    seen = edit_version(listing)
    address = f"/listings/{listing.id}/edit"
    browser.post(address, data=form | {"version": seen, "description": "Den første"})
    answer = browser.post(address, data=form | {"version": seen, "description": "Den andre"})
    assert answer.status_code == 409
    assert "Somebody else changed this" in answer.text
    assert "Den andre" in answer.text
    assert only(session).description == "Den første"
    offered = re.search(r'name="version"[^>]*value="([^"]*)"', answer.text)[1]
    assert browser.post(address, data=form | {"version": offered, "description": "Den andre"}).status_code == 302
    assert only(session).description == "Den andre"


def test_a_draft_is_published_from_its_form(browser: Client, session: Session, form: dict[str, str]) -> None:
    browser.post("/listings/new", data=form)
    listing = only(session)
    answer = browser.post(f"/listings/{listing.id}/edit", data=publish(form, version=edit_version(listing)))
    assert answer.location == f"/listings/{listing.id}?published=1#matches"
    assert only(session).status is ListingStatus.PUBLISHED


def test_a_draft_that_cannot_be_published_is_not_changed_either(
    browser: Client, session: Session, form: dict[str, str]
) -> None:
    browser.post("/listings/new", data=form)
    listing = only(session)
    past = {"available_from": "2026-01-01", "available_to": "2026-02-01"}
    answer = browser.post(f"/listings/{listing.id}/edit", data=publish(form, version=edit_version(listing), **past))
    assert answer.status_code == 422
    assert "period is over" in message_beside(answer.text, "available_to")
    assert only(session).available_to == date(2027, 10, 31)


def test_a_listing_stays_with_a_project_that_is_far_down_the_list(
    browser: Client,
    session: Session,
    make: Factory,
    editor: User,
    form: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("marketplace.queries.projects.project_options.__kwdefaults__", {"first_id": None, "limit": 2})
    browser.post("/listings/new", data=form)
    listing = only(session)
    for _ in range(3):
        make.project(editor.memberships[0].organisation)
    answer = browser.post(f"/listings/{listing.id}/edit", data=form | {"version": edit_version(listing)})
    assert answer.status_code == 302
    assert only(session).project_id == int(form["project_id"])


# From draft to closed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("publish", ListingStatus.DRAFT, ListingStatus.PUBLISHED),
        ("publish", ListingStatus.PAUSED, ListingStatus.PUBLISHED),
        ("pause", ListingStatus.PUBLISHED, ListingStatus.PAUSED),
        ("close", ListingStatus.PUBLISHED, ListingStatus.CLOSED),
    ],
)
def test_buttons_lead_a_listing_on(
    browser: Client,
    session: Session,
    make: Factory,
    editor: User,
    action: str,
    before: ListingStatus,
    after: ListingStatus,
) -> None:
    listing = in_status(make, editor, before)
    assert browser.post(f"/listings/{listing.id}/{action}").status_code == 302
    assert only(session).status is after


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("publish", ListingStatus.PUBLISHED),
        ("publish", ListingStatus.CLOSED),
        ("pause", ListingStatus.DRAFT),
        ("close", ListingStatus.CLOSED),
        ("delete", ListingStatus.PUBLISHED),
        ("delete", ListingStatus.PAUSED),
    ],
)
def test_what_cannot_be_done_any_more_is_said_on_the_listing(
    browser: Client, session: Session, make: Factory, editor: User, action: str, status: ListingStatus
) -> None:
    listing = in_status(make, editor, status)
    answer = browser.post(f"/listings/{listing.id}/{action}")
    assert answer.status_code == 409
    assert "This listing is" in answer.text
    assert only(session).status is status


def test_a_draft_that_is_over_is_sent_to_its_form(
    browser: Client, session: Session, make: Factory, editor: User
) -> None:
    listing = in_status(make, editor, ListingStatus.DRAFT)
    listing.available_from, listing.available_to = date(2026, 1, 1), date(2026, 2, 1)
    session.flush()
    answer = browser.post(f"/listings/{listing.id}/publish", follow_redirects=True)
    assert answer.request.path == f"/listings/{listing.id}/edit"
    assert "The period is over" in answer.text
    assert only(session).status is ListingStatus.DRAFT


def test_a_closed_listing_is_not_edited(browser: Client, make: Factory, editor: User, form: dict[str, str]) -> None:
    listing = in_status(make, editor, ListingStatus.CLOSED)
    assert browser.get(f"/listings/{listing.id}/edit").status_code == 409
    assert browser.post(f"/listings/{listing.id}/edit", data=form).status_code == 409


def test_a_draft_is_deleted(browser: Client, session: Session, make: Factory, editor: User) -> None:
    listing = in_status(make, editor, ListingStatus.DRAFT)
    assert browser.post(f"/listings/{listing.id}/delete").location == "/listings"
    assert count(session) == 0


def test_a_copy_opens_as_a_draft_to_edit(browser: Client, session: Session, make: Factory, editor: User) -> None:
    listing = in_status(make, editor, ListingStatus.CLOSED)
    answer = browser.post(f"/listings/{listing.id}/duplicate")
    copy = session.scalars(select(Listing).where(Listing.id != listing.id)).one()
    assert answer.location == f"/listings/{copy.id}/edit"
    assert copy.status is ListingStatus.DRAFT


@pytest.mark.parametrize("action", ["publish", "pause", "close", "duplicate", "delete", "edit"])
def test_others_change_nothing(client: Client, session: Session, make: Factory, action: str) -> None:
    listing = make.listing()
    viewer = make.member(listing.organisation, role=Role.VIEWER)
    stranger = make.member(make.organisation(kind=OrganisationKind.MUNICIPALITY))
    for user in (viewer, stranger):
        client.log_in_as(user)
        assert client.post(f"/listings/{listing.id}/{action}").status_code == 403
    assert only(session).status is ListingStatus.PUBLISHED


@pytest.mark.parametrize("action", ["publish", "pause", "close", "duplicate", "delete"])
def test_a_link_alone_changes_nothing(browser: Client, make: Factory, editor: User, action: str) -> None:
    listing = in_status(make, editor, ListingStatus.PUBLISHED)
    assert browser.get(f"/listings/{listing.id}/{action}").status_code == 405


@pytest.mark.parametrize("address", ["/listings/new", "/listings"])
def test_visitors_log_in_first(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=")


# One's own ------------------------------------------------------------------------------------------------------------


def test_own_listings_by_status_and_kind(browser: Client, make: Factory, editor: User) -> None:
    organisation = editor.memberships[0].organisation
    draft = make.listing(organisation, status=ListingStatus.DRAFT)
    open_demand = make.listing(organisation, kind=ListingKind.DEMAND)
    others = make.listing()

    def shown(address: str) -> set[int]:
        return {int(each) for each in re.findall(r'data-listing-id="(\d+)"', browser.get(address).text)}

    assert shown("/listings") == {draft.id, open_demand.id}
    assert shown("/listings?status=draft") == {draft.id}
    assert shown("/listings?kind=demand") == {open_demand.id}
    assert shown("/listings?status=draft&kind=demand") == set()
    assert shown("/listings?status=unheard&kind=of&before=x") == {draft.id, open_demand.id}
    assert others.id not in shown("/listings")


def test_counts_stand_beside_the_filters(browser: Client, make: Factory, editor: User) -> None:
    organisation = editor.memberships[0].organisation
    for _ in range(3):
        make.listing(organisation, status=ListingStatus.DRAFT)
    make.listing(organisation, kind=ListingKind.DEMAND)
    page = re.sub(r"<[^>]+>", " ", browser.get("/listings?status=draft").text)
    words = " ".join(page.split())
    assert "All 4" in words
    assert "Draft 3" in words
    assert "Published 1" in words
    assert "Surplus 3 Demand 0" in words


@pytest.mark.parametrize("address", ["/listings", "/listings/{}", "/listings/{}/edit", "/listings/new"])
def test_a_page_asks_the_same_for_one_row_and_three(
    browser: Client, make: Factory, editor: User, project: Project, count_queries: QueryCounter, address: str
) -> None:
    listing = make.listing(project=project)
    address = address.format(listing.id)
    browser.get(address)
    with count_queries() as for_one:
        browser.get(address)
    for days in (1, 2):
        another = make.project(project.organisation, ends_on=make.today + timedelta(days=100 + days))
        make.listing(project=another)
        make.listing(project=project, organisation=editor.memberships[0].organisation)
    with count_queries() as for_three:
        browser.get(address)
    assert len(for_three) == len(for_one)
