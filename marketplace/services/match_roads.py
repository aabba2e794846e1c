"""Matches by road: how far their masses would be driven, and the best of them in that order.

Matches are found and limited by the straight line, and so are those that a page shows. Where a network of roads is in
use, the fits that are shown change places by what they score by road; who is shown does not change, nor what nearly
fits, which is ordered by how little it lacks. An estimate tells nothing of the order that the straight line does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from geo.matching import score_by_road
from geo.routing import Leg, Method, Stop
from marketplace import routing
from marketplace.models import Listing
from marketplace.queries.matches import Match, Matches
from marketplace.queries.projects import position_of
from marketplace.services.routes import Pair, legs_between, routes_between, stop_of
from marketplace.types import ListingKind

LINES = 6
"""How many of the best a page draws along their roads."""


def matches_by_road(session: Session, listing: Listing, found: Matches, *, lines: int = 0) -> Matches:
    """The matches of a listing with their legs; the best `lines` fits with the lines that they run along, too."""
    return all_by_road(session, [listing], {listing.id: found}, lines=lines)[listing.id]


def all_by_road(
    session: Session, listings: Sequence[Listing], found: Mapping[int, Matches], *, lines: int = 0
) -> dict[int, Matches]:
    """As `matches_by_road` for several, by id, with as many statements as for one."""
    matches = {listing.id: (listing, (*found[listing.id].fits, *found[listing.id].near_misses)) for listing in listings}
    pairs = [_pair(listing, match) for listing, each in matches.values() for match in each]
    legs = iter(legs_between(session, pairs))
    by_road = {id_: _with_legs(found[id_], [next(legs) for _ in each]) for id_, (_listing, each) in matches.items()}
    return _with_lines(session, listings, by_road, count=lines) if lines else by_road


def _with_legs(found: Matches, legs: Sequence[Leg]) -> Matches:
    fits, near = legs[: len(found.fits)], legs[len(found.fits) :]
    ranked = [replace(match, leg=leg) for match, leg in zip(found.fits, fits, strict=True)]
    if routing.router().method is Method.ROAD:
        ranked.sort(key=_rank)
    return replace(
        found,
        fits=tuple(ranked),
        near_misses=tuple(replace(match, leg=leg) for match, leg in zip(found.near_misses, near, strict=True)),
    )


def _with_lines(
    session: Session, listings: Iterable[Listing], found: Mapping[int, Matches], *, count: int
) -> dict[int, Matches]:
    shown = [
        (listing, match)
        for listing in listings
        for match in found[listing.id].fits[:count]
        if match.leg is not None and not match.leg.is_estimate
    ]
    routes = routes_between(session, [_pair(listing, match) for listing, match in shown])
    drawn = {(listing.id, match.listing.id): leg for (listing, match), leg in zip(shown, routes, strict=True)}
    return {
        id_: replace(
            each,
            fits=tuple(replace(match, leg=drawn.get((id_, match.listing.id), match.leg)) for match in each.fits),
        )
        for id_, each in found.items()
    }


def _rank(match: Match) -> tuple[float, float, int]:
    assert match.leg is not None
    return -score_by_road(match.assessment, road_m=match.leg.distance_m), match.leg.distance_m, match.listing.id


def _pair(listing: Listing, match: Match) -> Pair:
    """From the surplus to whoever takes it: one-way streets make the way back another one."""
    here: Stop = stop_of(position_of(listing), listing.municipality_number)
    there: Stop = stop_of(match.listing.position, match.listing.municipality_number)
    return (here, there) if listing.kind is ListingKind.SURPLUS else (there, here)
