"""What pages say of a facility beside what it says itself: whose word it is, how much room, and what ends when."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum, auto
from typing import Final

from flask_babel import gettext as _

from marketplace.models import Facility
from marketplace.services.receptions import is_over

WARNED_BEFORE: Final = timedelta(days=60)
"""A new permit takes the authorities longer than this, so whoever keeps the facility should know by then."""


class PermitState(StrEnum):
    NONE = auto()
    """No reference is given."""
    OPEN_ENDED = auto()
    VALID = auto()
    ENDS_SOON = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityFacts:
    """`room_percent` of its capacity is free, None where that is not known. `unlisted` says why nothing of what it
    takes in is in sight of others, "" where it is.
    """

    facility: Facility
    permit: PermitState
    room_percent: float | None
    whose_word: str
    unlisted: str


def facts_of(facility: Facility, *, today: date) -> FacilityFacts:
    return FacilityFacts(
        facility=facility,
        permit=_permit_state(facility, today=today),
        room_percent=_room_percent(facility),
        whose_word=_whose_word(facility),
        unlisted=_unlisted(facility, today=today),
    )


def _permit_state(facility: Facility, *, today: date) -> PermitState:
    ends_on = facility.permit_ends_on
    if facility.permit_reference is None and ends_on is None:
        return PermitState.NONE
    if ends_on is None:
        return PermitState.OPEN_ENDED
    if ends_on < today:
        return PermitState.ENDED
    return PermitState.ENDS_SOON if ends_on <= today + WARNED_BEFORE else PermitState.VALID


def _room_percent(facility: Facility) -> float | None:
    if not facility.capacity_t or facility.capacity_left_t is None:
        return None
    return round(float(100 * facility.capacity_left_t / facility.capacity_t), 1)


def _whose_word(facility: Facility) -> str:
    if facility.organisation is None:
        if facility.is_verified:
            return _("Somebody has checked that it is there. What it takes in is not confirmed by its operator.")
        return _("Not confirmed by its operator.")
    if facility.is_verified:
        return _("Stated by %(name)s, and checked.", name=facility.organisation.name)
    return _("Stated by %(name)s, and not checked by anybody else.", name=facility.organisation.name)


def _unlisted(facility: Facility, *, today: date) -> str:
    if facility.closed_at is not None:
        return _("This facility is closed.")
    if facility.organisation is None:
        return _("Nobody at Masseflyt answers for it, so it stands here as a place only. Ask there before you drive.")
    if is_over(facility, today=today):
        return _("Its permit or its opening period has ended, so nothing is taken in.")
    if facility.capacity_left_t is None or facility.reception_price_nok_per_t is None:
        return _("It has not said how much room there is and what it costs, so it is not in search and matching.")
    if not facility.free_t:
        return _("It is full just now, so it is out of search and matching until there is room again.")
    return ""
