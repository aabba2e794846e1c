"""What is searched for, in words; what was made of it; and the ways out where nothing is found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from geo.materials import MaterialGroup, taxonomy
from geo.units import M_PER_KM
from marketplace.filters import distance, nok_per_t, number, period, tonnes
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.labels import label, material_name
from marketplace.queries.search import Search
from marketplace.queries.search_counts import COUNTED_AT_MOST, Facets, loosenings
from marketplace.queries.search_filters import Centre, Filter, SearchFilters
from marketplace.types import Documentation
from marketplace.web.search_choices import names_of
from marketplace.web.search_state import SearchState, address

LEFT_QUOTE, RIGHT_QUOTE = "«»"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A part of what is searched for, the address without it, and the form's fields it stands in.

    `value` tells which it is where a field has several.
    """

    text: str
    url: str
    fields: tuple[str, ...]
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """A filter to take away from a search that finds nothing; `fields` as in `Chip`."""

    text: str
    url: str
    fields: tuple[str, ...]


def chips(session: Session, state: SearchState, counts: Facets) -> Iterator[Chip]:
    """What is searched for, each part with the search that is left without it."""
    names = {each.number: each.name for each in counts.municipalities}
    names |= names_of(session, state.filters.municipalities - names.keys())
    for text, left, fields, value in _parts(state.filters, names):
        others = replace(
            state.with_filters(left),
            origin=None if "origin" in fields else state.origin,
            is_following=state.is_following and "follow" not in fields,
        )
        yield Chip(text=text, url=address(others), fields=fields, value=value)


def in_words(filters: SearchFilters, names: Mapping[str, str]) -> tuple[str, ...]:
    """What is searched for, part by part; `names` are those of the municipalities, by number."""
    return tuple(text for text, *_rest in _parts(filters, names))


type Part = tuple[str, SearchFilters, tuple[str, ...], str]
"""Words, the filters left without it, the fields it stands in, and its value where it is one of several."""


def _parts(filters: SearchFilters, names: Mapping[str, str]) -> Iterator[Part]:
    if filters.text:
        quoted = f"{LEFT_QUOTE}{filters.text}{RIGHT_QUOTE}"
        yield quoted, filters.without(Filter.TEXT), ("q",), ""
    if filters.kind is not None:
        yield label(filters.kind), filters.without(Filter.KIND), ("kind",), ""
    if filters.documentation is not None:
        is_tested = filters.documentation is Documentation.TESTED
        text = _("Surpluses only when tested") if is_tested else _("Surpluses tested or declared")
        yield text, filters.without(Filter.DOCUMENTATION), ("documentation",), ""
    yield from _material_parts(filters)
    if Filter.MASS in filters.active:
        text = _between(filters.mass_min_t, filters.mass_max_t)
        yield text, filters.without(Filter.MASS), ("mass_min", "mass_max"), ""
    if Filter.PERIOD in filters.active:
        text = period((filters.period_from, filters.period_to))
        yield text, filters.without(Filter.PERIOD), ("from_day", "to_day"), ""
    if filters.price_kind is not None:
        yield label(filters.price_kind), replace(filters, price_kind=None), ("price",), ""
    if filters.price_max_nok_per_t is not None:
        text = _("At most %(price)s", price=nok_per_t(filters.price_max_nok_per_t))
        yield text, replace(filters, price_max_nok_per_t=None), ("price_max",), ""
    if filters.centre is not None:
        left = replace(filters, centre=None, within_km=None)
        yield _from_where(filters.centre, filters.within_km), left, ("near", "at", "origin", "within"), ""
    yield from _municipality_parts(filters, names)
    if filters.area is not None:
        yield _("In the visible map"), filters.without(Filter.AREA), ("area", "follow"), ""


def _material_parts(filters: SearchFilters) -> Iterator[Part]:
    for group in MaterialGroup:
        if group in filters.groups:
            left = replace(filters, groups=filters.groups - {group})
            yield _("All of %(group)s", group=label(group)), left, ("group",), group.value
    for key in taxonomy().materials:
        if key in filters.materials:
            yield material_name(key), replace(filters, materials=filters.materials - {key}), ("material",), key


def _municipality_parts(filters: SearchFilters, names: Mapping[str, str]) -> Iterator[Part]:
    for unit in sorted(filters.municipalities, key=lambda each: names.get(each, each)):
        left = replace(filters, municipalities=filters.municipalities - {unit})
        yield names.get(unit, unit), left, ("municipality",), unit


def _between(least_t: Decimal | None, most_t: Decimal | None) -> str:
    if most_t is None:
        return _("At least %(quantity)s", quantity=tonnes(least_t))
    if least_t is None:
        return _("At most %(quantity)s", quantity=tonnes(most_t))
    return _("%(least)s to %(most)s", least=tonnes(least_t), most=tonnes(most_t))


def _from_where(centre: Centre, within_km: Decimal | None) -> str:
    if within_km is None:
        return _("From %(place)s", place=centre.label)
    return _("Within %(reach)s of %(place)s", reach=distance(within_km * M_PER_KM), place=centre.label)


def notes(search: Search) -> Iterator[str]:
    """What was made of the words that were typed."""
    for word in search.looked_up.words:
        if word.is_corrected:
            yield _("No listing has the word %(typed)s. Searched for %(sought)s.", typed=word.typed, sought=word.sought)
    if search.looked_up.ignored:
        words = ", ".join(search.looked_up.ignored)
        yield _("Too common to search for: %(words)s.", words=words)


WAYS_OUT: Mapping[Filter, str] = {
    Filter.TEXT: N_("Without the words"),
    Filter.KIND: N_("Surplus, demand and reception alike"),
    Filter.DOCUMENTATION: N_("Whatever the documentation"),
    Filter.MATERIAL: N_("Any material"),
    Filter.MASS: N_("Any quantity"),
    Filter.PERIOD: N_("Any time"),
    Filter.PRICE: N_("Any price"),
    Filter.DISTANCE: N_("Any distance"),
    Filter.AREA: N_("Outside the visible map, too"),
    Filter.MUNICIPALITY: N_("Any municipality"),
}


FIELDS: Mapping[Filter, tuple[str, ...]] = {
    Filter.TEXT: ("q",),
    Filter.KIND: ("kind",),
    Filter.DOCUMENTATION: ("documentation",),
    Filter.MATERIAL: ("group", "material"),
    Filter.MASS: ("mass_min", "mass_max"),
    Filter.PERIOD: ("from_day", "to_day"),
    Filter.PRICE: ("price", "price_max"),
    Filter.DISTANCE: ("within",),
    Filter.AREA: ("area", "follow"),
    Filter.MUNICIPALITY: ("municipality",),
}
"""The form's fields that each filter stands in."""


def ways_out(session: Session, state: SearchState, search: Search) -> Iterator[WayOut]:
    for each in loosenings(session, search):
        left = replace(
            state.with_filters(state.filters.without(each.dropped)),
            is_following=state.is_following and each.dropped is not Filter.AREA,
        )
        count = f"{COUNTED_AT_MOST - 1}+" if each.count >= COUNTED_AT_MOST else number(each.count)
        text = _("%(way)s (%(count)s)", way=translate(WAYS_OUT[each.dropped], {}), count=count)
        yield WayOut(text=text, url=address(left), fields=FIELDS[each.dropped])
