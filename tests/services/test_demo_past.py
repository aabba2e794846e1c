"""The demo region's last year: what its loads come to is what the sums say, and nobody has to do anything about it."""

from collections import Counter
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.impact import Measure
from geo.pyramid import Level
from marketplace.clock import local_date
from marketplace.models import Deal, DealImpact, DealMonth, DealStatement, FlowMonth, Listing, Notice, Ticket
from marketplace.queries.deal_steps import DealStep, step_of
from marketplace.queries.impact import avoided_by
from marketplace.services.demo_past import past_rows
from marketplace.services.impact_sums import prove_sums
from marketplace.services.statement_changes import is_still_true
from marketplace.types import DealStatus, Side, TicketStatus
from tests.conftest import NOW
from tests.services.impact_drift import assert_no_drift

ROWS = past_rows()
PAST = len(ROWS)


def past_deals(session: Session) -> list[Deal]:
    """They come before all other deals, in the order of the file."""
    return list(session.scalars(select(Deal).order_by(Deal.id).limit(PAST)))


def test_every_row_says_where_it_comes_from() -> None:
    assert all(row["source"] and row["verified"] in {"yes", "no"} for row in ROWS)
    assert all(None not in row and None not in row.values() for row in ROWS), "a row has too many or too few cells"


def test_each_deal_has_the_loads_of_its_row(demo: Session) -> None:
    loads = Counter(demo.scalars(select(Ticket.deal_id)))
    deals = past_deals(demo)

    assert [loads[deal.id] for deal in deals] == [int(row["loads"]) for row in ROWS]
    assert [deal.status is DealStatus.COMPLETED for deal in deals] == [bool(row["ended_days"]) for row in ROWS]


def test_the_sums_are_those_of_the_loads_to_the_kilogram(demo: Session) -> None:
    driven = demo.execute(
        select(func.count(), func.sum(Ticket.mass_t)).where(Ticket.is_current, Ticket.status != TicketStatus.VOIDED)
    ).one()

    for table in (DealMonth, FlowMonth):
        assert demo.execute(select(func.sum(table.loads), func.sum(table.delivered_t))).one() == driven
    assert demo.scalar(select(func.sum(Deal.delivered_t))) == driven[1]
    assert prove_sums(demo).holds
    assert_no_drift(demo)


def test_a_year_is_driven_month_by_month(demo: Session) -> None:
    months = demo.execute(select(FlowMonth.month, func.sum(FlowMonth.loads)).group_by(FlowMonth.month)).all()

    assert 13 <= len(months) <= 15
    assert sum(loads >= 40 for _, loads in months) >= 12


def test_each_deal_has_one_comparison_and_all_kinds_of_outcome_are_there(demo: Session) -> None:
    ids = [deal.id for deal in past_deals(demo)]
    levels = demo.execute(select(DealImpact.deal_id, DealImpact.level).where(DealImpact.deal_id.in_(ids))).all()

    assert len(levels) == PAST
    assert {level for _, level in levels} == {
        Level.REUSE,
        Level.RECYCLING,
        Level.DISPOSAL,
        Level.UNDOCUMENTED,
        Level.PENDING,
    }


def test_some_are_hauled_further_than_without_a_deal(demo: Session) -> None:
    driven = [avoided_by(demo, deal_id=deal.id).ledger[Measure.TKM].value for deal in past_deals(demo)]

    assert 1 <= sum(tkm < 0 for tkm in driven) <= 4


def test_every_statement_is_signed_by_both_and_true(demo: Session) -> None:
    deals = {deal.id: deal for deal in past_deals(demo)}
    statements = demo.scalars(select(DealStatement).where(DealStatement.deal_id.in_(deals))).all()

    assert len(statements) == sum(bool(row["ended_days"]) for row in ROWS)
    assert all(each.giver_signed_at and each.taker_signed_at for each in statements)
    assert all(is_still_true(demo, deals[each.deal_id], each) for each in statements)


def test_nobody_is_told_of_them_and_few_wait(demo: Session) -> None:
    ids = [deal.id for deal in past_deals(demo)]
    assert demo.scalar(select(func.count()).where(Notice.deal_id.in_(ids))) == 0
    steps = {side: step_of(side, today=local_date(NOW)) for side in Side}
    rows = demo.execute(select(steps[Side.GIVER], steps[Side.TAKER]).where(Deal.id.in_(ids))).all()

    still_open = sum(row["recovery"] == "open" for row in ROWS)
    assert Counter(giver for giver, _ in rows).keys() == {DealStep.NOTHING, DealStep.DRIVE}
    assert Counter(taker for _, taker in rows)[DealStep.ANSWER_RECOVERY] == still_open == 2


def test_each_lot_is_documented_and_out_of_sight(demo: Session) -> None:
    lots = demo.scalars(select(Listing).join(Deal, Deal.surplus_id == Listing.id).order_by(Deal.id).limit(PAST)).all()

    assert {lot.status.value for lot in lots} == {"closed"}
    assert {lot.documentation.value for lot in lots} == {"declared", "tested"}
    assert all(lot.committed_t <= lot.mass_t * Decimal("1.05") for lot in lots)
