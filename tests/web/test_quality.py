"""A lot's quality on its pages: what it comes to, what is in the way, and what its owner states."""

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.proof import DeclarationKind
from geo.quality_tables import quality_tables
from marketplace.models import BackgroundOverride, Declaration, Document, Listing, User
from marketplace.types import Documentation, DocumentKind, ListingKind, ListingStatus, PausedReason, Role
from tests.conftest import Client, QueryCounter
from tests.factories import Factory

TODAY = date(2027, 3, 1)


@pytest.fixture
def editor(make: Factory) -> User:
    return make.member(role=Role.EDITOR)


@pytest.fixture
def browser(client: Client, editor: User) -> Client:
    return client.in_english().log_in_as(editor)


@pytest.fixture
def draft(make: Factory, editor: User) -> Listing:
    return make.listing(
        editor.memberships[0].organisation,
        material="moraine",
        status=ListingStatus.DRAFT,
        documentation=Documentation.NONE,
        created_by_id=editor.id,
    )


def paper(make: Factory, listing: Listing) -> Document:
    document = Document(
        organisation_id=listing.organisation_id,
        listing_id=listing.id,
        kind=DocumentKind.CERTIFICATE,
        title="NGU, naturlig bakgrunn",
        file_name="ngu.pdf",
        media_type="application/pdf",
        size_bytes=10,
        sha256="0" * 64,
        upload_id=uuid4(),
        uploaded_by_id=listing.created_by_id,
    )
    make.session.add(document)
    make.session.flush()
    return document


def path(listing: Listing, rest: str = "") -> str:
    return f"/listings/{listing.id}/quality{rest}"


SIGNED = {"stated_by": "Kari Nordmann", "stated_on": "2027-02-20"}


# The page ---------------------------------------------------------------------------------------------------------


def test_the_page_says_what_is_in_the_way_and_what_to_do(browser: Client, draft: Listing) -> None:
    page = browser.get(path(draft)).text
    assert "Not documented yet" in page
    assert "Nothing shows yet that these masses are clean." in page
    assert "Add laboratory results" in page


def test_the_reason_stands_in_words_with_the_limits_version(browser: Client, draft: Listing, make: Factory) -> None:
    make.report(draft, sample="P3", PAH16="4.2")
    page = browser.get(path(draft)).text
    assert "Tested, class 2" in page
    assert "Sample P3: Sum of 16 PAHs 4.2 mg/kg &gt; 2, class 2." in page
    assert "TA-2553/2009" in page
    assert "stay inside your organisation" in page


def test_norwegians_read_it_in_norwegian(client: Client, editor: User, draft: Listing, make: Factory) -> None:
    make.report(draft, sample="P3", PAH16="4.2")
    page = client.log_in_as(editor).get(path(draft)).text
    assert "4,2\u202fmg/kg" in page or "4,2 mg/kg" in page


def test_a_parameter_nobody_analysed_is_named(browser: Client, draft: Listing, make: Factory, session: Session) -> None:
    report = make.report(draft)
    sample = report.samples[0]
    sample.values = [value for value in sample.values if value.parameter != "Hg"]
    session.flush()
    page = browser.get(path(draft)).text
    assert "is not analysed for: Mercury (Hg)" in page
    assert "Have the missing parameters analysed" in page


def test_what_was_measured_is_shown_beside_what_a_sample_lacks(
    browser: Client, draft: Listing, make: Factory, session: Session
) -> None:
    make.report(draft, sample="P1", Pb="85")
    other = make.report(draft, sample="X1").samples[0]
    other.values = [value for value in other.values if value.parameter not in {"Pb", "Zn"}]
    session.flush()
    lead, zinc = (row_of(browser.get(path(draft)).text, name) for name in ("Lead (Pb)", "Zinc (Zn)"))
    assert ">85<" in lead
    assert ">P1<" in lead
    assert "class 2" in lead
    assert "not analysed in X1" in lead
    assert "mf-params__row--miss" in lead
    assert ">100<" in zinc
    assert "class 1" in zinc
    assert "not analysed in X1" in zinc
    assert "mf-params__row--unknown" in zinc


def row_of(page: str, parameter: str) -> str:
    """A parameter's row of the table."""
    return next(row for row in page.split("<tr class=")[1:] if f">{parameter}<" in row)


def test_unverified_limits_are_marked(browser: Client, make: Factory, editor: User) -> None:
    listing = make.listing(editor.memberships[0].organisation, material="concrete", status=ListingStatus.DRAFT)
    page = browser.get(path(listing)).text
    assert "mf-params__unverified" in page
    assert "not yet been verified" in page


def test_rock_is_held_against_the_density_of_samples(browser: Client, make: Factory, editor: User) -> None:
    listing = make.listing(editor.memberships[0].organisation, mass_t=27_000, status=ListingStatus.DRAFT)
    browser.post(path(listing, "/statements"), data=SIGNED | {"not_acid_forming": "no"})
    make.report(listing, layer="øvre")
    page = browser.get(path(listing)).text
    assert "at least 10 samples of a lot of this size, from 2 layers. There are 1, from 1." in page


def test_a_demand_has_no_such_page(browser: Client, make: Factory, editor: User) -> None:
    listing = make.listing(editor.memberships[0].organisation, kind=ListingKind.DEMAND)
    assert browser.get(path(listing)).status_code == 404


def test_the_page_asks_the_same_for_one_report_and_three(
    browser: Client, draft: Listing, make: Factory, count_queries: QueryCounter
) -> None:
    make.report(draft)
    browser.get(path(draft))
    with count_queries() as one:
        browser.get(path(draft))
    make.report(draft, sample="P2")
    make.report(draft, sample="P3")
    with count_queries() as three:
        browser.get(path(draft))
    assert len(one) == len(three)


# The listing's own page -------------------------------------------------------------------------------------------


def test_everybody_reads_whether_it_is_tested_or_declared(client: Client, make: Factory, session: Session) -> None:
    tested = make.listing(material="moraine", is_proven=False)
    make.report(tested)
    declared = make.listing(material="gravel", documentation=Documentation.DECLARED)
    page = client.in_english().get(f"/listings/{tested.id}").text
    assert "Tested, class 1" in page
    assert "Shown by 1 sample." in page
    page = client.get(f"/listings/{declared.id}").text
    assert "Declared, not tested" in page
    assert "Urørt grunn" in page
    assert "Kari Nordmann" in page


def test_its_own_people_read_what_to_do_next(browser: Client, draft: Listing) -> None:
    page = browser.get(f"/listings/{draft.id}").text
    assert "Nothing shows yet that these masses are clean." in page
    assert f'href="{path(draft)}"' in page
    assert f'action="/listings/{draft.id}/publish"' not in page


# What is stated ---------------------------------------------------------------------------------------------------


def test_a_stated_origin_opens_the_gate(browser: Client, draft: Listing, session: Session) -> None:
    answer = browser.post(
        path(draft, "/statements"), data=SIGNED | {"virgin_area": "yes", "virgin_basis": "Skog siden 1880"}
    )
    assert answer.status_code == 302
    row = session.scalars(select(Declaration)).one()
    assert (row.kind, row.basis, row.stated_on) == (DeclarationKind.VIRGIN_AREA, "Skog siden 1880", date(2027, 2, 20))
    session.refresh(draft)
    assert draft.documentation is Documentation.DECLARED
    page = browser.get(path(draft)).text
    assert f'action="/listings/{draft.id}/publish"' in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"virgin_basis": ""}, "Say what shows that the area has never been polluted."),
        ({"stated_by": ""}, "Enter the name of whoever answers for it."),
        ({"stated_on": "2027-03-02"}, "Enter the day, today or earlier."),
        ({"stated_on": "i går"}, "Enter a day"),
        ({"document_id": "999999"}, "Choose one of the documents of this listing."),
    ],
)
def test_what_a_statement_lacks_is_said_and_nothing_typed_is_lost(
    browser: Client, draft: Listing, session: Session, change: dict[str, str], said: str
) -> None:
    sent = SIGNED | {"virgin_area": "yes", "virgin_basis": "Skog siden 1880"} | change
    answer = browser.post(path(draft, "/statements"), data=sent)
    assert answer.status_code == 422
    assert said in answer.text
    assert sent["virgin_basis"] in answer.text
    assert session.scalars(select(Declaration)).all() == []


def test_a_changed_answer_replaces_the_old_one_and_both_stay_on_record(
    browser: Client, make: Factory, editor: User, session: Session
) -> None:
    listing = make.listing(editor.memberships[0].organisation, material="topsoil", created_by_id=editor.id)
    browser.post(path(listing, "/statements"), data=SIGNED | {"alien_species": "no", "alien_species_basis": "Lupin"})
    rows = session.scalars(select(Declaration).where(Declaration.kind == DeclarationKind.ALIEN_SPECIES)).all()
    assert {(row.is_confirmed, row.removed_at is None) for row in rows} == {(True, False), (False, True)}
    session.refresh(listing)
    assert (listing.status, listing.paused_reason) == (ListingStatus.PAUSED, PausedReason.QUALITY)
    assert "there may be alien species" in browser.get(path(listing)).text


def test_the_origin_can_be_withdrawn(browser: Client, make: Factory, editor: User, session: Session) -> None:
    listing = make.listing(editor.memberships[0].organisation, material="gravel", created_by_id=editor.id)
    browser.post(path(listing, "/origin/withdraw"))
    session.refresh(listing)
    assert listing.paused_reason is PausedReason.QUALITY


# Natural background -----------------------------------------------------------------------------------------------


def background(document: Document, **changes: str) -> dict[str, str]:
    sent = {"parameter": "Cr", "background_mg_kg": "90", "document_id": str(document.id), **SIGNED}
    return {f"background-{name}": value for name, value in (sent | changes).items()}


def test_natural_background_makes_the_lot_clean_and_shows(
    browser: Client, draft: Listing, make: Factory, session: Session
) -> None:
    make.report(draft, Cr="80")
    document = paper(make, draft)
    assert "Tested, class 2" in browser.get(path(draft)).text
    assert browser.post(path(draft, "/background"), data=background(document)).status_code == 302
    session.refresh(draft)
    assert draft.quality_class == 1
    page = browser.get(path(draft)).text
    assert "no more than the natural background 90" in page
    assert "NGU, naturlig bakgrunn" in page
    assert "Natural background of Chromium (Cr): 90 mg/kg" in browser.get(f"/listings/{draft.id}").text

    browser.post(path(draft, "/background/remove"), data={"parameter": "Cr"})
    session.refresh(draft)
    assert draft.quality_class == 2
    assert session.scalars(select(BackgroundOverride.removed_at)).one() is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"document_id": ""}, "Choose the document that shows it."),
        ({"parameter": "PAH16"}, "Choose an inorganic parameter from the list."),
        ({"background_mg_kg": "-1"}, "Enter a content above zero"),
        ({"stated_by": " "}, "Enter the name of whoever answers for it."),
    ],
)
def test_a_background_needs_its_document_and_name(
    browser: Client, draft: Listing, make: Factory, session: Session, change: dict[str, str], said: str
) -> None:
    answer = browser.post(path(draft, "/background"), data=background(paper(make, draft), **change))
    assert answer.status_code == 422
    assert said in answer.text
    assert session.scalars(select(BackgroundOverride)).all() == []


@pytest.mark.parametrize(("form", "anchor"), [("/background", "#background"), ("/statements", "")])
def test_a_refused_form_loaded_anew_leads_to_the_quality_page(
    browser: Client, draft: Listing, form: str, anchor: str
) -> None:
    answer = browser.get(path(draft, form))
    assert (answer.status_code, answer.location) == (302, path(draft) + anchor)


def test_a_background_is_offered_for_inorganic_parameters_with_a_limit(
    browser: Client, draft: Listing, make: Factory
) -> None:
    paper(make, draft)
    page = browser.get(path(draft)).text
    offered = {
        each.code for each in quality_tables().parameters.values() if f'<option value="{each.code}">' in page
    }  # fmt: skip
    assert {"As", "Cr", "Pb"} <= offered
    assert all(quality_tables().is_judged(code) and quality_tables().parameters[code].is_inorganic for code in offered)
    assert "Fe" not in offered


def test_a_document_of_another_listing_shows_nothing(browser: Client, draft: Listing, make: Factory) -> None:
    other = paper(make, make.listing())
    answer = browser.post(path(draft, "/background"), data=background(other))
    assert answer.status_code == 422


# Posting ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def posted(make: Factory, editor: User) -> dict[str, str]:
    project = make.project(editor.memberships[0].organisation)
    return {
        "kind": "surplus",
        "project_id": str(project.id),
        "material_key": "moraine",
        "entered_value": "1200",
        "action": "publish",
    }


ORIGIN = {"clean_by": "origin", "virgin_basis": "Urørt skog", "stated_by": "Kari Nordmann"}


def the_listing(session: Session) -> Listing:
    session.expire_all()
    return session.scalars(select(Listing)).one()


def test_an_unpolluted_origin_is_stated_in_the_form_and_published_at_once(
    browser: Client, posted: dict[str, str], session: Session
) -> None:
    answer = browser.post("/listings/new", data=posted | ORIGIN)
    listing = the_listing(session)
    assert answer.location == f"/listings/{listing.id}?published=1#matches"
    assert (listing.status, listing.documentation) == (ListingStatus.PUBLISHED, Documentation.DECLARED)


def test_who_has_results_is_led_on_to_add_them(browser: Client, posted: dict[str, str], session: Session) -> None:
    answer = browser.post("/listings/new", data=posted | {"clean_by": "lab"})
    listing = the_listing(session)
    assert answer.location == path(listing)
    assert listing.status is ListingStatus.DRAFT


def test_concrete_is_led_on_without_a_question(browser: Client, posted: dict[str, str], session: Session) -> None:
    answer = browser.post("/listings/new", data=posted | {"material_key": "concrete"})
    assert answer.location == path(the_listing(session))


def test_nobody_publishes_without_saying_how_they_know(
    browser: Client, posted: dict[str, str], session: Session
) -> None:
    answer = browser.post("/listings/new", data=posted)
    assert answer.status_code == 422
    assert 'id="clean_by-error"' in answer.text
    assert "Choose how you know that the masses are clean." in answer.text
    assert session.scalars(select(Listing)).all() == []


@pytest.mark.parametrize(
    ("material", "ticked", "asked"),
    [
        ("blasted_rock", (), {"not_acid_forming"}),
        ("topsoil", ("alien_species",), {"farmland_pests", "no_plant_waste"}),
        ("subsoil", (), {"alien_species", "no_plant_waste"}),
    ],
)
def test_what_the_material_needs_is_asked_beside_its_box(
    browser: Client, posted: dict[str, str], session: Session, material: str, ticked: tuple[str, ...], asked: set[str]
) -> None:
    sent = posted | ORIGIN | {"material_key": material} | dict.fromkeys(ticked, "y")
    answer = browser.post("/listings/new", data=sent)
    assert answer.status_code == 422
    assert all(f'id="{name}-error"' in answer.text for name in asked)
    assert "Urørt skog" in answer.text
    assert session.scalars(select(Listing)).all() == []
    answer = browser.post("/listings/new", data=sent | dict.fromkeys(asked, "y"))
    assert answer.status_code == 302


@pytest.mark.parametrize(("name", "field"), [("virgin_basis", "virgin_basis"), ("stated_by", "stated_by")])
def test_an_origin_needs_its_basis_and_a_name(
    browser: Client, posted: dict[str, str], session: Session, name: str, field: str
) -> None:
    answer = browser.post("/listings/new", data=posted | ORIGIN | {name: " "})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert session.scalars(select(Declaration)).all() == []


def test_a_need_is_asked_nothing(browser: Client, posted: dict[str, str], session: Session) -> None:
    answer = browser.post("/listings/new", data=posted | {"kind": "demand"})
    assert answer.status_code == 302
    assert the_listing(session).status is ListingStatus.PUBLISHED


def test_a_draft_is_kept_before_anything_is_said_and_opens_with_what_was(
    browser: Client, posted: dict[str, str], session: Session
) -> None:
    browser.post("/listings/new", data=posted | {"action": "draft", "clean_by": "origin", "stated_by": ""})
    listing = the_listing(session)
    assert listing.status is ListingStatus.DRAFT
    browser.post(f"/listings/{listing.id}/edit", data=posted | ORIGIN | {"action": "draft"})
    page = browser.get(f"/listings/{listing.id}/edit").text
    assert "Urørt skog" in page
    answer = browser.post(f"/listings/{listing.id}/edit", data=posted | ORIGIN)
    assert answer.location.startswith(f"/listings/{listing.id}?published=1")


def test_a_draft_with_clean_results_is_published_from_its_form(
    browser: Client, posted: dict[str, str], session: Session, make: Factory
) -> None:
    browser.post("/listings/new", data=posted | {"action": "draft"})
    listing = the_listing(session)
    make.report(listing)
    answer = browser.post(f"/listings/{listing.id}/edit", data=posted | {"clean_by": "lab"})
    assert answer.location.startswith(f"/listings/{listing.id}?published=1")
    assert the_listing(session).documentation is Documentation.TESTED


def test_an_edit_that_its_proof_does_not_cover_says_that_it_is_paused(
    browser: Client, posted: dict[str, str], session: Session
) -> None:
    browser.post("/listings/new", data=posted | ORIGIN)
    listing = the_listing(session)
    sent = posted | {"material_key": "topsoil", "action": "save"}
    answer = browser.post(f"/listings/{listing.id}/edit", data=sent)
    assert answer.location == path(listing)
    assert "its proof does not cover them" in browser.get(answer.location).text
    assert the_listing(session).paused_reason is PausedReason.QUALITY
