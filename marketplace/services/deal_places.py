"""What a deal is between: the lot on one side, and what it is taken for on the other."""

from dataclasses import dataclass
from typing import Final

from geoalchemy2 import WKBElement
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Deal, Facility, Listing, Project
from marketplace.services.commitments import NOTHING, HeldPlaces, LeftOf, hold_places
from marketplace.types import ListingKind, ListingStatus, PausedReason

NO_PLACE: Final = N_("Choose what you take the masses for: a listing, a project or a facility of yours.")
NOT_YOURS: Final = N_("Choose one of your own listings, projects or facilities.")
NOT_PUBLISHED: Final = N_("This listing is not published any more.")
NOT_A_SURPLUS: Final = N_("Only a surplus can be asked for or offered.")
TAKES_NOTHING: Final = N_("This listing takes no masses.")
OWN_LISTING: Final = N_("A deal is between two organisations, and this listing is your own.")
NOT_TAKEN_IN: Final = N_("This facility does not take in this material.")
IS_CLOSED: Final = N_("This facility is closed.")
NO_HUB: Final = N_("Choose what a facility takes in as the hub.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingPlace:
    """What an organisation takes masses for: a demand or what its facility takes in, a project, or a facility."""

    organisation_id: int
    listing_id: int | None = None
    project_id: int | None = None
    facility_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of a deal, as it is kept with it."""

    name: str
    position_25833: WKBElement
    municipality_number: str
    project_id: int | None = None
    facility_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """Who takes, for which listing if for any, and where."""

    organisation_id: int
    listing: Listing | None
    into: Facility | None
    end: End


def hold_for(
    session: Session, *, surplus_id: int, taking: TakingPlace, hub_listing_id: int | None = None
) -> HeldPlaces:
    """Hold all that a new deal is to be about, in the order of `services.commitments`."""
    listing_ids = [each for each in (surplus_id, taking.listing_id, hub_listing_id) if each is not None]
    of_listings = session.scalars(
        select(Listing.facility_id).where(Listing.id.in_(listing_ids), Listing.facility_id.is_not(None))
    ).all()
    facility_ids = {each for each in (*of_listings, taking.facility_id) if each is not None}
    return hold_places(session, listing_ids=listing_ids, facility_ids=facility_ids)


def surplus_of(places: HeldPlaces, surplus_id: int) -> Listing:
    """The lot, which others can see.

    Raises:
        NotFound, Conflict.
    """
    listing = places.listings.get(surplus_id)
    if listing is None:
        raise NotFound
    if listing.kind is not ListingKind.SURPLUS:
        raise Conflict(NOT_A_SURPLUS)
    _require_published(listing, nothing_left=NOTHING[LeftOf.SURPLUS])
    return listing


def _require_published(listing: Listing, *, nothing_left: str) -> None:
    """Whoever comes too late is told that it is all agreed, and not only that it is out of sight."""
    if listing.status is not ListingStatus.PUBLISHED:
        raise Conflict(nothing_left if listing.paused_reason is PausedReason.FULL else NOT_PUBLISHED)


def taking_of(session: Session, places: HeldPlaces, taking: TakingPlace, *, material_key: str) -> Taking:
    """Who takes and where; the place is the organisation's own, and takes in the material if it is a facility.

    Raises:
        NotFound, Forbidden, Conflict, InvalidInput.
    """
    given = [each for each in (taking.listing_id, taking.project_id, taking.facility_id) if each is not None]
    if len(given) != 1:
        raise field_error("taking", NO_PLACE)
    if taking.listing_id is not None:
        found = _for_listing(places, taking.listing_id)
    elif taking.facility_id is not None:
        found = _for_facility(places, taking.facility_id)
    else:
        found = _for_project(session, taking)
    if found.organisation_id != taking.organisation_id:
        raise field_error("taking", NOT_YOURS)
    require_taken_in(found, material_key=material_key)
    return found


def _for_listing(places: HeldPlaces, listing_id: int) -> Taking:
    listing = places.listings.get(listing_id)
    if listing is None:
        raise NotFound
    if listing.kind is ListingKind.SURPLUS:
        raise Conflict(TAKES_NOTHING)
    is_room = listing.facility_id is not None
    _require_published(listing, nothing_left=NOTHING[LeftOf.ROOM if is_room else LeftOf.DEMAND])
    into = None if listing.facility_id is None else places.facilities[listing.facility_id]
    return Taking(organisation_id=listing.organisation_id, listing=listing, into=into, end=end_of_listing(listing))


def _for_facility(places: HeldPlaces, facility_id: int) -> Taking:
    facility = places.facilities.get(facility_id)
    if facility is None:
        raise NotFound
    if facility.organisation_id is None:
        raise Forbidden
    if facility.closed_at is not None:
        raise Conflict(IS_CLOSED)
    return Taking(organisation_id=facility.organisation_id, listing=None, into=facility, end=end_of_facility(facility))


def _for_project(session: Session, taking: TakingPlace) -> Taking:
    project = session.get(Project, taking.project_id)
    if project is None:
        raise NotFound
    return Taking(organisation_id=project.organisation_id, listing=None, into=None, end=end_of_project(project))


def require_taken_in(taking: Taking, *, material_key: str) -> None:
    """A facility's permit names what it may take in; what a demand can do with is for its owner to say.

    Raises:
        InvalidInput: the facility does not take in the material.
    """
    listing, facility = taking.listing, taking.into
    if facility is None:
        return
    takes = {listing.material_key} if listing is not None else set(facility.accepts)
    if material_key not in takes:
        raise InvalidInput(FieldError(field="taking", message=NOT_TAKEN_IN))


# Ends -------------------------------------------------------------------------------------------------------------


def end_of_listing(listing: Listing) -> End:
    """Where a listing really is; who makes a deal about it learns it when the deal is agreed."""
    exact = listing.exact_position_25833 if listing.hides_position else None
    project, facility = listing.project, listing.facility
    return End(
        name=(project or facility or listing.municipality).name,
        position_25833=listing.position_25833 if exact is None else exact,
        municipality_number=listing.municipality_number,
        project_id=listing.project_id,
        facility_id=listing.facility_id,
    )


def end_of_facility(facility: Facility) -> End:
    return End(
        name=facility.name,
        position_25833=facility.position_25833,
        municipality_number=facility.municipality_number,
        facility_id=facility.id,
    )


def end_of_project(project: Project) -> End:
    return End(
        name=project.name,
        position_25833=project.position_25833,
        municipality_number=project.municipality_number,
        project_id=project.id,
    )


def place(deal: Deal, *, origin: End, destination: End) -> None:
    """Keep with the deal where both its ends are."""
    deal.origin_name, deal.origin_position_25833 = origin.name, origin.position_25833
    deal.origin_municipality_number = origin.municipality_number
    deal.destination_name, deal.destination_position_25833 = destination.name, destination.position_25833
    deal.destination_municipality_number = destination.municipality_number
