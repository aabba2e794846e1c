"""Rows of a file as listings: read with the form's parsers, held against its rules, and written a chunk at a time.

A listing is known again by its reference (`Listing.external_reference`), so that a file can be sent any number of
times: what is new is created, what differs is changed, and the rest is left as it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain

from geoalchemy2 import WKBElement
from geoalchemy2.shape import to_shape
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, undefer

from geo.errors import FractionError, GeometryError
from geo.geometry import Position, read_position
from geo.materials import Fraction, read_fraction, taxonomy
from geo.proof import DeclarationKind
from geo.quantities import MAX_MASS_T
from geo.units import EnteredUnit
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import FieldError, Forbidden
from marketplace.geo_messages import refused_at
from marketplace.i18n_marker import N_
from marketplace.listing_columns import STATEMENTS, listing_columns
from marketplace.models import ImportBatch, Listing, Organisation
from marketplace.parsing import read_day
from marketplace.queries.positions import Blur
from marketplace.services.bulk_places import ManyPlaces, NamedProjects
from marketplace.services.bulk_rows import CellReader, RowOutcome, StagedRow, derived_reference
from marketplace.services.declarations import Statement, statement_problems, write_statements
from marketplace.services.listing_details import NO_PLACE, CheckedDetails, ListingDetails, check_details
from marketplace.services.listings import Transition, can, column_values, publish_each, time_problems, write_values
from marketplace.services.quality import NOTHING_STATED, proofs_of, refresh_qualities
from marketplace.services.search_text import compose_search_text, refresh_search_text
from marketplace.table_columns import RowReader
from marketplace.text import clean_line, clean_text
from marketplace.types import Haulage, ImportRowStatus, ListingKind, ListingStatus, Loading, PriceKind

SAME_PLACE_M = 0.001
REFERENCE_LIMIT = 80
SAYS_NOTHING_OF_THE_MASS = frozenset({"reference", "publish", "virgin_basis", "stated_by", *STATEMENTS})
"""Columns that a row may get later and still be the same lot."""
PLACE = frozenset({"project_id", "lat", "lon", "position"})
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


class ListingRows:
    """`services.bulk_rows.RowKind` for listings."""

    columns = listing_columns()

    def check(
        self, session: Session, batch: ImportBatch, rows: Sequence[StagedRow], *, now: datetime
    ) -> list[RowOutcome]:
        return [
            RowOutcome(
                line=each.read.row.line,
                status=ImportRowStatus.BAD if each.problems else ImportRowStatus.GOOD,
                reference=each.read.reference,
                listing_id=each.existing.id if each.existing else None,
                problems=each.problems,
            )
            for each in checked_rows(session, batch, rows, now=now, holds=False)
        ]

    def apply(
        self, session: Session, actor: Actor, batch: ImportBatch, rows: Sequence[StagedRow], *, now: datetime
    ) -> list[RowOutcome]:
        checked = checked_rows(session, batch, rows, now=now, holds=True)
        good = [each for each in checked if not each.problems]
        writer = ListingWriter(session, actor, batch, now=now)
        outcomes = [
            RowOutcome(
                line=each.read.row.line,
                status=ImportRowStatus.BAD,
                reference=each.read.reference,
                problems=each.problems,
            )
            for each in checked
            if each.problems
        ]
        return [*outcomes, *writer.write(good)]


# Reading ----------------------------------------------------------------------------------------------------------


def checked_rows(
    session: Session, batch: ImportBatch, rows: Sequence[StagedRow], *, now: datetime, holds: bool
) -> list[CheckedRow]:
    """The rows of a chunk held against the rules that the form's answers are held against.

    Asks a handful of questions of the database, however many rows there are. `holds` locks the listings they are about.
    """
    readers = CellReader.of(batch, ListingRows.columns)
    cells = [readers.row(row.cells) for row in rows]
    projects = NamedProjects.of(
        session, (reader.cells.get("project_id", "") for reader in cells), organisation_id=batch.organisation_id
    )
    read = [read_row(row, reader, projects, now=now) for row, reader in zip(rows, cells, strict=True)]
    places = ManyPlaces.of(
        session,
        (each.details.own_position for each in read if each.details.own_position is not None),
        projects=projects.by_id,
        used=(
            each.details.project_id
            for each in read
            if each.details.project_id is not None and each.details.own_position is None
        ),
    )
    existing = _listings_by_reference(session, batch, (each.reference for each in read), holds=holds)
    return [_checked(session, batch, each, places, existing.get(each.reference), now=now) for each in read]


def read_row(row: StagedRow, reader: RowReader, projects: NamedProjects, *, now: datetime) -> ReadRow:
    reference = _reference(row, reader)
    project_id = _project(reader, projects)
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
        query = query.with_for_update().execution_options(populate_existing=True)
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
    elif existing is not None and existing.status is ListingStatus.PUBLISHED and not problems:
        problems += time_problems(checked.details.available_to, now=now)
    return CheckedRow(read=read, checked=checked, existing=existing, problems=problems)


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


# Writing ----------------------------------------------------------------------------------------------------------


class ListingWriter:
    """Writes the rows of one chunk, each as what creating, changing and publishing by hand would make of it."""

    def __init__(self, session: Session, actor: Actor, batch: ImportBatch, *, now: datetime) -> None:
        assert actor.user_id is not None
        self.session, self.actor, self.user_id, self.now = session, actor, actor.user_id, now
        self.organisation = session.get_one(Organisation, batch.organisation_id)
        self.blur = Blur(session, organisation_id=batch.organisation_id)

    def write(self, rows: Sequence[CheckedRow]) -> list[RowOutcome]:
        """What came of each row. Nothing is wrong with any of them, and the caller holds their listings."""
        new_ids = self._create([row for row in rows if row.existing is None])
        listings = self._listings(rows, new_ids)
        changed = set(new_ids)
        with self.session.no_autoflush:  # the gate decides before the database is asked to take a changed material
            stated = self._state(rows, listings)
            altered = {row.read.reference for row in rows if row.existing is not None and self._change(row)}
            wanted = self._wanted(rows, listings)
            others = [listings[each] for each in sorted(stated | altered) if each not in wanted]
            refresh_qualities(self.session, others, now=self.now)
            refused = self._publish(wanted)
        refresh_search_text(self.session, listing_ids=tuple(listings[each].id for each in altered))
        published = {reference for reference, problems in refused.items() if not problems}
        changed |= stated | altered | published
        return [
            RowOutcome(
                line=row.read.row.line,
                status=ImportRowStatus.APPLIED if row.read.reference in changed else ImportRowStatus.UNCHANGED,
                reference=row.read.reference,
                listing_id=row.existing.id if row.existing else new_ids[row.read.reference],
                problems=refused.get(row.read.reference, ()),
            )
            for row in rows
        ]

    def _create(self, rows: Sequence[CheckedRow]) -> dict[str, int]:
        """The ids of new drafts by their reference; made with one statement."""
        if not rows:
            return {}
        values = [
            {
                **column_values(row.checked, blur=self.blur, was_hidden=False),
                "status": ListingStatus.DRAFT,
                "organisation_id": self.organisation.id,
                "created_by_id": self.user_id,
                "external_reference": row.read.reference,
                "search_text": self._search_text(row.checked),
            }
            for row in rows
        ]
        statement = insert(Listing).returning(Listing.external_reference, Listing.id)
        # Rows of one shape go in together, so what is empty is written as well.
        made = self.session.execute(statement, values, execution_options={"render_nulls": True})
        return {str(reference): listing_id for reference, listing_id in made}

    def _search_text(self, checked: CheckedDetails) -> str:
        details, project = checked.details, checked.project
        assert checked.municipality is not None
        return compose_search_text(
            material=taxonomy().material(details.material_key),
            fraction=details.fraction,
            description=details.description,
            project_name=project.name if project else None,
            builder=project.builder if project else None,
            organisation_name=self.organisation.name,
            municipality_name=checked.municipality.name,
        )

    def _listings(self, rows: Sequence[CheckedRow], new_ids: Mapping[str, int]) -> dict[str, Listing]:
        """By reference the listings there were, and of the new ones those that more is done with."""
        wanted = [new_ids[row.read.reference] for row in rows if row.existing is None and row.read.wants_more]
        query = select(Listing).where(Listing.id.in_(wanted)).order_by(Listing.id)
        loaded = self.session.scalars(query).all() if wanted else ()
        there = (row.existing for row in rows if row.existing is not None)
        return {str(listing.external_reference): listing for listing in chain(there, loaded)}

    def _change(self, row: CheckedRow) -> bool:
        """Whether the row says anything of the mass that its listing did not say already."""
        listing = row.existing
        assert listing is not None
        values = column_values(row.checked, blur=self.blur, was_hidden=listing.hides_position)
        differing = {name: value for name, value in values.items() if not _is_same(getattr(listing, name), value)}
        if differing:
            write_values(listing, differing, now=self.now)
        return bool(differing)

    def _state(self, rows: Sequence[CheckedRow], listings: Mapping[str, Listing]) -> set[str]:
        """Write what is stated of the lots; the references of those it is news for."""
        stating = [row.read for row in rows if row.read.statements]
        if not stating:
            return set()
        kept = proofs_of(self.session, [listings[each.reference].id for each in stating])
        news = {
            each.reference
            for each in stating
            if write_statements(
                self.session,
                listings[each.reference],
                each.statements,
                kept=kept[listings[each.reference].id].declarations,
                user_id=self.user_id,
                now=self.now,
            )
        }
        self.session.flush()
        return news

    def _wanted(self, rows: Sequence[CheckedRow], listings: Mapping[str, Listing]) -> dict[str, Listing]:
        """Those that are to be published and are not."""
        return {
            row.read.reference: listings[row.read.reference]
            for row in rows
            if row.read.publishes and can(Transition.PUBLISH, listings[row.read.reference])
        }

    def _publish(self, wanted: Mapping[str, Listing]) -> dict[str, tuple[FieldError, ...]]:
        """Publish what may be published; by reference what stands in the way of each, nothing for those it does not."""
        if not wanted:
            return {}
        try:
            refused: dict[int, tuple[FieldError, ...]] = {}
            for kind in ListingKind:  # the same columns change on all of a kind, and they are written together
                of_kind = [each for each in wanted.values() if each.kind is kind]
                refused |= publish_each(self.session, self.actor, of_kind, now=self.now)
        except Forbidden as forbidden:
            refresh_qualities(self.session, list(wanted.values()), now=self.now)
            problem = FieldError(field="publish", message=forbidden.message, params=forbidden.params)
            return dict.fromkeys(wanted, (problem,))
        return {
            reference: tuple(_at_statement(each) for each in refused.get(listing.id, ()))
            for reference, listing in wanted.items()
        }


def _at_statement(problem: FieldError) -> FieldError:
    """What the gate says, at a column of the table."""
    if problem.field == NOTHING_STATED:
        return replace(problem, field="virgin_basis")
    return problem if problem.field in COLUMN_KEYS else replace(problem, field="publish")


COLUMN_KEYS = frozenset(column.key for column in listing_columns())


def _is_same(kept: object, said: object) -> bool:
    if isinstance(kept, WKBElement) and isinstance(said, WKBElement):
        return bool(to_shape(kept).equals_exact(to_shape(said), tolerance=SAME_PLACE_M))
    return kept == said
