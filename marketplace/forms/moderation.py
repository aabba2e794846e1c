"""Reporting, moderating, answering moderators, and asking to be verified."""

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice
from wtforms.validators import Length, Optional, StopValidation

from marketplace.forms.accounts import EmailAddress, EmailField
from marketplace.forms.base import PostedForm
from marketplace.forms.documents import FILES
from marketplace.forms.fields import Required, TextAreaField
from marketplace.labels import LABELS
from marketplace.text import is_blank
from marketplace.types import ReportReason

LONGEST_TEXT = 2_000


def text_field(label: object, *, missing: object = None) -> TextAreaField:
    """A text that must say something where `missing` is said of an empty one."""
    length = Length(max=LONGEST_TEXT, message=_l("Use at most %(max)d characters."))
    return TextAreaField(label, [Required(missing), length] if missing else [length])


class ReportForm(PostedForm):
    """`email` only for who is not logged in."""

    reason = wtforms.RadioField(
        _l("What is wrong?"),
        [Required(_l("Choose what is wrong."))],
        choices=[SelectChoice(reason.value, _l(LABELS[ReportReason][reason])) for reason in ReportReason],
        invalid_choice_message=_l("Choose what is wrong."),
    )
    text = TextAreaField(
        _l("What did you see?"),
        [Length(max=LONGEST_TEXT, message=_l("Use at most %(max)d characters."))],
        description=_l("Required where you chose “Something else”."),
    )
    email = EmailField(
        _l("Your e-mail address"),
        [Optional(), EmailAddress()],
        description=_l("If you want to hear what comes of it. It is used for nothing else."),
    )

    def validate_text(self, field: wtforms.Field) -> None:
        if self.reason.data == ReportReason.OTHER and is_blank(field.data or ""):
            raise StopValidation(str(_l("Say what is wrong.")))


class HideForm(PostedForm):
    reason = text_field(_l("Why it is hidden"), missing=_l("Say why. The owner reads this."))


class AnswerForm(PostedForm):
    """A word to whom it befalls, or none."""

    answer = text_field(_l("What you want to say to the owner"))


class RefuseForm(PostedForm):
    answer = text_field(_l("Why it stays so"), missing=_l("Say why. The owner reads this."))


class BanForm(PostedForm):
    reason = text_field(_l("Why"), missing=_l("Say why. Who is banned reads this."))


class VerifyForm(PostedForm):
    note = text_field(_l("What shows it"), missing=_l("Say what shows it, for whoever asks later."))


class RefuseVerificationForm(PostedForm):
    answer = text_field(_l("What is missing"), missing=_l("Say what is missing. The owner reads this."))


class WithdrawForm(PostedForm):
    reason = text_field(_l("Why it is withdrawn"), missing=_l("Say why. The owner reads this."))


class AppealForm(PostedForm):
    text = text_field(_l("Your answer"), missing=_l("Write your answer."))


class VerificationForm(PostedForm):
    """`upload_id` is the sender's name for the file, so that one sent twice counts once."""

    upload_id = wtforms.HiddenField()
    text = text_field(
        _l("Who you are, and what shows it"), missing=_l("Say who you are in the organisation, and what shows it.")
    )
    file = wtforms.FileField(
        _l("A document that shows it"),
        description=_l("A power of attorney, for example. PDF, XLSX, DOCX, CSV or a picture, at most 25 MB."),
        render_kw={"accept": FILES},
    )
