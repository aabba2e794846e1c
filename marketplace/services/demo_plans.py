"""The plans of the demo region, with what past quarters came to and targets for the years; all invented."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from geo.quarters import Quarter
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.models import Project
from marketplace.plan_values import ACTUALS, PARTS, PlanRange, PlanRowValues
from marketplace.services.mass_plans import EditedRow, save_rows
from marketplace.services.reductions import set_target

type Row = Mapping[str, str]


def add_plans(
    session: Session,
    plan_rows: Sequence[Row],
    target_rows: Sequence[Row],
    *,
    actors: Mapping[str, Actor],
    projects: Mapping[str, Project],
    now: datetime,
) -> None:
    """Plan what the rows say, in quarters and years that count from that of `now`."""
    today = local_date(now)
    for key in dict.fromkeys(row["project"] for row in plan_rows):
        own = [row for row in plan_rows if row["project"] == key]
        edited = [EditedRow(values=_values(row, this_quarter=Quarter.of(today))) for row in own]
        save_rows(session, actors[own[0]["posted_by"]], project_id=projects[key].id, rows=edited, now=now)
    for row in target_rows:
        set_target(
            session,
            actors[row["posted_by"]],
            project_id=projects[row["project"]].id,
            year=today.year + int(row["years"]),
            surplus_target_t=Decimal(row["surplus_target_t"]),
            measures=row["measures"],
            now=now,
        )


def _values(row: Row, *, this_quarter: Quarter) -> PlanRowValues:
    quarter = this_quarter.shifted(int(row["quarters"]))
    ranges = {part: PlanRange.of(*(Decimal(row[f"{part}_{end}t"]) for end in ("low_", "", "high_"))) for part in PARTS}
    assert ranges["excavated"] is not None
    assert ranges["reused"] is not None
    return PlanRowValues(
        material_key=row["material_key"],
        year=quarter.year,
        quarter=quarter.number,
        excavated=ranges["excavated"],
        reused=ranges["reused"],
        needed=ranges["needed"],
        note=row["note"],
        **{name: Decimal(row[name]) if row[name] else None for name in ACTUALS},
    )
