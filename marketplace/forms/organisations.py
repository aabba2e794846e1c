"""Organisations, their members and invitations."""

from enum import StrEnum

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice
from wtforms.validators import Length

from marketplace.forms.accounts import NoAddress, email_field
from marketplace.forms.base import PostedForm
from marketplace.forms.fields import LineField, Required
from marketplace.labels import LABELS
from marketplace.types import OrganisationKind, Role

LONGEST_NAME = 200


def _choices(members: type[StrEnum]) -> list[SelectChoice]:
    return [SelectChoice(member.value, _l(LABELS[members][member])) for member in members]


def _name_field() -> LineField:
    return LineField(
        _l("Name"),
        [Length(max=LONGEST_NAME, message=_l("Use at most %(max)d characters.")), NoAddress(allow_domain=True)],
    )


def _kind_field() -> wtforms.RadioField:
    return wtforms.RadioField(
        _l("What the organisation does here"),
        [Required(_l("Choose what fits best."))],
        choices=_choices(OrganisationKind),
        invalid_choice_message=_l("Choose what fits best."),
    )


class RegisterOrganisationForm(PostedForm):
    org_number = LineField(
        _l("Organisation number"),
        [
            Required(_l("Enter the organisation number.")),
            Length(max=40, message=_l("An organisation number has nine digits.")),
        ],
    )
    name = _name_field()
    kind = _kind_field()


class EditOrganisationForm(PostedForm):
    name = _name_field()
    kind = _kind_field()


class InviteForm(PostedForm):
    email = email_field()
    role = wtforms.RadioField(
        _l("Role"),
        choices=_choices(Role),
        default=Role.EDITOR.value,
        invalid_choice_message=_l("Choose one of the roles."),
    )


class RoleForm(PostedForm):
    role = wtforms.SelectField(_l("Role"), choices=_choices(Role))
