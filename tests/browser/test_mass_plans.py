"""A mass plan in a real browser: made by thumb on a phone, as a grid at a desk, and looked at by everybody."""

import re

from playwright.sync_api import Page, expect
from sqlalchemy import select

from marketplace.models import Organisation, Project
from tests.browser.checks import overflow_px, serious_issues
from tests.browser.served import Site
from tests.browser.visitor import DESKTOP, PHONE, Complaints, OpenPage, Screen, path_of

E18 = "E18 Vestkorridoren: Strand–Holtet"
EMPTY = "Fornebubanen: Vækerø"


def project_id(site: Site, name: str) -> int:
    with site.sessions() as session:
        return session.scalars(select(Project.id).where(Project.name == name)).one()


def organisation_id(site: Site) -> int:
    with site.sessions() as session:
        query = select(Organisation.id).where(Organisation.name == "Eksempel Entreprenør AS")
        return session.scalars(query).one()


def check(page: Page) -> None:
    assert serious_issues(page) == []
    assert overflow_px(page) == 0


def test_the_pages_of_a_plan_keep_nobody_out(open_page: OpenPage, site: Site, screen: Screen) -> None:
    page = open_page(screen, who="contractor")
    plan = f"/projects/{project_id(site, E18)}/plan"
    page.goto(plan)
    expect(page.get_by_role("heading", level=1)).to_have_text("Mass plan")
    check(page)
    year = page.locator(".mf-year h3").first.inner_text()
    for path in (
        f"{plan}/grid",
        f"{plan}/rows/new",
        f"{plan}/targets/{year}",
        f"/organisations/{organisation_id(site)}/reduction/{year}",
    ):
        page.goto(path)
        check(page)


def test_a_plan_is_made_by_thumb_and_becomes_listings(open_page: OpenPage, site: Site, complaints: Complaints) -> None:
    complaints.expected.append("422")
    page = open_page(PHONE, who="contractor")
    page.goto(f"/projects/{project_id(site, EMPTY)}")
    page.get_by_role("link", name="Mass plan").tap()
    page.get_by_role("link", name="Add a row").first.tap()
    page.get_by_label("Material").select_option("blasted_rock")
    options = page.get_by_label("Quarter").locator("option")
    page.get_by_label("Quarter").select_option(options.nth(options.count() - 1).get_attribute("value"))
    excavated = page.get_by_role("group", name="Excavated")
    excavated.get_by_label("Likely").fill("12 000")
    excavated.get_by_label("Low").fill("13 000")
    page.get_by_role("button", name="Save", exact=True).tap()
    expect(page.get_by_role("alert")).to_contain_text("not in that order")
    excavated.get_by_label("Low").fill("9 000")
    excavated.get_by_label("High").fill("15 000")
    page.get_by_role("group", name="Needed in all").get_by_label("Likely").fill("2 000")
    page.get_by_role("button", name="Save", exact=True).tap()
    expect(page.locator(".mf-plan").first).to_contain_text("9,000–15,000")
    assert overflow_px(page) == 0
    page.get_by_role("button", name="Make draft listings").tap()
    expect(page.locator(".mf-plan__listings li").first).to_contain_text("Draft")
    expect(page.locator(".mf-plan__listings").first.get_by_role("link")).to_have_count(2)
    page.locator(".mf-plan__edit a").first.tap()
    page.get_by_role("group", name="Excavated").get_by_label("Likely").fill("14 000")
    page.get_by_role("button", name="Save", exact=True).tap()
    expect(page.locator(".mf-flashes")).to_contain_text("brought in step")
    page.locator(".mf-plan__listings").get_by_role("link", name="Surplus").first.tap()
    expect(page.locator(".mf-figure").first).to_contain_text("14,000")
    expect(page.get_by_role("link", name="See the mass plan")).to_be_visible()


def test_a_year_is_filled_in_as_a_grid(open_page: OpenPage, site: Site, complaints: Complaints) -> None:
    complaints.expected.append("422")
    page = open_page(DESKTOP, who="contractor")
    plan = f"/projects/{project_id(site, 'E18 Vestkorridoren: Ramstadsletta')}/plan"
    page.goto(f"{plan}/grid")
    first = page.locator(".mf-gridtable__new").first
    first.get_by_label(re.compile("^Material")).select_option("clay")
    first.get_by_label(re.compile("^Excavated, likely")).fill("5000")
    first.get_by_label(re.compile("^Reused on site, likely")).fill("6000")
    page.get_by_role("button", name="Save the year").click()
    expect(page.get_by_role("alert")).to_contain_text("No more can be reused")
    check(page)
    page.get_by_role("alert").get_by_role("link").first.click()  # leads to the cell
    expect(page.locator("[aria-invalid=true]")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("1000")
    page.get_by_role("button", name="Save the year").click()
    expect(page.locator(".mf-flashes")).to_contain_text("The plan is saved")
    assert path_of(page).startswith(plan)
    expect(page.locator(".mf-plan").first).to_contain_text("4,000")


def test_the_chart_draws_what_the_table_says(open_page: OpenPage, site: Site, screen: Screen) -> None:
    page = open_page(screen, who="viewer")
    page.goto(f"/projects/{project_id(site, E18)}/plan")
    bars = page.locator(".mf-plan-chart__rows .mf-plan-bar--surplus .mf-plan-bar__body")
    widths = [bar.bounding_box() for bar in bars.all()]
    whole = page.locator(".mf-plan-chart__bars").first.bounding_box()
    assert whole is not None
    longest = max(box["width"] for box in widths if box is not None)
    assert whole["width"] / 3 < longest <= whole["width"]
    assert page.get_by_role("button", name="Make draft listings").count() == 0
