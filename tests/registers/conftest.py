"""A register on this machine: a real HTTP server on the loopback address that answers as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from marketplace.registers.remote import Manners, RemoteJson


@dataclass
class Answer:
    body: object = None
    status: int = 200
    raw: bytes | None = None
    """Sent as it is, in place of `body` as JSON."""
    may_end: threading.Event | None = None
    """Held back until this is set."""


@dataclass
class LocalRegister:
    """What the server answers next, and what it was asked."""

    url: str
    answer: Answer = field(default_factory=Answer)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    register: LocalRegister

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        self.register.asked.append((split.path, {name: values[0] for name, values in parse_qs(split.query).items()}))
        answer = self.register.answer
        if answer.may_end is not None:
            answer.may_end.wait(timeout=5)
        body = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
        try:
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the asker gave up, which is what some tests are about

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


@pytest.fixture
def register() -> Iterator[LocalRegister]:
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    local = LocalRegister(url=f"http://127.0.0.1:{server.server_port}")
    handler.register = local
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield local
    if local.answer.may_end is not None:
        local.answer.may_end.set()
    server.shutdown()
    server.server_close()


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


RemoteMaker = Callable[..., RemoteJson]


@pytest.fixture
def make_remote(register: LocalRegister, clock: Clock) -> Iterator[RemoteMaker]:
    """Makes clients of the local register; short waits unless told otherwise."""
    made: list[RemoteJson] = []

    def make(**manners: object) -> RemoteJson:
        remote = RemoteJson(register.url, manners=Manners(**{"timeout_s": 2.0, **manners}), clock=clock)
        made.append(remote)
        return remote

    yield make
    for remote in made:
        if register.answer.may_end is not None:
            register.answer.may_end.set()
        remote.close()
