"""What a deal is compared with, frozen: when it is agreed, when its terms change, and when recovery is answered.

A record is never changed. Whatever changes what a deal comes to puts another record in its place, and the places, the
distances, the method and the version of the figures stay those of the first: a new factor set, a nearer landfill or
better roads change nothing that was agreed. The database works out anew what the deal's loads avoid (migration 0015).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

import shapely
import structlog
from geoalchemy2 import WKBElement
from geoalchemy2.shape import to_shape
from sqlalchemy.orm import Session

from geo.crs import from_stored
from geo.errors import FactorError
from geo.geometry import Position
from marketplace.clock import local_date
from marketplace.errors import NotFound
from marketplace.impact_basis import (
    Basis,
    BasisPlace,
    basis_of,
    comparison_of,
    kept_basis,
    level_of,
    rates_under,
    with_careful_region,
)
from marketplace.models import Deal, DealImpact, FactorSet, Listing
from marketplace.queries.factor_sets import active_set, figures_of, find_set
from marketplace.queries.impact import current_record
from marketplace.queries.statements import answered_tests
from marketplace.recovery import Recovery, recovery_of
from marketplace.services.impact_baselines import Way, WayStop, bases_of
from marketplace.types import ImpactReason, ListingKind

log = structlog.get_logger(__name__)

LONGEST_CHAIN: Final = 8
"""No mass goes by way of more hubs; a circle that somebody has made by other means ends here."""


def freeze(
    session: Session, deal: Deal, *, reason: ImpactReason, now: datetime, by_user_id: int | None = None
) -> DealImpact | None:
    """The record that holds for an agreed deal from now on; the one that held, where nothing of it has changed.

    None where the figures in use cannot say what it comes to: the deal stands all the same, `masseflyt impact verify`
    names it, and `rebuild` writes its record once they can.
    """
    session.flush()
    before = current_record(session, deal_id=deal.id)
    try:
        return _frozen(session, deal, before, reason=reason, now=now, by_user_id=by_user_id)
    except (FactorError, NotFound) as error:
        log.error("impact.not_frozen", deal_id=deal.id, error=str(error))
        return before


def _frozen(
    session: Session,
    deal: Deal,
    before: DealImpact | None,
    *,
    reason: ImpactReason,
    now: datetime,
    by_user_id: int | None,
) -> DealImpact:
    recovery = recovery_of(answered_tests(session, deal_id=deal.id))
    if before is None or not before.basis:
        basis = bases_of(session, [way_of_deal(session, deal, recovery=recovery)], today=local_date(now))[0]
        factors = active_set(session)
    else:
        basis = answered(basis_of(before.basis), recovery)
        factors = find_set(session, set_id=before.factor_set_id) or active_set(session)
        if basis == basis_of(before.basis) and before.agreed_t == deal.agreed_t:
            return before
    if before is not None:
        before.is_current = False
        session.flush()  # one record holds at a time
    record = _record(deal, basis, factors, number=1 if before is None else before.number + 1)
    record.reason, record.made_at, record.made_by_id = reason, now, by_user_id
    session.add(record)
    session.flush()
    return record


def answered(basis: Basis, recovery: Recovery) -> Basis:
    """The same facts with the three tests answered like this; what they credit may turn a saving round, and with it
    whose roads are the careful ones."""
    level = level_of(
        recovery,
        taken_in_by=basis.stops[-1].kind,
        by_way_of=tuple(each.kind for each in basis.hubs if each.kind is not None),
        is_made_into_another=basis.is_made_into_another,
    )
    return with_careful_region(replace(basis, recovery=recovery, is_assumed=False, level=level))


def _record(deal: Deal, basis: Basis, factors: FactorSet, *, number: int) -> DealImpact:
    figures = figures_of(factors)
    return DealImpact(
        deal_id=deal.id,
        number=number,
        factor_set_id=factors.id,
        method=basis.method,
        network_version=basis.network_version,
        level=basis.level,
        landfill_id=None if basis.landfill is None else basis.landfill.facility_id,
        quarry_id=None if basis.quarry is None else basis.quarry.facility_id,
        agreed_t=deal.agreed_t,
        rates=rates_under(basis, figures),
        basis=kept_basis(basis, None if basis.is_pending else comparison_of(basis, figures)),
    )


# The way of a deal's mass -----------------------------------------------------------------------------------------


def way_of_deal(session: Session, deal: Deal, *, recovery: Recovery, is_assumed: bool = False) -> Way:
    """From where the mass began, however many hubs it has come by, to where this deal takes it."""
    legs = [*reversed(list(_legs_before(session, deal))), deal]
    first = legs[0]
    surplus = session.get_one(Listing, deal.surplus_id)
    taking = None if deal.taking_listing_id is None else session.get(Listing, deal.taking_listing_id)
    is_demand = taking is not None and taking.kind is ListingKind.DEMAND
    comes_by_hub = first is not deal
    return Way(
        stops=(
            _origin(first, surplus, is_own=not comes_by_hub),
            *(_destination(each) for each in legs),
        ),
        material_key=deal.material_key,
        needed_key=taking.material_key if taking is not None and is_demand else deal.material_key,
        recovery=recovery,
        is_assumed=is_assumed,
        prior_destination_id=surplus.baseline_facility_id,
        prior_supplier_id=taking.baseline_facility_id if taking is not None and is_demand else None,
        class_min=surplus.quality_class or 1,
        is_blurred=comes_by_hub and surplus.hides_position,
    )


def _legs_before(session: Session, deal: Deal) -> Iterator[Deal]:
    """The deal that this one goes on from, the one before that, and so on."""
    source_id = deal.source_deal_id
    for _ in range(LONGEST_CHAIN):
        if source_id is None:
            return
        source = session.get_one(Deal, source_id)
        yield source
        source_id = source.source_deal_id


def _origin(first: Deal, surplus: Listing, *, is_own: bool) -> WayStop:
    """Where the lot lies. Who takes it on from a hub is no side of the deal that brought it there: they are shown its
    name and municipality, and where its owner hides it, even the distance is that from the place that all may see."""
    is_hidden = surplus.hides_position and not is_own
    position = _degrees(surplus.position_25833 if is_hidden else first.origin_position_25833)
    place = BasisPlace(
        name=first.origin_name,
        municipality=first.origin_municipality.name,
        municipality_number=first.origin_municipality_number,
        lon=_shown(position.lon) if is_own else None,
        lat=_shown(position.lat) if is_own else None,
    )
    return WayStop(place=place, position=position)


def _destination(deal: Deal) -> WayStop:
    position = _degrees(deal.destination_position_25833)
    facility = deal.destination_facility
    place = BasisPlace(
        name=deal.destination_name,
        municipality=deal.destination_municipality.name,
        municipality_number=deal.destination_municipality_number,
        lon=_shown(position.lon),
        lat=_shown(position.lat),
        facility_id=None if facility is None else facility.id,
        kind=None if facility is None else facility.kind,
    )
    return WayStop(place=place, position=position)


def _degrees(point_25833: WKBElement) -> Position:
    point = from_stored(to_shape(point_25833))
    assert isinstance(point, shapely.Point)
    return Position(lon=point.x, lat=point.y)


def _shown(degrees: float) -> float:
    """To about a metre: no pin is set closer."""
    return round(degrees, 5)
