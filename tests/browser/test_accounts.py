"""Signing up, confirming, logging in and out, forgotten passwords and invitations, the way a person does them."""

import re
from itertools import count

import pytest
from playwright.sync_api import Page, Route, expect

from marketplace.services.passwords import hash_password
from tests.browser.served import Site
from tests.browser.visitor import DESKTOP, Complaints, OpenPage, Screen, open_account_menu, open_menu, submit
from tests.factories import org_number

PASSWORD = "rolig elv under brua"
NEW_PASSWORD = "fire blå traktorer sover"

_serial = count(500_000)


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(PASSWORD)


def read_mail(page: Page, *, to: str) -> None:
    """Open the newest mail to an address in the outbox."""
    page.goto("/outbox")
    page.locator(".mf-rows__row", has_text=to).first.get_by_role("link").click()
    expect(page.locator(".mf-mail")).to_be_visible()


def test_signing_up_confirming_and_registering_an_organisation(open_page: OpenPage, site: Site, screen: Screen) -> None:
    email = f"kari.{screen.name}@bygg.example"
    page = open_page(screen)
    page.goto("/")
    open_menu(page)
    page.get_by_role("navigation").get_by_role("link", name="Create account").click()
    page.get_by_label("Name").fill("Kari Nordmann")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    submit(page)
    expect(page.get_by_role("main")).to_contain_text(email)

    page.get_by_role("link", name="Read it in the outbox").click()
    expect(page.locator(".mf-rows__row", has_text=email)).to_contain_text("Waiting")
    site.do_jobs()
    read_mail(page, to=email)
    page.locator(".mf-mail").get_by_role("link").click()
    expect(page).to_have_url(re.compile("/signup/confirm"))
    page.get_by_role("button", name="Confirm and log in").click()
    expect(page.get_by_text("Welcome, Kari Nordmann.")).to_be_visible()

    page.get_by_role("link", name="Register an organisation").click()
    name = f"Nordmann Graving {screen.name}"
    page.get_by_label("Organisation number").fill(org_number(next(_serial)))
    page.get_by_label("Organisation number").press("Tab")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Contractor").check()
    submit(page)
    expect(page).to_have_url(re.compile(r"/organisations/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(name)

    open_account_menu(page)
    expect(page.locator(".mf-account__panel")).to_contain_text(name)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()

    open_menu(page)
    page.get_by_role("navigation").get_by_role("link", name="Log in").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    submit(page)
    open_account_menu(page)
    expect(page.locator(".mf-account__who")).to_have_text(email)


def test_a_number_that_is_none_is_said_beside_it_and_the_name_stays(
    open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expected.append("status of 422")
    page = open_page(DESKTOP, who="contractor")
    page.goto("/organisations/new")
    wrong = f"{org_number(next(_serial))[:8]}x"
    page.get_by_label("Organisation number").fill(wrong)
    page.get_by_label("Name").fill("Nordmann Sprengning")
    page.get_by_label("Contractor").check()
    submit(page)
    number = page.get_by_label("Organisation number")
    expect(number).to_have_value(wrong)
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_have_value("Nordmann Sprengning")
    expect(page.get_by_label("Contractor")).to_be_checked()


def test_a_name_typed_while_the_register_is_asked_stays(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="contractor")
    page.goto("/organisations/new")
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route("**/organisations/lookup?*", hold)
    page.evaluate("() => { answered = new Promise(done => document.addEventListener('htmx:afterRequest', done)) }")
    with page.expect_request("**/organisations/lookup?*"):
        page.get_by_label("Organisation number").fill(org_number(next(_serial)))
        page.get_by_label("Organisation number").press("Tab")
    page.get_by_label("Name").fill("Nordmann Boring")
    asked[0].continue_()
    page.evaluate("answered.then(() => true)")
    expect(page.get_by_label("Name")).to_have_value("Nordmann Boring")


def test_a_forgotten_password_is_replaced_through_the_mailed_link(
    open_page: OpenPage, site: Site, screen: Screen, complaints: Complaints, hashed: str
) -> None:
    complaints.expected.append("status of 422")
    email = f"ola.{screen.name}@bygg.example"
    with site.rows() as make:
        make.member(email=email, password_hash=hashed, name="Ola Nordmann")
    page = open_page(screen)
    page.goto("/login")
    page.get_by_role("link", name="I have forgotten my password").click()
    page.get_by_label("E-mail address").fill(email)
    submit(page)
    expect(page.get_by_role("main")).to_contain_text(email)
    site.do_jobs()
    read_mail(page, to=email)
    page.locator(".mf-mail").get_by_role("link").click()
    page.get_by_label("New password").fill(NEW_PASSWORD)
    submit(page)
    expect(page.get_by_text("Your new password is in place, and you are logged in.")).to_be_visible()

    elsewhere = open_page(screen)
    elsewhere.goto("/login")
    elsewhere.get_by_label("E-mail address").fill(email)
    elsewhere.get_by_label("Password").fill(PASSWORD)
    submit(elsewhere)
    expect(elsewhere.locator(".mf-errors")).to_contain_text("do not fit together")
    elsewhere.get_by_label("Password").fill(NEW_PASSWORD)
    submit(elsewhere)
    open_account_menu(elsewhere)
    expect(elsewhere.locator(".mf-account__who")).to_have_text(email)


def test_a_wrong_password_is_said_and_the_address_stays(
    open_page: OpenPage, screen: Screen, complaints: Complaints
) -> None:
    complaints.expected.append("status of 422")
    page = open_page(screen)
    page.goto("/login?next=/listings")
    page.get_by_label("E-mail address").fill("eier@kommune.example")
    page.get_by_label("Password").fill("not this one")
    submit(page)
    summary = page.locator(".mf-errors")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("do not fit together")
    expect(page.get_by_label("E-mail address")).to_have_value("eier@kommune.example")
    expect(page.get_by_label("Password")).to_have_value("")
    page.get_by_label("Password").fill("masseflyt-demo")
    submit(page)
    expect(page).to_have_url(re.compile("/listings$"))


def test_who_must_log_in_first_gets_where_they_were_going(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen)
    page.goto("/")
    page.get_by_role("link", name="Post a surplus").click()
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_role("link", name="Choose whom").click()
    page.get_by_role("button", name="Log in as Eva Eksempel").click()
    expect(page).to_have_url(re.compile(r"/listings/new\?kind=surplus"))


def test_an_invited_person_joins_with_a_new_account(open_page: OpenPage, site: Site) -> None:
    invited = "gjest@bygg.example"
    owner = open_page(DESKTOP, who="landscaper")
    owner.goto("/organisations")
    owner.get_by_role("main").get_by_role("link", name="Eksempel Landskap og Anlegg AS").click()
    owner.get_by_role("main").get_by_role("link", name="Members").click()
    owner.get_by_label("E-mail address").fill(invited)
    owner.get_by_label("Editor").check()
    submit(owner)
    expect(owner.get_by_role("main")).to_contain_text(invited)
    site.do_jobs()

    page = open_page(DESKTOP)
    read_mail(page, to=invited)
    page.locator(".mf-mail").get_by_role("link").click()
    page.get_by_label("Name").fill("Grete Gjest")
    page.get_by_label("Password").fill(PASSWORD)
    submit(page)
    open_account_menu(page)
    expect(page.locator(".mf-account__panel")).to_contain_text("Eksempel Landskap og Anlegg AS")
