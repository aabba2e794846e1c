"""Listings: writing them, and leading them from draft to published to closed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum, auto
from typing import cast

from geoalchemy2.shape import from_shape, to_shape
from shapely import Point
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.errors import MaterialError, QuantityError
from geo.geometry import Position
from geo.materials import Fraction, Material, taxonomy
from geo.quantities import EnteredMass
from geo.units import MASS_STEP_T, SRID_STORED, EnteredUnit
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound, field_error
from marketplace.geo_messages import refused_at
from marketplace.i18n_marker import N_
from marketplace.models import Listing, Municipality, Project
from marketplace.queries.municipalities import locate_municipality_25833
from marketplace.services.editing import DESCRIPTION_LIMIT, period_problems, require_unchanged, text_problems
from marketplace.services.search_text import refresh_search_text
from marketplace.text import clean_text
from marketplace.types import ClosedReason, Haulage, ListingKind, ListingStatus, Loading, PriceKind

PRICE_LIMIT_NOK_PER_T = Decimal(5_000)
"""Far above any mass that is hauled by lorry: washed and graded products lie at some hundred kroner."""
PRICE_STEP = Decimal("0.01")
DISTANCE_LIMIT_KM = Decimal(2_000)
"""Longer than the road from one end of Norway to the other leaves any sense in hauling masses."""
DISTANCE_STEP_KM = Decimal("0.1")
ABSURD = Decimal(10) ** 15
"""Beyond what a numeric column and a decimal context can round; every limit lies far below."""


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


def can(transition: Transition, listing: Listing) -> bool:
    """Whether the listing's status allows the transition."""
    return listing.status in ALLOWED_FROM[transition]


def _locked(session: Session, actor: Actor, *, listing_id: int, for_: Transition) -> Listing:
    """The listing as it stands now, held until the end of the transaction so that two people take turns.

    Raises:
        NotFound, Forbidden, Conflict.
    """
    query = select(Listing).where(Listing.id == listing_id).with_for_update().execution_options(populate_existing=True)
    listing = session.scalars(query).one_or_none()
    if listing is None:
        raise NotFound
    if not actor.can_edit(listing.organisation_id):
        raise Forbidden
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
    "price_kind",
    "price_nok_per_t",
    "loading",
    "haulage",
    "max_distance_km",
    "description",
    "position_25833",
    "has_own_position",
    "municipality_number",
)
"""What a copy has in common with its original: what is offered, not its place in life or that it was an example."""


# Writing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingDetails:
    """What a person says about a listing.

    `density_t_m3` None takes the material's own density for the unit. `own_position` None takes the project's.
    """

    kind: ListingKind
    material_key: str
    entered_value: Decimal
    entered_unit: EnteredUnit
    available_from: date
    available_to: date
    project_id: int | None = None
    own_position: Position | None = None
    density_t_m3: Decimal | None = None
    fraction: Fraction | None = None
    min_lot_t: Decimal | None = None
    price_kind: PriceKind = PriceKind.FREE
    price_nok_per_t: Decimal | None = None
    loading: Loading = Loading.GIVER
    haulage: Haulage = Haulage.BY_AGREEMENT
    max_distance_km: Decimal | None = None
    description: str = ""


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
    listing = Listing(
        status=ListingStatus.DRAFT,
        organisation_id=organisation_id,
        created_by_id=actor.user_id,
        is_example=is_example,
    )
    _apply(session, listing, details, now=now)
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

    Raises:
        NotFound, Forbidden: there is no such listing, or the actor may not change it.
        Conflict: it is closed, or not as it was at `seen_version` (see `services.editing`).
        InvalidInput: some of the details cannot be taken.
    """
    listing = _locked(session, actor, listing_id=listing_id, for_=Transition.EDIT)
    require_unchanged(listing, seen_version)
    last_day_before = listing.available_to
    _apply(session, listing, details, now=now)
    if listing.status is ListingStatus.PUBLISHED:
        _require_fit_for_publishing(listing, now=now)
    if listing.available_to != last_day_before:
        listing.reminded_at = None  # a new end is worth a new reminder
    listing.updated_at = now
    session.flush()
    refresh_search_text(session, listing_ids=(listing.id,))
    return listing


def _apply(session: Session, listing: Listing, details: ListingDetails, *, now: datetime) -> None:
    """Write the details to the listing, all of them or none.

    Raises:
        InvalidInput: everything that is wrong with them at once.
    """
    problems: list[FieldError] = []
    material = _material(details, problems)
    mass = _mass(details, material, problems)
    details = replace(
        details,
        min_lot_t=_rounded_or_none(details.min_lot_t, MASS_STEP_T),
        price_nok_per_t=_rounded_or_none(details.price_nok_per_t, PRICE_STEP),
        max_distance_km=_rounded_or_none(details.max_distance_km, DISTANCE_STEP_KM),
        description=clean_text(details.description),
    )
    problems.extend(_problems(details, material, mass, now=now))
    project = _project(session, listing, details, problems)
    point_25833 = _point_25833(details, project, problems)
    municipality = _municipality(session, point_25833, problems)
    if problems or mass is None or point_25833 is None or municipality is None:
        raise InvalidInput(*problems)

    listing.kind, listing.material_key = details.kind, details.material_key
    listing.project_id = details.project_id
    listing.position_25833 = from_shape(point_25833, srid=SRID_STORED)
    listing.has_own_position = details.own_position is not None
    listing.municipality_number = municipality.number
    listing.mass_t, listing.density_t_m3 = mass.mass_t, mass.density_t_per_m3
    listing.entered_value, listing.entered_unit = mass.amount, mass.unit
    listing.fraction_min_mm = details.fraction.lower_mm if details.fraction else None
    listing.fraction_max_mm = details.fraction.upper_mm if details.fraction else None
    listing.min_lot_t, listing.max_distance_km = details.min_lot_t, details.max_distance_km
    listing.available_from, listing.available_to = details.available_from, details.available_to
    listing.price_kind, listing.price_nok_per_t = details.price_kind, details.price_nok_per_t
    listing.loading, listing.haulage = details.loading, details.haulage
    listing.description = details.description


def _material(details: ListingDetails, problems: list[FieldError]) -> Material | None:
    try:
        return taxonomy().material(details.material_key)
    except MaterialError as error:
        problems.extend(refused_at("material_key", error).errors)
        return None


def _mass(details: ListingDetails, material: Material | None, problems: list[FieldError]) -> EnteredMass | None:
    if material is None:
        return None
    try:
        return material.weigh(
            _rounded(details.entered_value, MASS_STEP_T), details.entered_unit, density_t_per_m3=details.density_t_m3
        )
    except QuantityError as error:
        at_density = error.code in ("no_density", "density_out_of_range")
        problems.extend(refused_at("density_t_m3" if at_density else "entered_value", error).errors)
        return None


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    """The number as the database keeps it, so that what is checked is what is kept; an absurd one as it is."""
    return value.quantize(step) if value.is_finite() and abs(value) < ABSURD else value


def _rounded_or_none(value: Decimal | None, step: Decimal) -> Decimal | None:
    return None if value is None else _rounded(value, step)


def _problems(
    details: ListingDetails, material: Material | None, mass: EnteredMass | None, *, now: datetime
) -> Iterator[FieldError]:
    yield from period_problems(
        details.available_from,
        details.available_to,
        first_field="available_from",
        last_field="available_to",
        now=now,
    )
    if details.fraction is not None and material is not None and not material.has_fraction:
        yield FieldError(field="fraction", message=N_("This material has no grain fraction."))
    yield from _smallest_lot_problems(details.min_lot_t, mass)
    yield from _price_problems(details.price_kind, details.price_nok_per_t)
    reach_km = details.max_distance_km
    if reach_km is not None and not (_is_positive(reach_km) and reach_km <= DISTANCE_LIMIT_KM):
        yield FieldError(
            field="max_distance_km",
            message=N_("Enter a distance between 0 and %(limit)s km."),
            params={"limit": str(DISTANCE_LIMIT_KM)},
        )
    yield from text_problems(details.description, field="description", limit=DESCRIPTION_LIMIT)


def _is_positive(value: Decimal) -> bool:
    """Above zero and finite; NaN would raise where it is compared."""
    return value.is_finite() and value > 0


def _smallest_lot_problems(min_lot_t: Decimal | None, mass: EnteredMass | None) -> Iterator[FieldError]:
    if min_lot_t is None:
        return
    if not _is_positive(min_lot_t):
        yield FieldError(field="min_lot_t", message=N_("The smallest lot must be more than zero."))
    elif mass is not None and min_lot_t > mass.mass_t:
        yield FieldError(field="min_lot_t", message=N_("The smallest lot cannot be larger than the whole quantity."))


def _price_problems(price_kind: PriceKind, price_nok_per_t: Decimal | None) -> Iterator[FieldError]:
    if price_kind is PriceKind.FREE:
        if price_nok_per_t is not None:
            yield FieldError(field="price_nok_per_t", message=N_("Leave the price empty where the mass is free."))
    elif price_nok_per_t is None or not _is_positive(price_nok_per_t):
        yield FieldError(field="price_nok_per_t", message=N_("Enter a price above zero."))
    elif price_nok_per_t > PRICE_LIMIT_NOK_PER_T:
        yield FieldError(
            field="price_nok_per_t",
            message=N_("Enter at most %(limit)s kroner per tonne."),
            params={"limit": str(PRICE_LIMIT_NOK_PER_T)},
        )


def _project(session: Session, listing: Listing, details: ListingDetails, problems: list[FieldError]) -> Project | None:
    """The project the listing is to belong to; one of another organisation is no project one can choose."""
    if details.project_id is None:
        return None
    project = session.get(Project, details.project_id)
    if project is None or project.organisation_id != listing.organisation_id:
        problems.append(FieldError(field="project_id", message=N_("Choose one of your own projects.")))
        return None
    return project


def _point_25833(details: ListingDetails, project: Project | None, problems: list[FieldError]) -> Point | None:
    """Where the mass is: at its own pin, else where the project is."""
    if details.own_position is not None:
        return to_stored(Point(details.own_position.lon, details.own_position.lat))
    if project is not None:
        return cast("Point", to_shape(project.position_25833))
    if details.project_id is None:
        problems.append(FieldError(field="position", message=N_("Choose a project, or place a pin on the map.")))
    return None


def _municipality(session: Session, point_25833: Point | None, problems: list[FieldError]) -> Municipality | None:
    if point_25833 is None:
        return None
    municipality = locate_municipality_25833(session, point_25833)
    if municipality is None:
        problems.append(
            FieldError(
                field="position",
                message=N_("The position is outside Norway, or too far out at sea. Move the pin to where the mass is."),
            )
        )
    return municipality


def duplicate_listing(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """A new draft that says the same as a listing, whatever has become of it; a period that is over starts today.

    Raises:
        NotFound, Forbidden: there is no such listing, or the actor may not post for its organisation.
    """
    original = session.get(Listing, listing_id)
    if original is None:
        raise NotFound
    if actor.user_id is None or not actor.can_edit(original.organisation_id):
        raise Forbidden
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
    session.delete(_locked(session, actor, listing_id=listing_id, for_=Transition.DELETE))
    session.flush()


# From draft to closed ---------------------------------------------------------------------------------------------


def publish_listing(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """The listing, for everybody to see. The only way to `published`, from draft or from paused.

    Raises:
        NotFound, Forbidden: no such listing, not the actor's to change, or their e-mail address is not confirmed.
        Conflict: it is published already, or closed.
        InvalidInput: it is not fit to be published.
    """
    listing = _locked(session, actor, listing_id=listing_id, for_=Transition.PUBLISH)
    if not actor.is_confirmed:
        raise Forbidden(N_("Confirm your e-mail address before you publish: the link is in the mail you got."))
    _require_fit_for_publishing(listing, now=now)
    listing.status = ListingStatus.PUBLISHED
    listing.published_at = listing.published_at or now
    listing.updated_at = now
    session.flush()
    return listing


def _require_fit_for_publishing(listing: Listing, *, now: datetime) -> None:
    """What must hold of every listing that others can see, whether it is published now or edited while it is.

    Raises:
        InvalidInput: it does not hold.
    """
    if listing.available_to < local_date(now):
        raise field_error("available_to", N_("The period is over. Choose a last day that is still to come."))


def pause_listing(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """The listing, out of sight for a while.

    Raises:
        NotFound, Forbidden, Conflict: no such listing, not the actor's to change, or not published.
    """
    listing = _locked(session, actor, listing_id=listing_id, for_=Transition.PAUSE)
    listing.status, listing.updated_at = ListingStatus.PAUSED, now
    session.flush()
    return listing


def close_listing(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """The listing, closed by its owner for good.

    Raises:
        NotFound, Forbidden, Conflict: no such listing, not the actor's to change, a draft, or closed already.
    """
    listing = _locked(session, actor, listing_id=listing_id, for_=Transition.CLOSE)
    _close(listing, ClosedReason.OWNER, now=now)
    session.flush()
    return listing


def close_expired(listing: Listing, *, now: datetime) -> None:
    """Close a locked listing whose period is over.

    Raises:
        Conflict: it is not published any more.
    """
    if not can(Transition.EXPIRE, listing):
        raise Conflict(WRONG_TRANSITION[listing.status])
    _close(listing, ClosedReason.EXPIRED, now=now)


def _close(listing: Listing, reason: ClosedReason, *, now: datetime) -> None:
    listing.status, listing.closed_reason = ListingStatus.CLOSED, reason
    listing.closed_at = listing.updated_at = now
