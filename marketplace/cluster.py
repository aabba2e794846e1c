"""The private PostgreSQL cluster: made, started, shared and stopped by the programs that use it.

It lives in `var/postgres`, listens on a unix socket in a folder that only its user can enter, and on no TCP port. Each
program that uses it (server, worker, tests, psql) holds a lease: a shared lock on one file, which the kernel drops
when the program ends in whatever way. Whoever leaves last stops the cluster. A second lock makes starting and stopping
one at a time. `start` and `stop` keep it running between programs.

PostgreSQL refuses to run as root, so under root the cluster runs as the user `postgres`. It touches no other cluster.
"""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from marketplace.cluster_files import ADMINISTRATOR, PORT, SOCKET_NAME, ClusterError, ClusterFiles, last_lines
from marketplace.postgres import EXTENSIONS

__all__ = ["DATABASE", "Cluster", "ClusterError", "Lease", "database_url", "ensure_running"]

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "postgres"

ROLE = "masseflyt"
DATABASE = "masseflyt"
START_TIMEOUT_S = 60.0


class Cluster(ClusterFiles):
    """One private cluster, in `home`."""

    def __init__(self, home: Path | None = None) -> None:
        super().__init__(home or HOME)

    def url(self, name: str = DATABASE, *, role: str = ROLE) -> str:
        """The address of database `name` for SQLAlchemy."""
        query = {"host": str(self.sockets), "port": str(PORT)}
        return URL.create("postgresql", username=role, database=name, query=query).render_as_string()

    # Leases -----------------------------------------------------------------------------------------------------------

    def lease(self) -> "Lease":
        """A lease on the running cluster, which is made and started where needed.

        Raises:
            ClusterError: it cannot run; the message says why.
        """
        self._prepare_home()
        with self._one_at_a_time():
            descriptor = os.open(self.home / "lease.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            try:
                self._start()
            except BaseException:
                os.close(descriptor)
                raise
        return Lease(self, descriptor)

    def _leave(self, descriptor: int) -> bool:
        """Give a lease back; whether that stopped the cluster, as it was the last one."""
        if not self.home.is_dir():
            os.close(descriptor)  # somebody removed the folder, and PostgreSQL ends by itself when it sees that
            return True
        with self._one_at_a_time():
            os.close(descriptor)
            return self._stop_if_unused()

    def _revive(self) -> bool:
        if self._postmaster() is not None:
            return False
        with self._one_at_a_time():
            self._start()
        return True

    def keep(self) -> None:
        """Start it and let it run on without a lease until `release`."""
        with self.lease():
            (self.home / "kept").write_text(self._postmaster_identity() or "")

    def release(self) -> bool:
        """Undo `keep`; whether it is stopped now, which it is not while someone holds a lease."""
        if not self.home.is_dir():
            return True
        self.require_own()
        with self._one_at_a_time():
            (self.home / "kept").unlink(missing_ok=True)
            return self._stop_if_unused()

    def is_running(self) -> bool:
        return self.data.exists() and self._answers()

    def is_kept(self) -> bool:
        kept = self.home / "kept"
        return kept.exists() and kept.read_text() == (self._postmaster_identity() or "-")

    def is_leased(self) -> bool:
        if not (self.home / "lease.lock").exists():
            return False
        with self._one_at_a_time():
            descriptor = self._sole_use()
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def _stop_if_unused(self) -> bool:
        descriptor = None if self.is_kept() else self._sole_use()
        if descriptor is None:
            return False
        try:
            self._stop()
        finally:
            os.close(descriptor)
        return True

    def _sole_use(self) -> int | None:
        """The lease file locked for ourselves alone, or None while others hold a lease."""
        descriptor = os.open(self.home / "lease.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        descriptor = os.open(self.home / "start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _furnish(self) -> None:
        """Our role, and the extensions in the template, so that the role can make databases that have them."""
        with self._administer("postgres") as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                return
        with self._administer("template1") as connection:
            for extension in EXTENSIONS:
                connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
        with self._administer("postgres") as connection:  # last: the role tells that all of this was done
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))

    def make_database(self, name: str = DATABASE) -> bool:
        """Make database `name`, owned by our role; False where it is there already."""
        with self._administer("postgres") as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return False
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLE))
            )
            return True

    def _administer(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.sockets), port=PORT, user=ADMINISTRATOR, dbname=database, autocommit=True, connect_timeout=5
        )

    # Starting and stopping --------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if not self.data.exists():
            self._initialise()
        if not self._settle():
            self._configure()
            self._launch()
        self._furnish()

    def _settle(self) -> bool:
        """Wait out a server that is starting or stopping, clear the leftovers of one that died; whether one answers."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while (postmaster := self._postmaster()) is not None:
            if self._answers():
                return True
            if time.monotonic() > deadline:
                raise ClusterError(f"PostgreSQL (process {postmaster.pid}) does not answer; see {self.log}")
            time.sleep(0.05)
        self._end_orphans()
        # Their process numbers may have gone to other programs since, which PostgreSQL would take for its own.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self.sockets / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
        return False

    def _launch(self) -> None:
        command = [
            *(self.programs.path("pg_ctl"), "start", "--pgdata", str(self.data), "--log", str(self.log)),
            *("--wait", "--timeout", str(int(START_TIMEOUT_S)), "--silent"),
        ]
        result = self.user.run(command, timeout_s=START_TIMEOUT_S + 10)
        if result.returncode != 0:
            tail = self.log.read_text(errors="replace") if self.log.exists() else result.stdout
            raise ClusterError(f"PostgreSQL did not start; the end of {self.log}:\n{last_lines(tail)}")

    def _stop(self) -> None:
        if self._postmaster() is None:
            return
        for mode in ("fast", "immediate"):
            command = [self.programs.path("pg_ctl"), "stop", "--pgdata", str(self.data), "--mode", mode, "--silent"]
            if self.user.run([*command, "--timeout", "30"], timeout_s=40).returncode == 0:
                return
            if self._postmaster() is None:  # it was dying when we asked
                return
        raise ClusterError(f"PostgreSQL did not stop; see {self.log}")

    def _answers(self) -> bool:
        try:
            self._administer("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _postmaster(self) -> psutil.Process | None:
        """The living server of this data folder, if there is one; a process that only has its number does not count."""
        try:
            number = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(number)
            return process if self._works_here(process) else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

    def _postmaster_identity(self) -> str | None:
        postmaster = self._postmaster()
        return f"{postmaster.pid} {postmaster.create_time()}" if postmaster else None

    def _works_here(self, process: psutil.Process) -> bool:
        """Whether a process runs in the data folder, as PostgreSQL's do."""
        try:
            return process.uids().real == self.user.uid and self.data.samefile(process.cwd())
        except (psutil.Error, OSError):
            return False

    def _end_orphans(self) -> None:
        """Processes whose server was killed and who have not noticed yet would keep a new one from starting."""
        orphans = [process for process in psutil.process_iter() if self._works_here(process)]
        for send in (signal.SIGTERM, signal.SIGKILL):
            for orphan in orphans:
                _signal(orphan, send)
            _, orphans = psutil.wait_procs(orphans, timeout=5)
            if not orphans:
                return
        raise ClusterError(
            f"leftover PostgreSQL processes do not end: {', '.join(str(orphan.pid) for orphan in orphans)}"
        )


class Lease:
    """The right to use the running cluster; a context manager."""

    def __init__(self, cluster: Cluster, descriptor: int) -> None:
        self.cluster = cluster
        self._descriptor: int | None = descriptor

    def url(self, name: str = DATABASE) -> str:
        """The address of database `name` for SQLAlchemy."""
        return self.cluster.url(name)

    def revive(self) -> bool:
        """Start the cluster anew where its server has died meanwhile; whether that was so."""
        return self.cluster._revive()

    def close(self) -> bool:
        """Give it back; whether that stopped the cluster."""
        descriptor, self._descriptor = self._descriptor, None
        return descriptor is not None and self.cluster._leave(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ensure_running() -> Lease:
    """A lease on the program's private cluster, started where needed; `lease.url(name)` is a database's address."""
    return Cluster().lease()


def database_url(name: str = DATABASE) -> str:
    """The address of database `name` in the program's private cluster, running or not."""
    return Cluster().url(name)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
