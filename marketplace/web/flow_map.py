"""What the flow map says and how it is composed, in the page and in the file that opens alone."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _

from geo.flowmap import FIRST_ZOOMS, Detail, Picture, as_drawn
from geo.materials import MaterialGroup
from geo.months import Month
from marketplace.filters import month_
from marketplace.labels import label
from marketplace.maps import JsonText, ScriptLayer, facility_texts
from marketplace.queries.flows import FlowPicture


class FlowLayer(ScriptLayer):
    """Flows from `data_url`, as `flow_data` gives them; the map's zoom level chooses the detail where none is fixed."""

    module = "flows.js"
    function = "addFlows"

    def __init__(
        self,
        *,
        data_url: str,
        query: str,
        detail: Detail | None,
        details: Iterable[Detail],
        months: Iterable[Month],
        facilities_url: str,
    ) -> None:
        super().__init__(
            {
                "data_url": data_url,
                "query": query,
                "detail": detail.value if detail else "",
                "details": JsonText(zoom_steps(details)),
                "months": JsonText([month_(each) for each in months]),
                "facilities_url": facilities_url,
                "texts": JsonText(flow_texts()),
            }
        )


def zoom_steps(details: Iterable[Detail]) -> list[dict[str, Any]]:
    """From which zoom level on flows are gathered how; coarse first."""
    return [{"key": detail.value, "fromZoom": FIRST_ZOOMS[detail]} for detail in Detail if detail in set(details)]


def flow_data(found: FlowPicture) -> dict[str, Any]:
    """As `static/js/flow-lines.js` draws it."""
    return {
        **as_drawn(named(found.picture)),
        "months_t": [None if mass is None else float(mass) for mass in found.months_t],
        "held_back": {"flows": found.held_back_lines, "deals": found.held_back_deals},
    }


def named(picture: Picture) -> Picture:
    """With its places called in the visitor's language."""
    places = tuple(replace(place, name=place_name(picture.detail, place.name)) for place in picture.places)
    return replace(picture, places=places)


def place_name(detail: Detail, name: str) -> str:
    """A square is called after a place that lies near it."""
    return _("The square by %(place)s", place=name) if detail is Detail.GRID else name


def detail_names() -> Mapping[Detail, str]:
    return {
        Detail.COUNTY: _("Between counties"),
        Detail.MUNICIPALITY: _("Between municipalities"),
        Detail.GRID: _("Between squares of 5 km"),
        Detail.PROJECT: _("Between projects and facilities"),
    }


def flow_texts() -> dict[str, Any]:
    """The words that the script puts on the map, with places in braces for it to fill."""
    return {
        "way": _("{from} to {to}"),
        "within": _("Within {place}"),
        "deals": _("Deals: {count}"),
        "whole": _("The whole period"),
        "out": _("Out: {mass}"),
        "into": _("In: {mass}"),
        "stays": _("Within: {mass}"),
        "drawn": _("{detail}: {count} flows on the map, {mass}."),
        "rest": _("Smaller, and not on the map: {count} flows, {mass}, {share} of all."),
        "restMonth": _("Smaller flows are not on the map."),
        "withheld": _("Held back in this month: {count} flows, which rest on too few deals."),
        "details": {detail.value: name for detail, name in detail_names().items()},
        "ring": _("%(mass)s within one place", mass="{mass}"),
        "monthsHeldBack": _("Single months are held back: they rest on too few deals. The map has the whole period."),
        "play": _("Play"),
        "pause": _("Stop"),
        "failed": _("The flows could not be fetched. The table below the map still holds."),
        **{group.value: label(group) for group in MaterialGroup},
        "other": _("Other materials"),
        "facilities": facility_texts(),
    }
