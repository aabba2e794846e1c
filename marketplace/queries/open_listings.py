"""Which listings others may find."""

from datetime import date

from sqlalchemy import ColumnElement, and_, literal_column

from marketplace.models import Listing

# A literal, not a bound value: only so does every plan see that the partial indexes serve.
PUBLISHED = Listing.status == literal_column("'published'")


def is_open(today: date) -> ColumnElement[bool]:
    """Published, and not over yet."""
    return and_(PUBLISHED, Listing.available_to >= today)
