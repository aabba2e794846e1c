"""Which municipality a place lies in, and what municipalities there are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import shapely
from geoalchemy2 import WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, FromClause, Select, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session

from geo.crs import from_stored, to_stored
from geo.geometry import BBox, Position, position_of
from geo.units import SRID_STORED
from marketplace.models import County, GazetteerPlace, Municipality, MunicipalityAlias, PlaceKind

COAST_REACH_M = 2_000
"""A place off every municipality's polygon belongs to the nearest one within this distance: quays, fills in the sea and
the generalised shoreline. Planar in EPSG:25833, at most 0.4 % off."""

type StoredPoint = WKBElement | ColumnElement[WKBElement] | InstrumentedAttribute[WKBElement]

HAS_AREA = Municipality.area_25833.is_not(None)
"""A municipality of the division in use; without a polygon it is kept for rows that still name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MunicipalityName:
    number: str
    name: str
    county_name: str


def locate_municipality(session: Session, position: Position) -> Municipality | None:
    """The municipality a place in degrees lies in, or the nearest within `COAST_REACH_M`; None far from all of them."""
    return locate_municipality_25833(session, to_stored(shapely.Point(position.lon, position.lat)))


def locate_municipality_25833(session: Session, point_25833: shapely.Point) -> Municipality | None:
    """As `locate_municipality`, for a place in the stored system."""
    point = from_shape(point_25833, srid=SRID_STORED)
    number = session.scalar(covering_number(point)) or session.scalar(nearest_number(point))
    return session.get(Municipality, number) if number is not None else None


def locate_municipalities_25833(
    session: Session, points_25833: Sequence[shapely.Point]
) -> dict[shapely.Point, Municipality]:
    """As `locate_municipality_25833`, for many places with one statement; a place far from all is left out."""
    if not points_25833:
        return {}
    wkb = shapely.to_wkb(shapely.set_srid(list(points_25833), SRID_STORED), include_srid=True)
    given = (
        func.unnest(cast(list(wkb), ARRAY(BYTEA)))
        .table_valued("wkb", with_ordinality="n", name="given")
        .render_derived()
    )
    point = func.ST_GeomFromEWKB(given.c.wkb)
    number = func.coalesce(
        covering_number(point).correlate(given).scalar_subquery(),
        nearest_number(point, of_table=given).scalar_subquery(),
    )
    numbers = {n: found for n, found in session.execute(select(given.c.n, number)) if found is not None}
    rows = session.scalars(select(Municipality).where(Municipality.number.in_(set(numbers.values()))))
    by_number = {row.number: row for row in rows}
    return {point: by_number[numbers[n]] for n, point in enumerate(points_25833, start=1) if n in numbers}


def covering_number(point: StoredPoint) -> Select[str]:
    """The number of the municipality that covers a stored point; on a border, the lower number."""
    return (
        select(Municipality.number)
        .where(func.ST_Covers(Municipality.area_25833, point))
        .order_by(Municipality.number)
        .limit(1)
    )


def nearest_number(point: StoredPoint, *, of_table: type[object] | FromClause | None = None) -> Select[str]:
    """The number of the nearest municipality within `COAST_REACH_M` of a stored point.

    The box filter and the ordering both use the index; the exact distance is only worked out for the one that is left.
    `of_table` is the table that `point` is a column of, where the lookup stands inside a query of that table.
    """
    candidates = (
        select(Municipality.number, func.ST_Distance(Municipality.area_25833, point).label("distance_m"))
        .where(Municipality.area_25833.op("&&")(func.ST_Expand(point, COAST_REACH_M)))
        .order_by(Municipality.area_25833.op("<->")(point))
        .limit(1)
    )
    nearest = (candidates.correlate(of_table) if of_table is not None else candidates).subquery()
    return select(nearest.c.number).where(nearest.c.distance_m <= COAST_REACH_M)


def find_municipality(session: Session, number: str) -> Municipality | None:
    """The municipality with a number of the division in use, or the one that took over an old number.

    A municipality that is known by name only (no polygon, nobody took over) is given as it is.
    """
    in_use = session.scalar(select(Municipality).where(Municipality.number == number, HAS_AREA))
    if in_use is not None:
        return in_use
    successors = municipalities_of_old_number(session, number)
    return successors[0] if successors else session.get(Municipality, number)


def find_municipalities(session: Session, numbers: Collection[str]) -> dict[str, Municipality]:
    """As `find_municipality`, for many numbers with at most three statements; a number of nothing is left out."""
    wanted = set(numbers)
    in_use = session.scalars(select(Municipality).where(Municipality.number.in_(wanted), HAS_AREA))
    found = {each.number: each for each in in_use}
    if old := wanted - found.keys():
        led = session.execute(
            select(MunicipalityAlias.old_number, Municipality)
            .join(Municipality, MunicipalityAlias.municipality_number == Municipality.number)
            .where(MunicipalityAlias.old_number.in_(old))
            .order_by(~HAS_AREA, Municipality.number)
        )
        for number, heir in led:
            found.setdefault(number, heir)
    if by_name := wanted - found.keys():
        known = session.scalars(select(Municipality).where(Municipality.number.in_(by_name)))
        found |= {each.number: each for each in known}
    return found


def municipalities_of_old_number(session: Session, number: str) -> list[Municipality]:
    """The municipalities that a number no longer used became, most often one; those with a polygon first."""
    return list(
        session.scalars(
            select(Municipality)
            .join(MunicipalityAlias, MunicipalityAlias.municipality_number == Municipality.number)
            .where(MunicipalityAlias.old_number == number)
            .order_by(~HAS_AREA, Municipality.number)
        )
    )


def municipality_names(session: Session) -> list[MunicipalityName]:
    """Number, name and county of the municipalities in use, in the order of the Norwegian alphabet."""
    rows = session.execute(
        select(Municipality.number, Municipality.name, County.name)
        .join(Municipality.county)
        .where(HAS_AREA)
        .order_by(Municipality.name.collate("nb-NO-x-icu"), Municipality.number)
    )
    return [MunicipalityName(number=number, name=name, county_name=county) for number, name, county in rows]


def municipality_bounds(session: Session, *numbers: str) -> dict[str, BBox]:
    """The box around each of these municipalities that has a polygon, by number."""
    rows = session.execute(
        select(Municipality.number, func.ST_Envelope(Municipality.area_25833)).where(
            Municipality.number.in_(numbers), HAS_AREA
        )
    )
    return {number: bounds_of(envelope) for number, envelope in rows}


def county_bounds(session: Session, *numbers: str) -> dict[str, BBox]:
    """The box around all municipalities of each of these counties, by county number."""
    extent = func.ST_SetSRID(func.ST_Extent(Municipality.area_25833), SRID_STORED)
    rows = session.execute(
        select(Municipality.county_number, extent)
        .where(Municipality.county_number.in_(numbers), HAS_AREA)
        .group_by(Municipality.county_number)
    )
    return {number: bounds_of(envelope) for number, envelope in rows}


def bounds_of(envelope_25833: WKBElement) -> BBox:
    """The longitudes and latitudes that a stored box spans."""
    west, south, east, north = from_stored(to_shape(envelope_25833)).bounds
    return BBox(west=round(west, 5), south=round(south, 5), east=round(east, 5), north=round(north, 5))


def division_sources(session: Session) -> list[tuple[str, int]]:
    """Where the polygons in use come from, with how many."""
    rows = session.execute(
        select(Municipality.source, func.count())
        .where(HAS_AREA)
        .group_by(Municipality.source)
        .order_by(Municipality.source)
    )
    return [(source, count) for source, count in rows]


def division_fingerprint(session: Session) -> str:
    """Another one as soon as any polygon in use is."""
    area = func.md5(func.ST_AsBinary(Municipality.area_25833, type_=BYTEA))
    every = func.string_agg(Municipality.number + area, aggregate_order_by(literal(""), Municipality.number))
    return session.scalars(select(func.coalesce(func.md5(every), "")).where(HAS_AREA)).one()


def municipality_areas_25833(session: Session) -> list[BaseGeometry]:
    """The polygons in use, in the order of their numbers."""
    rows = session.scalars(select(Municipality.area_25833).where(HAS_AREA).order_by(Municipality.number))
    return [to_shape(area) for area in rows if area is not None]


def municipality_points(session: Session) -> list[tuple[str, Position]]:
    """Name and place of each municipality that the gazetteer has, in the order of their numbers."""
    rows = session.execute(
        select(Municipality.name, GazetteerPlace.position_25833)
        .join(GazetteerPlace, GazetteerPlace.source_key == literal("municipality:") + Municipality.number)
        .where(HAS_AREA, GazetteerPlace.kind == PlaceKind.MUNICIPALITY)
        .order_by(Municipality.number, GazetteerPlace.id)
    )
    return [(name, position_of(from_stored(to_shape(position)))) for name, position in rows]
