"""The page behind a mailed link that opens nothing any longer."""

from flask import make_response, render_template
from flask.typing import ResponseReturnValue

from marketplace.errors import status_of
from marketplace.i18n import translate
from marketplace.services.links import DeadLink


def dead_link_page(dead: DeadLink, *, again: str | None = None) -> ResponseReturnValue:
    """Why the link is dead, and where to ask for a new one (`again`)."""
    page = render_template("accounts/dead_link.html", message=translate(dead.message, dead.params), again=again)
    return make_response(page, status_of(dead))
