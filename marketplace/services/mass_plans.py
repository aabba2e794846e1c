"""Mass-balance plans: writing their rows, and the listings made from them.

Everything that writes a plan locks its project first, so that two people, or a person and an import, take turns. After
each change the drafts made from the plan are brought in step with it (`services.plan_listings`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from geo.quarters import Quarter
from geo.units import MASS_STEP_T
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import Listing, MassPlanRow, Project
from marketplace.plan_values import ACTUALS, PARTS, PlanRange, PlanRowValues, row_problems, year_problems
from marketplace.queries.mass_plans import is_emptied, rows_of_project
from marketplace.services.editing import ChangedMeanwhile
from marketplace.services.plan_listings import DraftChanges, follow_plan, make_drafts
from marketplace.text import clean_line
from marketplace.types import ListingStatus

MOST_ROWS = 2_000
"""A plan of twenty materials over twenty-five years; a longer one is a slip in a file."""

MASS_COLUMNS = tuple(f"{part}_{end}t" for part in PARTS for end in ("low_", "", "high_"))
KEPT_COLUMNS = (*MASS_COLUMNS, *ACTUALS, "note")

ALREADY_PLANNED = N_("The plan has this material in this quarter already. Change it there.")
TOO_MANY_ROWS = N_("A plan can have at most %(limit)s rows.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedRow:
    """A row as somebody left it: a new one where `row_id` is None."""

    values: PlanRowValues
    row_id: int | None = None
    is_removed: bool = False


@dataclass(slots=True, kw_only=True)
class PlanChange:
    """What a change of a plan came to."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    left: int = 0
    """Rows that were there already, where they were not to be overwritten."""
    drafts: DraftChanges = field(default_factory=DraftChanges)


class Applied(StrEnum):
    """What became of one row of a file."""

    ADDED = auto()
    CHANGED = auto()
    UNCHANGED = auto()


# Versions ---------------------------------------------------------------------------------------------------------


def plan_version(rows: Iterable[MassPlanRow]) -> str:
    """Names the content of some rows; it is another one as soon as any figure is."""
    said = [tuple(_plain(getattr(row, name)) for name in ("id", *KEPT_COLUMNS)) for row in rows]
    return hashlib.sha256(repr(sorted(said)).encode()).hexdigest()[:20]


def _plain(value: object) -> str:
    """The same for a figure as it was entered and as the database gives it back."""
    return f"{value:.3f}" if isinstance(value, Decimal) else str(value)


def require_version(seen: str | None, found: str) -> None:
    """Raises ChangedMeanwhile: what is there is not what was seen; `seen` None overwrites whatever is there."""
    if seen is not None and seen != found:
        raise ChangedMeanwhile


# Rows -------------------------------------------------------------------------------------------------------------


def save_rows(
    session: Session,
    actor: Actor,
    *,
    project_id: int,
    rows: Sequence[EditedRow],
    now: datetime,
    seen_version: str | None = None,
    year: int | None = None,
) -> PlanChange:
    """Write many rows at once, all of them or none. Rows of the plan that are not among them stay as they are.

    `seen_version` is of the plan, or of one year of it where `year` is given (`plan_version`).

    Raises:
        NotFound, Forbidden: no such project or row, or the actor may not plan for it.
        ChangedMeanwhile: the plan is not as it was at `seen_version`.
        InvalidInput: all that is wrong, each with the field `rows-<index>-<column>`.
    """
    project = lock_project(session, actor, project_id)
    there = rows_of_project(session, project_id=project.id, with_emptied=True)
    seen = [row for row in there if not is_emptied(row) and year in (None, row.year)]
    require_version(seen_version, plan_version(seen))
    edits = [(f"rows-{index}-", row) for index, row in enumerate(rows)]
    return _write(session, actor, project, there, edits, now=now)


def save_row(
    session: Session,
    actor: Actor,
    *,
    project_id: int,
    row: EditedRow,
    now: datetime,
    seen_version: str | None = None,
) -> PlanChange:
    """Write one row, or take it out of the plan; raises as `save_rows`, with the plain columns as fields.

    `seen_version` is of that row alone.
    """
    project = lock_project(session, actor, project_id)
    there = rows_of_project(session, project_id=project.id, with_emptied=True)
    if row.row_id is not None:
        require_version(seen_version, plan_version(each for each in there if each.id == row.row_id))
    return _write(session, actor, project, there, [("", row)], now=now)


def apply_plan_row(session: Session, actor: Actor, *, project_id: int, values: PlanRowValues, now: datetime) -> Applied:
    """Write one row of a file: a new one, or new figures of the row that the plan has for its material and quarter.

    The same row twice changes nothing the second time.

    Raises:
        NotFound, Forbidden: no such project, or the actor may not plan for it.
        InvalidInput: what is wrong with it, each with its column as the field.
    """
    project = lock_project(session, actor, project_id)
    row = _row_in_place(session, project.id, values)
    merged = _merged(values, row)
    problems = tuple(row_problems(merged, today=local_date(now)))
    if problems:
        raise InvalidInput(*problems)
    if row is not None and not _differs(row, merged):
        return Applied.UNCHANGED
    if row is None:
        _require_room(session, project)
    outcome = Applied.ADDED if row is None or is_emptied(row) else Applied.CHANGED
    row = _put(session, project, row, merged, now=now)
    session.flush()
    follow_plan(session, actor, project=project, row_ids=[row.id], now=now)
    return outcome


def check_plan_row(
    session: Session, *, project_id: int, values: PlanRowValues, now: datetime
) -> tuple[FieldError, ...]:
    """What `apply_plan_row` would find wrong; nothing is written."""
    row = _row_in_place(session, project_id, values)
    return tuple(row_problems(_merged(values, row), today=local_date(now)))


def _row_in_place(session: Session, project_id: int, values: PlanRowValues) -> MassPlanRow | None:
    """What the plan has for the material and quarter already."""
    query = select(MassPlanRow).where(
        MassPlanRow.project_id == project_id,
        MassPlanRow.year == values.year,
        MassPlanRow.quarter == values.quarter,
        MassPlanRow.material_key == values.material_key,
    )
    return session.scalars(query).one_or_none()


def _write(
    session: Session,
    actor: Actor,
    project: Project,
    there: Sequence[MassPlanRow],
    edits: Sequence[tuple[str, EditedRow]],
    *,
    now: datetime,
) -> PlanChange:
    by_id = {row.id: row for row in there}
    by_place = {_place(row): row for row in there}
    if any(edit.row_id is not None and edit.row_id not in by_id for _, edit in edits):
        raise ChangedMeanwhile
    checked = _checked(edits, by_id, by_place, now=now)
    change, touched = PlanChange(), []
    for edit, values in checked:
        row = by_id.get(edit.row_id) if edit.row_id is not None else by_place.get(_place(values))
        if edit.is_removed:
            if row is not None:
                _empty(row, now=now)
                change.removed += 1
                touched.append(row)
        elif row is None or is_emptied(row):
            touched.append(_put(session, project, row, values, now=now))
            change.added += 1
        elif _differs(row, values):
            touched.append(_put(session, project, row, values, now=now))
            change.changed += 1
    session.flush()
    _require_room(session, project, more=0)
    change.drafts = follow_plan(session, actor, project=project, row_ids=[row.id for row in touched], now=now)
    _sweep(session, project)
    return change


def _require_room(session: Session, project: Project, *, more: int = 1) -> None:
    """Raises InvalidInput: the plan is too long with so many rows more."""
    count = session.scalar(select(func.count()).where(MassPlanRow.project_id == project.id)) or 0
    if count + more > MOST_ROWS:
        raise InvalidInput(FieldError(field="", message=TOO_MANY_ROWS, params={"limit": MOST_ROWS}))


def _checked(
    edits: Sequence[tuple[str, EditedRow]],
    by_id: dict[int, MassPlanRow],
    by_place: dict[tuple[int, int, str], MassPlanRow],
    *,
    now: datetime,
) -> list[tuple[EditedRow, PlanRowValues]]:
    """The rows with what is kept for them filled in.

    Raises:
        InvalidInput: everything that is wrong with any of them.
    """
    problems: list[FieldError] = []
    checked: list[tuple[EditedRow, PlanRowValues]] = []
    taken: set[tuple[int, int, str]] = set()
    for prefix, edit in edits:
        row = by_id.get(edit.row_id) if edit.row_id is not None else None
        if row is not None:  # a row stays in its place: another place is another row
            place: dict[str, Any] = {"material_key": row.material_key, "year": row.year, "quarter": row.quarter}
            values = replace(edit.values, **place)
        else:
            values = edit.values
        values = _merged(values, row)
        checked.append((edit, values))
        if edit.is_removed:
            continue
        found = list(row_problems(values, today=local_date(now)))
        if row is None:
            other = by_place.get(_place(values))
            if _place(values) in taken or (other is not None and not is_emptied(other)):
                found.append(FieldError(field="material_key", message=ALREADY_PLANNED))
            taken.add(_place(values))
        problems += [replace(problem, field=prefix + problem.field) for problem in found]
    if problems:
        raise InvalidInput(*problems)
    return checked


def _place(row: MassPlanRow | PlanRowValues) -> tuple[int, int, str]:
    return row.year, row.quarter, row.material_key


def _merged(values: PlanRowValues, row: MassPlanRow | None) -> PlanRowValues:
    """The values with what is kept in place of what they leave as it is."""
    kept: dict[str, Any] = {name: getattr(row, name) for name in ACTUALS} if row is not None else {}
    given: dict[str, Any] = {name: rounded_t(getattr(values, name)) for name in ACTUALS}
    note = (row.note if row is not None else "") if values.note is None else clean_line(values.note)
    known: dict[str, Any] = {name: kept.get(name) if given[name] is None else given[name] for name in ACTUALS}
    return replace(values, note=note, **known)


def rounded_t(value: Decimal | None) -> Decimal | None:
    """The mass as the database keeps it, so that what is checked is what is kept; an absurd one as it is."""
    is_sane = value is not None and value.is_finite() and abs(value) < 10**15
    return value.quantize(MASS_STEP_T) if value is not None and is_sane else value


def _columns(values: PlanRowValues) -> dict[str, Any]:
    """What the row's columns hold."""
    columns: dict[str, Any] = {}
    for part in PARTS:
        given: PlanRange = values.range_of(part)
        columns |= {f"{part}_low_t": given.low_t, f"{part}_t": given.likely_t, f"{part}_high_t": given.high_t}
    return columns | {name: getattr(values, name) for name in ACTUALS} | {"note": values.note or ""}


def _differs(row: MassPlanRow, values: PlanRowValues) -> bool:
    return any(getattr(row, name) != value for name, value in _columns(values).items())


def _put(
    session: Session, project: Project, row: MassPlanRow | None, values: PlanRowValues, *, now: datetime
) -> MassPlanRow:
    if row is None:
        row = MassPlanRow(
            project_id=project.id,
            material_key=values.material_key,
            year=values.year,
            quarter=values.quarter,
            created_at=now,
        )
        session.add(row)
    else:
        row.updated_at = now
    for name, value in _columns(values).items():
        setattr(row, name, value)
    return row


def _empty(row: MassPlanRow, *, now: datetime) -> None:
    """Take the row out of the plan; what was made from it decides whether it can go altogether (`_sweep`)."""
    for name in MASS_COLUMNS:
        setattr(row, name, Decimal(0))
    for name in ACTUALS:
        setattr(row, name, None)
    row.note, row.updated_at = "", now


def _sweep(session: Session, project: Project) -> None:
    """Delete the emptied rows that no open listing hangs on; those of closed listings forget where they came from."""
    session.flush()
    holds = exists().where(Listing.plan_row_id == MassPlanRow.id, Listing.status != ListingStatus.CLOSED)
    query = select(MassPlanRow).where(MassPlanRow.project_id == project.id, ~holds).order_by(MassPlanRow.id)
    for row in session.scalars(query).all():
        if is_emptied(row):
            session.delete(row)
    session.flush()


def lock_project(session: Session, actor: Actor, project_id: int) -> Project:
    """The project, held until the end of the transaction.

    Raises:
        NotFound, Forbidden: no such project, or the actor may not plan for it.
    """
    query = select(Project).where(Project.id == project_id).with_for_update()
    project = session.scalars(query).one_or_none()
    if project is None:
        raise NotFound
    if not actor.can_edit(project.organisation_id):
        raise Forbidden
    return project


# Whole quarters ---------------------------------------------------------------------------------------------------


def copy_quarter(
    session: Session, actor: Actor, *, project_id: int, source: Quarter, target: Quarter, now: datetime
) -> PlanChange:
    """The planned figures of one quarter for another. What is planned there already stays, and is counted as `left`.

    Raises:
        NotFound, Forbidden: no such project, or the actor may not plan for it.
        InvalidInput: there is nothing to copy, or nowhere to copy it to.
    """
    project = lock_project(session, actor, project_id)
    problems = list(year_problems(target.year, today=local_date(now), field="target"))
    there = rows_of_project(session, project_id=project.id, with_emptied=True)
    kept = [row for row in there if not is_emptied(row)]
    copied = [row for row in kept if (row.year, row.quarter) == (source.year, source.number)]
    if source == target:
        problems.append(FieldError(field="target", message=N_("Choose another quarter to copy to.")))
    if not copied:
        problems.append(FieldError(field="source", message=N_("Nothing is planned in that quarter.")))
    if problems:
        raise InvalidInput(*problems)
    places = {_place(row) for row in kept}
    wanted = [_copied(row, target) for row in copied]
    edits = [("", EditedRow(values=values)) for values in wanted if _place(values) not in places]
    change = _write(session, actor, project, there, edits, now=now)
    change.left = len(wanted) - len(edits)
    return change


def values_of(row: MassPlanRow) -> PlanRowValues:
    """What is kept of a row, as somebody would say it."""

    def kept(part: str) -> PlanRange:
        low_t, likely_t, high_t = (getattr(row, f"{part}_{end}t") for end in ("low_", "", "high_"))
        return PlanRange(low_t=low_t, likely_t=likely_t, high_t=high_t)

    return PlanRowValues(
        material_key=row.material_key,
        year=row.year,
        quarter=row.quarter,
        excavated=kept("excavated"),
        reused=kept("reused"),
        needed=kept("needed"),
        actual_excavated_t=row.actual_excavated_t,
        actual_reused_t=row.actual_reused_t,
        actual_passed_on_t=row.actual_passed_on_t,
        actual_disposed_t=row.actual_disposed_t,
        note=row.note,
    )


def _copied(row: MassPlanRow, target: Quarter) -> PlanRowValues:
    nothing_known: dict[str, Any] = dict.fromkeys(ACTUALS)
    return replace(values_of(row), year=target.year, quarter=target.number, **nothing_known)


# Listings ---------------------------------------------------------------------------------------------------------


def make_draft_listings(session: Session, actor: Actor, *, project_id: int, now: datetime) -> DraftChanges:
    """A draft listing for each surplus and each deficit of the plan that has none, and the others brought in step.

    Pressed again it makes nothing new. What is over, and what has a closed listing, gets none.

    Raises:
        NotFound, Forbidden: no such project, or the actor may not post for it.
        Conflict: there is no plan.
    """
    project = lock_project(session, actor, project_id)
    rows = rows_of_project(session, project_id=project.id)
    if not rows:
        raise Conflict(N_("There is no plan to make listings from yet."))
    changes = follow_plan(session, actor, project=project, row_ids=[row.id for row in rows], now=now)
    changes += make_drafts(session, actor, project=project, rows=rows, now=now)
    return changes
