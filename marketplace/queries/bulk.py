"""Reading imports: an organisation's own, and the rows of one."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.models import ImportBatch, ImportRow
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import ImportRowStatus

ROWS_A_PAGE = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """How many rows of a file there are of each sort. `known` of the good ones are about listings that are there."""

    good: int
    bad: int
    known: int
    applied: int
    unchanged: int
    noted: int
    """Applied, and not all that was wanted: a surplus that stays a draft."""

    @property
    def usable(self) -> int:
        """Good ones, and those that were applied as they were or said nothing new."""
        return self.good + self.applied + self.unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPage:
    """A page of rows by line. `previous` and `following` lead to the pages beside it."""

    rows: tuple[ImportRow, ...]
    previous: Cursor | None
    following: Cursor | None


def batch_for_page(session: Session, *, batch_id: int) -> ImportBatch | None:
    query = select(ImportBatch).where(ImportBatch.id == batch_id).options(*_with_names())
    return session.scalars(query).one_or_none()


def batches_of(session: Session, *, organisation_ids: tuple[int, ...], cursor: Cursor) -> IdPage[ImportBatch]:
    """The imports of some organisations, newest first."""
    query = select(ImportBatch).where(ImportBatch.organisation_id.in_(organisation_ids)).options(*_with_names())
    return page_by_id(
        session, query, key=ImportBatch.id, make=lambda row: row[0], id_of=lambda batch: batch.id, cursor=cursor
    )


def _with_names() -> tuple[Any, ...]:
    return (
        joinedload(ImportBatch.organisation),
        joinedload(ImportBatch.project),
        joinedload(ImportBatch.created_by),
    )


IS_DONE = ImportRow.status.in_((ImportRowStatus.APPLIED, ImportRowStatus.UNCHANGED))
IS_NOTED = and_(IS_DONE, func.jsonb_array_length(ImportRow.problems) > 0)
IS_BAD = ImportRow.status == ImportRowStatus.BAD
IS_USABLE = ImportRow.status.in_((ImportRowStatus.GOOD, ImportRowStatus.APPLIED, ImportRowStatus.UNCHANGED))


def row_counts(session: Session, *, batch_id: int) -> RowCounts:
    def count(condition: ColumnElement[bool]) -> Any:
        return func.count().filter(condition)

    row = session.execute(
        select(
            count(ImportRow.status == ImportRowStatus.GOOD),
            count(IS_BAD),
            count(and_(ImportRow.status == ImportRowStatus.GOOD, ImportRow.listing_id.is_not(None))),
            count(ImportRow.status == ImportRowStatus.APPLIED),
            count(ImportRow.status == ImportRowStatus.UNCHANGED),
            count(IS_NOTED),
        ).where(ImportRow.batch_id == batch_id)
    ).one()
    good, bad, known, applied, unchanged, noted = row
    return RowCounts(good=good, bad=bad, known=known, applied=applied, unchanged=unchanged, noted=noted)


def count_good_with(session: Session, *, batch_id: int, references: Collection[str]) -> int:
    """How many good rows have one of some references."""
    if not references:
        return 0
    query = select(func.count()).where(
        ImportRow.batch_id == batch_id,
        ImportRow.status == ImportRowStatus.GOOD,
        ImportRow.reference.in_(references),
    )
    return session.scalars(query).one()


def rows_with_problems(session: Session, *, batch_id: int, is_bad: bool, cursor: Cursor) -> RowPage:
    """Rows that cannot be used, else those that were applied and have a note, in the order of the file."""
    return _page(session, batch_id, IS_BAD if is_bad else IS_NOTED, cursor)


def usable_rows(session: Session, *, batch_id: int, cursor: Cursor) -> RowPage:
    """Rows that can be applied or have been, in the order of the file."""
    return _page(session, batch_id, IS_USABLE, cursor)


def _page(session: Session, batch_id: int, condition: ColumnElement[bool], cursor: Cursor) -> RowPage:
    query = select(ImportRow).where(ImportRow.batch_id == batch_id, condition)
    if cursor.before is not None:
        ordered = query.where(ImportRow.line < cursor.before).order_by(ImportRow.line.desc())
        found = session.scalars(ordered.limit(ROWS_A_PAGE + 1)).all()
        rows = tuple(reversed(found[:ROWS_A_PAGE]))
        has_previous, has_following = len(found) > ROWS_A_PAGE, bool(rows)
    else:
        after = query.where(ImportRow.line > cursor.after) if cursor.after is not None else query
        found = session.scalars(after.order_by(ImportRow.line).limit(ROWS_A_PAGE + 1)).all()
        rows = tuple(found[:ROWS_A_PAGE])
        has_previous, has_following = cursor.after is not None and bool(rows), len(found) > ROWS_A_PAGE
    return RowPage(
        rows=rows,
        previous=Cursor(before=rows[0].line) if has_previous else None,
        following=Cursor(after=rows[-1].line) if has_following else None,
    )


def bad_rows(session: Session, *, batch_id: int) -> Iterator[ImportRow]:
    """All rows that cannot be used, a thousand at a time."""
    query = select(ImportRow).where(ImportRow.batch_id == batch_id, IS_BAD).order_by(ImportRow.line)
    last = 0
    while found := session.scalars(query.where(ImportRow.line > last).limit(1_000)).all():
        yield from found
        last = found[-1].line
        session.expunge_all()
