"""`masseflyt geodata` as an operator runs it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from marketplace.cli import cli
from marketplace.config import Settings
from marketplace.db import make_sessions
from marketplace.queries.municipalities import division_sources
from marketplace.services.gazetteer import FOLDER
from marketplace.services.reference import DIVISION_SOURCE
from tests.services.test_geodata import features_of, read_seed_polygons, write_geojson

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the database of this test run."""
    monkeypatch.setenv("DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("SECRET_KEY", settings.secret_key.get_secret_value())
    return lambda *arguments: CliRunner().invoke(cli, list(arguments))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    polygons = read_seed_polygons(FOLDER / "municipalities_2024.geojson.gz")
    return write_geojson(tmp_path_factory.mktemp("division") / "kommuner.geojson.gz", features_of(polygons))


def test_a_dry_run_says_what_would_change_and_changes_nothing(run: Run, file: Path, engine: Engine) -> None:
    result = run("geodata", "import", str(file), "--dry-run")
    assert result.exit_code == 0, result.output
    assert "356 municipalities" in result.output
    assert "nothing was changed" in result.output
    with make_sessions(engine)() as session:
        assert division_sources(session) == [(DIVISION_SOURCE, 356)]


def test_an_import_is_there_afterwards(run: Run, file: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    committed: list[Session] = []
    # The database is shared by all tests of the run: what would be committed is looked at and rolled back.
    monkeypatch.setattr(Session, "commit", lambda session: committed.append(session) or session.rollback())
    result = run("geodata", "import", str(file))
    assert result.exit_code == 0, result.output
    assert len(committed) == 1
    assert "dry run" not in result.output


def test_a_file_that_cannot_be_used_ends_in_a_sentence(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "kommuner.geojson"
    path.write_text("{")
    result = run("geodata", "import", str(path))
    assert result.exit_code != 0
    assert "not readable GeoJSON" in str(result.exception)


def test_status_names_the_sources(run: Run) -> None:
    output = run("geodata", "status").output
    assert DIVISION_SOURCE in output
    assert "GeoNames" in output


@pytest.mark.parametrize("arguments", [("geodata", "--help"), ("geodata", "import", "--help")])
def test_help_tells_what_it_is_for(run: Run, arguments: tuple[str, ...]) -> None:
    assert "division" in run(*arguments).output
