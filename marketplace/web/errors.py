"""Every error becomes a page in the visitor's language, or problem+json where that was asked for."""

from collections.abc import Sequence
from enum import StrEnum
from http import HTTPStatus

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import HTTPException, InternalServerError

from geo.errors import GeoError
from marketplace.errors import DomainError, FieldError, InvalidInput, NotAuthenticated, TooManyAttempts, status_of
from marketplace.geo_messages import message_of
from marketplace.i18n import translate
from marketplace.logging import log
from marketplace.web.reloaded import page_above

NOT_SHOWN_AGAIN = frozenset({"csrf_token", "password", "current", "new"})
"""Answers that never stand in a page: the dead token, and passwords, whose fields then say that they are empty."""

DATABASE_FAILURES = (OperationalError, InterfaceError, NoConnectionFree)


def wants_json() -> bool:
    if request.path.startswith("/api/"):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return best is not None and best != "text/html"


def error_response(status: HTTPStatus, *, message: str, fields: Sequence[FieldError] = ()) -> Response:
    if wants_json():
        problem: dict[str, object] = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": message,
            "errors": [{"field": each.field, "message": translate(each.message, each.params)} for each in fields],
        }
        response = make_response(problem, status)
        response.mimetype = "application/problem+json"
        return response
    page = render_template(
        [f"errors/{status.value}.html", "errors/error.html"],
        status=status,
        message=message,
        request_id=g.get("request_id", ""),
    )
    return make_response(page, status)


def forget_changes() -> None:
    """Nothing that led to an error is kept, even where an error page answers a POST."""
    if "db_session" in g:
        g.db_session.rollback()


def answer_without_database() -> None:
    """The page that says that the database does not answer must not ask it who the visitor is, nor anything else."""
    g.database_failed = True
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]  # Flask-Login's


def on_domain_error(error: DomainError | GeoError[StrEnum]) -> ResponseReturnValue:
    forget_changes()
    message = error.message if isinstance(error, DomainError) else message_of(error)
    fields = error.errors if isinstance(error, InvalidInput) else ()
    response = error_response(status_of(error), message=translate(message, error.params), fields=fields)
    if isinstance(error, NotAuthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def on_http_exception(error: HTTPException) -> ResponseReturnValue:
    if isinstance(error, InternalServerError) and isinstance(error.original_exception, Exception):
        return on_fault(error.original_exception)  # the page of another error could not be made
    forget_changes()
    page = None if wants_json() else page_above(error)
    if page is not None:
        return redirect(page, HTTPStatus.SEE_OTHER)
    if error.code is None or error.response is not None or error.code < HTTPStatus.BAD_REQUEST:
        return error
    messages = {
        HTTPStatus.NOT_FOUND: _("There is nothing at this address."),
        HTTPStatus.METHOD_NOT_ALLOWED: _("This address does not take that kind of request."),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _(
            "What you sent is too large, and nothing of it was stored. Go back, make it shorter, and send again."
        ),
    }
    status = HTTPStatus(error.code)
    response = error_response(status, message=messages.get(status, _("The request could not be understood.")))
    if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers.extend(error.get_headers())
        response.mimetype = "application/problem+json" if wants_json() else "text/html"
    return response


def on_csrf_error(_error: CSRFError) -> ResponseReturnValue:
    forget_changes()
    if not wants_json() and request.headers.get("Sec-Fetch-Site") == "same-origin":
        return _send_again()
    return error_response(
        HTTPStatus.BAD_REQUEST,
        message=_(
            "This form had been open too long, or came from another site. Go back, reload the page and send again."
        ),
    )


def _send_again() -> ResponseReturnValue:
    """The answers to a form of ours whose visitor has logged out or in meanwhile, with a button that sends them.

    Only where the browser vouches that the form was on a page of ours: another site must not fill in such a page.
    """
    page = render_template(
        "errors/send_again.html",
        status=HTTPStatus.BAD_REQUEST,
        message=_(
            "You have logged out or in since this form was opened. What you wrote is kept. If you are logged out, log"
            " in in another tab first; then press the button."
        ),
        address=request.full_path.rstrip("?"),
        answers=[pair for pair in request.form.items(multi=True) if pair[0] not in NOT_SHOWN_AGAIN],
        request_id=g.get("request_id", ""),
    )
    return make_response(page, HTTPStatus.BAD_REQUEST)


def on_fault(error: Exception) -> ResponseReturnValue:
    log.error("fault", path=request.path, exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, DATABASE_FAILURES):
        answer_without_database()
        status = HTTPStatus.SERVICE_UNAVAILABLE
    forget_changes()
    return error_response(status, message=_("Something went wrong on our side. Nothing of what you sent was stored."))


def init_app(app: Flask) -> None:
    app.register_error_handler(DomainError, on_domain_error)
    app.register_error_handler(GeoError, on_domain_error)
    app.register_error_handler(HTTPException, on_http_exception)
    app.register_error_handler(CSRFError, on_csrf_error)
    if not app.testing:
        app.register_error_handler(Exception, on_fault)
