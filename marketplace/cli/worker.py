"""`masseflyt worker`: does the jobs."""

import click

from marketplace.cli import cli
from marketplace.cli.database import open_database, require_newest_schema
from marketplace.lifetime import end_with_parent


@cli.command()
@click.option("--until-empty", is_flag=True, help="Do what is queued now, then end.")
def worker(*, until_empty: bool) -> None:
    """Do the jobs: send mail, end listings whose period is over, remind of those that soon are.

    `masseflyt serve` runs one of its own unless told not to. Any number of them can run beside each other, on any
    machine that reaches the database.
    """
    end_with_parent()
    with open_database() as database:
        require_newest_schema(database)
        database.engine.dispose()  # the tasks have an engine of their own

        from marketplace import logging
        from marketplace.jobs import run_worker

        logging.configure(database.settings)
        run_worker(database.settings, wait=not until_empty)
