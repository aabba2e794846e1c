"""What a deal avoids, on its page and worked out; and what a match would."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.impact import Measure
from geo.impact_steps import steps
from marketplace.impact_basis import kept_comparison
from marketplace.models import Deal, Listing
from marketplace.queries.impact import current_record
from marketplace.services.impact_records import freeze
from marketplace.types import DealStatus, FacilityKind, ImpactReason, ListingKind, TicketStatus
from tests.conftest import NOW, Client
from tests.factories import Factory

DRAMMEN, SKUI, LIER = (10.2100, 59.7050), (10.4700, 59.9180), (10.2400, 59.7900)


@pytest.fixture
def deal(session: Session, make: Factory) -> Deal:
    make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN, accepts=["blasted_rock"], name="Deponiet")
    make.facility(kind=FacilityKind.QUARRY, position=SKUI, accepts=["crushed_rock"], name="Pukkverket")
    made = make.deal(status=DealStatus.AGREED, mass_t=1000)
    made.destination_position_25833 = make.listing(position=LIER).position_25833
    freeze(session, made, reason=ImpactReason.AGREED, now=NOW)
    return made


def member(make: Factory, deal: Deal) -> object:
    return make.member(deal.taker_organisation)


def test_a_deal_says_what_it_avoids(client: Client, make: Factory, deal: Deal) -> None:
    page = client.in_english().log_in_as(member(make, deal)).get(f"/deals/{deal.id}").text
    assert 'id="impact"' in page
    assert "Expected of 1" in page
    assert "until the three tests of recovery are answered" in page


def test_loads_stand_beside_what_was_agreed(client: Client, make: Factory, deal: Deal) -> None:
    make.ticket(deal, mass_t=Decimal(18), status=TicketStatus.CONFIRMED)
    page = client.in_english().log_in_as(member(make, deal)).get(f"/deals/{deal.id}").text
    assert "Avoided so far, by 18" in page


def test_every_line_is_worked_out_with_its_numbers(client: Client, session: Session, make: Factory, deal: Deal) -> None:
    page = client.in_english().log_in_as(member(make, deal)).get(f"/deals/{deal.id}/impact").text
    record = current_record(session, deal_id=deal.id)
    assert record is not None
    comparison = kept_comparison(record.basis)
    assert comparison is not None
    worked = steps(comparison, deal.agreed_t)
    assert "Deponiet" in page
    assert "⌈1,000 / 18⌉" in page
    for measure in Measure:
        assert f'id="{measure.value}"' in page
    tkm = worked.result[Measure.TKM]
    assert tkm is not None
    assert f"{abs(round(tkm)):,}" in page
    assert "not known" in page, "nobody knows what new material costs"


def test_what_the_figures_do_not_say_is_said(client: Client, make: Factory, deal: Deal) -> None:
    page = client.in_english().log_in_as(member(make, deal)).get(f"/deals/{deal.id}/impact").text
    compared = page[page.index('id="compared"') : page.index('id="legs"')]
    assert compared.count("Not verified yet") == 2, "the landfill and the quarry"
    inputs = page[page.index('id="inputs"') : page.index('id="range"')]
    assert "16\N{EN DASH}19, held fixed" in inputs
    assert "range not verified" in inputs
    assert "Gross: what the parties pay each other is not in it." in page


def test_a_declared_landfill_is_told_as_declared(client: Client, session: Session, make: Factory) -> None:
    declared = make.facility(kind=FacilityKind.LANDFILL, position=SKUI, accepts=["blasted_rock"])
    surplus = make.listing(baseline_facility_id=declared.id)
    deal = make.deal(surplus=surplus, status=DealStatus.AGREED)
    freeze(session, deal, reason=ImpactReason.AGREED, now=NOW)
    page = client.in_english().log_in_as(member(make, deal)).get(f"/deals/{deal.id}/impact").text
    assert "Declared by the owner of the surplus: no evidence, and so no range." in page


def test_the_loads_can_be_worked_out_too(client: Client, make: Factory, deal: Deal) -> None:
    make.ticket(deal, mass_t=Decimal("17.5"), status=TicketStatus.CONFIRMED)
    visitor = client.in_english().log_in_as(member(make, deal))
    page = visitor.get(f"/deals/{deal.id}/impact?of=avoided").text
    assert "17.5" in page
    assert "⌈17.5 / 18⌉" in page


def test_an_old_record_reads_as_it_did(client: Client, session: Session, make: Factory, deal: Deal) -> None:
    visitor = client.in_english().log_in_as(member(make, deal))
    before = visitor.get(f"/deals/{deal.id}/impact?record=1").text
    deal.agreed_t = Decimal(900)
    freeze(session, deal, reason=ImpactReason.AMENDED, now=NOW + timedelta(days=1))
    after = visitor.get(f"/deals/{deal.id}/impact?record=1").text
    part = slice(before.index('id="transport"'), before.index('id="records"'))
    assert before[part] == after[after.index('id="transport"') : after.index('id="records"')]
    assert "Record 2" in after


def test_what_waits_in_a_hub_says_so(client: Client, session: Session, make: Factory) -> None:
    organisation = make.organisation()
    hub = make.facility(organisation)
    deal = make.deal(taker=organisation, status=DealStatus.AGREED, destination_facility_id=hub.id)
    freeze(session, deal, reason=ImpactReason.AGREED, now=NOW)
    visitor = client.in_english().log_in_as(make.member(organisation))
    assert "counted once" in visitor.get(f"/deals/{deal.id}").text
    assert visitor.get(f"/deals/{deal.id}/impact").status_code == 200


def test_a_deal_without_a_record_has_no_page(client: Client, make: Factory) -> None:
    deal = make.deal(status=DealStatus.AGREED)
    visitor = client.in_english().log_in_as(member(make, deal))
    assert visitor.get(f"/deals/{deal.id}/impact").status_code == 404
    assert "has not been worked out yet" in visitor.get(f"/deals/{deal.id}").text


# Matches ----------------------------------------------------------------------------------------------------------


def test_a_match_says_what_it_would_avoid(client: Client, make: Factory) -> None:
    make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN, accepts=["blasted_rock"])
    make.facility(kind=FacilityKind.QUARRY, position=SKUI, accepts=["crushed_rock"])
    surplus = make.listing()
    demand = make.listing(kind=ListingKind.DEMAND, position=SKUI)
    page = client.in_english().get(f"/listings/{surplus.id}").text
    assert f"/listings/{surplus.id}/matches/{demand.id}/impact" in page
    assert re.search(r"\([\d.,]+\N{EN DASH}[\d.,]+\) of lorry driving", page), "the line has its range"
    explained = client.get(f"/listings/{demand.id}/matches/{surplus.id}/impact").text
    assert "As if the tests of recovery held" in explained


def test_two_surpluses_are_no_match(client: Client, make: Factory) -> None:
    one, other = make.listing(), make.listing()
    assert client.get(f"/listings/{one.id}/matches/{other.id}/impact").status_code == 404


def test_the_questions_asked_for_matches_are_as_many_for_one_as_for_three(
    client: Client, make: Factory, count_queries: object
) -> None:
    surplus = make.listing()
    make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN, accepts=["blasted_rock"])
    make.listing(kind=ListingKind.DEMAND, position=SKUI)
    client.get(f"/listings/{surplus.id}/matches")  # what is asked once a visitor is asked now
    counts = []
    for _ in range(2):
        make.listing(kind=ListingKind.DEMAND, position=SKUI)
        with count_queries() as counted:  # type: ignore[operator]
            client.get(f"/listings/{surplus.id}/matches")
        counts.append(len(counted))
        make.listing(kind=ListingKind.DEMAND, position=LIER)
    assert counts[0] == counts[1]


# As said of a listing ---------------------------------------------------------------------------------------------


def test_the_form_takes_what_would_have_become_of_it(client: Client, session: Session, make: Factory) -> None:
    person = make.member()
    project = make.project(person.memberships[0].organisation)
    quarry = make.facility(kind=FacilityKind.QUARRY, name="Pukkverket", accepts=["crushed_rock"])
    browser = client.in_english().log_in_as(person)
    assert "Pukkverket" in browser.get("/listings/new").text
    said = {"kind": "demand", "material_key": "gravel", "entered_value": "800", "project_id": str(project.id)}
    browser.post("/listings/new", data=said | {"baseline_facility_id": str(quarry.id), "action": "draft"})
    listing = session.scalars(select(Listing)).one()
    assert listing.baseline_facility_id == quarry.id
    page = browser.get(f"/listings/{listing.id}/edit").text
    assert f'value="{quarry.id}" selected' in page or f'selected value="{quarry.id}"' in page
    surplus = browser.post(
        f"/listings/{listing.id}/edit",
        data=said | {"kind": "surplus", "baseline_facility_id": str(quarry.id), "action": "draft"},
    )
    assert "does not take in this material" in surplus.text
