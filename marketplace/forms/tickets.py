"""Loads reported by hand: on the deal's pages, and by whoever stands at a gate."""

import re
from datetime import time
from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice
from wtforms.validators import Length, Optional
from wtforms.widgets import TimeInput

from marketplace.forms.base import PostedForm
from marketplace.forms.documents import PICTURES
from marketplace.forms.fields import DateField, DecimalField, LineField, Required, TextAreaField
from marketplace.ticket_columns import BEFORE_ANY_AGREEMENT, EARLIEST_YEAR

AT_MOST = _l("Use at most %(max)d characters.")
WEIGHED, ESTIMATED = "weighed", "estimated"

_TIME = re.compile(r"([01]?[0-9]|2[0-3])(?:[:.]?([0-5][0-9]))(?:[:.][0-5][0-9])?")


class TimeField(wtforms.Field):
    """A time of the day: 07:45 as browsers send it, 7.45 or 0745 as people write it."""

    data: Any  # a time, or None
    widget = TimeInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{self.data:%H:%M}"

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.data = None
        text = valuelist[0].strip()
        if not text:
            return
        found = _TIME.fullmatch(text)
        if found is None:
            raise ValueError(_("Enter a time, for example 07:45."))
        self.data = time(int(found[1]), int(found[2]))


class LoadForm(PostedForm):
    """What every way of reporting a load by hand asks for; its fields are named as in `TicketReport`."""

    client_key = wtforms.HiddenField()
    number = LineField(
        _l("Number on the slip"),
        [Optional(), Length(max=60, message=AT_MOST)],
        description=_l("Leave it empty for a load without a slip."),
    )
    mass_t = DecimalField(_l("Tonnes"), [Required(_l("Enter the tonnes of the load."))])
    measure = wtforms.RadioField(
        _l("How the tonnes are known"),
        [Required(_l("Choose whether the load was weighed or estimated."))],
        choices=[SelectChoice(WEIGHED, _l("Weighed")), SelectChoice(ESTIMATED, _l("Estimated"))],
        validate_choice=False,
    )
    vehicle_registration = LineField(
        _l("Vehicle registration"),
        [Required(_l("Enter the vehicle's registration, for example AB 12345."))],
    )
    loaded_at = TimeField(_l("Time"), [Required(_l("Enter a time, for example 07:45."))])
    carrier = LineField(_l("Carrier"), [Optional(), Length(max=200, message=AT_MOST)])
    note = TextAreaField(_l("Note"), [Optional(), Length(max=2_000, message=AT_MOST)])
    slip = wtforms.FileField(
        _l("Photo of the slip"),
        description=_l("Where the photo was taken is removed from it."),
        render_kw={"accept": PICTURES},
    )

    def validate_measure(self, field: wtforms.RadioField) -> None:
        if field.data not in {WEIGHED, ESTIMATED}:
            raise wtforms.ValidationError(_("Choose whether the load was weighed or estimated."))

    @property
    def is_weighed(self) -> bool:
        return bool(self.measure.data == WEIGHED)


class GateForm(LoadForm):
    """For a gate's link, whose address is what permits; no cookie of the phone's does, so there is none to guard."""

    class Meta(LoadForm.Meta):
        csrf = False


class TicketForm(LoadForm):
    loaded_on = DateField(_l("Day"), [Required(_l("Enter a day, for example 31.12.2027."))])
    origin_name = LineField(_l("From"), [Optional(), Length(max=200, message=AT_MOST)])
    destination_name = LineField(_l("To"), [Optional(), Length(max=200, message=AT_MOST)])

    def validate_loaded_on(self, field: DateField) -> None:
        if field.data is not None and field.data.year < EARLIEST_YEAR:
            raise wtforms.ValidationError(_(BEFORE_ANY_AGREEMENT))


class CorrectionForm(TicketForm):
    reason = TextAreaField(
        _l("Why it is corrected"), [Required(_l("Say why it is corrected.")), Length(max=2_000, message=AT_MOST)]
    )


class VoidForm(PostedForm):
    reason = TextAreaField(
        _l("Why it counts for nothing"), [Required(_l("Say why it is voided.")), Length(max=2_000, message=AT_MOST)]
    )


class DisputeForm(PostedForm):
    reason = TextAreaField(
        _l("What is wrong"), [Required(_l("Say what is wrong with the ticket.")), Length(max=2_000, message=AT_MOST)]
    )


class GateLinkForm(PostedForm):
    valid_on = DateField(_l("Day"), [Required(_l("Enter a day, for example 31.12.2027."))])
    label = LineField(
        _l("Which gate"),
        [Optional(), Length(max=100, message=AT_MOST)],
        description=_l("For example north gate. It stands on the sheet."),
    )
