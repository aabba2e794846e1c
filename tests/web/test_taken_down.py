"""Results that take a listing off the market: said before they are stored, and said when they have."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.models import LabReport, Listing, User
from marketplace.services.quality import refresh_quality
from marketplace.types import ListingStatus, PausedReason, Role
from tests.conftest import NOW, Client
from tests.factories import Factory
from tests.web.test_lab_results import ORGANIC, SUITE, seen, stored, table, upload
from tests.web.test_quality import path

TAKEN_DOWN = "The listing is taken off the market, and others do not see it any more."
BEFOREHAND = "take it off the market as soon as they are stored."
STORED_BEFORE = "This table has been stored on this lot before"


@pytest.fixture
def editor(make: Factory) -> User:
    return make.member(role=Role.EDITOR)


@pytest.fixture
def browser(client: Client, editor: User) -> Client:
    return client.in_english().log_in_as(editor)


@pytest.fixture
def public(make: Factory, editor: User, session: Session) -> Listing:
    """A listing that others see by its one clean report."""
    listing = make.listing(editor.memberships[0].organisation, material="moraine", is_proven=False)
    make.report(listing)
    refresh_quality(session, listing, now=NOW)
    assert listing.status is ListingStatus.PUBLISHED
    return listing


def test_a_file_that_takes_it_down_is_warned_of_before_and_told_after(
    browser: Client, public: Listing, session: Session
) -> None:
    address = upload(browser, public, table("P2", Pb="90"))
    assert BEFOREHAND in browser.get(address).text
    page = browser.get(browser.post(address, data=seen("P2") | {"action": "confirm"}).location).text
    session.refresh(public)
    assert public.paused_reason is PausedReason.QUALITY
    assert TAKEN_DOWN in page
    assert f"{TAKEN_DOWN} The masses are in class 2" in page


def test_a_typed_sample_that_takes_it_down_is_told(browser: Client, public: Listing) -> None:
    assert BEFOREHAND in browser.get(path(public, "/results/new")).text
    sent = {"sample": "P2", "unit": "mg/kg TS", "value_Pb": "90", "medium": "mass"}
    page = browser.get(browser.post(path(public, "/results/new"), data=sent).location).text
    assert TAKEN_DOWN in page


def test_removing_the_report_it_rests_on_is_told(browser: Client, public: Listing, session: Session) -> None:
    report = session.scalars(select(LabReport).where(LabReport.listing_id == public.id)).one()
    answer = browser.post(path(public, f"/reports/{report.id}/remove"))
    assert TAKEN_DOWN in browser.get(answer.location).text


def test_clean_results_take_nothing_down(browser: Client, public: Listing, session: Session) -> None:
    address = upload(browser, public, table("P2"))
    page = browser.get(browser.post(address, data=seen("P2") | {"action": "confirm"}).location).text
    session.refresh(public)
    assert public.status is ListingStatus.PUBLISHED
    assert TAKEN_DOWN not in page


def test_a_withdrawn_statement_that_takes_it_down_is_told(browser: Client, make: Factory, editor: User) -> None:
    listing = make.listing(editor.memberships[0].organisation, material="gravel", created_by_id=editor.id)
    page = browser.get(browser.post(path(listing, "/origin/withdraw")).location).text
    assert TAKEN_DOWN in page


# The same table again ---------------------------------------------------------------------------------------------


def test_the_same_table_again_is_said_and_still_taken(browser: Client, public: Listing, session: Session) -> None:
    first = upload(browser, public, table("P2"))
    assert STORED_BEFORE not in browser.get(first).text
    browser.post(first, data=seen("P2") | {"action": "confirm"})
    again = upload(browser, public, table("P2"), name="samme.csv")
    assert STORED_BEFORE in browser.get(again).text
    page = browser.get(browser.post(again, data=seen("P2") | {"action": "confirm"}).location).text
    assert stored(session) == 3
    assert "2 samples show it." in page


# Sums that need no value of their own -----------------------------------------------------------------------------

PARTS = ("PCB 28", "PCB 52", "PCB 101", "PCB 118", "PCB 138", "PCB 153", "PCB 180")


@pytest.mark.parametrize(("parts", "problems"), [(PARTS, 0), (PARTS[1:], 1)])
def test_a_sum_without_a_value_is_no_problem_where_its_parts_are_there(
    browser: Client, public: Listing, parts: tuple[str, ...], problems: int
) -> None:
    values = {**SUITE, **ORGANIC, "Sum PCB7": "n.d.", **dict.fromkeys(parts, "<0,0005")}
    rows = [f"P2;{name};{value};mg/kg TS" for name, value in values.items()]
    page = browser.get(upload(browser, public, "\n".join(["Prøve;Parameter;Resultat;Enhet", *rows]))).text
    assert ("What is wrong" in page) == bool(problems)
    assert ("added up from its parts" in page) == (not problems)
