"""What is frozen of how sure anybody is of the facilities that a deal is compared with."""

import pytest
from sqlalchemy.orm import Session

from marketplace.impact_basis import BasisPlace, basis_of
from marketplace.queries.impact import current_record
from marketplace.services.impact_records import freeze
from marketplace.types import DealStatus, FacilityKind, ImpactReason
from tests.conftest import NOW
from tests.factories import Factory

DRAMMEN, SKUI = (10.2100, 59.7050), (10.4700, 59.9180)


@pytest.mark.parametrize(("is_verified", "is_example"), [(True, False), (False, True)])
def test_a_record_keeps_whether_the_facilities_were_verified(
    session: Session, make: Factory, is_verified: bool, is_example: bool
) -> None:
    marks = {"is_verified": is_verified, "is_example": is_example}
    make.facility(kind=FacilityKind.LANDFILL, position=DRAMMEN, accepts=["blasted_rock"], **marks)
    make.facility(kind=FacilityKind.QUARRY, position=SKUI, accepts=["crushed_rock", "blasted_rock"], **marks)
    deal = make.deal(status=DealStatus.AGREED)
    freeze(session, deal, reason=ImpactReason.AGREED, now=NOW)
    record = current_record(session, deal_id=deal.id)
    assert record is not None
    basis = basis_of(record.basis)
    for place in (basis.landfill, basis.quarry):
        assert place is not None
        assert (place.is_verified, place.is_example) == (is_verified, is_example)


def test_what_was_kept_before_marks_were_says_nothing_of_them() -> None:
    place = BasisPlace(name="i", municipality="", municipality_number="3201", lon=None, lat=None)
    assert place.is_verified is None
    assert not place.is_example
