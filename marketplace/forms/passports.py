"""Who may open a lot's passport."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField
from wtforms.fields import SelectChoice

from marketplace.forms.base import PostedForm
from marketplace.forms.fields import Required
from marketplace.types import PassportAudience

CHOOSE = _l("Choose who may open the passport.")


class PassportForm(PostedForm):
    audience = RadioField(
        _l("Who may open the passport"),
        [Required(CHOOSE)],
        choices=[
            SelectChoice(PassportAudience.LINK.value, _l("Whoever has the link")),
            SelectChoice(PassportAudience.PUBLIC.value, _l("Everybody")),
        ],
        invalid_choice_message=CHOOSE,
    )
