"""A lot's passport in a real browser: read on a phone beside the heap, printed, and opened to others by its owner."""

import re
from io import BytesIO
from urllib.parse import urlsplit

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import overflow_px, serious_issues, wait_for_maps
from tests.browser.visitor import DESKTOP, PHONE, Complaints, OpenPage, Screen, Thumb


def own_lot(page: Page, mark: str) -> None:
    """To the page of a published surplus of one's own whose card says this."""
    page.goto("/listings?kind=surplus&status=published")
    page.locator(".mf-listing").filter(has_text=re.compile(rf"\b{mark}\b")).first.locator("a").first.click()
    page.wait_for_url(re.compile(r"/listings/\d+"))
    wait_for_maps(page)


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=lambda screen: screen.name)
@pytest.mark.parametrize("mark", ["Tested", "Declared, not tested"])
def test_a_passport_is_for_all_eyes_and_screens(open_page: OpenPage, screen: Screen, mark: str) -> None:
    page = open_page(screen, who="contractor")
    own_lot(page, mark)
    page.get_by_role("link", name="Material passport").click()
    page.wait_for_url(re.compile("/passports/"))

    expect(page.locator(".mf-passport__mark")).to_contain_text(mark)
    expect(page.locator(".mf-passport__qr svg")).to_be_visible(visible=not screen.is_phone)
    assert overflow_px(page) == 0
    assert serious_issues(page) == []
    if mark == "Tested":
        rows = page.locator(".mf-passport__table tbody tr")
        assert rows.count() >= 5
        if screen.is_phone:
            assert rows.first.bounding_box()["height"] < 110, "a parameter takes a few lines, not a card"


def test_the_owner_opens_it_to_everybody_and_takes_the_link_back(open_page: OpenPage, complaints: Complaints) -> None:
    complaints.expected.append("404")  # what the old link is to answer
    page = open_page(PHONE, who="contractor")
    thumb = Thumb(page)
    own_lot(page, "Declared, not tested")
    listing = urlsplit(page.url).path
    thumb.tap(page.get_by_role("link", name="Open to whoever has the link"))
    page.wait_for_url(re.compile("/passport$"))
    assert overflow_px(page) == 0
    assert serious_issues(page) == []
    thumb.tap(page.get_by_role("radio", name="Everybody"))
    thumb.tap(page.get_by_role("button", name="Save changes"))
    expect(page.locator(".mf-passport__address")).to_be_visible()
    old = urlsplit(page.locator(".mf-passport__address a").inner_text()).path

    stranger = open_page(PHONE)
    stranger.goto(listing)
    wait_for_maps(stranger)
    Thumb(stranger).tap(stranger.get_by_role("link", name="Material passport"))
    stranger.wait_for_url(re.compile("/passports/"))
    expect(stranger.locator(".mf-passport__mark")).to_contain_text("Declared, not tested")

    thumb.tap(page.get_by_role("button", name="Make a new link"))
    page.get_by_role("dialog").get_by_role("button", name="Make a new link").click()
    expect(page.locator(".mf-passport__address a")).not_to_contain_text(old)
    assert stranger.goto(old).status == 404
    assert stranger.goto(urlsplit(page.locator(".mf-passport__address a").inner_text()).path).status == 200


def test_its_paper_is_one_or_two_sheets(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="contractor")
    own_lot(page, "Tested")
    page.get_by_role("link", name="Material passport").click()
    page.wait_for_url(re.compile("/passports/"))
    address = page.get_by_role("link", name="PDF for printing").get_attribute("href")
    assert address is not None
    answer = page.request.get(address)

    assert answer.headers["content-type"] == "application/pdf"
    with pypdfium2.PdfDocument(BytesIO(answer.body())) as document:
        assert 1 <= len(document) <= 2


def test_a_hidden_place_is_a_circle_for_others(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="contractor")
    own_lot(page, "Declared, not tested")
    listing = urlsplit(page.url).path
    page.goto(f"{listing}/edit")
    wait_for_maps(page)
    page.get_by_label("Hide the exact position").check()
    page.get_by_role("button", name="Save changes").click()
    page.wait_for_url(re.compile(rf"{listing}($|\?|#)"))
    expect(page.get_by_text("a place up to 1 km away")).to_be_visible()

    stranger = open_page(DESKTOP)
    stranger.goto(listing)
    wait_for_maps(stranger)
    expect(stranger.get_by_text("hidden to about 1 km")).to_be_visible()
    expect(stranger.locator("path.mf-site")).to_have_count(1)
    assert serious_issues(stranger) == []
