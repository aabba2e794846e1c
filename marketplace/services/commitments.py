"""Quantities that are agreed: held under locks, and never more than there is.

The database adds them up by triggers and bounds the sums (migration 0012). Here rows are locked in one order, people
are told what is left before the database has to refuse, and what is full goes out of sight.

The order, for everything that changes a deal or what it is about: facilities by id, listings by id, deals by id. `hold`
takes them all. A facility comes first since its listings are written from it (`services.receptions`).
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum, auto
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from marketplace.errors import Conflict, FieldError, InvalidInput, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import Deal, Facility, Listing
from marketplace.queries.facility_room import room_left_t
from marketplace.services.listings import keep_sight_in_step
from marketplace.services.receptions import follow_room
from marketplace.types import DealStatus, ListingStatus

__all__ = [
    "HeldDeal",
    "HeldPlaces",
    "Left",
    "LeftOf",
    "hold",
    "hold_places",
    "require_left",
    "settle",
    "what_is_left",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPlaces:
    """Facilities and listings as they stand now, held until the end of the transaction."""

    facilities: dict[int, Facility]
    listings: dict[int, Listing]
    """Also all that the facilities take in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDeal:
    """A deal with all that its quantities rest on, as it stands now, held until the end of the transaction."""

    deal: Deal
    surplus: Listing
    taking_listing: Listing | None
    facilities: tuple[Facility, ...]
    """The hub it leaves from, and the one it arrives at."""
    source_deal: Deal | None
    onward_deals: tuple[Deal, ...]
    """What is sent on from it, also where it has come to nothing."""


# Holding ----------------------------------------------------------------------------------------------------------


def hold_places(session: Session, *, listing_ids: Collection[int], facility_ids: Collection[int]) -> HeldPlaces:
    """Hold facilities, then listings, each in the order of their ids."""
    session.flush()
    facilities = (
        session.scalars(
            select(Facility)
            .where(Facility.id.in_(facility_ids))
            .order_by(Facility.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        ).all()
        if facility_ids
        else ()
    )
    taken_in = and_(Listing.facility_id.in_(facility_ids), Listing.status != ListingStatus.CLOSED)
    listings = session.scalars(
        select(Listing)
        .where(or_(Listing.id.in_(listing_ids), taken_in) if facility_ids else Listing.id.in_(listing_ids))
        .order_by(Listing.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    return HeldPlaces(
        facilities={facility.id: facility for facility in facilities},
        listings={listing.id: listing for listing in listings},
    )


def hold(session: Session, *, deal_id: int) -> HeldDeal:
    """The deal, its listings, its facilities, the deal it comes from and those that it is sent on by.

    Raises:
        NotFound: there is no such deal.
    """
    session.flush()
    ends = session.execute(
        select(
            Deal.surplus_id,
            Deal.taking_listing_id,
            Deal.origin_facility_id,
            Deal.destination_facility_id,
            Deal.source_deal_id,
        ).where(Deal.id == deal_id)
    ).one_or_none()
    if ends is None:
        raise NotFound
    facility_ids = [each for each in (ends.origin_facility_id, ends.destination_facility_id) if each is not None]
    places = hold_places(
        session,
        listing_ids=[each for each in (ends.surplus_id, ends.taking_listing_id) if each is not None],
        facility_ids=facility_ids,
    )
    deals = {deal.id: deal for deal in _held_chain(session, deal_id=deal_id, source_deal_id=ends.source_deal_id)}
    return HeldDeal(
        deal=deals[deal_id],
        surplus=places.listings[ends.surplus_id],
        taking_listing=None if ends.taking_listing_id is None else places.listings[ends.taking_listing_id],
        facilities=tuple(places.facilities[each] for each in facility_ids),
        source_deal=None if ends.source_deal_id is None else deals[ends.source_deal_id],
        onward_deals=tuple(deal for deal in deals.values() if deal.source_deal_id == deal_id),
    )


def _held_chain(session: Session, *, deal_id: int, source_deal_id: int | None) -> Sequence[Deal]:
    wanted = [each for each in (deal_id, source_deal_id) if each is not None]
    return session.scalars(
        select(Deal)
        .where(or_(Deal.id.in_(wanted), Deal.source_deal_id == deal_id))
        .order_by(Deal.id)
        .options(selectinload(Deal.offers))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


# What is left -----------------------------------------------------------------------------------------------------


class LeftOf(StrEnum):
    """What bounds a quantity."""

    SURPLUS = auto()
    DEMAND = auto()
    ROOM = auto()
    """Of the facility that takes it in, from the first day on."""
    SOURCE = auto()
    """Of what comes in at the hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The most that can still be agreed, and what it is that there is no more of."""

    mass_t: Decimal
    of: LeftOf
    is_whole: bool = False
    """Whether nothing is agreed of it: there was never more."""


WHOLE: Final[dict[LeftOf, str]] = {
    LeftOf.SURPLUS: N_("The whole surplus is %(left_t)s t. Agree on that or less."),
    LeftOf.DEMAND: N_("The whole need is %(left_t)s t. Agree on that or less."),
}
ONLY: Final[dict[LeftOf, str]] = {
    LeftOf.SURPLUS: N_("Only %(left_t)s t of this surplus is left; the rest has been agreed. Agree on that or less."),
    LeftOf.DEMAND: N_("Only %(left_t)s t is still needed; the rest has been agreed. Agree on that or less."),
    LeftOf.ROOM: N_("The facility has room for only %(left_t)s t in this period. Agree on that or less."),
    LeftOf.SOURCE: N_("Only %(left_t)s t of what comes in at the hub is left to send on. Agree on that or less."),
}
NOTHING: Final[dict[LeftOf, str]] = {
    LeftOf.SURPLUS: N_("Nothing of this surplus is left: all of it has been agreed."),
    LeftOf.DEMAND: N_("Nothing more is needed: all of it has been agreed."),
    LeftOf.ROOM: N_("The facility has no room left in this period."),
    LeftOf.SOURCE: N_("Nothing of what comes in at the hub is left to send on."),
}


def what_is_left(
    session: Session,
    *,
    surplus: Listing,
    taking_listing: Listing | None,
    into: Facility | None,
    source_deal: Deal | None,
    starts_on: date,
    deal: Deal | None = None,
) -> Left | None:
    """The most that a deal can be about from a day on; None where nothing bounds it.

    What `deal` holds already does not stand in its own way. A source deal that nothing is agreed of yet does not bound
    what is talked about; nothing can be agreed before it is.
    """
    own_t = deal.committed_t if deal is not None else Decimal(0)
    bounds = []
    if source_deal is None:
        bounds.append(_left_of_listing(surplus, own_t, of=LeftOf.SURPLUS))
    elif source_deal.status in (DealStatus.AGREED, DealStatus.COMPLETED):
        incoming_t = source_deal.delivered_t if source_deal.status is DealStatus.COMPLETED else source_deal.agreed_t
        bounds.append(Left(mass_t=_beside(own_t, incoming_t - source_deal.onward_t), of=LeftOf.SOURCE))
    if taking_listing is not None and taking_listing.facility_id is None:
        bounds.append(_left_of_listing(taking_listing, own_t, of=LeftOf.DEMAND))
    if into is not None and (room_t := room_left_t(session, into, since=starts_on, deal=deal)) is not None:
        bounds.append(Left(mass_t=room_t, of=LeftOf.ROOM))
    if not bounds:
        return None
    least = min(bounds, key=lambda bound: bound.mass_t)
    return replace(least, mass_t=max(least.mass_t, Decimal(0)))


def _left_of_listing(listing: Listing, own_t: Decimal, *, of: LeftOf) -> Left:
    free_t = listing.mass_t - listing.committed_t
    return Left(mass_t=_beside(own_t, free_t), of=of, is_whole=listing.committed_t <= own_t)


def _beside(own_t: Decimal, free_t: Decimal) -> Decimal:
    """What a deal can be about that holds some already: what is free beside it, and never less than it holds."""
    return max(own_t + free_t, own_t)


def left_problem(mass_t: Decimal, left: Left | None) -> FieldError | None:
    """What stands beside the quantity when there is not that much left."""
    if left is None or mass_t <= left.mass_t:
        return None
    some = WHOLE[left.of] if left.is_whole else ONLY[left.of]
    message = some if left.mass_t else NOTHING[left.of]
    return FieldError(field="entered_value", message=message, params={"left_t": left.mass_t} if left.mass_t else {})


def require_left(mass_t: Decimal, left: Left | None, *, in_form: bool) -> None:
    """Raises InvalidInput where somebody has just entered the quantity, and Conflict where they agree to one."""
    problem = left_problem(mass_t, left)
    if problem is None:
        return
    if in_form:
        raise InvalidInput(problem)
    raise Conflict(problem.message, **problem.params)


# Writing ----------------------------------------------------------------------------------------------------------

NO_ROOM: Final = N_(
    "The facility has promised room that it has only if this deal stays as it is. Change or cancel those deals first."
)
REFUSED_BY: Final[dict[str, str]] = {
    "ck_facility_booked": NO_ROOM,
    "ck_listing_committed_t": N_("There is not that much left. Look at the deal again."),
    "ck_deal_delivered_t": N_("More has been delivered than that, with the tolerance of the deal."),
    "ck_deal_onward_t": N_("More than that has been agreed to be sent on."),
}


@contextmanager
def refused_by_database() -> Iterator[None]:
    """Turn what the database refuses about quantities into what a person is told."""
    try:
        yield
    except IntegrityError as error:
        name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        if name not in REFUSED_BY:
            raise
        raise Conflict(REFUSED_BY[name]) from error


def settle(session: Session, held: HeldDeal, *, now: datetime) -> None:
    """Write what was changed of a held deal, and bring all that its quantities rest on in step with it.

    Raises:
        Conflict: the database knows better how much there is.
    """
    with refused_by_database(), session.begin_nested():
        session.flush()
    listings = [each for each in (held.surplus, held.taking_listing) if each is not None]
    for deal in (held.deal, held.source_deal):
        if deal is not None:
            session.refresh(deal, ["delivered_t", "onward_t", "committed_t"])
    for listing in listings:
        session.refresh(listing, ["committed_t", "left_t"])
    keep_sight_in_step(session, listings, now=now)
    for facility in held.facilities:
        session.refresh(facility, ["booked_peak_t"])
        follow_room(session, facility=facility, now=now)
