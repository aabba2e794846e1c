"""Deals: from a request or an offer to what both have agreed on, and out of it again.

Each function holds all that the deal's quantities rest on (`services.commitments`), asks `require` who may do it, and
tells the other side (`services.deal_events`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from marketplace.actor import Actor
from marketplace.errors import Conflict, InvalidInput
from marketplace.i18n_marker import N_
from marketplace.models import Deal, DealOffer
from marketplace.services.commitments import HeldDeal, hold, require_left, settle
from marketplace.services.deal_actions import (
    ALLOWED_FROM,
    WRONG_STATUS,
    DealAction,
    accepted_offer,
    can,
    open_offer,
    require,
)
from marketplace.services.deal_agreement import (
    BELOW_ONWARD,
    agree,
    chain_problems,
    floor_problems,
    left_for,
    require_agreeable,
)
from marketplace.services.deal_events import DealEvent, tell
from marketplace.services.deal_offers import (
    answer_offer,
    checked_reason,
    make_offer,
    offer_to_answer,
    require_other_terms,
    say,
    take_up,
)
from marketplace.services.deal_opening import offer_surplus, request_deal
from marketplace.services.deal_places import TakingPlace
from marketplace.services.deal_terms import OfferTerms, check_terms
from marketplace.services.impact_records import freeze
from marketplace.services.statement_changes import void_if_changed
from marketplace.types import DealStatus, ImpactReason, OfferStatus

__all__ = [
    "ALLOWED_FROM",
    "DealAction",
    "OfferTerms",
    "TakingPlace",
    "accept",
    "can",
    "cancel",
    "complete",
    "counter",
    "decline",
    "expire_offers",
    "offer_surplus",
    "request_deal",
    "require",
    "withdraw",
]

AT_ONCE: Final = 200

RUN_OUT: Final = N_("This offer has run out. Ask for a new one.")
HAS_LOADS: Final = N_("Loads have been delivered, so this deal cannot be cancelled. End it with a statement instead.")
HAS_ONWARD: Final = N_("Some of it is agreed to be sent on. Cancel or reduce that deal first.")
NO_LOADS: Final = N_("Nothing has been delivered. Cancel the deal instead.")


# Offers -----------------------------------------------------------------------------------------------------------


def counter(
    session: Session, actor: Actor, *, deal_id: int, terms: OfferTerms, message: str = "", now: datetime
) -> Deal:
    """The deal with other terms offered: against those that are open, or to change those that hold.

    Raises:
        NotFound, Forbidden, Conflict: there is no such deal, it is not the actor's to act in, or it is over.
        InvalidInput: the terms cannot be taken, are those that stand already, or there is not that much left.
    """
    held = hold(session, deal_id=deal_id)
    deal = held.deal
    is_change = deal.status is DealStatus.AGREED
    side = require(DealAction.AMEND if is_change else DealAction.COUNTER, deal, actor)
    checked = check_terms(terms, material_key=deal.material_key, now=now)
    require_other_terms(deal, checked, by=side)
    require_left(checked.mass_t, left_for(session, held, starts_on=terms.starts_on), in_form=True)
    problems = (
        *chain_problems(held, starts_on=terms.starts_on),
        *floor_problems(session, held, mass_t=checked.mass_t, starts_on=terms.starts_on),
    )
    if problems:
        raise InvalidInput(*problems)
    make_offer(session, actor, deal, checked, by=side, now=now)
    say(session, actor, deal, message, by=side, now=now)
    tell(session, deal, DealEvent.AMENDMENT_PROPOSED if is_change else DealEvent.COUNTERED, by=side, now=now)
    return deal


def accept(session: Session, actor: Actor, *, deal_id: int, offer_id: int | None = None, now: datetime) -> Deal:
    """The deal, agreed on the terms of its open offer. `offer_id` is the offer that was looked at.

    Terms that a third organisation suggested for a leg of a chain become the offer of the side that takes them, for the
    other one to accept.

    Raises:
        NotFound, Forbidden: there is no such deal, or it is not the actor's to answer.
        Conflict: the offer is answered, replaced or has run out, or there is not that much left: it says what is.
    """
    held = hold(session, deal_id=deal_id)
    deal = held.deal
    side = require(DealAction.ACCEPT, deal, actor)
    offer = offer_to_answer(deal, offer_id=offer_id)
    if offer.expires_at <= now:
        raise Conflict(RUN_OUT)
    require_agreeable(session, held, offer, now=now)
    if offer.is_suggestion:
        take_up(session, actor, deal, offer, by=side, now=now)
        tell(session, deal, DealEvent.COUNTERED, by=side, now=now)
        return deal
    is_change = deal.status is DealStatus.AGREED
    before = accepted_offer(deal)
    if before is not None:
        before.status = OfferStatus.SUPERSEDED
        session.flush()  # one set of terms holds at a time
    answer_offer(actor, offer, OfferStatus.ACCEPTED, now=now)
    agree(session, held, offer, now=now)
    settle(session, held, now=now)
    reason = ImpactReason.AMENDED if is_change else ImpactReason.AGREED
    freeze(session, deal, reason=reason, now=now, by_user_id=actor.user_id)
    tell(session, deal, DealEvent.AMENDED if is_change else DealEvent.ACCEPTED, by=side, now=now)
    void_if_changed(session, deal, now=now)
    return deal


def decline(
    session: Session,
    actor: Actor,
    *,
    deal_id: int,
    offer_id: int | None = None,
    reason: str = "",
    now: datetime,
) -> Deal:
    """The deal, with its open offer refused: the end of it, or what was agreed stands.

    Raises:
        NotFound, Forbidden, Conflict, InvalidInput.
    """
    return _refuse(session, actor, DealAction.DECLINE, deal_id=deal_id, offer_id=offer_id, reason=reason, now=now)


def withdraw(
    session: Session,
    actor: Actor,
    *,
    deal_id: int,
    offer_id: int | None = None,
    reason: str = "",
    now: datetime,
) -> Deal:
    """The deal, with its open offer taken back by who made it: the end of it, or what was agreed stands.

    Raises:
        NotFound, Forbidden, Conflict, InvalidInput.
    """
    return _refuse(session, actor, DealAction.WITHDRAW, deal_id=deal_id, offer_id=offer_id, reason=reason, now=now)


REFUSED: Final[dict[DealAction, tuple[OfferStatus, DealStatus, DealEvent, DealEvent]]] = {
    DealAction.DECLINE: (
        OfferStatus.DECLINED,
        DealStatus.DECLINED,
        DealEvent.DECLINED,
        DealEvent.AMENDMENT_DECLINED,
    ),
    DealAction.WITHDRAW: (
        OfferStatus.WITHDRAWN,
        DealStatus.WITHDRAWN,
        DealEvent.WITHDRAWN,
        DealEvent.AMENDMENT_WITHDRAWN,
    ),
}


def _refuse(
    session: Session,
    actor: Actor,
    action: DealAction,
    *,
    deal_id: int,
    offer_id: int | None,
    reason: str,
    now: datetime,
) -> Deal:
    held = hold(session, deal_id=deal_id)
    deal = held.deal
    side = require(action, deal, actor)
    offer = offer_to_answer(deal, offer_id=offer_id)
    of_offer, of_deal, ended, change_refused = REFUSED[action]
    words = checked_reason(reason)
    answer_offer(actor, offer, of_offer, now=now)
    deal.touched_at = now
    if deal.status is DealStatus.AGREED:
        say(session, actor, deal, words, by=side, now=now)
        tell(session, deal, change_refused, by=side, now=now)
        return deal
    _end(deal, of_deal, reason=words, now=now)
    session.flush()
    tell(session, deal, ended, by=side, now=now)
    _end_onward(session, held.onward_deals, now=now)
    return deal


# Endings ----------------------------------------------------------------------------------------------------------


def cancel(session: Session, actor: Actor, *, deal_id: int, reason: str, now: datetime) -> Deal:
    """The deal, called off by either side before anything was delivered; what it held is free at once.

    Raises:
        NotFound, Forbidden: there is no such deal, or it is not the actor's to cancel.
        Conflict: it is not agreed, loads have been delivered, or some of it is agreed to be sent on.
        InvalidInput: no reason is given.
    """
    held = hold(session, deal_id=deal_id)
    deal = held.deal
    side = require(DealAction.CANCEL, deal, actor)
    words = checked_reason(reason, missing=N_("Say why. The other side reads it."))
    if deal.delivered_t:
        raise Conflict(HAS_LOADS)
    if deal.onward_t:
        raise Conflict(HAS_ONWARD)
    _drop_open_offer(deal, now=now)
    _end(deal, DealStatus.CANCELLED, reason=words, now=now)
    settle(session, held, now=now)
    tell(session, deal, DealEvent.CANCELLED, by=side, now=now)
    _end_onward(session, held.onward_deals, now=now)
    return deal


def complete(session: Session, held: HeldDeal, *, now: datetime) -> Deal:
    """A held deal, over with what was delivered; what was not is free at once. Both sides have signed for it.

    Raises:
        Conflict: it is not agreed, nothing was delivered, or more than that is agreed to be sent on.
    """
    deal = held.deal
    if deal.status is not DealStatus.AGREED:
        raise Conflict(WRONG_STATUS[deal.status])
    if not deal.delivered_t:
        raise Conflict(NO_LOADS)
    if deal.onward_t > deal.delivered_t * (1 + deal.tolerance_percent / 100):
        raise Conflict(BELOW_ONWARD, onward_t=deal.onward_t.normalize())
    _drop_open_offer(deal, now=now)
    _end(deal, DealStatus.COMPLETED, reason="", now=now)
    settle(session, held, now=now)
    return deal


def _end(deal: Deal, status: DealStatus, *, reason: str, now: datetime) -> None:
    deal.status, deal.end_reason, deal.ended_at, deal.touched_at = status, reason, now, now


def _drop_open_offer(deal: Deal, *, now: datetime) -> None:
    offer = open_offer(deal)
    if offer is not None:
        answer_offer(None, offer, OfferStatus.WITHDRAWN, now=now)


def _end_onward(session: Session, onward_deals: Sequence[Deal], *, now: datetime) -> None:
    """Without the first leg of a chain there is nothing to talk about in the second."""
    for deal in onward_deals:
        if deal.status is DealStatus.NEGOTIATING:
            _drop_open_offer(deal, now=now)
            _end(deal, DealStatus.WITHDRAWN, reason="", now=now)
            tell(session, deal, DealEvent.WITHDRAWN, by=None, now=now)
    session.flush()


def expire_offers(session: Session, *, now: datetime) -> int:
    """End the offers that nobody has answered in time; returns how many. A second call finds none.

    What is only talked about ends with its offer; what is agreed stands. A deal that somebody is changing at this
    moment is left for the next call.
    """
    over = (
        select(DealOffer.deal_id)
        .where(DealOffer.status == OfferStatus.OPEN, DealOffer.expires_at <= now)
        .order_by(DealOffer.expires_at, DealOffer.deal_id)
        .limit(AT_ONCE)
    ).subquery()
    deals = session.scalars(
        select(Deal)
        .where(or_(Deal.id.in_(select(over.c.deal_id)), Deal.source_deal_id.in_(select(over.c.deal_id))))
        .order_by(Deal.id)  # in id order, as everything that holds several
        .options(selectinload(Deal.offers))
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    count = 0
    for deal in deals:
        offer = open_offer(deal)
        if offer is None or offer.expires_at > now:
            continue
        answer_offer(None, offer, OfferStatus.EXPIRED, now=now)
        count += 1
        if deal.status is DealStatus.AGREED:
            tell(session, deal, DealEvent.AMENDMENT_EXPIRED, by=None, now=now)
            continue
        _end(deal, DealStatus.EXPIRED, reason="", now=now)
        tell(session, deal, DealEvent.EXPIRED, by=None, now=now)
        _end_onward(session, [each for each in deals if each.source_deal_id == deal.id], now=now)
    session.flush()
    return count
