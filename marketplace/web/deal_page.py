"""A deal's page: its head, and the sections that each part of a deal gives it.

    @deal_section("messages")
    def messages_of(view: DealView, form: FlaskForm | None) -> MessageSection: ...

What a section's function gives is there under its name in `templates/deals/_<name>.html`, together with `view`. A form
that came back with errors is shown where it stands: `deal_page(deal, refused={"messages": form}), 422`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import render_template
from flask_wtf import FlaskForm

from marketplace import clock, db
from marketplace.actor import Actor
from marketplace.errors import NotFound
from marketplace.models import Deal, DealOffer
from marketplace.queries import deals as queries
from marketplace.queries.deal_steps import TURNS, DealStep
from marketplace.services.deal_actions import DealAction, accepted_offer, can, open_offer, sides_of
from marketplace.types import DealStatus, Side
from marketplace.web.access import current_actor
from marketplace.web.deal_places import contacts_of, ends_of, is_open, map_of, way_of
from marketplace.web.road_words import in_words

SECTION_NAMES = ("offers", "messages", "recovery", "impact", "tickets", "statement")

type Section = Callable[["DealView", FlaskForm | None], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class DealView:
    """A deal as one visitor sees it.

    `side` is the one they belong to, None for an administrator who belongs to neither; `acting` are the sides that they
    may act for. `step` is what comes next for `side`, or for the giver where somebody looks on.
    """

    deal: Deal
    actor: Actor
    side: Side | None
    acting: tuple[Side, ...]
    step: DealStep
    now: datetime

    @property
    def today(self) -> date:
        return clock.local_date(self.now)

    @property
    def is_turn(self) -> bool:
        return self.side is not None and self.step in TURNS

    @property
    def other_name(self) -> str:
        """What the other side is called; the taker's name for whoever looks on."""
        other = self.deal.giver_organisation if self.side is Side.TAKER else self.deal.taker_organisation
        return other.name

    @property
    def on_table(self) -> DealOffer | None:
        """The offer that waits for an answer."""
        return open_offer(self.deal)

    @property
    def standing(self) -> DealOffer | None:
        """The terms that hold."""
        return accepted_offer(self.deal)

    @property
    def planned_t(self) -> Decimal:
        """What is on the table while nothing is agreed; afterwards what was asked for or offered first."""
        is_open = self.deal.status is DealStatus.NEGOTIATING
        return (self.on_table if is_open and self.on_table else self.deal.offers[0]).mass_t

    @property
    def is_firm(self) -> bool:
        """Whether loads are driven for it, or were."""
        return self.deal.status in (DealStatus.AGREED, DealStatus.COMPLETED)

    def may(self, action: DealAction | str, *, reported_by: Side | None = None) -> bool:
        """Whether the visitor may do this now, for one of the sides that they act for."""
        return self.actor.is_confirmed and any(
            can(DealAction(action), self.deal, side, reported_by=reported_by) for side in self.acting
        )


_sections: dict[str, Section] = {}


def deal_section(name: str) -> Callable[[Section], Section]:
    """Declare what gives the section `name` of the page; see the module's docstring."""
    if name not in SECTION_NAMES:
        raise ValueError(f"a deal's page has no section {name!r}")

    def declare(section: Section) -> Section:
        _sections[name] = section
        return section

    return declare


def load_deal(deal_id: int) -> Deal:
    deal = queries.deal_for_page(db.session, deal_id=deal_id)
    if deal is None:
        raise NotFound
    return deal


def side_of(deal: Deal, actor: Actor) -> Side | None:
    """The side a person stands on; whoever belongs to both sees the deal as the giver does."""
    return next((side for side in Side if actor.is_member(deal.organisation_id_of(side))), None)


def view_of_deal(deal: Deal) -> DealView:
    actor, now = current_actor(), clock.now()
    side = side_of(deal, actor)
    step = queries.step_of_deal(db.session, deal_id=deal.id, side=side or Side.GIVER, today=clock.local_date(now))
    return DealView(deal=deal, actor=actor, side=side, acting=sides_of(deal, actor), step=step, now=now)


def deal_page(deal: Deal, *, refused: Mapping[str, FlaskForm] | None = None) -> str:
    """The page as it stands now; `refused` are forms that came back with errors, by the section they stand in."""
    db.session.expire(deal)  # a refused change may have left it half written in memory
    deal = load_deal(deal.id)
    view = view_of_deal(deal)
    forms = refused or {}
    sections = {name: section(view, forms.get(name)) for name, section in _sections.items()}
    knows = frozenset(Side) if view.side is None else frozenset({view.side})
    ends = ends_of(deal, knows=knows)
    way = way_of(ends)
    chain = queries.legs_of(db.session, deal_id=deal.id, source_deal_id=deal.source_deal_id)
    values: dict[str, Any] = {
        "ends": ends,
        "map": map_of(deal, ends, way),
        "way": in_words(way, is_approximate=not ends.is_exact),
        "is_open": is_open(deal),
        "contacts": {side: contacts_of(deal, side) for side in Side},
        "chain": chain,
    }
    return render_template("deals/show.html", view=view, deal=deal, **values, **sections)
