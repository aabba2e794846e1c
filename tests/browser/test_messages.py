"""Writing to each other in a real browser: a visitor's question and its answer, and messages of a deal, on a phone."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.browser.checks import overflow_px, serious_issues
from tests.browser.served import Site
from tests.browser.visitor import DESKTOP, PHONE, Complaints, OpenPage, Thumb

LONG = "Kan vi hente 200 t i mai?\n\nVi har egne biler. " + "x" * 200


def link_in_mail(page: Page, *, to: str) -> str:
    """The first link of the newest mail to an address, as it stands in the demo's outbox."""
    page.goto("/outbox")
    page.locator(".mf-rows__row", has_text=to).first.get_by_role("link").click()
    found = re.search(r"http\S+/enquiries/with/\S+", page.locator(".mf-mail").inner_text())
    assert found is not None
    return urlsplit(found.group(0)).path


def test_a_visitor_asks_confirms_and_reads_the_answer(open_page: OpenPage, complaints: Complaints, site: Site) -> None:
    complaints.expected.append("422")  # what the empty form is to answer
    visitor = open_page(PHONE)
    thumb = Thumb(visitor)
    owner = open_page(DESKTOP, who="contractor")
    owner.goto("/listings?kind=surplus&status=published")
    listing = owner.locator(".mf-listing__link").first.get_attribute("href")
    assert listing is not None

    visitor.goto(f"{listing}/enquiries/new")
    assert (overflow_px(visitor), serious_issues(visitor)) == (0, [])
    visitor.get_by_label("Your question").fill(LONG)
    thumb.tap(visitor.get_by_role("button", name="Send the question"))
    expect(visitor.locator("#name-error")).to_be_visible()
    expect(visitor.get_by_label("Your question")).to_have_value(LONG)
    assert serious_issues(visitor) == []
    visitor.get_by_label("Your name").fill("Ola Nordmann")
    visitor.get_by_label("Your e-mail address").fill("ola.browser@visitor.example")
    thumb.tap(visitor.get_by_role("button", name="Send the question"))
    visitor.wait_for_url(re.compile("/enquiries/sent"))

    site.do_jobs()
    link = link_in_mail(visitor, to="ola.browser@visitor.example")
    visitor.goto(link)
    assert (overflow_px(visitor), serious_issues(visitor)) == (0, [])
    thumb.tap(visitor.get_by_role("button", name="Send the question"))
    expect(visitor.get_by_text("No answer yet")).to_be_visible()

    owner.goto("/enquiries?waiting=1")
    assert serious_issues(owner) == []
    owner.get_by_role("link", name="Ola Nordmann").first.click()
    owner.wait_for_url(re.compile(r"/enquiries/\d+"))
    assert serious_issues(owner) == []
    assert "ola.browser@" not in owner.content()
    owner.get_by_label("Answer").fill("Ja, på mandag.")
    owner.get_by_role("button", name="Send the answer").click()
    expect(owner.get_by_text("on its way by mail")).to_be_visible()

    visitor.goto(link)
    expect(visitor.get_by_text("Ja, på mandag.")).to_be_visible()
    assert (overflow_px(visitor), serious_issues(visitor)) == (0, [])


def test_who_opens_a_deal_has_read_it_and_answers(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="colleague")
    page.goto("/deals?unread=1")
    first = page.locator(".mf-dealrows a").first
    expect(first).to_be_visible()
    deal = first.get_attribute("href")
    assert deal is not None
    with page.expect_response(re.compile(rf"{deal}/read$")):  # the page says so by itself
        page.goto(deal)
    expect(page.locator("form[data-mf-seen]")).to_have_count(0)
    assert overflow_px(page) == 0

    page.get_by_label(re.compile("Write to")).fill("Vi kommer mandag kl. 7.")
    Thumb(page).tap(page.locator(".mf-messageform button[type=submit]"))
    page.wait_for_url(re.compile("#messages"))
    expect(page.locator(".mf-message--ours").last).to_contain_text("Vi kommer mandag kl. 7.")
    assert serious_issues(page) == []
