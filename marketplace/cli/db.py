"""`masseflyt db`: the private cluster by hand."""

import os
import signal
import subprocess
import sys

import click
from sqlalchemy import make_url

from marketplace.cli import cli
from marketplace.cluster import Cluster
from marketplace.config import load_settings
from marketplace.postgres import ProgramsMissing, find_programs


@cli.group()
def db() -> None:
    """Start, stop or look into the private PostgreSQL cluster in var/postgres."""


@db.command()
def start() -> None:
    """Start the cluster and keep it running until `masseflyt db stop`."""
    cluster = Cluster()
    cluster.keep()
    cluster.make_database()
    click.echo(f"PostgreSQL is running: {cluster.url()}")


@db.command()
def stop() -> None:
    """Stop the cluster, or let it stop with the last program that uses it."""
    if Cluster().release():
        click.echo("PostgreSQL is stopped.")
    else:
        click.echo("PostgreSQL is in use by another program, and stops when that ends.")


@db.command()
def status() -> None:
    """Say whether the cluster runs, where it is, and what keeps it running."""
    cluster = Cluster()
    cluster.require_own()
    if not cluster.data.exists():
        click.echo(f"No cluster has been made yet in {cluster.given_home}.")
        return
    click.echo(f"Folder:      {cluster.home}")
    click.echo(f"PostgreSQL:  {cluster.programs.version} with PostGIS {cluster.programs.postgis_version}")
    click.echo(f"Runs as:     {cluster.user.name}")
    click.echo(f"Log:         {cluster.log}")
    if not cluster.is_running():
        click.echo("State:       stopped")
        return
    click.echo(f"Address:     {cluster.url()}")
    reasons = ["`masseflyt db start`"] if cluster.is_kept() else []
    reasons += ["programs that use it"] if cluster.is_leased() else []
    click.echo(f"State:       running, kept by {' and '.join(reasons) or 'nobody: the next program to end stops it'}")


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open psql on the database; ARGUMENTS go to psql, such as -c "SELECT count(*) FROM listing"."""
    settings = load_settings()
    if settings.database_url:
        sys.exit(_run_psql(settings.database_url, arguments))
    with Cluster().lease() as lease:
        lease.cluster.make_database()
        code = _run_psql(lease.url(), arguments)
    sys.exit(code)


def _run_psql(url: str, arguments: tuple[str, ...]) -> int:
    try:
        program = find_programs().path("psql")
    except ProgramsMissing:
        program = "psql"
    address = make_url(url).set(drivername="postgresql")
    environment = {**os.environ, "PGPASSWORD": str(address.password)} if address.password else None
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql, which cancels the query
    try:
        # The password goes by the environment: other users can read a program's arguments.
        without_password = address.set(password=None).render_as_string(hide_password=False)
        return subprocess.run([program, without_password, *arguments], env=environment, check=False).returncode
    except FileNotFoundError:
        raise click.ClickException("psql is not installed.") from None
