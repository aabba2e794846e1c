"""What the log of changes is narrowed down by."""

from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.forms.fields import DateField

LARGEST_ID = 2**63 - 1


class IdField(wtforms.StringField):
    """The number of a thing; None where nothing was entered."""

    data: Any

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        text = valuelist[0].strip() if valuelist else ""
        if not text:
            return
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:20]) <= LARGEST_ID):
            raise ValueError(_("Enter a number, with digits only."))
        self.data = int(text[:20])


class LogFilterForm(wtforms.Form):
    """`person` holds whom the log can be narrowed down to; where there are no choices, `email` says who."""

    thing = wtforms.SelectField(_l("What it is about"), default="", invalid_choice_message=_l("Choose from the list."))
    number = IdField(_l("Its number"))
    person = wtforms.SelectField(_l("Done by"), default="", invalid_choice_message=_l("Choose from the list."))
    email = wtforms.StringField(_l("Done by (e-mail)"))
    day = DateField(_l("Day"))

    def validate_number(self, field: wtforms.Field) -> None:
        if field.data is not None and not self.thing.data:
            raise wtforms.ValidationError(_("Say what the number is of."))
