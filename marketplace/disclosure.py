"""What of the flows of masses is shown to whom: one rule for the dashboard, the flow map and all that is given out.

FULL is for administrators, and for members of a verified municipality where the region lies in its county: a region can
be any set of municipalities, so one that was put together to look at others is not enough. OPEN is for everybody else,
logged in or not: a group (a cell of a table, a line on the flow map) is shown where it rests on at least
`LEAST_DEALS` deals and `LEAST_ORGANISATIONS` different organisations, givers and takers together. The others are held
back: they are in no figure shown beside them, and the page says how many deals that are.

One group alone that is held back could be found again by subtracting those shown from the figure of them all. So what
is held back must fulfil the rule itself, taken together; where it does not, the smallest that is shown is held back
too.

The rule holds for each answer by itself. Answers that are compared can tell more: of two periods, materials or regions
that differ by one deal, or of one before and after a delivery, the difference is that deal. Nor is anything secret for
somebody who knows all deals but one. That is why no answer has names, sites, prices or contacts in it, and why no page
may promise more than this.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from geo.impact import MONEY, Measure
from marketplace.actor import Actor

LEAST_DEALS: Final = 3
LEAST_ORGANISATIONS: Final = 3
"""Of two organisations each would know what is the other's."""


GIVEN_OUT: Final = tuple(measure for measure in Measure if measure not in MONEY)
"""The ledgers of a region that are shown, whoever asks: costs rest on what single deals pay, which is nobody else's
business."""


class Disclosure(StrEnum):
    """How much of a region somebody may see."""

    OPEN = "open"
    FULL = "full"

    @property
    def is_full(self) -> bool:
        return self is Disclosure.FULL


class Group(Protocol):
    """Something that is shown or held back as a whole."""

    @property
    def deals(self) -> int: ...
    @property
    def organisations(self) -> int:
        """How many different ones, givers and takers together."""
        ...

    @property
    def mass_t(self) -> Decimal: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown[G: Group]:
    """The groups that may be shown, in the order they came, and what is held back of them."""

    groups: tuple[G, ...]
    held_back_groups: int
    held_back_deals: int
    """A deal counts once in each group that it is part of."""

    @property
    def mass_t(self) -> Decimal:
        """What is shown, together: the only total that may stand beside it."""
        return sum((group.mass_t for group in self.groups), Decimal(0))


def disclosure_for(actor: Actor, *, region_numbers: Iterable[str], own_numbers: Iterable[str]) -> Disclosure:
    """How much of a region somebody may see. A municipality's number begins with that of its county.

    `own_numbers` are those of the verified municipalities that they are a member of
    (`queries.regions.own_municipality_numbers`).
    """
    if actor.is_admin:
        return Disclosure.FULL
    asked, own = ({number[:2] for number in numbers} for numbers in (region_numbers, own_numbers))
    return Disclosure.FULL if asked and asked <= own else Disclosure.OPEN


def fulfils_rule(group: Group) -> bool:
    return rests_on_enough(deals=group.deals, organisations=group.organisations)


def rests_on_enough(*, deals: int, organisations: int) -> bool:
    return deals >= LEAST_DEALS and organisations >= LEAST_ORGANISATIONS


def may_show(disclosure: Disclosure, *, deals: int, organisations: int) -> bool:
    """Whether a figure that stands by itself may be shown; one that rests on nothing at all hides nothing.

    What it rests on need not be deals: projects with a plan, and listings, are held to the same rule.
    """
    return disclosure.is_full or not deals or rests_on_enough(deals=deals, organisations=organisations)


def shown[G: Group](groups: Sequence[G], disclosure: Disclosure) -> Shown[G]:
    """Those of the groups that may be shown; a group that rests on no deal hides nothing."""
    if disclosure.is_full:
        return Shown(groups=tuple(groups), held_back_groups=0, held_back_deals=0)
    held = {n for n, group in enumerate(groups) if group.deals and not fulfils_rule(group)}
    if held and not _hide_each_other([groups[n] for n in held]):
        others = [n for n, group in enumerate(groups) if group.deals and n not in held]
        if others:
            held.add(min(others, key=lambda n: (groups[n].mass_t, n)))
    return Shown(
        groups=tuple(group for n, group in enumerate(groups) if n not in held),
        held_back_groups=len(held),
        held_back_deals=sum(groups[n].deals for n in held),
    )


def _hide_each_other(held: Sequence[Group]) -> bool:
    """Whether the groups fulfil the rule together, as far as that can be told from their counts.

    Their organisations may be the same ones, so that no more are known of than the largest group has.
    """
    return rests_on_enough(
        deals=sum(group.deals for group in held), organisations=max(group.organisations for group in held)
    )
