"""What deals about a listing have against changing it, and against showing it."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from marketplace.errors import FieldError
from marketplace.i18n_marker import N_
from marketplace.models import Deal, Listing
from marketplace.types import DealStatus

WHAT_IT_IS = ("kind", "material_key")
IS_DEALT_WITH = N_("There are deals about this listing, so what it is stays as it is. Copy it to a new draft instead.")
BELOW_AGREED = N_("%(agreed_t)s t of it is agreed. Enter that or more.")
TOLERANCE_PROMISED = N_("Some of it is agreed with a tolerance of %(percent)s per cent. Enter that or more.")


def agreed_problems(session: Session, listing: Listing, values: Mapping[str, object]) -> Iterator[FieldError]:
    """What deals have against new values of a listing whose row the caller holds: they were made about what it says."""
    changed = [name for name in WHAT_IT_IS if name in values and values[name] != getattr(listing, name)]
    if changed and _is_dealt_with(session, listing):
        yield FieldError(field=changed[0], message=IS_DEALT_WITH)
    if listing.facility_id is not None or not listing.committed_t:
        return
    mass_t, percent = values.get("mass_t"), values.get("tolerance_percent")
    if isinstance(mass_t, Decimal) and mass_t < listing.committed_t:
        agreed_t = min(listing.committed_t, listing.mass_t)  # what was delivered beyond it lies within the tolerance
        if mass_t < agreed_t:
            yield FieldError(field="entered_value", message=BELOW_AGREED, params={"agreed_t": agreed_t})
    if isinstance(percent, Decimal) and percent < listing.tolerance_percent:
        yield FieldError(
            field="tolerance_percent", message=TOLERANCE_PROMISED, params={"percent": listing.tolerance_percent}
        )


def _is_dealt_with(session: Session, listing: Listing) -> bool:
    about = or_(Deal.surplus_id == listing.id, Deal.taking_listing_id == listing.id)
    running = Deal.status.in_((DealStatus.NEGOTIATING, DealStatus.AGREED, DealStatus.COMPLETED))
    return session.scalars(select(exists().where(about, running))).one()


def nothing_left_problems(listing: Listing) -> tuple[FieldError, ...]:
    if listing.facility_id is not None or listing.mass_t > listing.committed_t:
        return ()
    message = N_("All of it is agreed. Enter a larger quantity, or wait until a deal gives something back.")
    return (FieldError(field="entered_value", message=message),)
