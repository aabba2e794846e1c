"""CSV and GeoJSON, sent as they are made."""

import csv
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Final

import shapely
from shapely.geometry.base import BaseGeometry

from marketplace.exports.tables import WKT, Cell, Column, Export, Kind, Row
from marketplace.text import BEGINS_A_FORMULA

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""So that Excel takes a CSV file for UTF-8."""
COORDINATE_DECIMALS: Final = 6
"""A decimetre: no position here is better than that."""
PART_CHARS: Final = 64 * 1024


def csv_parts(export: Export) -> Iterator[bytes]:
    """Semicolons between cells, the reader's decimal sign, days as 2027-03-01; opens in a Norwegian Excel as meant."""
    yield BYTE_ORDER_MARK
    yield from _joined(_csv_lines(export))


def _csv_lines(export: Export) -> Iterator[str]:
    sign = export.about.decimal_sign
    line = Line()
    writer = csv.writer(line, delimiter=";", lineterminator="\r\n")
    writer.writerow([*(column.key for column in export.columns), WKT])
    yield line.text
    for row in export.rows:
        cells = [
            _harmless(cell) if isinstance(cell, str) else text_of(cell, column, decimal_sign=sign)
            for cell, column in zip(row.cells, export.columns, strict=True)
        ]
        cells.append(wkt_of(row.geometry))
        writer.writerow(cells)
        yield line.text


def _harmless(text: str) -> str:
    """Text that is no formula. Numbers are left alone: one below zero begins with a minus sign, and is a number."""
    return f" {text}" if text.startswith(BEGINS_A_FORMULA) else text


class Line:
    """What a csv.writer last wrote."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def text_of(cell: Cell, column: Column, *, decimal_sign: str) -> str:
    """A cell as it is written; nothing for what is not known."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Decimal):
        return f"{rounded(cell, column):f}".replace(".", decimal_sign)
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def rounded(number: Decimal, column: Column) -> Decimal:
    """To the column's decimals, and without zeros that say nothing."""
    figure = number.quantize(Decimal(1).scaleb(-column.decimals)).normalize()
    return figure if figure.as_tuple().exponent <= 0 else figure.quantize(Decimal(1))  # type: ignore[operator]


def wkt_of(geometry: BaseGeometry | None) -> str:
    return "" if geometry is None else shapely.to_wkt(geometry, rounding_precision=COORDINATE_DECIMALS)


def geojson_parts(export: Export) -> Iterator[bytes]:
    """A FeatureCollection (RFC 7946), what is to be known of it first, one feature a line."""
    yield from _joined(_geojson_lines(export))


def _geojson_lines(export: Export) -> Iterator[str]:
    about = json.dumps(described(export), ensure_ascii=False)
    yield f'{{"type":"FeatureCollection","name":{json.dumps(export.name)},"metadata":{about},"features":[\n'
    for number, row in enumerate(export.rows):
        yield (",\n" if number else "") + _feature(row, export.columns)
    yield "\n]}\n"


def described(export: Export) -> dict[str, Any]:
    """All that is to be known of a table, and of each of its columns, for a program."""
    return {
        **export.about.plain,
        "columns": {
            column.key: {"title": column.title, "unit": column.unit, "meaning": column.meaning}
            for column in export.columns
        },
    }


def _feature(row: Row, columns: tuple[Column, ...]) -> str:
    properties = {column.key: json_of(cell, column) for cell, column in zip(row.cells, columns, strict=True)}
    geometry = (
        "null"
        if row.geometry is None
        else shapely.to_geojson(shapely.set_precision(row.geometry, 10**-COORDINATE_DECIMALS, mode="pointwise"))
    )
    written = json.dumps(properties, ensure_ascii=False, separators=(",", ":"))
    return f'{{"type":"Feature","properties":{written},"geometry":{geometry}}}'


def json_of(cell: Cell, column: Column) -> Any:
    """A cell as JSON has it; numbers of up to 15 digits come back to the digit."""
    if isinstance(cell, Decimal):
        return float(rounded(cell, column))
    return cell.isoformat() if isinstance(cell, date) else cell


def plain_of(cell: Cell, column: Column) -> Any:
    """A cell as a workbook or a database has it."""
    return float(rounded(cell, column)) if isinstance(cell, Decimal) and column.kind is Kind.DECIMAL else cell


def _joined(lines: Iterator[str]) -> Iterator[bytes]:
    """Lines in parts of some size: a part a line would cost more than the line."""
    part: list[str] = []
    size = 0
    for line in lines:
        part.append(line)
        size += len(line)
        if size >= PART_CHARS:
            yield "".join(part).encode()
            part, size = [], 0
    if part:
        yield "".join(part).encode()
