"""The formats of exports, read back by other programs than the one that wrote them."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from marketplace.exports import About, Column, Export, Fact, Format, Kind, Row, metadata_json, write
from marketplace.web.downloads import csv_line

COLUMNS = (
    Column(key="name", title="Name"),
    Column(key="mass_t", title="Mass", kind=Kind.DECIMAL, unit="t", meaning="To the kilogram."),
    Column(key="loads", title="Loads", kind=Kind.WHOLE),
    Column(key="from_day", title="From", kind=Kind.DAY),
    Column(key="is_example", title="Example", kind=Kind.FLAG),
)
SANDVIKA = shapely.Point(10.526612, 59.890645)
MASSES = (Decimal("12345678901.123"), Decimal("-0.001"), None)


def rows() -> Iterator[Row]:
    yield Row(cells=("Økern; «pukk»", MASSES[0], 3, date(2027, 3, 1), True), geometry=SANDVIKA)
    yield Row(cells=("=1+1", MASSES[1], 0, None, False), geometry=shapely.LineString([(10, 60), (10.5, 60.5)]))
    yield Row(cells=(None, None, None, None, None), geometry=None)


def an_export(*, content: Iterator[Row] | None = None, decimal_sign: str = ",") -> Export:
    return Export(
        name="masses",
        columns=COLUMNS,
        geometries=("Point", "LineString"),
        about=About(
            title="Masser",
            description="Til prøve",
            facts=(Fact(key="license", name="Lisens", value="https://creativecommons.org/licenses/by/4.0/"),),
            decimal_sign=decimal_sign,
        ),
        rows=rows() if content is None else content,
    )


def written(kind: Format) -> bytes:
    return b"".join(write(an_export(), kind))


def test_csv_opens_in_a_norwegian_spreadsheet() -> None:
    text = written(Format.CSV)
    assert text.startswith(b"\xef\xbb\xbf")
    first, *found = csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=""), delimiter=";")
    assert first == ["name", "mass_t", "loads", "from_day", "is_example", "geometry_wkt"]
    assert found[0] == ["Økern; «pukk»", "12345678901,123", "3", "2027-03-01", "true", "POINT (10.526612 59.890645)"]
    assert found[2] == [""] * 6


def test_csv_holds_no_formula() -> None:
    found = list(csv.reader(io.StringIO(written(Format.CSV).decode("utf-8-sig"), newline=""), delimiter=";"))[2]
    assert found[:2] == [" =1+1", "-0,001"]  # a number below zero stays a number


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1+1", "\r=1+1"])
def test_no_text_of_a_file_begins_a_formula(text: str) -> None:
    export = an_export(content=iter([Row(cells=(text, None, None, None, None), geometry=None)]))
    found = list(
        csv.reader(io.StringIO(b"".join(write(export, Format.CSV)).decode("utf-8-sig"), newline=""), delimiter=";")
    )
    assert found[1][0] == f" {text}"
    (line,) = csv.reader(io.StringIO(csv_line([text]), newline=""), delimiter=";")
    assert line == [f" {text}"]


def test_csv_is_described_beside_it() -> None:
    described = json.loads(metadata_json(an_export(), csv_url="https://example.com/masses.csv"))
    assert described["dialect"]["delimiter"] == ";"
    assert described["license"] == "https://creativecommons.org/licenses/by/4.0/"
    mass = next(each for each in described["tableSchema"]["columns"] if each["name"] == "mass_t")
    assert (mass["unit"], mass["datatype"]["format"]["decimalChar"]) == ("t", ",")
    assert [each["name"] for each in described["tableSchema"]["columns"]][-1] == "geometry_wkt"


def test_geojson_says_what_it_is() -> None:
    found = json.loads(written(Format.GEOJSON))
    assert found["type"] == "FeatureCollection"
    assert found["metadata"]["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert found["metadata"]["columns"]["mass_t"] == {"title": "Mass", "unit": "t", "meaning": "To the kilogram."}
    first, second, last = found["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [10.526612, 59.890645]}
    assert first["properties"]["from_day"] == "2027-03-01"
    assert second["geometry"]["type"] == "LineString"
    assert last["geometry"] is None


def test_geojson_keeps_masses_to_the_kilogram() -> None:
    found = json.loads(written(Format.GEOJSON), parse_float=Decimal)
    assert [each["properties"]["mass_t"] for each in found["features"]] == list(MASSES)


def test_nothing_is_valid_geojson_too() -> None:
    found = json.loads(b"".join(write(an_export(content=iter(())), Format.GEOJSON)))
    assert found["features"] == []


def test_workbook_has_the_rows_and_what_they_are() -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(Format.XLSX)), data_only=True)
    table, about = book.worksheets
    assert [cell.value for cell in table[1]] == [*(column.key for column in COLUMNS), "geometry_wkt"]
    assert table["B2"].value == pytest.approx(12345678901.123, abs=1e-4)
    assert table["A3"].value == "=1+1"
    assert table["A3"].data_type == "s"
    assert table["D2"].value.date() == date(2027, 3, 1)
    said = {str(cell.value) for row in about.iter_rows() for cell in row}
    assert {"Masser", "Til prøve", "mass_t", "Mass. To the kilogram."} <= said


def test_a_workbook_that_has_not_all_rows_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.exports.files.MOST_SHEET_ROWS", 3)

    def about() -> str:
        book = openpyxl.load_workbook(io.BytesIO(written(Format.XLSX)), data_only=True)
        assert book.worksheets[0].max_row <= 4
        return " ".join(str(cell.value) for row in book.worksheets[1].iter_rows() for cell in row)

    assert "More rows than a sheet takes" not in about()
    monkeypatch.setattr("marketplace.exports.files.MOST_SHEET_ROWS", 2)
    assert "More rows than a sheet takes" in about()
    assert "mass_t" in about()


def test_geopackage_is_read_by_gdal(tmp_path: Path) -> None:
    path = tmp_path / "masses.gpkg"
    path.write_bytes(written(Format.GEOPACKAGE))
    about = pyogrio.read_info(path, layer="masses")
    assert about["crs"] == "EPSG:4326"
    assert about["layer_metadata"]["license"] == "https://creativecommons.org/licenses/by/4.0/"
    _meta, table = pyogrio.read_arrow(path)
    assert table["mass_t"].to_pylist() == [12345678901.123, -0.001, None]
    assert table["from_day"].to_pylist() == [date(2027, 3, 1), None, None]
    assert [None if each is None else shapely.from_wkb(each).geom_type for each in table["geom"].to_pylist()] == [
        "Point",
        "LineString",
        None,
    ]


def test_parquet_is_geoparquet_with_exact_decimals(tmp_path: Path) -> None:
    path = tmp_path / "masses.parquet"
    path.write_bytes(written(Format.PARQUET))
    table = pq.read_table(path)
    assert table["mass_t"].to_pylist() == list(MASSES)
    geo = json.loads(table.schema.metadata[b"geo"])
    assert (geo["primary_column"], geo["columns"]["geometry"]["encoding"]) == ("geometry", "WKB")
    about = json.loads(table.schema.metadata[b"masseflyt"])
    assert about["title"] == "Masser"
    assert shapely.from_wkb(table["geometry"].to_pylist()[0]) == SANDVIKA


@pytest.mark.parametrize("kind", list(Format))
def test_rows_are_gone_through_a_few_at_a_time(kind: Format) -> None:
    many = 12_000
    point = Row(cells=("Pukk", Decimal(1), 1, date(2027, 3, 1), False), geometry=SANDVIKA)
    taken = 0

    def content() -> Iterator[Row]:
        nonlocal taken
        for _ in range(many):
            taken += 1
            yield point

    parts = write(an_export(content=content()), kind)
    first = next(parts)
    if kind.is_text:
        assert taken < many / 10
    assert max(len(part) for part in (first, *parts)) <= 256 * 1024
    assert taken == many


def test_nothing_is_left_behind_when_a_download_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    parts = write(an_export(), Format.GEOPACKAGE)
    next(parts)
    assert list(tmp_path.iterdir())
    parts.close()  # type: ignore[attr-defined]  # a generator
    assert list(tmp_path.iterdir()) == []
