"""What a project's deals are expected to come to, and have come to: the content of its climate statement."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from geo.certainty import is_range_verified, is_sign_certain
from geo.factors import KILOWATT_HOUR
from geo.factors import FactorSet as Figures
from geo.impact import Comparison, Ledger, Measure, Method, Role, is_plausible, ledger_of
from geo.materials import taxonomy
from geo.pyramid import Level
from geo.replacements import family_of
from marketplace.climate_values import (
    Baseline,
    ClimateContent,
    DealLine,
    FactorUsed,
    LevelLine,
    SetUsed,
    figures_of_ledger,
)
from marketplace.impact_basis import Basis, BasisPlace, Chosen, basis_of, kept_comparison, processing_keys
from marketplace.models import Deal, DealImpact, DealMonth, FactorRow, FactorSet, Listing, Project
from marketplace.models.impact import ledger_of_arrays
from marketplace.queries.factor_sets import figures_of, plain
from marketplace.queries.impact import FIRM, summed
from marketplace.queries.what_if import HAS_FACTS, of_project
from marketplace.types import FacilityKind

ZERO: Final = Decimal(0)
KM_STEP: Final = Decimal("0.001")


def climate_content(session: Session, project: Project, *, now: datetime) -> ClimateContent:
    """All that a climate statement of the project would say now."""
    records = _records(session, project_id=project.id)
    months = _months(session, [each.deal_id for each in records])
    lines = tuple(_line(each, months[each.deal_id], project=project) for each in records)
    counted = [each for each in records if each.level is not Level.PENDING]
    counted_lines = [line for line in lines if line.level is not Level.PENDING]
    return ClimateContent(
        project_id=project.id,
        project=project.name,
        organisation=project.organisation.name,
        org_number=project.organisation.org_number,
        builder=project.builder,
        municipality=project.municipality.name,
        starts_on=project.starts_on,
        ends_on=project.ends_on,
        is_example=project.is_example,
        made_at=now,
        agreed_t=_sum(line.agreed_t for line in counted_lines),
        delivered_t=_sum(line.delivered_t for line in counted_lines),
        avoided_t=_sum(line.avoided_t for line in counted_lines),
        pending_t=_sum(line.delivered_t for line in lines if line.level is Level.PENDING),
        expected=figures_of_ledger(summed([ledger_of(each.rates, each.deal.agreed_t) for each in counted])),
        achieved=figures_of_ledger(summed([_achieved(months[each.deal_id]) for each in counted])),
        levels=tuple(_levels(lines)),
        deals=lines,
        without_record=_count_without(session, project_id=project.id, with_record=len(records)),
        sets=tuple(_sets(records)),
        factors=tuple(_factors(session, records)),
    )


def _records(session: Session, *, project_id: int) -> Sequence[DealImpact]:
    query = (
        select(DealImpact)
        .join(DealImpact.deal)
        .where(DealImpact.is_current, HAS_FACTS, Deal.status.in_(FIRM), of_project(project_id))
        .options(
            joinedload(DealImpact.factor_set),
            joinedload(DealImpact.deal).options(
                joinedload(Deal.surplus).load_only(Listing.project_id),
                joinedload(Deal.origin_municipality),
                joinedload(Deal.destination_municipality),
            ),
        )
        .order_by(Deal.agreed_at, Deal.id)
    )
    return session.scalars(query).all()


def _months(session: Session, deal_ids: Sequence[int]) -> Mapping[int, list[DealMonth]]:
    found: dict[int, list[DealMonth]] = defaultdict(list)
    query = select(DealMonth).where(DealMonth.deal_id.in_(deal_ids)).order_by(DealMonth.deal_id, DealMonth.month)
    for month in session.scalars(query):
        found[month.deal_id].append(month)
    return found


def _achieved(months: Iterable[DealMonth]) -> Ledger:
    return summed([ledger_of_arrays(each.low, each.central, each.high) for each in months])


def _count_without(session: Session, *, project_id: int, with_record: int) -> int:
    firm = session.scalar(select(func.count()).select_from(Deal).where(Deal.status.in_(FIRM), of_project(project_id)))
    return (firm or 0) - with_record


def _sum(masses: Iterable[Decimal]) -> Decimal:
    return sum(masses, ZERO)


def _levels(lines: Sequence[DealLine]) -> Iterator[LevelLine]:
    """Every level that has anything, the best first."""
    for level in Level:
        here = [line for line in lines if line.level is level]
        if here:
            yield LevelLine(
                level=level,
                agreed_t=_sum(line.agreed_t for line in here),
                avoided_t=_sum(line.avoided_t for line in here),
            )


# A deal ---------------------------------------------------------------------------------------------------------------


def _line(record: DealImpact, months: Sequence[DealMonth], *, project: Project) -> DealLine:
    deal, basis, comparison = record.deal, basis_of(record.basis), kept_comparison(record.basis)
    material = taxonomy().material(deal.material_key)
    expected = ledger_of(record.rates, deal.agreed_t)
    return DealLine(
        number=deal.id if project.organisation_id in deal.organisation_ids else None,
        is_giving=deal.surplus.project_id == project.id,
        by_way_of_hub=bool(basis.hubs),
        material_key=material.key,
        material_no=material.name_no,
        material_en=material.name_en,
        origin_municipality=basis.stops[0].municipality or deal.origin_municipality.name,
        destination_municipality=basis.stops[-1].municipality or deal.destination_municipality.name,
        level=record.level,
        recovery=basis.recovery,
        method=record.method,
        network_version=record.network_version,
        circuity=comparison.circuity.value if comparison else Decimal(1),
        driven_km=tuple(_kms(comparison, Role.HAUL)),
        landfill=_baseline(basis.landfill, basis.landfill_chosen, comparison, Role.TO_LANDFILL),
        quarry=_baseline(basis.quarry, basis.quarry_chosen, comparison, Role.FROM_QUARRY),
        substitution=record.substitution,
        landfill_share=comparison.landfill_share.value if comparison else ZERO,
        residue_share=comparison.residue_share if comparison else ZERO,
        vehicle=comparison.vehicle.key if comparison else "",
        payload_t=record.payload_t,
        factor_set=record.factor_set.version,
        agreed_t=deal.agreed_t,
        delivered_t=_sum(each.delivered_t for each in months),
        avoided_t=_sum(each.avoided_t for each in months),
        is_plausible=record.level is Level.PENDING or is_plausible(expected, mass_t=deal.agreed_t),
        expected=figures_of_ledger(expected),
        achieved=figures_of_ledger(_achieved(months)),
        unknown=tuple(_unknown(comparison)),
        is_sign_certain=comparison is None or is_sign_certain(comparison),
    )


def _unknown(comparison: Comparison | None) -> Iterator[Measure]:
    """The ledgers that a price or a density is wanting for."""
    if comparison is None:
        return
    if comparison.placed_t_per_m3 is None:
        yield from (Measure.LANDFILL_M3, Measure.LANDFILL_M2)
    if comparison.haulage_nok_per_km is None:
        yield Measure.HAULAGE_NOK
    if comparison.gate_fee_nok_per_t is None:
        yield Measure.GATE_FEE_NOK
    if comparison.purchase_nok_per_t is None:
        yield Measure.PURCHASE_NOK


def _kms(comparison: Comparison | None, role: Role) -> Iterator[Decimal]:
    if comparison is not None:
        for leg in comparison.legs:
            if leg.role is role:
                yield comparison.km(leg).value.quantize(KM_STEP)


def _baseline(place: BasisPlace | None, chosen: Chosen, comparison: Comparison | None, role: Role) -> Baseline | None:
    kms = list(_kms(comparison, role))
    if place is None or not kms:
        return None
    return Baseline(
        name=place.name,
        municipality=place.municipality,
        chosen=chosen,
        km=kms[0],
        is_verified=place.is_verified,
        is_example=place.is_example,
    )


# What it rests on -----------------------------------------------------------------------------------------------------


def _sets(records: Sequence[DealImpact]) -> Iterator[SetUsed]:
    for kept in sorted({each.factor_set for each in records}, key=lambda each: each.version):
        count = sum(each.factor_set_id == kept.id for each in records)
        yield SetUsed(version=kept.version, name=kept.name, deals=count)


def _factors(session: Session, records: Sequence[DealImpact]) -> Iterator[FactorUsed]:
    """The figures that the comparisons asked for, set by set."""
    used: dict[int, set[str]] = defaultdict(set)
    ids = {each.factor_set_id for each in records}
    query = select(FactorSet).where(FactorSet.id.in_(ids)).options(selectinload(FactorSet.factors))
    sets = {each.id: each for each in session.scalars(query.order_by(FactorSet.version))}
    for record in records:
        used[record.factor_set_id] |= set(keys_of(basis_of(record.basis), figures_of(sets[record.factor_set_id])))
    for set_id, kept in sets.items():
        yield from (_factor(row, kept) for row in kept.factors if row.key in used[set_id])


def keys_of(basis: Basis, figures: Figures) -> Iterator[str]:
    """The keys of the figures that a comparison of these facts rests on."""
    if basis.is_pending:
        return
    vehicle = figures.vehicle()
    yield from (f"vehicle.{vehicle.key}.{part}" for part in ("payload", "full", "empty"))
    fuel = "electricity" if vehicle.energy == KILOWATT_HOUR else figures.default_fuel
    yield from (f"fuel.{fuel}.{part}" for part in ("ttw", "wtt"))
    if basis.method is Method.ESTIMATE:
        yield f"circuity.{basis.region}"
    yield f"material.{basis.replaced_family}.primary"
    yield from (f"material.{family_of(basis.material_key)}.{part}" for part in ("landfill", "handling"))
    yield from processing_keys(basis)
    yield from (f"default.{name}" for name in ("empty_return", "landfill_height", "haulage_price"))
    if basis.landfill is not None and basis.landfill_chosen is Chosen.NEAREST and basis.level is not Level.DISPOSAL:
        yield "default.landfill_share"
    if any(each.kind is FacilityKind.RECYCLING for each in basis.hubs):
        yield "default.residue_share"


def _factor(row: FactorRow, kept: FactorSet) -> FactorUsed:
    return FactorUsed(
        factor_set=kept.version,
        key=row.key,
        value=plain(row.value),
        low=plain(row.low),
        high=plain(row.high),
        unit=row.unit,
        source=row.source,
        year=row.source_year,
        is_verified=row.is_verified,
        is_range_verified=is_range_verified(low=row.low, high=row.high, note=row.note),
    )
