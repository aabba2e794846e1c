"""The project form: shape only, what may be said is decided by the service."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, SelectField
from wtforms.fields import SelectChoice

from geo.geometry import Site
from marketplace.actor import ActorMembership
from marketplace.forms.fields import DateField, LineField, Required, SiteField, TextAreaField
from marketplace.forms.places import TypedPlace, forgive, site_from
from marketplace.labels import LABELS
from marketplace.types import ProjectKind


class ProjectForm(TypedPlace):
    organisation_id = SelectField(
        _l("Organisation"),
        coerce=int,
        invalid_value_message=_l("Choose one of your own organisations."),
        invalid_choice_message=_l("Choose one of your own organisations."),
    )
    name = LineField(_l("Name"), [Required(_l("Enter the project's name."))])
    builder = LineField(
        _l("Builder"), [Required(_l("Enter who builds."))], description=_l("Whom the project is built for.")
    )
    kind = RadioField(
        _l("Kind"),
        [Required(_l("Choose the kind of project."))],
        choices=[SelectChoice(kind.value, _l(text)) for kind, text in LABELS[ProjectKind].items()],
        invalid_choice_message=_l("Choose the kind of project."),
    )
    site = SiteField(_l("Where it is"))
    starts_on = DateField(_l("First day"), [Required(_l("Enter the first day."))])
    ends_on = DateField(_l("Last day"), [Required(_l("Enter the last day."))])
    description = TextAreaField(_l("Description"))
    version = HiddenField()

    def offer(self, memberships: tuple[ActorMembership, ...]) -> None:
        """The organisations a project can be posted for."""
        self.organisation_id.choices = [
            SelectChoice(str(each.organisation_id), each.organisation_name) for each in memberships
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        self.read_typed()
        if self.was_typed:
            forgive(self.site)
        elif self.site.data is None and not self.site.errors:
            self.site.errors = [_l("Mark on the map where the project is.")]
        return not self.errors

    @property
    def chosen_site(self) -> Site | None:
        return site_from(self, self.site)
