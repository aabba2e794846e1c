"""The columns of a table of a mass-balance plan: one row for each material and quarter, masses in tonnes.

The export writes the columns that the import reads, so that a plan can be taken out, worked on in a spreadsheet and
brought back. Keys are what the rules of `marketplace.plan_values` call the cells.
"""

import re
from collections.abc import Mapping
from typing import Final

from marketplace.i18n_marker import N_
from marketplace.listing_columns import material_column
from marketplace.plan_values import ACTUALS, NOTHING, PARTS, PlanRange, PlanRowValues
from marketplace.table_columns import CellKind, Choice, Column, RowReader
from marketplace.text import clean_line

QUARTERS: Final = tuple(
    Choice(
        value=str(number),
        name_no=str(number),
        name_en=str(number),
        synonyms=(f"Q{number}", f"K{number}", f"{number}. kvartal", f"kvartal {number}", f"{number}.0"),
    )
    for number in range(1, 5)
)


def _range(
    part: str, *, no: str, en: str, explained: str, examples: tuple[str, str, str], synonyms: tuple[str, ...]
) -> tuple[Column, Column, Column]:
    """The three columns of a range; the likely figure also goes by the name without its end."""
    low, likely, high = examples
    return (
        Column(
            key=f"{part}_low_t",
            header_no=f"{no}, lavt (t)",
            header_en=f"{en}, low (t)",
            kind=CellKind.NUMBER,
            help=N_("The least it may come to. Empty: the likely figure."),
            example_no=low,
            example_en=low,
        ),
        Column(
            key=f"{part}_t",
            header_no=f"{no}, sannsynlig (t)",
            header_en=f"{en}, likely (t)",
            synonyms=(no, en, *synonyms),
            kind=CellKind.NUMBER,
            help=explained,
            example_no=likely,
            example_en=likely,
        ),
        Column(
            key=f"{part}_high_t",
            header_no=f"{no}, høyt (t)",
            header_en=f"{en}, high (t)",
            kind=CellKind.NUMBER,
            help=N_("The most it may come to. Empty: the likely figure."),
            example_no=high,
            example_en=high,
        ),
    )


def _actual(key: str, *, no: str, en: str, explained: str) -> Column:
    return Column(key=key, header_no=no, header_en=en, kind=CellKind.NUMBER, help=explained)


PLAN_COLUMNS: Final[tuple[Column, ...]] = (
    material_column(),
    Column(
        key="year",
        header_no="År",
        header_en="Year",
        kind=CellKind.NUMBER,
        is_required=True,
        help=N_("The year, with four digits."),
        example_no="2027",
        example_en="2027",
    ),
    Column(
        key="quarter",
        header_no="Kvartal",
        header_en="Quarter",
        kind=CellKind.CHOICE,
        choices=QUARTERS,
        is_required=True,
        help=N_("The quarter, from 1 to 4."),
        example_no="2",
        example_en="2",
    ),
    *_range(
        "excavated",
        no="Utgravd",
        en="Excavated",
        synonyms=("gravd ut", "uttak"),
        explained=N_("What is dug or blasted out. Empty: nothing."),
        examples=("9000", "12000", "15000"),
    ),
    *_range(
        "reused",
        no="Gjenbrukt på plassen",
        en="Reused on site",
        synonyms=("gjenbrukt", "brukt på plassen", "reused"),
        explained=N_("What of it is used again on the same site. Empty: nothing."),
        examples=("2000", "3000", "4000"),
    ),
    *_range(
        "needed",
        no="Samlet behov",
        en="Needed in all",
        synonyms=("behov", "needed", "need"),
        explained=N_("What the site needs in all, also what is covered by reuse. Empty: only what is reused."),
        examples=("3000", "3000", "4000"),
    ),
    _actual(
        "actual_excavated_t",
        no="Faktisk utgravd (t)",
        en="Actually excavated (t)",
        explained=N_("What it came to, when the quarter is over: all four figures, or none."),
    ),
    _actual(
        "actual_reused_t",
        no="Faktisk gjenbrukt (t)",
        en="Actually reused (t)",
        explained=N_("What was used again on the site."),
    ),
    _actual(
        "actual_passed_on_t",
        no="Levert videre (t)",
        en="Passed on (t)",
        explained=N_("What went to other projects."),
    ),
    _actual("actual_disposed_t", no="Deponert (t)", en="Disposed of (t)", explained=N_("What went to landfill.")),
    Column(
        key="note",
        header_no="Merknad",
        header_en="Note",
        synonyms=("kommentar", "notes", "comment"),
        help=N_("A remark for the organisation's own use."),
    ),
)
"""In the order of the template."""

BY_KEY: Final[Mapping[str, Column]] = {column.key: column for column in PLAN_COLUMNS}

YEAR_TEXT: Final = re.compile(r"([12][0-9]{3})(?:[.,]0+)?")


def read_plan_row(reader: RowReader) -> PlanRowValues | None:
    """What a row says, its cells by the keys of `PLAN_COLUMNS`; None where some of it cannot be read.

    Why not is then in the reader's problems. Whether the figures can stand is for `services.mass_plans` to say.
    """
    material_key, quarter = reader.choice("material_key"), reader.choice("quarter")
    year = _year(reader)
    ranges = {part: _range_of(reader, part) for part in PARTS}
    actuals = {name: reader.number(name) for name in ACTUALS}
    note = clean_line(reader.text("note")) or None
    if reader.problems or material_key is None or year is None or quarter is None:
        return None
    return PlanRowValues(
        material_key=material_key,
        year=year,
        quarter=int(quarter),
        excavated=ranges["excavated"] or NOTHING,
        reused=ranges["reused"] or NOTHING,
        needed=ranges["needed"],
        note=note,
        **actuals,
    )


def _year(reader: RowReader) -> int | None:
    typed = reader.text("year")
    found = YEAR_TEXT.fullmatch(typed)
    if found is not None:
        return int(found[1])
    if typed:
        reader.refuse("year", N_("Enter the year with four digits."))
    return None


def _range_of(reader: RowReader, part: str) -> PlanRange | None:
    low, likely, high = f"{part}_low_t", f"{part}_t", f"{part}_high_t"
    figures = (reader.number(low), reader.number(likely), reader.number(high))
    if reader.unread & {low, likely, high}:
        return None
    try:
        return PlanRange.of(*figures)
    except ValueError:
        reader.refuse(likely, N_("Enter the likely figure too."))
        return None
