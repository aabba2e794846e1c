"""Keeping a search on a phone, and stopping its mail."""

import re

from playwright.sync_api import expect

from tests.browser.checks import overflow_px, serious_issues
from tests.browser.visitor import PHONE, OpenPage


def test_a_search_is_kept_as_it_stands_and_looked_after(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="contractor", locale="en")
    page.goto("/search?kind=demand")
    page.get_by_label("Material, project or other words").fill("clay")
    page.wait_for_url(re.compile("q=clay"))
    page.get_by_role("link", name="Save the search, and be told of what is new").click()
    expect(page.get_by_role("list", name="What is searched for")).to_contain_text("«clay»")
    assert serious_issues(page) == []
    page.get_by_label("Name").fill("Clay for the bank")
    page.get_by_label("At once").check()
    page.get_by_role("button", name="Save the search").click()
    page.wait_for_url("**/searches")
    kept = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Clay for the bank"))
    expect(kept).to_contain_text("Mail: At once")
    assert serious_issues(page) == []
    assert overflow_px(page) == 0

    kept.get_by_role("link", name="Change the search Clay for the bank").click()
    page.get_by_label("Every Monday").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(kept).to_contain_text("Mail: Every Monday")
    kept.get_by_role("button", name="Show the search").click()
    page.wait_for_url("**/search?q=clay&kind=demand")

    page.goto("/searches")
    kept.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status")).to_contain_text("The search is deleted.")
    expect(kept).to_have_count(0)
