"""Tables that are given out as files, written so that a Norwegian Excel opens them as they are meant."""

import csv
import io
from collections.abc import Iterable
from typing import Final

from flask import Response
from flask_babel import get_locale
from werkzeug.http import dump_options_header

from marketplace.i18n import DEFAULT_LOCALE
from marketplace.text import BEGINS_A_FORMULA

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv; charset=utf-8"
CSV_ENCODING: Final = "utf-8-sig"
"""With a byte order mark; of the first part alone, where a file is sent in parts."""


def locale() -> str:
    """The language of the visitor, for headings."""
    return str(get_locale() or DEFAULT_LOCALE)


def csv_line(cells: Iterable[str]) -> str:
    """A row, with semicolons between its cells."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerow(harmless(cell) for cell in cells)
    return text.getvalue()


def csv_file(rows: Iterable[Iterable[str]]) -> bytes:
    return "".join(map(csv_line, rows)).encode(CSV_ENCODING)


def harmless(cell: str) -> str:
    """A cell that a spreadsheet would take for a formula is set off by a space, which reading drops."""
    return f" {cell}" if cell.startswith(BEGINS_A_FORMULA) else cell


def download(content: bytes, *, media_type: str, name: str) -> Response:
    response = Response(content, content_type=media_type)
    response.headers["Content-Disposition"] = dump_options_header("attachment", {"filename": name})
    return response
