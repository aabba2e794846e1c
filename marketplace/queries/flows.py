"""Flows of masses from place to place: what was delivered, agreed or is being talked about, gathered for a map.

What the lines are gathered from is `flow_cells`, and where their ends lie `flow_places`. Who sees how much is
`marketplace.disclosure`: a line on the map is a group, and each month of a line is one again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, String, cast, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from geo.flowmap import MOST_DRAWN, Detail, Flow, Picture, Remainder, picture_of
from geo.geometry import BBox
from marketplace.disclosure import Disclosure, Shown, shown
from marketplace.queries.flow_cells import FlowFilters, flow_cells
from marketplace.queries.flow_places import places_of

OPEN_DETAILS: Final = (Detail.COUNTY, Detail.MUNICIPALITY)
"""What those may see who are shown no places (`Disclosure.OPEN`)."""

type LineKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLine:
    """All mass of one material group from one place to another in the period; a group of the disclosure rule."""

    origin: str
    destination: str
    group: str
    deals: int
    organisations: int
    mass_t: Decimal

    @property
    def key(self) -> LineKey:
        return self.origin, self.destination, self.group


def ends_of(lines: Iterable[FlowLine]) -> set[str]:
    return {end for line in lines for end in (line.origin, line.destination)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPicture:
    """What a map draws, and what stands beside it."""

    picture: Picture
    months_t: tuple[Decimal | None, ...]
    """What is drawn, by month; None where nothing of a month may be shown."""
    held_back_lines: int
    held_back_deals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _MonthOfLine:
    deals: int
    organisations: int
    mass_t: Decimal


def details_for(disclosure: Disclosure) -> tuple[Detail, ...]:
    return tuple(Detail) if disclosure.is_full else OPEN_DETAILS


def flow_picture(
    session: Session,
    filters: FlowFilters,
    *,
    detail: Detail,
    disclosure: Disclosure,
    sight: BBox | None = None,
    most: int = MOST_DRAWN,
) -> FlowPicture:
    """What to draw: the largest flows with their months, and what the rest comes to.

    `sight`: of those with an end in this box only, as `flow_lines` does.
    """
    lines = flow_lines(session, filters, detail=detail, disclosure=disclosure, sight=sight)
    largest, left_out = lines.groups[:most], lines.groups[most:]
    places = places_of(session, filters, detail=detail, ends=ends_of(largest))
    drawn = [line for line in largest if {line.origin, line.destination} <= places.keys()]
    left_out += tuple(line for line in largest if not {line.origin, line.destination} <= places.keys())
    months = months_of(session, filters, detail=detail, disclosure=disclosure, lines=drawn)
    picture = picture_of(
        [
            Flow(
                origin=line.origin,
                destination=line.destination,
                group=line.group,
                mass_t=line.mass_t,
                deal_count=line.deals,
                months_t=months.get(line.key, ()),
            )
            for line in drawn
        ],
        places,
        detail=detail,
        remainder=Remainder(flow_count=len(left_out), mass_t=sum((line.mass_t for line in left_out), start=Decimal(0))),
        most=most,
    )
    return FlowPicture(
        picture=picture,
        months_t=_sums_by_month(months.values(), count=len(filters.period)),
        held_back_lines=lines.held_back_groups,
        held_back_deals=lines.held_back_deals,
    )


def _sums_by_month(lines: Iterable[Sequence[Decimal | None]], *, count: int) -> tuple[Decimal | None, ...]:
    sums: list[Decimal | None] = [None] * count
    for months in lines:
        for number, mass in enumerate(months):
            if mass is not None:
                sums[number] = (sums[number] or Decimal(0)) + mass
    return tuple(sums)


# Lines and their months ---------------------------------------------------------------------------------------------


def flow_lines(
    session: Session, filters: FlowFilters, *, detail: Detail, disclosure: Disclosure, sight: BBox | None = None
) -> Shown[FlowLine]:
    """The lines that may be shown, the largest first.

    `sight` is for those who may see positions: a box answers where a line's deals are, however small it is. To others
    the lines are the same whatever box they ask for.
    """
    if not disclosure.is_full:
        sight = None
    cells = flow_cells(filters, detail=detail, sight=sight)
    query = select(
        cells.c.origin,
        cells.c.destination,
        cells.c.group_key,
        func.count(cells.c.deal_id.distinct()),
        func.round(func.sum(cells.c.mass_t), 3),
        *_organisations(cells, disclosure),
    ).group_by(cells.c.origin, cells.c.destination, cells.c.group_key)
    if sight is not None:
        query = query.having(func.bool_or(cells.c.is_in_sight))
    lines = [
        FlowLine(
            origin=origin,
            destination=destination,
            group=group,
            deals=deals,
            organisations=len(set().union(*parties)),
            mass_t=mass_t,
        )
        for origin, destination, group, deals, mass_t, *parties in session.execute(query)
        if mass_t > 0
    ]
    lines.sort(key=lambda line: (-line.mass_t, line.key))
    return shown(lines, disclosure)


def months_of(
    session: Session, filters: FlowFilters, *, detail: Detail, disclosure: Disclosure, lines: Sequence[FlowLine]
) -> dict[LineKey, tuple[Decimal | None, ...]]:
    """The months of each line, None for one that may not be shown."""
    if not lines:
        return {}
    # By itself first: the planner would else join the few lines with every municipality and material there is.
    cells = (
        select(flow_cells(filters, detail=detail)).cte("all_cells").prefix_with("MATERIALIZED", dialect="postgresql")
    )
    key = tuple_(cells.c.origin, cells.c.destination, cells.c.group_key)
    rows = session.execute(
        select(
            cells.c.origin,
            cells.c.destination,
            cells.c.group_key,
            cells.c.month,
            func.count(cells.c.deal_id.distinct()),
            func.round(func.sum(cells.c.mass_t), 3),
            *_organisations(cells, disclosure),
        )
        .where(key.in_(_given([line.key for line in lines])))
        .group_by(cells.c.origin, cells.c.destination, cells.c.group_key, cells.c.month)
    )
    number = {month.first_day: index for index, month in enumerate(filters.period)}
    nothing = _MonthOfLine(deals=0, organisations=0, mass_t=Decimal(0))
    by_line: dict[LineKey, list[_MonthOfLine]] = {line.key: [nothing] * len(number) for line in lines}
    for origin, destination, group, month, deals, mass_t, *parties in rows:
        by_line[origin, destination, group][number[month]] = _MonthOfLine(
            deals=deals, organisations=len(set().union(*parties)), mass_t=mass_t
        )
    return {key: _shown_months(months, disclosure) for key, months in by_line.items()}


def _shown_months(months: Sequence[_MonthOfLine], disclosure: Disclosure) -> tuple[Decimal | None, ...]:
    kept = {id(month) for month in shown(months, disclosure).groups}
    return tuple(month.mass_t if id(month) in kept else None for month in months)


def _organisations(cells: FromClause, disclosure: Disclosure) -> list[ColumnElement[Any]]:
    """Givers and takers, where their number is asked for."""
    if disclosure.is_full:
        return []
    return [func.array_agg(side.distinct()) for side in (cells.c.giver_id, cells.c.taker_id)]


def _given(keys: Sequence[LineKey]) -> Select[Any, Any, Any]:
    """The keys as rows: three arrays, however many there are."""
    columns = [cast(list(column), ARRAY(String)) for column in zip(*keys, strict=True)]
    rows = func.unnest(*columns).table_valued("origin", "destination", "group_key").render_derived(name="given")
    return select(rows.c.origin, rows.c.destination, rows.c.group_key)
