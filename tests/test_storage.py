"""The storage of content: the same promises in a folder, in memory and in a bucket."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from marketplace.config import ROOT, BadSettings, load_settings
from marketplace.storage import NotStored, ObjectStorage, Storage, StorageFailed, open_storage
from tests.bucket import served_bucket

NAME, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture(params=["memory", "folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    if request.param == "memory":
        yield ObjectStorage(MemoryStore())
    elif request.param == "folder":
        yield open_storage(f"{tmp_path.as_uri()}/with%20space")
    else:
        with served_bucket() as (address, bucket):
            for name, value in bucket_settings(address).items():
                monkeypatch.setenv(name, value)
            yield open_storage("s3://bucket/masseflyt/documents")
            assert all(key.startswith("masseflyt/documents/") for key in bucket.objects)


def bucket_settings(address: str) -> dict[str, str]:
    """What the environment of a program says to reach a bucket."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "eu-north-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }


def content(storage: Storage, name: str, **extent: int) -> bytes:
    return b"".join(storage.read(name, **extent))


def test_what_was_put_is_read_whole_or_in_part(storage: Storage) -> None:
    storage.put(NAME, b"0123456789")
    assert content(storage, NAME) == b"0123456789"
    assert content(storage, NAME, start=2, end=5) == b"234"
    assert content(storage, NAME, start=7) == b"789"
    assert storage.exists(NAME)


def test_large_content_comes_back_in_pieces(storage: Storage) -> None:
    large = os.urandom(6 * 1024 * 1024)
    storage.put(NAME, large)
    assert content(storage, NAME) == large
    assert content(storage, NAME, start=5_000_000, end=5_500_000) == large[5_000_000:5_500_000]


def test_putting_again_puts_in_place(storage: Storage) -> None:
    storage.put(NAME, b"first")
    storage.put(NAME, b"second")
    assert content(storage, NAME) == b"second"


def test_what_is_not_there_is_said_at_once(storage: Storage) -> None:
    assert not storage.exists(OTHER)
    with pytest.raises(NotStored):
        storage.read(OTHER)


def test_what_is_deleted_is_gone_and_may_be_gone_already(storage: Storage) -> None:
    storage.put(NAME, b"x")
    storage.delete([OTHER, NAME, NAME])
    assert not storage.exists(NAME)


def test_names_are_listed_by_their_age(storage: Storage) -> None:
    storage.put(NAME, b"x")
    storage.put(f"{NAME}.card", b"x")
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert sorted(storage.stored_before(soon)) == [NAME, f"{NAME}.card"]
    assert list(storage.stored_before(soon - timedelta(hours=1))) == []


@pytest.mark.parametrize("name", ["", "abc", "../" + NAME, NAME + "/x", NAME.upper(), f"{NAME}.a/b", f"{NAME}\n"])
def test_only_a_hash_names_content(storage: Storage, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        storage.put(name, b"x")


def test_a_folder_is_for_the_program_alone(tmp_path: Path) -> None:
    storage = open_storage((tmp_path / "a" / "documents").as_uri())
    storage.put(NAME, b"x")
    assert (tmp_path / "a" / "documents").stat().st_mode & 0o077 == 0
    assert (tmp_path / "a" / "documents" / NAME[:2] / NAME).read_bytes() == b"x"


def test_a_folder_that_cannot_be_written_to_is_said_so(tmp_path: Path) -> None:
    storage = open_storage((tmp_path / "documents").as_uri())
    (tmp_path / "documents" / NAME[:2]).write_text("in the way")
    with pytest.raises(StorageFailed):
        storage.put(NAME, b"x")


def test_a_bucket_that_is_not_reached_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in bucket_settings("http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageFailed):
        open_storage("s3://bucket").put(NAME, b"x")


def test_a_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSettings, match="DOCUMENTS_URL"):
        open_storage((tmp_path / "file" / "documents").as_uri())


def test_documents_lie_beside_the_database_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCUMENTS_URL", raising=False)
    url = load_settings(database_url=None).documents_url
    assert url == (ROOT / "var" / "documents").as_uri()
    assert (ROOT / "marketplace" / "static") not in (ROOT / "var" / "documents").parents


@pytest.mark.parametrize(
    "url", ["documents", "file:documents", "file://host/documents", "s3:///prefix", "http://a/b", ""]
)
def test_an_address_that_names_no_storage_stops_the_start(url: str) -> None:
    with pytest.raises(BadSettings, match="DOCUMENTS_URL"):
        load_settings(database_url=None, documents_url=url)
