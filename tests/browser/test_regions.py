"""A region's dashboard as a municipality and as everybody sees it, on a phone and on a desk, and on paper."""

import re

from playwright.sync_api import Page, expect

from tests.browser.checks import overflow_px, serious_issues
from tests.browser.visitor import DESKTOP, OpenPage, Screen


def holds_up(page: Page) -> None:
    assert (overflow_px(page), serious_issues(page)) == (0, [])


def test_a_region_is_chosen_and_its_figures_lead_to_their_deals(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="administrator")
    page.goto("/regions")
    holds_up(page)
    page.get_by_role("link", name=re.compile("^Akershus")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Akershus")
    expect(page.get_by_role("img", name="Delivered by month")).to_have_count(1)  # the other width is out of sight
    for table in page.get_by_text("As a table", exact=True).all():
        table.click()
    holds_up(page)
    page.locator("#ways a").last.click()
    page.wait_for_url(re.compile(r"/regions/deals\?county=32.*way=in"))
    expect(page.get_by_text(re.compile(r"\d+ deals?, \d+ loads?, "))).to_be_visible()
    holds_up(page)


def test_some_municipalities_are_chosen_together(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen)
    page.goto("/regions")
    page.locator("summary", has_text="Akershus").click()
    page.get_by_role("checkbox", name="Asker").check()
    page.get_by_role("checkbox", name="Bærum").check()
    page.get_by_role("button", name="Show these together").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Asker, Bærum")
    expect(page.get_by_text(re.compile("are held back"))).not_to_have_count(0)
    holds_up(page)


def test_the_dashboard_prints_its_charts_and_not_its_buttons(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="administrator")
    page.goto("/regions/dashboard?county=32")
    page.emulate_media(media="print")
    expect(page.locator("#months .mf-chart__wide")).to_be_visible()
    expect(page.locator("#months .mf-chart__narrow")).to_be_hidden()
    expect(page.locator("#months .mf-panel__csv")).to_be_hidden()


def test_a_panel_is_taken_home_as_a_file(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="administrator")
    page.goto("/regions/dashboard?county=32")
    with page.expect_download() as saved:
        page.get_by_role("link", name="From where to where as CSV").click()
    assert re.fullmatch(r"masseflyt-32-matrix-[0-9-]+\.csv", saved.value.suggested_filename)
