"""A lot's passport: who may open it, by which address, and the number of the proof that it rests on."""

import json
import uuid
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Forbidden, NotFound
from marketplace.models import BackgroundOverride, Declaration, Document, LabReport, LabSample, Listing
from marketplace.services.quality import LotQuality
from marketplace.types import ListingKind, PassportAudience


def choose_audience(
    session: Session, actor: Actor, *, listing_id: int, audience: PassportAudience, now: datetime
) -> Listing:
    """The listing with its passport open to these readers; at any time, since the paper follows the mass.

    Raises:
        NotFound, Forbidden: there is no such lot, or the actor may not change it.
    """
    listing = _locked(session, actor, listing_id=listing_id)
    if listing.passport_audience is not audience:
        listing.passport_audience = audience
        listing.updated_at = now
        session.flush()
    return listing


def renew_address(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> Listing:
    """The listing with another address for its passport; whoever has the old one finds nothing there any more.

    Raises:
        NotFound, Forbidden: there is no such lot, or the actor may not change it.
    """
    listing = _locked(session, actor, listing_id=listing_id)
    listing.passport_token = uuid.uuid4()
    listing.updated_at = now
    session.flush()
    return listing


def _locked(session: Session, actor: Actor, *, listing_id: int) -> Listing:
    query = select(Listing).where(Listing.id == listing_id, Listing.kind == ListingKind.SURPLUS)
    listing = session.scalars(
        query.with_for_update(key_share=True).execution_options(populate_existing=True)
    ).one_or_none()
    if listing is None:
        raise NotFound
    if not actor.can_edit(listing.organisation_id):
        raise Forbidden
    return listing


# What it rests on -------------------------------------------------------------------------------------------------


def proof_number(listing: Listing, quality: LotQuality) -> str:
    """The SHA-256 of all that shows what the lot is: the same to every reader, another one after any change.

    It goes into agreements and statements, so that the proof a lot had then can be told from what it has later.
    """
    proof = {
        "lot": [listing.id, listing.material_key, *(str(each) for each in listing.fraction_mm or ())],
        "quality": [quality.documentation, quality.outcome, quality.soil_class, quality.limits_version],
        "reports": sorted(_report(each) for each in quality.reports),
        "declarations": sorted(_declaration(each) for each in quality.declarations.values()),
        "backgrounds": sorted(_background(each) for each in quality.overrides),
    }
    return sha256(json.dumps(proof, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _report(report: LabReport) -> list[str]:
    told = [report.laboratory or "", report.report_number or "", str(report.sampled_on or ""), report.file_sha256 or ""]
    samples = sorted(_sample(each) for each in report.samples)
    return [*told, _hash(report.document), *(text for sample in samples for text in sample)]


def _sample(sample: LabSample) -> list[str]:
    values = sorted(
        f"{each.parameter} {'<' if each.is_below else ''}{each.value_mg_kg.normalize():f}" for each in sample.values
    )
    return [sample.name, sample.medium.value, sample.layer or "", *values]


def _declaration(row: Declaration) -> list[str]:
    told = [row.kind.value, str(row.is_confirmed), row.basis, row.stated_by, row.stated_on.isoformat()]
    return [*told, str(row.since_on or ""), _hash(row.document)]


def _background(row: BackgroundOverride) -> list[str]:
    told = [row.parameter, f"{row.background_mg_kg.normalize():f}", row.stated_by, row.stated_on.isoformat()]
    return [*told, row.document.sha256]


def _hash(document: Document | None) -> str:
    return document.sha256 if document else ""
