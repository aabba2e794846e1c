"""Reading projects: one, what is on it, an organisation's own, and those with something to offer."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import shapely
from geoalchemy2 import WKBElement
from geoalchemy2.shape import to_shape
from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select
from sqlalchemy.orm import Session, joinedload, undefer

from geo.crs import from_stored
from geo.geometry import Position, Site
from marketplace.models import Listing, Municipality, Organisation, Project
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import ListingKind, ListingStatus, ProjectKind

OPTIONS_AT_MOST = 100
"""Nobody finds a project in a longer list; one that is not in it is posted for from its own page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSummary:
    """A project as a list shows it; counts and tonnes are of its published listings."""

    id: int
    name: str
    kind: ProjectKind
    builder: str
    organisation_name: str
    municipality_name: str
    period: tuple[date, date]
    is_example: bool
    surplus_count: int
    surplus_t: Decimal
    demand_count: int
    demand_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectOption:
    """A project to choose for a listing, with what the listing takes from it unless told otherwise."""

    id: int
    name: str
    organisation_id: int
    organisation_name: str
    period: tuple[date, date]


def project_for_page(session: Session, *, project_id: int) -> Project | None:
    """The project with its organisation and municipality, and what its listings say of who may see it."""
    query = (
        select(Project)
        .where(Project.id == project_id)
        .options(
            joinedload(Project.organisation),
            joinedload(Project.municipality),
            undefer(Project.has_open_listings),
            undefer(Project.shows_site),
        )
    )
    return session.scalars(query).one_or_none()


STATUSES_IN_ORDER = (ListingStatus.PUBLISHED, ListingStatus.DRAFT, ListingStatus.PAUSED, ListingStatus.CLOSED)
"""As a project's page shows its listings, the newest of each first."""

STATUS_STEP = 1 << 56
"""More than any id: a listing's place on a project's page is one number, the steps of its status and its id."""

PLACE_ON_PAGE: ColumnElement[int] = (
    case(
        {status: step * STATUS_STEP for step, status in enumerate(reversed(STATUSES_IN_ORDER))},
        value=Listing.status,
    )
    + Listing.id
)


def listings_of_project(
    session: Session, *, project_id: int, statuses: Collection[ListingStatus], cursor: Cursor
) -> IdPage[Listing]:
    """Some of a project's listings, with their municipality; what is published first, then by `STATUSES_IN_ORDER`."""
    query = (
        select(Listing)
        .add_columns(PLACE_ON_PAGE.label("place"))
        .where(Listing.project_id == project_id, Listing.status.in_(statuses))
        .options(joinedload(Listing.municipality))
    )
    page = page_by_id(
        session,
        query,
        key=PLACE_ON_PAGE,
        make=lambda row: (row.Listing, row.place),
        id_of=lambda placed: placed[1],
        cursor=cursor,
    )
    return IdPage(items=tuple(listing for listing, _ in page.items), newer=page.newer, older=page.older)


def count_listings_of_project(session: Session, *, project_id: int) -> Mapping[ListingStatus, int]:
    """How many listings a project has of each status that any has."""
    query = select(Listing.status, func.count()).where(Listing.project_id == project_id).group_by(Listing.status)
    return dict(session.execute(query).all())


def projects_of(session: Session, *, organisation_ids: tuple[int, ...], cursor: Cursor) -> IdPage[ProjectSummary]:
    """The projects of some organisations."""
    return _summaries(session, Project.organisation_id.in_(organisation_ids), cursor=cursor)


def projects_with_open_listings(session: Session, *, cursor: Cursor) -> IdPage[ProjectSummary]:
    """The projects that everybody may see."""
    has_open = exists().where(Listing.project_id == Project.id, Listing.status == ListingStatus.PUBLISHED)
    return _summaries(session, has_open, cursor=cursor)


def project_options(
    session: Session,
    *,
    organisation_ids: tuple[int, ...],
    today: date,
    first_id: int | None = None,
    limit: int = OPTIONS_AT_MOST,
) -> tuple[ProjectOption, ...]:
    """The projects a listing can belong to: `first_id`, then those that are not over; the newest of each first."""
    query = (
        select(
            Project.id,
            Project.name,
            Project.organisation_id,
            Organisation.name.label("organisation_name"),
            Project.starts_on,
            Project.ends_on,
        )
        .join(Project.organisation)
        .where(Project.organisation_id.in_(organisation_ids))
        .order_by(Project.id.is_distinct_from(first_id), Project.ends_on < today, Project.id.desc())
        .limit(limit)
    )
    return tuple(
        ProjectOption(
            id=row.id,
            name=row.name,
            organisation_id=row.organisation_id,
            organisation_name=row.organisation_name,
            period=(row.starts_on, row.ends_on),
        )
        for row in session.execute(query)
    )


def position_of_project(session: Session, *, project_id: int) -> Position | None:
    """Where a project is, in degrees."""
    return _position(session.scalar(select(Project.position_25833).where(Project.id == project_id)))


def newest_position(session: Session, *, organisation_ids: tuple[int, ...]) -> Position | None:
    """Where the newest project of some organisations is: the next one is seldom at the other end of the country."""
    own = Project.organisation_id.in_(organisation_ids)
    return _position(session.scalar(select(Project.position_25833).where(own).order_by(Project.id.desc()).limit(1)))


def site_of(project: Project) -> Site:
    """The drawn site, in EPSG:4326."""
    site = from_stored(to_shape(project.site_25833))
    assert isinstance(site, shapely.Point | shapely.Polygon | shapely.MultiPolygon)
    return site


def position_of(row: Project | Listing) -> Position:
    """Where a project or listing is, in degrees."""
    position = _position(row.position_25833)
    assert position is not None
    return position


def _position(point_25833: WKBElement | None) -> Position | None:
    if point_25833 is None:
        return None
    point = from_stored(to_shape(point_25833))
    assert isinstance(point, shapely.Point)
    return Position(lon=point.x, lat=point.y)


def _summaries(session: Session, scope: ColumnElement[bool], *, cursor: Cursor) -> IdPage[ProjectSummary]:
    return page_by_id(
        session,
        _summary_query().where(scope),
        key=Project.id,
        make=lambda row: ProjectSummary(
            id=row.id,
            name=row.name,
            kind=row.kind,
            builder=row.builder,
            organisation_name=row.organisation_name,
            municipality_name=row.municipality_name,
            period=(row.starts_on, row.ends_on),
            is_example=row.is_example,
            surplus_count=row.surplus_count,
            surplus_t=row.surplus_t,
            demand_count=row.demand_count,
            demand_t=row.demand_t,
        ),
        id_of=lambda summary: summary.id,
        cursor=cursor,
    )


PROJECT_KINDS = (ListingKind.SURPLUS, ListingKind.DEMAND)
"""What a project posts; receptions belong to facilities."""


def _summary_query() -> Select[tuple[object, ...]]:
    open_sums = (
        select(*(column for kind in PROJECT_KINDS for column in _open_sums(kind)))
        .where(Listing.project_id == Project.id, Listing.status == ListingStatus.PUBLISHED)
        .correlate(Project)
        .lateral("open_sums")
    )
    return (
        select(
            Project.id,
            Project.name,
            Project.kind,
            Project.builder,
            Project.starts_on,
            Project.ends_on,
            Project.is_example,
            Organisation.name.label("organisation_name"),
            Municipality.name.label("municipality_name"),
            *open_sums.c,
        )
        .join(Project.organisation)
        .join(Project.municipality)
        .join(open_sums, and_(True))
    )


def _open_sums(kind: ListingKind) -> tuple[ColumnElement[int], ColumnElement[Decimal]]:
    of_kind = Listing.kind == kind
    return (
        func.count().filter(of_kind).label(f"{kind}_count"),
        func.coalesce(func.sum(Listing.left_t).filter(of_kind), 0).label(f"{kind}_t"),
    )
