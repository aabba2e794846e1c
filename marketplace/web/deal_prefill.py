"""What a form of terms starts with, and what is read from it: from the listings, the match, or the last offer."""

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from geo.units import EnteredUnit
from marketplace.clock import local_date
from marketplace.errors import InvalidInput
from marketplace.forms.deals import FirstForm, TermsForm
from marketplace.models import DealOffer, Listing
from marketplace.queries.deal_options import Hub, left_of
from marketplace.services.deal_terms import OFFER_STANDS_DAYS, OfferTerms, check_terms
from marketplace.types import Haulage, Loading, PriceKind
from marketplace.web.submit import add_error

PRICE_FIELDS = frozenset({"price_kind", "price_nok_per_t"})
"""Where one of them cannot be read, nothing can be said of the other."""

REST_AT_HUB = timedelta(days=30)
"""How long masses are usually thought to lie at a hub (engineering judgement)."""


def first_terms(
    listing: Listing,
    *,
    own_left_t: Decimal | None,
    own_period: tuple[date, date] | None,
    opening_hours: str,
    own: Listing | None,
    today: date,
) -> dict[str, object]:
    """The least of what both sides have left, the days in common, and the terms of the listing that is answered."""
    masses = [mass_t for mass_t in (left_of(listing), own_left_t) if mass_t]
    starts_on, ends_on = days_in_common(listing.period, own_period, today=today)
    haulage = listing.haulage
    if haulage is Haulage.BY_AGREEMENT and own is not None:
        haulage = own.haulage
    loading = listing.loading
    if loading is Loading.BY_AGREEMENT and own is not None:
        loading = own.loading
    return {
        "entered_value": min(masses) if masses else None,
        "entered_unit": EnteredUnit.TONNE.value,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "price_kind": listing.price_kind.value,
        "price_nok_per_t": listing.price_nok_per_t,
        "loading": loading.value,
        "haulage": haulage.value,
        "opening_hours": opening_hours or _opening_hours(listing),
    }


def _opening_hours(listing: Listing) -> str:
    return (listing.facility.opening_hours or "") if listing.facility is not None else ""


def days_in_common(one: tuple[date, date], other: tuple[date, date] | None, *, today: date) -> tuple[date, date]:
    """The overlap from today on; where there is none, the days of the first, for people to settle."""
    first, last = max(one[0], today), max(one[1], today)
    if other is not None and max(first, other[0]) <= min(last, other[1]):
        return max(first, other[0]), min(last, other[1])
    return first, last


def second_leg(first: dict[str, object], *, starts_on: date, ends_on: date) -> dict[str, object]:
    """The second leg of a chain begins when masses come in, and has some time beyond the last of them."""
    return {
        "second_entered_value": first["entered_value"],
        "second_starts_on": starts_on,
        "second_ends_on": ends_on + REST_AT_HUB,
        "second_price_kind": PriceKind.FREE.value,
        "second_haulage": Haulage.BY_AGREEMENT.value,
    }


def terms_of_offer(offer: DealOffer) -> dict[str, object]:
    return {
        "entered_value": offer.entered_value,
        "entered_unit": offer.entered_unit.value,
        "density_t_m3": offer.density_t_m3,
        "starts_on": offer.starts_on,
        "ends_on": offer.ends_on,
        "price_kind": offer.price_kind.value,
        "price_nok_per_t": offer.price_nok_per_t,
        "loading": offer.loading.value,
        "haulage": offer.haulage.value,
        "haulier": offer.haulier,
        "access": offer.access,
        "opening_hours": offer.opening_hours,
        "note": offer.note,
    }


def terms_from(form: TermsForm, *, unread: Set[str] = frozenset(), today: date | None = None) -> OfferTerms:
    """What a form says; in place of each answer that could not be read, one that stands in nobody's way."""

    def answer(name: str, harmless: Any = None) -> Any:
        return harmless if name in unread else form[name].data

    return OfferTerms(
        entered_value=answer("entered_value", Decimal(1)),
        entered_unit=EnteredUnit(answer("entered_unit", EnteredUnit.TONNE)),
        density_t_m3=answer("density_t_m3"),
        starts_on=answer("starts_on", answer("ends_on", today)),
        ends_on=answer("ends_on", answer("starts_on", today)),
        price_kind=PriceKind(answer("price_kind", PriceKind.FREE)),
        price_nok_per_t=answer("price_nok_per_t"),
        loading=Loading(answer("loading", Loading.GIVER)),
        haulage=Haulage(answer("haulage", Haulage.GIVER)),
        haulier=answer("haulier", ""),
        access=answer("access", ""),
        opening_hours=answer("opening_hours", ""),
        note=answer("note", ""),
        expires_in_days=int(answer("expires_in_days", OFFER_STANDS_DAYS)),
    )


def tell_the_rest(form: TermsForm, *, material_key: str, now: datetime) -> None:
    """Where some answers cannot be read, say what is wrong with the others too, so that one round puts all right."""
    unread = frozenset(form.errors) | (PRICE_FIELDS if PRICE_FIELDS & form.errors.keys() else frozenset())
    try:
        check_terms(terms_from(form, unread=unread, today=local_date(now)), material_key=material_key, now=now)
    except InvalidInput as refused:
        for problem in refused.errors:
            if problem.field not in unread:
                add_error(form, problem)


def hub_terms_from(form: FirstForm, hub: Hub) -> OfferTerms:
    """The first leg of a chain: what the hub takes for taking it in is the hub's to say."""
    return replace(terms_from(form), price_kind=hub.price_kind, price_nok_per_t=hub.price_nok_per_t)


def second_terms_from(form: FirstForm) -> OfferTerms:
    """The second leg: loaded at the hub, which gives it."""
    assert form.second_entered_value.data is not None  # the form asks for it, by way of a hub
    return replace(
        terms_from(form),
        entered_value=form.second_entered_value.data,
        entered_unit=EnteredUnit.TONNE,
        density_t_m3=None,
        starts_on=form.second_starts_on.data,
        ends_on=form.second_ends_on.data,
        price_kind=PriceKind(form.second_price_kind.data),
        price_nok_per_t=form.second_price_nok_per_t.data,
        loading=Loading.GIVER,
        haulage=Haulage(form.second_haulage.data),
        haulier="",
    )


def option_data(left_t: Decimal | None, period: tuple[date, date]) -> Mapping[str, str]:
    """What deal-form.js takes over when another choice is made."""
    data = {"data_from": period[0].isoformat(), "data_to": period[1].isoformat()}
    return data if left_t is None else data | {"data_mass": f"{left_t.normalize():f}"}
