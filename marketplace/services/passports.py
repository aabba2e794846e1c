"""A lot's passport: who may open it, and by which address."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Forbidden, NotFound
from marketplace.models import Listing
from marketplace.types import ListingKind, PassportAudience


def choose_audience(
    session: Session, actor: Actor, *, listing_id: int, audience: PassportAudience, now: datetime
) -> Listing:
    """The listing with its passport open to these readers; at any time, since the paper follows the mass.

    Raises:
        NotFound, Forbidden: there is no such lot, or the actor may not change it.
    """
    listing = _locked(session, actor, listing_id=listing_id)
    if listing.passport_audience is not audience:
        listing.passport_audience = audience
        listing.updated_at = now
        session.flush()
    return listing


def renew_address(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """The listing with another address for its passport; whoever has the old one finds nothing there any more.

    Raises:
        NotFound, Forbidden: there is no such lot, or the actor may not change it.
    """
    listing = _locked(session, actor, listing_id=listing_id)
    listing.passport_token = uuid.uuid4()
    listing.updated_at = now
    session.flush()
    return listing


def _locked(session: Session, actor: Actor, *, listing_id: int) -> Listing:
    query = select(Listing).where(Listing.id == listing_id, Listing.kind == ListingKind.SURPLUS)
    listing = session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if listing is None:
        raise NotFound
    if not actor.can_edit(listing.organisation_id):
        raise Forbidden
    return listing
