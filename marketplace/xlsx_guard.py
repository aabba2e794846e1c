"""The parts of an XLSX file, let through to the library that reads them only while they stay small enough.

The library builds trees and objects of what it reads, many times as large as the file. Every part it asks for goes
past a parser that builds nothing and only counts; what would grow too large, or take time without end, is stopped
before the library sees it. Nor does it see what follows the rows of a sheet: it holds no cells.
"""

import io
from enum import StrEnum
from typing import IO, Final, Literal, cast, override
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from marketplace.table_faults import MIB, TableError, TableFault, TableLimits

MAX_PARTS: Final = 5_000
MAX_UNITS: Final = 1_048_576
"""As many as a sheet has rows (ECMA-376 part 1, 18.3.1.73)."""
MAX_ELEMENTS: Final = 40_000
"""At a time. The widest row that a sheet can have, with a number in each cell, is 32,768."""
MAX_NAMES: Final = 2_000
"""Of elements and attributes; parsers keep each name they have met."""
MAX_ATTRIBUTE_CHARS: Final = 4_096
"""Some are taken apart in a time that grows with the square of their length."""
HELD_BYTES: Final = 4 * MIB
BETWEEN_BYTES: Final = 32
"""Of white space and the end of a tag between two rows or strings, which stay for a while."""
STRINGS_BYTES: Final = 48 * MIB
FORMULA_BYTES: Final = 16 * MIB
FORMULA_PIECES: Final = 32
"""Times its letters, what a formula takes that several cells share: it is kept in pieces."""
FORMULA_OWN_BYTES: Final = 16
"""What each cell costs that shares one, however short it is."""

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT: Final = "http://purl.oclc.org/ooxml/"
FORMULA: Final = f"{MAIN} f"
ROWS: Final = f"{MAIN} sheetData"
AFTER_ROWS: Final = frozenset(
    f"{MAIN} {name}"
    for name in (
        *("autoFilter", "colBreaks", "conditionalFormatting", "customSheetViews", "dataValidations", "headerFooter"),
        *("hyperlinks", "legacyDrawing", "mergeCells", "pageMargins", "pageSetup", "printOptions", "rowBreaks"),
        *("scenarios", "sheetProtection", "tableParts"),
    )
)
"""What the library takes apart, at length, wherever it stands; none of it may stand so early (18.3.1.99)."""


class Unit(StrEnum):
    """What the library lets go of as soon as it has read one; all other elements of a part it holds at once."""

    STRING = f"{MAIN} si"
    ROW = f"{MAIN} row"


class EndOfRowsError(Exception):
    """There are no more rows in the sheet."""


class GuardedArchive(ZipFile):
    """An XLSX file. Opening it, and reading its parts, raises TableError when it is too large or made to do harm."""

    def __init__(self, file: IO[bytes], limits: TableLimits) -> None:
        super().__init__(file)
        self.limits = limits
        self.unit = Unit.STRING
        """In the parts that are read piece by piece."""
        self._left_bytes = 2 * limits.unpacked_bytes  # a sheet that does not say how wide it is, is read twice
        self._check_parts()

    @override
    def open(
        self,
        name: str | ZipInfo,
        mode: Literal["r", "w"] = "r",
        pwd: bytes | None = None,
        *,
        force_zip64: bool = False,
    ) -> IO[bytes]:
        return cast("IO[bytes]", _Part(super().open(name), self))

    def count(self, size: int) -> None:
        """Count bytes that were unpacked: the same ones each time they are."""
        self._left_bytes -= size
        if self._left_bytes < 0:
            raise _too_large(self.limits.unpacked_bytes)

    def _check_parts(self) -> None:
        parts, names = self.infolist(), set(self.namelist())
        if any(part.flag_bits & 1 for part in parts):
            raise TableError(TableFault.PASSWORD)
        # The sizes are what the archive states of itself, and no more than stated is ever unpacked of a part.
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > self.limits.unpacked_bytes:
            raise _too_large(self.limits.unpacked_bytes)
        if "xl/workbook.bin" in names or {"mimetype", "content.xml"} <= names:
            raise TableError(TableFault.OTHER_SPREADSHEET)
        if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
            raise TableError(TableFault.NOT_A_TABLE)  # a text document, slides, or anything that is packed
        # No spreadsheet program packs in the other ways, which may ask for any amount of memory.
        if any(part.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for part in parts):
            raise TableError(TableFault.DAMAGED)


class _Part(io.BufferedIOBase):
    """A part as it is read: piece by piece, or at once when no size is asked for."""

    def __init__(self, part: IO[bytes], archive: GuardedArchive) -> None:
        self._part = part
        self._archive = archive
        self._watch: _Watch | None = None

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        wanted = HELD_BYTES + 1 if size is None or size < 0 else size
        if self._watch and self._watch.rows_end_at is not None:
            raise EndOfRowsError
        if self._watch is None:
            self._watch = _Watch(self._archive.unit if wanted == size else None, self._archive.limits.cell_chars)
        data = self._part.read(wanted)
        self._archive.count(len(data))
        return self._watch.seen(data)

    @override
    def close(self) -> None:
        self._part.close()
        super().close()


class _Watch:
    """Counts what is held of a part. Raises TableError, or ExpatError where it is no XML."""

    def __init__(self, unit: Unit | None, cell_chars: int) -> None:
        self._unit = unit
        self._cell_chars = cell_chars
        self._names: set[str] = set()
        self.rows_end_at: int | None = None
        self._bytes = self._let_go_bytes = self._unit_ended_at = 0
        self._elements = self._units = self._depth_in_unit = 0
        self._unit_at = self._elements_before_unit = 0
        self._row = 0
        self._formula_chars = self._longest_formula = self._formula_bytes = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype

    def seen(self, data: bytes) -> bytes:
        """The data, up to where the rows of a sheet end."""
        start = self._bytes
        self._bytes += len(data)
        self._parser.Parse(data)
        if self._bytes - self._let_go_bytes > HELD_BYTES:
            raise _too_large(HELD_BYTES)
        if self._unit is Unit.STRING and self._bytes > STRINGS_BYTES:
            raise _too_large(STRINGS_BYTES)
        if self.rows_end_at is None:
            return data
        end_of_tag = data.find(b">", max(self.rows_end_at - start, 0))
        return data[: end_of_tag + 2]  # a letter may take two bytes; where it takes one, `<` follows and does no harm

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth_in_unit:
            self._depth_in_unit += 1
        elif name == self._unit:
            self._start_unit(attributes.get("r", ""))
        self._elements += 1
        self._names.add(name)
        self._names.update(attributes)
        if self._elements > MAX_ELEMENTS or len(self._names) > MAX_NAMES:
            raise _too_large(HELD_BYTES)
        if name.startswith(STRICT):
            raise TableError(TableFault.OTHER_SPREADSHEET)
        if any(len(value) > MAX_ATTRIBUTE_CHARS for value in attributes.values()):
            raise TableError(TableFault.DAMAGED)
        if self._unit is Unit.ROW and name in AFTER_ROWS and self.rows_end_at is None:
            raise TableError(TableFault.DAMAGED)
        if name == FORMULA and attributes.get("t") == "shared":
            self._formula_chars = 0
            self._parser.CharacterDataHandler = self._formula_text

    def _end(self, name: str) -> None:
        if name == FORMULA and self._parser.CharacterDataHandler:
            self._parser.CharacterDataHandler = None
            self._count_formula()
        if self._depth_in_unit:
            self._depth_in_unit -= 1
            if not self._depth_in_unit:
                self._end_unit()
        elif name == ROWS and self._unit is Unit.ROW and self.rows_end_at is None:
            self.rows_end_at = self._parser.CurrentByteIndex

    def _start_unit(self, number: str) -> None:
        self._depth_in_unit = 1
        self._elements_before_unit = self._elements
        self._unit_at = self._parser.CurrentByteIndex
        self._let_go_bytes += min(self._unit_at - self._unit_ended_at, BETWEEN_BYTES)
        self._row = int(number) if number.isdecimal() and len(number) < 8 else self._row + 1

    def _end_unit(self) -> None:
        """Its content is let go of. Something of the unit itself stays, so that their number is bounded too."""
        self._unit_ended_at = self._parser.CurrentByteIndex
        self._let_go_bytes += self._unit_ended_at - self._unit_at
        self._elements = self._elements_before_unit
        self._units += 1
        if self._units > MAX_UNITS:
            raise _too_large(STRINGS_BYTES)

    def _formula_text(self, text: str) -> None:
        self._formula_chars += len(text)
        if self._formula_chars > self._cell_chars:
            raise TableError(TableFault.CELL_TOO_LONG, row=self._row, limit=self._cell_chars)

    def _count_formula(self) -> None:
        """The library writes a formula that cells share anew for each of them."""
        self._longest_formula = max(self._longest_formula, self._formula_chars)
        self._formula_bytes += self._longest_formula + FORMULA_OWN_BYTES + self._formula_chars * FORMULA_PIECES
        if self._formula_bytes > FORMULA_BYTES:
            raise _too_large(FORMULA_BYTES)

    def _refuse_doctype(self, *_: object) -> None:
        """No spreadsheet declares a document type; a file that does may be made to expand without end."""
        raise TableError(TableFault.DAMAGED)


def _too_large(limit_bytes: int) -> TableError:
    return TableError(TableFault.UNPACKS_TOO_LARGE, limit_mb=limit_bytes // MIB)
