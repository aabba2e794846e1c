"""Hiding a listing that breaks the rules, and showing it again.

Whatever was the matter with it before is kept: one that others saw comes back through the gate, one that its owner had
paused comes back paused. Its owner is told why, and how to answer (`services.appeals`).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, FieldError, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import Facility, Listing, Organisation
from marketplace.services.appeals import grant_appeal
from marketplace.services.listing_people import listing_context, recipients
from marketplace.services.listings import keep_sight_in_step, pause_held, publish_each
from marketplace.services.mail import send_mail
from marketplace.services.moderation_mail import require_administrator, text_from
from marketplace.services.receptions import refresh_receptions
from marketplace.services.reports import decide_reports
from marketplace.types import ListingStatus, PausedReason, ReportOutcome

SAY_WHY = N_("Say why. The owner reads this, and should know what to put right.")
HIDDEN_ALREADY = N_("This listing is hidden already.")
NOT_HIDDEN = N_("This listing is not hidden.")
NOTHING_TO_HIDE = N_("Only a listing that has been published, and is not closed, can be hidden.")

STANDS_IN_THE_WAY = {"available_to": PausedReason.OWNER, "entered_value": PausedReason.FULL}
"""Why a listing that cannot be published stays paused, by the field that has something against it."""

CAN_BE_HIDDEN = frozenset({ListingStatus.PUBLISHED, ListingStatus.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A listing that is no longer hidden, and what keeps it from being published as it is."""

    listing: Listing
    problems: tuple[FieldError, ...] = ()

    @property
    def is_in_sight(self) -> bool:
        return self.listing.status is ListingStatus.PUBLISHED


def hide_listing(session: Session, actor: Actor, *, listing_id: int, reason: str, now: datetime) -> Listing:
    """The listing, out of sight until a moderator shows it again; its reports are answered by that.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such listing.
        Conflict: it is hidden already, a draft, or closed.
        InvalidInput: no reason, or one that is too long.
    """
    require_administrator(actor)
    listing = _locked(session, listing_id)
    if listing.hidden_at is not None:
        raise Conflict(HIDDEN_ALREADY)
    if listing.status not in CAN_BE_HIDDEN:
        raise Conflict(NOTHING_TO_HIDE)
    reason = text_from(reason, field="reason", missing=SAY_WHY)
    listing.reason_before_hidden = listing.paused_reason
    listing.hidden_at, listing.hidden_reason = now, reason
    pause_held(listing, PausedReason.MODERATOR, now=now)
    session.flush()
    decide_reports(session, actor, listing_ids=[listing.id], outcome=ReportOutcome.HIDDEN, now=now)
    _tell_owner(session, listing, template="listing_hidden", reason=reason)
    return listing


def restore_listing(session: Session, actor: Actor, *, listing_id: int, answer: str = "", now: datetime) -> Restored:
    """Show a listing again, if it is fit to be seen; an open appeal is granted by that, with `answer`.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such listing.
        Conflict: it is not hidden.
        InvalidInput: the answer is too long.
    """
    require_administrator(actor)
    facility = _locked_facility(session, listing_id)
    listing = _locked(session, listing_id)
    if listing.hidden_at is None:
        raise Conflict(NOT_HIDDEN)
    answer = text_from(answer, field="answer")
    before = listing.reason_before_hidden
    listing.hidden_at = listing.hidden_reason = listing.reason_before_hidden = None
    problems: tuple[FieldError, ...] = ()
    if listing.status is ListingStatus.PAUSED:
        listing.paused_reason, listing.updated_at = before or PausedReason.OWNER, now
        problems = _show(session, actor, listing, facility=facility, was_in_sight=before is None, now=now)
    session.flush()
    grant_appeal(session, actor, listing_id=listing.id, answer=answer, now=now)
    _tell_owner(
        session,
        listing,
        template="listing_restored",
        answer=answer,
        is_in_sight=int(listing.status is ListingStatus.PUBLISHED),
    )
    return Restored(listing=listing, problems=problems)


def _show(
    session: Session, actor: Actor, listing: Listing, *, facility: Facility | None, was_in_sight: bool, now: datetime
) -> tuple[FieldError, ...]:
    """Bring a paused listing back to what it would be now; returns what keeps it out of sight."""
    organisation = session.get_one(Organisation, listing.organisation_id)
    if organisation.is_banned and (was_in_sight or listing.paused_reason is PausedReason.BANNED):
        listing.paused_reason = PausedReason.BANNED
        return ()
    if facility is not None:  # as it is now: full, closed, or taking in something else
        refresh_receptions(session, actor, facility=facility, now=now)
        return ()
    if was_in_sight:
        return show_again(session, actor, [listing], now=now).get(listing.id, ())
    keep_sight_in_step(session, [listing], now=now)  # one that was full may have something left again
    return ()


def show_again(
    session: Session, actor: Actor, listings: list[Listing], *, now: datetime
) -> dict[int, tuple[FieldError, ...]]:
    """Publish paused listings whose rows the caller holds; what keeps the others out of sight, by their ids.

    Those stay paused for what is in the way now.
    """
    refused = publish_each(session, actor, listings, now=now)
    for listing in listings:
        if listing.id in refused:
            listing.paused_reason = STANDS_IN_THE_WAY.get(refused[listing.id][0].field, PausedReason.QUALITY)
    session.flush()
    return refused


def _locked(session: Session, listing_id: int) -> Listing:
    query = select(Listing).where(Listing.id == listing_id).with_for_update(key_share=True)
    listing = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if listing is None:
        raise NotFound
    return listing


def _locked_facility(session: Session, listing_id: int) -> Facility | None:
    """The facility whose listing it is, held before the listing as by everything that changes receptions."""
    query = (
        select(Facility)
        .join(Listing, Listing.facility_id == Facility.id)
        .where(Listing.id == listing_id)
        .with_for_update(of=Facility, key_share=True)
    )
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _tell_owner(session: Session, listing: Listing, *, template: str, **said: str | int) -> None:
    for user in recipients(session, listing=listing):
        context = {**listing_context(listing, user), **said}
        send_mail(session, to=user.email, template=template, locale=user.locale, context=context)
