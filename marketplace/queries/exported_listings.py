"""The rows of the exports of listings and facilities, read a few at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.flowmap import GRID_CELL_M
from geo.geometry import Position
from geo.materials import Fraction
from geo.postgis import lon_lat
from geo.units import SRID_STORED
from marketplace.models import Facility, Listing, Municipality, Organisation, Project
from marketplace.queries.open_listings import is_open
from marketplace.queries.regions import Region
from marketplace.types import Documentation, FacilityKind, ListingKind

AT_A_TIME: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMass:
    """A published listing.

    `position` is the middle of the square of the 5 km grid that it lies in, or where `is_exact` its own, as far as the
    listing shows it.
    """

    id: int
    kind: ListingKind
    material_key: str
    fraction: Fraction | None
    mass_t: Decimal
    left_t: Decimal
    available_from: date
    available_to: date
    documentation: Documentation
    quality_class: int | None
    municipality_number: str
    municipality_name: str
    organisation_name: str
    project_name: str | None
    hides_position: bool
    is_example: bool
    position: Position


def listed_masses(session: Session, *, region: Region, today: date, exact: bool) -> Iterator[ListedMass]:
    """The open listings of a region, in the order of their ids."""
    corner = (
        func.floor(func.ST_X(Listing.position_25833) / GRID_CELL_M) * GRID_CELL_M,
        func.floor(func.ST_Y(Listing.position_25833) / GRID_CELL_M) * GRID_CELL_M,
    )
    middle = func.ST_SetSRID(func.ST_MakePoint(*(at + GRID_CELL_M / 2 for at in corner)), SRID_STORED)
    lon, lat = lon_lat(Listing.position_25833 if exact else middle)
    query = (
        select(
            Listing.id,
            Listing.kind,
            Listing.material_key,
            Listing.fraction_min_mm,
            Listing.fraction_max_mm,
            Listing.mass_t,
            Listing.left_t,
            Listing.available_from,
            Listing.available_to,
            Listing.documentation,
            Listing.quality_class,
            Listing.municipality_number,
            Municipality.name.label("municipality_name"),
            Organisation.name.label("organisation_name"),
            Project.name.label("project_name"),
            Listing.hides_position,
            Listing.is_example,
            lon.label("lon"),
            lat.label("lat"),
        )
        .join(Municipality, Municipality.number == Listing.municipality_number)
        .join(Organisation, Organisation.id == Listing.organisation_id)
        .outerjoin(Project, Project.id == Listing.project_id)
        .where(is_open(today), region.has(Listing.municipality_number))
        .order_by(Listing.id)
    )
    for row in session.execute(query, execution_options={"yield_per": AT_A_TIME}):
        has_fraction = row.fraction_min_mm is not None and row.fraction_max_mm is not None
        yield ListedMass(
            id=row.id,
            kind=row.kind,
            material_key=row.material_key,
            fraction=Fraction(lower_mm=row.fraction_min_mm, upper_mm=row.fraction_max_mm) if has_fraction else None,
            mass_t=row.mass_t,
            left_t=row.left_t,
            available_from=row.available_from,
            available_to=row.available_to,
            documentation=row.documentation,
            quality_class=row.quality_class,
            municipality_number=row.municipality_number,
            municipality_name=row.municipality_name,
            organisation_name=row.organisation_name,
            project_name=row.project_name,
            hides_position=row.hides_position,
            is_example=row.is_example,
            position=Position(lon=row.lon, lat=row.lat),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFacility:
    """A facility that is not closed; all of it is public. `position_accuracy_m` is how far off its position may be."""

    id: int
    name: str
    kind: FacilityKind
    accepts: tuple[str, ...]
    accepts_class_max: int
    capacity_t: Decimal | None
    free_t: Decimal | None
    opens_on: date | None
    closes_on: date | None
    municipality_number: str
    municipality_name: str
    organisation_name: str | None
    is_verified: bool
    is_example: bool
    source: str
    position_accuracy_m: int | None
    position: Position


def exported_facilities(session: Session, *, region: Region) -> Iterator[ExportedFacility]:
    """The facilities of a region that are not closed, in the order of their ids."""
    lon, lat = lon_lat(Facility.position_25833)
    query = (
        select(
            Facility,
            Municipality.name.label("municipality_name"),
            Organisation.name.label("organisation_name"),
            lon.label("lon"),
            lat.label("lat"),
        )
        .join(Municipality, Municipality.number == Facility.municipality_number)
        .outerjoin(Organisation, Organisation.id == Facility.organisation_id)
        .where(Facility.closed_at.is_(None), region.has(Facility.municipality_number))
        .order_by(Facility.id)
    )
    for facility, municipality_name, organisation_name, at_lon, at_lat in session.execute(
        query, execution_options={"yield_per": AT_A_TIME}
    ):
        yield ExportedFacility(
            id=facility.id,
            name=facility.name,
            kind=facility.kind,
            accepts=tuple(facility.accepts),
            accepts_class_max=facility.accepts_class_max,
            capacity_t=facility.capacity_t,
            free_t=facility.free_t,
            opens_on=facility.opens_on,
            closes_on=facility.closes_on,
            municipality_number=facility.municipality_number,
            municipality_name=municipality_name,
            organisation_name=organisation_name,
            is_verified=facility.is_verified,
            is_example=facility.is_example,
            source=facility.source,
            position_accuracy_m=facility.position_accuracy_m,
            position=Position(lon=at_lon, lat=at_lat),
        )
