"""The facility form, and the one number that is told at the gate: shape only, what may be said is the service's."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, RadioField, SelectField, SelectMultipleField
from wtforms.fields import SelectChoice

from geo.geometry import Position
from geo.materials import taxonomy
from marketplace.actor import ActorMembership
from marketplace.forms.base import PostedForm
from marketplace.forms.fields import DateField, DecimalField, LineField, PinField, Required, TextAreaField
from marketplace.forms.places import TypedPlace, forgive, position_from
from marketplace.labels import LABELS, material_name
from marketplace.types import FacilityKind

CLASSES = (
    (1, _l("Class 1 only: clean masses")),
    (2, _l("Up to class 2")),
    (3, _l("Up to class 3")),
    (4, _l("Up to class 4")),
    (5, _l("Up to class 5")),
)
"""Of the soil table."""


class FacilityForm(TypedPlace):
    organisation_id = SelectField(
        _l("Organisation"),
        coerce=int,
        invalid_value_message=_l("Choose one of your own organisations."),
        invalid_choice_message=_l("Choose one of your own organisations."),
    )
    name = LineField(_l("Name"), [Required(_l("Enter the facility's name."))])
    kind = RadioField(
        _l("Kind"),
        [Required(_l("Choose the kind of facility."))],
        choices=[SelectChoice(kind.value, _l(text)) for kind, text in LABELS[FacilityKind].items()],
        invalid_choice_message=_l("Choose the kind of facility."),
    )
    position = PinField(_l("Where the gate is"))
    accepts = SelectMultipleField(
        _l("What it takes in"),
        choices=lambda: [SelectChoice(key, material_name(key)) for key in taxonomy().materials],
        invalid_choice_message=_l("Choose materials from the list."),
    )
    accepts_class_max = SelectField(
        _l("Highest class"),
        coerce=int,
        choices=[SelectChoice(str(number), text) for number, text in CLASSES],
        invalid_value_message=_l("Choose a class from the list."),
        invalid_choice_message=_l("Choose a class from the list."),
    )
    accepts_declared = BooleanField(_l("Also takes masses that are declared clean and not tested"))
    capacity_t = DecimalField(_l("Capacity altogether"))
    capacity_left_t = DecimalField(_l("Free now"))
    reception_price_nok_per_t = DecimalField(_l("Price to deliver"))
    opens_on = DateField(_l("First day"))
    closes_on = DateField(_l("Last day"))
    opening_hours = LineField(_l("Opening hours"))
    permit_reference = LineField(_l("Permit"))
    permit_ends_on = DateField(_l("The permit's last day"))
    note = TextAreaField(_l("Note"))
    version = HiddenField()

    def offer(self, memberships: tuple[ActorMembership, ...]) -> None:
        """The organisations a facility can be registered for; one that nobody answers for is offered none."""
        self.organisation_id.choices = [
            SelectChoice(str(each.organisation_id), each.organisation_name) for each in memberships
        ]
        if not memberships:
            del self.organisation_id

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        self.read_typed()
        if self.was_typed:
            forgive(self.position)
        return not self.errors

    @property
    def chosen_position(self) -> Position | None:
        return position_from(self, self.position)


class CapacityForm(PostedForm):
    """What is free now."""

    capacity_left_t = DecimalField(_l("Free now"), [Required(_l("Enter how many tonnes are free now."))])
