"""Loads, records and moves of deals of one way at once, and transactions that never end well: the sums hold."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geo.pyramid import Level
from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import DomainError
from marketplace.models import Deal, DealMonth, FlowMonth, Ticket
from marketplace.services.commitments import hold
from marketplace.services.impact_sums import put_sums_right
from marketplace.services.ticket_corrections import correct_ticket, void_ticket
from marketplace.services.tickets import add_ticket, confirm_tickets, dispute_ticket
from marketplace.types import DealStatus, ImpactReason, Role, TicketSource, TicketStatus
from tests.conftest import NOW
from tests.factories import Factory
from tests.services.impact_drift import assert_no_drift
from tests.services.test_impact_sums import rates
from tests.services.test_tickets import REPORT

type Act = Callable[[Session], object]

PEOPLE = 6
DEALS = 3
SINCE = NOW - timedelta(days=90)


@dataclass(frozen=True)
class Way:
    """Deals from one place to one other, whose loads add to the same flows."""

    engine: Engine
    deal_ids: list[int]
    givers: list[Actor]
    takers: list[Actor]
    factor_set_id: int

    def all_at_once(self, acts: Sequence[Act]) -> list[str]:
        """What came of each act in a transaction of its own; what people are told is no failure."""
        start = Barrier(len(acts))

        def one(act: Act) -> str:
            with make_sessions(self.engine)() as session:
                session.execute(select(1))
                start.wait(timeout=20)
                try:
                    act(session)
                    session.commit()
                except DomainError:
                    return "refused"
                return "done"

        with ThreadPoolExecutor(len(acts)) as people:
            return list(people.map(one, acts))

    def record(self, nth: int, *, substitution: str, level: Level, is_held: bool = True) -> Act:
        """Freezes another record, as whoever forgets to hold the deal might, too."""

        def act(session: Session) -> None:
            deal_id = self.deal_ids[nth]
            if is_held:
                hold(session, deal_id=deal_id)
            Factory(session, now=NOW).impact(
                session.get_one(Deal, deal_id),
                rates(substitution),
                level=level,
                factor_set_id=self.factor_set_id,
                reason=ImpactReason.ROUTE,
            )

        return act

    def load(self, nth: int, *, number: str, days: int = 0, mass_t: Decimal = Decimal("17.24")) -> Act:
        report = replace(REPORT, number=number, loaded_at=NOW - timedelta(days=days), mass_t=mass_t)
        return lambda s: add_ticket(s, self.givers[nth], deal_id=self.deal_ids[nth], report=report, now=NOW)

    def check(self) -> None:
        with make_sessions(self.engine)() as session:
            assert_no_drift(session)


@pytest.fixture
def way(committing_engine: Engine) -> Way:
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        found = [
            make.deal(
                status=DealStatus.AGREED, mass_t=5000, surplus=make.listing(mass_t=6000, available_from=SINCE.date())
            )
            for _ in range(DEALS)
        ]
        kept = make.factor_set()
        for deal in found:
            make.impact(deal, rates(), factor_set_id=kept.id)
        return Way(
            engine=committing_engine,
            deal_ids=[deal.id for deal in found],
            givers=[make.actor(make.member(deal.giver_organisation, role=Role.EDITOR)) for deal in found],
            takers=[make.actor(make.member(deal.taker_organisation, role=Role.EDITOR)) for deal in found],
            factor_set_id=kept.id,
        )


def test_loads_of_one_way_from_many_gates_all_count(way: Way) -> None:
    acts = [way.load(n % DEALS, number=str(n), days=n % 2 * 40) for n in range(PEOPLE)]
    for round_ in range(3):
        again = [way.load(n % DEALS, number=f"{round_}-{n}", days=(n + round_) % 3 * 30) for n in range(PEOPLE)]
        assert way.all_at_once(again) == ["done"] * PEOPLE
    assert way.all_at_once(acts) == ["done"] * PEOPLE
    way.check()
    with make_sessions(way.engine)() as session:
        assert session.scalar(select(func.sum(FlowMonth.loads))) == 4 * PEOPLE


def test_a_record_frozen_while_the_first_load_comes_in_is_what_it_counts_by(way: Way) -> None:
    """Also where whoever freezes it does not hold the deal: the database does."""
    for round_ in range(4):
        is_held = round_ % 2 == 0
        acts = [way.load(nth, number=f"{round_}", days=round_ * 28) for nth in range(DEALS)]
        acts += [
            way.record(nth, substitution="0.35" if round_ % 2 else "0", level=Level.RECYCLING, is_held=is_held)
            for nth in range(DEALS)
        ]
        assert way.all_at_once(acts) == ["done"] * len(acts)
        way.check()


def test_everything_at_once_meets_no_deadlock_and_never_drifts(way: Way) -> None:
    random = Random(5)  # any order will do
    levels = list(Level)
    way.all_at_once([way.load(nth, number=f"first-{nth}", days=40) for nth in range(DEALS)])

    def some_ticket(session: Session, nth: int, share: float) -> int:
        ids = session.scalars(select(Ticket.id).where(Ticket.deal_id == way.deal_ids[nth]).order_by(Ticket.id)).all()
        return ids[int(share * len(ids))]

    def corrects(nth: int, number: str, share: float, days: int) -> Act:
        report = replace(REPORT, number=number, loaded_at=NOW - timedelta(days=days), mass_t=Decimal("16.001"))
        return lambda s: correct_ticket(
            s,
            way.givers[nth],
            deal_id=way.deal_ids[nth],
            ticket_id=some_ticket(s, nth, share),
            report=report,
            reason="Feil",
            now=NOW,
        )

    def moves(nth: int, number: str) -> Act:
        of_deal = update(Deal).where(Deal.id == way.deal_ids[nth])
        return lambda s: s.execute(of_deal.values(destination_municipality_number=number))

    for round_ in range(6):
        acts: list[Act] = []
        for n in range(PEOPLE):
            nth, share, days = random.randrange(DEALS), random.random(), random.choice([0, 35, 70])
            deal_id, giver, taker = way.deal_ids[nth], way.givers[nth], way.takers[nth]
            kinds: list[Act] = [
                way.load(nth, number=f"{round_}-{n}", days=days),
                corrects(nth, f"c{round_}-{n}", share, days),
                lambda s, d=deal_id, g=giver, t=nth, h=share: void_ticket(  # type: ignore[misc]
                    s, g, deal_id=d, ticket_id=some_ticket(s, t, h), reason="Feil", now=NOW
                ),
                lambda s, d=deal_id, g=taker, t=nth, h=share: dispute_ticket(  # type: ignore[misc]
                    s, g, deal_id=d, ticket_id=some_ticket(s, t, h), reason="Feil", now=NOW
                ),
                lambda s, d=deal_id, g=taker: confirm_tickets(s, g, deal_id=d, now=NOW),  # type: ignore[misc]
                way.record(nth, substitution="0.35", level=random.choice(levels)),
                moves(nth, random.choice(["0301", "3201", "3203"])),
            ]
            acts.append(random.choice(kinds))
        way.all_at_once(acts)
    way.check()


def test_files_of_several_deals_and_months_in_any_order_meet_no_deadlock(way: Way) -> None:
    """A statement with loads of all deals, forwards and backwards."""
    with make_sessions(way.engine)() as session:
        columns = {
            "status": TicketStatus.REPORTED,
            "source": TicketSource.TYPED,
            "side": "giver",
            "vehicle_registration": "AB 12345",
            "is_weighed": True,
            "origin_name": "a",
            "destination_name": "b",
            "reported_by_id": way.givers[0].user_id,
        }
        session.rollback()

    def file(person: int) -> Act:
        rows = [
            {
                **columns,
                "deal_id": deal_id,
                "number": f"{person}-{n}",
                "loaded_at": NOW - timedelta(days=20 * n),
                "mass_t": Decimal(n + 1),
            }
            for deal_id in way.deal_ids
            for n in range(5)
        ]
        ordered = rows if person % 2 else rows[::-1]

        def act(session: Session) -> None:
            for deal_id in sorted(way.deal_ids):
                hold(session, deal_id=deal_id)
            session.execute(insert(Ticket.__table__).values(ordered))

        return act

    assert way.all_at_once([file(person) for person in range(PEOPLE)]) == ["done"] * PEOPLE
    way.check()


def test_sums_are_put_right_while_loads_come_in(way: Way) -> None:
    way.all_at_once([way.load(nth, number="1", days=40) for nth in range(DEALS)])
    with way.engine.begin() as connection:
        connection.execute(update(DealMonth).values(delivered_t=DealMonth.delivered_t + 1))
        connection.execute(update(FlowMonth).values(loads=FlowMonth.loads + 1))
    for round_ in range(3):
        acts = [way.load(n % DEALS, number=f"{round_}-{n}", days=n % 2 * 40) for n in range(PEOPLE - 1)]
        assert way.all_at_once([*acts, put_sums_right]) == ["done"] * PEOPLE
        way.check()


# What does not end well ---------------------------------------------------------------------------------------------


def test_a_load_and_what_it_avoids_come_and_go_together(way: Way) -> None:
    way.all_at_once([way.load(0, number="1")])
    with make_sessions(way.engine)() as session:
        way.load(0, number="2")(session)
        session.flush()
        assert session.scalar(select(func.sum(FlowMonth.loads))) == 2
        session.rollback()
    way.check()
    with make_sessions(way.engine)() as session:
        assert session.scalar(select(func.sum(FlowMonth.loads))) == 1


def test_whoever_is_killed_in_the_middle_leaves_nothing_and_holds_nobody_up(way: Way) -> None:
    way.all_at_once([way.load(0, number="1")])
    sessions = make_sessions(way.engine)
    with sessions() as doomed:
        way.load(0, number="2")(doomed)
        way.record(0, substitution="0", level=Level.DISPOSAL)(doomed)
        backend = doomed.scalar(select(func.pg_backend_pid()))
        with sessions() as other:
            other.execute(select(func.pg_terminate_backend(backend)))
            other.commit()
        with pytest.raises(DBAPIError):
            doomed.commit()
        doomed.invalidate()
    assert way.all_at_once([way.load(nth, number="3") for nth in range(DEALS)]) == ["done"] * DEALS
    way.check()
    with sessions() as session:
        assert session.scalar(select(func.sum(DealMonth.loads))) == 1 + DEALS
