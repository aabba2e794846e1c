"""Two people at once: one after the other, each on what the other left."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import Conflict
from marketplace.models import Listing, Organisation
from marketplace.services.listings import close_listing, pause_listing, publish_listing
from marketplace.types import ListingStatus
from tests.conftest import NOW
from tests.factories import Factory

PEOPLE = 3


@pytest.fixture
def shared(committing_engine: Engine) -> tuple[Actor, int]:
    """A published listing that several connections see, and somebody who may change it."""
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        user = make.member()
        actor = make.actor(user)
        organisation = session.get_one(Organisation, actor.memberships[0].organisation_id)
        return actor, make.listing(organisation, created_by_id=user.id).id


def all_at_once(engine: Engine, listing_id: int, act: Callable[[Session], object]) -> list[str]:
    """What came of `act` for each of several people who have all just read the listing."""
    have_read = Barrier(PEOPLE)

    def one(_number: int) -> str:
        with make_sessions(engine).begin() as session:
            session.get_one(Listing, listing_id)
            have_read.wait(timeout=10)
            try:
                act(session)
            except Conflict:
                return "conflict"
            return "done"

    with ThreadPoolExecutor(PEOPLE) as people:
        return sorted(people.map(one, range(PEOPLE)))


@pytest.mark.parametrize("service", [pause_listing, close_listing])
def test_only_the_first_of_several_succeeds(
    committing_engine: Engine, shared: tuple[Actor, int], service: Callable[..., Listing]
) -> None:
    actor, listing_id = shared
    results = all_at_once(
        committing_engine, listing_id, lambda session: service(session, actor, listing_id=listing_id, now=NOW)
    )
    assert results == ["conflict", "conflict", "done"]


def test_a_listing_is_published_once(committing_engine: Engine, shared: tuple[Actor, int]) -> None:
    actor, listing_id = shared
    with make_sessions(committing_engine).begin() as session:
        pause_listing(session, actor, listing_id=listing_id, now=NOW)
    results = all_at_once(
        committing_engine, listing_id, lambda session: publish_listing(session, actor, listing_id=listing_id, now=NOW)
    )
    assert results == ["conflict", "conflict", "done"]
    with make_sessions(committing_engine)() as session:
        status = session.scalar(select(Listing.status).where(Listing.id == listing_id))
    assert status is ListingStatus.PUBLISHED
