"""The language switch."""

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from marketplace import db
from marketplace.errors import NotFound
from marketplace.i18n import LOCALES
from marketplace.permissions import Permission
from marketplace.services.accounts import choose_locale
from marketplace.web.access import current_actor, requires
from marketplace.web.security import safe_next

bp = Blueprint("language", __name__)


@bp.post("/language")
@requires(Permission.PUBLIC)
def choose() -> ResponseReturnValue:
    chosen = request.form.get("locale", "")
    if chosen not in LOCALES:
        raise NotFound
    session["locale"] = chosen
    actor = current_actor()
    if not actor.is_anonymous:
        choose_locale(db.session, actor, locale=chosen)
    return redirect(safe_next(request.form.get("next"), default=url_for("front.index")))
