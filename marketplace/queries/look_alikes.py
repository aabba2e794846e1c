"""Loads that may be one and the same under two numbers: what a weighbridge and a gate both reported, say."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from sqlalchemy import ARRAY, Numeric, String, any_, literal, select
from sqlalchemy.orm import Session

from marketplace.models import Ticket
from marketplace.types import TicketStatus

ALIKE_WITHIN: Final = timedelta(minutes=5)
"""No lorry is loaded, driven and back on the weighbridge sooner than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What two loads are held to be the same by; `ticket_id` None for one that is not taken in yet."""

    ticket_id: int | None = None
    number: str
    vehicle_registration: str
    mass_t: Decimal
    loaded_at: datetime


def look_alikes(session: Session, *, deal_id: int, loads: Sequence[Load]) -> dict[str, Load]:
    """By the number of each of `loads` that has one: another load of the deal, or of `loads`, that looks the same.

    The same vehicle and mass, at most `ALIKE_WITHIN` apart; the nearest where there are several. Loads that count for
    nothing are looked at by nobody. One query, however many they are.
    """
    if not loads:
        return {}
    times = [load.loaded_at for load in loads]
    vehicles = _all(load.vehicle_registration for load in loads)
    masses = _all(load.mass_t for load in loads)
    found = session.execute(
        select(Ticket.id, Ticket.number, Ticket.vehicle_registration, Ticket.mass_t, Ticket.loaded_at).where(
            Ticket.deal_id == deal_id,
            Ticket.is_current,
            Ticket.status != TicketStatus.VOIDED,
            Ticket.loaded_at.between(min(times) - ALIKE_WITHIN, max(times) + ALIKE_WITHIN),
            Ticket.vehicle_registration == any_(literal(vehicles, ARRAY(String))),
            Ticket.mass_t == any_(literal(masses, ARRAY(Numeric))),
        )
    )
    there = [
        Load(
            ticket_id=row.id,
            number=row.number,
            vehicle_registration=row.vehicle_registration,
            mass_t=row.mass_t,
            loaded_at=row.loaded_at,
        )
        for row in found
    ]
    known = {load.ticket_id for load in there}
    there += [load for load in loads if load.ticket_id is None or load.ticket_id not in known]
    asked = {load.number for load in loads}
    return {number: other for number, other in _nearest(there).items() if number in asked}


def _nearest(loads: Iterable[Load]) -> dict[str, Load]:
    alike: defaultdict[tuple[str, Decimal], list[Load]] = defaultdict(list)
    for load in loads:
        alike[load.vehicle_registration, load.mass_t].append(load)
    nearest: dict[str, tuple[timedelta, Load]] = {}
    for group in alike.values():
        group.sort(key=lambda load: (load.loaded_at, load.number))
        for one, other in pairwise(group):
            apart = other.loaded_at - one.loaded_at
            if apart > ALIKE_WITHIN:
                continue
            for mine, theirs in ((one, other), (other, one)):
                if mine.number not in nearest or apart < nearest[mine.number][0]:
                    nearest[mine.number] = (apart, theirs)
    return {number: theirs for number, (_apart, theirs) in nearest.items()}


def _all[T](values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))
