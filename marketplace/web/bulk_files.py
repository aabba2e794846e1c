"""Files that imports give out: templates to fill in, and the rows that could not be used."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

import xlsxwriter
from flask_babel import gettext as _

from marketplace.errors import FieldError
from marketplace.forms.fields import write_decimal
from marketplace.i18n import translate
from marketplace.listing_columns import REASON
from marketplace.models import ImportBatch, ImportRow
from marketplace.parsing import read_decimal
from marketplace.services.bulk_kinds import columns_of
from marketplace.services.bulk_rows import header_of, problem_from
from marketplace.table_columns import CellKind, Column, folded_heading
from marketplace.types import ImportKind
from marketplace.web.downloads import CSV_ENCODING, csv_file, csv_line, locale

ROWS_WITH_LISTS = 5_000
"""So far down the template offers its choices."""

NOT_IN_A_NAME = re.compile(r'[\\/:*?"<>|\s]+')

FILE_NAMES = {ImportKind.LISTINGS: "masseflyt-annonser", ImportKind.PLAN: "masseflyt-masseplan"}


# Templates --------------------------------------------------------------------------------------------------------


def csv_template(kind: ImportKind) -> bytes:
    """The headings."""
    return csv_file([[column.header(locale()) for column in columns_of(kind)]])


def xlsx_template(kind: ImportKind, *, project_names: Sequence[str]) -> bytes:
    """A sheet to fill in, with lists to choose from, one that explains the columns, and one that holds the lists."""
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True, "strings_to_formulas": False}) as book:
        rows, help_sheet = book.add_worksheet(_("Rows")), book.add_worksheet(_("Explanation"))
        lists = book.add_worksheet(_("Lists"))
        _fill_explanation(book, help_sheet, columns_of(kind))
        _fill_rows(book, rows, columns_of(kind))
        for at, (column, names) in enumerate(_choices(columns_of(kind), project_names)):
            _offer(rows, lists, at=at, column=column, place=columns_of(kind).index(column), names=names)
        lists.set_column(0, 40, 24)
        rows.activate()
    return written.getvalue()


def _fill_rows(book: xlsxwriter.Workbook, sheet: xlsxwriter.worksheet.Worksheet, columns: Sequence[Column]) -> None:
    required = book.add_format({"bold": True, "bg_color": "#D7ECEA", "bottom": 1, "text_wrap": True, "valign": "top"})
    optional = book.add_format({"bg_color": "#F1F0EC", "bottom": 1, "text_wrap": True, "valign": "top"})
    formats = {
        CellKind.TEXT: book.add_format({"num_format": "@"}),  # else 4/8 becomes the fourth of August
        CellKind.DAY: book.add_format({"num_format": "dd.mm.yyyy"}),
    }
    sheet.freeze_panes(1, 1)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, max(14, len(column.header(locale())) + 2), formats.get(column.kind))
        sheet.write_string(0, place, column.header(locale()), required if column.is_required else optional)


def _fill_explanation(
    book: xlsxwriter.Workbook, sheet: xlsxwriter.worksheet.Worksheet, columns: Sequence[Column]
) -> None:
    head = book.add_format({"bold": True, "bottom": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    for place, (heading, width) in enumerate(
        [(_("Column"), 26), (_("Required"), 12), (_("What it says"), 70), (_("Example"), 34)]
    ):
        sheet.set_column(place, place, width, wrapped)
        sheet.write_string(0, place, heading, head)
    for line, column in enumerate(columns, start=1):
        sheet.write_string(line, 0, column.header(locale()), wrapped)
        sheet.write_string(line, 1, _("yes") if column.is_required else "", wrapped)
        sheet.write_string(line, 2, translate(column.help, {}), wrapped)
        sheet.write_string(line, 3, column.example(locale()), wrapped)


def _choices(columns: Sequence[Column], project_names: Sequence[str]) -> Iterator[tuple[Column, list[str]]]:
    for column in columns:
        if column.choices:
            yield column, [choice.name(locale()) for choice in column.choices]
        elif column.key == "project_id" and project_names:
            yield column, list(project_names)


def _offer(
    rows: xlsxwriter.worksheet.Worksheet,
    lists: xlsxwriter.worksheet.Worksheet,
    *,
    at: int,
    column: Column,
    place: int,
    names: Sequence[str],
) -> None:
    lists.write_string(0, at, column.header(locale()))
    for line, name in enumerate(names, start=1):
        lists.write_string(line, at, name)
    letters = xlsxwriter.utility.xl_col_to_name(at, col_abs=True)
    sheet_name = lists.get_name().replace("'", "''")
    rows.data_validation(
        1,
        place,
        ROWS_WITH_LISTS,
        place,
        {
            "validate": "list",
            "source": f"='{sheet_name}'!{letters}$2:{letters}${len(names) + 1}",
            "error_type": "warning",  # other words for the same are understood as well
            "error_title": column.header(locale())[:32],
            "error_message": _("This is none of the choices in the list."),
        },
    )


# Rows that could not be used --------------------------------------------------------------------------------------


def is_reason(heading: str) -> bool:
    """Whether a column is the one that bad rows were given out with: it is known, and says nothing of the rows."""
    return folded_heading(heading) in {folded_heading(REASON.header_no), folded_heading(REASON.header_en)}


def bad_rows_name(batch: ImportBatch) -> str:
    """What the file is, after the one that the rows came with."""
    stem = PurePath(batch.file_name).stem
    named = _("bad-rows-%(name)s", name="")
    return NOT_IN_A_NAME.sub("-", named + stem.removeprefix(named)) + ".csv"


def bad_rows_csv(batch: ImportBatch, rows: Iterable[ImportRow]) -> Iterator[bytes]:
    """The rows as they came, with what is wrong in a last column that is left out when they are sent again."""
    header = header_of(batch, columns_of(batch.kind))
    numbers = frozenset(
        header.places[column.key]
        for column in columns_of(batch.kind)
        if column.kind is CellKind.NUMBER and column.key in header.places
    )
    width = len(batch.header) - any(map(is_reason, batch.header[-1:]))  # of rows that came out of here before
    yield csv_line([*batch.header[:width], REASON.header(locale())]).encode(CSV_ENCODING)
    for row in rows:
        cells = [
            _number(cell, batch.decimal_sign) if place in numbers else cell
            for place, cell in enumerate(row.cells[:width])
        ]
        cells += [""] * (width - len(cells))
        yield csv_line([*cells, "; ".join(_reasons(batch, row))]).encode()


def _reasons(batch: ImportBatch, row: ImportRow) -> Iterator[str]:
    columns = {column.key: column for column in columns_of(batch.kind)}
    for problem in map(problem_from, row.problems):
        name = columns[problem.field].header(locale()) if problem.field in columns else problem.field
        yield f"{name}: {reason_of(problem, columns)}"


def reason_of(problem: FieldError, columns: Mapping[str, Column]) -> str:
    """Why a cell cannot be taken; what it can be is named in the visitor's language."""
    params = dict(problem.params)
    if "choices" in params and problem.field in columns:
        params["choices"] = ", ".join(choice.name(locale()) for choice in columns[problem.field].choices)
    return translate(problem.message, params)


def _number(cell: str, sign: str) -> str:
    """With a comma, whatever the file had: semicolons part the cells of this one."""
    try:
        return write_decimal(read_decimal(cell, decimal_sign=sign, has_groups=sign == ",")).replace(".", ",")
    except ValueError:
        return cell
