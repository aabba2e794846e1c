"""Deliveries deal by deal for those who may see so much, and what else the exports of flows say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from geo.crs import from_stored
from geo.geometry import Position
from geo.impact import Ledger, Measure, Method, is_plausible_kg
from geo.postgis import lon_lat
from geo.pyramid import Level
from geo.quantities import Quantity
from marketplace.models import Deal, DealImpact, DealMonth, FactorSet, Municipality, Organisation
from marketplace.queries.region_flows import SOURCE, FlowScope, co2e_kg, counted_t

AT_A_TIME: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredMonth:
    """What came of a deal in a month."""

    deal_id: int
    month: date
    material_key: str
    level: Level
    origin_number: str
    destination_number: str
    origin_name: str
    destination_name: str
    giver: str
    taker: str
    loads: int
    delivered_t: Decimal
    mass_t: Decimal
    ledger: Ledger
    method: Method | None
    is_plausible: bool | None
    """None where nothing counts."""
    is_example: bool
    origin: Position
    destination: Position


def delivered_months(session: Session, scope: FlowScope) -> Iterator[DeliveredMonth]:
    """What came of each deal that begins or ends in a region, month by month, a few at a time."""
    giver, taker = aliased(Organisation, name="giver"), aliased(Organisation, name="taker")
    from_lon, from_lat = lon_lat(Deal.origin_position_25833)
    to_lon, to_lat = lon_lat(Deal.destination_position_25833)
    query = (
        select(
            DealMonth,
            counted_t(DealMonth).label("counted_t"),
            Deal.origin_name,
            Deal.destination_name,
            Deal.is_example,
            DealImpact.method,
            co2e_kg().label("co2e_kg"),
            giver.name.label("giver"),
            taker.name.label("taker"),
            from_lon.label("from_lon"),
            from_lat.label("from_lat"),
            to_lon.label("to_lon"),
            to_lat.label("to_lat"),
        )
        .join(Deal, Deal.id == DealMonth.deal_id)
        .outerjoin(DealImpact, and_(DealImpact.deal_id == Deal.id, DealImpact.is_current))
        .join(giver, giver.id == Deal.giver_organisation_id)
        .join(taker, taker.id == Deal.taker_organisation_id)
        .where(scope.selects(DealMonth), DealMonth.loads > 0)
        .order_by(DealMonth.deal_id, DealMonth.month)
    )
    for row in session.execute(query, execution_options={"yield_per": AT_A_TIME}):
        month: DealMonth = row.DealMonth
        yield DeliveredMonth(
            deal_id=month.deal_id,
            month=month.month,
            material_key=month.material_key,
            level=month.level,
            origin_number=month.origin_municipality_number,
            destination_number=month.destination_municipality_number,
            origin_name=row.origin_name,
            destination_name=row.destination_name,
            giver=row.giver,
            taker=row.taker,
            loads=month.loads,
            delivered_t=month.delivered_t,
            mass_t=row.counted_t,
            ledger={
                measure: Quantity(
                    value=month.central[at], low=month.low[at], high=month.high[at], unit=measure.unit, source=SOURCE
                )
                for at, measure in enumerate(Measure)
            },
            method=row.method,
            is_plausible=is_plausible_kg(row.co2e_kg, mass_t=row.counted_t) if row.counted_t else None,
            is_example=row.is_example,
            origin=Position(lon=row.from_lon, lat=row.from_lat),
            destination=Position(lon=row.to_lon, lat=row.to_lat),
        )


def has_examples(session: Session, scope: FlowScope) -> bool:
    """Whether any of the flows is invented, to show how it works."""
    found = (
        select(DealMonth.deal_id)
        .join(Deal, Deal.id == DealMonth.deal_id)
        .where(Deal.is_example, scope.selects(DealMonth), DealMonth.loads > 0)
    )
    return bool(session.scalar(select(found.exists())))


def factor_sets_used(session: Session, scope: FlowScope) -> tuple[str, ...]:
    """The versions of the factors that the flows' figures were worked out with."""
    query = (
        select(FactorSet.version)
        .join(DealImpact, DealImpact.factor_set_id == FactorSet.id)
        .join(DealMonth, DealMonth.deal_id == DealImpact.deal_id)
        .where(DealImpact.is_current, scope.selects(DealMonth), DealMonth.loads > 0)
        .distinct()
        .order_by(FactorSet.version)
    )
    return tuple(session.scalars(query))


def municipality_places(session: Session, numbers: Iterable[str]) -> Mapping[str, tuple[str, Position | None]]:
    """Name and a place inside each of these municipalities, by number."""
    query = select(
        Municipality.number, Municipality.name, func.ST_PointOnSurface(Municipality.area_25833).label("inside")
    ).where(Municipality.number.in_(sorted(set(numbers))))
    found: dict[str, tuple[str, Position | None]] = {}
    for number, name, inside in session.execute(query):
        point = None if inside is None else from_stored(to_shape(inside))
        place = Position(lon=point.x, lat=point.y) if isinstance(point, shapely.Point) else None
        found[number] = (name, place)
    return found
