"""From a report to a hidden listing, its owner's answer, and back into sight; and an organisation that is verified."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import overflow_px, serious_issues, wait_for_maps
from tests.browser.visitor import DESKTOP, PHONE, Complaints, OpenPage, Screen
from tests.files import PDF


def holds_up(page: Page) -> None:
    wait_for_maps(page)
    assert (overflow_px(page), serious_issues(page)) == (0, [])


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state()


def test_a_report_leads_to_a_hidden_listing_an_answer_and_back_into_sight(
    open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expected.append("422")  # each form is sent empty first
    visitor = open_page(PHONE)
    visitor.goto("/search?kind=demand&q=Subsoil")
    visitor.locator(".mf-listing__link").first.click()
    visitor.wait_for_url(re.compile(r"/listings/\d+"))
    address = re.sub(r"[?#].*", "", visitor.url)
    number = address.rpartition("/")[2]
    visitor.get_by_role("link", name="Report this listing").click()
    press(visitor, "Send the report")
    expect(visitor.get_by_role("alert")).to_contain_text("Choose what is wrong.")
    holds_up(visitor)
    visitor.get_by_role("radio", name="The masses are not there any more").check()
    visitor.get_by_label("What did you see?").fill("Nobody needs it any more.")
    press(visitor, "Send the report")
    expect(visitor.get_by_role("status")).to_contain_text("A moderator will look at the listing.")

    admin = open_page(PHONE, who="administrator")
    admin.goto("/admin")
    holds_up(admin)
    admin.goto(f"/admin/listings/{number}")
    expect(admin.get_by_text("Nobody needs it any more.")).to_be_visible()
    press(admin, "Hide the listing")
    expect(admin.get_by_role("alert")).to_contain_text("Say why.")
    holds_up(admin)
    admin.get_by_label("Why it is hidden").fill("Is it still needed?")
    press(admin, "Hide the listing")
    expect(admin.get_by_text("Hidden by a moderator")).to_be_visible()
    visitor.goto(address)
    visitor.wait_for_url(re.compile("/login"))

    owner = open_page(PHONE, who="landscaper")
    owner.goto(address)
    expect(owner.get_by_text("Is it still needed?")).to_be_visible()
    holds_up(owner)
    owner.get_by_role("link", name="Answer the moderator").click()
    press(owner, "Send the answer")
    expect(owner.get_by_role("alert")).to_contain_text("Write your answer.")
    holds_up(owner)
    owner.get_by_label("Your answer").fill("Yes, until summer.")
    press(owner, "Send the answer")

    admin.goto("/admin/appeals")
    expect(admin.get_by_text("Yes, until summer.")).to_be_visible()
    admin.goto(f"/admin/listings/{number}")
    holds_up(admin)
    press(admin, "Show it again")
    expect(admin.get_by_role("status")).to_contain_text("Everybody sees the listing again")
    visitor.goto(address)
    expect(visitor.get_by_role("link", name="Report this listing")).to_be_visible()


def test_an_organisation_is_refused_asks_again_and_is_verified(
    open_page: OpenPage, complaints: Complaints, tmp_path: Path
) -> None:
    complaints.expected.append("422")  # a file that is none
    admin, owner = open_page(DESKTOP, who="administrator"), open_page(PHONE, who="landscaper")
    admin.goto("/admin/verifications")
    holds_up(admin)
    admin.get_by_role("link", name="Eksempel Landskap og Anlegg AS").click()
    admin.get_by_label("What is missing").fill("The power of attorney.")
    press(admin, "Answer, and do not verify")

    owner.goto("/organisations")
    owner.get_by_role("link", name="Eksempel Landskap og Anlegg AS").first.click()
    owner.get_by_role("link", name="Have the organisation verified").click()
    expect(owner.get_by_text("The answer: The power of attorney.")).to_be_visible()
    paper = tmp_path / "fullmakt.pdf"
    paper.write_bytes(b"no PDF at all")
    owner.get_by_label("Who you are, and what shows it").fill("I am the manager.")
    owner.locator("#file").set_input_files(paper)
    press(owner, "Ask to be verified")
    expect(owner.locator("#file-error")).to_be_visible()
    expect(owner.get_by_label("Who you are, and what shows it")).to_have_value("I am the manager.")
    holds_up(owner)
    paper.write_bytes(PDF)
    owner.locator("#file").set_input_files(paper)
    press(owner, "Ask to be verified")
    expect(owner.get_by_role("status")).to_contain_text("An administrator will look at it")

    admin.reload()
    expect(admin.get_by_role("link", name="fullmakt")).to_be_visible()
    admin.get_by_label("What shows it").fill("Power of attorney seen.")
    press(admin, "Verify the organisation")
    holds_up(admin)
    owner.goto("/organisations")
    owner.get_by_role("link", name="Eksempel Landskap og Anlegg AS").first.click()
    expect(owner.locator("main").get_by_text("Verified", exact=True)).to_be_visible()


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=lambda screen: screen.name)
def test_the_overviews_hold_up(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="administrator")
    for path in ("/admin", "/admin/appeals", "/admin/verifications", "/admin/organisations", "/admin/people"):
        page.goto(path)
        holds_up(page)
    page.goto("/admin/people?q=finnes+ikke")
    expect(page.get_by_text("No such person")).to_be_visible()
    holds_up(page)
    page.goto("/admin/people?q=leser")
    page.get_by_role("link", name="Lise Eksempel").click()
    page.wait_for_url(re.compile(r"/admin/people/\d+"))
    holds_up(page)
