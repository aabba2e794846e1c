"""Workbooks, GeoPackages and Parquet files, written to a temporary file and then sent."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import shapely

from marketplace.exports.tables import WKT, Column, Export, Format, Kind, Row
from marketplace.exports.text import csv_parts, described, geojson_parts, plain_of, wkt_of

if TYPE_CHECKING:
    import pyarrow as pa

PART_BYTES: Final = 256 * 1024
BATCH_ROWS: Final = 5_000
MOST_SHEET_ROWS: Final = 1_048_575
"""Of a workbook's sheet, below its headings."""
GEOMETRY: Final = "geometry"
MOST_DIGITS: Final = 30
"""Of a decimal in a Parquet file, all together."""
GEOPARQUET: Final = "1.1.0"


def write(export: Export, kind: Format) -> Iterator[bytes]:
    """The file in parts. Nothing is left behind, however far it is read."""
    return WRITERS[kind](export)


def _as_file(export: Export, fill: Callable[[Export, Path], None], *, suffix: str) -> Iterator[bytes]:
    with TemporaryDirectory(prefix="masseflyt-") as folder:
        path = Path(folder) / f"{export.name}.{suffix}"
        fill(export, path)
        with path.open("rb") as file:
            while part := file.read(PART_BYTES):
                yield part


# A workbook -----------------------------------------------------------------------------------------------------------


def _xlsx_parts(export: Export) -> Iterator[bytes]:
    return _as_file(export, _fill_workbook, suffix="xlsx")


def _fill_workbook(export: Export, path: Path) -> None:
    """The rows, and a sheet that says what they are; row by row, so that memory does not grow with them."""
    import xlsxwriter

    words = export.about.words or {}
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        head = book.add_format({"bold": True, "bg_color": "#D7ECEA", "bottom": 1, "text_wrap": True, "valign": "top"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet(words.get("rows", "Rows"))
        sheet.freeze_panes(1, 1)
        for place, column in enumerate(export.columns):
            sheet.set_column(place, place, max(12, min(34, len(column.key) + 2)))
            sheet.write_string(0, place, column.key, head)
        sheet.write_string(0, len(export.columns), WKT, head)
        is_cut = False
        for line, row in enumerate(export.rows, start=1):
            if line > MOST_SHEET_ROWS:
                is_cut = True
                break
            for place, (cell, column) in enumerate(zip(row.cells, export.columns, strict=True)):
                value = plain_of(cell, column)
                if isinstance(value, date):
                    sheet.write_datetime(line, place, value, day)
                elif value is not None:
                    sheet.write(line, place, value)
            sheet.write_string(line, len(export.columns), wkt_of(row.geometry))
        _fill_about(book, export, words, head, is_cut=is_cut)


def _fill_about(book: Any, export: Export, words: Mapping[str, str], head: Any, *, is_cut: bool) -> None:
    """`is_cut`: a sheet takes no more rows than it has, and there are more."""
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet(words.get("about", "About"))
    for place, width in enumerate((30, 12, 90)):
        sheet.set_column(place, place, width)
    sheet.write_string(0, 0, export.about.title, head)
    sheet.write_string(0, 2, export.about.description, wrapped)
    for line, fact in enumerate(export.about.facts, start=1):
        sheet.write_string(line, 0, fact.name, wrapped)
        sheet.write_string(line, 2, fact.value, wrapped)
    below = len(export.about.facts) + 2
    if is_cut:
        sheet.write_string(below - 1, 0, words.get("cut", "More rows than a sheet takes: other formats have them all."))
        below += 1
    for place, word in enumerate(("column", "unit", "meaning")):
        sheet.write_string(below, place, words.get(word, word), head)
    for line, column in enumerate(export.columns, start=below + 1):
        sheet.write_string(line, 0, column.key, wrapped)
        sheet.write_string(line, 1, column.unit, wrapped)
        sheet.write_string(line, 2, f"{column.title}. {column.meaning}".strip(), wrapped)


# Columns for other programs -------------------------------------------------------------------------------------------


def _schema(export: Export, *, with_decimals: bool, metadata: Mapping[str, str] | None = None) -> "pa.Schema":
    import pyarrow as pa

    def type_of(column: Column) -> pa.DataType:
        match column.kind:
            case Kind.WHOLE:
                return pa.int64()
            case Kind.DECIMAL:
                return pa.decimal128(MOST_DIGITS, column.decimals) if with_decimals else pa.float64()
            case Kind.DAY:
                return pa.date32()
            case Kind.FLAG:
                return pa.bool_()
            case Kind.TEXT:
                return pa.string()

    fields = [pa.field(column.key, type_of(column)) for column in export.columns]
    return pa.schema([*fields, pa.field(GEOMETRY, pa.binary())], metadata=dict(metadata) if metadata else None)


def _batches(export: Export, schema: "pa.Schema", *, with_decimals: bool) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa

    while rows := list(islice(export.rows, BATCH_ROWS)):
        arrays = [
            pa.array(
                [_value(row, place, column, with_decimals=with_decimals) for row in rows], schema.field(place).type
            )
            for place, column in enumerate(export.columns)
        ]
        arrays.append(
            pa.array([None if row.geometry is None else shapely.to_wkb(row.geometry) for row in rows], pa.binary())
        )
        yield pa.record_batch(arrays, schema=schema)


def _value(row: Row, place: int, column: Column, *, with_decimals: bool) -> Any:
    cell = row.cells[place]
    if with_decimals and isinstance(cell, Decimal):
        return cell.quantize(Decimal(1).scaleb(-column.decimals))
    return plain_of(cell, column)


def _parquet_parts(export: Export) -> Iterator[bytes]:
    return _as_file(export, _fill_parquet, suffix="parquet")


def _fill_parquet(export: Export, path: Path) -> None:
    """A GeoParquet file; decimals are decimals in it, so that sums are exact."""
    import pyarrow.parquet as pq

    geo = {
        "version": GEOPARQUET,
        "primary_column": GEOMETRY,
        "columns": {GEOMETRY: {"encoding": "WKB", "geometry_types": list(export.geometries)}},
    }  # without a "crs" it is OGC:CRS84, which is what ours is
    metadata = {"geo": json.dumps(geo), "masseflyt": json.dumps(described(export), ensure_ascii=False)}
    schema = _schema(export, with_decimals=True, metadata=metadata)
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for batch in _batches(export, schema, with_decimals=True):
            file.write_batch(batch)


def _gpkg_parts(export: Export) -> Iterator[bytes]:
    return _as_file(export, _fill_geopackage, suffix="gpkg")


def _fill_geopackage(export: Export, path: Path) -> None:
    """One layer, with what is to be known of it in the package's own table of metadata."""
    import pyarrow as pa
    import pyogrio

    schema = _schema(export, with_decimals=False)
    rows = pa.RecordBatchReader.from_batches(schema, _batches(export, schema, with_decimals=False))
    pyogrio.write_arrow(
        rows,
        path,
        layer=export.name,
        driver="GPKG",
        geometry_name=GEOMETRY,
        geometry_type=export.geometries[0] if len(export.geometries) == 1 else "Unknown",
        crs="EPSG:4326",
        layer_metadata={key: value for key, value in export.about.plain.items() if value}
        | {"columns": json.dumps(described(export)["columns"], ensure_ascii=False)},
        layer_options={"IDENTIFIER": export.about.title, "DESCRIPTION": export.about.description},
    )


WRITERS: Final[Mapping[Format, Callable[[Export], Iterator[bytes]]]] = {
    Format.CSV: csv_parts,
    Format.XLSX: _xlsx_parts,
    Format.GEOJSON: geojson_parts,
    Format.GEOPACKAGE: _gpkg_parts,
    Format.PARQUET: _parquet_parts,
}
