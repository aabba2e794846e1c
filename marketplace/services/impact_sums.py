"""Proving the sums of what loads avoid, and putting them right: for a database that was written to past its triggers,
or that holds deals from before there were records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace.models import Deal
from marketplace.queries.impact import count_records, deals_without_record
from marketplace.queries.impact_drift import DriftedFlow, drifted_deals, drifted_flows
from marketplace.services.impact_records import freeze
from marketplace.types import ImpactReason

NAMED: Final = 1000
"""Deals without a record that are named at once."""

_ANEW = text("SELECT count_loads_anew(cast(:deal_ids AS bigint[]))")
_HOLD = text("LOCK TABLE deal_month, flow_month IN SHARE ROW EXCLUSIVE MODE")
_WITHOUT_FLOWS = text("ALTER TABLE deal_month DISABLE TRIGGER keep_flows")
_WITH_FLOWS = text("ALTER TABLE deal_month ENABLE TRIGGER keep_flows")
_WITHOUT_TIMEOUT = text("SET LOCAL statement_timeout = 0")
"""Every load there is is read, and no page waits for it."""

_FORGET_FLOWS = text("DELETE FROM flow_month")
_SUM_FLOWS = text("SELECT add_to_flow(deal_month, 1) FROM deal_month")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactProof:
    """What is wrong with the sums; nothing is where all are empty."""

    records: int
    without_record: Sequence[int]
    drifted_deals: Sequence[int]
    drifted_flows: Sequence[DriftedFlow]

    @property
    def holds(self) -> bool:
        return not (self.without_record or self.drifted_deals or self.drifted_flows)


def prove_sums(session: Session) -> ImpactProof:
    """Everything worked out again from the loads and the records, and compared with the sums that are kept."""
    session.execute(_WITHOUT_TIMEOUT)
    return ImpactProof(
        records=count_records(session),
        without_record=deals_without_record(session, limit=NAMED),
        drifted_deals=drifted_deals(session),
        drifted_flows=drifted_flows(session),
    )


def write_missing_records(session: Session, *, after_id: int, limit: int, now: datetime) -> tuple[int, int | None]:
    """Write records of deals that were agreed before there were any: how many, and the id to go on from (None: done).

    One whose record cannot be worked out is passed over; `prove_sums` goes on naming it.
    """
    session.execute(_WITHOUT_TIMEOUT)
    ids = deals_without_record(session, limit=limit, after_id=after_id)
    written = 0
    for deal in session.scalars(select(Deal).where(Deal.id.in_(ids)).order_by(Deal.id).with_for_update(key_share=True)):
        written += freeze(session, deal, reason=ImpactReason.BACKFILLED, now=now) is not None
    return written, ids[-1] if ids else None


def put_sums_right(session: Session) -> tuple[int, int]:
    """Work out anew what has drifted; returns how many deals, and how many sums by way.

    Loads that are brought meanwhile wait until the transaction ends.
    """
    session.execute(_WITHOUT_TIMEOUT)
    session.execute(_HOLD)
    deals, flows = drifted_deals(session), drifted_flows(session)
    if deals:
        # A wrong month must not be taken out of the sums by way: they are added up anew from all months, below.
        session.execute(_WITHOUT_FLOWS)
        session.execute(_ANEW, {"deal_ids": list(deals)})
        session.execute(_WITH_FLOWS)
    if deals or flows:
        session.execute(_FORGET_FLOWS)
        session.execute(_SUM_FLOWS)
    return len(deals), len(flows)
