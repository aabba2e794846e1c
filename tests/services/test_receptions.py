"""What a facility takes in stays in step with the facility, whatever happens to it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.geometry import Position
from marketplace.actor import Actor
from marketplace.errors import Conflict, InvalidInput
from marketplace.models import Facility, Listing, Organisation
from marketplace.services.expiry import expire_listings
from marketplace.services.facilities import (
    FacilityDetails,
    close_facility,
    create_facility,
    reopen_facility,
    report_capacity,
    update_facility,
)
from marketplace.services.listings import (
    ListingDetails,
    close_listing,
    create_listing,
    delete_draft,
    duplicate_listing,
    pause_listing,
    publish_listing,
    update_listing,
)
from marketplace.services.receptions import AHEAD, keep_receptions
from marketplace.types import ClosedReason, FacilityKind, ListingKind, ListingStatus, PausedReason, PriceKind
from tests.conftest import NOW
from tests.factories import SANDVIKA, Factory
from tests.services.test_listings import DETAILS as LISTING_DETAILS

TODAY = date(2027, 3, 1)
DAY = timedelta(days=1)
DETAILS = FacilityDetails(
    name="Mellomlager Rud",
    kind=FacilityKind.INTERIM_STORAGE,
    accepts=("blasted_rock", "clay"),
    position=Position(lon=SANDVIKA[0], lat=SANDVIKA[1]),
    capacity_t=Decimal(50_000),
    capacity_left_t=Decimal(20_000),
    reception_price_nok_per_t=Decimal(85),
    note="Ingen røtter.",
)


class Gate:
    """A facility, and somebody who keeps it."""

    def __init__(self, session: Session, make: Factory) -> None:
        self.session = session
        self.organisation: Organisation = make.organisation()
        self.actor: Actor = make.actor(make.member(self.organisation))
        self.facility = create_facility(
            session, self.actor, organisation_id=self.organisation.id, details=DETAILS, now=NOW
        )

    def change(self, *, days_later: int = 0, **changes: object) -> Facility:
        return update_facility(
            self.session,
            self.actor,
            facility_id=self.facility.id,
            details=replace(DETAILS, **changes),
            now=NOW + days_later * DAY,
        )

    def report(self, left_t: int | str, *, days_later: int = 0) -> Facility:
        return report_capacity(
            self.session,
            self.actor,
            facility_id=self.facility.id,
            capacity_left_t=Decimal(left_t),
            now=NOW + days_later * DAY,
        )

    @property
    def listings(self) -> list[Listing]:
        self.session.expire_all()
        return list(self.session.scalars(select(Listing).order_by(Listing.id)))

    def of(self, material: str) -> Listing:
        """The newest listing of a material."""
        return [each for each in self.listings if each.material_key == material][-1]

    @property
    def in_sight(self) -> dict[str, Decimal]:
        return {each.material_key: each.mass_t for each in self.listings if each.status is ListingStatus.PUBLISHED}


@pytest.fixture
def gate(session: Session, make: Factory) -> Gate:
    return Gate(session, make)


# What is listed ---------------------------------------------------------------------------------------------------


def test_each_material_has_a_listing_as_large_as_the_room_left(gate: Gate) -> None:
    assert gate.in_sight == {"blasted_rock": 20_000, "clay": 20_000}


def test_a_listing_says_what_its_facility_says(gate: Gate) -> None:
    gate.change(accepts_class_max=3, accepts_declared=False, permit_reference="EKSEMPEL-1")
    listing = gate.of("clay")
    assert (listing.kind, listing.facility_id) == (ListingKind.RECEPTION, gate.facility.id)
    assert listing.organisation_id == gate.organisation.id
    assert (listing.price_kind, listing.price_nok_per_t) == (PriceKind.GIVER_PAYS, 85)
    assert (listing.accepts_class_max, listing.accepts_declared) == (3, False)
    assert (listing.max_distance_km, listing.min_lot_t, listing.description) == (None, None, "Ingen røtter.")
    assert listing.period == (TODAY, TODAY + AHEAD)
    assert listing.municipality_number == gate.facility.municipality_number
    assert "Mellomlager Rud" in listing.search_text


def test_delivering_for_nothing_is_free(gate: Gate) -> None:
    gate.change(reception_price_nok_per_t=Decimal(0))
    assert (gate.of("clay").price_kind, gate.of("clay").price_nok_per_t) == (PriceKind.FREE, None)


@pytest.mark.parametrize(
    ("closes", "permit_ends", "last"), [(100, None, 100), (None, 50, 50), (100, 50, 50), (50, 100, 50)]
)
def test_the_period_ends_with_the_opening_or_the_permit(
    gate: Gate, closes: int | None, permit_ends: int | None, last: int
) -> None:
    gate.change(
        opens_on=TODAY + 10 * DAY,
        closes_on=TODAY + closes * DAY if closes else None,
        permit_reference="EKSEMPEL-1",
        permit_ends_on=TODAY + permit_ends * DAY if permit_ends else None,
    )
    assert gate.of("clay").period == (TODAY + 10 * DAY, TODAY + last * DAY)


def test_a_new_name_is_found_and_a_new_place_moved_to(gate: Gate) -> None:
    before = gate.of("clay").municipality_number
    gate.change(name="Lageret på Grorud", position=Position(lon=10.88, lat=59.96))
    assert "Lageret på Grorud" in gate.of("clay").search_text
    assert (before, gate.of("clay").municipality_number) == ("3201", "0301")
    assert len(gate.listings) == 2


def test_a_facility_that_does_not_say_how_much_is_not_listed(gate: Gate) -> None:
    gate.change(capacity_t=None, capacity_left_t=None, reception_price_nok_per_t=None)
    assert gate.in_sight == {}
    assert {each.closed_reason for each in gate.listings} == {ClosedReason.OWNER}


def test_one_that_nobody_answers_for_is_not_listed(session: Session, make: Factory) -> None:
    facility = make.facility()
    admin = make.actor(make.user(is_admin=True))
    update_facility(session, admin, facility_id=facility.id, details=DETAILS, now=NOW)
    assert session.scalars(select(Listing)).all() == []


# Room -------------------------------------------------------------------------------------------------------------


def test_a_number_from_the_gate_is_what_is_listed(gate: Gate) -> None:
    gate.report("1234.5", days_later=3)
    assert gate.in_sight == {"blasted_rock": Decimal("1234.5"), "clay": Decimal("1234.5")}
    assert gate.facility.capacity_reported_at == NOW + 3 * DAY
    assert gate.of("clay").renewed_at == NOW + 3 * DAY


def test_a_full_facility_is_out_of_sight_until_there_is_room_again(gate: Gate) -> None:
    ids = [each.id for each in gate.listings]
    gate.report(0)
    assert gate.in_sight == {}
    assert {each.paused_reason for each in gate.listings} == {PausedReason.FULL}
    gate.report(500)
    assert gate.in_sight == {"blasted_rock": 500, "clay": 500}
    assert [each.id for each in gate.listings] == ids


def test_a_facility_that_is_new_and_full_is_listed_once_it_has_room(gate: Gate, session: Session) -> None:
    full = create_facility(
        session,
        gate.actor,
        organisation_id=gate.organisation.id,
        details=replace(DETAILS, capacity_left_t=Decimal(0)),
        now=NOW,
    )
    assert [each for each in gate.listings if each.facility_id == full.id] == []
    report_capacity(session, gate.actor, facility_id=full.id, capacity_left_t=Decimal(9), now=NOW)
    assert [each.mass_t for each in gate.listings if each.facility_id == full.id] == [9, 9]


def test_a_refused_number_changes_nothing(gate: Gate) -> None:
    with pytest.raises(InvalidInput):
        gate.report(50_001)
    assert gate.in_sight == {"blasted_rock": 20_000, "clay": 20_000}


def test_a_listing_whose_owner_did_not_answer_comes_back_with_a_number(gate: Gate, session: Session) -> None:
    listing = gate.of("clay")
    listing.status, listing.paused_reason = ListingStatus.PAUSED, PausedReason.UNANSWERED
    session.flush()
    keep_receptions(session, now=NOW + 40 * DAY)
    assert gate.of("clay").status is ListingStatus.PAUSED
    gate.report(700, days_later=40)
    assert gate.in_sight == {"blasted_rock": 700, "clay": 700}


# Materials --------------------------------------------------------------------------------------------------------


def test_a_dropped_material_ends_and_a_new_one_begins(gate: Gate) -> None:
    dropped = gate.of("blasted_rock").id
    gate.change(accepts=("clay", "moraine"))
    assert gate.in_sight == {"clay": 20_000, "moraine": 20_000}
    closed = next(each for each in gate.listings if each.id == dropped)
    assert (closed.status, closed.closed_reason) == (ListingStatus.CLOSED, ClosedReason.OWNER)


def test_a_material_that_is_taken_up_again_has_a_new_listing(gate: Gate) -> None:
    gate.change(accepts=("clay",))
    gate.change()
    assert len(gate.listings) == 3
    assert set(gate.in_sight) == {"blasted_rock", "clay"}


# Time -------------------------------------------------------------------------------------------------------------


def test_without_a_last_day_the_period_moves_on(gate: Gate, session: Session) -> None:
    assert keep_receptions(session, now=NOW + 30 * DAY) == 0
    assert keep_receptions(session, now=NOW + 31 * DAY) == 1
    listing = gate.of("clay")
    assert listing.period == (TODAY, TODAY + 31 * DAY + AHEAD)
    assert (listing.updated_at, listing.renewed_at) == (NOW, NOW)  # nobody said anything
    assert keep_receptions(session, now=NOW + 31 * DAY) == 0


def test_a_bounded_period_does_not_move(gate: Gate, session: Session) -> None:
    gate.change(closes_on=TODAY + 20 * DAY)
    assert keep_receptions(session, now=NOW + 20 * DAY) == 0
    assert gate.of("clay").available_to == TODAY + 20 * DAY


@pytest.mark.parametrize("end", [keep_receptions, expire_listings])
def test_what_is_listed_ends_with_the_permit(gate: Gate, session: Session, end: Callable[..., int]) -> None:
    gate.change(permit_reference="EKSEMPEL-1", permit_ends_on=TODAY + 20 * DAY)
    end(session, now=NOW + 20 * DAY)
    assert len(gate.in_sight) == 2
    end(session, now=NOW + 21 * DAY)
    assert gate.in_sight == {}
    assert {each.closed_reason for each in gate.listings} == {ClosedReason.EXPIRED}


def test_what_is_full_ends_with_the_permit_too(gate: Gate, session: Session) -> None:
    gate.change(permit_reference="EKSEMPEL-1", permit_ends_on=TODAY + 20 * DAY)
    gate.report(0)
    keep_receptions(session, now=NOW + 21 * DAY)
    assert {each.status for each in gate.listings} == {ListingStatus.CLOSED}
    assert keep_receptions(session, now=NOW + 21 * DAY) == 0


def test_a_new_permit_opens_it_again(gate: Gate, session: Session) -> None:
    gate.change(permit_reference="EKSEMPEL-1", permit_ends_on=TODAY + 20 * DAY)
    keep_receptions(session, now=NOW + 21 * DAY)
    gate.change(days_later=22, permit_reference="EKSEMPEL-2", permit_ends_on=TODAY + 500 * DAY)
    assert set(gate.in_sight) == {"blasted_rock", "clay"}
    assert gate.of("clay").period == (TODAY + 22 * DAY, TODAY + 500 * DAY)


def test_closing_ends_what_is_listed_and_opening_lists_it_anew(gate: Gate, session: Session) -> None:
    close_facility(session, gate.actor, facility_id=gate.facility.id, now=NOW)
    assert gate.in_sight == {}
    reopen_facility(session, gate.actor, facility_id=gate.facility.id, now=NOW)
    assert gate.in_sight == {"blasted_rock": 20_000, "clay": 20_000}


# By hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [publish_listing, pause_listing, close_listing, duplicate_listing, update_listing])
def test_what_a_facility_takes_in_is_not_led_by_hand(gate: Gate, session: Session, act: Callable[..., object]) -> None:
    details = {"details": LISTING_DETAILS} if act is update_listing else {}
    with pytest.raises(Conflict, match="the facility's own page"):
        act(session, gate.actor, listing_id=gate.of("clay").id, now=NOW, **details)
    with pytest.raises(Conflict, match="the facility's own page"):
        delete_draft(session, gate.actor, listing_id=gate.of("clay").id)
    assert set(gate.in_sight) == {"blasted_rock", "clay"}


def test_no_reception_is_posted_by_hand(gate: Gate, session: Session, make: Factory) -> None:
    details: ListingDetails = replace(LISTING_DETAILS, kind=ListingKind.RECEPTION)
    with pytest.raises(InvalidInput):
        create_listing(session, gate.actor, organisation_id=gate.organisation.id, details=details, now=NOW)
    own = make.listing(gate.organisation)
    with pytest.raises(InvalidInput):
        update_listing(session, gate.actor, listing_id=own.id, details=details, now=NOW)
