"""How many listings a search finds of each sort, what stands in the way of finding any, and where they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import ColumnElement, Integer, Select, and_, func, select, true, tuple_
from sqlalchemy.orm import Session

from geo.geometry import BBox
from geo.units import M_PER_KM, SRID_STORED
from marketplace.models import Listing, Municipality
from marketplace.queries.municipalities import bounds_of
from marketplace.queries.search import Search
from marketplace.queries.search_filters import SHAPES_KEPT, Filter, Shape, conditions_of, fulfils
from marketplace.types import Documentation, ListingKind

COUNTED_AT_MOST = 100


# How many there are -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MunicipalityCount:
    number: str
    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """How many listings there are in all, and how many each choice of a facet would give.

    A facet's counts leave its own choice out of account, so that they say what another choice would bring; what is
    found nowhere is left out. Documentation is counted of surpluses; `takers` are all others, which every choice of it
    lets through. Municipalities stand in the order of the Norwegian alphabet.
    """

    total: int
    kinds: Mapping[ListingKind, int]
    documentations: Mapping[Documentation, int]
    takers: int
    materials: Mapping[str, int]
    municipalities: tuple[MunicipalityCount, ...]


def facets(session: Session, search: Search) -> Facets:
    rows = session.execute(facets_statement(search.shape), search.values).all()
    by_documentation = [row for row in rows if row.facet == Facet.DOCUMENTATION and row.by_documentation]
    return Facets(
        total=next((int(row.in_all or 0) for row in rows if row.facet == Facet.TOTAL), 0),
        kinds={ListingKind(row.kind): int(row.by_kind) for row in rows if row.facet == Facet.KIND and row.by_kind},
        documentations={
            Documentation(row.documentation): int(row.by_documentation) for row in by_documentation if row.is_surplus
        },
        takers=sum(int(row.by_documentation) for row in by_documentation if not row.is_surplus),
        materials={
            row.material_key: int(row.by_material) for row in rows if row.facet == Facet.MATERIAL and row.by_material
        },
        municipalities=tuple(
            MunicipalityCount(number=row.municipality_number, name=row.name, count=int(row.by_municipality))
            for row in rows
            if row.facet == Facet.MUNICIPALITY and row.by_municipality
        ),
    )


class Facet(IntEnum):
    """The value of GROUPING(kind, documentation, material, municipality) for each facet: a bit for each left out.

    Documentation is counted apart for surpluses, which alone have some.
    """

    KIND = 0b0111
    DOCUMENTATION = 0b0011
    MATERIAL = 0b1101
    MUNICIPALITY = 0b1110
    TOTAL = 0b1111


FACETED = (Filter.KIND, Filter.DOCUMENTATION, Filter.MATERIAL, Filter.MUNICIPALITY)


@lru_cache(maxsize=SHAPES_KEPT)
def facets_statement(shape: Shape) -> Select[Any]:
    """One pass over the listings that fulfil all other filters, then sums over the few thousand cells that leaves."""
    keys = (Listing.kind, Listing.documentation, Listing.material_key, Listing.municipality_number)
    conditions = conditions_of(shape)
    chosen = [conditions.get(name, true()).label(f"fulfils_{name}") for name in FACETED]
    cell = (
        select(*keys, *chosen, func.count().label("count"))
        .where(fulfils(shape, besides=FACETED))
        .group_by(*keys)
        .cte("cell")
    )

    def count_besides(facet: Filter | None) -> ColumnElement[Any]:
        others = (cell.c[f"fulfils_{name}"] for name in FACETED if name != facet)
        return func.sum(cell.c["count"]).filter(and_(true(), *others))

    kind, documentation = cell.c.kind, cell.c.documentation
    material, municipality = cell.c.material_key, cell.c.municipality_number
    sets = tuple_(kind), tuple_(kind, documentation), tuple_(material), tuple_(municipality), tuple_()
    summed = (
        select(
            kind,
            (kind == ListingKind.SURPLUS).label("is_surplus"),
            documentation,
            material,
            municipality,
            func.grouping(kind, documentation, material, municipality, type_=Integer()).label("facet"),
            count_besides(None).label("in_all"),
            count_besides(Filter.KIND).label("by_kind"),
            count_besides(Filter.DOCUMENTATION).label("by_documentation"),
            count_besides(Filter.MATERIAL).label("by_material"),
            count_besides(Filter.MUNICIPALITY).label("by_municipality"),
        )
        .group_by(func.grouping_sets(*sets))
        .subquery("summed")
    )
    return (
        select(summed, Municipality.name)
        .outerjoin(Municipality, Municipality.number == summed.c.municipality_number)
        .order_by(Municipality.name.collate("nb-NO-x-icu"), summed.c.municipality_number)
    )


# What stands in the way -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Loosening:
    """A filter without which there would be results, and how many, counted up to `COUNTED_AT_MOST`."""

    dropped: Filter
    count: int


def loosenings(session: Session, search: Search) -> tuple[Loosening, ...]:
    """Which single filter to take away for a search that finds nothing, the most rewarding first."""
    dropped = tuple(conditions_of(search.shape))
    if not dropped:
        return ()
    counts = session.execute(loosenings_statement(search.shape), search.values).one()
    found = [Loosening(dropped=each, count=count) for each, count in zip(dropped, counts, strict=True) if count]
    return tuple(sorted(found, key=lambda each: -each.count))


@lru_cache(maxsize=SHAPES_KEPT)
def loosenings_statement(shape: Shape) -> Select[Any]:
    """A count for each filter, of what the others let through."""
    without = [
        select(Listing.id).where(fulfils(shape, besides=(each,))).limit(COUNTED_AT_MOST).subquery()
        for each in conditions_of(shape)
    ]
    return select(*(select(func.count()).select_from(each).scalar_subquery() for each in without))


# Where they are ---------------------------------------------------------------------------------------------------


def bounds_of_results(session: Session, search: Search) -> BBox | None:
    """The box around all results with a kilometre's margin, for a map to show; None where there are none."""
    found = session.scalar(bounds_statement(search.shape), search.values)
    return None if found is None else bounds_of(found)


@lru_cache(maxsize=SHAPES_KEPT)
def bounds_statement(shape: Shape) -> Select[Any]:
    extent = func.ST_SetSRID(func.ST_Extent(Listing.position_25833), SRID_STORED)
    return select(func.ST_Expand(extent, float(M_PER_KM), type_=Geometry)).where(fulfils(shape))
