"""What is said of a way: how far by road, how long it takes, and whether that is an estimate."""

from dataclasses import dataclass

from flask import Flask
from flask_babel import gettext as _

from geo.routing import Leg, LegStatus
from marketplace import routing
from marketplace.filters import distance, driving_time, number
from marketplace.i18n import translate
from marketplace.i18n_marker import N_

WHY = {
    LegStatus.ESTIMATED: N_("Estimate: %(straight)s as the crow flies × %(factor)s"),
    LegStatus.OFF_NETWORK: N_("Estimate, as no road for lorries is near: %(straight)s as the crow flies × %(factor)s"),
    LegStatus.NO_ROUTE: N_("Estimate, as no way for lorries was found: %(straight)s as the crow flies × %(factor)s"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LegWords:
    """A way in words. `time` is empty where it is not known, and `note` tells what the distance rests on."""

    distance: str
    time: str
    note: str
    is_estimate: bool

    @property
    def short(self) -> str:
        """For a line with little room: 12 km, 18 min; or 12 km (estimate)."""
        if self.is_estimate:
            return _("%(distance)s (estimate)", distance=self.distance)
        return _("%(distance)s, %(time)s", distance=self.distance, time=self.time) if self.time else self.distance


def in_words(leg: Leg, *, is_approximate: bool = False) -> LegWords:
    """`is_approximate`: one end is only known to within about a kilometre."""
    straight = distance(leg.straight_m, is_approximate=is_approximate)
    if leg.is_estimate:
        note = translate(WHY[leg.status], {"straight": straight, "factor": number(leg.factor, 2, keep_zeros=True)})
    else:
        note = _("By road; %(straight)s as the crow flies", straight=straight)
    return LegWords(
        distance=distance(leg.distance_m, is_approximate=is_approximate),
        time=driving_time(leg.duration_s) if leg.duration_s else "",
        note=note,
        is_estimate=leg.is_estimate,
    )


def init_app(app: Flask) -> None:
    """For templates: the network that distances are measured on; None where they are estimates."""
    app.jinja_env.globals["road_network"] = routing.network
