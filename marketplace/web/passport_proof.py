"""What a lot's passport says of its quality: each parameter over all samples, the statements and the documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from flask_babel import gettext as _

from geo.limits import Verified
from geo.proof import Medium, Outcome
from geo.quality import Finding, FindingKind, Judgement
from geo.quality_tables import quality_tables
from marketplace import db
from marketplace.filters import date_
from marketplace.i18n import translate
from marketplace.labels import label
from marketplace.models import Document, LabReport, Listing
from marketplace.permissions import Permission, allows
from marketplace.quality_messages import STATEMENTS
from marketplace.quality_wording import (
    condition_in_words,
    content,
    level_name,
    parameter_name,
    reasons_in_words,
    rule_book_name,
    sample_name,
    verified_in_words,
)
from marketplace.queries.documents import documents_of
from marketplace.services.quality import LotQuality
from marketplace.types import DocumentKind
from marketplace.web.access import current_actor
from marketplace.web.document_rows import file_url

FEW_REASONS = 6


class Tone(StrEnum):
    """What a mark says beside its words."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRow:
    """A parameter over all samples of the mass, or of its coating: the worst that was found in those that have it."""

    name: str
    highest: str
    sample: str
    limit: str
    result: str
    tone: Tone
    samples: str
    """How many of the samples it was analysed in."""
    verified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterTable:
    title: str
    rows: tuple[ParameterRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    laboratory: str
    number: str
    sampled: str
    samples: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationRow:
    statement: str
    answer: str
    tone: Tone
    basis: str
    stated: str
    """By whom, and when."""
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundRow:
    parameter: str
    background: str
    stated: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    title: str
    kind: str
    sha256: str
    url: str
    """Empty where the visitor may not open it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a lot's quality rests on."""

    summary: tuple[str, ...]
    rules: str
    reports: tuple[ReportRow, ...]
    tables: tuple[ParameterTable, ...]
    notes: tuple[str, ...]
    declarations: tuple[DeclarationRow, ...]
    backgrounds: tuple[BackgroundRow, ...]
    documents: tuple[DocumentRow, ...]


def proof_of(quality: LotQuality, documents: tuple[Document, ...]) -> Proof:
    """The proof as the passport tells it, with the documents that the visitor may open."""
    judgement = quality.judgement
    return Proof(
        summary=reasons_in_words(judgement, at_most=FEW_REASONS) if judgement else (),
        rules=_rules(judgement) if judgement else "",
        reports=tuple(_report(each) for each in quality.reports),
        tables=tuple(_tables(judgement)) if judgement else (),
        notes=tuple(_notes(quality)),
        declarations=tuple(_declarations(quality)),
        backgrounds=tuple(
            BackgroundRow(
                parameter=parameter_name(each.parameter),
                background=_("%(value)s mg/kg", value=content(each.background_mg_kg)),
                stated=_stated(each.stated_by, each.stated_on),
                document=each.document.title,
            )
            for each in quality.overrides
        ),
        documents=tuple(_document(each) for each in documents),
    )


def _rules(judgement: Judgement) -> str:
    return _(
        "%(rules)s, limits of version %(version)s",
        rules=rule_book_name(judgement.rule_book),
        version=judgement.limits_version,
    )


def _report(report: LabReport) -> ReportRow:
    return ReportRow(
        laboratory=report.laboratory or _("not given"),
        number=report.report_number or _("not given"),
        sampled=date_(report.sampled_on) if report.sampled_on else _("not given"),
        samples=str(len(report.samples)),
        sha256=report.document.sha256 if report.document else report.file_sha256 or "",
    )


def _tables(judgement: Judgement) -> Iterator[ParameterTable]:
    titles = {Medium.MASS: _("The mass"), Medium.COATING: _("The coating on it")}
    for medium, title in titles.items():
        rows = tuple(_rows(judgement, medium))
        if rows:
            yield ParameterTable(title=title, rows=rows)


def _rows(judgement: Judgement, medium: Medium) -> Iterator[ParameterRow]:
    """One a parameter, in the order of the rules, however many samples there are."""
    samples = [each for each in judgement.samples if each.medium is medium]
    findings: dict[str, list[Finding]] = {}
    for sample in samples:
        for finding in sample.findings:
            findings.setdefault(finding.parameter, []).append(finding)
    order = list(quality_tables().limits_for(judgement.rule_book, medium))
    for parameter in sorted(findings, key=order.index):
        yield _row(findings[parameter], of=len(samples))


def _row(findings: list[Finding], *, of: int) -> ParameterRow:
    measured = [each for each in findings if each.kind is not FindingKind.NOT_ANALYSED]
    worst = max(measured or findings, key=_badness)
    outcome = worst.at_least.outcome if worst.at_least.rank == worst.at_most.rank else _outcome(worst)
    tone = tone_of(outcome)
    return ParameterRow(
        name=parameter_name(worst.parameter),
        highest=_value(worst),
        sample=sample_name(worst.sample, Medium.MASS) if measured else "\N{EN DASH}",
        limit=_limit(worst),
        result=level_name(
            outcome=outcome, soil_class=None if outcome is Outcome.UNKNOWN else worst.at_least.soil_class
        ),
        tone=Tone.WARNING if tone is Tone.GOOD and len(measured) < len(findings) else tone,
        samples=_("%(count)s of %(all)s", count=len(measured), all=of),
        verified="" if worst.verified is Verified.YES else "*",
    )


def _limit(finding: Finding) -> str:
    limit = content(finding.limit_mg_kg)
    if finding.kind is not FindingKind.WITHIN_BACKGROUND or finding.background_mg_kg is None:
        return limit
    return _("%(limit)s (background %(background)s)", limit=limit, background=content(finding.background_mg_kg))


def _badness(finding: Finding) -> tuple[int, int, Decimal]:
    """A higher level is worse, then what may be worse, then what is nearer to its limit."""
    return finding.at_least.rank, finding.at_most.rank, (finding.high_mg_kg or Decimal(0)) / finding.limit_mg_kg


def _outcome(finding: Finding) -> Outcome:
    """Of one whose content is known within a range only."""
    settled = {Outcome.CONTAMINATED, Outcome.HAZARDOUS}
    best, worst = finding.at_least.outcome, finding.at_most.outcome
    return best if best is worst or best in settled else Outcome.UNKNOWN


def _value(finding: Finding) -> str:
    low, high = finding.low_mg_kg, finding.high_mg_kg
    if low is None or high is None:
        return _("not analysed")
    if low == high:
        return content(high)
    return f"< {content(high)}" if low == 0 else f"{content(low)}–{content(high)}"


def tone_of(outcome: Outcome) -> Tone:
    """How an outcome looks."""
    if outcome is Outcome.CLEAN:
        return Tone.GOOD
    return Tone.WARNING if outcome in {Outcome.CONDITIONAL, Outcome.UNKNOWN} else Tone.BAD


def _notes(quality: LotQuality) -> Iterator[str]:
    yield from (condition_in_words(each) for each in quality.verdict.conditions)
    judgement = quality.judgement
    if judgement is None:
        return
    unlimited = sorted({code for sample in judgement.samples for code in sample.not_judged})
    if unlimited:
        yield _(
            "Also analysed, without a limit in these rules: %(parameters)s.",
            parameters=", ".join(parameter_name(each) for each in unlimited),
        )
    if said := verified_in_words(judgement.verified):
        yield f"* {said}"


def _declarations(quality: LotQuality) -> Iterator[DeclarationRow]:
    for kind, row in quality.declarations.items():
        statement = translate(STATEMENTS[kind], {})
        yield DeclarationRow(
            statement=f"{statement} {date_(row.since_on)}" if row.since_on else statement,
            answer=_("yes") if row.is_confirmed else _("no"),
            tone=Tone.GOOD if row.is_confirmed else Tone.BAD,
            basis=row.basis,
            stated=_stated(row.stated_by, row.stated_on),
            document=row.document.title if row.document else "",
        )


def _stated(by: str, on: date) -> str:
    return _("%(name)s, %(day)s", name=by, day=date_(on))


def shown_documents(listing: Listing) -> tuple[Document, ...]:
    """What the visitor may open, photos apart: those are on the listing."""
    actor = current_actor()
    sees_all = actor.is_admin or actor.is_member(listing.organisation_id)
    found = documents_of(db.session, listing_id=listing.id, shared_only=not sees_all)
    return tuple(each for each in found if each.kind is not DocumentKind.PHOTO)


def _document(document: Document) -> DocumentRow:
    may_open = allows(Permission.VIEW_DOCUMENT, current_actor(), document)
    return DocumentRow(
        title=document.title,
        kind=label(document.kind),
        sha256=document.sha256,
        url=file_url(document) if may_open else "",
    )
