"""Reading from an address which flows are meant; what nothing can be made of is as good as not said."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from flask import request

from geo.errors import GeometryError
from geo.flowmap import Detail
from geo.geometry import BBox, read_bbox
from geo.materials import MaterialGroup, taxonomy
from geo.months import Month, MonthPeriod
from marketplace.disclosure import Disclosure
from marketplace.queries.flow_cells import FlowFilters, Progress
from marketplace.queries.flows import details_for
from marketplace.queries.region_flows import Way
from marketplace.web.region_requests import USUAL_MONTHS, Asked, asked_of, asked_region


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRequest:
    """What the address asks for. `detail` is None where the map's zoom level chooses."""

    asked: Asked
    filters: FlowFilters
    detail: Detail | None

    @property
    def disclosure(self) -> Disclosure:
        return self.asked.disclosure

    @property
    def details(self) -> tuple[Detail, ...]:
        """Those that the visitor may see."""
        return details_for(self.disclosure)

    @property
    def parameters(self) -> dict[str, Any]:
        """Of an address that asks for the same."""
        return self.parameters_of_flows | ({"detail": self.detail.value} if self.detail else {})

    @property
    def parameters_of_flows(self) -> dict[str, Any]:
        """As `parameters`, without the detail."""
        filters = self.filters
        return {
            **self.asked.parameters,
            "stage": filters.stage.value,
            **({"way": filters.way.value} if filters.way else {}),
            **({"group": sorted(filters.groups)} if filters.groups else {}),
            **({"material": sorted(filters.materials)} if filters.materials else {}),
        }


def asked_flows() -> FlowRequest:
    """What the address asks for, and how much of it the visitor may see.

    Raises:
        NotFound: there is no such county or municipality.
    """
    asked, args = asked_of(asked_region()), request.args
    stage = _member(Progress, args.get("stage")) or Progress.DELIVERED
    if stage is not Progress.DELIVERED and not (args.get("from") or args.get("to")):
        # What is to come, where no months are named.
        ahead = MonthPeriod.ending(Month.of(asked.today).shifted(USUAL_MONTHS - 1), months=USUAL_MONTHS)
        asked = replace(asked, period=ahead)
    groups = (_member(MaterialGroup, text) for text in args.getlist("group"))
    wanted = FlowRequest(
        asked=asked,
        filters=FlowFilters(
            region=asked.region,
            period=asked.period,
            stage=stage,
            way=_member(Way, args.get("way")),
            groups=frozenset(group for group in groups if group is not None),
            materials=frozenset(args.getlist("material")) & taxonomy().materials.keys(),
        ),
        detail=_member(Detail, args.get("detail")),
    )
    if wanted.detail is None or wanted.detail in wanted.details:
        return wanted
    return replace(wanted, detail=wanted.details[-1])


def read_sight(text: str | None) -> BBox | None:
    """The box of a map that an address has; None for everywhere."""
    if not text:
        return None
    try:
        return read_bbox(text)
    except GeometryError:
        return None


def _member[E: StrEnum](enumeration: type[E], text: str | None) -> E | None:
    return next((member for member in enumeration if member.value == text), None)
