"""Keeping reports on what was avoided, so that they print the same for ever."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.disclosure import Disclosure
from marketplace.errors import FieldError, InvalidInput
from marketplace.i18n_marker import N_
from marketplace.models import ImpactReport
from marketplace.queries.impact_reports import newest_yearly_report
from marketplace.queries.regions import Region
from marketplace.types import ReportKind

NOT_BEGUN = N_("A report can be made of this year, and of years that are over.")


def keep_climate_statement(
    session: Session,
    actor: Actor,
    *,
    project_id: int,
    content: Mapping[str, Any],
    period: tuple[date, date] | None = None,
    now: datetime,
) -> ImpactReport:
    """A project's climate statement, kept as it is. Who may make one is for the caller to know."""
    return _keep(
        session,
        actor,
        ImpactReport(kind=ReportKind.CLIMATE_STATEMENT, project_id=project_id, municipality_numbers=[]),
        content=content,
        period=period,
        now=now,
    )


def keep_yearly_report(
    session: Session,
    actor: Actor,
    *,
    region: Region,
    disclosure: Disclosure,
    content: Mapping[str, Any],
    period: tuple[date, date],
    now: datetime,
) -> ImpactReport:
    """A region's report, kept as it is; where the newest of the same year says the same, that one.

    How much it may say is for the caller to know.
    Raises:
        InvalidInput: the year has not begun.
    """
    if period[0] > local_date(now):
        raise InvalidInput(FieldError(field="year", message=NOT_BEGUN))
    newest = newest_yearly_report(session, region=region, is_full=disclosure.is_full, period=period)
    if newest is not None and _without_moment(newest.content) == _without_moment(content):
        return newest
    report = ImpactReport(
        kind=ReportKind.YEARLY_REPORT,
        municipality_numbers=sorted(region.numbers),
        is_full=disclosure.is_full,
    )
    return _keep(session, actor, report, content=content, period=period, now=now)


def _keep(
    session: Session,
    actor: Actor,
    report: ImpactReport,
    *,
    content: Mapping[str, Any],
    period: tuple[date, date] | None,
    now: datetime,
) -> ImpactReport:
    assert actor.user_id is not None
    report.content = dict(content)
    report.content_sha256 = content_number(content)
    report.starts_on, report.ends_on = period or (None, None)
    report.made_by_id, report.made_at = actor.user_id, now
    session.add(report)
    session.flush()
    return report


def _without_moment(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != "made_at"}


def content_number(content: Mapping[str, Any]) -> str:
    """The SHA-256 of all that a report says: another one after any change."""
    return sha256(json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
