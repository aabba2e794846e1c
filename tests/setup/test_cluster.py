"""The private cluster: who leaves last stops it, and nothing that is killed keeps it from starting again."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import create_engine, text

from marketplace import cluster_files
from marketplace.cluster import Cluster, ClusterError, Lease
from marketplace.postgres import EXTENSIONS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cluster(furnished_home: Path) -> Iterator[Cluster]:
    made = _Remembering(furnished_home)
    yield made
    for lease in made.leases:
        lease.close()
    Cluster(furnished_home).release()
    assert not Cluster(furnished_home).is_running()


class _Remembering(Cluster):
    """Knows its leases, so that a failing test does not leave them to the next."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.leases: list[Lease] = []

    def lease(self) -> Lease:
        self.leases.append(super().lease())
        return self.leases[-1]


@pytest.fixture
def tenant(cluster: Cluster) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Starts other programs that hold a lease and wait."""
    program = f"""
        import sys, time
        from pathlib import Path
        from marketplace.cluster import Cluster
        lease = Cluster(Path({str(cluster.home)!r})).lease()
        print(lease.cluster._postmaster().pid, flush=True)
        sys.stdin.read()
        lease.close()
    """
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", textwrap.dedent(program)]
        started.append(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _postmaster_pid(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def _run(lease: Lease, statement: str, *, database: str = "masseflyt") -> list[tuple[object, ...]]:
    engine = create_engine(lease.url(database))
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def test_last_one_out_stops_it(cluster: Cluster) -> None:
    first, second = cluster.lease(), cluster.lease()
    assert first.close() is False
    assert cluster.is_running()
    assert second.close() is True
    assert not cluster.is_running()


def test_closing_a_lease_twice_is_harmless(cluster: Cluster) -> None:
    lease = cluster.lease()
    lease.close()
    assert lease.close() is False


def test_role_is_no_superuser_but_makes_databases_with_every_extension(cluster: Cluster) -> None:
    with cluster.lease() as lease:
        cluster.make_database()
        assert cluster.make_database("one") is True
        assert cluster.make_database("one") is False
        assert _run(lease, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
        listed = ", ".join(f"'{name}'" for name in EXTENSIONS)
        found = _run(lease, f"SELECT count(*) FROM pg_extension WHERE extname IN ({listed})", database="one")
        assert found == [(len(EXTENSIONS),)]
        assert _run(lease, "SELECT ST_X(ST_MakePoint(1, 2))", database="one") == [(1,)]


def test_listens_on_no_network_and_keeps_its_socket_private(cluster: Cluster) -> None:
    with cluster.lease():
        postmaster = psutil.Process(_postmaster_pid(cluster))
        assert not postmaster.net_connections("inet")
        assert cluster.sockets.stat().st_mode & 0o777 == 0o700


def test_a_killed_tenant_gives_its_lease_back(cluster: Cluster, tenant: Callable[[], "subprocess.Popen[str]"]) -> None:
    other = tenant()
    postmaster = int(other.stdout.readline())
    other.kill()
    other.wait()
    assert cluster.is_running()  # nobody was left to stop it
    lease = cluster.lease()
    assert _postmaster_pid(cluster) == postmaster  # taken over as it is
    assert lease.close() is True


def test_programs_that_start_together_share_one_server(
    cluster: Cluster, tenant: Callable[[], "subprocess.Popen[str]"]
) -> None:
    others = [tenant() for _ in range(3)]
    assert len({other.stdout.readline() for other in others}) == 1
    for other in others:
        other.communicate()
    assert not cluster.is_running()


def test_a_killed_server_is_started_again_with_its_data(cluster: Cluster) -> None:
    lease = cluster.lease()
    cluster.make_database()
    _run(lease, "CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(_postmaster_pid(cluster), signal.SIGKILL)
    lease.close()
    with cluster.lease() as again:
        assert _run(again, "SELECT answer FROM kept") == [(42,)]


def test_a_lease_revives_a_killed_server(cluster: Cluster) -> None:
    with cluster.lease() as lease:
        assert lease.revive() is False
        os.kill(_postmaster_pid(cluster), signal.SIGKILL)
        _wait_until(lambda: cluster._postmaster() is None)
        assert lease.revive() is True
        assert cluster.is_running()


def test_busy_orphans_of_a_killed_server_do_not_block_the_next(cluster: Cluster) -> None:
    lease = cluster.lease()
    busy = psycopg.connect(host=str(cluster.sockets), port=5432, user="masseflyt", dbname="postgres")
    busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 100000000000)")
    os.kill(_postmaster_pid(cluster), signal.SIGKILL)
    lease.close()
    began = time.monotonic()
    with cluster.lease():
        assert cluster.is_running()
    assert time.monotonic() - began < 15
    busy.close()


def test_a_stale_process_number_that_is_someone_elses_is_no_server(cluster: Cluster) -> None:
    (cluster.data / "postmaster.pid").write_text(f"{os.getppid()}\n{cluster.data}\n")
    (cluster.sockets / ".s.PGSQL.5432.lock").write_text(f"{os.getppid()}\n{cluster.data}\n")
    with cluster.lease():
        assert cluster.is_running()


def test_kept_cluster_runs_on_until_released(cluster: Cluster) -> None:
    cluster.keep()
    assert cluster.is_running()
    assert cluster.lease().close() is False
    assert cluster.is_kept()
    assert not cluster.is_leased()
    assert cluster.release() is True
    assert not cluster.is_running()


def test_release_leaves_it_to_those_who_use_it(cluster: Cluster) -> None:
    cluster.keep()
    lease = cluster.lease()
    assert cluster.release() is False
    assert cluster.is_leased()
    assert lease.close() is True


def test_keeping_ends_with_the_server_that_was_kept(cluster: Cluster) -> None:
    cluster.keep()
    os.kill(_postmaster_pid(cluster), signal.SIGKILL)
    _wait_until(lambda: cluster._postmaster() is None)
    assert cluster.lease().close() is True


def test_an_unfinished_cluster_is_thrown_away(folder: Path) -> None:
    unfinished = folder / "postgres" / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("15\n")
    with Cluster(folder / "postgres").lease() as lease:
        assert lease.cluster.is_running()
    assert not unfinished.exists()


def test_a_path_too_long_for_a_socket_gets_one_elsewhere(folder: Path) -> None:
    deep = folder / ("a" * 60) / ("b" * 60)
    deep.mkdir(parents=True)
    deep.parent.chmod(0o755)
    with Cluster(deep / "postgres").lease() as lease:
        sockets = lease.cluster.sockets
        assert not sockets.is_relative_to(folder)
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert _run(lease, "SELECT 1", database="postgres") == [(1,)]
    with Cluster(deep / "postgres").lease() as again:
        assert again.cluster.sockets == sockets
    shutil.rmtree(sockets)
    with Cluster(deep / "postgres").lease() as after_cleaning:
        assert after_cleaning.cluster.is_running()
        sockets = after_cleaning.cluster.sockets
    shutil.rmtree(sockets)


def test_data_of_a_postgresql_that_is_gone_is_said_so(folder: Path) -> None:
    data = folder / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("99\n")
    with pytest.raises(ClusterError, match=r"PostgreSQL 99 .* not installed; .*postgres was made by it"):
        Cluster(folder / "postgres").lease()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
def test_under_root_a_closed_checkout_has_its_cluster_outside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_files, "OUTSIDE_HOMES", folder / "outside")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with Cluster(closed / "var" / "postgres").lease() as lease:
        assert lease.cluster.is_outside
        assert lease.cluster.home.is_relative_to(folder / "outside")
        assert _run(lease, "SELECT 1", database="postgres") == [(1,)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_is_told_whose_cluster_it_is(furnished_home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    child = os.fork()  # a new interpreter might lie where nobody may read it
    if child == 0:
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        try:
            Cluster(furnished_home).lease()
        except ClusterError as error:
            os._exit(0 if "belongs to root" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _wait_until(is_so: Callable[[], bool], *, at_most_s: float = 10) -> None:
    deadline = time.monotonic() + at_most_s
    while not is_so():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
