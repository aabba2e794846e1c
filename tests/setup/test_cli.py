"""The command: what it needs it says in a sentence, and it serves what it was pointed at."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest
from sqlalchemy import create_engine, text

from marketplace.cli import MODULES, main
from marketplace.cluster import Cluster, Lease
from marketplace.migrate import head_revision

ROOT = Path(__file__).resolve().parents[2]
SECRET_KEY = "for-the-tests-of-the-command-only-0123456789"

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def server(furnished_home: Path) -> Iterator[Lease]:
    """A server that plays the part of the user's own."""
    with Cluster(furnished_home).lease() as lease:
        yield lease


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `masseflyt` here; gives its exit code and all it said."""

    def run_command(*arguments: str, database_url: str = "", secret_key: str = SECRET_KEY) -> tuple[int, str]:
        monkeypatch.setenv("DATABASE_URL", database_url)
        monkeypatch.setenv("SECRET_KEY", secret_key)
        monkeypatch.setattr(sys, "argv", ["masseflyt", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return run_command


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("command", MODULES)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    code, said = run(command, "--help")
    assert code == 0
    assert f"masseflyt {command}" in said
    assert len(said.splitlines()) > 5


def test_all_commands_are_listed(run: Run) -> None:
    code, said = run("--help")
    assert code == 0
    assert all(f"\n  {command} " in said for command in MODULES)


def test_own_server_needs_a_secret_key(run: Run, server: Lease) -> None:
    code, said = run("migrate", database_url=server.url("postgres"), secret_key="short")
    assert code == 1
    assert "SECRET_KEY must be given" in said
    assert "Traceback" not in said


def test_unreachable_server_is_said_so_without_the_password(run: Run) -> None:
    code, said = run("migrate", database_url="postgresql://someone:hemmelig@127.0.0.1:1/masses")
    assert code == 1
    assert "127.0.0.1:1/masses cannot be reached" in said
    assert "hemmelig" not in said
    assert len(said.strip().splitlines()) == 1


def test_missing_right_to_make_postgis_is_said_so(run: Run, server: Lease) -> None:
    _administer(server, "CREATE DATABASE bare OWNER masseflyt TEMPLATE template0")
    code, said = run("migrate", database_url=server.url("bare"))
    assert code == 1
    assert "The role masseflyt may not make the extension postgis in the database bare" in said
    assert "CREATE EXTENSION postgis;" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_database_that_is_not_migrated_is_left_as_it_is(run: Run, server: Lease, command: str) -> None:
    server.cluster.make_database("untouched")
    code, said = run(command, database_url=server.url("untouched"))
    assert code == 1
    assert "run `masseflyt migrate` first" in said
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'spatial_ref_sys'"
    assert _value(server.url("untouched"), tables) == 0


def test_taken_port_is_said_so(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = run("serve", "--port", str(port))
    assert code == 1
    assert f"Port {port} on 127.0.0.1 is taken by another program" in said


def test_own_server_is_migrated_and_served_and_nothing_is_seeded(run: Run, server: Lease) -> None:
    server.cluster.make_database("production")
    url = server.url("production")
    assert run("migrate", database_url=url)[0] == 0
    assert run("migrate", database_url=url)[0] == 0  # again, with nothing to do
    assert run("worker", "--until-empty", database_url=url)[0] == 0

    port = _free_port()
    command = [sys.executable, "-m", "marketplace", "serve", "--port", str(port), "--workers", "1"]
    environment = os.environ | {"DATABASE_URL": url, "SECRET_KEY": SECRET_KEY}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            answer = _wait_for_json(f"http://127.0.0.1:{port}/readyz")
            assert process.stdout is not None
            said = next((line for line in process.stdout if "http://" in line), "")
            family = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
        finally:
            process.terminate()
        process.communicate(timeout=30)
    assert answer == {"status": "ok", "revision": head_revision()}
    assert process.returncode == 0
    assert f"http://127.0.0.1:{port}" in said
    assert "demo" not in said
    assert not [pid for pid in family if psutil.pid_exists(pid)]
    assert _value(url, "SELECT count(*) FROM app_user") == 0
    assert _value(url, "SELECT count(*) FROM municipality") > 300


def test_private_server_recovers_from_kills_and_leaves_nothing_running(folder: Path) -> None:
    """From nothing: cluster, tables, demo; then the server is killed, started again, and its PostgreSQL is killed."""
    with _private_server(folder) as (process, address):
        assert _wait_for_json(f"{address}/readyz")["status"] == "ok"
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive, "web and job workers must end with the server"
    cluster = Cluster(folder / "postgres")
    postmaster = cluster._postmaster()
    assert postmaster is not None, "nobody was left to stop it"

    with _private_server(folder) as (process, address):
        assert _wait_for_json(f"{address}/readyz")["status"] == "ok"
        assert cluster._postmaster() == postmaster
        postmaster.kill()
        postmaster.wait()
        assert _wait_for_json(f"{address}/readyz")["status"] == "ok", "it is started again under the running server"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert not cluster.is_running()
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600


class _private_server:  # noqa: N801 - used like a function
    """`masseflyt serve` as after a fresh clone, with another folder in the place of var/."""

    PROGRAM = """
        import sys
        from pathlib import Path
        from marketplace import cluster
        from marketplace.cli import database, main
        cluster.HOME = Path(sys.argv[1]) / "postgres"
        database.SECRET_KEY_FILE = Path(sys.argv[1]) / "secret_key"
        sys.argv[1:] = ["serve", "--workers", "1", "--port", sys.argv[2]]
        main()
    """

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(self.PROGRAM), str(folder), str(self.port)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> tuple["subprocess.Popen[bytes]", str]:
        return self.process, f"http://127.0.0.1:{self.port}"

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.process.wait(30)


def _wait_for_json(url: str, *, at_most_s: float = 60) -> dict[str, object]:
    deadline = time.monotonic() + at_most_s
    while True:
        try:
            with urlopen(url, timeout=5) as response:
                return dict(json.load(response))
        except (URLError, OSError):
            assert time.monotonic() < deadline, f"{url} did not answer"
            time.sleep(0.1)


def _administer(server: Lease, statement: str) -> None:
    with server.cluster._administer("postgres") as connection:
        connection.execute(statement.encode())


def _value(url: str, statement: str) -> object:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.scalar(text(statement))
    finally:
        engine.dispose()
