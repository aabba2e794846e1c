"""A lot's quality as its pages show it: the verdict, what is in the way, and each parameter against its limit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from flask_babel import gettext as _
from flask_babel import ngettext

from geo.declarations import ROCK
from geo.gate import Obstacle, Remedy
from geo.limits import RuleBook, SamplingRule, Verified, rule_book_of
from geo.materials import Material
from geo.proof import DeclarationKind, Medium, Outcome
from geo.quality import Finding, FindingKind, Judgement
from geo.quality_tables import quality_tables
from geo.units import EnteredUnit
from marketplace.models import Listing
from marketplace.quality_wording import (
    condition_in_words,
    content,
    lacking_in_words,
    level_name,
    obstacle_in_words,
    parameter_name,
    reasons_in_words,
    remedies_in_words,
    rule_book_name,
    sample_name,
    verified_in_words,
)
from marketplace.services.quality import LotQuality
from marketplace.types import Documentation

REASONS_SHOWN: Final = 8
_TO_RESULTS: Final = frozenset(
    {Remedy.ENTER_LAB_RESULTS, Remedy.SAMPLE_MASS, Remedy.SAMPLE_COATING, Remedy.DOCUMENT_BY_SAMPLING}
)
_TO_STATEMENTS: Final = frozenset({Remedy.DECLARE_ORIGIN, Remedy.STATE_BASIS, Remedy.DECLARE, Remedy.SORT})


OVER: Final = frozenset({Outcome.CONTAMINATED, Outcome.HAZARDOUS})
"""Outcomes that are known not to be clean."""


class Tone(StrEnum):
    """How the verdict looks."""

    CLEAN = "clean"
    DECLARED = "declared"
    STOP = "stop"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObstacleView:
    """What is in the way; `anchor` is the part of the quality page where it can be put right, "" where none can."""

    text: str
    remedies: tuple[str, ...]
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterView:
    """The worst of all samples in one parameter."""

    name: str
    medium: Medium
    value: str
    sample: str
    limit: str
    level: str
    mark: str
    """ok, miss or unknown, as components/lists.html marks a reason."""
    is_verified: bool
    lacking: str
    """Which samples were not analysed for it, beside those that were; "" where all were, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingView:
    """How many samples a rule wants of a lot of this size, and how many there are."""

    text: str
    is_enough: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    tone: Tone
    title: str
    text: str
    """What it means for those who own the masses."""
    public_text: str
    reasons: tuple[str, ...]
    obstacles: tuple[ObstacleView, ...]
    conditions: tuple[str, ...]
    parameters: tuple[ParameterView, ...]
    others_not_analysed: str
    without_limit: str
    sampling: SamplingView | None
    rule_book: str
    limits_version: str
    caveat: str
    sample_count: int
    backgrounds: tuple[str, ...]
    """What natural background excuses, for everybody to see."""
    may_be_published: bool
    has_background: bool
    """Whether natural background is a matter of this material."""


def view_of(quality: LotQuality, *, listing: Listing) -> QualityView:
    judgement, verdict = quality.judgement, quality.verdict
    tone = _tone(quality)
    book = rule_book_of(quality.material)
    return QualityView(
        tone=tone,
        title=_title(quality),
        text=_text(quality, tone),
        public_text=_public_text(quality, tone),
        reasons=reasons_in_words(judgement, at_most=REASONS_SHOWN) if judgement else (),
        obstacles=tuple(_obstacle(each) for each in verdict.obstacles),
        conditions=tuple(condition_in_words(each) for each in verdict.conditions),
        parameters=tuple(_parameters(judgement)) if judgement else (),
        others_not_analysed=_others(judgement) if judgement else "",
        without_limit=_without_limit(judgement) if judgement else "",
        sampling=_sampling(quality, listing),
        rule_book=rule_book_name(book),
        limits_version=quality_tables().rule_books[book].version,
        caveat=verified_in_words(judgement.verified) if judgement else "",
        sample_count=len(quality.samples),
        backgrounds=tuple(
            _(
                "Natural background of %(parameter)s: %(value)s mg/kg, stated by %(name)s",
                parameter=parameter_name(each.parameter),
                value=content(each.background_mg_kg),
                name=each.stated_by,
            )
            for each in quality.overrides
        ),
        may_be_published=verdict.may_be_published,
        has_background=book is RuleBook.SOIL,
    )


# The verdict ------------------------------------------------------------------------------------------------------


def _tone(quality: LotQuality) -> Tone:
    if quality.documentation is Documentation.TESTED:
        return Tone.CLEAN
    if quality.documentation is Documentation.DECLARED:
        return Tone.DECLARED
    is_known = quality.soil_class not in (None, 1)
    is_over = quality.judgement is not None and quality.judgement.outcome in OVER
    return Tone.STOP if is_known or is_over or _is_denied(quality) else Tone.OPEN


def _is_denied(quality: LotQuality) -> bool:
    return any(each.kind.value in ("declaration_denied", "stored_too_long") for each in quality.verdict.obstacles)


def _title(quality: LotQuality) -> str:
    judgement = quality.judgement
    if quality.documentation is Documentation.TESTED and judgement is not None:
        level = level_name(outcome=judgement.outcome, soil_class=judgement.soil_class)
        return _("Tested, %(level)s", level=level)
    if quality.documentation is Documentation.DECLARED:
        return _("Declared, not tested")
    if judgement is None:
        return _("Not documented yet")
    level = level_name(outcome=judgement.outcome, soil_class=judgement.soil_class)
    if judgement.outcome.value == "unknown":
        return _("Tested, and not settled")
    return _("Tested, %(level)s", level=level)


def _text(quality: LotQuality, tone: Tone) -> str:
    if tone is Tone.CLEAN:
        count = len(quality.samples)
        return ngettext(
            "%(num)s sample shows it. The masses can be shown to everybody.",
            "%(num)s samples show it. The masses can be shown to everybody.",
            count,
        )
    if tone is Tone.DECLARED:
        return _("The masses can be shown to everybody, with who answers for them.")
    if tone is Tone.STOP:
        return _("The masses stay inside your organisation. Others do not see them.")
    return _("Until it is shown that they are clean, only your organisation sees the masses.")


def _public_text(quality: LotQuality, tone: Tone) -> str:
    if tone is Tone.DECLARED:
        return _("The owner states that the masses come from an area that has never been polluted.")
    count = len(quality.samples)
    return ngettext("Shown by %(num)s sample.", "Shown by %(num)s samples.", count)


def _obstacle(obstacle: Obstacle) -> ObstacleView:
    remedies = set(obstacle.remedies)
    anchor = "results" if remedies & _TO_RESULTS else "statements" if remedies & _TO_STATEMENTS else ""
    return ObstacleView(text=obstacle_in_words(obstacle), remedies=remedies_in_words(obstacle), anchor=anchor)


# Parameter by parameter -------------------------------------------------------------------------------------------

_MARKS: Final = {
    FindingKind.WITHIN: "ok",
    FindingKind.WITHIN_BACKGROUND: "ok",
    FindingKind.EXCEEDS: "miss",
}


def _parameters(judgement: Judgement) -> Iterator[ParameterView]:
    """In the order of the rule book, the mass before its coating."""
    found: dict[tuple[Medium, str], list[Finding]] = {}
    for finding in (each for sample in judgement.samples for each in sample.findings):
        found.setdefault((finding.medium, finding.parameter), []).append(finding)
    for medium in Medium:
        for code in quality_tables().limits_for(judgement.rule_book, medium):
            if (medium, code) in found:
                yield _parameter(found[medium, code])


def _badness(finding: Finding) -> tuple[object, ...]:
    """What was measured is told before what is missing, which has a place of its own."""
    is_measured = finding.kind is not FindingKind.NOT_ANALYSED
    return is_measured, finding.at_least.rank, finding.at_most.rank, finding.high_mg_kg or 0


def _parameter(findings: Sequence[Finding]) -> ParameterView:
    """A parameter by what was found of it in each sample."""
    finding = max(findings, key=_badness)
    is_measured = finding.kind is not FindingKind.NOT_ANALYSED
    lacking = lacking_in_words(findings) if is_measured else ""
    mark = _MARKS.get(finding.kind, "unknown")
    return ParameterView(
        name=parameter_name(finding.parameter),
        medium=finding.medium,
        value=_value(finding),
        sample=sample_name(finding.sample, finding.medium) if is_measured else "",
        limit=content(finding.limit_mg_kg),
        level=_level(finding),
        lacking=lacking,
        mark="unknown" if lacking and mark == "ok" else mark,
        is_verified=finding.verified is Verified.YES,
    )


def _value(finding: Finding) -> str:
    low, high = finding.low_mg_kg, finding.high_mg_kg
    if low is None or high is None:
        return "\N{EN DASH}"
    if low == high:
        return content(high)
    return f"<\N{NARROW NO-BREAK SPACE}{content(high)}" if low == 0 else f"{content(low)}\N{EN DASH}{content(high)}"


def _level(finding: Finding) -> str:
    if finding.high_mg_kg is None:
        return _("not analysed")
    if finding.kind is FindingKind.WITHIN_BACKGROUND:
        return _("natural background")
    if finding.at_least != finding.at_most:
        return _("not settled")
    return level_name(outcome=finding.at_least.outcome, soil_class=finding.at_least.soil_class)


def _others(judgement: Judgement) -> str:
    """Parameters with a limit that no sample was analysed for, and that need not be."""
    found = {each.parameter for sample in judgement.samples for each in sample.findings}
    return ", ".join(parameter_name(code) for code in judgement.not_analysed if code not in found)


def _without_limit(judgement: Judgement) -> str:
    codes = sorted({code for sample in judgement.samples for code in sample.not_judged})
    return ", ".join(parameter_name(code) for code in codes)


# How densely it was sampled ---------------------------------------------------------------------------------------


def _sampling(quality: LotQuality, listing: Listing) -> SamplingView | None:
    """Set against the one rule of density there is, for rock that may form acid, unless it is stated not to."""
    rule = quality_tables().sampling.get("acid_forming_rock")
    stated = quality.declarations.get(DeclarationKind.NOT_ACID_FORMING)
    is_harmless = stated is not None and stated.is_confirmed
    if rule is None or quality.material.key not in ROCK or is_harmless:
        return None
    samples = [each for each in quality.samples if each.medium is Medium.MASS]
    layers = {each.layer for each in samples if each.layer}
    needed = _samples_needed(rule, quality.material, listing)
    text = _(
        "Rock that may form acid wants at least %(needed)s samples of a lot of this size, from %(layers)s layers."
        " There are %(samples)s, from %(found)s.",
        needed=needed,
        layers=rule.min_layers,
        samples=len(samples),
        found=len(layers),
    )
    is_enough = len(samples) >= needed and len(layers) >= rule.min_layers
    return SamplingView(text=text, is_enough=is_enough, source=rule.source)


def _samples_needed(rule: SamplingRule, material: Material, listing: Listing) -> int:
    density = material.density_t_per_m3(EnteredUnit.M3_BANK)
    return rule.min_samples if density is None else rule.samples_needed(listing.mass_t / density)
