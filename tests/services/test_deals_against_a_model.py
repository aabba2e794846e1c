"""Deals, offers and loads from several organisations in any order, against a model that knows nothing but sums.

The model predicts whether an agreement or a load is taken; after every step the sums of the database are those of the
model, never negative and never more than there is.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import DomainError
from marketplace.models import Deal, Listing, Ticket
from marketplace.services import deal_chains, deals, recovery, statements, tickets
from marketplace.services.deal_actions import ALLOWED_FROM, DealAction, open_offer
from marketplace.services.deal_places import TakingPlace
from marketplace.services.deal_terms import OfferTerms
from marketplace.services.ticket_corrections import correct_ticket, void_ticket
from marketplace.services.ticket_reports import TicketReport
from marketplace.storage import open_storage
from marketplace.types import (
    DealStatus,
    ListingKind,
    ListingStatus,
    OfferStatus,
    PausedReason,
    RecoveryTest,
    Role,
    Side,
    TicketStatus,
)
from tests.conftest import NOW
from tests.factories import Factory
from tests.services.parties import hub_of

SURPLUS_T = (300, 120)
ROOM_T = 10_000
"""Of the hub: so much that only what comes in bounds what it sends on."""
DEMAND_T = (250, 100)
TOLERANCE = Decimal("1.05")
HEAVIEST_LOAD_T = 200
SENDS_ON = ALLOWED_FROM[DealAction.SEND_ON]

masses = st.integers(min_value=1, max_value=HEAVIEST_LOAD_T)
numbers = st.sampled_from(("1", "2", "3", "4"))
sides = st.sampled_from(Side)


@dataclass
class ModelDeal:
    id: int
    surplus: int | None
    """None where it comes out of the hub."""
    demand: int | None
    """None where it goes into the hub."""
    open_t: int | None
    """Of the open offer."""
    open_by: Side | None
    source: "ModelDeal | None" = None
    """What brought it to the hub."""
    status: DealStatus = DealStatus.NEGOTIATING
    agreed_t: int = 0
    loads: dict[str, int] = field(default_factory=dict)
    """What counts, by number."""
    said: dict[str, set[int]] = field(default_factory=dict)
    """All that was ever said of a number."""

    @property
    def delivered_t(self) -> int:
        return sum(self.loads.values())

    @property
    def committed_t(self) -> int:
        if self.status is DealStatus.AGREED:
            return max(self.agreed_t, self.delivered_t)
        return self.delivered_t if self.status is DealStatus.COMPLETED else 0


class Market(RuleBasedStateMachine):
    """Two givers with a surplus each, two takers with a demand each, and a hub between them."""

    made = Bundle("made")
    brought = Bundle("brought")
    """Those of them that go into the hub."""

    def __init__(self, session: Session, make: Factory) -> None:
        super().__init__()
        self.session, self.make = session, make
        self.savepoint = session.begin_nested()
        self.model: list[ModelDeal] = []
        self.storage = open_storage("memory:")

    @initialize(targets=(made, brought))
    def first_leg(self) -> ModelDeal:
        self._open_the_market()
        return self.model[0]

    @initialize(target=made)
    def second_leg(self) -> ModelDeal:
        self._open_the_market()
        return self.model[1]

    def _open_the_market(self) -> None:
        """With a chain that is agreed already, so that more than its making is tried."""
        if self.model:
            return
        self.surpluses = [self._listing(ListingKind.SURPLUS, mass_t) for mass_t in SURPLUS_T]
        self.demands = [self._listing(ListingKind.DEMAND, mass_t) for mass_t in DEMAND_T]
        self.people = {
            listing.organisation_id: self.make.actor(self.make.member(listing.organisation, role=Role.EDITOR))
            for listing in (*self.surpluses, *self.demands)
        }
        _, self.reception = hub_of(self.make, room_t=ROOM_T, now=NOW)
        self.keeper = self.make.actor(self.make.member(self.reception.organisation, role=Role.EDITOR))
        self._send_on(self._brought(0, SURPLUS_T[0] // 2), 0, SURPLUS_T[0] // 3, is_taken=True)

    def _listing(self, kind: ListingKind, mass_t: int) -> Listing:
        return self.make.listing(self.make.organisation(), kind=kind, mass_t=Decimal(mass_t))

    def teardown(self) -> None:
        self.savepoint.rollback()
        self.session.expunge_all()

    # What people do -----------------------------------------------------------------------------------------------

    @rule(target=made, surplus=st.integers(0, 1), demand=st.integers(0, 1), mass_t=masses, by=sides)
    def ask(self, surplus: int, demand: int, mass_t: int, by: Side) -> ModelDeal | MultipleResults[ModelDeal]:
        lot, need = self.surpluses[surplus], self.demands[demand]
        in_talks = self._in_talks(surplus, demand)
        in_sight = all(self._left_t(each) > 0 for each in (("surplus", surplus), ("demand", demand)))
        fits = mass_t <= min(self._left_t(("surplus", surplus)), self._left_t(("demand", demand)))
        with self._expecting(in_sight and fits and not in_talks) as made:
            if by is Side.TAKER:
                taking = TakingPlace(organisation_id=need.organisation_id, listing_id=need.id)
                deal = deals.request_deal(
                    self.session,
                    self.people[need.organisation_id],
                    surplus_id=lot.id,
                    taking=taking,
                    terms=terms(mass_t),
                    now=NOW,
                )
            else:
                deal = deals.offer_surplus(
                    self.session,
                    self.people[lot.organisation_id],
                    surplus_id=lot.id,
                    taking_listing_id=need.id,
                    terms=terms(mass_t),
                    now=NOW,
                )
        if not made.ok:
            return multiple()
        known = ModelDeal(id=deal.id, surplus=surplus, demand=demand, open_t=mass_t, open_by=by)
        self.model.append(known)
        return known

    @rule(targets=(made, brought), surplus=st.integers(0, 1), mass_t=masses)
    def bring_to_hub(self, surplus: int, mass_t: int) -> ModelDeal | MultipleResults[ModelDeal]:
        with self._expecting(mass_t <= self._left_t(("surplus", surplus))) as made:
            known = self._brought(surplus, mass_t)
        return known if made.ok else multiple()

    def _brought(self, surplus: int, mass_t: int) -> ModelDeal:
        """The hub asks for it and the giver accepts at once, for what is sent on needs that."""
        lot = self.surpluses[surplus]
        taking = TakingPlace(organisation_id=self.reception.organisation_id, listing_id=self.reception.id)
        deal = deals.request_deal(
            self.session, self.keeper, surplus_id=lot.id, taking=taking, terms=terms(mass_t), now=NOW
        )
        deals.accept(self.session, self.people[lot.organisation_id], deal_id=deal.id, now=NOW)
        known = ModelDeal(id=deal.id, surplus=surplus, demand=None, open_t=None, open_by=None)
        known.status, known.agreed_t = DealStatus.AGREED, mass_t
        self.model.append(known)
        return known

    @rule(target=made, source=brought, demand=st.integers(0, 1), mass_t=masses, is_taken=st.booleans())
    def send_on(
        self, source: ModelDeal, demand: int, mass_t: int, is_taken: bool
    ) -> ModelDeal | MultipleResults[ModelDeal]:
        left_t = min(self._left_of(source), self._left_t(("demand", demand)))
        in_talks = self._in_talks(None, demand, source=source)
        with self._expecting(source.status in SENDS_ON and mass_t <= left_t and not in_talks) as made:
            known = self._send_on(source, demand, mass_t, is_taken=is_taken)
        return known if made.ok else multiple()

    def _send_on(self, source: ModelDeal, demand: int, mass_t: int, *, is_taken: bool) -> ModelDeal:
        need = self.demands[demand]
        deal = deal_chains.send_on(
            self.session,
            self.keeper,
            source_deal_id=source.id,
            taking=TakingPlace(organisation_id=need.organisation_id, listing_id=need.id),
            terms=terms(mass_t),
            now=NOW,
        )
        known = ModelDeal(id=deal.id, surplus=None, demand=demand, open_t=mass_t, open_by=Side.GIVER, source=source)
        if is_taken:
            deals.accept(self.session, self.people[need.organisation_id], deal_id=deal.id, now=NOW)
            known.status, known.agreed_t, known.open_t, known.open_by = DealStatus.AGREED, mass_t, None, None
        self.model.append(known)
        return known

    @rule(known=made, mass_t=masses, by=sides)
    def offer_otherwise(self, known: ModelDeal, mass_t: int, by: Side) -> None:
        is_open = known.status in (DealStatus.NEGOTIATING, DealStatus.AGREED)
        if known.open_t is not None:
            is_other = known.open_by is by or known.open_t != mass_t
        else:
            is_other = known.agreed_t != mass_t
        with self._expecting(is_open and is_other and self._can_be_agreed(known, mass_t)) as made:
            deals.counter(self.session, self._of(known, by), deal_id=known.id, terms=terms(mass_t), now=NOW)
        if made.ok:
            known.open_t, known.open_by = mass_t, by

    @rule(known=made, by=sides)
    def accept(self, known: ModelDeal, by: Side) -> None:
        expected = known.open_t is not None and known.open_by is not by and self._can_be_agreed(known, known.open_t)
        with self._expecting(expected) as made:
            deals.accept(self.session, self._of(known, by), deal_id=known.id, now=NOW)
        if made.ok:
            assert known.open_t is not None
            known.status, known.agreed_t = DealStatus.AGREED, known.open_t
            known.open_t = known.open_by = None

    @rule(known=made, by=sides, takes_back=st.booleans())
    def refuse(self, known: ModelDeal, by: Side, takes_back: bool) -> None:
        expected = known.open_t is not None and (known.open_by is by) is takes_back
        with self._expecting(expected) as made:
            act = deals.withdraw if takes_back else deals.decline
            act(self.session, self._of(known, by), deal_id=known.id, now=NOW)
        if made.ok:
            known.open_t = known.open_by = None
            if known.status is DealStatus.NEGOTIATING:
                known.status = DealStatus.WITHDRAWN if takes_back else DealStatus.DECLINED

    @rule(known=made, by=sides)
    def cancel(self, known: ModelDeal, by: Side) -> None:
        is_free = not known.loads and not self._onward_t(known)
        with self._expecting(known.status is DealStatus.AGREED and is_free) as made:
            deals.cancel(self.session, self._of(known, by), deal_id=known.id, reason="Nei", now=NOW)
        if not made.ok:
            return
        known.status, known.open_t, known.open_by = DealStatus.CANCELLED, None, None
        for each in self.model:
            if each.source is known and each.status is DealStatus.NEGOTIATING:
                each.status, each.open_t, each.open_by = DealStatus.WITHDRAWN, None, None

    @rule(known=made, number=numbers, mass_t=masses, by=sides)
    def deliver(self, known: ModelDeal, number: str, mass_t: int, by: Side) -> None:
        said = known.said.get(number, set())
        repeats = mass_t in said
        expected = repeats or (
            not said and known.status is DealStatus.AGREED and self._can_be_delivered(known, known.delivered_t + mass_t)
        )
        with self._expecting(expected) as made:
            added = tickets.add_ticket(
                self.session, self._of(known, by), deal_id=known.id, report=load(number, mass_t), now=NOW
            )
            assert added.is_new is not repeats
        if made.ok and not repeats:
            known.loads[number] = mass_t
            known.said[number] = {mass_t}

    @rule(known=made, number=numbers, mass_t=masses, voids=st.booleans())
    def correct(self, known: ModelDeal, number: str, mass_t: int, voids: bool) -> None:
        if number not in known.loads:
            return
        ticket = self._current(known, number)
        delivered_t = known.delivered_t - known.loads[number]
        fits = voids or self._can_be_delivered(known, delivered_t + mass_t)
        actor = self._of(known, ticket.side)
        with self._expecting(known.status is DealStatus.AGREED and fits) as made:
            if voids:
                void_ticket(
                    self.session, actor, deal_id=known.id, ticket_id=ticket.id, reason="Snudd i porten", now=NOW
                )
            else:
                correct_ticket(
                    self.session,
                    actor,
                    deal_id=known.id,
                    ticket_id=ticket.id,
                    report=load(number, mass_t),
                    reason="Lest feil",
                    now=NOW,
                )
        if not made.ok:
            return
        if voids:
            del known.loads[number]
        else:
            known.loads[number] = mass_t
            known.said[number].add(mass_t)

    @rule(known=made)
    def close_out(self, known: ModelDeal) -> None:
        came_in = self._onward_t(known) <= known.delivered_t * TOLERANCE
        with self._expecting(known.status is DealStatus.AGREED and bool(known.loads) and came_in) as made:
            self._sign_for(known)
        if made.ok:
            known.status, known.open_t, known.open_by = DealStatus.COMPLETED, None, None

    def _sign_for(self, known: ModelDeal) -> None:
        giver, taker = self._of(known, Side.GIVER), self._of(known, Side.TAKER)
        recovery.answer_recovery(
            self.session,
            taker,
            deal_id=known.id,
            answers=[recovery.Answer(test=test, holds=True, evidence="Reguleringsplan") for test in RecoveryTest],
            storage=self.storage,
            now=NOW,
        )
        for actor in (giver, taker):
            tickets.confirm_tickets(self.session, actor, deal_id=known.id, now=NOW)
        statement = statements.draw_up(self.session, giver, deal_id=known.id, deviation="Så mye ble det.", now=NOW)
        statements.sign(self.session, taker, deal_id=known.id, statement_id=statement.id, now=NOW)

    # What must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def the_sums_are_those_of_the_model(self) -> None:
        if not hasattr(self, "surpluses"):
            return
        self.session.expire_all()
        for known in self.model:
            deal = self.session.get_one(Deal, known.id)
            offer = open_offer(deal)
            assert deal.status is known.status
            assert (deal.agreed_t, deal.delivered_t) == (known.agreed_t, known.delivered_t)
            assert (deal.committed_t, deal.onward_t) == (known.committed_t, self._onward_t(known))
            assert deal.onward_t <= known.committed_t * TOLERANCE
            assert (offer.mass_t if offer else None) == known.open_t
            accepted = [each for each in deal.offers if each.status is OfferStatus.ACCEPTED]
            assert len(accepted) == (known.status in (DealStatus.AGREED, DealStatus.COMPLETED, DealStatus.CANCELLED))

    @invariant()
    def nothing_is_oversold_and_nothing_negative(self) -> None:
        for kind, listings in (("surplus", getattr(self, "surpluses", ())), ("demand", getattr(self, "demands", ()))):
            for index, listing in enumerate(listings):
                committed_t = self._committed_t((kind, index))
                assert listing.committed_t == committed_t
                assert 0 <= committed_t <= listing.mass_t * TOLERANCE
                assert listing.left_t == max(listing.mass_t - committed_t, 0)
                is_full = listing.status is ListingStatus.PAUSED and listing.paused_reason is PausedReason.FULL
                assert is_full is (listing.left_t == 0)

    # The model ----------------------------------------------------------------------------------------------------

    def _committed_t(self, place: tuple[str, int], *, but: ModelDeal | None = None) -> int:
        kind, index = place
        return sum(each.committed_t for each in self.model if getattr(each, kind) == index and each is not but)

    def _left_t(self, place: tuple[str, int], *, but: ModelDeal | None = None) -> int:
        mass_t = SURPLUS_T[place[1]] if place[0] == "surplus" else DEMAND_T[place[1]]
        return mass_t - self._committed_t(place, but=but)

    def _onward_t(self, source: ModelDeal, *, but: ModelDeal | None = None) -> int:
        return sum(each.committed_t for each in self.model if each.source is source and each is not but)

    def _left_of(self, source: ModelDeal, *, but: ModelDeal | None = None) -> int:
        """What of an agreed or completed deal into the hub can still be sent on."""
        comes_in_t = source.delivered_t if source.status is DealStatus.COMPLETED else source.agreed_t
        return comes_in_t - self._onward_t(source, but=but)

    def _in_talks(self, surplus: int | None, demand: int, *, source: ModelDeal | None = None) -> bool:
        return any(
            each.status is DealStatus.NEGOTIATING
            and (each.surplus, each.demand) == (surplus, demand)
            and each.source is source
            for each in self.model
        )

    def _can_be_agreed(self, known: ModelDeal, mass_t: int) -> bool:
        """Within what is left beside it on both sides, or within what it holds already; and no less than was driven, or
        is to be sent on."""
        left_t = min(
            *(self._left_t(place, but=known) for place in self._places(known)),
            *(() if known.source is None else (self._left_of(known.source, but=known),)),
            ROOM_T,
        )
        return max(known.delivered_t, self._onward_t(known)) <= mass_t <= max(left_t, known.committed_t)

    def _can_be_delivered(self, known: ModelDeal, delivered_t: int) -> bool:
        if delivered_t > known.agreed_t * TOLERANCE:
            return False
        held_t = max(delivered_t, known.agreed_t)
        source = known.source
        if source is not None and held_t + self._onward_t(source, but=known) > source.committed_t * TOLERANCE:
            return False
        return all(
            held_t + self._committed_t(place, but=known)
            <= (SURPLUS_T if place[0] == "surplus" else DEMAND_T)[place[1]] * TOLERANCE
            for place in self._places(known)
        )

    @staticmethod
    def _places(known: ModelDeal) -> tuple[tuple[str, int], ...]:
        """The listings that bound it."""
        ends = ("surplus", known.surplus), ("demand", known.demand)
        return tuple((kind, index) for kind, index in ends if index is not None)

    def _of(self, known: ModelDeal, side: Side) -> Actor:
        listings, index = (self.surpluses, known.surplus) if side is Side.GIVER else (self.demands, known.demand)
        return self.keeper if index is None else self.people[listings[index].organisation_id]

    def _current(self, known: ModelDeal, number: str) -> Ticket:
        return (
            self.session.query(Ticket)
            .filter(Ticket.deal_id == known.id, Ticket.number == number, Ticket.is_current)
            .filter(Ticket.status != TicketStatus.VOIDED)
            .one()
        )

    def _expecting(self, expected: bool) -> "Expecting":
        return Expecting(self.session, expected=expected)


class Expecting:
    """A step in a savepoint, that must be taken or refused as the model says; a refusal leaves nothing behind."""

    def __init__(self, session: Session, *, expected: bool) -> None:
        self.session, self.expected, self.ok = session, expected, False

    def __enter__(self) -> "Expecting":
        self.savepoint = self.session.begin_nested()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> bool:
        if error is None:
            self.savepoint.commit()
            self.ok = True
            assert self.expected, "it was taken, and the model says that it cannot be"
            return False
        self.savepoint.rollback()
        if not isinstance(error, DomainError):
            return False
        assert not self.expected, f"it was refused, and the model says that it can be taken: {error}"
        return True


def terms(mass_t: int) -> OfferTerms:
    today = NOW.date()
    return OfferTerms(entered_value=Decimal(mass_t), starts_on=today, ends_on=today + timedelta(days=30))


def load(number: str, mass_t: int) -> TicketReport:
    return TicketReport(
        number=number,
        loaded_at=NOW - timedelta(minutes=5),
        vehicle_registration="AB 12345",
        mass_t=Decimal(mass_t),
        is_weighed=True,
    )


def test_quantities_are_conserved_whatever_people_do(session: Session, make: Factory) -> None:
    run_state_machine_as_test(
        lambda: Market(session, make),
        settings=settings(
            max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
