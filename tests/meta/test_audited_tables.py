"""Every table is audited, or stands here with the reason why not; and the log has words for all that it may hold."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, String, Text, text

from marketplace.models import Base
from marketplace.web.audit_words import COLUMNS, PARTS, SUBJECTS

ITS_OWN_RECORD = "is its own record: written once, never changed"
KEPT_FOR_ONE_PERSON = "concerns only the person whose it is"
REFERENCE = "is loaded from files that the repository holds"

NOT_AUDITED = {
    "alembic_version": "is Alembic's",
    "alert": ITS_OWN_RECORD,
    "alert_preference": KEPT_FOR_ONE_PERSON,
    "audit_entry": "is the log",
    "audit_reader": "is the log",
    "audit_seal": "is the log",
    "county": REFERENCE,
    "deal_follow": KEPT_FOR_ONE_PERSON,
    "deal_reading": KEPT_FOR_ONE_PERSON,
    "enquiry_message": ITS_OWN_RECORD,
    "gazetteer_place": REFERENCE,
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
    "saved_search": KEPT_FOR_ONE_PERSON,
    "ticket_file": "is a file on its way in; the loads that come of it are logged",
    "throttle": "counts attempts, by the minute",
}

SECRET = re.compile(r"token|password|secret|email(?!_confirmed)|telephone|phone|client_key")

TRIGGERS = """
    SELECT c.relname, t.tgname, t.tgenabled, p.prosrc
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgname IN ('audit', 'audit_truncate') AND c.relnamespace = 'public'::regnamespace
"""
LISTS = re.compile(r"ARRAY\[([^\]]*)\]::text\[\], ARRAY\[([^\]]*)\]::text\[\]")


@pytest.fixture(scope="module")
def triggers(engine: Engine) -> dict[str, dict[str, tuple[str, str]]]:
    """By table its audit triggers: whether they are enabled, and what they run."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    with engine.connect() as connection:
        for table, name, enabled, source in connection.execute(text(TRIGGERS)):
            found.setdefault(table, {})[name] = (enabled, source)
    return found


def test_every_table_is_audited_or_says_why_not(triggers: dict[str, dict[str, tuple[str, str]]]) -> None:
    tables = set(Base.metadata.tables) | {"alembic_version"}
    assert tables - triggers.keys() - NOT_AUDITED.keys() == set(), "neither audited nor excused"
    assert triggers.keys() & NOT_AUDITED.keys() == set(), "audited and excused"
    assert (triggers.keys() | NOT_AUDITED.keys()) - tables == set(), "no such table"


def test_the_triggers_are_on_and_see_truncation(triggers: dict[str, dict[str, tuple[str, str]]]) -> None:
    states = {table: {name: enabled for name, (enabled, _source) in each.items()} for table, each in triggers.items()}
    assert states == {table: {"audit": "O", "audit_truncate": "O"} for table in triggers}


def test_what_is_logged_has_words(triggers: dict[str, dict[str, tuple[str, str]]]) -> None:
    wordless = [table for table in triggers if table not in SUBJECTS and table not in PARTS]
    for table, each in triggers.items():
        wordless += [
            f"{table}.{column}"
            for column, _is_masked in logged_columns(table, each["audit"][1])
            if column not in COLUMNS and f"{table}.{column}" not in COLUMNS
        ]
    assert wordless == []


def test_no_secret_is_logged(triggers: dict[str, dict[str, tuple[str, str]]]) -> None:
    readable = [
        f"{table}.{column}"
        for table, each in triggers.items()
        for column, is_masked in logged_columns(table, each["audit"][1])
        if SECRET.search(column)
        and not is_masked
        and isinstance(Base.metadata.tables[table].columns[column].type, String | Text)
    ]
    assert readable == []


def logged_columns(table: str, source: str) -> Iterator[tuple[str, bool]]:
    """The columns that the trigger's function writes of, and whether it masks what they hold."""
    lists = LISTS.search(source)
    assert lists is not None, f"audit_on_{table} is not as audit_triggers.audited makes it"
    without, masked = (set(re.findall(r"'(\w+)'", each)) for each in lists.groups())
    for column in Base.metadata.tables[table].columns:
        if column.name not in without:
            yield column.name, column.name in masked
