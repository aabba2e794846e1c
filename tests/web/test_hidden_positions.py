"""A listing that hides its position: nobody but its own learns where the masses are, on whatever page they look."""

import re
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import urlencode
from uuid import UUID
from zipfile import ZipFile

import pypdf
import pytest
import shapely
from flask import Flask
from geoalchemy2.shape import to_shape
from sqlalchemy import update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from geo.crs import from_stored, to_stored
from geo.geometry import BLUR_RADIUS_M, Position
from marketplace.models import Installation, Listing, Project, User
from marketplace.queries.positions import Blur
from marketplace.queries.projects import position_of
from marketplace.services.listings import position_values
from marketplace.types import ListingKind, ListingStatus, Role
from marketplace.web.search_state import Origin, OriginKind, SearchState
from marketplace.web.search_state import address as search_address
from tests.conftest import Client
from tests.factories import SANDVIKA, Factory
from tests.meta.test_permissions import own_rules

SITE = Position(lon=10.534217, lat=59.917346)
"""Of the project: a point nobody would name by chance."""
PIN = Position(lon=10.551893, lat=59.926481)
"""Of a listing with a position of its own."""
NUMBER = re.compile(r"-?\d+[.,]\d{3,}|\b\d{6,7}(?:[.,]\d+)?\b")
NEAR_DEG = 0.0006
NEAR_M = 40.0


def hide(session: Session, listing: Listing, position: Position) -> Listing:
    blur = Blur(session, organisation_id=listing.organisation_id)
    point = to_stored(shapely.Point(position.lon, position.lat))
    for name, value in position_values(point, blur=blur, hides_position=True).items():
        setattr(listing, name, value)
    session.flush()
    return listing


class Scene:
    """A project with two hidden listings, and somebody near who needs what they have."""

    def __init__(self, make: Factory, session: Session) -> None:
        self.session, self.make = session, make
        session.execute(update(Installation).values(position_secret=UUID(int=20270301)))
        self.ours = make.organisation()
        self.member = make.member(self.ours, role=Role.VIEWER)
        self.project: Project = make.project(self.ours, position=(SITE.lon, SITE.lat))
        self.on_site = hide(session, self._surplus(), SITE)
        self.elsewhere = hide(session, self._surplus(has_own_position=True), PIN)
        self.stranger: User = make.member(role=Role.EDITOR)
        self.demand = make.listing(
            self.stranger.memberships[0].organisation, kind=ListingKind.DEMAND, position=SANDVIKA, mass_t=5000
        )

    def _surplus(self, **values: object) -> Listing:
        return self.make.listing(self.ours, project=self.project, project_id=self.project.id, **values)


@pytest.fixture
def scene(make: Factory, session: Session, client: Client) -> Scene:
    del client  # its application's sessions are bound to the test's transaction
    return Scene(make, session)


def public_pages(app: Flask, scene: Scene) -> Iterator[str]:
    """Every address that takes a GET and no more than ids of the scene's things."""
    listings = (scene.on_site, scene.elsewhere, scene.demand)
    subjects: dict[str, list[object]] = {
        "listing_id": [each.id for each in listings],
        "token": [each.passport_token for each in listings],
        "project_id": [scene.project.id],
        "organisation_id": [scene.ours.id],
    }
    urls = app.url_map.bind("localhost")
    for rule in own_rules(app):
        if "GET" not in (rule.methods or ()) or not rule.arguments <= set(subjects) or len(rule.arguments) > 1:
            continue
        if rule.endpoint.startswith(("styleguide.", "basemap.")):
            continue
        name = next(iter(rule.arguments), None)
        for value in subjects[name] if name else [None]:
            yield urls.build(rule.endpoint, {name: value} if name else {})
    for kind, subject in ((OriginKind.PROJECT, scene.project), (OriginKind.LISTING, scene.on_site)):
        with app.test_request_context():
            path = search_address(SearchState(origin=Origin(kind=kind, id=subject.id)))
        yield path
    box = {"bbox": "10.4,59.8,10.7,60.0", "zoom": 15}
    yield f"/search/map.json?{urlencode(box)}"
    yield "/search?q=" + scene.project.name
    yield "/search?near=Sandvika&at=10.52660,59.89060&within=20"


def places_given_away(text: str) -> list[tuple[float, float]]:
    """The true places, in degrees or in metres, of which both coordinates stand in a text."""
    numbers = [float(found.replace(",", ".")) for found in NUMBER.findall(text)]
    found = []
    for place in (SITE, PIN):
        point = to_stored(shapely.Point(place.lon, place.lat))
        for (x, y), near in (((place.lon, place.lat), NEAR_DEG), ((point.x, point.y), NEAR_M)):
            if all(any(abs(number - true) < near for number in numbers) for true in (x, y)):
                found.append((x, y))
    return found


def text_of(answer: TestResponse) -> str:
    if answer.mimetype == "application/pdf":
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(answer.data)).pages)
    if answer.data.startswith(b"PK"):  # a spreadsheet
        with ZipFile(BytesIO(answer.data)) as parts:
            return "\n".join(parts.read(name).decode(errors="replace") for name in parts.namelist())
    return answer.get_data(as_text=True)


def hidden_numbers(scene: Scene) -> list[tuple[float, float]]:
    """What is shown instead must not lie on the true coordinates by chance, or the test could not tell."""
    shown = [position_of(scene.on_site), position_of(scene.elsewhere)]
    return places_given_away(" ".join(f"{place.lon:.6f} {place.lat:.6f}" for place in shown))


@pytest.mark.parametrize("visitor", ["anonymous", "stranger"])
def test_no_public_page_gives_the_place_away(app: Flask, client: Client, scene: Scene, visitor: str) -> None:
    assert hidden_numbers(scene) == []
    if visitor == "stranger":
        client.log_in_as(scene.stranger)
    seen, told = 0, {}
    for path in public_pages(app, scene):
        answer = client.get(path)
        if answer.status_code != 200:
            continue
        seen += 1
        if found := places_given_away(text_of(answer)):
            told[path] = found
    assert told == {}
    assert seen > 12


def test_members_see_the_place(client: Client, scene: Scene) -> None:
    client.log_in_as(scene.member)

    for path, place in (
        (f"/listings/{scene.on_site.id}", SITE),
        (f"/listings/{scene.elsewhere.id}", PIN),
        (f"/listings/{scene.on_site.id}/matches", SITE),
        (f"/projects/{scene.project.id}", SITE),
    ):
        page = client.get(path).get_data(as_text=True)
        assert f"{place.lon:.6f}" in page, path
        assert places_given_away(page), "so the test of the public pages would have seen it"


def test_others_are_told_that_the_place_is_hidden(client: Client, scene: Scene) -> None:
    listing = client.in_english().get(f"/listings/{scene.on_site.id}").get_data(as_text=True)
    project = client.get(f"/projects/{scene.project.id}").get_data(as_text=True)

    assert "hidden to about 1 km" in listing
    assert '"radius_m": 1000.0' in listing
    assert "hidden to about 1 km" in project
    assert '"radius_m": 1000.0' in project


def test_distances_to_a_hidden_place_are_told_in_whole_kilometres(client: Client, scene: Scene) -> None:
    search = client.in_english().get("/search?near=Sandvika&at=10.52660,59.89060&within=20").get_data(as_text=True)
    matches = client.log_in_as(scene.stranger).get(f"/listings/{scene.demand.id}").get_data(as_text=True)

    for page in (search, matches):
        assert len(re.findall(r"about \d+\xa0km", page)) >= 2
        assert not re.search(r">\d+\.\d\xa0km<", page)


def test_what_is_shown_lies_within_a_kilometre(scene: Scene) -> None:
    for listing, true in ((scene.on_site, SITE), (scene.elsewhere, PIN)):
        assert 0 < position_of(listing).distance_m(true) <= BLUR_RADIUS_M + 1


def test_listings_of_one_place_are_moved_to_one_place(scene: Scene) -> None:
    blur = Blur(scene.session, organisation_id=scene.ours.id)
    again = hide(scene.session, scene._surplus(), SITE)

    assert position_of(again).distance_m(position_of(scene.on_site)) < 0.01
    assert blur.position(SITE).distance_m(position_of(scene.on_site)) < 0.01


def test_another_organisation_cannot_learn_the_place_by_trying(scene: Scene) -> None:
    other = Blur(scene.session, organisation_id=scene.stranger.memberships[0].organisation_id)

    assert other.position(SITE).distance_m(position_of(scene.on_site)) > 1


def test_the_site_shows_where_one_listing_stands_on_it_in_the_open(client: Client, scene: Scene) -> None:
    scene._surplus(position=(SITE.lon, SITE.lat))

    assert f"{SITE.lon:.6f}" in client.get(f"/projects/{scene.project.id}").get_data(as_text=True)


def test_a_listing_in_the_open_beside_the_site_does_not_show_the_site(client: Client, scene: Scene) -> None:
    scene._surplus(position=SANDVIKA, has_own_position=True)

    assert places_given_away(client.get(f"/projects/{scene.project.id}").get_data(as_text=True)) == []


def test_a_hidden_draft_hides_nothing_yet(client: Client, scene: Scene) -> None:
    for listing in (scene.on_site, scene.elsewhere):
        listing.status, listing.published_at, listing.renewed_at = ListingStatus.DRAFT, None, None
    scene.make.listing(
        scene.ours, kind=ListingKind.DEMAND, project=scene.project, project_id=scene.project.id, has_own_position=True
    )
    scene.session.flush()

    assert f"{SITE.lon:.6f}" in client.get(f"/projects/{scene.project.id}").get_data(as_text=True)


def test_the_form_hides_and_shows_again(client: Client, session: Session, make: Factory) -> None:
    editor = make.member(role=Role.EDITOR)
    project = make.project(editor.memberships[0].organisation, position=(SITE.lon, SITE.lat))
    client.log_in_as(editor)
    form = {
        "kind": "demand",
        "project_id": str(project.id),
        "material_key": "clay",
        "entered_value": "1200",
        "entered_unit": "t",
        "available_from": "2027-03-01",
        "available_to": "2027-06-01",
        "price_kind": "free",
        "loading": "giver",
        "haulage": "taker",
    }
    assert client.post("/listings/new", data=form | {"hides_position": "y", "action": "draft"}).status_code == 302
    listing = session.query(Listing).filter_by(project_id=project.id).one()
    hidden_at = position_of(listing)
    assert listing.hides_position
    assert listing.exact_position_25833 is not None
    assert from_stored(to_shape(listing.exact_position_25833)).x == pytest.approx(SITE.lon, abs=1e-7)
    assert hidden_at.distance_m(SITE) > 1

    edit = f"/listings/{listing.id}/edit"
    assert re.search(r'name="hides_position"[^>]*checked', client.get(edit).get_data(as_text=True))
    client.post(edit, data=form | {"hides_position": "y", "action": "save", "description": "Igjen"})
    session.expire_all()
    assert position_of(listing) == hidden_at, "saving again moves it no farther, and no other way"

    client.post(edit, data=form | {"action": "save"})
    session.expire_all()
    assert not listing.hides_position
    assert listing.exact_position_25833 is None
    assert position_of(listing).distance_m(SITE) < 0.1
