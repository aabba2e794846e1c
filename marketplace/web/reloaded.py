"""Addresses of deals that only take what is sent to them: whoever opens one is led to the page that it belongs to.

A form that was refused leaves such an address in the browser, and a phone opens it anew when it takes up the tab again.
"""

from flask import current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

UNDER = "/deals/"


def page_above(error: HTTPException) -> str | None:
    """Where whoever opens the address is led: the nearest page above it; None where it is not for this to say."""
    if not isinstance(error, MethodNotAllowed) or request.method not in {"GET", "HEAD"}:
        return None
    adapter = current_app.create_url_adapter(request)
    path = request.path
    if adapter is None or not path.startswith(UNDER):
        return None
    while len(path := path.rpartition("/")[0]) >= len(UNDER):
        try:
            adapter.match(path, method="GET")
        except (RequestRedirect, HTTPException):
            continue
        return path
    return None
