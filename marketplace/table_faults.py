"""What can be wrong with a table that somebody hands in, and how much of one is read."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from marketplace.errors import FieldError, InvalidInput
from marketplace.i18n_marker import N_

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLimits:
    """How large a table may be. The defaults hold 100,000 rows and still fit in a small machine's memory."""

    file_bytes: int = 25 * MIB
    unpacked_bytes: int = 250 * MIB
    """All parts of an XLSX file together, by the sizes the archive states. What of them is held at once may be less
    (xlsx_guard)."""
    rows: int = 100_000
    """The last row that may have something in it."""
    columns: int = 300
    cell_chars: int = 10_000


class TableFault(StrEnum):
    """Each member names its parameters; `row` is counted as a spreadsheet shows it."""

    EMPTY = "empty"
    FILE_TOO_LARGE = "file_too_large"
    """limit_mb."""
    UNPACKS_TOO_LARGE = "unpacks_too_large"
    """limit_mb."""
    TOO_MANY_ROWS = "too_many_rows"
    """limit."""
    TOO_MANY_COLUMNS = "too_many_columns"
    """row, limit."""
    CELL_TOO_LONG = "cell_too_long"
    """row, limit: characters."""
    UNKNOWN_ENCODING = "unknown_encoding"
    BAD_QUOTES = "bad_quotes"
    """row."""
    OLD_EXCEL = "old_excel"
    PASSWORD = "password"  # noqa: S105 - the name of a fault
    PDF = "pdf"
    WEB_PAGE = "web_page"
    OTHER_SPREADSHEET = "other_spreadsheet"
    NOT_A_TABLE = "not_a_table"
    DAMAGED = "damaged"


MESSAGES: Final[dict[TableFault, str]] = {
    TableFault.EMPTY: N_("There is nothing in the table."),
    TableFault.FILE_TOO_LARGE: N_("The file is larger than %(limit_mb)s MB. Split it and send the parts one by one."),
    TableFault.UNPACKS_TOO_LARGE: N_(
        "Unpacked, the file is larger than %(limit_mb)s MB. Save only the sheet with the table, without pictures."
    ),
    TableFault.TOO_MANY_ROWS: N_("The table has more than %(limit)s rows. Split it and send the parts one by one."),
    TableFault.TOO_MANY_COLUMNS: N_("Row %(row)s has more than %(limit)s columns."),
    TableFault.CELL_TOO_LONG: N_(
        "A cell in row %(row)s is longer than %(limit)s characters. A quotation mark may lack its partner."
    ),
    TableFault.UNKNOWN_ENCODING: N_(
        "The letters of the file cannot be read. Save it as XLSX, or as CSV with the encoding UTF-8."
    ),
    TableFault.BAD_QUOTES: N_(
        "The quotation marks in row %(row)s do not pair. Save the table as XLSX, or mend that row."
    ),
    TableFault.OLD_EXCEL: N_("This is the old Excel format (XLS). Open it and save it as XLSX."),
    TableFault.PASSWORD: N_("The file is locked with a password. Save it without one."),
    TableFault.PDF: N_(
        "This is a PDF. Ask for the numbers as XLSX or CSV; the PDF itself can be attached as a document."
    ),
    TableFault.WEB_PAGE: N_("This is a web page or XML, whatever it is named. Open it in Excel and save it as XLSX."),
    TableFault.OTHER_SPREADSHEET: N_("This spreadsheet is of a kind that is not read here. Save it as XLSX or CSV."),
    TableFault.NOT_A_TABLE: N_("This file is no table. Use XLSX or CSV."),
    TableFault.DAMAGED: N_("The file is damaged and cannot be opened. Save it anew as XLSX."),
}


class TableError(InvalidInput):
    """The table cannot be read; the message stands beside the field it came from."""

    def __init__(self, fault: TableFault, *, field: str = "file", **params: object) -> None:
        super().__init__(FieldError(field=field, message=MESSAGES[fault], params=params))
        self.fault = fault
