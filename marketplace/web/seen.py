"""The moment at which a page was shown, which a form sends back to say that all that stood on it was seen.

Reading a page writes nothing; saying that it was read does. With JavaScript the form sends itself.
"""

from datetime import UTC, datetime, timedelta

from flask import request

FIELD = "seen"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST = 17


def stamp(now: datetime) -> str:
    """Microseconds since 1970."""
    return str((now - EPOCH) // timedelta(microseconds=1))


def seen_at() -> datetime | None:
    """What the form says; None where it says nothing that can be read."""
    text = request.form.get(FIELD, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST):
        return None
    return EPOCH + timedelta(microseconds=int(text))
