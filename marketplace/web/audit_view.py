"""The log of changes in words: a sentence an entry, and what was before and after."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from geo.errors import MaterialError
from marketplace import filters
from marketplace.i18n import translate
from marketplace.i18n_marker import N_
from marketplace.labels import material_name
from marketplace.models import Base
from marketplace.queries.audit import NAMES, LogEntry, administrators_among, names_of
from marketplace.types import AuditAction
from marketplace.web.audit_words import COLUMNS, PARTS, SUBJECTS, VALUES

MASK: Final = "***"
LONGEST_SHOWN: Final = 300
FEW_CHANGES: Final = 6
"""As many are read at a glance; more are folded."""

PAGES: Final = {
    "listing": ("listings.show", "listing_id"),
    "deal": ("deals.show", "deal_id"),
    "project": ("projects.show", "project_id"),
    "facility": ("facilities.show", "facility_id"),
    "organisation": ("organisations.show", "organisation_id"),
    "factor_set": ("admin_factors.show", "set_id"),
}

SENTENCES: Final = {
    AuditAction.INSERT: N_("%(who)s created %(subject)s"),
    AuditAction.UPDATE: N_("%(who)s changed %(subject)s"),
    AuditAction.DELETE: N_("%(who)s deleted %(subject)s"),
}
PART_SENTENCES: Final = {
    AuditAction.INSERT: N_("%(who)s added %(part)s to %(subject)s"),
    AuditAction.UPDATE: N_("%(who)s changed %(part)s of %(subject)s"),
    AuditAction.DELETE: N_("%(who)s deleted %(part)s of %(subject)s"),
}
TABLE_SENTENCES: Final = {
    AuditAction.TRUNCATE: N_("%(who)s emptied the table %(table)s"),
    AuditAction.NOTE: N_("%(who)s wrote to the table %(table)s without logging each row"),
}

ACTORS: Final = {
    "user": N_("Somebody whose account is gone"),
    "visitor": N_("A visitor"),
    "system": N_("Somebody with access to the database"),
    "job": N_("Masseflyt itself"),
    "cli": N_("The operator of Masseflyt"),
    "gate": N_("The link at the gate"),
    "link": N_("Somebody with a mailed link"),
    "token": N_("A key for the API"),
}
"""The part of `AuditEntry.actor_label` before its colon -> who that is."""
A_MODERATOR: Final = N_("An administrator of Masseflyt")

KEPT_FROM_MEMBERS: Final = frozenset({("organisation", "verification_note")})
"""Columns (table, column) that administrators write for each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A column in words; `before` is None for a new row, `after` for a deleted one."""

    label: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    id: int
    at: datetime
    action: AuditAction
    sentence: Markup
    who: str
    user_id: int | None
    """Whom the log can be narrowed down to, where the reader may know them."""
    thing: str
    part: str
    subject_type: str
    subject_id: int | None
    changes: tuple[Change, ...]

    @property
    def is_folded(self) -> bool:
        return self.action is not AuditAction.UPDATE or len(self.changes) > FEW_CHANGES


def log_lines(session: Session, entries: Sequence[LogEntry], *, members: frozenset[int] | None) -> list[LogLine]:
    """`members` are the people of the organisation whose log it is; other administrators are not named in it.

    None for the log of everything, where everybody is.
    """
    rows = _rows_to_name(entries)
    names = names_of(session, rows=rows)
    if members is not None:
        strangers = administrators_among(session, user_ids=rows["app_user"]) - members
        names |= {("app_user", user_id): translate(A_MODERATOR, {}) for user_id in strangers}
    wording = _Wording(names, members=members)
    return [wording.line(entry) for entry in entries]


def change_of_column(table: str, column: str) -> str:
    """What a column is called; its own name where nobody has found words for it."""
    message = COLUMNS.get(f"{table}.{column}") or COLUMNS.get(column)
    return translate(message, {}) if message else column


def known_as(table: str) -> str:
    return translate(SUBJECTS[table][1], {}) if table in SUBJECTS else table


# What must be looked up -------------------------------------------------------------------------------------------


def _rows_to_name(entries: Iterable[LogEntry]) -> dict[str, set[int | str]]:
    rows: dict[str, set[int | str]] = defaultdict(set)
    for entry in entries:
        if entry.subject_id is not None:
            rows[entry.subject_type].add(entry.subject_id)
        if entry.table_name == "membership" and entry.row_id is not None:
            rows["app_user"].add(entry.row_id)
        for values in (entry.before, entry.after):
            for column, value in values.items():
                table = _points_at(entry.table_name, column)
                if table in NAMES and isinstance(value, int | str) and value != MASK:
                    rows[table].add(value)
    return rows


def _points_at(table: str, column: str) -> str | None:
    found = _column(table, column)
    keys = sorted(key.column.table.name for key in found.foreign_keys) if found is not None else []
    return keys[0] if keys else None


def _column(table: str, column: str) -> sa.Column[Any] | None:
    known = Base.metadata.tables.get(table)
    return known.columns.get(column) if known is not None else None


# Words ------------------------------------------------------------------------------------------------------------


class _Wording:
    """Puts entries into words, with the names that were looked up for them."""

    def __init__(self, names: Mapping[tuple[str, int | str], str], *, members: frozenset[int] | None) -> None:
        self.names, self.members = names, members

    def line(self, entry: LogEntry) -> LogLine:
        is_named = self._is_named(entry)
        who = self._who(entry, is_named=is_named)
        thing, link = self._subject(entry)
        part = "" if entry.table_name == entry.subject_type else self._part(entry)
        return LogLine(
            id=entry.id,
            at=entry.at,
            action=entry.action,
            sentence=_sentence(entry, who=who, subject=link, part=part),
            who=who,
            user_id=entry.user_id if is_named and entry.user_name else None,
            thing=thing,
            part=part,
            subject_type=entry.subject_type,
            subject_id=entry.subject_id,
            changes=tuple(self._changes(entry)),
        )

    def _is_named(self, entry: LogEntry) -> bool:
        return self.members is None or not entry.user_is_admin or entry.user_id in self.members

    def _who(self, entry: LogEntry, *, is_named: bool) -> str:
        if entry.user_id is not None and not is_named:
            return translate(A_MODERATOR, {})
        kind, _colon, which = entry.actor_label.partition(":")
        name = entry.user_name or translate(ACTORS.get(kind, ACTORS["system"]), {})
        return f"{name} ({which})" if which and (self.members is None or kind == "gate") else name

    def _subject(self, entry: LogEntry) -> tuple[str, Markup]:
        """What it is about: in words, and as a link where it can be looked at."""
        table, number = entry.subject_type, entry.subject_id
        if table not in SUBJECTS or number is None:
            return table, escape(table)
        name = self.names.get((table, number))
        if table in ("listing", "deal"):
            what = f"{number} ({material_name(name)})" if name else str(number)
        else:
            what = name or str(number)
        words = translate(SUBJECTS[table][0], {"what": what})
        if name is None or table not in PAGES:
            return words, escape(words)
        endpoint, argument = PAGES[table]
        address = url_for(endpoint, **{argument: number})  # type: ignore[arg-type]  # the name of an id
        return words, Markup('<a class="ds-link" href="{}">{}</a>').format(address, words)

    def _part(self, entry: LogEntry) -> str:
        message = PARTS.get(entry.table_name)
        if message is None:
            return entry.table_name
        name = self.names.get(("app_user", entry.row_id)) if entry.row_id is not None else None
        return translate(message, {"name": name or _("somebody whose account is gone")})

    def _changes(self, entry: LogEntry) -> Iterator[Change]:
        table = entry.table_name
        for column in sorted(entry.before.keys() | entry.after.keys(), key=lambda name: _order(table, name)):
            before, after = entry.before.get(column), entry.after.get(column)
            yield Change(
                label=change_of_column(table, column),
                before=None if entry.action is AuditAction.INSERT else self._value(table, column, before),
                after=None if entry.action is AuditAction.DELETE else self._value(table, column, after),
            )

    def _value(self, table: str, column: str, value: Any) -> str:
        if value is None or value in ("", []):
            return filters.EN_DASH
        if value == MASK or (self.members is not None and (table, column) in KEPT_FROM_MEMBERS):
            return _("not shown")
        points_at = _points_at(table, column)
        if points_at == "material":
            return material_name(value)
        if points_at in NAMES and (points_at, value) in self.names and points_at not in ("listing", "deal"):
            return self.names[points_at, value]
        return _written(_column(table, column), value)


def _sentence(entry: LogEntry, *, who: str, subject: Markup, part: str) -> Markup:
    """The translated sentence with the link in it; all else is escaped."""
    if entry.action in TABLE_SENTENCES:
        return _filled(TABLE_SENTENCES[entry.action], who=who, table=entry.table_name)
    message = (PART_SENTENCES if part else SENTENCES)[entry.action]
    return _filled(message, who=Markup("<strong>{}</strong>").format(who), subject=subject, part=part)


def _filled(message: str, **values: str) -> Markup:
    places: dict[str, object] = {name: f"%({name})s" for name in values}
    return escape(translate(message, places)) % values


def _order(table: str, column: str) -> tuple[int, str]:
    known = Base.metadata.tables.get(table)
    names = list(known.columns.keys()) if known is not None else []
    return (names.index(column) if column in names else len(names), column)


def _written(column: sa.Column[Any] | None, value: Any) -> str:
    """A value as the log keeps it, JSON, the way its column would be shown."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, dict | list):
        return _composed(value)
    return _of_type(column.type if column is not None else None, value)


def _of_type(kind: sa.types.TypeEngine[Any] | None, value: Any) -> str:
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return _member(kind.enum_class, str(value))
    if isinstance(kind, sa.DateTime):
        return filters.datetime_(datetime.fromisoformat(value))
    if isinstance(kind, sa.Date):
        return filters.date_(date.fromisoformat(value))
    if isinstance(kind, sa.Numeric):
        return filters.number(Decimal(str(value)), 9)
    return _shortened(str(value))


def _member(enumeration: type[Any], value: str) -> str:
    try:
        member: StrEnum = enumeration(value)
    except ValueError:  # one that there was once
        return value
    message = VALUES.get(enumeration, {}).get(member)
    return translate(message, {}) if message else value


def _composed(value: dict[str, Any] | list[Any]) -> str:
    """A place as its coordinates, a list of materials as their names, anything else as it is kept."""
    if isinstance(value, dict) and {"lat", "lon"} <= value.keys():
        return f"{value['lat']:.6f}, {value['lon']:.6f}"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(_material_or_itself(each) for each in value)
    return _shortened(json.dumps(value, ensure_ascii=False))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _material_or_itself(text: str) -> str:
    try:
        return material_name(text)
    except MaterialError:
        return text
