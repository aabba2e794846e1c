"""Rows of a file as a project's mass-balance plan, known again by their material and quarter."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import InvalidInput
from marketplace.models import ImportBatch
from marketplace.plan_columns import PLAN_COLUMNS, read_plan_row
from marketplace.plan_values import PlanRowValues
from marketplace.services.bulk_rows import CellReader, RowOutcome, StagedRow
from marketplace.services.mass_plans import Applied, apply_plan_row, check_plan_row
from marketplace.types import ImportRowStatus


class PlanRows:
    """`services.bulk_rows.RowKind` for the rows of a plan. A plan is some dozens of rows: they are taken one by one."""

    columns = PLAN_COLUMNS

    def check(
        self, session: Session, batch: ImportBatch, rows: Sequence[StagedRow], *, now: datetime
    ) -> list[RowOutcome]:
        assert batch.project_id is not None
        readers = CellReader.of(batch, self.columns)
        outcomes = []
        for row in rows:
            reader = readers.row(row.cells)
            values = read_plan_row(reader)
            problems = list(reader.problems)
            if values is not None:
                problems += check_plan_row(session, project_id=batch.project_id, values=values, now=now)
            status = ImportRowStatus.BAD if problems else ImportRowStatus.GOOD
            outcomes.append(RowOutcome(line=row.line, status=status, reference=_reference(values), problems=problems))
        return outcomes

    def apply(
        self, session: Session, actor: Actor, batch: ImportBatch, rows: Sequence[StagedRow], *, now: datetime
    ) -> list[RowOutcome]:
        assert batch.project_id is not None
        readers = CellReader.of(batch, self.columns)
        outcomes = []
        for row in rows:
            values = read_plan_row(readers.row(row.cells))
            assert values is not None, "a row that could be read when it was checked cannot be read any more"
            try:
                with session.begin_nested():
                    applied = apply_plan_row(session, actor, project_id=batch.project_id, values=values, now=now)
            except InvalidInput as refused:
                status, problems = ImportRowStatus.BAD, refused.errors
            else:
                status = ImportRowStatus.UNCHANGED if applied is Applied.UNCHANGED else ImportRowStatus.APPLIED
                problems = ()
            outcomes.append(RowOutcome(line=row.line, status=status, reference=_reference(values), problems=problems))
        return outcomes


def _reference(values: PlanRowValues | None) -> str | None:
    """What there is one row of a plan of."""
    return None if values is None else plan_reference(values.year, values.quarter, values.material_key)


def plan_reference(year: int, quarter: int, material_key: str) -> str:
    """What a row of a plan is known again by."""
    return f"{year}-{quarter} {material_key}"
