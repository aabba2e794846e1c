"""`masseflyt seed` on a database named by DATABASE_URL."""

from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import URL, create_engine, func, select
from sqlalchemy.engine import Engine

from marketplace.cli import cli
from marketplace.db import make_engine, make_sessions
from marketplace.migrate import upgrade
from marketplace.models import Listing, User
from marketplace.services.demo import NotADemo
from marketplace.services.demo_past import past_listing_count
from marketplace.services.demo_rows import listing_rows, read_rows
from marketplace.services.reference import load_reference_data
from tests.conftest import fresh_database, test_settings


@pytest.fixture(scope="module")
def own_database(database_server: URL) -> Iterator[Engine]:
    """Migrated and with the reference data; commands commit, so it cannot be the run's shared one."""
    with fresh_database(database_server) as url:
        engine = make_engine(test_settings(url))
        upgrade(engine)
        with make_sessions(engine).begin() as session:
            load_reference_data(session)
        yield engine
        engine.dispose()


@pytest.fixture
def run(own_database: Engine, monkeypatch: pytest.MonkeyPatch) -> "Runner":
    monkeypatch.setenv("DATABASE_URL", own_database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("SECRET_KEY", "only-for-tests-only-for-tests-only-for-tests")
    return Runner()


class Runner:
    def __call__(self, *arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(cli, ["seed", *arguments], input=typed)


def count_listings(engine: Engine) -> int:
    with make_sessions(engine)() as session:
        return session.scalar(select(func.count()).select_from(Listing)) or 0


def listings_of_the_demo() -> int:
    """Those of the files, and one for each material that its receivers take in."""
    return (
        past_listing_count()
        + len(listing_rows())
        + sum(len(row["accepts"].split(";")) for row in read_rows("receivers.csv"))
    )


def test_the_demo_is_loaded_reset_and_scaled(own_database: Engine, run: Runner) -> None:
    loaded = run()
    assert loaded.exit_code == 0, loaded.output
    assert "eier@entreprenor.example  masseflyt-demo" in loaded.output

    again = run("--scale", "30")
    assert "there already" in again.output
    assert count_listings(own_database) == listings_of_the_demo() + 30

    assert run("--reset", typed="n\n").exit_code == 1
    assert count_listings(own_database) == listings_of_the_demo() + 30

    assert run("--reset", "--yes").exit_code == 0
    assert count_listings(own_database) == listings_of_the_demo()


def test_data_of_its_own_is_refused_in_one_sentence(
    database_server: URL, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database(database_server) as url:
        engine = create_engine(url)
        upgrade(engine)
        with make_sessions(engine).begin() as session:
            session.add(User(email="somebody@example.com", name="Somebody", password_hash="none"))
        monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))

        refusals = [run().exception, run("--reset", "--yes").exception, run("--scale", "10").exception]

        assert all(isinstance(refusal, NotADemo) for refusal in refusals), refusals
        assert "\n" not in str(refusals[0])
        assert count_listings(engine) == 0
        engine.dispose()
