"""For the machines that watch: alive, and able to serve."""

from http import HTTPStatus

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from marketplace import db
from marketplace.migrate import head_revision
from marketplace.permissions import Permission
from marketplace.web.access import requires

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@requires(Permission.PUBLIC)
def alive() -> ResponseReturnValue:
    return {"status": "ok"}


@bp.get("/readyz")
@requires(Permission.PUBLIC)
def ready() -> ResponseReturnValue:
    """Ready when the database answers and stands at the migration this program was written for."""
    try:
        revision = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except SQLAlchemyError:
        return {"status": "unavailable", "database": "no answer"}, HTTPStatus.SERVICE_UNAVAILABLE
    if revision != head_revision():
        return {"status": "unavailable", "database": "not migrated", "at": revision}, HTTPStatus.SERVICE_UNAVAILABLE
    return {"status": "ok", "revision": revision}
