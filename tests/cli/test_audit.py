"""`masseflyt audit verify`, on a database of its own."""

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from marketplace.cli import cli
from marketplace.db import make_sessions
from tests.conftest import NOW
from tests.factories import Factory


@pytest.fixture
def engine_with_log(committing_engine: Engine) -> Engine:
    with make_sessions(committing_engine).begin() as session:
        Factory(session, now=NOW).listing()
    return committing_engine


def verify(engine: Engine, *arguments: str) -> Result:
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
    }
    return CliRunner().invoke(cli, ["audit", "verify", *arguments], env=environment)


def test_a_log_that_holds_says_so(engine_with_log: Engine) -> None:
    result = verify(engine_with_log)
    assert result.exit_code == 0
    assert "The log holds" in result.stdout
    assert "Head:" in result.stdout


def test_the_head_comes_alone_and_is_taken_back(engine_with_log: Engine) -> None:
    head = verify(engine_with_log, "--head").stdout.strip()
    assert head.count(":") == 1
    result = verify(engine_with_log, "--from-head", head)
    assert result.exit_code == 0
    assert "is in it" in result.stdout


def test_a_log_that_was_tampered_with_names_the_entry(engine_with_log: Engine) -> None:
    with engine_with_log.begin() as connection:
        connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE audit_entry SET actor_label = 'user' WHERE id = 2"))
    result = verify(engine_with_log)
    assert result.exit_code == 1
    assert "entry 2 (number 2 of the chain) was changed" in result.stderr
    assert result.stdout == ""
    assert verify(engine_with_log, "--head").stdout == ""


def test_a_head_that_is_not_in_the_chain_shows(engine_with_log: Engine) -> None:
    result = verify(engine_with_log, "--from-head", "1:" + "0" * 64)
    assert result.exit_code == 1
    assert "number 1 is not in the chain" in result.stderr


def test_what_is_no_head_is_refused(engine_with_log: Engine) -> None:
    result = verify(engine_with_log, "--from-head", "1:abc")
    assert result.exit_code == 2
    assert "is no head" in result.stderr
