"""Indicators in words: their figures with units, and the table of them."""

from decimal import Decimal
from typing import Protocol

from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace.filters import EN_DASH, number, percent
from marketplace.i18n import translate
from marketplace.indicators import DEFINITIONS, PURPOSES, Figure, Indicator, Unit
from marketplace.web.region_desk import Large
from marketplace.web.region_sheets import Cell, Column, Sheet, words


class Measured(Protocol):
    """A figure, as it was worked out or as it was kept."""

    @property
    def indicator(self) -> Indicator: ...
    @property
    def value(self) -> Decimal | None: ...
    @property
    def low(self) -> Decimal | None: ...
    @property
    def high(self) -> Decimal | None: ...
    @property
    def is_held_back(self) -> bool: ...


def figure_text(measured: Measured) -> str:
    """12 enterprises; 1 200 t (900 to 1 500); held back."""
    if measured.is_held_back:
        return _("Held back")
    if measured.value is None:
        return EN_DASH
    unit = DEFINITIONS[measured.indicator].unit
    figure = _with_unit(measured.value, unit)
    if measured.low is None or measured.high is None or measured.low == measured.high:
        return figure
    between = _("%(low)s to %(high)s", low=number(measured.low), high=number(measured.high))
    return f"{figure} ({between})"


def large_figure(measured: Measured) -> Large:
    """As it is set large below the indicator's name, which says what is counted."""
    if measured.is_held_back or measured.value is None:
        return Large(value=EN_DASH, unit="", between=_("Held back") if measured.is_held_back else "")
    unit = DEFINITIONS[measured.indicator].unit
    if unit is Unit.SHARE:
        return Large(value=percent(measured.value), unit="", between="")
    return Large(value=number(measured.value), unit="t" if unit is Unit.TONNES else "", between="")


def _with_unit(value: Decimal, unit: Unit) -> str:
    count = int(value)
    match unit:
        case Unit.ENTERPRISES:
            return ngettext("%(num)s enterprise", "%(num)s enterprises", count)
        case Unit.PLACES:
            return ngettext("%(num)s place", "%(num)s places", count)
        case Unit.PROJECTS:
            return ngettext("%(num)s project", "%(num)s projects", count)
        case Unit.TONNES:
            return f"{number(value)} t"
        case Unit.SHARE:
            return percent(value)


def indicator_sheet(figures: tuple[Figure, ...]) -> Sheet:
    """All indicators with what they mean; the file has the bare figures too."""
    return Sheet(
        columns=(
            Column(label=_("Indicator")),
            Column(label=_("Figure"), is_numeric=True),
            Column(label=_("Low"), is_numeric=True),
            Column(label=_("High"), is_numeric=True),
            Column(label=_("Unit")),
            Column(label=_("Definition")),
            Column(label=_("Read from")),
            Column(label=_("For")),
        ),
        rows=tuple(
            (
                words(translate(figure.definition.name, {})),
                _bare(figure.value, figure),
                _bare(figure.low, figure),
                _bare(figure.high, figure),
                words(_unit_words(figure.definition.unit)),
                words(translate(figure.definition.meaning, {})),
                words(translate(figure.definition.source, {})),
                words(", ".join(translate(PURPOSES[each], {}) for each in figure.definition.purposes)),
            )
            for figure in figures
        ),
    )


def _bare(value: Decimal | None, figure: Figure) -> Cell:
    if figure.is_held_back:
        return Cell(text=_("Held back"))
    if value is None:
        return Cell(text=EN_DASH)
    if figure.definition.unit is Unit.SHARE:
        value = 100 * value
    return Cell(text=number(value, 3), value=value.quantize(Decimal("0.001")))


def _unit_words(unit: Unit) -> str:
    """What a bare figure counts; a share stands as it does on the page, in per cent."""
    return {
        Unit.ENTERPRISES: _("enterprises"),
        Unit.PLACES: _("places"),
        Unit.PROJECTS: _("projects"),
        Unit.TONNES: "t",
        Unit.SHARE: "%",
    }[unit]
