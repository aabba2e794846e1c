"""Fifty at once on one listing, and on pairs of them: nothing is oversold, and nobody is told of a deadlock."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_engine, make_sessions
from marketplace.errors import DomainError
from marketplace.models import Deal, Listing, Ticket
from marketplace.services import deals, listings, tickets
from marketplace.services.deals import OfferTerms
from marketplace.services.ticket_reports import TicketReport
from marketplace.types import DealStatus
from tests.conftest import NOW, test_settings
from tests.factories import Factory
from tests.services.parties import Parties

WORKERS = 50
ACTS_EACH = 8
TOLERANCE = Decimal("1.05")

type Act = Callable[[Session, random.Random], object]


@pytest.fixture
def crowded_engine(committing_engine: Engine) -> Iterator[Engine]:
    """As `committing_engine`, with a connection for everybody."""
    made = make_engine(test_settings(committing_engine.url, database_pool_size=WORKERS))
    yield made
    made.dispose()


@dataclass(frozen=True)
class Running:
    """A deal, and somebody of each side."""

    deal_id: int
    giver: Actor
    taker: Actor
    surplus_id: int


def act_on(running: Running) -> dict[str, Act]:
    deal_id = running.deal_id

    def terms(rng: random.Random) -> OfferTerms:
        mass_t = Decimal(rng.choice([280, 300, 320]))
        return OfferTerms(entered_value=mass_t, starts_on=NOW.date(), ends_on=NOW.date() + timedelta(days=30))

    def load(rng: random.Random) -> TicketReport:
        return TicketReport(
            number=str(rng.randrange(30)),
            loaded_at=NOW - timedelta(minutes=5),
            vehicle_registration="AB 12345",
            mass_t=Decimal(20),
            is_weighed=True,
            client_key=UUID(int=rng.getrandbits(128)),
        )

    return {
        "accept": lambda s, _rng: deals.accept(s, running.giver, deal_id=deal_id, now=NOW),
        "accept back": lambda s, _rng: deals.accept(s, running.taker, deal_id=deal_id, now=NOW),
        "counter": lambda s, rng: deals.counter(s, running.taker, deal_id=deal_id, terms=terms(rng), now=NOW),
        "cancel": lambda s, _rng: deals.cancel(s, running.giver, deal_id=deal_id, reason="Nei", now=NOW),
        "deliver": lambda s, rng: tickets.add_ticket(s, running.giver, deal_id=deal_id, report=load(rng), now=NOW),
        "confirm": lambda s, _rng: tickets.confirm_tickets(s, running.taker, deal_id=deal_id, now=NOW),
        "pause": lambda s, _rng: listings.pause_listing(s, running.giver, listing_id=running.surplus_id, now=NOW),
        "publish": lambda s, _rng: listings.publish_listing(s, running.giver, listing_id=running.surplus_id, now=NOW),
    }


LIKELY = {
    "accept": 8,
    "accept back": 3,
    "counter": 3,
    "cancel": 1,
    "deliver": 8,
    "confirm": 2,
    "pause": 1,
    "publish": 1,
}


def let_loose(engine: Engine, crowd: list[Running], *, seed: int) -> Counter[str]:
    """What came of it when everybody acts on whichever deal, a transaction an act, as fast as they can."""
    start = Barrier(WORKERS)

    def one(worker: int) -> Counter[str]:
        rng, came = random.Random(f"{seed}:{worker}"), Counter[str]()
        with make_sessions(engine)() as session:
            session.execute(select(1))
            session.rollback()
            start.wait(timeout=60)
            for _ in range(ACTS_EACH):
                name = rng.choices(list(LIKELY), weights=LIKELY.values())[0]
                try:
                    act_on(rng.choice(crowd))[name](session, rng)
                    session.commit()
                    came[f"{name}: done"] += 1
                except DomainError:
                    session.rollback()
                    came[f"{name}: refused"] += 1
        return came

    with ThreadPoolExecutor(WORKERS) as people:
        return sum(people.map(one, range(WORKERS)), Counter[str]())


def require_in_step(engine: Engine) -> None:
    """Every sum is what it is the sum of, and no more than there is."""
    with make_sessions(engine)() as session:
        for deal in session.scalars(select(Deal)):
            driven = select(func.coalesce(func.sum(Ticket.counted_t), 0)).where(Ticket.deal_id == deal.id)
            assert deal.delivered_t == session.scalar(driven)
            assert 0 <= deal.delivered_t <= deal.agreed_t * TOLERANCE
        for listing in session.scalars(select(Listing)):
            is_its = (Deal.surplus_id == listing.id) | (Deal.taking_listing_id == listing.id)
            held = session.scalar(select(func.coalesce(func.sum(Deal.committed_t), 0)).where(is_its))
            agreed = session.scalar(
                select(func.coalesce(func.sum(Deal.agreed_t), 0)).where(is_its, Deal.status == DealStatus.AGREED)
            )
            assert listing.committed_t == held
            assert agreed is not None
            assert agreed <= listing.mass_t, "more is agreed than there is"
        numbers = select(Ticket.deal_id, func.lower(Ticket.number)).where(Ticket.is_current)
        known = [tuple(row) for row in session.execute(numbers)]
        assert len(known) == len(set(known)), "a load counts twice"


def crowd_of(engine: Engine, *, givers: int, takers: int) -> list[Running]:
    """Everybody has asked everybody for 300 of 1 000 t, for a demand of 1 000 t."""
    with make_sessions(engine).begin() as session:
        make = Factory(session, now=NOW)
        from_ = [Parties(session, make, NOW) for _ in range(givers)]
        to = [Parties(session, make, NOW) for _ in range(takers)]
        return [
            Running(
                deal_id=taker.request(300, surplus=giver.surplus).id,
                giver=giver.giver,
                taker=taker.taker,
                surplus_id=giver.surplus.id,
            )
            for giver in from_
            for taker in to
        ]


@pytest.mark.parametrize(("givers", "takers"), [(1, 10), (4, 4)], ids=["one listing", "pairs of listings"])
def test_fifty_workers_fight_and_nothing_is_oversold(crowded_engine: Engine, givers: int, takers: int) -> None:
    came = let_loose(crowded_engine, crowd_of(crowded_engine, givers=givers, takers=takers), seed=givers)
    require_in_step(crowded_engine)
    assert sum(came.values()) == WORKERS * ACTS_EACH
    for needed in ("accept: done", "accept: refused", "deliver: done", "deliver: refused"):
        assert came[needed], f"the crowd never got to {needed!r}: {came}"
