"""What the panels of a region's dashboard are made from, and the words they share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, reduce
from operator import add
from typing import Final

from babel.dates import format_date
from flask import url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from geo.impact import CO2E, Ledger, Measure, Method
from geo.months import Month
from geo.quantities import Quantity
from marketplace import db
from marketplace.disclosure import GIVEN_OUT, Shown, shown
from marketplace.filters import number
from marketplace.measure_words import measure_unit
from marketplace.queries.region_flows import (
    Dimension,
    FlowGroup,
    FlowScope,
    Stage,
    Way,
    flow_groupings,
)
from marketplace.queries.region_marks import Marks, marks_of
from marketplace.queries.region_outlook import AgreedGroup, ReceiverRoom, agreed_ahead, receiver_rooms
from marketplace.queries.regions import Region
from marketplace.web.region_requests import Asked
from marketplace.web.region_sheets import Panel

NOTHING: Final = Decimal(0)
BY_WAY: Final = (Dimension.WAY,)
BY_MONTH: Final = (Dimension.MONTH,)
KG_PER_T: Final = Decimal(1000)
WHOLE_FROM_T: Final = 100


def way_name(way: Way) -> str:
    return {Way.OUT: _("Out of the region"), Way.WITHIN: _("Within the region"), Way.IN: _("Into the region")}[way]


def stage_name(stage: Stage) -> str:
    return {Stage.FINAL: _("come to its final use"), Stage.WAITING: _("waits in storage")}[stage]


def method_name(method: Method | None) -> str:
    """How distances were found; nothing where nothing is frozen yet."""
    return {None: "", Method.ESTIMATE: _("estimates"), Method.ROAD: _("by road")}[method]


def region_title(region: Region) -> str:
    return _("All of Norway") if region.is_everywhere else region.name


def unit_of(measure: Measure) -> str:
    return measure_unit(measure) or _("trips")


def month_name(month: Month) -> str:
    return format_date(month.first_day, "MMM yy", locale=get_locale())


def range_of(quantity: Quantity, *, decimals: int = 0) -> str:
    """From its low to its high figure; nothing where it has no range."""
    if quantity.low == quantity.high:
        return ""
    return _("%(low)s to %(high)s", low=number(quantity.low, decimals), high=number(quantity.high, decimals))


type Grouping = tuple[Dimension, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Large:
    """A figure of a ledger as it is set large: with its unit, and its range beneath."""

    value: str
    unit: str
    between: str


def large(measure: Measure, quantity: Quantity) -> Large:
    """CO2e in tonnes, since so many kilograms are hard to read; all else in the unit of its ledger."""
    if measure in CO2E:
        quantity = quantity.scaled(1 / KG_PER_T)
        decimals = 0 if max(abs(quantity.low), abs(quantity.high)) >= WHOLE_FROM_T else 1
        return Large(
            value=number(quantity.value, decimals), unit="t CO₂e", between=range_of(quantity, decimals=decimals)
        )
    return Large(value=number(quantity.value), unit=unit_of(measure), between=range_of(quantity))


@dataclass
class Desk:
    """What the panels are made from: each is read once, whichever of them ask for it."""

    asked: Asked
    together: tuple[Grouping, ...] = ()
    """The groupings without measures that a page's panels ask for: they are read in one statement."""

    @cached_property
    def scope(self) -> FlowScope:
        """What came to its final use: what waits in a hub stands by itself, and counts once it goes on."""
        return FlowScope(region=self.asked.region, period=self.asked.period, stage=Stage.FINAL)

    def groups(self, *by: Dimension, stage: Stage = Stage.FINAL) -> Shown[FlowGroup]:
        """The flows grouped, as far as the visitor may see them."""
        if by in self.together and stage is Stage.FINAL:
            return self._read_together[by]
        return self._groupings((by,), stage=stage)[by]

    def _groupings(
        self, by_each: Sequence[Grouping], *, measures: Sequence[Measure] = (), stage: Stage = Stage.FINAL
    ) -> dict[Grouping, Shown[FlowGroup]]:
        found = flow_groupings(
            db.session,
            replace(self.scope, stage=stage),
            by_each=by_each,
            measures=measures,
            with_counts=not self.asked.disclosure.is_full,
        )
        return {by: shown(groups, self.asked.disclosure) for by, groups in zip(by_each, found, strict=True)}

    @cached_property
    def _read_together(self) -> dict[Grouping, Shown[FlowGroup]]:
        return self._groupings(self.together)

    @cached_property
    def _measured(self) -> dict[Grouping, Shown[FlowGroup]]:
        return self._groupings((BY_WAY, BY_MONTH), measures=GIVEN_OUT)

    @property
    def ways(self) -> Shown[FlowGroup]:
        """By how they lie to the region, with what they avoided."""
        return self._measured[BY_WAY]

    @property
    def months(self) -> Shown[FlowGroup]:
        """By month, with what they avoided."""
        return self._measured[BY_MONTH]

    @cached_property
    def waiting(self) -> Shown[FlowGroup]:
        """What waits in hubs: one group, or none."""
        return self.groups(stage=Stage.WAITING)

    @cached_property
    def rooms(self) -> tuple[ReceiverRoom, ...]:
        """The receivers that are open now, and what they have room for."""
        return receiver_rooms(db.session, region=self.asked.region, today=self.asked.today)

    @cached_property
    def marks(self) -> Marks:
        return marks_of(db.session, self.scope)

    @cached_property
    def agreed(self) -> Shown[AgreedGroup]:
        return shown(agreed_ahead(db.session, region=self.asked.region), self.asked.disclosure)

    @cached_property
    def ledger(self) -> Ledger:
        """What all flows shown avoided, measure by measure; nothing where none is shown. Costs are the deals' own."""
        return {
            measure: reduce(add, (group.ledger[measure] for group in self.ways.groups))
            for measure in GIVEN_OUT
            if self.ways.groups
        }

    @cached_property
    def avoided_t(self) -> Decimal:
        return sum((group.avoided_t for group in self.ways.groups), NOTHING)

    @cached_property
    def pairs(self) -> Shown[FlowGroup]:
        return self.groups(Dimension.ORIGIN, Dimension.DESTINATION)

    def deals_href(self, stage: Stage | None = Stage.FINAL, /, **narrowed: str | None) -> str:
        """To the deals behind a figure."""
        named = {**narrowed, "stage": stage and stage.value}
        values = {**self.asked.parameters, **{name: value for name, value in named.items() if value}}
        return url_for("regions.deals", **values)  # type: ignore[arg-type]  # lists are repeated parameters

    def way_rows(self) -> Iterable[tuple[Way, FlowGroup | None, AgreedGroup | None]]:
        flows = {group.keys[0]: group for group in self.ways.groups}
        agreed = {group.way: group for group in self.agreed.groups}
        ways = (Way.WITHIN,) if self.asked.region.is_everywhere else tuple(Way)
        return ((way, flows.get(way), agreed.get(way)) for way in ways)


def held_back_words(deals: int) -> str:
    """What the page says of what it does not show; nothing where it shows all."""
    if not deals:
        return ""
    return ngettext(
        "%(num)s deal is held back, and is not in the figures.",
        "%(num)s deals are held back, and are not in the figures.",
        deals,
    )


def marks_words(marks: Marks) -> str:
    """How far the figures may be trusted; nothing where none counts."""
    if not marks.deals:
        return ""
    return _(
        "Deals outside 1 to 20 kg CO₂e a tonne, where published savings lie: %(outside)s of %(deals)s. Deals whose"
        " distances are estimates: %(estimated)s of %(deals)s.",
        outside=number(marks.implausible),
        estimated=number(marks.estimated),
        deals=number(marks.deals),
    )


def with_csv(panel: Panel, asked: Asked) -> Panel:
    """The panel with the address of its file."""
    values = {**asked.parameters, "key": panel.key}
    return replace(panel, csv_href=url_for("regions.panel_csv", **values))  # type: ignore[arg-type]
