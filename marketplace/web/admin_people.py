"""People as administrators see them: who they are, and banning."""

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.errors import Conflict, NotFound
from marketplace.forms.base import PostedForm
from marketplace.forms.moderation import BanForm
from marketplace.i18n import translate
from marketplace.models import User
from marketplace.permissions import Permission
from marketplace.queries import moderation as queries
from marketplace.queries.moderation import PersonState
from marketplace.services import bans
from marketplace.text import clean_line
from marketplace.web.access import current_actor, requires
from marketplace.web.admin_frame import admin_page, back_to
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("admin_people", __name__, url_prefix="/admin/people")

LONGEST_SEARCH = 200


def load_person(user_id: int) -> User:
    user = queries.person_for_page(db.session, user_id=user_id)
    if user is None:
        raise NotFound
    return user


@bp.get("")
@requires(Permission.ADMINISTER)
def index() -> ResponseReturnValue:
    text = clean_line(request.args.get("q", ""))[:LONGEST_SEARCH]
    state = next((each for each in PersonState if each.value == request.args.get("state")), None)
    page = queries.people_page(db.session, text=text, state=state, cursor=cursor_from_address())
    return admin_page(
        "admin/people.html",
        tab="people",
        page=page,
        links=page_links(page, ".index", q=text or None, state=state),
        text=text,
        state=state,
        states=list(PersonState),
    )


@bp.get("/<id:user_id>")
@requires(Permission.ADMINISTER, subject=load_person)
def show(user: User) -> ResponseReturnValue:
    return _page(user)


@bp.post("/<id:user_id>/ban")
@requires(Permission.ADMINISTER, subject=load_person)
def ban(user: User) -> ResponseReturnValue:
    form = BanForm(prefix="ban-")
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                bans.ban_user(db.session, current_actor(), user_id=user.id, reason=form.reason.data, now=clock.now())
        except Conflict as conflict:
            flash(translate(conflict.message, conflict.params), "warning")
            return back_to(url_for(".show", user_id=user.id))
        if attempt.ok:
            flash(_("The person is banned, logged out everywhere, and told why."), "success")
            return back_to(url_for(".show", user_id=user.id))
    return _page(user, ban=form), unprocessable(form)


@bp.post("/<id:user_id>/unban")
@requires(Permission.ADMINISTER, subject=load_person)
def unban(user: User) -> ResponseReturnValue:
    try:
        bans.unban_user(db.session, current_actor(), user_id=user.id)
    except Conflict as conflict:
        flash(translate(conflict.message, conflict.params), "warning")
    else:
        flash(_("The ban is lifted, and the person is told."), "success")
    return back_to(url_for(".show", user_id=user.id))


def _page(user: User, *, ban: PostedForm | None = None) -> str:
    return admin_page("admin/person.html", tab="people", person=user, ban=ban or BanForm(formdata=None, prefix="ban-"))
