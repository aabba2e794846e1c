"""Every page of a demo database says that it is one."""

import time

from flask import Flask, current_app, g

from marketplace import db
from marketplace.models import Installation

REMEMBERED_S = 30.0
EXTENSION = "masseflyt_is_demo"


def is_demo() -> bool:
    """Whether the database is a demo; asked of the database at most every `REMEMBERED_S` seconds a process."""
    known, asked_at = current_app.extensions.get(EXTENSION, (False, float("-inf")))
    if time.monotonic() - asked_at < REMEMBERED_S:
        return bool(known)
    row = db.session.get(Installation, 1)
    found = row is not None and row.is_demo
    current_app.extensions[EXTENSION] = (found, time.monotonic())
    return found


def init_app(app: Flask) -> None:
    @app.context_processor
    def demo_globals() -> dict[str, object]:
        # An error page for a database that does not answer must not ask it anything.
        return {"demo_mode": False if g.get("database_failed") else is_demo()}
