"""How often one client, and how often one address, may try what others must be protected from.

An attempt counts whatever becomes of it, until `forget_attempts`. So it is committed by itself, before the slow work it
is an attempt at: else a flood of attempts would queue on one row's lock, each with a database connection in its hand.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app, make_response, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from marketplace import clock, db
from marketplace.errors import FieldError, TooManyAttempts, status_of
from marketplace.services.throttle import forget, hit
from marketplace.web.submit import add_error

IPV6_PREFIX = 64
"""What one subscriber is given: every address in it is theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    name: str
    attempts: int
    window: timedelta


LOG_IN_BY_CLIENT = Limit(name="log-in.client", attempts=60, window=timedelta(minutes=15))
LOG_IN_BY_ADDRESS = Limit(name="log-in.address", attempts=10, window=timedelta(minutes=15))
MAIL_BY_CLIENT = Limit(name="mail.client", attempts=30, window=timedelta(hours=1))
MAIL_BY_ADDRESS = Limit(name="mail.address", attempts=5, window=timedelta(hours=1))
PASSWORD_BY_ACCOUNT = Limit(name="password.account", attempts=10, window=timedelta(minutes=15))
ENQUIRIES_BY_CLIENT = Limit(name="enquiry.client", attempts=20, window=timedelta(hours=1))
ENQUIRIES_BY_ADDRESS = Limit(name="enquiry.address", attempts=5, window=timedelta(days=1))
MESSAGES_BY_ACCOUNT = Limit(name="message.account", attempts=120, window=timedelta(hours=1))
INVITATIONS_BY_ORGANISATION = Limit(name="invitation.organisation", attempts=50, window=timedelta(days=1))
REPORTS_BY_CLIENT = Limit(name="report.client", attempts=20, window=timedelta(hours=1))
ORGANISATIONS_BY_ACCOUNT = Limit(name="organisation.account", attempts=20, window=timedelta(days=1))
YEARLY_REPORTS_BY_ACCOUNT = Limit(name="yearly-report.account", attempts=30, window=timedelta(hours=1))
GATE_BY_LINK = Limit(name="gate.link", attempts=200, window=timedelta(minutes=15))
"""A gate lets in a lorry every half minute at most; a day's loads may come at once when the network is back."""


def count_attempt(*counted: tuple[Limit, str | int]) -> None:
    """Count one attempt under each limit, for whom it is made.

    Raises:
        TooManyAttempts: one of the limits is passed.
    """
    settings = current_app.settings  # type: ignore[attr-defined]  # set by build_app
    if not settings.rate_limits:
        return
    now = clock.now()
    for limit, who in sorted(counted, key=lambda each: each[0].name):  # in one order: none blocks another
        hit(db.session, key=_key(limit, who), limit=limit.attempts, window=limit.window, now=now)
    db.session.commit()


def forget_attempts(limit: Limit, who: str | int) -> None:
    """Begin at nought for whom an attempt came off, with what the request changes besides."""
    forget(db.session, key=_key(limit, who))


def over_limit(form: FlaskForm, *counted: tuple[Limit, str | int]) -> TooManyAttempts | None:
    """As `count_attempt`; a refusal becomes an error of the form, and is returned for `refused`."""
    try:
        count_attempt(*counted)
    except TooManyAttempts as error:
        db.session.rollback()
        add_error(form, FieldError(field="", message=error.message, params=error.params))
        return error
    return None


def client() -> str:
    """The client's address; of IPv6 the part that belongs to one subscriber."""
    given = request.remote_addr or ""
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return given
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return given


def refused(page: str, error: TooManyAttempts) -> ResponseReturnValue:
    """The form's page once more, with the status and the header that say when to come back."""
    response = make_response(page, status_of(error))
    response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _key(limit: Limit, who: str | int) -> str:
    """Hashed: the table needs no addresses, and a long one must not be cut."""
    return f"{limit.name}:{hashlib.sha256(str(who).lower().encode()).hexdigest()}"
