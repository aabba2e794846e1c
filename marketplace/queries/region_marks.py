"""How far the figures of a region may be trusted: deals outside what is published, and distances that are estimates."""

from dataclasses import dataclass, replace

from sqlalchemy import func, not_, select
from sqlalchemy.orm import Session

from geo.impact import PLAUSIBLE_HIGH_KG_PER_T, PLAUSIBLE_LOW_KG_PER_T, Method
from marketplace.models import DealImpact, DealMonth
from marketplace.queries.region_flows import FlowScope, Stage, co2e_kg


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Of the deals whose loads count in the ledgers."""

    deals: int
    implausible: int
    """Those that `geo.impact.is_plausible` is not true of, by their loads in the period."""
    estimated: int
    """Those whose distances are no road distances."""


def marks_of(session: Session, scope: FlowScope) -> Marks:
    """What is to be said of the deals that a scope means, also of those that are shown in no figure."""
    mass_t = func.sum(DealMonth.avoided_t)
    deals = (
        select(
            func.sum(co2e_kg())
            .between(PLAUSIBLE_LOW_KG_PER_T * mass_t, PLAUSIBLE_HIGH_KG_PER_T * mass_t)
            .label("is_plausible"),
            (DealImpact.method == Method.ESTIMATE).label("is_estimate"),
        )
        .join(DealImpact, DealImpact.deal_id == DealMonth.deal_id)
        .where(DealImpact.is_current, replace(scope, stage=Stage.FINAL).selects(DealMonth))
        .group_by(DealMonth.deal_id, DealImpact.method)
        .having(mass_t > 0)
        .subquery()
    )
    row = session.execute(
        select(
            func.count(),
            func.count().filter(not_(deals.c.is_plausible)),
            func.count().filter(deals.c.is_estimate),
        ).select_from(deals)
    ).one()
    return Marks(deals=row[0], implausible=row[1], estimated=row[2])
