"""Reading pages for other systems: by id, so that whoever asks on misses nothing and gets nothing twice."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from marketplace.models import Deal, Ticket


def deals_after(session: Session, *, organisation_ids: Sequence[int], after: int, limit: int) -> Sequence[Deal]:
    """Deals of the organisations on either side, once something has been agreed."""
    query = (
        select(Deal)
        .where(
            or_(Deal.giver_organisation_id.in_(organisation_ids), Deal.taker_organisation_id.in_(organisation_ids)),
            Deal.agreed_at.is_not(None),
            Deal.id > after,
        )
        .options(joinedload(Deal.giver_organisation), joinedload(Deal.taker_organisation))
        .order_by(Deal.id)
        .limit(limit)
    )
    return session.scalars(query).all()


def tickets_after(session: Session, *, deal_id: int, after: int, limit: int) -> Sequence[Ticket]:
    """A deal's loads as they stand now, corrected ones left out."""
    query = (
        select(Ticket)
        .where(Ticket.deal_id == deal_id, Ticket.is_current, Ticket.id > after)
        .order_by(Ticket.id)
        .limit(limit)
    )
    return session.scalars(query).all()
