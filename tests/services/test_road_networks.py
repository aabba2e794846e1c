"""Networks of roads come and go while the program runs, and only whole ones are ever seen."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from geo.routing import LORRIES, LegStatus, Method
from marketplace import road_files, routing
from marketplace.errors import Conflict
from marketplace.road_files import current_network, current_version
from marketplace.routing import Roads
from marketplace.services.road_networks import RoadsNotBuilt, _alone, build_network, remove_networks, version_of
from tests.conftest import NOW
from tests.road_networks import PLACES, ROADS, Road, stop, write_osm

HERE, THERE = stop(PLACES["a"]), stop(PLACES["b"])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_osm(tmp_path_factory.mktemp("osm") / "made.osm.pbf", PLACES, ROADS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "roads"


def test_without_a_network_distances_are_estimates(folder):
    roads = Roads(folder)
    assert roads.router().method is Method.ESTIMATE
    assert roads.network is None
    assert Roads(None).router().method is Method.ESTIMATE


def test_a_network_is_taken_up_and_given_up_without_a_restart(folder, file):
    roads = Roads(folder)
    before = roads.router().route(HERE, THERE)
    built = build_network(folder, file, now=NOW)
    router = roads.router()
    assert (router.method, router.version, roads.network) == (Method.ROAD, built.version, built)
    assert (before.status, router.route(HERE, THERE).status) == (LegStatus.ESTIMATED, LegStatus.FOUND)
    assert remove_networks(folder)
    assert roads.router().method is Method.ESTIMATE
    assert roads.network is None
    # What was open stays open for whoever is in the middle of a question.
    assert router.route(HERE, THERE).status is LegStatus.FOUND
    assert not remove_networks(folder)
    assert list(folder.iterdir()) == [folder / ".lock"]


def test_another_lorry_drives_the_same_network(folder, file):
    build_network(folder, file, now=NOW)
    roads = Roads(folder)
    heavy = roads.router(LORRIES["50t"])
    assert heavy.profile == "50t"
    assert heavy.version == roads.router().version
    assert roads.router(LORRIES["50t"]) is heavy
    assert roads.router(replace(LORRIES["32t"], avoids_ferries=True)).profile == "32t-no-ferries"


def test_the_same_file_is_not_built_again_and_another_one_replaces_it(folder, file, tmp_path):
    first = build_network(folder, file, now=NOW)
    tiles = road_files.tiles_of(folder, first.version)
    made_at = tiles.stat().st_mtime_ns
    assert build_network(folder, file, now=NOW) == first
    assert tiles.stat().st_mtime_ns == made_at
    other_file = write_osm(tmp_path / "other.osm.pbf", PLACES, [*ROADS, Road(ends=("a", "c"))])
    other = build_network(folder, other_file, now=NOW)
    assert other.version != first.version
    assert current_network(folder) == other
    third = build_network(folder, write_osm(tmp_path / "third.osm.pbf", PLACES, ROADS[:2]), now=NOW)
    # The one before the one in use is kept for whoever is about to open it.
    assert {each.parent.name for each in folder.glob("*/network.json")} == {other.version, third.version}


def test_a_version_names_the_file_the_engine_and_the_lorries(monkeypatch):
    usual = version_of("0" * 64)
    assert usual == version_of("0" * 64)
    assert usual != version_of("1" * 64)
    with monkeypatch.context() as patch:
        patch.setattr("marketplace.services.road_networks.engine_name", lambda: "Valhalla 4")
        assert version_of("0" * 64) != usual
    heavier = {**LORRIES, "32t": replace(LORRIES["32t"], weight_t=33)}
    monkeypatch.setattr("marketplace.services.road_networks.LORRIES", heavier)
    assert version_of("0" * 64) != usual


def test_a_file_that_is_none_is_refused_and_the_network_in_use_stays(folder, file, tmp_path):
    built = build_network(folder, file, now=NOW)
    text = tmp_path / "notes.osm.pbf"
    text.write_text("no roads here")
    with pytest.raises(RoadsNotBuilt, match=r"is no OpenStreetMap file"):
        build_network(folder, text, now=NOW)
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes(file.read_bytes()[:300])
    with pytest.raises(RoadsNotBuilt):
        build_network(folder, cut, now=NOW)
    empty = write_osm(tmp_path / "empty.osm.pbf", {"a": (0, 0)}, [])
    with pytest.raises(RoadsNotBuilt):
        build_network(folder, empty, now=NOW)
    assert current_version(folder) == built.version
    assert not list(folder.glob(".building-*"))


def test_two_do_not_build_at_once_and_what_a_killed_one_left_is_cleared(folder, file):
    folder.mkdir()
    with _alone(folder), pytest.raises(Conflict, match="being built"):
        build_network(folder, file, now=NOW)
    left = folder / ".building-left"
    (left / "tiles").mkdir(parents=True)
    build_network(folder, file, now=NOW)
    assert not left.exists()


def test_a_broken_archive_is_as_good_as_none(folder, file):
    built = build_network(folder, file, now=NOW)
    road_files.tiles_of(folder, built.version).unlink()
    assert Roads(folder).router().method is Method.ESTIMATE


def test_a_version_that_has_gone_is_as_good_as_none(folder):
    folder.mkdir()
    (folder / "current.json").write_text(json.dumps({"version": "gone"}))
    assert Roads(folder).router().method is Method.ESTIMATE


def test_many_threads_may_ask_at_once_while_networks_change(folder, file, tmp_path):
    build_network(folder, file, now=NOW)
    other_file = write_osm(tmp_path / "other.osm.pbf", PLACES, [*ROADS, Road(ends=("a", "c"))])
    roads = Roads(folder)
    wrong: list[object] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            leg = roads.router().matrix([HERE], [THERE])[0][0]
            if leg.status is not LegStatus.FOUND or not 1980 < leg.distance_m < 2010:
                wrong.append(leg)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for each in (other_file, file, other_file):
        build_network(folder, each, now=NOW)
    is_over.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_process_uses_the_roads_of_its_settings(settings, folder, file, monkeypatch):
    monkeypatch.setattr(routing, "_roads", Roads(None))
    build_network(folder, file, now=NOW)
    routing.configure(settings.model_copy(update={"roads_dir": folder}))
    assert routing.router().method is Method.ROAD
    assert routing.network() is not None


def test_the_commands_build_tell_and_remove(folder, file):
    def run(*arguments: str) -> str:
        environment = {**os.environ, "ROADS_DIR": str(folder)}
        command = [sys.executable, "-m", "marketplace", "roads", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert "No network of roads" in run("status")
    assert "© OpenStreetMap contributors" in run("build", str(file))
    told = run("status")
    version = current_version(folder)
    assert version is not None
    for part in (version, "made.osm.pbf", "Valhalla"):
        assert part in told
    assert "are removed" in run("remove")
    assert "There were no roads" in run("remove")
