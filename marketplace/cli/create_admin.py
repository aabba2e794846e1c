"""`masseflyt create-admin`: the first administrator of an installation, or one more."""

import sys

import click
from email_validator import EmailNotValidError, validate_email

from marketplace import clock
from marketplace.cli import cli
from marketplace.cli.database import open_session
from marketplace.errors import InvalidInput
from marketplace.services.accounts import create_admin
from marketplace.text import clean_line


@cli.command("create-admin")
@click.argument("email")
@click.option("--name", required=True, help="The person's name, as others see it.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
def make_admin(*, email: str, name: str, password_stdin: bool) -> None:
    """Make the account with the address EMAIL an administrator; it is made where there is none.

    The password is asked for twice. An account that exists gets the new password and is logged out everywhere.
    """
    address, name = _address(email), clean_line(name)
    if not name:
        raise click.BadParameter("is empty", param_hint="--name")
    password = sys.stdin.readline().rstrip("\n") if password_stdin else _ask_for_password()
    with open_session() as session:
        try:
            user = create_admin(session, email=address, name=name, password=password, now=clock.now())
        except InvalidInput as refused:
            reasons = "; ".join(error.message % error.params for error in refused.errors)
            raise click.ClickException(reasons) from None
        click.echo(f"{user.name} <{user.email}> is an administrator.")


def _address(email: str) -> str:
    try:
        return validate_email(email, check_deliverability=False, allow_smtputf8=False).ascii_email or email
    except EmailNotValidError as error:
        raise click.BadParameter(str(error), param_hint="EMAIL") from None


def _ask_for_password() -> str:
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
