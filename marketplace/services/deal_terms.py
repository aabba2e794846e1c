"""The terms of an offer, and everything that can be wrong with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from geo.errors import QuantityError
from geo.materials import taxonomy
from geo.quantities import EnteredMass
from geo.units import MASS_STEP_T, EnteredUnit
from marketplace.clock import local_date
from marketplace.errors import FieldError, InvalidInput
from marketplace.geo_messages import refused_at
from marketplace.i18n_marker import N_
from marketplace.services.editing import DESCRIPTION_LIMIT, NAME_LIMIT, period_problems, text_problems
from marketplace.services.listing_details import PRICE_STEP, price_problems, rounded
from marketplace.text import clean_line, clean_text
from marketplace.types import Haulage, Loading, PriceKind

OFFER_STANDS_DAYS: Final = 14
LONGEST_OFFER_DAYS: Final = 90
"""Engineering judgement: a site plans a fortnight ahead, and what has stood for a quarter is no offer any more."""


TERM_COLUMNS: Final = (
    "mass_t",
    "entered_value",
    "entered_unit",
    "density_t_m3",
    "starts_on",
    "ends_on",
    "price_kind",
    "price_nok_per_t",
    "loading",
    "haulage",
    "haulier",
    "access",
    "opening_hours",
    "note",
    "expires_at",
)
"""What an offer says; the rest of its row is who said it and what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTerms:
    """What one side proposes. `density_t_m3` None takes the material's own for the unit."""

    entered_value: Decimal
    entered_unit: EnteredUnit = EnteredUnit.TONNE
    density_t_m3: Decimal | None = None
    starts_on: date
    ends_on: date
    price_kind: PriceKind = PriceKind.FREE
    price_nok_per_t: Decimal | None = None
    loading: Loading = Loading.GIVER
    haulage: Haulage = Haulage.BY_AGREEMENT
    haulier: str = ""
    access: str = ""
    opening_hours: str = ""
    note: str = ""
    expires_in_days: int = OFFER_STANDS_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTerms:
    """Terms as they are kept."""

    terms: OfferTerms
    mass: EnteredMass
    expires_at: datetime

    @property
    def mass_t(self) -> Decimal:
        return self.mass.mass_t

    def columns(self) -> dict[str, object]:
        terms = self.terms
        return {
            "mass_t": self.mass.mass_t,
            "entered_value": self.mass.amount,
            "entered_unit": self.mass.unit,
            "density_t_m3": self.mass.density_t_per_m3,
            "starts_on": terms.starts_on,
            "ends_on": terms.ends_on,
            "price_kind": terms.price_kind,
            "price_nok_per_t": _price(terms),
            "loading": terms.loading,
            "haulage": terms.haulage,
            "haulier": clean_line(terms.haulier),
            "access": clean_text(terms.access),
            "opening_hours": clean_line(terms.opening_hours),
            "note": clean_text(terms.note),
            "expires_at": self.expires_at,
        }


def check_terms(terms: OfferTerms, *, material_key: str, now: datetime) -> CheckedTerms:
    """The terms as they would be kept.

    Raises:
        InvalidInput: everything that is wrong with them at once, each beside the field of its name.
    """
    problems: list[FieldError] = []
    mass: EnteredMass | None = None
    try:
        mass = (
            taxonomy()
            .material(material_key)
            .weigh(rounded(terms.entered_value, MASS_STEP_T), terms.entered_unit, density_t_per_m3=terms.density_t_m3)
        )
    except QuantityError as error:
        at_density = error.code in ("no_density", "density_out_of_range")
        problems.extend(refused_at("density_t_m3" if at_density else "entered_value", error).errors)
    problems.extend(_problems(terms, now=now))
    if problems or mass is None:
        raise InvalidInput(*problems)
    return CheckedTerms(terms=terms, mass=mass, expires_at=now + timedelta(days=terms.expires_in_days))


def _problems(terms: OfferTerms, *, now: datetime) -> Iterator[FieldError]:
    in_period = list(
        period_problems(terms.starts_on, terms.ends_on, first_field="starts_on", last_field="ends_on", now=now)
    )
    yield from in_period
    if not in_period and terms.ends_on < local_date(now):
        yield FieldError(field="ends_on", message=N_("The period is over. Choose a last day that is still to come."))
    yield from price_problems(terms.price_kind, _price(terms))
    yield from text_problems(clean_line(terms.haulier), field="haulier", limit=NAME_LIMIT)
    yield from text_problems(clean_line(terms.opening_hours), field="opening_hours", limit=NAME_LIMIT)
    yield from text_problems(clean_text(terms.access), field="access", limit=DESCRIPTION_LIMIT)
    yield from text_problems(clean_text(terms.note), field="note", limit=DESCRIPTION_LIMIT)
    if not 1 <= terms.expires_in_days <= LONGEST_OFFER_DAYS:
        yield FieldError(
            field="expires_in_days",
            message=N_("An offer stands for 1 to %(limit)s days."),
            params={"limit": LONGEST_OFFER_DAYS},
        )


def _price(terms: OfferTerms) -> Decimal | None:
    return None if terms.price_nok_per_t is None else rounded(terms.price_nok_per_t, PRICE_STEP)
