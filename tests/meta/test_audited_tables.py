"""Every table is audited, or stands here with the reason why not; and the log has words for all that it may hold."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, String, Text, text

from marketplace.models import Base
from marketplace.web.audit_words import COLUMNS, PARTS, SUBJECTS

ITS_OWN_RECORD = "is its own record: written once, never changed"
KEPT_FOR_ONE_PERSON = "concerns only the person whose it is"
REFERENCE = "is loaded from files that the repository holds"
ADDED_UP = "is what the database itself adds up of loads"

NOT_AUDITED = {
    "alembic_version": "is Alembic's",
    "alert": ITS_OWN_RECORD,
    "alert_preference": KEPT_FOR_ONE_PERSON,
    "audit_entry": "is the log",
    "audit_reader": "is the log",
    "audit_seal": "is the log",
    "county": REFERENCE,
    "deal_follow": KEPT_FOR_ONE_PERSON,
    "deal_impact": ITS_OWN_RECORD,
    "deal_month": ADDED_UP,
    "deal_reading": KEPT_FOR_ONE_PERSON,
    "enquiry_message": ITS_OWN_RECORD,
    "flow_month": ADDED_UP,
    "gazetteer_place": REFERENCE,
    "impact_report": ITS_OWN_RECORD,
    "import_batch": "is the progress of a file; what comes of it is logged",
    "import_row": "is a file on its way in; what comes of it is logged",
    "installation": "says what this database is, and holds a secret",
    "lab_draft": "counts for nothing until it is confirmed, and then the report is logged",
    "listing_news": "is a queue",
    "match_subscription": KEPT_FOR_ONE_PERSON,
    "material": REFERENCE,
    "municipality": REFERENCE,
    "municipality_alias": REFERENCE,
    "notice": KEPT_FOR_ONE_PERSON,
    "notice_digest": KEPT_FOR_ONE_PERSON,
    "outbox_mail": ITS_OWN_RECORD,
    "planned_listing": "is what the program itself last wrote into a listing",
    "road_leg": "keeps what the network of roads has answered, and follows from it",
    "saved_search": KEPT_FOR_ONE_PERSON,
    "ticket_file": "is a file on its way in; the loads that come of it are logged",
    "throttle": "counts attempts, by the minute",
}

SECRET = re.compile(r"token|password|secret|email(?!_confirmed)|telephone|phone|client_key")

TRIGGERS = """
    SELECT c.relname, t.tgname, t.tgenabled, p.prosrc, obj_description(p.oid, 'pg_proc')
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgname IN ('audit', 'audit_truncate') AND c.relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A table's triggers: whether each is enabled, what they run, and what that was written from."""

    enabled: dict[str, str]
    source: str
    without: frozenset[str]
    masked: frozenset[str]

    def logged(self, table: str) -> Iterator[tuple[str, bool]]:
        """The columns that are logged, and whether it is hidden what they hold."""
        for column in Base.metadata.tables[table].columns:
            if column.name not in self.without:
                yield column.name, column.name in self.masked


@pytest.fixture(scope="module")
def audited(engine: Engine) -> dict[str, Audited]:
    found: dict[str, Audited] = {}
    with engine.connect() as connection:
        for table, name, enabled, source, options in connection.execute(text(TRIGGERS)):
            given = json.loads(options)
            lists = {"without": frozenset(given["without"]), "masked": frozenset(given["masked"])}
            each = found.setdefault(table, Audited(enabled={}, source=source, **lists))
            each.enabled[name] = enabled
    return found


def test_every_table_is_audited_or_says_why_not(audited: dict[str, Audited]) -> None:
    tables = set(Base.metadata.tables) | {"alembic_version"}
    assert tables - audited.keys() - NOT_AUDITED.keys() == set(), "neither audited nor excused"
    assert audited.keys() & NOT_AUDITED.keys() == set(), "audited and excused"
    assert (audited.keys() | NOT_AUDITED.keys()) - tables == set(), "no such table"


def test_the_triggers_are_on_and_see_truncation(audited: dict[str, Audited]) -> None:
    states = {table: each.enabled for table, each in audited.items()}
    assert states == {table: {"audit": "O", "audit_truncate": "O"} for table in audited}


def test_columns_that_later_migrations_added_are_logged_too(audited: dict[str, Audited]) -> None:
    missing = [
        f"{table}.{column}"
        for table, each in audited.items()
        for column, _is_masked in each.logged(table)
        if f"NEW.{column} IS DISTINCT FROM OLD.{column}" not in each.source
    ]
    assert missing == []


def test_what_is_logged_has_words(audited: dict[str, Audited]) -> None:
    wordless = [table for table in audited if table not in SUBJECTS and table not in PARTS]
    wordless += [
        f"{table}.{column}"
        for table, each in audited.items()
        for column, _is_masked in each.logged(table)
        if column not in COLUMNS and f"{table}.{column}" not in COLUMNS
    ]
    assert wordless == []


def test_no_secret_is_logged(audited: dict[str, Audited]) -> None:
    readable = [
        f"{table}.{column}"
        for table, each in audited.items()
        for column, is_masked in each.logged(table)
        if SECRET.search(column)
        and not is_masked
        and isinstance(Base.metadata.tables[table].columns[column].type, String | Text)
    ]
    assert readable == []
