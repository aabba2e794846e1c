"""Laboratory tables in the shapes in which they come, as rows of text."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from geo.errors import LabError, LabFault
from geo.lab_layouts import Shape
from geo.lab_tables import MAX_RESULTS, RowStatus, read_lab_table
from geo.proof import Medium


@dataclass(frozen=True)
class Row:
    number: int
    cells: tuple[str, ...]


def table(text: str, separator: str = ";") -> list[Row]:
    """Rows of text; a blank line counts and holds nothing."""
    lines = text.strip("\n").split("\n")
    rows = [(number, tuple(cell.strip() for cell in line.split(separator))) for number, line in enumerate(lines, 1)]
    return [Row(number, cells) for number, cells in rows if any(cells)]


def read(text: str, **kwargs):
    return read_lab_table(table(text), **kwargs)


def values(reading) -> dict[str, dict[str, str]]:
    """Each sample's results: `<` for what is below."""
    return {
        sample.name: {
            each.parameter: ("<" if each.is_below else "") + f"{each.value_mg_kg.normalize():f}"
            for each in sample.values
        }
        for sample in reading.samples
    }


def problems(reading) -> list[tuple[int, LabFault]]:
    return [(row.line, row.problem.code) for row in reading.problems]


EXPECTED = {
    "P1": {"As": "2.4", "Pb": "12", "PAH16": "4.2", "BaP": "<0.03", "PCB7": "0.007"},
    "P2": {"As": "<0.5", "Pb": "1234", "PAH16": "<0.3", "BaP": "0.05", "PCB7": "<0.007"},
}
LONG = """
Analyserapport AR-27-MM-012345-01
Oppdragsgiver;Eksempel Entreprenør AS

Prøvemerking;Labnr;Prøvetype;Parameter;Resultat;Enhet;LOQ;MU
P1;439-2027-001;Jord;Arsen (As);2,4;mg/kg TS;0,5;30%
P1;439-2027-001;Jord;Bly (Pb);12;mg/kg TS;0,5;25%
P1;439-2027-001;Jord;Sum PAH(16) EPA;4,2;mg/kg TS;;
P1;439-2027-001;Jord;Benzo(a)pyren;< 0,030;mg/kg TS;0,03;
P1;439-2027-001;Jord;Sum 7 PCB;7,0;µg/kg TS;;
P1;439-2027-001;Jord;Tørrstoff;88,4;%;0,1;5%
P1;439-2027-001;Jord;pH;7,9;;;
P2;439-2027-002;Jord;Arsen (As);n.d.;mg/kg TS;0,5;
P2;439-2027-002;Jord;Bly (Pb);1 234;mg/kg TS;0,5;
P2;439-2027-002;Jord;Sum PAH(16) EPA;<0,3;mg/kg TS;;
P2;439-2027-002;Jord;Benzo(a)pyren;0,05;mg/kg TS;0,03;
P2;439-2027-002;Jord;Sum 7 PCB;<0,007;mg/kg TS;;
P2;439-2027-002;Jord;Krom (Cr);-;mg/kg TS;;
"""
WIDE = """
Resultater jordprøver
Prøve;Dybde;Metaller;;;Organiske;;
;(m);As;Pb;Sum PAH-16;Benso(a)pyren;PCB-7;TOC
;;mg/kg TS;mg/kg TS;mg/kg TS;mg/kg TS;µg/kg TS;% TS
P1;0-1;2,4;12;4,2;<0,03;7;1,2
P2;1-2;<0,5;1234;<0,3;0,05;<7;
Normverdi;;8;60;2;0,1;0,01;
"""
SIDEWAYS = """
ALS Laboratory Group Norway AS
Prøvenavn;;;P1;P2
Labnummer;;;N001;N002
Prøvetakingsdato;;;2027-02-01;2027-02-01
Parameter;Enhet;LOQ;;
Metaller
As (Arsen);mg/kg TS;0,5;2,4;i.p.
Pb (Bly);mg/kg TS;0,5;12;1234
PAH
Benso(a)pyren^;mg/kg TS;0,03;<0,03;0,05
Sum PAH-16*;mg/kg TS;;4,2;<0,3
Sum PCB-7*;µg/kg TS;;7;<7
Tørrstoff (TS);%;;88,4;90,1

* beregnet verdi
"""


@pytest.mark.parametrize(
    ("text", "shape"),
    [(LONG, Shape.ROW_PER_RESULT), (WIDE, Shape.ROW_PER_SAMPLE), (SIDEWAYS, Shape.COLUMN_PER_SAMPLE)],
)
def test_the_same_results_are_read_from_each_shape(text, shape):
    reading = read(text)
    found = {
        name: {code: written for code, written in each.items() if code in EXPECTED["P1"]}
        for name, each in values(reading).items()
    }
    assert (reading.shape, found, problems(reading)) == (shape, EXPECTED, [])


def test_each_result_says_where_it_stands_and_what_it_was_understood_as():
    row = next(row for row in read(LONG).rows if row.value_text == "7,0")
    assert (row.line, row.column, row.sample, row.parameter_text, row.unit_text) == (
        9,
        5,
        "P1",
        "Sum 7 PCB",
        "µg/kg TS",
    )
    assert (row.parameter.code, row.value.value_mg_kg, row.status) == ("PCB7", Decimal("0.007"), RowStatus.UNDERSTOOD)


def test_what_has_no_limit_is_known_and_no_problem():
    statuses = {row.parameter_text: row.status for row in read(LONG).rows}
    assert (statuses["Tørrstoff"], statuses["pH"], statuses["Krom (Cr)"]) == (
        RowStatus.INFORMATIONAL, RowStatus.INFORMATIONAL, RowStatus.NOT_ANALYSED,
    )  # fmt: skip


def test_row_of_limits_is_no_sample():
    reading = read(WIDE)
    assert {row.status for row in reading.rows if row.line == 7} == {RowStatus.NO_SAMPLE}
    assert [sample.name for sample in reading.samples] == ["P1", "P2"]


def test_units_in_the_headings_count():
    assert values(read("Prøve;As [mg/kg TS];PCB7 (µg/kg)\nP1;5;7\n")) == {"P1": {"As": "5", "PCB7": "0.007"}}


def test_unit_in_the_heading_of_the_values_counts():
    assert values(read("Prøve;Parameter;Resultat (g/t)\nP1;Pb;5\n")) == {"P1": {"Pb": "5"}}


def test_unit_above_the_table_counts():
    reading = read("Alle verdier i mg/kg TS\n\nPrøve;As;Pb\nP1;5;7\n")
    assert (reading.stated_unit, values(reading)) == ("mg/kg TS", {"P1": {"As": "5", "Pb": "7"}})


def test_table_without_units_has_a_problem_until_somebody_says_which():
    text = "Prøve;As;Pb\nP1;5;7\n"
    assert problems(read(text)) == [(2, LabFault.NO_UNIT)] * 2
    assert values(read(text, assumed_unit="mg/kg TS")) == {"P1": {"As": "5", "Pb": "7"}}


def test_results_of_one_sample_may_leave_naming_it_to_the_lines_above():
    reading = read("Prøvemerking:;P7\nParameter;Resultat;Enhet\nArsen;5;mg/kg TS\n")
    assert values(reading) == {"P7": {"As": "5"}}
    text = "Parameter;Resultat;Enhet\nArsen;5;mg/kg TS\n"
    assert problems(read(text)) == [(2, LabFault.NO_SAMPLE)]
    assert values(read(text, sample_name="P7")) == {"P7": {"As": "5"}}


def test_merged_cells_of_a_sample_are_filled_and_marked():
    reading = read("Prøve;Parameter;Resultat;Enhet\nP1;As;5;mg/kg\n;Pb;6;mg/kg\nP2;As;7;mg/kg\n")
    assert values(reading) == {"P1": {"As": "5", "Pb": "6"}, "P2": {"As": "7"}}
    assert [row.is_sample_from_above for row in reading.rows] == [False, True, False]


def test_name_that_the_customer_gave_comes_before_the_laboratorys():
    reading = read("Labnr;Prøvemerking;As (mg/kg);Pb (mg/kg)\nN001;P1;5;6\n")
    assert list(values(reading)) == ["P1"]


def test_sign_in_a_column_of_its_own_counts():
    reading = read("Prøve;Parameter;<;Verdi;Enhet\nP1;As;<;0,5;mg/kg\nP1;Pb;;0,5;mg/kg\n")
    assert values(reading) == {"P1": {"As": "<0.5", "Pb": "0.5"}}


def test_coating_is_told_from_concrete_by_the_matrix():
    reading = read("Prøve;Matriks;PCB7 (mg/kg);Pb (mg/kg)\nB1;Betong;0,001;5\nB1;Maling;2;900\n")
    assert [(sample.name, sample.medium) for sample in reading.samples] == [("B1", Medium.MASS), ("B1", Medium.COATING)]
    sideways = read("Prøve;B1;M1\nMatriks;Betong;Maling hvit\nPb mg/kg;5;900\nPCB7 mg/kg;0,001;2\n")
    assert [sample.medium for sample in sideways.samples] == [Medium.MASS, Medium.COATING]


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ("P1;Arsen;=B2*2;mg/kg TS", LabFault.FORMULA),
        ("P1;Arsen;n.d.;mg/kg TS", LabFault.NOT_DETECTED_WITHOUT_LOQ),
        ("P1;Arsen;-5;mg/kg TS", LabFault.NEGATIVE),
        ("P1;Arsen;fem;mg/kg TS", LabFault.NOT_A_NUMBER),
        ("P1;Arsen;0,01;mg/l", LabFault.LEACHATE),
        ("P1;Arsen;0,01;µg/L", LabFault.LEACHATE),
        ("P1;Arsen;0,01;mg/kg L/S=10", LabFault.LEACHATE),
        ("P1;Arsen;5;mg/kg våtvekt", LabFault.WET_WEIGHT),
        ("P1;Arsen;5;stk", LabFault.UNKNOWN_UNIT),
        ("P1;Arsen;5;", LabFault.NO_UNIT),
        ("P1;Unobtainium;5;mg/kg", LabFault.UNKNOWN_PARAMETER),
    ],
)
def test_wrong_row_is_kept_with_its_reason_and_spoils_no_other(cells, fault):
    reading = read(f"Prøve;Parameter;Resultat;Enhet\nP1;Bly;5;mg/kg TS\n{cells}\n")
    assert problems(reading) == [(3, fault)]
    assert values(reading) == {"P1": {"Pb": "5"}}


def test_unknown_column_is_told_once_and_known_others_are_not():
    reading = read("Prøve;Dato;Kommentar;As mg/kg;Pb mg/kg;Xyz\nP1;2027-01-01;våt;5;6;7\nP2;;;5;6;7\n")
    assert [(row.line, row.column, row.problem.params) for row in reading.problems] == [(1, 6, {"name": "Xyz"})]


def test_unknown_row_of_a_table_on_its_side_is_told_once():
    reading = read("Parameter;Enhet;P1;P2\nAs;mg/kg;1;2\nPb;mg/kg;3;4\nXyz;mg/kg;5;6\n")
    assert [(row.line, row.parameter_text) for row in reading.problems] == [(4, "Xyz")]


def test_same_sample_twice_with_the_same_values_is_one_sample():
    reading = read("Prøve;As mg/kg;Pb mg/kg\nP1;5;6\np1;5,0;6\n")
    assert values(reading) == {"P1": {"As": "5", "Pb": "6"}}
    assert reading.counts == {RowStatus.UNDERSTOOD: 2, RowStatus.REPEATED: 2}


def test_same_sample_twice_with_different_values_is_not_chosen_between():
    reading = read("Prøve;As mg/kg;Pb mg/kg\nP1;5;6\nP2;1;1\nP1;5;60\n")
    assert problems(reading) == [(2, LabFault.CONFLICT), (4, LabFault.CONFLICT)]
    assert reading.problems[0].problem.params == {"lines": "2, 4"}
    assert values(reading)["P1"] == {"As": "5"}


def test_sample_may_be_called_anything():
    reading = read("Prøve;As mg/kg;Pb mg/kg\nX;5;6\nMingata 3;1;2\nMin;3;4\n")
    assert list(values(reading)) == ["X", "Mingata 3"]


@pytest.mark.parametrize("text", ["Navn;Adresse\nOla;Oslo\n", "1;2;3\n", "Prøve;Dato\nP1;2027-01-01\n"])
def test_table_that_names_no_parameters_is_refused(text):
    with pytest.raises(LabError) as caught:
        read(text)
    assert caught.value.code is LabFault.NO_HEADING


def test_empty_table_is_refused():
    with pytest.raises(LabError):
        read_lab_table([])


def test_table_of_more_results_than_any_lot_has_is_refused_without_being_read_through():
    drawn = 0

    def endless():
        nonlocal drawn
        yield Row(1, ("Prøve", "Parameter", "Verdi", "Enhet"))
        while True:
            drawn += 1
            yield Row(drawn + 1, (f"P{drawn}", "Bly", "5", "mg/kg"))

    with pytest.raises(LabError) as caught:
        read_lab_table(endless())
    assert caught.value.params == {"limit": MAX_RESULTS}
    assert drawn == MAX_RESULTS + 1


@pytest.mark.parametrize("order", [("P1;1.234;5", "P2;0,5;12,5"), ("P2;0,5;12,5", "P1;1.234;5")])
def test_point_in_a_table_of_decimal_commas_is_a_problem_wherever_it_stands(order):
    reading = read("Prøve;As mg/kg;Pb mg/kg\n" + "\n".join(order))
    assert [row.value_text for row in reading.problems] == ["1.234"]
    assert reading.problems[0].problem.code is LabFault.AMBIGUOUS
    assert values(reading)["P1"] == {"Pb": "5"}


def test_point_in_a_table_of_decimal_points_is_one():
    assert values(read("Prøve;As mg/kg;Pb mg/kg\nP1;1.234;0.5\n")) == {"P1": {"As": "1.234", "Pb": "0.5"}}
    assert problems(read("Prøve;As mg/kg;Pb mg/kg\nP1;1,234;0.5\n")) == [(2, LabFault.AMBIGUOUS)]


def test_point_in_a_table_of_whole_numbers_may_part_thousands():
    assert problems(read("Prøve;As mg/kg;Pb mg/kg\nP1;1.234;5\n")) == [(2, LabFault.AMBIGUOUS)]


def test_limit_of_quantification_says_what_the_decimal_mark_is():
    text = "Prøve;Parameter;Verdi;LOQ;Enhet\nP1;As;1.234;{};mg/kg\n"
    assert values(read(text.format("0.5"))) == {"P1": {"As": "1.234"}}
    assert problems(read(text.format("0,5"))) == [(2, LabFault.AMBIGUOUS)]


@pytest.mark.parametrize("heading", ["Dybde", "Dybde (m)", "Dybde [cm]", "Fra (m)", "Til (m)", "Dyp (m) [under kote]"])
def test_depth_is_no_parameter_whatever_it_is_measured_in(heading):
    reading = read(f"Prøve;{heading};As mg/kg;Pb mg/kg\nP1;1;5;6\n")
    assert (problems(reading), values(reading)) == ([], {"P1": {"As": "5", "Pb": "6"}})


def test_sample_may_be_called_as_a_heading_with_something_in_brackets():
    assert list(values(read("Prøve;As mg/kg;Pb mg/kg\nPunkt (nord);5;6\nPrøve (1);7;8\n"))) == [
        "Punkt (nord)",
        "Prøve (1)",
    ]
