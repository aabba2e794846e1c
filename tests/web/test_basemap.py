from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from marketplace.queries.basemap import MAX_ZOOM, basemap_tile
from tests.conftest import Client
from tests.vector_tile import read_tile

BAERUM = (9, 271, 148)
"""Zoom, x and y of a tile with Oslo and Bærum."""
NORTH_SEA = (9, 260, 148)


def tile(client: Client, z: int, x: int, y: int, **headers: str):  # type: ignore[no-untyped-def]
    return client.get(f"/basemap/{z}/{x}/{y}.mvt", headers=headers)


def test_a_tile_has_land_borders_and_names(client: Client) -> None:
    response = tile(client, *BAERUM)
    assert response.status_code == 200
    assert response.mimetype == "application/vnd.mapbox-vector-tile"
    found = read_tile(response.data)
    assert {"0301", "3201"} <= {feature["number"] for feature in found["land"]}
    assert {"0301", "3201"} <= {feature["number"] for feature in found["boundary"]}
    assert "Oslo" in {feature["name"] for feature in found["place"]}


def test_the_largest_town_is_named_first(client: Client) -> None:
    people = [feature["population"] for feature in read_tile(tile(client, *BAERUM).data)["place"]]
    assert people == sorted(people, reverse=True)


def test_far_out_only_large_towns_are_named(client: Client) -> None:
    names = {feature["name"] for feature in read_tile(tile(client, 4, 8, 4).data)["place"]}
    assert {"Oslo", "Bergen"} <= names
    assert "Sandvika" not in names


def test_a_municipality_with_a_town_of_its_name_is_named_once(client: Client) -> None:
    names = [feature["name"] for feature in read_tile(tile(client, *BAERUM).data)["place"]]
    assert names.count("Oslo") == 1


def test_a_tile_is_kept_by_the_browser_and_confirmed_by_its_etag(client: Client) -> None:
    first = tile(client, *BAERUM)
    assert first.cache_control.public
    assert first.cache_control.max_age == 86400
    again = tile(client, *BAERUM, **{"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert not again.data


def test_open_sea_is_an_empty_tile(client: Client) -> None:
    response = tile(client, *NORTH_SEA)
    assert response.status_code == 204
    assert response.cache_control.max_age == 86400


@pytest.mark.parametrize("far", [(3, 0, 0), (3, 7, 7), (3, 0, 7), (3, 3, 2), (5, 31, 0)])
def test_tiles_on_the_other_side_of_the_earth_are_empty(client: Client, far: tuple[int, int, int]) -> None:
    assert tile(client, *far).status_code == 204


@pytest.mark.parametrize("outside", [(2, 1, 1), (MAX_ZOOM + 1, 1, 1), (5, 32, 3), (5, 3, 32)])
def test_a_tile_that_cannot_be_is_not_found(client: Client, outside: tuple[int, int, int]) -> None:
    assert tile(client, *outside).status_code == 404


def test_both_tables_are_asked_through_their_gist_index(session: Session, connection: Connection) -> None:
    statements: list[str] = []

    class Recorder:
        def scalar(self, statement: object) -> None:
            compiled = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
            statements.append(str(compiled))

    basemap_tile(Recorder(), zoom=9, x=271, y=148)  # type: ignore[arg-type]
    session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = "\n".join(session.scalars(text("EXPLAIN " + statements[0].replace(":", r"\:"))))
    assert "ix_municipality_area_25833" in plan
    assert "ix_gazetteer_place_position_25833" in plan


@pytest.fixture
def archive(app: Flask, tmp_path: Path) -> Iterator[bytes]:
    content = b"PMTiles" + bytes(range(200))
    (tmp_path / "map.pmtiles").write_bytes(content)
    before = app.settings  # type: ignore[attr-defined]
    app.settings = before.model_copy(update={"basemap_pmtiles": tmp_path / "map.pmtiles"})  # type: ignore[attr-defined]
    yield content
    app.settings = before  # type: ignore[attr-defined]


def test_a_configured_archive_is_read_by_ranges(client: Client, archive: bytes) -> None:
    with client.get("/basemap/archive.pmtiles", headers={"Range": "bytes=7-16"}) as response:
        assert response.status_code == 206
        assert response.data == archive[7:17]
        assert response.headers["Content-Range"] == f"bytes 7-16/{len(archive)}"


def test_maps_use_a_configured_archive(client: Client, archive: bytes) -> None:
    assert '"fileUrl": "/basemap/archive.pmtiles"' in client.get("/styleguide/map").text


def test_without_an_archive_there_is_none(client: Client) -> None:
    assert client.get("/basemap/archive.pmtiles").status_code == 404
