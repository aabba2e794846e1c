"""A project's climate statement: as it stands, as it was made, on paper and as a spreadsheet."""

import io
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus

import openpyxl
import pytest
from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.impact import Measure, ledger_of
from geo.pyramid import Level
from marketplace.actor import Actor
from marketplace.climate_values import ClimateContent, from_json, to_json
from marketplace.errors import Forbidden
from marketplace.impact_basis import Chosen, basis_of
from marketplace.labels import label
from marketplace.models import Deal, Facility, ImpactReport, Project, RecoveryAnswer, User
from marketplace.queries.climate import climate_content, keys_of
from marketplace.queries.factor_sets import figures_of, set_of_version
from marketplace.queries.impact import current_record
from marketplace.queries.projects import project_for_page
from marketplace.services.climate_statements import NothingToSay, make_climate_statement
from marketplace.services.factor_sets import activate
from marketplace.services.impact_records import freeze
from marketplace.types import DealStatus, FacilityKind, ImpactReason, ListingKind, RecoveryTest, TicketStatus
from marketplace.web.climate_sheet import climate_sheet
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory

LIER, DRAMMEN, SKUI = (10.2400, 59.7900), (10.2100, 59.7050), (10.4700, 59.9180)
LATER = NOW + timedelta(days=30)


@pytest.fixture
def owner(make: Factory) -> User:
    return make.member()


@pytest.fixture
def project(make: Factory, owner: User) -> Project:
    return make.project(owner.memberships[0].organisation, name="Tunnelen")


@pytest.fixture
def facilities(make: Factory) -> tuple[Facility, Facility]:
    return (
        make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN, accepts=["blasted_rock"], name="Deponiet"),
        make.facility(
            kind=FacilityKind.QUARRY, position=SKUI, accepts=["crushed_rock", "blasted_rock"], name="Bruddet"
        ),
    )


def agreed(make: Factory, session: Session, project: Project, *, answers: bool = True, **values: object) -> Deal:
    """A deal from the project, agreed and frozen."""
    surplus = make.listing(project.organisation, project=project, project_id=project.id)
    demand = make.listing(kind=ListingKind.DEMAND, position=LIER)
    deal = make.deal(
        surplus=surplus,
        taker=demand.organisation,
        status=DealStatus.AGREED,
        taking_listing_id=demand.id,
        destination_position_25833=demand.position_25833,
        **values,
    )
    if answers:
        answered = make.member(demand.organisation)
        session.add_all(
            RecoveryAnswer(
                deal_id=deal.id, test=test, holds=True, evidence="Plan", answered_by_id=answered.id, answered_at=NOW
            )
            for test in RecoveryTest
        )
    freeze(session, deal, reason=ImpactReason.AGREED, now=NOW)
    return deal


@pytest.fixture
def deal(make: Factory, session: Session, project: Project, facilities: tuple[Facility, Facility]) -> Deal:
    made = agreed(make, session, project)
    make.ticket(made, status=TicketStatus.CONFIRMED)
    make.ticket(made, status=TicketStatus.DISPUTED)
    return made


def content_of(session: Session, project: Project) -> ClimateContent:
    session.expire_all()
    found = project_for_page(session, project_id=project.id)
    assert found is not None
    return climate_content(session, found, now=NOW)


def actor_of(make: Factory, user: User) -> Actor:
    return make.actor(user)


# What it says ---------------------------------------------------------------------------------------------------------


def test_expected_is_all_that_is_agreed_and_achieved_what_counts(
    session: Session, project: Project, deal: Deal
) -> None:
    content = content_of(session, project)
    record = current_record(session, deal_id=deal.id)
    assert record is not None
    expected, achieved = ledger_of(record.rates, Decimal(500)), ledger_of(record.rates, Decimal("17.24"))
    for measure in Measure:
        assert content.expected[measure].value == expected[measure].value
        assert content.achieved[measure].value == achieved[measure].value
        assert content.achieved[measure].low == achieved[measure].low
    assert (content.agreed_t, content.delivered_t, content.avoided_t) == (
        500,
        Decimal("34.48"),
        Decimal("17.24"),
    )


def test_each_deal_says_what_it_is_compared_with(session: Session, project: Project, deal: Deal) -> None:
    (line,) = content_of(session, project).deals
    assert line.landfill is not None
    assert line.quarry is not None
    assert (line.landfill.name, line.quarry.name) == ("Deponiet", "Bruddet")
    assert line.landfill.km > line.quarry.km > 0
    assert (line.number, line.is_giving, line.level, line.substitution) == (deal.id, True, Level.REUSE, 1)
    assert line.factor_set == "desnz-2025"


def test_the_taker_states_the_same_deal(session: Session, make: Factory, project: Project, deal: Deal) -> None:
    taking = make.project(deal.taker_organisation)
    deal.destination_project_id = taking.id
    session.flush()
    (line,) = content_of(session, taking).deals
    assert not line.is_giving
    assert content_of(session, taking).expected == content_of(session, project).expected


def test_nothing_new_is_credited_while_recovery_is_not_answered(
    session: Session, make: Factory, project: Project, facilities: tuple[Facility, Facility]
) -> None:
    agreed(make, session, project, answers=False)
    content = content_of(session, project)
    assert content.expected[Measure.VIRGIN_T].value == 0
    assert [each.level for each in content.levels] == [Level.UNDOCUMENTED]


def test_a_ledger_without_a_price_is_unknown_and_not_nothing(session: Session, project: Project, deal: Deal) -> None:
    content = content_of(session, project)
    assert content.is_unknown(Measure.PURCHASE_NOK)
    assert not content.is_unknown(Measure.HAULAGE_NOK)


def test_a_price_that_some_deals_know_is_the_sum_of_those_and_says_so(
    visitor: Client, session: Session, make: Factory, project: Project, facilities: tuple[Facility, Facility]
) -> None:
    agreed(make, session, project)
    facilities[0].reception_price_nok_per_t = Decimal(100)
    session.flush()
    agreed(make, session, project)
    content = content_of(session, project)
    assert (content.known_for(Measure.GATE_FEE_NOK), content.known_for(Measure.HAULAGE_NOK)) == (1, 2)
    assert content.is_partly_known(Measure.GATE_FEE_NOK)
    rows = {each.name: each for each in climate_sheet(content).ledgers}
    assert [name for name, row in rows.items() if row.known] == [label(Measure.GATE_FEE_NOK)]
    page = visitor.get(f"/projects/{project.id}/climate-statement").text
    assert page.count("known for 1 of 2 deals") == 1


def test_what_a_figure_does_not_say_stands_beside_it(session: Session, project: Project, deal: Deal) -> None:
    content = content_of(session, project)
    used = {each.key: each for each in content.factors}
    assert used["fuel.diesel_mineral.wtt"].is_verified
    assert not used["fuel.diesel_mineral.wtt"].is_range_verified
    assert used["fuel.diesel_mineral.ttw"].is_range_verified
    with force_locale("en"):
        sheet = climate_sheet(content)
    rows = {each.name: each for each in sheet.tables[0].rows}
    assert rows["Four-axle tipper, 32 t: payload"].range.endswith(", held fixed")
    assert "Verified; range not verified" in {each.mark for each in sheet.tables[0].rows}
    assert "not verified" in sheet.deals[0].without


def test_a_figure_that_did_not_go_in_is_not_named(
    session: Session, make: Factory, project: Project, deal: Deal
) -> None:
    assert "default.residue_share" not in {each.key for each in content_of(session, project).factors}
    record = current_record(session, deal_id=deal.id)
    assert record is not None
    basis, figures = basis_of(record.basis), figures_of(record.factor_set)
    assert "default.landfill_share" in set(keys_of(basis, figures))
    declared = replace(basis, landfill_chosen=Chosen.DECLARED)
    disposed = replace(basis, level=Level.DISPOSAL)
    for other in (declared, disposed, replace(basis, landfill=None)):
        assert "default.landfill_share" not in set(keys_of(other, figures))


def test_every_figure_that_is_used_is_named_with_its_source(session: Session, project: Project, deal: Deal) -> None:
    keys = {each.key: each for each in content_of(session, project).factors}
    assert keys.keys() >= {
        "vehicle.tipper_4axle.full",
        "fuel.diesel_mineral.wtt",
        "circuity.oslo_region",
        "material.aggregates.primary",
        "default.landfill_share",
    }
    assert not {key for key in keys if key.startswith("vehicle.truck") or "concrete" in key}
    assert all(each.source for each in keys.values())


def test_what_goes_into_a_hub_is_pending_and_in_no_sum(
    session: Session, make: Factory, project: Project, deal: Deal
) -> None:
    hub = make.facility(kind=FacilityKind.INTERIM_STORAGE)
    surplus = make.listing(project.organisation, project=project, project_id=project.id)
    stored = make.deal(surplus=surplus, status=DealStatus.AGREED, destination_facility_id=hub.id)
    freeze(session, stored, reason=ImpactReason.AGREED, now=NOW)
    before = content_of(session, project)
    make.ticket(stored, status=TicketStatus.CONFIRMED)
    content = content_of(session, project)
    assert (content.agreed_t, content.avoided_t) == (500, Decimal("17.24"))
    assert content.pending_t == Decimal("17.24")
    assert (content.expected, content.achieved) == (before.expected, before.achieved)
    assert {each.level: each.agreed_t for each in content.levels} == {Level.REUSE: 500, Level.PENDING: 500}
    assert len(content.counted) == 1


def test_deals_that_came_to_nothing_are_left_out(
    session: Session, make: Factory, project: Project, facilities: tuple[Facility, Facility]
) -> None:
    deal = agreed(make, session, project)
    deal.status, deal.ended_at = DealStatus.CANCELLED, NOW
    session.flush()
    assert content_of(session, project).deals == ()


def test_a_deal_without_a_record_is_told_of(session: Session, make: Factory, project: Project, owner: User) -> None:
    surplus = make.listing(project.organisation, project=project, project_id=project.id)
    make.deal(surplus=surplus, status=DealStatus.AGREED)
    content = content_of(session, project)
    assert (content.deals, content.without_record) == ((), 1)


def test_content_reads_back_as_it_was_kept(session: Session, project: Project, deal: Deal) -> None:
    content = content_of(session, project)
    assert from_json(to_json(content)) == content


def test_queries_do_not_grow_with_the_deals(
    session: Session,
    make: Factory,
    project: Project,
    facilities: tuple[Facility, Facility],
    count_queries: QueryCounter,
) -> None:
    counts = []
    for _round in range(2):
        for _each in range(2):
            make.ticket(agreed(make, session, project))
        session.expire_all()
        found = project_for_page(session, project_id=project.id)
        assert found is not None
        with count_queries() as statements:
            climate_content(session, found, now=NOW)
        counts.append(len(statements))
    assert counts[0] == counts[1]


# Making one -----------------------------------------------------------------------------------------------------------


def test_a_statement_stays_as_it_was_whatever_happens_after(
    session: Session, make: Factory, project: Project, owner: User, deal: Deal
) -> None:
    report = make_climate_statement(session, actor_of(make, owner), project_id=project.id, now=NOW)
    before = from_json(report.content)
    make.ticket(deal, status=TicketStatus.CONFIRMED)
    draft = set_of_version(session, "norway-2026-draft")
    assert draft is not None
    activate(session, make.actor(make.user(is_admin=True)), set_id=draft.id, now=LATER)
    project.name = "Something else"
    session.flush()
    session.expire_all()
    kept = session.get(ImpactReport, report.id)
    assert kept is not None
    assert from_json(kept.content) == before
    assert content_of(session, project).avoided_t == before.avoided_t + Decimal("17.24")


def test_a_project_without_deals_has_nothing_to_state(
    session: Session, make: Factory, project: Project, owner: User
) -> None:
    with pytest.raises(NothingToSay):
        make_climate_statement(session, actor_of(make, owner), project_id=project.id, now=NOW)


def test_nobody_states_for_another_organisation(session: Session, make: Factory, project: Project, deal: Deal) -> None:
    with pytest.raises(Forbidden):
        make_climate_statement(session, actor_of(make, make.member()), project_id=project.id, now=NOW)


# Pages and files ------------------------------------------------------------------------------------------------------


@pytest.fixture
def visitor(client: Client, owner: User) -> Client:
    client.log_in_as(owner)
    client.in_english()
    return client


def test_the_page_shows_how_it_stands_and_makes_a_statement(
    visitor: Client, session: Session, project: Project, deal: Deal
) -> None:
    address = f"/projects/{project.id}/climate-statement"
    page = visitor.get(address).text
    for said in ("500 t", "17.2 t", "Deponiet", "Bruddet", "not known", "None yet."):
        assert said in page
    assert visitor.post(address).status_code == HTTPStatus.SEE_OTHER
    made = session.scalars(select(ImpactReport)).one()
    page = visitor.get(address).text
    assert made.content_sha256[:8] in page
    assert f"climate-statement.pdf?report={made.id}" in page


def test_the_page_of_a_project_without_deals_says_so(visitor: Client, project: Project) -> None:
    page = visitor.get(f"/projects/{project.id}/climate-statement").text
    assert "Nothing to state yet" in page
    assert "Make a statement" not in page


def test_a_statement_prints_the_same_each_time(
    visitor: Client, session: Session, make: Factory, project: Project, deal: Deal
) -> None:
    address = f"/projects/{project.id}/climate-statement"
    visitor.post(address)
    first = {ending: visitor.get(f"{address}.{ending}").data for ending in ("pdf", "xlsx")}
    report = session.scalars(select(ImpactReport)).one()
    make.ticket(deal, status=TicketStatus.CONFIRMED)
    session.commit()
    visitor.post(address)
    for ending, content in first.items():
        assert visitor.get(f"{address}.{ending}?report={report.id}").data == content
    assert first["pdf"].startswith(b"%PDF-")
    assert visitor.get(f"{address}.xlsx").data != first["xlsx"]


def test_the_spreadsheet_holds_the_figures_as_numbers(
    visitor: Client, session: Session, project: Project, deal: Deal
) -> None:
    visitor.post(f"/projects/{project.id}/climate-statement")
    book = openpyxl.load_workbook(
        io.BytesIO(visitor.get(f"/projects/{project.id}/climate-statement.xlsx").data), read_only=True
    )
    content = from_json(session.scalars(select(ImpactReport)).one().content)
    assert book.sheetnames == ["Ledgers", "Deals", "Factors", "About"]
    rows = {row[0]: row for row in book["Ledgers"].iter_rows(values_only=True)}
    assert rows["Tonne-kilometres"][3] == pytest.approx(float(content.expected[Measure.TKM].value))
    assert rows["Purchase of material"][2] == "not known"
    deals = list(book["Deals"].iter_rows(values_only=True))
    assert deals[1][6] == 500
    assert len(list(book["Factors"].iter_rows())) == len(content.factors) + 1


@pytest.mark.parametrize("query", ["", "?report=987654", "?report=x"])
def test_a_statement_that_is_not_there_is_not_found(visitor: Client, project: Project, query: str) -> None:
    assert visitor.get(f"/projects/{project.id}/climate-statement.pdf{query}").status_code == HTTPStatus.NOT_FOUND


def test_a_statement_of_another_project_is_not_given_out(
    visitor: Client, session: Session, make: Factory, project: Project, owner: User, deal: Deal
) -> None:
    visitor.post(f"/projects/{project.id}/climate-statement")
    report = session.scalars(select(ImpactReport)).one()
    other = make.project(project.organisation)
    address = f"/projects/{other.id}/climate-statement.pdf?report={report.id}"
    assert visitor.get(address).status_code == HTTPStatus.NOT_FOUND
