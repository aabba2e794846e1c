"""The flow map of a region: the page with its table, the data of its map, and the file that opens alone."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from geo.flowmap import Detail, Place, detail_at
from geo.materials import MaterialGroup, taxonomy
from marketplace import clock, db
from marketplace.disclosure import LEAST_DEALS, LEAST_ORGANISATIONS, Shown
from marketplace.filters import months_
from marketplace.labels import label
from marketplace.maps import MapParts, MapView, compose_map
from marketplace.permissions import Permission
from marketplace.queries.flow_cells import Progress
from marketplace.queries.flow_places import places_of
from marketplace.queries.flows import FlowLine, ends_of, flow_lines, flow_picture
from marketplace.queries.municipalities import municipality_bounds
from marketplace.queries.region_flows import Way
from marketplace.types import FacilityKind
from marketplace.web.access import requires
from marketplace.web.downloads import CSV, csv_file, download
from marketplace.web.flow_file import flow_file
from marketplace.web.flow_map import FlowLayer, detail_names, flow_data, place_name
from marketplace.web.flow_reading import FlowRequest, asked_flows, read_sight
from marketplace.web.region_desk import region_title, way_name

bp = Blueprint("flows", __name__)

ROWS: Final = 30
"""Of the table on the page; the file has them all."""
TABLE_DETAIL: Final = Detail.MUNICIPALITY
"""Of the table where the map follows its zoom level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRow:
    """A line of the table; `key` is what the map calls it."""

    key: str
    origin: str
    destination: str
    group: str
    mass_t: Decimal
    share: Decimal
    deals: int
    deals_href: str | None
    """To the deals themselves, where the visitor may see them and they are listed by these places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTable:
    detail: Detail
    rows: tuple[FlowRow, ...]
    more_rows: int
    more_t: Decimal
    mass_t: Decimal
    held_back_lines: int
    held_back_deals: int


@bp.get("/regions/flows")
@requires(Permission.PUBLIC)
def index() -> ResponseReturnValue:
    wanted = asked_flows()
    filters = wanted.filters
    return render_template(
        "flows/index.html",
        filters=filters,
        detail=wanted.detail,
        details=[(detail, name) for detail, name in detail_names().items() if detail in wanted.details],
        disclosure=wanted.disclosure,
        table=table_of(wanted),
        map=page_map(wanted),
        stages=stage_names(),
        ways={way: way_name(way) for way in (Way.OUT, Way.IN, Way.WITHIN)},
        groups=[(group, taxonomy().in_group(group)) for group in MaterialGroup],
        facility_kinds=tuple(FacilityKind),
        period=months_(filters.period),
        asked=wanted.asked,
        title=region_title(filters.region),
        parameters=wanted.parameters,
        least_deals=LEAST_DEALS,
        least_organisations=LEAST_ORGANISATIONS,
    )


@bp.get("/regions/flows.json")
@requires(Permission.PUBLIC)
def data() -> ResponseReturnValue:
    """What a map draws at `detail`, of the box `bbox` where one is given; `marketplace.web.flow_map.flow_data`."""
    wanted = asked_flows()
    found = flow_picture(
        db.session,
        wanted.filters,
        detail=wanted.detail or detail_at(0, allowed=wanted.details),
        disclosure=wanted.disclosure,
        sight=read_sight(request.args.get("bbox")),
    )
    response = jsonify(flow_data(found))
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.get("/regions/flows.csv")
@requires(Permission.PUBLIC)
def table_file() -> Response:
    """Every flow that may be shown, a row each."""
    wanted = asked_flows()
    filters = wanted.filters
    detail = wanted.detail or TABLE_DETAIL
    lines = lines_of(wanted, detail).groups
    places = places_of(db.session, filters, detail=detail, ends=ends_of(lines))
    with_numbers = detail is not Detail.PROJECT
    number = _("number")
    ends = (_("From"), _("To"))
    head = [cell for end in ends for cell in ([end, f"{end}, {number}"] if with_numbers else [end])]
    head += [_("Material"), _("Tonnes"), _("Deals"), _("Stage"), _("First month"), _("Last month")]
    rows = [
        [
            *(
                cell
                for key in (line.origin, line.destination)
                for cell in ([name_in(places, key, detail), key] if with_numbers else [name_in(places, key, detail)])
            ),
            label(MaterialGroup(line.group)),
            f"{line.mass_t:f}".replace(".", ","),
            str(line.deals),
            stage_names()[filters.stage],
            str(filters.period.first),
            str(filters.period.last),
        ]
        for line in lines
    ]
    return download(csv_file([head, *rows]), media_type=CSV, name=file_name(wanted, "csv"))


@bp.get("/regions/flows.html")
@requires(Permission.PUBLIC)
def alone() -> Response:
    """The map with all its flows in one file, which opens without a network."""
    wanted = asked_flows()
    site: str = current_app.settings.base_url  # type: ignore[attr-defined]  # set by build_app
    page = flow_file(
        db.session,
        wanted.filters,
        details=(wanted.detail,) if wanted.detail else wanted.details,
        disclosure=wanted.disclosure,
        title=f"{stage_names()[wanted.filters.stage]}, {region_title(wanted.filters.region)}",
        made_at=clock.now(),
        site=f"{site}/",
        static_folder=current_app.static_folder or "",
    )
    return download(page.encode(), media_type="text/html; charset=utf-8", name=file_name(wanted, "html"))


# What the page says -------------------------------------------------------------------------------------------------


def lines_of(wanted: FlowRequest, detail: Detail) -> Shown[FlowLine]:
    return flow_lines(db.session, wanted.filters, detail=detail, disclosure=wanted.disclosure)


def table_of(wanted: FlowRequest) -> FlowTable:
    detail = wanted.detail or TABLE_DETAIL
    found = lines_of(wanted, detail)
    shown, rest = found.groups[:ROWS], found.groups[ROWS:]
    places = places_of(db.session, wanted.filters, detail=detail, ends=ends_of(shown))
    whole_t = found.mass_t
    return FlowTable(
        detail=detail,
        rows=tuple(row_of(wanted, line, places, detail, whole_t=whole_t) for line in shown),
        more_rows=len(rest),
        more_t=sum((line.mass_t for line in rest), start=Decimal(0)),
        mass_t=whole_t,
        held_back_lines=found.held_back_groups,
        held_back_deals=found.held_back_deals,
    )


def row_of(
    wanted: FlowRequest, line: FlowLine, places: dict[str, Place], detail: Detail, *, whole_t: Decimal
) -> FlowRow:
    return FlowRow(
        key=f"{detail.value}/{line.origin}/{line.destination}/{line.group}",
        origin=name_in(places, line.origin, detail),
        destination=name_in(places, line.destination, detail),
        group=line.group,
        mass_t=line.mass_t,
        share=line.mass_t / whole_t,
        deals=line.deals,
        deals_href=deals_href(wanted, line, detail),
    )


def deals_href(wanted: FlowRequest, line: FlowLine, detail: Detail) -> str | None:
    is_listed = (
        wanted.filters.stage is Progress.DELIVERED and detail is Detail.MUNICIPALITY and not wanted.filters.materials
    )
    if not (is_listed and wanted.disclosure.is_full):
        return None
    line_of = {"origin": line.origin, "destination": line.destination, "group": line.group}
    return url_for("regions.deals", **wanted.asked.parameters, **line_of)  # type: ignore[arg-type]  # lists are repeated


def name_in(places: dict[str, Place], key: str, detail: Detail) -> str:
    """What an end is called; its number, where nobody knows where that is."""
    return place_name(detail, places[key].name) if key in places else key


def page_map(wanted: FlowRequest) -> MapParts:
    layer = FlowLayer(
        data_url=url_for(".data"),
        query=urlencode(wanted.parameters_of_flows, doseq=True),
        detail=wanted.detail,
        details=wanted.details,
        months=wanted.filters.period,
        facilities_url=url_for("facilities.points"),
    )
    return compose_map("flows", view=view_of(wanted), layers=[layer])


def view_of(wanted: FlowRequest) -> MapView | None:
    """The region, or all of Norway; the map moves to the flows once they have come."""
    numbers = wanted.filters.region.numbers
    boxes = municipality_bounds(db.session, *numbers).values() if numbers else ()
    if not boxes:
        return None
    return MapView(
        bbox=(
            min(box.west for box in boxes),
            min(box.south for box in boxes),
            max(box.east for box in boxes),
            max(box.north for box in boxes),
        )
    )


def file_name(wanted: FlowRequest, ending: str) -> str:
    filters = wanted.filters
    months = f"{filters.period.first}--{filters.period.last}"
    return f"flyt-{filters.region.slug}-{filters.stage}-{months}.{ending}"


def stage_names() -> dict[Progress, str]:
    return {
        Progress.DELIVERED: _("Delivered"),
        Progress.AGREED: _("Agreed"),
        Progress.PLANNED: _("Planned"),
    }
