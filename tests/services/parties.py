"""Organisations that make deals with one another, for tests."""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from marketplace.clock import local_date
from marketplace.models import Deal, Facility, Listing
from marketplace.services import deals
from marketplace.services.deals import OfferTerms, TakingPlace
from marketplace.types import ListingKind, ListingStatus
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

    def terms(self, mass_t: Decimal | int = 400, *, first: int = 0, last: int = 30, **values: object) -> OfferTerms:
        days = {"starts_on": self.today + timedelta(days=first), "ends_on": self.today + timedelta(days=last)}
        return OfferTerms(**{"entered_value": Decimal(mass_t), **days, **values})

    def for_demand(self) -> TakingPlace:
        return TakingPlace(organisation_id=self.taker_organisation.id, listing_id=self.demand.id)

    def request(self, mass_t: Decimal | int = 400, *, surplus: Listing | None = None, **values: object) -> Deal:
        return deals.request_deal(
            self.session,
            self.taker,
            surplus_id=(surplus or self.surplus).id,
            taking=self.for_demand(),
            terms=self.terms(mass_t, **values),
            now=self.now,
        )

    def agree(self, mass_t: Decimal | int = 400, **values: object) -> Deal:
        deal = self.request(mass_t, **values)
        return deals.accept(self.session, self.giver, deal_id=deal.id, now=self.now)

    def hub(self, *, room_t: int = 500) -> tuple[Facility, Listing]:
        return hub_of(self.make, room_t=room_t, now=self.now)


def hub_of(make: Factory, *, room_t: int, now: datetime) -> tuple[Facility, Listing]:
    """Somebody's facility with room, and its listing."""
    organisation = make.organisation()
    hub = make.facility(
        organisation,
        capacity_t=room_t,
        capacity_left_t=room_t,
        capacity_reported_at=now - timedelta(hours=1),
        reception_price_nok_per_t=0,
        accepts=["blasted_rock"],
    )
    listing = make.listing(
        organisation,
        kind=ListingKind.RECEPTION,
        facility_id=hub.id,
        mass_t=room_t,
        status=ListingStatus.PUBLISHED,
        available_to=local_date(now) + timedelta(days=365),
    )
    return hub, listing
