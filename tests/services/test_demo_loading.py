"""The demo is loaded into an empty database, and never stands beside data of somebody's own."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.clock import local_date
from marketplace.models import Installation, Listing, User
from marketplace.services.demo import NotADemo, is_demo, is_empty, listing_rows, load_demo, reset_demo
from tests.conftest import NOW
from tests.factories import Factory

type Fill = Callable[..., object]


def test_an_empty_database_becomes_a_demo(session: Session) -> None:
    assert is_empty(session)
    assert not is_demo(session)

    loaded = load_demo(session, now=NOW)

    assert loaded is not None
    assert loaded.listings == len(listing_rows())
    assert not is_empty(session)
    assert is_demo(session)
    assert session.get_one(Installation, 1).demo_loaded_at == NOW


def starts_in_sight(session: Session) -> Sequence[date]:
    return session.scalars(select(Listing.available_from).where(Listing.closed_at.is_(None))).all()


def test_every_period_in_sight_is_still_to_come(demo: Session) -> None:
    assert min(starts_in_sight(demo)) >= local_date(NOW)


def test_every_period_in_sight_is_still_to_come_a_year_later(session: Session) -> None:
    later = NOW + timedelta(days=400)
    load_demo(session, now=later)
    assert min(starts_in_sight(session)) >= local_date(later)


@pytest.mark.parametrize("fill", [load_demo, reset_demo])
def test_a_database_with_data_of_its_own_is_left_alone(
    session: Session, make: Factory, fill: Callable[..., object]
) -> None:
    listing = make.listing()

    with pytest.raises(NotADemo):
        fill(session, now=NOW)

    assert session.scalars(select(Listing.id)).all() == [listing.id]
    assert not is_demo(session)
    assert session.scalar(select(func.count()).where(User.is_example)) == 0
