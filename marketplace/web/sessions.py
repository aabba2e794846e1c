"""Beginning and ending what a browser is logged in with, and the secrets that go into mailed links."""

import secrets
from datetime import timedelta

from flask import current_app, session
from flask_login import login_user, logout_user

from marketplace import db
from marketplace.models import User
from marketplace.queries.accounts import account_for_session
from marketplace.services.links import LinkSigner
from marketplace.web.access import LoggedInUser, act_as_visitor

REMEMBERED_FOR = timedelta(days=30)
BROWSER_KEY = "browser_key"
KEPT_AT_LOG_IN = ("locale",)


def begin_session(user: User, *, remember: bool = False) -> LoggedInUser:
    """Log this browser in as `user`; nothing that was in its session before goes along but the language."""
    account = account_for_session(db.session, user_id=user.id, epoch=user.session_epoch)
    assert account is not None, "the account has just been read"
    kept = {key: session[key] for key in KEPT_AT_LOG_IN if key in session}
    session.clear()
    session.update(kept)
    logged_in = LoggedInUser(account)
    login_user(logged_in, remember=remember, duration=REMEMBERED_FOR)
    act_as_visitor()
    return logged_in


def end_session() -> None:
    logout_user()
    kept = {key: session[key] for key in (*KEPT_AT_LOG_IN, "_remember") if key in session}
    session.clear()
    session.update(kept)  # "_remember" tells Flask-Login to take its cookie away


def browser_key() -> str:
    """What tells this browser apart; made when it is first asked for."""
    if BROWSER_KEY not in session:
        session[BROWSER_KEY] = secrets.token_urlsafe(16)
    return str(session[BROWSER_KEY])


def link_signer() -> LinkSigner:
    settings = current_app.settings  # type: ignore[attr-defined]  # set by build_app
    return LinkSigner(settings.secret_key.get_secret_value())
