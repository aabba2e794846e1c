"""Reports on what was avoided that have been kept."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.models import ImpactReport
from marketplace.queries.regions import Region
from marketplace.types import ReportKind

MOST_SHOWN = 50


def report_for_page(session: Session, *, report_id: int) -> ImpactReport | None:
    """The report with its project."""
    query = select(ImpactReport).where(ImpactReport.id == report_id).options(joinedload(ImpactReport.project))
    return session.scalars(query).one_or_none()


def reports_of_project(session: Session, *, project_id: int) -> Sequence[ImpactReport]:
    """The climate statements of a project, the newest first."""
    query = (
        select(ImpactReport)
        .where(ImpactReport.project_id == project_id)
        .options(joinedload(ImpactReport.made_by))
        .order_by(ImpactReport.made_at.desc(), ImpactReport.id.desc())
        .limit(MOST_SHOWN)
    )
    return session.scalars(query).all()


def reports_of_region(session: Session, *, region: Region, with_full: bool) -> Sequence[ImpactReport]:
    """The yearly reports of exactly a region, the newest first; those that say everything only `with_full`."""
    query = (
        select(ImpactReport)
        .where(
            ImpactReport.project_id.is_(None),
            ImpactReport.kind == ReportKind.YEARLY_REPORT,
            ImpactReport.municipality_numbers == sorted(region.numbers),
        )
        .order_by(ImpactReport.made_at.desc(), ImpactReport.id.desc())
        .limit(MOST_SHOWN)
    )
    if not with_full:
        query = query.where(~ImpactReport.is_full)
    return session.scalars(query).all()


def newest_yearly_report(
    session: Session, *, region: Region, is_full: bool, period: tuple[date, date]
) -> ImpactReport | None:
    """The last report that was made of exactly a region and a year."""
    query = (
        select(ImpactReport)
        .where(
            ImpactReport.project_id.is_(None),
            ImpactReport.kind == ReportKind.YEARLY_REPORT,
            ImpactReport.municipality_numbers == sorted(region.numbers),
            ImpactReport.is_full == is_full,
            ImpactReport.starts_on == period[0],
            ImpactReport.ends_on == period[1],
        )
        .order_by(ImpactReport.made_at.desc(), ImpactReport.id.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()
