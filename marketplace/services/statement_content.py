"""Putting a deal's statement together from what is known at this moment."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import shapely
from geoalchemy2 import WKBElement
from geoalchemy2.shape import to_shape
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from geo.crs import from_stored
from geo.impact import Measure, is_plausible
from geo.materials import taxonomy
from marketplace.clock import local_date
from marketplace.impact_basis import basis_of, is_known
from marketplace.models import (
    Deal,
    Document,
    Listing,
    Organisation,
    RecoveryAnswer,
    Ticket,
    User,
)
from marketplace.queries.documents import documents_of
from marketplace.queries.impact import avoided_by, current_record
from marketplace.queries.statements import LoadSums
from marketplace.recovery import recovery_of
from marketplace.services.deal_actions import accepted_offer
from marketplace.services.passports import proof_number
from marketplace.services.quality import LotQuality, quality_of
from marketplace.statement_values import (
    Avoided,
    AvoidedLine,
    Lot,
    Paper,
    Party,
    Place,
    RecoveryLine,
    StatementContent,
    Terms,
    TicketLine,
)
from marketplace.types import DocumentKind, RecoveryTest


def statement_content(
    session: Session, deal: Deal, *, tickets: Sequence[Ticket], sums: LoadSums, deviation: str, now: datetime
) -> StatementContent:
    """All that the statement of an agreed deal says, without a signature yet."""
    lot = session.get_one(
        Listing, deal.surplus_id, options=[joinedload(Listing.project), joinedload(Listing.municipality)]
    )
    quality = quality_of(session, lot, today=local_date(now))
    answers = recovery_answers(session, deal)
    comes_by_hub = deal.source_deal_id is not None
    return StatementContent(
        deal_id=deal.id,
        drawn_up_at=now,
        is_example=deal.is_example,
        giver=party_of(deal.giver_organisation),
        taker=party_of(deal.taker_organisation),
        origin=origin_of(deal),
        destination=destination_of(deal),
        terms=terms_of(deal),
        lot=lot_of(lot, quality),
        papers=tuple(_papers(session, lot, quality)),
        recovery=tuple(recovery_line(each) for each in answers),
        recovery_comes_to=recovery_of({each.test: each.holds for each in answers}),
        tickets=ticket_lines(session, tickets),
        delivered_t=sums.delivered_t,
        weighed_t=sums.weighed_t,
        estimated_t=sums.estimated_t,
        weighed_count=sums.weighed_count,
        estimated_count=sums.estimated_count,
        deviation=deviation,
        lot_is_from=first_origin_of(session, deal) if comes_by_hub else None,
        source_deal_id=deal.source_deal_id,
        avoided=avoided_of(session, deal),
    )


def avoided_of(session: Session, deal: Deal) -> Avoided | None:
    """What the deal's loads avoid at this moment, with what they are compared with."""
    session.flush()
    record = current_record(session, deal_id=deal.id)
    if record is None or not record.basis:
        return None
    basis = basis_of(record.basis)
    found = avoided_by(session, deal_id=deal.id)
    if basis.is_pending or not found.avoided_t:
        return None
    return Avoided(
        mass_t=found.avoided_t,
        record_number=record.number,
        level=record.level,
        method=record.method,
        network_version=record.network_version,
        factor_set=record.factor_set.version,
        factor_set_name=record.factor_set.name,
        landfill="" if basis.landfill is None else basis.landfill.name,
        quarry="" if basis.quarry is None else basis.quarry.name,
        is_plausible=is_plausible(found.ledger, mass_t=found.avoided_t),
        lines=tuple(
            AvoidedLine(
                measure=measure,
                value=found.ledger[measure].value,
                low=found.ledger[measure].low,
                high=found.ledger[measure].high,
            )
            for measure in Measure
            if is_known(basis, measure)
        ),
    )


def recovery_answers(session: Session, deal: Deal) -> Sequence[RecoveryAnswer]:
    """The answers with their documents and who gave them, in the order of the tests."""
    query = (
        select(RecoveryAnswer)
        .where(RecoveryAnswer.deal_id == deal.id)
        .options(joinedload(RecoveryAnswer.document), joinedload(RecoveryAnswer.answered_by))
    )
    found = {each.test: each for each in session.scalars(query)}
    return [found[test] for test in RecoveryTest if test in found]


def ticket_lines(session: Session, tickets: Sequence[Ticket]) -> tuple[TicketLine, ...]:
    """The loads as they are signed for."""
    confirmers = {each.confirmed_by_id for each in tickets} - {None}
    names = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_(confirmers)))}
    return tuple(
        TicketLine(
            number=each.number,
            loaded_at=each.loaded_at,
            vehicle_registration=each.vehicle_registration,
            mass_t=each.mass_t,
            is_weighed=each.is_weighed,
            carrier=each.carrier,
            source=each.source,
            reported_by=each.reported_by.name if each.reported_by else "",
            confirmed_by=names.get(each.confirmed_by_id or 0, ""),
            confirmed_at=each.confirmed_at,
            slip_sha256=each.slip_sha256,
            is_correction=each.corrects_id is not None,
        )
        for each in tickets
    )


def lot_of(lot: Listing, quality: LotQuality) -> Lot:
    material = taxonomy().material(lot.material_key)
    return Lot(
        listing_id=lot.id,
        passport_token=lot.passport_token,
        proof_sha256=proof_number(lot, quality),
        material_key=lot.material_key,
        material_no=material.name_no,
        material_en=material.name_en,
        fraction_min_mm=lot.fraction_min_mm,
        fraction_max_mm=lot.fraction_max_mm,
        ewc=material.ewc or "",
        ns9431=material.ns9431 or "",
        documentation=quality.documentation,
        outcome=quality.outcome,
        soil_class=quality.soil_class,
        limits_version=quality.limits_version,
        sample_count=len(quality.samples),
        project=lot.project.name if lot.project else "",
        builder=lot.project.builder if lot.project else "",
    )


def party_of(organisation: Organisation) -> Party:
    return Party(name=organisation.name, org_number=organisation.org_number, address=organisation.address or "")


def terms_of(deal: Deal) -> Terms:
    offer = accepted_offer(deal)
    assert offer is not None
    assert deal.agreed_from is not None
    assert deal.agreed_to is not None
    assert deal.agreed_at is not None
    return Terms(
        agreed_t=deal.agreed_t,
        tolerance_percent=deal.tolerance_percent,
        starts_on=deal.agreed_from,
        ends_on=deal.agreed_to,
        agreed_at=deal.agreed_at,
        price_kind=offer.price_kind,
        price_nok_per_t=offer.price_nok_per_t,
        loading=offer.loading,
        haulage=offer.haulage,
        haulier=offer.haulier,
    )


def origin_of(deal: Deal) -> Place:
    lon, lat = _degrees(deal.origin_position_25833)
    return Place(
        name=deal.origin_name,
        municipality=deal.origin_municipality.name,
        municipality_number=deal.origin_municipality_number,
        lon=lon,
        lat=lat,
        facility=deal.origin_facility.name if deal.origin_facility else "",
    )


def destination_of(deal: Deal) -> Place:
    lon, lat = _degrees(deal.destination_position_25833)
    return Place(
        name=deal.destination_name,
        municipality=deal.destination_municipality.name,
        municipality_number=deal.destination_municipality_number,
        lon=lon,
        lat=lat,
        facility=deal.destination_facility.name if deal.destination_facility else "",
    )


def first_origin_of(session: Session, deal: Deal) -> Place:
    """Where the mass of a chain began, however many hubs it has come by.

    Without its position: whoever takes it from the hub is no side of the deal that brought it there, and may not know.
    """
    first = deal
    while first.source_deal_id is not None:
        first = session.get_one(Deal, first.source_deal_id, options=[joinedload(Deal.origin_municipality)])
    return replace(origin_of(first), lon=None, lat=None)


def _degrees(point_25833: WKBElement) -> tuple[float, float]:
    """(lon, lat), to about a metre: no pin is set closer."""
    point = from_stored(to_shape(point_25833))
    assert isinstance(point, shapely.Point)
    return round(point.x, 5), round(point.y, 5)


def _papers(session: Session, lot: Listing, quality: LotQuality) -> Iterator[Paper]:
    """What the lot's quality rests on, and what of it is shared; each content once."""
    proofs = [
        *(each.document for each in quality.reports),
        *(each.document for each in quality.declarations.values()),
        *(each.document for each in quality.overrides),
        *documents_of(session, listing_id=lot.id, shared_only=True),
    ]
    seen: set[str] = set()
    for document in proofs:
        if document is None or document.kind is DocumentKind.PHOTO or document.sha256 in seen:
            continue
        seen.add(document.sha256)
        yield _paper(document)
    for report in quality.reports:
        if report.document is None and report.file_sha256 and report.file_sha256 not in seen:
            seen.add(report.file_sha256)
            title = report.report_number or report.file_name or report.laboratory or ""
            yield Paper(title=title, kind=DocumentKind.LAB_REPORT, sha256=report.file_sha256)


def _paper(document: Document) -> Paper:
    return Paper(title=document.title, kind=document.kind, sha256=document.sha256)


def recovery_line(answer: RecoveryAnswer) -> RecoveryLine:
    return RecoveryLine(
        test=answer.test,
        holds=answer.holds,
        evidence=answer.evidence,
        answered_by=answer.answered_by.name,
        answered_at=answer.answered_at,
        document=_paper(answer.document) if answer.document else None,
    )
