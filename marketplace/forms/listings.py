"""The listing form: shape only, what may be said is decided by the service.

What does not apply to the other answers (a density where tonnes were entered, a price where the mass is free) is left
out of account, whatever stands in it: without JavaScript, and in older browsers, the field is there all the same.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, HiddenField, RadioField, SelectField
from wtforms.fields import SelectChoice

from geo.geometry import Position
from geo.materials import taxonomy
from geo.units import EnteredUnit
from marketplace.actor import ActorMembership
from marketplace.forms.fields import (
    DateField,
    DecimalField,
    FractionField,
    PinField,
    Required,
    TextAreaField,
)
from marketplace.forms.places import TypedPlace, forgive, position_from
from marketplace.forms.proof import ProofFields
from marketplace.labels import LABELS, material_name
from marketplace.queries.baselines import BaselineFacility
from marketplace.queries.projects import ProjectOption
from marketplace.types import FacilityKind, Haulage, ListingKind, Loading, PriceKind

NO_PROJECT = ""
NO_FACILITY = ""


def _group_of(kind: FacilityKind) -> Any:
    """The heading that a list of facilities has for a kind; gettext_lazy, since forms are made once a language."""
    return _l(LABELS[FacilityKind][kind])


def _id_or_none(value: Any) -> int | None:
    return None if value in (None, NO_PROJECT) else int(value)


POSTED = (ListingKind.SURPLUS, ListingKind.DEMAND)
"""What a person posts; a reception is written from its facility."""


def _choice_of(
    label: Any, members: type, message: Any, *, among: tuple[StrEnum, ...] = (), **kwargs: Any
) -> RadioField:
    return RadioField(
        label,
        [Required(message)],
        choices=[
            SelectChoice(member.value, _l(text))
            for member, text in LABELS[members].items()
            if not among or member in among
        ],
        invalid_choice_message=message,
        **kwargs,
    )


class ListingForm(ProofFields, TypedPlace):
    kind = _choice_of(_l("What is it about?"), ListingKind, _l("Choose surplus or demand."), among=POSTED)
    project_id = SelectField(
        _l("Project"),
        coerce=_id_or_none,
        invalid_value_message=_l("Choose one of your own projects."),
        invalid_choice_message=_l("Choose one of your own projects."),
    )
    organisation_id = SelectField(
        _l("Organisation"),
        coerce=int,
        invalid_value_message=_l("Choose one of your own organisations."),
        invalid_choice_message=_l("Choose one of your own organisations."),
    )
    has_own_position = BooleanField(_l("The masses are somewhere else than the project's pin"))
    position = PinField(_l("Where the masses are"))
    hides_position = BooleanField(_l("Hide the exact position"))
    material_key = RadioField(
        _l("Material"),
        [Required(_l("Choose a material from the list."))],
        choices=lambda: [SelectChoice(key, material_name(key)) for key in taxonomy().materials],
        invalid_choice_message=_l("Choose a material from the list."),
    )
    entered_value = DecimalField(_l("Quantity"), [Required(_l("Enter how much there is."))])
    entered_unit = _choice_of(
        _l("Unit"), EnteredUnit, _l("Choose tonnes or one of the kinds of cubic metres."), default=EnteredUnit.TONNE
    )
    density_t_m3 = DecimalField(_l("Density"), has_groups=False)
    fraction = FractionField(_l("Grain fraction"))
    available_from = DateField(_l("First day"), [Required(_l("Enter the first day."))])
    available_to = DateField(_l("Last day"), [Required(_l("Enter the last day."))])
    price_kind = _choice_of(_l("Price"), PriceKind, _l("Choose who pays."), default=PriceKind.FREE)
    price_nok_per_t = DecimalField(_l("Price per tonne"))
    accepts_declared = BooleanField(_l("We also take masses that are declared clean, not tested"))
    min_lot_t = DecimalField(_l("Smallest lot"))
    tolerance_percent = DecimalField(_l("Tolerance of deliveries"))
    loading = _choice_of(_l("Loading"), Loading, _l("Choose who loads."), default=Loading.GIVER)
    haulage = _choice_of(_l("Haulage"), Haulage, _l("Choose who drives."), default=Haulage.BY_AGREEMENT)
    max_distance_km = DecimalField(_l("Farthest haul"))
    baseline_facility_id = SelectField(
        _l("Without a deal"),
        coerce=_id_or_none,
        invalid_value_message=_l("Choose a facility from the list."),
        invalid_choice_message=_l("Choose a facility from the list."),
    )
    description = TextAreaField(_l("Description"))
    version = HiddenField()

    def offer(
        self,
        projects: tuple[ProjectOption, ...],
        memberships: tuple[ActorMembership, ...],
        facilities: Sequence[BaselineFacility],
    ) -> None:
        """The projects and organisations a listing can be posted for, and what may become of it without a deal."""
        several = len(memberships) > 1
        self.project_id.choices = [
            *(
                SelectChoice(
                    str(project.id),
                    project.name,
                    render_kw={
                        "data_from": project.period[0].isoformat(),
                        "data_to": project.period[1].isoformat(),
                    },
                    optgroup=project.organisation_name if several else None,
                )
                for project in projects
            ),
            SelectChoice(NO_PROJECT, _l("No project: I place a pin myself")),
        ]
        self.baseline_facility_id.choices = [
            SelectChoice(NO_FACILITY, _l("Not said: the nearest is taken")),
            *(
                SelectChoice(str(each.id), f"{each.name}, {each.municipality_name}", optgroup=_group_of(each.kind))
                for each in facilities
            ),
        ]
        self.organisation_id.choices = [
            SelectChoice(str(each.organisation_id), each.organisation_name) for each in memberships
        ]

    @property
    def needs_pin(self) -> bool:
        return self.project_id.data is None or bool(self.has_own_position.data)

    @property
    def own_position(self) -> Position | None:
        return position_from(self, self.position) if self.needs_pin else None

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        for field in self._beside_the_point():
            field.data = None
            forgive(field)
        if self.needs_pin:
            self.read_typed()
            if self.was_typed:
                forgive(self.position)
        if self.wants_publishing:
            self.ask_for_proof()
        return not self.errors

    def _beside_the_point(self) -> Iterator[Field]:
        """The fields that do not count, given the other answers."""
        if self.entered_unit.data == EnteredUnit.TONNE:
            yield self.density_t_m3
        material = taxonomy().materials.get(self.material_key.data or "")
        if material is not None and not material.has_fraction:
            yield self.fraction
        if self.price_kind.data == PriceKind.FREE:
            yield self.price_nok_per_t
        if not self.needs_pin:
            yield self.position
        if self.project_id.data is not None:
            yield self.organisation_id
        if not self.is_surplus:
            yield from self.proof_fields()
