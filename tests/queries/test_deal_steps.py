"""Whose turn it is in a deal, and what for, as each side sees it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.models import Deal, DealStatement, RecoveryAnswer, Ticket
from marketplace.queries.deal_steps import TURNS, DealStep, step_of
from marketplace.queries.deals import Ours, count_waiting, deals_of
from marketplace.queries.paging import Cursor
from marketplace.types import DealStatus, RecoveryTest, Side, TicketSource, TicketStatus
from tests.conftest import NOW
from tests.factories import Factory

TODAY = NOW.date()


def answered(make: Factory, deal: Deal) -> Deal:
    make.session.add_all(
        RecoveryAnswer(
            deal_id=deal.id,
            test=test,
            holds=True,
            evidence="Vedtatt plan",
            answered_by_id=deal.created_by_id,
            answered_at=NOW,
        )
        for test in RecoveryTest
    )
    make.session.flush()
    return deal


def agreed(make: Factory, **values: object) -> Deal:
    return answered(make, make.deal(status=DealStatus.AGREED, mass_t=100, **values))  # type: ignore[arg-type]


def load(make: Factory, deal: Deal, status: TicketStatus, *, side: Side = Side.GIVER, mass_t: int = 30) -> Deal:
    make.session.add(
        Ticket(
            deal_id=deal.id,
            number=f"S-{status}-{side}",
            status=status,
            source=TicketSource.TYPED,
            side=side,
            loaded_at=NOW,
            vehicle_registration="EX10000",
            mass_t=mass_t,
            is_weighed=True,
            origin_name="A",
            destination_name="B",
            reported_by_id=deal.created_by_id,
            confirmed_at=NOW if status is TicketStatus.CONFIRMED else None,
            disputed_at=NOW if status is TicketStatus.DISPUTED else None,
        )
    )
    make.session.flush()
    return deal


def stated(make: Factory, deal: Deal, *, by: Side) -> Deal:
    signed = {f"{by}_signed_at": NOW, f"{by}_signed_by_id": deal.created_by_id}
    make.session.add(
        DealStatement(
            deal_id=deal.id,
            delivered_t=100,
            ticket_count=4,
            tickets_sha256="0" * 64,
            content={},
            created_by_id=deal.created_by_id,
            **signed,
        )
    )
    make.session.flush()
    return deal


def suggested(make: Factory) -> Deal:
    deal = make.deal()
    deal.offers[0].is_suggestion = True
    make.session.flush()
    return deal


def with_change(make: Factory) -> Deal:
    deal = agreed(make)
    make.offer(deal, number=2, made_by=Side.GIVER, mass_t=150)
    return deal


CASES: dict[str, tuple[Callable[[Factory], Deal], DealStep, DealStep]] = {
    "asked by the taker": (lambda make: make.deal(), DealStep.ANSWER_OFFER, DealStep.AWAIT_ANSWER),
    "offered by the giver": (
        lambda make: make.deal(opened_by=Side.GIVER),
        DealStep.AWAIT_ANSWER,
        DealStep.ANSWER_OFFER,
    ),
    "suggested by a third": (suggested, DealStep.ANSWER_OFFER, DealStep.ANSWER_OFFER),
    "agreed, recovery open": (
        lambda make: make.deal(status=DealStatus.AGREED),
        DealStep.DRIVE,
        DealStep.ANSWER_RECOVERY,
    ),
    "agreed and under way": (agreed, DealStep.DRIVE, DealStep.DRIVE),
    "agreed for later": (
        lambda make: agreed(make, agreed_from=TODAY + timedelta(days=5), agreed_to=TODAY + timedelta(days=9)),
        DealStep.AWAIT_START,
        DealStep.AWAIT_START,
    ),
    "a change proposed by the giver": (with_change, DealStep.AWAIT_CHANGE, DealStep.ANSWER_CHANGE),
    "loads reported by the giver": (
        lambda make: load(make, agreed(make), TicketStatus.REPORTED),
        DealStep.DRIVE,
        DealStep.CONFIRM_LOADS,
    ),
    "loads reported by the taker": (
        lambda make: load(make, agreed(make), TicketStatus.REPORTED, side=Side.TAKER),
        DealStep.CONFIRM_LOADS,
        DealStep.DRIVE,
    ),
    "loads disputed by the taker": (
        lambda make: load(make, agreed(make), TicketStatus.DISPUTED),
        DealStep.CORRECT_LOADS,
        DealStep.DRIVE,
    ),
    "all delivered": (
        lambda make: load(make, agreed(make), TicketStatus.CONFIRMED, mass_t=100),
        DealStep.DRAW_UP,
        DealStep.DRAW_UP,
    ),
    "the period is over": (
        lambda make: agreed(make, agreed_from=TODAY - timedelta(days=9), agreed_to=TODAY - timedelta(days=1)),
        DealStep.DRAW_UP,
        DealStep.DRAW_UP,
    ),
    "signed by the giver": (
        lambda make: stated(make, load(make, agreed(make), TicketStatus.CONFIRMED), by=Side.GIVER),
        DealStep.AWAIT_SIGNATURE,
        DealStep.SIGN,
    ),
    "declined": (lambda make: make.deal(status=DealStatus.DECLINED), DealStep.NOTHING, DealStep.NOTHING),
    "completed": (lambda make: make.deal(status=DealStatus.COMPLETED), DealStep.NOTHING, DealStep.NOTHING),
}


@pytest.mark.parametrize("case", CASES)
def test_each_side_has_its_step(session: Session, make: Factory, case: str) -> None:
    build, for_giver, for_taker = CASES[case]
    deal = build(make)
    found = session.execute(
        select(step_of(Side.GIVER, today=TODAY), step_of(Side.TAKER, today=TODAY)).where(Deal.id == deal.id)
    ).one()
    assert tuple(found) == (for_giver, for_taker)


@pytest.mark.parametrize("case", CASES)
def test_the_menu_counts_what_the_list_says_is_ones_turn(session: Session, make: Factory, case: str) -> None:
    build, *steps = CASES[case]
    deal = build(make)
    make.deal()  # of others
    for side, step in zip(Side, steps, strict=True):
        own = (deal.organisation_id_of(side),)
        page = deals_of(session, ours=Ours(organisation_ids=own, user_id=None), today=TODAY, cursor=Cursor())
        assert [(row.id, row.step, row.side) for row in page.items] == [(deal.id, step, side)]
        assert count_waiting(session, organisation_ids=own, today=TODAY) == (step in TURNS)


def test_pages_of_deals_begin_with_what_waits_and_leave_none_out(session: Session, make: Factory) -> None:
    giver = make.organisation()
    made = [
        make.deal(surplus=make.listing(giver), status=DealStatus.DECLINED if number % 3 else DealStatus.NEGOTIATING).id
        for number in range(23)
    ]
    ours, seen = Ours(organisation_ids=(giver.id,), user_id=None), []
    cursor: Cursor | None = Cursor()
    while cursor is not None:
        page = deals_of(session, ours=ours, today=TODAY, cursor=cursor)
        seen += [(row.is_turn, row.id) for row in page.items]
        cursor = page.older
    assert seen == sorted(seen, reverse=True)
    assert sorted(deal_id for _, deal_id in seen) == sorted(made)
