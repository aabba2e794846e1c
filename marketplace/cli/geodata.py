"""`masseflyt geodata`: the municipality division that everything is placed in."""

from pathlib import Path

import click

from marketplace import clock
from marketplace.cli import cli
from marketplace.cli.database import open_database, require_newest_schema, sessions, step


@cli.group()
def geodata() -> None:
    """The municipality division and the gazetteer."""


@geodata.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=True, path_type=Path))
@click.option("--layer", help="The layer of municipalities, where the file has several.")
@click.option("--crs", help="The file's coordinate system, such as EPSG:25833, where the file does not say it.")
@click.option("--dry-run", is_flag=True, help="Do everything, say what would change, and change nothing.")
def import_file(file: Path, layer: str | None, crs: str | None, dry_run: bool) -> None:
    """Use the municipality division in FILE from now on: GeoJSON (also gzipped) or GeoPackage, in any system.

    Made for Kartverket's and Statistics Norway's files of the whole country. Every project, facility and listing is
    then put into its municipality again; numbers that are no longer in use lead to those that took over.
    """
    from marketplace.services.division_file import read_division
    from marketplace.services.geodata import import_division

    with open_database() as database:
        require_newest_schema(database)
        with step(f"Reading {file.name}"):
            division = read_division(file, layer=layer, crs=crs)
        with sessions(database)() as session:
            with step("Replacing the division and locating everything again"):
                change = import_division(session, division, now=clock.now())
            if dry_run:
                session.rollback()
            else:
                session.commit()
    click.echo(f"  {change.municipalities} municipalities, {change.repaired} of them with mended outlines.")
    click.echo(f"  New numbers: {', '.join(change.added) or 'none'}.")
    for number, heirs in sorted(change.successors.items()):
        click.echo(f"  {number} is no longer in use; now {', '.join(heirs) or 'nobody has its area'}.")
    click.echo(
        f"  In another municipality than before: {change.moved_projects} projects,"
        f" {change.moved_facilities} facilities, {change.moved_listings} listings,"
        f" {change.moved_deals} deals."
    )
    if dry_run:
        click.echo("  This was a dry run: nothing was changed.")


@geodata.command()
def status() -> None:
    """Say which division is in use, and what the gazetteer holds."""
    from marketplace.queries.municipalities import division_sources
    from marketplace.queries.places import count_places

    with open_database() as database:
        require_newest_schema(database)
        with sessions(database)() as session:
            sources = division_sources(session)
            places = count_places(session)
    for source, count in sources:
        click.echo(f"  {count} municipalities from: {source}")
    for source, count in places:
        click.echo(f"  {count} names in the gazetteer from: {source}")
