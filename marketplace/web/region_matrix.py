"""From where to where: the panel of a region's dashboard that has every pair of municipalities."""

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Final

from flask_babel import gettext as _

from marketplace import db
from marketplace.queries.region_flows import FlowGroup
from marketplace.queries.regions import municipality_names_of
from marketplace.web.region_desk import NOTHING, Desk
from marketplace.web.region_sheets import Cell, Column, Panel, Sheet, figure, words

MATRIX_SIZE: Final = 8
"""So many municipalities have a line and a column of their own."""
HEATS: Final = 5

type Pairs = dict[tuple[str, str], FlowGroup]


def matrix_panel(desk: Desk) -> Panel:
    pairs: Pairs = {(group.keys[0], group.keys[1]): group for group in desk.pairs.groups}
    origins = _largest((origin, group.delivered_t) for (origin, _there), group in pairs.items())
    destinations = _largest((destination, group.delivered_t) for (_here, destination), group in pairs.items())
    names = municipality_names_of(db.session, {each for pair in pairs for each in pair})
    across, down = destinations[:MATRIX_SIZE], origins[:MATRIX_SIZE]
    other_origins, other_destinations = origins[MATRIX_SIZE:], destinations[MATRIX_SIZE:]
    rows = [
        (
            words(names[origin]),
            *(_cell(desk, pairs, origin, destination) for destination in across),
            *([_rest(pairs, [origin], other_destinations)] if other_destinations else []),
        )
        for origin in down
    ]
    if other_origins:
        rows.append(
            (
                words(_("Others")),
                *(_rest(pairs, other_origins, [destination]) for destination in across),
                *([_rest(pairs, other_origins, other_destinations)] if other_destinations else []),
            )
        )
    has_more = bool(other_origins or other_destinations)
    return Panel(
        key="matrix",
        title=_("From where to where"),
        text=_("Tonnes delivered from each municipality (down) to each other (across)."),
        note=_("The file names every pair, also those that are together under “Others” here.") if has_more else "",
        held_back_deals=desk.pairs.held_back_deals,
        sheet=Sheet(
            columns=(
                Column(label=_("From")),
                *(Column(label=names[each], is_numeric=True) for each in across),
                *([Column(label=_("Others"), is_numeric=True)] if other_destinations else []),
            ),
            rows=tuple(rows),
        ),
        file_sheet=_every_pair(pairs, names),
    )


def _cell(desk: Desk, pairs: Pairs, origin: str, destination: str) -> Cell:
    group = pairs.get((origin, destination))
    if group is None:
        return figure(None)
    most = max(each.delivered_t for each in pairs.values())
    return figure(
        group.delivered_t,
        heat=1 + int((HEATS - 1) * group.delivered_t / most) if most else 0,
        href=desk.deals_href(origin=origin, destination=destination),
    )


def _rest(pairs: Pairs, origins: Collection[str], destinations: Collection[str]) -> Cell:
    """All from some municipalities to others, together."""
    masses = (
        group.delivered_t
        for (origin, destination), group in pairs.items()
        if origin in origins and destination in destinations
    )
    return figure(sum(masses, NOTHING) or None)


def _every_pair(pairs: Pairs, names: dict[str, str]) -> Sheet:
    return Sheet(
        columns=(
            Column(label=_("From, number")),
            Column(label=_("From")),
            Column(label=_("To, number")),
            Column(label=_("To")),
            Column(label=_("Loads"), is_numeric=True),
            Column(label=_("Delivered"), unit="t", is_numeric=True),
            Column(label=_("Of it weighed or confirmed"), unit="t", is_numeric=True),
        ),
        rows=tuple(
            (
                words(origin),
                words(names[origin]),
                words(destination),
                words(names[destination]),
                figure(group.loads),
                figure(group.delivered_t),
                figure(group.avoided_t),
            )
            for (origin, destination), group in pairs.items()
        ),
    )


def _largest(parts: Iterable[tuple[str, Decimal]]) -> list[str]:
    """The numbers, those with the most tonnes first."""
    sums: dict[str, Decimal] = {}
    for each, mass_t in parts:
        sums[each] = sums.get(each, NOTHING) + mass_t
    return sorted(sums, key=lambda each: (-sums[each], each))
