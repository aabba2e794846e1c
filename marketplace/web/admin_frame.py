"""What the administrators' pages have in common: the tabs, with how much waits behind each."""

from flask import redirect, render_template
from flask.typing import ResponseReturnValue

from marketplace import db
from marketplace.queries.moderation import desk_counts


def admin_page(template: str, *, tab: str, **context: object) -> str:
    """A page of the desk; `tab` names the one it stands under."""
    return render_template(template, tab=tab, counts=desk_counts(db.session), **context)


def back_to(url: str) -> ResponseReturnValue:
    return redirect(url, code=303)
