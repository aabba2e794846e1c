"""Handing in a file of many rows. The file itself is read by the view, from what was sent as files."""

from typing import Any

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice

from marketplace.actor import ActorMembership
from marketplace.forms.base import PostedForm
from marketplace.forms.fields import Required
from marketplace.queries.projects import ProjectOption
from marketplace.types import ImportKind

FILES = ".xlsx,.csv,.tsv,.txt,text/csv,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _id_or_none(value: Any) -> int | None:
    return int(value) if value not in (None, "") else None


class ImportForm(PostedForm):
    kind = wtforms.RadioField(
        _l("What is in the file?"),
        [Required(_l("Choose listings or a plan."))],
        choices=[
            SelectChoice(ImportKind.LISTINGS.value, _l("Listings")),
            SelectChoice(ImportKind.PLAN.value, _l("A project's mass plan")),
        ],
        invalid_choice_message=_l("Choose listings or a plan."),
    )
    organisation_id = wtforms.SelectField(
        _l("Organisation"),
        coerce=int,
        invalid_value_message=_l("Choose one of your own organisations."),
        invalid_choice_message=_l("Choose one of your own organisations."),
    )
    project_id = wtforms.SelectField(
        _l("Project"),
        coerce=_id_or_none,
        invalid_value_message=_l("Choose one of your own projects."),
        invalid_choice_message=_l("Choose one of your own projects."),
    )
    file = wtforms.FileField(
        _l("File"), description=_l("XLSX or CSV, at most 20 MB and 100 000 rows."), render_kw={"accept": FILES}
    )
    text = wtforms.TextAreaField(
        _l("Or paste cells from a spreadsheet"),
        description=_l("With the row of headings on top."),
        render_kw={"spellcheck": "false", "autocomplete": "off"},
    )

    def offer(self, projects: tuple[ProjectOption, ...], memberships: tuple[ActorMembership, ...]) -> None:
        """The organisations a file can be sent for, and the projects a plan can be."""
        several = len(memberships) > 1
        self.organisation_id.choices = [
            SelectChoice(str(each.organisation_id), each.organisation_name) for each in memberships
        ]
        self.project_id.choices = [
            SelectChoice("", _l("No project")),
            *(
                SelectChoice(str(each.id), each.name, optgroup=each.organisation_name if several else None)
                for each in projects
            ),
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        super().validate(extra_validators)
        if self.is_plan:
            self.organisation_id.errors = []  # it is the project's
            if self.project_id.data is None and not self.project_id.errors:
                self.project_id.errors = [_l("Choose the project that the plan is for.")]
        return not self.errors

    @property
    def is_plan(self) -> bool:
        return bool(self.kind.data == ImportKind.PLAN)
