"""A deal's page: its head, and the sections that each part of a deal gives it.

    @deal_section("messages")
    def messages_of(view: DealView, form: FlaskForm | None) -> MessageSection: ...

What a section's function gives is there under its name in `templates/deals/_<name>.html`, together with `view`. A form
that came back with errors is shown where it stands: `deal_page(deal, refused={"messages": form}), 422`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from flask import render_template
from flask_wtf import FlaskForm

from marketplace import clock, db
from marketplace.actor import Actor
from marketplace.errors import NotFound
from marketplace.models import Deal
from marketplace.queries import deals as queries
from marketplace.types import Side
from marketplace.web.access import current_actor

SECTION_NAMES = ("offers", "messages", "recovery", "tickets", "statement")

type Section = Callable[["DealView", FlaskForm | None], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class DealView:
    """A deal as one visitor sees it; `side` is None for an administrator who belongs to neither."""

    deal: Deal
    actor: Actor
    side: Side | None
    now: datetime

    @property
    def today(self) -> date:
        return clock.local_date(self.now)


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


def deal_page(deal: Deal, *, refused: Mapping[str, FlaskForm] | None = None) -> str:
    actor = current_actor()
    view = DealView(deal=deal, actor=actor, side=side_of(deal, actor), now=clock.now())
    forms = refused or {}
    sections = {name: section(view, forms.get(name)) for name, section in _sections.items()}
    return render_template("deals/show.html", view=view, deal=deal, **sections)
