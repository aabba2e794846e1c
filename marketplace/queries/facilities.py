"""Facilities: quarries, landfills, recycling plants and interim storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, func, select, tuple_
from sqlalchemy.orm import Session, joinedload

from geo.geometry import BBox, Position
from geo.postgis import lon_lat
from geo.units import SRID_STORED
from marketplace.models import Facility, Listing
from marketplace.queries.municipalities import bounds_of
from marketplace.queries.paging import PAGE_SIZE, Cursor, IdPage
from marketplace.types import FacilityKind, ListingStatus

AROUND_M: Final = 2_000.0
BY_NAME = Facility.name.collate("nb-NO-x-icu")


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityFilters:
    """Which facilities: of a kind, that take a material in, and that may take in masses of a class or above."""

    kind: FacilityKind | None = None
    material: str | None = None
    class_: int | None = None

    @property
    def is_empty(self) -> bool:
        return self == FacilityFilters()


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityPlace:
    """What a map shows of a facility; `accepts` are keys of materials."""

    id: int
    name: str
    kind: FacilityKind
    accepts: tuple[str, ...]
    accepts_class_max: int
    free_t: Decimal | None
    """Beside what has been agreed to come."""
    is_verified: bool
    is_example: bool
    organisation_name: str | None
    position: Position


def facility_places(session: Session, filters: FacilityFilters | None = None) -> list[FacilityPlace]:
    """Every facility that is not closed, in the order of their ids: there are some hundreds in all of Norway."""
    lon, lat = lon_lat(Facility.position_25833)
    rows = session.execute(
        select(Facility, lon, lat)
        .where(*_scope(filters or FacilityFilters()))
        .options(joinedload(Facility.organisation))
        .order_by(Facility.id)
    )
    return [
        FacilityPlace(
            id=facility.id,
            name=facility.name,
            kind=facility.kind,
            accepts=tuple(facility.accepts),
            accepts_class_max=facility.accepts_class_max,
            free_t=facility.free_t,
            is_verified=facility.is_verified,
            is_example=facility.is_example,
            organisation_name=facility.organisation.name if facility.organisation else None,
            position=Position(lon=at_lon, lat=at_lat),
        )
        for facility, at_lon, at_lat in rows
    ]


def facilities_page(session: Session, filters: FacilityFilters, *, cursor: Cursor) -> IdPage[Facility]:
    """Facilities that are not closed, by name, with their organisation and municipality; paged by name and id."""
    query = (
        select(Facility)
        .where(*_scope(filters))
        .options(joinedload(Facility.organisation), joinedload(Facility.municipality, innerjoin=True))
    )
    key = tuple_(BY_NAME, Facility.id)
    if cursor.after is not None:
        back = query.where(key < _place_of(cursor.after)).order_by(BY_NAME.desc(), Facility.id.desc())
        found = session.scalars(back.limit(PAGE_SIZE + 1)).all()
        items = tuple(reversed(found[:PAGE_SIZE]))
        has_newer, has_older = len(found) > PAGE_SIZE, bool(items)
    else:
        if cursor.before is not None:
            query = query.where(key > _place_of(cursor.before))
        found = session.scalars(query.order_by(BY_NAME, Facility.id).limit(PAGE_SIZE + 1)).all()
        items = tuple(found[:PAGE_SIZE])
        has_newer, has_older = cursor.before is not None and bool(items), len(found) > PAGE_SIZE
    return IdPage(
        items=items,
        newer=Cursor(after=items[0].id) if has_newer else None,
        older=Cursor(before=items[-1].id) if has_older else None,
    )


def count_facilities(session: Session, filters: FacilityFilters) -> int:
    return session.scalar(select(func.count()).select_from(Facility).where(*_scope(filters))) or 0


def bounds_of_facilities(session: Session, filters: FacilityFilters) -> BBox | None:
    """The box around them with some room; None around none."""
    extent = func.ST_SetSRID(func.ST_Extent(Facility.position_25833), SRID_STORED)
    found = session.scalar(select(func.ST_Envelope(func.ST_Expand(extent, AROUND_M))).where(*_scope(filters)))
    return None if found is None else bounds_of(found)


def facilities_of(session: Session, *, organisation_id: int) -> Sequence[Facility]:
    """Those of an organisation by name, the closed ones last."""
    return session.scalars(
        select(Facility)
        .where(Facility.organisation_id == organisation_id)
        .options(joinedload(Facility.municipality, innerjoin=True))
        .order_by(Facility.closed_at.is_not(None), BY_NAME, Facility.id)
    ).all()


def facility_for_page(session: Session, *, facility_id: int) -> Facility | None:
    """The facility with its organisation and municipality."""
    return session.scalars(
        select(Facility)
        .where(Facility.id == facility_id)
        .options(joinedload(Facility.organisation), joinedload(Facility.municipality, innerjoin=True))
    ).one_or_none()


def receptions_of(session: Session, *, facility_id: int) -> Sequence[Listing]:
    """What it takes in and has not closed, with municipality and organisation, in the order they were listed."""
    return session.scalars(
        select(Listing)
        .where(Listing.facility_id == facility_id, Listing.status != ListingStatus.CLOSED)
        .options(joinedload(Listing.municipality, innerjoin=True), joinedload(Listing.organisation, innerjoin=True))
        .order_by(Listing.id)
    ).all()


def _scope(filters: FacilityFilters) -> list[ColumnElement[bool]]:
    scope: list[ColumnElement[bool]] = [Facility.closed_at.is_(None)]
    if filters.kind is not None:
        scope.append(Facility.kind == filters.kind)
    if filters.material is not None:
        scope.append(Facility.accepts.contains([filters.material]))
    if filters.class_ is not None:
        scope.append(Facility.accepts_class_max >= filters.class_)
    return scope


def _place_of(facility_id: int) -> ScalarSelect[Any]:
    """Where a page begins: the name and id of a facility."""
    return select(BY_NAME, Facility.id).where(Facility.id == facility_id).scalar_subquery()
