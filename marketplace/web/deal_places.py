"""Where a deal's masses come from and go to, as one side may know it, and whom to call there."""

from dataclasses import dataclass

from flask_babel import gettext as _
from geoalchemy2 import WKBElement
from geoalchemy2.shape import to_shape
from shapely import Point

from geo.crs import from_stored
from geo.geometry import Position
from geo.materials import taxonomy
from geo.routing import Leg
from marketplace import db
from marketplace.filters import tonnes
from marketplace.maps import MapParts
from marketplace.models import Deal, DealOffer, Listing
from marketplace.queries.positions import Blur
from marketplace.queries.projects import position_of
from marketplace.services.routes import route_between, stop_of
from marketplace.types import ListingKind, OfferStatus, Side
from marketplace.web.places import Feature, about_feature, rounded_line, still_map


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One end of a deal; not `is_exact` where only somewhere within about a kilometre of it may be known."""

    name: str
    municipality_name: str
    municipality_number: str
    position: Position
    is_exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    origin: Place
    destination: Place

    @property
    def distance_m(self) -> float:
        """Geodesic."""
        return self.origin.position.distance_m(self.destination.position)

    @property
    def is_exact(self) -> bool:
        return self.origin.is_exact and self.destination.is_exact


def is_open(deal: Deal) -> bool:
    """Whether contacts and exact places are open to both sides: from the agreement on, whatever becomes of it."""
    return deal.agreed_at is not None


def ends_of(deal: Deal, *, knows: frozenset[Side]) -> Ends:
    """Both ends, as those know them who stand on the sides `knows`."""
    return Ends(origin=_origin(deal, knows=knows), destination=_destination(deal, knows=knows))


def _origin(deal: Deal, *, knows: frozenset[Side]) -> Place:
    is_exact = is_open(deal) or Side.GIVER in knows or deal.origin_facility_id is not None
    is_exact = is_exact or not deal.surplus.hides_position
    return Place(
        name=deal.origin_name,
        municipality_name=deal.origin_municipality.name,
        municipality_number=deal.origin_municipality.number,
        position=_degrees(deal.origin_position_25833) if is_exact else position_of(deal.surplus),
        is_exact=is_exact,
    )


def _destination(deal: Deal, *, knows: frozenset[Side]) -> Place:
    listing = deal.taking_listing
    is_exact = is_open(deal) or Side.TAKER in knows or deal.destination_facility_id is not None
    if listing is not None:
        is_exact = is_exact or not listing.hides_position
    exact = _degrees(deal.destination_position_25833)
    return Place(
        name=deal.destination_name,
        municipality_name=deal.destination_municipality.name,
        municipality_number=deal.destination_municipality.number,
        position=exact if is_exact else _blurred(deal, listing, exact),
        is_exact=is_exact,
    )


def _blurred(deal: Deal, listing: Listing | None, exact: Position) -> Position:
    if listing is not None:
        return position_of(listing)
    return Blur(db.session, organisation_id=deal.taker_organisation_id).position(exact)


def _degrees(point_25833: WKBElement) -> Position:
    point = from_stored(to_shape(point_25833))
    assert isinstance(point, Point)
    return Position(lon=point.x, lat=point.y)


def way_of(ends: Ends) -> Leg:
    """How the masses go, between the places that the visitor may know."""
    origin, destination = (
        stop_of(place.position, place.municipality_number) for place in (ends.origin, ends.destination)
    )
    return route_between(db.session, origin, destination)


def map_of(deal: Deal, ends: Ends, way: Leg) -> MapParts:
    """Both ends and the way between them, straight where the road is not known; a circle around an end that is not
    known exactly."""
    road = rounded_line(way.line or ())
    line: Feature = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [_lonlat(ends.origin), *road, _lonlat(ends.destination)]},
        "properties": {"role": "link", "id": deal.id, "is_near": False},
    }
    circles = [
        about_feature(place.position, title=_("The masses are somewhere in this circle"))
        for place in (ends.origin, ends.destination)
        if not place.is_exact
    ]
    pins = [
        _pin(deal, ends.origin, kind=ListingKind.SURPLUS, is_self=True),
        _pin(deal, ends.destination, kind=ListingKind.DEMAND, is_self=False),
    ]
    return still_map("deal", [*circles, line, *pins], middle=ends.origin.position)


def _pin(deal: Deal, place: Place, *, kind: ListingKind, is_self: bool) -> Feature:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": _lonlat(place)},
        "properties": {
            "id": deal.id,
            "kind": kind.value,
            "group": taxonomy().material(deal.material_key).group.value,
            "title": place.name,
            "quantity": tonnes(deal.agreed_t or latest_offer(deal).mass_t),
            "details": [place.municipality_name],
            "is_example": deal.is_example,
            **({"role": "self"} if is_self else {}),
        },
    }


def _lonlat(place: Place) -> list[float]:
    return [round(place.position.lon, 6), round(place.position.lat, 6)]


def latest_offer(deal: Deal) -> DealOffer:
    return deal.offers[-1]


def contacts_of(deal: Deal, side: Side) -> tuple[Contact, ...]:
    """Who of a side has made or answered offers, the last first."""
    people: dict[int, Contact] = {}
    for offer in reversed(deal.offers):
        acted = [(offer.made_by, offer.maker)]
        if offer.answerer is not None and offer.status in (OfferStatus.ACCEPTED, OfferStatus.DECLINED):
            acted.append((offer.made_by.other, offer.answerer))
        for its_side, person in acted:
            if its_side is side and not offer.is_suggestion:
                people.setdefault(person.id, Contact(name=person.name, email=person.email))
    return tuple(people.values())
