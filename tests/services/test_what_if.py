"""Deals under another set of figures: worked out from their frozen facts, and kept nowhere."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.errors import FactorError
from geo.factor_tables import factor_tables
from geo.factors import FactorSet
from geo.impact import Measure
from geo.months import Month, MonthPeriod
from marketplace.models import Deal, DealImpact, DealMonth, RecoveryAnswer
from marketplace.queries.factor_sets import active_set, figures_of
from marketplace.queries.impact import avoided_by
from marketplace.queries.regions import EVERYWHERE, find_region
from marketplace.queries.what_if import avoided_in_region, expected_of_project, projects_with_records
from marketplace.services.impact_records import freeze
from marketplace.types import DealStatus, FacilityKind, ImpactReason, ListingKind, RecoveryTest, TicketStatus
from marketplace.web import admin_what_if
from marketplace.what_if import changes_between, what_if
from tests.conftest import NOW, Client
from tests.factories import Factory

SETS = {version: each.figures for version, each in factor_tables().sets.items()}
USED, DRAFT = SETS["desnz-2025"], SETS["norway-2026-draft"]
LIER, DRAMMEN, SKUI = (10.2400, 59.7900), (10.2100, 59.7050), (10.4700, 59.9180)
MARCH = MonthPeriod(Month(2027, 3), Month(2027, 3))


@pytest.fixture
def deal(make: Factory, session: Session) -> Deal:
    make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN, accepts=["blasted_rock"])
    make.facility(kind=FacilityKind.QUARRY, position=SKUI, accepts=["blasted_rock"])
    project = make.project()
    surplus = make.listing(project.organisation, project=project, project_id=project.id)
    demand = make.listing(kind=ListingKind.DEMAND, position=LIER)
    made = make.deal(
        surplus=surplus,
        taker=demand.organisation,
        status=DealStatus.AGREED,
        taking_listing_id=demand.id,
        destination_position_25833=demand.position_25833,
    )
    taker = make.member(demand.organisation)
    session.add_all(
        RecoveryAnswer(
            deal_id=made.id, test=test, holds=True, evidence="Plan", answered_by_id=taker.id, answered_at=NOW
        )
        for test in RecoveryTest
    )
    freeze(session, made, reason=ImpactReason.AGREED, now=NOW)
    return made


def bring(make: Factory, deal: Deal, *days: datetime) -> None:
    for day in days:
        make.ticket(deal, status=TicketStatus.CONFIRMED, loaded_at=day)


def test_under_its_own_set_a_region_comes_to_what_the_kept_sums_say(
    session: Session, make: Factory, deal: Deal
) -> None:
    bring(make, deal, datetime(2027, 2, 10, 9, tzinfo=NOW.tzinfo), NOW, NOW)
    result = what_if(avoided_in_region(session, EVERYWHERE, MARCH), one=USED, other=USED)
    kept = session.scalars(select(DealMonth).where(DealMonth.month == MARCH.first.first_day)).one()
    for measure, low, central, high in zip(Measure, kept.low, kept.central, kept.high, strict=True):
        figure = result.one[measure]
        assert (figure.low, figure.value, figure.high) == (low, central, high)
    assert (result.deals, result.mass_t) == (1, Decimal("34.48"))


def test_only_what_rests_on_the_figure_that_differs_differs(session: Session, make: Factory, deal: Deal) -> None:
    bring(make, deal, NOW)
    result = what_if(avoided_in_region(session, EVERYWHERE, MARCH), one=USED, other=DRAFT)
    assert {measure for measure in Measure if result.difference(measure)} == {Measure.MATERIAL_CO2E_KG}
    assert result.difference(Measure.MATERIAL_CO2E_KG) == Decimal("17.24") * (Decimal("3.5") - Decimal("7.793"))


def test_the_other_way_round_the_difference_is_the_opposite(session: Session, make: Factory, deal: Deal) -> None:
    bring(make, deal, NOW)
    there = what_if(avoided_in_region(session, EVERYWHERE, MARCH), one=USED, other=SETS["desnz-2024"])
    back = what_if(avoided_in_region(session, EVERYWHERE, MARCH), one=SETS["desnz-2024"], other=USED)
    assert [there.difference(measure) for measure in Measure] == [-back.difference(measure) for measure in Measure]


def test_a_region_without_the_deal_comes_to_nothing(session: Session, make: Factory, deal: Deal) -> None:
    bring(make, deal, NOW)
    tromso = find_region(session, municipalities=["5501"])
    assert tromso is not None
    assert what_if(avoided_in_region(session, tromso, MARCH), one=USED, other=DRAFT).deals == 0


def test_a_project_comes_to_all_that_it_has_agreed(session: Session, deal: Deal) -> None:
    project_id = deal.surplus.project_id
    assert project_id is not None
    assert [each[0] for each in projects_with_records(session)] == sorted(
        {project_id, deal.destination_project_id} - {None}  # type: ignore[type-var]
    )
    result = what_if(expected_of_project(session, project_id=project_id), one=USED, other=DRAFT)
    assert (result.deals, result.mass_t, result.one[Measure.VIRGIN_T].value) == (1, 500, 500)


def test_nothing_is_written(session: Session, make: Factory, deal: Deal) -> None:
    bring(make, deal, NOW)
    before = avoided_by(session, deal_id=deal.id)
    what_if(avoided_in_region(session, EVERYWHERE, MARCH), one=USED, other=DRAFT)
    assert not session.new
    assert not session.dirty
    assert avoided_by(session, deal_id=deal.id) == before
    assert session.scalar(select(func.count()).select_from(DealImpact)) == 1


def test_a_set_without_what_a_deal_needs_is_told(session: Session, make: Factory, deal: Deal) -> None:
    bring(make, deal, NOW)
    poor = FactorSet(
        version="poor",
        default_vehicle=USED.default_vehicle,
        default_fuel=USED.default_fuel,
        factors={key: each for key, each in USED.factors.items() if not key.startswith("circuity")},
    )
    with pytest.raises(FactorError):
        what_if(avoided_in_region(session, EVERYWHERE, MARCH), one=USED, other=poor)


def test_figures_that_differ_are_named_and_who_says_so_does_not_count() -> None:
    assert [each.key for each in changes_between(USED, DRAFT)] == ["material.aggregates.primary"]
    rock = USED.factors["material.aggregates.primary"]
    same = replace(rock, quantity=replace(rock.quantity, source="somebody else"))
    assert changes_between(USED, replace(USED, factors={**USED.factors, rock.key: same})) == ()
    missing = [each for each in changes_between(USED, SETS["desnz-2024"]) if each.one is None]
    assert [each.key for each in missing] == ["fuel.diesel_lorry.ttw", "fuel.diesel_lorry.wtt"]


def test_the_page_compares_a_period_and_a_project(client: Client, session: Session, make: Factory, deal: Deal) -> None:
    bring(make, deal, NOW)
    client.log_in_as(make.user(is_admin=True))
    client.in_english()
    page = client.get("/admin/factors/compare?from=2027-03&to=2027-03").text
    for said in ("desnz-2025", "norway-2026-draft", "Crushed rock, gravel and sand: made anew", "−74\u00a0kg CO₂e"):
        assert said in page
    page = client.get(f"/admin/factors/compare?project={deal.surplus.project_id}").text
    assert "500" in page
    page = client.get("/admin/factors/compare?county=55&from=2027-03&to=2027-03").text
    assert "No loads count in this choice." in page
    assert client.get("/admin/factors/compare?one=987654").status_code == 404
    assert client.get("/admin/factors/compare?project=987654").status_code == 404


def test_to_open_the_page_works_out_nothing(client: Client, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_what_if, "avoided_in_region", None)
    client.log_in_as(make.user(is_admin=True))
    client.in_english()
    page = client.get("/admin/factors/compare").text
    assert "Figures that differ" in page
    assert "What the same deals come to" not in page


def test_the_figures_of_the_active_set_are_those_of_the_tables(session: Session) -> None:
    assert dict(figures_of(active_set(session)).factors) == dict(USED.factors)
