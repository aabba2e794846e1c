"""Tables that people hand in: a CSV or XLSX file, or cells pasted from a spreadsheet, as rows of text.

What is in the file decides, not what it is called. Nothing is understood here: a cell is the text somebody would read
in it, and what it means is for the caller to say. Memory is bounded by the limits, not by the number of rows.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from geo.lab_values import StoredNumber
from marketplace import xlsx_tables
from marketplace.table_faults import MIB, TableError, TableFault, TableLimits
from marketplace.text import clean_text

__all__ = [
    "Row",
    "Table",
    "TableError",
    "TableFault",
    "TableLimits",
    "is_formula",
    "read_pasted",
    "read_table",
    "sheets_in_turn",
]

CHUNK_BYTES: Final = 256 * 1024
SNIFFED_BYTES: Final = 64 * 1024
SNIFFED_ROWS: Final = 60
SHEETS_TRIED: Final = 12
"""Covers, notes and pivots stand before the sheet with the table; no file has more of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row with something in it. Cells are trimmed; empty ones at the end are left out."""

    number: int
    """Counted from 1 as a spreadsheet shows it, empty rows among them."""
    cells: tuple[str, ...]


def is_formula(cell: str) -> bool:
    """Whether the cell is a formula, which has no value until a spreadsheet works it out."""
    return cell.startswith("=")


class Table(AbstractContextManager["Table"]):
    """The rows of a table, to be gone through once. Going through it raises TableError where a row cannot be read."""

    def __init__(
        self,
        rows: Iterator[Row],
        *,
        encoding: str | None = None,
        delimiter: str | None = None,
        sheet: str | None = None,
        other_sheets: tuple[str, ...] = (),
        file: BinaryIO | None = None,
    ) -> None:
        self.encoding = encoding
        """Of a CSV file."""
        self.delimiter = delimiter
        """Of text."""
        self.sheet = sheet
        """Of an XLSX file: the sheet that is read."""
        self.other_sheets = other_sheets
        """Of an XLSX file: sheets that can be seen and are not read."""
        self._rows = rows
        self._file = file

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        return next(self._rows)

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._file is not None:
            self._file.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self


def read_table(
    data: BinaryIO | Path, *, filename: str = "", limits: TableLimits | None = None, sheet: str | None = None
) -> Table:
    """The rows of a CSV or XLSX file; of an XLSX file those of `sheet`, else of the first sheet that can be seen.

    `data` is a path, or a file that can be sought in and that stays open while the rows are gone through. `filename`
    settles nothing but the separator of a `.tsv` file.
    Raises TableError: everything but row faults at once, and those while the rows are gone through.
    """
    limits = limits or TableLimits()
    file = data.open("rb") if isinstance(data, Path) else data
    try:
        _check_size(file, limits)
        head = file.read(4096)
        file.seek(0)
        _refuse_foreign(head, file)
        if head.startswith(b"PK"):
            book = xlsx_tables.open_book(file, limits=limits, sheet=sheet)
            rows = _checked(book.rows(), limits)
            return Table(rows, sheet=book.sheet, other_sheets=book.other_sheets, file=_owned(file, data))
        encoding = _encoding(file)
        delimiter, is_stated = _delimiter(_start(file, encoding), filename)
        rows = _checked(_records(_text_lines(file, encoding), delimiter, limits, skips_first=is_stated), limits)
        return Table(rows, encoding=encoding, delimiter=delimiter, file=_owned(file, data))
    except BaseException:
        if isinstance(data, Path):
            file.close()
        raise


def sheets_in_turn(open_sheet: Callable[[str | None], Table]) -> Generator[Table]:
    """The first sheet that `open_sheet` opens, then the others that can be seen, up to `SHEETS_TRIED`; one at a time.

    For who takes the first with headings it knows: a cover may stand before the table. Text has one sheet.
    """
    with open_sheet(None) as first:
        others = first.other_sheets
        yield first
    for sheet in others[: SHEETS_TRIED - 1]:
        with open_sheet(sheet) as table:
            yield table


def read_pasted(text: str, *, limits: TableLimits | None = None, field: str = "text") -> Table:
    """The rows of cells pasted from a spreadsheet (tabs between them), or of CSV text.

    Raises TableError: beside `field`.
    """
    limits = limits or TableLimits()
    if len(text) > limits.file_bytes:
        raise TableError(TableFault.FILE_TOO_LARGE, field=field, limit_mb=limits.file_bytes // MIB)
    delimiter, is_stated = _delimiter(text[:SNIFFED_BYTES], "")
    records = _records(io.StringIO(text, newline=""), delimiter, limits, skips_first=is_stated)
    return Table(_beside(field, _checked(records, limits)), delimiter=delimiter)


def _start(file: BinaryIO, encoding: str) -> str:
    start = codecs.getincrementaldecoder(encoding)().decode(file.read(SNIFFED_BYTES))
    file.seek(0)
    return start


# What kind of file it is ----------------------------------------------------------------------------------------

OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")


def _owned(file: BinaryIO, data: BinaryIO | Path) -> BinaryIO | None:
    return file if isinstance(data, Path) else None


def _check_size(file: BinaryIO, limits: TableLimits) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size == 0:
        raise TableError(TableFault.EMPTY)
    if size > limits.file_bytes:
        raise TableError(TableFault.FILE_TOO_LARGE, limit_mb=limits.file_bytes // MIB)


def _refuse_foreign(head: bytes, file: BinaryIO) -> None:
    """Raise with what the file is, where that can be told and it is no table we read."""
    if head.startswith(OLE):
        is_encrypted = ENCRYPTED in file.read()
        raise TableError(TableFault.PASSWORD if is_encrypted else TableFault.OLD_EXCEL)
    if b"%PDF-" in head[:1024]:
        raise TableError(TableFault.PDF)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:15].lower()
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<head", b"<meta", b"<div")):
        raise TableError(TableFault.WEB_PAGE)


# Letters --------------------------------------------------------------------------------------------------------

NOT_IN_CP1252: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x81\x8d\x8f\x90\x9d]")
OTHER_ALPHABET: Final = re.compile(rb"[A-Za-z][\x86\x8c\x91\x9b\xbe\xbf][a-z]")
"""In cp1252 a dagger, an opening quotation mark or the like inside a word; in DOS's or the old Mac's table æ, ø, å."""


def _encoding(file: BinaryIO) -> str:
    """The encoding in which every byte of the file can be read. Leaves the file at its start."""
    encoding = _first_fit(file)
    file.seek(0)
    if encoding is None:
        raise TableError(TableFault.UNKNOWN_ENCODING)
    return encoding


def _first_fit(file: BinaryIO) -> str | None:
    head = file.read(4)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16" if _decodes(file, "utf-16") else None
    if len(head) == 4 and not any(head[1::2]) and all(head[::2]):
        return "utf-16-le" if _decodes(file, "utf-16-le") else None
    if _decodes(file, "utf-8-sig", forbidden=re.compile(rb"\x00")):
        return "utf-8-sig"
    return "cp1252" if _decodes(file, "cp1252", forbidden=NOT_IN_CP1252, unlikely=OTHER_ALPHABET) else None


def _decodes(
    file: BinaryIO,
    encoding: str,
    *,
    forbidden: re.Pattern[bytes] | None = None,
    unlikely: re.Pattern[bytes] | None = None,
) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    tail = b""
    try:
        while chunk := file.read(CHUNK_BYTES):
            if (forbidden and forbidden.search(chunk)) or (unlikely and unlikely.search(tail + chunk)):
                return False
            decoder.decode(chunk)
            tail = chunk[-2:]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


# Rows of text ---------------------------------------------------------------------------------------------------

DELIMITERS: Final = ("\t", ";", ",")
"""In the order in which they are believed: a comma may be a decimal one."""
STATED_DELIMITER: Final = re.compile(r'\s*"?sep=(?P<delimiter>[\t;,|])"?\s*?[\r\n]', re.IGNORECASE)


def _delimiter(start: str, filename: str) -> tuple[str, bool]:
    """What separates the cells, and whether the first line says so (as Excel writes it) and holds nothing else."""
    if stated := STATED_DELIMITER.match(start):
        return stated["delimiter"], True
    if filename.casefold().endswith(".tsv"):
        return "\t", False
    shares = {delimiter: _regular_share(start, delimiter) for delimiter in DELIMITERS}
    for delimiter, share in shares.items():
        if share >= 0.8:
            return delimiter, False
    return max((";", "\t", ","), key=lambda delimiter: shares[delimiter]), False


def _regular_share(start: str, delimiter: str) -> float:
    """The share of the first lines that have the width most have, counting only those that are cut at all."""
    records = islice(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter), SNIFFED_ROWS)
    try:
        widths = [len(record) for record in records if any(record)]
    except csv.Error:
        return 0.0
    cut = Counter(width for width in widths if width > 1)
    return max(cut.values()) / len(widths) if cut else 0.0


def _text_lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        yield from text
    finally:
        if not file.closed:
            text.detach()  # else the file, which may be the caller's, would be closed with it


def _records(
    lines: Iterator[str], delimiter: str, limits: TableLimits, *, skips_first: bool
) -> Iterator[tuple[int, list[str]]]:
    # Strict: else a quotation mark without its partner would swallow the rest of the file into one cell.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field larger" in str(error):
                raise TableError(TableFault.CELL_TOO_LONG, row=number, limit=limits.cell_chars) from error
            raise TableError(TableFault.BAD_QUOTES, row=number) from error
        if not (skips_first and number == 1):
            yield number, record


def _checked(records: Iterator[tuple[int, list[str]]], limits: TableLimits) -> Iterator[Row]:
    is_empty = True
    for number, record in records:
        cells = [_cleaned(cell) for cell in record]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        if number > limits.rows:
            raise TableError(TableFault.TOO_MANY_ROWS, limit=limits.rows)
        if len(cells) > limits.columns:
            raise TableError(TableFault.TOO_MANY_COLUMNS, row=number, limit=limits.columns)
        if max(map(len, cells)) > limits.cell_chars:
            raise TableError(TableFault.CELL_TOO_LONG, row=number, limit=limits.cell_chars)
        is_empty = False
        yield Row(number=number, cells=tuple(cells))
    if is_empty:
        raise TableError(TableFault.EMPTY)


def _cleaned(cell: str) -> str:
    if isinstance(cell, StoredNumber):
        return cell  # nothing to trim, and what it is would be lost
    return cell.strip() if cell.isprintable() else clean_text(cell)


def _beside(field: str, rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except TableError as error:
        raise TableError(error.fault, field=field, **error.errors[0].params) from error
