"""Reading what the network of roads has answered before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Integer, bindparam, column, func, select
from sqlalchemy.orm import Session

from geo.routing import LegStatus
from marketplace.models import RoadLeg

type Ends = tuple[int, int, int, int]
"""Origin lon and lat, destination lon and lat, in hundred-thousandths of a degree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLeg:
    status: LegStatus
    road_m: float | None
    road_s: float | None
    line: str | None


_ENDS = ("origin_lon_e5", "origin_lat_e5", "destination_lon_e5", "destination_lat_e5")
_asked = (
    func.unnest(*(bindparam(name, type_=ARRAY(Integer)) for name in _ENDS))
    .table_valued(*(column(name, Integer) for name in _ENDS), name="asked")
    .render_derived()
)
_KEPT = (
    select(*(RoadLeg.__table__.c[name] for name in _ENDS), RoadLeg.status, RoadLeg.road_m, RoadLeg.road_s, RoadLeg.line)
    .select_from(_asked)
    .join(RoadLeg, _asked.c[_ENDS[0]] == RoadLeg.origin_lon_e5)
    .where(
        *(_asked.c[name] == RoadLeg.__table__.c[name] for name in _ENDS[1:]),
        RoadLeg.network_version == bindparam("version"),
        RoadLeg.profile == bindparam("profile_name"),
    )
)


def kept_legs(session: Session, asked: Sequence[Ends], *, version: str, profile: str) -> dict[Ends, KeptLeg]:
    """Those of the ways asked for that a version of the network has answered for a lorry; others are not there."""
    if not asked:
        return {}
    values: dict[str, Any] = {name: [ends[place] for ends in asked] for place, name in enumerate(_ENDS)}
    rows = session.execute(_KEPT, values | {"version": version, "profile_name": profile})
    return {
        (row[0], row[1], row[2], row[3]): KeptLeg(
            status=row.status, road_m=row.road_m, road_s=row.road_s, line=row.line
        )
        for row in rows
    }
