"""The local outbox: every mail that was asked for, so that a demo shows what would have been sent."""

import re
from dataclasses import dataclass

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from marketplace import db
from marketplace.errors import NotFound
from marketplace.models import Installation
from marketplace.permissions import Permission
from marketplace.queries.mail import mail_by_id, outbox_page
from marketplace.web.access import requires
from marketplace.web.paging import cursor_from_address, page_links

bp = Blueprint("outbox", __name__, url_prefix="/outbox")

ADDRESS = re.compile(r"(https?://[^\s<>\"]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a mail; `href` where it is a link."""

    text: str
    href: str | None = None


def load_installation(mail_id: int | None = None) -> Installation:
    """What the permission is asked of: whose mail may be read depends on whether this database is a demo."""
    del mail_id
    return db.session.get(Installation, 1) or Installation(id=1, is_demo=False)


@bp.get("")
@requires(Permission.VIEW_OUTBOX, subject=load_installation)
def index(installation: Installation) -> ResponseReturnValue:
    page = outbox_page(db.session, cursor=cursor_from_address())
    return render_template(
        "outbox/index.html", installation=installation, mails=page.items, links=page_links(page, ".index")
    )


@bp.get("/<id:mail_id>")
@requires(Permission.VIEW_OUTBOX, subject=load_installation)
def show(_installation: Installation) -> ResponseReturnValue:
    assert request.view_args is not None
    mail = mail_by_id(db.session, mail_id=request.view_args["mail_id"])
    if mail is None:
        raise NotFound
    return render_template("outbox/show.html", mail=mail, pieces=pieces_of(mail.body_text or "", base_url=_base_url()))


def pieces_of(text: str, *, base_url: str) -> list[Piece]:
    """The text in pieces, addresses apart. Our own lead to where this page was asked for; no others are links."""
    pieces = []
    for part in ADDRESS.split(text):
        is_ours = part.startswith(f"{base_url}/")
        if part:
            pieces.append(Piece(text=part, href=part.removeprefix(base_url) if is_ours else None))
    return pieces


def _base_url() -> str:
    base_url: str = current_app.settings.base_url  # type: ignore[attr-defined]  # set by build_app
    return base_url
