"""The forms of a deal: shape only; what may be asked, offered and agreed is decided by the services."""

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, SelectField
from wtforms.fields import SelectChoice

from geo.units import EnteredUnit
from marketplace.forms.base import PostedForm
from marketplace.forms.fields import DateField, DecimalField, LineField, Required, TextAreaField
from marketplace.forms.places import forgive
from marketplace.labels import LABELS
from marketplace.types import Haulage, Loading, PriceKind

ANSWER_DAYS = {"3": _l("3 days"), "7": _l("a week"), "14": _l("two weeks"), "30": _l("a month")}
USUAL_ANSWER_DAYS = "14"
DIRECT = ""
"""The way that goes by no hub."""


def _choices(members: type[StrEnum]) -> list[SelectChoice]:
    return [SelectChoice(member.value, _l(text)) for member, text in LABELS[members].items()]


def _choice_of(label: Any, members: type[StrEnum], message: Any, **kwargs: Any) -> RadioField:
    return RadioField(label, [Required(message)], choices=_choices(members), invalid_choice_message=message, **kwargs)


class TermsForm(PostedForm):
    """What one side offers the other."""

    entered_value = DecimalField(_l("Quantity"), [Required(_l("Enter how much."))])
    entered_unit = _choice_of(
        _l("Unit"), EnteredUnit, _l("Choose tonnes or one of the kinds of cubic metres."), default=EnteredUnit.TONNE
    )
    density_t_m3 = DecimalField(_l("Density"), has_groups=False)
    starts_on = DateField(_l("First day"), [Required(_l("Enter the first day."))])
    ends_on = DateField(_l("Last day"), [Required(_l("Enter the last day."))])
    price_kind = _choice_of(_l("Price"), PriceKind, _l("Choose who pays."), default=PriceKind.FREE)
    price_nok_per_t = DecimalField(_l("Price per tonne"))
    loading = _choice_of(_l("Loading"), Loading, _l("Choose who loads."), default=Loading.GIVER)
    haulage = _choice_of(_l("Haulage"), Haulage, _l("Choose who drives."), default=Haulage.BY_AGREEMENT)
    haulier = LineField(_l("Haulier"))
    access = TextAreaField(_l("Access"))
    opening_hours = LineField(_l("Opening hours"))
    note = TextAreaField(_l("Other terms"))
    expires_in_days = SelectField(
        _l("Answer within"), choices=list(ANSWER_DAYS.items()), default=USUAL_ANSWER_DAYS, validate_choice=True
    )
    message = TextAreaField(_l("Message"))

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        if self.entered_unit.data == EnteredUnit.TONNE:
            _leave_out(self.density_t_m3)
        if self.price_kind.data == PriceKind.FREE:
            _leave_out(self.price_nok_per_t)
        return not self.errors


class RequestForm(TermsForm):
    """A first request or offer: `own` is what of one's own the masses go to, or come from.

    By way of a hub (`hub_id`), the onward terms are those from the hub to the taker; what is not asked of them is as in
    the first leg.
    """

    own = SelectField(_l("Your own"), choices=[], validate_choice=True)
    hub_id = RadioField(_l("The way"), choices=[], default=DIRECT)
    onward_starts_on = DateField(_l("First day out of the hub"))
    onward_ends_on = DateField(_l("Last day out of the hub"))
    onward_price_kind = RadioField(_l("Price out of the hub"), choices=_choices(PriceKind), default=PriceKind.FREE)
    onward_price_nok_per_t = DecimalField(_l("Price per tonne out of the hub"))
    onward_haulage = RadioField(_l("Haulage out of the hub"), choices=_choices(Haulage), default=Haulage.BY_AGREEMENT)

    @property
    def is_chain(self) -> bool:
        return bool(self.hub_id.data)

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        onward = (
            self.onward_starts_on,
            self.onward_ends_on,
            self.onward_price_kind,
            self.onward_price_nok_per_t,
            self.onward_haulage,
        )
        if not self.is_chain:
            for field in onward:
                _leave_out(field)
        elif self.onward_price_kind.data == PriceKind.FREE:
            _leave_out(self.onward_price_nok_per_t)
        return not self.errors


class CounterForm(TermsForm):
    """Other terms than those on the table; `seen_offer` is the number of the offer that it answers."""

    seen_offer = HiddenField()


class AnswerForm(PostedForm):
    """Accepting, declining or withdrawing the offer with the number `offer`: one that has been changed since is not."""

    offer = HiddenField()
    reason = TextAreaField(_l("Reason"))


class CancelForm(PostedForm):
    reason = TextAreaField(_l("Reason"), [Required(_l("Say why the deal is cancelled."))])


def _leave_out(field: Any) -> None:
    field.data = None
    forgive(field)
