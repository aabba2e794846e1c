"""The SQL that has a table's changes logged: a row trigger each, so that no code can forget to.

    from marketplace.audit_triggers import audited, through, unaudited

    op.execute(audited("deal", organisations=("giver_organisation_id", "taker_organisation_id")))
    op.execute(audited("ticket", subject={"deal": "deal_id"}, organisations=through("deal", "deal_id", *PARTIES)))

Migrations call this, so what it makes of the same arguments must not change. Who acts is told by `services.audit`; what
an entry holds is told by `models.audit`.
"""

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
    """Statements that log each insert, update and delete of the table's rows, and that it was truncated.

    Called again for the same table, it replaces what was there. Wherever a column is named, an SQL expression on the
    row `this` may stand instead, such as what `through` makes.

    Args:
        organisations: what holds the ids of the organisations whose members may read of it; empty for administrators.
        subject: what people know it as part of, by table: the first whose column is not null; the row itself if None.
        row: the column that tells the row apart (bigint).
        without: columns whose changes say nothing, or that are secrets; one that only changes these is not logged.
        masked: columns of which it is logged that they changed and never what they hold.
        inserts: whether new rows are logged; not those that only come, and go, with a bigger thing that is.
    """
    function = f"audit_on_{table}"
    parts = subject or {table: row}
    of_type = " ".join(f"WHEN {_expression(column)} IS NOT NULL THEN '{name}'" for name, column in parts.items())
    of_id = ", ".join(_expression(column) for column in parts.values())
    readers = ", ".join(_expression(each) for each in organisations)
    events = "INSERT OR UPDATE OR DELETE" if inserts else "UPDATE OR DELETE"
    gone = "" if inserts else f"IF TG_OP = 'DELETE' AND coalesce({of_id}) IS NULL THEN RETURN NULL; END IF;"
    return f"""
        CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $audit$
        DECLARE
            this record;
            readers bigint[];
        BEGIN
            IF TG_OP = 'TRUNCATE' THEN
                PERFORM audit_write('{table}', NULL, '{table}', NULL, '{{}}', 'truncate', NULL, NULL, '{{}}', '{{}}');
                RETURN NULL;
            END IF;
            IF TG_OP = 'UPDATE' THEN
                this := OLD;
                readers := ARRAY[{readers}]::bigint[];
            END IF;
            IF TG_OP = 'DELETE' THEN this := OLD; ELSE this := NEW; END IF;
            {gone}
            PERFORM audit_write(
                '{table}', {_expression(row)}, CASE {of_type} END, coalesce({of_id}),
                readers || ARRAY[{readers}]::bigint[], lower(TG_OP), to_jsonb(OLD), to_jsonb(NEW),
                {_array((*HOUSEKEEPING, *without))}, {_array(masked)}
            );
            RETURN NULL;
        END
        $audit$;
        CREATE OR REPLACE TRIGGER audit AFTER {events} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}();
        CREATE OR REPLACE TRIGGER audit_truncate AFTER TRUNCATE ON {table} EXECUTE FUNCTION {function}();
    """


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


def _array(names: Sequence[str]) -> str:
    return "ARRAY[" + ", ".join(f"'{name}'" for name in names) + "]::text[]"
