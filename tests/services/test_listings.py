"""Listings: what is taken and refused, what leads where, and what search sees of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from geoalchemy2.shape import to_shape
from shapely import Point
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.crs import from_stored
from geo.geometry import Position
from geo.materials import read_fraction
from geo.units import EnteredUnit
from marketplace.actor import Actor
from marketplace.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from marketplace.models import Listing, Membership
from marketplace.services.editing import ChangedMeanwhile, edit_version
from marketplace.services.listings import (
    ALLOWED_FROM,
    ListingDetails,
    Transition,
    close_listing,
    create_listing,
    delete_draft,
    duplicate_listing,
    pause_listing,
    publish_listing,
    update_listing,
)
from marketplace.services.organisations import edit_organisation
from marketplace.services.search_text import refresh_search_text
from marketplace.types import ClosedReason, ListingKind, ListingStatus, OrganisationKind, PriceKind, Role
from tests.conftest import NOW
from tests.factories import Factory

TODAY = date(2027, 3, 1)
DRAMMEN = Position(lon=10.2045, lat=59.7439)

DETAILS = ListingDetails(
    kind=ListingKind.SURPLUS,
    material_key="blasted_rock",
    entered_value=Decimal(1000),
    entered_unit=EnteredUnit.TONNE,
    available_from=TODAY,
    available_to=TODAY + timedelta(days=90),
    own_position=DRAMMEN,
)


def fields_of(refused: InvalidInput) -> set[str]:
    return {error.field for error in refused.errors}


@pytest.fixture
def actor(make: Factory) -> Actor:
    return make.actor(make.member())


def create(session: Session, actor: Actor, **changes: Any) -> Listing:
    organisation_id = actor.memberships[0].organisation_id
    return create_listing(session, actor, organisation_id=organisation_id, details=replace(DETAILS, **changes), now=NOW)


# Quantities ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "density", "mass_t"),
    [
        (EnteredUnit.TONNE, None, "100.000"),
        (EnteredUnit.M3_BANK, None, "270.000"),
        (EnteredUnit.M3_LOOSE, None, "169.000"),
        (EnteredUnit.M3_PLACED, None, "200.000"),
        (EnteredUnit.M3_BANK, "2.85", "285.000"),
    ],
)
def test_quantity_is_stored_in_tonnes_with_what_was_entered(
    session: Session, actor: Actor, unit: EnteredUnit, density: str | None, mass_t: str
) -> None:
    listing = create(
        session,
        actor,
        entered_value=Decimal(100),
        entered_unit=unit,
        density_t_m3=Decimal(density) if density else None,
    )
    session.expire_all()
    assert str(listing.mass_t) == mass_t
    assert (listing.entered_value, listing.entered_unit) == (Decimal(100), unit)
    assert (listing.density_t_m3 is None) == (unit is EnteredUnit.TONNE)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"entered_value": Decimal(0)}, "entered_value"),
        ({"entered_value": Decimal(-5)}, "entered_value"),
        ({"entered_value": Decimal("0.0001")}, "entered_value"),
        ({"entered_value": Decimal("NaN")}, "entered_value"),
        ({"entered_value": Decimal("Infinity")}, "entered_value"),
        ({"entered_value": Decimal("1e999")}, "entered_value"),
        ({"entered_value": Decimal("9" * 39)}, "entered_value"),
        ({"entered_value": Decimal(50_000_001)}, "entered_value"),
        ({"entered_unit": EnteredUnit.M3_BANK, "density_t_m3": Decimal("0.29")}, "density_t_m3"),
        ({"entered_unit": EnteredUnit.M3_BANK, "density_t_m3": Decimal("3.51")}, "density_t_m3"),
        ({"material_key": "crushed_rock", "entered_unit": EnteredUnit.M3_BANK}, "density_t_m3"),
        ({"material_key": "gold"}, "material_key"),
        ({"min_lot_t": Decimal(0)}, "min_lot_t"),
        ({"min_lot_t": Decimal("NaN")}, "min_lot_t"),
        ({"min_lot_t": Decimal(1001)}, "min_lot_t"),
        ({"available_to": TODAY - timedelta(days=1)}, "available_to"),
        ({"available_from": date(1, 1, 1)}, "available_from"),
        ({"available_to": date(9999, 12, 31)}, "available_to"),
        ({"price_kind": PriceKind.TAKER_PAYS}, "price_nok_per_t"),
        ({"price_kind": PriceKind.TAKER_PAYS, "price_nok_per_t": Decimal(-1)}, "price_nok_per_t"),
        ({"price_kind": PriceKind.GIVER_PAYS, "price_nok_per_t": Decimal("0.001")}, "price_nok_per_t"),
        ({"price_kind": PriceKind.GIVER_PAYS, "price_nok_per_t": Decimal("NaN")}, "price_nok_per_t"),
        ({"price_kind": PriceKind.GIVER_PAYS, "price_nok_per_t": Decimal(5001)}, "price_nok_per_t"),
        ({"price_nok_per_t": Decimal(10)}, "price_nok_per_t"),
        ({"max_distance_km": Decimal(0)}, "max_distance_km"),
        ({"max_distance_km": Decimal("Infinity")}, "max_distance_km"),
        ({"max_distance_km": Decimal("NaN")}, "max_distance_km"),
        ({"max_distance_km": Decimal(2001)}, "max_distance_km"),
        ({"material_key": "clay", "fraction": read_fraction("8/16")}, "fraction"),
        ({"description": "x" * 4001}, "description"),
        ({"own_position": None}, "position"),
        ({"own_position": Position(lon=5.0, lat=58.0)}, "position"),
        ({"project_id": 2**62}, "project_id"),
    ],
)
def test_what_cannot_be_taken_is_refused_at_its_field(
    session: Session, actor: Actor, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create(session, actor, **changes)
    assert fields_of(refused.value) == {field}
    assert session.scalar(select(func.count()).select_from(Listing)) == 0


def test_everything_wrong_is_said_at_once(session: Session, actor: Actor) -> None:
    with pytest.raises(InvalidInput) as refused:
        create(
            session,
            actor,
            entered_value=Decimal(-1),
            available_to=TODAY - timedelta(days=2),
            price_kind=PriceKind.TAKER_PAYS,
            own_position=None,
        )
    assert fields_of(refused.value) == {"entered_value", "available_to", "price_nok_per_t", "position"}


def test_bank_volume_of_a_product_needs_its_density(session: Session, actor: Actor) -> None:
    listing = create(
        session,
        actor,
        material_key="crushed_rock",
        entered_unit=EnteredUnit.M3_BANK,
        entered_value=Decimal(10),
        density_t_m3=Decimal("1.8"),
    )
    assert listing.mass_t == Decimal(18)


def test_kept_numbers_are_those_that_were_checked(session: Session, actor: Actor) -> None:
    listing = create(
        session,
        actor,
        entered_value=Decimal("100.0004"),
        min_lot_t=Decimal("100.0003"),
        price_kind=PriceKind.TAKER_PAYS,
        price_nok_per_t=Decimal("12.345"),
        max_distance_km=Decimal("33.33"),
    )
    session.expire_all()
    assert (listing.mass_t, listing.entered_value, listing.min_lot_t) == (Decimal(100),) * 3
    assert (listing.price_nok_per_t, listing.max_distance_km) == (Decimal("12.34"), Decimal("33.3"))


# Position and project -------------------------------------------------------------------------------------------------


def test_listing_stands_where_its_project_is(session: Session, make: Factory) -> None:
    project = make.project()
    actor = make.actor(make.member(project.organisation))
    listing = create(session, actor, project_id=project.id, own_position=None)
    assert not listing.has_own_position
    assert to_shape(listing.position_25833).equals(to_shape(project.position_25833))
    assert listing.municipality_number == project.municipality_number


def test_own_pin_wins_over_the_project(session: Session, make: Factory) -> None:
    project = make.project()
    actor = make.actor(make.member(project.organisation))
    listing = create(session, actor, project_id=project.id)
    assert listing.has_own_position
    assert listing.municipality.name == "Drammen"
    assert from_stored(to_shape(listing.position_25833)).distance(Point(DRAMMEN.lon, DRAMMEN.lat)) < 1e-6


def test_another_organisations_project_cannot_be_chosen(session: Session, make: Factory, actor: Actor) -> None:
    theirs = make.project()
    with pytest.raises(InvalidInput) as refused:
        create(session, actor, project_id=theirs.id)
    assert fields_of(refused.value) == {"project_id"}


def test_own_project_of_another_own_organisation_cannot_be_chosen(session: Session, make: Factory) -> None:
    user = make.member()
    other = make.project()
    session.add(Membership(user_id=user.id, organisation_id=other.organisation_id, role=Role.EDITOR))
    session.flush()
    session.refresh(user, ["memberships"])
    actor = make.actor(user)
    own = next(m.organisation_id for m in actor.memberships if m.organisation_id != other.organisation_id)
    with pytest.raises(InvalidInput):
        create_listing(session, actor, organisation_id=own, details=replace(DETAILS, project_id=other.id), now=NOW)


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_only_editors_post(session: Session, make: Factory, role: Role | None) -> None:
    organisation = make.organisation()
    actor = make.actor(make.member(organisation, role=role) if role else make.member())
    with pytest.raises(Forbidden):
        create_listing(session, actor, organisation_id=organisation.id, details=DETAILS, now=NOW)


# Editing --------------------------------------------------------------------------------------------------------------


def test_edit_changes_every_part(session: Session, actor: Actor) -> None:
    listing = create(session, actor)
    changed = replace(
        DETAILS,
        kind=ListingKind.DEMAND,
        material_key="gravel",
        fraction=read_fraction("0/32"),
        entered_value=Decimal(50),
        entered_unit=EnteredUnit.M3_LOOSE,
        price_kind=PriceKind.TAKER_PAYS,
        price_nok_per_t=Decimal(40),
        description="Til støttefylling",
    )
    update_listing(session, actor, listing_id=listing.id, details=changed, now=NOW)
    session.expire_all()
    assert (listing.kind, listing.material_key) == (ListingKind.DEMAND, "gravel")
    assert listing.mass_t == Decimal("87.000")
    assert listing.fraction_mm == (0, 32)
    assert listing.price_nok_per_t == Decimal(40)
    assert "støttefylling" in listing.search_text
    assert listing.updated_at == NOW


def test_a_refused_edit_leaves_the_listing_as_it_was(session: Session, actor: Actor) -> None:
    listing = create(session, actor)
    with pytest.raises(InvalidInput):
        update_listing(
            session,
            actor,
            listing_id=listing.id,
            details=replace(DETAILS, material_key="gravel", entered_value=Decimal(-1)),
            now=NOW,
        )
    assert listing.material_key == "blasted_rock"
    assert not session.dirty


def test_second_editor_is_told_of_the_first(session: Session, actor: Actor) -> None:
    listing = create(session, actor)
    seen = edit_version(listing)
    first, second = replace(DETAILS, description="Den første"), replace(DETAILS, description="Den andre")
    update_listing(session, actor, listing_id=listing.id, details=first, now=NOW, seen_version=seen)
    with pytest.raises(ChangedMeanwhile):
        update_listing(session, actor, listing_id=listing.id, details=second, now=NOW, seen_version=seen)
    session.expire_all()
    assert listing.description == "Den første"


def test_pausing_counts_as_a_change_to_an_open_form(session: Session, make: Factory) -> None:
    listing = make.listing()
    actor = make.actor(make.member(listing.organisation))
    seen = edit_version(listing)
    pause_listing(session, actor, listing_id=listing.id, now=NOW)
    with pytest.raises(ChangedMeanwhile):
        update_listing(session, actor, listing_id=listing.id, details=DETAILS, now=NOW, seen_version=seen)


def test_a_published_listing_cannot_be_edited_into_the_past(session: Session, make: Factory) -> None:
    listing = make.listing()
    actor = make.actor(make.member(listing.organisation))
    past = replace(DETAILS, available_from=date(2026, 1, 1), available_to=date(2026, 2, 1))
    with pytest.raises(InvalidInput) as refused:
        update_listing(session, actor, listing_id=listing.id, details=past, now=NOW)
    assert fields_of(refused.value) == {"available_to"}


def test_a_new_last_day_asks_for_a_new_reminder(session: Session, make: Factory) -> None:
    listing = make.listing(reminded_at=NOW, available_to=TODAY + timedelta(days=3))
    actor = make.actor(make.member(listing.organisation))
    same_end = replace(DETAILS, available_to=TODAY + timedelta(days=3))
    update_listing(session, actor, listing_id=listing.id, details=same_end, now=NOW)
    assert listing.reminded_at == NOW
    update_listing(session, actor, listing_id=listing.id, details=DETAILS, now=NOW)
    assert listing.reminded_at is None


# What leads where -----------------------------------------------------------------------------------------------------

ACTIONS: dict[Transition, Callable[[Session, Actor, int], object]] = {
    Transition.EDIT: lambda s, a, i: update_listing(s, a, listing_id=i, details=DETAILS, now=NOW),
    Transition.DELETE: lambda s, a, i: delete_draft(s, a, listing_id=i),
    Transition.PUBLISH: lambda s, a, i: publish_listing(s, a, listing_id=i, now=NOW),
    Transition.PAUSE: lambda s, a, i: pause_listing(s, a, listing_id=i, now=NOW),
    Transition.CLOSE: lambda s, a, i: close_listing(s, a, listing_id=i, now=NOW),
}


def in_status(make: Factory, status: ListingStatus) -> Listing:
    closed = {"closed_at": NOW, "closed_reason": ClosedReason.OWNER} if status is ListingStatus.CLOSED else {}
    return make.listing(status=status, **closed)


@pytest.mark.parametrize("status", list(ListingStatus))
@pytest.mark.parametrize("transition", list(ACTIONS))
def test_each_transition_is_allowed_only_where_the_table_says(
    session: Session, make: Factory, transition: Transition, status: ListingStatus
) -> None:
    listing = in_status(make, status)
    actor = make.actor(make.member(listing.organisation))
    if status in ALLOWED_FROM[transition]:
        ACTIONS[transition](session, actor, listing.id)
    else:
        with pytest.raises(Conflict):
            ACTIONS[transition](session, actor, listing.id)
        session.expire_all()
        assert listing.status is status


@pytest.mark.parametrize("transition", list(ACTIONS))
def test_no_transition_for_others(session: Session, make: Factory, transition: Transition, actor: Actor) -> None:
    for status in ListingStatus:
        listing = in_status(make, status)
        viewer = make.actor(make.member(listing.organisation, role=Role.VIEWER))
        for stranger in (actor, viewer):
            with pytest.raises(Forbidden):
                ACTIONS[transition](session, stranger, listing.id)


@pytest.mark.parametrize("transition", list(ACTIONS))
def test_no_transition_of_what_is_not_there(session: Session, transition: Transition, actor: Actor) -> None:
    with pytest.raises(NotFound):
        ACTIONS[transition](session, actor, 2**62)


def test_publishing_needs_a_confirmed_address(session: Session, make: Factory) -> None:
    actor = make.actor(make.member(confirmed=False))
    listing = create(session, actor)
    with pytest.raises(Forbidden):
        publish_listing(session, actor, listing_id=listing.id, now=NOW)
    assert listing.status is ListingStatus.DRAFT


def test_a_period_that_is_over_cannot_be_published(session: Session, actor: Actor) -> None:
    listing = create(session, actor, available_from=date(2027, 1, 1), available_to=date(2027, 2, 28))
    with pytest.raises(InvalidInput) as refused:
        publish_listing(session, actor, listing_id=listing.id, now=NOW)
    assert fields_of(refused.value) == {"available_to"}


def test_the_last_day_of_the_period_can_be_published(session: Session, actor: Actor, make: Factory) -> None:
    listing = create(session, actor, available_from=date(2027, 1, 1), available_to=TODAY)
    make.proof(listing)
    assert publish_listing(session, actor, listing_id=listing.id, now=NOW).status is ListingStatus.PUBLISHED


def test_the_first_publication_is_remembered(session: Session, actor: Actor, make: Factory) -> None:
    listing = create(session, actor)
    make.proof(listing)
    publish_listing(session, actor, listing_id=listing.id, now=NOW)
    pause_listing(session, actor, listing_id=listing.id, now=NOW + timedelta(days=1))
    publish_listing(session, actor, listing_id=listing.id, now=NOW + timedelta(days=2))
    assert listing.published_at == NOW
    assert listing.updated_at == NOW + timedelta(days=2)


def test_closing_says_when_and_why(session: Session, make: Factory) -> None:
    listing = make.listing()
    actor = make.actor(make.member(listing.organisation))
    close_listing(session, actor, listing_id=listing.id, now=NOW)
    session.expire_all()
    assert (listing.closed_at, listing.closed_reason) == (NOW, ClosedReason.OWNER)


def test_deleting_a_draft_leaves_nothing(session: Session, actor: Actor) -> None:
    listing = create(session, actor)
    delete_draft(session, actor, listing_id=listing.id)
    assert session.scalar(select(func.count()).select_from(Listing)) == 0


def test_copy_of_a_closed_listing_is_a_draft_with_a_period_to_come(session: Session, make: Factory) -> None:
    original = make.listing(
        status=ListingStatus.CLOSED,
        closed_at=NOW,
        closed_reason=ClosedReason.EXPIRED,
        available_from=date(2027, 1, 1),
        available_to=date(2027, 1, 31),
        is_example=True,
        reminded_at=NOW,
        description="Ligger lagvis",
    )
    user = make.member(original.organisation)
    copy = duplicate_listing(session, make.actor(user), listing_id=original.id, now=NOW)
    session.expire_all()
    assert copy.id != original.id
    assert copy.status is ListingStatus.DRAFT
    assert copy.period == (TODAY, TODAY + timedelta(days=30))
    assert (copy.published_at, copy.closed_at, copy.closed_reason, copy.reminded_at) == (None,) * 4
    assert not copy.is_example
    assert copy.created_by_id == user.id
    assert (copy.mass_t, copy.description) == (original.mass_t, "Ligger lagvis")
    assert "sprengstein" in copy.search_text


def test_copy_keeps_a_period_that_is_not_over(session: Session, make: Factory) -> None:
    original = make.listing()
    copy = duplicate_listing(session, make.actor(make.member(original.organisation)), listing_id=original.id, now=NOW)
    assert copy.period == original.period


def test_others_cannot_copy(session: Session, make: Factory, actor: Actor) -> None:
    with pytest.raises(Forbidden):
        duplicate_listing(session, actor, listing_id=make.listing().id, now=NOW)


# Search text ----------------------------------------------------------------------------------------------------------


def test_listing_is_found_by_everything_that_names_it(session: Session, make: Factory) -> None:
    project = make.project(name="Ringeriksbanen", builder="Bane NOR")
    actor = make.actor(make.member(project.organisation))
    listing = create(
        session,
        actor,
        project_id=project.id,
        own_position=None,
        material_key="crushed_rock",
        fraction=read_fraction("8/16"),
        description="Vasket, fri for leire",
    )
    session.expire_all()
    for word in ("pukk", "crushed rock", "8/16", "Ringeriksbanen", "Bane NOR", "Vasket", "Bærum"):
        assert word in listing.search_text
    assert project.organisation.name in listing.search_text


def test_listings_are_found_by_their_organisations_new_name(session: Session, make: Factory) -> None:
    listing = make.listing()
    other = make.listing(search_text="unchanged")
    edit_organisation(
        session,
        make.actor(make.member(listing.organisation)),
        organisation=listing.organisation,
        name="Omdøpt Maskin AS",
        kind=OrganisationKind.CONTRACTOR,
    )
    session.expire_all()
    assert "Omdøpt Maskin AS" in listing.search_text
    assert other.search_text == "unchanged"


def test_refreshing_nothing_in_particular_is_a_mistake(session: Session) -> None:
    with pytest.raises(TypeError):
        refresh_search_text(session)


def test_no_error_is_raised_without_words(session: Session, actor: Actor) -> None:
    """Every refusal carries a sentence whose parameters are all there."""
    with pytest.raises(DomainError) as refused:
        create(session, actor, price_kind=PriceKind.TAKER_PAYS, price_nok_per_t=Decimal(9999), description="x" * 5000)
    assert "%" not in str(refused.value)
