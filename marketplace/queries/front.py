"""What the front page says of the whole marketplace: a few figures, where the listings are, and the newest ones."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import BigInteger, String, and_, column, func, literal_column, select, values
from sqlalchemy.orm import Session, aliased, joinedload

from geo.geometry import BBox
from geo.matching import DEFAULT_REACH_KM
from geo.materials import taxonomy
from geo.postgis import geodesic_between_m
from geo.units import M_PER_KM, SRID_LONLAT
from marketplace.models import Listing
from marketplace.queries.open_listings import is_open
from marketplace.types import ListingKind

REACH_M: Final = int(DEFAULT_REACH_KM * M_PER_KM)
MOST_DEMANDS: Final = 2_000
"""Of so many demands, the newest, it is looked up whether a surplus is within reach: each is a search of its own."""
ROOM_LON_DEG: Final = 0.06
ROOM_LAT_DEG: Final = 0.03
"""About 3 km each way: a pin at the edge of a map is hard to press, and one listing alone is no box."""
STRETCH: Final = 1.01
"""The square that is searched is wider than the reach by what the projection stretches, and a little more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Open listings of one kind, together."""

    count: int
    mass_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """`served_demands` of `looked_at_demands` have a surplus that may serve within `REACH_M`, in time.

    `facilities` have room for `receptions` materials; how much is not added up, since a facility's room is stated once
    for each of its materials.
    """

    surplus: Offer
    demand: Offer
    facilities: int
    receptions: int
    served_demands: int
    looked_at_demands: int
    extent: BBox | None


def overview(session: Session, *, today: date) -> Overview:
    totals = {
        kind: Offer(count=count, mass_t=mass_t)
        for kind, count, mass_t in session.execute(
            select(Listing.kind, func.count(), func.sum(Listing.left_t)).where(is_open(today)).group_by(Listing.kind)
        )
    }
    none = Offer(count=0, mass_t=Decimal(0))
    served, looked_at = served_demands(session, today=today)
    return Overview(
        surplus=totals.get(ListingKind.SURPLUS, none),
        demand=totals.get(ListingKind.DEMAND, none),
        facilities=open_facilities(session, today=today),
        receptions=totals.get(ListingKind.RECEPTION, none).count,
        served_demands=served,
        looked_at_demands=looked_at,
        extent=extent_of_listings(session, today=today),
    )


def open_facilities(session: Session, *, today: date) -> int:
    """How many facilities take something in just now."""
    query = select(func.count(Listing.facility_id.distinct()))
    return session.scalar(query.where(is_open(today), Listing.kind == ListingKind.RECEPTION)) or 0


def served_demands(session: Session, *, today: date) -> tuple[int, int]:
    """How many of the newest demands have a surplus that may serve, and how many were looked at.

    A surplus serves by its material (as such or after treatment), within `REACH_M`, and on a day of both periods.
    """
    demands = (
        select(Listing.id, Listing.material_key, Listing.position_25833, Listing.available_from, Listing.available_to)
        .where(is_open(today), Listing.kind == ListingKind.DEMAND)
        .order_by(Listing.renewed_at.desc(), Listing.id.desc())
        .limit(MOST_DEMANDS)
        .subquery("demands")
    )
    pairs = values(column("demanded", String), column("offered", String), name="pairs").data(
        [(demanded, offered) for demanded in taxonomy().materials for offered in taxonomy().compatible_offers(demanded)]
    )
    surplus = aliased(Listing, name="surplus")
    is_served = (
        select(surplus.id)
        .join(pairs, pairs.c.offered == surplus.material_key)
        .where(
            pairs.c.demanded == demands.c.material_key,
            surplus.kind == ListingKind.SURPLUS,
            surplus.status == literal_column("'published'"),  # a literal, as in `is_open`: for the partial index
            surplus.available_to >= today,
            surplus.position_25833.op("&&")(func.ST_Expand(demands.c.position_25833, REACH_M * STRETCH)),
            surplus.available_from <= demands.c.available_to,
            surplus.available_to >= demands.c.available_from,
            geodesic_between_m(surplus.position_25833, demands.c.position_25833) <= REACH_M,
        )
        .exists()
    )
    served, looked_at = session.execute(
        select(func.count().filter(is_served).cast(BigInteger), func.count()).select_from(demands)
    ).one()
    return int(served), int(looked_at)


def extent_of_listings(session: Session, *, today: date) -> BBox | None:
    """The box around the open listings with some room at its edges; None where there are none."""
    positions = func.ST_Expand(
        func.ST_Extent(func.ST_Transform(Listing.position_25833, SRID_LONLAT)), ROOM_LON_DEG, ROOM_LAT_DEG
    ).label("extent")
    extent = select(positions).where(is_open(today)).subquery()
    west, south, east, north = session.execute(
        select(*(corner(extent.c.extent) for corner in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)))
    ).one()
    return None if west is None else BBox(west=west, south=south, east=east, north=north)


def newest_listings(session: Session, *, kind: ListingKind, today: date, count: int) -> list[Listing]:
    """The open listings of a kind that were last put up or confirmed, with what a card shows of them."""
    query = (
        select(Listing)
        .where(and_(is_open(today), Listing.kind == kind))
        .options(joinedload(Listing.municipality), joinedload(Listing.organisation))
        .order_by(Listing.renewed_at.desc(), Listing.id.desc())
        .limit(count)
    )
    return list(session.scalars(query))
