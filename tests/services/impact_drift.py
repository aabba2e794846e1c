"""What the database's sums of avoided loads should be, worked out from the loads by Python alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.impact import Ledger, Measure, Rates, ledger_of, nothing_avoided
from geo.pyramid import Level
from marketplace.clock import local_date
from marketplace.models import Deal, DealImpact, DealMonth, FlowMonth, Ticket
from marketplace.models.impact import ledger_of_arrays
from marketplace.types import TicketStatus

type Figures = tuple[tuple[Decimal, Decimal, Decimal], ...]
"""Low, central and high of each measure, in their order."""

NOTHING: Figures = ((Decimal(0), Decimal(0), Decimal(0)),) * len(Measure)


@dataclass
class Sum:
    """What came of some loads."""

    loads: int = 0
    delivered_t: Decimal = Decimal(0)
    avoided_t: Decimal = Decimal(0)
    figures: Figures = field(default=NOTHING)

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(
            self.loads + other.loads,
            self.delivered_t + other.delivered_t,
            self.avoided_t + other.avoided_t,
            plus(self.figures, other.figures),
        )


def figures_of(ledger: Ledger) -> Figures:
    return tuple((ledger[measure].low, ledger[measure].value, ledger[measure].high) for measure in Measure)


def plus(one: Figures, other: Figures, *, sign: int = 1) -> Figures:
    return tuple(
        tuple(a + sign * b for a, b in zip(ours, theirs, strict=True))  # type: ignore[misc]  # three, as both are
        for ours, theirs in zip(one, other, strict=True)
    )


def avoids(ticket: Ticket) -> bool:
    return ticket.status is TicketStatus.CONFIRMED or (ticket.status is TicketStatus.REPORTED and ticket.is_weighed)


def months_of_loads(tickets: Iterable[Ticket], rates: Rates) -> dict[date, Sum]:
    """The months of one deal: what each adds to all that was avoided before it."""
    months: dict[date, Sum] = defaultdict(Sum)
    for ticket in tickets:
        if ticket.is_current and ticket.status is not TicketStatus.VOIDED:
            avoided_t = ticket.mass_t if avoids(ticket) else Decimal(0)
            months[local_date(ticket.loaded_at).replace(day=1)] += Sum(1, ticket.mass_t, avoided_t)
    before_t = Decimal(0)
    for _, month in sorted(months.items()):
        until_t = before_t + month.avoided_t
        month.figures = plus(figures_of(ledger_of(rates, until_t)), figures_of(ledger_of(rates, before_t)), sign=-1)
        before_t = until_t
    return months


def assert_no_drift(session: Session) -> None:
    """Hold all sums of the database to the loads, to the last digit."""
    session.flush()
    session.expire_all()
    records = {each.deal_id: each for each in session.scalars(select(DealImpact).where(DealImpact.is_current))}
    loads: dict[int, list[Ticket]] = defaultdict(list)
    for ticket in session.scalars(select(Ticket)):
        loads[ticket.deal_id].append(ticket)
    months: dict[tuple[object, ...], Sum] = {}
    flows: dict[tuple[object, ...], Sum] = defaultdict(Sum)
    for deal in session.scalars(select(Deal).where(Deal.id.in_(loads))):
        record = records.get(deal.id)
        level = record.level if record else Level.UNDOCUMENTED
        way = (deal.origin_municipality_number, deal.destination_municipality_number, deal.material_key, level)
        for month, total in months_of_loads(loads[deal.id], record.rates if record else nothing_avoided()).items():
            months[deal.id, month, *way] = total
            flows[month, *way] += total
    kept_months = {
        (row.deal_id, row.month, *way_of(row)): kept(row) for row in session.scalars(select(DealMonth)).all()
    }
    assert_same(kept_months, months)
    assert_same({(row.month, *way_of(row)): kept(row) for row in session.scalars(select(FlowMonth))}, flows)


def assert_same(found: Mapping[tuple[object, ...], Sum], expected: Mapping[tuple[object, ...], Sum]) -> None:
    assert found.keys() == expected.keys()
    for key, total in expected.items():
        assert found[key] == total, key


def way_of(row: DealMonth | FlowMonth) -> tuple[object, ...]:
    return row.origin_municipality_number, row.destination_municipality_number, row.material_key, row.level


def kept(row: DealMonth | FlowMonth) -> Sum:
    figures = figures_of(ledger_of_arrays(row.low, row.central, row.high))
    return Sum(row.loads, row.delivered_t, row.avoided_t, figures)
