"""Forms of factor sets: a copy, a version's name and defaults, one figure, and what to compare."""

from collections.abc import Iterable
from typing import Any

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice
from wtforms.validators import Optional, StopValidation

from geo.factor_tables import units_of
from marketplace.factor_words import fuel_name, unit_words, vehicle_name
from marketplace.forms.base import PostedForm
from marketplace.forms.fields import DecimalField, LineField, Required, TextAreaField
from marketplace.services.factor_sets import FactorValues

YEAR_DIGITS = 4


class CopySetForm(PostedForm):
    version = LineField(
        _l("Version"),
        [Required(_l("Give the copy a version."))],
        description=_l("What records and reports name it by, for example norway-2027. It cannot be changed later."),
    )
    name = LineField(_l("Name"), [Required(_l("Give the version a name."))])
    note = TextAreaField(_l("What it is for, and how it differs"))


class EditSetForm(PostedForm):
    name = LineField(_l("Name"), [Required(_l("Give the version a name."))])
    default_vehicle = wtforms.SelectField(
        _l("Lorry"), description=_l("All legs are worked out with it, on both sides.")
    )
    default_fuel = wtforms.SelectField(_l("Fuel"), description=_l("Of lorries that run on litres."))
    note = TextAreaField(_l("What it is for, and how it differs"))

    def offer(self, *, vehicles: Iterable[str], fuels: Iterable[str]) -> None:
        """Let it be chosen among the lorries and fuels of the version."""
        self.default_vehicle.choices = [SelectChoice(each, vehicle_name(each)) for each in vehicles]
        self.default_fuel.choices = [SelectChoice(each, fuel_name(each)) for each in fuels if each != "electricity"]


class FactorForm(PostedForm):
    """A figure; `key` only where one is added."""

    key = LineField(
        _l("Key"),
        [Optional()],
        description=_l("For example vehicle.dumper.payload, vehicle.dumper.full and vehicle.dumper.empty."),
    )
    value = DecimalField(_l("Figure"), [Required(_l("Enter the figure."))], has_groups=False)
    low = DecimalField(
        _l("Low"), [Optional()], has_groups=False, description=_l("Empty: the figure itself, without a range.")
    )
    high = DecimalField(_l("High"), [Optional()], has_groups=False)
    unit = wtforms.SelectField(_l("Unit"))
    source = LineField(_l("Source"), [Required(_l("Say where the figure comes from."))])
    year = LineField(_l("Year"))
    is_verified = wtforms.BooleanField(
        _l("Verified"), description=_l("Somebody has held the figure against the source that it names.")
    )
    note = TextAreaField(_l("Note"))
    version = wtforms.HiddenField()

    ALL_UNITS = ("t", "l/km", "kWh/km", "kg CO2e/l", "kg CO2e/kWh", "kg CO2e/t", "m", "NOK/km", "1")

    def offer(self, *, key: str | None) -> None:
        """Let the unit be chosen among those that the figure may be in; among all for a new figure."""
        units = self.ALL_UNITS if key is None else units_of(key)
        self.unit.choices = [SelectChoice(each, unit_words(each) or str(_l("share"))) for each in units]
        if key is not None:
            del self.key

    def validate_year(self, field: wtforms.Field) -> None:
        text = field.data or ""
        if text and not (text.isascii() and text.isdecimal() and len(text) == YEAR_DIGITS):
            raise StopValidation(str(_l("Enter a year of four digits.")))

    def values(self) -> FactorValues:
        """What was entered; an end of the range that was left empty is the figure itself."""
        value = self._number("value")
        return FactorValues(
            value=value,
            low=value if self.low.data is None else self.low.data,
            high=value if self.high.data is None else self.high.data,
            unit=self.unit.data,
            source=self.source.data or "",
            year=int(self.year.data) if self.year.data else None,
            is_verified=bool(self.is_verified.data),
            note=self.note.data or "",
        )

    def _number(self, name: str) -> Any:
        return self[name].data
