"""What a statement says was avoided: kept with it, and no news to what was signed before."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from geo.impact import Measure, ledger_of
from marketplace.models import DealStatement
from marketplace.queries.impact import current_record
from marketplace.services.impact_records import freeze
from marketplace.services.statements import draw_up
from marketplace.statement_values import from_json, statement_number, to_json
from marketplace.types import FacilityKind, ImpactReason
from tests.closing import Closing, closing_deal
from tests.conftest import NOW
from tests.factories import Factory


@pytest.fixture
def closing(session: Session, make: Factory) -> Closing:
    make.facility(kind=FacilityKind.LANDFILL, position=(10.21, 59.705), accepts=["blasted_rock"], name="Deponiet")
    return closing_deal(session, make)


def ready(closing: Closing) -> None:
    closing.loads(33)
    closing.answer()


def drawn_up(closing: Closing) -> DealStatement:
    return draw_up(closing.session, closing.giver, deal_id=closing.deal.id, deviation="Ferdig", now=NOW)


def test_it_says_what_the_loads_avoided(closing: Closing, session: Session) -> None:
    freeze(session, closing.deal, reason=ImpactReason.AGREED, now=NOW)
    ready(closing)
    avoided = from_json(drawn_up(closing).content).avoided
    record = current_record(session, deal_id=closing.deal.id)
    assert avoided is not None
    assert record is not None
    expected = ledger_of(record.rates, avoided.mass_t)
    lines = {each.measure: each for each in avoided.lines}
    assert (avoided.landfill, avoided.quarry, avoided.factor_set) == ("Deponiet", "", record.factor_set.version)
    assert lines[Measure.TKM].value == expected[Measure.TKM].value
    assert Measure.PURCHASE_NOK not in lines, "nobody knows what new material costs"


def test_without_a_record_it_says_nothing_of_it(closing: Closing) -> None:
    ready(closing)
    assert from_json(drawn_up(closing).content).avoided is None


def test_what_was_signed_before_keeps_its_number(closing: Closing) -> None:
    ready(closing)
    content = from_json(drawn_up(closing).content)
    kept = to_json(content)
    del kept["avoided"]
    assert statement_number(from_json(kept)) == statement_number(content)


def test_another_figure_is_another_number(closing: Closing, session: Session) -> None:
    freeze(session, closing.deal, reason=ImpactReason.AGREED, now=NOW)
    ready(closing)
    content = from_json(drawn_up(closing).content)
    assert content.avoided is not None
    other = replace(content, avoided=replace(content.avoided, mass_t=Decimal(1)))
    assert statement_number(other) != statement_number(content)
