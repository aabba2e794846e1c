"""What is done once a session's transaction has ended, in one of its own.

For what is worth keeping though the session is only reading: it must not be committed with the session, and by then
the session has given its connection back, so that nobody ever waits for a second one while holding the first. It may
fail to be done, and then only the log tells.
"""

from collections.abc import Callable

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, SessionTransaction

log = structlog.get_logger("masseflyt.db")

AFTERWARDS = "afterwards"

type Deed = Callable[[Connection], None]


def afterwards(session: Session, do: Deed) -> None:
    """Have something done when the session's transaction ends, whichever way it ends."""
    session.info.setdefault(AFTERWARDS, []).append(do)


def do_afterwards(session: Session, transaction: SessionTransaction) -> None:
    """Listens to the end of each transaction of the program's sessions."""
    if transaction.parent is not None or AFTERWARDS not in session.info:
        return
    pending: list[Deed] = session.info.pop(AFTERWARDS)
    bind = session.get_bind()
    try:
        if isinstance(bind, Connection):
            with bind.begin_nested():
                _do_each(pending, bind)
        else:
            with bind.begin() as connection:
                _do_each(pending, connection)
    except SQLAlchemyError as error:  # the session's own work is done, and must not seem to have failed
        log.warning("afterwards_failed", error=str(error))


def _do_each(pending: list[Deed], connection: Connection) -> None:
    for do in pending:
        do(connection)
