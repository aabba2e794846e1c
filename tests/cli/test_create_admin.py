"""`masseflyt create-admin`, on a database of its own."""

from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, select
from sqlalchemy.engine import URL

from marketplace.cli import cli
from marketplace.db import make_engine, make_sessions
from marketplace.migrate import upgrade
from marketplace.models import User
from marketplace.services.accounts import authenticate
from tests.conftest import fresh_database, test_settings

PASSWORD = "rolig elv under brua"
EMAIL = "ada@masseflyt.example"


@pytest.fixture(scope="module")
def own_engine(database_server: URL) -> Iterator[Engine]:
    with fresh_database(database_server) as url:
        made = make_engine(test_settings(url))
        upgrade(made)
        yield made
        made.dispose()


@pytest.fixture
def environment(own_engine: Engine) -> dict[str, str]:
    return {
        "DATABASE_URL": own_engine.url.render_as_string(hide_password=False),
        "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
    }


def run(environment: dict[str, str], *arguments: str, typed: str) -> Result:
    return CliRunner().invoke(cli, ["create-admin", *arguments], input=typed, env=environment)


def admins(engine: Engine) -> list[str]:
    with make_sessions(engine)() as session:
        return list(session.scalars(select(User.email).where(User.is_admin).order_by(User.id)))


def test_an_administrator_is_made_and_can_log_in(environment: dict[str, str], own_engine: Engine) -> None:
    result = run(environment, EMAIL, "--name", "Ada", "--password-stdin", typed=PASSWORD + "\n")
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    assert f"Ada <{EMAIL}> is an administrator." in result.output
    with make_sessions(own_engine)() as session:
        assert authenticate(session, email=EMAIL, password=PASSWORD) is not None


def test_the_password_is_asked_for_twice_and_not_shown(environment: dict[str, str], own_engine: Engine) -> None:
    asked = run(environment, "bo@masseflyt.example", "--name", "Bo", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert asked.exit_code == 0
    assert "Repeat for confirmation" in asked.output
    assert PASSWORD not in asked.output
    assert "bo@masseflyt.example" in admins(own_engine)


@pytest.mark.parametrize(
    ("email", "name", "password", "said"),
    [
        ("no address", "Ada", PASSWORD, "Invalid value for EMAIL"),
        ("eve@masseflyt.example", "  ", PASSWORD, "Invalid value for --name"),
        ("eve@masseflyt.example", "Eve", "kort", "Use at least 12 characters."),
        ("eve@masseflyt.example", "Eve", "", "Use at least 12 characters."),
    ],
)
def test_what_cannot_be_used_is_said(
    environment: dict[str, str], own_engine: Engine, email: str, name: str, password: str, said: str
) -> None:
    result = run(environment, email, "--name", name, "--password-stdin", typed=password)
    assert result.exit_code != 0
    assert said in result.output
    assert "eve@masseflyt.example" not in admins(own_engine)
