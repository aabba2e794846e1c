"""Reading what a person was told of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.orm import Session, aliased

from marketplace.models import Deal, DealFollow, Enquiry, Listing, Membership, Notice, Organisation
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import DealEvent, Role, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A notice with what its sentence needs; `other` is the other organisation, or who enquires."""

    id: int
    event: DealEvent
    by: Side | None
    deal_id: int | None
    enquiry_id: int | None
    other: str
    material_key: str
    times: int
    last_at: datetime
    is_unread: bool


def notices_of(session: Session, *, user_id: int, cursor: Cursor) -> IdPage[Told]:
    """A person's notices, newest first."""
    return page_by_id(
        session,
        _told().where(Notice.user_id == user_id),
        key=Notice.id,
        make=_made,
        id_of=lambda told: told.id,
        cursor=cursor,
    )


def unmailed(session: Session, *, notice_ids: Sequence[int]) -> list[Told]:
    """The notices by what they are about and when, as the daily mail lists them."""
    query = _told().where(Notice.id.in_(notice_ids)).order_by(Notice.deal_id, Notice.enquiry_id, Notice.id)
    return [_made(row) for row in session.execute(query)]


def unread_count(session: Session, *, user_id: int) -> int:
    """How many deals and enquiries have something that the person has not seen."""
    things = select(Notice.deal_id, Notice.enquiry_id).where(Notice.user_id == user_id, Notice.read_at.is_(None))
    return session.scalar(select(func.count()).select_from(things.distinct().subquery())) or 0


def is_following(session: Session, *, deal_id: int, user_id: int) -> bool | None:
    """A person's own word on whether they are told of the deal; None where they have said nothing."""
    return session.scalar(
        select(DealFollow.is_following).where(DealFollow.deal_id == deal_id, DealFollow.user_id == user_id)
    )


def _told() -> Select[*tuple[Any, ...]]:
    """Each notice with the name of the other side: that of the organisation whose people the person is not among.

    Somebody of both is told as the giver is.
    """
    other = aliased(Organisation)
    is_givers = (
        select(Membership.user_id)
        .where(Membership.user_id == Notice.user_id, Membership.organisation_id == Deal.giver_organisation_id)
        .where(Membership.role.in_((Role.OWNER, Role.EDITOR)))
        .exists()
    )
    return (
        select(
            Notice.id,
            Notice.event,
            Notice.by,
            Notice.deal_id,
            Notice.enquiry_id,
            func.coalesce(other.name, Enquiry.name).label("other"),
            func.coalesce(Deal.material_key, Listing.material_key).label("material_key"),
            Notice.times,
            Notice.last_at,
            Notice.read_at.is_(None).label("is_unread"),
        )
        .outerjoin(Deal, Deal.id == Notice.deal_id)
        .outerjoin(other, other.id == case((is_givers, Deal.taker_organisation_id), else_=Deal.giver_organisation_id))
        .outerjoin(Enquiry, Enquiry.id == Notice.enquiry_id)
        .outerjoin(Listing, Listing.id == Enquiry.listing_id)
    )


def _made(row: Row[Any]) -> Told:
    return Told(**row._mapping)
