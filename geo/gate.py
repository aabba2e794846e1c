"""Whether a lot may be offered as clean: what documents it, what stands in the way, and what to do about that."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from geo.declarations import (
    STORED_AS_WASTE,
    Declaration,
    may_be_declared,
    required_declarations,
    storage_deadline,
)
from geo.materials import Material
from geo.proof import DeclarationKind, Documentation, Medium, Outcome
from geo.quality import FindingKind, Judgement


class ObstacleKind(StrEnum):
    """What keeps a lot from being offered as clean."""

    NOT_DOCUMENTED = "not_documented"
    """Neither laboratory values nor an unpolluted origin."""
    UNKNOWN = "unknown"
    """There are laboratory values, and they do not settle it. parameters: those that leave it open."""
    CONTAMINATED = "contaminated"
    """soil_class: 2 to 5, None in other rule books; parameters: those that exceed."""
    HAZARDOUS_POSSIBLE = "hazardous_possible"
    """parameters: those that exceed."""
    BASIS_MISSING = "basis_missing"
    """declaration: made without saying what it rests on."""
    CANNOT_BE_DECLARED = "cannot_be_declared"
    """declaration: of unpolluted origin, for a material that is no natural ground."""
    DECLARATION_MISSING = "declaration_missing"
    """declaration: one the material needs."""
    DECLARATION_DENIED = "declaration_denied"
    """declaration: one the material needs, and the owner says that it is not so."""
    STORED_TOO_LONG = "stored_too_long"
    """due_on: the day when the store became a landfill."""


class Remedy(StrEnum):
    """What the owner can do."""

    ENTER_LAB_RESULTS = "enter_lab_results"
    SAMPLE_MASS = "sample_mass"
    """The coating alone was sampled."""
    DECLARE_ORIGIN = "declare_origin"
    STATE_BASIS = "state_basis"
    ANALYSE_MISSING = "analyse_missing"
    LOWER_LOQ = "lower_loq"
    """Have it analysed with a lower limit of quantification."""
    ASK_LABORATORY = "ask_laboratory"
    """Its sum and the parts of it do not agree."""
    DECLARE = "declare"
    DOCUMENT_BY_SAMPLING = "document_by_sampling"
    """By the sampling rule for acid-forming rock."""
    SAMPLE_COATING = "sample_coating"
    REMOVE_COATING = "remove_coating"
    SORT = "sort"
    """Take out what does not belong in it."""
    KEEP_INSIDE = "keep_inside"
    """Register and report it; reuse elsewhere needs a permit from Miljødirektoratet."""
    DELIVER = "deliver"
    """To a receiver with a permit for it."""
    ASK_EXPERT = "ask_expert"


class ConditionKind(StrEnum):
    """What a lot that may be offered comes with."""

    COATING = "coating"
    """Reusable only on the conditions of chapter 14A-5."""
    PROCESS_BEFORE_USE = "process_before_use"
    """Waste until it is processed, and no fill."""
    USE_BEFORE = "use_before"
    """due_on: stored longer it becomes a landfill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """One thing in the way, and what can be done about it."""

    kind: ObstacleKind
    remedies: tuple[Remedy, ...]
    declaration: DeclarationKind | None = None
    parameters: tuple[str, ...] = ()
    soil_class: int | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that whoever takes the lot has to heed."""

    kind: ConditionKind
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a lot may be offered as clean."""

    documentation: Documentation
    """NONE wherever something stands in the way."""
    obstacles: tuple[Obstacle, ...]
    conditions: tuple[Condition, ...]

    @property
    def may_be_published(self) -> bool:
        """Whether it may be listed for others to see."""
        return not self.obstacles


def may_be_clean(
    material: Material,
    *,
    judgement: Judgement | None,
    declarations: Iterable[Declaration],
    today: date,
    is_from_farmland: bool | None = None,
    stored_since: date | None = None,
) -> Verdict:
    """Return whether a lot may be offered as clean.

    It may where its laboratory values say so, or where the owner declares an unpolluted origin and no value speaks
    against it; in both cases with every declaration that the material needs. `judgement` None: nothing was sampled.
    """
    # Of two statements of one kind the less favourable counts, in whatever order they come.
    ordered = sorted(declarations, key=lambda each: (not each.is_met, not each.basis.strip()))
    stated = {each.kind: each for each in ordered}
    if judgement is not None and not judgement.samples:
        judgement = None
    documentation, obstacles = _documented(material, judgement, stated.get(DeclarationKind.VIRGIN_AREA))
    has_coating_samples = judgement is not None and any(each.medium is Medium.COATING for each in judgement.samples)
    required = required_declarations(
        material, is_from_farmland=is_from_farmland, has_coating_samples=has_coating_samples
    )
    obstacles += [obstacle for kind in required if (obstacle := _undeclared(kind, stated.get(kind)))]
    due_on = storage_deadline(material, stored_since) if stored_since else None
    if due_on is not None and today >= due_on:
        obstacles.append(
            Obstacle(kind=ObstacleKind.STORED_TOO_LONG, remedies=(Remedy.DELIVER,), due_on=due_on),
        )
    return Verdict(
        documentation=Documentation.NONE if obstacles else documentation,
        obstacles=tuple(obstacles),
        conditions=() if obstacles else _conditions(material, judgement, due_on),
    )


# What documents it ----------------------------------------------------------------------------------------------


def _documented(
    material: Material, judgement: Judgement | None, origin: Declaration | None
) -> tuple[Documentation, list[Obstacle]]:
    if judgement is not None:
        if judgement.outcome in {Outcome.CLEAN, Outcome.CONDITIONAL}:
            return Documentation.TESTED, []
        if judgement.outcome is not Outcome.UNKNOWN:
            return Documentation.NONE, [_contaminated(judgement)]
    if origin is not None and origin.is_met:
        refused = _refused_origin(material, origin)
        return (Documentation.NONE, [refused]) if refused else (Documentation.DECLARED, [])
    return Documentation.NONE, [_undocumented(material) if judgement is None else _unknown(judgement)]


def _contaminated(judgement: Judgement) -> Obstacle:
    exceeding = [each for each in judgement.reasons if each.kind is FindingKind.EXCEEDS]
    is_coating = all(each.medium is Medium.COATING for each in exceeding)
    is_hazardous = judgement.outcome is Outcome.HAZARDOUS
    remedies = (Remedy.ASK_EXPERT, Remedy.DELIVER) if is_hazardous else (Remedy.KEEP_INSIDE, Remedy.DELIVER)
    return Obstacle(
        kind=ObstacleKind.HAZARDOUS_POSSIBLE if is_hazardous else ObstacleKind.CONTAMINATED,
        remedies=(Remedy.REMOVE_COATING, *remedies) if is_coating else remedies,
        soil_class=judgement.soil_class,
        parameters=_codes(each.parameter for each in exceeding),
    )


_REMEDIES: Final = {
    FindingKind.NOT_ANALYSED: Remedy.ANALYSE_MISSING,
    FindingKind.HIDDEN_BY_LOQ: Remedy.LOWER_LOQ,
    FindingKind.SUM_STRADDLES: Remedy.LOWER_LOQ,
    FindingKind.SUM_BELOW_PARTS: Remedy.ASK_LABORATORY,
}


def _unknown(judgement: Judgement) -> Obstacle:
    open_ones = [each for each in judgement.reasons if each.kind in _REMEDIES]
    remedies = dict.fromkeys(_REMEDIES[each.kind] for each in open_ones)
    if not any(each.medium is Medium.MASS for each in judgement.samples):
        remedies = {Remedy.SAMPLE_MASS: None} | remedies
    return Obstacle(
        kind=ObstacleKind.UNKNOWN,
        remedies=tuple(remedies) or (Remedy.ENTER_LAB_RESULTS,),
        parameters=_codes(each.parameter for each in open_ones),
    )


def _undocumented(material: Material) -> Obstacle:
    origin = (Remedy.DECLARE_ORIGIN,) if may_be_declared(material) else ()
    return Obstacle(kind=ObstacleKind.NOT_DOCUMENTED, remedies=(Remedy.ENTER_LAB_RESULTS, *origin))


def _refused_origin(material: Material, origin: Declaration) -> Obstacle | None:
    if not may_be_declared(material):
        kind, remedy = ObstacleKind.CANNOT_BE_DECLARED, Remedy.ENTER_LAB_RESULTS
    elif not origin.basis.strip():
        kind, remedy = ObstacleKind.BASIS_MISSING, Remedy.STATE_BASIS
    else:
        return None
    return Obstacle(kind=kind, remedies=(remedy,), declaration=origin.kind)


def _codes(parameters: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parameters))


# Declarations and conditions ------------------------------------------------------------------------------------

_IF_DENIED: Final = {
    DeclarationKind.NOT_ACID_FORMING: (Remedy.DOCUMENT_BY_SAMPLING, Remedy.KEEP_INSIDE),
    DeclarationKind.ALIEN_SPECIES: (Remedy.KEEP_INSIDE, Remedy.DELIVER),
    DeclarationKind.FARMLAND_PESTS: (Remedy.KEEP_INSIDE, Remedy.DELIVER),
    DeclarationKind.NO_PLANT_WASTE: (Remedy.SORT,),
    DeclarationKind.NO_FOREIGN_PARTS: (Remedy.SORT,),
    DeclarationKind.NO_COATING: (Remedy.SAMPLE_COATING, Remedy.REMOVE_COATING),
}


def _undeclared(kind: DeclarationKind, declaration: Declaration | None) -> Obstacle | None:
    if declaration is None:
        sampled = (Remedy.SAMPLE_COATING,) if kind is DeclarationKind.NO_COATING else ()
        return Obstacle(kind=ObstacleKind.DECLARATION_MISSING, remedies=(Remedy.DECLARE, *sampled), declaration=kind)
    if declaration.is_met:
        return None
    return Obstacle(kind=ObstacleKind.DECLARATION_DENIED, remedies=_IF_DENIED[kind], declaration=kind)


def _conditions(material: Material, judgement: Judgement | None, due_on: date | None) -> tuple[Condition, ...]:
    found = []
    if judgement is not None and judgement.outcome is Outcome.CONDITIONAL:
        found.append(Condition(kind=ConditionKind.COATING))
    if material.key in STORED_AS_WASTE:
        found.append(Condition(kind=ConditionKind.PROCESS_BEFORE_USE))
    if due_on is not None:
        found.append(Condition(kind=ConditionKind.USE_BEFORE, due_on=due_on))
    return tuple(found)
