"""What each deal brings to a flow in each month, before it is gathered into lines: the rows under the flow map.

A flow's masses are those of deals. What was delivered stands in `DealMonth`, by the month of its loads; what is agreed
or offered is spread evenly over the days it is agreed or offered for. Mass by way of a hub is two flows, since it is
driven twice; what it comes to in the end is the dashboard's matter.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from geoalchemy2.shape import from_shape
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Interval,
    Numeric,
    String,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from geo import crs
from geo.flowmap import GRID_CELL_M, GRID_FALSE_EASTING_M, Detail
from geo.geometry import BBox
from geo.materials import MaterialGroup
from geo.months import MonthPeriod
from geo.units import SRID_STORED
from marketplace.models import Deal, DealMonth, DealOffer, Listing, MaterialRow, Municipality
from marketplace.queries.region_flows import Way
from marketplace.queries.regions import Region
from marketplace.types import DealStatus, OfferStatus

type Expression = ColumnElement[Any] | InstrumentedAttribute[Any]


class Progress(StrEnum):
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
    stage: Progress = Progress.DELIVERED
    way: Way | None = None
    groups: frozenset[MaterialGroup] = frozenset()
    materials: frozenset[str] = frozenset()


def flow_cells(filters: FlowFilters, *, detail: Detail, sight: BBox | None = None) -> Subquery:
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
    if filters.stage is Progress.DELIVERED:
        return (
            select(DealMonth.deal_id, DealMonth.month, DealMonth.delivered_t.label("mass_t"))
            .where(DealMonth.month.between(*filters.period.days))
            .subquery("masses")
        )
    if filters.stage is Progress.AGREED:
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
            return project_key(is_origin=is_origin)


def _square(position: Expression) -> ColumnElement[Any]:
    """The twin of `geo.flowmap.grid_number`, as text."""

    def corner(coordinate: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(func.floor(coordinate / GRID_CELL_M), BigInteger) * GRID_CELL_M

    easting, northing = func.ST_X(position, type_=Numeric), func.ST_Y(position, type_=Numeric)
    return cast((GRID_FALSE_EASTING_M + corner(easting)) * 10**7 + corner(northing), String)


def project_key(*, is_origin: bool) -> ColumnElement[Any]:
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
