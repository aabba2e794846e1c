"""Results of a search by road: how far they lie from its centre."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from geo.routing import Leg, Method, Stop
from marketplace import routing
from marketplace.queries.search import Hit
from marketplace.queries.search_filters import Centre
from marketplace.services.routes import Pair, legs_between, stop_of
from marketplace.types import ListingKind


def hits_by_road(
    session: Session, hits: Sequence[Hit], *, centre: Centre | None, is_nearest_first: bool
) -> list[tuple[Hit, Leg | None]]:
    """The hits with the way that their masses would go, None where there is no centre.

    By road they change places only among themselves, and only where a network of roads is in use.
    """
    if centre is None or not hits:
        return [(hit, None) for hit in hits]
    pairs = [_pair(hit, centre) for hit in hits]
    legs = legs_between(session, pairs)
    order: Sequence[int] = range(len(hits))
    if is_nearest_first and routing.router().method is Method.ROAD:
        order = sorted(order, key=lambda place: (legs[place].distance_m, hits[place].id))
    return [(hits[place], legs[place]) for place in order]


def _pair(hit: Hit, centre: Centre) -> Pair:
    """From a surplus to the centre, else from the centre; where roads wind as at the other end."""
    stop = stop_of(hit.position, hit.municipality_number)
    here = Stop(position=centre.position, region=stop.region)
    return (stop, here) if hit.kind is ListingKind.SURPLUS else (here, stop)
