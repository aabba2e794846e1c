"""The fields and choices of a search form, and how many listings each choice would give."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from geo.materials import MaterialGroup, taxonomy
from geo.units import M_PER_KM
from marketplace.actor import Actor
from marketplace.filters import distance, tonnes
from marketplace.forms.fields import write_decimal
from marketplace.forms.search import SearchForm
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.labels import label, material_name
from marketplace.queries.municipalities import municipality_names
from marketplace.queries.projects import project_options
from marketplace.queries.search import Sort
from marketplace.queries.search_counts import Facets
from marketplace.queries.search_filters import SearchFilters
from marketplace.queries.search_origins import listing_options
from marketplace.types import Documentation, ListingKind, PriceKind
from marketplace.web.search_state import REACHES_KM, Origin, OriginKind, SearchState


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of a filter, and how many listings choosing it would give; None where that is not counted."""

    value: str
    label: str
    is_chosen: bool
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialChoices:
    """A group of materials; where it is chosen, so is all that is in it."""

    group: Choice
    materials: tuple[Choice, ...]

    @property
    def is_open(self) -> bool:
        return any(material.is_chosen for material in self.materials)


def form_of(state: SearchState, args: MultiDict[str, str]) -> SearchForm:
    """Every field with what is searched for, or with what was typed and why it cannot be."""
    filters = state.filters
    form = SearchForm(
        data={
            "q": filters.text,
            "near": filters.centre.label if filters.centre and not state.origin else state.near,
            "mass_min": _typed_number(filters.mass_min_t),
            "mass_max": _typed_number(filters.mass_max_t),
            "from_day": filters.period_from.isoformat() if filters.period_from else "",
            "to_day": filters.period_to.isoformat() if filters.period_to else "",
            "price_max": _typed_number(filters.price_max_nok_per_t),
        }
    )
    for problem in state.problems:
        fields = PAIRS.get(problem.field, (problem.field,))
        for name in fields:
            form[name].data = args.get(name, "")[:LONGEST_SHOWN_AGAIN]
        form[problem.field].errors = [*form[problem.field].errors, translate(problem.message, problem.params)]
    return form


LONGEST_SHOWN_AGAIN = 400
PAIRS: Mapping[str, tuple[str, ...]] = {"mass_max": ("mass_min", "mass_max"), "to_day": ("from_day", "to_day")}
"""Fields that can contradict each other, so that both are shown again."""


def _typed_number(value: Decimal | None) -> str:
    return "" if value is None else write_decimal(value)


def kinds(filters: SearchFilters, counts: Facets) -> Iterator[Choice]:
    every = sum(counts.kinds.values())
    yield Choice(value="", label=_("All"), is_chosen=filters.kind is None, count=every)
    for kind in ListingKind:
        yield Choice(
            value=kind.value, label=label(kind), is_chosen=filters.kind is kind, count=counts.kinds.get(kind, 0)
        )


def documentations(filters: SearchFilters, counts: Facets) -> Iterator[Choice]:
    """How sure it must be that a surplus is clean; each choice holds those after it, and all that takes masses."""
    found = counts.documentations
    every = counts.takers + sum(found.values())
    tested = counts.takers + found.get(Documentation.TESTED, 0)
    chosen = filters.documentation
    yield Choice(value="", label=_("All"), is_chosen=chosen is None, count=every)
    yield Choice(
        value=Documentation.DECLARED.value,
        label=_("Tested or declared"),
        is_chosen=chosen is Documentation.DECLARED,
        count=tested + found.get(Documentation.DECLARED, 0),
    )
    yield Choice(
        value=Documentation.TESTED.value,
        label=_("Only tested"),
        is_chosen=chosen is Documentation.TESTED,
        count=tested,
    )


def materials(filters: SearchFilters, counts: Facets) -> Iterator[MaterialChoices]:
    for group in MaterialGroup:
        materials = tuple(
            Choice(
                value=material.key,
                label=material_name(material.key),
                is_chosen=material.key in filters.materials,
                count=counts.materials.get(material.key, 0),
            )
            for material in taxonomy().in_group(group)
        )
        yield MaterialChoices(
            group=Choice(
                value=group.value,
                label=label(group),
                is_chosen=group in filters.groups,
                count=sum(material.count or 0 for material in materials),
            ),
            materials=materials,
        )


def municipalities(session: Session, filters: SearchFilters, counts: Facets) -> Iterator[Choice]:
    """Those that have something, those with most first; one that is chosen stays, even with nothing."""
    found = {each.number: each for each in counts.municipalities}
    for unfound, name in names_of(session, filters.municipalities - found.keys()).items():
        yield Choice(value=unfound, label=name, is_chosen=True, count=0)
    for each in sorted(counts.municipalities, key=lambda one: (one.number not in filters.municipalities, -one.count)):
        yield Choice(
            value=each.number, label=each.name, is_chosen=each.number in filters.municipalities, count=each.count
        )


def names_of(session: Session, numbers: Iterable[str]) -> dict[str, str]:
    wanted = set(numbers)
    if not wanted:
        return {}
    return {each.number: each.name for each in municipality_names(session) if each.number in wanted}


def prices(filters: SearchFilters) -> Iterator[Choice]:
    yield Choice(value="", label=_("Any price"), is_chosen=filters.price_kind is None)
    yield Choice(value=PriceKind.FREE.value, label=_("Only free"), is_chosen=filters.price_kind is PriceKind.FREE)
    yield Choice(
        value=PriceKind.GIVER_PAYS.value,
        label=_("The giver pays"),
        is_chosen=filters.price_kind is PriceKind.GIVER_PAYS,
    )
    if filters.price_kind is PriceKind.TAKER_PAYS:
        yield Choice(value=PriceKind.TAKER_PAYS.value, label=label(PriceKind.TAKER_PAYS), is_chosen=True)


def reaches(filters: SearchFilters) -> Iterator[Choice]:
    chosen = filters.within_km
    yield Choice(value="", label=_("Any distance"), is_chosen=chosen is None)
    for reach_km in sorted({Decimal(each) for each in REACHES_KM} | ({chosen} if chosen is not None else set())):
        yield Choice(
            value=f"{reach_km.normalize():f}", label=distance(reach_km * M_PER_KM), is_chosen=reach_km == chosen
        )


def origins(session: Session, actor: Actor, state: SearchState, *, today: date) -> Iterator[Choice]:
    """One's own projects and open listings, and what the address names if that is somebody else's."""
    own = tuple(membership.organisation_id for membership in actor.memberships)
    choices: dict[str, str] = {}
    if own:
        projects = project_options(session, organisation_ids=own, today=today)
        choices |= {str(Origin(kind=OriginKind.PROJECT, id=each.id)): each.name for each in projects}
        for each in listing_options(session, organisation_ids=own, today=today):
            what = f"{label(each.kind)}: {material_name(each.material_key)}, {tonnes(each.mass_t)}"
            choices[str(Origin(kind=OriginKind.LISTING, id=each.id))] = (
                f"{what} ({each.project_name})" if each.project_name else what
            )
    chosen = "" if state.origin is None else str(state.origin)
    if chosen and chosen not in choices and state.filters.centre is not None:
        choices[chosen] = state.filters.centre.label
    for value, text in choices.items():
        yield Choice(value=value, label=text, is_chosen=value == chosen)


SORT_LABELS: Mapping[Sort, str] = {
    Sort.DISTANCE: N_("Nearest first"),
    Sort.NEWEST: N_("Last confirmed first"),  # publishing is the first time
    Sort.QUANTITY: N_("Largest first"),
}


def sorts(state: SearchState) -> Iterator[Choice]:
    """The order that is taken anyway has no value, so that it gives way to the nearest first once a place is chosen."""
    default = replace(state, chosen_sort=None).sort
    for sort in Sort:
        if sort is not Sort.DISTANCE or state.filters.centre is not None:
            value = "" if sort is default else sort.value
            yield Choice(value=value, label=translate(SORT_LABELS[sort], {}), is_chosen=sort is state.sort)
