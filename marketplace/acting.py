"""Telling the database who acts, for the audit log: once for a session, and again as each transaction of it begins."""

from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session, SessionTransaction

ACTING = "acting"
"""Its key in `Session.info`."""

TELL = text(
    "SELECT set_config('masseflyt.actor_user_id', :user_id, true), set_config('masseflyt.actor_label', :label, true),"
    " set_config('masseflyt.request_id', :request_id, true)"
)
"""To the end of the transaction, so that nothing is left in a connection of the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who or what acts: `label` is `user`, `visitor`, `job:<task>`, `cli:<command>`, `gate:<link>`, `token:<id>`."""

    label: str
    user_id: int | None = None
    request_id: str | None = None


def act_as(session: Session, acting: Acting) -> None:
    """Everything that the session writes from now on is logged as done by `acting`."""
    session.info[ACTING] = acting
    if session.in_transaction():
        _tell(session.connection(), acting)


def tell_when_begun(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """Listens to `after_begin`."""
    acting = session.info.get(ACTING)
    if isinstance(acting, Acting) and not transaction.nested:
        _tell(connection, acting)


def _tell(connection: Connection, acting: Acting) -> None:
    user_id = "" if acting.user_id is None else str(acting.user_id)
    connection.execute(TELL, {"user_id": user_id, "label": acting.label, "request_id": acting.request_id or ""})
