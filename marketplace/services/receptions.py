"""Receptions: for each material that a facility takes in, a listing that search and matching find.

They are written from the facility and never by hand, so that the two cannot say different things: a facility that
states its capacity and its price has one open listing for each of its materials, as large as the room that is left.
Whoever changes the facility holds its row, and then those of its listings in the order of their ids.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from geoalchemy2.shape import to_shape
from shapely import Point
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from geo.crs import from_stored
from geo.geometry import Position
from geo.materials import taxonomy
from geo.units import EnteredUnit
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.models import Facility, Listing
from marketplace.queries.facility_room import room_now_t
from marketplace.queries.positions import Blur
from marketplace.services.listing_details import ListingDetails, check_details
from marketplace.services.listings import close_held, column_values, pause_held, publish_held, show_each
from marketplace.services.search_text import refresh_search_text
from marketplace.types import ClosedReason, Haulage, ListingKind, ListingStatus, Loading, PausedReason, PriceKind

AHEAD: Final = timedelta(days=365)
"""How far ahead a facility without a last day is listed, from whenever that was last looked after."""
ROLLED_BELOW: Final = AHEAD - timedelta(days=30)
"""Once a month is enough."""
A_BATCH: Final = 200


def refresh_receptions(session: Session, actor: Actor | None, *, facility: Facility, now: datetime) -> None:
    """Bring a facility's listings in step with it; its row is held by the caller.

    An actor who may publish opens what is to be open, and thereby says that it all still stands. Without one, it is the
    program itself that looks after them: it moves periods on and ends what is over, and puts nothing up.
    """
    session.flush()
    _refresh(session, actor, facility=facility, listings=_locked_receptions(session, [facility.id]), now=now)


def follow_room(session: Session, *, facility: Facility, now: datetime) -> None:
    """Bring a facility's listings in step with the room that deals have booked or given back; its row is held.

    What was out of sight for want of room comes back by itself, as the rest of the facility's word still stands.
    """
    session.flush()
    room_t = room_now_t(session, facility, now=now)
    listings = _locked_receptions(session, [facility.id])
    if any(each.mass_t != room_t if room_t else each.paused_reason is not PausedReason.FULL for each in listings) or (
        room_t and any(each.paused_reason is PausedReason.FULL for each in listings)
    ):
        _refresh(session, None, facility=facility, listings=listings, now=now)


def keep_receptions(session: Session, *, now: datetime) -> int:
    """Move on the period of facilities without a last day, and end what is over; returns how many facilities.

    One that somebody is changing at this moment is left for the next call.
    """
    today = local_date(now)
    has_no_end = and_(Facility.closes_on.is_(None), Facility.permit_ends_on.is_(None))
    due = (
        select(Listing.facility_id)
        .join(Facility, Facility.id == Listing.facility_id)
        .where(Listing.facility_id.is_not(None), Listing.status != ListingStatus.CLOSED, Listing.hidden_at.is_(None))
        .where(or_(Listing.available_to < today, and_(has_no_end, Listing.available_to < today + ROLLED_BELOW)))
    )
    facilities = session.scalars(
        select(Facility)
        .where(Facility.id.in_(due))
        .order_by(Facility.id)
        .limit(A_BATCH)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    listings = _locked_receptions(session, [facility.id for facility in facilities])
    for facility in facilities:
        its_own = [listing for listing in listings if listing.facility_id == facility.id]
        _refresh(session, None, facility=facility, listings=its_own, now=now)
    return len(facilities)


def takes_part(facility: Facility, *, today: date) -> bool:
    """Whether what it takes in is listed: somebody answers for it, it says how much and at what price, and is open."""
    return (
        facility.organisation_id is not None
        and facility.closed_at is None
        and facility.capacity_left_t is not None
        and facility.reception_price_nok_per_t is not None
        and not is_over(facility, today=today)
    )


def is_over(facility: Facility, *, today: date) -> bool:
    """Whether its permit or its opening period has ended."""
    return facility.last_day is not None and facility.last_day < today


def _locked_receptions(session: Session, facility_ids: Sequence[int]) -> Sequence[Listing]:
    """The listings of facilities that are not closed, held in id order as by everything that changes several."""
    return session.scalars(
        select(Listing)
        .where(Listing.facility_id.in_(facility_ids), Listing.status != ListingStatus.CLOSED)
        .order_by(Listing.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def _refresh(
    session: Session, actor: Actor | None, *, facility: Facility, listings: Sequence[Listing], now: datetime
) -> None:
    today = local_date(now)
    wanted = frozenset(facility.accepts if takes_part(facility, today=today) else ()) & frozenset(taxonomy().materials)
    reason = ClosedReason.EXPIRED if is_over(facility, today=today) else ClosedReason.OWNER
    for listing in listings:
        # One that a moderator hid keeps its place: closed, it would be opened anew the day after.
        if listing.material_key not in wanted and listing.hidden_at is None:
            close_held(listing, reason, now=now)
    session.flush()  # ends them first: a facility has one open listing of a material
    standing = {listing.material_key: listing for listing in listings if listing.material_key in wanted}
    room_t = room_now_t(session, facility, now=now)
    written = [
        _write(session, actor, facility=facility, material_key=key, listing=standing.get(key), room_t=room_t, now=now)
        for key in sorted(wanted)
        if key in standing or (actor is not None and room_t)
    ]
    session.flush()
    if written:
        refresh_search_text(session, listing_ids=tuple(listing.id for listing in written))


def _write(
    session: Session,
    actor: Actor | None,
    *,
    facility: Facility,
    material_key: str,
    listing: Listing | None,
    room_t: Decimal,
    now: datetime,
) -> Listing:
    """The listing of a material as the facility has it, in sight where there is room left."""
    assert facility.organisation_id is not None
    details = _details(facility, material_key, listing=listing, room_t=room_t, today=local_date(now))
    if listing is None:
        assert actor is not None
        assert actor.user_id is not None
        listing = Listing(
            status=ListingStatus.DRAFT,
            facility_id=facility.id,
            organisation_id=facility.organisation_id,
            created_by_id=actor.user_id,
            is_example=facility.is_example,
        )
    checked = check_details(session, details, organisation_id=facility.organisation_id, now=now)
    if listing.id is not None and listing.available_to != details.available_to:
        listing.reminded_at = None  # a new end is worth a new reminder
    blur = Blur(session, organisation_id=facility.organisation_id)
    for name, value in column_values(checked, blur=blur, was_hidden=False).items():
        setattr(listing, name, value)
    listing.accepts_class_max, listing.accepts_declared = facility.accepts_class_max, facility.accepts_declared
    session.add(listing)
    session.flush()
    if listing.hidden_at is not None:
        return listing
    if not room_t:
        if listing.paused_reason is not PausedReason.FULL:  # also one whose owner did not answer: there is no room
            pause_held(listing, PausedReason.FULL, now=now)
    elif actor is not None:
        publish_held(session, actor, listing, now=now)
    elif listing.paused_reason is PausedReason.FULL:
        show_each(session, (listing,), now=now)
    return listing


def _details(
    facility: Facility, material_key: str, *, listing: Listing | None, room_t: Decimal, today: date
) -> ListingDetails:
    """What a facility's listing says. One that is full keeps what it last had room for: no listing is of nothing."""
    mass_t = room_t or (listing.mass_t if listing else room_t)
    price = facility.reception_price_nok_per_t
    return ListingDetails(
        kind=ListingKind.RECEPTION,
        material_key=material_key,
        entered_value=mass_t,
        entered_unit=EnteredUnit.TONNE,
        available_from=_first_day(facility, listing=listing, today=today),
        available_to=_last_day(facility, listing=listing, today=today),
        own_position=position_of_facility(facility),
        price_kind=PriceKind.GIVER_PAYS if price else PriceKind.FREE,
        price_nok_per_t=price or None,
        loading=Loading.GIVER,
        haulage=Haulage.GIVER,
        description=facility.note or "",
    )


def _first_day(facility: Facility, *, listing: Listing | None, today: date) -> date:
    if facility.opens_on is not None:
        return facility.opens_on
    return min(listing.available_from, today) if listing else today


def _last_day(facility: Facility, *, listing: Listing | None, today: date) -> date:
    """The last day of the opening period or of the permit; where there is none, a year ahead, moved on in months."""
    if facility.last_day is not None:
        return facility.last_day
    if listing is not None and today + ROLLED_BELOW <= listing.available_to <= today + AHEAD:
        return listing.available_to
    return today + AHEAD


def position_of_facility(facility: Facility) -> Position:
    point = from_stored(to_shape(facility.position_25833))
    assert isinstance(point, Point)
    return Position(lon=point.x, lat=point.y)
