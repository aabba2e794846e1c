"""A factor set as it is shown: its figures in tables, in the visitor's language."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.factor_words import (
    GROUPS,
    STATUSES,
    FactorGroup,
    factor_name,
    figure_words,
    group_of,
    note_words,
    range_of_key,
    source_of,
    source_words,
    unit_words,
)
from marketplace.i18n import translate
from marketplace.models import FactorRow, FactorSet
from marketplace.queries.factor_sets import factor_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorLine:
    """A figure, ready to be shown."""

    id: int
    key: str
    name: str
    figure: str
    range: str
    unit: str
    source: str
    source_url: str
    year: str
    is_verified: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorTable:
    """The figures of a kind."""

    group: FactorGroup
    heading: str
    lead: str
    lines: tuple[FactorLine, ...]


def factor_tables_of(kept: FactorSet) -> tuple[FactorTable, ...]:
    """The figures of a version, kind by kind."""
    return tuple(
        FactorTable(
            group=group,
            heading=translate(heading, {}),
            lead=translate(lead, {}),
            lines=tuple(factor_line(row) for row in kept.factors if group_of(row.key) is group),
        )
        for group, (heading, lead) in GROUPS.items()
    )


def factor_line(row: FactorRow) -> FactorLine:
    quantity = factor_of(row).quantity
    source = source_of(row.source)
    return FactorLine(
        id=row.id,
        key=row.key,
        name=factor_name(row.key),
        figure=figure_words(quantity),
        range=range_of_key(row.key, quantity),
        unit=unit_words(quantity.unit),
        source=source_words(row.source),
        source_url=source.url if source else "",
        year=str(row.source_year or ""),
        is_verified=row.is_verified,
        note=note_words(row.note),
    )


def status_of(kept: FactorSet) -> tuple[str, str]:
    """How far a version has come: the word, and the colour of its tag."""
    word, colour = STATUSES[kept.status]
    return translate(word, {}), colour


def names_in(rows: Sequence[FactorRow], group: FactorGroup) -> list[str]:
    """What the keys of a kind name: the lorries of a version, or its fuels."""
    return list(dict.fromkeys(row.key.split(".")[1] for row in rows if group_of(row.key) is group))
