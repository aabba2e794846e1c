"""What people write to each other: in a deal, and in an enquiry. How much is allowed is for the services to say."""

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice
from wtforms.validators import Length

from marketplace.forms.accounts import LONGEST_NAME, NoAddress, email_field, name_field
from marketplace.forms.base import PostedForm
from marketplace.forms.fields import LineField, Required, TextAreaField
from marketplace.labels import LABELS
from marketplace.types import NoticePace


class MessageForm(PostedForm):
    body = TextAreaField(_l("Message"), [Required(_l("Write something first."))])


class AnswerForm(MessageForm):
    body = TextAreaField(_l("Answer"), [Required(_l("Write something first."))])


class QuestionForm(PostedForm):
    """The question of somebody who is logged in."""

    body = TextAreaField(_l("Your question"), [Required(_l("Write something first."))])


class VisitorsQuestionForm(QuestionForm):
    """Whoever fills in `website`, which nobody sees, is a machine."""

    name = name_field(_l("Your name"))
    firm = LineField(
        _l("Whom you write for"),
        [Length(max=LONGEST_NAME, message=_l("Use at most %(max)d characters.")), NoAddress(allow_domain=True)],
    )
    email = email_field(_l("Your e-mail address"))
    website = wtforms.StringField(_l("Leave this empty"))


class PaceForm(PostedForm):
    pace = wtforms.RadioField(
        _l("Mail about your deals and enquiries"),
        choices=[SelectChoice(pace.value, _l(text)) for pace, text in LABELS[NoticePace].items()],
        invalid_choice_message=_l("Choose one of these."),
        validate_choice=True,
    )
