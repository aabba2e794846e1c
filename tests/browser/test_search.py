"""Searching: a map and a list that say the same, by filters, places and moving the map; the address holds it all."""

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Error, Locator, Page, expect

from tests.browser.checks import overflow_px, serious_issues, wait_for_maps
from tests.browser.served import Site
from tests.browser.visitor import DESKTOP, PHONE, OpenPage, Screen

SANDVIKA = (10.5266, 59.8906)
DEMO_REGION = (9.0, 59.0, 12.0, 61.0)

# What the map shows: a cluster stands for as many as it says.
ON_MAP = """[...document.querySelectorAll("#search-map .mf-pin:not(.mf-pin--facility, .mf-pin--origin)")].reduce(
    (sum, pin) => sum + Number(pin.querySelector(".mf-pin__count")?.textContent ?? 1), 0)"""
IN_LIST = """Number((document.getElementById("results-title").textContent.match(/\\d+/) ?? [
    /^One/.test(document.getElementById("results-title").textContent.trim()) ? 1 : 0])[0])"""
AT_REST = """!document.getElementById("results").hasAttribute("aria-busy")
    && !document.querySelector("#search-map .mf-map__canvas").hasAttribute("aria-busy")"""


def total(page: Page) -> int:
    """How many the list says there are."""
    return int(page.evaluate(IN_LIST))


def expect_map_and_list_to_agree(page: Page) -> None:
    try:
        page.wait_for_function(f"() => {AT_REST} && ({ON_MAP}) === ({IN_LIST})")
    except Error:
        shown = f"{page.evaluate(ON_MAP)} on the map, {page.evaluate(IN_LIST)} in the list"
        raise AssertionError(f"{page.url}: {shown}") from None


def search_for(page: Page, path: str) -> None:
    page.goto(path)
    wait_for_maps(page)


def rows(page: Page) -> Locator:
    return page.locator("#results [data-listing-id]")


def ids(page: Page) -> list[str]:
    return [str(each) for each in rows(page).evaluate_all("rows => rows.map(row => row.dataset.listingId)")]


def ids_of_all_pages(page: Page) -> list[str]:
    found = ids(page)
    while page.locator("#results a[rel=next]").count():
        last = found[-1]
        page.locator("#results a[rel=next]").click()
        expect(page.locator(f"#results [data-listing-id='{last}']")).to_have_count(0)
        found += ids(page)
    return found


def ids_on_map(page: Page, box: tuple[float, ...] = DEMO_REGION, *, zoom: int = 10) -> set[str]:
    """The listings that the map's data tells of, when each cluster is pressed until it shows them."""
    asked = page.locator("#results").get_attribute("data-query")
    data = page.request.get(f"/search/map.json?{asked}&bbox={','.join(map(str, box))}&zoom={zoom}").json()
    found = set()
    for feature in data["features"]:
        facts = feature["properties"]
        if "count" in facts and "listings" not in facts:
            assert zoom < 18, f"a cluster that never opens: {facts}"
            found |= ids_on_map(page, widened(facts["bounds"]), zoom=zoom + 2)
        else:
            found |= {str(each["id"]) for each in facts.get("listings", [facts])}
    return found


def widened(bounds: list[float]) -> tuple[float, ...]:
    """A cluster's box with some room around it, as the map shows it."""
    west, south, east, north = bounds
    room = max(east - west, north - south) * 0.2 + 1e-4
    return west - room, south - room, east + room, north + room


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def open_filters(page: Page) -> None:
    """Folded on a phone, in the open on a wide window."""
    if not page.locator(".mf-filters__body").is_visible():
        page.locator(".mf-filters__toggle").click()


def choose_kind(page: Page, kind: str) -> None:
    page.locator(".mf-segments__one", has=page.locator(f"input[value='{kind}']")).click()


def choose_group(page: Page, group: str) -> None:
    open_filters(page)
    page.locator(f".mf-group input[name=group][value={group}]").check()


def choose_place(page: Page, name: str) -> None:
    page.get_by_label("Near a place").fill(name)
    page.get_by_role("option", name=re.compile(f"^{name}")).first.click()


def kilometres(text: str) -> float:
    found = re.search(r"([\d.,]+)\s*(km|m)\b", text)
    assert found, f"no distance in {text!r}"
    number = float(found[1].replace(",", ""))
    return number if found[2] == "km" else number / 1000


# The same on the map and in the list --------------------------------------------------------------------------------


def test_the_map_and_the_list_say_the_same(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    for asked in (
        "",
        "kind=demand",
        "group=stone&kind=surplus",
        "material=clay&material=moraine",
        "q=sprengstein",
        "near=Sandvika&within=10",
        "mass_min=10000",
        "price=free",
        "municipality=0301",
    ):
        search_for(page, f"/search?{asked}")
        expect_map_and_list_to_agree(page)
        everything = total(page)
        in_list = ids_of_all_pages(page)
        assert everything == len(in_list) > 0, asked
        assert ids_on_map(page) == set(in_list), asked


def test_on_a_phone_too(open_page: OpenPage) -> None:
    page = open_page(PHONE)
    search_for(page, "/search?group=stone&view=map")
    expect_map_and_list_to_agree(page)
    assert total(page) > 0


# Filters --------------------------------------------------------------------------------------------------------------


def test_filters_narrow_both_and_are_taken_back(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen)
    search_for(page, "/search")
    everything = total(page)
    open_filters(page)
    promised = int(page.locator("#n-group-stone").inner_text())
    choose_group(page, "stone")
    expect(page.locator("#results-title")).to_have_text(f"{promised} listings")
    expect(page.locator("#search-status")).to_have_text(f"{promised} listings")
    expect_map_and_list_to_agree(page)
    assert query(page)["group"] == ["stone"]
    expect(page.locator("#results .mf-listing:not(.mf-listing--stone)")).to_have_count(0)

    promised = int(page.locator("#n-kind-demand").inner_text())
    choose_kind(page, "demand")
    expect(page.locator("#results-title")).to_have_text(f"{promised} listings")
    expect_map_and_list_to_agree(page)
    expect(page.locator("#results .mf-listing--is-surplus")).to_have_count(0)
    assert query(page) == {"group": ["stone"], "kind": ["demand"]}

    if screen.is_phone:
        page.get_by_role("button", name="Show the listings").click()
        expect(page.locator("#results-title")).to_be_in_viewport()
        expect_map_and_list_to_agree(page)  # the list is there anew: a chip is not pressed while it is taken away
    chips = page.locator(".mf-chosen")
    chips.get_by_role("link", name=re.compile("Stone")).click()
    page.wait_for_function(f"stone => ({IN_LIST}) > stone", arg=promised)
    assert query(page) == {"kind": ["demand"]}
    expect(page.locator("input[name=group][value=stone]")).not_to_be_checked()
    chips.get_by_role("link", name=re.compile("Demand")).click()
    expect(page.locator("#results-title")).to_have_text(f"{everything} listings")
    assert query(page) == {}
    expect_map_and_list_to_agree(page)


def test_one_kind_of_a_material_is_chosen_by_itself(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    search_for(page, "/search")
    page.locator(".mf-group__kinds", has=page.locator("input[value=clay]")).locator("summary").click()
    promised = int(page.locator("#n-material-clay").inner_text())
    page.locator("input[name=material][value=clay]").check()
    expect(page.locator("#results-title")).to_have_text(f"{promised} listings")
    expect(rows(page).filter(has_not_text="Clay")).to_have_count(0)
    expect_map_and_list_to_agree(page)


def test_words_are_found_while_one_types(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen)
    search_for(page, "/search")
    box = page.get_by_label("Material, project or other words")
    box.press_sequentially("fornebu", delay=20)
    page.wait_for_url(re.compile("q=fornebu"))
    expect(rows(page).first).to_contain_text("Fornebu")
    expect_map_and_list_to_agree(page)
    expect(box).to_be_focused()
    expect(box).to_have_value("fornebu")


def test_what_cannot_be_read_is_said_beside_its_field(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    search_for(page, "/search")
    least = page.locator("#mass_min")
    least.fill("plenty")
    expect(least).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#mass_min-error")).to_be_visible()
    expect(least).to_have_value("plenty")
    least.fill("10 000")
    expect(page.locator("#mass_min-error")).to_have_count(0)
    page.wait_for_url(re.compile("mass_min=10000"))
    expect_map_and_list_to_agree(page)


# Places ---------------------------------------------------------------------------------------------------------------


def test_a_place_that_is_typed_moves_the_map_and_orders_the_list(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen)
    search_for(page, "/search")
    choose_place(page, "Sandvika")
    page.wait_for_url(re.compile("near=Sandvika"))
    page.wait_for_function(
        """([lon, lat]) => {
            const {lng: x, lat: y} = document.querySelector("#search-map .mf-map__canvas").mfMap.getCenter();
            return Math.abs(x - lon) < 0.3 && Math.abs(y - lat) < 0.15;
        }""",
        arg=list(SANDVIKA),
    )
    expect(page.locator("#sort option:checked")).to_have_text("Nearest first")
    expect(page.locator("#search-map .mf-pin--origin")).to_have_attribute("aria-label", re.compile("Sandvika, Bærum"))
    shown = page.locator("#results .mf-listing__distance")
    expect(shown.first).to_be_visible()
    distances = [kilometres(text) for text in shown.all_inner_texts()]
    assert distances == sorted(distances)

    everywhere = total(page)
    page.get_by_label("Within").select_option("10")
    page.wait_for_url(re.compile("within=10"))
    expect_map_and_list_to_agree(page)
    assert all(kilometres(text) <= 10 for text in shown.all_inner_texts())
    assert 0 < total(page) < everywhere


def test_a_place_is_chosen_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    search_for(page, "/search")
    box = page.get_by_role("combobox", name="Near a place")
    box.press_sequentially("Sandv", delay=20)
    expect(page.get_by_role("option").first).to_contain_text("Sandvika")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    chosen = page.locator(f"#{box.get_attribute('aria-activedescendant')}")
    expect(chosen).to_have_attribute("aria-selected", "true")
    label = chosen.inner_text()
    box.press("Enter")
    expect(box).to_have_value(label)
    page.wait_for_url(re.compile("near=Sandvika"))


def test_a_place_nobody_knows_is_said_and_what_was_typed_stays(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    search_for(page, "/search")
    box = page.get_by_label("Near a place")
    box.fill("Qwzxyrk")
    box.press("Enter")
    expect(page.locator("#near-error")).to_contain_text("No place of that name was found.")
    expect(box).to_have_value("Qwzxyrk")


def test_distances_are_measured_from_an_own_project(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="developer")
    search_for(page, "/search?kind=surplus")
    own = page.get_by_label("Or near one of your own")
    name = own.locator("option", has_text="boligfelt på Fornebu").first.inner_text()
    own.select_option(label=name)
    page.wait_for_url(re.compile("origin="))
    shown = page.locator("#results .mf-listing__distance")
    expect(shown.first).to_be_visible()
    # Another test may have hidden a position: that distance is rounded to a kilometre, past its neighbours.
    distances = [kilometres(text) for text in shown.all_inner_texts() if "about" not in text]
    assert distances == sorted(distances)
    assert distances[0] < 2


# Pointing -------------------------------------------------------------------------------------------------------------


def pin_of(page: Page, row: Locator) -> Locator:
    """The pin with a row's quantity in its name."""
    mass = row.locator(".mf-quantity").inner_text()
    return page.locator(f"#search-map .mf-pin[aria-label$='{mass}']")


def test_pointing_at_a_row_marks_its_pin_and_the_other_way_round(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    search_for(page, "/search?material=gravel")
    expect_map_and_list_to_agree(page)
    first, second = rows(page).nth(0), rows(page).nth(1)
    marked = page.locator("#search-map .mf-pin.is-active")
    first.hover()
    expect(pin_of(page, first)).to_have_class(re.compile("is-active"))
    expect(marked).to_have_count(1)
    second.hover()
    expect(pin_of(page, second)).to_have_class(re.compile("is-active"))
    expect(marked).to_have_count(1)
    page.locator(".mf-header").hover()
    expect(marked).to_have_count(0)

    pin_of(page, first).hover()
    expect(first).to_have_class(re.compile("is-active"))
    expect(second).not_to_have_class(re.compile("is-active"))
    page.locator(".mf-header").hover()
    expect(first).not_to_have_class(re.compile("is-active"))


def test_the_keyboard_marks_pins_as_well(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    search_for(page, "/search?material=gravel")
    expect_map_and_list_to_agree(page)
    rows(page).first.get_by_role("link").focus()
    expect(pin_of(page, rows(page).first)).to_have_class(re.compile("is-active"))


def test_a_cluster_opens_and_a_pin_leads_to_its_listing(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen)
    search_for(page, "/search?kind=surplus&view=map")
    expect_map_and_list_to_agree(page)
    zoom = "document.querySelector('#search-map .mf-map__canvas').mfMap.getZoom()"
    before = page.evaluate(zoom)
    page.locator("#search-map .mf-pin--cluster").first.click()
    page.wait_for_function(f"before => {zoom} > before || document.querySelector('.mf-popup__several')", arg=before)

    search_for(page, "/search?material=peat&view=map")
    page.locator("#search-map .mf-pin--surplus").click()
    popup = page.locator(".mf-popup")
    expect(popup).to_contain_text("Peat")
    expect(popup).to_be_in_viewport()
    popup.get_by_role("link", name="See the listing").click()
    page.wait_for_url(re.compile(r"/listings/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Peat")


def test_neighbours_are_told_apart_by_pressing(open_page: OpenPage, site: Site) -> None:
    """Two listings 56 m from each other, which a map of streets still shows as one."""
    with site.rows() as make:
        for east in (0, 0.001):
            make.listing(material="sand", position=(10.45 + east, 59.93), search_text="naboer")
    page = open_page(DESKTOP)
    search_for(page, "/search?q=naboer")
    page.evaluate("() => { timesShown = 0; document.addEventListener('mf:listings-shown', () => { timesShown++ }) }")
    pins = page.locator("#search-map .mf-pin:not(.mf-pin--facility, .mf-pin--origin)")
    while pins.count() < 2:
        before = page.evaluate("timesShown")
        pins.click()
        page.wait_for_function("before => timesShown > before", arg=before)
    expect(page.locator("#search-map .mf-pin--cluster")).to_have_count(0)


# Moving the map -------------------------------------------------------------------------------------------------------


def drag_map(page: Page, right: int) -> None:
    box = page.locator("#search-map .mf-map__canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.85
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y, steps=6)
    page.mouse.up()


def test_the_list_follows_the_map_when_asked_to(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    search_for(page, "/search")
    everything = total(page)
    here = page.get_by_role("button", name="Search here")
    expect(here).to_be_hidden()
    drag_map(page, 250)
    here.click()
    page.wait_for_url(re.compile("area="))
    expect(here).to_be_hidden()
    expect_map_and_list_to_agree(page)
    some = total(page)
    assert 0 < some < everything

    page.get_by_label("Search as I move the map").check()
    page.wait_for_function(f"() => {AT_REST}")
    drag_map(page, 200)
    page.wait_for_function(f"some => {AT_REST} && ({IN_LIST}) < some", arg=some)
    expect_map_and_list_to_agree(page)
    page.get_by_label("Search as I move the map").uncheck()
    expect(page.locator("#results-title")).to_have_text(f"{everything} listings")


# The address ----------------------------------------------------------------------------------------------------------


def test_the_address_holds_the_whole_state(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen)
    search_for(page, "/search")
    everything = total(page)
    choose_kind(page, "surplus")
    page.wait_for_url(re.compile("kind=surplus"))
    surpluses = total(page)
    choose_group(page, "soil")
    page.wait_for_url(re.compile("group=soil"))
    expect_map_and_list_to_agree(page)
    soil, found = page.url, ids(page)

    page.reload()
    wait_for_maps(page)
    assert (page.url, ids(page)) == (soil, found)
    expect(page.locator("input[name=kind][value=surplus]")).to_be_checked()
    expect(page.locator("input[name=group][value=soil]")).to_be_checked()
    expect_map_and_list_to_agree(page)

    page.go_back()
    expect(page.locator("#results-title")).to_have_text(f"{surpluses} listings")
    expect(page.locator("input[name=kind][value=surplus]")).to_be_checked()
    expect(page.locator("input[name=group][value=soil]")).not_to_be_checked()
    wait_for_maps(page)
    expect_map_and_list_to_agree(page)
    page.go_back()
    expect(page.locator("#results-title")).to_have_text(f"{everything} listings")
    expect(page.locator("input[name=kind][value='']")).to_be_checked()
    wait_for_maps(page)
    expect_map_and_list_to_agree(page)
    page.go_forward()
    expect(page.locator("#results-title")).to_have_text(f"{surpluses} listings")
    expect(page.locator("input[name=kind][value=surplus]")).to_be_checked()


def test_coming_back_from_a_listing_finds_the_search_as_it_was(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen)
    search_for(page, "/search")
    choose_kind(page, "demand")
    page.wait_for_url(re.compile("kind=demand"))
    address, found = page.url, ids(page)
    rows(page).first.get_by_role("link").click()
    page.wait_for_url(re.compile(r"/listings/\d+$"))
    page.go_back()
    wait_for_maps(page)
    assert (page.url, ids(page)) == (address, found)
    expect(page.locator("input[name=kind][value=demand]")).to_be_checked()
    expect_map_and_list_to_agree(page)


def test_pages_of_results_follow_each_other(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    search_for(page, "/search")
    first = ids(page)
    page.locator("#results a[rel=next]").click()
    expect(page.locator("#results-title")).to_be_focused()
    second = ids(page)
    assert not set(first) & set(second)
    expect(page.locator("#results .mf-paging__summary")).to_contain_text(str(len(first) + 1))
    page.locator("#results a[rel=prev]").click()
    expect(page.locator(f"#results [data-listing-id='{first[0]}']")).to_be_visible()
    assert ids(page) == first


def test_the_order_can_be_chosen(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    search_for(page, "/search?kind=surplus")
    page.get_by_label("Order").select_option("quantity")
    page.wait_for_url(re.compile("sort=quantity"))
    shown = page.locator("#results .mf-quantity").all_inner_texts()
    masses = [int(re.sub(r"\D", "", re.split(r"\st\b", text)[0])) for text in shown]  # 700 t left of 1,000 t
    assert masses == sorted(masses, reverse=True)


# Nothing found --------------------------------------------------------------------------------------------------------


def test_where_nothing_fits_the_page_shows_ways_out(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen)
    search_for(page, "/search?kind=demand&material=peat")
    expect(page.locator("#results-title")).to_have_text("No listings")
    expect_map_and_list_to_agree(page)
    assert serious_issues(page) == []
    assert overflow_px(page) == 0
    way = page.locator("#results a[data-drop]:not(.mf-chosen__chip, .mf-chosen__clear)").first
    expect(way).to_be_visible()
    way.click()
    expect(rows(page).first).to_be_visible()
    expect_map_and_list_to_agree(page)


def test_words_that_nobody_wrote_can_be_taken_back(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    search_for(page, "/search?q=qwzxyrk")
    expect(page.locator("#results-title")).to_have_text("No listings")
    expect(page.get_by_role("link", name=re.compile("^Post "))).to_be_visible()
    page.locator("#results a[data-drop]").first.click()
    expect(rows(page).first).to_be_visible()
    expect(page.get_by_label("Material, project or other words")).to_have_value("")


# A phone shows one of both --------------------------------------------------------------------------------------------


def test_a_phone_shows_the_list_or_the_map(open_page: OpenPage) -> None:
    page = open_page(PHONE)
    search_for(page, "/search?kind=surplus")
    expect(rows(page).first).to_be_in_viewport()
    expect(page.locator("#search-map")).to_be_hidden()
    page.get_by_role("link", name="Map", exact=True).click()
    expect(page.locator("#search-map")).to_be_visible()
    expect(page.locator("#search-list")).to_be_hidden()
    assert query(page)["view"] == ["map"]
    expect_map_and_list_to_agree(page)

    page.reload()
    wait_for_maps(page)
    expect(page.locator("#search-map")).to_be_visible()
    expect(page.get_by_role("link", name="Leaflet")).to_be_in_viewport(ratio=1)
    page.get_by_role("link", name="List", exact=True).click()
    expect(rows(page).first).to_be_visible()
    expect(page.locator("#search-map")).to_be_hidden()
    assert "view" not in query(page)


def test_the_filters_of_a_phone_are_for_everybody(open_page: OpenPage) -> None:
    page = open_page(PHONE)
    search_for(page, "/search")
    open_filters(page)
    assert serious_issues(page) == []
    assert overflow_px(page) == 0
    expect(page.get_by_role("button", name="Show the listings")).to_be_in_viewport()


# Without JavaScript ---------------------------------------------------------------------------------------------------


def test_searching_works_without_scripts(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, java_script_enabled=False)
    page.goto("/search")
    page.locator(".mf-segments__one", has=page.locator("input[value=surplus]")).click()
    page.get_by_label("Near a place").fill("Sandvika")
    page.get_by_label("Within").select_option("25")
    open_filters(page)
    page.locator("input[name=group][value=stone]").check()
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url(re.compile("group=stone"))
    expect(rows(page).first).to_be_visible()
    expect(page.locator("#results .mf-listing:not(.mf-listing--stone)")).to_have_count(0)
    expect(page.locator("#results .mf-listing--is-demand")).to_have_count(0)
    distances = [kilometres(text) for text in page.locator("#results .mf-listing__distance").all_inner_texts()]
    assert distances == sorted(distances)
    assert distances[-1] <= 25

    page.locator(".mf-chosen").get_by_role("link", name=re.compile("Stone")).click()
    expect(page.locator("#results .mf-listing--soil").first).to_be_visible()
    page.get_by_label("Order").select_option("quantity")
    page.get_by_role("button", name="Sort").click()
    page.wait_for_url(re.compile("sort=quantity"))
