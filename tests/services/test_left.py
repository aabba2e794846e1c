"""What is left of a listing and of a facility's room: kept in edits, and what search, matching and cards go by."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.errors import InvalidInput
from marketplace.models import ImportRow, Listing
from marketplace.queries.matches import matches_for_listing
from marketplace.queries.search import Sort, prepare_search, search_page
from marketplace.queries.search_counts import facets
from marketplace.queries.search_filters import SearchFilters
from marketplace.services import deals
from marketplace.services.listings import update_listing
from marketplace.services.plan_listings import details_of_listing
from marketplace.types import DealStatus, ImportRowStatus, ListingKind, ListingStatus, PausedReason
from marketplace.web.cards import card_of
from tests.factories import Factory
from tests.services.parties import Parties
from tests.services.test_bulk import check, csv_file, row, stage
from tests.services.test_commitments import load
from tests.services.test_listings import DETAILS
from tests.services.test_receptions import Gate


@pytest.fixture
def parties(session: Session, make: Factory, now: datetime) -> Parties:
    return Parties(session, make, now)


def edit(parties: Parties, **changes: object) -> Listing:
    details = replace(
        details_of_listing(parties.surplus), entered_value=parties.surplus.mass_t, own_position=DETAILS.own_position
    )
    return update_listing(
        parties.session,
        parties.giver,
        listing_id=parties.surplus.id,
        details=replace(details, **changes),
        now=parties.now,
    )


# Editing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"entered_value": Decimal(399)}, "entered_value"),
        ({"material_key": "gravel"}, "material_key"),
        ({"kind": ListingKind.DEMAND}, "kind"),
        ({"tolerance_percent": Decimal(2)}, "tolerance_percent"),
    ],
)
def test_an_edit_does_not_break_what_is_agreed(parties: Parties, changes: dict[str, object], field: str) -> None:
    parties.agree(400)
    with pytest.raises(InvalidInput) as refused:
        edit(parties, **changes)
    assert {error.field for error in refused.value.errors} == {field}


def test_a_quantity_can_be_lowered_to_what_is_agreed_and_is_full_then(parties: Parties) -> None:
    parties.agree(400)
    listing = edit(parties, entered_value=Decimal(400))
    assert (listing.left_t, listing.paused_reason) == (0, PausedReason.FULL)
    assert edit(parties, entered_value=Decimal(500)).status is ListingStatus.PUBLISHED


def test_nothing_stands_in_the_way_of_an_edit_when_deals_came_to_nothing(parties: Parties) -> None:
    deal = parties.request(400)
    deals.decline(parties.session, parties.giver, deal_id=deal.id, now=parties.now)
    assert edit(parties, material_key="gravel", entered_value=Decimal(10)).material_key == "gravel"


@pytest.mark.parametrize("percent", [Decimal(-1), Decimal("20.1"), Decimal("NaN")])
def test_a_tolerance_has_bounds(parties: Parties, percent: Decimal) -> None:
    with pytest.raises(InvalidInput) as refused:
        edit(parties, tolerance_percent=percent)
    assert {error.field for error in refused.value.errors} == {"tolerance_percent"}


def test_a_deal_has_the_smaller_tolerance_of_its_listings(parties: Parties) -> None:
    edit(parties, tolerance_percent=Decimal(3))
    assert parties.agree(400).tolerance_percent == 3


def test_a_file_does_not_break_what_is_agreed(session: Session, parties: Parties) -> None:
    parties.surplus.external_reference = "A-1"
    parties.agree(400)
    file = csv_file([row(Referanse="A-1", Type="Overskudd", Mengde="300")])
    batch = check(session, stage(session, parties.giver, file).batch)
    read = session.scalars(select(ImportRow).where(ImportRow.batch_id == batch.id)).one()
    assert read.status is ImportRowStatus.BAD
    assert "400" in str(read.problems)


# Finding ----------------------------------------------------------------------------------------------------------


def found(session: Session, filters: SearchFilters, *, today: object, sort: Sort = Sort.NEWEST) -> list[int]:
    search = prepare_search(session, filters, today=today)
    page = search_page(session, search, sort=sort, total=facets(session, search).total)
    return [hit.id for hit in page.hits]


def test_search_goes_by_what_is_left(session: Session, parties: Parties) -> None:
    other = parties.make.listing(mass_t=700)
    parties.agree(600)
    surplus = SearchFilters(kind=ListingKind.SURPLUS)
    today = parties.today
    assert found(session, surplus, today=today, sort=Sort.QUANTITY) == [other.id, parties.surplus.id]
    assert found(session, replace(surplus, mass_min_t=Decimal(401)), today=today) == [other.id]
    assert found(session, replace(surplus, mass_max_t=Decimal(400)), today=today) == [parties.surplus.id]


def test_matching_goes_by_what_is_left(session: Session, parties: Parties) -> None:
    asking = parties.make.listing(kind=ListingKind.DEMAND, mass_t=900)
    parties.surplus.min_lot_t = Decimal(500)
    parties.agree(700)
    (match,) = matches_for_listing(session, asking, today=parties.today).fits
    assert match.listing.id == parties.surplus.id
    assert (match.listing.left_t, match.assessment.quantity.usable_t) == (300, 300)


def test_a_card_says_what_is_left_and_of_how_much(parties: Parties) -> None:
    assert (card_of(parties.surplus).mass_t, card_of(parties.surplus).whole_t) == (1000, None)
    parties.agree(600)
    assert (card_of(parties.surplus).mass_t, card_of(parties.surplus).whole_t) == (400, 1000)


# Room -------------------------------------------------------------------------------------------------------------


def booked(gate: Gate, make: Factory, mass_t: int) -> None:
    for material in ("blasted_rock", "clay"):
        make.deal(
            status=DealStatus.AGREED,
            mass_t=mass_t / 2,
            surplus=make.listing(material=material, mass_t=50_000),
            taker=gate.organisation,
            taking_listing_id=gate.of(material).id,
            destination_facility_id=gate.facility.id,
        )


def in_sight(gate: Gate) -> dict[str, Decimal]:
    return {
        each.material_key: each.mass_t
        for each in gate.listings
        if each.facility_id is not None and each.status is ListingStatus.PUBLISHED
    }


@pytest.fixture
def gate(session: Session, make: Factory) -> Gate:
    return Gate(session, make)


def test_what_is_agreed_to_come_leaves_less_room_for_every_material(gate: Gate, make: Factory) -> None:
    booked(gate, make, 15_000)
    gate.report(20_000, days_later=1)
    assert in_sight(gate) == {"blasted_rock": 5_000, "clay": 5_000}


def test_promised_room_is_not_given_away(gate: Gate, make: Factory) -> None:
    booked(gate, make, 15_000)
    for change in (lambda: gate.report(14_999), lambda: gate.change(capacity_left_t=Decimal(14_999))):
        with pytest.raises(InvalidInput) as refused:
            change()
        assert {error.field for error in refused.value.errors} == {"capacity_left_t"}
    assert gate.report(15_000).free_t == 0
    assert in_sight(gate) == {}


def test_an_edit_that_leaves_the_room_alone_counts_what_came_since(
    gate: Gate, make: Factory, session: Session, now: datetime
) -> None:
    deal = make.deal(
        status=DealStatus.AGREED,
        mass_t=1000,
        taker=gate.organisation,
        surplus=make.listing(mass_t=1000),
        destination_facility_id=gate.facility.id,
    )
    load(make, deal, 200, loaded_at=now + timedelta(hours=1))
    gate.change(days_later=1, name="Nytt navn")
    session.refresh(gate.facility)
    assert (gate.facility.booked_peak_t, gate.facility.capacity_reported_at) == (1000, now)
    gate.report(19_800, days_later=1)
    session.refresh(gate.facility)
    assert (gate.facility.booked_peak_t, gate.facility.free_t) == (800, 19_000)
