"""Two people at one facility at once, and the program beside them: one after the other, and in step in the end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import Conflict
from marketplace.models import Facility, Listing, Organisation
from marketplace.services.facilities import close_facility, create_facility, report_capacity, update_facility
from marketplace.services.receptions import keep_receptions
from marketplace.types import ListingStatus
from tests.conftest import NOW
from tests.factories import Factory
from tests.services.test_receptions import DETAILS

LATER = NOW + timedelta(days=40)

type Act = Callable[[Session], object]


@pytest.fixture
def shared(committing_engine: Engine) -> tuple[Actor, int]:
    """A facility that is new and full, so that it has no listing yet, and somebody who keeps it."""
    with make_sessions(committing_engine).begin() as session:
        actor = Factory(session, now=NOW).actor()
        organisation = session.get_one(Organisation, actor.memberships[0].organisation_id)
        details = replace(DETAILS, capacity_left_t=Decimal(0))
        facility = create_facility(session, actor, organisation_id=organisation.id, details=details, now=NOW)
        return actor, facility.id


def all_at_once(engine: Engine, facility_id: int, *acts: Act) -> list[str]:
    """What came of acts by people who have all just read the facility and its listings."""
    have_read = Barrier(len(acts))

    def one(act: Act) -> str:
        with make_sessions(engine).begin() as session:
            session.get_one(Facility, facility_id)
            session.scalars(select(Listing)).all()
            have_read.wait(timeout=10)
            try:
                act(session)
            except Conflict:
                return "conflict"
            return "done"

    with ThreadPoolExecutor(len(acts)) as people:
        return sorted(people.map(one, acts))


def listings(engine: Engine) -> list[tuple[str, ListingStatus, Decimal]]:
    with make_sessions(engine)() as session:
        return [
            (each.material_key, each.status, each.mass_t)
            for each in session.scalars(select(Listing).order_by(Listing.material_key, Listing.id))
        ]


def reports(actor: Actor, facility_id: int, left_t: int) -> Act:
    return lambda session: report_capacity(
        session, actor, facility_id=facility_id, capacity_left_t=Decimal(left_t), now=LATER
    )


def test_each_material_is_listed_once_with_the_last_number(
    committing_engine: Engine, shared: tuple[Actor, int]
) -> None:
    actor, facility_id = shared
    results = all_at_once(
        committing_engine, facility_id, *(reports(actor, facility_id, left_t) for left_t in (100, 200, 300))
    )
    assert results == ["done"] * 3
    with make_sessions(committing_engine)() as session:
        left_t = session.get_one(Facility, facility_id).capacity_left_t
    assert listings(committing_engine) == [
        ("blasted_rock", ListingStatus.PUBLISHED, left_t),
        ("clay", ListingStatus.PUBLISHED, left_t),
    ]


def test_a_report_and_a_closing_leave_nothing_in_sight(committing_engine: Engine, shared: tuple[Actor, int]) -> None:
    actor, facility_id = shared
    results = all_at_once(
        committing_engine,
        facility_id,
        reports(actor, facility_id, 100),
        lambda session: close_facility(session, actor, facility_id=facility_id, now=LATER),
    )
    assert results in (["done", "done"], ["conflict", "done"])
    assert all(status is ListingStatus.CLOSED for _, status, _ in listings(committing_engine))


def test_the_program_stands_back_where_somebody_is_at_work(
    committing_engine: Engine, shared: tuple[Actor, int]
) -> None:
    actor, facility_id = shared
    with make_sessions(committing_engine).begin() as session:
        reports(actor, facility_id, 500)(session)
    much_later = LATER + timedelta(days=40)
    with make_sessions(committing_engine).begin() as session:
        update_facility(
            session, actor, facility_id=facility_id, details=replace(DETAILS, accepts=("clay", "silt")), now=much_later
        )
        with make_sessions(committing_engine).begin() as beside:
            assert keep_receptions(beside, now=much_later) == 0
    assert [(key, status) for key, status, _ in listings(committing_engine)] == [
        ("blasted_rock", ListingStatus.CLOSED),
        ("clay", ListingStatus.PUBLISHED),
        ("silt", ListingStatus.PUBLISHED),
    ]
