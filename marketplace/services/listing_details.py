"""What a person says about a listing, and everything that can be wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto
from typing import Final, Literal, Protocol, cast

from geoalchemy2.shape import to_shape
from shapely import Point
from sqlalchemy.orm import Session

from geo.crs import to_stored
from geo.errors import MaterialError, QuantityError
from geo.geometry import Position
from geo.materials import Fraction, Material, taxonomy
from geo.quantities import EnteredMass
from geo.replacements import replacements
from geo.units import MASS_STEP_T, EnteredUnit
from marketplace.errors import FieldError
from marketplace.geo_messages import refused_at
from marketplace.i18n_marker import N_
from marketplace.models import Facility, Municipality, Project
from marketplace.queries.municipalities import locate_municipality_25833
from marketplace.services.editing import DESCRIPTION_LIMIT, period_problems, text_problems
from marketplace.text import clean_text
from marketplace.types import FacilityKind, Haulage, ListingKind, Loading, PriceKind

PRICE_LIMIT_NOK_PER_T = Decimal(5_000)
"""Far above any mass that is hauled by lorry: washed and graded products lie at some hundred kroner."""
PRICE_STEP = Decimal("0.01")
DISTANCE_LIMIT_KM = Decimal(2_000)
"""Longer than the road from one end of Norway to the other leaves any sense in hauling masses."""
DISTANCE_STEP_KM = Decimal("0.1")
TOLERANCE_STEP = Decimal("0.1")
USUAL_TOLERANCE_PERCENT = Decimal(5)
"""What a new listing has, by the column's default."""
TOLERANCE_LIMIT_PERCENT = Decimal(20)
"""Engineering judgement: a lorry more or less on a small lot. What differs by more is another agreement."""
ABSURD = Decimal(10) ** 15
"""Beyond what a numeric column and a decimal context can round; every limit lies far below."""


NO_PLACE = N_("Choose a project, or place a pin on the map.")


class Keep(Enum):
    """Says that something stays as it is."""

    KEEP = auto()


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingDetails:
    """What a person says about a listing.

    `density_t_m3` None takes the material's own density for the unit. `own_position` None takes the project's.
    `hides_position` None leaves it as it is: a new listing shows where it is. `accepts_declared`, whether who takes
    masses does with a statement that they are clean, None leaves as it is: a new listing does. `tolerance_percent`,
    by how much deliveries may pass what was agreed, None leaves as it is: a new listing has the usual one.
    `baseline_facility_id` is where a surplus would have gone without a deal, or where what is needed would have been
    bought; None where nobody says, and `KEEP` leaves it as it is.
    """

    kind: ListingKind
    material_key: str
    entered_value: Decimal
    entered_unit: EnteredUnit
    available_from: date
    available_to: date
    project_id: int | None = None
    own_position: Position | None = None
    hides_position: bool | None = None
    accepts_declared: bool | None = None
    density_t_m3: Decimal | None = None
    fraction: Fraction | None = None
    min_lot_t: Decimal | None = None
    tolerance_percent: Decimal | None = None
    price_kind: PriceKind = PriceKind.FREE
    price_nok_per_t: Decimal | None = None
    loading: Loading = Loading.GIVER
    haulage: Haulage = Haulage.BY_AGREEMENT
    max_distance_km: Decimal | None = None
    description: str = ""
    baseline_facility_id: int | Literal[Keep.KEEP] | None = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDetails:
    """Details as they would be kept, what was worked out from them, and what is wrong with them."""

    details: ListingDetails
    project: Project | None
    mass: EnteredMass | None
    point_25833: Point | None
    municipality: Municipality | None
    problems: list[FieldError]


class Places(Protocol):
    """What the details of a listing refer to: one by one, or for many listings at once (`services.bulk_places`)."""

    def project(self, project_id: int) -> Project | None: ...

    def stored(self, position: Position) -> Point:
        """The place in the stored system."""

    def municipality_at(self, point_25833: Point) -> Municipality | None: ...

    def facility(self, facility_id: int) -> Facility | None: ...


@dataclass(frozen=True, slots=True)
class EachPlace:
    """Looks each place up when it is asked for."""

    session: Session

    def project(self, project_id: int) -> Project | None:
        return self.session.get(Project, project_id)

    def stored(self, position: Position) -> Point:
        return to_stored(Point(position.lon, position.lat))

    def municipality_at(self, point_25833: Point) -> Municipality | None:
        return locate_municipality_25833(self.session, point_25833)

    def facility(self, facility_id: int) -> Facility | None:
        return self.session.get(Facility, facility_id)


def check_details(
    session: Session,
    details: ListingDetails,
    *,
    organisation_id: int,
    now: datetime,
    places: Places | None = None,
) -> CheckedDetails:
    """The details of a listing of an organisation, with everything that is wrong with them; nothing is written.

    Who checks many at once looks their places up beforehand and gives them as `places`.
    """
    places = places or EachPlace(session)
    problems: list[FieldError] = []
    material = _material(details, problems)
    mass = _mass(details, material, problems)
    details = replace(
        details,
        min_lot_t=_rounded_or_none(details.min_lot_t, MASS_STEP_T),
        tolerance_percent=_rounded_or_none(details.tolerance_percent, TOLERANCE_STEP),
        price_nok_per_t=_rounded_or_none(details.price_nok_per_t, PRICE_STEP),
        max_distance_km=_rounded_or_none(details.max_distance_km, DISTANCE_STEP_KM),
        description=clean_text(details.description),
    )
    problems.extend(_problems(details, material, mass, now=now))
    project = _project(places, details, problems, organisation_id=organisation_id)
    point_25833 = _point_25833(places, details, project, problems)
    municipality = _municipality(places, point_25833, problems)
    problems.extend(_baseline_problems(places, details))
    return CheckedDetails(
        details=details,
        project=project,
        mass=mass,
        point_25833=point_25833,
        municipality=municipality,
        problems=problems,
    )


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
            rounded(details.entered_value, MASS_STEP_T), details.entered_unit, density_t_per_m3=details.density_t_m3
        )
    except QuantityError as error:
        at_density = error.code in ("no_density", "density_out_of_range")
        problems.extend(refused_at("density_t_m3" if at_density else "entered_value", error).errors)
        return None


def rounded(value: Decimal, step: Decimal) -> Decimal:
    """The number as the database keeps it, so that what is checked is what is kept; an absurd one as it is."""
    return value.quantize(step) if value.is_finite() and abs(value) < ABSURD else value


def _rounded_or_none(value: Decimal | None, step: Decimal) -> Decimal | None:
    return None if value is None else rounded(value, step)


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
    yield from _tolerance_problems(details.tolerance_percent)
    yield from price_problems(details.price_kind, details.price_nok_per_t)
    reach_km = details.max_distance_km
    if reach_km is not None and not (_is_positive(reach_km) and reach_km <= DISTANCE_LIMIT_KM):
        yield FieldError(
            field="max_distance_km",
            message=N_("Enter a distance between 0 and %(limit)s km."),
            params={"limit": DISTANCE_LIMIT_KM},
        )
    yield from text_problems(details.description, field="description", limit=DESCRIPTION_LIMIT)


def _baseline_problems(places: Places, details: ListingDetails) -> Iterator[FieldError]:
    """A surplus would have gone to whoever takes it in, and a need been filled from a quarry that sells it."""
    facility_id = details.baseline_facility_id
    if facility_id is None or facility_id is KEEP:
        return
    facility = places.facility(facility_id)
    message = None
    if facility is None:
        message = N_("Choose a facility from the list.")
    elif details.kind is ListingKind.DEMAND and facility.kind is not FacilityKind.QUARRY:
        message = N_("New material comes from a quarry. Choose one, or leave it empty.")
    elif details.kind is ListingKind.DEMAND and not _sells(facility, details.material_key):
        message = N_("This quarry sells neither this material nor what is used in its place.")
    elif details.kind is ListingKind.SURPLUS and not _takes_in(facility, details.material_key):
        message = N_("This facility does not take in this material.")
    if message is not None:
        yield FieldError(field="baseline_facility_id", message=message)


def _takes_in(facility: Facility, material_key: str) -> bool:
    row = replacements().get(material_key)
    return row is None or bool({material_key, *row.landfilled_as} & set(facility.accepts))


def _sells(quarry: Facility, material_key: str) -> bool:
    row = replacements().get(material_key)
    return row is None or not set(row.sold_as).isdisjoint(quarry.accepts)


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


def _tolerance_problems(tolerance_percent: Decimal | None) -> Iterator[FieldError]:
    if tolerance_percent is None:
        return
    if not (tolerance_percent.is_finite() and 0 <= tolerance_percent <= TOLERANCE_LIMIT_PERCENT):
        yield FieldError(
            field="tolerance_percent",
            message=N_("Enter a tolerance between 0 and %(limit)s per cent."),
            params={"limit": TOLERANCE_LIMIT_PERCENT},
        )


def price_problems(price_kind: PriceKind, price_nok_per_t: Decimal | None) -> Iterator[FieldError]:
    if price_kind is PriceKind.FREE:
        if price_nok_per_t is not None:
            yield FieldError(field="price_nok_per_t", message=N_("Leave the price empty where the mass is free."))
    elif price_nok_per_t is None or not _is_positive(price_nok_per_t):
        yield FieldError(field="price_nok_per_t", message=N_("Enter a price above zero."))
    elif price_nok_per_t > PRICE_LIMIT_NOK_PER_T:
        yield FieldError(
            field="price_nok_per_t",
            message=N_("Enter at most %(limit)s kroner per tonne."),
            params={"limit": PRICE_LIMIT_NOK_PER_T},
        )


def _project(
    places: Places, details: ListingDetails, problems: list[FieldError], *, organisation_id: int
) -> Project | None:
    """The project the listing is to belong to; one of another organisation is no project one can choose."""
    if details.project_id is None:
        return None
    project = places.project(details.project_id)
    if project is None or project.organisation_id != organisation_id:
        problems.append(FieldError(field="project_id", message=N_("Choose one of your own projects.")))
        return None
    return project


def _point_25833(
    places: Places, details: ListingDetails, project: Project | None, problems: list[FieldError]
) -> Point | None:
    """Where the mass is: at its own pin, else where the project is."""
    if details.own_position is not None:
        return places.stored(details.own_position)
    if project is not None:
        return cast("Point", to_shape(project.position_25833))
    if details.project_id is None:
        problems.append(FieldError(field="position", message=NO_PLACE))
    return None


def _municipality(places: Places, point_25833: Point | None, problems: list[FieldError]) -> Municipality | None:
    if point_25833 is None:
        return None
    municipality = places.municipality_at(point_25833)
    if municipality is None:
        problems.append(
            FieldError(
                field="position",
                message=N_("The position is outside Norway, or too far out at sea. Move the pin to where the mass is."),
            )
        )
    return municipality
