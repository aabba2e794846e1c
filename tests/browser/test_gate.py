"""A gate's page on a phone: loads are reported without an account, with a network that comes and goes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from marketplace.models import GateLink, Membership, Organisation, Ticket, User
from marketplace.services.gate_links import GateSigner
from marketplace.types import DealStatus, Side, TicketStatus
from tests.browser.checks import overflow_px, serious_issues
from tests.browser.served import Site
from tests.browser.visitor import PATIENCE_MS, PEOPLE, PHONE, Complaints, OpenPage, Screen, until
from tests.files import PDF, photo_from_phone

GATE = re.compile(r"/gate/[^/]+$")
NO_NETWORK = "net::ERR_INTERNET_DISCONNECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    deal_id: int
    path: str
    site: Site

    def tickets(self) -> list[Ticket]:
        with self.site.sessions() as session:
            return list(session.scalars(select(Ticket).where(Ticket.deal_id == self.deal_id).order_by(Ticket.id)))


@pytest.fixture
def gate(site: Site) -> Gate:
    """Today's gate at the contractor's site, of an agreed deal of 40 t with the developer."""

    def organisation_of(who: str) -> Organisation:
        query = select(Organisation).join(Membership).join(User).where(User.email == PEOPLE[who])
        return make.session.scalars(query).one()

    with site.rows() as make:
        deal = make.deal(
            organisation_of("contractor"), organisation_of("developer"), status=DealStatus.AGREED, mass_t=40
        )
        link = make.gate_link(deal, label="Nordporten")
        token = GateSigner(site.settings.secret_key.get_secret_value()).sign(link)
        return Gate(deal_id=deal.id, path=f"/gate/{token}", site=site)


@pytest.fixture
def phone(open_page: OpenPage, gate: Gate) -> Page:
    """Somebody's phone at the gate, that has opened the page once."""
    page = open_page(PHONE)
    page.goto(gate.path)
    until(page, "() => document.documentElement.dataset.mfKept === 'yes'")
    return page


@pytest.fixture
def slip(tmp_path: Path) -> Path:
    path = tmp_path / "seddel.jpg"
    path.write_bytes(photo_from_phone(size=(3000, 2000)))
    return path


def fill(page: Page, *, number: str = "1001", mass: str = "17,24", slip: Path | None = None) -> None:
    page.get_by_label("Tonnes", exact=True).fill(mass.replace(",", "."))
    page.get_by_text("Weighed").click()
    page.get_by_label("Vehicle registration").fill("ab12345")
    page.get_by_label("Number on the slip").fill(number)
    if slip:
        page.get_by_label("Photo of the slip").set_input_files(slip)
    page.get_by_role("button", name="Send the ticket").click()


def kept(page: Page, state: str, count: int = 1) -> None:
    expect(page.locator(f".mf-gateticket[data-state={state}]")).to_have_count(count)


def test_from_the_printed_code_to_the_confirmed_load(
    open_page: OpenPage, gate: Gate, slip: Path, complaints: Complaints
) -> None:
    """The site manager prints a code, a driver scans it where there is no network, and the receiver confirms."""
    complaints.expected.append(NO_NETWORK)
    manager = open_page(PHONE, who="contractor")
    manager.goto(f"/deals/{gate.deal_id}#tickets")
    manager.get_by_role("link", name="Codes for the gate").click()
    manager.get_by_label("Which gate").fill("Sørporten")
    manager.get_by_role("button", name="Make a code").click()
    expect(manager.get_by_role("img", name="Code that opens the page for this gate")).to_be_visible()
    address = manager.locator(".mf-gatesheet__address").inner_text()

    driver = open_page(PHONE)
    driver.goto(address)
    until(driver, "() => document.documentElement.dataset.mfKept === 'yes'")
    driver.context.set_offline(True)
    fill(driver, slip=slip)
    expect(driver.locator(".mf-gateticket__state")).to_contain_text("Kept on this phone")
    driver.reload()
    expect(driver.get_by_role("heading", level=1)).to_contain_text("A load of")
    kept(driver, "waiting")
    assert gate.tickets() == []
    driver.context.set_offline(False)
    kept(driver, "sent")
    (ticket,) = gate.tickets()
    assert (str(ticket.mass_t), ticket.vehicle_registration, ticket.side) == ("17.240", "AB 12345", Side.GIVER)
    assert ticket.slip_sha256 is not None

    receiver = open_page(PHONE, who="developer")
    receiver.goto(f"/deals/{gate.deal_id}")
    receiver.get_by_role("button", name="Confirm all 1").click()
    expect(receiver.locator(".mf-flashes")).to_contain_text("One load is confirmed.")
    assert [each.status for each in gate.tickets()] == [TicketStatus.CONFIRMED]


def test_a_ticket_whose_answer_is_lost_counts_once(phone: Page, gate: Gate, complaints: Complaints) -> None:
    complaints.expected.append("net::ERR_FAILED")

    # The page sends, not the browser's worker when it is woken: what that asks for cannot be lost from here.
    phone.evaluate("() => delete ServiceWorkerRegistration.prototype.sync")
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.request.url)
            route.fetch()
            route.abort("failed")
        else:
            route.continue_()

    phone.route(GATE, lose_the_first)
    fill(phone)
    expect(phone.locator(".mf-gateticket__state")).to_contain_text("Had been sent already")
    assert len(gate.tickets()) == 1


def test_many_that_were_kept_are_sent_when_the_page_is_opened_again(
    phone: Page, gate: Gate, complaints: Complaints
) -> None:
    complaints.expected.append(NO_NETWORK)
    phone.context.set_offline(True)
    for number in ("1", "2", "3"):
        fill(phone, number=number, mass="10")
    kept(phone, "waiting", 3)
    context = phone.context
    phone.close()
    context.set_offline(False)
    reopened = context.new_page()
    reopened.goto(gate.path)
    kept(reopened, "sent", 3)
    assert [each.number for each in gate.tickets()] == ["1", "2", "3"]


def test_what_waits_is_sent_while_the_page_is_closed(phone: Page, gate: Gate, complaints: Complaints) -> None:
    """The browser wakes the worker when there is a network again; here it is told to at once."""
    complaints.expected.append(NO_NETWORK)
    elsewhere = phone.context.new_page()
    elsewhere.goto("/about")
    browser = phone.context.new_cdp_session(elsewhere)
    registered: list[dict[str, str]] = []
    browser.on("ServiceWorker.workerRegistrationUpdated", lambda told: registered.extend(told["registrations"]))
    browser.send("ServiceWorker.enable")
    phone.context.set_offline(True)
    fill(phone)
    kept(phone, "waiting")
    phone.close()
    elsewhere.context.set_offline(False)
    worker = next(each["registrationId"] for each in registered if each["scopeURL"].endswith("/gate/"))
    browser.send(
        "ServiceWorker.dispatchSyncEvent",
        {
            "origin": gate.site.address,
            "registrationId": worker,
            "tag": "masseflyt-gate-tickets",
            "lastChance": False,
        },
    )
    for _ in range(PATIENCE_MS // 250):
        if gate.tickets():
            break
        elsewhere.wait_for_timeout(250)
    assert len(gate.tickets()) == 1


def test_a_load_beyond_what_is_left_is_refused_and_stays_on_the_phone(
    phone: Page, gate: Gate, complaints: Complaints
) -> None:
    complaints.expected.append("422")
    fill(phone, number="1001", mass="30")
    kept(phone, "sent")
    fill(phone, number="1002", mass="12.5")
    expect(phone.locator(".mf-gateticket--refused")).to_contain_text("12 t is left")
    phone.reload()
    kept(phone, "refused")
    phone.get_by_role("button", name="Change: 1002").click()
    expect(phone.get_by_label("Tonnes", exact=True)).to_have_value("12.5")
    fill(phone, number="1002", mass="11.5")
    kept(phone, "sent", 2)
    kept(phone, "refused", 0)
    assert [str(each.mass_t) for each in gate.tickets()] == ["30.000", "11.500"]


def test_a_withdrawn_link_says_so_and_what_waited_can_still_be_read(
    phone: Page, gate: Gate, site: Site, complaints: Complaints
) -> None:
    complaints.expected += [NO_NETWORK, "409"]
    phone.context.set_offline(True)
    fill(phone)
    kept(phone, "waiting")
    with site.rows() as make:
        link = make.session.scalars(select(GateLink).where(GateLink.deal_id == gate.deal_id)).one()
        link.revoked_at, link.revoked_by_id = make.now, link.created_by_id
    phone.context.set_offline(False)
    kept(phone, "refused")
    phone.reload()
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link does not work")
    expect(phone.locator(".mf-gateticket")).to_contain_text("17.24 t, AB12345")
    expect(phone.locator(".mf-gateticket")).to_contain_text("Give the slip to the site office.")
    expect(phone.get_by_role("button", name="Send again")).to_have_count(0)
    assert gate.tickets() == []


def test_what_cannot_be_is_said_before_it_is_kept(phone: Page, gate: Gate) -> None:
    phone.get_by_role("button", name="Send the ticket").click()
    expect(phone.get_by_text("This must be filled in.")).to_have_count(3)
    phone.once("dialog", lambda dialog: dialog.dismiss())  # a comma was forgotten
    fill(phone, mass="172")
    fill(phone, mass="mye")
    expect(phone.get_by_text("Enter a number, with digits only.")).to_be_visible()
    kept(phone, "waiting", 0)
    assert gate.tickets() == []


def test_what_the_server_would_refuse_is_refused_on_the_phone(phone: Page, gate: Gate, tmp_path: Path) -> None:
    paper = tmp_path / "seddel.pdf"
    paper.write_bytes(PDF)
    send = phone.get_by_role("button", name="Send the ticket")
    phone.get_by_text("Weighed").click()
    phone.get_by_label("Tonnes", exact=True).fill("3,500")
    phone.get_by_label("Vehicle registration").fill("?")
    phone.get_by_label("Time").fill("23:59")
    send.click()
    expect(phone.get_by_text("3,500 can be read in two ways. Write 3500 or 3.5.")).to_be_visible()
    expect(phone.get_by_text("This is no vehicle registration.")).to_be_visible()
    expect(phone.get_by_text("This time has not come yet.")).to_be_visible()
    phone.get_by_label("Tonnes", exact=True).fill("3.500")
    phone.get_by_label("Vehicle registration").fill("ab 12345")
    phone.get_by_label("Time").fill("00:00")
    phone.get_by_label("Photo of the slip").set_input_files(paper)
    send.click()
    expect(phone.get_by_text("This is no picture.")).to_be_visible()
    kept(phone, "waiting", 0)
    assert gate.tickets() == []


def test_without_scripts_the_form_sends_it(
    open_page: OpenPage, gate: Gate, slip: Path, screen: Screen, complaints: Complaints
) -> None:
    complaints.expected.append("422")
    page = open_page(screen, java_script_enabled=False)
    page.goto(gate.path)
    fill(page, number="1001", mass="-3", slip=slip)
    expect(page.get_by_label("Vehicle registration")).to_have_value("ab12345")
    expect(page.locator(".mf-errors")).to_contain_text("Enter the tonnes of one load")
    fill(page, slip=slip)
    expect(page.locator(".mf-flashes")).to_contain_text("Ticket 1001 is sent")
    assert len(gate.tickets()) == 1
    assert overflow_px(page) == 0


def test_the_worker_looks_after_gates_and_nothing_else(phone: Page) -> None:
    scopes = phone.evaluate(
        "async () => (await navigator.serviceWorker.getRegistrations()).map(each => new URL(each.scope).pathname)"
    )
    assert scopes == ["/gate/"]


@pytest.fixture
def in_every_state(gate: Gate, site: Site) -> Gate:
    with site.rows() as make:
        link = make.session.scalars(select(GateLink).where(GateLink.deal_id == gate.deal_id)).one()
        deal = link.deal
        make.ticket(deal, mass_t=5, status=TicketStatus.CONFIRMED, confirmed_by_id=deal.created_by_id)
        make.ticket(deal, mass_t=5, is_weighed=False, gate_link_id=link.id)
        make.ticket(deal, mass_t=5, status=TicketStatus.DISPUTED, dispute_reason="Kom aldri fram til oss. " * 8)
    return gate


ADDRESSES: dict[str, Callable[[Gate], str]] = {
    "gate": lambda gate: gate.path,
    "loads": lambda gate: f"/deals/{gate.deal_id}/tickets",
    "deal": lambda gate: f"/deals/{gate.deal_id}",
    "load": lambda gate: f"/deals/{gate.deal_id}/tickets/{gate.tickets()[-1].id}",
    "new": lambda gate: f"/deals/{gate.deal_id}/tickets/new",
    "correct": lambda gate: f"/deals/{gate.deal_id}/tickets/{gate.tickets()[0].id}/correct",
    "codes": lambda gate: f"/deals/{gate.deal_id}/gate",
}


def test_the_pages_can_be_used_by_all(open_page: OpenPage, in_every_state: Gate, screen: Screen) -> None:
    page = open_page(screen, who="developer")
    for address in ADDRESSES.values():
        page.goto(address(in_every_state))
        assert serious_issues(page) == []
        assert overflow_px(page) == 0
