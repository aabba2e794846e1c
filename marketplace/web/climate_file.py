"""A climate statement as a spreadsheet: the same figures as the paper, to the last digit, as numbers."""

import io
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal

import xlsxwriter
from flask_babel import gettext as _

from geo.certainty import is_held_fixed
from geo.impact import Measure
from marketplace.climate_values import ClimateContent, DealLine, Figure
from marketplace.factor_words import factor_name, source_words, unit_words
from marketplace.filters import date_
from marketplace.labels import label
from marketplace.measure_words import measure_unit
from marketplace.web.climate_sheet import climate_sheet, known_words, material_words, method_name

type Cell = str | int | Decimal | None

WIDE, NARROW = 44, 15


def climate_workbook(content: ClimateContent, *, sha256: str) -> bytes:
    """The workbook: what it comes to, deal by deal, the factors, the method. The same content gives the same bytes."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        made_at = content.made_at.astimezone(UTC).replace(tzinfo=None)
        book.set_properties({"title": content.project, "author": content.organisation, "created": made_at})
        writer = _Writer(book)
        writer.sheet(_("Ledgers"), _ledger_head(), [_ledger(measure, content) for measure in Measure])
        writer.sheet(_("Deals"), _deal_head(), [_deal(line) for line in content.deals])
        writer.sheet(_("Factors"), _factor_head(), _factors(content))
        writer.sheet(_("About"), [_("What"), ""], _about(content, sha256=sha256))
    return file.getvalue()


class _Writer:
    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self.number = book.add_format({"num_format": "#,##0.######"})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})

    def sheet(self, name: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        sheet = self.book.add_worksheet(name)
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, 0, WIDE)
        sheet.set_column(1, max(1, len(head) - 1), WIDE if len(head) <= 2 else NARROW)
        for at, title in enumerate(head):
            sheet.write_string(0, at, title, self.head)
        for line, cells in enumerate(rows, start=1):
            for at, cell in enumerate(cells):
                if isinstance(cell, Decimal | int):
                    sheet.write_number(line, at, float(cell), self.number)
                elif cell:
                    sheet.write_string(line, at, cell, self.wrapped)


def _ends(figure: Figure) -> list[Cell]:
    return [figure.low, figure.value, figure.high]


def _ledger_head() -> list[str]:
    ends = _("low"), _("central"), _("high")
    named = [f"{what}, {end}" for what in (_("Expected"), _("Achieved")) for end in ends]
    return [_("Ledger"), _("Unit"), *named, _("Known for")]


def _ledger(measure: Measure, content: ClimateContent) -> list[Cell]:
    if content.is_unknown(measure):
        return [label(measure), measure_unit(measure), *[_("not known")] * 6]
    return [
        label(measure),
        measure_unit(measure),
        *_ends(content.expected[measure]),
        *_ends(content.achieved[measure]),
        known_words(measure, content),
    ]


def _deal_head() -> list[str]:
    measures = [
        f"{label(measure)} ({measure_unit(measure)})" if measure_unit(measure) else label(measure)
        for measure in Measure
    ]
    return [
        _("Material"),
        _("Deal"),
        _("From"),
        _("To"),
        _("Level"),
        _("Distances"),
        _("Agreed (t)"),
        _("Delivered (t)"),
        _("Avoided (t)"),
        _("Would have gone to"),
        "km",
        _("Would have come from"),
        "km",
        _("Driven (km)"),
        "s",
        "p",
        "r",
        _("Payload (t)"),
        _("Factor set"),
        _("Within published savings"),
        *(f"{_('Expected')}: {each}" for each in measures),
        *(f"{_('Achieved')}: {each}" for each in measures),
    ]


def _deal(line: DealLine) -> list[Cell]:
    return [
        material_words(line),
        line.number,
        line.origin_municipality,
        line.destination_municipality,
        label(line.level),
        method_name(line.method),
        line.agreed_t,
        line.delivered_t,
        line.avoided_t,
        line.landfill.name if line.landfill else None,
        line.landfill.km if line.landfill else None,
        line.quarry.name if line.quarry else None,
        line.quarry.km if line.quarry else None,
        sum(line.driven_km, Decimal(0)),
        line.substitution,
        line.landfill_share,
        line.residue_share,
        line.payload_t,
        line.factor_set,
        _("yes") if line.is_plausible else _("no"),
        *(None if measure in line.unknown else line.expected[measure].value for measure in Measure),
        *(None if measure in line.unknown else line.achieved[measure].value for measure in Measure),
    ]


def _factor_head() -> list[str]:
    return [
        _("What"),
        _("Key"),
        _("Figure"),
        _("Low"),
        _("High"),
        _("Unit"),
        _("Source"),
        _("Year"),
        _("Verified"),
        _("Range verified"),
        _("Held fixed"),
        _("Factor set"),
    ]


def _factors(content: ClimateContent) -> list[list[Cell]]:
    return [
        [
            factor_name(each.key),
            each.key,
            each.value,
            each.low,
            each.high,
            unit_words(each.unit),
            source_words(each.source),
            str(each.year or ""),
            _("yes") if each.is_verified else _("no"),
            _("yes") if each.is_verified and each.is_range_verified else _("no"),
            _("yes") if is_held_fixed(each.key) else _("no"),
            each.factor_set,
        ]
        for each in content.factors
    ]


def _about(content: ClimateContent, *, sha256: str) -> list[list[Cell]]:
    sheet = climate_sheet(content)
    return [
        *([name, value] for name, value in sheet.facts),
        [_("Made"), date_(content.made_at)],
        *([_("Note"), each] for each in (sheet.example, *sheet.notices) if each),
        *([_("Method"), each] for each in sheet.method),
        *([_("Limits"), each] for each in sheet.limits),
        [_("Statement number"), sha256],
    ]
