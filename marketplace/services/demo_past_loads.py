"""What was delivered of the demo region's past deals: loads, what they are compared with, and signed statements."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import insert
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.clock import OSLO, local_date
from marketplace.models import Deal, DealStatement, Ticket
from marketplace.queries.statements import load_sums, loads_that_count
from marketplace.services.audit import unlogged
from marketplace.services.demo_rows import Row
from marketplace.services.impact_records import freeze
from marketplace.services.statement_content import statement_content
from marketplace.statement_values import Signature, tickets_number, to_json
from marketplace.types import DealStatus, ImpactReason, Side, TicketSource, TicketStatus

HAULIER: Final = "Eksempel Massetransport AS"
FIRST_LOAD: Final = time(7, 10)
BETWEEN_LOADS: Final = timedelta(minutes=40)
CONFIRMED_AFTER: Final = timedelta(hours=26)
SIGNED_BEFORE: Final = timedelta(days=1)
"""How long before the taker the giver signed."""
LORRIES: Final = 4
WORKING_DAYS: Final = 5
WHAT: Final = "loads of the demo's past deals"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDeal:
    """A deal with its row of the file, and who acted for either side."""

    deal: Deal
    row: Row
    giver: Actor
    taker: Actor


def deliver(session: Session, past: Sequence[PastDeal], *, now: datetime) -> None:
    """Compare the deals, drive their loads, and have those that are over signed for."""
    for each in past:
        agreed_at = each.deal.agreed_at or now
        freeze(session, each.deal, reason=ImpactReason.AGREED, now=agreed_at, by_user_id=each.taker.user_id)
    with unlogged(session, Ticket.__tablename__, reason=WHAT):
        # `returning` makes it statements of a thousand rows, so that what adds them up does not do so for each load.
        rows = [ticket for each in past for ticket in _tickets(each, now=now)]
        session.execute(insert(Ticket).returning(Ticket.id), rows)
    for each in past:
        if each.row["ended_days"]:
            _close(session, each, at=now - timedelta(days=int(each.row["ended_days"])))
    session.flush()
    session.expire_all()  # the database has added up what was delivered


def _tickets(past: PastDeal, *, now: datetime) -> Iterator[dict[str, Any]]:
    """Loads of a little more and a little less than the usual one, as many on each working day."""
    row, deal = past.row, past.deal
    loads, days = int(row["loads"]), list(_working_days(row, now=now))
    for index in range(loads):
        day = days[index * len(days) // loads]
        place = index - _first_of(index * len(days) // loads, loads=loads, days=len(days))
        loaded_at = datetime.combine(day, FIRST_LOAD, tzinfo=OSLO) + BETWEEN_LOADS * place
        yield {
            "deal_id": deal.id,
            "number": f"S-{deal.id}{1001 + index}",
            "status": TicketStatus.CONFIRMED,
            "source": TicketSource.TYPED,
            "side": Side.GIVER,
            "loaded_at": loaded_at,
            "vehicle_registration": f"EX2{deal.id % 100:02d}{index % LORRIES:02d}",
            "mass_t": Decimal(row["load_t"]) + Decimal(index * 7 % 11 - 5) / 10,
            "is_weighed": row["is_weighed"] == "yes",
            "carrier": HAULIER,
            "origin_name": deal.origin_name,
            "destination_name": deal.destination_name,
            "reported_by_id": past.giver.user_id,
            "created_at": loaded_at + BETWEEN_LOADS,
            "confirmed_by_id": past.taker.user_id,
            "confirmed_at": loaded_at + CONFIRMED_AFTER,
        }


def _first_of(day: int, *, loads: int, days: int) -> int:
    """The first load of a day, where load n is driven on day n * days // loads."""
    return -(-day * loads // days)


def _working_days(row: Row, *, now: datetime) -> Iterator[date]:
    today = local_date(now)
    for ago in range(int(row["first_days"]), int(row["last_days"]) - 1, -1):
        day = today - timedelta(days=ago)
        if day.weekday() < WORKING_DAYS:
            yield day


def _close(session: Session, past: PastDeal, *, at: datetime) -> None:
    """The statement with both signatures, and the deal completed."""
    deal, drawn_up_at = past.deal, at - SIGNED_BEFORE
    tickets, sums = loads_that_count(session, deal_id=deal.id), load_sums(session, deal_id=deal.id)
    content = statement_content(session, deal, tickets=tickets, sums=sums, deviation="", now=drawn_up_at)
    for side, actor, signed_at in ((Side.GIVER, past.giver, drawn_up_at), (Side.TAKER, past.taker, at)):
        content = content.signed(Signature(side=side, name=actor.name, email=actor.email, signed_at=signed_at))
    session.add(
        DealStatement(
            deal_id=deal.id,
            delivered_t=sums.delivered_t,
            ticket_count=sums.count,
            tickets_sha256=tickets_number(content.tickets),
            content=to_json(content),
            created_by_id=past.giver.user_id,
            created_at=drawn_up_at,
            giver_signed_by_id=past.giver.user_id,
            giver_signed_at=drawn_up_at,
            taker_signed_by_id=past.taker.user_id,
            taker_signed_at=at,
        )
    )
    deal.status, deal.ended_at, deal.touched_at = DealStatus.COMPLETED, at, at
