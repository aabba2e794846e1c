"""Who looks at the pages, on what screen, and what their browser has to complain of."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

PATIENCE_MS = 15_000
DEMO_PASSWORD = "masseflyt-demo"

PEOPLE = {
    "contractor": "eier@entreprenor.example",
    "colleague": "bas@entreprenor.example",
    "viewer": "leser@entreprenor.example",
    "developer": "eier@eiendom.example",
    "municipality": "eier@kommune.example",
    "landscaper": "eier@landskap.example",
    "receiver": "eier@mottak.example",
    "administrator": "admin@masseflyt.example",
}
"""The demo's log-ins that the tests borrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    name: str
    width: int
    height: int

    @property
    def is_phone(self) -> bool:
        return self.width < 600


PHONE = Screen(name="phone", width=390, height=844)
DESKTOP = Screen(name="desktop", width=1440, height=900)


class OpenPage(Protocol):
    """`open_page(screen, who="contractor", locale="en")`: a browser of a visitor's own, with one page."""

    def __call__(self, screen: Screen, *, who: str | None = None, locale: str = "en", **options: Any) -> Page: ...


@dataclass  # no slots: Playwright keeps its handlers on the object
class Complaints:
    """What the browser had to say of all pages of a test.

    A breach of the Content-Security-Policy, a fault of a script, an answer of 4xx or 5xx, a request to another site:
    all of it, but for what a test provokes and names in `expected`.
    """

    home: str
    said: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.said.append(f"script: {error.error}"))
        context.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((f"{self.home}/", "data:", "blob:", "about:")):
            self.said.append(f"a request to elsewhere: {request.url}")

    @property
    def unexpected(self) -> list[str]:
        return [line for line in self.said if not any(known in line for known in self.expected)]


@dataclass(slots=True)
class Visitors:
    """Opens browsers of visitors; each person logs in once, and comes back with the cookies of that time."""

    browser: Browser
    home: str
    _cookies: dict[tuple[str | None, str], Any] = field(default_factory=dict)

    def context(self, screen: Screen, *, who: str | None, locale: str, **options: Any) -> BrowserContext:
        if (who, locale) not in self._cookies:
            self._cookies[who, locale] = self._arrive(who, locale)
        context = self.browser.new_context(
            base_url=self.home,
            viewport={"width": screen.width, "height": screen.height},
            has_touch=screen.is_phone,
            is_mobile=screen.is_phone,
            reduced_motion="reduce",
            timezone_id="Europe/Oslo",
            storage_state=self._cookies[who, locale],
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        return context

    def _arrive(self, who: str | None, locale: str) -> Any:
        context = self.browser.new_context(base_url=self.home)
        page = context.new_page()
        if who is not None:
            page.goto("/demo")
            page.locator(".mf-rows__row", has_text=PEOPLE[who]).get_by_role("button").click()
            page.wait_for_url(f"{self.home}/")
        else:
            page.goto("/")
        # Whatever language the account had, this browser keeps its own.
        if page.locator("html").get_attribute("lang") != locale:
            page.locator(f"footer button[name=locale][value={locale}]").click()
            expect(page.locator("html")).to_have_attribute("lang", locale)
        cookies = context.storage_state()
        context.close()
        return cookies


def log_in(page: Page, email: str, *, password: str = DEMO_PASSWORD) -> None:
    page.goto("/login")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    submit(page)
    page.wait_for_url(lambda url: "/login" not in url)


def submit(page: Page) -> None:
    """Press the button of the page's own form, and wait for the answer."""
    with page.expect_navigation():
        page.locator("main form:not(.mf-postbutton) .mf-submit").click()


def open_menu(page: Page) -> None:
    """The main menu is folded on a phone, and open where there is room."""
    page.wait_for_load_state()  # without its stylesheet a page shows everything
    toggle = page.locator(".mf-menu__toggle")
    if toggle.is_visible() and not page.locator(".mf-menu__panel").is_visible():
        toggle.click()


def open_account_menu(page: Page) -> None:
    open_menu(page)
    panel = page.locator(".mf-account__panel")
    if not panel.is_visible():
        page.locator(".mf-account__toggle").click()
    expect(panel).to_be_visible()


def path_of(page: Page) -> str:
    return re.sub(r"^https?://[^/]+", "", page.url)


def until(page: Page, condition: str, argument: Any = None) -> Any:
    """The truth that `condition`, an expression of the page's script, comes to; waits for it."""
    return page.wait_for_function(condition, arg=argument).json_value()


type Action = Callable[[], None]


@dataclass(slots=True)
class Thumb:
    """Uses a page the way one hand on a phone does, and counts."""

    page: Page
    taps: int = 0
    typed: list[str] = field(default_factory=list)

    def tap(self, target: Locator) -> None:
        self.taps += 1
        target.tap()

    def type(self, target: Locator, text: str) -> None:
        self.tap(target)
        self.typed.append(text)
        self.page.keyboard.type(text)
