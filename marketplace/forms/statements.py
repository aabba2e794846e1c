"""Drawing up a deal's statement, signing it and sending it back."""

import wtforms
from flask_babel import lazy_gettext as _l

from marketplace.forms.base import PostedForm
from marketplace.forms.fields import TextAreaField


def id_or_zero(value: object) -> int:
    """The id that was sent; zero, which nothing has, for what is none."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


class DrawUpForm(PostedForm):
    deviation = TextAreaField(_l("Why it is not what was agreed"), id="statement-deviation")


class SignForm(PostedForm):
    """`statement_id` is the one that was read."""

    statement_id = wtforms.HiddenField(id="sign-statement-id", filters=[id_or_zero])


class SendBackForm(PostedForm):
    statement_id = wtforms.HiddenField(id="send-back-statement-id", filters=[id_or_zero])
    reason = TextAreaField(_l("What is wrong with it"), id="statement-reason")
