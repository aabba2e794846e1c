"""A search as its address says it: everything a search page shows follows from its address alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from flask import url_for

from geo.geometry import BBox
from marketplace.errors import FieldError
from marketplace.queries.search import Mark, Sort
from marketplace.queries.search_filters import Centre, SearchFilters
from marketplace.web.search_marks import write_mark

REACHES_KM = (5, 10, 25, 50, 100, 200)


class OriginKind(StrEnum):
    PROJECT = "project"
    LISTING = "listing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A project or listing that distances are measured from."""

    kind: OriginKind
    id: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchState:
    """What an address asks for.

    `near` is a place that was typed and has yet to be looked up, `origin` one that is named by id; a place that is
    known already stands in `filters.centre`. `is_following` says that the list follows the map as it is moved, and
    `shows_map` that a screen with room for only one of them shows the map.
    """

    filters: SearchFilters = field(default_factory=SearchFilters)
    near: str = ""
    origin: Origin | None = None
    chosen_sort: Sort | None = None
    is_following: bool = False
    shows_map: bool = False
    after: Mark | None = None
    before: Mark | None = None
    problems: tuple[FieldError, ...] = ()

    @property
    def sort(self) -> Sort:
        """The order asked for where it can be had; else the nearest first where there is a centre, else the newest."""
        has_centre = self.filters.centre is not None
        if self.chosen_sort is None or (self.chosen_sort is Sort.DISTANCE and not has_centre):
            return Sort.DISTANCE if has_centre else Sort.NEWEST
        return self.chosen_sort

    def with_filters(self, filters: SearchFilters) -> "SearchState":
        """The first page of another search."""
        return replace(self, filters=filters, after=None, before=None)

    def parameters(self) -> list[tuple[str, str]]:
        """The address's parameters, in one order, without those that say nothing."""
        return [(name, value) for name, value in _parameters(self) if value]

    def query(self) -> str:
        return urlencode(self.parameters(), safe=",:")

    def map_query(self) -> str:
        """The parameters that say which listings are meant, for the map's data."""
        return replace(self, **NOT_ABOUT_LISTINGS).query()


def address(state: SearchState) -> str:
    query = state.query()
    path = url_for("search.index")
    return f"{path}?{query}" if query else path


NOT_ABOUT_LISTINGS: Mapping[str, Any] = {
    "origin": None,
    "chosen_sort": None,
    "is_following": False,
    "shows_map": False,
    "after": None,
    "before": None,
}
"""What a state holds that says nothing of which listings are meant, with what stands for nothing."""


PARAMETERS = frozenset({
    "q", "kind", "documentation", "group", "material", "mass_min", "mass_max", "from_day", "to_day", "price",
    "price_max", "near", "at", "origin", "within", "municipality", "area", "sort", "follow", "view", "after", "before",
})  # fmt: skip


def _parameters(state: SearchState) -> Iterator[tuple[str, str]]:
    filters = state.filters
    yield "q", filters.text
    yield "kind", filters.kind or ""
    yield "documentation", filters.documentation or ""
    yield from (("group", group) for group in sorted(filters.groups))
    yield from (("material", key) for key in sorted(filters.materials))
    yield "mass_min", _number(filters.mass_min_t)
    yield "mass_max", _number(filters.mass_max_t)
    yield "from_day", _day(filters.period_from)
    yield "to_day", _day(filters.period_to)
    yield "price", filters.price_kind or ""
    yield "price_max", _number(filters.price_max_nok_per_t)
    if state.origin is not None:
        yield "origin", str(state.origin)
    elif filters.centre is not None:
        yield "near", filters.centre.label
        yield "at", _at(filters.centre)
    else:
        yield "near", state.near
    yield "within", _number(filters.within_km)
    yield from (("municipality", number) for number in sorted(filters.municipalities))
    if filters.area is not None:
        yield "area", bbox_text(filters.area)
    yield "sort", state.chosen_sort or ""
    yield "follow", "1" if state.is_following else ""
    yield "view", "map" if state.shows_map else ""
    yield "after", "" if state.after is None else write_mark(state.after)
    yield "before", "" if state.before is None else write_mark(state.before)


def _number(value: Decimal | None) -> str:
    """With a decimal point, and never three decimals, which could be thousands: so every language reads it alike."""
    if value is None:
        return ""
    written = f"{value.normalize():f}"
    return f"{written}0" if len(written.partition(".")[2]) == 3 else written


def _day(value: date | None) -> str:
    return "" if value is None else value.isoformat()


def bbox_text(box: BBox) -> str:
    return ",".join(f"{edge:.5f}" for edge in (box.west, box.south, box.east, box.north))


def _at(centre: Centre) -> str:
    """The place with the name it stands for: once another name is typed, it no longer holds."""
    return f"{centre.position.lon:.5f},{centre.position.lat:.5f},{centre.label}"
