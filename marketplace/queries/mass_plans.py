"""Reading mass-balance plans: a project's rows, what was made of them, and what years come to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload, undefer

from geo.mass_balance import Balance, Outcome, Year, YearRow, balance, planned_t, total, year_of
from geo.quarters import Quarter
from marketplace.models import Listing, MassPlanRow, MaterialRow, PlannedListing, Project, ReductionTarget
from marketplace.queries.regions import Region
from marketplace.types import ListingStatus


def time_of(row: MassPlanRow) -> Quarter:
    return Quarter(row.year, row.quarter)


def balance_of(row: MassPlanRow) -> Balance:
    """What a kept row comes to; the database holds its figures to what a balance takes."""
    return balance(
        excavated=planned_t(row.excavated_low_t, row.excavated_t, row.excavated_high_t),
        reused=planned_t(row.reused_low_t, row.reused_t, row.reused_high_t),
        needed=planned_t(row.needed_low_t, row.needed_t, row.needed_high_t),
    )


def outcome_of(row: MassPlanRow) -> Outcome | None:
    """What became of the row's masses; None until that was recorded."""
    figures = (row.actual_excavated_t, row.actual_reused_t, row.actual_passed_on_t, row.actual_disposed_t)
    if None in figures:
        return None
    excavated_t, reused_t, passed_on_t, disposed_t = (figure or Decimal(0) for figure in figures)
    return Outcome(excavated_t=excavated_t, reused_t=reused_t, passed_on_t=passed_on_t, disposed_t=disposed_t)


def is_emptied(row: MassPlanRow) -> bool:
    """Whether the row was taken out of the plan, and is kept only since listings made from it are still there."""
    return not (row.excavated_high_t or row.needed_high_t) and outcome_of(row) is None


# One project ----------------------------------------------------------------------------------------------------------


def rows_of_project(session: Session, *, project_id: int, with_emptied: bool = False) -> tuple[MassPlanRow, ...]:
    """The rows of a plan in the order of time, then of the materials."""
    query = (
        select(MassPlanRow)
        .join(MaterialRow, MaterialRow.key == MassPlanRow.material_key)
        .where(MassPlanRow.project_id == project_id)
        .order_by(MassPlanRow.year, MassPlanRow.quarter, MaterialRow.rank, MassPlanRow.id)
    )
    rows = tuple(session.scalars(query))
    return rows if with_emptied else tuple(row for row in rows if not is_emptied(row))


def row_with_project(session: Session, *, row_id: int) -> MassPlanRow | None:
    """The row with its project."""
    query = (
        select(MassPlanRow)
        .join(MassPlanRow.project)
        .where(MassPlanRow.id == row_id)
        .options(contains_eager(MassPlanRow.project))
    )
    return session.scalars(query).one_or_none()


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeListing:
    """A listing that was made from a row, and what the plan last wrote into it."""

    row: MassPlanRow
    listing: Listing
    written: PlannedListing


def made_listings(session: Session, *, project_id: int, with_closed: bool = True) -> tuple[MadeListing, ...]:
    """The listings made from a plan, in the order of the plan."""
    query = (
        select(MassPlanRow, Listing, PlannedListing)
        .join(Listing, Listing.plan_row_id == MassPlanRow.id)
        .join(PlannedListing, PlannedListing.listing_id == Listing.id)
        .where(MassPlanRow.project_id == project_id)
        .order_by(MassPlanRow.year, MassPlanRow.quarter, Listing.id)
    )
    if not with_closed:
        query = query.where(Listing.status != ListingStatus.CLOSED)
    return tuple(
        MadeListing(row=row, listing=listing, written=written) for row, listing, written in session.execute(query)
    )


def made_listing(session: Session, *, listing_id: int) -> MadeListing | None:
    """One listing with its row and what the plan last wrote into it; None where no plan has to do with it."""
    query = (
        select(MassPlanRow, Listing, PlannedListing)
        .join(Listing, Listing.plan_row_id == MassPlanRow.id)
        .join(PlannedListing, PlannedListing.listing_id == Listing.id)
        .join(MassPlanRow.project)
        .where(Listing.id == listing_id)
        .options(contains_eager(MassPlanRow.project))
    )
    found = session.execute(query).one_or_none()
    return None if found is None else MadeListing(row=found[0], listing=found[1], written=found[2])


def targets_of_project(session: Session, *, project_id: int) -> Mapping[int, ReductionTarget]:
    """The project's targets by year."""
    query = select(ReductionTarget).where(ReductionTarget.project_id == project_id).order_by(ReductionTarget.year)
    return {target.year: target for target in session.scalars(query)}


# Years ----------------------------------------------------------------------------------------------------------------


def year_row(row: MassPlanRow, *, today: date) -> YearRow:
    """A row as its year counts it; only what is dug out is waited for when its quarter is over."""
    return YearRow(
        balance=balance_of(row),
        outcome=outcome_of(row),
        is_over=time_of(row).last_day < today and row.excavated_high_t > 0,
    )


def years_of(rows: Iterable[MassPlanRow], targets: Mapping[int, ReductionTarget], *, today: date) -> Mapping[int, Year]:
    """What each year of a plan comes to, the years with a target alone among them."""
    by_year: dict[int, list[YearRow]] = defaultdict(list, {year: [] for year in targets})
    for row in rows:
        by_year[row.year].append(year_row(row, today=today))
    return {
        year: year_of(by_year[year], target_t=targets[year].surplus_target_t if year in targets else None)
        for year in sorted(by_year)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectYear:
    """What a year comes to for one project."""

    project: Project
    year: Year
    measures: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """A year of several projects, each by itself and all together."""

    projects: tuple[ProjectYear, ...]
    together: Year
    """Its target is the sum of those there are; None where there is none."""
    without_target: int
    """How many of the projects have set none."""


def reduction_of_organisation(session: Session, *, organisation_id: int, year: int, today: date) -> Reduction:
    """A year of all projects of an organisation that have a plan or a target in it."""
    return _reduction(session, Project.organisation_id == organisation_id, year=year, today=today)


def reduction_in_region(session: Session, *, region: Region, year: int, today: date) -> Reduction:
    """A year of all projects in a region that have a plan or a target in it, with who builds them: what municipalities
    follow up."""
    return _reduction(session, region.has(Project.municipality_number), year=year, today=today)


def projects_without_plan(session: Session, *, region: Region, year: int) -> tuple[Project, ...]:
    """The projects in a region that are built in a year and have neither a plan nor a target for it, by name."""
    in_plan = exists().where(
        MassPlanRow.project_id == Project.id,
        MassPlanRow.year == year,
        or_(MassPlanRow.excavated_high_t > 0, MassPlanRow.needed_high_t > 0),
    )
    has_target = exists().where(ReductionTarget.project_id == Project.id, ReductionTarget.year == year)
    query = (
        select(Project)
        .where(
            region.has(Project.municipality_number),
            Project.starts_on <= date(year, 12, 31),
            Project.ends_on >= date(year, 1, 1),
            ~in_plan,
            ~has_target,
        )
        .options(joinedload(Project.organisation), joinedload(Project.municipality), undefer(Project.has_open_listings))
        .order_by(Project.name.collate("nb-NO-x-icu"), Project.id)
    )
    return tuple(session.scalars(query))


def planned_years(session: Session, *, organisation_id: int) -> tuple[int, ...]:
    """The years that an organisation has planned for, in order."""
    own = select(Project.id).where(Project.organisation_id == organisation_id)
    in_plans = select(MassPlanRow.year).where(MassPlanRow.project_id.in_(own))
    in_targets = select(ReductionTarget.year).where(ReductionTarget.project_id.in_(own))
    return tuple(sorted(session.scalars(in_plans.union(in_targets))))


def _reduction(session: Session, scope: ColumnElement[bool], *, year: int, today: date) -> Reduction:
    rows = session.scalars(
        select(MassPlanRow)
        .join(MassPlanRow.project)
        .where(scope, MassPlanRow.year == year)
        .options(
            contains_eager(MassPlanRow.project).joinedload(Project.organisation),
            contains_eager(MassPlanRow.project).undefer(Project.has_open_listings),
        )
        .order_by(MassPlanRow.id)
    )
    targets = session.scalars(
        select(ReductionTarget)
        .join(ReductionTarget.project)
        .where(scope, ReductionTarget.year == year)
        .options(
            contains_eager(ReductionTarget.project).joinedload(Project.organisation),
            contains_eager(ReductionTarget.project).undefer(Project.has_open_listings),
        )
        .order_by(ReductionTarget.id)
    )
    projects: dict[int, Project] = {}
    rows_by_project: dict[int, list[YearRow]] = defaultdict(list)
    target_by_project: dict[int, ReductionTarget] = {}
    for row in rows:
        if not is_emptied(row):
            projects[row.project_id] = row.project
            rows_by_project[row.project_id].append(year_row(row, today=today))
    for target in targets:
        projects[target.project_id] = target.project
        target_by_project[target.project_id] = target
    ordered = sorted(projects.values(), key=lambda project: (project.name, project.id))
    return Reduction(
        projects=tuple(
            ProjectYear(
                project=project,
                year=year_of(
                    rows_by_project[project.id],
                    target_t=target_by_project[project.id].surplus_target_t
                    if project.id in target_by_project
                    else None,
                ),
                measures=target_by_project[project.id].measures if project.id in target_by_project else "",
            )
            for project in ordered
        ),
        together=year_of(
            (row for project in ordered for row in rows_by_project[project.id]),
            target_t=sum((each.surplus_target_t for each in target_by_project.values()), Decimal(0))
            if target_by_project
            else None,
        ),
        without_target=len(projects.keys() - target_by_project.keys()),
    )


def by_material(rows: Iterable[MassPlanRow]) -> Mapping[str, Balance]:
    """The balance of each material over the whole plan, in the order it first comes."""
    found: dict[str, list[Balance]] = defaultdict(list)
    for row in rows:
        found[row.material_key].append(balance_of(row))
    return {key: total(balances) for key, balances in found.items()}


def by_quarter(rows: Iterable[MassPlanRow]) -> Mapping[Quarter, Balance]:
    """The balance of each quarter over all materials, in the order of time."""
    found: dict[Quarter, list[Balance]] = defaultdict(list)
    for row in rows:
        found[time_of(row)].append(balance_of(row))
    return {quarter: total(found[quarter]) for quarter in sorted(found)}
