"""Clusters of the tests' own, apart from the one that other tests make their databases in."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from marketplace.cluster import Cluster
from marketplace.postgres import ProgramsMissing, find_programs


@contextmanager
def _folder_for_all() -> Iterator[Path]:
    """A temporary folder that any user can enter, unlike pytest's own; under root, PostgreSQL is another user."""
    path = Path(tempfile.mkdtemp(prefix="masseflyt-test-", dir="/tmp"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture(scope="session")
def furnished_home() -> Iterator[Path]:
    """A cluster that was made once and is stopped, for tests that harm only its processes."""
    try:
        find_programs()
    except ProgramsMissing as missing:
        pytest.skip(f"no PostgreSQL to make a cluster with: {missing}")
    with _folder_for_all() as folder:
        Cluster(folder / "postgres").lease().close()
        yield folder / "postgres"


@pytest.fixture
def folder(furnished_home: Path) -> Iterator[Path]:
    """An empty folder that any user can enter, where clusters can be made."""
    with _folder_for_all() as made:
        yield made
