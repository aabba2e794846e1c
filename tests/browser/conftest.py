"""A served program on a demo database of its own, and Chromium to use it with.

Whatever a test does, the page may not report a console error, a fault of a script, or a breach of the
Content-Security-Policy, nor ask another site for anything: that is checked when the test ends. What the pages of a
failed test looked like is kept in `var/browser/`.
"""

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy.engine import URL

from marketplace.config import ROOT
from tests.browser.served import Site, served_demo
from tests.browser.visitor import DESKTOP, PATIENCE_MS, PHONE, Complaints, OpenPage, Screen, Visitors

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PICTURES = ROOT / "var" / "browser"
HAS_FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # The browser hangs up on a file it no longer wants, and the test server leaves it to be collected.
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed file .*/static/:ResourceWarning"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[HAS_FAILED] = report.failed
    return report


def chromium_path() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    assert found, "no Chromium on PATH: script/bootstrap --test installs it, or CHROMIUM names one"
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def site(database_server: URL) -> Iterator[Site]:
    with served_demo(database_server) as served:
        yield served


@pytest.fixture(scope="session")
def visitors(browser: Browser, site: Site) -> Visitors:
    return Visitors(browser=browser, home=site.address)


@pytest.fixture
def complaints(site: Site) -> Iterator[Complaints]:
    heard = Complaints(home=site.address)
    yield heard
    assert heard.unexpected == []


@pytest.fixture(params=[PHONE, DESKTOP], ids=lambda screen: screen.name)
def screen(request: pytest.FixtureRequest) -> Screen:
    """Each test that asks for it runs at phone and at desktop width."""
    chosen: Screen = request.param
    return chosen


@pytest.fixture
def open_page(request: pytest.FixtureRequest, visitors: Visitors, complaints: Complaints) -> Iterator[OpenPage]:
    opened: list[BrowserContext] = []

    def open_one(screen: Screen, *, who: str | None = None, locale: str = "en", **options: Any) -> Page:
        context = visitors.context(screen, who=who, locale=locale, **options)
        opened.append(context)
        complaints.watch(context)
        return context.new_page()

    yield open_one
    pages = [page for context in opened for page in context.pages]
    if request.node.stash.get(HAS_FAILED, False):
        PICTURES.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(pages, start=1):
            page.screenshot(path=PICTURES / f"{request.node.name}.{number}.png", full_page=True)
    for context in opened:
        context.close()
