"""Sentences that are kept as text, in the language of whom they are written for.

What pages show is translated each time; a sentence that becomes a person's own to edit, such as the description of a
listing, is translated once. Works without a request.
"""

from decimal import Decimal
from functools import cache
from pathlib import Path

from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

TRANSLATIONS = Path(__file__).parent / "translations"
BABEL_LOCALES = {"nb": "nb", "en": "en_GB"}


def in_language(locale: str, message: str, **params: object) -> str:
    """The message in a language, with its parameters; numbers in the language's own way."""
    translated = _catalogue(locale).gettext(message)
    return translated % {name: _written(value, locale) for name, value in params.items()}


@cache
def _catalogue(locale: str) -> NullTranslations:
    return Translations.load(TRANSLATIONS, [locale])


def _written(value: object, locale: str) -> object:
    if isinstance(value, Decimal):
        return format_decimal(value, locale=BABEL_LOCALES.get(locale, locale))
    return value
