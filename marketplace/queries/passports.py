"""Reading passports: the lot that an address names."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.models import Listing
from marketplace.types import ListingKind


def listing_of_passport(session: Session, *, token: UUID) -> Listing | None:
    """The surplus whose passport has this address now, with all that its passport names."""
    query = (
        select(Listing)
        .where(Listing.passport_token == token, Listing.kind == ListingKind.SURPLUS)
        .options(joinedload(Listing.organisation), joinedload(Listing.project), joinedload(Listing.municipality))
    )
    return session.scalars(query).one_or_none()
