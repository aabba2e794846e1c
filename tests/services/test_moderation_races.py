"""A ban and a publication at the same moment: whichever is first, nothing of a banned organisation stays in sight."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import InvalidInput
from marketplace.models import Listing, Organisation
from marketplace.services.bans import ban_organisation
from marketplace.services.listings import publish_listing
from marketplace.types import ListingStatus, PausedReason
from tests.conftest import NOW
from tests.factories import Factory

PATIENCE_S = 10.0
A_WHILE_S = 0.5
"""Long enough to see that somebody waits for somebody."""


@pytest.fixture
def people(committing_engine: Engine) -> tuple[Actor, Actor, int, int]:
    """An owner, a moderator, the owner's organisation, and its paused listing."""
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        user = make.member()
        owner, moderator = make.actor(user), make.actor(make.user(is_admin=True))
        organisation = session.get_one(Organisation, owner.memberships[0].organisation_id)
        make.listing(organisation)
        listing = make.listing(organisation, created_by_id=user.id, status=ListingStatus.PAUSED)
        return owner, moderator, organisation.id, listing.id


def in_sight(engine: Engine) -> list[int]:
    with make_sessions(engine)() as session:
        return list(session.scalars(select(Listing.id).where(Listing.status == ListingStatus.PUBLISHED)))


def meanwhile(engine: Engine, act: Callable[[Session], object], pool: ThreadPoolExecutor) -> Future[object]:
    def one() -> object:
        with make_sessions(engine).begin() as session:
            return act(session)

    return pool.submit(one)


def ban(session: Session, moderator: Actor, organisation_id: int) -> None:
    ban_organisation(session, moderator, organisation_id=organisation_id, reason="Falskt.", now=NOW)


def test_a_publication_that_is_first_is_taken_out_of_sight_by_the_ban(
    committing_engine: Engine, people: tuple[Actor, Actor, int, int]
) -> None:
    owner, moderator, organisation_id, listing_id = people
    with ThreadPoolExecutor(1) as pool:
        with make_sessions(committing_engine).begin() as session:
            publish_listing(session, owner, listing_id=listing_id, now=NOW)
            banning = meanwhile(committing_engine, lambda other: ban(other, moderator, organisation_id), pool)
            assert wait([banning], timeout=A_WHILE_S).not_done, "the ban did not wait for the publication"
        banning.result(timeout=PATIENCE_S)
    assert in_sight(committing_engine) == []


def test_a_publication_of_a_new_listing_and_a_ban_take_turns(
    committing_engine: Engine, people: tuple[Actor, Actor, int, int]
) -> None:
    """A listing that was written after the ban had looked at all there were."""
    owner, moderator, organisation_id, _ = people
    with ThreadPoolExecutor(1) as pool:
        with make_sessions(committing_engine).begin() as session:
            organisation = session.get_one(Organisation, organisation_id)
            listing = Factory(session, now=NOW).listing(organisation, status=ListingStatus.DRAFT)
            publish_listing(session, owner, listing_id=listing.id, now=NOW)
            banning = meanwhile(committing_engine, lambda other: ban(other, moderator, organisation_id), pool)
            assert wait([banning], timeout=A_WHILE_S).not_done
        banning.result(timeout=PATIENCE_S)
    assert in_sight(committing_engine) == []


def test_a_publication_that_is_second_is_refused(
    committing_engine: Engine, people: tuple[Actor, Actor, int, int]
) -> None:
    owner, moderator, organisation_id, listing_id = people
    with ThreadPoolExecutor(1) as pool:
        with make_sessions(committing_engine).begin() as session:
            ban(session, moderator, organisation_id)
            publishing = meanwhile(
                committing_engine,
                lambda other: publish_listing(other, owner, listing_id=listing_id, now=NOW),
                pool,
            )
            assert wait([publishing], timeout=A_WHILE_S).not_done
        with pytest.raises(InvalidInput, match="banned"):
            publishing.result(timeout=PATIENCE_S)
    assert in_sight(committing_engine) == []
    with make_sessions(committing_engine)() as session:
        assert session.get_one(Listing, listing_id).paused_reason is PausedReason.OWNER
