"""The same load from many phones at once, and many loads for what one of them can still fill."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import DomainError
from marketplace.models import Deal, Ticket
from marketplace.services.gate_links import Gate, revoke_gate_link
from marketplace.services.ticket_corrections import correct_ticket
from marketplace.services.tickets import add_ticket
from marketplace.types import DealStatus, Role
from tests.conftest import NOW
from tests.factories import Factory
from tests.services.test_tickets import REPORT

PHONES = 8


class Race:
    """A deal of 100 t and its gate, for good in a database of their own."""

    def __init__(self, engine: Engine) -> None:
        self.sessions = make_sessions(engine)
        with self.sessions.begin() as session:
            make = Factory(session, now=NOW)
            deal = make.deal(status=DealStatus.AGREED, mass_t=100)
            link = make.gate_link(deal)
            self.deal_id: int = deal.id
            self.giver: Actor = make.actor(make.member(deal.giver_organisation, role=Role.EDITOR))
            self.gate = Gate(link_id=link.id, deal_id=deal.id, side=link.side, valid_on=link.valid_on)

    def all_at_once(self, work: Callable[[Session, int], object]) -> list[object]:
        def one(number: int) -> object:
            try:
                with self.sessions.begin() as session:
                    return work(session, number)
            except DomainError as refused:
                return type(refused)

        with ThreadPoolExecutor(PHONES) as phones:
            return list(phones.map(one, range(PHONES)))

    def add(self, session: Session, **changes: object) -> bool:
        report = replace(REPORT, **changes)  # type: ignore[arg-type]
        return add_ticket(session, self.gate, deal_id=self.deal_id, report=report, now=NOW).is_new

    def figures(self) -> tuple[int, Decimal]:
        with self.sessions() as session:
            count = session.scalar(select(func.count()).select_from(Ticket)) or 0
            return count, session.get_one(Deal, self.deal_id).delivered_t


@pytest.fixture
def race(committing_engine: Engine) -> Race:
    return Race(committing_engine)


@pytest.mark.parametrize("named", [{"number": "1001"}, {"number": "", "client_key": uuid4()}], ids=["number", "key"])
def test_a_load_that_is_sent_from_everywhere_counts_once(race: Race, named: dict[str, object]) -> None:
    results = race.all_at_once(lambda session, _number: race.add(session, **named))
    assert sorted(results, key=str) == [False] * (PHONES - 1) + [True]
    assert race.figures() == (1, Decimal("17.240"))


def test_no_more_comes_than_is_left_and_nobody_waits_for_ever(race: Race) -> None:
    results = race.all_at_once(lambda session, number: race.add(session, number=str(number), mass_t=Decimal(30)))
    assert sum(result is True for result in results) == 3
    assert race.figures() == (3, Decimal(90))


def test_loads_without_slips_get_a_number_each(race: Race) -> None:
    race.all_at_once(lambda session, _number: race.add(session, number="", client_key=uuid4(), mass_t=Decimal(1)))
    assert race.figures() == (PHONES, Decimal(PHONES))


def test_a_load_is_corrected_by_one(race: Race) -> None:
    with race.sessions.begin() as session:
        first = add_ticket(session, race.giver, deal_id=race.deal_id, report=REPORT, now=NOW).ticket.id

    def correct(session: Session, number: int) -> str:
        correct_ticket(
            session,
            race.giver,
            deal_id=race.deal_id,
            ticket_id=first,
            report=replace(REPORT, mass_t=Decimal(number + 1)),
            reason="Tara",
            now=NOW,
        )
        return "done"

    results = race.all_at_once(correct)
    assert results.count("done") == 1
    assert race.figures()[0] == 2


def test_nothing_comes_in_by_a_link_after_it_was_withdrawn(race: Race) -> None:
    def work(session: Session, number: int) -> object:
        if number == PHONES // 2:
            revoke_gate_link(session, race.giver, deal_id=race.deal_id, link_id=race.gate.link_id, now=NOW)
            return race.figures()[0]
        return race.add(session, number=str(number), mass_t=Decimal(1))

    results = race.all_at_once(work)
    before = results[PHONES // 2]
    assert race.figures()[0] == sum(result is True for result in results) == before
