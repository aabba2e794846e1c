"""Whose turn it is in a deal, and what for: one rule in SQL, for the page, the lists and the count in the menu."""

from datetime import date
from enum import StrEnum, auto

from sqlalchemy import ColumnElement, Exists, String, and_, case, exists, func, literal, or_, select

from marketplace.models import Deal, DealOffer, DealStatement, RecoveryAnswer, Ticket
from marketplace.types import DealStatus, OfferStatus, RecoveryTest, Side, TicketStatus


class DealStep(StrEnum):
    """What comes next for one side."""

    ANSWER_OFFER = auto()
    ANSWER_CHANGE = auto()
    """The other side would change the terms of an agreed deal."""
    SIGN = auto()
    CORRECT_LOADS = auto()
    """The other side disputes loads that this one reported."""
    CONFIRM_LOADS = auto()
    ANSWER_RECOVERY = auto()
    DRAW_UP = auto()
    """Everything is delivered, or the time is over: the statement ends the deal."""
    AWAIT_ANSWER = auto()
    AWAIT_SIGNATURE = auto()
    AWAIT_CHANGE = auto()
    AWAIT_START = auto()
    DRIVE = auto()
    NOTHING = auto()


TURNS = frozenset(
    {
        DealStep.ANSWER_OFFER,
        DealStep.ANSWER_CHANGE,
        DealStep.SIGN,
        DealStep.CORRECT_LOADS,
        DealStep.CONFIRM_LOADS,
        DealStep.ANSWER_RECOVERY,
        DealStep.DRAW_UP,
    }
)
"""What waits for this side."""


def step_of(side: Side, *, today: date) -> ColumnElement[str]:
    """The step of one side as the value of a `DealStep`; of what stands in the way of others, the first."""
    is_agreed = Deal.status == DealStatus.AGREED
    statement = _live_statement()
    own, others = (
        (DealStatement.giver_signed_at, DealStatement.taker_signed_at)
        if side is Side.GIVER
        else (DealStatement.taker_signed_at, DealStatement.giver_signed_at)
    )
    recovery = (_recovery_answers() < len(RecoveryTest), DealStep.ANSWER_RECOVERY)
    rules: list[tuple[ColumnElement[bool], DealStep]] = [
        (and_(Deal.status == DealStatus.NEGOTIATING, _open_offer_to(side)), DealStep.ANSWER_OFFER),
        (Deal.status == DealStatus.NEGOTIATING, DealStep.AWAIT_ANSWER),
        (~is_agreed, DealStep.NOTHING),
        (_open_offer_to(side), DealStep.ANSWER_CHANGE),
        (statement.where(own.is_(None)), DealStep.SIGN),
        (statement.where(others.is_(None)), DealStep.AWAIT_SIGNATURE),
        (_tickets(TicketStatus.DISPUTED, reported_by=side), DealStep.CORRECT_LOADS),
        (_tickets(TicketStatus.REPORTED, reported_by=side.other), DealStep.CONFIRM_LOADS),
        *([recovery] if side is Side.TAKER else []),
        (_open_offer_by(side), DealStep.AWAIT_CHANGE),
        (or_(Deal.delivered_t >= Deal.agreed_t, Deal.agreed_to < today), DealStep.DRAW_UP),
        (Deal.agreed_from > today, DealStep.AWAIT_START),
    ]
    return case(*((condition, literal(step.value, String)) for condition, step in rules), else_=DealStep.DRIVE.value)


def is_turn(step: ColumnElement[str]) -> ColumnElement[bool]:
    return step.in_([each.value for each in TURNS])


def _open_offer_by(side: Side) -> ColumnElement[bool]:
    return exists().where(DealOffer.deal_id == Deal.id, DealOffer.status == OfferStatus.OPEN, DealOffer.made_by == side)


def _open_offer_to(side: Side) -> ColumnElement[bool]:
    """What somebody who is neither side has suggested is to be answered by both."""
    return exists().where(
        DealOffer.deal_id == Deal.id,
        DealOffer.status == OfferStatus.OPEN,
        or_(DealOffer.made_by == side.other, DealOffer.is_suggestion),
    )


def _live_statement() -> Exists:
    return exists().where(DealStatement.deal_id == Deal.id, DealStatement.voided_at.is_(None))


def _tickets(status: TicketStatus, *, reported_by: Side) -> ColumnElement[bool]:
    return exists().where(
        Ticket.deal_id == Deal.id, Ticket.is_current, Ticket.status == status, Ticket.side == reported_by
    )


def _recovery_answers() -> ColumnElement[int]:
    return (
        select(func.count())
        .select_from(RecoveryAnswer)
        .where(RecoveryAnswer.deal_id == Deal.id)
        .correlate(Deal)
        .scalar_subquery()
    )
