"""Whether a deal can be agreed on some terms, and what it is once it is."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.clock import local_date
from marketplace.errors import Conflict, FieldError
from marketplace.i18n_marker import N_
from marketplace.models import Deal, DealOffer, Listing, Organisation, Project
from marketplace.queries.statements import load_sums
from marketplace.services.commitments import HeldDeal, Left, require_left, what_is_left
from marketplace.services.deal_places import End, end_of_facility, end_of_listing, end_of_project, place
from marketplace.services.quality import gate
from marketplace.types import DealStatus, ListingStatus

PARTY_BANNED: Final = N_("%(name)s is banned, so nothing can be agreed with them.")
IS_HIDDEN: Final = N_("A moderator has hidden the listing, so nothing can be agreed about it.")
NOT_CLEAN: Final = N_("It is not documented any more that these masses are clean, so nothing can be agreed about them.")
LOT_CLOSED: Final = N_("The listing of these masses is closed.")
DEMAND_CLOSED: Final = N_("The listing that these masses are for is closed.")
PERIOD_OVER: Final = N_("The period of the offer is over. Make another one.")
SOURCE_NOT_AGREED: Final = N_("The first leg has not been agreed yet, so nothing comes in at the hub.")
BEFORE_SOURCE: Final = N_("The masses come in at the hub from %(day)s on. Choose a day from then on.")
ONWARD_BEFORE: Final = N_("Some of it is agreed to be sent on from %(day)s. Choose a day no later than that.")
BELOW_DELIVERED: Final = N_("%(delivered_t)s t has been delivered already. Agree on that or more.")
BELOW_ONWARD: Final = N_("%(onward_t)s t of it is agreed to be sent on. Agree on that or more.")
AFTER_FIRST_LOAD: Final = N_("The first load was delivered on %(day)s. Choose a day no later than that.")


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
    require_left(offer.mass_t, left_for(session, held, starts_on=offer.starts_on), in_form=False)
    for problem in (
        *chain_problems(held, starts_on=offer.starts_on),
        *floor_problems(session, held, mass_t=offer.mass_t, starts_on=offer.starts_on),
    ):
        raise Conflict(problem.message, **problem.params)
    if gate(session, (held.surplus,), now=now):
        raise Conflict(NOT_CLEAN)
    _require_nothing_against(session, held)


def _require_nothing_against(session: Session, held: HeldDeal) -> None:
    """What moderators have taken out of sight is not dealt with either, nor whom they have banned.

    Raises:
        Conflict.
    """
    if any(listing.hidden_at is not None for listing in _listings_of(held)):
        raise Conflict(IS_HIDDEN)
    concerned = {*held.deal.organisation_ids, held.surplus.organisation_id}
    banned = select(Organisation.name).where(Organisation.id.in_(concerned), Organisation.banned_at.is_not(None))
    for name in session.scalars(banned.order_by(Organisation.id)):
        raise Conflict(PARTY_BANNED, name=name)


def left_for(session: Session, held: HeldDeal, *, starts_on: date) -> Left | None:
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


def chain_problems(held: HeldDeal, *, starts_on: date) -> Iterator[FieldError]:
    """What comes in at a hub cannot leave it before."""
    source = held.source_deal
    if source is not None and source.agreed_from is not None and starts_on < source.agreed_from:
        yield FieldError(field="starts_on", message=BEFORE_SOURCE, params={"day": source.agreed_from})
    leaving = [each.agreed_from for each in held.onward_deals if each.committed_t and each.agreed_from is not None]
    if leaving and starts_on > min(leaving):
        yield FieldError(field="starts_on", message=ONWARD_BEFORE, params={"day": min(leaving)})


def floor_problems(session: Session, held: HeldDeal, *, mass_t: Decimal, starts_on: date) -> Iterator[FieldError]:
    """Nothing is agreed on that is less than what has been driven or promised on, or put off until after it was."""
    deal = held.deal
    if mass_t < deal.delivered_t:
        yield FieldError(
            field="entered_value", message=BELOW_DELIVERED, params={"delivered_t": deal.delivered_t.normalize()}
        )
    if mass_t < deal.onward_t:
        yield FieldError(field="entered_value", message=BELOW_ONWARD, params={"onward_t": deal.onward_t.normalize()})
    is_put_off = deal.agreed_from is not None and starts_on > deal.agreed_from
    if is_put_off and (driven_on := _first_load_on(session, deal)) is not None and starts_on > driven_on:
        yield FieldError(field="starts_on", message=AFTER_FIRST_LOAD, params={"day": driven_on})


def _first_load_on(session: Session, deal: Deal) -> date | None:
    first_at = load_sums(session, deal_id=deal.id).first_at
    return None if first_at is None else local_date(first_at)


def agree(session: Session, held: HeldDeal, offer: DealOffer, *, now: datetime) -> None:
    deal = held.deal
    if deal.status is DealStatus.NEGOTIATING:
        deal.status, deal.agreed_at = DealStatus.AGREED, now
        deal.tolerance_percent = min(each.tolerance_percent for each in _listings_of(held))
        place(deal, origin=_origin_of(held), destination=_destination_of(session, held))
    deal.agreed_t, deal.agreed_from, deal.agreed_to = offer.mass_t, offer.starts_on, offer.ends_on
    deal.touched_at = now


def _listings_of(held: HeldDeal) -> tuple[Listing, ...]:
    return tuple(each for each in (held.surplus, held.taking_listing) if each is not None)


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
