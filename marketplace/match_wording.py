"""What an assessment says, in sentences of the visitor's language: why a pair fits, and what would have to change.

Sentences speak of the surplus and the need, the giver and the taker, so that they read the same for both sides and for
anybody who looks on.
"""

from dataclasses import dataclass
from enum import StrEnum

from flask_babel import get_locale
from flask_babel import gettext as _

from geo.assessment import (
    AcceptClass,
    Assessment,
    Change,
    DistanceTerm,
    FractionTerm,
    Grading,
    LotKind,
    LowerSmallestLot,
    MaterialTerm,
    PeriodTerm,
    ProveQuality,
    QualityTerm,
    RaiseDistanceLimit,
    ShiftPeriod,
    Timing,
    Treat,
    Verdict,
)
from geo.matching import CLEAN_CLASS
from geo.materials import Fraction, Substitution, Treatment, taxonomy
from geo.proof import Documentation
from marketplace.durations import days_in_words
from marketplace.filters import distance, fraction, percent, tonnes
from marketplace.labels import material_name

SMALLEST_SHARE = 0.01
SHORTEST_M = 10.0
"""Distances are shown to ten metres."""


class Mark(StrEnum):
    """The sign before a sentence, as components/lists.html draws it."""

    FITS = "ok"
    TREATMENT = "treatment"
    MISSES = "miss"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One criterion in words. `caveat` says that what it rests on has not been verified."""

    mark: Mark
    title: str
    text: str = ""
    caveat: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fractions:
    """What each side has said of the grain fraction."""

    offered: Fraction | None
    demanded: Fraction | None


def reasons(assessment: Assessment, *, fractions: Fractions, road_m: float | None = None) -> tuple[Reason, ...]:
    """Why the pair fits, quantity apart. What does not fit is told by `changes_in_words`.

    `road_m` is how far it is by road, where that is known: a limit holds as the crow flies, and who has set it ought to
    know when the road is longer.
    """
    told = (
        _material(assessment.material),
        _fraction(assessment.fraction, fractions),
        _quality(assessment.quality),
        _period(assessment.period),
        _limit(assessment.distance, road_m=road_m),
    )
    return tuple(reason for reason in told if reason is not None)


def coverage(assessment: Assessment) -> str:
    """How much of the need the surplus can cover."""
    if assessment.coverage >= 1:
        return _("Covers the whole need")
    return _("Covers %(share)s of the need", share=share_in_words(assessment.coverage))


def surplus_used(assessment: Assessment) -> str:
    """How much of the surplus the need can take."""
    if assessment.share_used >= 1:
        return _("Takes the whole surplus")
    return _("Takes %(share)s of the surplus", share=share_in_words(assessment.share_used))


def changes_in_words(assessment: Assessment) -> tuple[str, ...]:
    """What would have to change for a near miss to become a match."""
    limits = {change.from_m for change in assessment.distance.changes if isinstance(change, RaiseDistanceLimit)}
    if len(limits) < len(assessment.distance.changes):
        others = [_change(change) for change in assessment.changes if not isinstance(change, RaiseDistanceLimit)]
        return *others, _beyond_both(assessment.distance)
    return tuple(_change(change) for change in assessment.changes)


def share_in_words(share: float) -> str:
    """A share that is not the whole is never rounded up to it, nor down to nothing."""
    if 0 < share < SMALLEST_SHARE:
        return _("less than %(share)s", share=percent(SMALLEST_SHARE))
    return percent(share if share >= 1 else min(share, 1 - SMALLEST_SHARE))


# Why it fits ------------------------------------------------------------------------------------------------------


def _material(term: MaterialTerm) -> Reason | None:
    substitution = term.substitution
    if substitution is None:
        return None
    if substitution.offered == substitution.demanded:
        return Reason(mark=Mark.FITS, title=_("The same material"))
    is_treated = substitution.treatment is not Treatment.NONE
    return Reason(
        mark=Mark.TREATMENT if is_treated else Mark.FITS,
        title=_serves_as(substitution),
        text=_note(substitution),
        caveat="" if substitution.is_verified else _("Engineering judgement, not verified."),
    )


def _serves_as(substitution: Substitution) -> str:
    names = {"offered": material_name(substitution.offered), "demanded": _in_a_sentence(substitution.demanded)}
    match substitution.treatment:
        case Treatment.NONE:
            return _("%(offered)s can serve as %(demanded)s", **names)
        case Treatment.SORTING:
            return _("%(offered)s can serve as %(demanded)s after sorting", **names)
        case Treatment.SIEVING:
            return _("%(offered)s can serve as %(demanded)s after sieving", **names)
        case Treatment.WASHING:
            return _("%(offered)s can serve as %(demanded)s after washing", **names)
        case Treatment.CRUSHING:
            return _("%(offered)s can serve as %(demanded)s after crushing", **names)


def _note(substitution: Substitution) -> str:
    return substitution.note_en if _is_english() else substitution.note_no


def _in_a_sentence(material_key: str) -> str:
    material = taxonomy().material(material_key)
    return material.name_en if _is_english() else material.name_no


def _is_english() -> bool:
    locale = get_locale()
    return locale is not None and locale.language == "en"


def _fraction(term: FractionTerm, fractions: Fractions) -> Reason | None:
    if term.verdict is Verdict.MISS:
        return None
    match term.grading:
        case Grading.UNKNOWN:
            return Reason(mark=Mark.UNKNOWN, title=_unknown_fraction(fractions))
        case Grading.WITHIN:
            return Reason(mark=Mark.FITS, title=_within(fractions))
        case Grading.ADJUSTABLE:
            return Reason(mark=Mark.TREATMENT, title=_adjusted(term, fractions))
        case _:
            return None


def _unknown_fraction(fractions: Fractions) -> str:
    if fractions.offered is None and fractions.demanded is None:
        return _("Neither side has said which grain fraction")
    if fractions.offered is None:
        return _("The giver has not said which grain fraction")
    return _("The taker has not said which grain fraction")


def _within(fractions: Fractions) -> str:
    offered, demanded = _fraction_in_words(fractions.offered), _fraction_in_words(fractions.demanded)
    if fractions.offered == fractions.demanded:
        return _("The same grain fraction, %(fraction)s", fraction=offered)
    return _("Grain fraction %(offered)s lies within %(demanded)s", offered=offered, demanded=demanded)


def _adjusted(term: FractionTerm, fractions: Fractions) -> str:
    gives, wanted = _fraction_in_words(term.gives), _fraction_in_words(fractions.demanded)
    if term.gives == fractions.demanded:
        if term.treatment is Treatment.CRUSHING:
            return _("Crushing gives the wanted fraction, %(fraction)s", fraction=wanted)
        return _("Sieving gives the wanted fraction, %(fraction)s", fraction=wanted)
    if term.treatment is Treatment.CRUSHING:
        return _("Crushing gives %(gives)s of the wanted %(wanted)s", gives=gives, wanted=wanted)
    return _("Sieving gives %(gives)s of the wanted %(wanted)s", gives=gives, wanted=wanted)


def _fraction_in_words(sizes: Fraction | None) -> str:
    return fraction((sizes.lower_mm, sizes.upper_mm) if sizes else None)


def _quality(term: QualityTerm) -> Reason | None:
    if term.verdict is Verdict.MISS:
        return None
    if term.quality_class is not None and term.quality_class > CLEAN_CLASS:
        return Reason(mark=Mark.FITS, title=_("May take masses of class %(class)s", **{"class": term.quality_class}))
    if term.documentation is Documentation.DECLARED:
        return Reason(mark=Mark.UNKNOWN, title=_("Declared clean, not tested"))
    return Reason(mark=Mark.FITS, title=_("Clean by laboratory results"))


def _period(term: PeriodTerm) -> Reason | None:
    if term.verdict is Verdict.MISS:
        return None
    return Reason(mark=Mark.FITS, title=_("The periods share %(duration)s", duration=days_in_words(term.overlap_days)))


def _limit(term: DistanceTerm, *, road_m: float | None) -> Reason | None:
    if term.verdict is Verdict.MISS or not term.limit_of:
        return None
    limit = distance(term.limit_m)
    if road_m is not None and road_m > term.limit_m:
        return Reason(
            mark=Mark.UNKNOWN,
            title=_("Within the limit of %(limit)s as the crow flies, beyond it by road", limit=limit),
        )
    if len(term.limit_of) > 1:
        return Reason(mark=Mark.FITS, title=_("Within the limit of %(limit)s that both have set", limit=limit))
    if LotKind.SURPLUS in term.limit_of:
        return Reason(mark=Mark.FITS, title=_("Within the giver's limit of %(limit)s", limit=limit))
    return Reason(mark=Mark.FITS, title=_("Within the taker's limit of %(limit)s", limit=limit))


# What would have to change ----------------------------------------------------------------------------------------


def _change(change: Change) -> str:
    match change:
        case Treat():
            return _treat(change)
        case ShiftPeriod():
            return _shift(change)
        case LowerSmallestLot():
            return _lower(change)
        case RaiseDistanceLimit():
            return _raise(change)
        case ProveQuality():
            return _prove(change)
        case AcceptClass():
            return _(
                "Class %(class)s, and the taker takes class %(most)s at most",
                **{"class": change.to_class, "most": change.from_class},
            )


def _treat(change: Treat) -> str:
    wanted = _fraction_in_words(change.fraction)
    if change.treatment is Treatment.CRUSHING:
        return _("Would have to be crushed to %(fraction)s", fraction=wanted)
    return _("Would have to be sieved to %(fraction)s", fraction=wanted)


def _shift(change: ShiftPeriod) -> str:
    duration = days_in_words(change.days)
    if change.timing is Timing.SURPLUS_TOO_EARLY:
        return _("Available %(duration)s too early", duration=duration)
    return _("Available %(duration)s too late", duration=duration)


def _lower(change: LowerSmallestLot) -> str:
    amounts = {"lot": tonnes(change.from_t), "mass": tonnes(change.to_t)}
    if change.side is LotKind.SURPLUS:
        return _("The giver's smallest lot is %(lot)s, and only %(mass)s are needed", **amounts)
    return _("The taker's smallest lot is %(lot)s, and there are only %(mass)s", **amounts)


def _raise(change: RaiseDistanceLimit) -> str:
    lengths = {"beyond": _beyond(change.to_m - change.from_m), "limit": distance(change.from_m)}
    if change.side is LotKind.SURPLUS:
        return _("%(beyond)s beyond the giver's limit of %(limit)s", **lengths)
    if change.side is not None:
        return _("%(beyond)s beyond the taker's limit of %(limit)s", **lengths)
    return _("%(beyond)s beyond the %(limit)s that masses are reckoned to go where nobody has set a limit", **lengths)


def _prove(change: ProveQuality) -> str:
    if change.needs is Documentation.TESTED:
        return _("Needs laboratory results: the taker does not accept what is only declared")
    return _("Nothing shows yet that it is clean")


def _beyond_both(term: DistanceTerm) -> str:
    lengths = {"beyond": _beyond(term.distance_m - term.limit_m), "limit": distance(term.limit_m)}
    return _("%(beyond)s beyond the limit of %(limit)s that both have set", **lengths)


def _beyond(length_m: float) -> str:
    return distance(max(length_m, SHORTEST_M))
