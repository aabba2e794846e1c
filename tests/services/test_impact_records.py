"""What a deal is compared with: frozen when it is agreed, and followed by another record when something changes."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geo.impact import Measure, Method, Role, ledger_of
from geo.pyramid import Level
from geo.routing import CircuityRouter, Leg, RoutingError, Stop
from marketplace import routing
from marketplace.impact_basis import Chosen, basis_of, comparison_of, kept_comparison, rates_under
from marketplace.models import Deal, DealImpact, Facility, FactorRow, FactorSet, RecoveryAnswer
from marketplace.queries.factor_sets import active_set, figures_of
from marketplace.queries.impact import avoided_by, current_record, deals_without_record, records_of
from marketplace.recovery import Recovery
from marketplace.services import deals
from marketplace.services.deal_chains import propose_chain
from marketplace.services.deals import TakingPlace
from marketplace.services.impact_records import freeze
from marketplace.services.recovery import Answer, answer_recovery
from marketplace.storage import open_storage
from marketplace.types import (
    DealStatus,
    FacilityKind,
    FactorSetStatus,
    ImpactReason,
    ListingKind,
    RecoveryTest,
    TicketStatus,
)
from tests.conftest import NOW
from tests.factories import SANDVIKA, Factory
from tests.services.parties import Parties

LATER = NOW + timedelta(days=1)
LIER = (10.2400, 59.7900)
"""(lon, lat), some 20 km from Sandvika, and 12 km from the landfill."""
DRAMMEN, SKUI, FAR = (10.2100, 59.7050), (10.4700, 59.9180), (10.9700, 59.9050)


@pytest.fixture
def parties(session: Session, make: Factory) -> Parties:
    made = Parties(session, make, NOW)
    made.demand.position_25833 = made.make.listing(position=LIER).position_25833
    session.flush()
    return made


@pytest.fixture
def landfill(make: Factory) -> Facility:
    return make.facility(
        kind=FacilityKind.LANDFILL, position=DRAMMEN, accepts=["blasted_rock"], reception_price_nok_per_t=140
    )


@pytest.fixture
def quarry(make: Factory) -> Facility:
    return make.facility(kind=FacilityKind.QUARRY, position=SKUI, accepts=["crushed_rock"])


def record_of(session: Session, deal: Deal) -> DealImpact:
    found = current_record(session, deal_id=deal.id)
    assert found is not None
    return found


def answer(parties: Parties, deal: Deal, **holds: bool) -> None:
    answers = [Answer(test=test, holds=holds.get(test.value, True), evidence="Plan 2027") for test in RecoveryTest]
    answer_recovery(
        parties.session, parties.taker, deal_id=deal.id, answers=answers, storage=open_storage("memory:"), now=LATER
    )


class BrokenRouter(CircuityRouter):
    """Takes itself for a network of roads, and has an engine that fails."""

    method = Method.ROAD  # type: ignore[misc]

    def matrix(self, origins: Sequence[Stop], destinations: Sequence[Stop]) -> list[list[Leg]]:
        raise RoutingError("the engine failed")


# Agreeing ---------------------------------------------------------------------------------------------------------


def test_a_deal_is_agreed_though_the_engine_fails(
    parties: Parties, session: Session, landfill: Facility, quarry: Facility, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "router", lambda *_: BrokenRouter())
    assert record_of(session, parties.agree()).method is Method.ESTIMATE


def test_agreeing_freezes_the_nearest_landfill_and_quarry(
    parties: Parties, session: Session, make: Factory, landfill: Facility, quarry: Facility
) -> None:
    make.facility(kind=FacilityKind.LANDFILL, position=FAR, accepts=["clay"])
    make.facility(kind=FacilityKind.LANDFILL, position=SANDVIKA, accepts=["blasted_rock"], closed_at=NOW)
    deal = parties.agree()
    record = record_of(session, deal)
    basis = basis_of(record.basis)
    assert (record.landfill_id, record.quarry_id) == (landfill.id, quarry.id)
    assert (basis.landfill_chosen, basis.quarry_chosen) == (Chosen.NEAREST, Chosen.NEAREST)
    assert (record.method, record.reason, record.number) == (Method.ESTIMATE, ImpactReason.AGREED, 1)
    assert [leg.role for leg in basis.legs] == [Role.TO_LANDFILL, Role.FROM_QUARRY, Role.HAUL]
    assert record.agreed_t == deal.agreed_t
    assert record.factor_set_id == active_set(session).id


def test_what_was_declared_goes_before_what_is_near(
    parties: Parties, session: Session, make: Factory, landfill: Facility, quarry: Facility
) -> None:
    declared = make.facility(kind=FacilityKind.LANDFILL, position=FAR, accepts=["blasted_rock"])
    supplier = make.facility(kind=FacilityKind.QUARRY, position=FAR, accepts=["crushed_rock"])
    parties.surplus.baseline_facility_id, parties.demand.baseline_facility_id = declared.id, supplier.id
    record = record_of(session, parties.agree())
    basis = basis_of(record.basis)
    assert (record.landfill_id, record.quarry_id) == (declared.id, supplier.id)
    assert (basis.landfill_chosen, basis.quarry_chosen) == (Chosen.DECLARED, Chosen.DECLARED)
    comparison = kept_comparison(record.basis)
    assert comparison is not None
    assert comparison.landfill_share.value == 1


def test_without_a_landfill_or_quarry_nothing_of_theirs_is_credited(parties: Parties, session: Session) -> None:
    deal = parties.agree()
    answer(parties, deal)
    ledger = ledger_of(record_of(session, deal).rates, deal.agreed_t)
    assert ledger[Measure.LANDFILL_T].value == ledger[Measure.VIRGIN_T].value == 0
    assert ledger[Measure.TKM].value < 0, "negative stays negative"


def test_the_rates_kept_are_those_of_the_facts_kept(
    parties: Parties, session: Session, landfill: Facility, quarry: Facility
) -> None:
    deal = parties.agree()
    answer(parties, deal)
    record = record_of(session, deal)
    session.expire_all()
    figures = figures_of(active_set(session))
    assert rates_under(basis_of(record.basis), figures) == record.rates or all(
        getattr(rates_under(basis_of(record.basis), figures), name)[measure].value
        == getattr(record.rates, name)[measure].value
        for name in ("per_tonne", "per_trip", "per_substituted_trip")
        for measure in Measure
    )
    assert comparison_of(basis_of(record.basis), figures) == kept_comparison(record.basis)


# Recovery and amendments ------------------------------------------------------------------------------------------


def test_virgin_material_is_credited_once_the_tests_are_answered(
    parties: Parties, session: Session, landfill: Facility, quarry: Facility
) -> None:
    deal = parties.agree()
    before = record_of(session, deal)
    assert (before.level, before.substitution) == (Level.UNDOCUMENTED, 0)
    answer(parties, deal)
    after = record_of(session, deal)
    assert (after.level, after.substitution, after.reason) == (Level.REUSE, 1, ImpactReason.RECOVERY)
    assert ledger_of(after.rates, deal.agreed_t)[Measure.VIRGIN_T].value == deal.agreed_t
    assert [each.number for each in records_of(session, deal_id=deal.id)] == [2, 1]


def test_a_use_that_is_not_recovery_credits_neither_new_material_nor_landfill(
    parties: Parties, session: Session, landfill: Facility, quarry: Facility
) -> None:
    deal = parties.agree()
    answer(parties, deal, suitable=False)
    record = record_of(session, deal)
    ledger = ledger_of(record.rates, deal.agreed_t)
    assert (record.level, record.substitution) == (Level.DISPOSAL, 0)
    assert basis_of(record.basis).recovery is Recovery.NOT_RECOVERY
    assert ledger[Measure.VIRGIN_T].value == ledger[Measure.LANDFILL_T].value == 0


def test_answers_before_the_agreement_hold_when_it_is_made(
    parties: Parties, session: Session, landfill: Facility, quarry: Facility
) -> None:
    deal = parties.request()
    answer(parties, deal)
    assert current_record(session, deal_id=deal.id) is None
    deals.accept(session, parties.giver, deal_id=deal.id, now=LATER)
    assert record_of(session, deal).level is Level.REUSE


def test_the_same_answers_again_write_no_other_record(
    parties: Parties, session: Session, landfill: Facility, quarry: Facility
) -> None:
    deal = parties.agree()
    answer(parties, deal)
    answers = [Answer(test=RecoveryTest.SUITABLE, holds=True, evidence="Other words")]
    answer_recovery(
        session, parties.taker, deal_id=deal.id, answers=answers, storage=open_storage("memory:"), now=LATER
    )
    assert record_of(session, deal).number == 2


def test_an_amendment_keeps_places_and_factor_set(
    parties: Parties, session: Session, make: Factory, landfill: Facility, quarry: Facility
) -> None:
    deal = parties.agree()
    first = record_of(session, deal)
    make.facility(kind=FacilityKind.LANDFILL, position=SANDVIKA, accepts=["blasted_rock"])
    _replace_active_set(session)
    deals.counter(session, parties.taker, deal_id=deal.id, terms=parties.terms(600), now=LATER)
    deals.accept(session, parties.giver, deal_id=deal.id, now=LATER)
    second = record_of(session, deal)
    assert (second.number, second.reason, second.agreed_t) == (2, ImpactReason.AMENDED, 600)
    assert (second.landfill_id, second.factor_set_id) == (first.landfill_id, first.factor_set_id)
    assert second.rates == first.rates


def _replace_active_set(session: Session) -> None:
    """Somebody has put a version to use whose figures are others."""
    kept = active_set(session)
    draft = FactorSet(
        version="other-1",
        name="Other",
        status=FactorSetStatus.DRAFT,
        default_vehicle=kept.default_vehicle,
        default_fuel=kept.default_fuel,
        factors=[
            FactorRow(key=each.key, unit=each.unit, low=each.low, value=each.high, high=each.high, source="test")
            for each in kept.factors
        ],
    )
    session.add(draft)
    session.flush()
    kept.status = FactorSetStatus.RETIRED
    session.flush()
    draft.status, draft.activated_at = FactorSetStatus.ACTIVE, NOW
    session.flush()


def test_another_factor_set_changes_nothing_that_is_frozen(
    parties: Parties, session: Session, landfill: Facility, quarry: Facility
) -> None:
    deal = parties.agree()
    before = ledger_of(record_of(session, deal).rates, deal.agreed_t)
    _replace_active_set(session)
    session.expire_all()
    record = record_of(session, deal)
    assert ledger_of(record.rates, deal.agreed_t) == before
    assert basis_of(record.basis).legs[0].length_km > 0


def test_a_record_is_never_changed(parties: Parties, session: Session, landfill: Facility) -> None:
    deal = parties.agree()
    with pytest.raises(DBAPIError, match="never changed"), session.begin_nested():
        session.execute(update(DealImpact).where(DealImpact.deal_id == deal.id).values(payload_t=1))
    with pytest.raises(DBAPIError, match="never changed"), session.begin_nested():
        session.execute(delete(DealImpact).where(DealImpact.deal_id == deal.id))


# Hubs -------------------------------------------------------------------------------------------------------------


def chain(parties: Parties, make: Factory, hub_kind: FacilityKind = FacilityKind.RECYCLING) -> tuple[Deal, Deal]:
    """From the lot by way of a hub to the demand, agreed by all."""
    hub, listing = parties.hub()
    hub.kind = hub_kind
    operator = make.actor(make.member(hub.organisation))
    first, second = propose_chain(
        parties.session,
        parties.taker,
        surplus_id=parties.surplus.id,
        hub_listing_id=listing.id,
        taking=parties.for_demand(),
        first_terms=parties.terms(),
        second_terms=parties.terms(),
        now=NOW,
    )
    deals.accept(parties.session, operator, deal_id=first.id, now=NOW)
    deals.accept(parties.session, parties.giver, deal_id=first.id, now=NOW)
    deals.accept(parties.session, operator, deal_id=second.id, now=NOW)
    return first, second


def test_what_sits_in_a_hub_is_pending_and_counts_where_it_is_used(
    parties: Parties, session: Session, make: Factory, landfill: Facility, quarry: Facility
) -> None:
    first, second = chain(parties, make)
    answer(parties, second)
    pending, used = record_of(session, first), record_of(session, second)
    assert (pending.level, used.level) == (Level.PENDING, Level.RECYCLING)
    assert all(figure.value == 0 for figure in ledger_of(pending.rates, first.agreed_t).values())
    basis = basis_of(used.basis)
    assert len(basis.stops) == 3
    assert [leg.role for leg in basis.legs].count(Role.HAUL) == 2
    comparison = kept_comparison(used.basis)
    assert comparison is not None
    assert comparison.residue_share > 0
    assert comparison.processing_kg_per_t.value > 0


def test_interim_storage_handles_but_rejects_nothing_and_is_reuse(
    parties: Parties, session: Session, make: Factory, landfill: Facility, quarry: Facility
) -> None:
    _, second = chain(parties, make, FacilityKind.INTERIM_STORAGE)
    answer(parties, second)
    record = record_of(session, second)
    comparison = kept_comparison(record.basis)
    assert record.level is Level.REUSE
    assert comparison is not None
    assert comparison.residue_share == 0


def test_the_first_origin_of_a_chain_is_kept_without_its_position(
    parties: Parties, session: Session, make: Factory, landfill: Facility
) -> None:
    _, second = chain(parties, make)
    start = basis_of(record_of(session, second).basis).stops[0]
    assert (start.lon, start.lat) == (None, None)
    assert start.name


def test_a_deal_into_a_landfill_keeps_nothing_out_of_one(
    parties: Parties, session: Session, make: Factory, landfill: Facility, quarry: Facility
) -> None:
    organisation = make.organisation()
    taker = make.actor(make.member(organisation))
    dump = make.facility(organisation, kind=FacilityKind.LANDFILL, position=FAR, accepts=["blasted_rock"])
    deal = deals.request_deal(
        session,
        taker,
        surplus_id=parties.surplus.id,
        taking=TakingPlace(organisation_id=organisation.id, facility_id=dump.id),
        terms=parties.terms(),
        now=NOW,
    )
    deals.accept(session, parties.giver, deal_id=deal.id, now=NOW)
    record = record_of(session, deal)
    assert record.level is Level.DISPOSAL
    assert ledger_of(record.rates, deal.agreed_t)[Measure.LANDFILL_T].value == 0


# Loads ------------------------------------------------------------------------------------------------------------


def test_loads_avoid_by_the_record_that_holds(
    parties: Parties, session: Session, make: Factory, landfill: Facility, quarry: Facility
) -> None:
    deal = parties.agree()
    make.ticket(deal, mass_t=Decimal("17.5"), status=TicketStatus.CONFIRMED)
    make.ticket(deal, mass_t=Decimal("16.5"), is_weighed=False)
    answer(parties, deal)
    avoided = avoided_by(session, deal_id=deal.id)
    expected = ledger_of(record_of(session, deal).rates, Decimal("17.5"))
    assert (avoided.delivered_t, avoided.avoided_t, avoided.loads) == (34, Decimal("17.5"), 2)
    assert {measure: figure.value for measure, figure in avoided.ledger.items()} == {
        measure: figure.value for measure, figure in expected.items()
    }


def test_a_deal_without_a_record_is_found_and_gets_one(
    parties: Parties, session: Session, make: Factory, landfill: Facility
) -> None:
    deal = make.deal(status=DealStatus.COMPLETED)
    session.add(
        RecoveryAnswer(
            deal_id=deal.id,
            test=RecoveryTest.SUITABLE,
            holds=False,
            evidence="For bløt",
            answered_by_id=deal.created_by_id,
            answered_at=NOW,
        )
    )
    assert deal.id in deals_without_record(session, limit=10)
    freeze(session, deal, reason=ImpactReason.BACKFILLED, now=LATER)
    assert deal.id not in deals_without_record(session, limit=10)
    assert record_of(session, deal).level is Level.DISPOSAL


def test_without_figures_the_deal_is_agreed_all_the_same(parties: Parties, session: Session) -> None:
    session.execute(
        update(FactorSet).where(FactorSet.status == FactorSetStatus.ACTIVE).values(status=FactorSetStatus.RETIRED)
    )
    session.expire_all()
    deal = parties.agree()
    assert deal.status is DealStatus.AGREED
    assert session.scalars(select(DealImpact.id).where(DealImpact.deal_id == deal.id)).all() == []


def test_a_demand_names_its_own_supplier_only(parties: Parties, session: Session, make: Factory) -> None:
    """What a surplus has declared is no supplier of anybody."""
    declared = make.facility(kind=FacilityKind.LANDFILL, position=FAR, accepts=["blasted_rock"])
    parties.surplus.baseline_facility_id = declared.id
    record = record_of(session, parties.agree())
    assert (record.landfill_id, record.quarry_id) == (declared.id, None)
    assert parties.demand.kind is ListingKind.DEMAND
