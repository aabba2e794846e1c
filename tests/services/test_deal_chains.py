"""Masses that go by way of a hub: two deals with terms of their own, the second bounded by the first."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, InvalidInput
from marketplace.models import Deal
from marketplace.services import deals, tickets
from marketplace.services.commitments import hold
from marketplace.services.deal_actions import open_offer
from marketplace.services.deal_chains import propose_chain, send_on
from marketplace.services.deals import TakingPlace
from marketplace.services.ticket_reports import TicketReport
from marketplace.types import DealStatus, ListingKind, ListingStatus, PausedReason, Side
from tests.factories import Factory
from tests.services.parties import Parties
from tests.services.test_commitments import load


class Chain(Parties):
    """Two parties with somebody's hub between them that has room for 500 t."""

    def __init__(self, session: Session, make: Factory, now: datetime) -> None:
        super().__init__(session, make, now)
        self.hub_facility, self.reception = self.hub()
        self.keeper = make.actor(make.member(self.reception.organisation))

    def propose(self, actor: Actor | None = None, *, mass_t: int = 400, onward_t: int = 300) -> tuple[Deal, Deal]:
        return propose_chain(
            self.session,
            actor or self.taker,
            surplus_id=self.surplus.id,
            hub_listing_id=self.reception.id,
            taking=self.for_demand(),
            first_terms=self.terms(mass_t, first=1, last=20),
            second_terms=self.terms(onward_t, first=10, last=60),
            now=self.now,
        )

    def accept(self, actor: Actor, deal: Deal) -> Deal:
        return deals.accept(self.session, actor, deal_id=deal.id, now=self.now)

    def agree_on_first(self, **masses: int) -> tuple[Deal, Deal]:
        """The keeper has proposed, and the giver has accepted the first leg."""
        first, second = self.propose(self.keeper, **masses)
        self.accept(self.giver, first)
        return first, second


@pytest.fixture
def chain(session: Session, make: Factory, now: datetime) -> Chain:
    return Chain(session, make, now)


def test_a_chain_is_two_deals_that_share_the_lot(chain: Chain) -> None:
    first, second = chain.propose()
    assert (first.surplus_id, second.surplus_id, second.source_deal_id) == (
        chain.surplus.id,
        chain.surplus.id,
        first.id,
    )
    assert (first.destination_facility_id, second.origin_facility_id) == (chain.hub_facility.id,) * 2
    assert (second.giver_organisation_id, second.origin_name) == (first.taker_organisation_id, chain.hub_facility.name)


def test_both_legs_are_held_where_they_belong(chain: Chain) -> None:
    first, second = chain.agree_on_first()
    chain.accept(chain.taker, second)
    assert (chain.surplus.left_t, chain.demand.left_t, first.onward_t) == (600, 700, 300)
    assert chain.hub_facility.booked_peak_t == 400
    assert chain.reception.mass_t == 100


@pytest.mark.parametrize(
    ("who", "suggested"), [("giver", (False, True)), ("keeper", (False, False)), ("taker", (True, False))]
)
def test_any_of_the_three_proposes_and_only_suggests_between_the_others(
    chain: Chain, who: str, suggested: tuple[bool, bool]
) -> None:
    legs = chain.propose(getattr(chain, who))
    assert tuple(open_offer(leg).is_suggestion for leg in legs) == suggested


def test_a_suggestion_binds_nobody_until_both_have_taken_it(chain: Chain) -> None:
    first, _ = chain.propose(chain.taker)
    chain.accept(chain.keeper, first)
    assert (first.status, open_offer(first).made_by) == (DealStatus.NEGOTIATING, Side.TAKER)
    with pytest.raises(Forbidden):
        chain.accept(chain.keeper, first)
    chain.accept(chain.giver, first)
    assert first.status is DealStatus.AGREED


def test_a_fourth_proposes_nothing(chain: Chain) -> None:
    with pytest.raises(Forbidden):
        chain.propose(chain.make.actor())


def test_nothing_is_sent_on_before_anything_is_to_come_in(chain: Chain) -> None:
    _, second = chain.propose(chain.keeper)
    with pytest.raises(Conflict):
        chain.accept(chain.taker, second)


def test_the_second_leg_is_no_larger_and_starts_no_earlier(chain: Chain) -> None:
    with pytest.raises(InvalidInput) as refused:
        chain.propose(mass_t=300, onward_t=400)
    assert refused.value.errors[0].field == "second_entered_value"
    with pytest.raises(InvalidInput) as refused:
        propose_chain(
            chain.session,
            chain.taker,
            surplus_id=chain.surplus.id,
            hub_listing_id=chain.reception.id,
            taking=chain.for_demand(),
            first_terms=chain.terms(first=10, last=20),
            second_terms=chain.terms(first=5, last=30),
            now=chain.now,
        )
    assert refused.value.errors[0].field == "second_starts_on"


def test_a_hub_takes_no_more_than_it_has_room_for(chain: Chain) -> None:
    with pytest.raises(InvalidInput) as refused:
        chain.propose(mass_t=600)
    assert refused.value.errors[0].params == {"left_t": 500}


def test_a_full_hub_is_out_of_sight_until_it_has_room(chain: Chain) -> None:
    first, _ = chain.agree_on_first(mass_t=500)
    assert (chain.reception.status, chain.reception.paused_reason) == (ListingStatus.PAUSED, PausedReason.FULL)
    deals.cancel(chain.session, chain.giver, deal_id=first.id, reason="Nei", now=chain.now)
    assert (chain.reception.status, chain.reception.mass_t) == (ListingStatus.PUBLISHED, 500)


def test_the_second_leg_ends_with_the_first(chain: Chain) -> None:
    first, second = chain.propose(chain.keeper)
    deals.decline(chain.session, chain.giver, deal_id=first.id, now=chain.now)
    assert (first.status, second.status) == (DealStatus.DECLINED, DealStatus.WITHDRAWN)


def test_what_is_promised_on_is_not_taken_back(chain: Chain) -> None:
    first, second = chain.agree_on_first()
    chain.accept(chain.taker, second)
    with pytest.raises(Conflict):
        deals.cancel(chain.session, chain.giver, deal_id=first.id, reason="Nei", now=chain.now)
    with pytest.raises(InvalidInput):
        deals.counter(chain.session, chain.giver, deal_id=first.id, terms=chain.terms(200), now=chain.now)
    with pytest.raises(InvalidInput):
        deals.counter(
            chain.session, chain.giver, deal_id=first.id, terms=chain.terms(400, first=15, last=30), now=chain.now
        )
    load(chain.make, first, 100)
    with pytest.raises(Conflict):
        deals.complete(chain.session, hold(chain.session, deal_id=first.id), now=chain.now)


def test_no_load_leaves_the_hub_that_never_came_in(chain: Chain) -> None:
    """The first leg has ended with less than was agreed, and the tolerance of the second reaches beyond that."""
    first, second = chain.agree_on_first()
    chain.accept(chain.taker, second)
    for mass_t in (150, 136):
        load(chain.make, first, mass_t)
    deals.complete(chain.session, hold(chain.session, deal_id=first.id), now=chain.now)
    load(chain.make, second, 150)
    with pytest.raises(InvalidInput) as refused, chain.session.begin_nested():
        leave_hub(chain, second, 152)
    assert {error.message for error in refused.value.errors} == {tickets.NOT_BROUGHT_IN}
    assert leave_hub(chain, second, 150).is_new


def leave_hub(chain: Chain, deal: Deal, mass_t: int) -> tickets.Added:
    report = TicketReport(
        number=f"ut-{mass_t}",
        loaded_at=chain.now,
        vehicle_registration="AB 12345",
        mass_t=Decimal(mass_t),
        is_weighed=True,
    )
    return tickets.add_ticket(chain.session, chain.keeper, deal_id=deal.id, report=report, now=chain.now)


@pytest.mark.parametrize("who", ["giver", "keeper"])
def test_the_second_leg_keeps_to_the_smallest_lot_of_who_takes_it(chain: Chain, who: str) -> None:
    chain.demand.min_lot_t = Decimal(200)
    with pytest.raises(InvalidInput) as refused:
        chain.propose(getattr(chain, who), onward_t=199)
    assert [(error.field, error.params) for error in refused.value.errors] == [
        ("second_entered_value", {"min_lot_t": Decimal(200)})
    ]


def test_who_takes_the_second_leg_may_ask_for_less_than_their_smallest_lot(chain: Chain) -> None:
    chain.demand.min_lot_t, chain.surplus.min_lot_t = Decimal(200), Decimal(300)
    _, second = chain.propose(chain.taker, onward_t=199)
    assert open_offer(second).mass_t == 199


def test_what_is_sent_on_keeps_to_the_smallest_lot_of_who_takes_it(chain: Chain) -> None:
    first, _ = chain.agree_on_first(onward_t=100)
    other = chain.make.listing(kind=ListingKind.DEMAND, mass_t=500, min_lot_t=Decimal(200))
    with pytest.raises(InvalidInput) as refused:
        send_on(
            chain.session,
            chain.keeper,
            source_deal_id=first.id,
            taking=TakingPlace(organisation_id=other.organisation_id, listing_id=other.id),
            terms=chain.terms(100, first=5, last=30),
            now=chain.now,
        )
    assert refused.value.errors[0].params == {"min_lot_t": 200}


def test_what_comes_in_is_sent_on_to_several(chain: Chain) -> None:
    first, second = chain.agree_on_first(onward_t=100)
    chain.accept(chain.taker, second)
    other = chain.make.listing(kind=ListingKind.DEMAND, mass_t=500)
    third = send_on(
        chain.session,
        chain.keeper,
        source_deal_id=first.id,
        taking=TakingPlace(organisation_id=other.organisation_id, listing_id=other.id),
        terms=chain.terms(300, first=5, last=30),
        now=chain.now,
    )
    chain.accept(chain.make.actor(chain.make.member(other.organisation)), third)
    assert first.onward_t == 400
    with pytest.raises(InvalidInput) as refused:
        send_on(
            chain.session,
            chain.keeper,
            source_deal_id=first.id,
            taking=TakingPlace(organisation_id=chain.demand.organisation_id, listing_id=chain.demand.id),
            terms=chain.terms(1, first=5, last=30),
            now=chain.now,
        )
    assert refused.value.errors[0].field == "entered_value"


def test_room_that_was_promised_to_somebody_is_not_given_up(chain: Chain) -> None:
    """What leaves the hub makes room; when it does not leave after all, who was promised that room comes first."""
    _, second = chain.agree_on_first(mass_t=500, onward_t=400)
    chain.accept(chain.taker, second)
    late = chain.make.deal(
        status=DealStatus.AGREED,
        mass_t=300,
        taker=chain.reception.organisation,
        destination_facility_id=chain.hub_facility.id,
        agreed_from=chain.today + timedelta(days=70),
        agreed_to=chain.today + timedelta(days=80),
    )
    with pytest.raises(Conflict) as refused, chain.session.begin_nested():
        deals.cancel(chain.session, chain.taker, deal_id=second.id, reason="Nei", now=chain.now)
    assert "promised room" in str(refused.value)
    deals.cancel(
        chain.session,
        chain.make.actor(chain.make.member(late.giver_organisation)),
        deal_id=late.id,
        reason="Nei",
        now=chain.now,
    )
    deals.cancel(chain.session, chain.taker, deal_id=second.id, reason="Nei", now=chain.now)
    assert second.status is DealStatus.CANCELLED


def test_expired_first_legs_end_the_second(chain: Chain) -> None:
    first, second = chain.propose(chain.keeper)
    assert deals.expire_offers(chain.session, now=chain.now + timedelta(days=30)) >= 1
    assert DealStatus.NEGOTIATING not in (first.status, second.status)
