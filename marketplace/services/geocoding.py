"""From what a person typed to places: names, addresses, numbers and positions."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sqlalchemy.orm import Session

from geo.errors import GeometryError, GeometryFault
from geo.geometry import BBox, Position, read_position
from marketplace.models import PlaceKind
from marketplace.queries.municipalities import (
    county_bounds,
    find_municipality,
    locate_municipality,
    municipality_bounds,
)
from marketplace.queries.places import FoundPlace, MatchQuality, places_named
from marketplace.registers import AddressKind, AddressRegister, FoundAddress
from marketplace.services.gazetteer import fold_name

LONGEST_QUERY = 100
SHORTEST_ONLINE_QUERY = 3

PATIENCE_S = 1.5
"""How long an answer may wait for the online register when the gazetteer knows nothing that fits."""
SHORT_PATIENCE_S = 0.25
"""How long when it does: an answer that comes later is remembered for the next key press."""

SAME_PLACE_M = 1_500

TWO_NUMBERS = re.compile(r"\s*(-?\d{1,3}[.]\d+|-?\d{1,3}),?\s*[,;\s]\s*(-?\d{1,3}[.]\d+|-?\d{1,3})\s*")
TWO_COMMA_NUMBERS = re.compile(r"\s*(-?\d{1,3},\d+)\s*[;\s]\s*(-?\d{1,3},\d+)\s*")


class FoundKind(StrEnum):
    COUNTY = "county"
    MUNICIPALITY = "municipality"
    TOWN = "town"
    PLACE = "place"
    ADDRESS = "address"
    POSITION = "position"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere a map can move to. `label` tells it from others of its name; typed again it finds the same place."""

    label: str
    kind: FoundKind
    municipality_name: str | None
    position: Position
    bbox: BBox | None
    source: str
    is_good: bool
    """Whether the name fits as it was typed, rather than being merely similar."""


class Geocoder(Protocol):
    def search(self, query: str, *, near: Position | None = None, limit: int = 8) -> list[Place]:
        """Places for what was typed, the best first; `near` is where the map looks."""
        ...


class OfflineGeocoder:
    """The gazetteer in the database, municipality numbers old and new, and positions."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def search(self, query: str, *, near: Position | None = None, limit: int = 8) -> list[Place]:
        query = query.strip()[:LONGEST_QUERY]
        position = read_typed_position(query)
        if position is not None:
            return [self._at(position)]
        name, _, within = (fold_name(part) for part in query.partition(","))
        if not name:
            return []
        found = self._numbered(query) or self._named(name, within=within, near=near, limit=limit)
        return self._as_places(found)

    def _named(self, name: str, *, within: str, near: Position | None, limit: int) -> list[FoundPlace]:
        """Where nothing has the whole name, its last word may be the municipality: "sandvika bærum"."""
        found = places_named(self._session, name, folded_within=within, near=near, limit=limit)
        head, _, tail = name.rpartition(" ")
        if head and not within and not any(one.quality is not MatchQuality.SIMILAR for one in found):
            narrower = places_named(self._session, head, folded_within=tail, near=near, limit=limit)
            return narrower or found
        return found

    def _numbered(self, query: str) -> list[FoundPlace]:
        if not re.fullmatch(r"\d{4}", query):
            return []
        municipality = find_municipality(self._session, query)
        if municipality is None:
            return []
        namesakes = places_named(self._session, fold_name(municipality.name), limit=20)
        return [one for one in namesakes if one.unit_number == municipality.number]

    def _at(self, position: Position) -> Place:
        municipality = locate_municipality(self._session, position)
        name = municipality.name if municipality else None
        written = f"{position.lat:.5f}, {position.lon:.5f}"
        return Place(
            label=f"{written} ({name})" if name else written,
            kind=FoundKind.POSITION,
            municipality_name=name,
            position=position,
            bbox=None,
            source="",
            is_good=True,
        )

    def _as_places(self, found: list[FoundPlace]) -> list[Place]:
        bounds = {
            PlaceKind.MUNICIPALITY: municipality_bounds(self._session, *_units(found, PlaceKind.MUNICIPALITY)),
            PlaceKind.COUNTY: county_bounds(self._session, *_units(found, PlaceKind.COUNTY)),
        }
        return [
            Place(
                label=label_of(one),
                kind=FoundKind(one.kind.value),
                municipality_name=one.municipality_name,
                position=one.position,
                bbox=bounds.get(one.kind, {}).get(one.unit_number or ""),
                source=one.source,
                is_good=one.quality is not MatchQuality.SIMILAR,
            )
            for one in found
        ]


class CombinedGeocoder:
    """The gazetteer, and what the online address register adds to it in time."""

    def __init__(self, offline: Geocoder, register: AddressRegister) -> None:
        self._offline = offline
        self._register = register

    def search(self, query: str, *, near: Position | None = None, limit: int = 8) -> list[Place]:
        offline = self._offline.search(query, near=near, limit=limit)
        bare = " ".join(query.split())[:LONGEST_QUERY]
        if len(bare) < SHORTEST_ONLINE_QUERY or any(place.kind is FoundKind.POSITION for place in offline):
            return offline
        has_good = any(place.is_good for place in offline)
        wait_s = SHORT_PATIENCE_S if has_good else PATIENCE_S
        online = [_online_place(one) for one in self._register.search(bare, limit=limit, wait_s=wait_s)]
        fresh = [place for place in online if not any(_is_same(place, known) for known in offline)]
        return ([*offline, *fresh] if has_good else [*fresh, *offline])[:limit]


def make_geocoder(session: Session, register: AddressRegister) -> Geocoder:
    """The gazetteer, with the register beside it where that may be asked."""
    offline = OfflineGeocoder(session)
    return CombinedGeocoder(offline, register) if register.is_online else offline


def read_typed_position(query: str) -> Position | None:
    """A position written as two numbers in either order, with points or commas; None where it is none in Norway.

    Maps on phones give latitude first, drawings and GeoJSON longitude. Norway's ranges of the two do not overlap, so
    only one order can be meant.
    """
    written = TWO_NUMBERS.fullmatch(query) or TWO_COMMA_NUMBERS.fullmatch(query)
    if written is None:
        return None
    first, second = written.groups()
    try:
        return read_position(first, second)
    except GeometryError as error:
        return read_position(second, first) if error.code is GeometryFault.SWAPPED_LAT_LON else None


def label_of(place: FoundPlace) -> str:
    """The name with what it lies in: "Sandvika, Bærum", "Herøy, Nordland"."""
    around = place.county_name if place.kind is PlaceKind.MUNICIPALITY else place.municipality_name
    return f"{place.name}, {around}" if around and around != place.name else place.name


def _units(found: list[FoundPlace], kind: PlaceKind) -> list[str]:
    return [one.unit_number for one in found if one.kind is kind and one.unit_number]


def _online_place(found: FoundAddress) -> Place:
    is_bare_name = found.kind is AddressKind.PLACE and found.municipality_name is not None
    return Place(
        label=f"{found.name}, {found.municipality_name}" if is_bare_name else found.name,
        kind=FoundKind(found.kind.value),
        municipality_name=found.municipality_name,
        position=Position(lon=found.lon, lat=found.lat),
        bbox=None,
        source="Kartverket",
        is_good=True,
    )


def _is_same(place: Place, known: Place) -> bool:
    name, known_name = (fold_name(one.label.partition(",")[0]) for one in (place, known))
    return name == known_name and place.position.distance_m(known.position) < SAME_PLACE_M
