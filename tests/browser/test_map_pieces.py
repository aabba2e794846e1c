"""The shared pieces, on the styleguide: components for everybody's eyes and hands, and what maps do when pressed."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from werkzeug.serving import make_server

from marketplace import create_app
from marketplace.db import make_engine
from tests.browser.checks import overflow_px, serious_issues
from tests.browser.served import QuietHandler, Site
from tests.browser.visitor import DESKTOP, PHONE, Complaints, OpenPage, Screen

LAND, SEA = [244, 244, 239], [213, 227, 232]
SANDVIKA = {"longitude": 10.5266, "latitude": 59.8906}


@pytest.fixture(scope="module")
def workshop_server(site: Site) -> Iterator[str]:
    """The program as tests have it, where the styleguide is served."""
    engine = make_engine(site.settings)
    app = create_app(site.settings, bind=engine, testing=True)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/styleguide"
    server.shutdown()
    thread.join()
    server.server_close()
    engine.dispose()


@pytest.fixture
def workshop(workshop_server: str, complaints: Complaints) -> str:
    """The styleguide's address, which is not elsewhere."""
    complaints.expected.append(f"a request to elsewhere: {workshop_server.removesuffix('/styleguide')}/")
    return workshop_server


@pytest.fixture
def map_page(workshop: str, open_page: OpenPage) -> Callable[..., Page]:
    def opened(screen: Screen, **options: Any) -> Page:
        page = open_page(screen, **options)
        page.goto(f"{workshop}/map")
        page.wait_for_selector("#map_live .mf-pin--surplus")
        page.wait_for_load_state("networkidle")
        return page

    return opened


@pytest.mark.parametrize("address", ["", "?errors", "/map"])
def test_every_component_is_for_everybody(workshop: str, open_page: OpenPage, screen: Screen, address: str) -> None:
    page = open_page(screen)
    page.goto(workshop + address)
    page.wait_for_load_state("networkidle")
    assert serious_issues(page) == []
    assert overflow_px(page) <= 0


def test_the_first_error_is_where_the_keyboard_starts(workshop: str, open_page: OpenPage) -> None:
    page = open_page(PHONE)
    page.goto(f"{workshop}?errors")
    assert page.evaluate("document.activeElement.className").startswith("ds-error-summary")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#kind-0"


def test_the_menu_opens_without_javascript(workshop: str, open_page: OpenPage) -> None:
    page = open_page(PHONE, java_script_enabled=False)
    page.goto(workshop)
    links = page.locator(".mf-nav__list a").first
    assert not links.is_visible()
    page.locator(".mf-menu__toggle").click()
    assert links.is_visible()


def test_escape_closes_the_menu_and_returns_to_its_button(workshop: str, open_page: OpenPage) -> None:
    page = open_page(PHONE)
    page.goto(workshop)
    page.locator(".mf-menu__toggle").click()
    page.locator(".mf-nav__list a").first.focus()
    page.keyboard.press("Escape")
    assert not page.locator(".mf-nav__list a").first.is_visible()
    assert page.evaluate("document.activeElement.className") == "mf-menu__toggle"


def test_the_basemap_has_land_and_sea_without_any_network(map_page: Callable[..., Page]) -> None:
    page = map_page(DESKTOP)
    page.wait_for_function(
        """([land, sea]) => {
            const seen = new Set();
            for (const canvas of document.querySelectorAll('#map_live canvas.leaflet-tile')) {
                const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                for (let i = 0; i < data.length; i += 4) seen.add(data.slice(i, i + 3).join());
            }
            return seen.has(land.join()) && seen.has(sea.join());
        }""",
        arg=[LAND, SEA],
    )


def test_pins_and_rows_mark_each_other(map_page: Callable[..., Page]) -> None:
    page = map_page(DESKTOP)
    row = page.locator('[data-listing-id="1"]')
    row.hover()
    assert "mf-pin--surplus" in str(page.locator("#map_live .mf-pin.is-active").get_attribute("class"))
    page.locator("h1").hover()
    assert page.locator(".is-active").count() == 0
    page.locator("#map_live .mf-pin[aria-label*='Sprengstein']").hover()
    assert "is-active" in str(row.get_attribute("class"))


def test_a_pin_opens_by_keyboard_and_leads_to_its_listing(map_page: Callable[..., Page]) -> None:
    page = map_page(PHONE)
    page.locator("#map_live .mf-pin[aria-label*='Sprengstein']").focus()
    page.keyboard.press("Enter")
    popup = page.locator("#map_live .mf-popup")
    expect(popup).to_contain_text("Sprengstein")
    assert page.evaluate("document.activeElement.className") == "mf-popup__link"
    page.keyboard.press("Escape")
    expect(popup).to_have_count(0)
    assert "Sprengstein" in page.evaluate("document.activeElement.ariaLabel")


def test_a_cluster_zooms_to_what_it_holds(map_page: Callable[..., Page]) -> None:
    page = map_page(DESKTOP)
    page.evaluate("document.addEventListener('mf:moved', (event) => { window.moved = event.detail; })")
    page.locator("#map_live .mf-pin--cluster").first.click()
    page.wait_for_function("window.moved && window.moved.zoom > 11")


def test_a_place_is_found_and_chosen_by_keyboard(map_page: Callable[..., Page]) -> None:
    page = map_page(DESKTOP)
    page.evaluate("document.addEventListener('mf:moved', (event) => { window.moved = event.detail; })")
    box = page.locator("#place")
    box.fill("trondh")
    page.wait_for_selector("#place-places [role=option]")
    assert box.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == "place-places-0"
    page.keyboard.press("Enter")
    page.wait_for_function("window.moved && window.moved.bbox[1] > 63 && window.moved.by === 'program'")
    assert "Trondheim" in box.input_value()
    assert not page.locator("#place-places").is_visible()


def test_a_thumb_on_a_place_presses_nothing_below_the_list(map_page: Callable[..., Page]) -> None:
    page = map_page(PHONE)
    page.evaluate("document.addEventListener('mf:place-chosen', (event) => { window.chosen = event.detail; })")
    page.evaluate("() => { navigator.geolocation.getCurrentPosition = () => { window.located = true; }; }")
    page.locator("#place").fill("trondh")
    page.locator("#place-places [role=option]").first.tap()
    page.wait_for_function("window.chosen")
    assert page.evaluate("window.located ?? false") is False
    assert not page.locator("#place-places").is_visible()


def test_that_no_place_has_the_name_can_be_read(map_page: Callable[..., Page]) -> None:
    page = map_page(PHONE)
    status = page.locator("#place-status")
    page.locator("#place").fill("qwzxyrk")
    expect(status).to_have_text("No place of that name.")
    expect(status).not_to_have_class(re.compile("ds-sr-only"))
    page.locator("#place").fill("trondh")
    page.wait_for_selector("#place-places [role=option]")
    expect(status).to_have_class(re.compile("ds-sr-only"))


def press_map(page: Page, spot: Locator, *places: tuple[int, int]) -> None:
    for x, y in places:
        spot.click(position={"x": x, "y": y})
        page.wait_for_timeout(350)  # two presses within Leaflet's time for a double press would count as one


def drawn(page: Page) -> dict[str, Any]:
    value = page.locator("#site").input_value()
    return json.loads(value) if value else {}


def test_a_point_is_set_moved_by_numbers_and_removed(map_page: Callable[..., Page], screen: Screen) -> None:
    page = map_page(screen)
    canvas = page.locator("#map_drawing")
    canvas.scroll_into_view_if_needed()
    press_map(page, canvas, (150, 150))
    lon, lat = drawn(page)["coordinates"]
    assert page.locator("#lon").input_value() == str(lon)
    page.locator(".mf-drawing__typed summary").click()
    page.locator("#lat").fill("59,9")
    page.locator("#lon").fill("10,6")
    page.keyboard.press("Tab")
    assert drawn(page) == {"type": "Point", "coordinates": [10.6, 59.9]}
    page.locator("[data-mf-draw=remove]").click()
    assert drawn(page) == {}
    assert (lon, lat) != (10.6, 59.9)


def test_an_area_is_drawn_corner_by_corner(map_page: Callable[..., Page], screen: Screen) -> None:
    page = map_page(screen)
    page.locator("[data-mf-draw=area]").click()
    canvas = page.locator("#map_drawing")
    canvas.scroll_into_view_if_needed()
    press_map(page, canvas, (80, 120), (250, 130), (230, 260), (120, 270))
    page.locator("[data-mf-draw=finish]").click()
    shape = drawn(page)
    assert shape["type"] == "Polygon"
    assert len(shape["coordinates"][0]) == 5
    assert shape["coordinates"][0][0] == shape["coordinates"][0][-1]


def test_ones_own_position_sets_the_point(map_page: Callable[..., Page]) -> None:
    page = map_page(PHONE, geolocation=SANDVIKA, permissions=["geolocation"])
    page.locator("[data-mf-draw=here]").click()
    page.wait_for_function("document.getElementById('site').value")
    assert drawn(page) == {"type": "Point", "coordinates": [SANDVIKA["longitude"], SANDVIKA["latitude"]]}


def test_a_point_can_be_set_without_a_mouse(map_page: Callable[..., Page]) -> None:
    page = map_page(DESKTOP)
    page.locator("[data-mf-draw=middle]").focus()
    page.keyboard.press("Enter")
    assert drawn(page)["type"] == "Point"
