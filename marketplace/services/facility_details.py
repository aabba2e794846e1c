"""What a person says about a facility, and everything that can be wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from shapely import Point
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.geometry import Position
from geo.materials import taxonomy
from geo.quantities import MAX_MASS_T
from geo.units import MASS_STEP_T
from marketplace.clock import local_date
from marketplace.errors import FieldError
from marketplace.i18n_marker import N_
from marketplace.models import Municipality
from marketplace.queries.municipalities import locate_municipality_25833
from marketplace.services.editing import DESCRIPTION_LIMIT, NAME_LIMIT, period_problems, text_problems
from marketplace.services.listing_details import ABSURD, PRICE_LIMIT_NOK_PER_T, PRICE_STEP
from marketplace.text import clean_line, clean_text
from marketplace.types import FacilityKind

LOWEST_CLASS = 1
HIGHEST_CLASS = 5
"""Of the soil table. What lies above is possible hazardous waste, which is nothing to be taken in by the tonne here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityDetails:
    """What a person says about a facility; see `marketplace.models.Facility`.

    Its capacity and its price are said together or not at all: only with both does it take part in search and matching.
    """

    name: str
    kind: FacilityKind
    accepts: tuple[str, ...]
    position: Position | None
    accepts_class_max: int = LOWEST_CLASS
    accepts_declared: bool = True
    capacity_t: Decimal | None = None
    capacity_left_t: Decimal | None = None
    reception_price_nok_per_t: Decimal | None = None
    opens_on: date | None = None
    closes_on: date | None = None
    opening_hours: str = ""
    permit_reference: str = ""
    permit_ends_on: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFacility:
    """Details as they would be kept, what was worked out from them, and what is wrong with them."""

    details: FacilityDetails
    point_25833: Point | None
    municipality: Municipality | None
    problems: tuple[FieldError, ...]


def check_facility(session: Session, details: FacilityDetails, *, now: datetime) -> CheckedFacility:
    """The details with everything that is wrong with them; nothing is written."""
    details = _cleaned(details)
    position = details.position
    point_25833 = to_stored(Point(position.lon, position.lat)) if position else None
    municipality = locate_municipality_25833(session, point_25833) if point_25833 else None
    problems = (*_position_problems(details, municipality), *_problems(details, today=local_date(now), now=now))
    return CheckedFacility(details=details, point_25833=point_25833, municipality=municipality, problems=problems)


def capacity_left_problems(
    left_t: Decimal, *, capacity_t: Decimal | None, last_day: date | None, today: date
) -> Iterator[FieldError]:
    """What is wrong with what is said to be free now; `last_day` is the last that anything may be taken in."""
    if not left_t.is_finite() or left_t < 0:
        yield FieldError(field="capacity_left_t", message=N_("Enter zero or more tonnes."))
    elif capacity_t is None:
        yield FieldError(field="capacity_t", message=N_("Enter how much it can hold altogether."))
    elif left_t > capacity_t:
        yield FieldError(
            field="capacity_left_t", message=N_("There cannot be more room left than there is altogether.")
        )
    elif left_t > 0 and last_day is not None and last_day < today:
        yield FieldError(
            field="capacity_left_t",
            message=N_("Nothing can be taken in after the permit or the opening period has ended. Enter zero."),
        )


def _cleaned(details: FacilityDetails) -> FacilityDetails:
    """The texts without what nobody sees, the numbers as the database keeps them, the materials in their own order."""
    chosen = frozenset(details.accepts)
    known = tuple(key for key in taxonomy().materials if key in chosen)
    return replace(
        details,
        name=clean_line(details.name),
        accepts=known if len(known) == len(chosen) else details.accepts,
        capacity_t=rounded(details.capacity_t, MASS_STEP_T),
        capacity_left_t=rounded(details.capacity_left_t, MASS_STEP_T),
        reception_price_nok_per_t=rounded(details.reception_price_nok_per_t, PRICE_STEP),
        opening_hours=clean_line(details.opening_hours),
        permit_reference=clean_line(details.permit_reference),
        note=clean_text(details.note),
    )


def rounded(value: Decimal | None, step: Decimal) -> Decimal | None:
    """The number as the database keeps it, so that what is checked is what is kept; an absurd one as it is."""
    return value.quantize(step) if value is not None and value.is_finite() and abs(value) < ABSURD else value


def _position_problems(details: FacilityDetails, municipality: Municipality | None) -> Iterator[FieldError]:
    if details.position is None:
        yield FieldError(field="position", message=N_("Mark on the map where the gate is."))
    elif municipality is None:
        yield FieldError(
            field="position",
            message=N_("The position is outside Norway, or too far out at sea. Move the pin to where the gate is."),
        )


def _problems(details: FacilityDetails, *, today: date, now: datetime) -> Iterator[FieldError]:
    yield from text_problems(details.name, field="name", limit=NAME_LIMIT, missing=N_("Enter the facility's name."))
    if not details.accepts:
        yield FieldError(field="accepts", message=N_("Choose at least one material that it takes in."))
    elif not set(details.accepts) <= set(taxonomy().materials):
        yield FieldError(field="accepts", message=N_("Choose materials from the list."))
    yield from _class_problems(details)
    yield from _period_problems(details, today=today, now=now)
    yield from _permit_problems(details, today=today, now=now)
    yield from _capacity_problems(details, today=today)
    yield from _price_problems(details)
    for field, text, limit in (
        ("opening_hours", details.opening_hours, NAME_LIMIT),
        ("permit_reference", details.permit_reference, NAME_LIMIT),
        ("note", details.note, DESCRIPTION_LIMIT),
    ):
        yield from text_problems(text, field=field, limit=limit)


def _class_problems(details: FacilityDetails) -> Iterator[FieldError]:
    if not LOWEST_CLASS <= details.accepts_class_max <= HIGHEST_CLASS:
        yield FieldError(field="accepts_class_max", message=N_("Choose a class from the list."))
    elif details.accepts_class_max > LOWEST_CLASS and not details.permit_reference:
        yield FieldError(
            field="permit_reference",
            message=N_("To take in more than class 1 takes a permit. Enter its reference."),
        )


def _period_problems(details: FacilityDetails, *, today: date, now: datetime) -> Iterator[FieldError]:
    first, last = details.opens_on or details.closes_on, details.closes_on or details.opens_on
    if first is not None and last is not None:
        yield from period_problems(first, last, first_field="opens_on", last_field="closes_on", now=now)
    if details.capacity_left_t and details.closes_on is not None and details.closes_on < today:
        yield FieldError(field="closes_on", message=N_("The period is over. Choose a last day that is still to come."))


def _permit_problems(details: FacilityDetails, *, today: date, now: datetime) -> Iterator[FieldError]:
    ends_on = details.permit_ends_on
    if ends_on is None:
        return
    if not details.permit_reference and details.accepts_class_max == LOWEST_CLASS:
        yield FieldError(field="permit_reference", message=N_("Enter the reference of the permit that ends then."))
    yield from period_problems(ends_on, ends_on, first_field="permit_ends_on", last_field="permit_ends_on", now=now)
    if details.opens_on is not None and details.opens_on > ends_on:
        yield FieldError(field="opens_on", message=N_("The permit ends before it opens."))
    if details.capacity_left_t and ends_on < today:
        yield FieldError(
            field="permit_ends_on",
            message=N_("This permit has ended, so nothing can be taken in. Enter the new one, or no room left."),
        )


def _capacity_problems(details: FacilityDetails, *, today: date) -> Iterator[FieldError]:
    capacity_t, left_t = details.capacity_t, details.capacity_left_t
    if capacity_t is not None and not (capacity_t.is_finite() and 0 < capacity_t <= MAX_MASS_T):
        yield FieldError(
            field="capacity_t",
            message=N_("Enter a quantity above zero, and at most %(limit)s t."),
            params={"limit": MAX_MASS_T},
        )
        return
    if left_t is not None:
        yield from capacity_left_problems(left_t, capacity_t=capacity_t, last_day=None, today=today)
    elif capacity_t is not None:
        yield FieldError(field="capacity_left_t", message=N_("Enter how much of it is free now."))


def _price_problems(details: FacilityDetails) -> Iterator[FieldError]:
    price = details.reception_price_nok_per_t
    if price is None:
        if details.capacity_t is not None:
            yield FieldError(
                field="reception_price_nok_per_t",
                message=N_("Enter what it costs to deliver here: 0 where it is free."),
            )
    elif not price.is_finite() or price < 0:
        yield FieldError(field="reception_price_nok_per_t", message=N_("Enter a price of zero or more."))
    elif price > PRICE_LIMIT_NOK_PER_T:
        yield FieldError(
            field="reception_price_nok_per_t",
            message=N_("Enter at most %(limit)s kroner per tonne."),
            params={"limit": PRICE_LIMIT_NOK_PER_T},
        )
