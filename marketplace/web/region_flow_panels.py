"""The panels of a region's dashboard that say what flowed and what that avoided."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from flask_babel import gettext as _

from geo.impact import CO2E, Measure
from geo.months import Month
from geo.pyramid import Level
from geo.quantities import Quantity
from marketplace import charts
from marketplace.charts import Bar, Series
from marketplace.filters import number, percent
from marketplace.labels import label, material_name
from marketplace.queries.region_flows import Dimension, FlowGroup, Stage, Way
from marketplace.web.region_desk import NOTHING, Desk, month_name, range_of, unit_of, way_name
from marketplace.web.region_sheets import Cell, Column, Panel, Sheet, figure, month_cell, nothing_in, words

WAY_PAINTS: Final = {Way.OUT: charts.OUT, Way.WITHIN: charts.WITHIN, Way.IN: charts.IN}


def ways_panel(desk: Desk) -> Panel:
    rows = tuple(
        (
            words(way_name(way)),
            figure(flows.loads if flows else None),
            figure(flows.delivered_t if flows else None, href=desk.deals_href(way=way.value)),
            figure(flows.avoided_t if flows else None),
            figure(agreed.mass_t if agreed else None),
        )
        for way, flows, agreed in desk.way_rows()
    )
    return Panel(
        key="ways",
        title=_("Tonnes out, within and in"),
        text=_("What was delivered in the period, and what is agreed and still to come."),
        note=_(
            "A mass that goes by way of a hub counts once, where it is used in the end. Where both ways are agreed and"
            " still to come, both are in the last column."
        ),
        held_back_deals=desk.ways.held_back_deals + desk.agreed.held_back_deals,
        sheet=Sheet(
            columns=(
                Column(label=_("Way")),
                Column(label=_("Loads"), is_numeric=True),
                Column(label=_("Delivered"), unit="t", is_numeric=True),
                Column(label=_("Of it weighed or confirmed"), unit="t", is_numeric=True),
                Column(label=_("Agreed, still to come"), unit="t", is_numeric=True),
            ),
            rows=rows if desk.ways.groups or desk.agreed.groups else (),
        ),
    )


def ledgers_panel(desk: Desk) -> Panel:
    deals = desk.deals_href()
    ledger = desk.ledger if desk.avoided_t else {}
    rows = tuple(
        (
            words(label(measure), href=deals),
            Cell(text=f"{number(quantity.value)} {unit_of(measure)}", note=range_of(quantity)),
        )
        for measure, quantity in ledger.items()
    )
    in_columns = tuple(
        (
            words(label(measure)),
            figure(quantity.low),
            figure(quantity.value),
            figure(quantity.high),
            words(unit_of(measure)),
        )
        for measure, quantity in ledger.items()
    )
    return Panel(
        key="avoided",
        title=_("What was avoided"),
        text=_("By all flows that begin or end in the region, against what would have happened without the deals."),
        note=_(
            "Each line is a ledger of its own; they are never added to one another. A minus says that more was used, "
            "not less."
        ),
        held_back_deals=desk.ways.held_back_deals,
        sheet=Sheet(
            columns=(Column(label=_("Ledger")), Column(label=_("Avoided, with its range"), is_numeric=True)),
            rows=rows,
        ),
        file_sheet=Sheet(
            columns=(
                Column(label=_("Avoided")),
                Column(label=_("Low"), is_numeric=True),
                Column(label=_("Central"), is_numeric=True),
                Column(label=_("High"), is_numeric=True),
                Column(label=_("Unit")),
            ),
            rows=in_columns,
        ),
        empty=_("Nothing that was weighed or confirmed in the period."),
    )


def months_panel(desk: Desk) -> Panel:
    found = desk.groups(Dimension.MONTH, Dimension.WAY)
    cells: dict[tuple[Month, Way], FlowGroup] = {(group.keys[0], group.keys[1]): group for group in found.groups}
    months = list(desk.asked.period)
    ways = [way for way, _flows, _agreed in desk.way_rows()]

    def mass_t(month: Month, way: Way) -> Decimal:
        return cells[month, way].delivered_t if (month, way) in cells else NOTHING

    rows = tuple(
        (
            month_cell(month),
            *(
                figure(
                    mass_t(month, way),
                    href=desk.deals_href(**{"way": way.value, "from": str(month), "to": str(month)}),
                )
                if (month, way) in cells
                else nothing_in(found)
                for way in ways
            ),
        )
        for month in months
    )
    text = _("Tonnes delivered in each month, by how they lie to the region.")
    return Panel(
        key="months",
        title=_("Delivered by month"),
        text=text,
        held_back_deals=found.held_back_deals,
        sheet=Sheet(
            columns=(
                Column(label=_("Month")),
                *(Column(label=way_name(way), unit="t", is_numeric=True) for way in ways),
            ),
            rows=rows if cells else (),
        ),
        chart=charts.columns(
            "months",
            title=_("Delivered by month"),
            text=text,
            labels=[month_name(month) for month in months],
            series=[
                Series(name=way_name(way), paint=WAY_PAINTS[way], values=tuple(mass_t(month, way) for month in months))
                for way in ways
            ],
            say=number,
            unit=_("tonnes"),
        ),
    )


def bounds_of(quantity: Quantity) -> tuple[Decimal, Decimal, Decimal]:
    return quantity.low, quantity.value, quantity.high


def climate_panel(desk: Desk) -> Panel:
    found = desk.months
    by_month: dict[Month, FlowGroup] = {group.keys[0]: group for group in found.groups}
    months = list(desk.asked.period)

    missing = None if found.held_back_deals else NOTHING

    def figures(bound: Callable[[Quantity], Decimal]) -> tuple[Decimal | None, ...]:
        """A month without a figure is nothing; or held back, and then a gap."""
        return tuple(
            bound(by_month[month].ledger[Measure.TRANSPORT_CO2E_KG]) if month in by_month else missing
            for month in months
        )

    rows = tuple(
        (
            month_cell(month, href=desk.deals_href(**{"from": str(month), "to": str(month)})),
            *(
                cell
                for measure in CO2E
                for cell in (
                    [figure(each) for each in bounds_of(by_month[month].ledger[measure])]
                    if month in by_month
                    else [nothing_in(found)] * 3
                )
            ),
        )
        for month in months
    )
    text = _("CO₂e of transport avoided by what was delivered in each month, with its range.")
    return Panel(
        key="climate",
        title=_("CO₂e of transport by month"),
        text=text,
        note=_("The table has the ledgers of material and disposal too; the three are not to be added up."),
        held_back_deals=found.held_back_deals,
        sheet=Sheet(
            columns=(
                Column(label=_("Month")),
                *(
                    Column(label=f"{label(measure)}, {bound}", unit="kg", is_numeric=True)
                    for measure in CO2E
                    for bound in (_("low"), _("central"), _("high"))
                ),
            ),
            rows=rows if any(group.avoided_t for group in found.groups) else (),
        ),
        chart=charts.lines(
            "climate",
            title=_("CO₂e of transport by month"),
            text=text,
            labels=[month_name(month) for month in months],
            series=[
                Series(
                    name=label(Measure.TRANSPORT_CO2E_KG),
                    paint=charts.PLAIN,
                    values=figures(lambda quantity: quantity.value),
                    low=figures(lambda quantity: quantity.low),
                    high=figures(lambda quantity: quantity.high),
                )
            ],
            say=number,
            unit="kg CO₂e",
        ),
        empty=_("Nothing that was weighed or confirmed in the period."),
    )


def levels_panel(desk: Desk) -> Panel:
    found = desk.groups(Dimension.LEVEL)
    masses: dict[Level, Decimal] = {group.keys[0]: group.delivered_t for group in found.groups}
    whole = sum(masses.values(), NOTHING)

    def share(level: Level) -> Decimal:
        return masses[level] / whole

    waiting = tuple(
        (
            words(label(Level.PENDING)),
            figure(group.delivered_t, href=desk.deals_href(Stage.WAITING)),
            figure(None),
        )
        for group in desk.waiting.groups
    )
    known = [level for level in Level if level in masses]
    text = _("Tonnes delivered, by the levels of the resource pyramid, the best first.")
    return Panel(
        key="levels",
        title=_("Resource pyramid"),
        text=text,
        note=" ".join(
            (
                _("Shares are of what has come to its final use. What waits in storage counts once it goes on."),
                _("Loads that are disputed, or neither weighed nor confirmed, are among the delivered."),
            )
        ),
        held_back_deals=found.held_back_deals + desk.waiting.held_back_deals,
        sheet=Sheet(
            columns=(
                Column(label=_("Level")),
                Column(label=_("Delivered"), unit="t", is_numeric=True),
                Column(label=_("Share"), unit="%", is_numeric=True),
            ),
            rows=(
                *(
                    (
                        words(label(level)),
                        figure(masses[level], href=desk.deals_href(None, level=level.value)),
                        figure(100 * share(level), decimals=1),
                    )
                    for level in known
                ),
                *waiting,
            ),
        ),
        chart=charts.shares(
            "levels",
            title=_("Resource pyramid"),
            text=text,
            parts=[
                Bar(
                    name=label(level),
                    value=masses[level],
                    paint=charts.LEVELS[level.value],
                    note=percent(share(level)),
                )
                for level in known
            ],
            say=lambda mass_t: f"{number(mass_t)} t",
        )
        if known
        else None,
    )


def materials_panel(desk: Desk) -> Panel:
    found = desk.groups(Dimension.MATERIAL)
    groups = sorted(found.groups, key=lambda group: (-group.delivered_t, group.keys[0]))
    text = _("Tonnes delivered of each material, the most first.")
    return Panel(
        key="materials",
        title=_("Materials"),
        text=text,
        held_back_deals=found.held_back_deals,
        sheet=Sheet(
            columns=(
                Column(label=_("Material")),
                Column(label=_("Loads"), is_numeric=True),
                Column(label=_("Delivered"), unit="t", is_numeric=True),
                Column(label=_("Of it weighed or confirmed"), unit="t", is_numeric=True),
            ),
            rows=tuple(
                (
                    words(material_name(group.keys[0])),
                    figure(group.loads),
                    figure(group.delivered_t, href=desk.deals_href(material=group.keys[0])),
                    figure(group.avoided_t),
                )
                for group in groups
            ),
            total=(
                words(_("Together")),
                figure(sum(group.loads for group in groups)),
                figure(found.mass_t),
                figure(sum((group.avoided_t for group in groups), NOTHING)),
            )
            if groups
            else None,
        ),
        chart=charts.bars(
            "materials",
            title=_("Materials"),
            text=text,
            rows=[Bar(name=material_name(group.keys[0]), value=group.delivered_t) for group in groups[:10]],
            say=lambda mass_t: f"{number(mass_t)} t",
        ),
    )
