"""What a match would avoid if it became a deal: expected, by the figures in use, for a whole page of matches at once.

The three tests of recovery are taken to hold, since nobody has answered them yet, and every page says so. Distances are
between the places that everybody may see.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from geo.errors import FactorError
from geo.factors import FactorSet as Figures
from geo.geometry import Position
from geo.impact import Comparison, Ledger, Rates, is_plausible, ledger_of
from geo.postgis import lon_lat
from marketplace.errors import NotFound
from marketplace.impact_basis import Basis, BasisPlace, comparison_of, rates_under
from marketplace.models import Facility, FactorSet, Listing, Municipality, Organisation, Project
from marketplace.queries.factor_sets import active_set, figures_of
from marketplace.services.impact_baselines import Way, WayStop, bases_of
from marketplace.types import ListingKind

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a mass would avoid, and all that it rests on; `comparison` is None where it would sit in a hub."""

    mass_t: Decimal
    basis: Basis
    comparison: Comparison | None
    rates: Rates
    ledger: Ledger
    factor_set: FactorSet

    @property
    def is_plausible(self) -> bool:
        return self.comparison is None or is_plausible(self.ledger, mass_t=self.mass_t)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A surplus for somebody who takes it, and how much of it."""

    surplus_id: int
    taking_id: int
    mass_t: Decimal


def expected_of(session: Session, pairs: Sequence[Pair], *, today: date) -> Mapping[Pair, Expected]:
    """What each pair would avoid; nothing where the figures in use cannot say it."""
    if not pairs:
        return {}
    ends = _ends(session, {each for pair in pairs for each in (pair.surplus_id, pair.taking_id)})
    known = [pair for pair in pairs if {pair.surplus_id, pair.taking_id} <= ends.keys()]
    ways = [_way(ends[pair.surplus_id], ends[pair.taking_id]) for pair in known]
    try:
        kept = active_set(session)
        figures = figures_of(kept)
    except (FactorError, NotFound) as error:
        log.error("impact.not_expected", error=str(error))
        return {}
    found = {}
    for pair, basis in zip(known, bases_of(session, ways, today=today), strict=True):
        try:
            found[pair] = _expected(pair, basis, kept, figures)
        except FactorError as error:  # what one material lacks, another need not
            log.error("impact.not_expected", error=str(error), surplus_id=pair.surplus_id)
    return found


def _expected(pair: Pair, basis: Basis, kept: FactorSet, figures: Figures) -> Expected:
    """Raises FactorError: the figures lack one that is needed."""
    rates = rates_under(basis, figures)
    return Expected(
        mass_t=pair.mass_t,
        basis=basis,
        comparison=None if basis.is_pending else comparison_of(basis, figures),
        rates=rates,
        ledger=ledger_of(rates, pair.mass_t),
        factor_set=kept,
    )


def _ends(session: Session, ids: Collection[int]) -> dict[int, Row[Any]]:
    lon, lat = lon_lat(Listing.position_25833)
    query = (
        select(
            Listing.id,
            Listing.kind,
            Listing.material_key,
            Listing.quality_class,
            Listing.baseline_facility_id,
            Listing.facility_id,
            Listing.municipality_number,
            Municipality.name.label("municipality_name"),
            Facility.kind.label("facility_kind"),
            Facility.name.label("facility_name"),
            Project.name.label("project_name"),
            Organisation.name.label("organisation_name"),
            lon.label("lon"),
            lat.label("lat"),
        )
        .join(Listing.municipality)
        .join(Listing.organisation)
        .outerjoin(Listing.project)
        .outerjoin(Listing.facility)
        .where(Listing.id.in_(ids))
    )
    rows: Sequence[Any] = session.execute(query).all()
    return {row.id: row for row in rows}


def _way(surplus: Row[Any], taking: Row[Any]) -> Way:
    is_demand = taking.kind is ListingKind.DEMAND
    return Way(
        stops=(_stop(surplus), _stop(taking)),
        material_key=surplus.material_key,
        needed_key=taking.material_key if is_demand else surplus.material_key,
        is_assumed=True,
        prior_destination_id=surplus.baseline_facility_id,
        prior_supplier_id=taking.baseline_facility_id if is_demand else None,
        class_min=surplus.quality_class or 1,
    )


def _stop(row: Row[Any]) -> WayStop:
    position = Position(lon=row.lon, lat=row.lat)
    place = BasisPlace(
        name=row.facility_name or row.project_name or row.organisation_name,
        municipality=row.municipality_name,
        municipality_number=row.municipality_number,
        lon=round(position.lon, 5),
        lat=round(position.lat, 5),
        facility_id=row.facility_id,
        kind=row.facility_kind,
    )
    return WayStop(place=place, position=position)
