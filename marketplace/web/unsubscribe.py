"""Stopping mails by their link, without logging in (RFC 8058).

A mail program posts to the link's address, with no cookie and no token of a form, and must not be sent on elsewhere. A
person who opens it sees what it stops, and presses a button: programs that look at mails open every link in them.
"""

from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import clock, db
from marketplace.models import User
from marketplace.permissions import Permission
from marketplace.queries.saved_searches import MailSources, mail_sources
from marketplace.services.links import DeadLink
from marketplace.services.saved_searches import Sources, stop_mails
from marketplace.services.unsubscribe import sources_of_token
from marketplace.web.access import requires
from marketplace.web.links import dead_link_page
from marketplace.web.security import csrf
from marketplace.web.sessions import link_signer

bp = Blueprint("unsubscribe", __name__)

ONE_CLICK = ("List-Unsubscribe", "One-Click")


@bp.route("/unsubscribe/<token>", methods=["GET", "POST"])
@csrf.exempt
@requires(Permission.PUBLIC)
def by_link(token: str) -> ResponseReturnValue:
    try:
        sources = sources_of_token(link_signer(), token)
    except DeadLink as dead:
        return dead_link_page(dead)
    if request.method == "POST":
        stop_mails(db.session, _wanted(sources), now=clock.now())
        if request.form.get(ONE_CLICK[0]) != ONE_CLICK[1]:
            return redirect(url_for(".by_link", token=token), HTTPStatus.SEE_OTHER)
    return render_template("unsubscribe/show.html", token=token, **_shown(sources))


def _wanted(sources: Sources) -> Sources:
    """The one source that a button names, if the link is about it; all of them where none is named."""
    name, _, number = request.form.get("only", "").partition(":")
    if not name:
        return sources
    return Sources(
        user_id=sources.user_id,
        search_ids=tuple(each for each in sources.search_ids if name == "search" and str(each) == number),
        organisation_ids=tuple(each for each in sources.organisation_ids if name == "matches" and str(each) == number),
    )


def _shown(sources: Sources) -> dict[str, object]:
    found: MailSources = mail_sources(
        db.session,
        user_id=sources.user_id,
        search_ids=sources.search_ids,
        organisation_ids=sources.organisation_ids,
    )
    person = db.session.get(User, sources.user_id)
    return {"searches": found.searches, "paces": found.paces, "name": person.name if person else ""}
