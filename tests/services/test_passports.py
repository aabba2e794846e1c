"""A lot's passport: who may open it, and by which address."""

import pytest
from sqlalchemy.orm import Session

from marketplace.errors import Forbidden, NotFound
from marketplace.queries.passports import listing_of_passport
from marketplace.services.passports import choose_audience, renew_address
from marketplace.types import ListingKind, ListingStatus, PassportAudience, Role
from tests.conftest import NOW
from tests.factories import Factory


def test_a_new_address_takes_the_place_of_the_old_one(make: Factory, session: Session) -> None:
    owner = make.member()
    listing = make.listing(owner.memberships[0].organisation)
    old = listing.passport_token

    renew_address(session, make.actor(owner), listing_id=listing.id, now=NOW)

    assert listing.passport_token != old
    assert listing_of_passport(session, token=old) is None
    assert listing_of_passport(session, token=listing.passport_token) is listing


@pytest.mark.parametrize("status", list(ListingStatus))
def test_its_readers_can_be_chosen_whatever_becomes_of_the_listing(
    make: Factory, session: Session, status: ListingStatus
) -> None:
    owner = make.member(role=Role.EDITOR)
    closed = {"closed_at": NOW, "closed_reason": "owner"} if status is ListingStatus.CLOSED else {}
    listing = make.listing(owner.memberships[0].organisation, status=status, **closed)

    choose_audience(session, make.actor(owner), listing_id=listing.id, audience=PassportAudience.PUBLIC, now=NOW)

    assert listing.passport_audience is PassportAudience.PUBLIC
    assert listing.updated_at == NOW


def test_only_editors_change_anything(make: Factory, session: Session) -> None:
    listing = make.listing(make.organisation())
    stranger, reader = make.actor(), make.actor(make.member(listing.organisation, role=Role.VIEWER))

    for actor in (stranger, reader):
        with pytest.raises(Forbidden):
            renew_address(session, actor, listing_id=listing.id, now=NOW)
        with pytest.raises(Forbidden):
            choose_audience(session, actor, listing_id=listing.id, audience=PassportAudience.PUBLIC, now=NOW)


def test_a_need_has_no_passport(make: Factory, session: Session) -> None:
    owner = make.member()
    need = make.listing(owner.memberships[0].organisation, kind=ListingKind.DEMAND)

    assert listing_of_passport(session, token=need.passport_token) is None
    with pytest.raises(NotFound):
        renew_address(session, make.actor(owner), listing_id=need.id, now=NOW)
