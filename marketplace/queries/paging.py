"""Pages of rows in the order of their ids, newest first, by key: no page shifts when a row is added."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select
from sqlalchemy.orm import InstrumentedAttribute, Session

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
) -> IdPage[Item]:
    """One page of `query`, which must not be ordered; each row goes through `make`."""
    if cursor.after is not None:
        found = session.execute(query.where(key > cursor.after).order_by(key).limit(size + 1)).all()
        items = tuple(make(row) for row in reversed(found[:size]))
        has_newer, has_older = len(found) > size, bool(items)
    else:
        if cursor.before is not None:
            query = query.where(key < cursor.before)
        found = session.execute(query.order_by(key.desc()).limit(size + 1)).all()
        items = tuple(make(row) for row in found[:size])
        has_newer, has_older = cursor.before is not None and bool(items), len(found) > size
    return IdPage(
        items=items,
        newer=Cursor(after=id_of(items[0])) if has_newer else None,
        older=Cursor(before=id_of(items[-1])) if has_older else None,
    )
