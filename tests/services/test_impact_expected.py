"""What matches would avoid, worked out for a page of them at once."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from geo.factors import FactorSet
from geo.impact import Rates
from marketplace.impact_basis import Basis, rates_under
from marketplace.services import impact_expected
from marketplace.services.impact_expected import Pair, expected_of
from marketplace.types import ListingKind
from tests.conftest import NOW
from tests.factories import Factory


def test_a_pair_that_lacks_a_figure_leaves_the_others_theirs(
    session: Session, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand = make.listing(kind=ListingKind.DEMAND)
    pairs = [Pair(surplus_id=make.listing().id, taking_id=demand.id, mass_t=Decimal(100)) for _ in range(2)]
    left = iter([{}])

    def poor_at_first(basis: Basis, figures: FactorSet) -> Rates:
        return rates_under(basis, replace(figures, factors=next(left, figures.factors)))

    monkeypatch.setattr(impact_expected, "rates_under", poor_at_first)
    assert list(expected_of(session, pairs, today=NOW.date())) == pairs[1:]
