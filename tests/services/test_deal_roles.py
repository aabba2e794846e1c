"""Every role against every action of a deal in every state it can be in.

`WHO_CAN` is written by hand and says what must be; `marketplace.services.deal_actions` is what the program reads.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.actor import NOBODY, Actor
from marketplace.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from marketplace.models import Deal, DealStatement, GateLink, RecoveryAnswer, Ticket
from marketplace.permissions import Permission, allows
from marketplace.services import deal_messages, deals, gate_links, recovery, statements, tickets
from marketplace.services.deal_actions import ALLOWED_FROM, DealAction, require
from marketplace.services.deal_terms import OfferTerms
from marketplace.services.ticket_corrections import correct_ticket
from marketplace.services.ticket_reports import TicketReport
from marketplace.storage import open_storage
from marketplace.types import DealStatus, OfferStatus, RecoveryTest, Role, Side, TicketSource, TicketStatus
from tests.conftest import NOW
from tests.factories import Factory

WHO_CAN = """
action              giver                taker                in
counter             yes                  yes                  negotiating
amend               yes                  yes                  agreed
accept              yes                  no                   negotiating agreed
decline             yes                  no                   negotiating agreed
withdraw            no                   yes                  negotiating agreed
cancel              yes                  yes                  agreed
send_on             no                   yes                  agreed completed
message             yes                  yes                  negotiating agreed completed declined withdrawn expired cancelled
answer_recovery     no                   yes                  negotiating agreed
add_ticket          yes                  yes                  agreed
correct_ticket      yes                  no                   agreed
confirm_ticket      no                   yes                  agreed
dispute_ticket      no                   yes                  agreed
make_gate_link      yes                  yes                  agreed
revoke_gate_link    yes                  no                   agreed completed
draw_up_statement   yes                  yes                  agreed
sign_statement      no                   yes                  agreed
void_statement      yes                  yes                  agreed
"""  # noqa: E501 - a table
"""What editors and owners of either side can do, in which states. The taker has made the open offer; the giver has
reported the load, made the link and drawn up the statement. Nobody else can do anything: viewers of both sides, people
whose address is not confirmed, other organisations, administrators, visitors."""

ACTS_FOR_IT = (Role.OWNER, Role.EDITOR)


@dataclass(frozen=True)
class Rule:
    sides: frozenset[Side]
    states: frozenset[DealStatus]


def rules() -> dict[DealAction, Rule]:
    found = {}
    for line in WHO_CAN.strip().splitlines()[1:]:
        action, giver, taker, *states = line.split()
        sides = frozenset(side for side, word in ((Side.GIVER, giver), (Side.TAKER, taker)) if word == "yes")
        found[DealAction(action)] = Rule(sides=sides, states=frozenset(map(DealStatus, states)))
    return found


class Scene:
    """A deal in a state, with all that can be acted on."""

    def __init__(self, session: Session, make: Factory, status: DealStatus, action: DealAction) -> None:
        self.session, self.make, self.storage = session, make, open_storage("memory:")
        self.deal = make.deal(status=status, mass_t=100, **self._hub(make, action))
        if status is DealStatus.AGREED:
            self._propose_a_change()
        self.ticket_id, self.link_id, self.statement_id = 0, 0, 0
        if status in (DealStatus.AGREED, DealStatus.COMPLETED):
            self._drive(confirmed=action in (DealAction.DRAW_UP_STATEMENT, DealAction.SIGN_STATEMENT))
        if action in (DealAction.DRAW_UP_STATEMENT, DealAction.SIGN_STATEMENT, DealAction.VOID_STATEMENT):
            self._answer_recovery()
        if status is DealStatus.AGREED and action in (DealAction.SIGN_STATEMENT, DealAction.VOID_STATEMENT):
            self._draw_up()

    @staticmethod
    def _hub(make: Factory, action: DealAction) -> dict[str, object]:
        if action is not DealAction.SEND_ON:
            return {}
        return {"destination_facility_id": make.facility(make.organisation()).id}

    def _propose_a_change(self) -> None:
        self.make.offer(self.deal, number=2, made_by=Side.TAKER, status=OfferStatus.OPEN, mass_t=110)
        self.session.refresh(self.deal)

    def _drive(self, *, confirmed: bool) -> None:
        maker = self.deal.created_by_id
        link = GateLink(deal_id=self.deal.id, side=Side.GIVER, valid_on=NOW.date(), created_by_id=maker)
        ticket = Ticket(
            deal_id=self.deal.id,
            number="1",
            status=TicketStatus.CONFIRMED if confirmed else TicketStatus.REPORTED,
            confirmed_at=NOW if confirmed else None,
            confirmed_by_id=maker if confirmed else None,
            source=TicketSource.TYPED,
            side=Side.GIVER,
            loaded_at=NOW - timedelta(hours=1),
            vehicle_registration="AB 12345",
            mass_t=Decimal(100 if confirmed else 20),
            is_weighed=True,
            origin_name="A",
            destination_name="B",
            reported_by_id=maker,
        )
        self.session.add_all([link, ticket])
        self.session.flush()
        self.link_id, self.ticket_id = link.id, ticket.id

    def _answer_recovery(self) -> None:
        for test in RecoveryTest:
            self.session.add(
                RecoveryAnswer(
                    deal_id=self.deal.id,
                    test=test,
                    holds=True,
                    evidence="Reguleringsplan",
                    answered_by_id=self.deal.created_by_id,
                    answered_at=NOW,
                )
            )
        self.session.flush()

    def _draw_up(self) -> None:
        self.session.execute(
            text("UPDATE ticket SET status = 'confirmed', confirmed_at = now(), mass_t = 100 WHERE deal_id = :id"),
            {"id": self.deal.id},
        )
        self.session.expire_all()
        giver = self.make.actor(self.make.member(self.deal.giver_organisation))
        statement: DealStatement = statements.draw_up(self.session, giver, deal_id=self.deal.id, now=NOW)
        self.statement_id = statement.id

    def people(self) -> Iterator[tuple[str, Actor, Side | None]]:
        """Everybody, and the side that they can act for, if any."""
        deal, make = self.deal, self.make
        for side, organisation in ((Side.GIVER, deal.giver_organisation), (Side.TAKER, deal.taker_organisation)):
            for role in Role:
                actor = make.actor(make.member(organisation, role=role))
                yield f"{role} of the {side}", actor, side if role in ACTS_FOR_IT else None
            yield f"unconfirmed owner of the {side}", make.actor(make.member(organisation, confirmed=False)), None
        yield "owner of another organisation", make.actor(make.member()), None
        yield "administrator", make.actor(make.user(is_admin=True)), None
        yield "visitor", NOBODY, None


def terms() -> OfferTerms:
    return OfferTerms(entered_value=Decimal(120), starts_on=NOW.date(), ends_on=NOW.date() + timedelta(days=20))


def report(number: str) -> TicketReport:
    return TicketReport(
        number=number,
        loaded_at=NOW - timedelta(minutes=10),
        vehicle_registration="AB 12345",
        mass_t=Decimal(3),
        is_weighed=True,
    )


def answers() -> list[recovery.Answer]:
    return [recovery.Answer(test=test, holds=False, evidence="Nei") for test in RecoveryTest]


type Act = Callable[[Session, Actor, Scene], object]

ACTS: dict[DealAction, Act] = {
    DealAction.COUNTER: lambda s, who, at: offer_otherwise(s, who, at, but_in=DealStatus.AGREED),
    DealAction.AMEND: lambda s, who, at: offer_otherwise(s, who, at, but_in=DealStatus.NEGOTIATING),
    DealAction.ACCEPT: lambda s, who, at: deals.accept(s, who, deal_id=at.deal.id, now=NOW),
    DealAction.DECLINE: lambda s, who, at: deals.decline(s, who, deal_id=at.deal.id, reason="Nei", now=NOW),
    DealAction.WITHDRAW: lambda s, who, at: deals.withdraw(s, who, deal_id=at.deal.id, reason="Nei", now=NOW),
    DealAction.CANCEL: lambda s, who, at: deals.cancel(s, who, deal_id=without_loads(s, at), reason="Nei", now=NOW),
    DealAction.SEND_ON: lambda _s, who, at: require(DealAction.SEND_ON, at.deal, who),
    DealAction.MESSAGE: lambda s, who, at: deal_messages.send_message(s, who, deal_id=at.deal.id, body="Hei", now=NOW),
    DealAction.ANSWER_RECOVERY: lambda s, who, at: recovery.answer_recovery(
        s, who, deal_id=at.deal.id, answers=answers(), storage=at.storage, now=NOW
    ),
    DealAction.ADD_TICKET: lambda s, who, at: tickets.add_ticket(
        s, who, deal_id=at.deal.id, report=report(uuid4().hex[:8]), now=NOW
    ),
    DealAction.CORRECT_TICKET: lambda s, who, at: correct_ticket(
        s, who, deal_id=at.deal.id, ticket_id=at.ticket_id, report=report("1"), reason="Feil", now=NOW
    ),
    DealAction.CONFIRM_TICKET: lambda s, who, at: confirmed(
        tickets.confirm_tickets(s, who, deal_id=at.deal.id, ticket_ids=[at.ticket_id], now=NOW)
    ),
    DealAction.DISPUTE_TICKET: lambda s, who, at: tickets.dispute_ticket(
        s, who, deal_id=at.deal.id, ticket_id=at.ticket_id, reason="Feil", now=NOW
    ),
    DealAction.MAKE_GATE_LINK: lambda s, who, at: gate_links.make_gate_link(
        s, who, deal_id=at.deal.id, valid_on=NOW.date(), label="Porten", now=NOW
    ),
    DealAction.REVOKE_GATE_LINK: lambda s, who, at: gate_links.revoke_gate_link(
        s, who, deal_id=at.deal.id, link_id=at.link_id, now=NOW
    ),
    DealAction.DRAW_UP_STATEMENT: lambda s, who, at: statements.draw_up(s, who, deal_id=at.deal.id, now=NOW),
    DealAction.SIGN_STATEMENT: lambda s, who, at: statements.sign(
        s, who, deal_id=at.deal.id, statement_id=at.statement_id, now=NOW
    ),
    DealAction.VOID_STATEMENT: lambda s, who, at: statements.send_back(
        s, who, deal_id=at.deal.id, statement_id=at.statement_id, reason="Feil", now=NOW
    ),
}


def offer_otherwise(session: Session, who: Actor, at: Scene, *, but_in: DealStatus) -> Deal:
    """The same step is a counter-offer in talks and a change of what is agreed; each action is one of the two."""
    if at.deal.status is but_in:
        raise Forbidden
    return deals.counter(session, who, deal_id=at.deal.id, terms=terms(), now=NOW)


def confirmed(count: int) -> int:
    """Nothing was, where a side would confirm what it has reported itself."""
    if not count:
        raise Forbidden
    return count


def without_loads(session: Session, at: Scene) -> int:
    if at.ticket_id and at.deal.status is DealStatus.AGREED:
        session.execute(text("UPDATE ticket SET is_current = false WHERE id = :id"), {"id": at.ticket_id})
        session.expire_all()
    return at.deal.id


def outcome(session: Session, act: Act, who: Actor, at: Scene) -> str:
    savepoint = session.begin_nested()
    try:
        act(session, who, at)
        return "done"
    except (Forbidden, NotFound):
        return "forbidden"
    except Conflict:
        return "conflict"
    except InvalidInput as error:
        return f"invalid: {error}"
    except DomainError as error:
        return f"refused: {error}"
    finally:
        savepoint.rollback()
        session.expire_all()


@pytest.mark.parametrize("status", DealStatus)
@pytest.mark.parametrize("action", ACTS)
def test_every_role_gets_what_the_table_says(
    session: Session, make: Factory, action: DealAction, status: DealStatus
) -> None:
    rule, at = rules()[action], Scene(session, make, status, action)
    wrong = []
    for who, actor, side in at.people():
        got = outcome(session, ACTS[action], actor, at)
        if side is None:
            is_right = got == "forbidden"
        elif side in rule.sides and status in rule.states:
            is_right = got == "done"
        else:
            is_right = got in {"forbidden", "conflict"}
        if not is_right:
            wrong.append(f"{who}: {got}")
    assert wrong == []


def test_the_table_holds_every_action() -> None:
    assert set(rules()) == set(ACTS) == set(DealAction) - {DealAction.REQUEST}
    assert {action: rule.states for action, rule in rules().items()} == {
        action: states for action, states in ALLOWED_FROM.items() if action in ACTS
    }


def test_deals_are_there_for_their_sides_only(session: Session, make: Factory) -> None:
    at = Scene(session, make, DealStatus.AGREED, DealAction.MESSAGE)
    assert isinstance(at.deal, Deal)
    assert {who for who, actor, _side in at.people() if allows(Permission.VIEW_DEAL, actor, at.deal)} == {
        f"{who} of the {side}" for side in Side for who in (*Role, "unconfirmed owner")
    } | {"administrator"}
