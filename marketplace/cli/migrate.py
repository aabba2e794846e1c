"""`masseflyt migrate`: the newest tables, and the reference data they need."""

from marketplace.cli import cli
from marketplace.cli.database import Database, current_revision, ensure_extensions, open_database, sessions, step


@cli.command()
def migrate() -> None:
    """Bring the database to the newest migration and load the reference data.

    Works on DATABASE_URL, or on the private cluster. Safe to run again, and while another program migrates. It makes
    PostGIS and the other extensions where the role may; the database itself must exist.
    """
    with open_database() as database:
        bring_up_to_date(database)


def bring_up_to_date(database: Database) -> None:
    """Extensions, migrations, then materials, municipalities and places; each is skipped where it is there already."""
    from marketplace.migrate import head_revision, upgrade
    from marketplace.services.reference import load_reference_data

    ensure_extensions(database.engine)
    with database.engine.connect() as connection:
        before = current_revision(connection)
    if before != head_revision():
        with step(f"Migrating the database from {before or 'nothing'} to {head_revision()}"):
            upgrade(database.engine)
    with step("Checking the reference data"), sessions(database).begin() as session:
        load_reference_data(session)
