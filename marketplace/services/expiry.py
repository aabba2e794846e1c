"""Published listings end with their period, and somebody is told a week before."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Date, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from marketplace.clock import OSLO, local_date
from marketplace.models import Facility, Listing, User
from marketplace.services.listing_people import listing_context, recipients
from marketplace.services.listings import ALLOWED_FROM, Transition, close_expired
from marketplace.services.mail import send_mail
from marketplace.types import ListingStatus

REMINDED_BEFORE = timedelta(days=7)


def expire_listings(session: Session, *, now: datetime) -> int:
    """Close every listing whose last day is past; returns how many there were. A second call finds none.

    A listing that somebody is changing at this moment is left for the next call.
    """
    over = (
        select(Listing)
        .where(Listing.status.in_(ALLOWED_FROM[Transition.EXPIRE]), Listing.available_to < local_date(now))
        .order_by(Listing.id)
        .with_for_update(key_share=True, skip_locked=True)
    )
    listings = session.scalars(over).all()
    for listing in listings:
        close_expired(listing, now=now)
    session.flush()
    return len(listings)


def remind_of_expiry(session: Session, *, now: datetime) -> int:
    """Mail those who should know that a listing will end within a week, once a listing; returns how many listings.

    A listing that was published within its last week was put up with its end in sight, and nobody is reminded. What a
    facility takes in ends all at once, and is told of once.
    """
    today = local_date(now)
    due = (
        select(Listing)
        .where(
            Listing.status == ListingStatus.PUBLISHED,
            Listing.available_to.between(today, today + REMINDED_BEFORE),
            Listing.reminded_at.is_(None),
            _day_in_norway(Listing.published_at) < Listing.available_to - REMINDED_BEFORE.days,
        )
        .order_by(Listing.id)
        .with_for_update(key_share=True, skip_locked=True)
    )
    listings = session.scalars(due).all()
    told: set[tuple[int, int]] = set()
    for listing in listings:
        for user in recipients(session, listing=listing):
            if listing.facility_id is None:
                _mail(session, user, template="listing_expires", context=listing_context(listing, user))
            elif (listing.facility_id, user.id) not in told:
                told.add((listing.facility_id, user.id))
                _mail(session, user, template="facility_ends", context=_facility_context(session, listing, user))
        listing.reminded_at = now
    session.flush()
    return len(listings)


def _mail(session: Session, user: User, *, template: str, context: Mapping[str, str | int]) -> None:
    send_mail(session, to=user.email, template=template, locale=user.locale, context=context)


def _facility_context(session: Session, listing: Listing, user: User) -> Mapping[str, str | int]:
    facility = session.get_one(Facility, listing.facility_id)
    return {
        "name": user.name,
        "facility_id": facility.id,
        "facility": facility.name,
        "available_to": listing.available_to.isoformat(),
    }


def _day_in_norway(moment: InstrumentedAttribute[datetime | None]) -> ColumnElement[date]:
    return cast(func.timezone(str(OSLO), moment), Date)
