"""Pages of rows in the order of their ids, newest first, by key: no page shifts when a row is added.

Rows may be sorted by something else first; a page is then still named by the id of a row beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

PAGE_SIZE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a page begins: with the rows older than `before`, or the ones just newer than `after`; else the newest."""

    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdPage[Item]:
    """`newer` and `older` lead to the pages beside this one; None where there is none."""

    items: tuple[Item, ...]
    newer: Cursor | None
    older: Cursor | None


def page_by_id[Item](
    session: Session,
    query: Select[Any],
    *,
    key: ColumnElement[int] | InstrumentedAttribute[int],
    make: Callable[[Row[Any]], Item],
    id_of: Callable[[Item], int],
    cursor: Cursor,
    size: int = PAGE_SIZE,
    sorted_by: Sequence[InstrumentedAttribute[Any]] = (),
) -> IdPage[Item]:
    """One page of `query`, which must not be ordered; each row goes through `make`.

    `sorted_by`, of the same table as `key` and never null, come before the ids, which then tell equals apart.
    """
    place = _Place(key=key, sorted_by=sorted_by)
    if cursor.after is not None:
        found = session.execute(query.where(place.after(cursor.after)).order_by(*place.ascending).limit(size + 1)).all()
        items = tuple(make(row) for row in reversed(found[:size]))
        has_newer, has_older = len(found) > size, bool(items)
    else:
        if cursor.before is not None:
            query = query.where(place.before(cursor.before))
        found = session.execute(query.order_by(*place.descending).limit(size + 1)).all()
        items = tuple(make(row) for row in found[:size])
        has_newer, has_older = cursor.before is not None and bool(items), len(found) > size
    return IdPage(
        items=items,
        newer=Cursor(after=id_of(items[0])) if has_newer else None,
        older=Cursor(before=id_of(items[-1])) if has_older else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a row stands in its list."""

    key: ColumnElement[int] | InstrumentedAttribute[int]
    sorted_by: Sequence[InstrumentedAttribute[Any]]

    @property
    def ascending(self) -> list[Any]:
        return [*self.sorted_by, self.key]

    @property
    def descending(self) -> list[Any]:
        return [column.desc() for column in self.ascending]

    def after(self, row_id: int) -> ColumnElement[bool]:
        return tuple_(*self.ascending) > tuple_(*self._of(row_id))

    def before(self, row_id: int) -> ColumnElement[bool]:
        return tuple_(*self.ascending) < tuple_(*self._of(row_id))

    def _of(self, row_id: int) -> list[Any]:
        if not self.sorted_by:
            return [row_id]
        row = aliased(self.sorted_by[0].class_)
        of_row = [select(getattr(row, each.key)).where(row.id == row_id).scalar_subquery() for each in self.sorted_by]
        return [*of_row, row_id]
