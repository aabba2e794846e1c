"""Reports that are kept stand as they were made."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geo.months import MonthPeriod
from marketplace.disclosure import Disclosure
from marketplace.models import ImpactReport
from marketplace.queries.impact_reports import reports_of_project, reports_of_region
from marketplace.queries.regions import EVERYWHERE, Region, region_of_municipality
from marketplace.services.impact_reports import content_number, keep_climate_statement, keep_yearly_report
from tests.conftest import NOW
from tests.factories import BAERUM, Factory

YEAR = MonthPeriod.of_year(2026).days


def baerum(session: Session) -> Region:
    region = region_of_municipality(session, BAERUM)
    assert region is not None
    return region


def a_report(session: Session, make: Factory, region: Region, disclosure: Disclosure = Disclosure.OPEN) -> ImpactReport:
    return keep_yearly_report(
        session,
        make.actor(),
        region=region,
        disclosure=disclosure,
        content={"total_t": "12.345", "name": "Bærum"},
        period=YEAR,
        now=NOW,
    )


def test_a_report_is_kept_with_the_number_of_its_content(session: Session, make: Factory) -> None:
    report = a_report(session, make, baerum(session))
    session.expire_all()
    assert report.content_sha256 == content_number({"name": "Bærum", "total_t": "12.345"})
    assert report.period == YEAR


@pytest.mark.parametrize(
    "statement", ["UPDATE impact_report SET is_full = true", "DELETE FROM impact_report", "TRUNCATE impact_report"]
)
def test_nobody_changes_a_report(session: Session, make: Factory, statement: str) -> None:
    a_report(session, make, baerum(session))
    with pytest.raises(DBAPIError, match="stands as it was made"):
        session.execute(text(statement))


def test_reports_are_found_by_exactly_their_region(session: Session, make: Factory) -> None:
    own, everywhere = a_report(session, make, baerum(session)), a_report(session, make, EVERYWHERE)
    assert list(reports_of_region(session, region=baerum(session), with_full=True)) == [own]
    assert list(reports_of_region(session, region=EVERYWHERE, with_full=True)) == [everywhere]


def test_reports_that_say_everything_are_left_out_for_others(session: Session, make: Factory) -> None:
    a_report(session, make, baerum(session), Disclosure.FULL)
    assert not reports_of_region(session, region=baerum(session), with_full=False)


def test_a_climate_statement_belongs_to_its_project(session: Session, make: Factory) -> None:
    project = make.project()
    statement = keep_climate_statement(session, make.actor(), project_id=project.id, content={"expected": "1"}, now=NOW)
    assert list(reports_of_project(session, project_id=project.id)) == [statement]
    assert statement.period is None
