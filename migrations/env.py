"""Runs migrations with short lock waits, and keeps autogenerate to the program's own tables."""

from alembic import context
from sqlalchemy import Connection, text

from marketplace.models import Base

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"
MIGRATION_LOCK_KEY = 0x6D617373
FOREIGN_TABLES = ("procrastinate_", "spatial_ref_sys")


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """Leave Procrastinate's and PostGIS's own tables alone."""
    return not (kind == "table" and name is not None and name.startswith(FOREIGN_TABLES))


def refresh_audit_log(connection: Connection) -> None:
    """Have the columns that migrations added logged as well."""
    if connection.scalar(text("SELECT to_regproc('audit_refresh')")) is not None:
        connection.execute(text("SELECT audit_refresh()"))
    connection.commit()


def migrate(connection: Connection) -> None:
    # Two programs that start at once must not both migrate.
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK_KEY})
    set_value = text("SELECT set_config(:name, :value, false)")
    lock_timeout = context.config.attributes.get("lock_timeout", LOCK_TIMEOUT)
    connection.execute(set_value, {"name": "lock_timeout", "value": lock_timeout})
    connection.execute(set_value, {"name": "statement_timeout", "value": STATEMENT_TIMEOUT})
    connection.execute(set_value, {"name": "masseflyt.actor_label", "value": "cli:migrate"})  # for the audit log
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_name=include_name,
            compare_type=True,
            compare_server_default=False,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        refresh_audit_log(connection)
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK_KEY})
        connection.execute(text("RESET lock_timeout"))
        connection.execute(text("RESET statement_timeout"))
        connection.execute(text("RESET masseflyt.actor_label"))
        connection.commit()


engine = context.config.attributes["engine"]
with engine.connect() as opened:
    migrate(opened)
