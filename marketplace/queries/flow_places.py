"""Where the ends of flows lie, and what they are called."""

from collections.abc import Collection, Iterable, Sequence

import shapely
from sqlalchemy import Numeric, String, cast, func, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import Session

from geo import crs
from geo.flowmap import GRID_CELL_M, Detail, Place, grid_corner_m
from geo.geometry import Position
from geo.units import SRID_LONLAT, SRID_STORED
from marketplace.models import Deal, GazetteerPlace, Municipality, PlaceKind
from marketplace.queries.flow_cells import SURPLUS, FlowFilters, project_key


def places_of(session: Session, filters: FlowFilters, *, detail: Detail, ends: Iterable[str]) -> dict[str, Place]:
    """The ends of flows, by key, without those whose position is not known: municipalities of the past.

    A square is called after the named place nearest to its middle.
    """
    keys = sorted(set(ends))
    if not keys:
        return {}
    match detail:
        case Detail.COUNTY | Detail.MUNICIPALITY:
            return _divisions(session, keys, detail)
        case Detail.GRID:
            return _squares(session, keys)
        case Detail.PROJECT:
            return _projects(session, filters, keys)


def _divisions(session: Session, keys: Collection[str], detail: Detail) -> dict[str, Place]:
    """Counties and municipalities, where the gazetteer has them."""
    place = GazetteerPlace
    key = func.split_part(place.source_key, ":", 2)
    kind = PlaceKind.COUNTY if detail is Detail.COUNTY else PlaceKind.MUNICIPALITY
    rows = session.execute(
        select(key, place.name, func.ST_X(place.position_25833), func.ST_Y(place.position_25833)).where(
            place.kind == kind, place.source_key.in_([f"{kind.value}:{key}" for key in keys])
        )
    ).all()
    found = {number: _place(number, name, x, y) for number, name, x, y in rows}
    missing = [key for key in keys if key not in found]
    return found | (_middles(session, missing, detail) if missing else {})


def _middles(session: Session, keys: Sequence[str], detail: Detail) -> dict[str, Place]:
    """A place inside those that the gazetteer lacks."""
    number = Municipality.county_number if detail is Detail.COUNTY else Municipality.number
    middle = func.ST_PointOnSurface(func.ST_Collect(Municipality.area_25833))
    rows = session.execute(
        select(number, func.min(Municipality.name), func.ST_X(middle), func.ST_Y(middle))
        .where(number.in_(keys), Municipality.area_25833.is_not(None))
        .group_by(number)
    )
    return {key: _place(key, name, x, y) for key, name, x, y in rows}


def _squares(session: Session, keys: Sequence[str]) -> dict[str, Place]:
    middles = {}
    for key in keys:
        east, north = grid_corner_m(int(key))
        middles[key] = shapely.Point(east + GRID_CELL_M / 2, north + GRID_CELL_M / 2)
    xs, ys = ([getattr(point, axis) for point in middles.values()] for axis in "xy")
    given = (
        func.unnest(cast(list(middles), ARRAY(String)), cast(xs, ARRAY(Numeric)), cast(ys, ARRAY(Numeric)))
        .table_valued("key", "x", "y")
        .render_derived(name="given")
    )
    middle = func.ST_SetSRID(func.ST_MakePoint(given.c.x, given.c.y), SRID_STORED)
    nearest = (
        select(GazetteerPlace.name)
        .where(GazetteerPlace.kind.in_([PlaceKind.TOWN, PlaceKind.PLACE]))
        .order_by(GazetteerPlace.position_25833.op("<->")(middle))
        .limit(1)
        .scalar_subquery()
    )
    return {
        key: _place(key, name or key, middles[key].x, middles[key].y)
        for key, name in session.execute(select(given.c.key, nearest))
    }


def _projects(session: Session, filters: FlowFilters, keys: Sequence[str]) -> dict[str, Place]:
    """Where deals have said that they are; the name is that of the latest."""
    ends = union_all(
        *(
            select(
                project_key(is_origin=is_origin).label("key"),
                (Deal.origin_name if is_origin else Deal.destination_name).label("name"),
                (Deal.origin_position_25833 if is_origin else Deal.destination_position_25833).label("position"),
                Deal.id.label("deal_id"),
            )
            .join(SURPLUS, SURPLUS.id == Deal.surplus_id)
            .where(filters.region.touches(Deal.origin_municipality_number, Deal.destination_municipality_number))
            for is_origin in (True, False)
        )
    ).subquery("ends")
    rows = session.execute(
        select(
            ends.c.key,
            func.array_agg(aggregate_order_by(ends.c.name, ends.c.deal_id.desc()))[1],
            func.avg(func.ST_X(ends.c.position)),
            func.avg(func.ST_Y(ends.c.position)),
        )
        .where(ends.c.key.in_(keys))
        .group_by(ends.c.key)
    )
    return {key: _place(key, name, x, y) for key, name, x, y in rows}


def _place(key: str, name: str, easting_m: float, northing_m: float) -> Place:
    lon, lat = crs.transform_point(
        float(easting_m), float(northing_m), source_srid=SRID_STORED, target_srid=SRID_LONLAT
    )
    return Place(key=key, name=name, position=Position(lon=lon, lat=lat))
