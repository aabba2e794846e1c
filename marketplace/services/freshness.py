"""Owners are asked now and then whether what they have posted still stands; what nobody answers for is taken down.

A listing is asked about `ASKED_AFTER` its owner last said that it stands, or changed it. Unanswered it sinks in the
lists, which go by that day; `SHOWN_AFTER` everybody is told that nobody has confirmed it, and `PAUSED_AFTER` it is
paused. The times are engineering judgement: a dig moves on within a month, and one holiday should not take a listing
down.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import Listing, Membership, OutboxMail, User
from marketplace.queries.accounts import actor_of
from marketplace.services.links import DeadLink, LinkSigner, Purpose, fingerprint_of
from marketplace.services.listing_people import listing_context, recipients
from marketplace.services.listings import pause_held, publish_held
from marketplace.services.mail import send_mail
from marketplace.types import ListingStatus, PausedReason

ASKED_AFTER = timedelta(days=30)
SHOWN_AFTER = timedelta(days=7)
PAUSED_AFTER = timedelta(days=14)
AT_ONCE = 500
"""Listings dealt with in one transaction; the next hour takes the next ones."""

QUESTION = "listings_still_stand"
NOTICE = "listings_paused_unanswered"

NOT_ASKED = N_("Only a listing that others can see, or that was paused for want of an answer, can be confirmed.")


def unconfirmed_since(listing: Listing, *, now: datetime) -> date | None:
    """The day when its owner last said that a listing in sight stands, where they have long been asked again."""
    return unconfirmed_day(listing.status, asked_at=listing.asked_at, renewed_at=listing.renewed_at, now=now)


def unconfirmed_day(
    status: ListingStatus, *, asked_at: datetime | None, renewed_at: datetime | None, now: datetime
) -> date | None:
    if status is not ListingStatus.PUBLISHED or asked_at is None or renewed_at is None or now < asked_at + SHOWN_AFTER:
        return None
    return local_date(renewed_at)


def awaits_answer(listing: Listing) -> bool:
    """Whether its owner has been asked, or has lost sight of it for want of an answer."""
    if listing.status is ListingStatus.PUBLISHED:
        return listing.asked_at is not None
    return listing.status is ListingStatus.PAUSED and listing.paused_reason is PausedReason.UNANSWERED


# Asking -----------------------------------------------------------------------------------------------------------


def ask_whether_listings_stand(session: Session, *, signer: LinkSigner, now: datetime) -> int:
    """Mail each owner about all their listings that are due, at most once a day; returns how many listings.

    A listing that somebody is changing at this moment, or whose owner has had the day's mail, is left for later. What
    is invented for the demo is nobody's to confirm.
    """
    last_sign = func.greatest(Listing.renewed_at, func.coalesce(Listing.updated_at, Listing.renewed_at))
    due = session.scalars(
        select(Listing)
        .where(
            Listing.status == ListingStatus.PUBLISHED,
            Listing.renewed_at <= now - ASKED_AFTER,
            last_sign <= now - ASKED_AFTER,
            Listing.asked_at.is_(None),
            Listing.available_to >= local_date(now),
            ~Listing.is_example,
        )
        .order_by(Listing.id)
        .limit(AT_ONCE)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    people = _by_person(session, due)
    mailed = _mailed_on(session, local_date(now), [user for user, _ in people])
    waiting = {listing.id for user, listings in people if user.email in mailed for listing in listings}
    asked = [listing for listing in due if listing.id not in waiting]
    for user, listings in people:
        about = [listing for listing in listings if listing.id not in waiting]
        if about:
            token = signer.sign(Purpose.CONFIRM_LISTINGS, user, now=now)
            _mail(session, user, about, template=QUESTION, token=token, now=now)
    for listing in asked:
        listing.asked_at = now
    session.flush()
    return len(asked)


def pause_unanswered(session: Session, *, signer: LinkSigner, now: datetime) -> int:
    """Pause what nobody has answered for, and tell its owners once; returns how many. A second call finds none."""
    silent = session.scalars(
        select(Listing)
        .where(Listing.status == ListingStatus.PUBLISHED, Listing.asked_at <= now - PAUSED_AFTER, ~Listing.is_example)
        .order_by(Listing.id)
        .limit(AT_ONCE)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    for listing in silent:
        pause_held(listing, PausedReason.UNANSWERED, now=now)
    for user, listings in _by_person(session, silent):
        _mail(
            session,
            user,
            listings,
            template=NOTICE,
            token=signer.sign(Purpose.CONFIRM_LISTINGS, user, now=now),
            now=now,
        )
    session.flush()
    return len(silent)


def _by_person(session: Session, listings: Sequence[Listing]) -> list[tuple[User, list[Listing]]]:
    """Whom to write to, each with the listings that are theirs to answer for."""
    people: dict[int, tuple[User, list[Listing]]] = {}
    for listing in listings:
        for user in recipients(session, listing=listing):
            people.setdefault(user.id, (user, []))[1].append(listing)
    return list(people.values())


def _mailed_on(session: Session, day: date, people: Iterable[User]) -> set[str]:
    """The addresses that the question has gone to on a day."""
    query = select(OutboxMail.recipient).where(
        OutboxMail.recipient.in_([user.email for user in people]),
        OutboxMail.template == QUESTION,
        OutboxMail.context["sent_on"].astext == day.isoformat(),
    )
    return set(session.scalars(query))


def _mail(
    session: Session, user: User, listings: Sequence[Listing], *, template: str, token: str, now: datetime
) -> None:
    send_mail(
        session,
        to=user.email,
        template=template,
        locale=user.locale,
        context={
            "name": user.name,
            "token": token,
            "sent_on": local_date(now).isoformat(),
            "days": ASKED_AFTER.days,
            "pause_days": PAUSED_AFTER.days,
            "listings": [listing_context(listing, user) for listing in listings],
        },
    )


# Answering --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A paused listing that cannot be published again as it is, and why."""

    listing: Listing
    why: FieldError


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What came of saying that listings stand: those that are in sight now, and those that something stands against."""

    standing: tuple[Listing, ...]
    refused: tuple[Refused, ...]


def person_of_link(session: Session, *, token: str, signer: LinkSigner, now: datetime) -> User:
    """Whom a mailed link was made for.

    Raises:
        DeadLink: it is not whole, has run out, or the account has changed its password or address since.
    """
    link = signer.read(Purpose.CONFIRM_LISTINGS, token, now=now)
    user = session.scalars(
        select(User)
        .where(User.id == link.user_id)
        .options(selectinload(User.memberships).joinedload(Membership.organisation))
    ).one_or_none()
    if user is None or fingerprint_of(user) != link.fingerprint:
        raise DeadLink(N_("This link has run out. Log in to say which of your listings still stand."))
    return user


def awaiting_answer(session: Session, actor: Actor) -> Sequence[Listing]:
    """The listings that a person may answer for and that nobody has answered for yet, those that end first, first."""
    return session.scalars(_awaiting(actor).options(joinedload(Listing.project), joinedload(Listing.facility))).all()


def _awaiting(actor: Actor) -> Select[Listing]:
    is_asked = (Listing.status == ListingStatus.PUBLISHED) & Listing.asked_at.is_not(None)
    is_down = (Listing.status == ListingStatus.PAUSED) & (Listing.paused_reason == PausedReason.UNANSWERED)
    own = [each.organisation_id for each in actor.editable]
    return (
        select(Listing)
        .where(Listing.organisation_id.in_(own), is_asked | is_down)
        .order_by(Listing.available_to, Listing.id)
        .limit(AT_ONCE)
    )


def confirm_listings(session: Session, actor: Actor, *, now: datetime) -> Confirmed:
    """Say of every listing that the actor was asked about that it still stands."""
    ids = session.scalars(_awaiting(actor).with_only_columns(Listing.id)).all()
    held = session.scalars(
        select(Listing)
        .where(Listing.id.in_(ids))
        .order_by(Listing.id)  # in id order, as everything that holds several
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    return _confirm(session, actor, [listing for listing in held if awaits_answer(listing)], now=now)


def confirm_listing(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Confirmed:
    """Say of one listing that it still stands, asked or not.

    Raises:
        NotFound, Forbidden: there is no such listing, or it is not the actor's to change.
        Conflict: it is a draft, closed, or paused for another reason.
    """
    held = (
        select(Listing)
        .where(Listing.id == listing_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    listing = session.scalars(held).one_or_none()
    if listing is None:
        raise NotFound
    if not actor.can_edit(listing.organisation_id):
        raise Forbidden
    if listing.status is not ListingStatus.PUBLISHED and not awaits_answer(listing):
        raise Conflict(NOT_ASKED)
    return _confirm(session, actor, [listing], now=now)


def _confirm(session: Session, actor: Actor, listings: Sequence[Listing], *, now: datetime) -> Confirmed:
    standing, refused = [], []
    for listing in listings:
        if listing.status is ListingStatus.PUBLISHED:
            listing.renewed_at, listing.asked_at = now, None
            standing.append(listing)
            continue
        try:
            publish_held(session, actor, listing, now=now)
            standing.append(listing)
        except InvalidInput as problem:
            refused.append(Refused(listing=listing, why=problem.errors[0]))
    session.flush()
    return Confirmed(standing=tuple(standing), refused=tuple(refused))


def actor_behind(user: User) -> Actor:
    """Who acts by a mailed link."""
    return actor_of(user)
