"""The database's sums of what loads avoid, held to what Python works out of the same loads."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geo.impact import Ledger, Measure, Rates, ledger_of, nothing_avoided, rates_of
from geo.pyramid import Level
from marketplace.models import Deal, DealImpact, DealMonth, FlowMonth, Ticket
from marketplace.models.impact import ledger_of_arrays
from marketplace.services.impact_sums import prove_sums, put_sums_right, write_missing_records
from marketplace.types import DealStatus, FactorSetStatus, TicketStatus
from tests.factories import Factory
from tests.geo.test_impact import golden

JANUARY, FEBRUARY = datetime(2027, 1, 31, 22, 30, tzinfo=UTC), datetime(2027, 1, 31, 23, 30, tzinfo=UTC)
"""Half an hour before and after midnight in Norway."""


def rates(substitution: str = "1") -> Rates:
    return rates_of(golden(substitution=Decimal(substitution)))


@pytest.fixture
def deal(make: Factory) -> Deal:
    return make.deal(status=DealStatus.AGREED)


def months_of(session: Session, deal: Deal) -> dict[date, DealMonth]:
    session.flush()
    session.expire_all()
    rows = session.scalars(select(DealMonth).where(DealMonth.deal_id == deal.id).order_by(DealMonth.month))
    return {row.month: row for row in rows}


def values(ledger: Ledger) -> list[tuple[Decimal, Decimal, Decimal]]:
    return [(ledger[measure].low, ledger[measure].value, ledger[measure].high) for measure in Measure]


def kept(row: DealMonth | FlowMonth) -> list[tuple[Decimal, Decimal, Decimal]]:
    return values(ledger_of_arrays(row.low, row.central, row.high))


def flows(session: Session) -> Iterator[FlowMonth]:
    session.flush()
    session.expire_all()
    yield from session.scalars(select(FlowMonth))


@pytest.mark.parametrize("substitution", ["0", "0.35", "1"])
@pytest.mark.parametrize("mass_t", ["0", "0.001", "16", "16.001", "1000", "48000000"])
def test_the_database_and_python_work_out_the_same_ledger(
    session: Session, make: Factory, deal: Deal, mass_t: str, substitution: str
) -> None:
    record = make.impact(deal, rates(substitution))
    low, central, high = (
        session.scalar(
            select(
                func.impact_ledger(
                    getattr(DealImpact, f"per_tonne{bound}"),
                    getattr(DealImpact, f"per_trip{bound}"),
                    getattr(DealImpact, f"per_substituted_trip{bound}"),
                    DealImpact.payload_t,
                    DealImpact.substitution,
                    Decimal(mass_t),
                )
            ).where(DealImpact.id == record.id)
        )
        for bound in ("_low", "", "_high")
    )
    assert values(ledger_of_arrays(low, central, high)) == values(ledger_of(rates(substitution), Decimal(mass_t)))


def test_months_are_those_of_norway_and_add_up_to_the_deal(session: Session, make: Factory, deal: Deal) -> None:
    make.impact(deal, rates())
    make.ticket(deal, loaded_at=JANUARY, mass_t=Decimal(15))
    make.ticket(deal, loaded_at=FEBRUARY, mass_t=Decimal("18.5"))
    months = months_of(session, deal)
    assert [(month, row.loads, row.avoided_t) for month, row in months.items()] == [
        (date(2027, 1, 1), 1, 15),
        (date(2027, 2, 1), 1, Decimal("18.5")),
    ]
    january, february = months.values()
    assert kept(january) == values(ledger_of(rates(), Decimal(15)))
    whole = values(ledger_of(rates(), Decimal("33.5")))
    assert [
        tuple(one + other for one, other in zip(*pair, strict=True))
        for pair in zip(kept(january), kept(february), strict=True)
    ] == whole


def test_only_what_is_weighed_or_confirmed_and_not_disputed_is_avoided(
    session: Session, make: Factory, deal: Deal
) -> None:
    make.impact(deal, rates())
    estimated = make.ticket(deal, mass_t=10, is_weighed=False)
    disputed = make.ticket(deal, mass_t=20, status=TicketStatus.DISPUTED)
    make.ticket(deal, mass_t=30)
    (month,) = months_of(session, deal).values()
    assert (month.loads, month.delivered_t, month.avoided_t) == (3, 60, 30)
    estimated.status, estimated.confirmed_at = TicketStatus.CONFIRMED, datetime.now(UTC)
    disputed.status, disputed.disputed_at = TicketStatus.VOIDED, None
    (month,) = months_of(session, deal).values()
    assert (month.loads, month.delivered_t, month.avoided_t) == (2, 40, 40)
    assert kept(month) == values(ledger_of(rates(), Decimal(40)))


def test_another_record_works_out_all_months_again(session: Session, make: Factory, deal: Deal) -> None:
    make.ticket(deal, loaded_at=JANUARY, mass_t=15)
    make.ticket(deal, loaded_at=FEBRUARY, mass_t=18)
    months = months_of(session, deal).values()
    assert {row.level for row in months} == {Level.UNDOCUMENTED}
    assert all(low == central == high == 0 for row in months for low, central, high in kept(row))
    make.impact(deal, rates("0"), level=Level.DISPOSAL)
    make.impact(deal, rates(), level=Level.REUSE)
    january, february = months_of(session, deal).values()
    assert january.level is february.level is Level.REUSE
    assert kept(january) == values(ledger_of(rates(), Decimal(15)))
    assert session.scalar(select(func.sum(FlowMonth.delivered_t)).where(FlowMonth.level == Level.REUSE)) == 33
    assert {row.level for row in flows(session)} == {Level.REUSE}


def test_flows_are_the_sums_of_deals(session: Session, make: Factory) -> None:
    for number in range(3):
        deal = make.deal(status=DealStatus.AGREED)
        make.impact(deal, rates() if number else nothing_avoided(), level=Level.REUSE if number else Level.PENDING)
        make.ticket(deal, mass_t=10 + number)
        make.ticket(deal, mass_t=20, loaded_at=JANUARY)
    expected: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    for row in session.scalars(select(DealMonth)):
        expected[row.month, row.level] += row.central[0]
    assert {(row.month, row.level): row.central[0] for row in flows(session)} == expected
    assert {row.level for row in flows(session)} == {Level.REUSE, Level.PENDING}


def test_a_flow_follows_its_deal_to_another_municipality(session: Session, make: Factory, deal: Deal) -> None:
    make.impact(deal, rates())
    make.ticket(deal, mass_t=16)
    deal.destination_municipality_number = "0301"
    (flow,) = flows(session)
    assert flow.destination_municipality_number == "0301"
    assert flow.delivered_t == 16


def test_what_was_frozen_is_never_changed(session: Session, make: Factory, deal: Deal) -> None:
    record = make.impact(deal, rates())
    for statement in (
        update(DealImpact).where(DealImpact.id == record.id).values(payload_t=1),
        delete(DealImpact).where(DealImpact.id == record.id),
    ):
        with pytest.raises(DBAPIError, match="never changed"), session.begin_nested():
            session.execute(statement)


def test_a_factor_set_in_use_is_never_changed(session: Session, make: Factory) -> None:
    used = make.factor_set(status=FactorSetStatus.RETIRED)
    for change in ({"name": "other"}, {"status": FactorSetStatus.DRAFT, "activated_at": None}):
        with pytest.raises(DBAPIError, match="never changed"), session.begin_nested():
            session.execute(update(type(used)).where(type(used).id == used.id).values(change))


def test_many_loads_in_one_statement_count_as_one_by_one(session: Session, make: Factory, deal: Deal) -> None:
    make.impact(deal, rates())
    pattern = make.ticket(deal, mass_t=15)
    columns = {
        column.name: getattr(pattern, column.name)
        for column in Ticket.__table__.columns
        if column.computed is None and column.name != "id"
    }
    rows = [
        {**columns, "number": f"L{n}", "loaded_at": JANUARY if n % 2 else FEBRUARY, "mass_t": Decimal(n)}
        for n in range(1, 9)
    ]
    session.execute(Ticket.__table__.insert(), rows)
    months = months_of(session, deal)
    assert [(row.loads, row.avoided_t) for row in months.values()] == [(4, 16), (4, 20), (1, 15)]
    assert sum(row.central[1] for row in months.values()) == 4  # 51 t are 4 loads of 16 t: avoided two, driven one


# The commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "work",
    [
        prove_sums,
        put_sums_right,
        lambda session: write_missing_records(session, after_id=0, limit=1, now=JANUARY),
    ],
    ids=["verify", "rebuild", "records"],
)
def test_proving_and_putting_right_may_take_longer_than_a_page(
    session: Session, work: Callable[[Session], object]
) -> None:
    session.execute(text("SET LOCAL statement_timeout = 15000"))
    work(session)
    assert session.scalar(text("SHOW statement_timeout")) == "0"
