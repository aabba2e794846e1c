"""Reading a search from an address.

Whatever an address holds is read without fail. What a person typed and nothing can be made of becomes a problem beside
its field; what only a program or a tampered link can have written is left out of account.
"""

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from werkzeug.datastructures import MultiDict

from geo.errors import GeometryError
from geo.geometry import BBox, Position, read_bbox
from geo.materials import MaterialGroup, taxonomy
from marketplace.errors import FieldError
from marketplace.forms.fields import decimal_sign
from marketplace.i18n_marker import N_
from marketplace.parsing import UnclearNumber, read_day, read_decimal, two_readings
from marketplace.queries.search import Sort
from marketplace.queries.search_filters import Centre, SearchFilters
from marketplace.text import clean_line
from marketplace.types import Documentation, ListingKind, PriceKind
from marketplace.web.search_marks import LARGEST_ID, LARGEST_MASS_T, read_mark
from marketplace.web.search_state import PARAMETERS, Origin, OriginKind, SearchState

LONGEST_TEXT = 200
LONGEST_LABEL = 120
MOST_MUNICIPALITIES = 30
DEAREST_NOK_PER_T = Decimal(10) ** 6
FARTHEST_KM = Decimal(3_000)

LIMITS = BBox(west=-10.0, south=50.0, east=50.0, north=80.0)
"""Around Norway, and well within what the stored projection can take."""
NOWHERE = BBox(west=-9.9, south=50.1, east=-9.8, north=50.2)
"""A box in the Atlantic, for an area that has nothing of Norway in it."""


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
        documentation=_documentation(args.get("documentation")),
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


def _member[Member: (Documentation, ListingKind, OriginKind, PriceKind, Sort)](
    enumeration: type[Member], value: str | None
) -> Member | None:
    return next((member for member in enumeration if member.value == value), None)


def _documentation(value: str | None) -> Documentation | None:
    """To ask for no documentation is to ask for nothing."""
    asked = _member(Documentation, value)
    return None if asked is Documentation.NONE else asked


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
