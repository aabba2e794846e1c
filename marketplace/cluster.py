"""The private PostgreSQL cluster: made, started, shared and stopped by the programs that use it.

It lives in `var/postgres`, listens on a unix socket in a folder that only its user can enter, and on no TCP port. Each
program that uses it (server, worker, tests, psql) holds a lease: a shared lock on one file, which the kernel drops
when the program ends in whatever way. Whoever leaves last stops the cluster. A second lock makes starting and stopping
one at a time. `start` and `stop` keep it running between programs.

PostgreSQL refuses to run as root, so under root the cluster runs as the user `postgres`. It touches no other cluster.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from marketplace.postgres import EXTENSIONS, Programs, ProgramsMissing, find_programs

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "postgres"
OUTSIDE_HOMES = Path("/var/lib/masseflyt")  # where root's clusters go when `postgres` cannot enter the checkout

ROLE = "masseflyt"
DATABASE = "masseflyt"
ADMINISTRATOR = "postgres"
PORT = 5432  # only a part of the socket's name
SOCKET_NAME = f".s.PGSQL.{PORT}"
LONGEST_SOCKET_PATH = 107  # bytes; sun_path of unix(7) less its end
ORDINARY_SYSTEM_USER = "postgres"

START_TIMEOUT_S = 60.0
LARGEST_LOG_BYTES = 5_000_000

CONFIGURATION_NAME = "masseflyt.conf"
CONFIGURATION = """\
# Written by Masseflyt at each start; changes made here are lost.
listen_addresses = ''
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
cluster_name = 'masseflyt'
max_connections = 100
shared_buffers = 128MB
work_mem = 16MB
maintenance_work_mem = 128MB
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_min_messages = warning
"""


class ClusterError(Exception):
    """The private cluster cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemUser:
    """Who the PostgreSQL processes run as."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"user number {self.uid}"

    @property
    def is_current(self) -> bool:
        return self.uid == os.geteuid()

    def run(self, command: list[str], *, timeout_s: float) -> "subprocess.CompletedProcess[str]":
        """Run `command` as this user, away from our folder and without our PostgreSQL settings."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.run(
            command,
            cwd="/",
            env=environment | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout_s,
            user=None if self.is_current else self.uid,
            group=None if self.is_current else self.gid,
            extra_groups=None if self.is_current else [],
        )

    def own(self, path: Path) -> None:
        if not self.is_current:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        return self.run(["test", "-x", str(folder)], timeout_s=10).returncode == 0


class Cluster:
    """One private cluster, in `home`."""

    def __init__(self, home: Path | None = None) -> None:
        self.given_home = home or HOME

    # Where things are -------------------------------------------------------------------------------------------------

    @cached_property
    def home(self) -> Path:
        """The folder itself: `given_home`, or what that links to."""
        return self.given_home.resolve()

    @property
    def is_outside(self) -> bool:
        """Whether the files lie elsewhere, as the user PostgreSQL runs as cannot enter the checkout."""
        return self.given_home.is_symlink()

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "log" / "postgres.log"

    @property
    def sockets(self) -> Path:
        """The folder of the socket: `home/socket`, or a short one elsewhere where that path is too long for one."""
        remembered = self.home / "socket_folder"
        return Path(remembered.read_text().strip()) if remembered.exists() else self.home / "socket"

    @cached_property
    def user(self) -> SystemUser:
        """Whoever owns the data already; else ourselves, or under root the system's `postgres`."""
        if self.data.exists():
            owner = self.data.stat()
            return SystemUser(uid=owner.st_uid, gid=owner.st_gid)
        if os.geteuid() != 0:
            return SystemUser(uid=os.geteuid(), gid=os.getegid())
        try:
            entry = pwd.getpwnam(ORDINARY_SYSTEM_USER)
        except KeyError:
            raise ClusterError(
                "PostgreSQL does not run as root, and there is no user 'postgres' to run it as:"
                " add one, or start Masseflyt as an ordinary user"
            ) from None
        return SystemUser(uid=entry.pw_uid, gid=entry.pw_gid)

    @cached_property
    def programs(self) -> Programs:
        version = self.data / "PG_VERSION"
        try:
            if not version.exists():
                return find_programs()
            major = int(version.read_text())
            return find_programs(major=major)
        except ProgramsMissing as error:
            advice = f"; {self.given_home} was made by it: install it, or move that folder away"
            raise ClusterError(f"{error}{advice if version.exists() else ''}") from None

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

    def require_own(self) -> None:
        """Raises ClusterError where it is another user's, whom only root may act for."""
        if not self.given_home.exists() or os.geteuid() in (0, self.given_home.stat().st_uid):
            return
        owner = SystemUser(uid=self.given_home.stat().st_uid, gid=0).name
        raise ClusterError(
            f"the private cluster in {self.given_home} belongs to {owner}: run this as {owner},"
            " or set DATABASE_URL, or remove that folder to begin anew"
        )

    # Making -----------------------------------------------------------------------------------------------------------

    def _prepare_home(self) -> None:
        """The folder is there, is ours, and can be entered by whoever PostgreSQL runs as."""
        self.given_home.parent.mkdir(parents=True, exist_ok=True)
        if not self.given_home.exists():
            if self.user.is_current or self.user.can_enter(self.given_home.parent):
                self.given_home.unlink(missing_ok=True)  # a link whose target is gone
                self.given_home.mkdir()
            else:
                self._put_home_outside()
        self.require_own()
        if not self.user.can_enter(self.home):
            raise ClusterError(
                f"the user {self.user.name} cannot enter {self.home}: check the rights of the folders above"
            )

    def _put_home_outside(self) -> None:
        name = hashlib.sha256(str(self.given_home.absolute()).encode()).hexdigest()[:12]
        outside = OUTSIDE_HOMES / name
        outside.mkdir(parents=True, exist_ok=True)
        self.given_home.unlink(missing_ok=True)
        self.given_home.symlink_to(outside)
        self.__dict__.pop("home", None)

    def _initialise(self) -> None:
        """Make the data folder; whole or not at all, whatever ends us meanwhile."""
        unfinished = self.home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self.user.own(unfinished)
        command = [
            *(self.programs.path("initdb"), "--pgdata", str(unfinished), "--username", ADMINISTRATOR),
            *("--encoding", "UTF8", "--auth", "trust", "--no-instructions"),
        ]
        # The socket's folder is what keeps others out, so within it everyone is trusted.
        for locale in self._locales():
            result = self.user.run([*command, *locale], timeout_s=120)
            if result.returncode == 0:
                break
        else:
            raise ClusterError(f"initdb failed: {_last_lines(result.stdout)}")
        with (unfinished / "postgresql.conf").open("a") as file:
            file.write(f"\ninclude = '../{CONFIGURATION_NAME}'\n")
        unfinished.rename(self.data)

    def _locales(self) -> list[list[str]]:
        if self.programs.major >= 17:
            return [["--locale-provider", "builtin", "--locale", "C.UTF-8", "--lc-collate", "C", "--lc-ctype", "C"]]
        return [["--locale", "C.UTF-8"], ["--locale", "C"]]

    def _configure(self) -> None:
        sockets = self._make_socket_folder()
        # Beside the data, not in it: root must not write where the server's user could lay a link.
        path = self.home / CONFIGURATION_NAME
        path.write_text(CONFIGURATION.format(port=PORT, sockets=str(sockets).replace("'", "''")))
        path.chmod(0o644)
        self.log.parent.mkdir(exist_ok=True)
        self.user.own(self.log.parent)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _make_socket_folder(self) -> Path:
        inside = self.home / "socket"
        remembered = self.home / "socket_folder"
        if len(os.fsencode(inside / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
            remembered.unlink(missing_ok=True)
            inside.mkdir(exist_ok=True)
            inside.chmod(0o700)
            self.user.own(inside)
            return inside
        if remembered.exists() and self._is_private(self.sockets):
            return self.sockets
        base = "/run" if os.access("/run", os.W_OK) else "/tmp"  # noqa: S108 - mkdtemp makes a private folder in it
        folder = Path(tempfile.mkdtemp(prefix="masseflyt-", dir=base))  # mode 0700
        self.user.own(folder)
        remembered.write_text(str(folder))
        return folder

    def _is_private(self, folder: Path) -> bool:
        try:
            status = folder.lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISDIR(status.st_mode) and status.st_uid == self.user.uid and stat.S_IMODE(status.st_mode) == 0o700

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
            raise ClusterError(f"PostgreSQL did not start; the end of {self.log}:\n{_last_lines(tail)}")

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


def _last_lines(text: str, *, count: int = 8) -> str:
    return "\n".join(text.strip().splitlines()[-count:])
