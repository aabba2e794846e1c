"""Deals: from a request or an offer to what both have agreed on, and out of it again.

Each function holds all that the deal's quantities rest on (`services.commitments`), asks `require` who may do it, and
tells the other side (`services.deal_events`).
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, FieldError, Forbidden, InvalidInput, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Deal, DealMessage, DealOffer, Listing, Organisation, Project
from marketplace.services.commitments import HeldDeal, Left, hold, require_left, settle, what_is_left
from marketplace.services.deal_actions import (
    ALLOWED_FROM,
    NO_OPEN_OFFER,
    NOT_CONFIRMED,
    WRONG_STATUS,
    DealAction,
    accepted_offer,
    can,
    open_offer,
    require,
)
from marketplace.services.deal_events import DealEvent, tell
from marketplace.services.deal_places import (
    OWN_LISTING,
    End,
    Taking,
    TakingPlace,
    end_of_facility,
    end_of_listing,
    end_of_project,
    hold_for,
    surplus_of,
    taking_of,
)
from marketplace.services.deal_terms import TERM_COLUMNS, CheckedTerms, OfferTerms, check_terms
from marketplace.services.editing import DESCRIPTION_LIMIT, text_problems
from marketplace.services.moderation_gate import moderation_problems
from marketplace.services.quality import gate
from marketplace.text import clean_text, is_blank
from marketplace.types import DealStatus, ListingStatus, OfferStatus, Side

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

OFFER_REPLACED: Final = N_("Another offer has taken its place. Look at it before you answer.")
RUN_OUT: Final = N_("This offer has run out. Ask for a new one.")
IN_TALKS: Final = N_("Deal %(number)s is about the same already. Make another offer there.")
SMALLEST_LOT: Final = N_("The smallest lot is %(min_lot_t)s t.")
PARTY_BANNED: Final = N_("%(name)s is banned, so nothing can be agreed with them.")
NOT_CLEAN: Final = N_("It is not documented any more that these masses are clean, so nothing can be agreed about them.")
LOT_CLOSED: Final = N_("The listing of these masses is closed.")
DEMAND_CLOSED: Final = N_("The listing that these masses are for is closed.")
PERIOD_OVER: Final = N_("The period of the offer is over. Make another one.")
SOURCE_NOT_AGREED: Final = N_("The first leg has not been agreed yet, so nothing comes in at the hub.")
BEFORE_SOURCE: Final = N_("The masses come in at the hub from %(day)s on. Choose a day from then on.")
ONWARD_BEFORE: Final = N_("Some of it is agreed to be sent on from %(day)s. Choose a day no later than that.")
BELOW_DELIVERED: Final = N_("%(delivered_t)s t has been delivered already. Agree on that or more.")
BELOW_ONWARD: Final = N_("%(onward_t)s t of it is agreed to be sent on. Agree on that or more.")
HAS_LOADS: Final = N_("Loads have been delivered, so this deal cannot be cancelled. End it with a statement instead.")
HAS_ONWARD: Final = N_("Some of it is agreed to be sent on. Cancel or reduce that deal first.")
NO_LOADS: Final = N_("Nothing has been delivered. Cancel the deal instead.")


# Opening ----------------------------------------------------------------------------------------------------------


def request_deal(
    session: Session,
    actor: Actor,
    *,
    surplus_id: int,
    taking: TakingPlace,
    terms: OfferTerms,
    message: str = "",
    now: datetime,
) -> Deal:
    """A deal that the taker asks for, of a published surplus of somebody else.

    Raises:
        NotFound, Forbidden: no such listing or place, or the actor may not act for the taker.
        Conflict: it is not published, or the two talk about it already.
        InvalidInput: the terms or the place cannot be taken, or there is not that much left.
    """
    require_editor(actor, taking.organisation_id)
    places = hold_for(session, surplus_id=surplus_id, taking=taking)
    surplus = surplus_of(places, surplus_id)
    place = taking_of(session, places, taking, material_key=surplus.material_key)
    return _open(session, actor, surplus=surplus, taking=place, by=Side.TAKER, terms=terms, message=message, now=now)


def offer_surplus(
    session: Session,
    actor: Actor,
    *,
    surplus_id: int,
    taking_listing_id: int,
    terms: OfferTerms,
    message: str = "",
    now: datetime,
) -> Deal:
    """A deal that the giver offers: a published surplus of theirs for a published demand, or for what is taken in.

    Raises: as `request_deal`.
    """
    listing = session.get(Listing, taking_listing_id)
    taking = TakingPlace(
        organisation_id=listing.organisation_id if listing is not None else 0, listing_id=taking_listing_id
    )
    places = hold_for(session, surplus_id=surplus_id, taking=taking)
    surplus = surplus_of(places, surplus_id)
    require_editor(actor, surplus.organisation_id)
    place = taking_of(session, places, taking, material_key=surplus.material_key)
    return _open(session, actor, surplus=surplus, taking=place, by=Side.GIVER, terms=terms, message=message, now=now)


def _open(
    session: Session,
    actor: Actor,
    *,
    surplus: Listing,
    taking: Taking,
    by: Side,
    terms: OfferTerms,
    message: str,
    now: datetime,
) -> Deal:
    checked = check_terms(terms, material_key=surplus.material_key, now=now)
    left = what_is_left(
        session,
        surplus=surplus,
        taking_listing=taking.listing,
        into=taking.into,
        source_deal=None,
        starts_on=terms.starts_on,
    )
    require_left(checked.mass_t, left, in_form=True)
    require_lots(checked.mass_t, surplus=surplus, taking=taking.listing, by=by)
    deal = new_deal(
        session,
        actor,
        giver_organisation_id=surplus.organisation_id,
        origin=end_of_listing(surplus),
        surplus=surplus,
        taking=taking,
        opened_by=by,
        now=now,
    )
    make_offer(session, actor, deal, checked, by=by, now=now)
    say(session, actor, deal, message, by=by, now=now)
    tell(session, deal, DealEvent.REQUESTED if by is Side.TAKER else DealEvent.OFFERED, by=by, now=now)
    return deal


def require_editor(actor: Actor, organisation_id: int) -> int:
    """The actor's id, if they may make offers for an organisation.

    Raises:
        Forbidden.
    """
    if actor.user_id is None or not actor.can_edit(organisation_id):
        raise Forbidden
    if not actor.is_confirmed:
        raise Forbidden(NOT_CONFIRMED)
    return actor.user_id


def require_lots(mass_t: Decimal, *, surplus: Listing, taking: Listing | None, by: Side) -> None:
    """Whoever asks keeps to the smallest lot that the other side has stated, unless less than that is left of it.

    Raises:
        InvalidInput.
    """
    listing = surplus if by is Side.TAKER else taking
    if listing is None or listing.min_lot_t is None:
        return
    smallest_t = min(listing.min_lot_t, listing.left_t)
    if mass_t < smallest_t:
        raise field_error("entered_value", SMALLEST_LOT, min_lot_t=smallest_t)


def new_deal(
    session: Session,
    actor: Actor,
    *,
    giver_organisation_id: int,
    origin: End,
    surplus: Listing,
    taking: Taking,
    opened_by: Side,
    source_deal: Deal | None = None,
    now: datetime,
) -> Deal:
    """A deal that nothing has been offered in yet.

    Raises:
        Conflict: both sides are the same, or they talk about the same already.
    """
    assert actor.user_id is not None
    if giver_organisation_id == taking.organisation_id:
        raise Conflict(OWN_LISTING)
    deal = Deal(
        status=DealStatus.NEGOTIATING,
        opened_by=opened_by,
        giver_organisation_id=giver_organisation_id,
        taker_organisation_id=taking.organisation_id,
        surplus_id=surplus.id,
        taking_listing_id=None if taking.listing is None else taking.listing.id,
        source_deal_id=None if source_deal is None else source_deal.id,
        material_key=surplus.material_key,
        destination_project_id=taking.end.project_id,
        destination_facility_id=taking.end.facility_id,
        origin_facility_id=None if source_deal is None else origin.facility_id,
        tolerance_percent=min(each.tolerance_percent for each in (surplus, taking.listing) if each is not None),
        touched_at=now,
        is_example=surplus.is_example,
        created_by_id=actor.user_id,
        created_at=now,
    )
    _require_not_in_talks(session, deal)
    _place(deal, origin=origin, destination=taking.end)
    session.add(deal)
    session.flush()
    return deal


def _require_not_in_talks(session: Session, deal: Deal) -> None:
    """The same request sent twice is one; both hold the lot's row, so the second sees the first."""
    same = (
        select(Deal.id)
        .where(
            Deal.status == DealStatus.NEGOTIATING,
            Deal.surplus_id == deal.surplus_id,
            Deal.giver_organisation_id == deal.giver_organisation_id,
            Deal.taker_organisation_id == deal.taker_organisation_id,
            Deal.taking_listing_id.is_not_distinct_from(deal.taking_listing_id),
            Deal.source_deal_id.is_not_distinct_from(deal.source_deal_id),
            Deal.destination_project_id.is_not_distinct_from(deal.destination_project_id),
            Deal.destination_facility_id.is_not_distinct_from(deal.destination_facility_id),
        )
        .limit(1)
    )
    number = session.scalars(same).one_or_none()
    if number is not None:
        raise Conflict(IN_TALKS, number=str(number))


def _place(deal: Deal, *, origin: End, destination: End) -> None:
    deal.origin_name, deal.origin_position_25833 = origin.name, origin.position_25833
    deal.origin_municipality_number = origin.municipality_number
    deal.destination_name, deal.destination_position_25833 = destination.name, destination.position_25833
    deal.destination_municipality_number = destination.municipality_number


def make_offer(
    session: Session,
    actor: Actor,
    deal: Deal,
    checked: CheckedTerms,
    *,
    by: Side,
    is_suggestion: bool = False,
    now: datetime,
) -> DealOffer:
    """The deal's open offer, in the place of the one that was open; its row is held, or new."""
    assert actor.user_id is not None
    standing = open_offer(deal)
    if standing is not None:
        _answer(actor, standing, OfferStatus.SUPERSEDED, now=now)
        session.flush()  # one offer is open at a time
    offer = DealOffer(
        deal_id=deal.id,
        number=len(deal.offers) + 1,
        status=OfferStatus.OPEN,
        made_by=by,
        made_by_id=actor.user_id,
        is_suggestion=is_suggestion,
        created_at=now,
        **checked.columns(),
    )
    deal.offers.append(offer)
    deal.touched_at = now
    session.flush()
    return offer


def _answer(actor: Actor | None, offer: DealOffer, status: OfferStatus, *, now: datetime) -> None:
    offer.status, offer.answered_at = status, now
    offer.answered_by_id = None if actor is None else actor.user_id


def say(session: Session, actor: Actor, deal: Deal, message: str, *, by: Side, now: datetime) -> None:
    """Keep what was written along with an offer, if anything was.

    Raises:
        InvalidInput: it is too long.
    """
    body = clean_text(message)
    problems = tuple(text_problems(body, field="message", limit=DESCRIPTION_LIMIT))
    if problems:
        raise InvalidInput(*problems)
    if not is_blank(body):
        session.add(DealMessage(deal_id=deal.id, side=by, author_id=actor.user_id, body=body, created_at=now))
        session.flush()


# Offers -----------------------------------------------------------------------------------------------------------


def counter(
    session: Session, actor: Actor, *, deal_id: int, terms: OfferTerms, message: str = "", now: datetime
) -> Deal:
    """The deal with other terms offered: against those that are open, or to change those that hold.

    Raises:
        NotFound, Forbidden, Conflict: there is no such deal, it is not the actor's to act in, or it is over.
        InvalidInput: the terms cannot be taken, or there is not that much left.
    """
    held = hold(session, deal_id=deal_id)
    deal = held.deal
    is_change = deal.status is DealStatus.AGREED
    side = require(DealAction.AMEND if is_change else DealAction.COUNTER, deal, actor)
    checked = check_terms(terms, material_key=deal.material_key, now=now)
    require_left(checked.mass_t, _left_for(session, held, starts_on=terms.starts_on), in_form=True)
    problems = (*_chain_problems(held, starts_on=terms.starts_on), *_floor_problems(held, mass_t=checked.mass_t))
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
    offer = _offer_to_answer(deal, offer_id=offer_id)
    if offer.expires_at <= now:
        raise Conflict(RUN_OUT)
    require_agreeable(session, held, offer, now=now)
    if offer.is_suggestion:
        return _take_up(session, actor, deal, offer, by=side, now=now)
    is_change = deal.status is DealStatus.AGREED
    before = accepted_offer(deal)
    if before is not None:
        before.status = OfferStatus.SUPERSEDED
        session.flush()  # one set of terms holds at a time
    _answer(actor, offer, OfferStatus.ACCEPTED, now=now)
    _agree(session, held, offer, now=now)
    settle(session, held, now=now)
    tell(session, deal, DealEvent.AMENDED if is_change else DealEvent.ACCEPTED, by=side, now=now)
    return deal


def _offer_to_answer(deal: Deal, *, offer_id: int | None) -> DealOffer:
    offer = open_offer(deal)
    if offer is None:
        raise Conflict(NO_OPEN_OFFER)
    if offer_id is not None and offer.id != offer_id:
        raise Conflict(OFFER_REPLACED)
    return offer


def require_agreeable(session: Session, held: HeldDeal, offer: DealOffer, *, now: datetime) -> None:
    """Whether a held deal can be agreed on these terms now.

    Raises:
        Conflict: what stands against it, and what is left.
    """
    taking, source = held.taking_listing, held.source_deal
    is_new = held.deal.status is DealStatus.NEGOTIATING
    if offer.ends_on < local_date(now):
        raise Conflict(PERIOD_OVER)
    if source is not None and source.status not in (DealStatus.AGREED, DealStatus.COMPLETED):
        raise Conflict(SOURCE_NOT_AGREED)
    if is_new and source is None and held.surplus.status is ListingStatus.CLOSED:
        raise Conflict(LOT_CLOSED)
    if is_new and taking is not None and taking.status is ListingStatus.CLOSED:
        raise Conflict(DEMAND_CLOSED)
    require_left(offer.mass_t, _left_for(session, held, starts_on=offer.starts_on), in_form=False)
    for problem in (*_chain_problems(held, starts_on=offer.starts_on), *_floor_problems(held, mass_t=offer.mass_t)):
        raise Conflict(problem.message, **problem.params)
    if gate(session, (held.surplus,), now=now):
        raise Conflict(NOT_CLEAN)
    for why in moderation_problems(session, _listings_of(held)).values():
        raise Conflict(why[0].message, **why[0].params)
    banned = select(Organisation.name).where(
        Organisation.id.in_(held.deal.organisation_ids), Organisation.banned_at.is_not(None)
    )
    for name in session.scalars(banned):
        raise Conflict(PARTY_BANNED, name=name)


def _listings_of(held: HeldDeal) -> tuple[Listing, ...]:
    return tuple(each for each in (held.surplus, held.taking_listing) if each is not None)


def _left_for(session: Session, held: HeldDeal, *, starts_on: date) -> Left | None:
    arrives_at = held.deal.destination_facility_id
    return what_is_left(
        session,
        surplus=held.surplus,
        taking_listing=held.taking_listing,
        into=next((each for each in held.facilities if each.id == arrives_at), None),
        source_deal=held.source_deal,
        starts_on=starts_on,
        deal=held.deal,
    )


def _chain_problems(held: HeldDeal, *, starts_on: date) -> Iterator[FieldError]:
    """What comes in at a hub cannot leave it before."""
    source = held.source_deal
    if source is not None and source.agreed_from is not None and starts_on < source.agreed_from:
        yield FieldError(field="starts_on", message=BEFORE_SOURCE, params={"day": source.agreed_from})
    leaving = [each.agreed_from for each in held.onward_deals if each.committed_t and each.agreed_from is not None]
    if leaving and starts_on > min(leaving):
        yield FieldError(field="starts_on", message=ONWARD_BEFORE, params={"day": min(leaving)})


def _floor_problems(held: HeldDeal, *, mass_t: Decimal) -> Iterator[FieldError]:
    """Nothing is agreed on that is less than what has been driven, or promised on."""
    deal = held.deal
    if mass_t < deal.delivered_t:
        yield FieldError(
            field="entered_value", message=BELOW_DELIVERED, params={"delivered_t": deal.delivered_t.normalize()}
        )
    if mass_t < deal.onward_t:
        yield FieldError(field="entered_value", message=BELOW_ONWARD, params={"onward_t": deal.onward_t.normalize()})


def _agree(session: Session, held: HeldDeal, offer: DealOffer, *, now: datetime) -> None:
    deal = held.deal
    if deal.status is DealStatus.NEGOTIATING:
        deal.status, deal.agreed_at = DealStatus.AGREED, now
        deal.tolerance_percent = min(each.tolerance_percent for each in _listings_of(held))
        _place(deal, origin=_origin_of(held), destination=_destination_of(session, held))
    deal.agreed_t, deal.agreed_from, deal.agreed_to = offer.mass_t, offer.starts_on, offer.ends_on
    deal.touched_at = now


def _origin_of(held: HeldDeal) -> End:
    hub = next((each for each in held.facilities if each.id == held.deal.origin_facility_id), None)
    return end_of_listing(held.surplus) if hub is None else end_of_facility(hub)


def _destination_of(session: Session, held: HeldDeal) -> End:
    deal = held.deal
    if held.taking_listing is not None:
        return end_of_listing(held.taking_listing)
    if deal.destination_facility_id is not None:
        return end_of_facility(next(each for each in held.facilities if each.id == deal.destination_facility_id))
    return end_of_project(session.get_one(Project, deal.destination_project_id))


def _take_up(session: Session, actor: Actor, deal: Deal, offer: DealOffer, *, by: Side, now: datetime) -> Deal:
    """The same terms, offered by the side that took them up."""
    assert actor.user_id is not None
    terms = {name: getattr(offer, name) for name in TERM_COLUMNS}
    _answer(actor, offer, OfferStatus.SUPERSEDED, now=now)
    session.flush()  # one offer is open at a time
    number = len(deal.offers) + 1
    deal.offers.append(
        DealOffer(number=number, status=OfferStatus.OPEN, made_by=by, made_by_id=actor.user_id, created_at=now, **terms)
    )
    deal.touched_at = now
    tell(session, deal, DealEvent.COUNTERED, by=by, now=now)
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
    offer = _offer_to_answer(deal, offer_id=offer_id)
    of_offer, of_deal, ended, change_refused = REFUSED[action]
    words = checked_reason(reason)
    _answer(actor, offer, of_offer, now=now)
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


def checked_reason(reason: str, *, missing: str | None = None) -> str:
    """The words that a deal ends with.

    Raises:
        InvalidInput: they are too long, or there are none where `missing` says that there should be.
    """
    words = clean_text(reason)
    problems = tuple(text_problems(words, field="reason", limit=DESCRIPTION_LIMIT, missing=missing))
    if problems:
        raise InvalidInput(*problems)
    return words


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
        _answer(None, offer, OfferStatus.WITHDRAWN, now=now)


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
        _answer(None, offer, OfferStatus.EXPIRED, now=now)
        count += 1
        if deal.status is DealStatus.AGREED:
            tell(session, deal, DealEvent.AMENDMENT_EXPIRED, by=None, now=now)
            continue
        _end(deal, DealStatus.EXPIRED, reason="", now=now)
        tell(session, deal, DealEvent.EXPIRED, by=None, now=now)
        _end_onward(session, [each for each in deals if each.source_deal_id == deal.id], now=now)
    session.flush()
    return count
