"""Listings: writing them, and leading them from draft to published to closed."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum, auto

from geoalchemy2.shape import from_shape
from shapely import Point
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.units import SRID_STORED
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Listing
from marketplace.queries.positions import Blur
from marketplace.queue import Task, enqueue
from marketplace.services.agreed_listings import agreed_problems, nothing_left_problems
from marketplace.services.editing import require_unchanged
from marketplace.services.listing_details import KEEP, CheckedDetails, ListingDetails, check_details
from marketplace.services.moderation_gate import moderation_problems
from marketplace.services.quality import gate, refresh_quality
from marketplace.services.search_text import refresh_search_text
from marketplace.types import ClosedReason, ListingKind, ListingStatus, PausedReason

__all__ = [
    "ALLOWED_FROM",
    "WRONG_TRANSITION",
    "ListingDetails",
    "Transition",
    "can",
    "close_expired",
    "close_held",
    "close_listing",
    "column_values",
    "create_listing",
    "delete_draft",
    "duplicate_listing",
    "keep_sight_in_step",
    "lock_listing",
    "pause_held",
    "pause_listing",
    "publish_each",
    "publish_held",
    "publish_listing",
    "show_each",
    "time_problems",
    "update_listing",
    "write_values",
]

# What leads where -------------------------------------------------------------------------------------------------


class Transition(StrEnum):
    """What can be done with a listing."""

    EDIT = auto()
    DELETE = auto()
    PUBLISH = auto()
    PAUSE = auto()
    CLOSE = auto()
    EXPIRE = auto()


ALLOWED_FROM: dict[Transition, frozenset[ListingStatus]] = {
    Transition.EDIT: frozenset({ListingStatus.DRAFT, ListingStatus.PUBLISHED, ListingStatus.PAUSED}),
    Transition.DELETE: frozenset({ListingStatus.DRAFT}),
    Transition.PUBLISH: frozenset({ListingStatus.DRAFT, ListingStatus.PAUSED}),
    Transition.PAUSE: frozenset({ListingStatus.PUBLISHED}),
    Transition.CLOSE: frozenset({ListingStatus.PUBLISHED, ListingStatus.PAUSED}),
    Transition.EXPIRE: frozenset({ListingStatus.PUBLISHED}),
}
"""The whole life of a listing. Nothing leads back to draft or out of closed: a closed listing is copied instead."""

WRONG_TRANSITION: dict[ListingStatus, str] = {
    ListingStatus.DRAFT: N_("This listing is a draft. Publish it first."),
    ListingStatus.PUBLISHED: N_("This listing is already published."),
    ListingStatus.PAUSED: N_("This listing is paused. Publish it again first."),
    ListingStatus.CLOSED: N_("This listing is closed and stays as it was. Copy it to a new draft instead."),
}

HIDDEN_STAYS = N_("A moderator has hidden this listing, so it cannot be copied.")
KEPT_BY_FACILITY = N_("What a facility takes in is changed on the facility's own page.")


def can(transition: Transition, listing: Listing) -> bool:
    """Whether the listing's status allows the transition; a facility's listing only ever ends by itself."""
    is_its_own = listing.facility_id is None or transition is Transition.EXPIRE
    return is_its_own and listing.status in ALLOWED_FROM[transition]


def lock_listing(session: Session, actor: Actor, *, listing_id: int, for_: Transition) -> Listing:
    """The listing as it stands now, held until the end of the transaction so that two people take turns.

    Raises:
        NotFound, Forbidden, Conflict.
    """
    query = select(Listing).where(Listing.id == listing_id).with_for_update(key_share=True)
    listing = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if listing is None:
        raise NotFound
    if not actor.can_edit(listing.organisation_id):
        raise Forbidden
    if listing.facility_id is not None:
        raise Conflict(KEPT_BY_FACILITY)
    if not can(for_, listing):
        raise Conflict(WRONG_TRANSITION[listing.status])
    return listing


COPIED = (
    "kind",
    "organisation_id",
    "project_id",
    "material_key",
    "fraction_min_mm",
    "fraction_max_mm",
    "mass_t",
    "entered_value",
    "entered_unit",
    "density_t_m3",
    "min_lot_t",
    "tolerance_percent",
    "price_kind",
    "price_nok_per_t",
    "loading",
    "haulage",
    "max_distance_km",
    "baseline_facility_id",
    "accepts_declared",
    "accepts_class_max",
    "description",
    "position_25833",
    "hides_position",
    "exact_position_25833",
    "has_own_position",
    "municipality_number",
)
"""What a copy has in common with its original: what is offered, not its place in life, nor its proof. Samples and
statements are about one lot: who copies it for the next one says anew how they know that it is clean."""


# Writing ----------------------------------------------------------------------------------------------------------


def create_listing(
    session: Session,
    actor: Actor,
    *,
    organisation_id: int,
    details: ListingDetails,
    now: datetime,
    is_example: bool = False,
) -> Listing:
    """A new draft of an organisation that the actor may post for.

    Raises:
        Forbidden: the actor may not.
        InvalidInput: some of the details cannot be taken.
    """
    if actor.user_id is None or not actor.can_edit(organisation_id):
        raise Forbidden
    _require_posted_by_hand(details)
    listing = Listing(
        status=ListingStatus.DRAFT,
        organisation_id=organisation_id,
        created_by_id=actor.user_id,
        is_example=is_example,
    )
    for name, value in _values(session, listing, details, now=now).items():
        setattr(listing, name, value)
    session.add(listing)
    session.flush()
    refresh_search_text(session, listing_ids=(listing.id,))
    return listing


def update_listing(
    session: Session,
    actor: Actor,
    *,
    listing_id: int,
    details: ListingDetails,
    now: datetime,
    seen_version: str | None = None,
) -> Listing:
    """The listing with new details; a published one must still be fit to be published.

    One that its proof no longer covers, say since it is of another material, keeps the new details and is paused: to
    refuse them would leave a listing in sight that its owner knows to be wrong.

    Raises:
        NotFound, Forbidden: there is no such listing, or the actor may not change it.
        Conflict: it is closed, or not as it was at `seen_version` (see `services.editing`).
        InvalidInput: some of the details cannot be taken.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.EDIT)
    require_unchanged(listing, seen_version)
    _require_posted_by_hand(details)
    with session.no_autoflush:  # the gate decides before the database is asked to take a changed material
        values = _values(session, listing, details, now=now)
        problems = tuple(agreed_problems(session, listing, values))
        if listing.status is ListingStatus.PUBLISHED:
            problems += time_problems(details.available_to, now=now)
        if problems:
            raise InvalidInput(*problems)
        write_values(listing, values, now=now)
        refresh_quality(session, listing, now=now)
    keep_sight_in_step(session, (listing,), now=now)
    refresh_search_text(session, listing_ids=(listing.id,))
    return listing


def _require_posted_by_hand(details: ListingDetails) -> None:
    if details.kind is ListingKind.RECEPTION:
        raise field_error("kind", KEPT_BY_FACILITY)


def _values(session: Session, listing: Listing, details: ListingDetails, *, now: datetime) -> dict[str, object]:
    """What the listing's columns are to hold.

    Raises:
        InvalidInput: everything that is wrong with the details at once.
    """
    checked = check_details(session, details, organisation_id=listing.organisation_id, now=now)
    blur = Blur(session, organisation_id=listing.organisation_id)
    return column_values(checked, blur=blur, was_hidden=bool(listing.hides_position))


def write_values(listing: Listing, values: Mapping[str, object], *, now: datetime) -> None:
    """Change a listing whose row the caller holds. Its quality and search text are to be refreshed then."""
    if values.get("available_to", listing.available_to) != listing.available_to:
        listing.reminded_at = None  # a new end is worth a new reminder
    for name, value in values.items():
        setattr(listing, name, value)
    listing.updated_at = now
    listing.asked_at = None  # who changes it knows that it stands


def column_values(checked: CheckedDetails, *, blur: Blur, was_hidden: bool) -> dict[str, object]:
    """What a listing's columns hold when it says this; the same for one that is new and one that is changed.

    `was_hidden` is whether the listing hid its position so far, which it goes on with unless the details say otherwise;
    `blur` is its organisation's.

    Raises:
        InvalidInput: everything that is wrong with the details at once.
    """
    details, mass = checked.details, checked.mass
    if checked.problems or mass is None or checked.point_25833 is None or checked.municipality is None:
        raise InvalidInput(*checked.problems)
    return {
        "kind": details.kind,
        "material_key": details.material_key,
        "project_id": details.project_id,
        **position_values(
            checked.point_25833,
            blur=blur,
            hides_position=was_hidden if details.hides_position is None else details.hides_position,
        ),
        "has_own_position": details.own_position is not None,
        "municipality_number": checked.municipality.number,
        "mass_t": mass.mass_t,
        "density_t_m3": mass.density_t_per_m3,
        "entered_value": mass.amount,
        "entered_unit": mass.unit,
        "fraction_min_mm": details.fraction.lower_mm if details.fraction else None,
        "fraction_max_mm": details.fraction.upper_mm if details.fraction else None,
        "min_lot_t": details.min_lot_t,
        **({} if details.tolerance_percent is None else {"tolerance_percent": details.tolerance_percent}),
        "max_distance_km": details.max_distance_km,
        "available_from": details.available_from,
        "available_to": details.available_to,
        "price_kind": details.price_kind,
        "price_nok_per_t": details.price_nok_per_t,
        "loading": details.loading,
        "haulage": details.haulage,
        "description": details.description,
        **({} if details.accepts_declared is None else {"accepts_declared": details.accepts_declared}),
        **({} if details.baseline_facility_id is KEEP else {"baseline_facility_id": details.baseline_facility_id}),
    }


def position_values(point_25833: Point, *, blur: Blur, hides_position: bool) -> dict[str, object]:
    """What the columns of a position hold: where it is, or beside it a place within about a kilometre that is shown."""
    exact = from_shape(point_25833, srid=SRID_STORED)
    return {
        "hides_position": hides_position,
        "position_25833": from_shape(blur.point_25833(point_25833), srid=SRID_STORED) if hides_position else exact,
        "exact_position_25833": exact if hides_position else None,
    }


def duplicate_listing(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """A new draft that says the same as a listing, whatever has become of it; a period that is over starts today.

    Raises:
        NotFound, Forbidden: there is no such listing, or the actor may not post for its organisation.
        Conflict: it is a facility's, or hidden by a moderator.
    """
    original = session.get(Listing, listing_id)
    if original is None:
        raise NotFound
    if actor.user_id is None or not actor.can_edit(original.organisation_id):
        raise Forbidden
    if original.facility_id is not None:
        raise Conflict(KEPT_BY_FACILITY)
    if original.hidden_at is not None:
        raise Conflict(HIDDEN_STAYS)
    today = local_date(now)
    first, last = original.period
    if last < today:
        first, last = today, today + (last - first)
    copy = Listing(
        **{name: getattr(original, name) for name in COPIED},
        status=ListingStatus.DRAFT,
        available_from=first,
        available_to=last,
        created_by_id=actor.user_id,
    )
    session.add(copy)
    session.flush()
    refresh_search_text(session, listing_ids=(copy.id,))
    return copy


def delete_draft(session: Session, actor: Actor, *, listing_id: int) -> None:
    """Throw a draft away; what has once been published is never deleted.

    Raises:
        NotFound, Forbidden, Conflict: no such listing, not the actor's to change, or no draft.
    """
    session.delete(lock_listing(session, actor, listing_id=listing_id, for_=Transition.DELETE))
    session.flush()


# From draft to closed ---------------------------------------------------------------------------------------------


def publish_listing(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """The listing, for everybody to see. The only way to `published`, from draft or from paused.

    Raises:
        NotFound, Forbidden: no such listing, not the actor's to change, or their e-mail address is not confirmed.
        Conflict: it is published already, or closed.
        InvalidInput: it is not fit to be published.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.PUBLISH)
    publish_held(session, actor, listing, now=now)
    return listing


def publish_held(session: Session, actor: Actor, listing: Listing, *, now: datetime) -> None:
    """Publish a listing whose row the caller holds, or say of a published one that it still stands.

    Raises:
        Forbidden, InvalidInput: as `publish_listing`.
    """
    refused = publish_each(session, actor, (listing,), now=now)
    if refused:
        raise InvalidInput(*refused[listing.id])


def publish_each(
    session: Session, actor: Actor, listings: Sequence[Listing], *, now: datetime
) -> dict[int, tuple[FieldError, ...]]:
    """Publish those of the listings that are fit for it; what is wrong with the others, by their ids.

    The caller holds their rows. This is what must hold of every listing that others can see.

    Raises:
        Forbidden: the actor's e-mail address is not confirmed.
    """
    if not actor.is_confirmed:
        raise Forbidden(N_("Confirm your e-mail address before you publish: the link is in the mail you got."))
    refused = show_each(session, listings, now=now)
    for listing in listings:
        if listing.id not in refused:
            listing.renewed_at = now  # its owner says that it stands
    session.flush()
    return refused


def show_each(session: Session, listings: Sequence[Listing], *, now: datetime) -> dict[int, tuple[FieldError, ...]]:
    """Bring those of the listings into sight that are fit for it; what is wrong with the others, by their ids.

    The one way to `published`; the caller holds the rows. Whoever does it for a person asks `publish_each`.
    """
    refused = moderation_problems(session, listings)
    for listing in listings:
        if listing.id not in refused:
            problems = (*time_problems(listing.available_to, now=now), *nothing_left_problems(listing))
            refused |= {listing.id: problems} if problems else {}
    refused |= gate(session, [each for each in listings if each.id not in refused], now=now)
    for listing in listings:
        if listing.id in refused:
            continue
        listing.status = ListingStatus.PUBLISHED
        listing.paused_reason = None
        listing.published_at = listing.published_at or now
        listing.renewed_at = listing.renewed_at or now
        listing.updated_at = now
        listing.asked_at = None
    session.flush()
    if len(refused) < len(listings):
        enqueue(session, Task.TELL_OF_NEWS)
    return refused


def keep_sight_in_step(session: Session, listings: Sequence[Listing], *, now: datetime) -> None:
    """Take listings out of sight of which nothing is left, and bring back those of which something is left again.

    The caller holds their rows, and they are as the database has them. What a facility takes in follows its room
    (`services.receptions`). What may not come back keeps out of sight, and its reason says why.
    """
    free = [each for each in listings if each.facility_id is None]
    for listing in free:
        if listing.status is ListingStatus.PUBLISHED and not listing.left_t:
            pause_held(listing, PausedReason.FULL, now=now)
    back = [each for each in free if each.paused_reason is PausedReason.FULL and each.left_t]
    refused = show_each(session, back, now=now) if back else {}
    for listing in back:
        if listing.id not in refused:
            continue
        if time_problems(listing.available_to, now=now):
            close_held(listing, ClosedReason.EXPIRED, now=now)
        elif all(problem.field for problem in refused[listing.id]):  # the gate's; moderators' stand beside no field
            listing.paused_reason = PausedReason.QUALITY
    session.flush()


def time_problems(available_to: date, *, now: datetime) -> tuple[FieldError, ...]:
    """What is wrong with a last day, for a listing that others can see."""
    if available_to >= local_date(now):
        return ()
    message = N_("The period is over. Choose a last day that is still to come.")
    return (FieldError(field="available_to", message=message),)


def pause_listing(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """The listing, out of sight for a while.

    Raises:
        NotFound, Forbidden, Conflict: no such listing, not the actor's to change, or not published.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.PAUSE)
    pause_held(listing, PausedReason.OWNER, now=now)
    session.flush()
    return listing


def pause_held(listing: Listing, reason: PausedReason, *, now: datetime) -> None:
    """Take a published listing whose row the caller holds out of sight."""
    listing.status, listing.paused_reason = ListingStatus.PAUSED, reason
    listing.updated_at = now


def close_listing(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """The listing, closed by its owner for good.

    Raises:
        NotFound, Forbidden, Conflict: no such listing, not the actor's to change, a draft, or closed already.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.CLOSE)
    close_held(listing, ClosedReason.OWNER, now=now)
    session.flush()
    return listing


def close_expired(listing: Listing, *, now: datetime) -> None:
    """Close a locked listing whose period is over.

    Raises:
        Conflict: it is not published any more.
    """
    if not can(Transition.EXPIRE, listing):
        raise Conflict(WRONG_TRANSITION[listing.status])
    close_held(listing, ClosedReason.EXPIRED, now=now)


def close_held(listing: Listing, reason: ClosedReason, *, now: datetime) -> None:
    """Close a listing whose row the caller holds, for good."""
    listing.status, listing.closed_reason, listing.paused_reason = ListingStatus.CLOSED, reason, None
    listing.closed_at = listing.updated_at = now
