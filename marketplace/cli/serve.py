"""`masseflyt serve`: the database, the worker and the web server, started and stopped together."""

import errno
import importlib
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

import click

from marketplace.cli import cli
from marketplace.cli.database import Database, open_database, require_newest_schema
from marketplace.cli.migrate import bring_up_to_date
from marketplace.config import ROOT, Settings
from marketplace.lifetime import child_environment

MOST_WEB_WORKERS = 4
MOST_THREADS = 8  # a web worker; below the size of its connection pool
WATCH_INTERVAL_S = 2.0
WORKER_RESTART_DELAY_S = 3.0
WORKER_STOP_TIMEOUT_S = 20.0
WEB_STOP_TIMEOUT_S = 10
READY_TIMEOUT_S = 60.0


@cli.command()
@click.option("--dev", is_flag=True, help="Reload at each change of code or templates.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535), envvar="PORT", show_envvar=True)
@click.option("--workers", type=click.IntRange(1, 64), help="Web server processes; by default one a core, at most 4.")
@click.option("--no-worker", is_flag=True, help="Leave the jobs (mail, expiry) to a `masseflyt worker` of your own.")
def serve(*, dev: bool, host: str, port: int, workers: int | None, no_worker: bool) -> None:
    """Serve Masseflyt, with its database and its worker.

    Where DATABASE_URL is unset, the private PostgreSQL cluster is started, migrated and, if empty, given the demo
    region; it stops with the server. Where it is set, that database is used as it is: run `masseflyt migrate` first.
    """
    began = time.perf_counter()
    _stop_on_termination()
    _require_free_port(host, port)
    click.echo("Masseflyt")
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    overrides = {} if os.environ.get("BASE_URL") else {"base_url": address}

    with ExitStack() as stack:
        database = stack.enter_context(open_database(**overrides))
        _prepare(database)
        log_ins = _demo_log_ins(database)
        database.engine.dispose()  # the web server forks, and a connection must not be shared with a fork
        os.environ.update(_environment(database.settings, development=dev))
        ending = threading.Event()
        stack.callback(ending.set)
        ready = threading.Event()
        worker = None if no_worker else stack.enter_context(_Worker(ready, ending))
        if database.lease:
            _watch_cluster(database.lease.revive, ending)
        _announce_when_ready(address, began=began, log_ins=log_ins, ready=ready, ending=ending)
        _run_web_server(host, port, workers=workers, development=dev, on_reload=worker.restart if worker else None)
        click.echo("\n  Stopping ...")


def _stop_on_termination() -> None:
    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def _require_free_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise click.ClickException(
                    f"Port {port} on {host} is taken by another program; choose another one, such as PORT={port + 1}."
                ) from None
            raise click.ClickException(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from None


# The database ---------------------------------------------------------------------------------------------------------


def _prepare(database: Database) -> None:
    if not database.is_private:
        require_newest_schema(database)
        return
    bring_up_to_date(database)
    from marketplace.cli.seed import load_demo_if_empty

    load_demo_if_empty(database)


def _demo_log_ins(database: Database) -> list[tuple[str, str]]:
    """What each demo log-in is for, and its e-mail address; none where the database is no demo."""
    from marketplace.cli.seed import demo_log_ins

    return demo_log_ins(database)


def _environment(settings: Settings, *, development: bool) -> dict[str, str]:
    """What the worker and the web processes need to come to the same settings."""
    assert settings.database_url is not None
    return child_environment(development=development) | {
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "BASE_URL": settings.base_url,
    }


def _watch_cluster(revive: Callable[[], bool], ending: threading.Event) -> None:
    """Start PostgreSQL again should it die under us."""

    def watch() -> None:
        while not ending.wait(WATCH_INTERVAL_S):
            if revive():
                click.echo("  PostgreSQL had stopped; it was started again.", err=True)

    threading.Thread(target=watch, name="watch-cluster", daemon=True).start()


# The worker -----------------------------------------------------------------------------------------------------------


class _Worker:
    """The worker process, started when the web server is ready and again whenever it ends before we do."""

    def __init__(self, ready: threading.Event, ending: threading.Event) -> None:
        self.ready = ready
        self.ending = ending
        self.process: subprocess.Popen[bytes] | None = None
        self._wanted_restart = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, name="watch-worker", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ending.set()
        self.ready.set()
        while self._thread.is_alive():
            self._stop()
            self._thread.join(0.1)

    def restart(self) -> None:
        self._wanted_restart.set()
        if self.process:
            self.process.terminate()

    def _stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(WORKER_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _keep_running(self) -> None:
        self.ready.wait(READY_TIMEOUT_S)
        while not self.ending.is_set():
            # A session of its own: Ctrl-C in the terminal reaches us alone, and we stop it in turn.
            command = [sys.executable, "-m", "marketplace", "worker"]
            self.process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
            code = self.process.wait()
            if self._wanted_restart.is_set():
                self._wanted_restart.clear()
            elif not self.ending.is_set():
                click.echo(f"  The worker ended (code {code}); it is started again.", err=True)
                self.ending.wait(WORKER_RESTART_DELAY_S)


# The web server -------------------------------------------------------------------------------------------------------


def _run_web_server(
    host: str, port: int, *, workers: int | None, development: bool, on_reload: Callable[[], None] | None
) -> None:
    """Serve until told to stop by SIGINT, SIGTERM or SIGHUP."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels

    cores = os.cpu_count() or 1
    # A fork shares what is imported already and starts at once; but what is to be reloaded must be imported anew.
    multiprocessing.set_start_method("spawn" if development else "fork")
    if not development:
        importlib.import_module("marketplace.app")
    server = Granian(
        "marketplace.wsgi:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1 if development else workers or min(MOST_WEB_WORKERS, cores),
        blocking_threads=min(MOST_THREADS, 2 * cores + 1),
        workers_kill_timeout=WEB_STOP_TIMEOUT_S,
        respawn_failed_workers=not development,
        working_dir=ROOT,
        log_level=LogLevels.warning,
        reload=development,
        reload_paths=[ROOT / "marketplace", ROOT / "geo"],
        reload_filter=_source_filter() if development else None,
        reload_ignore_worker_failure=True,
    )

    @server.on_startup
    def stop_with_the_terminal() -> None:
        signal.signal(signal.SIGHUP, server.signal_handler_interrupt)

    if on_reload:
        server.on_reload(on_reload)
    server.serve()


def _source_filter() -> type:
    from watchfiles import PythonFilter

    class Sources(PythonFilter):
        """Python files and compiled translations; templates are read anew by themselves."""

        def __init__(self) -> None:
            super().__init__(ignore_paths=[Path(ROOT / "marketplace" / "static")], extra_extensions=(".mo",))

    return Sources


def _announce_when_ready(
    address: str, *, began: float, log_ins: list[tuple[str, str]], ready: threading.Event, ending: threading.Event
) -> None:
    def wait() -> None:
        deadline = time.perf_counter() + READY_TIMEOUT_S
        while time.perf_counter() < deadline and not ending.wait(0.05):
            if _is_healthy(address):
                ready.set()
                _announce(address, seconds=time.perf_counter() - began, log_ins=log_ins)
                return

    threading.Thread(target=wait, name="announce", daemon=True).start()


def _is_healthy(address: str) -> bool:
    reachable = address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    try:
        with urlopen(f"{reachable}/healthz", timeout=2) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def _announce(address: str, *, seconds: float, log_ins: list[tuple[str, str]]) -> None:
    click.echo(f"\nMasseflyt is at {click.style(address, bold=True)}  (ready in {seconds:.1f} s)")
    if log_ins:
        width = max(len(purpose) for purpose, _ in log_ins)
        click.echo("\nThis is a demo database. Its log-ins:")
        for purpose, account in log_ins:
            click.echo(f"  {purpose:<{width}}  {account}")
    click.echo("\nCtrl-C stops it.\n")
