"""Facilities: quarries, landfills, recycling plants and interim storage."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.geometry import Position
from geo.postgis import lon_lat
from marketplace.models import Facility
from marketplace.types import FacilityKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityPlace:
    """What a map shows of a facility; `accepts` are keys of materials."""

    id: int
    name: str
    kind: FacilityKind
    accepts: tuple[str, ...]
    is_verified: bool
    is_example: bool
    position: Position


def facility_places(session: Session) -> list[FacilityPlace]:
    """Every facility, in the order of their ids: there are some hundreds in all of Norway."""
    lon, lat = lon_lat(Facility.position_25833)
    rows = session.execute(select(Facility, lon, lat).order_by(Facility.id))
    return [
        FacilityPlace(
            id=facility.id,
            name=facility.name,
            kind=facility.kind,
            accepts=tuple(facility.accepts),
            is_verified=facility.is_verified,
            is_example=facility.is_example,
            position=Position(lon=at_lon, lat=at_lat),
        )
        for facility, at_lon, at_lat in rows
    ]
