"""Who is asking, and whether they may: every view declares its permission here.

    @bp.get("/listings/<id:listing_id>/edit")
    @requires(Permission.EDIT_LISTING, subject=load_listing)
    def edit(listing: Listing) -> str: ...

The subject's loader takes the view's URL arguments; the view is handed the subject instead of them. A subject that the
visitor may not know of is answered as not found, one they may see but not change as forbidden, and a visitor who is
not logged in is sent to log in and comes back. Who would post, and edits for no organisation, is sent to where they can
come to.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user

from marketplace import db
from marketplace.acting import Acting, act_as
from marketplace.actor import NOBODY, Actor
from marketplace.errors import Forbidden, NotFound
from marketplace.permissions import Permission, allows, is_visible
from marketplace.queries.accounts import SessionAccount, account_for_session

DECLARATION = "declared_permission"
UNDECLARED_ENDPOINTS = frozenset({"static"})
TAKES_AN_ORGANISATION = frozenset(
    {Permission.CREATE_PROJECT, Permission.CREATE_LISTING, Permission.CREATE_FACILITY, Permission.START_DEAL}
)


class LoggedInUser(UserMixin):
    """What Flask-Login keeps: the account's id and epoch, so that a new password ends older sessions."""

    def __init__(self, account: SessionAccount) -> None:
        self.actor = account.actor
        self.locale = account.actor.locale
        self.session_key = session_key(user_id=account.actor.user_id, epoch=account.session_epoch)

    def get_id(self) -> str:
        return self.session_key


def session_key(*, user_id: int | None, epoch: int) -> str:
    return f"{user_id}:{epoch}"


def load_user(key: str) -> LoggedInUser | None:
    user_id, _, epoch = key.partition(":")
    if not (user_id.isdecimal() and epoch.isdecimal()):
        return None
    account = account_for_session(db.session, user_id=int(user_id), epoch=int(epoch))
    return LoggedInUser(account) if account else None


def current_actor() -> Actor:
    """The person behind this request, or `NOBODY`."""
    return current_user.actor if current_user.is_authenticated else NOBODY


def act_as_visitor() -> None:
    """Have what this request changes logged as done by whoever is logged in by now."""
    actor = current_actor()
    label = "visitor" if actor.is_anonymous else "user"
    act_as(db.session, Acting(label=label, user_id=actor.user_id, request_id=g.get("request_id")))


def requires(permission: Permission, *, subject: Callable[..., object] | None = None) -> Callable[..., Any]:
    """Declare and enforce what a view takes; see the module's docstring."""

    def decorate(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        @wraps(view)
        def guarded(**arguments: object) -> ResponseReturnValue:
            if subject is None:
                return refusal(permission, None) or view(**arguments)
            loaded = subject(**arguments)
            return refusal(permission, loaded) or view(loaded)

        setattr(guarded, DECLARATION, permission)
        return guarded

    return decorate


def refusal(permission: Permission, subject: object) -> ResponseReturnValue | None:
    """None where the visitor may go on; else a redirect to the log-in page.

    Raises:
        NotFound: the visitor may not know that the subject exists.
        Forbidden: they may, but not do this.
    """
    actor = current_actor()
    if allows(permission, actor, subject):
        return None
    if subject is not None and not is_visible(actor, subject):
        if actor.is_anonymous:
            return _to_log_in()
        raise NotFound
    if actor.is_anonymous:
        return _to_log_in()
    if permission in TAKES_AN_ORGANISATION and request.method == "GET" and not actor.editable:
        return redirect(url_for("organisations.mine", needed="editor"))
    raise Forbidden


def _to_log_in() -> ResponseReturnValue:
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.log_in", next=back))


def undeclared_endpoints(app: Flask) -> list[str]:
    return sorted(
        endpoint
        for endpoint, view in app.view_functions.items()
        if endpoint not in UNDECLARED_ENDPOINTS and not hasattr(view, DECLARATION)
    )


def require_declarations(app: Flask) -> None:
    """
    Raises:
        RuntimeError: a view does not say who may use it.
    """
    undeclared = undeclared_endpoints(app)
    if undeclared:
        raise RuntimeError(f"views that do not declare who may use them: {', '.join(undeclared)}")


def permission_of(app: Flask, endpoint: str) -> Permission:
    declared: Permission = getattr(app.view_functions[endpoint], DECLARATION)
    return declared


def init_app(app: Flask) -> None:
    manager = LoginManager(app)
    manager.user_loader(load_user)
    manager.session_protection = None  # the cookie is signed, HttpOnly and SameSite; phones change address often

    @app.context_processor
    def access_globals() -> dict[str, object]:
        return {"actor": current_actor(), "may": may, "Permission": Permission}

    @app.before_request
    def note_actor() -> None:
        g.actor_id = None
        if request.method not in db.SAFE_METHODS:
            act_as_visitor()


def may(permission: Permission | str, subject: object = None) -> bool:
    """For templates: whether to show what leads to an action."""
    return allows(Permission(permission), current_actor(), subject)
