"""Keeping a search, and saying how often to be told."""

from collections.abc import Sequence

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice

from marketplace.forms.base import PostedForm
from marketplace.forms.fields import LineField
from marketplace.labels import LABELS
from marketplace.types import AlertFrequency

MATCHES = "matches_"


def _choices() -> list[SelectChoice]:
    return [SelectChoice(member.value, _l(LABELS[AlertFrequency][member])) for member in AlertFrequency]


class SavedSearchForm(PostedForm):
    name = LineField(_l("Name"))
    frequency = wtforms.RadioField(
        _l("Mail of what is new"),
        choices=_choices(),
        invalid_choice_message=_l("Choose how often."),
    )

    @property
    def chosen(self) -> AlertFrequency:
        return AlertFrequency(self.frequency.data)


class NewSavedSearchForm(SavedSearchForm):
    query = wtforms.HiddenField()


class PacesForm(PostedForm):
    """`made_for` adds a field for each organisation."""

    of_new_searches = wtforms.SelectField(
        _l("Searches that you keep from now on"), choices=_choices(), invalid_choice_message=_l("Choose how often.")
    )

    @classmethod
    def made_for(cls, organisations: Sequence[tuple[int, str]]) -> type["PacesForm"]:
        fields = {
            f"{MATCHES}{organisation_id}": wtforms.SelectField(
                name, choices=_choices(), invalid_choice_message=_l("Choose how often.")
            )
            for organisation_id, name in organisations
        }
        return type("PacesFormOfPerson", (cls,), fields)

    @property
    def of_matches(self) -> dict[int, AlertFrequency]:
        return {
            int(field.short_name.removeprefix(MATCHES)): AlertFrequency(field.data)
            for field in self
            if field.short_name.startswith(MATCHES)
        }
