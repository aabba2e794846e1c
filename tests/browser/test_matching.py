"""Who nearby it fits: found on the map, told with distances and reasons, and seen by both sides."""

import re
from datetime import date, timedelta

from playwright.sync_api import Locator, Page, expect
from pyproj import Geod

from tests.browser.checks import overflow_px, serious_issues, wait_for_maps
from tests.browser.visitor import DESKTOP, PHONE, OpenPage, Screen, path_of

LISTING = re.compile(r"/listings/\d+$")
PROJECT = re.compile(r"/projects/\d+$")
NEED_AT_FORNEBU = "Eksempel: boligfelt på Fornebu"
WGS84 = Geod(ellps="WGS84")


def matches(page: Page) -> Locator:
    return page.locator("#matches .mf-matches [data-listing-id]")


def near_misses(page: Page) -> Locator:
    return page.locator("#matches .mf-near[data-listing-id]")


def matched_ids(page: Page) -> list[str]:
    return [str(each) for each in matches(page).evaluate_all("rows => rows.map(row => row.dataset.listingId)")]


def open_own_project(page: Page, name: str) -> None:
    """Leaf through the projects to it: what earlier tests made stands before those of the demo."""
    page.goto("/projects")
    main = page.get_by_role("main")
    wanted = main.get_by_role("link", name=name)
    while not wanted.count():
        here = page.url
        main.get_by_role("link", name="Next").click()
        page.wait_for_url(lambda url: url != here)  # noqa: B023 - is called before the next turn
    wanted.click()
    page.wait_for_url(PROJECT)


def open_own_listing(page: Page, *, project: str, material: str) -> None:
    open_own_project(page, project)
    page.locator("main .mf-listing", has_text=material).get_by_role("link").first.click()
    page.wait_for_url(LISTING)


def position(page: Page) -> tuple[float, float]:
    """(lon, lat) as a listing's page tells it in English."""
    text = page.locator("aside.mf-split__aside").inner_text()
    found = re.search(r"([\d.]+) N, ([\d.]+) E", text)
    assert found, text
    return float(found[2]), float(found[1])


def kilometres(text: str) -> float:
    """How far it is as the crow flies, which stands beside what it is by road."""
    found = re.search(r"([\d.,]+)\s(km|m)\s+as the crow flies", text)
    assert found, f"no distance in {text!r}"
    number = float(found[1].replace(",", ""))
    return number if found[2] == "km" else number / 1000


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    return WGS84.inv(*one, *other)[2] / 1000


def press_until_single(page: Page) -> Locator:
    """Press clusters, the first each time, until a pin of one listing, or of one spot, can be pressed; its popup."""
    popup = page.locator(".leaflet-popup")
    single = page.locator("#search-map .mf-pin--surplus:not(.mf-pin--cluster)")
    page.evaluate("() => { timesShown = 0; document.addEventListener('mf:listings-shown', () => { timesShown++ }) }")
    while not single.count():
        before = page.evaluate("timesShown")
        page.locator("#search-map .mf-pin--cluster").first.click()
        page.wait_for_function("before => timesShown > before || document.querySelector('.leaflet-popup')", arg=before)
        if popup.count():
            return popup
    single.first.click()
    expect(popup).to_be_visible()
    return popup


def test_a_developer_finds_rock_on_the_map_and_sees_whom_it_fits(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="developer")
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Find masses").click()
    page.wait_for_url(re.compile(r"/search\?kind=surplus"))
    page.get_by_label("Near a place").fill("Fornebu")
    page.get_by_role("option", name=re.compile("^Fornebu")).first.click()
    page.wait_for_url(re.compile("near=Fornebu"))
    if screen.is_phone:
        page.get_by_role("link", name="Map", exact=True).click()
    wait_for_maps(page)
    popup = press_until_single(page)
    title = popup.locator(".mf-popup__title").first.inner_text()
    popup.get_by_role("link", name="See the listing").first.click()
    page.wait_for_url(LISTING)
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.sub(r" [\d/.]+\smm$", "", title))
    expect(page.get_by_role("heading", name="Who can use it nearby")).to_be_visible()
    expect(page.locator("#matches")).to_contain_text(NEED_AT_FORNEBU)


def test_each_match_says_how_far_how_much_and_why(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="developer")
    open_own_listing(page, project=NEED_AT_FORNEBU, material="Blasted rock")
    expect(matches(page).first).to_be_visible()
    for row in matches(page).all():
        expect(row.locator(".mf-match__figure").first).to_contain_text(
            re.compile(r"[\d.]+\s(km|m)\s*as the crow flies")
        )
        expect(row.locator(".mf-match__figure").nth(1)).to_contain_text(
            re.compile(r"Covers (the whole need|\d+% of the need)")
        )
        expect(row.locator(".mf-term__title").first).to_be_visible()
        expect(row.locator(".mf-term--miss")).to_have_count(0)
    wait_for_maps(page)
    assert serious_issues(page) == []
    assert overflow_px(page) == 0


def test_the_distance_is_the_one_between_the_two_places(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="developer")
    open_own_listing(page, project=NEED_AT_FORNEBU, material="Blasted rock")
    here = position(page)
    told = {}
    for row in matches(page).all():
        href = row.get_by_role("link").first.get_attribute("href") or ""
        told[href] = kilometres(row.locator(".mf-match__figure").first.inner_text())
    assert len(told) > 1
    for href, shown in told.items():
        page.goto(href)
        assert abs(distance_km(here, position(page)) - shown) <= 0.006 * shown + 0.06


def test_a_match_goes_both_ways(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="developer")
    open_own_listing(page, project=NEED_AT_FORNEBU, material="Blasted rock")
    need = path_of(page)
    figure = matches(page).first.locator(".mf-match__figure").first.inner_text()
    matches(page).first.get_by_role("link").first.click()
    page.wait_for_url(lambda url: not url.endswith(need))
    back = matches(page).filter(has=page.locator(f"a[href='{need}']"))
    expect(back.locator(".mf-match__figure").first).to_have_text(figure, use_inner_text=True)


def test_what_nearly_fits_says_what_would_have_to_change(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="developer")
    open_own_listing(page, project=NEED_AT_FORNEBU, material="Topsoil")
    expect(page.get_by_role("heading", name="Nearly fits")).to_be_visible()
    row = near_misses(page).first
    expect(row.locator(".mf-term--miss")).to_contain_text(re.compile(r"Available about \w+ months too early"))
    reasons = row.locator(".mf-near__fits")
    expect(reasons).to_be_hidden()
    row.get_by_text("What fits already").click()
    expect(reasons).to_contain_text("The same material")
    own = matched_ids(page)
    assert own
    assert not set(own) & {
        str(each) for each in near_misses(page).evaluate_all("rows => rows.map(row => row.dataset.listingId)")
    }


def test_a_row_and_its_pin_mark_each_other(open_page: OpenPage) -> None:
    page = open_page(DESKTOP, who="developer")
    open_own_listing(page, project=NEED_AT_FORNEBU, material="Topsoil")
    wait_for_maps(page)
    page.set_viewport_size({"width": 1440, "height": 2200})
    marked = page.locator(".mf-map .mf-pin.is-active")
    matches(page).first.hover()
    expect(marked).to_have_count(1)
    near_misses(page).first.hover()
    expect(marked).to_have_count(1)
    page.locator(".mf-header").hover()
    expect(marked).to_have_count(0)


def test_a_project_shows_the_matches_of_all_its_listings(open_page: OpenPage, screen: Screen) -> None:
    for who, project in (("developer", NEED_AT_FORNEBU), ("contractor", "E18 Vestkorridoren: Strand–Holtet")):
        page = open_page(screen, who=who)
        open_own_project(page, project)
        published = page.locator("main .mf-listing", has_text="Published")
        groups = page.locator("#matches .mf-matchgroup")
        expect(groups).to_have_count(published.count())
        wanted = {str(each.get_attribute("href")) for each in published.get_by_role("link").all()}
        shown = {str(each.get_attribute("href")) for each in page.locator(".mf-matchgroup__title a").all()}
        assert shown == wanted
        expect(page.locator("#matches .mf-near").first).to_contain_text(re.compile(r"[\d.]+\s(km|m)\b"))
        expect(page.locator("#matches .mf-near").first.locator(".mf-term").first).to_be_visible()


def test_all_matches_of_a_listing_are_on_one_page_with_a_map(open_page: OpenPage, screen: Screen) -> None:
    page = open_page(screen, who="developer", locale="nb")
    page.goto("/search?kind=surplus&material=blasted_rock")
    page.locator("#results .mf-listing__link").first.click()
    page.wait_for_url(LISTING)
    page.goto(f"{path_of(page)}/matches")
    expect(page.locator(".mf-matches [data-listing-id]").first).to_be_visible()
    wait_for_maps(page)
    assert page.locator(".mf-map .mf-pin").count() > 1
    assert serious_issues(page) == []
    assert overflow_px(page) == 0


def test_what_a_contractor_posts_on_the_phone_the_developer_sees_at_once(open_page: OpenPage) -> None:
    """The main job, from both sides."""
    developer = open_page(DESKTOP, who="developer")
    open_own_listing(developer, project=NEED_AT_FORNEBU, material="Crushed rock")
    need, where = path_of(developer), position(developer)

    contractor = open_page(
        PHONE,
        who="contractor",
        geolocation={"longitude": where[0] + 0.01, "latitude": where[1]},
        permissions=["geolocation"],
    )
    contractor.goto("/listings/new?kind=surplus")
    contractor.get_by_label("Project", exact=True).select_option("")
    contractor.get_by_role("button", name="Use my position").click()
    expect(contractor.locator("[data-mf-drawing-status]")).to_contain_text("The point is set.")
    contractor.locator(".mf-materialcard", has=contractor.locator("input[value=crushed_rock]")).click()
    contractor.locator("#fraction").fill("16/32")
    contractor.get_by_label("Quantity", exact=True).fill("4000")
    contractor.get_by_label("First day").fill((date.today() + timedelta(days=30)).isoformat())
    contractor.get_by_label("Last day").fill((date.today() + timedelta(days=150)).isoformat())
    contractor.locator(".mf-presscard", has=contractor.locator("input[value=origin]")).click()
    contractor.locator("#virgin_basis").fill("Knust av stein fra urørt fjell")
    contractor.locator("#not_acid_forming").check()
    contractor.get_by_role("button", name="Publish").click()
    contractor.wait_for_url(re.compile("published=1"))
    offer = re.sub(r"\?.*", "", path_of(contractor))

    theirs = contractor.locator("#matches [data-listing-id]", has=contractor.locator(f"a[href='{need}']"))
    expect(theirs).to_contain_text("Covers the whole need")
    expect(theirs).to_contain_text("The same material")

    developer.reload()
    ours = developer.locator("#matches [data-listing-id]", has=developer.locator(f"a[href='{offer}']"))
    expect(ours).to_contain_text("Covers the whole need")
    shown = kilometres(ours.locator(".mf-match__figure").first.inner_text())
    assert abs(shown - distance_km(where, (where[0] + 0.01, where[1]))) < 0.02
    assert ours.get_attribute("data-listing-id") == matched_ids(developer)[0], "the nearest that fits comes first"

    contractor.get_by_role("button", name="Pause").click()
    expect(contractor.get_by_text("This listing is paused.")).to_be_visible()
    developer.reload()
    expect(matches(developer).first).to_be_visible()
    expect(ours).to_have_count(0)


def test_matches_need_no_scripts(open_page: OpenPage) -> None:
    page = open_page(PHONE, who="developer", java_script_enabled=False)
    open_own_listing(page, project=NEED_AT_FORNEBU, material="Topsoil")
    expect(matches(page).first).to_be_visible()
    near_misses(page).first.get_by_text("What fits already").click()
    expect(near_misses(page).first.locator(".mf-near__fits")).to_be_visible()


def test_a_visitor_without_an_account_sees_what_fits(open_page: OpenPage) -> None:
    page = open_page(DESKTOP)
    page.goto("/search?kind=demand&material=clay")
    page.locator("#results .mf-listing__link").first.click()
    page.wait_for_url(LISTING)
    expect(page.get_by_role("heading", name="Who has it nearby")).to_be_visible()
    expect(matches(page).first).to_be_visible()
