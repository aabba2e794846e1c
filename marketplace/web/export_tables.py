"""The tables that are given out of a region, put together in the visitor's language."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import cache
from typing import Any, Final

import shapely
from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _

from geo.geometry import Position
from geo.impact import Ledger
from geo.pyramid import Level
from marketplace import clock, db
from marketplace.disclosure import GIVEN_OUT, Disclosure, Shown, shown
from marketplace.export_columns import (
    DEALS_ABOUT,
    ENDS,
    FACILITIES,
    FLOWS_ABOUT,
    LEVEL,
    LISTINGS,
    MASSES,
    MATERIAL,
    METHOD,
    NAMED,
    POSITION_IS,
    WAY,
    of_ledgers,
)
from marketplace.export_columns import EXAMPLE as EXAMPLE_COLUMN
from marketplace.exports import About, Cell, Column, Export, Fact, Row
from marketplace.filters import number
from marketplace.forms.fields import decimal_sign
from marketplace.i18n import translate
from marketplace.labels import label, material_name
from marketplace.queries.exported_flows import (
    DeliveredMonth,
    delivered_months,
    factor_sets_used,
    municipality_places,
)
from marketplace.queries.exported_listings import (
    ExportedFacility,
    ListedMass,
    exported_facilities,
    listed_masses,
)
from marketplace.queries.region_flows import Dimension, FlowGroup, FlowScope, Stage, flow_groups
from marketplace.web.region_desk import region_title
from marketplace.web.region_requests import Asked

LICENCE: Final = "CC BY 4.0"
LICENCE_URL: Final = "https://creativecommons.org/licenses/by/4.0/"


class Dataset(StrEnum):
    """What is exported, as addresses name it."""

    FLOWS = "flows"
    DEALS = "deals"
    """Deal by deal; only for those who see all of the region."""
    LISTINGS = "listings"
    FACILITIES = "facilities"

    @property
    def has_period(self) -> bool:
        """Whether it is about a period; the others are as they stand now."""
        return self in (Dataset.FLOWS, Dataset.DEALS)


def datasets_for(disclosure: Disclosure) -> tuple[Dataset, ...]:
    return tuple(each for each in Dataset if each is not Dataset.DEALS or disclosure.is_full)


def export_of(dataset: Dataset, asked: Asked) -> Export:
    """The table, with all that is to be known of it; most rows are read as they are gone through."""
    return MAKERS[dataset](asked)


class Words:
    """Names in the visitor's language, each looked up once however many rows there are."""

    def __init__(self) -> None:
        self.site = _site()
        self.label: Callable[[StrEnum], str] = cache(label)
        self.material: Callable[[str], str] = cache(material_name)


# Flows ----------------------------------------------------------------------------------------------------------------


BETWEEN: Final = (Dimension.ORIGIN, Dimension.DESTINATION)
IN_DETAIL: Final = (*BETWEEN, Dimension.MATERIAL, Dimension.LEVEL)
ALL: Final = "all"
"""Stands for a material or a level where they are not told apart."""


def _flows_of(asked: Asked) -> FlowScope:
    return FlowScope(region=asked.region, period=asked.period)


def shown_flows(asked: Asked) -> Shown[FlowGroup]:
    """The rows of flows that are given out, and what is held back.

    The public has them by way alone, with what waits in storage in rows of its own: told apart by material too, most
    would rest on so few deals that they were held back, and the open data would be next to nothing.
    """
    by = IN_DETAIL if asked.disclosure.is_full else (*BETWEEN, Dimension.STAGE)
    groups = flow_groups(db.session, _flows_of(asked), by=by, measures=GIVEN_OUT, with_counts=True)
    return shown(groups, asked.disclosure)


def _flows(asked: Asked) -> Export:
    found = shown_flows(asked)
    held_back = Fact(
        key="held_back_deals",
        name=_("Deals held back"),
        value=_(
            "%(deals)s, in %(groups)s rows. A deal counts once in each row that it is part of.",
            deals=number(found.held_back_deals),
            groups=number(found.held_back_groups),
        )
        if found.held_back_groups
        else _("None"),
    )
    return Export(
        name=Dataset.FLOWS.value,
        columns=_ready((*WAY, *MATERIAL, *LEVEL, *FLOWS_ABOUT, *MASSES, *of_ledgers())),
        geometries=("LineString", "Point"),
        about=_about(
            asked,
            title=_("Flows of masses between municipalities"),
            description=_(
                "What was delivered by deals of Masseflyt, by municipality of origin and destination, and what it"
                " avoided; by material and level of the resource pyramid too for the municipalities themselves."
                " A line runs between places inside the two"
                " municipalities, not between sites; within one it is a point."
            ),
            facts=(*_period_facts(asked), held_back),
        ),
        rows=_flow_rows(found.groups),
    )


def _flow_rows(flows: Sequence[FlowGroup]) -> Iterator[Row]:
    words = Words()
    places = municipality_places(db.session, (number for flow in flows for number in flow.keys[:2]))
    for flow in flows:
        from_number, to_number, *detail = flow.keys
        from_name, origin = places[from_number]
        to_name, destination = places[to_number]
        yield Row(
            cells=(
                from_number,
                from_name,
                to_number,
                to_name,
                *_detail_cells(detail, words),
                flow.deals,
                flow.organisations,
                flow.loads,
                flow.delivered_t,
                flow.avoided_t,
                *_ledger_cells(flow.ledger),
            ),
            geometry=_way(origin, destination),
        )


def _detail_cells(detail: Sequence[Any], words: Words) -> tuple[Cell, ...]:
    """Material and level, each by its key and its name; of a stage alone, what it says of them."""
    if len(detail) == 1:
        if detail[0] is Stage.WAITING:
            return ALL, _("All materials"), Level.PENDING.value, words.label(Level.PENDING)
        return ALL, _("All materials"), ALL, _("All levels")
    material_key, level = detail
    return material_key, words.material(material_key), level.value, words.label(level)


def _deals(asked: Asked) -> Export:
    return Export(
        name=Dataset.DEALS.value,
        columns=_ready((*DEALS_ABOUT, *MATERIAL, *LEVEL, *WAY, *ENDS, *MASSES, *of_ledgers(), *METHOD, EXAMPLE_COLUMN)),
        geometries=("LineString",),
        about=_about(
            asked,
            title=_("Deliveries by deal and month"),
            description=_(
                "What was delivered by each deal in each month, from where to where and between whom, and what it"
                " avoided. A line runs from the deal's origin to its destination, as the crow flies."
            ),
            facts=_period_facts(asked),
        ),
        rows=_deal_rows(delivered_months(db.session, _flows_of(asked))),
    )


def _deal_rows(months: Iterable[DeliveredMonth]) -> Iterator[Row]:
    words = Words()
    names: dict[str, str] = {}
    for each in months:
        missing = {each.origin_number, each.destination_number} - names.keys()
        if missing:
            found = municipality_places(db.session, missing)
            names |= {number: name for number, (name, _place) in found.items()}
        yield Row(
            cells=(
                each.deal_id,
                f"{each.month:%Y-%m}",
                each.material_key,
                words.material(each.material_key),
                each.level.value,
                words.label(each.level),
                each.origin_number,
                names[each.origin_number],
                each.destination_number,
                names[each.destination_number],
                each.origin_name,
                each.destination_name,
                each.giver,
                each.taker,
                each.loads,
                each.delivered_t,
                each.mass_t,
                *_ledger_cells(each.ledger),
                each.method and each.method.value,
                each.is_plausible,
                each.is_example,
            ),
            geometry=shapely.LineString(
                [(each.origin.lon, each.origin.lat), (each.destination.lon, each.destination.lat)]
            ),
        )


def _ledger_cells(ledger: Ledger) -> Iterator[Cell]:
    for measure in GIVEN_OUT:
        figure = ledger[measure]
        yield from (figure.value, figure.low, figure.high)


def _way(origin: Position | None, destination: Position | None) -> shapely.LineString | shapely.Point | None:
    """None where a municipality is no longer on the map."""
    if origin is None or destination is None:
        return None
    if origin == destination:
        return shapely.Point(origin.lon, origin.lat)
    return shapely.LineString([(origin.lon, origin.lat), (destination.lon, destination.lat)])


# Listings and facilities ----------------------------------------------------------------------------------------------


def _listings(asked: Asked) -> Export:
    is_full = asked.disclosure.is_full
    extra, words = (*NAMED, POSITION_IS) if is_full else (), Words()
    where = (
        _("A point is where the listing shows that it is.")
        if is_full
        else _("A point is the middle of the square of Statistics Norway's 5 km grid that the listing lies in.")
    )
    return Export(
        name=Dataset.LISTINGS.value,
        columns=_ready((*LISTINGS, *extra)),
        geometries=("Point",),
        about=_about(
            asked,
            title=_("Open listings: surpluses, demands and receptions"),
            description=_("All that is published and not over yet, without prices and contacts.") + " " + where,
        ),
        rows=(
            _listing_row(each, words, is_full=is_full)
            for each in listed_masses(db.session, region=asked.region, today=asked.today, exact=is_full)
        ),
    )


def _listing_row(each: ListedMass, words: Words, *, is_full: bool) -> Row:
    cells: tuple[Cell, ...] = (
        each.id,
        f"{words.site}/listings/{each.id}",
        each.kind.value,
        words.label(each.kind),
        each.material_key,
        words.material(each.material_key),
        str(each.fraction) if each.fraction else None,
        each.mass_t,
        each.left_t,
        each.available_from,
        each.available_to,
        each.documentation.value,
        each.quality_class,
        each.municipality_number,
        each.municipality_name,
        each.is_example,
    )
    if is_full:
        cells += (each.organisation_name, each.project_name, "approximate" if each.hides_position else "exact")
    return Row(cells=cells, geometry=shapely.Point(each.position.lon, each.position.lat))


def _facilities(asked: Asked) -> Export:
    return Export(
        name=Dataset.FACILITIES.value,
        columns=_ready(FACILITIES),
        geometries=("Point",),
        about=_about(
            asked,
            title=_("Facilities: quarries, landfills, recycling plants and interim storage"),
            description=_(
                "Fixed places that take masses in or sell them, with what they may take in and what room they have."
                " Positions are public, and approximate until an operator has confirmed them."
            ),
        ),
        rows=(_facility_row(each) for each in exported_facilities(db.session, region=asked.region)),
    )


def _facility_row(each: ExportedFacility) -> Row:
    return Row(
        cells=(
            each.id,
            f"{_site()}/facilities/{each.id}",
            each.name,
            each.kind.value,
            label(each.kind),
            each.organisation_name,
            " ".join(each.accepts),
            each.accepts_class_max,
            each.capacity_t,
            each.free_t,
            each.opens_on,
            each.closes_on,
            each.municipality_number,
            each.municipality_name,
            each.is_verified,
            each.position_accuracy_m,
            each.source,
            each.is_example,
        ),
        geometry=shapely.Point(each.position.lon, each.position.lat),
    )


# What is to be known of them ------------------------------------------------------------------------------------------


def rights_text(disclosure: Disclosure) -> str:
    if disclosure.is_full:
        return _("For the work of the municipality: it names single deals and sites, and is not to be published.")
    return _("Open data: CC BY 4.0, by Masseflyt and those who post there.")


def rule_text(disclosure: Disclosure) -> str:
    """What of a region is in a file, in a sentence or two."""
    if disclosure.is_full:
        return _("Everything of the region, as the region's municipalities and administrators see it.")
    return _(
        "A row of flows is given out where it rests on at least three deals and three organisations; what is held back"
        " is in no row. Sites of listings are given as the 5 km square that they lie in, without names."
    )


def _site() -> str:
    base_url: str = current_app.settings.base_url  # type: ignore[attr-defined]  # set by build_app
    return base_url


def _about(asked: Asked, *, title: str, description: str, facts: tuple[Fact, ...] = ()) -> About:
    has_licence = not asked.disclosure.is_full
    return About(
        title=title,
        description=description,
        facts=(
            Fact(key="region", name=_("Region"), value=region_title(asked.region)),
            *facts,
            Fact(key="made_at", name=_("Made"), value=clock.now().isoformat(timespec="seconds")),
            Fact(key="rights", name=_("Terms"), value=rights_text(asked.disclosure)),
            *([Fact(key="license", name=_("Licence"), value=LICENCE_URL)] if has_licence else []),
            Fact(key="disclosure", name=_("What is shown"), value=rule_text(asked.disclosure)),
            Fact(
                key="disclosure_url",
                name=_("The rule in full"),
                value=f"{_site()}/impact/method#disclosure",
            ),
            Fact(
                key="crs",
                name=_("Reference system"),
                value="EPSG:4326 (WGS 84), " + _("longitude first, in degrees"),
            ),
            Fact(
                key="units",
                name=_("Units"),
                value=_(
                    "As the column's name ends: t tonnes, kg kilograms, km, l litres, m2, m3, tkm tonne-kilometres."
                ),
            ),
            Fact(key="publisher", name=_("By"), value=f"Masseflyt, {_site()}"),
            Fact(key="language", name=_("Language"), value=str(get_locale() or "nb")),
        ),
        decimal_sign=decimal_sign(),
        words={
            "rows": _("Rows"),
            "about": _("About the data"),
            "column": _("Column"),
            "unit": _("Unit"),
            "meaning": _("What it says"),
            "cut": _("There are more rows than a sheet takes. The other formats have them all."),
        },
    )


def _period_facts(asked: Asked) -> tuple[Fact, ...]:
    used = factor_sets_used(db.session, _flows_of(asked))
    return (
        Fact(key="period", name=_("Period"), value=f"{asked.period.first}/{asked.period.last}"),
        Fact(
            key="factor_set",
            name=_("Factor set"),
            value=", ".join(used) or _("None: nothing was delivered"),
        ),
    )


def _ready(columns: Iterable[Column]) -> tuple[Column, ...]:
    """The columns with their words in the visitor's language."""
    return tuple(
        replace(
            column,
            title=translate(column.title, {}),
            meaning=translate(column.meaning, {}) if column.meaning else "",
        )
        for column in columns
    )


MAKERS: Final[Mapping[Dataset, Callable[[Asked], Export]]] = {
    Dataset.FLOWS: _flows,
    Dataset.DEALS: _deals,
    Dataset.LISTINGS: _listings,
    Dataset.FACILITIES: _facilities,
}
