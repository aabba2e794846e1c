"""Tables that people hand in, as rows of text: whatever program wrote them, and whatever is wrong with them."""

import io
import tracemalloc
import zipfile
from datetime import datetime

import pytest
import xlsxwriter

from marketplace import xlsx_guard
from marketplace.tables import MIB, TableError, TableFault, TableLimits, is_formula, read_pasted, read_table

LAB_TABLE = [
    ("Prøve", "Parameter", "Verdi", "Enhet"),
    ("P1", "Bly (Pb)", "12,5", "mg/kg TS"),
    ("P2", "Sink", "<5", "µg/kg"),
]


def rows_of(content: bytes, **kwargs):
    return [(row.number, row.cells) for row in read_table(io.BytesIO(content), **kwargs)]


def cells_of(content: bytes, **kwargs):
    return [cells for _, cells in rows_of(content, **kwargs)]


def text_of(rows, delimiter: str = ";", end: str = "\r\n") -> str:
    return "".join(delimiter.join(row) + end for row in rows)


def workbook(write, **options) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **options}) as book:
        write(book)
    return buffer.getvalue()


def sheet_of(rows) -> bytes:
    def write(book) -> None:
        sheet = book.add_worksheet("Resultater")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    return workbook(write)


def fault_of(content: bytes, **kwargs) -> TableError:
    with pytest.raises(TableError) as caught:
        rows_of(content, **kwargs)
    return caught.value


# Text -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_table_reads_the_same_in_every_encoding(encoding, delimiter):
    assert cells_of(text_of(LAB_TABLE, delimiter).encode(encoding)) == LAB_TABLE


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(end):
    assert cells_of(text_of(LAB_TABLE, end=end).encode()) == LAB_TABLE


@pytest.mark.parametrize("encoding", ["cp865", "mac_roman"])
def test_letters_of_old_systems_are_refused_rather_than_garbled(encoding):
    assert fault_of(text_of(LAB_TABLE[:1]).encode(encoding)).fault is TableFault.UNKNOWN_ENCODING


@pytest.mark.parametrize("content", [b"a;b\n\x00\x01\x02;c\n", b"\xff\xfea\x00;", bytes(range(128, 256))])
def test_bytes_that_are_no_text_are_refused(content):
    assert fault_of(content).fault is TableFault.UNKNOWN_ENCODING


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("a;b\n1,5;2,5\n", [("a", "b"), ("1,5", "2,5")]),
        ("1,5;2,5\n3,5;4,5\n", [("1,5", "2,5"), ("3,5", "4,5")]),
        ("a,b\n1.5,2.5\n", [("a", "b"), ("1.5", "2.5")]),
        ('a,b\n"x; y","2,5"\n', [("a", "b"), ("x; y", "2,5")]),
        ("Nr. 7\nOslo, mai\n\na;b\n1;2,5\n4;5\n", [("Nr. 7",), ("Oslo, mai",), ("a", "b"), ("1", "2,5"), ("4", "5")]),
        ("sep=,\na,b\n", [("a", "b")]),
        ("alone\n", [("alone",)]),
    ],
)  # fmt: skip
def test_separator_is_found_beside_decimal_commas_and_lines_above_the_table(text, cells):
    assert cells_of(text.encode()) == cells


def test_rows_are_numbered_as_a_spreadsheet_does():
    content = b'a;b\n\n"two\nlines";c\n;;\nd;\n'
    assert rows_of(content) == [(1, ("a", "b")), (3, ("two\nlines", "c")), (5, ("d",))]


def test_first_line_that_names_the_separator_counts():
    assert rows_of(b"sep=;\r\na;b\r\n") == [(2, ("a", "b"))]


def test_cells_are_trimmed_of_every_kind_of_space_and_of_what_cannot_be_seen():
    assert cells_of("\u00a0P1 ;\u202fa\u0007b\u202e;c".encode()) == [("P1", "ab", "c")]


@pytest.mark.parametrize("content", [b'a;b\n"c;d\ne;f\n', b'a;b\n"c"d;e\n'])
def test_quotation_mark_without_its_partner_swallows_nothing(content):
    error = fault_of(content)
    assert error.fault is TableFault.BAD_QUOTES
    assert error.errors[0].params == {"row": 2}


def test_pasted_cells_are_read_and_faults_stand_beside_their_field():
    assert [row.cells for row in read_pasted("P1\t12,5\nP2\t3\n")] == [("P1", "12,5"), ("P2", "3")]
    with pytest.raises(TableError) as caught:
        list(read_pasted(" \n\n", field="pasted"))
    assert (caught.value.fault, caught.value.errors[0].field) == (TableFault.EMPTY, "pasted")


def test_file_stays_open_for_its_owner():
    file = io.BytesIO(b"a;b\n")
    list(read_table(file))
    assert not file.closed


def test_file_named_by_its_path_is_closed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a;b\n")
    with read_table(path) as table:
        assert [row.cells for row in table] == [("a", "b")]


# XLSX -----------------------------------------------------------------------------------------------------------


def test_sheet_reads_as_the_same_table_in_text():
    content = sheet_of(LAB_TABLE)
    assert cells_of(content) == LAB_TABLE
    table = read_table(io.BytesIO(content), filename="misleading.csv")
    assert (table.sheet, table.other_sheets) == ("Resultater", ())


def test_numbers_read_as_they_are_shown_not_as_they_are_stored():
    def write(book) -> None:
        sheet = book.add_worksheet()
        below = book.add_format({"num_format": '"<"0.00'})
        percent = book.add_format({"num_format": "0.0%"})
        warning = book.add_format({"num_format": "[<1]0.00;0.0"})
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        moment = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        clock = book.add_format({"num_format": "hh:mm"})
        sheet.write_row(0, 0, [5, 0.1 + 0.2, 1e-05, -3.0, 1234567.5, True])
        sheet.write(1, 0, 0.01, below)
        sheet.write(1, 1, 0.05, percent)
        sheet.write(1, 2, 0.5, warning)
        sheet.write_datetime(1, 3, datetime(2027, 3, 1), day)
        sheet.write_datetime(1, 4, datetime(2027, 3, 1, 13, 45), moment)
        sheet.write(1, 5, 0.5, clock)
        sheet.write(1, 6, -5, day)

    assert cells_of(workbook(write)) == [
        ("5", "0.3", "0.00001", "-3", "1234567.5", "TRUE"),
        ("<0.01", "5%", "0.5", "2027-03-01", "2027-03-01 13:45", "12:00", "-5"),
    ]


def test_days_counted_from_1904_are_the_same_days():
    def write(book) -> None:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        book.add_worksheet().write_datetime(0, 0, datetime(2027, 3, 1), day)

    assert cells_of(workbook(write, date_1904=True)) == [("2027-03-01",)]


def test_date_that_is_none_is_an_error_in_its_cell():
    def write(book) -> None:
        book.add_worksheet().write(0, 0, 99_999_999, book.add_format({"num_format": "dd.mm.yyyy"}))

    assert cells_of(workbook(write)) == [("#VALUE!",)]


def test_formula_is_seen_as_a_formula():
    def write(book) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [1, 2])
        sheet.write_formula(0, 2, "=A1+B1", None, 3)

    (cells,) = cells_of(workbook(write))
    assert [is_formula(cell) for cell in cells] == [False, False, True]
    assert cells[2] == "=A1+B1"


def test_merged_cells_have_their_text_in_the_first_and_rows_keep_their_numbers():
    def write(book) -> None:
        sheet = book.add_worksheet()
        sheet.merge_range("B1:D1", "Metaller")
        sheet.merge_range("A1:A2", "Prøve")
        sheet.write_row(1, 1, ["As", "Pb", "Cd"])
        sheet.write_row(9, 0, ["P1", 1, 2, 3])

    assert rows_of(workbook(write)) == [
        (1, ("Prøve", "Metaller")),
        (2, ("", "As", "Pb", "Cd")),
        (10, ("P1", "1", "2", "3")),
    ]


def test_first_sheet_that_can_be_seen_is_read_and_the_others_are_named():
    def write(book) -> None:
        for name in ("Skjult", "Data", "Mer"):
            book.add_worksheet(name).write(0, 0, name)
        book.worksheets()[1].activate()
        book.worksheets()[1].set_first_sheet()
        book.worksheets()[0].hide()

    content = workbook(write)
    table = read_table(io.BytesIO(content))
    assert (table.sheet, table.other_sheets, [row.cells for row in table]) == ("Data", ("Mer",), [("Data",)])
    assert cells_of(content, sheet="Mer") == [("Mer",)]
    assert fault_of(content, sheet="Skjult").fault is TableFault.EMPTY


def test_rich_text_reads_as_one_text():
    def write(book) -> None:
        bold = book.add_format({"bold": True})
        book.add_worksheet().write_rich_string(0, 0, "mg/kg ", bold, "TS")

    assert cells_of(workbook(write)) == [("mg/kg TS",)]


@pytest.mark.parametrize("in_memory", [True, False])
def test_strings_are_read_from_the_cell_or_from_the_shared_part(in_memory):
    content = workbook(lambda book: book.add_worksheet().write(0, 0, "ærlig"), constant_memory=not in_memory)
    assert cells_of(content) == [("ærlig",)]


# What is no table, or too much of one ---------------------------------------------------------------------------


def zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def replaced(content: bytes, part: str, by: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()} | {part: by})


MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"


def with_rows(rows: bytes, *, before: bytes = b"", after: bytes = b"") -> bytes:
    sheet = b'<worksheet xmlns="%b">%b<sheetData>%b</sheetData>%b</worksheet>' % (MAIN, before, rows, after)
    return replaced(sheet_of(LAB_TABLE), "xl/worksheets/sheet1.xml", sheet)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", TableFault.EMPTY),
        (b"\n ;;\n", TableFault.EMPTY),
        (sheet_of([]), TableFault.EMPTY),
        (OLE + bytes(100), TableFault.OLD_EXCEL),
        (OLE + bytes(100) + "EncryptedPackage".encode("utf-16-le"), TableFault.PASSWORD),
        (b"%PDF-1.7\n", TableFault.PDF),
        (b"<html><table><tr><td>1</td></tr></table>", TableFault.WEB_PAGE),
        (b'<?xml version="1.0"?><Workbook/>', TableFault.WEB_PAGE),
        (b"PK\x03\x04 and then nothing", TableFault.DAMAGED),
        (sheet_of(LAB_TABLE)[:-200], TableFault.DAMAGED),
        (zipped({"photo.jpg": b"1"}), TableFault.NOT_A_TABLE),
        (zipped({"mimetype": b"x", "content.xml": b"<a/>"}), TableFault.OTHER_SPREADSHEET),
        (replaced(sheet_of(LAB_TABLE), "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row>"), TableFault.DAMAGED),
        (replaced(sheet_of(LAB_TABLE), "xl/workbook.xml", b"<!DOCTYPE a><workbook/>"), TableFault.DAMAGED),
        (
            replaced(sheet_of(LAB_TABLE), "xl/workbook.xml", b'<workbook xmlns="%b"/>' % STRICT),
            TableFault.OTHER_SPREADSHEET,
        ),
        (
            with_rows(b'<row r="1"><c r="A1" t="s"><v>99</v></c></row>'),
            TableFault.DAMAGED,
        ),
    ],
)
def test_what_cannot_be_read_says_what_it_is(content, fault):
    assert fault_of(content).fault is fault


@pytest.mark.parametrize("make", [lambda rows: text_of(rows).encode(), sheet_of], ids=["csv", "xlsx"])
@pytest.mark.parametrize(
    ("rows", "limits", "fault", "params"),
    [
        ([("a",)] * 4, TableLimits(rows=3), TableFault.TOO_MANY_ROWS, {"limit": 3}),
        ([("a", "b"), ("a", "b", "c")], TableLimits(columns=2), TableFault.TOO_MANY_COLUMNS, {"row": 2, "limit": 2}),
        ([("a", "b"), ("a", "b" * 51)], TableLimits(cell_chars=50), TableFault.CELL_TOO_LONG, {"row": 2, "limit": 50}),
        ([("a" * 20,)], TableLimits(file_bytes=10), TableFault.FILE_TOO_LARGE, {"limit_mb": 0}),
    ],
)
def test_limits_hold(make, rows, limits, fault, params):
    error = fault_of(make(rows), limits=limits)
    assert (error.fault, error.errors[0].params) == (fault, params)


def test_archive_that_unpacks_to_much_more_is_refused_before_it_is_unpacked():
    bomb = replaced(sheet_of(LAB_TABLE), "xl/worksheets/sheet1.xml", bytes(300 * MIB))
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        assert fault_of(bomb).fault is TableFault.UNPACKS_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 5 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (with_rows(b'<row r="1"><c r="XFD1"><v>1</v></c></row>'), TableFault.TOO_MANY_COLUMNS),
        (
            with_rows(b"".join(b'<row r="%d"><c r="XFD%d"/></row>' % (n, n) for n in range(1, 2_000))),
            TableFault.TOO_MANY_COLUMNS,
        ),
        (with_rows(b"<row>" + b"<c/>" * 500_000 + b"</row>"), TableFault.UNPACKS_TOO_LARGE),
        (with_rows(b"<row>" + b"<row/>" * 500_000 + b"</row>"), TableFault.UNPACKS_TOO_LARGE),
        (with_rows(b"<row><c><v>" + b"1" * 5 * MIB + b"</v></c></row>"), TableFault.UNPACKS_TOO_LARGE),
        (with_rows(b"<row>" + b"".join(b"<c%d/>" % n for n in range(3_000)) + b"</row>"), TableFault.UNPACKS_TOO_LARGE),
        (with_rows(b'<row spans="' + b"1" * 5_000 + b'"/>'), TableFault.DAMAGED),
        (with_rows(b"", before=b"<headerFooter><oddHeader>&amp;L</oddHeader></headerFooter>"), TableFault.DAMAGED),
        (
            with_rows(
                b'<row><c r="A1"><f t="shared" si="0">%bB1</f></c></row>' % (b"B1+" * 3_000)
                + b'<row><c r="A2"><f t="shared" si="0"/></c></row>' * 2_000
            ),
            TableFault.UNPACKS_TOO_LARGE,
        ),
        (
            replaced(
                sheet_of(LAB_TABLE),
                "xl/sharedStrings.xml",
                b'<sst xmlns="%b"><si>' % MAIN + b"<r><t/></r>" * 50_000 + b"</si></sst>",
            ),
            TableFault.UNPACKS_TOO_LARGE,
        ),
        (
            replaced(sheet_of(LAB_TABLE), "xl/styles.xml", b"<styleSheet>" + b"<xf/>" * 100_000 + b"</styleSheet>"),
            TableFault.UNPACKS_TOO_LARGE,
        ),
    ],
    ids=range(11),
)
def test_file_made_to_do_harm_is_stopped_in_little_memory(content, fault):
    limits = TableLimits(rows=10_000)
    tracemalloc.start()
    try:
        assert fault_of(content, limits=limits).fault is fault
        assert tracemalloc.get_traced_memory()[1] < 30 * MIB
    finally:
        tracemalloc.stop()


def test_row_numbers_without_end_are_not_counted_through():
    far = with_rows(b'<row r="999999999999"><c><v>1</v></c></row>')
    assert fault_of(far).fault is TableFault.TOO_MANY_ROWS


def test_rows_with_nothing_in_them_have_an_end_too(monkeypatch):
    monkeypatch.setattr(xlsx_guard, "MAX_UNITS", 1_000)
    assert fault_of(with_rows(b"<row/>" * 1_001)).fault is TableFault.UNPACKS_TOO_LARGE


def test_archive_that_states_too_small_a_size_is_not_unpacked_beyond_it():
    content = with_rows(b"<row><c><v>1</v></c></row>" * 100_000)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    lying = content.replace(size.to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert lying != content
    assert fault_of(lying).fault is TableFault.DAMAGED


def test_what_follows_the_rows_is_not_looked_at():
    broken = b'<conditionalFormatting sqref="no"><cfRule type="none"/></conditionalFormatting>'
    content = with_rows(b"<row><c><v>1</v></c></row>" * 1_000, after=broken * 500 + b"<")
    assert len(cells_of(content)) == 1_000


def test_tags_and_white_space_between_rows_do_not_add_up(monkeypatch):
    monkeypatch.setattr(xlsx_guard, "HELD_BYTES", 100_000)
    row = b'<x:row><x:c t="str"><x:v>Bly</x:v></x:c></x:row>\n        '
    sheet = b'<x:worksheet xmlns:x="%b"><x:sheetData>' % MAIN + row * 8_000 + b"</x:sheetData></x:worksheet>"
    content = replaced(sheet_of(LAB_TABLE), "xl/worksheets/sheet1.xml", sheet)
    assert len(cells_of(content)) == 8_000


def test_a_hundred_thousand_rows_of_text_take_little_memory():
    content = "Prøve;Parameter;Verdi\n" + "".join(f"P{n};Bly;{n},5\n" for n in range(2, 100_001))
    file = io.BytesIO(content.encode())
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_table(file)) == 100_000
        assert tracemalloc.get_traced_memory()[1] < 3 * MIB
    finally:
        tracemalloc.stop()


def test_rows_of_a_sheet_take_little_memory_once_they_are_read():
    row = b'<row><c><v>1</v></c><c t="inlineStr"><is><t>Bly</t></is></c><c><v>2.5</v></c></row>'
    file = io.BytesIO(with_rows(row * 10_000))
    list(read_table(io.BytesIO(sheet_of([("a",)]))))  # what reads them is there
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_table(file)) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 3 * MIB
    finally:
        tracemalloc.stop()
