"""Where masses would have gone, and where they would have been bought: the facilities near many places at once.

One statement answers for a whole page of matches: each question looks its few nearest facilities up by the index on
their positions.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import shapely
from sqlalchemy import BigInteger, Row, String, all_, cast, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Session, aliased

from geo.crs import to_stored
from geo.geometry import Position
from geo.postgis import lon_lat, nearest_first, point_25833
from geo.units import M_PER_KM, SRID_STORED
from marketplace.models import Facility, Municipality
from marketplace.types import FacilityKind

NEAR: Final = 4
"""So many lie nearest as the crow flies; the nearest by road is taken to be among them."""

REACH_KM: Final = 100
"""Nobody drives masses farther than this, as the crow flies, so a landfill or quarry beyond it is no comparison.
Engineering judgement, not verified; told wherever nobody was found."""

OFFERED: Final = 150
"""As many as a list in a form can have and still be looked through."""

CLEAN_CLASS: Final = 1
BETWEEN_KEYS: Final = ";"


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """What is asked: the facilities of a kind near a place that have to do with one of some materials.

    `class_min` is the lowest class of the soil table that they must be allowed to take in. `but_not` are the ids of
    those that do not count.
    """

    kind: FacilityKind
    materials: tuple[str, ...]
    position: Position
    class_min: int = CLEAN_CLASS
    but_not: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFacility:
    """A facility as a comparison needs it."""

    id: int
    name: str
    kind: FacilityKind
    accepts: tuple[str, ...]
    position: Position
    municipality_number: str
    municipality_name: str
    reception_price_nok_per_t: Decimal | None
    is_verified: bool
    is_example: bool


def facilities_near(
    session: Session, asked: Collection[Near], *, today: date
) -> Mapping[Near, tuple[BaselineFacility, ...]]:
    """The `NEAR` nearest of each within `REACH_KM`, the nearest first, of those that are open on the day."""
    questions = list(dict.fromkeys(asked))
    if not questions:
        return {}
    points = [to_stored(shapely.Point(each.position.lon, each.position.lat)) for each in questions]
    wkb = shapely.to_wkb(shapely.set_srid(points, SRID_STORED), include_srid=True)
    given = (
        func.unnest(
            cast(list(wkb), ARRAY(BYTEA)),
            cast([each.kind.value for each in questions], ARRAY(String)),
            cast([BETWEEN_KEYS.join(each.materials) for each in questions], ARRAY(String)),
            cast([each.class_min for each in questions], ARRAY(Facility.accepts_class_max.type)),
            cast([BETWEEN_KEYS.join(map(str, sorted(each.but_not))) for each in questions], ARRAY(String)),
        )
        .table_valued("wkb", "kind", "materials", "class_min", "but_not", with_ordinality="n", name="given")
        .render_derived()
    )
    point = func.ST_GeomFromEWKB(given.c.wkb)
    near = aliased(Facility, name="near")
    away = near.position_25833.op("<->")(point)
    nearest = (
        select(near.id, away.label("away"))
        .where(
            near.kind == given.c.kind,
            near.accepts.overlap(cast(func.string_to_array(given.c.materials, BETWEEN_KEYS), ARRAY(String))),
            near.accepts_class_max >= given.c.class_min,
            func.ST_DWithin(near.position_25833, point, REACH_KM * M_PER_KM),
            near.id != all_(cast(func.string_to_array(given.c.but_not, BETWEEN_KEYS), ARRAY(BigInteger))),
            near.closed_at.is_(None),
            or_(near.opens_on.is_(None), near.opens_on <= today),
            or_(near.closes_on.is_(None), near.closes_on >= today),
            or_(near.permit_ends_on.is_(None), near.permit_ends_on >= today),
        )
        .order_by(away, near.id)
        .limit(NEAR)
        .lateral("nearest")
    )
    query = (
        select(given.c.n, *_columns())
        .select_from(given.join(nearest, true()).join(Facility, Facility.id == nearest.c.id))
        .join(Facility.municipality)
        .order_by(given.c.n, nearest.c.away, Facility.id)
    )
    found: dict[Near, list[BaselineFacility]] = {each: [] for each in questions}
    for row in session.execute(query):
        found[questions[row.n - 1]].append(_facility(row))
    return {each: tuple(rows) for each, rows in found.items()}


def facilities_to_name(session: Session, *, near: Position | None, first_id: int | None) -> Sequence[BaselineFacility]:
    """The facilities that a form offers, by kind and name: the nearest `OFFERED` that are not closed, and that one."""
    is_open = Facility.closed_at.is_(None)
    query = select(Facility.id).where(is_open).limit(OFFERED)
    if near is None:
        ids = set(session.scalars(query.order_by(Facility.id)))
    else:
        point = point_25833(near)
        ids = set(session.scalars(query.order_by(nearest_first(Facility.position_25833, point), Facility.id)))
    found = facilities_by_id(session, ids | ({first_id} if first_id is not None else set()))
    order = list(FacilityKind)
    return sorted(found.values(), key=lambda each: (order.index(each.kind), each.name.casefold(), each.id))


def facilities_by_id(session: Session, ids: Collection[int]) -> Mapping[int, BaselineFacility]:
    """Those that somebody has named, whether they are open or not."""
    if not ids:
        return {}
    query = select(*_columns()).join(Facility.municipality).where(Facility.id.in_(ids))
    return {row.id: _facility(row) for row in session.execute(query)}


def _columns() -> Sequence[Any]:
    lon, lat = lon_lat(Facility.position_25833)
    return (
        Facility.id,
        Facility.name,
        Facility.kind,
        Facility.accepts,
        Facility.municipality_number,
        Municipality.name.label("municipality_name"),
        Facility.reception_price_nok_per_t,
        Facility.is_verified,
        Facility.is_example,
        lon.label("lon"),
        lat.label("lat"),
    )


def _facility(row: Row[Any]) -> BaselineFacility:
    return BaselineFacility(
        id=row.id,
        name=row.name,
        kind=row.kind,
        accepts=tuple(row.accepts),
        position=Position(lon=row.lon, lat=row.lat),
        municipality_number=row.municipality_number,
        municipality_name=row.municipality_name,
        reception_price_nok_per_t=row.reception_price_nok_per_t,
        is_verified=row.is_verified,
        is_example=row.is_example,
    )
