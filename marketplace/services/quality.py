"""What is known of a lot's quality, and the one gate that a surplus passes before others can see it.

Whatever changes a lot's samples, declarations, background or material calls `refresh_quality`; whatever would show a
surplus to others calls `gate`. Both ask `geo.gate`, so that there is one answer. Demand and reception offer
nothing, and are not asked.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from geo import declarations as rules
from geo.gate import Obstacle, ObstacleKind, Verdict, may_be_clean
from geo.limits import RuleBook, rule_book_of
from geo.materials import Material, taxonomy
from geo.proof import DeclarationKind, Medium, Outcome
from geo.quality import Judgement, classify
from marketplace import clock
from marketplace.clock import local_date
from marketplace.errors import FieldError
from marketplace.models import BackgroundOverride, Declaration, LabReport, LabSample, Listing
from marketplace.quality_messages import obstacle_message
from marketplace.services.listing_people import listing_context, recipients
from marketplace.services.lot_samples import LotSample, lot_samples
from marketplace.services.mail import send_mail
from marketplace.types import Documentation, ListingKind, ListingStatus, PausedReason

log = structlog.get_logger("masseflyt")

NOTHING_STATED = "clean_by"
"""Beside this field of a form stands what has none of its own: the question how one knows that the lot is clean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotQuality:
    """What a lot's quality rests on, and what comes of it. `judgement` is None where nothing was sampled."""

    material: Material
    reports: tuple[LabReport, ...]
    """With their samples and values, the oldest first; removed ones are not among them."""
    samples: tuple[LotSample, ...]
    """Each once, however many reports it is in."""
    declarations: Mapping[DeclarationKind, Declaration]
    overrides: tuple[BackgroundOverride, ...]
    judgement: Judgement | None
    verdict: Verdict
    required: tuple[DeclarationKind, ...]
    """What must be stated of this lot, in the order to ask it."""

    @property
    def documentation(self) -> Documentation:
        return self.verdict.documentation

    @property
    def outcome(self) -> Outcome | None:
        return None if self.judgement is None else self.judgement.outcome

    @property
    def soil_class(self) -> int | None:
        return None if self.judgement is None else self.judgement.soil_class

    @property
    def limits_version(self) -> str | None:
        return None if self.judgement is None else self.judgement.limits_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is kept of a lot's proof; removed rows are not among it."""

    reports: tuple[LabReport, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    overrides: tuple[BackgroundOverride, ...] = ()


# Reading ----------------------------------------------------------------------------------------------------------


def quality_of(
    session: Session, listing: Listing, *, today: date | None = None, proof: Proof | None = None
) -> LotQuality:
    """What is known of a lot, and whether it may be offered as clean on a day, today unless another is given.

    Who asks about many lots reads their `proof` beforehand (`proofs_of`).
    """
    if proof is None:
        proof = proofs_of(session, (listing.id,))[listing.id]
    material = taxonomy().material(listing.material_key)
    reports, overrides = proof.reports, proof.overrides
    declarations = {each.kind: each for each in proof.declarations}
    samples = lot_samples(reports)
    background = _background(material, overrides)
    judgement = classify(material, [each.sample for each in samples], background_mg_kg=background) if samples else None
    stored = declarations.get(DeclarationKind.FLAKES_STORED_SINCE)
    verdict = may_be_clean(
        material,
        judgement=judgement,
        declarations=[_statement(each) for each in declarations.values() if each is not stored],
        today=today or local_date(clock.now()),
        stored_since=stored.since_on if stored is not None else None,
    )
    has_coating_samples = any(each.medium is Medium.COATING for each in samples)
    return LotQuality(
        material=material,
        reports=reports,
        samples=samples,
        declarations=declarations,
        overrides=overrides,
        judgement=judgement,
        verdict=verdict,
        required=asked_of(material, has_coating_samples=has_coating_samples),
    )


def asked_of(material: Material, *, has_coating_samples: bool = False) -> tuple[DeclarationKind, ...]:
    """What must be stated of a lot of this material, tested or not, in the order to ask it."""
    return rules.required_declarations(material, has_coating_samples=has_coating_samples)


def proofs_of(session: Session, listing_ids: Collection[int]) -> dict[int, Proof]:
    """The proof of each of these lots, read with the same few questions however many they are."""
    reports = (
        select(LabReport)
        .where(LabReport.listing_id.in_(listing_ids), LabReport.removed_at.is_(None))
        .options(selectinload(LabReport.samples).selectinload(LabSample.values), joinedload(LabReport.document))
        .order_by(LabReport.id)
        .execution_options(populate_existing=True)
    )
    declarations = (
        select(Declaration)
        .where(Declaration.listing_id.in_(listing_ids), Declaration.removed_at.is_(None))
        .options(joinedload(Declaration.document))
        .order_by(Declaration.id)
    )
    overrides = (
        select(BackgroundOverride)
        .where(BackgroundOverride.listing_id.in_(listing_ids), BackgroundOverride.removed_at.is_(None))
        .options(joinedload(BackgroundOverride.document))
        .order_by(BackgroundOverride.parameter)
    )
    found_reports = _by_listing(session.scalars(reports).unique())
    found_declarations = _by_listing(session.scalars(declarations))
    found_overrides = _by_listing(session.scalars(overrides))
    return {
        each: Proof(
            reports=tuple(found_reports[each]),
            declarations=tuple(found_declarations[each]),
            overrides=tuple(found_overrides[each]),
        )
        for each in listing_ids
    }


def _by_listing[Row: (LabReport, Declaration, BackgroundOverride)](rows: Iterable[Row]) -> defaultdict[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.listing_id].append(row)
    return found


def _background(material: Material, overrides: tuple[BackgroundOverride, ...]) -> dict[str, Decimal]:
    """Natural background is a matter of ground; of a lot that has become concrete it says nothing any more."""
    if rule_book_of(material) is not RuleBook.SOIL:
        return {}
    return {each.parameter: each.background_mg_kg for each in overrides}


def _statement(row: Declaration) -> rules.Declaration:
    return rules.Declaration(kind=row.kind, is_met=row.is_confirmed, basis=row.basis)


# Keeping the listing in step --------------------------------------------------------------------------------------


def refresh_quality(session: Session, listing: Listing, *, now: datetime) -> LotQuality | None:
    """Write onto the listing what its proof comes to; None for what offers nothing.

    A surplus that others can see and that no longer passes is paused on the spot, and whoever posted it is told.
    """
    return refresh_qualities(session, (listing,), now=now)[0]


def refresh_qualities(session: Session, listings: Sequence[Listing], *, now: datetime) -> list[LotQuality | None]:
    """As `refresh_quality`, for many listings, with the same few questions."""
    qualities = _judge(session, listings, now=now)
    _pause_failing(session, listings, qualities, now=now)
    session.flush()
    return qualities


def _judge(session: Session, listings: Sequence[Listing], *, now: datetime) -> list[LotQuality | None]:
    """Set on the listings what their proof comes to, without writing it: one that others see may have to be paused."""
    with session.no_autoflush:
        offering = [each for each in listings if each.kind is ListingKind.SURPLUS]
        proofs = proofs_of(session, [each.id for each in offering]) if offering else {}
        qualities = [
            quality_of(session, each, today=local_date(now), proof=proofs[each.id])
            if each.kind is ListingKind.SURPLUS
            else None
            for each in listings
        ]
    for listing, quality in zip(listings, qualities, strict=True):
        listing.documentation = quality.documentation if quality else Documentation.NONE
        listing.quality_outcome = quality.outcome if quality else None
        listing.quality_class = quality.soil_class if quality else None
        listing.limits_version = quality.limits_version if quality else None
    return qualities


def _pause_failing(
    session: Session, listings: Sequence[Listing], qualities: Sequence[LotQuality | None], *, now: datetime
) -> None:
    failing = [
        (listing, quality)
        for listing, quality in zip(listings, qualities, strict=True)
        if quality and listing.status is ListingStatus.PUBLISHED and not quality.verdict.may_be_published
    ]
    for listing, _ in failing:
        listing.status, listing.paused_reason = ListingStatus.PAUSED, PausedReason.QUALITY
        listing.updated_at = now
    if failing:
        session.flush()
    for listing, quality in failing:
        _tell_of_pause(session, listing, quality)


def _tell_of_pause(session: Session, listing: Listing, quality: LotQuality) -> None:
    log.info(
        "listing_paused_for_quality",
        listing_id=listing.id,
        obstacles=[obstacle.kind.value for obstacle in quality.verdict.obstacles],
    )
    for user in recipients(session, listing=listing):
        send_mail(
            session,
            to=user.email,
            template="listing_paused_quality",
            locale=user.locale,
            context=listing_context(listing, user),
        )


# The gate ---------------------------------------------------------------------------------------------------------


def gate(session: Session, listings: Sequence[Listing], *, now: datetime) -> dict[int, tuple[FieldError, ...]]:
    """What keeps listings from the others, by their ids, with what their proof comes to written on them.

    A listing that is let through is left out: it is no surplus, or it is documented that it is clean. There is an error
    for each obstacle, with what to do about it. The caller flushes, together with what makes the others see it.
    """
    qualities = _judge(session, listings, now=now)
    _pause_failing(session, listings, qualities, now=now)
    return {
        listing.id: tuple(_error(obstacle) for obstacle in quality.verdict.obstacles)
        for listing, quality in zip(listings, qualities, strict=True)
        if quality is not None and not quality.verdict.may_be_published
    }


def _error(obstacle: Obstacle) -> FieldError:
    message, params = obstacle_message(obstacle)
    return FieldError(field=_field(obstacle), message=message, params=params)


def _field(obstacle: Obstacle) -> str:
    if obstacle.kind is ObstacleKind.BASIS_MISSING:
        return "virgin_basis"
    if obstacle.kind is ObstacleKind.CANNOT_BE_DECLARED:
        return NOTHING_STATED
    return obstacle.declaration.value if obstacle.declaration is not None else NOTHING_STATED
