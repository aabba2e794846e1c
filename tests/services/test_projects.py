"""Projects: what is taken, what is refused, and who may change them."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from geoalchemy2.shape import to_shape
from shapely import Point, Polygon
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.crs import from_stored
from marketplace.actor import NOBODY
from marketplace.errors import Forbidden, InvalidInput, NotFound
from marketplace.models import Listing, Project
from marketplace.services.editing import ChangedMeanwhile, edit_version
from marketplace.services.projects import ProjectDetails, create_project, update_project
from marketplace.types import ListingStatus, ProjectKind, Role
from tests.conftest import NOW
from tests.factories import Factory

SANDVIKA = Point(10.5266, 59.8906)
OSLO_CENTRE = Point(10.7522, 59.9139)
TRONDHEIM = Point(10.3951, 63.4305)

DETAILS = ProjectDetails(
    name="E18 Lysaker–Ramstadsletta",
    kind=ProjectKind.ROAD,
    builder="Vegbyggerne",
    site=SANDVIKA,
    starts_on=date(2027, 2, 1),
    ends_on=date(2028, 6, 30),
    description="Sprenging til og med 2027.",
)


def fields_of(refused: InvalidInput) -> set[str]:
    return {error.field for error in refused.errors}


def test_project_knows_its_municipality_from_its_site(session: Session, make: Factory) -> None:
    user = make.member()
    actor = make.actor(user)
    [organisation_id] = [m.organisation_id for m in actor.memberships]

    project = create_project(session, actor, organisation_id=organisation_id, details=DETAILS, now=NOW)

    session.expire_all()
    assert project.municipality.name == "Bærum"
    assert project.name == "E18 Lysaker–Ramstadsletta"
    assert project.created_by_id == user.id
    stored = from_stored(to_shape(project.position_25833))
    assert (stored.x, stored.y) == pytest.approx((SANDVIKA.x, SANDVIKA.y), abs=1e-7)


def test_polygon_site_gives_a_position_inside_it(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    actor = make.actor(make.member(organisation))
    ring = Polygon(
        [(10.50, 59.88), (10.56, 59.88), (10.56, 59.91), (10.50, 59.91)],
        holes=[[(10.51, 59.885), (10.51, 59.905), (10.55, 59.905), (10.55, 59.885)]],
    )
    project = create_project(
        session, actor, organisation_id=organisation.id, details=replace(DETAILS, site=ring), now=NOW
    )
    assert from_stored(to_shape(project.position_25833)).within(ring)
    assert to_shape(project.site_25833).geom_type == "Polygon"


def test_a_place_just_off_the_coast_belongs_to_the_nearest_municipality(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    actor = make.actor(make.member(organisation))
    quay = Point(10.595, 59.875)
    project = create_project(
        session, actor, organisation_id=organisation.id, details=replace(DETAILS, site=quay), now=NOW
    )
    assert project.municipality_number


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"builder": ""}, "builder"),
        ({"description": "x" * 4001}, "description"),
        ({"ends_on": date(2027, 1, 31)}, "ends_on"),
        ({"starts_on": date(1, 1, 1)}, "starts_on"),
        ({"ends_on": date(9999, 12, 31)}, "ends_on"),
        ({"site": Point(8.0, 57.9)}, "site"),
    ],
)
def test_what_cannot_be_taken_is_refused_at_its_field(
    session: Session, make: Factory, change: dict[str, object], field: str
) -> None:
    organisation = make.organisation()
    actor = make.actor(make.member(organisation))
    with pytest.raises(InvalidInput) as refused:
        create_project(session, actor, organisation_id=organisation.id, details=replace(DETAILS, **change), now=NOW)
    assert fields_of(refused.value) == {field}
    assert session.scalar(select(func.count()).select_from(Project)) == 0


def test_everything_wrong_is_said_at_once(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    actor = make.actor(make.member(organisation))
    wrong = replace(DETAILS, name="", builder="", ends_on=date(2026, 1, 1))
    with pytest.raises(InvalidInput) as refused:
        create_project(session, actor, organisation_id=organisation.id, details=wrong, now=NOW)
    assert fields_of(refused.value) == {"name", "builder", "ends_on"}


def test_control_characters_are_left_out(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    actor = make.actor(make.member(organisation))
    details = replace(DETAILS, name="E18\x00\n  Strand", description="En\x00 linje  \r\nEn til\x07\n\n")
    project = create_project(session, actor, organisation_id=organisation.id, details=details, now=NOW)
    assert project.name == "E18 Strand"
    assert project.description == "En linje\nEn til"


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_only_editors_post_for_an_organisation(session: Session, make: Factory, role: Role | None) -> None:
    organisation = make.organisation()
    actor = make.actor(make.member(organisation, role=role) if role else make.member())
    with pytest.raises(Forbidden):
        create_project(session, actor, organisation_id=organisation.id, details=DETAILS, now=NOW)


def test_nobody_posts_nothing(session: Session, make: Factory) -> None:
    with pytest.raises(Forbidden):
        create_project(session, NOBODY, organisation_id=make.organisation().id, details=DETAILS, now=NOW)


def test_editing_another_organisations_project_is_forbidden(session: Session, make: Factory) -> None:
    project = make.project(name="Før")
    with pytest.raises(Forbidden):
        update_project(session, make.actor(), project_id=project.id, details=DETAILS, now=NOW)
    session.expire_all()
    assert project.name == "Før"


def test_editing_a_project_that_is_not_there(session: Session, make: Factory) -> None:
    with pytest.raises(NotFound):
        update_project(session, make.actor(), project_id=2**62, details=DETAILS, now=NOW)


def test_second_editor_is_told_of_the_first(session: Session, make: Factory) -> None:
    project = make.project()
    actor = make.actor(make.member(project.organisation))
    seen = edit_version(project)
    update_project(
        session, actor, project_id=project.id, details=replace(DETAILS, name="Den første"), now=NOW, seen_version=seen
    )
    with pytest.raises(ChangedMeanwhile):
        update_project(
            session,
            actor,
            project_id=project.id,
            details=replace(DETAILS, name="Den andre"),
            now=NOW,
            seen_version=seen,
        )
    session.expire_all()
    assert project.name == "Den første"


def test_listings_follow_their_project_to_a_new_site(session: Session, make: Factory) -> None:
    project = make.project()
    follows = make.listing(project=project)
    own_pin = make.listing(project=project, has_own_position=True)
    closed = make.listing(project=project, status=ListingStatus.CLOSED, closed_at=NOW, closed_reason="owner")
    elsewhere = make.listing()
    actor = make.actor(make.member(project.organisation))

    update_project(session, actor, project_id=project.id, details=replace(DETAILS, site=TRONDHEIM), now=NOW)

    session.expire_all()
    towns = {listing.id: listing.municipality.name for listing in session.scalars(select(Listing))}
    assert towns == {follows.id: "Trondheim", own_pin.id: "Bærum", closed.id: "Bærum", elsewhere.id: "Bærum"}
    assert from_stored(to_shape(follows.position_25833)).distance(TRONDHEIM) < 1e-6


def test_listings_that_do_not_move_are_not_touched(session: Session, make: Factory) -> None:
    """An editor who has a listing open is not told of a change that did not concern it."""
    organisation = make.organisation()
    actor = make.actor(make.member(organisation))
    project = create_project(session, actor, organisation_id=organisation.id, details=DETAILS, now=NOW)
    listing = make.listing(project=project, position=(SANDVIKA.x, SANDVIKA.y))
    before = edit_version(listing)
    update_project(
        session, actor, project_id=project.id, details=replace(DETAILS, name="Nytt navn"), now=NOW + timedelta(hours=1)
    )
    session.expire_all()
    assert edit_version(listing) == before


def test_listings_are_found_by_their_projects_new_name(session: Session, make: Factory) -> None:
    project = make.project(name="Gammelt navn")
    listing = make.listing(project=project)
    actor = make.actor(make.member(project.organisation))
    update_project(session, actor, project_id=project.id, details=replace(DETAILS, name="Krokodillebrua"), now=NOW)
    found = select(Listing.id).where(
        Listing.search_vector.op("@@")(func.plainto_tsquery("norwegian", "krokodillebrua"))
    )
    assert session.scalars(found).all() == [listing.id]
