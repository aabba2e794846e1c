"""The database's rule of what a mass avoids is Python's, to the last digit, on whatever rates there may be."""

from decimal import Decimal, localcontext

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ARRAY, Numeric, bindparam, func, select, text
from sqlalchemy.orm import Session

from geo.impact import ENOUGH_DIGITS, Comparison, Ledger, Measure, Rates, ledger_of, rates_of, trips
from geo.quantities import Quantity
from marketplace.types import DealStatus
from tests.factories import Factory
from tests.geo.impact_cases import comparisons
from tests.geo.strategies import decimals
from tests.services.impact_drift import figures_of, plus

any_rates = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
stored = settings(any_rates, max_examples=25)

numbers = decimals("-1e9", "1e9", places=9) | st.just(Decimal(0))
payloads = decimals("0.001", "60") | decimals("0.001", "60", places=28)
"""As a factor set gives them, or worked out."""
substitutions = st.sampled_from([Decimal(0), Decimal(1), Decimal(1) / 3, Decimal(2) / 3]) | decimals(
    "0", "1", places=28
)
masses = decimals("0", "50000000")


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    return {
        measure: Quantity(low=low, value=value, high=high, unit=measure.unit, source="")
        for measure in Measure
        for low, value, high in [sorted(draw(st.tuples(numbers, numbers, numbers)))]
    }


@st.composite
def rates(draw: st.DrawFn) -> Rates:
    return Rates(
        payload_t=draw(payloads),
        substitution=draw(substitutions),
        per_tonne=draw(ledgers()),
        per_trip=draw(ledgers()),
        per_substituted_trip=draw(ledgers()),
    )


BOUNDS = ("low", "value", "high")
ARRAYS = [bindparam(name, type_=ARRAY(Numeric)) for name in ("per_tonne", "per_trip", "per_substituted_trip")]
LEDGER = select(func.impact_ledger(*ARRAYS, bindparam("payload_t"), bindparam("substitution"), bindparam("until_t")))
BETWEEN = select(
    func.impact_between(
        *ARRAYS, bindparam("payload_t"), bindparam("substitution"), bindparam("from_t"), bindparam("until_t")
    )
)


def by_database(session: Session, one: Rates, *, until_t: Decimal, from_t: Decimal | None = None) -> object:
    """The figures that the database works out, in the shape of `figures_of`."""
    columns = []
    for bound in BOUNDS:
        given = {
            array.key: [getattr(getattr(one, array.key)[measure], bound) for measure in Measure] for array in ARRAYS
        }
        given |= {"payload_t": one.payload_t, "substitution": one.substitution, "until_t": until_t}
        if from_t is None:
            columns.append(session.scalars(LEDGER, given).one())
        else:
            columns.append(session.scalars(BETWEEN, given | {"from_t": from_t}).one())
    return tuple(zip(*columns, strict=True))


@any_rates
@given(one=rates(), mass_t=masses)
def test_the_twins_agree_on_any_rates(session: Session, one: Rates, mass_t: Decimal) -> None:
    assert by_database(session, one, until_t=mass_t) == figures_of(ledger_of(one, mass_t))


@any_rates
@given(one=rates(), ends=st.tuples(masses, masses).map(sorted))
def test_what_comes_between_two_sums_is_the_difference_of_their_ledgers(
    session: Session, one: Rates, ends: list[Decimal]
) -> None:
    with localcontext(prec=ENOUGH_DIGITS):
        expected = plus(figures_of(ledger_of(one, ends[1])), figures_of(ledger_of(one, ends[0])), sign=-1)
    assert by_database(session, one, from_t=ends[0], until_t=ends[1]) == expected


@any_rates
@given(mass_t=masses, payload_t=payloads, loads=st.integers(0, 10_000))
def test_loads_are_counted_alike_also_where_the_last_is_just_full(
    session: Session, mass_t: Decimal, payload_t: Decimal, loads: int
) -> None:
    with localcontext(prec=ENOUGH_DIGITS):
        for carried_t in (mass_t, loads * payload_t, loads * payload_t + Decimal("0.001")):
            found = session.scalar(select(func.impact_trips(carried_t, payload_t)))
            assert found == trips(carried_t, payload_t=payload_t)


@stored
@given(comparison=comparisons(), mass_t=masses)
def test_a_record_says_what_the_comparison_does_that_it_was_made_of(
    session: Session, make: Factory, comparison: Comparison, mass_t: Decimal
) -> None:
    """Once it has been through the database, too: nothing of it is rounded on the way."""
    one = rates_of(comparison)
    savepoint = session.begin_nested()
    try:
        record = make.impact(make.deal(status=DealStatus.AGREED), one)
        session.expire(record)
        kept = record.rates
        assert (kept.payload_t, kept.substitution) == (one.payload_t, one.substitution)
        assert figures_of(ledger_of(kept, mass_t)) == figures_of(ledger_of(one, mass_t))
        assert by_database(session, kept, until_t=mass_t) == figures_of(ledger_of(one, mass_t))
    finally:
        savepoint.rollback()


def test_a_sum_of_ledgers_is_exact(session: Session) -> None:
    one, other = ([Decimal(n) * Decimal("1e-9") for n in range(14)], [Decimal(10) ** n for n in range(14)])
    added = session.scalar(text("SELECT ledger_sum(:one, :other, 1)").bindparams(one=one, other=other))
    assert added == [a + b for a, b in zip(one, other, strict=True)]
    taken = session.scalar(text("SELECT ledger_sum(:one, :other, -1)").bindparams(one=added, other=other))
    assert taken == one
