"""Laboratory files as they are delivered, from the bytes to the class of the lot."""

import io
import tracemalloc

import pytest
import xlsxwriter

from geo.errors import LabError, LabFault
from geo.lab_tables import RowStatus, read_lab_table
from geo.materials import taxonomy
from geo.proof import Outcome
from geo.quality import classify
from marketplace.geo_messages import MESSAGES, message_of
from marketplace.tables import MIB, TableError, TableFault, read_pasted, read_table

METALS = [
    "Arsen (As)",
    "Bly (Pb)",
    "Kadmium (Cd)",
    "Krom (Cr)",
    "Kobber (Cu)",
    "Kvikksølv (Hg)",
    "Nikkel (Ni)",
    "Sink (Zn)",
]
PARAMETERS = [*METALS, "Sum PAH(16) EPA", "Benzo(a)pyren", "Sum 7 PCB"]
P1 = ["2,4", "12", "< 0,10", "25", "18", "<0,010", "19", "71", "0,52", "0,045", "< 0,0070"]
P2 = ["3,1", "15", "0,12", "31", "22", "0,020", "24", "80", "4,2", "0,35", "< 0,0070"]
UNIT = "mg/kg TS"

LONG = "\r\n".join(
    [
        "Eurofins Environment Testing;;;;",
        "Rapport;AR-27-MM-000001;;;",
        ";;;;",
        "Prøvemerking;Parameter;Resultat;Enhet;LOQ",
        *(f"{name};{parameter};{value};{UNIT};" for name, values in (("P1", P1), ("P2", P2))
          for parameter, value in zip(PARAMETERS, values, strict=True)),
        "P1;Tørrstoff;88,4;%;0,1",
    ]
)  # fmt: skip


def workbook(write) -> io.BytesIO:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        write(book.add_worksheet())
    buffer.seek(0)
    return buffer


def sideways(sheet) -> None:
    """Samples across, as the customers' portals export it: names and units merged over several cells."""
    sheet.merge_range("A1:D1", "Analyseresultater, oppdrag 4711")
    sheet.merge_range("A3:B3", "Prøvenavn")
    sheet.write_row("C3", ["P1", "P2"])
    sheet.write_row("A4", ["Parameter", "Enhet"])
    sheet.merge_range("A5:D5", "Metaller")
    for row, (parameter, *values) in enumerate(zip(PARAMETERS, P1, P2, strict=True), start=5):
        sheet.write_row(row, 0, [parameter, UNIT, *(_cell(value) for value in values)])


def _cell(written: str) -> str | float:
    return written if "<" in written else float(written.replace(",", "."))


def wide(sheet) -> None:
    """A row a sample, under a heading of three rows with merged groups."""
    sheet.merge_range(0, 0, 2, 0, "Prøve")
    sheet.merge_range(0, 1, 0, 8, "Tungmetaller")
    sheet.merge_range(0, 9, 0, 11, "Organiske miljøgifter")
    sheet.write_row(1, 1, PARAMETERS)
    sheet.write_row(2, 1, [UNIT] * len(PARAMETERS))
    sheet.write_row(3, 0, ["P1", *map(_cell, P1)])
    sheet.write_row(4, 0, ["P2", *map(_cell, P2)])


FILES = {
    "long, UTF-8": lambda: io.BytesIO(LONG.encode("utf-8-sig")),
    "long, Windows": lambda: io.BytesIO(LONG.encode("cp1252")),
    "long, UTF-16 with tabs": lambda: io.BytesIO(LONG.replace(";", "\t").encode("utf-16")),
    "wide, XLSX": lambda: workbook(wide),
    "sideways, XLSX": lambda: workbook(sideways),
}


@pytest.mark.parametrize("name", FILES)
def test_delivered_file_is_read_and_judged(name):
    reading = read_lab_table(read_table(FILES[name](), filename="resultater.csv"))
    assert reading.problems == ()
    judgement = classify(taxonomy().material("clay"), reading.samples)
    first = judgement.reasons[0]
    assert (judgement.outcome, judgement.soil_class) == (Outcome.CONTAMINATED, 2)
    assert [sample.soil_class for sample in judgement.samples] == [1, 2]
    assert (first.sample, first.parameter, f"{first.high_mg_kg}", f"{first.limit_mg_kg}") == (
        "P2",
        "BaP",
        "0.35",
        "0.1",
    )


def test_pasted_cells_read_as_the_file_does():
    pasted = read_lab_table(read_pasted(LONG.replace(";", "\t")))
    assert pasted.samples == read_lab_table(read_table(FILES["long, UTF-8"]())).samples


def test_formula_in_a_sheet_is_a_problem_of_its_row():
    def write(sheet) -> None:
        sheet.write_row(0, 0, ["Prøve", "As (mg/kg TS)", "Pb (mg/kg TS)"])
        sheet.write_row(1, 0, ["P1", 5])
        sheet.write_formula(1, 2, "=B2*2", None, 10)

    reading = read_lab_table(read_table(workbook(write)))
    assert [(row.line, row.column, row.problem.code) for row in reading.problems] == [(2, 3, LabFault.FORMULA)]
    assert reading.counts[RowStatus.UNDERSTOOD] == 1


def test_file_in_unreadable_letters_is_refused():
    with pytest.raises(TableError) as caught:
        read_table(io.BytesIO(LONG.encode("cp865")))
    assert caught.value.fault is TableFault.UNKNOWN_ENCODING


def test_file_of_a_hundred_thousand_rows_is_refused_in_little_memory():
    head = "Prøve;Parameter;Resultat;Enhet\n"
    file = io.BytesIO((head + "".join(f"P{n};Bly (Pb);{n},5;mg/kg\n" for n in range(2, 100_001))).encode())
    tracemalloc.start()
    try:
        with pytest.raises(LabError) as caught:
            read_lab_table(read_table(file))
        assert tracemalloc.get_traced_memory()[1] < 40 * MIB
    finally:
        tracemalloc.stop()
    assert caught.value.code is LabFault.TOO_MANY_RESULTS


@pytest.mark.parametrize("fault", LabFault)
def test_every_fault_has_its_sentence(fault):
    params = dict.fromkeys(
        ("text", "unit", "one", "other", "name", "lines", "limit", "limit_mg_kg", "whole", "fraction"), "x"
    )
    assert message_of(LabError(fault)) in MESSAGES[LabFault].values()
    assert message_of(LabError(fault)) % params


def test_number_that_a_spreadsheet_stores_is_not_taken_for_text_beside_decimal_commas():
    def write(sheet) -> None:
        sheet.write_row(0, 0, ["Prøve", "As (mg/kg)", "Pb (mg/kg)", "Dybde (m)"])
        sheet.write_row(1, 0, ["P1", 1.234, "<0,5", 1.5])
        sheet.write_row(2, 0, ["P2", "1.234", 0.5, 2])

    reading = read_lab_table(read_table(workbook(write)))
    assert [(row.line, row.problem.code) for row in reading.problems] == [(3, LabFault.AMBIGUOUS)]
    assert [f"{each.value_mg_kg}" for each in reading.samples[0].values] == ["1.234", "0.5"]
