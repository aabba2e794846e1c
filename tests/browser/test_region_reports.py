"""The public page, a region's reports and plans, and the files it gives out, as people use them."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import overflow_px, serious_issues
from tests.browser.visitor import DESKTOP, PHONE, OpenPage, Screen

REGION = "county=32"
PAGES = (
    "/impact",
    f"/regions/report?{REGION}",
    f"/regions/reduction?{REGION}",
    f"/regions/export?{REGION}",
    "/regions/export",
)


def wrong_with(page: Page, screen: Screen) -> list[str]:
    problems = [f"{page.url}: {issue}" for issue in serious_issues(page)]
    if overflow_px(page) > 0:
        problems.append(f"{page.url} is {overflow_px(page)} px wider than the screen")
    return [f"{screen.name}: {problem}" for problem in problems]


@pytest.mark.parametrize("who", [None, "municipality"], ids=lambda who: who or "anonymous")
def test_the_pages_are_for_everybody(open_page: OpenPage, who: str | None) -> None:
    page = open_page(PHONE, who=who, locale="nb")
    problems: list[str] = []
    for path in PAGES:
        page.goto(path)
        for screen in (PHONE, DESKTOP):
            page.set_viewport_size({"width": screen.width, "height": screen.height})
            problems += wrong_with(page, screen)
    assert problems == []


def test_a_table_of_a_chart_opens_on_the_public_page(open_page: OpenPage) -> None:
    page = open_page(PHONE, locale="en")
    page.goto("/impact")
    panel = page.locator("#months")
    expect(panel.get_by_role("img")).to_be_visible()
    panel.get_by_text("As a table").click()
    expect(panel.get_by_role("table")).to_be_visible()
    assert overflow_px(page) == 0


@pytest.mark.parametrize("kind", ["CSV", "Excel", "GeoJSON", "GeoPackage", "Parquet"])
def test_a_visitor_takes_the_facilities_home(open_page: OpenPage, tmp_path: Path, kind: str) -> None:
    page = open_page(PHONE, locale="en")
    page.goto("/regions/export")
    with page.expect_download() as waiting:
        page.get_by_role("list", name="Facilities").get_by_role("link", name=kind).click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.name.startswith("masseflyt-facilities-norge-")
    assert path.stat().st_size > 1_000


def test_the_municipality_makes_its_report(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="municipality", locale="en")
    page.goto(f"/regions/report?{REGION}")
    page.get_by_role("button", name="Make the report of").click()
    expect(page.get_by_text("It stays as it is now.")).to_be_visible()
    address = page.locator("#reports").get_by_role("link").first.get_attribute("href")
    assert address is not None
    paper = page.request.get(address)
    assert (paper.status, paper.headers["content-type"]) == (200, "application/pdf")
    assert paper.body().startswith(b"%PDF")
