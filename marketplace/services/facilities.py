"""Facilities: quarries, landfills, recycling plants and interim storage, kept by those who run them."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import uuid4

from geoalchemy2.shape import from_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.geometry import Position
from geo.units import MASS_STEP_T, SRID_STORED
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import Facility, Organisation
from marketplace.queries.facility_room import booked_after_report_t
from marketplace.services.editing import require_unchanged
from marketplace.services.facility_details import (
    FacilityDetails,
    capacity_left_problems,
    check_facility,
    rounded,
)
from marketplace.services.receptions import position_of_facility, refresh_receptions

__all__ = [
    "FacilityDetails",
    "close_facility",
    "create_facility",
    "reopen_facility",
    "report_capacity",
    "update_facility",
]

MAP_ROUNDING_DEGREES: Final = 1e-5

IS_CLOSED = N_("This facility is closed. Open it again first.")
IS_OPEN = N_("This facility is open already.")
NOT_CONFIRMED = N_("Confirm your e-mail address before you register or change a facility: the link is in your mail.")


def create_facility(
    session: Session,
    actor: Actor,
    *,
    organisation_id: int,
    details: FacilityDetails,
    now: datetime,
    is_example: bool = False,
) -> Facility:
    """A new facility of an organisation, for everybody to see, with a listing for each material it has room for.

    Raises:
        Forbidden: the actor may not post for the organisation, or their e-mail address is not confirmed.
        InvalidInput: some of the details cannot be taken.
    """
    organisation = session.get(Organisation, organisation_id)
    if organisation is None or actor.user_id is None or not actor.can_edit(organisation_id):
        raise Forbidden
    _require_confirmed(actor)
    facility = Facility(
        key=f"own-{uuid4().hex}",
        organisation_id=organisation_id,
        created_by_id=actor.user_id,
        source=organisation.name,
        is_example=is_example,
    )
    _apply(session, facility, details, now=now)
    session.add(facility)
    session.flush()
    refresh_receptions(session, actor, facility=facility, now=now)
    return facility


def update_facility(
    session: Session,
    actor: Actor,
    *,
    facility_id: int,
    details: FacilityDetails,
    now: datetime,
    seen_version: str | None = None,
) -> Facility:
    """The facility with new details, and its listings in step with it.

    Raises:
        NotFound, Forbidden: there is no such facility, or the actor may not change it.
        Conflict: it is closed, or not as it was at `seen_version` (see `services.editing`).
        InvalidInput: some of the details cannot be taken.
    """
    facility = _locked(session, actor, facility_id=facility_id)
    _require_open(facility)
    require_unchanged(facility, seen_version)
    place_before = position_of_facility(facility)
    _apply(session, facility, details, now=now)
    if _has_moved(place_before, position_of_facility(facility)):
        facility.position_accuracy_m = None  # that was said of the other place
    facility.updated_at = now
    refresh_receptions(session, actor, facility=facility, now=now)
    return facility


def report_capacity(
    session: Session, actor: Actor, *, facility_id: int, capacity_left_t: Decimal, now: datetime
) -> Facility:
    """The facility with what is free now: one number, told at the gate. It also says that the rest still stands.

    Raises:
        NotFound, Forbidden: there is no such facility, or the actor may not change it.
        Conflict: it is closed.
        InvalidInput: it cannot have that much room.
    """
    facility = _locked(session, actor, facility_id=facility_id)
    _require_open(facility)
    left_t = rounded(capacity_left_t, MASS_STEP_T)
    assert left_t is not None
    problems = tuple(
        capacity_left_problems(
            left_t, capacity_t=facility.capacity_t, last_day=facility.last_day, today=local_date(now)
        )
    )
    problems = problems or tuple(_booked_problems(session, facility, room_t=left_t, reported_at=now))
    if problems:
        raise InvalidInput(*problems)
    facility.capacity_left_t = left_t
    facility.capacity_reported_at = facility.updated_at = now
    refresh_receptions(session, actor, facility=facility, now=now)
    return facility


def close_facility(session: Session, actor: Actor, *, facility_id: int, now: datetime) -> Facility:
    """The facility, closed: it takes nothing in, its listings end, and lists and maps leave it out.

    Raises:
        NotFound, Forbidden, Conflict: no such facility, not the actor's to change, or closed already.
    """
    facility = _locked(session, actor, facility_id=facility_id)
    _require_open(facility)
    facility.closed_at = facility.updated_at = now
    refresh_receptions(session, actor, facility=facility, now=now)
    return facility


def reopen_facility(session: Session, actor: Actor, *, facility_id: int, now: datetime) -> Facility:
    """The facility, open again as it was.

    Raises:
        NotFound, Forbidden, Conflict: no such facility, not the actor's to change, or not closed.
    """
    facility = _locked(session, actor, facility_id=facility_id)
    if facility.closed_at is None:
        raise Conflict(IS_OPEN)
    facility.closed_at, facility.updated_at = None, now
    refresh_receptions(session, actor, facility=facility, now=now)
    return facility


def _locked(session: Session, actor: Actor, *, facility_id: int) -> Facility:
    """The facility as it stands now, held until the end of the transaction, before any of its listings.

    Raises:
        NotFound, Forbidden.
    """
    query = (
        select(Facility)
        .where(Facility.id == facility_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    facility = session.scalars(query).one_or_none()
    if facility is None:
        raise NotFound
    if facility.organisation_id is None:
        may_keep = actor.is_admin
    else:
        may_keep = actor.can_edit(facility.organisation_id)
    if not may_keep:
        raise Forbidden
    _require_confirmed(actor)
    return facility


def _require_confirmed(actor: Actor) -> None:
    """A facility is public from its first day, so it is put up only by people whose address is known to be theirs."""
    if not (actor.is_confirmed or actor.is_admin):
        raise Forbidden(NOT_CONFIRMED)


def _require_open(facility: Facility) -> None:
    if facility.closed_at is not None:
        raise Conflict(IS_CLOSED)


def _has_moved(before: Position, after: Position) -> bool:
    """By more than maps round to, which is about a metre."""
    return max(abs(before.lon - after.lon), abs(before.lat - after.lat)) > MAP_ROUNDING_DEGREES


BELOW_BOOKED = N_(
    "%(booked_t)s t has been agreed to come, beside what stands there now. Enter that or more, or change those deals."
)


def _booked_problems(
    session: Session,
    facility: Facility,
    *,
    room_t: Decimal,
    reported_at: datetime | None,
    field: str = "capacity_left_t",
) -> Iterator[FieldError]:
    """Room that has been promised is not given away by saying that there is less."""
    booked_t = booked_after_report_t(session, facility, reported_at=reported_at)
    if room_t < booked_t:
        yield FieldError(field=field, message=BELOW_BOOKED, params={"booked_t": booked_t})


def _apply(session: Session, facility: Facility, details: FacilityDetails, *, now: datetime) -> None:
    """Write the details to the facility, all of them or none.

    Raises:
        InvalidInput: everything that is wrong with them at once.
    """
    checked = check_facility(session, details, now=now)
    if checked.problems or checked.point_25833 is None or checked.municipality is None:
        raise InvalidInput(*checked.problems)
    details = checked.details
    # A number that was left as it stood says nothing new of what has come in since.
    is_said_anew = facility.capacity_reported_at is None or details.capacity_left_t != facility.capacity_left_t
    reported_at = (
        (now if is_said_anew else facility.capacity_reported_at) if details.capacity_left_t is not None else None
    )
    room_t = details.capacity_t if details.capacity_left_t is None else details.capacity_left_t
    if facility.id is not None and room_t is not None:
        at_field = "capacity_t" if details.capacity_left_t is None else "capacity_left_t"
        problems = tuple(_booked_problems(session, facility, room_t=room_t, reported_at=reported_at, field=at_field))
        if problems:
            raise InvalidInput(*problems)
    facility.name, facility.kind, facility.accepts = details.name, details.kind, list(details.accepts)
    facility.accepts_class_max, facility.accepts_declared = details.accepts_class_max, details.accepts_declared
    facility.capacity_t, facility.capacity_left_t = details.capacity_t, details.capacity_left_t
    facility.capacity_reported_at = reported_at
    facility.reception_price_nok_per_t = details.reception_price_nok_per_t
    facility.opens_on, facility.closes_on = details.opens_on, details.closes_on
    facility.opening_hours = details.opening_hours or None
    facility.permit_reference = details.permit_reference or None
    facility.permit_ends_on = details.permit_ends_on
    facility.note = details.note or None
    facility.position_25833 = from_shape(checked.point_25833, srid=SRID_STORED)
    facility.municipality_number = checked.municipality.number
