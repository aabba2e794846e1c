"""What is exported: columns, rows, and what is to be known of both."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum, auto
from typing import Any, Final

from shapely.geometry.base import BaseGeometry

CRS_URI: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
"""WGS 84 with the longitude first: EPSG:4326 in the order that RFC 7946 and GeoParquet have."""


class Format(StrEnum):
    """A format, by the end of its files' names."""

    CSV = "csv"
    XLSX = "xlsx"
    GEOJSON = "geojson"
    GEOPACKAGE = "gpkg"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self]

    @property
    def is_text(self) -> bool:
        """Whether it can be sent as it is made, and can hold no more than text does."""
        return self in (Format.CSV, Format.GEOJSON)


MEDIA_TYPES: Final[Mapping[Format, str]] = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.GEOJSON: "application/geo+json",
    Format.GEOPACKAGE: "application/geopackage+sqlite3",
    Format.PARQUET: "application/vnd.apache.parquet",
}


class Kind(StrEnum):
    """What the cells of a column hold."""

    TEXT = auto()
    WHOLE = auto()
    DECIMAL = auto()
    DAY = auto()
    FLAG = auto()


type Cell = str | int | Decimal | date | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: `key` is its name in every file, with its unit; `title` and `meaning` are for people."""

    key: str
    title: str
    kind: Kind = Kind.TEXT
    unit: str = ""
    meaning: str = ""
    decimals: int = 3
    """Of a column of decimals: how many it is kept with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A cell for each column, and where it is (EPSG:4326)."""

    cells: tuple[Cell, ...]
    geometry: BaseGeometry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that is to be known of a table: a name for programs, one for people, and what it is."""

    key: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is to be known of a table; all words are ready, in the reader's language."""

    title: str
    description: str
    facts: tuple[Fact, ...]
    decimal_sign: str = ","
    """Of a CSV file, as the spreadsheet of whoever opens it expects."""
    words: Mapping[str, str] | None = None
    """What the sheets and headings of a workbook are called: about, rows, column, unit, meaning."""

    @property
    def plain(self) -> dict[str, str]:
        """Everything, by the names for programs."""
        return {
            "title": self.title,
            "description": self.description,
            **{each.key: each.value for each in self.facts},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A table on its way out; its rows can be gone through once."""

    name: str
    columns: tuple[Column, ...]
    geometries: tuple[str, ...]
    """The types of geometry that a row may have, as GeoJSON names them."""
    about: About
    rows: Iterator[Row]


def metadata_json(export: Export, *, csv_url: str) -> str:
    """The description of the table as CSV on the Web has it (W3C, 2015), with all that is known of it."""
    columns: list[dict[str, Any]] = [
        {
            "name": column.key,
            "titles": column.key,
            "dc:title": column.title,
            "datatype": DATATYPES[column.kind],
            **({"unit": column.unit} if column.unit else {}),
            **({"dc:description": column.meaning} if column.meaning else {}),
        }
        for column in export.columns
    ]
    columns.append({"name": WKT, "titles": WKT, "datatype": "string"})
    described = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": csv_url,
        "dialect": {"delimiter": ";", "header": True, "skipInitialSpace": True, "encoding": "utf-8"},
        **{f"dc:{key}" if key in ("title", "description") else key: value for key, value in export.about.plain.items()},
        "crs": CRS_URI,
        "tableSchema": {"columns": [_with_decimal_sign(each, export.about.decimal_sign) for each in columns]},
    }
    return json.dumps(described, ensure_ascii=False, indent=1)


WKT: Final = "geometry_wkt"
"""The column of a CSV file or workbook that says where a row is (OGC Well-Known Text, longitude first)."""

DATATYPES: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "string",
    Kind.WHOLE: "integer",
    Kind.DECIMAL: "decimal",
    Kind.DAY: "date",
    Kind.FLAG: "boolean",
}


def _with_decimal_sign(column: dict[str, Any], decimal_sign: str) -> dict[str, Any]:
    if column["datatype"] != "decimal":
        return column
    return {**column, "datatype": {"base": "decimal", "format": {"decimalChar": decimal_sign}}}
