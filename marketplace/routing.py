"""The router of this process: on the network of roads that is in use, else on straight lines.

A network that is built or removed meanwhile, by whichever process, is used from the next question on: each question
looks whether the file that names it has changed, which takes some microseconds.
"""

import threading
from pathlib import Path

import structlog

from geo.routing import LORRIES, CircuityRouter, Lorry, Router, RoutingError
from marketplace import road_files
from marketplace.config import Settings
from marketplace.road_files import RoadNetwork

log = structlog.get_logger(__name__)

type Mark = tuple[int, int, int] | None
"""What tells one writing of a file from another; None where it is not there."""


class Roads:
    """The network of roads in a folder, opened anew when another one takes its place. None: no folder, no roads."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._mark: Mark = None
        self._routers: dict[str, Router] = {}
        self.network: RoadNetwork | None = None
        self.estimates = CircuityRouter()

    def router(self, lorry: Lorry = LORRIES["32t"]) -> Router:
        """By road where there is a network, else an estimate."""
        self.refresh()
        with self._lock:
            return self._routers.get(lorry.profile) or self._router_on_network(lorry)

    def _router_on_network(self, lorry: Lorry) -> Router:
        if not self._routers:
            return self.estimates
        from geo.routing.valhalla import ValhallaRouter

        known = next(iter(self._routers.values()))
        assert isinstance(known, ValhallaRouter)
        made = self._routers[lorry.profile] = ValhallaRouter(known.network, lorry=lorry, fallback=self.estimates)
        return made

    def refresh(self) -> None:
        """Take the network that is in use now."""
        if self.folder is None or _mark_of(self.folder) == self._mark:
            return
        with self._lock:
            mark = _mark_of(self.folder)
            if mark == self._mark:
                return
            self._open(self.folder)
            self._mark = mark

    def _open(self, folder: Path) -> None:
        self.network, self._routers = None, {}
        version = road_files.current_version(folder)
        if version is None:
            return
        from geo.routing.valhalla import Network, ValhallaRouter

        try:
            found = road_files.network_of(folder, version)
            opened = Network(road_files.tiles_of(folder, version), version=version)
            opened.engine  # noqa: B018 - so that an archive that cannot be read is found now
        except (FileNotFoundError, RoutingError) as error:
            # Removed or exchanged since it was named, or broken: distances are estimates, and say so.
            log.warning("roads.not_opened", version=version, error=str(error))
            return
        lorry = LORRIES["32t"]
        self.network = found
        self._routers = {lorry.profile: ValhallaRouter(opened, lorry=lorry, fallback=self.estimates)}
        log.info("roads.opened", version=version, file=found.file_name)


def _mark_of(folder: Path) -> Mark:
    try:
        status = (folder / road_files.CURRENT).stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


_roads = Roads(None)


def configure(settings: Settings) -> None:
    """Use the roads of the settings from now on; what is open already stays open."""
    global _roads  # noqa: PLW0603 - one a process, as the clock
    if _roads.folder != settings.roads_dir:
        _roads = Roads(settings.roads_dir)


def router(lorry: Lorry = LORRIES["32t"]) -> Router:
    return _roads.router(lorry)


def named_version() -> str | None:
    """The version that is to be used, whether or not this process can open it; None where there is none."""
    return None if _roads.folder is None else road_files.current_version(_roads.folder)


def network() -> RoadNetwork | None:
    """The network in use, None where distances are estimates."""
    _roads.refresh()
    return _roads.network
