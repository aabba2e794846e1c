"""Flows of masses from place to place: what was delivered, agreed or is being talked about, gathered for a map.

A flow's masses are those of deals. What was delivered stands in `DealMonth`, by the month of its loads; what is agreed
or offered is spread evenly over the days it is agreed or offered for. Mass by way of a hub is two flows, since it is
driven twice; what it comes to in the end is the dashboard's matter.

Who sees how much is `marketplace.disclosure`: a line on the map is a group, and each month of a line is one again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Interval,
    Numeric,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from geo import crs
from geo.flowmap import (
    GRID_CELL_M,
    GRID_FALSE_EASTING_M,
    MOST_DRAWN,
    Detail,
    Flow,
    Picture,
    Place,
    Remainder,
    grid_corner_m,
    picture_of,
)
from geo.geometry import BBox, Position
from geo.materials import MaterialGroup
from geo.months import MonthPeriod
from geo.units import SRID_LONLAT, SRID_STORED
from marketplace.disclosure import Disclosure, Shown, shown
from marketplace.models import Deal, DealMonth, DealOffer, GazetteerPlace, Listing, MaterialRow, Municipality, PlaceKind
from marketplace.queries.region_flows import Way
from marketplace.queries.regions import Region
from marketplace.types import DealStatus, OfferStatus

OPEN_DETAILS: Final = (Detail.COUNTY, Detail.MUNICIPALITY)
"""What those may see who are shown no places (`Disclosure.OPEN`)."""

type Expression = ColumnElement[Any] | InstrumentedAttribute[Any]
type LineKey = tuple[str, str, str]


class Stage(StrEnum):
    """How far masses have come. The three are separate figures, never added up."""

    PLANNED = "planned"
    """Offered in a deal that is still being talked about."""
    AGREED = "agreed"
    """By deals that run or are over: all that they say, driven or not."""
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFilters:
    """Which flows. No way, no material and no group is all of them."""

    region: Region
    period: MonthPeriod
    stage: Stage = Stage.DELIVERED
    way: Way | None = None
    groups: frozenset[MaterialGroup] = frozenset()
    materials: frozenset[str] = frozenset()


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
    places = places_of(session, filters, detail=detail, lines=largest)
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
    cells = _cells(filters, detail=detail, sight=sight)
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
    cells = select(_cells(filters, detail=detail)).cte("all_cells").prefix_with("MATERIALIZED", dialect="postgresql")
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
    found: dict[LineKey, list[_MonthOfLine]] = {line.key: [nothing] * len(number) for line in lines}
    for origin, destination, group, month, deals, mass_t, *parties in rows:
        found[origin, destination, group][number[month]] = _MonthOfLine(
            deals=deals, organisations=len(set().union(*parties)), mass_t=mass_t
        )
    return {key: _shown_months(months, disclosure) for key, months in found.items()}


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


# What each deal brings in each month --------------------------------------------------------------------------------


def _cells(filters: FlowFilters, *, detail: Detail, sight: BBox | None = None) -> Subquery:
    """A row a deal and month: `origin, destination, group_key, month, deal_id, giver_id, taker_id, mass_t`."""
    masses = _masses(filters)
    ends = [_end_key(detail, is_origin=is_origin) for is_origin in (True, False)]
    query = (
        select(
            ends[0].label("origin"),
            ends[1].label("destination"),
            MaterialRow.group.label("group_key"),
            masses.c.month,
            masses.c.mass_t,
            Deal.id.label("deal_id"),
            Deal.giver_organisation_id.label("giver_id"),
            Deal.taker_organisation_id.label("taker_id"),
            *([_in_sight(sight).label("is_in_sight")] if sight else []),
        )
        .select_from(masses)
        .join(Deal, Deal.id == masses.c.deal_id)
        .join(MaterialRow, MaterialRow.key == Deal.material_key)
        .where(*_scope(filters))
    )
    if detail is Detail.COUNTY:
        query = query.join(FROM, FROM.number == Deal.origin_municipality_number).join(
            TO, TO.number == Deal.destination_municipality_number
        )
    if detail is Detail.PROJECT:
        query = query.join(SURPLUS, SURPLUS.id == Deal.surplus_id)
    return query.subquery("cells")


FROM = aliased(Municipality, name="from_municipality")
TO = aliased(Municipality, name="to_municipality")
SURPLUS = aliased(Listing, name="surplus")


def _masses(filters: FlowFilters) -> Subquery:
    """The mass of each deal in each month of the period."""
    if filters.stage is Stage.DELIVERED:
        return (
            select(DealMonth.deal_id, DealMonth.month, DealMonth.delivered_t.label("mass_t"))
            .where(DealMonth.month.between(*filters.period.days))
            .subquery("masses")
        )
    if filters.stage is Stage.AGREED:
        query = select(Deal.id, Deal.agreed_t, Deal.agreed_from, Deal.agreed_to).where(
            Deal.status.in_([DealStatus.AGREED, DealStatus.COMPLETED])
        )
    else:
        query = (
            select(Deal.id, DealOffer.mass_t, DealOffer.starts_on, DealOffer.ends_on)
            .join(DealOffer, DealOffer.deal_id == Deal.id)
            .where(Deal.status == DealStatus.NEGOTIATING, DealOffer.status == OfferStatus.OPEN)
        )
    return _spread(query.subquery("terms"), filters)


def _spread(terms: Subquery, filters: FlowFilters) -> Subquery:
    """A mass for some days, spread evenly over them and gathered by month."""
    deal_id, mass_t, first, last = terms.c
    earliest, latest = filters.period.days
    begin = func.greatest(cast(func.date_trunc("month", cast(first, DateTime)), Date), earliest)
    months = (
        func.generate_series(
            cast(begin, DateTime),
            cast(func.least(last, latest), DateTime),
            literal("1 month").cast(Interval),
        )
        .table_valued("month")
        .render_derived(name="months")
    )
    month = cast(months.c.month, Date)
    days = func.least(last, _month_end(month)) - func.greatest(first, month) + 1
    return (
        select(
            deal_id.label("deal_id"),
            month.label("month"),
            (cast(mass_t, Numeric) * days / (last - first + 1)).label("mass_t"),
        )
        .select_from(terms)
        .join(months, days > 0)
        .subquery("masses")
    )


def _month_end(month: Expression) -> ColumnElement[Any]:
    return cast(cast(month, DateTime) + literal("1 month").cast(Interval), Date) - 1


def _scope(filters: FlowFilters) -> list[ColumnElement[bool]]:
    region, origin, destination = filters.region, Deal.origin_municipality_number, Deal.destination_municipality_number
    scope = [region.touches(origin, destination)]
    if filters.way is not None and not region.is_everywhere:
        leaves, stays = region.has(origin), region.has(destination)
        scope.append({Way.OUT: ~stays, Way.IN: ~leaves, Way.WITHIN: and_(leaves, stays)}[filters.way])
    if filters.groups:
        scope.append(MaterialRow.group.in_(sorted(filters.groups)))
    if filters.materials:
        scope.append(Deal.material_key.in_(sorted(filters.materials)))
    return scope


def _in_sight(sight: BBox) -> ColumnElement[bool]:
    box = from_shape(crs.stored_box(sight.west, sight.south, sight.east, sight.north), srid=SRID_STORED)
    return or_(
        Deal.origin_position_25833.bool_op("&&")(box),
        Deal.destination_position_25833.bool_op("&&")(box),
    )


def _end_key(detail: Detail, *, is_origin: bool) -> ColumnElement[Any]:
    """What a deal's end is gathered under."""
    number = Deal.origin_municipality_number if is_origin else Deal.destination_municipality_number
    position = Deal.origin_position_25833 if is_origin else Deal.destination_position_25833
    match detail:
        case Detail.COUNTY:
            return (FROM if is_origin else TO).county_number.expression
        case Detail.MUNICIPALITY:
            return number.expression
        case Detail.GRID:
            return _square(position)
        case Detail.PROJECT:
            return _project_key(is_origin=is_origin)


def _square(position: Expression) -> ColumnElement[Any]:
    """The twin of `geo.flowmap.grid_number`, as text."""

    def corner(coordinate: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(func.floor(coordinate / GRID_CELL_M), BigInteger) * GRID_CELL_M

    easting, northing = func.ST_X(position, type_=Numeric), func.ST_Y(position, type_=Numeric)
    return cast((GRID_FALSE_EASTING_M + corner(easting)) * 10**7 + corner(northing), String)


def _project_key(*, is_origin: bool) -> ColumnElement[Any]:
    """A facility, a project, or else the listing or the deal itself: a letter and a number."""
    if is_origin:
        return case(
            (Deal.origin_facility_id.is_not(None), _named("f", Deal.origin_facility_id)),
            (SURPLUS.project_id.is_not(None), _named("p", SURPLUS.project_id)),
            else_=_named("l", Deal.surplus_id),
        )
    return case(
        (Deal.destination_facility_id.is_not(None), _named("f", Deal.destination_facility_id)),
        (Deal.destination_project_id.is_not(None), _named("p", Deal.destination_project_id)),
        (Deal.taking_listing_id.is_not(None), _named("l", Deal.taking_listing_id)),
        else_=_named("d", Deal.id),
    )


def _named(letter: str, number: Expression) -> ColumnElement[Any]:
    return literal(letter) + cast(number, String)


# Where they are -----------------------------------------------------------------------------------------------------


def places_of(session: Session, filters: FlowFilters, *, detail: Detail, lines: Iterable[FlowLine]) -> dict[str, Place]:
    """The ends of some lines, by key, without those whose position is not known: municipalities of the past.

    A square is called after the named place nearest to its middle.
    """
    keys = sorted({end for line in lines for end in (line.origin, line.destination)})
    if not keys:
        return {}
    match detail:
        case Detail.COUNTY | Detail.MUNICIPALITY:
            return _divisions(session, keys, detail)
        case Detail.GRID:
            return _squares(session, keys)
        case Detail.PROJECT:
            return _projects(session, filters, keys)


def _divisions(session: Session, keys: Collection[str], detail: Detail) -> dict[str, Place]:
    """Counties and municipalities, where the gazetteer has them."""
    place = GazetteerPlace
    key = func.split_part(place.source_key, ":", 2)
    kind = PlaceKind.COUNTY if detail is Detail.COUNTY else PlaceKind.MUNICIPALITY
    rows = session.execute(
        select(key, place.name, func.ST_X(place.position_25833), func.ST_Y(place.position_25833)).where(
            place.kind == kind, place.source_key.in_([f"{kind.value}:{key}" for key in keys])
        )
    ).all()
    found = {number: _place(number, name, x, y) for number, name, x, y in rows}
    missing = [key for key in keys if key not in found]
    return found | (_middles(session, missing, detail) if missing else {})


def _middles(session: Session, keys: Sequence[str], detail: Detail) -> dict[str, Place]:
    """A place inside those that the gazetteer lacks."""
    number = Municipality.county_number if detail is Detail.COUNTY else Municipality.number
    middle = func.ST_PointOnSurface(func.ST_Collect(Municipality.area_25833))
    rows = session.execute(
        select(number, func.min(Municipality.name), func.ST_X(middle), func.ST_Y(middle))
        .where(number.in_(keys), Municipality.area_25833.is_not(None))
        .group_by(number)
    )
    return {key: _place(key, name, x, y) for key, name, x, y in rows}


def _squares(session: Session, keys: Sequence[str]) -> dict[str, Place]:
    middles = {}
    for key in keys:
        east, north = grid_corner_m(int(key))
        middles[key] = shapely.Point(east + GRID_CELL_M / 2, north + GRID_CELL_M / 2)
    xs, ys = ([getattr(point, axis) for point in middles.values()] for axis in "xy")
    given = (
        func.unnest(cast(list(middles), ARRAY(String)), cast(xs, ARRAY(Numeric)), cast(ys, ARRAY(Numeric)))
        .table_valued("key", "x", "y")
        .render_derived(name="given")
    )
    middle = func.ST_SetSRID(func.ST_MakePoint(given.c.x, given.c.y), SRID_STORED)
    nearest = (
        select(GazetteerPlace.name)
        .where(GazetteerPlace.kind.in_([PlaceKind.TOWN, PlaceKind.PLACE]))
        .order_by(GazetteerPlace.position_25833.op("<->")(middle))
        .limit(1)
        .scalar_subquery()
    )
    return {
        key: _place(key, name or key, middles[key].x, middles[key].y)
        for key, name in session.execute(select(given.c.key, nearest))
    }


def _projects(session: Session, filters: FlowFilters, keys: Sequence[str]) -> dict[str, Place]:
    """Where deals have said that they are; the name is that of the latest."""
    ends = union_all(
        *(
            select(
                _project_key(is_origin=is_origin).label("key"),
                (Deal.origin_name if is_origin else Deal.destination_name).label("name"),
                (Deal.origin_position_25833 if is_origin else Deal.destination_position_25833).label("position"),
                Deal.id.label("deal_id"),
            )
            .join(SURPLUS, SURPLUS.id == Deal.surplus_id)
            .where(filters.region.touches(Deal.origin_municipality_number, Deal.destination_municipality_number))
            for is_origin in (True, False)
        )
    ).subquery("ends")
    rows = session.execute(
        select(
            ends.c.key,
            func.array_agg(aggregate_order_by(ends.c.name, ends.c.deal_id.desc()))[1],
            func.avg(func.ST_X(ends.c.position)),
            func.avg(func.ST_Y(ends.c.position)),
        )
        .where(ends.c.key.in_(keys))
        .group_by(ends.c.key)
    )
    return {key: _place(key, name, x, y) for key, name, x, y in rows}


def _place(key: str, name: str, easting_m: float, northing_m: float) -> Place:
    lon, lat = crs.transform_point(
        float(easting_m), float(northing_m), source_srid=SRID_STORED, target_srid=SRID_LONLAT
    )
    return Place(key=key, name=name, position=Position(lon=lon, lat=lat))


def names_of(picture: Picture) -> Mapping[str, str]:
    return {place.key: place.name for place in picture.places}
