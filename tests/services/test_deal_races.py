"""Many at once on the same lots and rooms: nothing is oversold, and who comes too late is told what is left."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import Conflict
from marketplace.models import Deal, Facility, Listing
from marketplace.services import deals, facilities, listings
from marketplace.types import DealStatus, ListingKind, ListingStatus, PausedReason
from tests.conftest import NOW
from tests.factories import Factory
from tests.services.parties import Parties

type Act = Callable[[Session], object]


def all_at_once(engine: Engine, acts: Sequence[Act]) -> list[object]:
    """What came of acts that all begin at the same moment, each in a transaction of its own."""
    start = Barrier(len(acts))

    def one(act: Act) -> object:
        with make_sessions(engine)() as session:
            session.execute(select(1))
            start.wait(timeout=20)
            try:
                act(session)
                session.commit()
            except Conflict as refused:
                return refused.params.get("left_t", "nothing")
            return "done"

    with ThreadPoolExecutor(len(acts)) as people:
        return list(people.map(one, acts))


def accepts(actor: Actor, deal_id: int) -> Act:
    return lambda session: deals.accept(session, actor, deal_id=deal_id, now=NOW)


def cancels(actor: Actor, deal_id: int) -> Act:
    return lambda session: deals.cancel(session, actor, deal_id=deal_id, reason="Nei", now=NOW)


def sums(engine: Engine) -> list[tuple[Decimal, Decimal]]:
    """What each listing holds, beside what its deals say that it should."""
    with make_sessions(engine)() as session:
        held = func.coalesce(func.sum(Deal.committed_t), 0)
        return [
            (
                listing.committed_t,
                session.scalars(
                    select(held).where((Deal.surplus_id == listing.id) | (Deal.taking_listing_id == listing.id))
                ).one(),
            )
            for listing in session.scalars(select(Listing).order_by(Listing.id))
        ]


@dataclass(frozen=True)
class Lot:
    giver: Actor
    surplus_id: int
    deal_ids: list[int]


@pytest.fixture
def lot(committing_engine: Engine) -> Lot:
    """A lot of 1 000 t that six have asked for 500 t of."""
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        first = Parties(session, make, NOW)
        asked = [first.request(500).id]
        for _ in range(5):
            other = Parties(session, make, NOW)
            asked.append(other.request(500, surplus=first.surplus).id)
        return Lot(giver=first.giver, surplus_id=first.surplus.id, deal_ids=asked)


def test_of_two_who_accept_the_last_500_t_one_is_told_what_is_left(committing_engine: Engine, lot: Lot) -> None:
    all_at_once(committing_engine, [accepts(lot.giver, lot.deal_ids[0])])
    with make_sessions(committing_engine).begin() as session:
        partly = session.get_one(Deal, lot.deal_ids[1])
        partly.offers[0].mass_t = Decimal(300)
    both = [accepts(lot.giver, each) for each in lot.deal_ids[1:3]]
    assert sorted(map(str, all_at_once(committing_engine, both))) in (["200.000", "done"], ["done", "nothing"])


def test_a_lot_is_never_oversold(committing_engine: Engine, lot: Lot) -> None:
    results = all_at_once(committing_engine, [accepts(lot.giver, each) for each in lot.deal_ids])
    assert Counter(results) == {"done": 2, "nothing": 4}
    assert all(held == expected for held, expected in sums(committing_engine))
    with make_sessions(committing_engine)() as session:
        surplus = session.get_one(Listing, lot.surplus_id)
        assert (surplus.left_t, surplus.paused_reason) == (0, PausedReason.FULL)


def test_the_same_offer_is_accepted_once(committing_engine: Engine, lot: Lot) -> None:
    results = all_at_once(committing_engine, [accepts(lot.giver, lot.deal_ids[0])] * 4)
    assert Counter(results) == {"done": 1, "nothing": 3}


def test_cancelling_and_accepting_at_once_ends_in_step(committing_engine: Engine, lot: Lot) -> None:
    all_at_once(committing_engine, [accepts(lot.giver, each) for each in lot.deal_ids[:2]])
    all_at_once(
        committing_engine,
        [
            *(cancels(lot.giver, each) for each in lot.deal_ids[:2]),
            *(accepts(lot.giver, each) for each in lot.deal_ids[2:]),
        ],
    )
    assert all(held == expected for held, expected in sums(committing_engine))
    with make_sessions(committing_engine)() as session:
        surplus = session.get_one(Listing, lot.surplus_id)
        assert (surplus.status is ListingStatus.PUBLISHED) == (surplus.left_t > 0)


def test_pairs_of_listings_taken_crosswise_meet_no_deadlock(committing_engine: Engine) -> None:
    """Two lots and two demands, every pair of them, while their owners edit and pause them and say that they stand."""
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        sides = [Parties(session, make, NOW) for _ in range(2)]
        crossed = []
        for one in sides:
            for other in reversed(sides):
                asking = Parties.__new__(Parties)
                asking.__dict__ |= one.__dict__ | {"surplus": other.surplus, "giver": other.giver}
                crossed.append((other.giver, asking.request(300).id))
        pauses = [(one.giver, one.surplus.id) for one in sides]
    acts = [accepts(giver, deal_id) for giver, deal_id in crossed]
    acts += [cancels(giver, deal_id) for giver, deal_id in crossed]
    for giver, listing_id in pauses:
        acts.append(lambda s, a=giver, i=listing_id: listings.pause_listing(s, a, listing_id=i, now=NOW))
    for _ in range(3):
        all_at_once(committing_engine, acts)
    assert all(held == expected for held, expected in sums(committing_engine))


def test_a_hub_is_never_overbooked_while_its_operator_says_what_is_free(committing_engine: Engine) -> None:
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        first = Parties(session, make, NOW)
        hub, reception = first.hub(room_t=1000)
        keeper = make.actor(make.member(reception.organisation))
        offered = []
        for _ in range(5):
            parties = Parties(session, make, NOW)
            deal = deals.offer_surplus(
                session,
                parties.giver,
                surplus_id=parties.surplus.id,
                taking_listing_id=reception.id,
                terms=parties.terms(400),
                now=NOW,
            )
            offered.append(deal.id)
        hub_id = hub.id
    acts: list[Act] = [accepts(keeper, each) for each in offered]
    acts.append(
        lambda s: facilities.report_capacity(s, keeper, facility_id=hub_id, capacity_left_t=Decimal(900), now=NOW)
    )
    results = all_at_once(committing_engine, acts)
    with make_sessions(committing_engine)() as session:
        hub = session.get_one(Facility, hub_id)
        agreed = session.scalars(select(func.count()).where(Deal.status == DealStatus.AGREED)).one()
        assert results.count("done") == agreed + 1 == 3
        assert (hub.booked_peak_t, hub.capacity_left_t) == (800, 900)
        listing = session.scalars(select(Listing).where(Listing.kind == ListingKind.RECEPTION)).one()
        assert listing.mass_t == 100
