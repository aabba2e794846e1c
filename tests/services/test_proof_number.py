"""The number of what a lot's quality rests on: the same while nothing changes, another one after any change."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from marketplace.models import Listing
from marketplace.services.passports import proof_number
from marketplace.services.quality import quality_of
from marketplace.types import PassportAudience
from tests.factories import Factory


def number_of(session: Session, listing: Listing) -> str:
    session.flush()
    session.expire_all()
    return proof_number(listing, quality_of(session, listing))


@pytest.fixture
def lot(make: Factory) -> Listing:
    listing = make.listing()
    make.report(listing, sample="P1")
    make.report(listing, sample="P2")
    return listing


@pytest.mark.parametrize(
    "change",
    [
        lambda make, lot: make.report(lot, sample="P3"),
        lambda make, lot: setattr(make.report(lot, sample="P4"), "report_number", "2027-1"),
        lambda make, lot: setattr(lot, "material_key", "moraine"),
        lambda make, lot: setattr(lot, "fraction_min_mm", Decimal(8)) or setattr(lot, "fraction_max_mm", Decimal(16)),
    ],
)
def test_another_proof_has_another_number(
    session: Session, make: Factory, lot: Listing, change: Callable[[Factory, Listing], object]
) -> None:
    before = number_of(session, lot)
    change(make, lot)
    assert number_of(session, lot) != before


def test_a_declaration_and_a_value_are_part_of_it(session: Session, lot: Listing) -> None:
    numbers = [number_of(session, lot)]
    quality = quality_of(session, lot)
    next(iter(quality.declarations.values())).basis = "Noe annet"
    numbers.append(number_of(session, lot))
    quality_of(session, lot).reports[0].samples[0].values[0].value_mg_kg += Decimal("0.1")
    numbers.append(number_of(session, lot))
    assert len(set(numbers)) == 3


def test_what_is_no_proof_leaves_it_as_it_is(session: Session, lot: Listing) -> None:
    before = number_of(session, lot)
    lot.description, lot.passport_audience, lot.mass_t = "Ny tekst", PassportAudience.PUBLIC, Decimal(900)
    assert number_of(session, lot) == before
