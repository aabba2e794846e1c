"""Facilities: what may be said of them, by whom, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from geo.geometry import Position
from marketplace.actor import NOBODY, Actor
from marketplace.errors import Conflict, Forbidden, InvalidInput, NotFound
from marketplace.models import Facility, Organisation
from marketplace.services.editing import ChangedMeanwhile, edit_version
from marketplace.services.facilities import (
    FacilityDetails,
    close_facility,
    create_facility,
    reopen_facility,
    report_capacity,
    update_facility,
)
from marketplace.types import FacilityKind, Role
from tests.conftest import NOW
from tests.factories import BAERUM, Factory

TODAY = date(2027, 3, 1)
DETAILS = FacilityDetails(
    name="Mellomlager Rud",
    kind=FacilityKind.INTERIM_STORAGE,
    accepts=("blasted_rock", "clay"),
    position=Position(lon=10.5266, lat=59.8906),
    capacity_t=Decimal(50_000),
    capacity_left_t=Decimal(20_000),
    reception_price_nok_per_t=Decimal(85),
)


@pytest.fixture
def organisation(make: Factory) -> Organisation:
    return make.organisation(name="Mottaket AS")


@pytest.fixture
def actor(make: Factory, organisation: Organisation) -> Actor:
    return make.actor(make.member(organisation, role=Role.EDITOR))


@pytest.fixture
def create(session: Session, actor: Actor, organisation: Organisation) -> Callable[..., Facility]:
    def create(**changes: object) -> Facility:
        details = replace(DETAILS, **changes)
        return create_facility(session, actor, organisation_id=organisation.id, details=details, now=NOW)

    return create


@pytest.fixture
def facility(create: Callable[..., Facility]) -> Facility:
    return create()


def problems(refused: pytest.ExceptionInfo[InvalidInput]) -> dict[str, str]:
    return {error.field: error.message for error in refused.value.errors}


# What is kept -----------------------------------------------------------------------------------------------------


def test_a_facility_is_kept_as_it_was_described(create: Callable[..., Facility], organisation: Organisation) -> None:
    facility = create(
        name="  Mellomlager\tRud ",
        accepts=("clay", "blasted_rock", "clay"),
        accepts_class_max=3,
        permit_reference=" EKSEMPEL-1 ",
        permit_ends_on=TODAY + timedelta(days=400),
    )
    assert facility.name == "Mellomlager Rud"
    assert sorted(facility.accepts) == ["blasted_rock", "clay"]
    assert (facility.accepts_class_max, facility.permit_reference) == (3, "EKSEMPEL-1")
    assert facility.municipality_number == BAERUM
    assert (facility.is_verified, facility.source) == (False, organisation.name)
    assert facility.capacity_reported_at == NOW


def test_a_facility_without_capacity_is_only_a_place(create: Callable[..., Facility]) -> None:
    facility = create(capacity_t=None, capacity_left_t=None, reception_price_nok_per_t=None)
    assert facility.capacity_t is None
    assert facility.capacity_reported_at is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "\u2800"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"accepts": ()}, "accepts"),
        ({"accepts": ("blasted_rock", "gold")}, "accepts"),
        ({"position": None}, "position"),
        ({"position": Position(lon=3.0, lat=58.0)}, "position"),
        ({"accepts_class_max": 0}, "accepts_class_max"),
        ({"accepts_class_max": 6}, "accepts_class_max"),
        ({"accepts_class_max": 2}, "permit_reference"),
        ({"permit_ends_on": TODAY}, "permit_reference"),
        ({"permit_reference": "A", "permit_ends_on": TODAY - timedelta(days=1)}, "permit_ends_on"),
        ({"permit_reference": "A", "permit_ends_on": date(1066, 1, 1)}, "permit_ends_on"),
        ({"permit_reference": "A", "permit_ends_on": TODAY, "opens_on": TODAY + timedelta(days=1)}, "opens_on"),
        ({"permit_reference": "a" * 201}, "permit_reference"),
        ({"capacity_t": Decimal(0)}, "capacity_t"),
        ({"capacity_t": Decimal("NaN")}, "capacity_t"),
        ({"capacity_t": Decimal("1e30")}, "capacity_t"),
        ({"capacity_t": None}, "capacity_t"),
        ({"capacity_left_t": None}, "capacity_left_t"),
        ({"capacity_left_t": Decimal("50000.001")}, "capacity_left_t"),
        ({"capacity_left_t": Decimal(-1)}, "capacity_left_t"),
        ({"capacity_left_t": Decimal("NaN")}, "capacity_left_t"),
        ({"reception_price_nok_per_t": None}, "reception_price_nok_per_t"),
        ({"reception_price_nok_per_t": Decimal("-0.01")}, "reception_price_nok_per_t"),
        ({"reception_price_nok_per_t": Decimal("Infinity")}, "reception_price_nok_per_t"),
        ({"reception_price_nok_per_t": Decimal(5001)}, "reception_price_nok_per_t"),
        ({"opens_on": TODAY, "closes_on": TODAY - timedelta(days=1)}, "closes_on"),
        ({"closes_on": TODAY - timedelta(days=1)}, "closes_on"),
        ({"opens_on": date(9999, 1, 1)}, "opens_on"),
        ({"opening_hours": "a" * 201}, "opening_hours"),
        ({"note": "a" * 4001}, "note"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    create: Callable[..., Facility], changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create(**changes)
    assert field in problems(refused)


def test_everything_that_is_wrong_is_said_at_once(create: Callable[..., Facility]) -> None:
    with pytest.raises(InvalidInput) as refused:
        create(name="", accepts=(), position=None, accepts_class_max=4, capacity_left_t=Decimal(60_000))
    assert set(problems(refused)) == {"name", "accepts", "position", "permit_reference", "capacity_left_t"}


def test_an_ended_permit_may_be_kept_where_there_is_no_room(create: Callable[..., Facility]) -> None:
    facility = create(
        capacity_left_t=Decimal(0), permit_reference="EKSEMPEL-1", permit_ends_on=TODAY - timedelta(days=1)
    )
    assert facility.last_day == TODAY - timedelta(days=1)


# Who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["anonymous", "stranger", "viewer", "unconfirmed"])
def test_only_confirmed_editors_of_the_organisation_register_a_facility(
    session: Session, make: Factory, organisation: Organisation, who: str
) -> None:
    actors = {
        "anonymous": lambda: NOBODY,
        "stranger": make.actor,
        "viewer": lambda: make.actor(make.member(organisation, role=Role.VIEWER)),
        "unconfirmed": lambda: make.actor(make.member(organisation, confirmed=False)),
    }
    with pytest.raises(Forbidden):
        create_facility(session, actors[who](), organisation_id=organisation.id, details=DETAILS, now=NOW)


ACTS: dict[str, Callable[[Session, Actor, int], Facility]] = {
    "update": lambda session, actor, id_: update_facility(session, actor, facility_id=id_, details=DETAILS, now=NOW),
    "report": lambda session, actor, id_: report_capacity(
        session, actor, facility_id=id_, capacity_left_t=Decimal(1), now=NOW
    ),
    "close": lambda session, actor, id_: close_facility(session, actor, facility_id=id_, now=NOW),
    "reopen": lambda session, actor, id_: reopen_facility(session, actor, facility_id=id_, now=NOW),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_nobody_else_changes_it(
    session: Session, make: Factory, facility: Facility, act: Callable[..., Facility]
) -> None:
    strangers = [make.actor(), make.actor(make.member(facility.organisation, role=Role.VIEWER))]
    for other in [*strangers, make.actor(make.user(is_admin=True))]:
        with pytest.raises(Forbidden):
            act(session, other, facility.id)
    with pytest.raises(NotFound):
        act(session, make.actor(), 2**62)


def test_one_that_nobody_answers_for_is_changed_by_administrators(session: Session, make: Factory) -> None:
    facility = make.facility(position_accuracy_m=1000)
    admin = make.actor(make.user(is_admin=True))
    with pytest.raises(Forbidden):
        update_facility(session, make.actor(), facility_id=facility.id, details=DETAILS, now=NOW)
    changed = update_facility(session, admin, facility_id=facility.id, details=DETAILS, now=NOW)
    assert changed.name == DETAILS.name
    assert changed.position_accuracy_m == 1000  # the pin stands where it stood


# Changing ---------------------------------------------------------------------------------------------------------


def test_an_edit_on_an_old_version_is_refused(session: Session, actor: Actor, facility: Facility) -> None:
    seen = edit_version(facility)
    later = NOW + timedelta(minutes=5)
    report_capacity(session, actor, facility_id=facility.id, capacity_left_t=Decimal(7), now=later)
    with pytest.raises(ChangedMeanwhile):
        update_facility(session, actor, facility_id=facility.id, details=DETAILS, now=later, seen_version=seen)
    assert facility.capacity_left_t == 7


@pytest.mark.parametrize("left", ["-1", "50000.001", "NaN", "Infinity"])
def test_room_that_cannot_be_is_refused(session: Session, actor: Actor, facility: Facility, left: str) -> None:
    with pytest.raises(InvalidInput):
        report_capacity(session, actor, facility_id=facility.id, capacity_left_t=Decimal(left), now=NOW)
    assert facility.capacity_left_t == 20_000


def test_room_is_refused_after_the_permit_has_ended(
    session: Session, actor: Actor, create: Callable[..., Facility]
) -> None:
    facility = create(permit_reference="EKSEMPEL-1", permit_ends_on=TODAY)
    tomorrow = NOW + timedelta(days=1)
    with pytest.raises(InvalidInput):
        report_capacity(session, actor, facility_id=facility.id, capacity_left_t=Decimal(1), now=tomorrow)
    report_capacity(session, actor, facility_id=facility.id, capacity_left_t=Decimal(0), now=tomorrow)
    assert facility.capacity_left_t == 0


def test_a_closed_facility_is_opened_before_it_is_changed(session: Session, actor: Actor, facility: Facility) -> None:
    close_facility(session, actor, facility_id=facility.id, now=NOW)
    for name in ("update", "report", "close"):
        with pytest.raises(Conflict):
            ACTS[name](session, actor, facility.id)
    assert reopen_facility(session, actor, facility_id=facility.id, now=NOW).closed_at is None
    with pytest.raises(Conflict):
        reopen_facility(session, actor, facility_id=facility.id, now=NOW)
