"""The facilities of the demo region: real ones as places, and invented receivers that somebody answers for."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import update
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.materials import taxonomy
from geo.units import SRID_STORED
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.models import Facility, Listing, Organisation
from marketplace.queries.municipalities import locate_municipality
from marketplace.services.demo_rows import Row, number_of, position_of, read_rows
from marketplace.services.facilities import FacilityDetails, create_facility
from marketplace.types import FacilityKind


def add_facilities(session: Session) -> int:
    rows = read_rows("facilities.csv")
    materials = taxonomy()
    for row in rows:
        position = position_of(row)
        municipality = locate_municipality(session, position)
        assert municipality is not None
        facility = Facility(
            key=row["key"],
            name=row["name"],
            kind=FacilityKind(row["kind"]),
            accepts=[materials.material(key).key for key in row["accepts"].split(";")],
            position_25833=from_shape(to_stored(shapely.Point(position.lon, position.lat)), srid=SRID_STORED),
            position_accuracy_m=int(row["accuracy_m"]),
            municipality_number=municipality.number,
            is_verified=row["verified"] == "yes",
            is_example=True,
            note=row["note"] or None,
            source=row["source"],
        )
        session.add(facility)
    session.flush()
    return len(rows)


def add_receiver(
    session: Session,
    row: Row,
    *,
    actors: Mapping[str, Actor],
    organisations: Mapping[str, Organisation],
    now: datetime,
) -> Facility:
    """An invented receiver with what it takes in; the last to be written, so that numbers grow with time."""
    today = local_date(now)

    def day(name: str) -> date | None:
        return today + timedelta(days=int(row[name])) if row[name] else None

    details = FacilityDetails(
        name=row["name"],
        kind=FacilityKind(row["kind"]),
        accepts=tuple(row["accepts"].split(";")),
        position=position_of(row),
        accepts_class_max=int(row["class_max"]),
        accepts_declared=row["accepts_declared"] == "yes",
        capacity_t=number_of(row["capacity_t"]),
        capacity_left_t=number_of(row["capacity_left_t"]),
        reception_price_nok_per_t=number_of(row["price_nok_per_t"]),
        opens_on=day("opens_days"),
        closes_on=day("closes_days"),
        opening_hours=row["opening_hours"],
        permit_reference=row["permit_reference"],
        permit_ends_on=day("permit_ends_days"),
        note=row["note"],
    )
    facility = create_facility(
        session,
        actors[row["posted_by"]],
        organisation_id=organisations[row["organisation"]].id,
        details=details,
        now=now,
        is_example=True,
    )
    facility.key, facility.source = row["key"], row["source"]
    facility.position_accuracy_m = int(row["accuracy_m"])
    facility.created_at = now
    session.execute(update(Listing).where(Listing.facility_id == facility.id).values(created_at=now))
    return facility
