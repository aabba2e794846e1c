"""A search as its address says it, and back: everything a search page shows follows from its address alone.

Whatever an address holds is read without fail. What a person typed and nothing can be made of becomes a problem beside
its field; what only a program or a tampered link can have written is left out of account.
"""

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from flask import url_for
from werkzeug.datastructures import MultiDict

from geo.errors import GeometryError
from geo.geometry import BBox, Position, read_bbox
from geo.materials import MaterialGroup, taxonomy
from marketplace.errors import FieldError
from marketplace.forms.fields import decimal_sign
from marketplace.i18n_marker import N_
from marketplace.parsing import UnclearNumber, read_day, read_decimal, two_readings
from marketplace.queries.search import Mark, Sort
from marketplace.queries.search_filters import Centre, SearchFilters
from marketplace.text import clean_line
from marketplace.types import ListingKind, PriceKind

LONGEST_TEXT = 200
LONGEST_LABEL = 120
MOST_MUNICIPALITIES = 30
LARGEST_MASS_T = Decimal(10) ** 9
DEAREST_NOK_PER_T = Decimal(10) ** 6
REACHES_KM = (5, 10, 25, 50, 100, 200)
FARTHEST_KM = Decimal(3_000)
LARGEST_ID = 2**63 - 1

LIMITS = BBox(west=-10.0, south=50.0, east=50.0, north=80.0)
"""Around Norway, and well within what the stored projection can take."""
NOWHERE = BBox(west=-9.9, south=50.1, east=-9.8, north=50.2)
"""A box in the Atlantic, for an area that has nothing of Norway in it."""


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
    "q", "kind", "group", "material", "mass_min", "mass_max", "from_day", "to_day", "price", "price_max", "near", "at",
    "origin", "within", "municipality", "area", "sort", "follow", "view", "after", "before",
})  # fmt: skip


def _parameters(state: SearchState) -> Iterator[tuple[str, str]]:
    filters = state.filters
    yield "q", filters.text
    yield "kind", filters.kind or ""
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


# Reading ----------------------------------------------------------------------------------------------------------


def read_state(parameters: MultiDict[str, str]) -> SearchState:
    """The state an address says; nothing is looked up."""
    problems: list[FieldError] = []
    several = parameters.to_dict(flat=False)
    if several.keys().isdisjoint(PARAMETERS):
        return SearchState()
    args = {name: values[0] for name, values in several.items()}
    mass_min_t, mass_max_t = _range(
        _quantity(args, "mass_min", LARGEST_MASS_T, problems),
        _quantity(args, "mass_max", LARGEST_MASS_T, problems),
        FieldError(field="mass_max", message=N_("The most is less than the least.")),
        problems,
    )
    period_from, period_to = _range(
        _read_day(args, "from_day", problems),
        _read_day(args, "to_day", problems),
        FieldError(field="to_day", message=N_("The period ends before it starts.")),
        problems,
    )
    near, origin, centre = _place(args)
    filters = SearchFilters(
        text=_text(args, problems),
        kind=_member(ListingKind, args.get("kind")),
        groups=frozenset(group for group in MaterialGroup if group.value in several.get("group", ())),
        materials=frozenset(taxonomy().materials.keys() & set(several.get("material", ()))),
        mass_min_t=mass_min_t,
        mass_max_t=mass_max_t,
        period_from=period_from,
        period_to=period_to,
        price_kind=_member(PriceKind, args.get("price")),
        price_max_nok_per_t=_quantity(args, "price_max", DEAREST_NOK_PER_T, problems),
        centre=centre,
        within_km=_reach(args),
        area=read_area(args.get("area")),
        municipalities=frozenset(_municipality_numbers(several.get("municipality", []))),
    )
    return SearchState(
        filters=filters,
        near=near,
        origin=origin,
        chosen_sort=_member(Sort, args.get("sort")),
        is_following=args.get("follow") == "1",
        shows_map=args.get("view") == "map",
        after=read_mark(args.get("after")),
        before=read_mark(args.get("before")),
        problems=tuple(problems),
    )


def _text(args: Mapping[str, str], problems: list[FieldError]) -> str:
    typed = clean_line(args.get("q"))
    if len(typed) > LONGEST_TEXT:
        problems.append(FieldError(field="q", message=N_("This is too long. Only the beginning was searched for.")))
    return typed[:LONGEST_TEXT].rstrip()


def _member[Member: (ListingKind, OriginKind, PriceKind, Sort)](
    enumeration: type[Member], value: str | None
) -> Member | None:
    return next((member for member in enumeration if member.value == value), None)


def _quantity(args: Mapping[str, str], name: str, most: Decimal, problems: list[FieldError]) -> Decimal | None:
    typed = clean_line(args.get(name))
    if not typed:
        return None
    try:
        value = read_decimal(typed, decimal_sign=decimal_sign())
    except UnclearNumber:
        problems.append(_two_ways(name, typed))
        return None
    except ValueError:
        problems.append(FieldError(field=name, message=N_("Enter a number, with digits only.")))
        return None
    if value < 0:
        problems.append(FieldError(field=name, message=N_("Enter a number that is not below zero.")))
        return None
    return min(value, most)


def _two_ways(name: str, typed: str) -> FieldError:
    thousands, parts = two_readings(typed, decimal_sign=decimal_sign())
    return FieldError(
        field=name,
        message=N_("%(typed)s can be read in two ways. Write %(thousands)s or %(parts)s."),
        params={"typed": typed, "thousands": thousands, "parts": parts},
    )


def _reach(args: Mapping[str, str]) -> Decimal | None:
    """It is chosen from a list: what is no distance was typed by nobody."""
    unheard: list[FieldError] = []
    return _quantity(args, "within", FARTHEST_KM, unheard) or None


def _read_day(args: Mapping[str, str], name: str, problems: list[FieldError]) -> date | None:
    typed = clean_line(args.get(name))
    if not typed:
        return None
    try:
        return read_day(typed)
    except ValueError:
        problems.append(FieldError(field=name, message=N_("Enter a day, for example 31.12.2027.")))
        return None


def _range[Bound: (Decimal, date)](
    least: Bound | None, most: Bound | None, problem: FieldError, problems: list[FieldError]
) -> tuple[Bound | None, Bound | None]:
    """Both bounds, or neither where they contradict each other."""
    if least is not None and most is not None and most < least:
        problems.append(problem)
        return None, None
    return least, most


def _place(args: Mapping[str, str]) -> tuple[str, Origin | None, Centre | None]:
    """What distances are measured from: at most one of the three.

    A form may send a place and an origin at once. The one that was there before has its mark beside it (`at` for a
    place), so the other one is what the person has just chosen.
    """
    near = clean_line(args.get("near"))[:LONGEST_LABEL]
    origin = _origin(args.get("origin"))
    known = _read_at(args.get("at"))
    if near and known is not None and known.label == near:
        return ("", None, known) if origin is None else ("", origin, None)
    if near:
        return near, None, None
    return "", origin, None


def _origin(text: str | None) -> Origin | None:
    name, _, number = (text or "").partition(":")
    kind = _member(OriginKind, name)
    if kind is None or not (number.isascii() and number.isdecimal() and len(number) < 20):
        return None
    return Origin(kind=kind, id=int(number)) if 0 < int(number) <= LARGEST_ID else None


def _read_at(text: str | None) -> Centre | None:
    try:
        lon, lat, label = (text or "").split(",", 2)
        position = Position(lon=float(lon), lat=float(lat))
    except ValueError:
        return None
    is_around = LIMITS.west <= position.lon <= LIMITS.east and LIMITS.south <= position.lat <= LIMITS.north
    label = clean_line(label)[:LONGEST_LABEL]
    return Centre(position=position, label=label) if is_around and label else None


def read_area(text: str | None) -> BBox | None:
    """A box of longitudes and latitudes, cut to the surroundings of Norway; None for what is no box."""
    if not text:
        return None
    try:
        given = read_bbox(text[:200])
    except GeometryError:
        return None
    west, south = max(given.west, LIMITS.west), max(given.south, LIMITS.south)
    east, north = min(given.east, LIMITS.east), min(given.north, LIMITS.north)
    if west >= east or south >= north:
        return NOWHERE
    return BBox(west=west, south=south, east=east, north=north)


def read_zoom(text: str | None) -> float:
    """A map's zoom level; the whole of Norway's where it is none."""
    try:
        zoom = float(text or "")
    except ValueError:
        return 4.0
    return min(max(zoom, 0.0), 22.0) if math.isfinite(zoom) else 4.0


def _municipality_numbers(given: list[str]) -> list[str]:
    return [each for each in dict.fromkeys(given) if len(each) == 4 and each.isascii() and each.isdecimal()][
        :MOST_MUNICIPALITIES
    ]


# Marks ------------------------------------------------------------------------------------------------------------


def write_mark(mark: Mark) -> str:
    key = mark.key.isoformat() if isinstance(mark.key, datetime) else str(mark.key)
    written = json.dumps([mark.sort.value, key, mark.listing_id, mark.rank], separators=(",", ":"))
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def read_mark(text: str | None) -> Mark | None:
    """The place in the results that a link leads on from; None, the beginning, for what is no such place.

    A mark holds nothing secret: whoever makes one up starts somewhere else in a list that everybody may see.
    """
    if not text or len(text) > 300:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        written = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
        sort_name, key, listing_id, rank = json.loads(written)
        sort = Sort(sort_name)
        read_key = _MARK_KEYS[sort](key)
    except (ValueError, TypeError, AttributeError, InvalidOperation, OverflowError, RecursionError, binascii.Error):
        return None
    is_id = type(listing_id) is int and 0 < listing_id <= LARGEST_ID
    is_rank = type(rank) is int and 0 <= rank <= LARGEST_ID
    return Mark(sort=sort, key=read_key, listing_id=listing_id, rank=rank) if is_id and is_rank else None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _mass(text: str) -> Decimal:
    mass = Decimal(text)
    if not (mass.is_finite() and abs(mass) <= LARGEST_MASS_T and mass == round(mass, 6)):
        raise ValueError(text)
    return mass


def _metres(text: str) -> float:
    metres = float(text)
    if not math.isfinite(metres):
        raise ValueError(text)
    return metres


_MARK_KEYS: Mapping[Sort, Any] = {Sort.NEWEST: _moment, Sort.QUANTITY: _mass, Sort.DISTANCE: _metres}
