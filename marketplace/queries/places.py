"""Names in the offline gazetteer."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import shapely
from geoalchemy2.shape import from_shape, to_shape
from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from geo.crs import from_stored, to_stored
from geo.geometry import Position, position_of
from geo.units import M_PER_KM, SRID_STORED
from marketplace.models import County, GazetteerPlace, Municipality, PlaceKind

SHORTEST_FOR_TYPOS = 4
"""Shorter names have too few trigrams to tell a typing error from another name."""

LEAST_SIMILARITY = 0.35

UNPEOPLED_SHARE = 0.1
"""A name without a population of its own ranks as this share of the largest place in its municipality."""

NEAR_KM = 30.0
NEARNESS_WEIGHT = 2.5
"""This far from where the map looks, a place needs nearly six times the people to be listed first."""

KIND_ORDER = (PlaceKind.TOWN, PlaceKind.MUNICIPALITY, PlaceKind.PLACE, PlaceKind.COUNTY)

ROWS_A_PLACE = 3
"""Rows are read for this many names of each place that is asked for; its other names are shown once."""


class MatchQuality(IntEnum):
    """How a name fits what was typed, the best first."""

    WHOLE = 0
    BEGINNING = 1
    LATER_WORD = 2
    SIMILAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlace:
    """A name in the gazetteer. `unit_number` is its own number where it is itself a municipality or a county."""

    name: str
    kind: PlaceKind
    municipality_number: str | None
    municipality_name: str | None
    county_name: str | None
    unit_number: str | None
    position: Position
    source: str
    quality: MatchQuality


def places_named(
    session: Session, folded: str, *, folded_within: str = "", near: Position | None = None, limit: int = 8
) -> list[FoundPlace]:
    """Places whose folded name fits, the best first: by how it fits, then by people and nearness.

    `folded_within` names a municipality or county that is preferred ("sandvika" within "barum"). Names that are merely
    similar are only given where none fits as it was typed.
    """
    place = GazetteerPlace
    quality = _quality(folded)
    statement = (
        select(
            place.name,
            place.kind,
            place.municipality_number,
            Municipality.name.label("municipality_name"),
            County.name.label("county_name"),
            place.source_key,
            place.position_25833,
            place.source,
            quality.label("quality"),
        )
        .outerjoin(Municipality, Municipality.number == place.municipality_number)
        .outerjoin(County, County.number == Municipality.county_number)
        .where(_fits(folded))
        .order_by(
            quality,
            *([_lies_within(folded_within).desc()] if folded_within else []),
            case((quality == MatchQuality.SIMILAR, func.similarity(place.search_name, folded)), else_=0.0).desc(),
            _importance(near).desc(),
            case({kind: rank for rank, kind in enumerate(KIND_ORDER)}, value=place.kind),
            place.id,
        )
        .limit(ROWS_A_PLACE * limit)
    )
    found = [_found_place(row) for row in session.execute(statement)]
    as_typed = [one for one in found if one.quality is not MatchQuality.SIMILAR]
    once_each: dict[object, FoundPlace] = {}
    for one in as_typed or found:
        once_each.setdefault((one.name, one.kind, one.position), one)
    return list(once_each.values())[:limit]


def _quality(folded: str) -> ColumnElement[int]:
    name = GazetteerPlace.search_name
    return case(
        (name == folded, literal(int(MatchQuality.WHOLE))),
        (name.startswith(folded, autoescape=True), literal(int(MatchQuality.BEGINNING))),
        (name.contains(f" {folded}", autoescape=True), literal(int(MatchQuality.LATER_WORD))),
        else_=literal(int(MatchQuality.SIMILAR)),
    )


def _fits(folded: str) -> ColumnElement[bool]:
    """Both the patterns and the similarity are answered by the trigram index."""
    name = GazetteerPlace.search_name
    as_typed = or_(name.startswith(folded, autoescape=True), name.contains(f" {folded}", autoescape=True))
    if len(folded) < SHORTEST_FOR_TYPOS:
        return as_typed
    similar = and_(name.op("%")(folded), func.similarity(name, folded) >= LEAST_SIMILARITY)
    return or_(as_typed, similar)


def _lies_within(folded_unit: str) -> ColumnElement[bool]:
    unit = aliased(GazetteerPlace)
    own_number = GazetteerPlace.municipality_number
    holds_it = or_(
        and_(unit.kind == PlaceKind.MUNICIPALITY, unit.municipality_number == own_number),
        and_(unit.kind == PlaceKind.COUNTY, func.split_part(unit.source_key, ":", 2) == func.left(own_number, 2)),
    )
    return select(unit.id).where(unit.search_name.startswith(folded_unit, autoescape=True), holds_it).exists()


def _importance(near: Position | None) -> ColumnElement[float]:
    neighbour = aliased(GazetteerPlace)
    largest_nearby = (
        select(func.max(neighbour.population))
        .where(neighbour.municipality_number == GazetteerPlace.municipality_number)
        .scalar_subquery()
    )
    people = func.coalesce(GazetteerPlace.population, UNPEOPLED_SHARE * largest_nearby, 0)
    if near is None:
        return func.ln(1 + people)
    here = from_shape(to_stored(shapely.Point(near.lon, near.lat)), srid=SRID_STORED)
    away_km = func.ST_Distance(GazetteerPlace.position_25833, here) / M_PER_KM
    return func.ln(1 + people) - NEARNESS_WEIGHT * func.ln(1 + away_km / NEAR_KM)


def _found_place(row: Any) -> FoundPlace:
    position = position_of(from_stored(to_shape(row.position_25833)))
    is_unit = row.kind in {PlaceKind.MUNICIPALITY, PlaceKind.COUNTY}
    return FoundPlace(
        name=row.name,
        kind=row.kind,
        municipality_number=row.municipality_number,
        municipality_name=row.municipality_name,
        county_name=row.county_name,
        unit_number=row.source_key.split(":")[1] if is_unit else None,
        position=Position(lon=round(position.lon, 6), lat=round(position.lat, 6)),
        source=row.source,
        quality=MatchQuality(row.quality),
    )


def count_places(session: Session) -> list[tuple[str, int]]:
    """How many names the gazetteer holds from each source."""
    rows = session.execute(
        select(GazetteerPlace.source, func.count()).group_by(GazetteerPlace.source).order_by(GazetteerPlace.source)
    )
    return [(source, count) for source, count in rows]
