"""Between the facility form and the service: what a form says, and what is wrong with the rest of it."""

from collections.abc import Set
from typing import Any

from marketplace import clock, db
from marketplace.forms.facilities import FacilityForm
from marketplace.models import Facility
from marketplace.services.editing import edit_version
from marketplace.services.facility_details import LOWEST_CLASS, FacilityDetails, check_facility
from marketplace.services.receptions import position_of_facility
from marketplace.types import FacilityKind
from marketplace.web.submit import add_error

READ_TOGETHER = (
    frozenset({"position", "lat", "lon"}),
    frozenset({"capacity_t", "capacity_left_t", "reception_price_nok_per_t"}),
    frozenset({"opens_on", "closes_on", "permit_ends_on"}),
    frozenset({"accepts_class_max", "permit_reference"}),
)
"""Where one answer of a group cannot be read, nothing can be said of the others."""


def details_of(form: FacilityForm, *, unread: Set[str] = frozenset()) -> FacilityDetails:
    """What a form says; in place of each answer that could not be read, one that stands in nobody's way."""

    def answer(name: str, harmless: Any = None) -> Any:
        return harmless if name in unread else form[name].data

    return FacilityDetails(
        name=answer("name", ""),
        kind=FacilityKind(answer("kind", FacilityKind.INTERIM_STORAGE)),
        accepts=tuple(answer("accepts") or ()),
        position=None if "position" in unread else form.chosen_position,
        accepts_class_max=answer("accepts_class_max", LOWEST_CLASS),
        accepts_declared=form.accepts_declared.data,
        capacity_t=answer("capacity_t"),
        capacity_left_t=answer("capacity_left_t"),
        reception_price_nok_per_t=answer("reception_price_nok_per_t"),
        opens_on=answer("opens_on"),
        closes_on=answer("closes_on"),
        opening_hours=form.opening_hours.data or "",
        permit_reference=answer("permit_reference", "") or "",
        permit_ends_on=answer("permit_ends_on"),
        note=form.note.data or "",
    )


def tell_the_rest(form: FacilityForm) -> None:
    """Where some answers cannot be read, say what is wrong with the others too, so that one round puts all right."""
    unread = frozenset(form.errors)
    unread = unread.union(*(group for group in READ_TOGETHER if unread & group))
    for problem in check_facility(db.session, details_of(form, unread=unread), now=clock.now()).problems:
        if problem.field not in unread:
            add_error(form, problem)


def data_of(facility: Facility) -> dict[str, object]:
    return {
        "organisation_id": facility.organisation_id,
        "name": facility.name,
        "kind": facility.kind.value,
        "position": position_of_facility(facility),
        "accepts": facility.accepts,
        "accepts_class_max": facility.accepts_class_max,
        "accepts_declared": facility.accepts_declared,
        "capacity_t": facility.capacity_t,
        "capacity_left_t": facility.capacity_left_t,
        "reception_price_nok_per_t": facility.reception_price_nok_per_t,
        "opens_on": facility.opens_on,
        "closes_on": facility.closes_on,
        "opening_hours": facility.opening_hours,
        "permit_reference": facility.permit_reference,
        "permit_ends_on": facility.permit_ends_on,
        "note": facility.note,
        "version": edit_version(facility),
    }
