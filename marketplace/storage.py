"""Where the content of uploaded files lies: by its hash, in a folder of the program's own or in a bucket.

A name here is a SHA-256 in hexadecimal, with a dot and a word after it for what was derived from that content. What is
put is there, whole and durable, when `put` returns: a caller puts first and writes the row that names it afterwards, so
that a fault in between leaves content that nobody names (swept later) and never a row without content.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, S3Store

from marketplace.config import BadSettings
from marketplace.errors import Unavailable
from marketplace.i18n_marker import N_

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

NAME = re.compile(r"[0-9a-f]{64}(\.[a-z]+)?")
PIECE_BYTES = 256 * 1024

FEW_TRIES: "RetryConfig" = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}
"""Somebody waits for the answer, and what they sent can be sent again."""


class NotStored(Exception):
    """Nothing lies in the storage under this name."""


class StorageFailed(Unavailable):
    message = N_("The storage of documents does not answer right now. Nothing was changed; try again soon.")


class Storage(Protocol):
    """Keeps content under names; safe to use from several threads.

    Every method raises StorageFailed where the place cannot be reached or written to.
    """

    def put(self, name: str, content: bytes) -> None:
        """Keep `content`, whole and durable, in place of what was there."""

    def read(self, name: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The content from byte `start` up to but not including `end`, in pieces.

        Raises:
            NotStored: at once, not at the first piece.
        """

    def exists(self, name: str) -> bool: ...

    def delete(self, names: Iterable[str]) -> None:
        """Forget the contents; names of nothing are passed over."""

    def stored_before(self, moment: datetime) -> Iterator[str]:
        """The names of all that was last put before `moment`."""


class ObjectStorage:
    """A `Storage` on whatever obstore reaches. Two letters of the name make a folder, so that none grows huge."""

    def __init__(self, store: "ObjectStore") -> None:
        self._store = store

    def put(self, name: str, content: bytes) -> None:
        path = path_of(name)
        with _failures():
            obstore.put(self._store, path, content)
            if isinstance(self._store, LocalStore) and self._store.prefix is not None:
                _make_durable(self._store.prefix, path)

    def read(self, name: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        path = path_of(name)
        with _failures():
            try:
                if end is not None:
                    found = obstore.get(self._store, path, options={"range": (start, end)})
                else:
                    found = obstore.get(self._store, path, options={"range": {"offset": start}} if start else None)
            except FileNotFoundError:
                raise NotStored(name) from None
        return _pieces(found)

    def exists(self, name: str) -> bool:
        with _failures():
            try:
                obstore.head(self._store, path_of(name))
            except FileNotFoundError:
                return False
        return True

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            with _failures():
                try:
                    obstore.delete(self._store, path_of(name))
                except FileNotFoundError:
                    continue

    def stored_before(self, moment: datetime) -> Iterator[str]:
        with _failures():
            for batch in obstore.list(self._store):
                for each in batch:
                    name = each["path"].rpartition("/")[2]
                    if NAME.fullmatch(name) and each["last_modified"] < moment:
                        yield name


def open_storage(url: str) -> Storage:
    """The storage at an address that the settings have checked: file:///folder, s3://bucket/prefix or memory:.

    For S3 the key, region and endpoint come from the usual AWS_* variables of the environment.

    Raises:
        BadSettings: the folder cannot be made.
    """
    parts = urlsplit(url)
    if parts.scheme == "memory":
        return ObjectStorage(MemoryStore())
    if parts.scheme == "s3":
        return ObjectStorage(S3Store.from_url(url, retry_config=FEW_TRIES))
    folder = Path(unquote(parts.path))
    try:
        # Only the program itself may look in: what lies here is served with permission or not at all.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return ObjectStorage(LocalStore(folder))
    except OSError as error:
        raise BadSettings(f"DOCUMENTS_URL names a folder that cannot be used: {folder}: {error.strerror}") from error


def path_of(name: str) -> str:
    """Where a name lies. A name that is no hash is a slip of ours, and must not reach the file system."""
    if not NAME.fullmatch(name):
        raise ValueError(f"no name of stored content: {name!r}")
    return f"{name[:2]}/{name}"


@contextmanager
def _failures() -> Iterator[None]:
    """Turns what a store raises into the message that people get."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise StorageFailed from error


def _pieces(found: "obstore.GetResult") -> Iterator[bytes]:
    with _failures():
        for piece in found.stream(min_chunk_size=PIECE_BYTES):
            yield bytes(piece)


def _make_durable(folder: Path, path: str) -> None:
    """Have the disk itself hold a file that was just moved into place, and the entries that lead to it."""
    file = folder / path
    for each in (file, file.parent, folder):
        descriptor = os.open(each, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
