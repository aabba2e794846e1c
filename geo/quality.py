"""Whether a lot is clean, by the laboratory values of its samples.

A sample is judged by its worst parameter and a lot by its worst sample. What cannot be known is kept as a range: a
value below a limit of quantification that is itself above a limit lies anywhere beneath it, and a parameter that was
not analysed may be anything. A lot is clean only where the worst that is possible is clean; it is contaminated where
even the best that is possible is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Final

from geo.errors import LabError, LabFault
from geo.limits import CLEAN, SOIL_LEVELS, Level, Limit, Limits, RuleBook, Verified, rule_book_of
from geo.materials import Material
from geo.proof import Medium, Outcome
from geo.quality_tables import QualityTables, quality_tables

BASIC_SUITE: Final[Mapping[tuple[RuleBook, Medium], frozenset[str] | None]] = {
    (RuleBook.SOIL, Medium.MASS): frozenset({"As", "Pb", "Cd", "Cr", "Cu", "Hg", "Ni", "Zn", "PAH16", "BaP", "PCB7"}),
    (RuleBook.CHAPTER_14A, Medium.MASS): None,
    (RuleBook.CHAPTER_14A, Medium.COATING): None,
    (RuleBook.ASPHALT, Medium.MASS): None,
}
"""What every sample must be analysed for before it can be called clean; None: all that the rule book has a limit for.

For soil this is our own engineering choice, not verified against any rule: the eight metals, PAH and PCB that
Norwegian laboratories sell as their basic package for soil. Without it one clean value of lead would make a clean lot.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabValue:
    """One result, in mg/kg dry matter."""

    parameter: str
    value_mg_kg: Decimal
    is_below: bool = False
    """Whether the content is below the value, which then is the limit of quantification."""

    def __post_init__(self) -> None:
        """Raise LabError: not_finite, negative."""
        if not self.value_mg_kg.is_finite():
            raise LabError(LabFault.NOT_FINITE)
        if self.value_mg_kg < 0:
            raise LabError(LabFault.NEGATIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample and its results. The same parameter twice counts by the worse."""

    name: str
    values: tuple[LabValue, ...]
    medium: Medium = Medium.MASS


class FindingKind(StrEnum):
    """What is to be said of a parameter in a sample."""

    WITHIN = "within"
    """Clean: at or below `limit_mg_kg`."""
    EXCEEDS = "exceeds"
    """The content is above `limit_mg_kg`, which makes it `at_least`."""
    HIDDEN_BY_LOQ = "hidden_by_loq"
    """Below a limit of quantification (`high_mg_kg`) that is itself above `limit_mg_kg`."""
    SUM_STRADDLES = "sum_straddles"
    """The laboratory gave no sum; with all that is below the LOQ as none it is `low_mg_kg`, as the LOQ `high_mg_kg`."""
    SUM_BELOW_PARTS = "sum_below_parts"
    """The laboratory's sum is `low_mg_kg`, and the parts it found are `high_mg_kg` together: on which side of
    `limit_mg_kg` it lies depends on which is right."""
    WITHIN_BACKGROUND = "within_background"
    """Above `limit_mg_kg`, but no higher than the documented natural background `background_mg_kg`."""
    NOT_ANALYSED = "not_analysed"
    """Part of the basic suite, and without a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one parameter of one sample comes to. All values are in mg/kg dry matter."""

    sample: str
    medium: Medium
    parameter: str
    kind: FindingKind
    low_mg_kg: Decimal | None
    high_mg_kg: Decimal | None
    """The content lies between these; they are equal for an ordinary value, None where it was not analysed."""
    is_computed: bool
    """Whether it is a sum whose parts were added up here."""
    limit_mg_kg: Decimal
    """The limit that was exceeded, or is hidden; for clean ones the limit of being clean."""
    at_least: Level
    at_most: Level
    verified: Verified
    """Of that limit."""
    background_mg_kg: Decimal | None = None


class _Judged:
    """A range of levels, and what it comes to."""

    __slots__ = ()

    at_least: Level
    at_most: Level

    @property
    def outcome(self) -> Outcome:
        """Clean only if it cannot be worse, contaminated if it cannot be better, else unknown."""
        best, worst = self.at_least.outcome, self.at_most.outcome
        is_settled = best is worst or best in {Outcome.CONTAMINATED, Outcome.HAZARDOUS}
        return best if is_settled else Outcome.UNKNOWN

    @property
    def soil_class(self) -> int | None:
        """1 to 5, or 6 above class 5; None where it is unknown, and in rule books without classes."""
        return None if self.outcome is Outcome.UNKNOWN else self.at_least.soil_class

    @property
    def may_be_worse(self) -> bool:
        """Whether something that is not known could make it worse than it is said to be."""
        return self.at_most.rank > self.at_least.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleJudgement(_Judged):
    """What one sample comes to."""

    name: str
    medium: Medium
    at_least: Level
    at_most: Level
    findings: tuple[Finding, ...]
    """One a parameter, worst first."""
    not_judged: tuple[str, ...]
    """Parameters with a value and without a limit here."""
    not_analysed: tuple[str, ...]
    """Parameters with a limit here and without a value, the basic suite's and others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement(_Judged):
    """What a lot comes to, and why."""

    rule_book: RuleBook
    limits_version: str
    at_least: Level
    at_most: Level
    samples: tuple[SampleJudgement, ...]
    """In the order of their names."""

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """What keeps the lot from being clean, worst first; for a clean lot what only the background excuses."""
        kinds = set(FindingKind) - {FindingKind.WITHIN}
        return _worst_first(each for sample in self.samples for each in sample.findings if each.kind in kinds)

    @property
    def worst_sample(self) -> SampleJudgement | None:
        """The first of the worst ones; None without samples."""
        return max(self.samples, key=lambda sample: (sample.at_least.rank, sample.at_most.rank), default=None)

    @property
    def not_analysed(self) -> tuple[str, ...]:
        """Parameters with a limit that at least one sample has no value for."""
        return tuple(sorted({code for sample in self.samples for code in sample.not_analysed}))

    @property
    def verified(self) -> Verified:
        """The weakest mark among the limits it was judged by."""
        marks = [each.verified for sample in self.samples for each in sample.findings]
        return max(marks, key=list(Verified).index, default=Verified.NO)


def classify(
    material: Material,
    samples: Iterable[Sample],
    *,
    background_mg_kg: Mapping[str, Decimal] | None = None,
    tables: QualityTables | None = None,
) -> Judgement:
    """Return what the samples say of a lot of `material`; without any sample of the mass itself it is unknown.

    `background_mg_kg` is the documented natural background of the place by inorganic parameter: what is no higher is
    not contamination (forurensningsforskriften 2-3 a). It never makes anything worse.
    Raises LabError: unknown_parameter, not_inorganic, background_does_not_apply.
    """
    tables = tables or quality_tables()
    rule_book = rule_book_of(material)
    background = background_mg_kg or {}
    _check_background(background, rule_book, tables)
    judged = sorted(
        (_judge(sample, rule_book=rule_book, background=background, tables=tables) for sample in samples),
        key=lambda sample: (natural_order(sample.name), sample.medium, _spread(sample), repr(sample)),
    )
    levels = [(sample.at_least, sample.at_most) for sample in judged]
    if not any(sample.medium is Medium.MASS for sample in judged):
        levels.append(_anything(rule_book))
    return Judgement(
        rule_book=rule_book,
        limits_version=tables.rule_books[rule_book].version,
        at_least=_worst(low for low, _ in levels),
        at_most=_worst(high for _, high in levels),
        samples=tuple(judged),
    )


def natural_order(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts P2 before P10."""
    pieces = re.findall(r"\d+|\D+", name.casefold())
    return tuple((int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces)


# One sample -----------------------------------------------------------------------------------------------------


def _check_background(background: Mapping[str, Decimal], rule_book: RuleBook, tables: QualityTables) -> None:
    if background and rule_book is not RuleBook.SOIL:
        raise LabError(LabFault.BACKGROUND_DOES_NOT_APPLY)
    for code in background:
        if code not in tables.parameters:
            raise LabError(LabFault.UNKNOWN_PARAMETER, name=code)
        if not tables.parameters[code].is_inorganic:
            raise LabError(LabFault.NOT_INORGANIC, parameter=code)


class _Origin(Enum):
    """Where a content, and the doubt about it, comes from."""

    LABORATORY = FindingKind.HIDDEN_BY_LOQ
    PARTS = FindingKind.SUM_STRADDLES
    BOTH = FindingKind.SUM_BELOW_PARTS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What is known of a parameter's content in a sample."""

    low_mg_kg: Decimal
    high_mg_kg: Decimal
    origin: _Origin = _Origin.LABORATORY


def _judge(
    sample: Sample, *, rule_book: RuleBook, background: Mapping[str, Decimal], tables: QualityTables
) -> SampleJudgement:
    limits = tables.limits_for(rule_book, sample.medium)
    contents = _contents(sample, limits, tables)
    suite = BASIC_SUITE.get((rule_book, sample.medium))
    findings = [
        _finding(sample, limits[code], content, background.get(code))
        for code, content in contents.items()
        if code in limits
    ]
    missing = limits.keys() - contents.keys()
    findings += [_not_analysed(sample, limits[code]) for code in missing if suite is None or code in suite]
    levels = [(finding.at_least, finding.at_most) for finding in findings] or [_anything(rule_book)]
    return SampleJudgement(
        name=sample.name,
        medium=sample.medium,
        at_least=_worst(low for low, _ in levels),
        at_most=_worst(high for _, high in levels),
        findings=_worst_first(findings),
        not_judged=tuple(sorted(contents.keys() - limits.keys())),
        not_analysed=tuple(sorted(missing)),
    )


def _contents(sample: Sample, limits: Mapping[str, Limits], tables: QualityTables) -> dict[str, _Content]:
    """The content by parameter, and of the sums that the laboratory left out although it gave all their parts."""
    found: dict[str, _Content] = {}
    for value in sample.values:
        if value.parameter not in tables.parameters:
            raise LabError(LabFault.UNKNOWN_PARAMETER, name=value.parameter)
        content = _Content(
            low_mg_kg=Decimal(0) if value.is_below else value.value_mg_kg,
            high_mg_kg=value.value_mg_kg,
        )
        found[value.parameter] = _worse(content, found.get(value.parameter, content))
    for code in limits:
        parts = [found[part] for part in tables.parts_of(code) if part in found]
        if code in found:
            found[code] = _doubted(found[code], parts)
        elif parts and len(parts) == len(tables.parts_of(code)):
            found[code] = _sum(parts)
    return found


def _sum(parts: Iterable[_Content]) -> _Content:
    lows, highs = zip(*((part.low_mg_kg, part.high_mg_kg) for part in parts), strict=True)
    return _Content(low_mg_kg=sum(lows, Decimal(0)), high_mg_kg=sum(highs, Decimal(0)), origin=_Origin.PARTS)


def _doubted(given: _Content, parts: Sequence[_Content]) -> _Content:
    """The laboratory's sum, up to what its parts come to where that is more."""
    found_mg_kg = sum((part.low_mg_kg for part in parts), Decimal(0))
    if found_mg_kg <= given.high_mg_kg:
        return given
    return replace(given, high_mg_kg=found_mg_kg, origin=_Origin.BOTH)


def _worse(one: _Content, other: _Content) -> _Content:
    return _Content(
        low_mg_kg=max(one.low_mg_kg, other.low_mg_kg),
        high_mg_kg=max(one.high_mg_kg, other.high_mg_kg),
    )


def _finding(sample: Sample, limits: Limits, content: _Content, background_mg_kg: Decimal | None) -> Finding:
    at_least, at_most = limits.level_of(content.low_mg_kg), limits.level_of(content.high_mg_kg)
    passed = limits.passed_by(content.low_mg_kg)
    limit: Limit = passed or limits.clean_up_to
    is_excused = (
        background_mg_kg is not None
        and content.high_mg_kg <= background_mg_kg
        and limits.clean_up_to.is_passed_by(content.high_mg_kg)
    )
    if is_excused:
        kind, at_least, at_most = FindingKind.WITHIN_BACKGROUND, limits.clean, limits.clean
        limit = limits.clean_up_to
    elif passed is not None:
        kind = FindingKind.EXCEEDS
    elif at_most == limits.clean:
        kind = FindingKind.WITHIN
    else:
        kind = content.origin.value
    return Finding(
        sample=sample.name,
        medium=sample.medium,
        parameter=limits.parameter,
        kind=kind,
        low_mg_kg=content.low_mg_kg,
        high_mg_kg=content.high_mg_kg,
        is_computed=content.origin is not _Origin.LABORATORY,
        limit_mg_kg=limit.value_mg_kg,
        at_least=at_least,
        at_most=at_most,
        verified=limit.verified,
        background_mg_kg=background_mg_kg,
    )


def _not_analysed(sample: Sample, limits: Limits) -> Finding:
    return Finding(
        sample=sample.name,
        medium=sample.medium,
        parameter=limits.parameter,
        kind=FindingKind.NOT_ANALYSED,
        low_mg_kg=None,
        high_mg_kg=None,
        is_computed=False,
        limit_mg_kg=limits.clean_up_to.value_mg_kg,
        at_least=limits.clean,
        at_most=limits.steps[-1].beyond,
        verified=limits.clean_up_to.verified,
    )


# Levels ---------------------------------------------------------------------------------------------------------


def _worst(levels: Iterable[Level]) -> Level:
    return max(levels, key=lambda level: level.rank)


def _anything(rule_book: RuleBook) -> tuple[Level, Level]:
    """Of what nothing is known."""
    if rule_book is RuleBook.SOIL:
        return SOIL_LEVELS[0], SOIL_LEVELS[-1]
    return CLEAN, Level(outcome=Outcome.HAZARDOUS)


def _worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By level, then by how far beyond the limit, then by name, so that the order of the rows makes no difference."""
    return tuple(
        sorted(
            findings,
            key=lambda each: (
                -each.at_least.rank,
                -each.at_most.rank,
                -(each.high_mg_kg or Decimal(0)) / each.limit_mg_kg,
                natural_order(each.sample),
                each.medium,
                each.parameter,
            ),
        )
    )


def _spread(sample: SampleJudgement) -> tuple[int, int]:
    return -sample.at_least.rank, -sample.at_most.rank
