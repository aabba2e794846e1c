"""Projects: the places masses come from and go to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely import Point
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.geometry import Site, position_of
from geo.units import SRID_STORED
from marketplace.actor import Actor
from marketplace.errors import FieldError, Forbidden, InvalidInput, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Listing, Project
from marketplace.queries.municipalities import locate_municipality
from marketplace.queries.positions import Blur
from marketplace.services.editing import (
    DESCRIPTION_LIMIT,
    NAME_LIMIT,
    period_problems,
    require_unchanged,
    text_problems,
)
from marketplace.services.listings import position_values
from marketplace.services.search_text import refresh_search_text
from marketplace.text import clean_line, clean_text
from marketplace.types import ListingStatus, ProjectKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDetails:
    """What a person says about a project. `site` is in EPSG:4326, read by `geo.geometry.read_site`."""

    name: str
    kind: ProjectKind
    builder: str
    site: Site
    starts_on: date
    ends_on: date
    description: str = ""


def create_project(
    session: Session,
    actor: Actor,
    *,
    organisation_id: int,
    details: ProjectDetails,
    now: datetime,
    is_example: bool = False,
) -> Project:
    """A new project of an organisation that the actor may post for.

    Raises:
        Forbidden: the actor may not.
        InvalidInput: some of the details cannot be taken.
    """
    if actor.user_id is None or not actor.can_edit(organisation_id):
        raise Forbidden
    details = _checked(details, now=now)
    project = Project(organisation_id=organisation_id, created_by_id=actor.user_id, is_example=is_example)
    _apply(session, project, details)
    session.add(project)
    session.flush()
    return project


def update_project(
    session: Session,
    actor: Actor,
    *,
    project_id: int,
    details: ProjectDetails,
    now: datetime,
    seen_version: str | None = None,
) -> Project:
    """The project with new details; its listings go with it to a new site, unless they are closed or stand elsewhere.

    Raises:
        NotFound: there is no such project.
        Forbidden: the actor may not change it.
        ChangedMeanwhile: it is not as it was at `seen_version` (see `services.editing`).
        InvalidInput: some of the details cannot be taken.
    """
    project = _locked(session, project_id)
    if not actor.can_edit(project.organisation_id):
        raise Forbidden
    require_unchanged(project, seen_version)
    _apply(session, project, _checked(details, now=now))
    project.updated_at = now
    session.flush()
    _move_listings(session, project, now=now)
    refresh_search_text(session, project_id=project.id)
    return project


def _locked(session: Session, project_id: int) -> Project:
    """The project as it stands now; two editors take turns."""
    query = (
        select(Project)
        .where(Project.id == project_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    project = session.scalars(query).one_or_none()
    if project is None:
        raise NotFound
    return project


def _checked(details: ProjectDetails, *, now: datetime) -> ProjectDetails:
    cleaned = ProjectDetails(
        name=clean_line(details.name),
        kind=details.kind,
        builder=clean_line(details.builder),
        site=details.site,
        starts_on=details.starts_on,
        ends_on=details.ends_on,
        description=clean_text(details.description),
    )
    problems = tuple(_problems(cleaned, now=now))
    if problems:
        raise InvalidInput(*problems)
    return cleaned


def _problems(details: ProjectDetails, *, now: datetime) -> Iterator[FieldError]:
    yield from text_problems(details.name, field="name", limit=NAME_LIMIT, missing=N_("Enter the project's name."))
    yield from text_problems(details.builder, field="builder", limit=NAME_LIMIT, missing=N_("Enter who builds."))
    yield from text_problems(details.description, field="description", limit=DESCRIPTION_LIMIT)
    yield from period_problems(
        details.starts_on, details.ends_on, first_field="starts_on", last_field="ends_on", now=now
    )


def _apply(session: Session, project: Project, details: ProjectDetails) -> None:
    position = position_of(details.site)
    municipality = locate_municipality(session, position)
    if municipality is None:
        raise field_error("site", N_("The position is outside Norway, or too far out at sea. Move it to the site."))
    project.name, project.kind, project.builder = details.name, details.kind, details.builder
    project.description = details.description
    project.starts_on, project.ends_on = details.starts_on, details.ends_on
    project.site_25833 = _stored(details.site)
    project.position_25833 = _stored(Point(position.lon, position.lat))
    project.municipality_number = municipality.number


def _stored(geometry: BaseGeometry) -> WKBElement:
    return from_shape(to_stored(geometry), srid=SRID_STORED)


def _move_listings(session: Session, project: Project, *, now: datetime) -> None:
    """Bring the project's listings to where it is now. A closed one stays where it was when it was dealt with."""
    exact_position = func.coalesce(Listing.exact_position_25833, Listing.position_25833)
    moving = (
        select(Listing.id)
        .where(Listing.project_id == project.id, ~Listing.has_own_position, Listing.status != ListingStatus.CLOSED)
        .where(func.ST_Distance(exact_position, project.position_25833) > 0)
        .order_by(Listing.id)
        .with_for_update(key_share=True)  # in id order, as everything that changes several listings
    )
    ids = session.scalars(moving).all()
    point_25833 = to_shape(project.position_25833)
    assert isinstance(point_25833, Point)
    blur = Blur(session, organisation_id=project.organisation_id)
    for hides_position in (False, True):
        session.execute(
            update(Listing)
            .where(Listing.id.in_(ids), Listing.hides_position == hides_position)
            .values(
                **position_values(point_25833, blur=blur, hides_position=hides_position),
                municipality_number=project.municipality_number,
                updated_at=now,
            )
            .execution_options(synchronize_session="fetch")
        )
