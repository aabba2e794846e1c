"""What plans came to, and the targets for less surplus that they are measured by."""

import hashlib
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import FieldError, InvalidInput, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import MassPlanRow, ReductionTarget
from marketplace.plan_values import ACTUALS, mass_problems, row_problems, year_problems
from marketplace.services.editing import DESCRIPTION_LIMIT, text_problems
from marketplace.services.mass_plans import lock_project, plan_version, require_version, rounded_t, values_of
from marketplace.text import clean_text


def target_version(target: ReductionTarget | None) -> str:
    """Names what a target says; it is another one as soon as that is."""
    if target is None:
        return ""
    return hashlib.sha256(f"{target.surplus_target_t:.3f} {target.measures}".encode()).hexdigest()[:20]


def record_actuals(
    session: Session,
    actor: Actor,
    *,
    row_id: int,
    actuals: dict[str, Decimal | None],
    now: datetime,
    seen_version: str | None = None,
) -> MassPlanRow:
    """What became of a row's masses, all four figures (`ACTUALS`), or none of them where it is not known after all.

    Raises:
        NotFound, Forbidden: no such row, or the actor may not plan for its project.
        ChangedMeanwhile: it is not as it was at `seen_version`.
        InvalidInput: some of the figures cannot be.
    """
    row = session.get(MassPlanRow, row_id)
    if row is None:
        raise NotFound
    lock_project(session, actor, row.project_id)
    session.refresh(row)
    require_version(seen_version, plan_version([row]))
    figures: dict[str, Any] = {name: rounded_t(actuals.get(name)) for name in ACTUALS}
    values = replace(values_of(row), **figures)
    problems = tuple(row_problems(values, today=local_date(now)))
    if problems:
        raise InvalidInput(*problems)
    for name, value in figures.items():
        setattr(row, name, value)
    row.updated_at = now
    session.flush()
    return row


def set_target(
    session: Session,
    actor: Actor,
    *,
    project_id: int,
    year: int,
    surplus_target_t: Decimal | None,
    measures: str,
    now: datetime,
    seen_version: str | None = None,
) -> ReductionTarget | None:
    """The most surplus that is to leave the project's site in a year, and by what measures; None takes it away.

    Raises:
        NotFound, Forbidden: no such project, or the actor may not plan for it.
        ChangedMeanwhile: the target is not as it was at `seen_version`.
        InvalidInput: it cannot be taken.
    """
    project = lock_project(session, actor, project_id)
    target = session.scalars(
        select(ReductionTarget).where(ReductionTarget.project_id == project.id, ReductionTarget.year == year)
    ).one_or_none()
    require_version(seen_version, target_version(target))
    measures = clean_text(measures)
    problems = list(year_problems(year, today=local_date(now)))
    problems += text_problems(measures, field="measures", limit=DESCRIPTION_LIMIT)
    wanted_t = rounded_t(surplus_target_t)
    if wanted_t is None:
        if measures:
            problems.append(FieldError(field="surplus_target_t", message=N_("Enter the target in tonnes.")))
    else:
        problems += mass_problems({"surplus_target_t": wanted_t})
    if problems:
        raise InvalidInput(*problems)
    if wanted_t is None:
        if target is not None:
            session.delete(target)
            session.flush()
        return None
    if target is None:
        target = ReductionTarget(project_id=project.id, year=year)
        session.add(target)
    target.surplus_target_t, target.measures, target.updated_at = wanted_t, measures, now
    session.flush()
    return target
