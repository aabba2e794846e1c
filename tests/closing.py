"""A deal on its way to its end, for tests: both sides, loads, and answers of recovery."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.models import Deal, RecoveryAnswer, Ticket, User
from marketplace.types import DealStatus, RecoveryTest, Role, Side, TicketSource, TicketStatus
from tests.conftest import NOW
from tests.factories import Factory

_serial = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """An agreed deal of 500 t and the people of its sides."""

    session: Session
    make: Factory
    deal: Deal
    giver_user: User
    taker_user: User

    @property
    def giver(self) -> Actor:
        return self.make.actor(self.giver_user)

    @property
    def taker(self) -> Actor:
        return self.make.actor(self.taker_user)

    def load(self, mass_t: Decimal | str | int = 15, **values: object) -> Ticket:
        """A load that the giver's side reported and the taker's confirmed."""
        status = values.setdefault("status", TicketStatus.CONFIRMED)
        defaults = {
            "deal_id": self.deal.id,
            "number": f"V-{next(_serial):05}",
            "source": TicketSource.TYPED,
            "side": Side.GIVER,
            "loaded_at": NOW - timedelta(hours=2),
            "vehicle_registration": "AB 12345",
            "mass_t": Decimal(mass_t),
            "is_weighed": True,
            "carrier": "Transport AS",
            "origin_name": self.deal.origin_name,
            "destination_name": self.deal.destination_name,
            "reported_by_id": self.giver_user.id,
            "created_at": NOW - timedelta(hours=2),
            "confirmed_at": NOW if status is TicketStatus.CONFIRMED else None,
            "confirmed_by_id": self.taker_user.id if status is TicketStatus.CONFIRMED else None,
            "disputed_at": NOW if status is TicketStatus.DISPUTED else None,
        }
        ticket = Ticket(**{**defaults, **values})
        self.session.add(ticket)
        self.session.flush()
        self.session.refresh(self.deal)
        return ticket

    def loads(self, number: int, mass_t: Decimal | str | int = 15, **values: object) -> None:
        for _ in range(number):
            self.load(mass_t, **values)

    def answer(self, **holds: bool) -> None:
        """All three tests, that hold unless told otherwise by their name."""
        for test in RecoveryTest:
            self.session.add(
                RecoveryAnswer(
                    deal_id=self.deal.id,
                    test=test,
                    holds=holds.get(test.value, True),
                    evidence=f"Reguleringsplan, {test.value}",
                    answered_by_id=self.taker_user.id,
                    answered_at=NOW,
                )
            )
        self.session.flush()
        self.session.refresh(self.deal, ["recovery_answers"])


def closing_deal(
    session: Session,
    make: Factory,
    *,
    status: DealStatus = DealStatus.AGREED,
    lot_t: int = 1000,
    mass_t: int = 500,
    **values: object,
) -> Closing:
    """500 t of a lot of 1 000 t that the taker asked for and the giver accepted."""
    giver, taker = make.organisation(name="Fjell og Grus AS"), make.organisation(name="Grunn og Vei AS")
    giver_user = make.member(giver, name="Kari Giver", role=Role.EDITOR)
    taker_user = make.member(taker, name="Ola Taker", role=Role.EDITOR)
    project = make.project(giver, name="E16 Skaret", builder="Statens vegvesen")
    surplus = make.listing(giver, project=project, project_id=project.id, mass_t=lot_t, created_by_id=giver_user.id)
    values.setdefault("created_by_id", taker_user.id)
    deal = make.deal(giver, taker, status=status, surplus=surplus, mass_t=mass_t, **values)
    offer = deal.offers[0]
    offer.made_by_id, offer.answered_by_id = taker_user.id, giver_user.id if offer.answered_at else None
    session.flush()
    session.refresh(deal)
    return Closing(session=session, make=make, deal=deal, giver_user=giver_user, taker_user=taker_user)
