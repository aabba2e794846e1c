"""What a lot's passport says of where it has gone: each reader sees the deals of their own, and all of them the sum."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace import db
from marketplace.actor import Actor
from marketplace.filters import date_, tonnes
from marketplace.models import Listing
from marketplace.queries.deliveries import LotDelivery, deliveries_of_lot
from marketplace.web.access import current_actor


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """`url` is the deal's page, and empty on paper."""

    destination: str
    taker: str
    mass: str
    driven: str
    state: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """`hidden` says how many more there are than the reader may know of."""

    sum: str
    rows: tuple[DeliveryRow, ...]
    hidden: str


def passport_deliveries(found: Sequence[LotDelivery], listing: Listing) -> Deliveries | None:
    """What was delivered, as this visitor may see it; None while nothing was."""
    actor = current_actor()
    first_legs = [each for each in found if each.is_first_leg]
    if not first_legs:
        return None
    known = [each for each in found if _may_know(actor, each, listing)]
    unknown = len(first_legs) - sum(each.is_first_leg for each in known)
    return Deliveries(
        sum=ngettext(
            "%(mass)s of it has been delivered, to %(num)s receiver.",
            "%(mass)s of it has been delivered, to %(num)s receivers.",
            len({each.taker_organisation_id for each in first_legs}),
            mass=tonnes(sum(each.delivered_t for each in first_legs)),
        ),
        rows=tuple(_row(each) for each in known),
        hidden=ngettext(
            "To whom %(num)s delivery went is known to its two sides only.",
            "To whom %(num)s deliveries went is known to their two sides only.",
            unknown,
        )
        if unknown
        else "",
    )


def deliveries_for_passport(listing: Listing) -> Sequence[LotDelivery]:
    return deliveries_of_lot(db.session, listing_id=listing.id)


def _may_know(actor: Actor, each: LotDelivery, listing: Listing) -> bool:
    """The two sides of the deal, whoever answers for the lot while it has not gone on from a hub, administrators."""
    sides = {each.giver_organisation_id, each.taker_organisation_id}
    if each.is_first_leg:
        sides.add(listing.organisation_id)
    return actor.is_admin or any(actor.is_member(side) for side in sides)


def _row(each: LotDelivery) -> DeliveryRow:
    first, last = date_(each.first_at), date_(each.last_at)
    place = f"{each.destination}, {each.municipality}"
    return DeliveryRow(
        destination=place if each.hub is None else _("%(place)s, by way of %(hub)s", place=place, hub=each.hub),
        taker=each.taker,
        mass=ngettext(
            "%(mass)s in %(num)s load", "%(mass)s in %(num)s loads", each.load_count, mass=tonnes(each.delivered_t)
        ),
        driven=first if first == last else f"{first} – {last}",
        state=_("signed by both") if each.is_signed else _("under way"),
        url=url_for("deals.show", deal_id=each.deal_id),
    )
