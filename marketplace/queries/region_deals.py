"""The deals behind a region's figures, and the projects that give and take most: for who may see all of a region.

Everybody else finds their own deals here. Prices and contacts are not for third parties, and not read.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from geo.impact import Measure, Method, is_plausible_kg
from geo.months import Month
from geo.pyramid import Level
from marketplace.models import Deal, DealImpact, DealMonth, Facility, Listing, Municipality, Organisation, Project
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.queries.region_flows import PLACES, FlowScope, Way, co2e_kg, counted_t, way_of

DEALS_PER_PAGE: Final = 50
TOP: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionDeal:
    """A deal with what it brought in the period asked for."""

    id: int
    way: Way
    material_key: str
    level: Level
    first: Month
    last: Month
    loads: int
    delivered_t: Decimal
    avoided_t: Decimal
    transport_co2e_kg: Decimal
    co2e_kg: Decimal
    """Of all three ledgers, to see whether it is plausible; never shown."""
    method: Method | None
    """How its distances were found; None before anything is frozen."""
    giver: str
    giver_id: int
    taker: str
    taker_id: int
    origin: str
    """The project or the facility it comes from."""
    origin_municipality: str
    destination: str
    destination_municipality: str
    is_example: bool

    @property
    def is_estimate(self) -> bool:
        return self.method is Method.ESTIMATE

    @property
    def is_plausible(self) -> bool:
        return is_plausible_kg(self.co2e_kg, mass_t=self.avoided_t)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFlows:
    """What a project gave and took."""

    id: int
    name: str
    municipality_number: str
    organisation: str
    out_t: Decimal
    in_t: Decimal
    transport_co2e_kg: Decimal
    deals: int


def deals_of_region(
    session: Session,
    scope: FlowScope,
    *,
    project_id: int | None = None,
    organisation_ids: tuple[int, ...] | None = None,
    cursor: Cursor,
    size: int = DEALS_PER_PAGE,
) -> IdPage[RegionDeal]:
    """The deals that delivered what a scope means, the newest first.

    `organisation_ids` are those whose deals are asked for alone; None for all, which only FULL disclosure allows.
    """
    return page_by_id(
        session,
        _deals(scope, project_id=project_id, organisation_ids=organisation_ids),
        key=Deal.id,
        make=_deal,
        id_of=lambda deal: deal.id,
        cursor=cursor,
        size=size,
    )


def count_deals_of_region(
    session: Session,
    scope: FlowScope,
    *,
    project_id: int | None = None,
    organisation_ids: tuple[int, ...] | None = None,
) -> tuple[int, int, Decimal]:
    """How many deals, how many loads and how many tonnes `deals_of_region` has in all."""
    meant = _meant(scope, project_id=project_id, organisation_ids=organisation_ids)
    row = session.execute(
        select(
            func.count(DealMonth.deal_id.distinct()),
            func.coalesce(func.sum(DealMonth.loads), 0),
            func.coalesce(func.sum(DealMonth.delivered_t), 0),
        )
        .join(Deal, Deal.id == DealMonth.deal_id)
        .join(Listing, Listing.id == Deal.surplus_id)
        .where(meant)
    ).one()
    return row[0], int(row[1]), Decimal(row[2])


def _meant(
    scope: FlowScope, *, project_id: int | None, organisation_ids: tuple[int, ...] | None
) -> ColumnElement[bool]:
    asked = [scope.selects(DealMonth), DealMonth.loads > 0]
    if project_id is not None:
        given = and_(Listing.project_id == project_id, Deal.source_deal_id.is_(None))
        asked.append(or_(given, Deal.destination_project_id == project_id))
    if organisation_ids is not None:
        asked.append(
            or_(Deal.giver_organisation_id.in_(organisation_ids), Deal.taker_organisation_id.in_(organisation_ids))
        )
    return and_(*asked)


def _deals(scope: FlowScope, *, project_id: int | None, organisation_ids: tuple[int, ...] | None) -> Select[Any]:
    sums = (
        select(
            DealMonth.deal_id,
            func.min(DealMonth.level).label("level"),
            func.min(DealMonth.month).label("first"),
            func.max(DealMonth.month).label("last"),
            func.sum(DealMonth.loads).label("loads"),
            func.sum(DealMonth.delivered_t).label("delivered_t"),
            func.sum(counted_t(DealMonth)).label("avoided_t"),
            func.sum(DealMonth.central[PLACES[Measure.TRANSPORT_CO2E_KG]]).label("transport_co2e_kg"),
            func.sum(co2e_kg()).label("co2e_kg"),
        )
        .join(Deal, Deal.id == DealMonth.deal_id)
        .join(Listing, Listing.id == Deal.surplus_id)
        .where(_meant(scope, project_id=project_id, organisation_ids=organisation_ids))
        .group_by(DealMonth.deal_id)
        .subquery("sums")
    )
    giver, taker = aliased(Organisation, name="giver"), aliased(Organisation, name="taker")
    begins, ends = aliased(Municipality, name="begins"), aliased(Municipality, name="ends")
    hub, end_facility = aliased(Facility, name="hub"), aliased(Facility, name="end_facility")
    start, end = aliased(Project, name="start"), aliased(Project, name="end_project")
    return (
        select(
            Deal.id,
            way_of(Deal, scope.region).label("way"),
            Deal.material_key,
            sums.c.level,
            sums.c.first,
            sums.c.last,
            sums.c.loads,
            sums.c.delivered_t,
            sums.c.avoided_t,
            sums.c.transport_co2e_kg,
            sums.c.co2e_kg,
            DealImpact.method,
            giver.name.label("giver"),
            giver.id.label("giver_id"),
            taker.name.label("taker"),
            taker.id.label("taker_id"),
            func.coalesce(hub.name, start.name, Deal.origin_name).label("origin"),
            begins.name.label("origin_municipality"),
            func.coalesce(end.name, end_facility.name, Deal.destination_name).label("destination"),
            ends.name.label("destination_municipality"),
            Deal.is_example,
        )
        .join(sums, sums.c.deal_id == Deal.id)
        .join(Listing, Listing.id == Deal.surplus_id)
        .outerjoin(DealImpact, and_(DealImpact.deal_id == Deal.id, DealImpact.is_current))
        .join(giver, giver.id == Deal.giver_organisation_id)
        .join(taker, taker.id == Deal.taker_organisation_id)
        .join(begins, begins.number == Deal.origin_municipality_number)
        .join(ends, ends.number == Deal.destination_municipality_number)
        .outerjoin(hub, hub.id == Deal.origin_facility_id)
        .outerjoin(start, start.id == Listing.project_id)
        .outerjoin(end, end.id == Deal.destination_project_id)
        .outerjoin(end_facility, end_facility.id == Deal.destination_facility_id)
    )


def _deal(row: Row[Any]) -> RegionDeal:
    values = dict(row._mapping)
    first, last = values.pop("first"), values.pop("last")
    way, level = values.pop("way"), values.pop("level")
    return RegionDeal(**values, way=Way(way), level=Level(level), first=_month(first), last=_month(last))


def _month(day: date) -> Month:
    return Month.of(day)


def top_projects(session: Session, scope: FlowScope, *, limit: int = TOP) -> tuple[ProjectFlows, ...]:
    """The projects in a region that gave and took most, together; the largest first."""
    transport = DealMonth.central[PLACES[Measure.TRANSPORT_CO2E_KG]]
    meant = and_(scope.selects(DealMonth), DealMonth.loads > 0)
    gave = (
        select(
            Listing.project_id.label("project_id"),
            DealMonth.deal_id.label("deal_id"),
            DealMonth.delivered_t.label("out_t"),
            literal(Decimal(0)).label("in_t"),
            transport.label("co2e_kg"),
        )
        .join(Deal, Deal.id == DealMonth.deal_id)
        .join(Listing, Listing.id == Deal.surplus_id)
        .where(meant, Listing.project_id.is_not(None), Deal.source_deal_id.is_(None))
    )
    took = (
        select(
            Deal.destination_project_id,
            DealMonth.deal_id,
            literal(Decimal(0)),
            DealMonth.delivered_t,
            transport,
        )
        .join(Deal, Deal.id == DealMonth.deal_id)
        .where(meant, Deal.destination_project_id.is_not(None))
    )
    both = union_all(gave, took).subquery("both")
    mass_t = func.sum(both.c.out_t) + func.sum(both.c.in_t)
    rows = session.execute(
        select(
            Project.id,
            Project.name,
            Project.municipality_number,
            Organisation.name.label("organisation"),
            func.sum(both.c.out_t).label("out_t"),
            func.sum(both.c.in_t).label("in_t"),
            func.sum(both.c.co2e_kg).label("transport_co2e_kg"),
            func.count(both.c.deal_id.distinct()).label("deals"),
        )
        .join(both, both.c.project_id == Project.id)
        .join(Organisation, Organisation.id == Project.organisation_id)
        .where(scope.region.has(Project.municipality_number))
        .group_by(Project.id, Project.name, Project.municipality_number, Organisation.name)
        .order_by(mass_t.desc(), Project.id)
        .limit(limit)
    )
    return tuple(ProjectFlows(**row._mapping) for row in rows)
