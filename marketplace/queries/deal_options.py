"""What a deal can be made with: one's own needs, surpluses and places, and hubs on the way."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import ColumnElement, Select, any_, exists, select
from sqlalchemy.orm import Session, aliased, joinedload

from geo.assessment import LotKind
from geo.matching import counterparts
from geo.materials import taxonomy
from geo.postgis import geodesic_between_m, within_reach
from marketplace.models import Facility, Listing
from marketplace.queries.open_listings import is_open
from marketplace.queries.projects import project_options
from marketplace.types import FacilityKind, ListingKind, PriceKind

LISTINGS_AT_MOST = 50
HUBS_AT_MOST = 5
HUB_REACH_M = 40_000
"""Who hauls by way of a hub hauls twice; farther than this it eats what it saves (engineering judgement)."""
HUB_KINDS = (FacilityKind.INTERIM_STORAGE, FacilityKind.RECYCLING)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingOption:
    """Something that masses can be taken for. `value` names it in a form; what it has no say in is None."""

    value: str
    name: str
    organisation_id: int
    organisation_name: str
    listing: Listing | None = None
    project_id: int | None = None
    facility_id: int | None = None
    period: tuple[date, date] | None = None
    left_t: Decimal | None = None
    opening_hours: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A facility that takes the masses in for a while; `listing` is what says so."""

    listing: Listing
    name: str
    distance_m: float
    """Geodesic, from the surplus."""
    room_t: Decimal | None
    price_kind: PriceKind
    price_nok_per_t: Decimal | None


def taking_options(
    session: Session, *, surplus: Listing, organisation_ids: tuple[int, ...], today: date
) -> tuple[TakingOption, ...]:
    """What some organisations could take a surplus for: the nearest needs and receptions first, then projects."""
    serving = counterparts(LotKind.SURPLUS, material=surplus.material_key, taxonomy=taxonomy())
    listings = [
        _of_listing(listing)
        for kind in (LotKind.DEMAND, LotKind.RECEPTION)
        for listing in session.scalars(
            _own_open(ListingKind(kind.value), serving[kind], near=surplus, own=organisation_ids, today=today)
        )
    ]
    projects = [
        TakingOption(
            value=f"project:{project.id}",
            name=project.name,
            organisation_id=project.organisation_id,
            organisation_name=project.organisation_name,
            project_id=project.id,
            period=project.period,
        )
        for project in project_options(session, organisation_ids=organisation_ids, today=today)
        if project.period[1] >= today
    ]
    return (*listings, *projects, *_facilities(session, surplus=surplus, own=organisation_ids))


def _facilities(session: Session, *, surplus: Listing, own: tuple[int, ...]) -> tuple[TakingOption, ...]:
    """Own facilities that take the material in without saying so to others."""
    is_listed = exists().where(
        Listing.facility_id == Facility.id,
        Listing.material_key == surplus.material_key,
        Listing.kind == ListingKind.RECEPTION,
        Listing.status == "published",
    )
    query = (
        select(Facility)
        .where(Facility.organisation_id.in_(own), Facility.closed_at.is_(None), ~is_listed)
        .where(any_(Facility.accepts) == surplus.material_key)
        .options(joinedload(Facility.organisation))
        .order_by(Facility.id)
        .limit(LISTINGS_AT_MOST)
    )
    return tuple(
        TakingOption(
            value=f"facility:{facility.id}",
            name=facility.name,
            organisation_id=facility.organisation_id or 0,
            organisation_name=facility.organisation.name if facility.organisation else "",
            facility_id=facility.id,
            left_t=room_of(facility),
            opening_hours=facility.opening_hours or "",
        )
        for facility in session.scalars(query)
    )


def surplus_options(
    session: Session, *, taking: Listing, organisation_ids: tuple[int, ...], today: date
) -> tuple[Listing, ...]:
    """The published surpluses of some organisations that may serve, the nearest first."""
    kind = LotKind(taking.kind.value)
    materials = counterparts(kind, material=taking.material_key, taxonomy=taxonomy())[LotKind.SURPLUS]
    query = _own_open(ListingKind.SURPLUS, materials, near=taking, own=organisation_ids, today=today)
    return tuple(session.scalars(query))


def needs_near(
    session: Session, *, material_key: str, near_25833: WKBElement, without: tuple[int, ...], today: date
) -> tuple[TakingOption, ...]:
    """The nearest needs of others that masses could be sent on to."""
    materials = taxonomy().compatible_demands(material_key)
    query = (
        _with_names(select(Listing))
        .where(is_open(today), Listing.kind == ListingKind.DEMAND, Listing.material_key.in_(materials))
        .where(Listing.organisation_id.not_in(without))
        .order_by(Listing.material_key != material_key, Listing.position_25833.op("<->")(near_25833), Listing.id)
        .limit(LISTINGS_AT_MOST)
    )
    return tuple(_of_listing(listing) for listing in session.scalars(query))


def hubs_near(session: Session, *, surplus: Listing, without: tuple[int, ...], today: date) -> tuple[Hub, ...]:
    """The nearest interim storages and recycling plants that take a surplus's material in, of neither of the sides."""
    lot = aliased(Listing, name="lot")
    place: ColumnElement[Any] = lot.position_25833.expression
    distance_m: ColumnElement[float] = geodesic_between_m(Listing.position_25833, lot.position_25833)
    query = (
        select(Listing, Facility, distance_m.label("distance_m"))
        .join(Listing.facility)
        .join(lot, lot.id == surplus.id)
        .where(is_open(today), Listing.kind == ListingKind.RECEPTION, Listing.material_key == surplus.material_key)
        .where(Facility.kind.in_(HUB_KINDS), Listing.organisation_id.not_in(without))
        .where(within_reach(Listing.position_25833, place, reach_m=HUB_REACH_M), distance_m <= HUB_REACH_M)
        .order_by(distance_m, Listing.id)
        .limit(HUBS_AT_MOST)
    )
    return tuple(
        Hub(
            listing=row.Listing,
            name=row.Facility.name,
            distance_m=row.distance_m,
            room_t=room_of(row.Facility),
            price_kind=row.Listing.price_kind,
            price_nok_per_t=row.Listing.price_nok_per_t,
        )
        for row in session.execute(query)
    )


def room_of(facility: Facility) -> Decimal | None:
    """What is free of it and not promised; None where nobody has said."""
    room_t = facility.capacity_left_t if facility.capacity_left_t is not None else facility.capacity_t
    return None if room_t is None else max(room_t - facility.booked_peak_t, Decimal(0))


def left_of(listing: Listing) -> Decimal | None:
    """What of a listing can still be agreed; of what a facility takes in, the room that it has."""
    return room_of(listing.facility) if listing.facility is not None else listing.left_t


def _own_open(
    kind: ListingKind, materials: frozenset[str], *, near: Listing, own: tuple[int, ...], today: date
) -> Select[Any]:
    return (
        _with_names(select(Listing))
        .where(is_open(today), Listing.kind == kind, Listing.material_key.in_(materials))
        .where(Listing.organisation_id.in_(own))
        .order_by(
            Listing.material_key != near.material_key,
            Listing.position_25833.op("<->")(near.position_25833),
            Listing.id,
        )
        .limit(LISTINGS_AT_MOST)
    )


def _with_names(query: Select[Any]) -> Select[Any]:
    return query.options(
        joinedload(Listing.organisation),
        joinedload(Listing.project),
        joinedload(Listing.facility),
        joinedload(Listing.municipality),
    )


def _of_listing(listing: Listing) -> TakingOption:
    place = listing.facility or listing.project or listing.municipality
    return TakingOption(
        value=f"listing:{listing.id}",
        name=place.name,
        organisation_id=listing.organisation_id,
        organisation_name=listing.organisation.name,
        listing=listing,
        period=listing.period,
        left_t=left_of(listing),
        opening_hours=(listing.facility.opening_hours or "") if listing.facility else "",
    )
