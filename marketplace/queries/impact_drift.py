"""Whether the sums of what loads avoid still say what the loads say: everything worked out again, and compared.

The triggers of migration 0015 keep the sums, and this is no part of them: it reads the loads and the records alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftedFlow:
    """A row of the sums by way that is not the sum of its deals."""

    month: date
    origin_municipality_number: str
    destination_municipality_number: str
    material_key: str
    level: str


_DEALS = text("""
    WITH loads AS (
        SELECT ticket.deal_id, oslo_month(ticket.loaded_at) AS month, count(*) AS loads,
            sum(ticket.counted_t) AS delivered_t, sum(ticket.avoided_t) AS avoided_t
        FROM ticket WHERE ticket.counted_t > 0 GROUP BY 1, 2
    ),
    upto AS (
        SELECT loads.*, sum(loads.avoided_t) OVER (PARTITION BY loads.deal_id ORDER BY loads.month) AS until_t
        FROM loads
    ),
    worked AS (
        SELECT upto.deal_id, upto.month, deal.origin_municipality_number, deal.destination_municipality_number,
            deal.material_key, coalesce(rates.level, 'undocumented') AS level,
            cast(upto.loads AS integer) AS loads, upto.delivered_t, upto.avoided_t,
            coalesce(
                impact_between(rates.per_tonne_low, rates.per_trip_low, rates.per_substituted_trip_low,
                    rates.payload_t, rates.substitution, upto.until_t - upto.avoided_t, upto.until_t),
                impact_nothing()
            ) AS low,
            coalesce(
                impact_between(rates.per_tonne, rates.per_trip, rates.per_substituted_trip,
                    rates.payload_t, rates.substitution, upto.until_t - upto.avoided_t, upto.until_t),
                impact_nothing()
            ) AS central,
            coalesce(
                impact_between(rates.per_tonne_high, rates.per_trip_high, rates.per_substituted_trip_high,
                    rates.payload_t, rates.substitution, upto.until_t - upto.avoided_t, upto.until_t),
                impact_nothing()
            ) AS high
        FROM upto JOIN deal ON deal.id = upto.deal_id
            LEFT JOIN deal_impact AS rates ON rates.deal_id = upto.deal_id AND rates.is_current
    )
    SELECT DISTINCT coalesce(worked.deal_id, kept.deal_id) AS deal_id
    FROM worked FULL JOIN deal_month AS kept ON kept.deal_id = worked.deal_id AND kept.month = worked.month
    WHERE (worked.level, worked.loads, worked.delivered_t, worked.avoided_t, worked.low, worked.central, worked.high,
            worked.origin_municipality_number, worked.destination_municipality_number, worked.material_key)
        IS DISTINCT FROM (kept.level, kept.loads, kept.delivered_t, kept.avoided_t, kept.low, kept.central, kept.high,
            kept.origin_municipality_number, kept.destination_municipality_number, kept.material_key)
    ORDER BY 1
""")

_FLOWS = text("""
    WITH figures AS (
        SELECT month.month, month.origin_municipality_number, month.destination_municipality_number,
            month.material_key, month.level, each.n,
            sum(each.low) AS low, sum(each.central) AS central, sum(each.high) AS high
        FROM deal_month AS month, unnest(month.low, month.central, month.high) WITH ORDINALITY
            AS each (low, central, high, n)
        GROUP BY 1, 2, 3, 4, 5, 6
    ),
    ledgers AS (
        SELECT month, origin_municipality_number, destination_municipality_number, material_key, level,
            array_agg(low ORDER BY n) AS low, array_agg(central ORDER BY n) AS central,
            array_agg(high ORDER BY n) AS high
        FROM figures GROUP BY 1, 2, 3, 4, 5
    ),
    masses AS (
        SELECT month, origin_municipality_number, destination_municipality_number, material_key, level,
            sum(loads) AS loads, sum(delivered_t) AS delivered_t, sum(avoided_t) AS avoided_t
        FROM deal_month GROUP BY 1, 2, 3, 4, 5
    ),
    worked AS (
        SELECT masses.*, ledgers.low, ledgers.central, ledgers.high
        FROM masses JOIN ledgers
            USING (month, origin_municipality_number, destination_municipality_number, material_key, level)
    )
    SELECT month, origin_municipality_number, destination_municipality_number, material_key, level
    FROM worked FULL JOIN flow_month AS kept
        USING (month, origin_municipality_number, destination_municipality_number, material_key, level)
    WHERE (worked.loads, worked.delivered_t, worked.avoided_t, worked.low, worked.central, worked.high)
        IS DISTINCT FROM (kept.loads, kept.delivered_t, kept.avoided_t, kept.low, kept.central, kept.high)
    ORDER BY 1, 2, 3, 4, 5
""")


def drifted_deals(session: Session) -> Sequence[int]:
    """The deals whose months are not what their loads come to by their records, by id."""
    return session.scalars(_DEALS).all()


def drifted_flows(session: Session) -> Sequence[DriftedFlow]:
    """The sums by way that are not the sums of the deals' months."""
    return [
        DriftedFlow(
            month=row.month,
            origin_municipality_number=row.origin_municipality_number,
            destination_municipality_number=row.destination_municipality_number,
            material_key=row.material_key,
            level=row.level,
        )
        for row in session.execute(_FLOWS)
    ]
