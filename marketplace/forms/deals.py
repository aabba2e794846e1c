"""The forms of a deal: shape only; what may be asked, offered and agreed is decided by the services."""

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, RadioField, SelectField
from wtforms.fields import SelectChoice

from geo.units import EnteredUnit
from marketplace.forms.base import PostedForm
from marketplace.forms.fields import DateField, DecimalField, LineField, Required, TextAreaField
from marketplace.forms.places import forgive
from marketplace.labels import LABELS
from marketplace.types import Haulage, Loading, PriceKind

ANSWER_DAYS = {"3": _l("3 days"), "7": _l("a week"), "14": _l("two weeks"), "30": _l("a month")}
USUAL_ANSWER_DAYS = "14"
SECOND_LEG = (
    "second_entered_value",
    "second_starts_on",
    "second_ends_on",
    "second_price_kind",
    "second_price_nok_per_t",
    "second_haulage",
)
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
        _l("Answer within"),
        choices=[SelectChoice(days, text) for days, text in ANSWER_DAYS.items()],
        default=USUAL_ANSWER_DAYS,
    )
    message = TextAreaField(_l("Message"))

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        if self.entered_unit.data == EnteredUnit.TONNE:
            _leave_out(self.density_t_m3)
        if self.price_kind.data == PriceKind.FREE:
            _leave_out(self.price_nok_per_t)
        return not self.errors


class FirstForm(TermsForm):
    """The first terms of a deal, directly or by way of a hub (`hub_listing_id`).

    The terms of the second leg are those from the hub to the taker; what is not asked of them is as in the first.
    """

    hub_listing_id = RadioField(
        _l("The way"), choices=[], default=DIRECT, invalid_choice_message=_l("Choose one of these.")
    )
    second_entered_value = DecimalField(_l("Tonnes out of the hub"))
    second_starts_on = DateField(_l("First day out of the hub"))
    second_ends_on = DateField(_l("Last day out of the hub"))
    second_price_kind = RadioField(
        _l("Price out of the hub"),
        choices=_choices(PriceKind),
        default=PriceKind.FREE,
        invalid_choice_message=_l("Choose who pays."),
    )
    second_price_nok_per_t = DecimalField(_l("Price per tonne out of the hub"))
    second_haulage = RadioField(
        _l("Haulage out of the hub"),
        choices=_choices(Haulage),
        default=Haulage.BY_AGREEMENT,
        invalid_choice_message=_l("Choose who drives."),
    )

    @property
    def is_chain(self) -> bool:
        return bool(self.hub_listing_id.data)

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        if not self.is_chain:
            for name in SECOND_LEG:
                _leave_out(self[name])
        else:
            for field, missing in (
                (self.second_entered_value, _l("Enter how much.")),
                (self.second_starts_on, _l("Enter the first day.")),
                (self.second_ends_on, _l("Enter the last day.")),
            ):
                if field.data is None and not field.errors:
                    field.errors = [str(missing)]
            if self.second_price_kind.data == PriceKind.FREE:
                _leave_out(self.second_price_nok_per_t)
        return not self.errors


class RequestForm(FirstForm):
    """Asking for a surplus; `taking` is what of one's own the masses are for, such as `listing:12`."""

    taking = SelectField(
        _l("What you take them for"),
        choices=[],
        invalid_choice_message=_l("Choose one of your own listings, projects or facilities."),
    )


class OfferForm(FirstForm):
    """Offering an own surplus to whoever needs it or takes it in."""

    surplus_id = SelectField(
        _l("Your surplus"), choices=[], invalid_choice_message=_l("Choose one of your own surpluses.")
    )


class SendOnForm(TermsForm):
    """Offering what comes in at a hub to a need that others have posted."""

    taking = SelectField(_l("Who gets it"), choices=[], invalid_choice_message=_l("Choose one of these needs."))


class AnswerForm(PostedForm):
    """Accepting, declining or withdrawing an offer; one that has taken its place since is not."""

    offer_id = IntegerField()
    reason = TextAreaField(_l("Reason"))


class CancelForm(PostedForm):
    reason = TextAreaField(_l("Reason"), [Required(_l("Say why the deal is cancelled."))])


def _leave_out(field: Any) -> None:
    field.data = None
    forgive(field)
