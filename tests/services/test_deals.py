"""Deals between two organisations: what each side can do, and what it does to the quantities."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geo.units import EnteredUnit
from marketplace.errors import Conflict, Forbidden, InvalidInput, NotFound
from marketplace.models import Deal, DealMessage, Declaration, LabReport, Notice
from marketplace.services import deals, listings
from marketplace.services.commitments import ONLY, WHOLE, LeftOf, hold
from marketplace.services.deal_actions import accepted_offer, open_offer
from marketplace.services.deal_offers import SAME_AS_AGREED, SAME_AS_OFFER
from marketplace.services.deals import TakingPlace
from marketplace.types import (
    DealEvent,
    DealStatus,
    ListingKind,
    ListingStatus,
    OfferStatus,
    PausedReason,
    PriceKind,
    Role,
    Side,
    TicketStatus,
)
from tests.factories import Factory
from tests.services.parties import Parties
from tests.services.test_commitments import load


@pytest.fixture
def parties(session: Session, make: Factory, now: datetime) -> Parties:
    return Parties(session, make, now)


def fields(refused: pytest.ExceptionInfo[InvalidInput]) -> set[str]:
    return {error.field for error in refused.value.errors}


# Asking and offering ----------------------------------------------------------------------------------------------


def test_a_request_alone_holds_nothing(parties: Parties) -> None:
    deal = parties.request(400)
    assert (deal.status, parties.surplus.left_t) == (DealStatus.NEGOTIATING, 1000)
    offer = open_offer(deal)
    assert offer is not None
    assert (offer.made_by, offer.mass_t, offer.number) == (Side.TAKER, 400, 1)


def test_a_request_for_a_volume_is_weighed_by_the_material(parties: Parties) -> None:
    offer = open_offer(parties.request(100, entered_unit=EnteredUnit.M3_BANK))
    assert offer is not None
    assert offer.mass_t == offer.density_t_m3 * 100


def test_both_ends_are_kept_where_they_are(parties: Parties) -> None:
    site = parties.make.project(parties.taker_organisation, name="Fyllinga", position=(10.6, 59.91))
    deal = deals.request_deal(
        parties.session,
        parties.taker,
        surplus_id=parties.surplus.id,
        taking=TakingPlace(organisation_id=parties.taker_organisation.id, project_id=site.id),
        terms=parties.terms(),
        now=parties.now,
    )
    assert (deal.destination_name, deal.destination_project_id) == ("Fyllinga", site.id)
    assert deal.origin_position_25833 == parties.surplus.position_25833


def test_whoever_asks_is_heard_and_the_other_side_is_told(parties: Parties) -> None:
    deal = deals.request_deal(
        parties.session,
        parties.taker,
        surplus_id=parties.surplus.id,
        taking=parties.for_demand(),
        terms=parties.terms(),
        message="Kan dere laste selv?",
        now=parties.now,
    )
    assert parties.session.scalars(select(DealMessage.body)).one() == "Kan dere laste selv?"
    notice = parties.session.scalars(select(Notice).where(Notice.deal_id == deal.id)).one()
    assert (notice.user_id, notice.event) == (parties.giver.user_id, DealEvent.REQUESTED)


def test_a_giver_offers_a_surplus_for_a_demand(parties: Parties) -> None:
    deal = deals.offer_surplus(
        parties.session,
        parties.giver,
        surplus_id=parties.surplus.id,
        taking_listing_id=parties.demand.id,
        terms=parties.terms(),
        now=parties.now,
    )
    deals.accept(parties.session, parties.taker, deal_id=deal.id, now=parties.now)
    assert (deal.opened_by, deal.status) == (Side.GIVER, DealStatus.AGREED)


def test_the_same_request_is_made_once(parties: Parties) -> None:
    parties.request()
    with pytest.raises(Conflict):
        parties.request()


def test_nobody_deals_with_themselves(parties: Parties) -> None:
    own = parties.make.listing(parties.taker_organisation)
    with pytest.raises(Conflict):
        parties.request(surplus=own)


def test_only_what_is_published_can_be_asked_for(parties: Parties) -> None:
    for status in (ListingStatus.DRAFT, ListingStatus.PAUSED):
        with pytest.raises(Conflict):
            parties.request(surplus=parties.make.listing(parties.giver_organisation, status=status))


def test_no_more_can_be_asked_for_than_is_left(parties: Parties) -> None:
    parties.agree(700)
    with pytest.raises(InvalidInput) as refused:
        parties.request(400)
    (error,) = refused.value.errors
    assert (error.field, error.params) == ("entered_value", {"left_t": 300})


def test_who_asks_for_more_than_all_of_it_is_told_how_much_it_is(parties: Parties) -> None:
    whole_t = parties.surplus.mass_t
    for agreed_t, said in ((0, WHOLE[LeftOf.SURPLUS]), (200, ONLY[LeftOf.SURPLUS])):
        if agreed_t:
            parties.agree(agreed_t)
        with pytest.raises(InvalidInput) as refused:
            parties.request(whole_t + 1)
        (error,) = refused.value.errors
        assert (error.message, error.params) == (said, {"left_t": whole_t - agreed_t})


def test_the_smallest_lot_holds_unless_less_is_left(parties: Parties) -> None:
    parties.surplus.min_lot_t = Decimal(300)
    with pytest.raises(InvalidInput) as refused:
        parties.request(200)
    assert fields(refused) == {"entered_value"}
    parties.agree(800)
    assert parties.request(200).status is DealStatus.NEGOTIATING


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"first": 30, "last": 0}, "ends_on"),
        ({"first": -20, "last": -1}, "ends_on"),
        ({"price_kind": PriceKind.TAKER_PAYS}, "price_nok_per_t"),
        ({"price_nok_per_t": Decimal(10)}, "price_nok_per_t"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"haulier": "x" * 201}, "haulier"),
        ({"note": "x" * 4001}, "note"),
        ({"mass_t": 0}, "entered_value"),
        ({"mass_t": Decimal("NaN")}, "entered_value"),
    ],
)
def test_terms_that_cannot_be_taken_are_told_beside_their_field(
    parties: Parties, values: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        parties.request(**values)
    assert field in fields(refused)


def test_a_facility_takes_in_only_what_it_says(parties: Parties) -> None:
    _hub, listing = parties.hub()
    clay = parties.make.listing(parties.giver_organisation, material="clay")
    with pytest.raises(InvalidInput):
        deals.offer_surplus(
            parties.session,
            parties.giver,
            surplus_id=clay.id,
            taking_listing_id=listing.id,
            terms=parties.terms(),
            now=parties.now,
        )


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_only_editors_ask(parties: Parties, role: Role | None) -> None:
    user = parties.make.member(parties.taker_organisation, role=role) if role else parties.make.user()
    parties.taker = parties.make.actor(user)
    with pytest.raises(Forbidden):
        parties.request()


def test_who_has_not_confirmed_their_address_asks_for_nothing(parties: Parties) -> None:
    parties.taker = parties.make.actor(parties.make.member(parties.taker_organisation, confirmed=False))
    with pytest.raises(Forbidden):
        parties.request()


def test_nobody_asks_for_a_place_of_others(parties: Parties) -> None:
    theirs = parties.make.listing(kind=ListingKind.DEMAND)
    with pytest.raises(InvalidInput) as refused:
        deals.request_deal(
            parties.session,
            parties.taker,
            surplus_id=parties.surplus.id,
            taking=TakingPlace(organisation_id=parties.taker_organisation.id, listing_id=theirs.id),
            terms=parties.terms(),
            now=parties.now,
        )
    assert fields(refused) == {"taking"}


# Answering --------------------------------------------------------------------------------------------------------


def test_what_is_accepted_is_held_of_both_listings(parties: Parties) -> None:
    deal = parties.agree(400)
    accepted = accepted_offer(deal)
    assert accepted is not None
    assert (deal.status, deal.agreed_t, accepted.answered_by_id) == (DealStatus.AGREED, 400, parties.giver.user_id)
    assert (parties.surplus.left_t, parties.demand.left_t) == (600, 600)


def test_the_second_to_accept_is_told_what_is_left(parties: Parties, make: Factory, now: datetime) -> None:
    first, other = parties.request(500), Parties(parties.session, make, now)
    other.surplus, other.giver = parties.surplus, parties.giver
    second = other.request(700)
    deals.accept(parties.session, parties.giver, deal_id=first.id, now=now)
    with pytest.raises(Conflict) as refused:
        deals.accept(parties.session, parties.giver, deal_id=second.id, now=now)
    assert "500" in str(refused.value)
    assert refused.value.params == {"left_t": 500}
    assert (second.status, parties.surplus.left_t) == (DealStatus.NEGOTIATING, 500)


def test_who_made_an_offer_does_not_accept_it(parties: Parties) -> None:
    deal = parties.request()
    with pytest.raises(Forbidden):
        deals.accept(parties.session, parties.taker, deal_id=deal.id, now=parties.now)


def test_a_stranger_does_nothing_with_a_deal(parties: Parties) -> None:
    deal, stranger = parties.request(), parties.make.actor()
    for act in (deals.accept, deals.decline, deals.withdraw):
        with pytest.raises(Forbidden):
            act(parties.session, stranger, deal_id=deal.id, now=parties.now)
    with pytest.raises(NotFound):
        deals.accept(parties.session, stranger, deal_id=10**9, now=parties.now)


def test_a_counter_offer_takes_the_place_of_the_open_one(parties: Parties) -> None:
    deal = parties.request(400)
    seen = open_offer(deal)
    deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(300), now=parties.now)
    assert [(offer.status, offer.made_by) for offer in deal.offers] == [
        (OfferStatus.SUPERSEDED, Side.TAKER),
        (OfferStatus.OPEN, Side.GIVER),
    ]
    with pytest.raises(Conflict):
        deals.accept(parties.session, parties.taker, deal_id=deal.id, offer_id=seen.id, now=parties.now)
    deals.accept(parties.session, parties.taker, deal_id=deal.id, now=parties.now)
    assert deal.agreed_t == 300


def test_what_is_offered_is_not_offered_back(parties: Parties) -> None:
    deal = parties.request(400)
    with pytest.raises(InvalidInput) as refused:
        deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(400), now=parties.now)
    assert [(each.field, each.message) for each in refused.value.errors] == [("", SAME_AS_OFFER)]
    assert len(deal.offers) == 1


def test_ones_own_offer_can_be_made_again_to_stand_longer(parties: Parties) -> None:
    deal = parties.request(400)
    deals.counter(parties.session, parties.taker, deal_id=deal.id, terms=parties.terms(400), now=parties.now)
    assert len(deal.offers) == 2


def test_what_is_agreed_is_not_proposed_once_more(parties: Parties) -> None:
    deal = parties.agree(400)
    with pytest.raises(InvalidInput) as refused:
        deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(400), now=parties.now)
    assert [each.message for each in refused.value.errors] == [SAME_AS_AGREED]


def test_a_declined_offer_ends_the_talks(parties: Parties) -> None:
    deal = parties.request()
    deals.decline(parties.session, parties.giver, deal_id=deal.id, reason="For langt.", now=parties.now)
    assert (deal.status, deal.end_reason, deal.ended_at) == (DealStatus.DECLINED, "For langt.", parties.now)
    assert [offer.status for offer in deal.offers] == [OfferStatus.DECLINED]
    with pytest.raises(Conflict):
        deals.accept(parties.session, parties.giver, deal_id=deal.id, now=parties.now)


def test_an_offer_is_withdrawn_by_who_made_it(parties: Parties) -> None:
    deal = parties.request()
    with pytest.raises(Forbidden):
        deals.withdraw(parties.session, parties.giver, deal_id=deal.id, now=parties.now)
    deals.withdraw(parties.session, parties.taker, deal_id=deal.id, now=parties.now)
    assert deal.status is DealStatus.WITHDRAWN


def test_an_offer_that_has_run_out_is_not_accepted_and_ends(parties: Parties) -> None:
    deal = parties.request(expires_in_days=1)
    later = parties.now + timedelta(days=1)
    with pytest.raises(Conflict):
        deals.accept(parties.session, parties.giver, deal_id=deal.id, now=later)
    assert [deals.expire_offers(parties.session, now=later) for _ in range(2)] == [1, 0]
    assert (deal.status, deal.offers[0].status) == (DealStatus.EXPIRED, OfferStatus.EXPIRED)


def test_an_offer_that_stands_does_not_expire(parties: Parties) -> None:
    deal = parties.request(expires_in_days=2)
    assert deals.expire_offers(parties.session, now=parties.now + timedelta(days=1)) == 0
    assert deal.status is DealStatus.NEGOTIATING


def test_nothing_is_agreed_about_what_is_no_longer_shown_to_be_clean(parties: Parties) -> None:
    deal = parties.request()
    for table in (Declaration, LabReport):
        parties.session.execute(
            update(table).where(table.listing_id == parties.surplus.id).values(removed_at=parties.now)
        )
    with pytest.raises(Conflict):
        deals.accept(parties.session, parties.giver, deal_id=deal.id, now=parties.now)


def test_nothing_is_agreed_about_a_listing_that_is_closed(parties: Parties) -> None:
    deal = parties.request()
    listings.close_listing(parties.session, parties.giver, listing_id=parties.surplus.id, now=parties.now)
    with pytest.raises(Conflict):
        deals.accept(parties.session, parties.giver, deal_id=deal.id, now=parties.now)


def test_nothing_is_agreed_with_whom_moderators_are_against(parties: Parties) -> None:
    deal = parties.request()
    parties.taker_organisation.banned_at, parties.taker_organisation.ban_reason = parties.now, "Svindel"
    parties.session.flush()
    with pytest.raises(Conflict) as refused:
        deals.accept(parties.session, parties.giver, deal_id=deal.id, now=parties.now)
    assert refused.value.params == {"name": parties.taker_organisation.name}


def test_nothing_is_agreed_about_what_a_moderator_has_hidden(parties: Parties) -> None:
    deal, surplus = parties.request(), parties.surplus
    surplus.status, surplus.paused_reason = ListingStatus.PAUSED, PausedReason.MODERATOR
    surplus.hidden_at, surplus.hidden_reason = parties.now, "Feil materiale"
    parties.session.flush()
    with pytest.raises(Conflict) as refused:
        deals.accept(parties.session, parties.giver, deal_id=deal.id, now=parties.now)
    assert "hidden" in str(refused.value)


# Changing and ending what is agreed -------------------------------------------------------------------------------


def test_agreed_terms_hold_until_a_change_is_accepted(parties: Parties) -> None:
    deal = parties.agree(400)
    deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(900), now=parties.now)
    assert (deal.agreed_t, parties.surplus.left_t) == (400, 600)
    deals.accept(parties.session, parties.taker, deal_id=deal.id, now=parties.now)
    assert (deal.agreed_t, parties.surplus.left_t) == (900, 100)
    assert [offer.status for offer in deal.offers] == [OfferStatus.SUPERSEDED, OfferStatus.ACCEPTED]


def test_a_change_is_bounded_by_what_is_left_beside_the_deal(parties: Parties) -> None:
    deal = parties.agree(400)
    parties.make.deal(status=DealStatus.AGREED, surplus=parties.surplus, mass_t=500)
    with pytest.raises(InvalidInput) as refused:
        deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(600), now=parties.now)
    assert refused.value.errors[0].params == {"left_t": 500}


def test_a_change_does_not_go_below_what_was_delivered(parties: Parties) -> None:
    deal = parties.agree(400)
    load(parties.make, deal, 100)
    with pytest.raises(InvalidInput):
        deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(90), now=parties.now)


def test_a_change_does_not_begin_after_what_was_driven(parties: Parties) -> None:
    deal = parties.agree(400)
    load(parties.make, deal, 100, loaded_at=parties.now)
    later = parties.now + timedelta(days=2)
    with pytest.raises(InvalidInput) as refused:
        deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(400, first=1), now=later)
    assert fields(refused) == {"starts_on"}
    assert refused.value.errors[0].params == {"day": parties.today}
    deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(400, last=40), now=later)
    deals.accept(parties.session, parties.taker, deal_id=deal.id, now=later)
    assert deal.agreed_to == parties.today + timedelta(days=40)


def test_a_change_is_not_accepted_that_begins_after_what_was_driven_meanwhile(parties: Parties) -> None:
    deal = parties.agree(400)
    deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(400, first=1), now=parties.now)
    struck = load(parties.make, deal, 100, loaded_at=parties.now)
    with pytest.raises(Conflict) as refused:
        deals.accept(parties.session, parties.taker, deal_id=deal.id, now=parties.now)
    assert refused.value.params == {"day": parties.today}
    struck.status = TicketStatus.VOIDED
    deals.accept(parties.session, parties.taker, deal_id=deal.id, now=parties.now)
    assert deal.agreed_from == parties.today + timedelta(days=1)


def test_loads_driven_ahead_of_the_first_day_leave_it_where_it_is(parties: Parties) -> None:
    deal = parties.agree(400, first=10)
    load(parties.make, deal, 100, loaded_at=parties.now)
    deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(500, first=10), now=parties.now)
    deals.accept(parties.session, parties.taker, deal_id=deal.id, now=parties.now)
    assert (deal.agreed_t, deal.agreed_from) == (500, parties.today + timedelta(days=10))


def test_a_change_that_is_declined_leaves_what_was_agreed(parties: Parties) -> None:
    deal = parties.agree(400)
    deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(500), now=parties.now)
    deals.decline(parties.session, parties.taker, deal_id=deal.id, now=parties.now)
    assert (deal.status, deal.agreed_t, accepted_offer(deal).mass_t) == (DealStatus.AGREED, 400, 400)


def test_a_change_that_nobody_answers_runs_out_and_the_deal_stands(parties: Parties) -> None:
    deal = parties.agree(400)
    deals.counter(parties.session, parties.giver, deal_id=deal.id, terms=parties.terms(500), now=parties.now)
    assert deals.expire_offers(parties.session, now=parties.now + timedelta(days=20)) == 1
    assert (deal.status, open_offer(deal)) == (DealStatus.AGREED, None)


def test_a_cancelled_deal_frees_its_quantity_at_once(parties: Parties) -> None:
    deal = parties.agree(400)
    deals.cancel(parties.session, parties.taker, deal_id=deal.id, reason="Prosjektet er utsatt", now=parties.now)
    assert (deal.status, parties.surplus.left_t, parties.demand.left_t) == (DealStatus.CANCELLED, 1000, 1000)


def test_a_deal_is_cancelled_with_a_reason_and_before_any_load(parties: Parties) -> None:
    deal = parties.agree(400)
    with pytest.raises(InvalidInput):
        deals.cancel(parties.session, parties.taker, deal_id=deal.id, reason=" ", now=parties.now)
    load(parties.make, deal, 10)
    with pytest.raises(Conflict):
        deals.cancel(parties.session, parties.taker, deal_id=deal.id, reason="Nei", now=parties.now)


def test_a_completed_deal_keeps_what_was_delivered_and_frees_the_rest(parties: Parties) -> None:
    deal = parties.agree(400)
    load(parties.make, deal, 150)
    held = hold(parties.session, deal_id=deal.id)
    deals.complete(parties.session, held, now=parties.now)
    assert (deal.status, deal.committed_t, parties.surplus.left_t) == (DealStatus.COMPLETED, 150, 850)


def test_a_deal_of_nothing_is_not_completed(parties: Parties) -> None:
    deal = parties.agree(400)
    with pytest.raises(Conflict):
        deals.complete(parties.session, hold(parties.session, deal_id=deal.id), now=parties.now)


def test_who_asks_when_all_is_agreed_is_told_so(parties: Parties) -> None:
    parties.agree(1000)
    parties.demand = parties.make.listing(parties.taker_organisation, kind=ListingKind.DEMAND)
    with pytest.raises(Conflict) as refused:
        parties.request(1)
    assert "Nothing of this surplus is left" in str(refused.value)


# In sight and out of it -------------------------------------------------------------------------------------------


def test_what_is_full_goes_out_of_sight_and_comes_back(parties: Parties) -> None:
    renewed_at = parties.surplus.renewed_at
    deal = parties.agree(1000)
    for listing in (parties.surplus, parties.demand):
        assert (listing.status, listing.paused_reason) == (ListingStatus.PAUSED, PausedReason.FULL)
    deals.cancel(parties.session, parties.giver, deal_id=deal.id, reason="Nei", now=parties.now + timedelta(days=1))
    for listing in (parties.surplus, parties.demand):
        assert (listing.status, listing.paused_reason) == (ListingStatus.PUBLISHED, None)
    assert parties.surplus.renewed_at == renewed_at  # its owner has said nothing


def test_what_its_owner_paused_does_not_come_back_by_itself(parties: Parties) -> None:
    deal = parties.agree(400)
    listings.pause_listing(parties.session, parties.giver, listing_id=parties.surplus.id, now=parties.now)
    deals.cancel(parties.session, parties.giver, deal_id=deal.id, reason="Nei", now=parties.now)
    assert parties.surplus.paused_reason is PausedReason.OWNER


def test_what_is_no_longer_shown_to_be_clean_does_not_come_back(parties: Parties) -> None:
    deal = parties.agree(1000)
    for table in (Declaration, LabReport):
        parties.session.execute(
            update(table).where(table.listing_id == parties.surplus.id).values(removed_at=parties.now)
        )
    deals.cancel(parties.session, parties.giver, deal_id=deal.id, reason="Nei", now=parties.now)
    assert (parties.surplus.status, parties.surplus.paused_reason) == (ListingStatus.PAUSED, PausedReason.QUALITY)
    assert parties.demand.status is ListingStatus.PUBLISHED


def test_what_is_over_by_then_is_closed(parties: Parties) -> None:
    deal = parties.agree(1000)
    later = parties.now + timedelta(days=100)
    deals.cancel(parties.session, parties.giver, deal_id=deal.id, reason="Nei", now=later)
    assert parties.surplus.status is ListingStatus.CLOSED


def test_nobody_publishes_what_is_all_agreed(parties: Parties) -> None:
    parties.agree(1000)
    with pytest.raises(InvalidInput) as refused:
        listings.publish_listing(parties.session, parties.giver, listing_id=parties.surplus.id, now=parties.now)
    assert fields(refused) == {"entered_value"}


def test_deals_are_about_something(session: Session, parties: Parties) -> None:
    """Nothing that failed above has left anything behind."""
    with pytest.raises(InvalidInput), session.begin_nested():
        parties.request(5000)
    assert session.scalars(select(Deal)).all() == []
