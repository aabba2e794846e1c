"""What a listing's page says of deals: how to start one, and how one's own stand."""

from dataclasses import dataclass
from datetime import date

from marketplace import db
from marketplace.models import Listing
from marketplace.permissions import Permission, allows
from marketplace.queries.deals import DealRow, Ours, deals_of_listing
from marketplace.types import ListingKind, ListingStatus
from marketplace.web.access import current_actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingDeals:
    """`rows` are the deals that the visitor is a side of; `is_owner` whether they belong to whoever posted it.

    `is_offered` says whether somebody else could start a deal, so that the page leads there, `may_start` whether the
    visitor may; one whose address is not confirmed is told so (`must_confirm`).
    """

    rows: tuple[DealRow, ...]
    is_request: bool
    is_owner: bool
    is_offered: bool
    may_start: bool
    must_confirm: bool


def deals_section(listing: Listing, *, today: date) -> ListingDeals:
    actor = current_actor()
    ours = Ours(organisation_ids=tuple(each.organisation_id for each in actor.memberships), user_id=actor.user_id)
    is_owner = actor.is_member(listing.organisation_id)
    acts_for_others = any(each.organisation_id != listing.organisation_id for each in actor.editable)
    is_open = listing.status is ListingStatus.PUBLISHED and listing.available_to >= today
    return ListingDeals(
        rows=deals_of_listing(db.session, listing_id=listing.id, ours=ours, today=today) if actor.memberships else (),
        is_request=listing.kind is ListingKind.SURPLUS,
        is_owner=is_owner,
        is_offered=is_open and (not is_owner or acts_for_others),
        may_start=is_open and allows(Permission.START_DEAL, actor, listing),
        must_confirm=acts_for_others and not actor.is_confirmed,
    )
