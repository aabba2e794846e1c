"""`masseflyt roads`: the network of roads that distances are driven on."""

from pathlib import Path

import click

from marketplace import clock
from marketplace.cli import cli
from marketplace.cli.database import step
from marketplace.config import load_settings

MB = 1_000_000


@cli.group()
def roads() -> None:
    """The roads that distances are measured along; without them, they are estimates."""


@roads.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def build(file: Path) -> None:
    """Build the roads of FILE, an extract of OpenStreetMap (.osm.pbf), and use them from now on.

    A server and a worker that are running take them up by themselves. Distances that were agreed or reported before
    stay as they are.
    """
    from marketplace.services.road_networks import build_network

    with step(f"Building the roads of {file.name} ({file.stat().st_size / MB:.1f} MB)"):
        network = build_network(_folder(), file, now=clock.now())
    click.echo(f"  In use: {network.version}, {network.tiles_bytes / MB:.1f} MB, built by {network.engine}.")
    click.echo("  Data: © OpenStreetMap contributors, ODbL 1.0; the pages say so while it is in use.")


@roads.command()
def status() -> None:
    """Say which roads are in use."""
    from marketplace import road_files

    network = road_files.current_network(_folder())
    if network is None:
        click.echo("  No network of roads: distances are the straight line times a factor, and say so.")
        return
    click.echo(f"  In use: {network.version}, of {network.file_name} ({network.file_bytes / MB:.1f} MB).")
    click.echo(f"  Built {network.built_at:%Y-%m-%d %H:%M} UTC by {network.engine}; {network.tiles_bytes / MB:.1f} MB.")
    click.echo(f"  The file's SHA-256: {network.file_sha256}")


@roads.command()
def remove() -> None:
    """Remove the roads: distances are estimates from now on. What was agreed or reported before stays as it is."""
    from marketplace.services.road_networks import remove_networks

    was_there = remove_networks(_folder())
    click.echo("  The roads are removed." if was_there else "  There were no roads.")


def _folder() -> Path:
    return load_settings().roads_dir
