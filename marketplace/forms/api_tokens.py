"""Making a token for another system."""

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice

from marketplace.forms.base import PostedForm
from marketplace.forms.fields import Required


class TokenForm(PostedForm):
    name = wtforms.StringField(
        _l("What is it for?"),
        [Required(_l("Say which system will use it.")), wtforms.validators.Length(max=200)],
        description=_l("For example the name of the weighbridge's system."),
    )
    days = wtforms.SelectField(
        _l("How long it works"),
        coerce=int,
        choices=[
            SelectChoice(90, _l("90 days")),
            SelectChoice(365, _l("One year")),
            SelectChoice(730, _l("Two years")),
        ],
        default=365,
        invalid_value_message=_l("Choose one of these."),
        invalid_choice_message=_l("Choose one of these."),
    )
