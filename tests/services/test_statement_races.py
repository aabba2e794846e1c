"""Two people at the end of the same deal at once: one statement, and nobody signs for a load they did not read of."""

from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.models import Deal, DealStatement, Ticket
from marketplace.services.statements import draw_up, sign
from marketplace.services.ticket_reports import TicketReport
from marketplace.services.tickets import add_ticket
from marketplace.statement_values import from_json
from marketplace.types import DealStatus
from tests.closing import closing_deal
from tests.conftest import NOW
from tests.factories import Factory
from tests.services.test_deal_races import Act, all_at_once


@pytest.fixture
def ready(committing_engine: Engine) -> tuple[int, Actor, Actor]:
    """A deal that is ready for its statement: its id, and somebody of each side."""
    with make_sessions(committing_engine).begin() as session:
        closing = closing_deal(session, Factory(session, now=NOW))
        closing.loads(4, 120)
        closing.answer()
        return closing.deal.id, closing.giver, closing.taker


def drawing_up(actor: Actor, deal_id: int) -> Act:
    return lambda session: draw_up(session, actor, deal_id=deal_id, now=NOW)


def reporting(actor: Actor, deal_id: int) -> Act:
    report = TicketReport(
        number="SENT-1", loaded_at=NOW, vehicle_registration="AB 12345", mass_t=Decimal(10), is_weighed=True
    )
    return lambda session: add_ticket(session, actor, deal_id=deal_id, report=report, now=NOW)


def test_both_sides_draw_it_up_at_once_and_there_is_one(
    committing_engine: Engine, ready: tuple[int, Actor, Actor]
) -> None:
    deal_id, giver, taker = ready
    came = all_at_once(committing_engine, [drawing_up(actor, deal_id) for actor in (giver, taker, giver, taker)])
    assert came.count("done") == 1
    with make_sessions(committing_engine)() as session:
        assert len(session.scalars(select(DealStatement)).all()) == 1


def test_a_load_that_comes_while_it_is_signed_is_in_it_or_comes_too_late(
    committing_engine: Engine, ready: tuple[int, Actor, Actor]
) -> None:
    deal_id, giver, taker = ready
    with make_sessions(committing_engine).begin() as session:
        statement_id = draw_up(session, giver, deal_id=deal_id, now=NOW).id

    def signing(session: object) -> object:
        return sign(session, taker, deal_id=deal_id, statement_id=statement_id, now=NOW)  # type: ignore[arg-type]

    all_at_once(committing_engine, [signing, reporting(giver, deal_id), signing])
    with make_sessions(committing_engine)() as session:
        deal = session.get_one(Deal, deal_id)
        statement = session.get_one(DealStatement, statement_id)
        loads = session.scalars(select(Ticket).where(Ticket.deal_id == deal_id)).all()
        if deal.status is DealStatus.COMPLETED:
            assert len(loads) == len(from_json(statement.content).tickets) == 4
        else:
            assert (len(loads), deal.status) == (5, DealStatus.AGREED)
            assert statement.voided_at is not None
            assert statement.taker_signed_at is None
        assert deal.delivered_t == sum(each.mass_t for each in loads)
