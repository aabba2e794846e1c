"""Statements handed to the driver as they are, for the few that are asked so often that every bit of waiting counts.

SQLAlchemy writes the statement, once; from then on only its values go to psycopg, which has nothing to parse in it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import ClauseElement, Connection
from sqlalchemy.dialects.postgresql import psycopg as dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

Cursor: type[psycopg.RawCursor[Any]] = psycopg.RawCursor
_DIALECT = dialect.dialect(paramstyle="numeric_dollar")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectStatement:
    """SQL with $1, $2, ..., the name of the value that each stands for, and the values that never change."""

    sql: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]


def written(statement: ClauseElement) -> DirectStatement:
    """The statement as SQL. Its values must be what psycopg takes as they are: no enumerations, no geometry."""
    compiled = statement.compile(dialect=_DIALECT)
    assert isinstance(compiled, SQLCompiler)
    return DirectStatement(sql=str(compiled), names=tuple(compiled.positiontup or ()), fixed=dict(compiled.params))


def scalar(session: Session, statement: DirectStatement, values: Mapping[str, Any]) -> Any:
    """The first column of the first row, None where there is none.

    Raises:
        sqlalchemy.exc.DBAPIError: as where SQLAlchemy asks itself.
    """
    arguments = [values[name] if name in values else statement.fixed[name] for name in statement.names]
    try:
        with _driver_connection(session) as connection, Cursor(connection) as cursor:
            row = cursor.execute(statement.sql, arguments).fetchone()
    except psycopg.Error as error:
        raise DBAPIError.instance(statement.sql, None, error, psycopg.Error, hide_parameters=True) from error
    return None if row is None else row[0]


@contextmanager
def _driver_connection(session: Session) -> Iterator[psycopg.Connection[Any]]:
    """The session's connection where it has one; else one that is borrowed for one question, without a transaction."""
    bind = session.get_bind()
    if isinstance(bind, Connection) or session.in_transaction():
        yield session.connection().connection.driver_connection  # type: ignore[misc]  # psycopg's own
        return
    borrowed = bind.raw_connection()
    connection: Any = borrowed.driver_connection
    connection.autocommit = True
    try:
        yield connection
    finally:
        if connection.closed:
            borrowed.invalidate()
        else:
            connection.autocommit = False
        borrowed.close()
