"""Mails as text, in the recipient's language, with links that work outside the program.

A mail is `templates/email/<template>.txt`: the first line is "Subject: ...", then a blank line, then the body. It sees
the mail's own context, `link("/path", key=value)` for an absolute address, the sentences of `words_of` on what
befalls deals, and the filters `date_` and `number`.
"""

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_date
from babel.numbers import format_decimal
from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from marketplace.config import ROOT, Settings
from marketplace.deal_event_words import words_of
from marketplace.models import OutboxMail
from marketplace.services.mail import RenderedMail

TEMPLATES = ROOT / "templates" / "email"
TRANSLATIONS = ROOT / "marketplace" / "translations"
SUBJECT = "Subject: "
BABEL_LOCALES = {"nb": "nb", "en": "en_GB"}


class MailRenderer:
    """Turns a kept mail into its subject and body."""

    def __init__(self, settings: Settings) -> None:
        self._base_url = settings.base_url
        self._environments: dict[str, Environment] = {}

    def __call__(self, mail: OutboxMail) -> RenderedMail:
        environment = self._environment(mail.locale)
        template = environment.get_template(f"{mail.template}.txt")
        text = template.render({name: _on_one_line(value) for name, value in mail.context.items()})
        first, _, body = text.partition("\n")
        if not first.startswith(SUBJECT):
            raise ValueError(f"the first line of {mail.template}.txt is not its subject")
        return RenderedMail(
            subject=first.removeprefix(SUBJECT).strip(),
            body_text=body.strip() + "\n",
            unsubscribe_url=self._link(mail.unsubscribe_path) if mail.unsubscribe_path else "",
        )

    def _environment(self, locale: str) -> Environment:
        if locale not in self._environments:
            self._environments[locale] = self._make_environment(locale)
        return self._environments[locale]

    def _make_environment(self, locale: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=False,  # noqa: S701 - the mails are plain text
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        catalogue = Translations.load(TRANSLATIONS, [locale])
        environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]  # of the extension
        babel_locale = BABEL_LOCALES.get(locale, locale)
        environment.globals["link"] = self._link
        environment.globals["words_of"] = words_of
        environment.filters["date_"] = lambda iso: format_date(date.fromisoformat(iso), "long", locale=babel_locale)
        environment.filters["number"] = lambda value: format_decimal(Decimal(str(value)), locale=babel_locale)
        return environment

    def _link(self, path: str, **query: str | int) -> str:
        return f"{self._base_url}{path}{'?' + urlencode(query) if query else ''}"


def _on_one_line(value: Any) -> Any:
    """What people typed never begins a line of its own, so that it cannot pose as a header or a paragraph of ours."""
    match value:
        case str():
            return " ".join(value.split())
        case list():
            return [{name: _on_one_line(each) for name, each in row.items()} for row in value]
        case _:
            return value
