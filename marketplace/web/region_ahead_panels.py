"""The panels of a region's dashboard that look ahead, and those that compare: receivers, projects, other regions."""

from dataclasses import replace
from decimal import Decimal

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from geo.impact import Measure
from geo.quarters import Quarter
from marketplace import charts, db
from marketplace.charts import Bar, Series
from marketplace.disclosure import Disclosure, fulfils_rule, shown
from marketplace.filters import date_, number
from marketplace.labels import label
from marketplace.queries.region_deals import top_projects
from marketplace.queries.region_flows import Compared, FlowScope, compared
from marketplace.queries.region_outlook import (
    PACE_MONTHS,
    Runway,
    intakes,
    outlook,
    runways,
)
from marketplace.queries.regions import EVERYWHERE, municipality_names_of, region_around
from marketplace.web.region_desk import NOTHING, Desk, region_title
from marketplace.web.region_sheets import Cell, Column, Panel, Sheet, figure, words

MOST_RECEIVERS = 15


def quarter_name(quarter: Quarter) -> str:
    return _("Q%(number)s %(year)s", number=quarter.number, year=f"{quarter.year % 100:02}")


def ahead_panel(desk: Desk) -> Panel:
    asked = desk.asked
    rooms = desk.rooms
    found = outlook(db.session, region=asked.region, rooms=rooms, today=asked.today)
    lists = {
        kind: url_for("search.index", kind=kind, municipality=sorted(asked.region.numbers) or None)
        for kind in ("surplus", "demand")
    }
    rows = [
        (
            words(quarter_name(each.quarter)),
            figure(each.surplus_t, href=lists["surplus"]),
            figure(each.demand_t, href=lists["demand"]),
            figure(each.room_t),
        )
        for each in found.quarters
    ]
    if found.surplus_later_t or found.demand_later_t:
        rows.append(
            (
                words(_("Later")),
                figure(found.surplus_later_t, href=lists["surplus"]),
                figure(found.demand_later_t, href=lists["demand"]),
                figure(None),
            )
        )
    text = _(
        "What is offered and wanted in published listings and not agreed, by the quarters they are available in: "
        "surplus upward, needs downward."
    )
    return Panel(
        key="ahead",
        title=_("Surplus not placed and needs not met"),
        text=text,
        note=" ".join(
            (
                ngettext("One listing offers masses.", "%(num)s listings offer masses.", found.surplus_listings),
                ngettext("One asks for some.", "%(num)s ask for some.", found.demand_listings),
                _("A listing's tonnes are spread evenly over its days."),
            )
        ),
        sheet=Sheet(
            columns=(
                Column(label=_("Quarter")),
                Column(label=_("Surplus not placed"), unit="t", is_numeric=True),
                Column(label=_("Needs not met"), unit="t", is_numeric=True),
                Column(label=_("Room of receivers open to its end"), unit="t", is_numeric=True),
            ),
            rows=tuple(rows) if found.surplus_listings or found.demand_listings else (),
            total=(words(_("Together")), figure(found.surplus_t), figure(found.demand_t), figure(None)),
        ),
        chart=charts.columns(
            "ahead",
            title=_("Surplus not placed and needs not met"),
            text=text,
            labels=[quarter_name(each.quarter) for each in found.quarters],
            series=[
                Series(
                    name=_("Surplus not placed"),
                    paint=charts.SURPLUS,
                    values=tuple(each.surplus_t for each in found.quarters),
                ),
                Series(
                    name=_("Needs not met"),
                    paint=charts.DEMAND,
                    values=tuple(-each.demand_t for each in found.quarters),
                ),
            ],
            say=lambda mass_t: number(abs(mass_t)),
            unit=_("tonnes"),
        ),
        empty=_("Nothing is offered or wanted in the region just now."),
    )


def runway_panel(desk: Desk) -> Panel:
    asked = desk.asked
    rooms = desk.rooms
    taken_in = shown(intakes(db.session, region=asked.region, today=asked.today), asked.disclosure)
    found = runways(rooms, taken_in.groups)
    text = _(
        "What receivers in the region have room for beyond all that is agreed, and how long that lasts at the pace of "
        "the last twelve months."
    )
    return Panel(
        key="runway",
        title=_("How long the room of receivers lasts"),
        text=text,
        note=_("The pace is what came to them by deals here; what they take in otherwise is not known."),
        held_back_deals=taken_in.held_back_deals,
        sheet=Sheet(
            columns=(
                Column(label=_("Receivers")),
                Column(label=_("Open now"), is_numeric=True),
                Column(label=_("Have not said what room they have"), is_numeric=True),
                Column(label=_("Room"), unit="t", is_numeric=True),
                Column(label=_("Pace"), unit=_("t a month"), is_numeric=True),
                Column(label=_("Lasts"), unit=_("months"), is_numeric=True),
            ),
            rows=tuple(
                (
                    words(label(each.kind)),
                    figure(each.facilities),
                    figure(each.unknown),
                    figure(each.free_t if each.unknown < each.facilities else None),
                    figure(each.pace_t_per_month),
                    figure(each.months, decimals=1),
                )
                for each in found
            ),
        ),
        chart=charts.bars(
            "runway",
            title=_("How long the room of receivers lasts"),
            text=text,
            rows=[
                Bar(name=label(each.kind), value=each.free_t, note=lasting(each))
                for each in found
                if each.unknown < each.facilities
            ],
            say=lambda mass_t: f"{number(mass_t)} t",
        )
        if any(each.unknown < each.facilities for each in found)
        else None,
        empty=_("No receiver in the region is open now."),
    )


def lasting(runway: Runway) -> str:
    if runway.months is None:
        return ""
    if runway.months > 10 * PACE_MONTHS:
        return _("(more than ten years)")
    return _("(%(months)s months)", months=number(runway.months, 0 if runway.months >= PACE_MONTHS else 1))


def receivers_panel(desk: Desk) -> Panel:
    rooms = desk.rooms
    names = municipality_names_of(db.session, (room.municipality_number for room in rooms))

    def in_columns() -> Sheet:
        return Sheet(
            columns=(
                Column(label=_("Receiver")),
                Column(label=_("Kind")),
                Column(label=_("Municipality")),
                Column(label=_("Room"), unit="t", is_numeric=True),
                Column(label=_("Open until")),
            ),
            rows=tuple(
                (
                    words(room.name, href=url_for("facilities.show", facility_id=room.facility_id)),
                    words(label(room.kind)),
                    words(names[room.municipality_number]),
                    figure(room.free_t),
                    words(date_(room.last_day)),
                )
                for room in rooms
            ),
        )

    return Panel(
        key="receivers",
        title=_("Receivers"),
        text=_("Those that are open now, the ones with most room first."),
        note=_("The file has them all.") if len(rooms) > MOST_RECEIVERS else "",
        sheet=Sheet(
            columns=(Column(label=_("Receiver")), Column(label=_("Room"), unit="t", is_numeric=True)),
            rows=tuple(
                (
                    words(
                        room.name,
                        href=url_for("facilities.show", facility_id=room.facility_id),
                        note=f"{label(room.kind)}, {names[room.municipality_number]}",
                    ),
                    replace(
                        figure(room.free_t),
                        note=_("until %(day)s", day=date_(room.last_day)) if room.last_day else "",
                    ),
                )
                for room in rooms[:MOST_RECEIVERS]
            ),
        ),
        file_sheet=in_columns(),
        empty=_("No receiver in the region is open now."),
    )


def projects_panel(desk: Desk) -> Panel:
    is_full = desk.asked.disclosure.is_full
    found = top_projects(db.session, replace(desk.scope, stage=None)) if is_full else ()
    names = municipality_names_of(db.session, (project.municipality_number for project in found))
    text = _("The projects in the region that gave and took most in the period.")
    return Panel(
        key="projects",
        title=_("Projects"),
        text=text,
        sheet=Sheet(
            columns=(
                Column(label=_("Project")),
                Column(label=_("Organisation")),
                Column(label=_("Municipality")),
                Column(label=_("Deals"), is_numeric=True),
                Column(label=_("Given"), unit="t", is_numeric=True),
                Column(label=_("Taken"), unit="t", is_numeric=True),
                Column(label=_("CO₂e of transport avoided"), unit="kg", is_numeric=True),
            ),
            rows=tuple(
                (
                    words(project.name, href=desk.deals_href(None, project=str(project.id))),
                    words(project.organisation),
                    words(names[project.municipality_number]),
                    figure(project.deals),
                    figure(project.out_t),
                    figure(project.in_t),
                    figure(project.transport_co2e_kg),
                )
                for project in found
            ),
        ),
        chart=charts.bars(
            "projects",
            title=_("Projects"),
            text=text,
            rows=[Bar(name=project.name, value=project.out_t + project.in_t) for project in found],
            say=lambda mass_t: f"{number(mass_t)} t",
        )
        if found
        else None,
        empty=""
        if is_full
        else _("Projects are named to administrators and to verified municipalities of the region alone."),
    )


# Beside other regions -------------------------------------------------------------------------------------------------


def benchmark_panel(desk: Desk) -> Panel:
    asked = desk.asked
    around = region_around(db.session, asked.region)
    scopes = [(region_title(asked.region), desk.scope)]
    if not asked.region.is_everywhere:
        if not around.is_everywhere:
            beside = FlowScope(region=around, period=asked.period, without=asked.region)
            scopes.append((_("The rest of %(region)s", region=around.name), beside))
        beside = FlowScope(region=EVERYWHERE, period=asked.period, without=around if scopes[1:] else asked.region)
        scopes.append((_("The rest of Norway"), beside))
    found = [(name, _compared(desk, scope)) for name, scope in scopes]
    rows = tuple(
        row for name, each in found if each is not None for row in [_compared_row(name, each, asked.disclosure)]
    )
    text = _("Per tonne delivered, so that regions of any size can stand beside each other.")
    per_tonne = [
        (name, each, each.flows.ledger[Measure.TRANSPORT_CO2E_KG])
        for name, each in found
        if each is not None and each.flows.avoided_t
    ]
    return Panel(
        key="benchmark",
        title=_("Beside other regions"),
        text=text,
        note=_(
            "Only what has come to its final use is compared. Avoided figures are divided by what of it was weighed or "
            "confirmed. “Recovered” is the share of the delivered, disputed loads too, that was not disposed of, nor "
            "is undocumented. Each flow counts in one line only."
        ),
        sheet=Sheet(
            columns=(
                Column(label=_("Region")),
                Column(label=_("Delivered"), unit="t", is_numeric=True),
                Column(label=_("Recovered"), unit="%", is_numeric=True),
                Column(label=_("Transport avoided"), unit="tkm/t", is_numeric=True),
                Column(label=_("CO₂e of transport avoided"), unit="kg/t", is_numeric=True),
                Column(label=_("Landfill avoided"), unit="t/t", is_numeric=True),
                Column(label=_("New material avoided"), unit="t/t", is_numeric=True),
            ),
            rows=rows,
        ),
        chart=charts.bars(
            "benchmark",
            title=_("CO₂e of transport avoided per tonne"),
            text=text,
            rows=[
                Bar(
                    name=name,
                    value=quantity.value / each.flows.avoided_t,
                    low=quantity.low / each.flows.avoided_t,
                    high=quantity.high / each.flows.avoided_t,
                    paint=charts.PLAIN if n == 0 else charts.IN,
                )
                for n, (name, each, quantity) in enumerate(per_tonne)
            ],
            say=lambda kg: f"{number(kg, 2)} kg/t",
        )
        if per_tonne
        else None,
        empty=_("There is too little to compare."),
    )


def _compared(desk: Desk, scope: FlowScope) -> Compared | None:
    """None also where it rests on too few for the visitor to see."""
    is_full = desk.asked.disclosure.is_full
    found = compared(db.session, scope, with_counts=not is_full)
    return None if found is None or not (is_full or fulfils_rule(found.flows)) else found


def _compared_row(name: str, found: Compared, disclosure: Disclosure) -> tuple[Cell, ...]:
    """How much was recovered is left out where it would tell of few deals."""
    flows = found.flows

    def per_tonne(measure: Measure) -> Decimal | None:
        return flows.ledger[measure].value / flows.avoided_t if flows.avoided_t else None

    is_told = found.may_tell_recovered(disclosure) and flows.delivered_t > NOTHING
    return (
        words(name),
        figure(flows.delivered_t),
        figure(100 * found.recovered_t / flows.delivered_t if is_told else None, decimals=1),
        figure(per_tonne(Measure.TKM), decimals=1),
        figure(per_tonne(Measure.TRANSPORT_CO2E_KG), decimals=2),
        figure(per_tonne(Measure.LANDFILL_T), decimals=2),
        figure(per_tonne(Measure.VIRGIN_T), decimals=2),
    )
