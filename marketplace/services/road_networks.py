"""Building a network of roads from OpenStreetMap, and putting it to use while the program runs.

The engine's own programs make the tiles, as processes of their own: they take more memory than a server should hold.
Nothing of a network is seen before all of it is there, and one that was in use stays until the next is.
"""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

from geo.routing import LORRIES
from marketplace import road_files
from marketplace.errors import Conflict, DomainError
from marketplace.i18n_marker import N_
from marketplace.road_files import BUILDING, RoadNetwork

BUILT_BY = "1"
"""Goes up when what is built from a file changes."""

VERSION_LENGTH = 16
BLOCK_BYTES = 1 << 20
PBF_HEADER = b"\x0a\x09OSMHeader"
LOG_LINES = 8
KEPT = 2
"""The network in use and the one before it, which somebody may be about to open."""


class RoadsNotBuilt(DomainError):
    """The engine's programs did not make a network of the file."""


def build_network(folder: Path, file: Path, *, now: datetime) -> RoadNetwork:
    """Build the roads of an OpenStreetMap file (.osm.pbf) and use them from now on.

    A file that is in use already is not built again.
    Raises RoadsNotBuilt: it is no such file, it has no roads for lorries, or the engine failed; what was in use stays.
    Raises Conflict: another process is building.
    """
    if not _is_osm(file):
        raise RoadsNotBuilt(N_("%(file)s is no OpenStreetMap file (.osm.pbf)."), file=file.name)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        sha256 = _sha256_of(file)
        version = version_of(sha256)
        if road_files.current_version(folder) == version:
            return road_files.network_of(folder, version)
        work = Path(tempfile.mkdtemp(dir=folder, prefix=BUILDING))
        try:
            network = _build(work, file, version=version, sha256=sha256, now=now)
            shutil.rmtree(folder / version, ignore_errors=True)  # left over from a build that never came to use
            work.chmod(0o755)
            work.rename(folder / version)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        road_files.use_version(folder, version)
        _remove_old(folder)
    return network


def remove_networks(folder: Path) -> bool:
    """Go back to estimates from now on; returns whether there was a network."""
    if not folder.is_dir():
        return False
    with _alone(folder):
        was_there = road_files.current_version(folder) is not None
        road_files.use_none(folder)
        for each in _versions(folder):
            shutil.rmtree(each)
    return was_there


def version_of(sha256: str) -> str:
    """What names the answers to expect of a file: the file, the engine, the lorries, and how it is built."""
    from geo.routing.valhalla import costing, engine_settings

    told = {
        "file": sha256,
        "engine": engine_name(),
        "built_by": BUILT_BY,
        "lorries": {key: costing(lorry) for key, lorry in LORRIES.items()},
        "settings": engine_settings(Path("/")),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:VERSION_LENGTH]


def engine_name() -> str:
    import valhalla

    return f"Valhalla {valhalla.__version__}"


# The parts of a build ---------------------------------------------------------------------------------------------


def _build(work: Path, file: Path, *, version: str, sha256: str, now: datetime) -> RoadNetwork:
    from valhalla import PYVALHALLA_DIR

    tiles = work / "tiles"
    tiles.mkdir()
    settings = work / "build.json"
    settings.write_text(json.dumps(_build_settings(tiles, archive=work / road_files.TILES)))
    build = [str(PYVALHALLA_DIR / "bin" / "valhalla_build_tiles"), "-c", str(settings), str(file.resolve())]
    _run(build, log=work / "build.log", file=file)
    if not any(tiles.rglob("*.gph")):
        raise RoadsNotBuilt(N_("%(file)s holds no roads that a lorry may use."), file=file.name)
    archive = [sys.executable, "-m", "valhalla.valhalla_build_extract", "-c", str(settings), "-O"]
    _run(archive, log=work / "archive.log", file=file)
    shutil.rmtree(tiles)
    settings.unlink()
    network = RoadNetwork(
        version=version,
        file_name=file.name,
        file_sha256=sha256,
        file_bytes=file.stat().st_size,
        engine=engine_name(),
        built_at=now,
        tiles_bytes=(work / road_files.TILES).stat().st_size,
    )
    road_files.write_network(work, network)
    return network


def _build_settings(tiles: Path, *, archive: Path) -> dict[str, Any]:
    from valhalla import get_config

    # What get_config returns shares its parts with the defaults it was made from.
    settings: dict[str, Any] = deepcopy(get_config(tile_extract="", tile_dir=str(tiles)))
    settings["mjolnir"] |= {
        "tile_extract": str(archive),
        "traffic_extract": "",
        "admin": "",
        "timezone": "",
        "landmarks": "",
        "transit_dir": "",
        "include_bicycle": False,
        "include_pedestrian": False,
    }
    # Without borders everybody drives on the right, as Norway does.
    settings["mjolnir"]["data_processing"]["use_admin_db"] = False
    settings["logging"]["type"] = "std_out"
    settings["logging"]["color"] = False
    return settings


def _run(command: list[str], *, log: Path, file: Path) -> None:
    with log.open("wb") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        said = log.read_text(errors="replace").strip().splitlines()[-LOG_LINES:]
        raise RoadsNotBuilt(
            N_("The roads of %(file)s could not be built (%(program)s ended with %(code)s): %(said)s"),
            file=file.name,
            program=Path(command[0]).name,
            code=done.returncode,
            said=" / ".join(said) or "-",
        )


def _is_osm(file: Path) -> bool:
    with file.open("rb") as opened:
        return PBF_HEADER in opened.read(64)


def _sha256_of(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The only process that changes the folder; the system lets go of it when the process ends, however it ends."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(N_("A network of roads is being built just now.")) from None
        for left in folder.glob(f"{BUILDING}*"):  # by a process that was killed
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield


def _versions(folder: Path) -> list[Path]:
    """The networks that lie there, the last built first."""
    return sorted((each.parent for each in folder.glob(f"*/{road_files.NETWORK}")), key=_built_at, reverse=True)


def _built_at(folder: Path) -> float:
    return (folder / road_files.NETWORK).stat().st_mtime


def _remove_old(folder: Path) -> None:
    for each in _versions(folder)[KEPT:]:
        shutil.rmtree(each)
