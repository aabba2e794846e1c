"""Reading loads: a page of a deal's tickets, what they come to, one with its corrections, and the gates' links."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from marketplace.models import GateLink, Ticket, User
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import Side, TicketSource, TicketStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    """A load in a list: the newest version of its ticket. `reporter` is a name, or the gate's where one is written."""

    id: int
    number: str
    status: TicketStatus
    source: TicketSource
    side: Side
    loaded_at: datetime
    vehicle_registration: str
    mass_t: Decimal
    is_weighed: bool
    carrier: str
    reporter: str
    has_slip: bool
    is_correction: bool
    dispute_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSum:
    """The loads of one side in one state."""

    side: Side
    status: TicketStatus
    count: int
    mass_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSums:
    """What a deal's loads come to; of each ticket the newest version."""

    parts: tuple[TicketSum, ...]

    def count(self, *statuses: TicketStatus, side: Side | None = None) -> int:
        return sum(part.count for part in self._of(statuses, side))

    def mass_t(self, *statuses: TicketStatus, side: Side | None = None) -> Decimal:
        return sum((part.mass_t for part in self._of(statuses, side)), Decimal(0))

    def _of(self, statuses: Sequence[TicketStatus], side: Side | None) -> list[TicketSum]:
        return [
            part
            for part in self.parts
            if (not statuses or part.status in statuses) and (side is None or part.side is side)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLinkRow:
    """A gate's link and what came in by it."""

    id: int
    side: Side
    valid_on: date
    label: str
    made_by: str
    created_at: datetime
    revoked_at: datetime | None
    ticket_count: int
    mass_t: Decimal


def tickets_of(
    session: Session, *, deal_id: int, status: TicketStatus | None = None, cursor: Cursor, size: int = 20
) -> IdPage[TicketRow]:
    """A page of the deal's loads, those that were driven last first; one query, however many they are."""
    query: Any = (
        select(Ticket, User.name, GateLink.label)
        .outerjoin(User, User.id == Ticket.reported_by_id)
        .outerjoin(GateLink, GateLink.id == Ticket.gate_link_id)
        .where(Ticket.deal_id == deal_id, Ticket.is_current)
    )
    if status is not None:
        query = query.where(Ticket.status == status)
    return page_by_id(
        session,
        query,
        key=Ticket.id,
        sorted_by=(Ticket.loaded_at,),
        make=_row,
        id_of=lambda row: row.id,
        cursor=cursor,
        size=size,
    )


def _row(found: Row[Any]) -> TicketRow:
    ticket: Ticket = found.Ticket
    return TicketRow(
        id=ticket.id,
        number=ticket.number,
        status=ticket.status,
        source=ticket.source,
        side=ticket.side,
        loaded_at=ticket.loaded_at,
        vehicle_registration=ticket.vehicle_registration,
        mass_t=ticket.mass_t,
        is_weighed=ticket.is_weighed,
        carrier=ticket.carrier,
        reporter=found.name or found.label or "",
        has_slip=ticket.slip_sha256 is not None,
        is_correction=ticket.corrects_id is not None,
        dispute_reason=ticket.dispute_reason if ticket.status is TicketStatus.DISPUTED else "",
    )


def ticket_sums(session: Session, *, deal_id: int) -> TicketSums:
    found = session.execute(
        select(Ticket.side, Ticket.status, func.count(), func.sum(Ticket.mass_t))
        .where(Ticket.deal_id == deal_id, Ticket.is_current)
        .group_by(Ticket.side, Ticket.status)
        .order_by(Ticket.side, Ticket.status)
    )
    return TicketSums(
        parts=tuple(
            TicketSum(side=side, status=status, count=count, mass_t=mass) for side, status, count, mass in found
        )
    )


def ticket_versions(session: Session, *, deal_id: int, ticket_id: int) -> Sequence[Ticket]:
    """All that was ever said of a load, the newest first; empty where the deal has no such ticket."""
    chain = (
        select(Ticket.id, Ticket.corrects_id)
        .where(Ticket.id == ticket_id, Ticket.deal_id == deal_id)
        .cte("chain", recursive=True)
    )
    other = aliased(Ticket)
    chain = chain.union(
        select(other.id, other.corrects_id).join(
            chain, or_(other.id == chain.c.corrects_id, other.corrects_id == chain.c.id)
        )
    )
    query = (
        select(Ticket)
        .where(Ticket.id.in_(select(chain.c.id)))
        .options(
            joinedload(Ticket.reported_by),
            joinedload(Ticket.confirmed_by),
            joinedload(Ticket.disputed_by),
            joinedload(Ticket.gate_link),
        )
        .order_by(Ticket.id.desc())
    )
    return session.scalars(query).all()


def gate_links_of(session: Session, *, deal_id: int, side: Side | None, cursor: Cursor) -> IdPage[GateLinkRow]:
    """The links of one side's gates, or of both, the newest first."""
    query: Any = (
        select(
            GateLink,
            User.name,
            _of_link(func.count()).label("load_count"),
            _of_link(func.coalesce(func.sum(Ticket.counted_t), 0)).label("mass_t"),
        )
        .join(User, User.id == GateLink.created_by_id)
        .where(GateLink.deal_id == deal_id)
    )
    if side is not None:
        query = query.where(GateLink.side == side)
    return page_by_id(session, query, key=GateLink.id, make=_link_row, id_of=lambda row: row.id, cursor=cursor)


def loads_by_link(session: Session, *, link_id: int) -> tuple[int, Decimal]:
    """How many loads came in by a link that still count, and their tonnes."""
    count, mass_t = session.execute(
        select(func.count(), func.coalesce(func.sum(Ticket.counted_t), 0)).where(
            Ticket.gate_link_id == link_id, Ticket.counted_t > 0
        )
    ).one()
    return count, mass_t


def _of_link(figure: Any) -> Any:
    return (
        select(figure)
        .where(Ticket.gate_link_id == GateLink.id, Ticket.counted_t > 0)
        .correlate(GateLink)
        .scalar_subquery()
    )


def _link_row(found: Row[Any]) -> GateLinkRow:
    link: GateLink = found.GateLink
    return GateLinkRow(
        id=link.id,
        side=link.side,
        valid_on=link.valid_on,
        label=link.label,
        made_by=found.name,
        created_at=link.created_at,
        revoked_at=link.revoked_at,
        ticket_count=found.load_count,
        mass_t=found.mass_t,
    )
