"""Finding listings: a search made ready, and a page of what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Row,
    Select,
    UnaryExpression,
    bindparam,
    func,
    literal,
    null,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from geo.geometry import Position
from geo.materials import MaterialGroup
from geo.postgis import lon_lat
from geo.prepared import geodesic_m, in_square, planar_m
from marketplace.models import Facility, Listing, MaterialRow, Municipality, Organisation, Project
from marketplace.queries.search_filters import (
    CENTRE,
    SHAPES_KEPT,
    SearchFilters,
    Shape,
    fulfils,
    shape_of,
    values_of,
)
from marketplace.queries.search_words import LookedUp, look_up_words
from marketplace.types import Documentation, ListingKind, PriceKind

PAGE_SIZE = 20
FEW = 5_000
"""Up to this many results are gathered and sorted; more are read in order from an index until a page is full. Without
the choice the planner walks an index of all listings in search of the few that have a rare word."""

BEYOND_NORWAY_M = 5_000_000.0


class Sort(StrEnum):
    DISTANCE = "distance"
    NEWEST = "newest"
    QUANTITY = "quantity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Filters made ready to run on a day: their words looked up, the shape of their statements, and their values."""

    filters: SearchFilters
    looked_up: LookedUp
    shape: Shape
    values: Mapping[str, object]


def prepare_search(session: Session, filters: SearchFilters, *, today: date) -> Search:
    looked_up = look_up_words(session, filters.text, today=today)
    return Search(
        filters=filters,
        looked_up=looked_up,
        shape=shape_of(filters, looked_up.words),
        values=values_of(filters, looked_up.words, today=today),
    )


# A page of results ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A listing as a result shows it. `distance_m` is geodesic, None where there is no centre."""

    id: int
    kind: ListingKind
    material_key: str
    material_group: MaterialGroup
    fraction_mm: tuple[Decimal, Decimal] | None
    mass_t: Decimal
    left_t: Decimal
    """What of it is not agreed yet."""
    period: tuple[date, date]
    price_kind: PriceKind
    price_nok_per_t: Decimal | None
    municipality_name: str
    organisation_name: str
    is_verified: bool
    """Whether its organisation is."""
    project_name: str | None
    facility_name: str | None
    documentation: Documentation
    renewed_at: datetime | None
    asked_at: datetime | None
    is_example: bool
    hides_position: bool
    distance_m: float | None
    position: Position
    """Where everybody may see it."""
    municipality_number: str


SortKey = datetime | Decimal | float
"""Publication for the newest, tonnes for the largest, planar metres for the nearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A result's place in the order of a sort. `rank` counts the results before it, as far as is known."""

    sort: Sort
    key: SortKey
    listing_id: int
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the results in order; `before` and `after` lead to the pages beside it, None where there are none."""

    hits: tuple[Hit, ...] = ()
    first_rank: int = 0
    before: Mark | None = None
    after: Mark | None = None


def search_page(
    session: Session,
    search: Search,
    *,
    sort: Sort,
    total: int,
    after: Mark | None = None,
    before: Mark | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """The results after a mark, or those before one, or the first ones. A mark of another sort counts for nothing.

    `total` is how many results there are in all; it decides how they are read.
    """
    if not total:
        return Page()
    after = after if after is not None and after.sort is sort else None
    before = before if before is not None and before.sort is sort else None
    if before is not None:
        page = _read_page(session, search, sort=sort, total=total, mark=before, is_backward=True, size=size)
        # Fewer than a page before the mark: the first page, whole.
        return page if page.before is not None else search_page(session, search, sort=sort, total=total, size=size)
    page = _read_page(session, search, sort=sort, total=total, mark=after, is_backward=False, size=size)
    if after is not None and not page.hits:
        return search_page(session, search, sort=sort, total=total, size=size)
    return page


def _read_page(
    session: Session, search: Search, *, sort: Sort, total: int, mark: Mark | None, is_backward: bool, size: int
) -> Page:
    statement = page_statement(
        search.shape,
        sort=sort,
        has_mark=mark is not None,
        is_backward=is_backward,
        limit=size + 1,
        is_gathered=total <= FEW,
    )
    rows = session.execute(statement, {**search.values, **mark_values(mark)}).all()
    has_more = len(rows) > size
    rows = rows[:size]
    if is_backward:
        rows = rows[::-1]
    if not rows:
        return Page()
    known_rank = 0 if mark is None else mark.rank
    first_rank = max(0, known_rank - len(rows)) if is_backward else known_rank
    last_rank = first_rank + len(rows)
    return Page(
        hits=tuple(_hit(row) for row in rows),
        first_rank=first_rank,
        before=_mark(rows[0], sort, first_rank) if (has_more if is_backward else mark is not None) else None,
        after=_mark(rows[-1], sort, last_rank) if (has_more or is_backward) else None,
    )


def mark_values(mark: Mark | None) -> dict[str, object]:
    return {} if mark is None else {"mark_key": mark.key, "mark_id": mark.listing_id}


@lru_cache(maxsize=SHAPES_KEPT)
def page_statement(
    shape: Shape, *, sort: Sort, has_mark: bool, is_backward: bool, limit: int, is_gathered: bool
) -> Select[Any]:
    """Ids are picked in order, by an index or from all results gathered first; then what is shown is joined to them."""
    is_rising = (sort is Sort.DISTANCE) is not is_backward
    key: ColumnElement[Any] = _sort_key(sort)
    listing_id: ColumnElement[int] = Listing.id.expression
    found = select(listing_id, key.label("key")).where(fulfils(shape))
    if is_gathered:
        gathered = found.cte("gathered").prefix_with("MATERIALIZED")
        key, listing_id = gathered.c.key, gathered.c.id
        found = select(listing_id, key)
    if has_mark:
        found = found.where(_is_beyond_mark(key, listing_id, is_rising=is_rising))
    if sort is Sort.DISTANCE and not is_gathered:
        found = found.where(_nearby(found, key, has_mark=has_mark, is_rising=is_rising, limit=limit))
    picked = found.order_by(*_ordered(key, listing_id, is_rising=is_rising)).limit(limit).subquery("picked")
    distance_m = geodesic_m(Listing.position_25833, CENTRE) if shape.has_centre else null()
    return (
        select(*HIT_COLUMNS, distance_m.label("distance_m"), picked.c.key)
        .join(picked, picked.c.id == Listing.id)
        .join(Listing.material)
        .join(Listing.municipality)
        .join(Listing.organisation)
        .outerjoin(Listing.project)
        .outerjoin(Listing.facility)
        .order_by(*_ordered(picked.c.key, picked.c.id, is_rising=is_rising))
    )


def _is_beyond_mark(key: ColumnElement[Any], listing_id: ColumnElement[int], *, is_rising: bool) -> ColumnElement[bool]:
    place, mark = (
        tuple_(key, listing_id),
        tuple_(bindparam("mark_key", type_=key.type), bindparam("mark_id", type_=BigInteger())),
    )
    return place > mark if is_rising else place < mark


def _nearby(
    found: Select[Any], distance_m: ColumnElement[float], *, has_mark: bool, is_rising: bool, limit: int
) -> ColumnElement[bool]:
    """The square that holds all of a page: out to the page's last listing, or back from its mark.

    An index orders by distance alone, never by distance and id; so it is asked how far the page reaches, and what lies
    within that far is sorted.
    """
    reach_m: ColumnElement[float] = literal(BEYOND_NORWAY_M, Double())
    if is_rising:
        last_m = found.with_only_columns(distance_m).order_by(distance_m).offset(limit - 1).limit(1).scalar_subquery()
        reach_m = func.coalesce(last_m, reach_m)
    elif has_mark:
        reach_m = bindparam("mark_key", type_=Double())
    return in_square(Listing.position_25833, CENTRE, half_side_m=reach_m + literal(1.0, Double()))


def _ordered(*columns: ColumnElement[Any], is_rising: bool) -> tuple[UnaryExpression[Any], ...]:
    return tuple(column.asc() if is_rising else column.desc() for column in columns)


def _sort_key(sort: Sort) -> ColumnElement[Any]:
    match sort:
        case Sort.DISTANCE:
            return planar_m(Listing.position_25833, CENTRE)
        case Sort.NEWEST:
            return Listing.renewed_at.expression
        case Sort.QUANTITY:
            return Listing.left_t.expression


HIT_COLUMNS: tuple[Any, ...] = (
    Listing.id,
    Listing.kind,
    Listing.material_key,
    MaterialRow.group,
    Listing.fraction_min_mm,
    Listing.fraction_max_mm,
    Listing.mass_t,
    Listing.left_t,
    Listing.available_from,
    Listing.available_to,
    Listing.price_kind,
    Listing.price_nok_per_t,
    Municipality.name.label("municipality_name"),
    Organisation.name.label("organisation_name"),
    Organisation.verified_at.is_not(None).label("is_verified"),
    Project.name.label("project_name"),
    Facility.name.label("facility_name"),
    Listing.documentation,
    Listing.renewed_at,
    Listing.asked_at,
    Listing.is_example,
    Listing.hides_position,
    Listing.municipality_number,
    *(each.label(name) for name, each in zip(("lon", "lat"), lon_lat(Listing.position_25833), strict=True)),
)


def _hit(row: Row[Any]) -> Hit:
    has_fraction = row.fraction_min_mm is not None
    return Hit(
        id=row.id,
        kind=row.kind,
        material_key=row.material_key,
        material_group=row.group,
        fraction_mm=(row.fraction_min_mm, row.fraction_max_mm) if has_fraction else None,
        mass_t=row.mass_t,
        left_t=row.left_t,
        period=(row.available_from, row.available_to),
        price_kind=row.price_kind,
        price_nok_per_t=row.price_nok_per_t,
        municipality_name=row.municipality_name,
        organisation_name=row.organisation_name,
        is_verified=row.is_verified,
        project_name=row.project_name,
        facility_name=row.facility_name,
        documentation=row.documentation,
        renewed_at=row.renewed_at,
        asked_at=row.asked_at,
        is_example=row.is_example,
        hides_position=row.hides_position,
        distance_m=row.distance_m,
        position=Position(lon=row.lon, lat=row.lat),
        municipality_number=row.municipality_number,
    )


def _mark(row: Row[Any], sort: Sort, rank: int) -> Mark:
    return Mark(sort=sort, key=row.key, listing_id=row.id, rank=rank)
