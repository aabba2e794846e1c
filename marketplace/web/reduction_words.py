"""What is said of plans for less surplus, on pages and on paper."""

from flask_babel import gettext as _
from flask_babel import ngettext


def how_ranges_are_put_together() -> str:
    return _(
        "Surplus is what is excavated less what is reused; deficit is what is needed less what is reused. The low"
        " surplus is the one with least excavated and most reused, the high one the other way round, and neither is"
        " ever below zero. Sums add all lows and all highs: figures of one site come from the same survey and the same"
        " densities, so they tend to be wrong together, and a narrower range would promise too much. Surplus in one"
        " quarter does not make up for a deficit in another."
    )


def without_target_text(count: int) -> str:
    return ngettext(
        "%(num)s project has set no target: the target is the sum of the others', the figures are of all.",
        "%(num)s projects have set no target: the target is the sum of the others', the figures are of all.",
        count,
    )


def keeps_text(keeps: bool | None) -> str:
    return {None: _("No target set"), True: _("Target kept"), False: _("Above the target")}[keeps]


def projects_text(projects: int, organisations: int) -> str:
    """How many have a plan, and how many organisations that are."""
    have = ngettext(
        "%(num)s project has a plan or a target for the year.",
        "%(num)s projects have a plan or a target for the year.",
        projects,
    )
    behind = ngettext("One organisation is behind it all.", "%(num)s organisations are behind them.", organisations)
    return f"{have} {behind}"
