"""A receiver with a telephone: registering an interim storage, and telling at the gate how much room is left."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.checks import overflow_px, serious_issues, wait_for_maps
from tests.browser.test_posting import material, pin, tap_map
from tests.browser.visitor import DESKTOP, PHONE, Complaints, OpenPage, Screen, Thumb


def test_an_interim_storage_is_registered_by_thumb_and_found_in_search(
    open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expected.append("422")  # the first try leaves the price out
    page = open_page(PHONE, who="receiver")
    page.goto("/facilities")
    thumb = Thumb(page)
    thumb.tap(page.get_by_role("link", name="New facility"))
    page.wait_for_url(re.compile("/facilities/new"))
    wait_for_maps(page)

    thumb.type(page.locator("#name"), "Mellomlager Tommel")
    thumb.tap(page.get_by_text("Interim storage", exact=True))
    tap_map(page, "#map_gate_map")
    assert pin(page)["type"] == "Point"
    thumb.tap(material(page, "Clay"))
    thumb.type(page.locator("#capacity_t"), "40 000")
    thumb.type(page.locator("#capacity_left_t"), "12 345")
    thumb.tap(page.get_by_role("button", name="Register the facility"))
    # The price was left out: everything else stays as it was.
    expect(page.locator("#reception_price_nok_per_t-error")).to_contain_text("what it costs")
    assert pin(page)["type"] == "Point"
    thumb.type(page.locator("#reception_price_nok_per_t"), "60")
    thumb.tap(page.get_by_role("button", name="Register the facility"))
    page.wait_for_url(re.compile(r"/facilities/\d+$"))
    expect(page.locator(".mf-room__text")).to_contain_text(re.compile(r"12,345\s*t free of 40,000\s*t"))
    assert overflow_px(page) == 0
    address = page.url

    page.goto("/search?kind=reception&q=Tommel")
    row = page.locator(".mf-listing").filter(has_text="Mellomlager Tommel")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(re.compile(r"12,345\s*t"))

    # A lorry has come: one number, and everybody sees it.
    page.goto(address)
    thumb.type(page.locator("#capacity_left_t"), "12 000")
    thumb.tap(page.get_by_role("button", name="Report"))
    expect(page.locator(".mf-room__text")).to_contain_text(re.compile(r"12,000\s*t free"))
    page.goto("/search?kind=reception&q=Tommel")
    expect(page.locator(".mf-listing").filter(has_text="Mellomlager Tommel")).to_contain_text(re.compile(r"12,000\s*t"))


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=lambda screen: screen.name)
def test_the_pages_of_facilities_hold_up(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="receiver")
    page.goto("/facilities")
    wait_for_maps(page)
    expect(page.locator(".mf-pin--facility").first).to_be_visible()
    problems = {"/facilities": (overflow_px(page), serious_issues(page))}
    own = page.locator(".mf-facility__link", has_text="Eksempel jordmottak").get_attribute("href")
    for path in (own, f"{own}/edit"):
        page.goto(str(path))
        wait_for_maps(page)
        problems[str(path)] = (overflow_px(page), serious_issues(page))
    assert all(found == (0, []) for found in problems.values()), problems
    page.goto(str(own))
    page.locator(".mf-takes__link").first.click()
    expect(page.get_by_text("shared by all that the facility takes in")).to_be_visible()
    assert (overflow_px(page), serious_issues(page)) == (0, [])
