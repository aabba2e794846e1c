"""The migrations and the models say the same."""

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from marketplace.db import make_engine
from marketplace.migrate import alembic_config, head_revision, upgrade
from marketplace.models import Base
from tests.conftest import fresh_database, test_settings


def test_there_is_one_head() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [head_revision()]


def test_migrations_are_numbered_in_order() -> None:
    revisions = [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()]
    assert revisions == [f"{number:04d}" for number in range(len(revisions), 0, -1)]


def test_autogenerate_finds_nothing_to_do(engine: Engine) -> None:
    command.check(alembic_config(engine))  # raises where the models differ from the migrated database


def test_every_constraint_and_index_is_named() -> None:
    unnamed = [
        f"{table.name}: {item!r}"
        for table in Base.metadata.tables.values()
        for item in (*table.constraints, *table.indexes)
        if not item.name
    ]
    assert unnamed == []


def test_every_geometry_has_a_gist_index(engine: Engine) -> None:
    missing = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.type.__class__.__name__ == "Geometry"
        and not any(
            column in index.columns.values() and index.dialect_options["postgresql"]["using"] == "gist"
            for index in table.indexes
        )
    ]
    assert missing == []


def test_migrating_down_and_up_again_ends_where_it_began(database_server: URL) -> None:
    with fresh_database(database_server) as url:
        engine = make_engine(test_settings(url))
        upgrade(engine)
        command.downgrade(alembic_config(engine), "base")
        left = set(inspect(engine).get_table_names()) - {"spatial_ref_sys", "alembic_version"}
        upgrade(engine)
        command.check(alembic_config(engine))
        engine.dispose()
    assert left == set()


def test_a_migration_gives_up_on_a_lock_instead_of_queueing(database_server: URL) -> None:
    """A migration that waits for a lock makes everybody else wait behind it."""
    with fresh_database(database_server) as url:
        engine = make_engine(test_settings(url))
        upgrade(engine)
        config = alembic_config(engine)
        config.attributes["lock_timeout"] = "100ms"
        with engine.begin() as reader:
            reader.execute(text("LOCK TABLE listing IN ACCESS SHARE MODE"))
            with pytest.raises(OperationalError, match="lock timeout"):
                command.downgrade(config, "base")
        engine.dispose()


def test_every_foreign_key_is_indexed(engine: Engine) -> None:
    """Without an index each change of the row pointed at scans the table that points."""
    unindexed = """
        SELECT c.conrelid::regclass || '.' || a.attname
        FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
          AND c.conrelid::regclass::text NOT LIKE 'procrastinate%'
          AND NOT EXISTS (
            SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = a.attnum AND i.indpred IS NULL
          )
    """
    with engine.connect() as connection:
        assert list(connection.scalars(text(unindexed))) == []
