"""Posting, by thumb and by mouse: from the front page to a listing, on the map, and when something is wrong."""

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.checks import overflow_px, serious_issues, wait_for_maps
from tests.browser.visitor import DESKTOP, PHONE, Complaints, OpenPage, Screen, Thumb, path_of

PUBLISHED = re.compile(r"/listings/\d+\?published=1")
SANDVIKA = {"longitude": 10.5266, "latitude": 59.8906}
NEAR = pytest.approx

STILL_TO_ANSWER = """() => {
    const form = document.querySelector("[data-mf-listing-form]");
    const asked = [...form.elements].filter(each => each.required && each.checkVisibility());
    const names = new Set(asked.map(each => each.name));
    for (const each of asked) if (each.type === "radio" ? each.checked : each.value) names.delete(each.name);
    return [...names].sort();
}"""


def material(page: Page, name: str) -> Locator:
    return page.locator(".mf-materialcard", has=page.get_by_text(name, exact=True))


def pin(page: Page, field: str = "position") -> Any:
    """The GeoJSON that the hidden field of a map holds, None where nothing is drawn."""
    text = page.locator(f"input[name={field}]").input_value()
    return json.loads(text) if text else None


def tap_map(page: Page, selector: str, *, right: float = 0.5, down: float = 0.5) -> tuple[float, float]:
    """Press the map at a share of its width and height; (lon, lat) of that spot."""
    canvas = page.locator(selector)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    at = {"x": box["width"] * right, "y": box["height"] * down}
    spot = canvas.evaluate(
        "(element, at) => element.mfMap.containerPointToLatLng([Math.round(at.x), Math.round(at.y)])", at
    )
    if page.evaluate("matchMedia('(pointer: coarse)').matches"):
        canvas.tap(position=at)  # type: ignore[arg-type] - x and y
    else:
        canvas.click(position=at)  # type: ignore[arg-type] - x and y
    return spot["lng"], spot["lat"]


def has_errors_beside(page: Page, field: Locator, message: str) -> None:
    """The message stands with its field, and a screen reader says it there."""
    expect(field).to_have_attribute("aria-invalid", "true")
    described = page.locator(f"#{(field.get_attribute('aria-describedby') or '').split()[-1]}")
    expect(described).to_contain_text(message)
    expect(described).to_be_visible()


# The short way --------------------------------------------------------------------------------------------------------


BASIS = "Urørt skog, ingen mistanke"


def says_where_it_is_from(page: Page) -> None:
    """The poster states that the masses come from an unpolluted area, and what else the material asks for."""
    page.locator(".mf-presscard", has=page.locator("input[value=origin]")).click()
    page.locator("#virgin_basis").fill(BASIS)
    for box in page.locator(".mf-proof__ask input[type=checkbox]:visible").all():
        box.check()


def test_on_a_phone_posting_takes_six_taps_a_number_and_a_line(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="contractor", locale="nb")
    page.goto("/")
    thumb = Thumb(page)
    thumb.tap(page.locator("main a[href='/listings/new?kind=surplus']"))
    page.wait_for_url(re.compile("/listings/new"))
    assert page.evaluate(STILL_TO_ANSWER) == ["clean_by", "entered_value", "material_key"]

    thumb.tap(page.locator(".mf-materialcard", has=page.locator("input[value=moraine]")))
    thumb.type(page.locator("#entered_value"), "1200")
    thumb.tap(page.locator(".mf-presscard", has=page.locator("input[value=origin]")))
    thumb.type(page.locator("#virgin_basis"), BASIS)
    assert page.evaluate(STILL_TO_ANSWER) == []
    thumb.tap(page.locator("button[value=publish]"))
    page.wait_for_url(PUBLISHED)
    assert (thumb.taps, thumb.typed) == (6, ["1200", BASIS])

    assert page.url.endswith("#matches")
    expect(page.locator(".mf-published")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Morene")
    expect(page.locator(".mf-figure__value").first).to_have_text(re.compile(r"^1\s200$"))


def test_the_button_stays_under_the_thumb(open_page: OpenPage) -> None:
    """However long the form, what publishes is on the screen from the start."""
    page = open_page(PHONE, who="contractor")
    page.goto("/listings/new")
    expect(page.get_by_role("button", name="Publish")).to_be_in_viewport(ratio=1)
    page.locator("#entered_value").scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="Publish")).to_be_in_viewport(ratio=1)


def test_after_publishing_the_page_shows_whom_it_fits(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="contractor")
    page.goto("/listings/new?kind=surplus")
    material(page, "Blasted rock").click()
    page.get_by_label("Quantity", exact=True).fill("8000")
    says_where_it_is_from(page)
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url(PUBLISHED)
    matches = page.locator("#matches")
    expect(matches).to_be_in_viewport()
    expect(matches.locator(".mf-listing--is-demand").first).to_be_visible()


def test_the_project_gives_place_and_period(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="contractor")
    page.goto("/listings/new")
    choice = page.get_by_label("Project", exact=True)
    days = []
    for label in ("E18 Vestkorridoren: Strand–Holtet", "E16 Bjørum–Skaret: Bjørum"):
        choice.select_option(label=label)
        option = choice.locator("option:checked")
        expect(page.get_by_label("Last day")).to_have_value(option.get_attribute("data-to") or "")
        days.append(page.get_by_label("Last day").input_value())
    assert days[0] != days[1]
    expect(page.locator("#map_pin_map")).to_be_hidden()

    page.get_by_label("Last day").fill("2030-06-01")
    choice.select_option(index=0)
    expect(page.get_by_label("Last day")).to_have_value("2030-06-01")


def test_cubic_metres_become_tonnes_while_one_types(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="contractor")
    page.goto("/listings/new")
    material(page, "Moraine").click()
    page.locator(".mf-presscard", has=page.locator("input[value=m3_bank]")).click()
    page.get_by_label("Quantity", exact=True).fill("1 000")
    shown = page.locator("[data-mf-mass]")
    expect(shown).to_contain_text(re.compile(r"makes [\d,]+\s?t"))
    tonnes = re.search(r"makes ([\d,]+)", shown.inner_text())
    assert tonnes is not None
    page.get_by_role("button", name="Save as draft").click()
    page.wait_for_url(re.compile(r"/listings/\d+$"))
    expect(page.locator(".mf-figure__value").first).to_have_text(tonnes[1])


# A place of its own ---------------------------------------------------------------------------------------------------


def test_a_pin_is_set_by_pressing_the_map(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="contractor")
    page.goto("/listings/new?kind=demand")
    page.get_by_label("Project", exact=True).select_option("")
    expect(page.locator("#map_pin_map")).to_be_visible()
    page.get_by_label("Find the place").fill("Sandvika")
    page.get_by_role("option", name=re.compile("^Sandvika")).first.click()
    page.wait_for_function("() => document.getElementById('map_pin_map').mfMap.getZoom() >= 11")
    expect(page.locator("#map_pin_map")).to_be_in_viewport(ratio=0.9)
    lon, lat = tap_map(page, "#map_pin_map", right=0.4, down=0.6)
    expect(page.locator("[data-mf-drawing-status]")).to_have_text("The point is set. Drag it to move it.")
    assert pin(page)["coordinates"] == [NEAR(lon, abs=2e-3), NEAR(lat, abs=1e-3)]
    assert (lon, lat) == (NEAR(10.52, abs=0.1), NEAR(59.89, abs=0.05))

    material(page, "Sand").click()
    page.get_by_label("Quantity", exact=True).fill("300")
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url(PUBLISHED)
    facts = page.locator("aside.mf-split__aside")
    expect(facts).to_contain_text("its own pin")
    expect(facts).to_contain_text("Bærum")
    expect(facts).to_contain_text(f"{lat:.2f}")


def test_a_pin_is_moved_by_dragging_and_taken_away(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="contractor")
    page.goto("/listings/new")
    page.get_by_label("Project", exact=True).select_option("")
    tap_map(page, "#map_pin_map")
    before = pin(page)["coordinates"]
    marker = page.get_by_role("button", name="The position you have set")
    marker.hover()
    page.mouse.down()
    box = marker.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 120, box["y"] - 60, steps=5)
    page.mouse.up()
    page.wait_for_function("before => document.getElementById('position').value !== before", arg=json.dumps(before))
    after = pin(page)["coordinates"]
    assert after[0] > before[0]
    assert after[1] > before[1]
    page.get_by_role("button", name="Remove").click()
    assert pin(page) is None
    expect(marker).to_have_count(0)


def test_the_own_position_is_taken_over(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="contractor", geolocation=SANDVIKA, permissions=["geolocation"])
    page.goto("/listings/new")
    page.get_by_label("Project", exact=True).select_option("")
    page.get_by_role("button", name="Use my position").click()
    expect(page.locator("[data-mf-drawing-status]")).to_have_text("The point is set. Drag it to move it.")
    assert pin(page) == {"type": "Point", "coordinates": [SANDVIKA["longitude"], SANDVIKA["latitude"]]}
    expect(page.get_by_role("button", name="The position you have set")).to_be_in_viewport()


def test_who_does_not_tell_their_position_is_told_what_else_to_do(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="contractor", permissions=[])
    page.goto("/listings/new")
    page.get_by_label("Project", exact=True).select_option("")
    page.get_by_role("button", name="Use my position").click()
    expect(page.locator("[data-mf-drawing-status]")).to_have_text(
        "Your position could not be found. Press the map instead."
    )


def test_typed_coordinates_set_the_pin(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="contractor")
    page.goto("/listings/new")
    page.get_by_label("Project", exact=True).select_option("")
    page.get_by_text("Type coordinates instead").click()
    page.locator("#lat").fill("59,8906")
    page.locator("#lon").fill("10,5266")
    page.locator("#lon").press("Tab")
    expect(page.get_by_role("button", name="The position you have set")).to_be_in_viewport()
    assert pin(page)["coordinates"] == [10.5266, 59.8906]


def test_a_site_is_drawn_as_an_area(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="contractor")
    page.goto("/projects/new")
    name = f"Tegnet område {screen.name}"
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Builder").fill("Eksempel byggherre")
    page.get_by_label("Building").check()
    page.get_by_label("Find the place").fill("Sandvika")
    page.get_by_role("option", name=re.compile("^Sandvika")).first.click()
    page.wait_for_function("() => document.getElementById('map_site_map').mfMap.getZoom() >= 11")
    page.get_by_role("button", name="Area", exact=True).click()
    corners = [tap_map(page, "#map_site_map", right=x, down=y) for x, y in ((0.3, 0.3), (0.6, 0.3), (0.6, 0.7))]
    page.get_by_role("button", name="Finish the area").click()
    expect(page.locator("[data-mf-drawing-status]")).to_have_text("The area is drawn. Drag a corner to change it.")
    drawn = pin(page, "site")
    assert drawn["type"] == "Polygon"
    ring = drawn["coordinates"][0]
    assert len(ring) == len(corners) + 1
    for lon, lat in corners:
        assert any((x, y) == (NEAR(lon, abs=2e-3), NEAR(lat, abs=1e-3)) for x, y in ring)

    page.get_by_label("First day").fill(date.today().isoformat())
    page.get_by_label("Last day").fill((date.today() + timedelta(days=200)).isoformat())
    page.get_by_role("button", name="Create the project").click()
    page.wait_for_url(re.compile(r"/projects/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("#map_project path.mf-site")).to_be_visible()
    expect(page.locator("aside.mf-split__aside")).to_contain_text("Bærum")

    page.get_by_role("link", name="Post a surplus").click()
    expect(page.get_by_label("Project", exact=True).locator("option:checked")).to_have_text(name)


# When something is wrong ----------------------------------------------------------------------------------------------


def test_what_is_wrong_is_said_beside_it_and_nothing_typed_is_lost(
    open_page: OpenPage, screen: Screen, complaints: Complaints
) -> None:
    complaints.expected.append("status of 422")
    page = open_page(screen, who="contractor")
    page.goto("/listings/new?kind=demand")
    chosen = page.get_by_label("Project", exact=True)
    chosen.select_option(index=1)
    project = chosen.input_value()
    page.locator(".mf-materialcard", has=page.locator("input[value=crushed_rock]")).click()
    page.locator("#fraction").fill("32/0")
    page.get_by_label("Quantity", exact=True).fill("-5")
    page.get_by_label("First day").fill("2030-05-02")
    page.get_by_label("Last day").fill("2030-05-01")
    page.locator(".mf-presscard", has=page.locator("input[value=taker_pays]")).click()
    page.get_by_label("Price per tonne").fill("a lot")
    page.get_by_text("More terms").click()
    page.get_by_label("Smallest lot").fill("200000000")
    page.get_by_label("Description").fill("Ligger ved <b>porten</b>, & lastes mandag.")
    page.get_by_role("button", name="Publish").click()

    summary = page.locator(".mf-errors")
    expect(summary).to_be_focused()
    typed = {
        "#fraction": "32/0",
        "#entered_value": "-5",
        "#available_from": "2030-05-02",
        "#available_to": "2030-05-01",
        "#price_nok_per_t": "a lot",
        "#min_lot_t": "200000000",
        "#description": "Ligger ved <b>porten</b>, & lastes mandag.",
        "#project_id": project,
    }
    assert {field: page.locator(field).input_value() for field in typed} == typed
    expect(page.locator("input[value=crushed_rock]")).to_be_checked()
    expect(page.locator("input[value=taker_pays]")).to_be_checked()
    expect(page.locator("input[value=demand]")).to_be_checked()

    links = summary.get_by_role("link")
    wrong = {str(link.get_attribute("href")): link.inner_text() for link in links.all()}
    assert {"#fraction", "#entered_value", "#available_to", "#price_nok_per_t"} <= set(wrong)
    for href, said in wrong.items():
        has_errors_beside(page, page.locator(href), said.split(": ", 1)[1])
        summary.locator(f"a[href='{href}']").first.click()
        expect(page.locator(href)).to_be_focused()
        expect(page.locator(href)).to_be_in_viewport()
    assert serious_issues(page) == []
    assert overflow_px(page) == 0


def test_a_pin_stays_when_something_else_is_wrong(open_page: OpenPage, screen: Screen, complaints: Complaints) -> None:
    complaints.expected.append("status of 422")
    page = open_page(screen, who="contractor")
    page.goto("/listings/new")
    page.get_by_label("Project", exact=True).select_option("")
    spot = tap_map(page, "#map_pin_map", right=0.55, down=0.45)
    before = pin(page)
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".mf-errors")).to_be_focused()
    expect(page.locator("#map_pin_map")).to_be_visible()
    expect(page.get_by_role("button", name="The position you have set")).to_be_visible()
    assert pin(page) == before
    assert before["coordinates"] == [NEAR(spot[0], abs=2e-3), NEAR(spot[1], abs=1e-3)]


def test_a_listing_without_a_place_leads_to_the_map(open_page: OpenPage, complaints: Complaints) -> None:
    complaints.expected.append("status of 422")
    page = open_page(DESKTOP, who="contractor")
    page.goto("/listings/new?kind=demand")
    page.get_by_label("Project", exact=True).select_option("")
    material(page, "Sand").click()
    page.get_by_label("Quantity", exact=True).fill("10")
    page.get_by_role("button", name="Publish").click()
    link = page.locator(".mf-errors").get_by_role("link")
    expect(link).to_have_attribute("href", "#position-map")
    link.click()
    expect(page.locator("#map_pin_map")).to_be_in_viewport()
    expect(page.locator("#position-error")).to_be_visible()


def test_a_project_abroad_is_refused_and_keeps_what_was_typed(open_page: OpenPage, complaints: Complaints) -> None:
    complaints.expected.append("status of 422")
    page = open_page(DESKTOP, who="contractor")
    page.goto("/projects/new")
    page.get_by_label("Name", exact=True).fill("Bro i Stockholm")
    page.get_by_label("Builder").fill("Någon")
    page.get_by_label("Road").check()
    page.get_by_text("Type coordinates instead").click()
    page.locator("#lat").fill("59.33")
    page.locator("#lon").fill("18.06")
    page.get_by_label("First day").fill("2030-01-01")
    page.get_by_label("Last day").fill("2030-12-31")
    page.get_by_role("button", name="Create the project").click()
    expect(page.locator(".mf-errors")).to_be_focused()
    assert path_of(page) == "/projects/new"
    typed = {"#name": "Bro i Stockholm", "#builder": "Någon", "#lat": "59.33", "#lon": "18.06"}
    assert {field: page.locator(field).input_value() for field in typed} == typed
    expect(page.get_by_label("Road")).to_be_checked()


# Without JavaScript ---------------------------------------------------------------------------------------------------


def test_posting_from_a_project_works_without_scripts(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="contractor", java_script_enabled=False)
    page.goto("/listings/new")
    material(page, "Moraine").click()
    page.get_by_label("Quantity", exact=True).fill("450")
    says_where_it_is_from(page)
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url(PUBLISHED)
    expect(page.locator(".mf-figure__value").first).to_have_text("450")


def test_posting_a_pin_works_without_scripts(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="contractor", java_script_enabled=False)
    page.goto("/listings/new?kind=demand")
    page.get_by_label("Project", exact=True).select_option("")
    page.get_by_text("Type coordinates instead").click()
    page.locator("#lat").fill("59,8906")
    page.locator("#lon").fill("10,5266")
    material(page, "Sand").click()
    page.get_by_label("Quantity", exact=True).fill("75,5")
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url(PUBLISHED)
    expect(page.locator("aside.mf-split__aside")).to_contain_text("its own pin")


def test_a_project_is_made_without_scripts(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="contractor", java_script_enabled=False)
    page.goto("/projects/new")
    page.get_by_label("Name", exact=True).fill("Uten skript")
    page.get_by_label("Builder").fill("Eksempel byggherre")
    page.get_by_label("Road").check()
    page.get_by_text("Type coordinates instead").click()
    page.locator("#lat").fill("59.8906")
    page.locator("#lon").fill("10.5266")
    page.get_by_label("First day").fill("2030-01-01")
    page.get_by_label("Last day").fill("2030-12-31")
    page.get_by_role("button", name="Create the project").click()
    page.wait_for_url(re.compile(r"/projects/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Uten skript")


# From draft to closed -------------------------------------------------------------------------------------------------


def test_a_draft_is_published_paused_and_closed_after_a_question(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="colleague")
    page.goto("/listings/new")
    material(page, "Topsoil").click()
    page.get_by_label("Quantity", exact=True).fill("620")
    says_where_it_is_from(page)
    page.get_by_role("button", name="Save as draft").click()
    page.wait_for_url(re.compile(r"/listings/\d+$"))
    address = path_of(page)
    expect(page.get_by_text("This is a draft. Only your organisation sees it.")).to_be_visible()

    page.get_by_role("button", name="Publish").click()
    page.wait_for_url(PUBLISHED)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("This listing is paused.")).to_be_visible()
    page.get_by_role("button", name="Publish again").click()
    page.wait_for_url(PUBLISHED)

    page.get_by_role("button", name="Close", exact=True).click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Close this listing for good?")
    wait_for_maps(page)
    assert serious_issues(page) == []
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_have_count(0)
    page.goto(address)
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_text("The listing is closed.")).to_be_visible()
    expect(page.get_by_role("button", name="Close", exact=True)).to_have_count(0)


def test_an_impatient_second_press_posts_once(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="colleague")
    page.goto("/listings/new")
    material(page, "Topsoil").click()
    page.get_by_label("Quantity", exact=True).fill("333")
    page.get_by_role("button", name="Save as draft").dblclick()
    page.wait_for_url(re.compile(r"/listings/\d+$"))
    page.goto("/listings?status=draft")
    expect(page.locator(".mf-quantity", has_text=re.compile(r"^333\s?t$"))).to_have_count(1)


def test_who_only_looks_on_is_not_asked_to_post(open_page: OpenPage, complaints: Complaints) -> None:
    complaints.expected.append("status of 403")
    page = open_page(DESKTOP, who="viewer")
    page.goto("/listings")
    expect(page.get_by_role("link", name="Post a surplus")).to_have_count(0)
    page.goto("/listings/new")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[data-mf-listing-form]")).to_have_count(0)
