"""What facilities take in, looked after while nobody looks."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.models import Listing, OutboxMail
from marketplace.services.expiry import remind_of_expiry
from marketplace.types import ListingKind
from tests.conftest import NOW
from tests.factories import Factory


def test_a_facility_that_ends_is_told_of_once_and_not_for_each_material(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    keeper = make.member(organisation)
    facility = make.facility(organisation, capacity_t=Decimal(100), capacity_left_t=Decimal(50))
    for material in ("blasted_rock", "clay"):
        make.listing(
            organisation,
            kind=ListingKind.RECEPTION,
            facility_id=facility.id,
            material=material,
            created_by_id=keeper.id,
            published_at=NOW - timedelta(days=60),
            available_to=make.today + timedelta(days=5),
        )

    assert remind_of_expiry(session, now=NOW) == 2
    assert remind_of_expiry(session, now=NOW + timedelta(hours=1)) == 0

    mails = session.scalars(select(OutboxMail)).all()
    assert [(mail.recipient, mail.template) for mail in mails] == [(keeper.email, "facility_ends")]
    assert mails[0].context["facility"] == facility.name
    assert all(listing.reminded_at == NOW for listing in session.scalars(select(Listing)))
