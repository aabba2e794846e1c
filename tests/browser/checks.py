"""What must hold on every page: nobody is kept out, and nothing sticks out."""

from playwright.sync_api import Page

from marketplace.config import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = {"serious", "critical"}
SHOWN_NODES = 3


def serious_issues(page: Page) -> list[str]:
    """What axe-core finds that would keep somebody out."""
    assert AXE.is_file(), "axe-core is not there: script/bootstrap --test fetches it"
    # Through the debugging protocol, since the page's own policy rightly refuses a script from elsewhere.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        f"{page.url} {violation['id']}: {violation['help']} "
        f"{[(node['target'], node['html'][:160]) for node in violation['nodes'][:SHOWN_NODES]]}"
        for violation in result
        if violation["impact"] in SERIOUS
    ]


def overflow_px(page: Page) -> int:
    """How far the page is wider than the screen once its styles are there; a phone's page must not scroll sideways."""
    page.wait_for_load_state()
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def wait_for_maps(page: Page) -> None:
    """Until each map of the page, if any, shows its listings."""
    page.wait_for_function(
        """() => [...document.querySelectorAll(".mf-map__canvas")].every(
            map => map.classList.contains("is-ready") && !map.hasAttribute("aria-busy")
        )"""
    )
