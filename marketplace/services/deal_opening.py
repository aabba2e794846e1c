"""Opening a deal: the taker asks for a part of a lot, or the giver offers one."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Deal, Listing
from marketplace.services.commitments import require_left, what_is_left
from marketplace.services.deal_actions import NOT_CONFIRMED
from marketplace.services.deal_events import DealEvent, tell
from marketplace.services.deal_offers import make_offer, say
from marketplace.services.deal_places import (
    OWN_LISTING,
    End,
    Taking,
    TakingPlace,
    end_of_listing,
    hold_for,
    place,
    surplus_of,
    taking_of,
)
from marketplace.services.deal_terms import OfferTerms, check_terms
from marketplace.types import DealStatus, Side

IN_TALKS: Final = N_("Deal %(number)s is about the same already. Make another offer there.")
SMALLEST_LOT: Final = N_("The smallest lot is %(min_lot_t)s t.")


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
    takes = taking_of(session, places, taking, material_key=surplus.material_key)
    return _open(session, actor, surplus=surplus, taking=takes, by=Side.TAKER, terms=terms, message=message, now=now)


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
    takes = taking_of(session, places, taking, material_key=surplus.material_key)
    return _open(session, actor, surplus=surplus, taking=takes, by=Side.GIVER, terms=terms, message=message, now=now)


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
    place(deal, origin=origin, destination=taking.end)
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
