"""Banning organisations and people, and taking them back.

A banned organisation's listings are out of sight and nobody acts for it; what it has, its members still read. A banned
person cannot log in, and every session and link of theirs has ended.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import Facility, Listing, Organisation, User
from marketplace.services.appeals import grant_appeal
from marketplace.services.hiding import show_again
from marketplace.services.listings import keep_sight_in_step, pause_held
from marketplace.services.mail import send_mail
from marketplace.services.moderation_gate import while_nothing_is_published
from marketplace.services.moderation_mail import owners_of, require_administrator, tell, text_from
from marketplace.services.receptions import follow_room
from marketplace.services.reports import decide_reports
from marketplace.types import ListingStatus, PausedReason, ReportOutcome

SAY_WHY = N_("Say why. Who is banned reads this.")
BANNED_ALREADY = N_("The ban is in force already.")
NOT_BANNED = N_("There is no ban to lift.")
NOT_ADMINISTRATORS = N_("An administrator cannot be banned. Take the right away first.")


# Organisations ----------------------------------------------------------------------------------------------------


def ban_organisation(
    session: Session, actor: Actor, *, organisation_id: int, reason: str, now: datetime
) -> Organisation:
    """The organisation, banned: its listings are out of sight, and their reports are answered by that.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such organisation.
        Conflict: it is banned already.
        InvalidInput: no reason, or one that is too long.
    """
    require_administrator(actor)
    reason = text_from(reason, field="reason", missing=SAY_WHY)
    _held_listings(session, organisation_id, Listing.status != ListingStatus.CLOSED)  # before the lock, as publishers
    while_nothing_is_published(session, organisation_id=organisation_id)
    organisation = _organisation(session, organisation_id)
    if organisation.is_banned:
        raise Conflict(BANNED_ALREADY)
    organisation.banned_at, organisation.ban_reason = now, reason
    session.flush()
    in_sight = _held_listings(session, organisation_id, Listing.status == ListingStatus.PUBLISHED)
    for listing in in_sight:
        pause_held(listing, PausedReason.BANNED, now=now)
    session.flush()
    decide_reports(session, actor, listing_ids=[each.id for each in in_sight], outcome=ReportOutcome.HIDDEN, now=now)
    owners = owners_of(session, organisation_id=organisation_id)
    tell(session, owners, template="organisation_banned", organisation=organisation, reason=reason)
    return organisation


def unban_organisation(
    session: Session, actor: Actor, *, organisation_id: int, answer: str = "", now: datetime
) -> Organisation:
    """The organisation, taken back; of its listings those come back that are still fit to be seen.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such organisation.
        Conflict: it is not banned.
        InvalidInput: the answer is too long.
    """
    require_administrator(actor)
    answer = text_from(answer, field="answer")
    facilities = _held_facilities(session, organisation_id)
    held = _held_listings(
        session,
        organisation_id,
        or_(
            Listing.paused_reason.in_((PausedReason.BANNED, PausedReason.FULL)),
            Listing.reason_before_hidden == PausedReason.BANNED,
        ),
    )
    banned = [each for each in held if each.paused_reason is PausedReason.BANNED]
    full = [each for each in held if each.paused_reason is PausedReason.FULL]
    hidden = [each for each in held if each.reason_before_hidden is PausedReason.BANNED]
    organisation = _organisation(session, organisation_id)
    if not organisation.is_banned:
        raise Conflict(NOT_BANNED)
    organisation.banned_at = organisation.ban_reason = None
    for listing in hidden:
        listing.reason_before_hidden = None
    session.flush()
    if banned:
        show_again(session, actor, banned, now=now)
    keep_sight_in_step(session, full, now=now)  # deals may have given something back while nothing could be shown
    for facility in facilities:
        follow_room(session, facility=facility, now=now)
    grant_appeal(session, actor, organisation_id=organisation_id, answer=answer, now=now)
    owners = owners_of(session, organisation_id=organisation_id)
    tell(session, owners, template="organisation_unbanned", organisation=organisation, answer=answer)
    return organisation


def _organisation(session: Session, organisation_id: int) -> Organisation:
    organisation = session.get(
        Organisation, organisation_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if organisation is None:
        raise NotFound
    return organisation


def _held_facilities(session: Session, organisation_id: int) -> Sequence[Facility]:
    """Those that take masses in, held in id order and before their listings, as by everything that changes both."""
    taking_in = select(Listing.facility_id).where(
        Listing.organisation_id == organisation_id, Listing.status == ListingStatus.PAUSED
    )
    return session.scalars(
        select(Facility)
        .where(Facility.id.in_(taking_in))
        .order_by(Facility.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def _held_listings(session: Session, organisation_id: int, *wanted: ColumnElement[bool]) -> Sequence[Listing]:
    """Listings of an organisation, held in id order as by everything that changes several."""
    return session.scalars(
        select(Listing)
        .where(Listing.organisation_id == organisation_id, *wanted)
        .order_by(Listing.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


# People -----------------------------------------------------------------------------------------------------------


def ban_user(session: Session, actor: Actor, *, user_id: int, reason: str, now: datetime) -> User:
    """The person, banned and logged out everywhere.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such person.
        Conflict: they are banned already, or administrators.
        InvalidInput: no reason, or one that is too long.
    """
    require_administrator(actor)
    user = _user(session, user_id)
    if user.is_admin:
        raise Conflict(NOT_ADMINISTRATORS)
    if user.banned_at is not None:
        raise Conflict(BANNED_ALREADY)
    reason = text_from(reason, field="reason", missing=SAY_WHY)
    user.banned_at, user.ban_reason = now, reason
    user.session_epoch += 1
    session.flush()
    context = {"name": user.name, "reason": reason}
    send_mail(session, to=user.email, template="account_banned", locale=user.locale, context=context)
    return user


def unban_user(session: Session, actor: Actor, *, user_id: int) -> User:
    """The person, who can log in again.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such person.
        Conflict: they are not banned.
    """
    require_administrator(actor)
    user = _user(session, user_id)
    if user.banned_at is None:
        raise Conflict(NOT_BANNED)
    user.banned_at = user.ban_reason = None
    session.flush()
    send_mail(session, to=user.email, template="account_unbanned", locale=user.locale, context={"name": user.name})
    return user


def _user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id, with_for_update={"key_share": True}, populate_existing=True)
    if user is None:
        raise NotFound
    return user
