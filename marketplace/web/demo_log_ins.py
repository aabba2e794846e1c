"""Demo log-ins: one press logs in as an invented person. Only in a demo database; elsewhere there is no such page."""

from itertools import groupby

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import db
from marketplace.errors import NotFound
from marketplace.models import Installation, User
from marketplace.permissions import Permission
from marketplace.queries.accounts import example_accounts
from marketplace.web.access import requires
from marketplace.web.security import safe_next
from marketplace.web.sessions import begin_session

bp = Blueprint("demo_log_ins", __name__, url_prefix="/demo")


def require_demo() -> None:
    """Asked of the database each time: what is remembered for the banner is not good enough to open accounts."""
    installation = db.session.get(Installation, 1)
    if installation is None or not installation.is_demo:
        raise NotFound


@bp.get("")
@requires(Permission.PUBLIC)
def index() -> ResponseReturnValue:
    require_demo()
    accounts = example_accounts(db.session)
    groups = [(kind, list(members)) for kind, members in groupby(accounts, key=lambda account: account.kind)]
    return render_template("accounts/demo.html", groups=groups, next=safe_next(request.args.get("next"), default=""))


@bp.post("/<id:user_id>")
@requires(Permission.PUBLIC)
def log_in(user_id: int) -> ResponseReturnValue:
    require_demo()
    user = db.session.get(User, user_id)
    if user is None or not user.is_example or user.email_confirmed_at is None or user.banned_at is not None:
        raise NotFound
    begin_session(user)
    flash(_("You are logged in as %(name)s.", name=user.name), "success")
    return redirect(safe_next(request.form.get("next"), default=url_for("front.index")))
