"""Finding PostgreSQL: what is missing is named."""

from pathlib import Path

import pytest

from marketplace.postgres import NEEDED, ProgramsMissing, find_programs


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Installation":
    monkeypatch.setenv("POSTGRES_BIN", str(tmp_path / "bin"))
    return Installation(tmp_path)


class Installation:
    """A folder that looks like an installed PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        self.extensions = folder / "share" / "extension"
        self.programs.mkdir()
        self.extensions.mkdir(parents=True)
        for name in NEEDED:
            self._script(name, "true")
        self._script("pg_config", f"echo {folder / 'share'}")
        self.set_version("16.4 (Debian 16.4-1)")
        self.set_postgis("3.4.2")
        for name in ("btree_gist", "pg_trgm"):
            (self.extensions / f"{name}.control").write_text("default_version = '1.0'\n")

    def _script(self, name: str, line: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def set_version(self, version: str) -> None:
        self._script("postgres", f"echo 'postgres (PostgreSQL) {version}'")

    def set_postgis(self, version: str) -> None:
        (self.extensions / "postgis.control").write_text(f"# postgis\ndefault_version = '{version}'\n")


def test_finds_programs_where_told(installed: Installation) -> None:
    found = find_programs()
    assert (found.version, found.major, found.postgis_version) == ("16.4", 16, "3.4.2")
    assert found.path("initdb") == str(installed.programs / "initdb")


def test_too_old_postgresql_is_named(installed: Installation) -> None:
    installed.set_version("14.9")
    with pytest.raises(ProgramsMissing, match=r"PostgreSQL 15 or newer .* missing: .*bin holds PostgreSQL 14\.9"):
        find_programs()


def test_too_old_postgis_is_named(installed: Installation) -> None:
    installed.set_postgis("3.2.0")
    with pytest.raises(ProgramsMissing, match=r"PostgreSQL 16\.4 in .* has PostGIS 3\.2\.0"):
        find_programs()


@pytest.mark.parametrize("extension", ["postgis", "btree_gist", "pg_trgm"])
def test_missing_extension_is_named(installed: Installation, extension: str) -> None:
    (installed.extensions / f"{extension}.control").unlink()
    with pytest.raises(ProgramsMissing, match=f"lacks the extension {extension}"):
        find_programs()


def test_missing_program_is_named(installed: Installation) -> None:
    (installed.programs / "initdb").unlink()
    with pytest.raises(ProgramsMissing, match="bin lacks initdb"):
        find_programs()


def test_other_version_than_the_data_needs_is_refused(installed: Installation) -> None:
    with pytest.raises(ProgramsMissing, match="PostgreSQL 15 with PostGIS is not installed"):
        find_programs(major=15)
