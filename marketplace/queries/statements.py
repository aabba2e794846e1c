"""Reading what a deal ends with: its statements, the loads they are about, and what is still in the way of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.models import DealStatement, RecoveryAnswer, Ticket
from marketplace.types import RecoveryTest, Side, TicketStatus

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSums:
    """The loads that count, added up; what is corrected or voided is not among them."""

    count: int
    delivered_t: Decimal
    weighed_count: int
    weighed_t: Decimal
    unconfirmed_count: int
    disputed_count: int
    disputed_of: frozenset[Side]
    """The sides that reported what is disputed, and alone can correct it."""
    first_at: datetime | None
    last_at: datetime | None

    @property
    def estimated_count(self) -> int:
        return self.count - self.weighed_count

    @property
    def estimated_t(self) -> Decimal:
        return self.delivered_t - self.weighed_t


def load_sums(session: Session, *, deal_id: int) -> LoadSums:
    query = select(
        func.count().label("count"),
        func.coalesce(func.sum(Ticket.mass_t), ZERO).label("delivered_t"),
        func.count().filter(Ticket.is_weighed).label("weighed_count"),
        func.coalesce(func.sum(Ticket.mass_t).filter(Ticket.is_weighed), ZERO).label("weighed_t"),
        func.count().filter(Ticket.status == TicketStatus.REPORTED).label("unconfirmed_count"),
        func.count().filter(_disputed_of(Side.GIVER)).label("disputed_of_giver"),
        func.count().filter(_disputed_of(Side.TAKER)).label("disputed_of_taker"),
        func.min(Ticket.loaded_at).label("first_at"),
        func.max(Ticket.loaded_at).label("last_at"),
    ).where(Ticket.deal_id == deal_id, Ticket.is_current, Ticket.status != TicketStatus.VOIDED)
    count, delivered_t, weighed_count, weighed_t, unconfirmed, of_giver, of_taker, first_at, last_at = session.execute(
        query
    ).one()
    return LoadSums(
        count=count,
        delivered_t=delivered_t,
        weighed_count=weighed_count,
        weighed_t=weighed_t,
        unconfirmed_count=unconfirmed,
        disputed_count=of_giver + of_taker,
        disputed_of=frozenset(side for side, disputed in ((Side.GIVER, of_giver), (Side.TAKER, of_taker)) if disputed),
        first_at=first_at,
        last_at=last_at,
    )


def _disputed_of(side: Side) -> ColumnElement[bool]:
    return (Ticket.status == TicketStatus.DISPUTED) & (Ticket.side == side)


def loads_that_count(session: Session, *, deal_id: int) -> Sequence[Ticket]:
    """With who reported each, in the order they were driven."""
    query = (
        select(Ticket)
        .where(Ticket.deal_id == deal_id, Ticket.is_current, Ticket.status != TicketStatus.VOIDED)
        .options(joinedload(Ticket.reported_by))
        .order_by(Ticket.loaded_at, Ticket.id)
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).all()


def answered_tests(session: Session, *, deal_id: int) -> dict[RecoveryTest, bool]:
    """Whether each test of recovery holds, of those that are answered."""
    query = select(RecoveryAnswer.test, RecoveryAnswer.holds).where(RecoveryAnswer.deal_id == deal_id)
    return {row.test: row.holds for row in session.execute(query)}


def open_statement(session: Session, *, deal_id: int) -> DealStatement | None:
    """The one that holds or waits for a signature: there is at most one."""
    query = select(DealStatement).where(DealStatement.deal_id == deal_id, DealStatement.voided_at.is_(None))
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def statement_for_page(session: Session, *, deal_id: int) -> DealStatement | None:
    """The one that holds or waits; else the one that was voided last. With its people."""
    query = (
        select(DealStatement)
        .where(DealStatement.deal_id == deal_id)
        .options(
            joinedload(DealStatement.created_by),
            joinedload(DealStatement.giver_signed_by),
            joinedload(DealStatement.taker_signed_by),
            joinedload(DealStatement.voided_by),
        )
        .order_by(DealStatement.voided_at.is_not(None), DealStatement.id.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()
