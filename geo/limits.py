"""The parameters that laboratories report, and the limits that judge them.

The numbers are data: see `geo.quality_tables`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import ceil
from typing import Final

from geo.materials import Material, MaterialGroup
from geo.proof import Outcome


class RuleBook(StrEnum):
    """The rules that say whether a mass is clean."""

    SOIL = "soil"
    """Normal values and condition classes of ground."""
    CHAPTER_14A = "chapter_14a"
    """Concrete and brick, by the waste regulations."""
    ASPHALT = "asphalt"


class Verified(StrEnum):
    """How well a limit is known to be the official one."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


_ORDER: Final = tuple(Outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One step of a rule book, such as class 3. Compare by `rank`: a worse level has a higher one."""

    outcome: Outcome
    soil_class: int | None = None
    """1 to 5, and 6 above class 5; None in other rule books."""

    @property
    def rank(self) -> int:
        return 10 * _ORDER.index(self.outcome) + (self.soil_class or 0)


SOIL_LEVELS: Final = (
    Level(outcome=Outcome.CLEAN, soil_class=1),
    *(Level(outcome=Outcome.CONTAMINATED, soil_class=number) for number in (2, 3, 4, 5)),
    Level(outcome=Outcome.HAZARDOUS, soil_class=6),
)
CLEAN: Final = Level(outcome=Outcome.CLEAN)
CONDITIONAL: Final = Level(outcome=Outcome.CONDITIONAL)
CONTAMINATED: Final = Level(outcome=Outcome.CONTAMINATED)
HAZARDOUS: Final = Level(outcome=Outcome.HAZARDOUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The upper bound of a level, in mg/kg dry matter."""

    value_mg_kg: Decimal
    beyond: Level
    """What a value above it is."""
    verified: Verified
    is_inclusive: bool = False
    """Whether a value at the limit is beyond it already (">= 50 mg/kg")."""

    def is_passed_by(self, value_mg_kg: Decimal) -> bool:
        return value_mg_kg > self.value_mg_kg or (self.is_inclusive and value_mg_kg == self.value_mg_kg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one parameter in one rule book and medium, from the strictest."""

    parameter: str
    clean: Level
    steps: tuple[Limit, ...]
    source: str
    note: str

    @property
    def clean_up_to(self) -> Limit:
        return self.steps[0]

    def passed_by(self, value_mg_kg: Decimal) -> Limit | None:
        """The highest limit that the value is beyond; None where it is clean."""
        return next((step for step in reversed(self.steps) if step.is_passed_by(value_mg_kg)), None)

    def level_of(self, value_mg_kg: Decimal) -> Level:
        passed = self.passed_by(value_mg_kg)
        return self.clean if passed is None else passed.beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBookInfo:
    """A rule book's names, and the version of it that a judgement was made by."""

    key: RuleBook
    version: str
    name_no: str
    name_en: str
    source: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Something a laboratory measures."""

    code: str
    name_no: str
    name_en: str
    is_inorganic: bool
    part_of: str | None
    """The sum that it is a part of."""
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRule:
    """How many samples a rule wants of a lot."""

    key: str
    min_samples: int
    min_layers: int
    m3_per_sample: Decimal
    verified: Verified
    source: str
    note: str

    def samples_needed(self, volume_m3: Decimal) -> int:
        """The least number of samples of a lot of this bank volume."""
        return max(self.min_samples, ceil(volume_m3 / self.m3_per_sample))


type LimitsByParameter = Mapping[str, Limits]


def rule_book_of(material: Material) -> RuleBook:
    """Return which rules judge a material."""
    return _RULE_BOOKS[material.group]


_RULE_BOOKS: Final = {
    MaterialGroup.STONE: RuleBook.SOIL,
    MaterialGroup.SOIL: RuleBook.SOIL,
    MaterialGroup.CONCRETE: RuleBook.CHAPTER_14A,
    MaterialGroup.ASPHALT: RuleBook.ASPHALT,
}
