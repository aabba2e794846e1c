"""The flow map of a municipality: drawn, played by month, in step with its table, and taken home as a file."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.checks import overflow_px, serious_issues, wait_for_maps
from tests.browser.visitor import DESKTOP, Complaints, OpenPage, Screen

BAERUM = "/regions/flows?municipality=3201"
FLOWS = "svg.mf-flows path.mf-flows__flow"

MIDDLE = """path => {
  const length = path.getTotalLength();
  const [one, other] = [0.2, 0.8].map((share) => path.getPointAtLength(share * length));
  const at = new DOMPoint((one.x + other.x) / 2, (one.y + other.y) / 2).matrixTransform(path.getScreenCTM());
  return { x: at.x, y: at.y };
}"""
"""A place upon a ribbon: between its two edges."""


def open_flows(page: Page, query: str = "") -> None:
    page.goto(f"{BAERUM}{query}")
    wait_for_maps(page)
    expect(page.locator(FLOWS).first).to_be_attached()


def test_a_municipality_sees_its_flows(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="municipality")
    open_flows(page, "&detail=municipality")
    rows = page.locator("tr[data-mf-flow]")
    assert page.locator(FLOWS).count() == rows.count() > 0
    said = page.locator("[data-mf-flows-said]")
    expect(said).to_contain_text(re.compile(rf"Between municipalities: {rows.count()} flows on the map"))
    # What is in sight is what is drawn: the paint reaches the screen.
    box = page.locator(FLOWS).first.bounding_box()
    assert box is not None
    assert box["width"] > 5
    assert overflow_px(page) == 0
    assert serious_issues(page) == []


def test_the_map_follows_its_zoom_level(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="municipality")
    open_flows(page)
    said = page.locator("[data-mf-flows-said]")
    for zoom, words in (
        (5, "Between counties"),
        (8, "Between municipalities"),
        (13, "Between projects and facilities"),
    ):
        page.evaluate(
            "zoom => document.querySelector('#map_flows').mfMap.setView([59.9, 10.52], zoom, { animate: false })", zoom
        )
        expect(said).to_contain_text(words)


def test_a_visitor_sees_nothing_finer_than_municipalities(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    page.goto(BAERUM)
    wait_for_maps(page)
    page.evaluate("document.querySelector('#map_flows').mfMap.setView([59.9, 10.52], 14, { animate: false })")
    expect(page.locator("[data-mf-flows-said]")).to_contain_text("Between municipalities")
    expect(page.locator(".mf-flowheld")).to_contain_text("held back")


def test_months_are_chosen_by_the_keyboard_and_played(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="municipality")
    open_flows(page, "&stage=agreed&detail=municipality")
    range_ = page.get_by_role("slider", name="Month")
    now = page.locator(".mf-flowtime__now")
    expect(now).to_have_text("The whole period")
    whole = page.locator(FLOWS).count()
    range_.focus()
    page.keyboard.press("ArrowRight")
    expect(now).to_have_text(re.compile(r"^\w+ 20\d\d$"))
    expect(range_).to_have_attribute("aria-valuetext", re.compile(r"^\w+ 20\d\d$"))
    page.keyboard.press("End")
    assert page.locator(FLOWS).count() < whole
    page.keyboard.press("Home")
    expect(now).to_have_text("The whole period")
    assert page.locator(FLOWS).count() == whole

    play = page.get_by_role("button", name="Play")
    play.click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(now).not_to_have_text("The whole period")
    first = now.text_content()
    expect(now).not_to_have_text(first or "")
    page.get_by_role("button", name="Stop").click()
    expect(play).to_be_visible()


def test_a_flow_says_what_it_is_where_it_is_pointed_at_and_marks_its_row(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="municipality")
    open_flows(page, "&detail=municipality&way=in")
    page.locator(".mf-flowsplit__map").scroll_into_view_if_needed()
    page.mouse.move(**page.locator(FLOWS).first.evaluate(MIDDLE))
    expect(page.locator(".mf-flowtip")).to_contain_text(re.compile(r"\w+ to Bærum"))
    expect(page.locator("tr[data-mf-flow].is-active")).to_have_count(1)
    page.locator("tr[data-mf-flow]").first.hover()
    expect(page.locator(".mf-flowtip")).to_have_count(0)
    expect(page.locator("path.mf-flows__flow.is-active")).to_have_count(1)


def test_facilities_are_layers(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="municipality")
    open_flows(page)
    pins = page.locator(".mf-pin--facility")
    expect(pins).to_have_count(0)
    page.get_by_role("checkbox", name="Quarry").check()
    expect(pins.first).to_be_visible()
    quarries = pins.count()
    page.get_by_role("checkbox", name="Landfill").check()
    expect(pins).not_to_have_count(quarries)
    page.get_by_role("checkbox", name="Quarry").uncheck()
    page.get_by_role("checkbox", name="Landfill").uncheck()
    expect(pins).to_have_count(0)


def test_the_form_works_without_a_script(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="municipality", java_script_enabled=False)
    page.goto(BAERUM)
    page.get_by_label("Agreed").check()
    page.get_by_role("button", name="Show", exact=True).click()
    assert "stage=agreed" in page.url
    assert "municipality=3201" in page.url
    expect(page.locator("tr[data-mf-flow]").first).to_be_visible()


def test_the_file_opens_without_a_network(
    open_page: OpenPage, complaints: Complaints, tmp_path: Path, screen: Screen
) -> None:
    complaints.expected.append(f"elsewhere: {tmp_path.as_uri()}")  # the file itself
    page = open_page(screen, who="municipality")
    open_flows(page)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the map").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.name.startswith("flyt-3201-delivered-")
    assert file.name.endswith(".html")

    asked: list[str] = []
    page.context.set_offline(True)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    expect(page.locator(FLOWS).first).to_be_attached()
    expect(page.locator("[data-mf-flows-said]")).to_contain_text("flows on the map")
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    page.get_by_role("checkbox", name="Landfill").check()
    expect(page.locator(".mf-pin--facility").first).to_be_visible()
    assert overflow_px(page) == 0
