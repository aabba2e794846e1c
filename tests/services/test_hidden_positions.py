"""Hidden positions in step: what moves, copies or counts a listing goes by where it really is."""

import pytest
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from geo.crs import from_stored
from geo.geometry import BLUR_RADIUS_M, Position
from marketplace.models import Listing, Project, User
from marketplace.queries.positions import exact_position_of
from marketplace.queries.projects import position_of
from marketplace.services.listings import duplicate_listing
from marketplace.services.projects import ProjectDetails, update_project
from marketplace.services.relocation import relocate
from tests.conftest import NOW
from tests.factories import BAERUM, SANDVIKA, Factory, stored_point

OSLO = "0301"
TOWN_HALL = (10.7336, 59.9118)
"""(lon, lat) in Oslo."""


@pytest.fixture
def owner(make: Factory) -> User:
    return make.member()


@pytest.fixture
def project(make: Factory, owner: User) -> Project:
    return make.project(owner.memberships[0].organisation)


@pytest.fixture
def hidden(make: Factory, project: Project) -> Listing:
    """Shown in Oslo, and really in Sandvika."""
    return make.listing(
        project=project,
        project_id=project.id,
        position=TOWN_HALL,
        hides_position=True,
        exact_position_25833=stored_point(SANDVIKA),
    )


def test_a_project_that_moves_takes_its_hidden_listings_along(
    make: Factory, session: Session, owner: User, project: Project, hidden: Listing
) -> None:
    shown = make.listing(project=project, project_id=project.id)
    details = ProjectDetails(
        name=project.name,
        kind=project.kind,
        builder=project.builder,
        site=shapely.Point(TOWN_HALL),
        starts_on=project.starts_on,
        ends_on=project.ends_on,
    )
    update_project(session, make.actor(owner), project_id=project.id, details=details, now=NOW)
    session.refresh(hidden)
    there = Position(lon=TOWN_HALL[0], lat=TOWN_HALL[1])

    assert exact_position_of(hidden).distance_m(there) < 0.1
    assert 0.1 < position_of(hidden).distance_m(there) < BLUR_RADIUS_M + 1
    assert position_of(shown).distance_m(there) < 0.1
    assert hidden.municipality_number == shown.municipality_number == OSLO

    moved_to = position_of(hidden)
    update_project(session, make.actor(owner), project_id=project.id, details=details, now=NOW)
    session.refresh(hidden)
    assert position_of(hidden) == moved_to, "where nothing moves, nothing is told"


def test_a_hidden_listing_lies_in_the_municipality_where_it_really_is(session: Session, hidden: Listing) -> None:
    hidden.municipality_number = OSLO
    session.flush()

    assert hidden.id in relocate(session, Listing)
    session.refresh(hidden)
    assert hidden.municipality_number == BAERUM


def test_a_copy_hides_what_its_original_hides(make: Factory, session: Session, owner: User, hidden: Listing) -> None:
    copy = duplicate_listing(session, make.actor(owner), listing_id=hidden.id, now=NOW)
    session.refresh(copy)

    assert copy.hides_position
    assert copy.exact_position_25833 is not None
    assert from_stored(to_shape(copy.exact_position_25833)).x == pytest.approx(SANDVIKA[0], abs=1e-7)
    assert position_of(copy) == position_of(hidden)
    assert copy.passport_token != hidden.passport_token
