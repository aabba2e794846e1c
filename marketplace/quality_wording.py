"""What a judgement says of a lot, in sentences of the visitor's language."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import format_decimal
from flask import Flask
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from geo.gate import Condition, ConditionKind, Obstacle
from geo.limits import RuleBook, Verified
from geo.proof import DeclarationKind, Medium, Outcome
from geo.quality import Finding, FindingKind, Judgement
from geo.quality_tables import quality_tables
from marketplace.filters import date_
from marketplace.i18n import translate
from marketplace.quality_messages import REMEDIES, STATEMENTS, obstacle_message

SHOWN_DIGITS = 3
"""Significant ones: no laboratory is surer of a content than that."""
SAMPLES_NAMED = 4
"""More than these are counted."""


def _is_english() -> bool:
    locale = get_locale()
    return locale is not None and locale.language == "en"


# Names and numbers ------------------------------------------------------------------------------------------------


def parameter_name(code: str) -> str:
    """Bly (Pb); sum PAH16. The symbol stands behind the name of an element."""
    parameter = quality_tables().parameters.get(code)
    if parameter is None:
        return code
    name = parameter.name_en if _is_english() else parameter.name_no
    name = name[:1].upper() + name[1:]
    return f"{name} ({code})" if parameter.is_inorganic else name


def content(value_mg_kg: Decimal) -> str:
    """4,2 and 0,007 and 1 200: three significant digits, in the language's own way."""
    if value_mg_kg == 0:
        return "0"
    exponent = value_mg_kg.adjusted() - SHOWN_DIGITS + 1
    step = Decimal(1).scaleb(min(exponent, 0))
    rounded = value_mg_kg.quantize(step, rounding=ROUND_HALF_UP).normalize()
    locale = "en_GB" if _is_english() else "nb"
    decimals = max(0, -int(rounded.as_tuple().exponent))
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(rounded, format=pattern, locale=locale).replace("\u00a0", "\u202f")


def level_name(*, outcome: Outcome, soil_class: int | None) -> str:
    """Class 2; above class 5; within the limits."""
    if soil_class is not None:
        return _("above class 5") if soil_class > 5 else _("class %(number)s", number=soil_class)
    if outcome is Outcome.CLEAN:
        return _("within the limits")
    if outcome is Outcome.CONDITIONAL:
        return _("usable on conditions")
    if outcome is Outcome.CONTAMINATED:
        return _("above the limits")
    return _("not known") if outcome is Outcome.UNKNOWN else _("possible hazardous waste")


def rule_book_name(rule_book: RuleBook) -> str:
    info = quality_tables().rule_books[rule_book]
    return info.name_en if _is_english() else info.name_no


# Findings ---------------------------------------------------------------------------------------------------------


def finding_in_words(finding: Finding) -> str:
    """Sample P3: PAH16 4.2 mg/kg > 2, class 2."""
    said = {
        "sample": sample_name(finding.sample, finding.medium),
        "parameter": parameter_name(finding.parameter),
        "limit": content(finding.limit_mg_kg),
    }
    if finding.low_mg_kg is None or finding.high_mg_kg is None:
        return _("Sample %(sample)s: %(parameter)s is not analysed.", **said)
    low, high = content(finding.low_mg_kg), content(finding.high_mg_kg)
    if finding.kind is FindingKind.EXCEEDS:
        level = level_name(outcome=finding.at_least.outcome, soil_class=finding.at_least.soil_class)
        return _(
            "Sample %(sample)s: %(parameter)s %(value)s mg/kg > %(limit)s, %(level)s.", value=low, level=level, **said
        )
    if finding.kind is FindingKind.WITHIN_BACKGROUND:
        return _(
            "Sample %(sample)s: %(parameter)s %(value)s mg/kg > %(limit)s, but no more than the natural background"
            " %(background)s.",
            value=high,
            background=content(finding.background_mg_kg or Decimal(0)),
            **said,
        )
    if finding.kind is FindingKind.WITHIN:
        return _("Sample %(sample)s: %(parameter)s %(value)s mg/kg, within %(limit)s.", value=high, **said)
    return _unsettled(finding.kind, low=low, high=high, said=said)


def _unsettled(kind: FindingKind, *, low: str, high: str, said: dict[str, str]) -> str:
    """What leaves it open on which side of the limit the content lies."""
    if kind is FindingKind.HIDDEN_BY_LOQ:
        return _(
            "Sample %(sample)s: %(parameter)s < %(value)s mg/kg does not show whether it is within %(limit)s.",
            value=high,
            **said,
        )
    if kind is FindingKind.SUM_STRADDLES:
        return _(
            "Sample %(sample)s: %(parameter)s lies between %(low)s and %(high)s mg/kg by its parts, and the limit is"
            " %(limit)s.",
            low=low,
            high=high,
            **said,
        )
    return _(
        "Sample %(sample)s: %(parameter)s is given as %(low)s mg/kg, but its parts make %(high)s; the limit is"
        " %(limit)s.",
        low=low,
        high=high,
        **said,
    )


def lacking_in_words(findings: Sequence[Finding]) -> str:
    """The samples that were not analysed for a parameter, by what was found of it in each; nothing where all were."""
    names = [sample_name(each.sample, each.medium) for each in findings if each.kind is FindingKind.NOT_ANALYSED]
    if not names:
        return ""
    if len(names) <= SAMPLES_NAMED:
        return _("not analysed in %(samples)s", samples=", ".join(names))
    return ngettext("not analysed in %(num)s sample", "not analysed in %(num)s samples", len(names))


def sample_name(name: str, medium: Medium) -> str:
    return _("%(name)s (coating)", name=name) if medium is Medium.COATING else name


def reasons_in_words(judgement: Judgement, *, at_most: int) -> tuple[str, ...]:
    """What keeps the lot from being clean, the worst first; what is not analysed is said once for all samples."""
    told = [each for each in judgement.reasons if each.kind is not FindingKind.NOT_ANALYSED]
    sentences = [finding_in_words(each) for each in told[:at_most]]
    if len(told) > at_most:
        left = len(told) - at_most
        sentences.append(ngettext("and %(num)s more like this.", "and %(num)s more like these.", left))
    return (*sentences, *_not_analysed(judgement.reasons))


def _not_analysed(findings: Iterable[Finding]) -> Iterator[str]:
    by_samples: dict[tuple[str, ...], list[str]] = {}
    samples: dict[str, list[str]] = {}
    for each in findings:
        if each.kind is FindingKind.NOT_ANALYSED:
            samples.setdefault(each.parameter, []).append(sample_name(each.sample, each.medium))
    for parameter, names in samples.items():
        by_samples.setdefault(tuple(names), []).append(parameter_name(parameter))
    for sampled, parameters in by_samples.items():
        yield ngettext(
            "Sample %(samples)s is not analysed for: %(parameters)s.",
            "Samples %(samples)s are not analysed for: %(parameters)s.",
            len(sampled),
            samples=", ".join(sampled),
            parameters=", ".join(parameters),
        )


# The gate ---------------------------------------------------------------------------------------------------------


def obstacle_in_words(obstacle: Obstacle) -> str:
    message, params = obstacle_message(obstacle)
    return translate(message, params)


def remedies_in_words(obstacle: Obstacle) -> tuple[str, ...]:
    return tuple(translate(REMEDIES[remedy], {}) for remedy in obstacle.remedies)


def condition_in_words(condition: Condition) -> str:
    if condition.kind is ConditionKind.COATING:
        return _("There is a coating on it: it may be reused only on the conditions of avfallsforskriften 14A-5.")
    if condition.kind is ConditionKind.USE_BEFORE:
        return _(
            "Must be used before %(day)s: flakes stored for more than three years become a landfill.",
            day=date_(condition.due_on),
        )
    return _("Asphalt flakes are waste until they are processed, and cannot be used as fill.")


def verified_in_words(mark: Verified) -> str:
    """What is to be said of limits that have not been held against the official text; nothing for those that have."""
    if mark is Verified.YES:
        return ""
    if mark is Verified.PARTLY:
        return _("Some of these limits are known from one transcription only, and are not fully verified.")
    return _("Some of these limits have not yet been verified against the official text.")


# For templates ----------------------------------------------------------------------------------------------------


def statement_in_words(kind: DeclarationKind) -> str:
    """What the owner states, as a clause."""
    return translate(STATEMENTS[kind], {})


def init_app(app: Flask) -> None:
    app.jinja_env.filters["parameter_name"] = parameter_name
    app.jinja_env.filters["mg_kg"] = content
    app.jinja_env.filters["statement"] = statement_in_words
