"""Which listings others may find."""

from datetime import date

from sqlalchemy import ColumnElement, Date, and_, bindparam, literal_column

from marketplace.models import Listing

# A literal, not a bound value: only so does every plan see that the partial indexes serve.
PUBLISHED = Listing.status == literal_column("'published'")

TODAY: ColumnElement[date] = bindparam("today", type_=Date())
"""For statements that are built once: the day is the parameter `today`."""


def is_open(today: date | ColumnElement[date], listing: type[Listing] = Listing) -> ColumnElement[bool]:
    """Published, and not over yet; `listing` where a statement has more than one."""
    is_published = PUBLISHED if listing is Listing else listing.status == literal_column("'published'")
    return and_(is_published, listing.available_to >= today)
