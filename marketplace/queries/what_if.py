"""Deals with their frozen facts and the masses that are asked about: of a region in a period, or of a project."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from geo.months import MonthPeriod
from marketplace.impact_basis import basis_of
from marketplace.models import Deal, DealImpact, DealMonth, Listing, Project
from marketplace.queries.impact import FIRM
from marketplace.queries.regions import Region
from marketplace.what_if import Counted

MOST_PROJECTS = 500

HAS_FACTS = DealImpact.basis.has_key("stops")
"""A record says what it is compared with; without that it is only rates, and nothing can be worked out anew."""


def of_project(project_id: int) -> ColumnElement[bool]:
    """That a deal's masses began in a project, whatever hub they went by, or were used in it."""
    surplus = select(Listing.id).where(Listing.project_id == project_id)
    taking = select(Listing.id).where(Listing.project_id == project_id)
    return or_(
        Deal.surplus_id.in_(surplus),
        Deal.destination_project_id == project_id,
        Deal.taking_listing_id.in_(taking),
    )


def avoided_in_region(session: Session, region: Region, period: MonthPeriod) -> Iterator[Counted]:
    """The deals with loads that count in the period, from, to or within the region."""
    first, last = period.first.first_day, period.last.first_day
    touches = region.touches(DealMonth.origin_municipality_number, DealMonth.destination_municipality_number)
    months = (
        select(
            DealMonth.deal_id,
            func.coalesce(func.sum(DealMonth.avoided_t).filter(DealMonth.month < first), 0).label("before_t"),
            func.sum(DealMonth.avoided_t).label("until_t"),
        )
        .where(DealMonth.month <= last, touches)
        .group_by(DealMonth.deal_id)
        .having(func.sum(DealMonth.avoided_t).filter(DealMonth.month >= first) > 0)
        .subquery()
    )
    query = (
        select(DealImpact.basis, months.c.before_t, months.c.until_t)
        .join(months, months.c.deal_id == DealImpact.deal_id)
        .where(DealImpact.is_current, HAS_FACTS)
        .order_by(DealImpact.deal_id)
    )
    for row in session.execute(query):
        yield Counted(basis=basis_of(row.basis), before_t=row.before_t, until_t=row.until_t)


def expected_of_project(session: Session, *, project_id: int) -> Iterator[Counted]:
    """The deals of a project that are agreed or over, with all that was agreed."""
    query = (
        select(DealImpact.basis, Deal.agreed_t)
        .join(Deal, Deal.id == DealImpact.deal_id)
        .where(DealImpact.is_current, HAS_FACTS, Deal.status.in_(FIRM), of_project(project_id))
        .order_by(Deal.id)
    )
    for row in session.execute(query):
        yield Counted(basis=basis_of(row.basis), before_t=row.agreed_t * 0, until_t=row.agreed_t)


def projects_with_records(session: Session) -> Sequence[tuple[int, str]]:
    """Projects whose deals have records, by name, as (id, name)."""
    surplus = select(Listing.project_id).join(Deal, Deal.surplus_id == Listing.id)
    used = select(Deal.destination_project_id)
    has_record = and_(Deal.status.in_(FIRM), Deal.id.in_(select(DealImpact.deal_id).where(DealImpact.is_current)))
    rows = session.execute(
        select(Project.id, Project.name)
        .where(or_(Project.id.in_(surplus.where(has_record)), Project.id.in_(used.where(has_record))))
        .order_by(Project.name, Project.id)
        .limit(MOST_PROJECTS)
    )
    return [(row.id, row.name) for row in rows]
