"""What the database adds up of deals and refuses to exceed, whoever writes; and what is said to be left."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from marketplace.models import Deal, Facility, Listing, Ticket
from marketplace.queries.facility_room import room_left_t
from marketplace.types import DealStatus, ListingKind, TicketSource, TicketStatus
from tests.factories import Factory


def agreed(make: Factory, mass_t: int = 400, **values: object) -> Deal:
    return make.deal(status=DealStatus.AGREED, mass_t=mass_t, **values)


def load(make: Factory, deal: Deal, mass_t: Decimal | int, **values: object) -> Ticket:
    defaults = {
        "deal_id": deal.id,
        "number": f"{mass_t}-{make.session.query(Ticket).count()}",
        "status": TicketStatus.REPORTED,
        "source": TicketSource.TYPED,
        "side": "giver",
        "loaded_at": make.now,
        "vehicle_registration": "AB12345",
        "mass_t": Decimal(mass_t),
        "is_weighed": True,
        "origin_name": "A",
        "destination_name": "B",
        "reported_by_id": deal.created_by_id,
    }
    return make._add(Ticket(**{**defaults, **values}))


def fresh[Row: (Deal, Listing, Facility)](session: Session, row: Row) -> Row:
    session.flush()
    session.refresh(row)
    return row


# Listings ---------------------------------------------------------------------------------------------------------


def test_an_agreement_is_held_of_both_listings(session: Session, make: Factory) -> None:
    surplus = make.listing()
    demand = make.listing(kind=ListingKind.DEMAND, mass_t=500)
    agreed(make, surplus=surplus, taker=demand.organisation, taking_listing_id=demand.id)
    assert (fresh(session, surplus).committed_t, fresh(session, demand).committed_t) == (400, 400)
    assert (surplus.left_t, demand.left_t) == (600, 100)


def test_talks_hold_nothing(session: Session, make: Factory) -> None:
    surplus = make.listing()
    make.deal(surplus=surplus)
    assert fresh(session, surplus).committed_t == 0


@pytest.mark.parametrize(
    ("status", "delivered_t", "held_t"),
    [(DealStatus.AGREED, 0, 400), (DealStatus.AGREED, 410, 410), (DealStatus.COMPLETED, 300, 300)],
)
def test_a_deal_holds_what_is_agreed_and_in_the_end_what_was_delivered(
    session: Session, make: Factory, status: DealStatus, delivered_t: int, held_t: int
) -> None:
    surplus = make.listing()
    deal = agreed(make, surplus=surplus)
    if delivered_t:
        for mass_t in [100] * (delivered_t // 100) + [delivered_t % 100] * bool(delivered_t % 100):
            load(make, deal, mass_t)
    session.execute(
        update(Deal)
        .where(Deal.id == deal.id)
        .values(status=status, ended_at=None if status is DealStatus.AGREED else make.now)
    )
    assert fresh(session, deal).delivered_t == delivered_t
    assert fresh(session, surplus).committed_t == held_t


def test_a_cancelled_deal_gives_everything_back(session: Session, make: Factory) -> None:
    surplus = make.listing()
    deal = agreed(make, surplus=surplus)
    session.execute(update(Deal).where(Deal.id == deal.id).values(status="cancelled", ended_at=make.now))
    assert fresh(session, surplus).committed_t == 0


def test_the_database_refuses_to_oversell_whoever_writes(session: Session, make: Factory) -> None:
    surplus = make.listing(mass_t=1000)
    agreed(make, 700, surplus=surplus)
    with pytest.raises(IntegrityError, match="ck_listing_committed_t"):
        agreed(make, 400, surplus=surplus)


def test_a_load_may_exceed_the_agreement_by_the_tolerance_only(session: Session, make: Factory) -> None:
    deal = agreed(make, 100, surplus=make.listing(mass_t=100))
    load(make, deal, 100)
    load(make, deal, 5)
    with pytest.raises(IntegrityError, match="ck_deal_delivered_t"):
        load(make, deal, Decimal("0.1"))


def test_a_correction_replaces_the_load_that_it_corrects(session: Session, make: Factory) -> None:
    deal = agreed(make)
    first = load(make, deal, 30)
    first.is_current = False
    session.flush()
    load(make, deal, 25, corrects_id=first.id, number=first.number)
    assert fresh(session, deal).delivered_t == 25


@pytest.mark.parametrize("table", ["deal", "ticket"])
def test_nothing_of_a_deal_is_deleted(session: Session, make: Factory, table: str) -> None:
    load(make, agreed(make), 10)
    with pytest.raises(DBAPIError, match="never taken away"):
        session.execute(text(f"DELETE FROM {table}"))


# Hubs -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(make: Factory) -> Facility:
    return make.facility(make.organisation(), capacity_t=1000, capacity_left_t=500, capacity_reported_at=make.now)


def into(make: Factory, hub: Facility, mass_t: int, *, first: int = 0, last: int = 30) -> Deal:
    return agreed(
        make,
        mass_t,
        taker=hub.organisation,
        destination_facility_id=hub.id,
        agreed_from=make.today + timedelta(days=first),
        agreed_to=make.today + timedelta(days=last),
    )


def out_of(make: Factory, source: Deal, mass_t: int, *, first: int = 0, last: int = 30) -> Deal:
    return agreed(
        make,
        mass_t,
        giver=source.taker_organisation,
        surplus=source.surplus,
        giver_organisation_id=source.taker_organisation_id,
        source_deal_id=source.id,
        origin_facility_id=source.destination_facility_id,
        agreed_from=make.today + timedelta(days=first),
        agreed_to=make.today + timedelta(days=last),
    )


def test_a_hub_is_never_booked_beyond_its_room(session: Session, make: Factory, hub: Facility) -> None:
    into(make, hub, 400)
    assert fresh(session, hub).booked_peak_t == 400
    with pytest.raises(IntegrityError, match="ck_facility_booked"):
        into(make, hub, 200, first=60, last=90)


def test_what_leaves_a_hub_makes_room_from_the_day_after(session: Session, make: Factory, hub: Facility) -> None:
    source = into(make, hub, 400)
    onward = out_of(make, source, 300, last=40)
    assert (fresh(session, source).onward_t, fresh(session, source.surplus).committed_t) == (300, 400)
    assert room_left_t(session, hub, since=make.today + timedelta(days=40)) == 100
    assert room_left_t(session, hub, since=make.today + timedelta(days=41)) == 400
    into(make, hub, 400, first=41, last=60)
    assert fresh(session, hub).booked_peak_t == 500
    with pytest.raises(IntegrityError, match="ck_facility_booked"):
        session.execute(update(Deal).where(Deal.id == onward.id).values(status="cancelled", ended_at=make.now))


def test_no_more_is_sent_on_than_comes_in(session: Session, make: Factory, hub: Facility) -> None:
    source = into(make, hub, 100)
    with pytest.raises(IntegrityError, match="ck_deal_onward_t"):
        out_of(make, source, 106)


def test_no_more_is_sent_on_than_came_in_once_that_is_over(session: Session, make: Factory, hub: Facility) -> None:
    source = into(make, hub, 200)
    load(make, source, 100)
    onward = out_of(make, source, 100)
    over = {"status": DealStatus.COMPLETED, "ended_at": make.now}
    session.execute(update(Deal).where(Deal.id == source.id).values(over))
    session.execute(update(Deal).where(Deal.id == onward.id).values(agreed_t=105))
    with pytest.raises(IntegrityError, match="ck_deal_onward_t"):
        session.execute(update(Deal).where(Deal.id == onward.id).values(agreed_t=106))


def test_what_stood_there_when_the_room_was_said_is_not_counted_again(
    session: Session, make: Factory, hub: Facility
) -> None:
    deal = into(make, hub, 400)
    for _ in range(2):
        load(make, deal, 100)
    hub.capacity_left_t, hub.capacity_reported_at = Decimal(200), make.now + timedelta(hours=1)
    assert fresh(session, hub).booked_peak_t == 200
    assert room_left_t(session, hub, since=make.today) == 0
    assert room_left_t(session, hub, since=make.today, deal=deal) == 400


def test_loads_within_the_tolerance_are_not_turned_away_from_a_hub_that_is_full(
    session: Session, make: Factory, hub: Facility
) -> None:
    deal = into(make, hub, 500)
    for mass_t in (100, 100, 100, 100, 100, 20):
        load(make, deal, mass_t, loaded_at=make.now + timedelta(hours=1))
    assert (fresh(session, deal).delivered_t, fresh(session, hub).booked_peak_t) == (520, 500)


def test_a_facility_that_has_not_said_what_room_it_has_bounds_nothing(session: Session, make: Factory) -> None:
    yard = make.facility(make.organisation())
    into(make, yard, 900)
    assert room_left_t(session, yard, since=make.today) is None
