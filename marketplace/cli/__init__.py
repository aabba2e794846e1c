"""The command `masseflyt`. Each module registers its commands on `cli`, and is loaded only when one is asked for."""

import importlib
import sys

import click

from marketplace.cluster import ClusterError
from marketplace.errors import DomainError

MODULES = {
    "serve": "marketplace.cli.serve",
    "worker": "marketplace.cli.worker",
    "migrate": "marketplace.cli.migrate",
    "db": "marketplace.cli.db",
    "seed": "marketplace.cli.seed",
    "geodata": "marketplace.cli.geodata",
    "roads": "marketplace.cli.roads",
    "create-admin": "marketplace.cli.create_admin",
    "audit": "marketplace.cli.audit",
    "impact": "marketplace.cli.impact",
}
"""Command -> the module that defines it with `@cli.command()` or `@cli.group()`."""


class CommandsOnDemand(click.Group):
    """Starting the server should not wait for what only other commands import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in MODULES and cmd_name not in self.commands:
            importlib.import_module(MODULES[cmd_name])
        return self.commands.get(cmd_name)


@click.group(cls=CommandsOnDemand, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Masseflyt: a marketplace for clean surplus masses.

    Settings come from the environment. Where DATABASE_URL is unset, a private PostgreSQL cluster in var/postgres is
    used, which each command starts when it needs it and the last one to end stops.
    """


def main() -> None:
    """Run the command; what a person can act on is told in a sentence, not in a traceback."""
    try:
        cli(prog_name="masseflyt")
    except (ClusterError, DomainError) as error:
        click.secho(f"Masseflyt: {error}", err=True, fg="red")
        sys.exit(1)
