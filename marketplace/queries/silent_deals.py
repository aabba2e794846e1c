"""Reading which deals have been silent, since when, and what for: one statement for all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Date, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session, joinedload

from marketplace.clock import OSLO
from marketplace.models import Deal, DealOffer, DealStatement, Ticket
from marketplace.types import DealStatus, OfferStatus, Side, TicketStatus


class Silence(StrEnum):
    """What one side has not done."""

    OFFER = "offer"
    """It has not answered an offer."""
    CONFIRM = "confirm"
    """It has not said whether loads came in as they were reported."""
    CORRECT = "correct"
    """Loads that it reported are disputed, and it has not corrected them."""
    SIGN = "sign"
    """It has neither signed the statement nor sent it back."""
    CLOSE = "close"
    """The period is over, and nobody has drawn up the statement; loads have been driven."""
    NOTHING = "nothing"
    """The period is over, and no load was ever reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One silence of one side of a deal; the day, in Norway, since which it has lasted."""

    silence: Silence
    side: Side
    since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentDeal:
    deal: Deal
    waiting: tuple[Waiting, ...]


type Since = ColumnElement[Any]


def silent_deals(session: Session, *, steps: Sequence[timedelta], today: date, limit: int) -> list[SilentDeal]:
    """The deals of which some silence has come to a step that nobody was told of yet, held; the first by id.

    A deal that somebody is changing at this moment, and what is invented for the demo, is left out.
    """
    silences = dict(_silences(today=today))
    columns = [since.label(f"{silence}_{side}") for (silence, side), since in silences.items()]
    is_due = or_(*(_is_due(since, steps=steps, today=today) for since in silences.values()))
    rows = session.execute(
        select(Deal, *columns)
        .where(Deal.status.in_((DealStatus.NEGOTIATING, DealStatus.AGREED)), ~Deal.is_example, is_due)
        .options(joinedload(Deal.giver_organisation), joinedload(Deal.taker_organisation))
        .order_by(Deal.id)
        .limit(limit)
        .with_for_update(of=Deal, key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    first = min(steps)
    return [
        SilentDeal(
            deal=row.Deal,
            waiting=tuple(
                Waiting(silence=silence, side=side, since=since)
                for (silence, side), since in zip(silences, row[1:], strict=True)
                if since is not None and since + first <= today
            ),
        )
        for row in rows
    ]


def _is_due(since: Since, *, steps: Sequence[timedelta], today: date) -> ColumnElement[bool]:
    """Whether a step of this silence has come, and nobody was told on its day or after."""
    chased_on = _day(Deal.chased_at)
    return or_(
        *(and_(since <= today - step, or_(chased_on.is_(None), chased_on < since + step.days)) for step in steps)
    )


def _silences(*, today: date) -> Iterator[tuple[tuple[Silence, Side], Since]]:
    """Since which day each side has been silent about each thing; NULL where it is not."""
    for side in Side:
        yield (Silence.OFFER, side), _offer_to(side)
        yield (Silence.CONFIRM, side), _loads(TicketStatus.REPORTED, by=side.other, since=Ticket.created_at)
        yield (Silence.CORRECT, side), _loads(TicketStatus.DISPUTED, by=side, since=Ticket.disputed_at)
        yield (Silence.SIGN, side), _unsigned_by(side)
        yield (Silence.CLOSE, side), _over(today=today, has_loads=True)
        yield (Silence.NOTHING, side), _over(today=today, has_loads=False)


def _day(moment: Any) -> Since:
    return cast(func.timezone(str(OSLO), moment), Date)


def _offer_to(side: Side) -> Since:
    """Whatever either side did since the offer was made, such as writing about it, is no silence."""
    return (
        select(func.greatest(_day(DealOffer.created_at), _day(Deal.touched_at)))
        .where(
            DealOffer.deal_id == Deal.id,
            DealOffer.status == OfferStatus.OPEN,
            or_(DealOffer.made_by == side.other, DealOffer.is_suggestion),
        )
        .correlate(Deal)
        .scalar_subquery()
    )


def _loads(status: TicketStatus, *, by: Side, since: Any) -> Since:
    return (
        select(func.min(_day(since)))
        .where(Ticket.deal_id == Deal.id, Ticket.is_current, Ticket.status == status, Ticket.side == by)
        .where(Deal.status == DealStatus.AGREED)
        .correlate(Deal)
        .scalar_subquery()
    )


def _unsigned_by(side: Side) -> Since:
    signed_at = DealStatement.giver_signed_at if side is Side.GIVER else DealStatement.taker_signed_at
    return (
        select(_day(DealStatement.created_at))
        .where(DealStatement.deal_id == Deal.id, DealStatement.voided_at.is_(None), signed_at.is_(None))
        .where(Deal.status == DealStatus.AGREED)
        .correlate(Deal)
        .scalar_subquery()
    )


def _over(*, today: date, has_loads: bool) -> Since:
    """From the day after the last one, or from when either side last did anything."""
    has_statement = (
        select(DealStatement.id)
        .where(DealStatement.deal_id == Deal.id, DealStatement.voided_at.is_(None))
        .correlate(Deal)
        .exists()
    )
    is_over = and_(
        Deal.status == DealStatus.AGREED,
        Deal.agreed_to < today,
        Deal.delivered_t > 0 if has_loads else Deal.delivered_t == 0,
        ~has_statement,
    )
    return case((is_over, func.greatest(Deal.agreed_to + 1, _day(Deal.touched_at))))
