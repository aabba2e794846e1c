"""Languages: Norwegian bokmål first, English beside it.

Message ids are English. `N_` marks a sentence that is stored or raised now and translated where it is shown; layers
that must not know Flask take it from `marketplace.i18n_marker`.
"""

from datetime import date
from decimal import Decimal

from flask import Flask, has_request_context, request, session
from flask_babel import Babel, format_date, format_decimal, get_locale, gettext
from flask_login import current_user

from marketplace.i18n_marker import N_

__all__ = ["DEFAULT_LOCALE", "LOCALES", "N_", "babel", "init_app", "select_locale", "translate"]

LOCALES = {"nb": "Norsk (bokmål)", "en": "English"}
DEFAULT_LOCALE = "nb"

SHORTEST_GROUPED = 10_000
DECIMALS_OF_A_DEGREE = "#,##0.#####"

babel = Babel()


def select_locale() -> str:
    """The visitor's own choice, else the account's language, else bokmål.

    The browser's Accept-Language is left out on purpose: many Norwegian phones and office machines ask for English.
    """
    if not has_request_context():
        return DEFAULT_LOCALE
    chosen = session.get("locale") or getattr(current_user, "locale", None)
    return chosen if chosen in LOCALES else DEFAULT_LOCALE


def translate(message: str, params: dict[str, object]) -> str:
    """Translate a message that was marked with `N_`, with its named parameters; numbers in the language's own way."""
    return gettext(message, **{name: _written(value) for name, value in params.items()})


def _written(value: object) -> object:
    """Numbers and days as people write them; whole ones below ten thousand stay, for among them are years."""
    if isinstance(value, date):
        return format_date(value, "long")
    if isinstance(value, int) and value < SHORTEST_GROUPED:
        return value
    return format_decimal(value, DECIMALS_OF_A_DEGREE) if isinstance(value, Decimal | float | int) else value


def init_app(app: Flask) -> None:
    babel.init_app(
        app,
        default_locale=DEFAULT_LOCALE,
        default_timezone="Europe/Oslo",
        locale_selector=select_locale,
    )

    @app.context_processor
    def locale_globals() -> dict[str, object]:
        locale = str(get_locale() or DEFAULT_LOCALE)
        return {"locale": locale, "locales": LOCALES, "here": request.full_path.rstrip("?") if request else "/"}
