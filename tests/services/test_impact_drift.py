"""Loads, corrections, disputes, answers and records in any order: the sums never drift from the loads."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from alembic import command
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geo.impact import Measure, Rates, nothing_avoided, rates_of
from geo.pyramid import Level
from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import DomainError
from marketplace.migrate import alembic_config, upgrade
from marketplace.models import Deal, DealImpact, DealMonth, FlowMonth, Ticket
from marketplace.services import deal_chains, deals
from marketplace.services.deals import OfferTerms, TakingPlace
from marketplace.services.recovery import Answer, answer_recovery
from marketplace.services.ticket_corrections import correct_ticket, void_ticket
from marketplace.services.ticket_reports import TicketReport
from marketplace.services.tickets import add_ticket, confirm_tickets, dispute_ticket
from marketplace.storage import open_storage
from marketplace.types import DealStatus, FactorSetStatus, ImpactReason, RecoveryTest, TicketStatus
from tests.conftest import NOW
from tests.factories import Factory
from tests.geo.impact_cases import comparisons
from tests.services.impact_drift import assert_no_drift
from tests.services.parties import Parties
from tests.services.test_impact_sums import FEBRUARY, JANUARY, rates

LATER = NOW + timedelta(days=150)
EDGE = datetime(2027, 4, 30, 22, tzinfo=UTC)
"""Midnight before the first of May in Norway."""
MOMENTS = (EDGE - timedelta(seconds=1), EDGE, EDGE + timedelta(days=31), EDGE + timedelta(days=62))
MUNICIPALITIES = ("0301", "3201", "3203")

which = st.integers(0, 2)
loads = st.integers(0, 30)
moments = st.sampled_from(MOMENTS)
masses = st.sampled_from([Decimal("0.001"), Decimal(16), Decimal("16.001"), Decimal("17.24"), Decimal(32)])
answers = st.sampled_from([None, True, False])


class Ledgers(RuleBasedStateMachine):
    """A deal from one to another, one into a hub, and one from the hub on."""

    def __init__(self, session: Session, make: Factory) -> None:
        super().__init__()
        self.session, self.make = session, make
        self.savepoint = session.begin_nested()
        self.numbers = count(1)
        self.storage = open_storage("memory:")

    @initialize()
    def agree(self) -> None:
        one, other = (Parties(self.session, self.make, NOW) for _ in range(2))
        direct = one.agree(500)
        _, reception = other.hub(room_t=5_000)
        keeper = self.make.actor(self.make.member(reception.organisation))
        hub = TakingPlace(organisation_id=reception.organisation_id, listing_id=reception.id)
        into = deals.request_deal(
            self.session, keeper, surplus_id=other.surplus.id, taking=hub, terms=other.terms(600), now=NOW
        )
        deals.accept(self.session, other.giver, deal_id=into.id, now=NOW)
        onward = deal_chains.send_on(
            self.session,
            keeper,
            source_deal_id=into.id,
            taking=other.for_demand(),
            terms=other.terms(500),
            now=NOW,
        )
        deals.accept(self.session, other.taker, deal_id=onward.id, now=NOW)
        self.sides: list[tuple[int, Actor, Actor]] = [
            (direct.id, one.giver, one.taker),
            (into.id, other.giver, keeper),
            (onward.id, keeper, other.taker),
        ]

    def teardown(self) -> None:
        self.savepoint.rollback()
        self.session.expunge_all()

    @contextmanager
    def _taken_or_refused(self) -> Iterator[None]:
        """Whatever is refused leaves nothing behind."""
        try:
            with self.session.begin_nested():
                yield
        except DomainError:
            self.session.expire_all()

    def _report(self, mass_t: Decimal, moment: datetime, *, is_weighed: bool) -> TicketReport:
        return TicketReport(
            number=str(next(self.numbers)),
            loaded_at=moment,
            vehicle_registration="AB 12345",
            mass_t=mass_t,
            is_weighed=is_weighed,
        )

    def _ticket(self, nth: int) -> Ticket | None:
        """One of all there are, also of those that another row has taken the place of."""
        tickets = self.session.scalars(select(Ticket).order_by(Ticket.id)).all()
        return tickets[nth % len(tickets)] if tickets else None

    def _sides_of(self, ticket: Ticket) -> tuple[int, Actor, Actor]:
        return next(each for each in self.sides if each[0] == ticket.deal_id)

    @rule(deal=which, mass_t=masses, moment=moments, is_weighed=st.booleans())
    def load(self, deal: int, mass_t: Decimal, moment: datetime, is_weighed: bool) -> None:
        deal_id, giver, _ = self.sides[deal]
        with self._taken_or_refused():
            report = self._report(mass_t, moment, is_weighed=is_weighed)
            add_ticket(self.session, giver, deal_id=deal_id, report=report, now=LATER)

    @rule(nth=loads, mass_t=masses, moment=moments, is_weighed=st.booleans())
    def correct(self, nth: int, mass_t: Decimal, moment: datetime, is_weighed: bool) -> None:
        if (ticket := self._ticket(nth)) is None:
            return
        deal_id, giver, _ = self._sides_of(ticket)
        report = self._report(mass_t, moment, is_weighed=is_weighed)
        with self._taken_or_refused():
            correct_ticket(
                self.session, giver, deal_id=deal_id, ticket_id=ticket.id, report=report, reason="Feil", now=LATER
            )

    @rule(nth=loads)
    def void(self, nth: int) -> None:
        if (ticket := self._ticket(nth)) is not None:
            deal_id, giver, _ = self._sides_of(ticket)
            with self._taken_or_refused():
                void_ticket(self.session, giver, deal_id=deal_id, ticket_id=ticket.id, reason="Feil", now=LATER)

    @rule(nth=loads)
    def dispute(self, nth: int) -> None:
        if (ticket := self._ticket(nth)) is not None:
            deal_id, _, taker = self._sides_of(ticket)
            with self._taken_or_refused():
                dispute_ticket(self.session, taker, deal_id=deal_id, ticket_id=ticket.id, reason="Feil", now=LATER)

    @rule(deal=which, nth=st.none() | loads)
    def confirm(self, deal: int, nth: int | None) -> None:
        deal_id, _, taker = self.sides[deal]
        ticket = None if nth is None else self._ticket(nth)
        ids = None if ticket is None else [ticket.id]
        with self._taken_or_refused():
            confirm_tickets(self.session, taker, deal_id=deal_id, ticket_ids=ids, now=LATER)

    @rule(deal=which, said=st.tuples(answers, answers, answers))
    def answer(self, deal: int, said: tuple[bool | None, ...]) -> None:
        deal_id, _, taker = self.sides[deal]
        given = [
            Answer(test=test, holds=holds, evidence="" if holds is None else "Plan 2027")
            for test, holds in zip(RecoveryTest, said, strict=True)
        ]
        with self._taken_or_refused():
            answer_recovery(self.session, taker, deal_id=deal_id, answers=given, storage=self.storage, now=LATER)

    @rule(deal=which, mass_t=st.integers(300, 600))
    def amend(self, deal: int, mass_t: int) -> None:
        deal_id, giver, taker = self.sides[deal]
        with self._taken_or_refused():
            days = {"starts_on": self.make.today, "ends_on": self.make.today + timedelta(days=30)}
            terms = OfferTerms(entered_value=Decimal(mass_t), **days)
            deals.counter(self.session, giver, deal_id=deal_id, terms=terms, now=NOW)
            deals.accept(self.session, taker, deal_id=deal_id, now=NOW)

    @rule(deal=which, by=comparisons().map(rates_of) | st.just(nothing_avoided()), level=st.sampled_from(Level))
    def freeze(self, deal: int, by: Rates, level: Level) -> None:
        found = self.session.get_one(Deal, self.sides[deal][0])
        self.make.impact(found, by, level=level, reason=ImpactReason.ROUTE)

    @rule(deal=which, origin=st.sampled_from(MUNICIPALITIES), destination=st.sampled_from(MUNICIPALITIES))
    def move(self, deal: int, origin: str, destination: str) -> None:
        """As a reform of municipalities does."""
        found = self.session.get_one(Deal, self.sides[deal][0])
        found.origin_municipality_number, found.destination_municipality_number = origin, destination

    @rule(deal=which)
    def cancel(self, deal: int) -> None:
        deal_id, giver, _ = self.sides[deal]
        with self._taken_or_refused():
            deals.cancel(self.session, giver, deal_id=deal_id, reason="Nei", now=LATER)

    @invariant()
    def sums_are_those_of_the_loads(self) -> None:
        if hasattr(self, "sides"):
            assert_no_drift(self.session)


def test_the_sums_never_drift_whatever_people_do(session: Session, make: Factory) -> None:
    run_state_machine_as_test(
        lambda: Ledgers(session, make),
        settings=settings(
            max_examples=6, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


# What loads do to the sums, one thing at a time -----------------------------------------------------------------------


@pytest.fixture
def deal(make: Factory) -> Deal:
    """An agreed deal with a record and a load in each of two months."""
    made = make.deal(status=DealStatus.AGREED)
    make.impact(made, rates())
    make.ticket(made, loaded_at=JANUARY, mass_t=15)
    make.ticket(made, loaded_at=FEBRUARY, mass_t=18)
    return made


def rows(session: Session) -> tuple[int, int]:
    session.flush()
    months, flows = (session.scalar(select(func.count()).select_from(table)) for table in (DealMonth, FlowMonth))
    return months or 0, flows or 0


def test_nothing_is_left_of_a_month_whose_loads_were_all_voided(session: Session, make: Factory, deal: Deal) -> None:
    assert rows(session) == (2, 2)
    session.execute(update(Ticket).values(status=TicketStatus.VOIDED))
    assert rows(session) == (0, 0)
    make.ticket(deal, loaded_at=JANUARY, mass_t=15)
    assert_no_drift(session)


def test_a_load_that_was_driven_in_another_month_counts_there_once(session: Session, deal: Deal) -> None:
    session.execute(update(Ticket).where(Ticket.loaded_at == JANUARY).values(loaded_at=FEBRUARY))
    assert_no_drift(session)
    assert rows(session) == (1, 1)
    assert session.scalar(select(FlowMonth.avoided_t)) == 33


def test_loads_of_many_deals_changed_by_one_statement_all_count(session: Session, make: Factory, deal: Deal) -> None:
    others = [make.deal(status=DealStatus.AGREED) for _ in range(3)]
    for other in others[1:]:
        make.impact(other, rates("0.35"), level=Level.RECYCLING)
    for other in others:
        for moment in (JANUARY, FEBRUARY):
            make.ticket(other, loaded_at=moment, mass_t=Decimal("16.5"), is_weighed=False)
    assert_no_drift(session)
    session.execute(update(Ticket).values(status=TicketStatus.CONFIRMED, confirmed_at=NOW))
    assert_no_drift(session)
    assert session.scalar(select(func.sum(FlowMonth.avoided_t))) == 33 + 3 * 33


def test_a_deal_without_a_record_that_holds_avoids_nothing(session: Session, make: Factory, deal: Deal) -> None:
    session.execute(update(DealImpact).values(is_current=False))
    assert_no_drift(session)
    assert set(session.scalars(select(FlowMonth.level))) == {Level.UNDOCUMENTED}
    assert session.scalar(select(func.sum(FlowMonth.delivered_t))) == 33
    make.impact(deal, rates())
    assert_no_drift(session)


def test_a_late_load_of_an_earlier_month_works_out_the_later_ones_again(session: Session, make: Factory) -> None:
    """15 t and 18 t are 1 and 2 loads; 2 t more in the first month make them 2 and 1."""
    deal = make.deal(status=DealStatus.AGREED)
    make.impact(deal, rates("0"))
    make.ticket(deal, loaded_at=JANUARY, mass_t=15)
    make.ticket(deal, loaded_at=FEBRUARY, mass_t=17)
    vehicle_km = list(Measure).index(Measure.VEHICLE_KM)
    by_month = select(DealMonth.central).order_by(DealMonth.month)
    assert [row[vehicle_km] / 54 for row in session.scalars(by_month)] == [1, 1]
    make.ticket(deal, loaded_at=JANUARY, mass_t=2)
    session.expire_all()
    assert [row[vehicle_km] / 54 for row in session.scalars(by_month)] == [2, 1]
    assert_no_drift(session)


@pytest.mark.parametrize("table", ["ticket", "deal_month", "deal", "listing"])
def test_what_is_emptied_empties_its_sums(session: Session, deal: Deal, table: str) -> None:
    """As before the examples are loaded anew."""
    session.execute(text(f"TRUNCATE {table} CASCADE"))
    assert rows(session) == (0, 0)


def test_sums_that_were_lost_are_counted_anew_from_the_loads(session: Session, make: Factory, deal: Deal) -> None:
    session.execute(text("ALTER TABLE ticket DISABLE TRIGGER USER"))
    make.ticket(deal, loaded_at=FEBRUARY, mass_t=20)
    session.execute(text("ALTER TABLE ticket ENABLE TRIGGER USER"))
    with pytest.raises(AssertionError):
        assert_no_drift(session)
    for _ in range(2):
        session.execute(select(func.count_loads_anew([deal.id])))
        assert_no_drift(session)


def test_a_record_rests_on_no_draft(make: Factory, deal: Deal) -> None:
    draft = make.factor_set(status=FactorSetStatus.DRAFT)
    with pytest.raises(DBAPIError, match="can no longer change"):
        make.impact(deal, rates(), factor_set_id=draft.id)


def test_loads_from_before_there_were_sums_are_counted_when_the_database_is_migrated(committing_engine: Engine) -> None:
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        deals_before = [make.deal(status=DealStatus.AGREED) for _ in range(2)]
        for deal in deals_before:
            make.ticket(deal, loaded_at=JANUARY, mass_t=15)
            make.ticket(deal, loaded_at=FEBRUARY, mass_t=18, status=TicketStatus.DISPUTED)
            make.ticket(deal, loaded_at=FEBRUARY, mass_t=19, status=TicketStatus.VOIDED)
    command.downgrade(alembic_config(committing_engine), "0014")
    upgrade(committing_engine)
    with make_sessions(committing_engine)() as session:
        assert_no_drift(session)
        found = select(FlowMonth.loads, FlowMonth.delivered_t, FlowMonth.avoided_t).order_by(FlowMonth.month)
        assert [tuple(row) for row in session.execute(found)] == [(2, 30, 30), (2, 36, 0)]
