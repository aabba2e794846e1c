"""Laboratory results of a lot: what was confirmed is kept as it was reported, and can be taken out again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.proof import Medium
from geo.quality_tables import quality_tables
from marketplace.actor import Actor
from marketplace.clock import local_date
from marketplace.errors import FieldError, Forbidden, InvalidInput, NotFound
from marketplace.i18n_marker import N_
from marketplace.models import LabReport, LabSample, LabValueRow, Listing
from marketplace.services.declarations import document_of
from marketplace.services.editing import EARLIEST_DAY, NAME_LIMIT, text_problems
from marketplace.services.listings import Transition, lock_listing
from marketplace.services.quality import refresh_quality
from marketplace.text import clean_line
from marketplace.types import LabSource

MAX_SAMPLES: Final = 400
"""Of one lot. A hundred thousand cubic metres by the densest rule there is, four times over."""
TOO_MANY_SAMPLES: Final = N_("A lot can have at most %(limit)s samples. Split it into several listings.")
SAMPLE_NAME_LIMIT: Final = 80
LAYER_LIMIT: Final = 40
ENTERED_LIMIT: Final = 40
STEP_MG_KG: Final = Decimal("0.000000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedValue:
    """A result in mg/kg dry matter, and what the laboratory wrote. `is_below`: less than the value, the LOQ."""

    parameter: str
    value_mg_kg: Decimal
    is_below: bool
    entered_value: str
    entered_unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedSample:
    name: str
    values: Sequence[ReportedValue]
    medium: Medium = Medium.MASS
    layer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHead:
    """What is said of a report as a whole, and how it came in."""

    source: LabSource
    laboratory: str = ""
    report_number: str = ""
    sampled_on: date | None = None
    document_id: int | None = None
    file_name: str | None = None
    file_sha256: str | None = None


def store_report(
    session: Session,
    actor: Actor,
    *,
    listing_id: int,
    head: ReportHead,
    samples: Sequence[ReportedSample],
    now: datetime,
) -> LabReport:
    """The results as they were confirmed, all of them or none; the lot is judged anew.

    Raises:
        NotFound, Forbidden, Conflict: no such listing, not the actor's to change, or closed.
        InvalidInput: `samples`, or a part of the head, cannot be taken.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.EDIT)
    if actor.user_id is None:
        raise Forbidden
    problems = [*_head_problems(session, listing, head, now=now), *_sample_problems(session, listing, samples)]
    if problems:
        raise InvalidInput(*problems)
    report = LabReport(
        listing_id=listing.id,
        source=head.source,
        laboratory=clean_line(head.laboratory) or None,
        report_number=clean_line(head.report_number) or None,
        sampled_on=head.sampled_on,
        document_id=head.document_id,
        file_name=head.file_name[-NAME_LIMIT:] if head.file_name else None,
        file_sha256=head.file_sha256,
        created_by_id=actor.user_id,
        samples=[_sample(each) for each in samples],
    )
    session.add(report)
    session.flush()
    refresh_quality(session, listing, now=now)
    return report


def remove_report(session: Session, actor: Actor, *, listing_id: int, report_id: int, now: datetime) -> Listing:
    """The listing without the results of a report, which stay on record and count no more.

    Raises:
        NotFound, Forbidden, Conflict: no such listing or report, not the actor's to change, or closed.
    """
    listing = lock_listing(session, actor, listing_id=listing_id, for_=Transition.EDIT)
    kept = select(LabReport).where(
        LabReport.id == report_id, LabReport.listing_id == listing.id, LabReport.removed_at.is_(None)
    )
    report = session.scalars(kept).one_or_none()
    if report is None:
        raise NotFound
    report.removed_at = now
    session.flush()
    refresh_quality(session, listing, now=now)
    return listing


def report_of_table(session: Session, *, listing_id: int, file_sha256: str) -> LabReport | None:
    """The first report of a lot that was taken from this very table, and counts; None where there is none."""
    query = (
        select(LabReport)
        .where(
            LabReport.listing_id == listing_id,
            LabReport.file_sha256 == file_sha256,
            LabReport.removed_at.is_(None),
        )
        .order_by(LabReport.id)
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def _sample(reported: ReportedSample) -> LabSample:
    return LabSample(
        name=clean_line(reported.name),
        medium=reported.medium,
        layer=clean_line(reported.layer or "") or None,
        values=[
            LabValueRow(
                parameter=value.parameter,
                value_mg_kg=value.value_mg_kg.quantize(STEP_MG_KG),
                is_below=value.is_below,
                entered_value=value.entered_value[:ENTERED_LIMIT],
                entered_unit=value.entered_unit[:ENTERED_LIMIT],
            )
            for value in reported.values
        ],
    )


# What can be wrong ------------------------------------------------------------------------------------------------


def _head_problems(session: Session, listing: Listing, head: ReportHead, *, now: datetime) -> Iterator[FieldError]:
    yield from text_problems(clean_line(head.laboratory), field="laboratory", limit=NAME_LIMIT)
    yield from text_problems(clean_line(head.report_number), field="report_number", limit=NAME_LIMIT)
    if head.sampled_on is not None and not EARLIEST_DAY <= head.sampled_on <= local_date(now):
        yield FieldError(field="sampled_on", message=N_("Enter the day, today or earlier."))
    if head.document_id is not None and document_of(session, listing, head.document_id) is None:
        yield FieldError(field="document_id", message=N_("Choose one of the documents of this listing."))


def _sample_problems(session: Session, listing: Listing, samples: Sequence[ReportedSample]) -> Iterator[FieldError]:
    if not samples:
        yield FieldError(field="samples", message=N_("There is no sample to keep. Choose at least one."))
        return
    kept = (
        select(func.count())
        .select_from(LabSample)
        .join(LabSample.report)
        .where(LabReport.listing_id == listing.id, LabReport.removed_at.is_(None))
    )
    if len(samples) + (session.scalar(kept) or 0) > MAX_SAMPLES:
        yield FieldError(
            field="samples",
            message=TOO_MANY_SAMPLES,
            params={"limit": MAX_SAMPLES},
        )
        return
    seen: set[tuple[str, Medium]] = set()
    for sample in samples:
        yield from _one_sample_problems(sample, seen)


def _one_sample_problems(sample: ReportedSample, seen: set[tuple[str, Medium]]) -> Iterator[FieldError]:
    name = clean_line(sample.name)
    yield from text_problems(name, field="samples", limit=SAMPLE_NAME_LIMIT, missing=N_("Give each sample a name."))
    yield from text_problems(sample.layer or "", field="samples", limit=LAYER_LIMIT)
    if (name, sample.medium) in seen:
        yield FieldError(
            field="samples",
            message=N_("Two samples are called %(name)s. Give one of them another name."),
            params={"name": name},
        )
    seen.add((name, sample.medium))
    if not sample.values:
        yield FieldError(field="samples", message=N_("The sample %(name)s has no value."), params={"name": name})
    if _doubled(value.parameter for value in sample.values):
        yield FieldError(
            field="samples", message=N_("The sample %(name)s has two values of one parameter."), params={"name": name}
        )
    known = quality_tables().parameters
    if any(value.parameter not in known or not _is_content(value.value_mg_kg) for value in sample.values):
        yield FieldError(
            field="samples", message=N_("A value of the sample %(name)s cannot be used."), params={"name": name}
        )


def _doubled(parameters: Iterable[str]) -> bool:
    listed = list(parameters)
    return len(listed) != len(set(listed))


def _is_content(value_mg_kg: Decimal) -> bool:
    return value_mg_kg.is_finite() and 0 <= value_mg_kg <= 1_000_000
