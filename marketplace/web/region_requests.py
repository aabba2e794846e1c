"""What an address asks of a region: which municipalities, which months, and how much of them the visitor may see."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from flask import request

from geo.months import Month, MonthPeriod
from marketplace import clock, db
from marketplace.actor import Actor
from marketplace.disclosure import Disclosure
from marketplace.queries.regions import EVERYWHERE, Region, disclosure_of, find_region
from marketplace.web.access import current_actor

USUAL_MONTHS: Final = 12
MOST_MONTHS: Final = 120
MOST_AHEAD_MONTHS: Final = 60
EARLIEST: Final = Month(2000, 1)
MOST_NUMBERS: Final = 400
"""More municipalities than there are in Norway need not be looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A region in a period, for a visitor."""

    region: Region
    period: MonthPeriod
    disclosure: Disclosure
    actor: Actor
    today: date
    is_other_period: bool = False
    """Whether the address asked for months that cannot be shown as they were written; the page says which are."""

    @property
    def parameters(self) -> dict[str, list[str] | str]:
        """Of an address that asks for the same: `url_for(..., **asked.parameters)`."""
        return {**self.region.parameters, "from": str(self.period.first), "to": str(self.period.last)}

    @property
    def region_pairs(self) -> tuple[tuple[str, str], ...]:
        """The region alone, for the hidden fields of a form."""
        return tuple((name, each) for name, numbers in self.region.parameters.items() for each in numbers)

    @property
    def query(self) -> str:
        """The same, written out: what stands behind the question mark."""
        return urlencode(self.parameters, doseq=True)


def asked_region() -> Region | None:
    """The region of the address; None where it names none.

    Raises:
        NotFound: there is no such county or municipality.
    """
    return find_region(
        db.session,
        counties=request.args.getlist("county")[:MOST_NUMBERS],
        municipalities=request.args.getlist("municipality")[:MOST_NUMBERS],
    )


def asked_period(*, today: date) -> MonthPeriod:
    """The months of the address, `from` and `to` as 2026-01; the last twelve where it says nothing that can be read.

    None lies further ahead than deals are agreed, nor before there was anything to deliver.
    """
    latest = Month.of(today).shifted(MOST_AHEAD_MONTHS)
    last = min(max(_month("to") or Month.of(today), EARLIEST), latest)
    first = min(_month("from") or last.shifted(1 - USUAL_MONTHS), latest)
    if last < first:
        first, last = last, first
    return MonthPeriod(max(first, last.shifted(1 - MOST_MONTHS)), last)


def is_understood(period: MonthPeriod) -> bool:
    """Whether the period is the one the address asks for, as far as it asks for one."""
    wanted = {"from": str(period.first), "to": str(period.last)}
    return all(request.args.get(name, "").strip() in {"", month} for name, month in wanted.items())


def _month(name: str) -> Month | None:
    try:
        return Month.read(request.args.get(name, ""))
    except ValueError:
        return None


def asked_of(region: Region | None) -> Asked:
    """All that the address asks of a region; of the whole country where there is none."""
    actor, today = current_actor(), clock.local_date(clock.now())
    region, period = region or EVERYWHERE, asked_period(today=today)
    return Asked(
        region=region,
        period=period,
        is_other_period=not is_understood(period),
        disclosure=disclosure_of(db.session, actor, region),
        actor=actor,
        today=today,
    )
