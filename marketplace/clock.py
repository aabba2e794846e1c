"""The one place that asks what time it is; everything below the edge is handed `now`."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")


def now() -> datetime:
    return datetime.now(UTC)


def local_date(moment: datetime) -> date:
    """The calendar day in Norway at `moment`."""
    return moment.astimezone(OSLO).date()
