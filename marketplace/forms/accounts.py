"""Signing up, logging in, passwords and the account page."""

import re
from typing import Any

import wtforms
from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _l
from wtforms.fields import SelectChoice
from wtforms.validators import Length, StopValidation

from marketplace.forms.base import PostedForm
from marketplace.forms.fields import LineField, Required
from marketplace.i18n import LOCALES
from marketplace.services.passwords import LONGEST, SHORTEST
from marketplace.text import clean_line

LONGEST_NAME = 100
LONGEST_ADDRESS = 254


class EmailAddress:
    """Keeps an address as mail servers write it, and refuses what is none (`strict`), or leaves it as it was typed."""

    def __init__(self, *, strict: bool = True) -> None:
        self.strict = strict

    def __call__(self, _form: wtforms.Form, field: wtforms.Field) -> None:
        typed = (field.data or "")[: LONGEST_ADDRESS + 1]
        try:
            checked = validate_email(typed, check_deliverability=False, allow_smtputf8=False, strict=True)
        except EmailNotValidError:
            if self.strict:
                raise StopValidation(str(_l("Enter an e-mail address, for example kari@firma.no."))) from None
            return
        field.data = checked.ascii_email or checked.normalized


class NoAddress:
    """Refuses names that carry an address to click on into somebody's mail.

    Mail programs make links of bare domains, too. Some organisations are named after theirs; no person is.
    """

    LINK = re.compile(r"://|www\.|@|\.\w{2,}/", re.IGNORECASE)
    DOMAIN = re.compile(r"\w{2,}\.[^\W\d]{2,}")

    def __init__(self, *, allow_domain: bool = False) -> None:
        self.patterns = (self.LINK,) if allow_domain else (self.LINK, self.DOMAIN)

    def __call__(self, _form: wtforms.Form, field: wtforms.Field) -> None:
        if any(pattern.search(field.data or "") for pattern in self.patterns):
            raise StopValidation(str(_l("A name holds no web address.")))


class EmailField(wtforms.EmailField):
    """An address on one line; shown again as it was typed where it is refused."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = clean_line(valuelist[0]) if valuelist else ""


def email_field(label: Any = None) -> EmailField:
    return EmailField(label or _l("E-mail address"), [Required(_l("Enter your e-mail address.")), EmailAddress()])


def name_field(label: Any = None) -> LineField:
    return LineField(
        label or _l("Name"),
        [
            Required(_l("Enter your name.")),
            Length(max=LONGEST_NAME, message=_l("Use at most %(max)d characters.")),
            NoAddress(),
        ],
    )


def new_password_field(label: Any = None) -> wtforms.PasswordField:
    """Here only how long it is; whether it is too easily guessed is for the service to say."""
    return wtforms.PasswordField(
        label or _l("Password"),
        [
            Required(_l("Choose a password.")),
            Length(min=SHORTEST, message=_l("Use at least %(min)d characters.")),
            Length(max=LONGEST, message=_l("Use at most %(max)d characters.")),
        ],
        description=_l("At least %(minimum)s characters. Three or four words work well.", minimum=SHORTEST),
        render_kw={"autocomplete": "new-password"},
    )


def present_password_field(label: Any = None) -> wtforms.PasswordField:
    return wtforms.PasswordField(
        label or _l("Password"),
        [Required(_l("Enter your password."))],
        render_kw={"autocomplete": "current-password"},
    )


class SignUpForm(PostedForm):
    name = name_field()
    email = email_field()
    password = new_password_field()


class InvitedSignUpForm(PostedForm):
    name = name_field()
    password = new_password_field()


class EmailForm(PostedForm):
    """Only an address: for a new confirmation link, and for a forgotten password."""

    email = email_field()


class ConfirmForm(PostedForm):
    """The password is asked for only where the link is opened in another browser than the one that signed up."""

    password = wtforms.PasswordField(_l("The password you chose"), render_kw={"autocomplete": "current-password"})


class LogInForm(PostedForm):
    email = LineField(
        _l("E-mail address"),
        [Required(_l("Enter your e-mail address.")), EmailAddress(strict=False)],
        render_kw={"type": "email", "autocomplete": "username"},
    )
    password = present_password_field()
    remember = wtforms.BooleanField(_l("Stay logged in on this device"))


class ResetForm(PostedForm):
    password = new_password_field(_l("New password"))


class ChangePasswordForm(PostedForm):
    current = present_password_field(_l("Present password"))
    new = new_password_field(_l("New password"))


class ProfileForm(PostedForm):
    name = name_field()
    locale = wtforms.RadioField(
        _l("Language"),
        choices=[SelectChoice(*locale) for locale in LOCALES.items()],
        invalid_choice_message=_l("Choose one of the languages."),
    )


class EmptyForm(PostedForm):
    """A button: nothing but the token that says it was pressed here."""
