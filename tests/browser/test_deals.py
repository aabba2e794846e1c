"""A deal by thumb: asked for, countered and accepted on a phone, and every kind of deal looked at on both screens."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from marketplace.models import Deal, Listing, Project
from marketplace.types import DealStatus, ListingStatus
from tests.browser.checks import overflow_px, serious_issues, wait_for_maps
from tests.browser.served import Site
from tests.browser.visitor import PHONE, Complaints, OpenPage, Screen, open_menu

A_DEAL = re.compile(r"/deals/\d+$")
IS_OPEN = Listing.status == ListingStatus.PUBLISHED


def moraine(site: Site) -> int:
    """A surplus of the contractor's that others can ask for."""
    with site.sessions() as session:
        query = (
            select(Listing.id)
            .join(Project, Project.id == Listing.project_id)
            .where(Listing.material_key == "moraine", Project.name.like("E18%Ramstadsletta"), IS_OPEN)
        )
        return session.scalars(query).one()


def deal_in(site: Site, status: DealStatus) -> int:
    """A deal of the demo's today in a state: those of its past come before."""
    with site.sessions() as session:
        of_status = select(Deal.id).where(Deal.status == status)
        return session.scalars(of_status.order_by(Deal.is_example.desc(), Deal.id.desc()).limit(1)).one()


def is_sound(page: Page) -> None:
    wait_for_maps(page)
    assert overflow_px(page) <= 0, page.url
    assert serious_issues(page) == []


def test_asked_for_countered_and_accepted_on_a_phone(open_page: OpenPage, site: Site, complaints: Complaints) -> None:
    complaints.expected.append("422")  # a quantity of nothing
    taker = open_page(PHONE, who="developer")
    taker.goto(f"/listings/{moraine(site)}")
    taker.get_by_role("link", name="Ask for these masses").tap()
    taker.wait_for_url(re.compile(r"/deals/new"))
    is_sound(taker)
    expect(taker.get_by_role("button", name="Send the request")).to_be_in_viewport(ratio=1)
    taker.get_by_label("What you take them for").select_option(index=1)
    taker.get_by_label("Quantity", exact=True).fill("300")
    taker.locator("#message").fill("Can we have 300 t?")
    taker.get_by_role("button", name="Send the request").tap()
    taker.wait_for_url(A_DEAL)
    address = taker.url
    expect(taker.locator(".mf-turn__whose")).to_have_text("Waiting for Eksempel Entreprenør AS")
    expect(taker.locator("main")).not_to_contain_text("eier@entreprenor.example")
    is_sound(taker)

    giver = open_page(PHONE, who="contractor")
    giver.goto("/")
    open_menu(giver)
    giver.get_by_role("link", name=re.compile("^Deals")).first.tap()
    giver.wait_for_url(re.compile(r"/deals$"))
    is_sound(giver)
    giver.locator(f"main a[href='{address[address.index('/deals') :]}']").tap()
    giver.wait_for_url(A_DEAL)
    expect(giver.locator(".mf-turn__whose")).to_have_text("Your turn")
    expect(giver.locator("#messages")).to_contain_text("Can we have 300 t?")
    giver.get_by_role("link", name="Propose other terms").tap()
    giver.get_by_label("Quantity", exact=True).fill("0")
    giver.get_by_role("button", name="Send the offer").tap()
    expect(giver.locator(".mf-errors")).to_be_focused()
    is_sound(giver)
    giver.get_by_label("Quantity", exact=True).fill("250")
    giver.get_by_role("button", name="Send the offer").tap()
    giver.wait_for_url(A_DEAL)
    expect(giver.locator(".mf-turn__whose")).to_contain_text("Waiting for")

    taker.goto(address)
    expect(taker.locator(".mf-turn__whose")).to_have_text("Your turn")
    taker.get_by_role("button", name="Accept 250").tap()
    expect(taker.get_by_text("Agreed. Contacts and exact places are open to both sides now.")).to_be_visible()
    expect(taker.locator(".mf-contacts")).to_contain_text("eier@entreprenor.example")
    expect(taker.locator(".mf-progress__row", has_text="Agreed")).to_contain_text("250")
    is_sound(taker)


@pytest.mark.parametrize("status", list(DealStatus))
def test_every_state_reads_well(open_page: OpenPage, site: Site, screen: Screen, status: DealStatus) -> None:
    page = open_page(screen, who="administrator")
    page.goto(f"/deals/{deal_in(site, status)}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    is_sound(page)


def test_a_request_needs_no_script(open_page: OpenPage, site: Site) -> None:
    page = open_page(PHONE, who="landscaper", java_script_enabled=False)
    page.goto(f"/listings/{moraine(site)}/deals/new")
    page.get_by_label("Quantity", exact=True).fill("200")
    page.get_by_role("button", name="Send the request").tap()
    page.wait_for_url(A_DEAL)
    page.locator("summary", has_text="Withdraw the offer").tap()
    page.get_by_label("Reason").fill("Found some nearer")
    page.get_by_role("button", name="Withdraw the offer").tap()
    expect(page.locator(".mf-turn")).to_contain_text("Found some nearer")


def test_what_is_chosen_brings_its_quantity_and_days(open_page: OpenPage, site: Site, screen: Screen) -> None:
    with site.sessions() as session:
        listing_id = session.scalars(
            select(Listing.id)
            .join(Project, Project.id == Listing.project_id)
            .where(Listing.material_key == "blasted_rock", Project.name.like("%Huseby"), IS_OPEN)
        ).one()
    page = open_page(screen, who="developer")
    page.goto(f"/listings/{listing_id}/deals/new")
    quantity, choice = page.get_by_label("Quantity", exact=True), page.get_by_label("What you take them for")
    before = quantity.input_value()
    choice.select_option(index=1)
    expect(quantity).not_to_have_value(before)
    quantity.fill("123")
    choice.select_option(index=0)
    expect(quantity).to_have_value("123")  # what was typed stays
    if page.locator(".mf-way-choice").count():
        expect(page.locator(".mf-onward")).to_be_hidden()
        page.locator(".mf-way-choice .mf-presscard").nth(1).click()
        expect(page.locator(".mf-onward")).to_be_visible()
