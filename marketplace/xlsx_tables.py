"""The rows of a sheet in an XLSX file, as the text somebody would read in its cells.

The parts of the file go through a parser that builds no tree: memory is bounded by the strings that its cells share,
whatever else a file, or somebody who made it for the purpose, holds. Source: ECMA-376 part 1 (SpreadsheetML).
"""

import posixpath
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Final
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from marketplace.table_faults import MIB, TableError, TableFault, TableLimits
from marketplace.xlsx_numbers import BUILT_IN_FORMATS, number_text, shape_of

CHUNK_BYTES: Final = 64 * 1024
SMALL_PART_BYTES: Final = 16 * MIB
STRINGS_BYTES: Final = 96 * MIB
MAX_PARTS: Final = 5_000
UNREADABLE: Final = (
    *(expat.ExpatError, BadZipFile, zlib.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError),  # a kind of packing that no spreadsheet program uses
    *(LookupError, ValueError, OverflowError),  # parts, strings, styles and numbers that are not there or are none
)
"""What reading a part raises when a file is broken, or made to be."""

type Attributes = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """An open XLSX file and the sheet of it that is read."""

    archive: ZipFile
    limits: TableLimits
    sheet: str
    other_sheets: tuple[str, ...]
    sheet_part: str
    strings: list[str]
    formats: list[str]
    """The number format of each cell style."""
    counts_from_1904: bool

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row's number and cells; rows that the file leaves out are left out."""
        reader = _SheetReader(self)
        for _ in _parse(self.archive, self.sheet_part, reader, limit_bytes=self.limits.unpacked_bytes):
            yield from reader.take()
            if reader.is_done:
                return


def open_book(file: BinaryIO, *, limits: TableLimits, sheet: str | None = None) -> Book:
    """Open the workbook at `sheet`, else at its first sheet that can be seen.

    Raises TableError.
    """
    try:
        archive = ZipFile(file)
    except (BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise TableError(TableFault.DAMAGED) from error
    _check_archive(archive, limits)
    workbook_part = _workbook_part(archive)
    workbook = _WorkbookReader()
    _read(archive, workbook_part, workbook)
    targets = _targets(archive, workbook_part)
    shown = [(name, targets.get(key, "")) for name, key, is_shown in workbook.sheets if is_shown]
    wanted = [each for each in shown if each[1] and (sheet is None or each[0] == sheet)]
    if not wanted:
        raise TableError(TableFault.EMPTY)
    strings, styles = _StringsReader(limits.cell_chars), _StylesReader()
    for kind, reader in (("sharedStrings", strings), ("styles", styles)):
        if part := _part_of_kind(archive, workbook_part, kind):
            _read(archive, part, reader, limit_bytes=STRINGS_BYTES if reader is strings else SMALL_PART_BYTES)
    return Book(
        archive=archive,
        limits=limits,
        sheet=wanted[0][0],
        other_sheets=tuple(name for name, _ in shown if name != wanted[0][0]),
        sheet_part=wanted[0][1],
        strings=strings.strings,
        formats=styles.formats,
        counts_from_1904=workbook.counts_from_1904,
    )


# The archive ----------------------------------------------------------------------------------------------------


def _check_archive(archive: ZipFile, limits: TableLimits) -> None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if any(part.flag_bits & 1 for part in parts):
        raise TableError(TableFault.PASSWORD)
    # The sizes are what the archive states of itself, and no more than stated is ever unpacked of a part.
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > limits.unpacked_bytes:
        raise TableError(TableFault.UNPACKS_TOO_LARGE, limit_mb=limits.unpacked_bytes // MIB)
    if "[Content_Types].xml" not in names:
        is_open_document = "mimetype" in names and "content.xml" in names
        raise TableError(TableFault.OTHER_SPREADSHEET if is_open_document else TableFault.NOT_A_TABLE)


def _workbook_part(archive: ZipFile) -> str:
    part = _part_of_kind(archive, "", "officeDocument") or ""
    if part.endswith(".bin"):
        raise TableError(TableFault.OTHER_SPREADSHEET)
    if "xl/" not in part and "workbook" not in part:
        raise TableError(TableFault.NOT_A_TABLE)  # a text document or slides
    return part


def _relations(archive: ZipFile, part: str) -> list[Attributes]:
    folder, name = posixpath.split(part)
    reader = _RelationsReader()
    _read(archive, posixpath.join(folder, "_rels", f"{name}.rels"), reader)
    return [{**each, "Target": _resolved(folder, each.get("Target", ""))} for each in reader.relations]


def _resolved(folder: str, target: str) -> str:
    return target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))


def _targets(archive: ZipFile, part: str) -> dict[str, str]:
    return {each.get("Id", ""): each["Target"] for each in _relations(archive, part)}


def _part_of_kind(archive: ZipFile, part: str, kind: str) -> str | None:
    found = (each["Target"] for each in _relations(archive, part) if each.get("Type", "").endswith(f"/{kind}"))
    return next(found, None)


# Reading a part -------------------------------------------------------------------------------------------------


class _Reader:
    """Is told of each element by its name without the namespace."""

    def start(self, name: str, attributes: Attributes) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, data: str) -> None: ...


def _read(archive: ZipFile, part: str, reader: _Reader, *, limit_bytes: int = SMALL_PART_BYTES) -> None:
    for _ in _parse(archive, part, reader, limit_bytes=limit_bytes):
        pass


def _parse(archive: ZipFile, part: str, reader: _Reader, *, limit_bytes: int) -> Iterator[None]:
    """Feed the part to the reader, a chunk each step.

    Raises TableError: damaged, unpacks_too_large.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: reader.start(
        _local(name), {_local(key): value for key, value in attributes.items()} if attributes else attributes
    )
    parser.EndElementHandler = lambda name: reader.end(_local(name))
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        if archive.getinfo(part).file_size > limit_bytes:
            raise TableError(TableFault.UNPACKS_TOO_LARGE, limit_mb=limit_bytes // MIB)
        with archive.open(part) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                parser.Parse(chunk)
                yield
            parser.Parse(b"", True)
            yield
    except UNREADABLE as error:
        raise TableError(TableFault.DAMAGED) from error


@lru_cache(maxsize=512)
def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _refuse_doctype(*_: object) -> None:
    """No spreadsheet declares a document type; a file that does may be made to expand without end."""
    raise TableError(TableFault.DAMAGED)


class _RelationsReader(_Reader):
    def __init__(self) -> None:
        self.relations: list[Attributes] = []

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            self.relations.append(attributes)


class _WorkbookReader(_Reader):
    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []
        self.counts_from_1904 = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "sheet":
            is_shown = attributes.get("state", "visible") == "visible"
            self.sheets.append((attributes.get("name", ""), attributes.get("id", ""), is_shown))
        elif name == "workbookPr":
            self.counts_from_1904 = attributes.get("date1904") in {"1", "true"}


class _StringsReader(_Reader):
    def __init__(self, cell_chars: int) -> None:
        self.strings: list[str] = []
        self._kept_chars = cell_chars + 1  # one more shows that it is too long, where a cell uses it
        self._pieces: list[str] = []
        self._in_text = self._in_phonetic = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "si":
            self._pieces = []
        elif name == "rPh":
            self._in_phonetic = True
        self._in_text = name == "t" and not self._in_phonetic

    def end(self, name: str) -> None:
        self._in_text = False
        if name == "rPh":
            self._in_phonetic = False
        elif name == "si":
            self.strings.append("".join(self._pieces)[: self._kept_chars])

    def text(self, data: str) -> None:
        if self._in_text:
            self._pieces.append(data)


class _StylesReader(_Reader):
    def __init__(self) -> None:
        self.formats: list[str] = []
        self._own: dict[str, str] = {}
        self._in_cell_styles = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "numFmt":
            self._own[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cell_styles = True
        elif name == "xf" and self._in_cell_styles:
            key = attributes.get("numFmtId", "0")
            self.formats.append(self._own.get(key) or BUILT_IN_FORMATS.get(key, "General"))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cell_styles = False


class _SheetReader(_Reader):
    def __init__(self, book: Book) -> None:
        self.is_done = False
        self._book = book
        self._limits = book.limits
        self._rows: list[tuple[int, list[str]]] = []
        self._number = 0
        self._column = 0
        self._cells: dict[int, str] = {}
        self._kind = "n"
        self._style = 0
        self._has_formula = False
        self._formula: list[str] = []
        self._value: list[str] = []
        self._taken: list[str] | None = None
        self._taken_chars = 0
        self._in_phonetic = False

    def take(self) -> list[tuple[int, list[str]]]:
        """The rows that were completed since the last time."""
        taken, self._rows = self._rows, []
        return taken

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            self._kind = attributes.get("t", "n")
            self._style = int(attributes.get("s", 0))
            self._column = _column(attributes.get("r", ""), after=self._column)
            self._has_formula = False
            self._formula, self._value, self._taken_chars = [], [], 0
        elif name in {"v", "t"} and not self._in_phonetic:
            self._taken = self._value
        elif name == "f":
            self._has_formula = True
            self._taken = self._formula
        elif name == "rPh":
            self._in_phonetic = True
        elif name == "row":
            self._number = max(int(attributes.get("r", 0)), self._number + 1)
            self._cells, self._column = {}, 0

    def end(self, name: str) -> None:
        if name in {"v", "t", "f"}:
            self._taken = None
        elif name == "c":
            self._end_cell()
        elif name == "rPh":
            self._in_phonetic = False
        elif name == "row" and self._cells:
            width = max(self._cells)
            self._rows.append((self._number, [self._cells.get(column, "") for column in range(1, width + 1)]))
        elif name == "sheetData":
            self.is_done = True  # what comes after holds no cells

    def text(self, data: str) -> None:
        if self._taken is None:
            return
        self._taken_chars += len(data)
        if self._taken_chars > self._limits.cell_chars:
            raise TableError(TableFault.CELL_TOO_LONG, row=self._number, limit=self._limits.cell_chars)
        self._taken.append(data)

    def _end_cell(self) -> None:
        value = "".join(self._value)
        text = "=" + "".join(self._formula) if self._has_formula else self._shown(value)
        if not text:
            return
        if self._column > self._limits.columns:
            raise TableError(TableFault.TOO_MANY_COLUMNS, row=self._number, limit=self._limits.columns)
        self._cells[self._column] = text

    def _shown(self, value: str) -> str:
        if not value or self._kind in {"str", "inlineStr", "e", "d"}:
            return value
        if self._kind == "s":
            return self._book.strings[int(value)]
        if self._kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        code = self._book.formats[self._style] if self._style < len(self._book.formats) else "General"
        return number_text(value, shape_of(code), counts_from_1904=self._book.counts_from_1904)


def _column(reference: str, *, after: int) -> int:
    letters = reference.rstrip("0123456789")
    if not letters:
        return after + 1
    number = 0
    for letter in letters[:4].upper():
        number = number * 26 + ord(letter) - 64
    return number
