"""Every main page, as each kind of visitor sees it: for all eyes, hands, screens and languages, and on paper."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import overflow_px, serious_issues, wait_for_maps
from tests.browser.visitor import DESKTOP, PHONE, Complaints, OpenPage, Screen, open_account_menu, open_menu

EVERYBODYS = ("/search", "/search?view=map", "/projects", "/about", "/sources", "/demo", "/outbox")

PAGES: dict[str | None, tuple[str, ...]] = {
    None: ("/", *EVERYBODYS, "/login", "/signup", "/signup/resend", "/password/forgotten"),
    "contractor": (
        "/",
        "/listings",
        "/listings/new",
        "/listings/new?kind=demand",
        "/projects",
        "/projects/new",
        "/organisations",
        "/organisations/new",
        "/account",
        "/account/password",
        "/searches",
        "/searches/new?kind=surplus&group=stone&mass_min=500",
    ),
    "developer": ("/search", "/listings", "/projects"),
    "municipality": ("/", "/listings", "/projects"),
    "administrator": ("/search", "/organisations", "/outbox"),
}
"""By visitor; pages of single listings, projects and organisations are reached by their links."""

IN_ENGLISH: dict[str | None, tuple[str, ...]] = {
    None: ("/", "/search", "/login"),
    "contractor": ("/listings", "/listings/new", "/projects/new"),
}


def look_at(page: Page, path: str) -> list[str]:
    """What is wrong with a page once everything in it is there."""
    page.goto(path)
    return look_round(page)


def look_round(page: Page) -> list[str]:
    """What is wrong with the page at the width of a phone, and at that of a desk."""
    problems = []
    for screen in (DESKTOP, PHONE):
        page.set_viewport_size({"width": screen.width, "height": screen.height})
        wait_for_maps(page)
        problems += [f"{screen.name}: {issue}" for issue in serious_issues(page)]
        if overflow_px(page) > 0:
            problems.append(f"{screen.name}: {page.url} is {overflow_px(page)} px wider than the screen")
    return problems


@pytest.mark.parametrize("who", PAGES, ids=lambda who: who or "anonymous")
def test_every_main_page_is_for_everybody(open_page: OpenPage, who: str | None) -> None:
    page = open_page(PHONE, who=who, locale="nb")
    problems = [problem for path in PAGES[who] for problem in look_at(page, path)]
    assert problems == []


@pytest.mark.parametrize("who", IN_ENGLISH, ids=lambda who: who or "anonymous")
def test_the_pages_are_for_everybody_in_english(open_page: OpenPage, who: str | None) -> None:
    page = open_page(PHONE, who=who, locale="en")
    problems = [problem for path in IN_ENGLISH[who] for problem in look_at(page, path)]
    assert problems == []


def follow(page: Page, href: str) -> None:
    """The first link of the page's content to an address of this shape."""
    links = page.get_by_role("main").get_by_role("link")
    found = [link for link in links.all() if re.fullmatch(href, link.get_attribute("href") or "")]
    assert found, f"{page.url} has no link to {href}"
    found[0].click()
    page.wait_for_url(re.compile(f"{href}$"))


@pytest.mark.parametrize(
    ("who", "steps"),
    [
        (None, ("/", r"/listings/\d+", r"/organisations/\d+")),
        ("contractor", ("/listings", r"/listings/\d+", r"/listings/\d+/edit")),
        ("contractor", ("/projects", r"/projects/\d+", r"/projects/\d+/edit")),
        ("contractor", ("/organisations", r"/organisations/\d+", r"/organisations/\d+/members")),
        ("developer", ("/search?kind=surplus", r"/listings/\d+", r"/organisations/\d+")),
        ("municipality", ("/listings", r"/listings/\d+", r"/organisations/\d+")),
        ("administrator", ("/projects", r"/projects/\d+", r"/listings/\d+", r"/organisations/\d+")),
    ],
)
def test_what_the_links_lead_to_is_for_everybody(open_page: OpenPage, who: str | None, steps: tuple[str, ...]) -> None:
    page = open_page(PHONE, who=who, locale="nb")
    page.goto(steps[0])
    problems = []
    for href in steps[1:]:
        follow(page, href)
        problems += look_round(page)
    assert problems == []


@pytest.mark.parametrize("path", ["/no-such-page", "/listings/999999999"])
def test_a_page_that_is_not_there_is_for_everybody_and_shows_a_way_on(
    open_page: OpenPage, complaints: Complaints, path: str
) -> None:
    complaints.expected.append("status of 404")
    page = open_page(PHONE, locale="nb")
    assert look_at(page, path) == []
    expect(page.get_by_role("main").get_by_role("link").first).to_be_visible()


def test_open_menus_are_for_everybody(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="contractor")
    page.goto("/about")
    open_account_menu(page)
    wait_for_maps(page)
    assert serious_issues(page) == []
    assert overflow_px(page) == 0


# By keyboard ----------------------------------------------------------------------------------------------------------


def tab_to(page: Page, selector: str, *, at_most: int) -> None:
    """Press Tab until an element has the focus; fails where it takes more presses than it should."""
    for _press in range(at_most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    here = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    raise AssertionError(f"{selector} does not get the focus within {at_most} presses of Tab; it is on {here}")


def test_the_first_tab_leads_past_the_menus(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen)
    page.goto("/login")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    tab_to(page, "main a, main input", at_most=1)


def test_the_focus_can_be_seen_wherever_it_is(open_page: OpenPage) -> None:
    """Each stop of the Tab key draws something around what has the focus, and stands on the screen."""
    page = open_page(DESKTOP, who="contractor")
    page.goto("/listings/new")
    unseen = []
    for _press in range(30):
        page.keyboard.press("Tab")
        unseen += page.evaluate(
            """() => {
                const here = document.activeElement;
                // Where a part of a date field has the focus, it is the browser that draws around that part.
                if (here === document.body || !here.matches(":focus-visible")) return [];
                const drawn = [here, here.parentElement, here.closest("label, article, details")]
                    .filter(Boolean).map(each => getComputedStyle(each))
                    .some(style => style.outlineStyle !== "none" || style.boxShadow !== "none");
                const box = here.getBoundingClientRect();
                const isThere = box.bottom > 0 && box.top < innerHeight;
                return drawn && isThere ? [] : [here.outerHTML.slice(0, 120)];
            }"""
        )
    assert unseen == []


def test_the_front_page_works_by_keyboard_in_its_order(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    page.goto("/")
    tab_to(page, "a[href='/search']", at_most=5)
    tab_to(page, "a[href='/login']", at_most=4)
    tab_to(page, "main a[href^='/listings/new']", at_most=5)
    tab_to(page, "main a[href^='/search']", at_most=1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?kind=surplus"))


def test_menus_open_and_close_by_keyboard(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="contractor")
    page.goto("/about")
    if screen.is_phone:
        toggle = page.locator(".mf-menu__toggle")
        toggle.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".mf-menu__panel")).to_be_visible()
    account = page.locator(".mf-account__toggle")
    account.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".mf-account__panel")).to_be_visible()
    tab_to(page, ".mf-account__panel a[href='/account']", at_most=1)
    page.keyboard.press("Escape")
    expect(page.locator(".mf-account__panel")).to_be_hidden()
    expect(page.locator(".mf-menu__toggle" if screen.is_phone else ".mf-account__toggle")).to_be_focused()


def test_a_menu_closes_when_one_presses_elsewhere(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="contractor")
    page.goto("/about")
    open_account_menu(page)
    page.get_by_role("heading", level=1).click(force=True, position={"x": 5, "y": 5})
    expect(page.locator(".mf-account__panel")).to_be_hidden()


# Languages ------------------------------------------------------------------------------------------------------------


def test_the_language_is_switched_where_one_is_and_stays(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, locale="nb")
    page.goto("/search?kind=demand")
    expect(page.locator("html")).to_have_attribute("lang", "nb")
    open_menu(page)
    page.get_by_role("navigation").get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page).to_have_url(re.compile(r"/search\?kind=demand$"))
    page.goto("/login")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    page.locator("footer").get_by_role("button", name="Norsk").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Logg inn")


def test_numbers_and_days_are_written_in_the_language_of_the_page(open_page: OpenPage) -> None:
    figures = {}
    for locale in ("nb", "en"):
        page = open_page(DESKTOP, locale=locale)
        page.goto("/")
        figures[locale] = page.locator(".mf-figure__value").first.inner_text()
    thousands = re.compile(r"(?<=\d)\D(?=\d{3})")
    assert set(thousands.findall(figures["nb"])) == {"\u00a0"}
    assert set(thousands.findall(figures["en"])) == {","}
    assert thousands.sub("", figures["nb"]) == thousands.sub("", figures["en"])


# On paper, and without a map ------------------------------------------------------------------------------------------


def test_on_paper_the_listing_stands_without_the_menus(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="contractor", locale="en")
    page.goto("/listings?status=published")
    follow(page, r"/listings/\d+")
    heading = page.get_by_role("heading", level=1)
    expect(page.locator(".mf-header")).to_be_visible()
    page.emulate_media(media="print")
    expect(heading).to_be_visible()
    expect(page.get_by_role("heading", name="Data sheet")).to_be_visible()
    for chrome in (".mf-header", ".mf-breadcrumbs", ".leaflet-control-zoom", ".mf-actions .ds-button"):
        expect(page.locator(chrome).first).to_be_hidden()
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) in range(1, 5)
    page.set_viewport_size({"width": 794, "height": 1123})  # A4 at 96 px an inch
    assert overflow_px(page) == 0


def test_the_map_is_there_without_any_other_site(open_page: OpenPage, screen: Screen, complaints: Complaints) -> None:
    """Land, borders and names come from the program itself; what is drawn is more than one colour."""
    complaints.expected.append("willReadFrequently")  # the test's own reading of the canvas
    page = open_page(screen)
    page.goto("/search?view=map")
    page.wait_for_function(
        """() => [...document.querySelectorAll("#search-map canvas")].some(canvas => {
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            const colours = new Set();
            for (let i = 0; i < pixels.length; i += 4 * 97) colours.add(pixels.slice(i, i + 3).join());
            return colours.size > 3;
        })"""
    )
    expect(page.get_by_role("button", name=re.compile("Listings here|Surplus|Demand")).first).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/search", "/projects", "/demo", "/login"])
def test_a_page_without_scripts_is_whole(open_page: OpenPage, path: str) -> None:
    page = open_page(PHONE, java_script_enabled=False)
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.locator(".mf-menu__toggle").click()
    expect(page.get_by_role("navigation").get_by_role("link", name="Projects")).to_be_visible()
    assert overflow_px(page) == 0


# The watch itself -----------------------------------------------------------------------------------------------------


def test_a_breach_of_the_policy_and_a_fault_of_a_script_are_heard(open_page: OpenPage, complaints: Complaints) -> None:
    page = open_page(DESKTOP)
    page.goto("/about")
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("document.body.setAttribute('style', 'color: red')")
    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw new Error('on purpose') })")
    assert any("Content Security Policy" in line for line in complaints.unexpected)
    assert any("on purpose" in line for line in complaints.unexpected)
    complaints.said.clear()
