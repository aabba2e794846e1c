"""Replacing the municipality division by an official one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import shapely
from geoalchemy2.shape import from_shape, to_shape
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.units import SRID_STORED
from marketplace.clock import local_date
from marketplace.i18n_marker import N_
from marketplace.models import County, Facility, Listing, Municipality, MunicipalityAlias, Organisation, Project
from marketplace.queries.municipalities import HAS_AREA
from marketplace.services.division_file import BadDivision, Division, Unit
from marketplace.services.gazetteer import refresh_division_names
from marketplace.services.reference import REFERENCE_LOCK
from marketplace.services.relocation import relocate, relocate_deals
from marketplace.services.search_text import refresh_search_text

LEAST_SHARE = 0.05
"""A municipality that got less than this share of a former one's area did not take over from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DivisionChange:
    """What an import did."""

    municipalities: int
    repaired: int
    added: tuple[str, ...]
    successors: Mapping[str, tuple[str, ...]]
    """Numbers that are no longer in use, each with those that took over, the largest part first."""
    moved_projects: int
    moved_facilities: int
    moved_listings: int
    moved_deals: int
    """Those with an end that is in another municipality now."""


def import_division(session: Session, division: Division, *, now: datetime) -> DivisionChange:
    """Make `division` the one in use; everything with a position is put into its municipality again.

    A municipality that is no longer there is kept by name, without an area, since rows and reports refer to it; its
    number leads to those that took over.

    Raises:
        BadDivision: the file has a county that is not known here and does not name it.
    """
    session.execute(text("SET LOCAL statement_timeout = 0"))  # every position in the database is looked up again
    session.execute(select(func.pg_advisory_xact_lock(REFERENCE_LOCK)))
    former = _areas_in_use(session)
    known_names = _known_names(session)
    numbers = {unit.number for unit in division.units}
    successors = {number: _successors(area, division.units) for number, area in former.items() if number not in numbers}
    _put_counties(session, division.units)
    names = {unit.number: plain_name(unit.name, known=known_names.get(unit.number)) for unit in division.units}
    _put_municipalities(session, division, names, source=f"{division.file_name}, imported {local_date(now)}")
    _retire(session, successors)
    _lead_old_numbers(session, successors, numbers, source=division.file_name)
    session.flush()
    moved = {table: relocate(session, table) for table in (Project, Facility, Listing)}
    moved_deals = relocate_deals(session)
    refresh_division_names(session)
    session.expire_all()
    renamed = {number for number, name in names.items() if known_names.get(number) != name}
    reworded = session.scalars(select(Listing.id).where(Listing.municipality_number.in_(renamed)))
    refresh_search_text(session, listing_ids=(*moved[Listing], *reworded))
    return DivisionChange(
        municipalities=len(division.units),
        repaired=division.repaired,
        added=tuple(sorted(numbers - former.keys())),
        successors=successors,
        moved_projects=len(moved[Project]),
        moved_facilities=len(moved[Facility]),
        moved_listings=len(moved[Listing]),
        moved_deals=len(moved_deals),
    )


def _areas_in_use(session: Session) -> dict[str, shapely.geometry.base.BaseGeometry]:
    rows = session.execute(select(Municipality.number, Municipality.area_25833).where(HAS_AREA))
    return {number: to_shape(area) for number, area in rows if area is not None}


def _known_names(session: Session) -> dict[str, str]:
    return {municipality.number: municipality.name for municipality in session.scalars(select(Municipality))}


def _successors(area: shapely.geometry.base.BaseGeometry, units: tuple[Unit, ...]) -> tuple[str, ...]:
    """The numbers of those that got a part of the area worth naming, the largest part first."""
    shares = {
        unit.number: area.intersection(unit.area_25833).area / area.area
        for unit in units
        if area.intersects(unit.area_25833)
    }
    return tuple(sorted((n for n, share in shares.items() if share >= LEAST_SHARE), key=lambda n: (-shares[n], n)))


def _put_counties(session: Session, units: tuple[Unit, ...]) -> None:
    known = set(session.scalars(select(County.number)))
    named = {unit.number[:2]: unit.county_name for unit in units if unit.county_name}
    for number in sorted({unit.number[:2] for unit in units} - known):
        name = named.get(number)
        if name is None:
            raise BadDivision(
                N_("County %(number)s is not known here, and the file does not name it (fylkesnavn)."), number=number
            )
        session.add(County(number=number, name=plain_name(name, known=None)))
    session.flush()


def plain_name(name: str, *, known: str | None) -> str:
    """The one name to show of a municipality: "Karasjok" for "Kárášjohka – Karasjok", "Våler" for "Våler (Innlandet)".

    A name already in use stays while it is one of those the file gives; else the first of them is taken.
    """
    names = [part.partition(" (")[0].strip() for part in name.replace(" – ", " - ").split(" - ")]
    return known if known in names else names[0]


def _put_municipalities(session: Session, division: Division, names: Mapping[str, str], *, source: str) -> None:
    statement = insert(Municipality)
    columns = ("name", "county_number", "area_25833", "note", "source")
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Municipality.number],
            set_={name: getattr(statement.excluded, name) for name in columns},
        ),
        [
            {
                "number": unit.number,
                "name": names[unit.number],
                "county_number": unit.number[:2],
                "area_25833": from_shape(unit.area_25833, srid=SRID_STORED),
                "note": None,
                "source": source,
            }
            for unit in division.units
        ],
    )


def _retire(session: Session, successors: Mapping[str, tuple[str, ...]]) -> None:
    for number, heirs in successors.items():
        session.execute(
            update(Municipality)
            .where(Municipality.number == number)
            .values(area_25833=None, note=f"no longer in use; now {', '.join(heirs)}" if heirs else "no longer in use")
        )
        if heirs:
            session.execute(
                update(Organisation)
                .where(Organisation.municipality_number == number)
                .values(municipality_number=heirs[0])
            )


def _lead_old_numbers(
    session: Session, successors: Mapping[str, tuple[str, ...]], in_use: set[str], *, source: str
) -> None:
    """Every number that is no longer in use leads to those in use now, also over several changes."""
    led = session.execute(select(MunicipalityAlias.old_number, MunicipalityAlias.municipality_number)).all()
    renewed = {(old, heir) for old, number in led for heir in successors.get(number, (number,))}
    renewed |= {(number, heir) for number, heirs in successors.items() for heir in heirs}
    renewed -= {(old, heir) for old, heir in renewed if old in in_use}
    kept = {(old, number) for old, number in led}
    session.execute(
        delete(MunicipalityAlias).where(
            MunicipalityAlias.old_number.in_(in_use) | MunicipalityAlias.municipality_number.in_(successors)
        )
    )
    fresh = sorted(renewed - {(old, number) for old, number in kept if number not in successors})
    if fresh:
        session.execute(
            insert(MunicipalityAlias),
            [{"old_number": old, "municipality_number": heir, "source": source} for old, heir in fresh],
        )
