"""Where networks of roads lie: a folder of archives of tiles, one a version, and a file that names the one in use.

    current.json                 {"version": "3f…"}, exchanged in one step
    <version>/tiles.tar          what the engine reads
    <version>/network.json       where it comes from

Whoever has an archive open keeps it, also after it is gone from the folder.
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

CURRENT = "current.json"
TILES = "tiles.tar"
NETWORK = "network.json"
BUILDING = ".building-"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadNetwork:
    """A network that was built. `version` names all that decides its answers: the file, the engine and the lorries."""

    version: str
    file_name: str
    file_sha256: str
    file_bytes: int
    engine: str
    built_at: datetime
    tiles_bytes: int


def tiles_of(folder: Path, version: str) -> Path:
    return folder / version / TILES


def current_version(folder: Path) -> str | None:
    """The version in use; None where there is none."""
    try:
        version = json.loads((folder / CURRENT).read_text())["version"]
    except FileNotFoundError:
        return None
    assert isinstance(version, str)
    return version


def network_of(folder: Path, version: str) -> RoadNetwork:
    """Raises FileNotFoundError where the folder has no such version."""
    facts = json.loads((folder / version / NETWORK).read_text())
    return RoadNetwork(**facts | {"built_at": datetime.fromisoformat(facts["built_at"])})


def current_network(folder: Path) -> RoadNetwork | None:
    version = current_version(folder)
    return None if version is None else network_of(folder, version)


def write_network(folder: Path, network: RoadNetwork) -> None:
    """Write what is known of a network into the folder that has its archive."""
    facts = asdict(network) | {"built_at": network.built_at.isoformat()}
    (folder / NETWORK).write_text(json.dumps(facts, indent=2) + "\n")


def use_version(folder: Path, version: str) -> None:
    """Have everybody use a version from their next question on; none sees half of the change."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=BUILDING)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"version": version}, file)
        file.flush()
        os.fsync(file.fileno())
    Path(name).chmod(0o644)
    Path(name).replace(folder / CURRENT)


def use_none(folder: Path) -> None:
    (folder / CURRENT).unlink(missing_ok=True)
