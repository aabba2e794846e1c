"""Asking a public JSON service politely: a total time-out, a cache, and a pause after failures.

A question is answered from the cache, or by a worker thread that the asker waits for only so long. An answer that
comes too late still lands in the cache, so the next asker has it at once. After some failures in a row the service is
left alone for a while, so that an outage costs nobody more than the first few waits.
"""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import structlog

from marketplace.errors import Unavailable

log = structlog.get_logger()

USER_AGENT = "masseflyt/0.1"
WORKERS = 4
Json = Any
Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How long to wait, how long to remember, and when to leave a service alone. Times in seconds."""

    timeout_s: float = 1.5
    """Waited for at most, all in all."""
    remember_s: float = 3600.0
    remember_missing_s: float = 300.0
    """How long "there is no such thing" is believed."""
    remembered: int = 2000
    failures_before_pause: int = 2
    pause_s: float = 60.0
    largest_answer_bytes: int = 1_000_000


class RemoteUnavailable(Unavailable):
    """The service did not give a usable answer in time; `reason` is for the log, not for people."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__()


class NoSuchThing(Exception):
    """The service answered that what was asked for does not exist; `status` is its HTTP status."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"HTTP {status}")


@dataclass(frozen=True, slots=True)
class _Remembered:
    until: float
    value: Json = None
    missing_status: int | None = None


class RemoteJson:
    """One service under `base_url`; safe to use from many threads."""

    def __init__(
        self, base_url: str, *, manners: Manners | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.manners = manners or Manners()
        self._clock = clock
        self._client = httpx.Client(
            base_url=base_url,
            timeout=httpx.Timeout(self.manners.timeout_s),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            follow_redirects=False,
        )
        self._workers = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="register")
        self._lock = threading.Lock()
        self._cache: OrderedDict[Key, _Remembered] = OrderedDict()
        self._under_way: dict[Key, Future[Json]] = {}
        self._failures = 0
        self._paused_until = 0.0

    def get(self, path: str, params: Mapping[str, str] | None = None, *, wait_s: float | None = None) -> Json:
        """The parsed JSON of `path`, after at most `wait_s` (the manners' time-out where None).

        Raises:
            RemoteUnavailable: no usable answer in time, too much under way, or the service is being left alone.
            NoSuchThing: the service knows of no such thing (404 or 410).
        """
        answer = self.ask(path, params)
        try:
            return answer.result(timeout=self.manners.timeout_s if wait_s is None else wait_s)
        except TimeoutError:
            raise RemoteUnavailable("no answer in time") from None

    def ask(self, path: str, params: Mapping[str, str] | None = None) -> Future[Json]:
        """The answer as a future, asked for once however many wait for it; already done where it is remembered."""
        key: Key = (path, tuple(sorted((params or {}).items())))
        with self._lock:
            remembered = self._recall(key)
            if remembered is not None:
                return _settled(remembered)
            if key in self._under_way:
                return self._under_way[key]
            if self._clock() < self._paused_until:
                return _failed(RemoteUnavailable("left alone after failures"))
            if len(self._under_way) >= WORKERS:
                return _failed(RemoteUnavailable("too many questions under way"))
            future: Future[Json] = Future()
            self._under_way[key] = future
        self._workers.submit(self._answer, key, future)
        return future

    def close(self) -> None:
        self._workers.shutdown(wait=True)
        self._client.close()

    def _answer(self, key: Key, future: "Future[Json]") -> None:
        try:
            value = self._fetch(key)
        except NoSuchThing as missing:
            self._settle(key, _Remembered(self._clock() + self.manners.remember_missing_s, None, missing.status))
            future.set_exception(missing)
        except RemoteUnavailable as failure:
            self._count_failure(key, failure)
            future.set_exception(failure)
        except BaseException as bug:
            self._count_failure(key, RemoteUnavailable(type(bug).__name__))
            future.set_exception(bug)
            raise
        else:
            self._settle(key, _Remembered(self._clock() + self.manners.remember_s, value))
            future.set_result(value)

    def _fetch(self, key: Key) -> Json:
        path, params = key
        deadline = self._clock() + self.manners.timeout_s
        try:
            with self._client.stream("GET", path, params=dict(params)) as response:
                if response.status_code in {404, 410}:
                    raise NoSuchThing(response.status_code)
                if response.status_code != httpx.codes.OK:
                    raise RemoteUnavailable(f"HTTP {response.status_code}")
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > self.manners.largest_answer_bytes:
                        raise RemoteUnavailable("answer too large")
                    if self._clock() > deadline:
                        raise RemoteUnavailable("answer too slow")
            return json.loads(body)
        except httpx.HTTPError as error:
            raise RemoteUnavailable(type(error).__name__) from error
        except ValueError as error:
            raise RemoteUnavailable("not JSON") from error

    def _settle(self, key: Key, remembered: _Remembered) -> None:
        with self._lock:
            self._under_way.pop(key, None)
            self._cache[key] = remembered
            while len(self._cache) > self.manners.remembered:
                self._cache.popitem(last=False)
            self._failures = 0
            self._paused_until = 0.0

    def _count_failure(self, key: Key, failure: RemoteUnavailable) -> None:
        with self._lock:
            self._under_way.pop(key, None)
            self._failures += 1
            paused = self._failures >= self.manners.failures_before_pause
            if paused:
                self._paused_until = self._clock() + self.manners.pause_s
        log.warning("register_failed", host=self._client.base_url.host, reason=failure.reason, paused=paused)

    def _recall(self, key: Key) -> _Remembered | None:
        remembered = self._cache.get(key)
        if remembered is None:
            return None
        if remembered.until < self._clock():
            del self._cache[key]
            return None
        self._cache.move_to_end(key)
        return remembered


def _settled(remembered: _Remembered) -> "Future[Json]":
    if remembered.missing_status is not None:
        return _failed(NoSuchThing(remembered.missing_status))
    future: Future[Json] = Future()
    future.set_result(remembered.value)
    return future


def _failed(error: Exception) -> "Future[Json]":
    future: Future[Json] = Future()
    future.set_exception(error)
    return future
