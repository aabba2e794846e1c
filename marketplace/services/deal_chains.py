"""Masses that go by way of a hub: two deals, each between two organisations and with terms and dates of its own.

The first brings a part of a lot to a facility; the second takes it on from there, and what it takes is what the first
brings in and not the lot's. So the second is agreed within what the first has agreed, and starts no earlier.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, InvalidInput, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Deal, Facility, Listing
from marketplace.services.commitments import HeldPlaces, hold, hold_places, require_left, what_is_left
from marketplace.services.deal_actions import NOT_CONFIRMED, DealAction, require
from marketplace.services.deal_agreement import BEFORE_SOURCE
from marketplace.services.deal_events import DealEvent, tell
from marketplace.services.deal_offers import make_offer, say
from marketplace.services.deal_opening import new_deal, require_lots
from marketplace.services.deal_places import (
    IS_CLOSED,
    NO_HUB,
    Taking,
    TakingPlace,
    end_of_facility,
    end_of_listing,
    hold_for,
    surplus_of,
    taking_of,
)
from marketplace.services.deal_terms import CheckedTerms, OfferTerms, check_terms
from marketplace.types import Side

__all__ = ["SECOND", "propose_chain", "send_on"]

SECOND: Final = "second_"
"""Before the names of the second leg's fields."""

MORE_THAN_FIRST: Final = N_("No more can be sent on than the %(left_t)s t that comes in.")
LEAVES_TOO_EARLY: Final = N_("Nothing leaves the hub before it has come in. Choose %(day)s or later.")


def propose_chain(
    session: Session,
    actor: Actor,
    *,
    surplus_id: int,
    hub_listing_id: int,
    taking: TakingPlace,
    first_terms: OfferTerms,
    second_terms: OfferTerms,
    message: str = "",
    now: datetime,
) -> tuple[Deal, Deal]:
    """Two deals: from the lot to the hub, and from the hub on. Any of the three may propose it.

    What the actor proposes is their own organisation's offer where it is a side of the leg; between the two others it
    is a suggestion that either may make its own (`services.deals.accept`).

    Raises:
        NotFound, Forbidden: no such listing or place, or the actor may not act for any of the three.
        Conflict: something is not published, or two of them talk about the same already.
        InvalidInput: terms or places cannot be taken; the names of the second leg's fields begin with `SECOND`.
    """
    places = hold_for(session, surplus_id=surplus_id, taking=taking, hub_listing_id=hub_listing_id)
    surplus = surplus_of(places, surplus_id)
    hub = _hub_of(session, places, hub_listing_id, material_key=surplus.material_key)
    last = taking_of(session, places, taking, material_key=surplus.material_key)
    _require_one_of(actor, surplus.organisation_id, hub.organisation_id, last.organisation_id)
    first = check_terms(first_terms, material_key=surplus.material_key, now=now)
    with at_second_leg():
        second = check_terms(second_terms, material_key=surplus.material_key, now=now)
        _require_within(first, second)
    first_deal = _first_leg(session, actor, surplus=surplus, hub=hub, checked=first, now=now)
    with at_second_leg():
        second_deal = _second_leg(
            session, actor, source_deal=first_deal, surplus=surplus, hub=hub, last=last, checked=second, now=now
        )
    for deal, by in (
        (first_deal, _side_of(actor, first_deal, first=Side.GIVER)),
        (second_deal, _side_of(actor, second_deal, first=Side.TAKER)),
    ):
        if by is not None:
            say(session, actor, deal, message, by=by, now=now)
        tell(session, deal, DealEvent.REQUESTED if by is Side.TAKER else DealEvent.OFFERED, by=by, now=now)
    return first_deal, second_deal


def send_on(
    session: Session,
    actor: Actor,
    *,
    source_deal_id: int,
    taking: TakingPlace,
    terms: OfferTerms,
    message: str = "",
    now: datetime,
) -> Deal:
    """A deal that a hub offers, of what is agreed to come in by another, for a published listing of somebody else.

    Raises:
        NotFound, Forbidden: no such deal or listing, or the actor may not act for the hub.
        Conflict: nothing is agreed to come in, or the two talk about the same already.
        InvalidInput: the terms cannot be taken, or there is not that much left to send on.
    """
    source = session.get(Deal, source_deal_id)
    taken_for = None if taking.listing_id is None else session.get(Listing, taking.listing_id)
    hold_places(
        session,
        listing_ids=[each for each in _listing_ids(source, taking) if each is not None],
        facility_ids={
            each
            for each in (
                taking.facility_id,
                None if taken_for is None else taken_for.facility_id,
                *(() if source is None else (source.origin_facility_id, source.destination_facility_id)),
            )
            if each is not None
        },
    )
    held = hold(session, deal_id=source_deal_id)
    require(DealAction.SEND_ON, held.deal, actor)
    hub = next(each for each in held.facilities if each.id == held.deal.destination_facility_id)
    places = hold_for(session, surplus_id=held.surplus.id, taking=taking)  # all of them held already
    last = taking_of(session, places, taking, material_key=held.deal.material_key)
    checked = check_terms(terms, material_key=held.deal.material_key, now=now)
    if held.deal.agreed_from is not None and terms.starts_on < held.deal.agreed_from:
        raise field_error("starts_on", BEFORE_SOURCE, day=held.deal.agreed_from)
    deal = _second_leg(
        session,
        actor,
        source_deal=held.deal,
        surplus=held.surplus,
        hub=_as_taking(held.deal, hub),
        last=last,
        checked=checked,
        now=now,
    )
    say(session, actor, deal, message, by=Side.GIVER, now=now)
    tell(session, deal, DealEvent.OFFERED, by=Side.GIVER, now=now)
    return deal


def _listing_ids(source: Deal | None, taking: TakingPlace) -> tuple[int | None, ...]:
    return (taking.listing_id, *(() if source is None else (source.surplus_id, source.taking_listing_id)))


# Places and sides -------------------------------------------------------------------------------------------------


def _hub_of(session: Session, places: HeldPlaces, hub_listing_id: int, *, material_key: str) -> Taking:
    """The facility that takes the lot in for a while, by its published listing."""
    listing = places.listings.get(hub_listing_id)
    if listing is None or listing.facility_id is None:
        raise field_error("hub_listing_id", NO_HUB)
    hub = TakingPlace(organisation_id=listing.organisation_id, listing_id=listing.id)
    try:
        return taking_of(session, places, hub, material_key=material_key)
    except InvalidInput as refused:
        raise InvalidInput(*(replace(each, field="hub_listing_id") for each in refused.errors)) from refused


def _as_taking(source: Deal, hub: Facility) -> Taking:
    if hub.closed_at is not None:
        raise Conflict(IS_CLOSED)
    return Taking(organisation_id=source.taker_organisation_id, listing=None, into=hub, end=end_of_facility(hub))


def _require_one_of(actor: Actor, *organisation_ids: int) -> None:
    if not any(actor.can_edit(each) for each in organisation_ids):
        raise Forbidden
    if not actor.is_confirmed:
        raise Forbidden(NOT_CONFIRMED)


def _side_of(actor: Actor, deal: Deal, *, first: Side) -> Side | None:
    """The side that the actor proposes a leg for; None where it is between two others."""
    return next((side for side in (first, first.other) if actor.can_edit(deal.organisation_id_of(side))), None)


# Legs -------------------------------------------------------------------------------------------------------------


def _require_within(first: CheckedTerms, second: CheckedTerms) -> None:
    if second.mass_t > first.mass_t:
        raise field_error("entered_value", MORE_THAN_FIRST, left_t=first.mass_t)
    if second.terms.starts_on < first.terms.starts_on:
        raise field_error("starts_on", LEAVES_TOO_EARLY, day=first.terms.starts_on)


def _first_leg(
    session: Session, actor: Actor, *, surplus: Listing, hub: Taking, checked: CheckedTerms, now: datetime
) -> Deal:
    left = what_is_left(
        session,
        surplus=surplus,
        taking_listing=hub.listing,
        into=hub.into,
        source_deal=None,
        starts_on=checked.terms.starts_on,
    )
    require_left(checked.mass_t, left, in_form=True)
    deal = new_deal(
        session,
        actor,
        giver_organisation_id=surplus.organisation_id,
        origin=end_of_listing(surplus),
        surplus=surplus,
        taking=hub,
        opened_by=Side.GIVER if actor.can_edit(surplus.organisation_id) else Side.TAKER,
        now=now,
    )
    by = _side_of(actor, deal, first=Side.GIVER)
    require_lots(checked.mass_t, surplus=surplus, taking=hub.listing, by=by or Side.TAKER)
    make_offer(session, actor, deal, checked, by=by or Side.TAKER, is_suggestion=by is None, now=now)
    return deal


def _second_leg(
    session: Session,
    actor: Actor,
    *,
    source_deal: Deal,
    surplus: Listing,
    hub: Taking,
    last: Taking,
    checked: CheckedTerms,
    now: datetime,
) -> Deal:
    assert hub.into is not None
    left = what_is_left(
        session,
        surplus=surplus,
        taking_listing=last.listing,
        into=last.into,
        source_deal=source_deal,
        starts_on=checked.terms.starts_on,
    )
    require_left(checked.mass_t, left, in_form=True)
    deal = new_deal(
        session,
        actor,
        giver_organisation_id=hub.organisation_id,
        origin=end_of_facility(hub.into),
        surplus=surplus,
        taking=last,
        opened_by=Side.TAKER if actor.can_edit(last.organisation_id) else Side.GIVER,
        source_deal=source_deal,
        now=now,
    )
    by = _side_of(actor, deal, first=Side.TAKER)
    if by is not Side.TAKER:  # what the lot's owner has stated is for what leaves the lot, and holds in the first leg
        require_lots(checked.mass_t, surplus=surplus, taking=last.listing, by=Side.GIVER)
    make_offer(session, actor, deal, checked, by=by or Side.GIVER, is_suggestion=by is None, now=now)
    return deal


@contextmanager
def at_second_leg() -> Iterator[None]:
    """What is wrong inside stands beside the second leg's fields."""
    try:
        yield
    except InvalidInput as refused:
        raise InvalidInput(*(replace(each, field=SECOND + each.field) for each in refused.errors)) from refused
