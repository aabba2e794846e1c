"""Fields that read what people in Norway type, and give it back as it was typed when it cannot be read.

Each keeps the name of the WTForms field it stands in for, since the form macros tell fields apart by name.
"""

import json
from decimal import Decimal
from typing import Any

import wtforms
from flask_babel import get_locale
from flask_babel import gettext as _
from shapely import Point
from wtforms.validators import StopValidation
from wtforms.widgets import DateInput, HiddenInput, TextInput

from geo.errors import FractionError, GeometryError
from geo.geometry import Position, Site, read_point, read_site, to_geojson
from geo.materials import Fraction, read_fraction
from marketplace.geo_messages import message_of
from marketplace.i18n import translate
from marketplace.parsing import UnclearNumber, read_day, read_decimal, two_readings
from marketplace.text import clean_line, clean_text, is_blank


def decimal_sign() -> str:
    """The decimal sign of the visitor's language."""
    locale = get_locale()
    return "." if locale is not None and locale.language == "en" else ","


def write_decimal(value: Decimal) -> str:
    """As a person would type it: no grouping, no needless zeros."""
    return f"{value.normalize():f}".replace(".", decimal_sign())


class Required:
    """Refuses an empty answer with words of our own, and marks the field as required."""

    field_flags = {"required": True}  # noqa: RUF012 - the name and kind WTForms looks for

    def __init__(self, message: Any) -> None:
        self.message = message

    def __call__(self, _form: wtforms.Form, field: wtforms.Field) -> None:
        if field.data is None or (isinstance(field.data, str) and is_blank(field.data)):
            if field.process_errors:
                raise StopValidation
            field.errors = []
            raise StopValidation(str(self.message))


class LineField(wtforms.StringField):
    """One line of text."""

    data: Any  # a str; what is required of it is the form's to say

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = clean_line(valuelist[0]) if valuelist else self.data or ""


class TextAreaField(wtforms.TextAreaField):
    """Text of several lines."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = clean_text(valuelist[0]) if valuelist else self.data or ""


class DecimalField(wtforms.Field):
    """A number; None where nothing was entered. `has_groups` as in `read_decimal`."""

    widget = TextInput()

    def __init__(self, label: Any = None, validators: Any = None, *, has_groups: bool = True, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.has_groups = has_groups

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else write_decimal(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return  # a form without this field leaves it as it was
        self.data = None
        text = valuelist[0].strip()
        if not text:
            return
        try:
            self.data = read_decimal(text, decimal_sign=decimal_sign(), has_groups=self.has_groups)
        except UnclearNumber as unclear:
            raise ValueError(_two_ways(str(unclear))) from None
        except ValueError:
            raise ValueError(_("Enter a number, with digits only.")) from None


def _two_ways(typed: str) -> str:
    thousands, parts = two_readings(typed, decimal_sign=decimal_sign())
    return _(
        "%(typed)s can be read in two ways. Write %(thousands)s or %(parts)s.",
        typed=typed,
        thousands=thousands,
        parts=parts,
    )


class DateField(wtforms.DateField):
    """A day: 2027-03-01 as browsers send it, or 1.3.2027 as people write it."""

    data: Any  # a date, or None
    widget = DateInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.data = None
        text = valuelist[0].strip()
        if not text:
            return
        try:
            self.data = read_day(text)
        except ValueError:
            raise ValueError(_("Enter a day, for example 31.12.2027.")) from None


class FractionField(wtforms.Field):
    """A grain fraction d/D such as 8/16."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data).replace(".", decimal_sign())

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.data: Fraction | None = None
        text = valuelist[0].strip()
        if not text:
            return
        try:
            self.data = read_fraction(text)
        except FractionError as error:
            raise ValueError(translate(message_of(error), error.params)) from None


class _GeometryField(wtforms.Field):
    """GeoJSON in EPSG:4326 that a map has drawn, in a hidden field."""

    widget = HiddenInput()

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else self.written()

    def written(self) -> str:
        raise NotImplementedError

    def read(self, text: str) -> object:
        raise NotImplementedError

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return  # a form without this field leaves it as it was
        self.data = None
        text = valuelist[0].strip()
        if not text:
            return
        try:
            self.data = self.read(text)
        except GeometryError as error:
            raise ValueError(translate(message_of(error), error.params)) from None


class SiteField(_GeometryField):
    """A point or an area."""

    data: Site | None

    def read(self, text: str) -> Site:
        return read_site(text)

    def written(self) -> str:
        return "" if self.data is None else _json(self.data)


class PinField(_GeometryField):
    """One place, as `geo.geometry.Position`."""

    data: Position | None

    def read(self, text: str) -> Position:
        return read_point(text)

    def written(self) -> str:
        return "" if self.data is None else _json(Point(self.data.lon, self.data.lat))


def _json(geometry: Site) -> str:
    return json.dumps(to_geojson(geometry), separators=(",", ":"))
