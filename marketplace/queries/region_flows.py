"""What flowed out of a region, into it and within it, and what that avoided: read from sums that triggers keep.

Tonnes and ledgers come from `flow_month`, whose size follows from months, ways and materials and not from how many
loads were driven. How many deals and organisations a sum rests on, which is what `marketplace.disclosure` asks, comes
from `deal_month`. Nothing here reads a load.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from operator import add
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import InstrumentedAttribute, Session

from geo.impact import CO2E, Ledger, Measure
from geo.materials import MaterialGroup, taxonomy
from geo.months import Month, MonthPeriod
from geo.pyramid import Level
from geo.quantities import Quantity
from marketplace.disclosure import Disclosure, may_show
from marketplace.models import Deal, DealMonth, FlowMonth
from marketplace.queries.regions import Region

SOURCE: Final = "deal_impact"
"""Of every figure: what was frozen for each deal."""
PLACES: Final = {measure: place for place, measure in enumerate(Measure, start=1)}
"""Where a measure stands in the arrays of the database, which begin at 1."""

PARTIES: Final = (
    func.unnest(array([Deal.giver_organisation_id, Deal.taker_organisation_id]))
    .table_valued("organisation_id")
    .render_derived(name="parties")
    .lateral()
)
"""Both organisations of a deal, each in a row of its own. Not as VALUES: SQLAlchemy keeps no statement with those."""

type Keys = tuple[Any, ...]
"""The values of the dimensions that flows are grouped by, in their order."""
type Sums = type[FlowMonth] | type[DealMonth]


class Way(StrEnum):
    """How a flow lies to a region."""

    OUT = "out"
    WITHIN = "within"
    IN = "in"


class Stage(StrEnum):
    """Whether a mass has come to its final use or waits in a hub, to be counted once it goes on, and not twice."""

    FINAL = "final"
    WAITING = "waiting"


class Outcome(StrEnum):
    """What became of a mass: recovered, by the levels of the pyramid above disposal, or not, as far as is known."""

    RECOVERED = "recovered"
    OTHER = "other"


class Dimension(StrEnum):
    """What flows can be grouped by."""

    WAY = "way"
    MONTH = "month"
    MATERIAL = "material"
    LEVEL = "level"
    STAGE = "stage"
    OUTCOME = "outcome"
    ORIGIN = "origin"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowScope:
    """Which flows are meant: those of a region in a period, and of them what is named; None leaves nothing out.

    `without` leaves out the flows of another region: what is left of a county without one of its municipalities.
    """

    region: Region
    period: MonthPeriod
    way: Way | None = None
    material_key: str | None = None
    group: MaterialGroup | None = None
    level: Level | None = None
    stage: Stage | None = None
    origin: str | None = None
    destination: str | None = None
    without: Region | None = None

    def selects(self, table: Sums) -> ColumnElement[bool]:
        """The condition on a table of sums."""
        origin, destination = table.origin_municipality_number, table.destination_municipality_number
        asked = [
            table.month.between(self.period.first.first_day, self.period.last.first_day),
            self.region.touches(origin, destination),
        ]
        if self.without is not None:
            asked.append(not_(self.without.touches(origin, destination)))
        if self.group is not None:
            asked.append(table.material_key.in_([each.key for each in taxonomy().in_group(self.group)]))
        if self.way is not None:
            asked.append(_lies(table, self.way, self.region))
        if self.stage is not None:
            asked.append(_waits(table) if self.stage is Stage.WAITING else not_(_waits(table)))
        named = (
            (table.material_key, self.material_key),
            (table.level, self.level),
            (origin, self.origin),
            (destination, self.destination),
        )
        return and_(*asked, *(each == value for each, value in named if value is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowGroup:
    """Flows of one kind together.

    `keys` are the values of the dimensions asked for, in their order. `deals` and `organisations` are None where nobody
    asked. A flow through a hub is two flows; what it avoids is in the second one alone.
    """

    keys: tuple[Any, ...]
    loads: int
    delivered_t: Decimal
    avoided_t: Decimal
    """What of it counts in the ledgers: weighed or confirmed, not disputed, and not waiting in a hub."""
    ledger: Ledger
    deals: int = 0
    organisations: int = 0

    @property
    def mass_t(self) -> Decimal:
        return self.delivered_t


def flow_groups(
    session: Session,
    scope: FlowScope,
    *,
    by: Sequence[Dimension] = (),
    measures: Sequence[Measure] = (),
    with_counts: bool = False,
) -> tuple[FlowGroup, ...]:
    """The flows that are meant, grouped, in the order of their keys. Groups of nothing are left out."""
    (found,) = flow_groupings(session, scope, by_each=[by], measures=measures, with_counts=with_counts)
    return found


def flow_groupings(
    session: Session,
    scope: FlowScope,
    *,
    by_each: Sequence[Sequence[Dimension]],
    measures: Sequence[Measure] = (),
    with_counts: bool = False,
) -> tuple[tuple[FlowGroup, ...], ...]:
    """The same flows grouped in several ways, each as `flow_groups` has it, in one statement."""
    flows = _rows(FlowMonth, scope, by_each)
    query = _grouped(
        flows,
        by_each,
        func.sum(flows.c.loads),
        func.sum(flows.c.delivered_t),
        func.sum(flows.c.counted_t),
        *(
            func.sum(bound[PLACES[measure]])
            for measure in measures
            for bound in (flows.c.central, flows.c.low, flows.c.high)
        ),
    ).having(func.sum(flows.c.loads) > 0)
    counts = _counts(session, scope, by_each) if with_counts else {}
    found: list[list[FlowGroup]] = [[] for _by in by_each]
    for number, keys, (loads, delivered_t, avoided_t, *figures) in _read(session, query, by_each):
        deals, organisations = counts.get((number, keys), (0, 0))
        found[number].append(
            FlowGroup(
                keys=keys,
                loads=int(loads),
                delivered_t=delivered_t,
                avoided_t=avoided_t,
                ledger=_ledger(measures, figures),
                deals=deals,
                organisations=organisations,
            )
        )
    return tuple(tuple(sorted(groups, key=lambda group: group.keys)) for groups in found)


def _counts(
    session: Session, scope: FlowScope, by_each: Sequence[Sequence[Dimension]]
) -> Mapping[tuple[int, Keys], tuple[int, int]]:
    """How many deals, and how many different organisations, each group rests on, by its grouping's number and keys."""
    rows = _rows(DealMonth, scope, by_each)
    grouped = _grouped(
        rows,
        by_each,
        func.count(rows.c.deal_id.distinct()),
        func.count(PARTIES.c.organisation_id.distinct()),
    )
    query = grouped.select_from(rows).join(Deal, Deal.id == rows.c.deal_id).join(PARTIES, true())
    return {(number, keys): (deals, parties) for number, keys, (deals, parties) in _read(session, query, by_each)}


def _waits(table: Sums) -> ColumnElement[bool]:
    return table.level == Level.PENDING


def counted_t(table: Sums) -> ColumnElement[Decimal]:
    """What counts in the ledgers: nothing of what waits in a hub, which counts where it is used in the end."""
    return case((_waits(table), literal(Decimal(0))), else_=table.avoided_t)


def co2e_kg() -> ColumnElement[Decimal]:
    """Of a deal's month, by all three ledgers: only to see whether it is plausible, never to be shown."""
    return reduce(add, (DealMonth.central[PLACES[measure]] for measure in CO2E))


def _lies(table: Sums | type[Deal], way: Way, region: Region) -> ColumnElement[bool]:
    begins, ends = region.has(table.origin_municipality_number), region.has(table.destination_municipality_number)
    if way is Way.WITHIN:
        return and_(begins, ends)
    if region.is_everywhere:
        return false()
    return and_(begins, not_(ends)) if way is Way.OUT else and_(not_(begins), ends)


def way_of(table: Sums | type[Deal], region: Region) -> ColumnElement[str]:
    """How a flow that touches the region lies to it."""
    if region.is_everywhere:
        return literal(Way.WITHIN.value)
    return case(
        (_lies(table, Way.WITHIN, region), Way.WITHIN.value),
        (region.has(table.origin_municipality_number), Way.OUT.value),
        else_=Way.IN.value,
    )


def _rows(table: Sums, scope: FlowScope, by_each: Sequence[Sequence[Dimension]]) -> Subquery:
    """The rows of a table that are meant, with the dimensions that they are grouped by under their own names."""
    dimensions: dict[Dimension, ColumnElement[Any] | InstrumentedAttribute[Any]] = {
        Dimension.WAY: way_of(table, scope.region),
        Dimension.MONTH: table.month,
        Dimension.MATERIAL: table.material_key,
        Dimension.LEVEL: table.level,
        Dimension.STAGE: case((_waits(table), Stage.WAITING.value), else_=Stage.FINAL.value),
        Dimension.OUTCOME: case((table.level.in_(RECOVERED), Outcome.RECOVERED.value), else_=Outcome.OTHER.value),
        Dimension.ORIGIN: table.origin_municipality_number,
        Dimension.DESTINATION: table.destination_municipality_number,
    }
    return (
        select(
            *(dimensions[each].label(each.value) for each in _all_of(by_each)),
            *([table.deal_id] if table is DealMonth else [counted_t(table).label("counted_t")]),
            table.loads,
            table.delivered_t,
            table.central,
            table.low,
            table.high,
        )
        .where(scope.selects(table), table.loads > 0)
        .subquery("flows")
    )


def _grouped(
    flows: Subquery, by_each: Sequence[Sequence[Dimension]], *figures: ColumnElement[Any]
) -> Select[tuple[Any, ...]]:
    """Figures of each group, after which of the groupings it is of and all dimensions, those of others empty."""
    dimensions = [flows.c[each.value] for each in _all_of(by_each)]
    which = func.grouping(*dimensions) if len(by_each) > 1 else literal(0)
    sets = (tuple_(*(flows.c[each.value] for each in by)) for by in by_each)
    return select(which, *dimensions, *figures).group_by(func.grouping_sets(*sets))


def _all_of(by_each: Sequence[Sequence[Dimension]]) -> list[Dimension]:
    """The dimensions of all the groupings, each once."""
    return list(dict.fromkeys(each for by in by_each for each in by))


def _read(
    session: Session, query: Select[tuple[Any, ...]], by_each: Sequence[Sequence[Dimension]]
) -> Iterator[tuple[int, Keys, Sequence[Any]]]:
    """Each group: the number of its grouping, its keys, and its figures."""
    dimensions = _all_of(by_each)
    # PostgreSQL's GROUPING: a bit for each dimension, 1 where it is not one of the grouping's, the first the highest.
    left_out = ["".join("0" if each in by else "1" for each in dimensions) or "0" for by in by_each]
    numbers = {int(bits, base=2) if len(by_each) > 1 else 0: number for number, bits in enumerate(left_out)}
    places = [[dimensions.index(each) + 1 for each in by] for by in by_each]
    for row in session.execute(query):
        number = numbers[row[0]]
        keys = tuple(_value(dimensions[place - 1], row[place]) for place in places[number])
        yield number, keys, row[1 + len(dimensions) :]


def _value(dimension: Dimension, value: object) -> object:
    if dimension is Dimension.WAY:
        return Way(str(value))
    if dimension is Dimension.MONTH:
        assert isinstance(value, date)
        return Month.of(value)
    if dimension is Dimension.STAGE:
        return Stage(str(value))
    if dimension is Dimension.OUTCOME:
        return Outcome(str(value))
    return Level(str(value)) if dimension is Dimension.LEVEL else value


def _ledger(measures: Sequence[Measure], figures: Sequence[Decimal]) -> Ledger:
    return {
        measure: Quantity(value=central, low=low, high=high, unit=measure.unit, source=SOURCE)
        for measure, central, low, high in zip(measures, figures[0::3], figures[1::3], figures[2::3], strict=True)
    }


# Beside other regions -------------------------------------------------------------------------------------------------

RECOVERED: Final = (Level.REUSE_ON_SITE, Level.REUSE, Level.RECYCLING, Level.BACKFILLING)
COMPARED: Final = (Measure.TKM, Measure.TRANSPORT_CO2E_KG, Measure.LANDFILL_T, Measure.VIRGIN_T)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A region's flows as they are compared with another's: all that came to its final use, and what was recovered."""

    flows: FlowGroup
    recovered_t: Decimal
    """Of `flows.delivered_t`, by the levels of the pyramid above disposal."""
    parts: tuple[FlowGroup, ...]
    """What was recovered and what was not, as groups: all that is there of both."""

    def may_tell_recovered(self, disclosure: Disclosure) -> bool:
        """Whether how much was recovered may be shown: beside all of it, that says how much was not, too."""
        return all(may_show(disclosure, deals=part.deals, organisations=part.organisations) for part in self.parts)


def compared(session: Session, scope: FlowScope, *, with_counts: bool = False) -> Compared | None:
    """The figures by which regions are compared; None where nothing came to its final use."""
    together, parts = flow_groupings(
        session,
        replace(scope, stage=Stage.FINAL),
        by_each=[(), (Dimension.OUTCOME,)],
        measures=COMPARED,
        with_counts=with_counts,
    )
    if not together:
        return None
    recovered = (part.delivered_t for part in parts if part.keys == (Outcome.RECOVERED,))
    return Compared(flows=together[0], recovered_t=sum(recovered, Decimal(0)), parts=parts)


def first_month(session: Session, *, region: Region) -> Month | None:
    """The first month that anything was delivered in; None where nothing ever was."""
    touched = region.touches(FlowMonth.origin_municipality_number, FlowMonth.destination_municipality_number)
    first = session.scalar(select(func.min(FlowMonth.month)).where(touched, FlowMonth.loads > 0))
    return None if first is None else Month.of(first)
