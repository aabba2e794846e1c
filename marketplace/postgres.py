"""The PostgreSQL programs of this machine, with PostGIS beside them.

Uses the standard library only, so that the set-up can ask before anything is installed:
`python -m marketplace.postgres` prints what was found, or says what is missing and fails.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OLDEST_POSTGRESQL = 15
OLDEST_POSTGIS = (3, 3)
EXTENSIONS = ("postgis", "btree_gist", "pg_trgm")
NEEDED = ("postgres", "initdb", "pg_ctl", "psql")

# Where packagers put each major version apart: Debian and Ubuntu, Red Hat, Homebrew (Apple and Intel).
VERSIONED_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


class ProgramsMissing(Exception):
    """No PostgreSQL that can be used; the message names what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """One installed PostgreSQL."""

    folder: Path
    version: str
    postgis_version: str

    @property
    def major(self) -> int:
        return _major(self.version)

    def path(self, name: str) -> str:
        return str(self.folder / name)


def find_programs(*, major: int | None = None) -> Programs:
    """The newest usable PostgreSQL with PostGIS, or the one of version `major`; POSTGRES_BIN names a folder outright.

    Raises:
        ProgramsMissing: none is good enough; says what each one found lacks.
    """
    lacking: list[str] = []
    usable: list[Programs] = []
    for folder in _candidate_folders():
        found = _examine(folder)
        if isinstance(found, str):
            lacking.append(found)
        elif major is None or found.major == major:
            usable.append(found)
    if usable:
        return max(usable, key=lambda programs: programs.major)
    if major is not None:
        raise ProgramsMissing(f"PostgreSQL {major} with PostGIS is not installed")
    wanted = f"PostgreSQL {OLDEST_POSTGRESQL} or newer with PostGIS {_dotted(OLDEST_POSTGIS)} or newer"
    raise ProgramsMissing(f"{wanted} is missing: {'; '.join(lacking) or 'no PostgreSQL server program was found'}")


def _candidate_folders() -> list[Path]:
    if given := os.environ.get("POSTGRES_BIN"):
        return [Path(given)]
    folders = [path for pattern in VERSIONED_FOLDERS for path in Path("/").glob(pattern.removeprefix("/"))]
    on_path = [shutil.which("postgres"), shutil.which("pg_ctl")]
    folders.extend(Path(program).resolve().parent for program in on_path if program)
    if pg_config := shutil.which("pg_config"):
        folders.append(Path(_output(pg_config, "--bindir")))
    return [
        folder for folder in dict.fromkeys(folders) if (folder / "initdb").exists() or (folder / "postgres").exists()
    ]


def _examine(folder: Path) -> Programs | str:
    """The programs in `folder`, or what they lack."""
    absent = [name for name in NEEDED if not os.access(folder / name, os.X_OK)]
    if absent:
        return f"{folder} lacks {', '.join(absent)}"
    version = _output(str(folder / "postgres"), "--version").removeprefix("postgres (PostgreSQL) ").split(" ")[0]
    if _major(version) < OLDEST_POSTGRESQL:
        return f"{folder} holds PostgreSQL {version}"
    extensions = _share_folder(folder, _major(version)) / "extension"
    missing = [name for name in EXTENSIONS if not (extensions / f"{name}.control").is_file()]
    if missing:
        return f"PostgreSQL {version} in {folder} lacks the extension {', '.join(missing)}"
    control = (extensions / "postgis.control").read_text()
    postgis = re.search(r"default_version\s*=\s*'([^']+)'", control)
    if postgis is None or _numbers(postgis[1])[:2] < OLDEST_POSTGIS:
        return f"PostgreSQL {version} in {folder} has PostGIS {postgis[1] if postgis else 'of no known version'}"
    return Programs(folder=folder, version=version, postgis_version=postgis[1])


def _share_folder(folder: Path, major: int) -> Path:
    if os.access(folder / "pg_config", os.X_OK):
        return Path(_output(str(folder / "pg_config"), "--sharedir"))
    debian = Path(f"/usr/share/postgresql/{major}")
    return debian if debian.is_dir() else folder.parent / "share"


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", version))


def _major(version: str) -> int:
    return next(iter(_numbers(version)), 0)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)


def main() -> int:
    try:
        programs = find_programs()
    except ProgramsMissing as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a small command
        return 1
    print(f"PostgreSQL {programs.version} with PostGIS {programs.postgis_version}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
