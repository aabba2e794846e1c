"""What deals avoid: the record that holds, what the loads came to by it, and whether the kept sums still say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, joinedload

from geo.impact import Ledger, Measure
from geo.pyramid import Level
from geo.quantities import Quantity
from marketplace.models import Deal, DealImpact, DealMonth
from marketplace.models.impact import ledger_of_arrays
from marketplace.types import DealStatus

FIRM: Final = (DealStatus.AGREED, DealStatus.COMPLETED)
"""A deal that has come so far has a record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealAvoided:
    """What the loads of a deal came to; `avoided_t` are those that count, as `queries.region_flows.counted_t` does."""

    loads: int
    delivered_t: Decimal
    avoided_t: Decimal
    ledger: Ledger
    first_month: date | None
    last_month: date | None


def current_record(session: Session, *, deal_id: int) -> DealImpact | None:
    """What the deal is compared with, as it holds now."""
    query = select(DealImpact).where(DealImpact.deal_id == deal_id, DealImpact.is_current)
    return session.scalars(query.options(joinedload(DealImpact.factor_set))).one_or_none()


def records_of(session: Session, *, deal_id: int) -> Sequence[DealImpact]:
    """All that the deal has been compared with, the newest first."""
    query = select(DealImpact).where(DealImpact.deal_id == deal_id).order_by(DealImpact.number.desc())
    return session.scalars(query.options(joinedload(DealImpact.factor_set))).all()


def avoided_by(session: Session, *, deal_id: int) -> DealAvoided:
    """What the deal's loads have avoided so far, from the sums by month."""
    months = session.scalars(select(DealMonth).where(DealMonth.deal_id == deal_id).order_by(DealMonth.month)).all()
    counted = [each for each in months if each.level is not Level.PENDING]
    return DealAvoided(
        loads=sum(each.loads for each in months),
        delivered_t=sum((each.delivered_t for each in months), Decimal(0)),
        avoided_t=sum((each.avoided_t for each in counted), Decimal(0)),
        ledger=summed([ledger_of_arrays(each.low, each.central, each.high) for each in months]),
        first_month=months[0].month if months else None,
        last_month=months[-1].month if months else None,
    )


def summed(ledgers: Sequence[Ledger]) -> Ledger:
    """The sum of ledgers, measure by measure; nothing of none."""
    return {measure: _sum([each[measure] for each in ledgers], measure) for measure in Measure}


def _sum(figures: Sequence[Quantity], measure: Measure) -> Quantity:
    return Quantity(
        value=sum((each.value for each in figures), Decimal(0)),
        low=sum((each.low for each in figures), Decimal(0)),
        high=sum((each.high for each in figures), Decimal(0)),
        unit=measure.unit,
        source="",
    )


def deals_without_record(session: Session, *, limit: int, after_id: int = 0) -> Sequence[int]:
    """Deals that are agreed or over and have none, by id."""
    has_one = exists().where(DealImpact.deal_id == Deal.id, DealImpact.is_current)
    query = select(Deal.id).where(Deal.status.in_(FIRM), Deal.id > after_id, ~has_one).order_by(Deal.id).limit(limit)
    return session.scalars(query).all()


def count_records(session: Session) -> int:
    """How many deals have one."""
    return session.scalar(select(func.count()).select_from(DealImpact).where(DealImpact.is_current)) or 0
