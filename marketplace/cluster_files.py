"""Where a private cluster's files lie, who owns them, and how they are made."""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from marketplace.postgres import Programs, ProgramsMissing, find_programs

OUTSIDE_HOMES = Path("/var/lib/masseflyt")  # where root's clusters go when `postgres` cannot enter the checkout

ADMINISTRATOR = "postgres"
PORT = 5432  # only a part of the socket's name
SOCKET_NAME = f".s.PGSQL.{PORT}"
LONGEST_SOCKET_PATH = 107  # bytes; sun_path of unix(7) less its end
ORDINARY_SYSTEM_USER = "postgres"

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
        try:
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
        except subprocess.TimeoutExpired:
            raise ClusterError(f"{command[0]} was not done after {timeout_s:.0f} seconds") from None

    def own(self, path: Path) -> None:
        if not self.is_current:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        return self.run(["test", "-x", str(folder)], timeout_s=10).returncode == 0


class ClusterFiles:
    """The folder of one private cluster."""

    def __init__(self, home: Path) -> None:
        self.given_home = home

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
            raise ClusterError(f"initdb failed: {last_lines(result.stdout)}")
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


def last_lines(text: str, *, count: int = 8) -> str:
    return "\n".join(text.strip().splitlines()[-count:])
