"""Mass plans in the browser: who sees them, what is typed wrong, and what is taken along."""

import io
import re
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.models import Listing, MassPlanRow, Project, ReductionTarget, User
from marketplace.plan_columns import BY_KEY, PLAN_COLUMNS, read_plan_row
from marketplace.services.mass_plans import values_of
from marketplace.table_columns import RowReader, find_header
from marketplace.tables import read_table
from marketplace.types import ListingStatus, Role
from tests.conftest import Client, QueryCounter
from tests.factories import Factory

FORM = {
    "material_key": "blasted_rock",
    "time": "2027-2",
    "excavated_low_t": "9 000",
    "excavated_t": "12 000",
    "excavated_high_t": "15 000",
    "reused_t": "3000",
    "needed_t": "5000",
    "note": "Trinn 1",
}
HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def editor(make: Factory) -> User:
    return make.member(role=Role.EDITOR)


@pytest.fixture
def project(make: Factory, editor: User) -> Project:
    return make.project(editor.memberships[0].organisation, name="Kulvert Strand")


@pytest.fixture
def browser(client: Client, editor: User) -> Client:
    return client.in_english().log_in_as(editor)


def plan_row(session: Session, project: Project, **values: Any) -> MassPlanRow:
    figures = {f"{part}_{end}t": 0 for part in ("excavated", "reused", "needed") for end in ("low_", "", "high_")}
    defaults = {
        "project_id": project.id,
        "material_key": "blasted_rock",
        "year": 2027,
        "quarter": 2,
        **figures,
        "excavated_low_t": 900,
        "excavated_t": 1000,
        "excavated_high_t": 1200,
    }
    row = MassPlanRow(**{**defaults, **values})
    session.add(row)
    session.flush()
    return row


def only(mass_t: int) -> dict[str, str]:
    """A row's form with one figure."""
    return {"excavated_low_t": "", "excavated_t": str(mass_t), "excavated_high_t": ""}


def words(page: str) -> str:
    """The text of a page, with plain spaces."""
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL))
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def message_beside(page: str, field: str) -> str:
    found = re.search(rf'id="{field}-error"[^>]*>(.*?)</(?:div|span)>', page, re.DOTALL)
    return words(found[1]) if found else ""


# The page -------------------------------------------------------------------------------------------------------------


def test_a_plan_begins_empty_and_says_what_to_do(browser: Client, project: Project) -> None:
    page = browser.get(f"/projects/{project.id}/plan").text
    assert "Nothing planned yet" in page
    assert f"/projects/{project.id}/plan/rows/new" in page


def test_a_row_is_added_and_shown_with_its_range(browser: Client, project: Project) -> None:
    answer = browser.post(f"/projects/{project.id}/plan/rows/new", data=FORM, follow_redirects=True)
    assert answer.status_code == 200
    said = words(answer.text)
    assert "9,000 6,000–12,000" in said  # the surplus
    assert "Q2 2027" in said
    assert "Trinn 1" in said


def test_what_is_both_left_over_and_wanting_is_pointed_out(browser: Client, project: Project, session: Session) -> None:
    plan_row(session, project, needed_t=300, needed_high_t=300)
    said = words(browser.get(f"/projects/{project.id}/plan").text)
    assert "Up to 300 t more could be reused here" in said


def test_a_project_leads_its_members_to_the_plan(
    browser: Client, project: Project, client: Client, make: Factory
) -> None:
    assert f"/projects/{project.id}/plan" in browser.get(f"/projects/{project.id}").text
    make.listing(project=project, project_id=project.id)
    stranger = client.application.test_client()
    assert "/plan" not in stranger.get(f"/projects/{project.id}").text


def test_what_is_typed_is_shown_as_text(browser: Client, project: Project) -> None:
    answer = browser.post(
        f"/projects/{project.id}/plan/rows/new", data={**FORM, "note": HOSTILE}, follow_redirects=True
    )
    assert HOSTILE not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"excavated_t": "-5", "excavated_low_t": "", "excavated_high_t": ""}, "excavated_t", "cannot be negative"),
        ({"excavated_low_t": "13 000"}, "excavated_low_t", "not in that order"),
        ({"excavated_t": "1e99"}, "excavated_t", "Enter a number"),
        ({"excavated_t": "9" * 39, "excavated_low_t": "", "excavated_high_t": ""}, "excavated_t", "Check the unit"),
        ({"excavated_t": "", "reused_t": ""}, "excavated_t", "likely figure"),
        ({"reused_t": "13 000", "needed_t": "13 000"}, "reused_t", "excavated"),
        ({"reused_t": "6 000"}, "reused_t", "needed"),
        ({"material_key": "gold"}, "material_key", "Choose a material"),
        ({"material_key": ""}, "material_key", "Choose a material"),
        ({"time": "2027-7"}, "time", "Choose a quarter"),
        ({"time": "x"}, "time", "Choose a quarter"),
        ({"actual_excavated_t": "5"}, "actual_reused_t", "all four"),
        ({"note": "x" * 600}, "note", "at most 500"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_nothing_typed_is_lost(
    browser: Client, project: Project, session: Session, changes: dict[str, str], field: str, message: str
) -> None:
    answer = browser.post(f"/projects/{project.id}/plan/rows/new", data={**FORM, **changes})
    assert answer.status_code == 422
    assert message in message_beside(answer.text, field)
    assert 'value="Trinn 1"' in answer.text or "x" * 600 in answer.text
    assert session.scalars(select(MassPlanRow)).all() == []


def test_the_summary_names_the_group_of_a_figure(browser: Client, project: Project) -> None:
    wrong = {**FORM, "excavated_t": "-5", "excavated_low_t": "", "excavated_high_t": ""}
    page = browser.post(f"/projects/{project.id}/plan/rows/new", data=wrong).text
    assert "Excavated, likely: A mass cannot be negative." in words(page)
    assert page.count("A mass cannot be negative.") == 2
    grid = line(0, row_id="", material_key="clay", quarter="3", excavated_t="5", excavated_low_t="9")
    page = browser.post(f"/projects/{project.id}/plan/grid?year=2027", data=grid).text
    assert "Excavated, low: Low, likely and high are not in that order." in words(page)


def test_a_row_is_edited_and_what_it_came_to_recorded(browser: Client, project: Project, session: Session) -> None:
    row = plan_row(session, project, year=2026, quarter=4)
    address = f"/projects/{project.id}/plan/rows/{row.id}"
    page = browser.get(address).text
    version = re.search(r'name="version"[^>]*value="([^"]+)"', page)
    assert version
    done = {"excavated_t": "1000", "actual_excavated_t": "900", "actual_reused_t": "0"}
    answer = browser.post(
        address,
        data={**done, "actual_passed_on_t": "600", "actual_disposed_t": "200", "version": version[1]},
        follow_redirects=True,
    )
    assert "passed on 600 t, landfill 200 t" in words(answer.text)
    assert "100 t more was excavated than is accounted for" in words(answer.text)
    late = browser.post(address, data={"excavated_t": "5000", "version": version[1]})
    assert late.status_code == 409
    assert 'value="5000"' in late.text


def test_a_row_is_taken_out_of_the_plan(browser: Client, project: Project, session: Session) -> None:
    row = plan_row(session, project)
    browser.post(f"/projects/{project.id}/plan/rows/{row.id}/remove")
    assert session.scalars(select(MassPlanRow)).all() == []
    assert browser.get(f"/projects/{project.id}/plan/rows/{row.id}").status_code == 404


def test_a_row_is_found_under_its_own_project_only(
    browser: Client, project: Project, session: Session, make: Factory
) -> None:
    other = make.project(project.organisation)
    row = plan_row(session, other)
    assert browser.get(f"/projects/{project.id}/plan/rows/{row.id}").status_code == 404
    theirs = make.project()
    hidden = plan_row(session, theirs)
    for address in ("plan", "plan/grid", "plan.csv", "plan.xlsx", "plan.pdf", f"plan/rows/{hidden.id}"):
        assert browser.get(f"/projects/{theirs.id}/{address}").status_code == 404


def test_viewers_read_and_do_not_write(client: Client, project: Project, session: Session, make: Factory) -> None:
    row = plan_row(session, project)
    viewer = make.member(project.organisation, role=Role.VIEWER)
    browser = client.in_english().log_in_as(viewer)
    page = browser.get(f"/projects/{project.id}/plan").text
    assert "Make draft listings" not in page
    assert f"plan/rows/{row.id}" not in page
    assert browser.post(f"/projects/{project.id}/plan/listings").status_code == 403


@pytest.mark.parametrize("count", [1, 6])
def test_a_longer_plan_asks_no_more_of_the_database(
    browser: Client, project: Project, session: Session, count_queries: QueryCounter, count: int
) -> None:
    for number in range(count):
        plan_row(session, project, year=2027 + number // 4, quarter=number % 4 + 1)
    browser.post(f"/projects/{project.id}/plan/listings")
    session.expire_all()
    with count_queries() as statements:
        browser.get(f"/projects/{project.id}/plan")
    assert len(statements) <= 10, statements
    with count_queries() as statements:
        browser.get(f"/organisations/{project.organisation_id}/reduction/2027")
    assert len(statements) <= 8, statements


# The grid -------------------------------------------------------------------------------------------------------------


def line(index: int, **cells: str) -> dict[str, str]:
    return {f"rows-{index}-{name}": value for name, value in cells.items()}


def grid_version(page: str) -> str:
    found = re.search(r'name="version"[^>]*value="([^"]*)"', page)
    assert found
    return found[1]


def test_a_year_is_written_as_a_grid(browser: Client, project: Project, session: Session) -> None:
    row = plan_row(session, project)
    address = f"/projects/{project.id}/plan/grid?year=2027"
    version = grid_version(browser.get(address).text)
    answer = browser.post(
        address,
        data={
            "version": version,
            **line(0, row_id=str(row.id), material_key="blasted_rock", quarter="2", excavated_t="2 000"),
            **line(1, row_id="", material_key="clay", quarter="3", excavated_t="500", needed_t="0"),
            **line(2, row_id="", material_key="", quarter="1"),
        },
    )
    assert answer.status_code == 302
    session.expire_all()
    kept = session.scalars(select(MassPlanRow).order_by(MassPlanRow.quarter)).all()
    assert [(each.material_key, each.quarter, each.excavated_t) for each in kept] == [
        ("blasted_rock", 2, 2000),
        ("clay", 3, 500),
    ]


def test_a_wrong_grid_says_where_and_keeps_all_that_was_typed(
    browser: Client, project: Project, session: Session
) -> None:
    row = plan_row(session, project)
    address = f"/projects/{project.id}/plan/grid?year=2027"
    answer = browser.post(
        address,
        data={
            **line(0, row_id=str(row.id), material_key="blasted_rock", quarter="2", excavated_t="viel"),
            **line(1, row_id="", material_key="", quarter="3", excavated_t="777"),
            **line(2, row_id="", material_key="clay", quarter="3", excavated_t="5", excavated_low_t="9"),
        },
    )
    assert answer.status_code == 422
    assert "Enter a number" in message_beside(answer.text, "rows-0-excavated_t")
    assert "Choose a material" in words(answer.text)
    assert 'value="777"' in answer.text
    answer = browser.post(
        address,
        data={**line(0, row_id="", material_key="clay", quarter="3", excavated_t="5", excavated_low_t="9")},
    )
    assert "not in that order" in message_beside(answer.text, "rows-0-excavated_low_t")
    session.expire_all()
    assert session.scalars(select(MassPlanRow.excavated_t)).all() == [1000]


def test_a_grid_that_somebody_was_faster_with_comes_back(browser: Client, project: Project, session: Session) -> None:
    row = plan_row(session, project)
    address = f"/projects/{project.id}/plan/grid?year=2027"
    version = grid_version(browser.get(address).text)
    row.excavated_t = Decimal(1100)
    session.flush()
    mine = line(0, row_id=str(row.id), material_key="blasted_rock", quarter="2", excavated_t="2 000")
    late = browser.post(address, data={"version": version, **mine})
    assert late.status_code == 409
    assert "2 000" in late.text
    again = browser.post(address, data={"version": grid_version(late.text), **mine})
    assert again.status_code == 302


def test_rows_are_removed_and_lines_added_in_a_grid(browser: Client, project: Project, session: Session) -> None:
    row = plan_row(session, project)
    address = f"/projects/{project.id}/plan/grid?year=2027"
    there = line(0, row_id=str(row.id), material_key="blasted_rock", quarter="2", excavated_t="1000", is_removed="y")
    more = browser.post(address, data={**there, "action": "more"})
    assert more.status_code == 200
    assert more.text.count("mf-gridtable__new") == 3
    browser.post(address, data=there)
    assert session.scalars(select(MassPlanRow)).all() == []


@pytest.mark.parametrize("row_id", ["999999", "x", "-1", "9" * 40, "²"])
def test_a_grid_takes_no_row_that_is_not_the_plans(browser: Client, project: Project, row_id: str) -> None:
    answer = browser.post(
        f"/projects/{project.id}/plan/grid?year=2027",
        data=line(0, row_id=row_id, material_key="clay", quarter="3", excavated_t="5"),
    )
    assert answer.status_code == 409


def test_an_address_may_ask_for_any_year(browser: Client, project: Project) -> None:
    for year in ("1", "9999", "abc", "²", ""):
        assert browser.get(f"/projects/{project.id}/plan/grid?year={year}").status_code == 200


# Listings and copies --------------------------------------------------------------------------------------------------


def test_drafts_are_made_and_brought_in_step_by_a_press(browser: Client, project: Project, session: Session) -> None:
    row = plan_row(session, project)
    said = browser.post(f"/projects/{project.id}/plan/listings", follow_redirects=True).text
    assert "1 draft listing is made" in said
    listing = session.scalars(select(Listing)).one()
    assert (listing.mass_t, listing.status) == (1000, ListingStatus.DRAFT)
    browser.post(f"/listings/{listing.id}/edit", data={})  # refused, and changes nothing
    address = f"/projects/{project.id}/plan/rows/{row.id}"
    said = browser.post(address, data=only(1500), follow_redirects=True).text
    assert "1 draft listing was brought in step" in said


def test_a_published_listing_shows_what_the_plan_says_now(
    browser: Client, project: Project, session: Session, make: Factory
) -> None:
    row = plan_row(session, project)
    browser.post(f"/projects/{project.id}/plan/listings")
    listing = session.scalars(select(Listing)).one()
    make.proof(listing)
    browser.post(f"/listings/{listing.id}/publish")
    said = browser.post(f"/projects/{project.id}/plan/rows/{row.id}", data=only(1500), follow_redirects=True)
    assert "It says 1,000 t; the plan now says 1,500 t." in words(said.text)
    assert "The plan now says 1,500 t." in words(browser.get(f"/listings/{listing.id}").text)
    answer = browser.post(f"/listings/{listing.id}/plan/take", follow_redirects=True)
    assert "The plan now says" not in words(answer.text)
    session.refresh(listing)
    assert (listing.mass_t, listing.status) == (1500, ListingStatus.PUBLISHED)


def test_strangers_do_not_see_that_a_listing_is_from_a_plan(
    browser: Client, client: Client, project: Project, session: Session, make: Factory
) -> None:
    plan_row(session, project)
    browser.post(f"/projects/{project.id}/plan/listings")
    listing = session.scalars(select(Listing)).one()
    make.proof(listing)
    browser.post(f"/listings/{listing.id}/publish")
    stranger = client.application.test_client()
    assert f"/projects/{project.id}/plan" not in stranger.get(f"/listings/{listing.id}").text


def test_a_quarter_is_copied(browser: Client, project: Project, session: Session) -> None:
    plan_row(session, project)
    address = f"/projects/{project.id}/plan/copy"
    assert browser.post(address, data={"source": "2027-2", "target": "2027-3"}).status_code == 302
    assert len(session.scalars(select(MassPlanRow)).all()) == 2
    for wrong in ({"source": "2027-2", "target": "2027-2"}, {"source": "x", "target": "2099-9"}, {}):
        assert browser.post(address, data=wrong).status_code == 422


# Years ----------------------------------------------------------------------------------------------------------------


def test_a_target_is_set_and_measured_by(browser: Client, project: Project, session: Session) -> None:
    plan_row(session, project)
    address = f"/projects/{project.id}/plan/targets/2027"
    said = browser.post(
        address, data={"surplus_target_t": "800", "measures": "Knuse på plassen"}, follow_redirects=True
    )
    assert "Above the target" in words(said.text)
    assert "Knuse på plassen" in said.text
    for wrong in ("-1", "abc", "9" * 30):
        answer = browser.post(address, data={"surplus_target_t": wrong, "measures": "Beholdes"})
        assert answer.status_code in (409, 422)
        assert "Beholdes" in answer.text
    for year in (1999, 9999, 10**12):
        assert browser.get(f"/projects/{project.id}/plan/targets/{year}").status_code == 404


def test_two_people_do_not_overwrite_a_target(browser: Client, project: Project, session: Session) -> None:
    address = f"/projects/{project.id}/plan/targets/2027"
    version = grid_version(browser.get(address).text)
    session.add(ReductionTarget(project_id=project.id, year=2027, surplus_target_t=Decimal(5)))
    session.flush()
    late = browser.post(address, data={"surplus_target_t": "800", "version": version})
    assert late.status_code == 409
    again = browser.post(address, data={"surplus_target_t": "800", "version": grid_version(late.text)})
    assert again.status_code == 302


def test_an_organisation_sees_its_projects_together(
    browser: Client, project: Project, session: Session, make: Factory
) -> None:
    other = make.project(project.organisation, name="Tunnel Jong")
    plan_row(session, project)
    plan_row(session, other)
    session.add(ReductionTarget(project_id=other.id, year=2027, surplus_target_t=Decimal(900), measures="Mindre sprut"))
    session.flush()
    said = words(browser.get(f"/organisations/{project.organisation_id}/reduction/2027").text)
    assert "Kulvert Strand" in said
    assert "Tunnel Jong" in said
    assert "2,000" in said
    assert "1 project has set no target" in said
    assert "Mindre sprut" in said
    assert (
        f"/organisations/{project.organisation_id}/reduction/2027"
        in browser.get(f"/organisations/{project.organisation_id}").text
    )
    assert browser.get(f"/organisations/{project.organisation_id}/reduction/1900").status_code == 404


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["en", "nb"])
def test_what_is_taken_out_can_be_brought_back(
    browser: Client, project: Project, session: Session, ending: str, language: str
) -> None:
    row = plan_row(session, project, excavated_t=Decimal("1000.125"), note="=1+1")
    with browser.session_transaction() as cookie:
        cookie["locale"] = language
    answer = browser.get(f"/projects/{project.id}/plan.{ending}")
    assert "attachment" in answer.headers["Content-Disposition"]
    table = read_table(io.BytesIO(answer.data), filename=f"plan.{ending}")
    heading, *lines = list(table)
    header = find_header([heading], PLAN_COLUMNS)
    assert header is not None
    assert (header.unknown, len(header.places)) == ((), len(PLAN_COLUMNS))
    cells = {key: lines[0].cells[at] for key, at in header.places.items() if at < len(lines[0].cells)}
    note = cells.pop("note")
    read = read_plan_row(RowReader(cells=cells, decimal_sign="." if language == "en" else ",", columns=BY_KEY))
    assert read is not None
    assert note.strip() == "=1+1"
    session.expire_all()
    assert (read.material_key, read.excavated, read.reused) == (
        row.material_key,
        values_of(row).excavated,
        values_of(row).reused,
    )


def test_the_plan_is_printed_with_its_figures(browser: Client, project: Project, session: Session) -> None:
    plan_row(session, project)
    plan_row(
        session,
        project,
        quarter=1,
        material_key="clay",
        actual_excavated_t=500,
        actual_reused_t=100,
        actual_passed_on_t=300,
        actual_disposed_t=100,
    )
    session.add(
        ReductionTarget(project_id=project.id, year=2027, surplus_target_t=Decimal(900), measures="Knuse stein")
    )
    session.flush()
    text = pdf_text(browser.get(f"/projects/{project.id}/plan.pdf").data)
    for part in ("Kulvert Strand", "Blasted rock", "1,000", "900–1,200", "Knuse stein", "20% reused on site"):
        assert part in text
    text = pdf_text(browser.get(f"/organisations/{project.organisation_id}/reduction/2027.pdf").data)
    for part in ("Kulvert Strand", "Knuse stein", "Outlook"):
        assert part in text


def pdf_text(pdf: bytes) -> str:
    assert pdf.startswith(b"%PDF-")
    from pypdf import PdfReader

    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\N{NO-BREAK SPACE}", " ").split())
