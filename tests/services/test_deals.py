"""Deals between two organisations: what each side can do, and what it does to the quantities."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, Forbidden, InvalidInput
from marketplace.models import Deal, Listing, Organisation
from marketplace.services import deals
from marketplace.services.deal_actions import accepted_offer, open_offer
from marketplace.services.deals import OfferTerms, TakingPlace
from marketplace.types import DealStatus, ListingKind, ListingStatus, OfferStatus, PausedReason, Side
from tests.factories import Factory


class Parties:
    """Two organisations, a surplus of 1 000 t of one and a demand of as much of the other, and somebody of each."""

    def __init__(self, session: Session, make: Factory, now: datetime) -> None:
        self.session, self.make, self.now = session, make, now
        self.today = local_date(now)
        self.giver_organisation, self.taker_organisation = make.organisation(), make.organisation()
        self.giver = make.actor(make.member(self.giver_organisation))
        self.taker = make.actor(make.member(self.taker_organisation))
        self.surplus = make.listing(self.giver_organisation)
        self.demand = make.listing(self.taker_organisation, kind=ListingKind.DEMAND)

    def terms(self, mass_t: Decimal | int = 400, **values: object) -> OfferTerms:
        days = {"starts_on": self.today, "ends_on": self.today + timedelta(days=30)}
        return OfferTerms(**{"entered_value": Decimal(mass_t), **days, **values})

    def request(self, mass_t: Decimal | int = 400, *, surplus: Listing | None = None, **values: object) -> Deal:
        return deals.request_deal(
            self.session,
            self.taker,
            surplus_id=(surplus or self.surplus).id,
            taking=TakingPlace(organisation_id=self.taker_organisation.id, listing_id=self.demand.id),
            terms=self.terms(mass_t, **values),
            now=self.now,
        )

    def agree(self, mass_t: Decimal | int = 400, **values: object) -> Deal:
        deal = self.request(mass_t, **values)
        return deals.accept(self.session, self.giver, deal_id=deal.id, now=self.now)


@pytest.fixture
def parties(session: Session, make: Factory, now: datetime) -> Parties:
    return Parties(session, make, now)


def test_what_is_accepted_is_held_of_both_listings(parties: Parties) -> None:
    deal = parties.agree(400)
    assert (deal.status, deal.agreed_t, accepted_offer(deal) is not None) == (DealStatus.AGREED, 400, True)
    assert (parties.surplus.left_t, parties.demand.left_t) == (600, 600)


def test_a_request_alone_holds_nothing(parties: Parties) -> None:
    deal = parties.request(400)
    assert (deal.status, parties.surplus.left_t) == (DealStatus.NEGOTIATING, 1000)
    assert open_offer(deal).made_by is Side.TAKER
