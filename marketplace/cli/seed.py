"""`masseflyt seed`: the demo region, and generated sets for trying scale."""

import time

import click
from sqlalchemy.orm import Session

from marketplace import clock
from marketplace.cli import cli
from marketplace.cli.database import Database, open_database, require_newest_schema, sessions, step
from marketplace.cli.migrate import bring_up_to_date

MOST_LISTINGS = 5_000_000


@cli.command()
@click.option(
    "--reset", is_flag=True, help="Throw away everything in the demo, visitors' own things too, and start anew."
)
@click.option(
    "--scale",
    "listings",
    type=click.IntRange(1, MOST_LISTINGS),
    metavar="N",
    help="Add N generated listings, spread over Norway as people are.",
)
@click.option("--yes", is_flag=True, help="Do not ask before throwing anything away.")
def seed(*, reset: bool, listings: int | None, yes: bool) -> None:
    """Load the demo region: real projects around Bærum and Oslo, invented organisations, listings and log-ins.

    Only an empty database or a demo takes it: the log-ins have a published password, and every page says that it is a
    demo. Works on DATABASE_URL, or on the private cluster. Days count from today, so a reset makes the demo fresh.
    """
    with open_database() as database:
        if database.is_private:
            bring_up_to_date(database)
        else:
            require_newest_schema(database)
        if reset:
            _reset(database, yes=yes)
        else:
            _load(database)
        if listings is not None:
            _add_scale(database, listings)
        _show_log_ins(database)


def load_demo_if_empty(database: Database) -> None:
    """Give a database that nobody has used yet the demo region; leave any other alone."""
    from marketplace.services.demo import is_empty

    with sessions(database)() as session:
        if not is_empty(session):
            return
    _load(database)


def demo_log_ins(database: Database) -> list[tuple[str, str]]:
    """What each demo log-in is for, and its address and password; none where the database is no demo."""
    from marketplace.queries.accounts import example_accounts
    from marketplace.services.demo import DEMO_PASSWORD, is_demo

    with sessions(database)() as session:
        if not is_demo(session):
            return []
        return [
            (
                f"{account.organisation_name}, {account.role}" if account.organisation_name else "Administrator",
                f"{account.email}  {DEMO_PASSWORD}",
            )
            for account in example_accounts(session)
        ]


def _load(database: Database) -> None:
    from marketplace.services.demo import load_demo

    with step("Loading the demo region"), sessions(database).begin() as session:
        loaded = load_demo(session, now=clock.now())
    if loaded is None:
        click.echo("  The demo region was there already; `masseflyt seed --reset` starts it anew.")
    else:
        click.echo(f"  {loaded.listings} listings, {loaded.projects} projects and {loaded.facilities} facilities.")


def _reset(database: Database, *, yes: bool) -> None:
    from marketplace.services.demo import require_demo_or_empty, reset_demo

    with sessions(database)() as session:
        require_demo_or_empty(session)
        rows = _own_rows(session)
    if not yes:
        click.confirm(f"  Throw away everything in this demo, {rows} listings among it, and start anew?", abort=True)
    with step("Resetting the demo region"), sessions(database).begin() as session:
        reset_demo(session, now=clock.now())


def _own_rows(session: Session) -> int:
    from sqlalchemy import func, select

    from marketplace.models import Listing

    return session.scalar(select(func.count()).select_from(Listing)) or 0


def _add_scale(database: Database, listings: int) -> None:
    from marketplace.services.scale import load_scale

    began = time.perf_counter()
    with step(f"Generating {listings:,} listings"), sessions(database).begin() as session:
        loaded = load_scale(session, listings=listings, now=clock.now())
    rate = listings / (time.perf_counter() - began)
    click.echo(
        f"  In {loaded.projects:,} projects of {loaded.organisations:,} organisations: {rate:,.0f} listings a second."
    )


def _show_log_ins(database: Database) -> None:
    log_ins = demo_log_ins(database)
    width = max((len(purpose) for purpose, _ in log_ins), default=0)
    click.echo("\n  Log-ins:")
    for purpose, account in log_ins:
        click.echo(f"  {purpose:<{width}}  {account}")
