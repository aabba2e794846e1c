"""Reading deals: one with all its page says."""

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.models import Deal, DealOffer, Listing


def deal_for_page(session: Session, *, deal_id: int) -> Deal | None:
    """The deal with both sides, the lot, what it is taken for, both ends and its offers with their makers."""
    query = (
        select(Deal)
        .where(Deal.id == deal_id)
        .options(
            joinedload(Deal.giver_organisation),
            joinedload(Deal.taker_organisation),
            joinedload(Deal.surplus).joinedload(Listing.project),
            joinedload(Deal.taking_listing),
            joinedload(Deal.source_deal),
            joinedload(Deal.origin_facility),
            joinedload(Deal.origin_municipality),
            joinedload(Deal.destination_project),
            joinedload(Deal.destination_facility),
            joinedload(Deal.destination_municipality),
            selectinload(Deal.offers).options(joinedload(DealOffer.maker), joinedload(DealOffer.answerer)),
        )
    )
    return session.scalars(query).one_or_none()
