"""Taking times of the program and of the SQL it runs, in turns, so that a busy machine slows both alike."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Engine, event

from marketplace.config import Settings
from marketplace.db import session_settings
from marketplace.queries import direct


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """SQL as the driver was handed it, and by which kind of cursor."""

    sql: str
    parameters: Any
    cursor: type[psycopg.Cursor[Any]] = psycopg.Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Medians in milliseconds of the same questions asked in two ways."""

    what: str
    bare_ms: float
    program_ms: float
    bytes: int
    indexes: tuple[str, ...]

    @property
    def ratio(self) -> float:
        return self.program_ms / self.bare_ms


@contextmanager
def recording(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that the program runs meanwhile."""
    statements: list[Statement] = []

    def note(_connection: object, _cursor: object, sql: str, parameters: object, *_rest: object) -> None:
        statements.append(Statement(sql=sql, parameters=parameters))

    class NotingCursor(psycopg.RawCursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> "NotingCursor":
            statements.append(Statement(sql=query, parameters=params, cursor=psycopg.RawCursor))
            return super().execute(query, params, **options)

    usual = direct.Cursor
    direct.Cursor = NotingCursor
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
        direct.Cursor = usual


def connect(settings: Settings) -> psycopg.Connection[Any]:
    """A connection without the program, but with the same settings of PostgreSQL."""
    options = " ".join(f"-c {name}={value}" for name, value in session_settings(settings).items())
    assert settings.database_url is not None
    return psycopg.connect(settings.database_url, options=options, autocommit=True)


def side_by_side(
    what: str,
    questions: Sequence[Callable[[], int]],
    *,
    engine: Engine,
    bare: psycopg.Connection[Any],
    rounds: int,
) -> Measured:
    """Each question asked through the program, and its statements through `bare`, in turns; whoever begins alternates.

    A question returns how many bytes it was answered with.
    """
    replayed: list[list[Statement]] = []
    sizes: list[int] = []
    for ask in questions:
        ask()  # fills what is kept for longer than a request: compiled statements, templates, translations
        with recording(engine) as statements:
            sizes.append(ask())
        replayed.append(statements)
        replay(bare, statements)
    bare_s: list[float] = []
    program_s: list[float] = []
    for turn in range(rounds):
        which = turn % len(questions)
        ways = [
            (bare_s, lambda which=which: replay(bare, replayed[which])),
            (program_s, questions[which]),
        ]
        for times, run in ways if turn % 2 else reversed(ways):
            started = time.perf_counter()
            run()
            times.append(time.perf_counter() - started)
    return Measured(
        what=what,
        bare_ms=1000 * statistics.median(bare_s),
        program_ms=1000 * statistics.median(program_s),
        bytes=round(statistics.median(sizes)),
        indexes=tuple(sorted({name for each in replayed for name in indexes_used(bare, each)})),
    )


def replay(bare: psycopg.Connection[Any], statements: Sequence[Statement]) -> None:
    for statement in statements:
        with statement.cursor(bare) as cursor:
            cursor.execute(statement.sql, statement.parameters)
            cursor.fetchall()


def indexes_used(bare: psycopg.Connection[Any], statements: Sequence[Statement]) -> Iterator[str]:
    """The indexes of `listing` that EXPLAIN names, and "no index" where the whole table is read."""
    for statement in statements:
        if "listing" not in statement.sql:
            continue
        with statement.cursor(bare) as cursor:
            row = cursor.execute(f"EXPLAIN (FORMAT json) {statement.sql}", statement.parameters).fetchone()
        assert row is not None
        yield from _indexes(row[0][0]["Plan"])


def _indexes(node: Mapping[str, Any]) -> Iterator[str]:
    name = node.get("Index Name", "")
    if name.startswith("ix_listing"):
        yield name
    elif node["Node Type"] == "Seq Scan" and node["Relation Name"] == "listing":
        yield "no index"
    for child in node.get("Plans", ()):
        yield from _indexes(child)


def table(rows: Sequence[Measured]) -> str:
    lines = [f"{'':44} {'bare SQL':>10} {'program':>10} {'ratio':>6} {'answer':>9}  indexes of listing"]
    lines += [
        f"{row.what:44} {row.bare_ms:7.2f} ms {row.program_ms:7.2f} ms {row.ratio:6.2f} {row.bytes / 1000:6.1f} kB"
        f"  {', '.join(name.removeprefix('ix_listing_') for name in row.indexes) or '-'}"
        for row in rows
    ]
    return "\n".join(lines)
