"""Rows of a file of listings: read with the form's parsers, and held against its rules."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from geo.errors import FractionError, GeometryError
from geo.geometry import Position, read_position
from geo.materials import Fraction, read_fraction
from geo.proof import DeclarationKind
from geo.quantities import MAX_MASS_T
from geo.units import EnteredUnit
from marketplace.clock import local_date
from marketplace.errors import FieldError
from marketplace.geo_messages import refused_at
from marketplace.i18n_marker import N_
from marketplace.listing_columns import STATEMENTS, listing_columns
from marketplace.models import ImportBatch, Listing
from marketplace.parsing import read_day
from marketplace.services.agreed_listings import agreed_problems
from marketplace.services.bulk_places import ManyPlaces, NamedFacilities, NamedProjects
from marketplace.services.bulk_rows import CellReader, StagedRow, derived_reference
from marketplace.services.declarations import Statement, statement_problems
from marketplace.services.listing_details import KEEP, NO_PLACE, CheckedDetails, ListingDetails, check_details
from marketplace.services.listings import Transition, can, time_problems
from marketplace.table_columns import RowReader
from marketplace.text import clean_line, clean_text
from marketplace.types import Haulage, ListingKind, ListingStatus, Loading, PriceKind

REFERENCE_LIMIT = 80
SAYS_NOTHING_OF_THE_MASS = frozenset(
    {"reference", "publish", "virgin_basis", "stated_by", "baseline_facility_id", *STATEMENTS}
)
"""Columns that a row may get later and still be the same lot."""
PLACE = frozenset({"project_id", "lat", "lon", "position"})
PERIOD = frozenset({"available_from", "available_to"})
PRICE = frozenset({"price_kind", "price_nok_per_t"})
HARMLESS_MATERIAL = "blasted_rock"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """A row as it was understood. `details` hold something harmless in place of each cell that could not be read."""

    row: StagedRow
    reference: str
    details: ListingDetails
    publishes: bool
    statements: tuple[Statement, ...]
    problems: list[FieldError]
    unread: frozenset[str]

    @property
    def wants_more(self) -> bool:
        """Whether a new draft is not all that is to come of it."""
        return self.publishes or bool(self.statements)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRow:
    """A row held against the rules. `existing` is the listing that it is about, if there is one already."""

    read: ReadRow
    checked: CheckedDetails
    existing: Listing | None
    problems: list[FieldError]


# Reading ----------------------------------------------------------------------------------------------------------


def checked_rows(
    session: Session, batch: ImportBatch, rows: Sequence[StagedRow], *, now: datetime, holds: bool
) -> list[CheckedRow]:
    """The rows of a chunk held against the rules that the form's answers are held against.

    Asks a handful of questions of the database, however many rows there are. `holds` locks the listings they are about.
    """
    readers = CellReader.of(batch, listing_columns())
    cells = [readers.row(row.cells) for row in rows]
    projects = NamedProjects.of(
        session, (reader.cells.get("project_id", "") for reader in cells), organisation_id=batch.organisation_id
    )
    facilities = NamedFacilities.of(session, (reader.cells.get("baseline_facility_id", "") for reader in cells))
    read = [read_row(row, reader, projects, facilities, now=now) for row, reader in zip(rows, cells, strict=True)]
    places = ManyPlaces.of(
        session,
        (each.details.own_position for each in read if each.details.own_position is not None),
        projects=projects.by_id,
        facilities=facilities.by_id,
        used=(
            each.details.project_id
            for each in read
            if each.details.project_id is not None and each.details.own_position is None
        ),
    )
    existing = _listings_by_reference(session, batch, (each.reference for each in read), holds=holds)
    return [_checked(session, batch, each, places, existing.get(each.reference), now=now) for each in read]


def read_row(
    row: StagedRow, reader: RowReader, projects: NamedProjects, facilities: NamedFacilities, *, now: datetime
) -> ReadRow:
    reference = _reference(row, reader)
    project_id = _project(reader, projects)
    baseline_facility_id = _facility(reader, facilities)
    position = _position(reader)
    today = local_date(now)
    first, last = reader.day("available_from"), reader.day("available_to")
    price_kind, price = reader.choice("price_kind"), reader.number("price_nok_per_t")
    if price_kind is None and price is not None and price == 0:
        price = None
    if price_kind is None and price is not None and "price_kind" not in reader.unread:
        reader.refuse("price_kind", N_("Say who pays the price."))
    unit = reader.choice("entered_unit")
    density = reader.number("density_t_m3")
    if unit == EnteredUnit.TONNE and density is not None:
        reader.refuse("density_t_m3", N_("A density does not apply to tonnes. Empty the cell, or correct the unit."))
    details = ListingDetails(
        kind=ListingKind(reader.choice("kind") or ListingKind.SURPLUS),
        material_key=reader.choice("material_key") or HARMLESS_MATERIAL,
        project_id=project_id,
        own_position=position,
        hides_position=_yes_or_no(reader, "hides_position"),
        entered_value=_or(reader.number("entered_value"), MAX_MASS_T),
        entered_unit=EnteredUnit(unit or EnteredUnit.TONNE),
        density_t_m3=None if unit in (None, EnteredUnit.TONNE) else density,
        fraction=_fraction(reader),
        min_lot_t=reader.number("min_lot_t"),
        available_from=first or last or today,
        available_to=last or first or today,
        price_kind=PriceKind(price_kind or PriceKind.FREE),
        price_nok_per_t=price,
        loading=Loading(reader.choice("loading") or Loading.GIVER),
        haulage=Haulage(reader.choice("haulage") or Haulage.BY_AGREEMENT),
        max_distance_km=reader.number("max_distance_km"),
        description=clean_text(reader.text("description")),
        baseline_facility_id=KEEP if baseline_facility_id is None else baseline_facility_id,
    )
    return ReadRow(
        row=row,
        reference=reference,
        details=details,
        publishes=reader.choice("publish") == "yes",
        statements=tuple(_statements(reader, today=today)),
        problems=list(reader.problems),
        unread=_spread(reader.unread),
    )


def _or[Value](value: Value | None, harmless: Value) -> Value:
    return harmless if value is None else value


def _spread(unread: frozenset[str]) -> frozenset[str]:
    """The fields nothing can be said of, since they hang together with one that could not be read."""
    for together in (PLACE, PRICE):
        if unread & together:
            unread |= together
    if unread & {"entered_value", "entered_unit", "material_key"}:
        unread |= {"entered_value", "density_t_m3", "min_lot_t", "fraction"}
    return unread


def _reference(row: StagedRow, reader: RowReader) -> str:
    given = clean_line(reader.text("reference"))
    if len(given) > REFERENCE_LIMIT:
        reader.refuse(
            "reference",
            N_("The text is %(count)s characters long; at most %(limit)s can be kept."),
            count=len(given),
            limit=REFERENCE_LIMIT,
        )
    if given:
        return given[:REFERENCE_LIMIT]
    # Once a row has a reference of its own that tells equal rows of a file apart, it keeps it.
    return row.reference or derived_reference(reader.cells, apart_from=SAYS_NOTHING_OF_THE_MASS)


def _project(reader: RowReader, projects: NamedProjects) -> int | None:
    name = clean_line(reader.text("project_id"))
    if not name:
        return None
    found = projects.found(name)
    if not found:
        reader.refuse("project_id", N_("There is no project of this name or number in the organisation."))
    elif len(found) > 1:
        reader.refuse(
            "project_id",
            N_("%(count)s projects have this name. Write the number of the right one: it stands in its address."),
            count=len(found),
        )
    return found[0].id if len(found) == 1 else None


def _facility(reader: RowReader, facilities: NamedFacilities) -> int | None:
    name = clean_line(reader.text("baseline_facility_id"))
    if not name:
        return None
    found = facilities.found(name)
    if not found:
        reader.refuse("baseline_facility_id", N_("There is no facility of this name or number."))
    elif len(found) > 1:
        reader.refuse(
            "baseline_facility_id",
            N_("%(count)s facilities have this name. Write the number of the right one: it stands in its address."),
            count=len(found),
        )
    return found[0].id if len(found) == 1 else None


def _position(reader: RowReader) -> Position | None:
    lat, lon = reader.number("lat"), reader.number("lon")
    if reader.unread & {"lat", "lon"} or (lat is None and lon is None):
        return None
    if lat is None or lon is None:
        reader.refuse("lat" if lat is None else "lon", N_("Give both numbers."))
        return None
    try:
        return read_position(str(lon), str(lat))
    except GeometryError as error:
        reader.problems.extend(refused_at("lat", error).errors)
        return None


def _fraction(reader: RowReader) -> Fraction | None:
    typed = reader.text("fraction")
    if not typed:
        return None
    if _is_day(typed):
        reader.refuse(
            "fraction", N_("The spreadsheet has made a day of the fraction. Format the cell as text, and retype it.")
        )
        return None
    try:
        return read_fraction(typed)
    except FractionError as error:
        reader.problems.extend(refused_at("fraction", error).errors)
        return None


def _is_day(text: str) -> bool:
    try:
        read_day(text)
    except ValueError:
        return False
    return True


def _yes_or_no(reader: RowReader, key: str) -> bool | None:
    answer = reader.choice(key)
    return None if answer is None else answer == "yes"


def _statements(reader: RowReader, *, today: date) -> Iterator[Statement]:
    stated_by, basis = clean_line(reader.text("stated_by")), clean_text(reader.text("virgin_basis"))
    if basis:
        yield Statement(kind=DeclarationKind.VIRGIN_AREA, stated_by=stated_by, stated_on=today, basis=basis)
    for kind in STATEMENTS:
        answer = _yes_or_no(reader, kind)
        if answer is not None:
            yield Statement(kind=kind, stated_by=stated_by, stated_on=today, is_confirmed=answer)


# Checking ---------------------------------------------------------------------------------------------------------


def _listings_by_reference(
    session: Session, batch: ImportBatch, references: Iterable[str], *, holds: bool
) -> dict[str, Listing]:
    query = (
        select(Listing)
        .where(Listing.organisation_id == batch.organisation_id)
        .where(Listing.external_reference.in_(set(references)))
        .order_by(Listing.id)  # so that everything that changes several listings takes them in the same order
        .options(undefer(Listing.exact_position_25833))
    )
    if holds:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return {str(listing.external_reference): listing for listing in session.scalars(query)}


def _checked(
    session: Session,
    batch: ImportBatch,
    read: ReadRow,
    places: ManyPlaces,
    existing: Listing | None,
    *,
    now: datetime,
) -> CheckedRow:
    checked = check_details(session, read.details, organisation_id=batch.organisation_id, now=now, places=places)
    problems = [*read.problems, *(_at_cell(each) for each in checked.problems if each.field not in read.unread)]
    problems += _statement_problems(read, now=now)
    if existing is not None and not can(Transition.EDIT, existing):
        problems.append(_unchangeable(existing))
    elif existing is not None:
        problems += [each for each in _agreed_problems(session, existing, checked) if each.field not in read.unread]
        if existing.status is ListingStatus.PUBLISHED:
            problems += _time_problems(read, problems, now=now)
    else:
        problems += _time_problems(read, problems, now=now)
    return CheckedRow(read=read, checked=checked, existing=existing, problems=problems)


def _agreed_problems(session: Session, listing: Listing, checked: CheckedDetails) -> Iterator[FieldError]:
    """What deals about the listing have against what the row says of it."""
    details, mass = checked.details, checked.mass
    values = {"kind": details.kind, "material_key": details.material_key}
    return agreed_problems(session, listing, values if mass is None else {**values, "mass_t": mass.mass_t})


def _time_problems(read: ReadRow, found: Sequence[FieldError], *, now: datetime) -> tuple[FieldError, ...]:
    """What nobody could see any more is not worth a new draft either; nothing where the days themselves are wrong."""
    if PERIOD & (read.unread | {problem.field for problem in found}):
        return ()
    return time_problems(read.details.available_to, now=now)


def _at_cell(problem: FieldError) -> FieldError:
    """The problem at a column of the table: a position stands in two, and there is no map to put a pin on."""
    if problem.message == NO_PLACE:
        return FieldError(field="project_id", message=N_("Name a project, or give the latitude and longitude."))
    return replace(problem, field="lat") if problem.field == "position" else problem


def _statement_problems(read: ReadRow, *, now: datetime) -> list[FieldError]:
    found = {
        problem.field: problem for statement in read.statements for problem in statement_problems(statement, now=now)
    }
    return [problem for name, problem in found.items() if name not in read.unread]


def _unchangeable(listing: Listing) -> FieldError:
    if listing.facility_id is not None:
        return FieldError(field="reference", message=N_("This reference belongs to what a facility takes in."))
    return FieldError(
        field="reference",
        message=N_("This reference belongs to a listing that is closed. Give the row another one."),
    )
