"""Reading listings: one with all its page says, and an organisation's own."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, undefer

from marketplace.models import Listing
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import ListingKind, ListingStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingCounts:
    """How many listings there are of each status and kind."""

    by_status_and_kind: Mapping[tuple[ListingStatus, ListingKind], int]

    def of(self, *, status: ListingStatus | None = None, kind: ListingKind | None = None) -> int:
        return sum(
            count
            for (its_status, its_kind), count in self.by_status_and_kind.items()
            if status in (None, its_status) and kind in (None, its_kind)
        )


def listing_for_page(session: Session, *, listing_id: int) -> Listing | None:
    """The listing with its organisation, project and municipality."""
    query = (
        select(Listing)
        .where(Listing.id == listing_id)
        .options(
            joinedload(Listing.organisation),
            joinedload(Listing.project),
            joinedload(Listing.facility),
            joinedload(Listing.municipality),
            undefer(Listing.shown_to),
        )
    )
    return session.scalars(query).one_or_none()


def listings_of(
    session: Session,
    *,
    organisation_ids: tuple[int, ...],
    status: ListingStatus | None = None,
    kind: ListingKind | None = None,
    cursor: Cursor,
) -> IdPage[Listing]:
    """The listings of some organisations, with organisation, project and municipality; the newest first."""
    query = (
        select(Listing)
        .where(Listing.organisation_id.in_(organisation_ids))
        .options(joinedload(Listing.organisation), joinedload(Listing.project), joinedload(Listing.municipality))
    )
    if status is not None:
        query = query.where(Listing.status == status)
    if kind is not None:
        query = query.where(Listing.kind == kind)
    return page_by_id(
        session, query, key=Listing.id, make=lambda row: row.Listing, id_of=lambda listing: listing.id, cursor=cursor
    )


def count_listings_of(session: Session, *, organisation_ids: tuple[int, ...]) -> ListingCounts:
    query = (
        select(Listing.status, Listing.kind, func.count())
        .where(Listing.organisation_id.in_(organisation_ids))
        .group_by(Listing.status, Listing.kind)
    )
    return ListingCounts(by_status_and_kind={(status, kind): count for status, kind, count in session.execute(query)})
