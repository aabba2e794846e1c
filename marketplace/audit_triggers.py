"""The SQL that has a table's changes logged: a row trigger each, so that no code can forget to.

    from marketplace.audit_triggers import audited, through, unaudited

    op.execute(audited("deal", organisations=("giver_organisation_id", "taker_organisation_id")))
    op.execute(audited("ticket", subject={"deal": "deal_id"}, organisations=through("deal", "deal_id", *PARTIES)))

Migrations call this, so what it makes of the same arguments must not change. Who acts is told by `services.audit`; what
an entry holds is told by `models.audit`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

HOUSEKEEPING: Final = ("created_at", "updated_at")
"""Columns that are never logged: an entry says when."""


def audited(
    table: str,
    *,
    organisations: Sequence[str] = (),
    subject: Mapping[str, str] | None = None,
    row: str = "id",
    without: Sequence[str] = (),
    masked: Sequence[str] = (),
    inserts: bool = True,
) -> str:
    """The statement that has each insert, update and delete of the table's rows logged, and that it was truncated.

    Called again for the same table, it replaces what was there. Wherever a column is named, an SQL expression on the
    row `this` may stand instead, such as what `through` makes. The trigger's function is written out column by column
    (`audit_compile`), and again after each migration, so that columns that are added are logged too.

    Args:
        organisations: what holds the ids of the organisations whose members may read of it; empty for administrators.
        subject: what people know it as part of, by table: the first whose column is not null; the row itself if None.
        row: the column that tells the row apart (bigint).
        without: columns whose changes say nothing, or that are secrets; one that only changes these is not logged.
        masked: columns of which it is logged that they changed and never what they hold.
        inserts: whether new rows are logged; not those that only come, and go, with a bigger thing that is.
    """
    parts = subject or {table: row}
    options = {
        "row": _expression(row),
        "subjects": [{"table": name, "id": _expression(column)} for name, column in parts.items()],
        "organisations": [_expression(each) for each in organisations],
        "without": [*HOUSEKEEPING, *without],
        "masked": list(masked),
        "inserts": inserts,
    }
    return f"SELECT audit_declare('{table}', $options${json.dumps(options)}$options$)"


def unaudited(table: str) -> str:
    """Undoes `audited`, whether or not the table is still there."""
    return f"DROP FUNCTION IF EXISTS audit_on_{table}() CASCADE"


def through(table: str, key: str, *columns: str) -> tuple[str, ...]:
    """Organisations named by `columns` of the row of `table` that the row's `key` points at."""
    # Formatted by migrations, from names they wrote themselves.
    named = columns or ("organisation_id",)
    return tuple(f"(SELECT o.{each} FROM {table} o WHERE o.id = {_expression(key)})" for each in named)  # noqa: S608


def _expression(column: str) -> str:
    return f"this.{column}" if column.isidentifier() else column
