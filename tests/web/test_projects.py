"""Projects in the browser: who sees what, and what happens to what was typed."""

import json
import re

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from marketplace.models import Listing, Project, User
from marketplace.services.editing import edit_version
from marketplace.types import ListingStatus, PausedReason, Role
from tests.conftest import Client, QueryCounter
from tests.factories import Factory

SANDVIKA = '{"type":"Point","coordinates":[10.5266,59.8906]}'
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'

FORM = {
    "name": "E18 Lysaker",
    "builder": "Vegbyggerne",
    "kind": "road",
    "site": SANDVIKA,
    "starts_on": "2027-03-01",
    "ends_on": "2028-06-30",
    "description": "Adkomst fra nord",
}


@pytest.fixture
def editor(make: Factory) -> User:
    return make.member(role=Role.EDITOR)


@pytest.fixture
def browser(client: Client, editor: User) -> Client:
    return client.in_english().log_in_as(editor)


def polygon(*corners: tuple[float, float]) -> str:
    return json.dumps({"type": "Polygon", "coordinates": [[list(corner) for corner in corners]]})


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Project))


def message_beside(page: str, field: str) -> str:
    """The text of the message that stands beside a field, "" where there is none."""
    found = re.search(rf'id="{field}-error"[^>]*>(.*?)</div>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


# Making ---------------------------------------------------------------------------------------------------------------


def test_a_project_is_made_and_shown(browser: Client, session: Session) -> None:
    answer = browser.post("/projects/new", data=FORM, follow_redirects=True)
    assert answer.status_code == 200
    page = answer.text
    assert "E18 Lysaker" in page
    assert "Bærum" in page
    assert "Adkomst fra nord" in page
    assert session.scalars(select(Project.municipality_number)).one() == "3201"


def test_an_area_is_kept_as_it_was_drawn(browser: Client, session: Session) -> None:
    drawn = polygon((10.50, 59.88), (10.54, 59.88), (10.54, 59.90), (10.50, 59.88))
    browser.post("/projects/new", data=FORM | {"site": drawn})
    project = session.scalars(select(Project)).one()
    page = browser.get(f"/projects/{project.id}/edit").text
    written = json.loads(re.search(r'name="site" [^>]*value="([^"]*)"', page)[1].replace("&#34;", '"'))
    assert written["type"] == "Polygon"
    assert [10.54, 59.9] in written["coordinates"][0]


def test_typed_coordinates_serve_where_there_is_no_map(browser: Client, session: Session) -> None:
    browser.post("/projects/new", data=FORM | {"site": "", "lat": "59,8906", "lon": "10,5266"})
    assert session.scalars(select(Project.municipality_number)).one() == "3201"


def test_typed_coordinates_move_a_project_without_script(
    browser: Client, session: Session, make: Factory, editor: User
) -> None:
    project = make.project(editor.memberships[0].organisation)
    browser.post(f"/projects/{project.id}/edit", data=FORM | {"lat": "63.4305", "lon": "10.3951"})
    session.expire_all()
    assert project.municipality.name == "Trondheim"


BOW_TIE = polygon((10.50, 59.88), (10.54, 59.90), (10.54, 59.88), (10.50, 59.90), (10.50, 59.88))


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"name": ""}, "name", "Enter the project"),
        ({"name": "x" * 300}, "name", "at most 200"),
        ({"builder": "\x00 "}, "builder", "Enter who builds"),
        ({"kind": "spaceport"}, "kind", "Choose the kind"),
        ({"kind": ""}, "kind", "Choose the kind"),
        ({"site": ""}, "site", "Mark on the map"),
        ({"site": "not json"}, "site", "could not be read"),
        ({"site": '{"type":"Point","coordinates":[NaN,59.9]}'}, "site", "could not be read"),
        ({"site": '{"type":"Point","coordinates":[1e999,59.9]}'}, "site", "could not be read"),
        ({"site": '{"type":"Point","coordinates":[59.8906,10.5266]}'}, "site", "swapped"),
        ({"site": '{"type":"Point","coordinates":[2.35,48.85]}'}, "site", "outside Norway"),
        ({"site": '{"type":"Point","coordinates":[8.0,57.9]}'}, "site", "outside Norway"),
        ({"site": '{"type":"Point","coordinates":[597000,6640000]}'}, "site", "not degrees"),
        ({"site": '{"type":"LineString","coordinates":[[10.5,59.9],[10.6,59.9]]}'}, "site", "point or an area"),
        ({"site": BOW_TIE}, "site", "crosses itself"),
        ({"site": polygon((5.5, 58.9), (12, 58.9), (12, 65), (5.5, 58.9))}, "site", ""),
        ({"site": "", "lat": "10.5266", "lon": "59.8906"}, "lat", "swapped"),
        ({"site": "", "lat": "59.89", "lon": ""}, "lon", "both numbers"),
        ({"site": "", "lat": "north", "lon": "east"}, "lat", "could not be read"),
        ({"starts_on": "31.02.2027"}, "starts_on", "Enter a day"),
        ({"ends_on": "2027-02-01"}, "ends_on", "ends before it starts"),
        ({"ends_on": "9999-12-31"}, "ends_on", "between the years"),
        ({"ends_on": ""}, "ends_on", "Enter the last day"),
        ({"description": "x" * 5000}, "description", "at most 4000"),
    ],
)
def test_bad_input_is_refused_beside_its_field_and_nothing_typed_is_lost(
    browser: Client, session: Session, change: dict[str, str], field: str, says: str
) -> None:
    typed = FORM | change
    answer = browser.post("/projects/new", data=typed)
    assert answer.status_code == 422
    assert says in message_beside(answer.text, field)
    assert message_beside(answer.text, field)
    assert count(session) == 0
    for name, value in typed.items():
        kept = value.replace("\x00", "").strip()
        if name == "kind" and kept == "road":
            assert re.search(r'value="road"[^>]* checked', answer.text)
        elif kept and name != "kind" and name != "description":
            assert kept in answer.text.replace("&#34;", '"')
    assert typed["description"][:4000] in answer.text


def test_half_a_megabyte_of_text_comes_back(browser: Client, session: Session) -> None:
    long = "masse " * 100_000
    answer = browser.post("/projects/new", data=FORM | {"description": long})
    assert answer.status_code == 422
    assert "at most 4000" in message_beside(answer.text, "description")
    assert answer.text.count("masse ") > 99_000
    assert count(session) == 0


def test_ten_megabytes_are_refused_at_the_door(browser: Client, session: Session) -> None:
    answer = browser.post("/projects/new", data=FORM | {"description": "x" * 10_000_000})
    assert answer.status_code == 413
    assert "too large" in answer.text
    assert count(session) == 0


def test_html_is_shown_as_text(browser: Client) -> None:
    hostile = FORM | {"name": HOSTILE, "builder": HOSTILE, "description": HOSTILE}
    page = browser.post("/projects/new", data=hostile, follow_redirects=True).text
    assert HOSTILE not in page
    assert "onerror=alert(1)>" not in page
    assert "&lt;script&gt;alert(" in page
    index = browser.get("/projects").text
    assert HOSTILE not in index


def test_a_forged_organisation_is_no_choice(browser: Client, session: Session, make: Factory) -> None:
    for forged in (str(make.organisation().id), "0", "-1", "9" * 30, "x"):
        answer = browser.post("/projects/new", data=FORM | {"organisation_id": forged})
        assert answer.status_code == 422, forged
    assert count(session) == 0


# Changing -------------------------------------------------------------------------------------------------------------


def test_edit_starts_from_what_is_there(browser: Client, make: Factory, editor: User) -> None:
    project = make.project(editor.memberships[0].organisation, name="Gammelt navn", builder="Kommunen")
    page = browser.get(f"/projects/{project.id}/edit").text
    for value in ("Gammelt navn", "Kommunen", "2027-03-01", "2028-02-29"):
        assert value in page


def test_second_editor_is_asked_and_then_overwrites(
    browser: Client, session: Session, make: Factory, editor: User
) -> None:
    project = make.project(editor.memberships[0].organisation)
    seen = edit_version(project)
    browser.post(f"/projects/{project.id}/edit", data=FORM | {"name": "Den første", "version": seen})
    answer = browser.post(f"/projects/{project.id}/edit", data=FORM | {"name": "Den andre", "version": seen})
    assert answer.status_code == 409
    assert "Somebody else changed this" in answer.text
    assert "Den andre" in answer.text
    session.expire_all()
    assert project.name == "Den første"
    offered = re.search(r'name="version"[^>]*value="([^"]*)"', answer.text)[1]
    again = browser.post(f"/projects/{project.id}/edit", data=FORM | {"name": "Den andre", "version": offered})
    assert again.status_code == 302
    session.expire_all()
    assert project.name == "Den andre"


# Who sees what --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["/projects/{}", "/projects/{}/edit"])
def test_anothers_project_without_open_listings_is_not_there(browser: Client, make: Factory, page: str) -> None:
    project = make.project()
    make.listing(project=project, status=ListingStatus.DRAFT)
    assert browser.get(page.format(project.id)).status_code == 404


def test_anothers_public_project_is_seen_but_not_changed(browser: Client, session: Session, make: Factory) -> None:
    project = make.project(name="Andres")
    make.listing(project=project)
    assert browser.get(f"/projects/{project.id}").status_code == 200
    assert browser.get(f"/projects/{project.id}/edit").status_code == 403
    assert browser.post(f"/projects/{project.id}/edit", data=FORM).status_code == 403
    session.expire_all()
    assert project.name == "Andres"


def test_a_viewer_sees_but_does_not_change(client: Client, make: Factory) -> None:
    project = make.project()
    client.in_english().log_in_as(make.member(project.organisation, role=Role.VIEWER))
    page = client.get(f"/projects/{project.id}")
    assert page.status_code == 200
    assert f"/projects/{project.id}/edit" not in page.text
    assert "/listings/new" not in page.text
    assert client.get(f"/projects/{project.id}/edit").status_code == 403
    assert client.get("/projects/new").location == "/organisations?needed=editor"
    assert client.post("/projects/new").status_code == 403


def test_outsiders_see_published_listings_only(client: Client, make: Factory) -> None:
    project = make.project()
    shown = make.listing(project=project)
    hidden = [
        make.listing(project=project, status=ListingStatus.DRAFT),
        make.listing(project=project, status=ListingStatus.PAUSED),
    ]
    page = client.get(f"/projects/{project.id}").text
    assert f"/listings/{shown.id}" in page
    for each in hidden:
        assert f"/listings/{each.id}" not in page


@pytest.mark.parametrize("forged", ["0", "-1", "abc", "9223372036854775808", "9" * 40, "1;drop table project"])
def test_forged_ids_lead_nowhere(browser: Client, forged: str) -> None:
    assert browser.get(f"/projects/{forged}").status_code == 404


@pytest.mark.parametrize("forged", ["0", "-1", "abc", "9223372036854775808", "9" * 40, "²"])
def test_forged_cursors_count_for_nothing(browser: Client, make: Factory, editor: User, forged: str) -> None:
    make.project(editor.memberships[0].organisation, name="Eget prosjekt")
    answer = browser.get("/projects", query_string={"before": forged, "view": forged})
    assert answer.status_code == 200
    assert "Eget prosjekt" in answer.text


def test_a_visitor_sees_projects_with_open_listings(client: Client, make: Factory) -> None:
    project = make.project(name="Åpent prosjekt")
    make.listing(project=project, mass_t=1200)
    make.project(name="Lukket prosjekt")
    page = client.get("/projects").text
    assert "Åpent prosjekt" in page
    assert "Lukket prosjekt" not in page


def test_own_projects_are_paged_by_key(browser: Client, make: Factory, editor: User) -> None:
    organisation = editor.memberships[0].organisation
    names = [make.project(organisation, name=f"Nummer-{number:02}").name for number in range(45)]
    address, seen = "/projects", []
    while address:
        page = browser.get(address).text
        seen += re.findall(r"Nummer-\d\d", page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else None
    assert seen == list(reversed(names))
    back = re.search(r'rel="prev" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert re.findall(r"Nummer-\d\d", browser.get(back).text) == seen[20:40]


# Cost -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/projects", "/projects?view=all", "/projects/{}"])
def test_a_page_asks_the_same_for_one_row_and_three(
    browser: Client, make: Factory, editor: User, count_queries: QueryCounter, address: str
) -> None:
    organisation = editor.memberships[0].organisation
    project = make.project(organisation)
    make.listing(project=project)
    address = address.format(project.id)
    browser.get(address)
    with count_queries() as for_one:
        browser.get(address)
    for _ in range(2):
        make.listing(project=make.project(organisation))
        make.listing(project=project, organisation=organisation)
    with count_queries() as for_three:
        browser.get(address)
    assert len(for_three) == len(for_one)


# Many listings --------------------------------------------------------------------------------------------------------


def listings_on(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'data-listing-id="(\d+)"', page.split('id="matches"', maxsplit=1)[0])]


def test_a_projects_listings_are_paged_with_what_is_published_first(
    browser: Client, make: Factory, editor: User
) -> None:
    project = make.project(editor.memberships[0].organisation)
    published = [make.listing(project=project).id for _ in range(2)]
    paused = [
        make.listing(project=project, status=ListingStatus.PAUSED, paused_reason=PausedReason.OWNER).id
        for _ in range(3)
    ]
    drafts = [make.listing(project=project, status=ListingStatus.DRAFT).id for _ in range(40)]
    published.append(make.listing(project=project).id)
    address, seen = f"/projects/{project.id}", []
    while address:
        page = browser.get(address).text
        seen.append(listings_on(page))
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else None
    assert [len(each) for each in seen] == [20, 20, 6]
    assert [each for on_page in seen for each in on_page] == [*published[::-1], *drafts[::-1], *paused[::-1]]
    back = re.search(r'rel="prev" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert listings_on(browser.get(back).text) == seen[1]


def test_a_member_chooses_a_status_and_sees_how_many_there_are(browser: Client, make: Factory, editor: User) -> None:
    project = make.project(editor.memberships[0].organisation)
    shown = make.listing(project=project)
    drafts = [make.listing(project=project, status=ListingStatus.DRAFT).id for _ in range(25)]
    page = browser.get(f"/projects/{project.id}?status=draft").text
    assert listings_on(page) == drafts[:4:-1]
    assert re.findall(r'mf-tabs__count">(\d+)<', page) == ["26", "1", "25"]
    assert listings_on(browser.get(f"/projects/{project.id}?status=published").text) == [shown.id]
    assert "None of this kind" in browser.get(f"/projects/{project.id}?status=closed").text


def test_outsiders_are_told_nothing_of_what_is_not_published(client: Client, make: Factory) -> None:
    project = make.project()
    shown = make.listing(project=project)
    make.listing(project=project, status=ListingStatus.DRAFT)
    for status in ("draft", "published", "nonsense"):
        page = client.get(f"/projects/{project.id}?status={status}").text
        assert listings_on(page) == [shown.id]
        assert "mf-tabs__count" not in page


def test_sixty_listings_cost_what_a_page_of_them_does(
    browser: Client, session: Session, make: Factory, editor: User, count_queries: QueryCounter
) -> None:
    project = make.project(editor.memberships[0].organisation)
    for _ in range(20):
        make.listing(project=project, status=ListingStatus.DRAFT)
    browser.get(f"/projects/{project.id}")
    loaded: list[object] = []
    event.listen(Listing, "load", note := lambda row, _context: loaded.append(row))
    try:
        costs = []
        for _ in range(3):
            session.expunge_all()
            loaded.clear()
            with count_queries() as asked:
                assert browser.get(f"/projects/{project.id}").status_code == 200
            costs.append((len(asked), len(loaded)))
            for _ in range(20):
                make.listing(project=project, status=ListingStatus.DRAFT)
    finally:
        event.remove(Listing, "load", note)
    assert costs[0][0] == costs[1][0] == costs[2][0]
    assert costs[2][1] <= 21


@pytest.mark.parametrize(
    "path", ["/projects/{}/edit", "/projects/{}/plan", "/search?origin=project:{}", "/projects/{}"]
)
def test_no_page_reads_all_of_a_projects_listings(
    browser: Client, session: Session, make: Factory, editor: User, path: str
) -> None:
    project_id = make.project(editor.memberships[0].organisation).id
    for _ in range(25):
        make.listing(project=session.get(Project, project_id), status=ListingStatus.DRAFT)
    session.expunge_all()
    loaded: list[object] = []
    event.listen(Listing, "load", note := lambda row, _context: loaded.append(row))
    try:
        assert browser.get(path.format(project_id)).status_code == 200
    finally:
        event.remove(Listing, "load", note)
    assert len(loaded) <= 21
