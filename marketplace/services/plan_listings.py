"""Listings that are made from a plan, and how they follow it.

A draft that nobody has touched follows the plan wholly: it changes with its row, and goes when the row has nothing left
to list. Where somebody has worked on a draft, each of quantity, period and description follows for as long as it is
what the plan last wrote; the rest is theirs, and such a draft is never thrown away. What others can see, or could, is
not changed behind its owner's back: a published or paused listing shows what the plan says now, and is brought in step
by a press (`take_plan`), or left as it is by another (`keep_own`). Closed listings are past.
"""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal

from geoalchemy2.shape import to_shape
from shapely import Point
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from geo.crs import from_stored
from geo.geometry import Position
from geo.materials import Fraction
from geo.quantities import Quantity
from geo.units import EnteredUnit
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, Forbidden, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import (
    BackgroundOverride,
    Declaration,
    Document,
    LabReport,
    Listing,
    MassPlanRow,
    PlannedListing,
    Project,
)
from marketplace.queries.mass_plans import MadeListing, balance_of, made_listing, time_of
from marketplace.services.listings import ListingDetails, create_listing, delete_draft, update_listing
from marketplace.stored_text import in_language
from marketplace.types import ListingKind, ListingStatus

LANGUAGE = "nb"
"""Of what is written into listings: that of those who read them, whoever changes the plan."""
FROM_PLAN = N_("From the mass plan for %(quarter)s: likely %(likely)s t, between %(low)s and %(high)s t.")
FROM_PLAN_EXACTLY = N_("From the mass plan for %(quarter)s: %(likely)s t.")
QUARTER = N_("quarter %(number)s of %(year)s")

NO_LONGER = Conflict(N_("The plan has nothing for this listing any more. Pause it, close it, or keep it as it is."))


# What the plan says -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLot:
    """What a row says for a listing of one kind."""

    kind: ListingKind
    mass: Quantity
    days: tuple[date, date]
    """Those of the quarter in which the project goes on; the whole quarter where it does not."""

    @property
    def is_something(self) -> bool:
        return self.mass.value > 0

    def days_from(self, today: date) -> tuple[date, date] | None:
        """The days that are left; None where the quarter is over."""
        first, last = self.days
        return (max(first, today), last) if last >= today else None

    def has_moved_from(self, first: date, last: date, *, today: date) -> bool:
        """Whether the plan's days are others than those that were written; that some have passed is no change."""
        left = self.days_from(today)
        return left is not None and (self.days[1] != last or self.days[0] > first or left[0] < first)


def lot_of(row: MassPlanRow, kind: ListingKind, project: Project) -> PlannedLot:
    """What the row says for a surplus, or for a demand."""
    figures, quarter = balance_of(row), time_of(row)
    return PlannedLot(
        kind=kind,
        mass=figures.surplus if kind is ListingKind.SURPLUS else figures.deficit,
        days=quarter.within(project.starts_on, project.ends_on) or (quarter.first_day, quarter.last_day),
    )


def describe(row: MassPlanRow, lot: PlannedLot) -> str:
    """Where the quantity comes from, and its range."""
    quarter = in_language(LANGUAGE, QUARTER, number=str(row.quarter), year=str(row.year))
    mass = lot.mass
    message = FROM_PLAN_EXACTLY if mass.low == mass.high else FROM_PLAN
    return in_language(LANGUAGE, message, quarter=quarter, likely=mass.value, low=mass.low, high=mass.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a listing stands to the plan."""

    planned_t: Decimal
    is_gone: bool
    """The plan has nothing for it any more."""
    mass_differs: bool
    days_differ: bool
    days: tuple[date, date] | None

    @property
    def differs(self) -> bool:
        """Whether the plan has come to say something else, which its owner has not answered yet."""
        return self.is_gone or self.mass_differs or self.days_differ


def step_of(made: MadeListing, project: Project, *, today: date) -> Step:
    """How an open listing stands to the plan: only what has changed there since is told."""
    listing, written = made.listing, made.written
    lot = lot_of(made.row, listing.kind, project)
    return Step(
        planned_t=lot.mass.value,
        is_gone=not lot.is_something and written.mass_t > 0,
        mass_differs=lot.is_something and lot.mass.value not in (written.mass_t, listing.mass_t),
        days_differ=lot.is_something
        and lot.has_moved_from(written.available_from, written.available_to, today=today)
        and lot.days_from(today) != listing.period,
        days=lot.days_from(today),
    )


# Making drafts ----------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class DraftChanges:
    """What became of the listings of a plan, counted."""

    made: int = 0
    updated: int = 0
    removed: int = 0
    kept: int = 0
    """Drafts that somebody has worked on, and that the plan would have had otherwise."""
    flagged: int = 0
    """Published and paused ones that now say otherwise than the plan."""
    over: int = 0
    """Rows whose quarter is over: too late for a listing."""
    dealt_with: int = 0
    """Rows whose listing is closed: they get no second one."""

    def __iadd__(self, other: "DraftChanges") -> "DraftChanges":
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        return self


def make_drafts(
    session: Session, actor: Actor, *, project: Project, rows: tuple[MassPlanRow, ...], now: datetime
) -> DraftChanges:
    """A draft for each surplus and each deficit of the rows that has no listing yet.

    The project must be locked, so that two presses at once do not make two of each.
    """
    changes = DraftChanges()
    query = select(Listing.plan_row_id, Listing.kind, Listing.status).where(
        Listing.plan_row_id.in_([row.id for row in rows])
    )
    statuses: dict[tuple[int | None, ListingKind], set[ListingStatus]] = {}
    for row_id, kind, status in session.execute(query):
        statuses.setdefault((row_id, kind), set()).add(status)
    today = local_date(now)
    for row in rows:
        for kind in (ListingKind.SURPLUS, ListingKind.DEMAND):
            lot = lot_of(row, kind, project)
            there = statuses.get((row.id, kind), set())
            if not lot.is_something or there - {ListingStatus.CLOSED}:
                continue
            days = lot.days_from(today)
            if there:
                changes.dealt_with += 1
            elif days is None:
                changes.over += 1
            else:
                _make(session, actor, project=project, row=row, lot=lot, days=days, now=now)
                changes.made += 1
    return changes


def _make(
    session: Session,
    actor: Actor,
    *,
    project: Project,
    row: MassPlanRow,
    lot: PlannedLot,
    days: tuple[date, date],
    now: datetime,
) -> None:
    description = describe(row, lot)
    listing = create_listing(
        session,
        actor,
        organisation_id=project.organisation_id,
        details=ListingDetails(
            kind=lot.kind,
            material_key=row.material_key,
            entered_value=lot.mass.value,
            entered_unit=EnteredUnit.TONNE,
            available_from=days[0],
            available_to=days[1],
            project_id=project.id,
            description=description,
        ),
        now=now,
        is_example=project.is_example,
    )
    listing.plan_row_id = row.id
    written = PlannedListing(
        listing_id=listing.id,
        mass_t=lot.mass.value,
        available_from=days[0],
        available_to=days[1],
        description=description,
        written_at=now,
    )
    session.add(written)
    session.flush()


# Keeping step -----------------------------------------------------------------------------------------------------


def follow_plan(session: Session, actor: Actor, *, project: Project, row_ids: list[int], now: datetime) -> DraftChanges:
    """Bring the drafts of changed rows in step with them, and count what is not theirs to change."""
    changes = DraftChanges()
    query = (
        select(MassPlanRow, Listing, PlannedListing)
        .join(Listing, Listing.plan_row_id == MassPlanRow.id)
        .join(PlannedListing, PlannedListing.listing_id == Listing.id)
        .where(MassPlanRow.id.in_(row_ids), Listing.status != ListingStatus.CLOSED)
        .order_by(Listing.id)  # in id order, as everything that changes several listings
        .with_for_update(of=Listing, key_share=True)
        .execution_options(populate_existing=True)
    )
    for row, listing, written in session.execute(query).all():
        made = MadeListing(row=row, listing=listing, written=written)
        if listing.status is ListingStatus.DRAFT:
            changes += _follow(session, actor, made, project, now=now)
        elif step_of(made, project, today=local_date(now)).differs:
            changes.flagged += 1
    return changes


def _follow(session: Session, actor: Actor, made: MadeListing, project: Project, *, now: datetime) -> DraftChanges:
    listing, written, today = made.listing, made.written, local_date(now)
    lot = lot_of(made.row, listing.kind, project)
    if not lot.is_something:
        if has_been_worked_on(session, made):
            return DraftChanges(kept=1)
        delete_draft(session, actor, listing_id=listing.id)
        return DraftChanges(removed=1)
    before = details_of_listing(listing)
    after, days = before, lot.days_from(today)
    is_same_lot = listing.material_key == made.row.material_key and listing.project_id == project.id
    if is_same_lot and listing.entered_unit is EnteredUnit.TONNE and listing.mass_t == written.mass_t:
        after = _with_mass(after, lot.mass.value)
        written.mass_t = lot.mass.value
    if (
        is_same_lot
        and days is not None
        and listing.period == (written.available_from, written.available_to)
        and lot.has_moved_from(*listing.period, today=today)
    ):
        after = replace(after, available_from=days[0], available_to=days[1])
        written.available_from, written.available_to = days
    if is_same_lot and listing.description == written.description:
        after = replace(after, description=describe(made.row, lot))
        written.description = after.description
    if after == before:
        return DraftChanges(kept=step_of(made, project, today=today).differs)
    was_untouched = listing.updated_at in (None, written.written_at)
    update_listing(session, actor, listing_id=listing.id, details=after, now=now)
    if was_untouched:
        written.written_at = now
    session.flush()
    return DraftChanges(updated=1)


def has_been_worked_on(session: Session, made: MadeListing) -> bool:
    """Whether somebody has written in the listing since the plan did, or put papers to it."""
    if made.listing.updated_at not in (None, made.written.written_at):
        return True
    papers = (LabReport, Document, Declaration, BackgroundOverride)
    return bool(session.scalar(select(or_(*(exists().where(paper.listing_id == made.listing.id) for paper in papers)))))


def take_plan(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """The listing with the plan's quantity and period, by the rules that any edit of it obeys.

    Raises:
        NotFound, Forbidden: no plan has to do with the listing, or it is not the actor's to change.
        Conflict: the plan has nothing for it any more, or it is closed.
        InvalidInput: it cannot be so while it is published.
    """
    made = _made(session, actor, listing_id)
    lot = lot_of(made.row, made.listing.kind, made.row.project)
    if not lot.is_something:
        raise NO_LONGER
    details = _with_mass(details_of_listing(made.listing), lot.mass.value)
    days = lot.days_from(local_date(now))
    if days is not None:
        details = replace(details, available_from=days[0], available_to=days[1])
    description = describe(made.row, lot)
    if made.listing.description == made.written.description:
        details = replace(details, description=description)
        made.written.description = description
    was_untouched = not has_been_worked_on(session, made)
    listing = update_listing(session, actor, listing_id=listing_id, details=details, now=now)
    _note(made, lot, days)
    if was_untouched:
        made.written.written_at = now
    session.flush()
    return listing


def keep_own(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """The listing as it is: what the plan says now has been seen, and is not asked about again.

    Raises:
        NotFound, Forbidden: no plan has to do with the listing, or it is not the actor's to change.
    """
    made = _made(session, actor, listing_id)
    lot = lot_of(made.row, made.listing.kind, made.row.project)
    _note(made, lot, lot.days_from(local_date(now)))
    session.flush()
    return made.listing


def _made(session: Session, actor: Actor, listing_id: int) -> MadeListing:
    made = made_listing(session, listing_id=listing_id)
    if made is None:
        raise NotFound
    if not actor.can_edit(made.listing.organisation_id):
        raise Forbidden
    return made


def _note(made: MadeListing, lot: PlannedLot, days: tuple[date, date] | None) -> None:
    made.written.mass_t = lot.mass.value
    if days is not None:
        made.written.available_from, made.written.available_to = days


# A listing as what somebody said of it ----------------------------------------------------------------------------


def _with_mass(details: ListingDetails, mass_t: Decimal) -> ListingDetails:
    """The details with another quantity; a smallest lot above it becomes the whole."""
    smallest = details.min_lot_t
    return replace(
        details,
        entered_value=mass_t,
        entered_unit=EnteredUnit.TONNE,
        density_t_m3=None,
        min_lot_t=None if smallest is None else min(smallest, mass_t),
    )


def details_of_listing(listing: Listing) -> ListingDetails:
    """What a listing says, ready to be said again with a change."""
    names = [field.name for field in fields(ListingDetails)]
    said = {name: getattr(listing, name) for name in names if hasattr(listing, name)}
    sizes = listing.fraction_mm
    return ListingDetails(
        **said,
        own_position=_own_position(listing) if listing.has_own_position else None,
        fraction=Fraction(lower_mm=sizes[0], upper_mm=sizes[1]) if sizes else None,
    )


def _own_position(listing: Listing) -> Position:
    """Where its pin is, also where others are shown a blurred one."""
    exact = listing.exact_position_25833 if listing.hides_position else listing.position_25833
    assert exact is not None
    point = from_stored(to_shape(exact))
    assert isinstance(point, Point)
    return Position(lon=point.x, lat=point.y)
