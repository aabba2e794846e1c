"""Regions: choosing one, its dashboard with each panel's file, and the deals behind the figures."""

from collections.abc import Callable, Mapping
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from geo.impact import Measure
from geo.materials import MaterialGroup, taxonomy
from geo.pyramid import Level
from marketplace import db
from marketplace.disclosure import LEAST_DEALS, LEAST_ORGANISATIONS
from marketplace.errors import NotFound
from marketplace.filters import number
from marketplace.labels import label, material_name
from marketplace.permissions import Permission
from marketplace.queries.region_deals import RegionDeal, count_deals_of_region, deals_of_region
from marketplace.queries.region_flows import Dimension, FlowScope, Stage, Way
from marketplace.queries.regions import (
    county_choices,
    municipality_names_of,
    own_municipality_numbers,
)
from marketplace.web.access import current_actor, requires
from marketplace.web.downloads import CSV, download
from marketplace.web.paging import cursor_from_address, id_from_address, page_links
from marketplace.web.region_ahead_panels import (
    ahead_panel,
    benchmark_panel,
    projects_panel,
    receivers_panel,
    runway_panel,
)
from marketplace.web.region_desk import (
    Desk,
    held_back_words,
    large,
    marks_words,
    method_name,
    month_name,
    region_title,
    stage_name,
    way_name,
    with_csv,
)
from marketplace.web.region_flow_panels import (
    climate_panel,
    ledgers_panel,
    levels_panel,
    materials_panel,
    months_panel,
    ways_panel,
)
from marketplace.web.region_matrix import matrix_panel
from marketplace.web.region_requests import Asked, asked_of, asked_region
from marketplace.web.region_sheets import Column, Panel, Sheet, csv_of, figure, words

bp = Blueprint("regions", __name__)

PANELS: Final[Mapping[str, Callable[[Desk], Panel]]] = {
    "ways": ways_panel,
    "avoided": ledgers_panel,
    "months": months_panel,
    "climate": climate_panel,
    "levels": levels_panel,
    "materials": materials_panel,
    "matrix": matrix_panel,
    "ahead": ahead_panel,
    "runway": runway_panel,
    "receivers": receivers_panel,
    "projects": projects_panel,
    "benchmark": benchmark_panel,
}
"""In the order of the page."""
TOGETHER: Final = (
    (Dimension.MONTH, Dimension.WAY),
    (Dimension.LEVEL,),
    (Dimension.MATERIAL,),
    (Dimension.ORIGIN, Dimension.DESTINATION),
)

MOST_IN_FILE: Final = 20_000


@bp.get("/regions")
@requires(Permission.PUBLIC)
def index() -> ResponseReturnValue:
    numbers = own_municipality_numbers(db.session, current_actor())
    return render_template(
        "regions/index.html",
        counties=county_choices(db.session),
        own=sorted(municipality_names_of(db.session, numbers).items(), key=lambda each: each[1]),
        least_deals=LEAST_DEALS,
        least_organisations=LEAST_ORGANISATIONS,
    )


# The dashboard --------------------------------------------------------------------------------------------------------


@bp.get("/regions/dashboard")
@requires(Permission.PUBLIC)
def dashboard() -> ResponseReturnValue:
    region = asked_region()
    if region is None:
        return redirect(url_for(".index"))
    asked = asked_of(region)
    desk = Desk(asked, together=TOGETHER)
    return render_template(
        "regions/dashboard.html",
        panels={key: with_csv(make(desk), asked) for key, make in PANELS.items()},
        desk=desk,
        **_frame(asked),
    )


@bp.get("/regions/dashboard/<key>.csv")
@requires(Permission.PUBLIC)
def panel_csv(key: str) -> ResponseReturnValue:
    make = PANELS.get(key)
    if make is None:
        raise NotFound
    asked = asked_of(asked_region())
    panel = make(Desk(asked))
    return _file(asked, panel.title, panel.file_sheet or panel.sheet, held_back_deals=panel.held_back_deals, key=key)


def _file(
    asked: Asked, title: str, sheet: Sheet, *, held_back_deals: int, key: str, left_out: str = ""
) -> ResponseReturnValue:
    about = [
        (_("What"), title),
        (_("Region"), region_title(asked.region)),
        (_("Period"), f"{asked.period.first} – {asked.period.last}"),
        (_("Made"), asked.today.isoformat()),
    ]
    if held_back_deals:
        about.append((_("Held back"), held_back_words(held_back_deals)))
    if left_out:
        about.append((_("Left out"), left_out))
    name = f"masseflyt-{asked.region.slug}-{key}-{asked.period.first}-{asked.period.last}.csv"
    return download(csv_of(sheet, about=about), media_type=CSV, name=name)


def _frame(asked: Asked) -> dict[str, object]:
    """What every page about a region says of it."""
    return {
        "asked": asked,
        "title": region_title(asked.region),
        "parameters": asked.parameters,
        "least_deals": LEAST_DEALS,
        "least_organisations": LEAST_ORGANISATIONS,
        "way_name": way_name,
        "large": lambda measure, quantity: large(Measure(measure), quantity),
        "held_back_words": held_back_words,
        "marks_words": marks_words,
        "month_name": month_name,
    }


# The deals behind it --------------------------------------------------------------------------------------------------


@bp.get("/regions/deals")
@requires(Permission.PUBLIC)
def deals() -> ResponseReturnValue:
    asked = asked_of(asked_region())
    scope, project_id = _asked_scope(asked), id_from_address("project")
    ours = _whose(asked)
    page = deals_of_region(
        db.session, scope, project_id=project_id, organisation_ids=ours, cursor=cursor_from_address()
    )
    count, loads, mass_t = count_deals_of_region(db.session, scope, project_id=project_id, organisation_ids=ours)
    address = {**asked.parameters, **_narrowed(scope), "project": project_id}
    return render_template(
        "regions/deals.html",
        rows=page.items,
        count=count,
        loads=loads,
        mass_t=mass_t,
        links=page_links(page, ".deals", **address),  # type: ignore[arg-type]  # lists are repeated parameters
        csv_href=url_for(".deals_csv", **address),  # type: ignore[arg-type]  # as above
        narrowed=_narrowed_words(scope),
        all_href=url_for(".deals", **asked.parameters),  # type: ignore[arg-type]  # as above
        may_open=may_open,
        **_frame(asked),
    )


@bp.get("/regions/deals.csv")
@requires(Permission.PUBLIC)
def deals_csv() -> ResponseReturnValue:
    asked = asked_of(asked_region())
    page = deals_of_region(
        db.session,
        _asked_scope(asked),
        project_id=id_from_address("project"),
        organisation_ids=_whose(asked),
        cursor=cursor_from_address(),
        size=MOST_IN_FILE,
    )
    sheet = Sheet(
        columns=(
            Column(label=_("Deal")),
            Column(label=_("Way")),
            Column(label=_("Material")),
            Column(label=_("Level")),
            Column(label=_("First month")),
            Column(label=_("Last month")),
            Column(label=_("Loads"), is_numeric=True),
            Column(label=_("Delivered"), unit="t", is_numeric=True),
            Column(label=_("Of it weighed or confirmed"), unit="t", is_numeric=True),
            Column(label=_("CO₂e of transport avoided"), unit="kg", is_numeric=True),
            Column(label=_("Distances")),
            Column(label=_("Within 1 to 20 kg CO₂e a tonne")),
            Column(label=_("Giver")),
            Column(label=_("From")),
            Column(label=_("From, municipality")),
            Column(label=_("Taker")),
            Column(label=_("To")),
            Column(label=_("To, municipality")),
        ),
        rows=tuple(
            (
                figure(deal.id),
                words(way_name(deal.way)),
                words(material_name(deal.material_key)),
                words(label(deal.level)),
                words(str(deal.first)),
                words(str(deal.last)),
                figure(deal.loads),
                figure(deal.delivered_t),
                figure(deal.avoided_t),
                figure(deal.transport_co2e_kg),
                words(method_name(deal.method)),
                words(_("yes") if deal.is_plausible else _("no")),
                words(deal.giver),
                words(deal.origin),
                words(deal.origin_municipality),
                words(deal.taker),
                words(deal.destination),
                words(deal.destination_municipality),
            )
            for deal in page.items
        ),
    )
    left_out = (
        _(
            "There are more deals than the %(count)s in this file. Choose a shorter period.",
            count=number(len(page.items)),
        )
        if page.older is not None
        else ""
    )
    return _file(asked, _("Deals"), sheet, held_back_deals=0, key="deals", left_out=left_out)


def _whose(asked: Asked) -> tuple[int, ...] | None:
    """Whose deals a visitor finds: everybody's with full sight, else those of their own organisations."""
    if asked.disclosure.is_full:
        return None
    return tuple(each.organisation_id for each in asked.actor.memberships)


def may_open(deal: RegionDeal) -> bool:
    """Whether the visitor may open the deal's own page, as `permissions.party` says it."""
    actor = current_actor()
    return actor.is_admin or actor.is_member(deal.giver_id) or actor.is_member(deal.taker_id)


def _asked_scope(asked: Asked) -> FlowScope:
    """The flows an address narrows the region down to; a value that nobody offered counts for nothing."""
    way, level, stage, material, group, origin, destination = (
        request.args.get(name, "") for name in ("way", "level", "stage", "material", "group", "origin", "destination")
    )
    known = municipality_names_of(db.session, {origin, destination} - {""})
    return FlowScope(
        region=asked.region,
        period=asked.period,
        way=next((each for each in Way if each.value == way), None),
        level=next((each for each in Level if each.value == level), None),
        stage=next((each for each in Stage if each.value == stage), None),
        material_key=material if material in taxonomy().materials else None,
        group=next((each for each in MaterialGroup if each.value == group), None),
        origin=origin if origin in known else None,
        destination=destination if destination in known else None,
    )


def _narrowed(scope: FlowScope) -> dict[str, str | None]:
    return {
        "way": scope.way,
        "level": scope.level,
        "stage": scope.stage,
        "material": scope.material_key,
        "group": scope.group,
        "origin": scope.origin,
        "destination": scope.destination,
    }


def _narrowed_words(scope: FlowScope) -> list[str]:
    names = municipality_names_of(db.session, {each for each in (scope.origin, scope.destination) if each})
    found = [
        way_name(scope.way) if scope.way else "",
        label(scope.level) if scope.level else "",
        stage_name(scope.stage) if scope.stage else "",
        material_name(scope.material_key) if scope.material_key else "",
        label(scope.group) if scope.group else "",
        _("from %(place)s", place=names[scope.origin]) if scope.origin else "",
        _("to %(place)s", place=names[scope.destination]) if scope.destination else "",
    ]
    return [each for each in found if each]
