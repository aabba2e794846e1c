"""Reading the audit log: newest first, of one organisation or of all, and the names of what an entry tells of."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from marketplace.clock import OSLO
from marketplace.models import (
    AuditEntry,
    AuditReader,
    Deal,
    Facility,
    FactorSet,
    Listing,
    Membership,
    Municipality,
    Organisation,
    Project,
    User,
)
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import AuditAction

PAGE_SIZE = 30
BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """What is looked for. `organisation_id` None for everything there is, which only administrators may read."""

    organisation_id: int | None = None
    subject_type: str | None = None
    subject_id: int | None = None
    user_id: int | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """An entry with the name its person has now; None where nobody acted, or their account is gone."""

    id: int
    at: datetime
    user_id: int | None
    user_name: str | None
    user_is_admin: bool
    actor_label: str
    subject_type: str
    subject_id: int | None
    table_name: str
    row_id: int | None
    action: AuditAction
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def log_page(session: Session, *, wanted: LogFilter, cursor: Cursor, size: int = PAGE_SIZE) -> IdPage[LogEntry]:
    return page_by_id(
        session,
        _entries(wanted),
        key=_key(wanted),
        make=_entry,
        id_of=lambda entry: entry.id,
        cursor=cursor,
        size=size,
    )


def log_batches(session: Session, *, wanted: LogFilter, most: int) -> Iterator[tuple[LogEntry, ...]]:
    """All that is wanted, a batch at a time, until at least `most` were given."""
    cursor: Cursor | None = Cursor()
    given = 0
    while cursor is not None and given < most:
        page = log_page(session, wanted=wanted, cursor=cursor, size=BATCH)
        yield page.items
        given += len(page.items)
        cursor = page.older


def _key(wanted: LogFilter) -> InstrumentedAttribute[int]:
    """The id by that index which the page is read from."""
    return AuditEntry.id if wanted.organisation_id is None else AuditReader.entry_id


def _entries(wanted: LogFilter) -> Select[Any]:
    entries: Select[Any] = select(AuditEntry).add_columns(User.name, User.is_admin)
    query = entries.outerjoin(User, User.id == AuditEntry.actor_user_id)
    if wanted.organisation_id is not None:
        query = query.join(AuditReader, AuditReader.entry_id == AuditEntry.id)
        query = query.where(AuditReader.organisation_id == wanted.organisation_id)
    if wanted.subject_type is not None:
        query = query.where(AuditEntry.subject_type == wanted.subject_type)
    if wanted.subject_id is not None:
        query = query.where(AuditEntry.subject_id == wanted.subject_id)
    if wanted.user_id is not None:
        query = query.where(AuditEntry.actor_user_id == wanted.user_id)
    if wanted.day is not None:
        query = query.where(*_on(wanted.day, key=_key(wanted)))
    return query


def _on(day: date, *, key: InstrumentedAttribute[int]) -> Iterator[ColumnElement[bool]]:
    """The entries of a day in Norway, by their ids too: pages go by those, and would search all newer days else."""
    begins, ends = (_midnight(each) for each in (day, day + timedelta(days=1)))
    on_day = (AuditEntry.at >= begins, AuditEntry.at < ends)
    yield from on_day
    yield key >= select(func.min(AuditEntry.id)).where(*on_day).scalar_subquery()
    yield key <= select(func.max(AuditEntry.id)).where(*on_day).scalar_subquery()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=OSLO).astimezone(UTC)


def _entry(row: Row[Any]) -> LogEntry:
    entry: AuditEntry = row.AuditEntry
    return LogEntry(
        id=entry.id,
        at=entry.at,
        user_id=entry.actor_user_id,
        user_name=row.name,
        user_is_admin=bool(row.is_admin),
        actor_label=entry.actor_label,
        subject_type=entry.subject_type,
        subject_id=entry.subject_id,
        table_name=entry.table_name,
        row_id=entry.row_id,
        action=entry.action,
        before=entry.before or {},
        after=entry.after or {},
    )


# Names ------------------------------------------------------------------------------------------------------------

NAMES: dict[str, tuple[Any, Any]] = {
    "app_user": (User.id, User.name),
    "organisation": (Organisation.id, Organisation.name),
    "municipality": (Municipality.number, Municipality.name),
    "project": (Project.id, Project.name),
    "facility": (Facility.id, Facility.name),
    "listing": (Listing.id, Listing.material_key),
    "deal": (Deal.id, Deal.material_key),
    "factor_set": (FactorSet.id, FactorSet.name),
}
"""Table -> what its rows are known by, and what they are called: of a listing and a deal, the material."""


def names_of(session: Session, *, rows: Mapping[str, Iterable[int | str]]) -> dict[tuple[str, int | str], str]:
    """What each of `rows` (by table) is called now; those that are gone are left out."""
    found: dict[tuple[str, int | str], str] = {}
    for table, keys in sorted(rows.items()):
        if table in NAMES and keys:
            key, name = NAMES[table]
            query = select(key, name).where(key.in_(sorted(set(keys))))
            found.update({(table, row[0]): row[1] for row in session.execute(query)})
    return found


def administrators_among(session: Session, *, user_ids: Iterable[int | str]) -> frozenset[int]:
    query = select(User.id).where(User.id.in_(sorted(set(user_ids))), User.is_admin)
    return frozenset(session.scalars(query))


def people_of(session: Session, *, organisation_id: int) -> list[tuple[int, str]]:
    """The members, by name."""
    query = (
        select(User.id, User.name)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organisation_id == organisation_id)
        .order_by(User.name, User.id)
    )
    return [(row.id, row.name) for row in session.execute(query)]


def name_in_log(session: Session, *, organisation_id: int, user_id: int, knows_administrators: bool) -> str | None:
    """The name of somebody who acts in an organisation's log; None for anybody else, whether or not they exist.

    Administrators of Masseflyt are not named to its members (`knows_administrators`), unless they are such themselves.
    """
    has_acted = (
        select(AuditEntry.id)
        .join(AuditReader, AuditReader.entry_id == AuditEntry.id)
        .where(AuditReader.organisation_id == organisation_id, AuditEntry.actor_user_id == user_id)
    )
    query = select(User.name).where(User.id == user_id, has_acted.exists())
    return session.scalar(query if knows_administrators else query.where(~User.is_admin))


def user_id_of(session: Session, *, email: str) -> int | None:
    return session.scalar(select(User.id).where(func.lower(User.email) == email.strip().lower()))
