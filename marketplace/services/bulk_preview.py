"""What the good rows of a file were understood as, for whoever decides whether they are applied.

Rows are read anew by what checks and applies them, so that what is shown is what is done. Only the rows of a page are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from geo.materials import Fraction
from geo.quarters import Quarter
from geo.units import EnteredUnit
from marketplace.models import ImportBatch, ImportRow
from marketplace.plan_columns import PLAN_COLUMNS, read_plan_row
from marketplace.plan_values import PlanRange
from marketplace.queries.mass_plans import rows_of_project
from marketplace.services.bulk_listing_rows import CheckedRow, checked_rows
from marketplace.services.bulk_plans import plan_reference
from marketplace.services.bulk_rows import CellReader, StagedRow
from marketplace.types import ListingKind, ListingStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderstoodListing:
    """A row as a listing. `mass_t` is None where it cannot be worked out any more.

    `listing_id` and `listing_status` are of the listing that has its reference now, if there is one.
    """

    line: int
    kind: ListingKind
    material_key: str
    fraction: Fraction | None
    entered_value: Decimal
    entered_unit: EnteredUnit
    mass_t: Decimal | None
    period: tuple[date, date]
    project_name: str | None
    municipality_name: str | None
    publishes: bool
    listing_id: int | None
    listing_status: ListingStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderstoodPlanRow:
    """A row as one of a plan. `is_known` where the plan has its material and quarter already."""

    line: int
    material_key: str
    quarter: Quarter
    excavated: PlanRange
    reused: PlanRange
    needed: PlanRange
    is_known: bool


def understood_listings(
    session: Session, batch: ImportBatch, rows: Sequence[ImportRow], *, now: datetime
) -> list[UnderstoodListing]:
    """Rows of a file of listings that nothing was wrong with when they were checked.

    Those of an earlier day that would not be read any more are left out: what they came to then is not known.
    """
    checked = checked_rows(session, batch, _staged(rows), now=now, holds=False)
    return [_listing(each) for each in checked if not each.read.problems]


def understood_plan_rows(session: Session, batch: ImportBatch, rows: Sequence[ImportRow]) -> list[UnderstoodPlanRow]:
    """Rows of a file with a plan that nothing was wrong with when they were checked; as `understood_listings`."""
    known = plan_references(session, batch)
    readers = CellReader.of(batch, PLAN_COLUMNS)
    found = []
    for row in rows:
        values = read_plan_row(readers.row(row.cells))
        if values is None:
            continue
        found.append(
            UnderstoodPlanRow(
                line=row.line,
                material_key=values.material_key,
                quarter=values.time,
                excavated=values.excavated,
                reused=values.reused,
                needed=values.all_needed,
                is_known=row.reference in known,
            )
        )
    return found


def plan_references(session: Session, batch: ImportBatch) -> frozenset[str]:
    """The references of the rows that the plan of the batch's project has now."""
    assert batch.project_id is not None
    rows = rows_of_project(session, project_id=batch.project_id)
    return frozenset(plan_reference(row.year, row.quarter, row.material_key) for row in rows)


def _staged(rows: Sequence[ImportRow]) -> list[StagedRow]:
    return [StagedRow(line=row.line, cells=tuple(row.cells), reference=row.reference) for row in rows]


def _listing(row: CheckedRow) -> UnderstoodListing:
    checked = row.checked
    details = checked.details
    return UnderstoodListing(
        line=row.read.row.line,
        kind=details.kind,
        material_key=details.material_key,
        fraction=details.fraction,
        entered_value=details.entered_value,
        entered_unit=details.entered_unit,
        mass_t=checked.mass.mass_t if checked.mass is not None else None,
        period=(details.available_from, details.available_to),
        project_name=checked.project.name if checked.project is not None else None,
        municipality_name=checked.municipality.name if checked.municipality is not None else None,
        publishes=row.read.publishes,
        listing_id=row.existing.id if row.existing is not None else None,
        listing_status=row.existing.status if row.existing is not None else None,
    )
