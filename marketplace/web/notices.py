"""What a person was told of, and how they want to be mailed."""

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import clock, db
from marketplace.deal_event_words import words_of
from marketplace.forms.messages import PaceForm
from marketplace.i18n import translate
from marketplace.labels import material_name
from marketplace.models import User
from marketplace.permissions import Permission
from marketplace.queries.notices import Told, notices_of, unread_count
from marketplace.services import notices as services
from marketplace.types import NoticePace
from marketplace.web.access import current_actor, requires
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.seen import seen_at, stamp
from marketplace.web.submit import unprocessable

bp = Blueprint("notices", __name__)


@bp.app_context_processor
def notice_globals() -> dict[str, object]:
    return {"notices_unread": notices_unread}


def notices_unread() -> int:
    """How many deals and enquiries have something new for the visitor, for the menu; counted once a page."""
    user_id = current_actor().user_id
    if "notices_unread" not in g:
        g.notices_unread = 0 if user_id is None else unread_count(db.session, user_id=user_id)
    unread: int = g.notices_unread
    return unread


@bp.get("/notices")
@requires(Permission.ACCOUNT)
def index() -> ResponseReturnValue:
    user_id = current_actor().user_id or 0
    page = notices_of(db.session, user_id=user_id, cursor=cursor_from_address())
    return render_template(
        "notices/index.html",
        rows=[(each, sentence_of(each)) for each in page.items],
        seen=stamp(clock.now()),
        links=page_links(page, ".index"),
    )


@bp.post("/notices/read")
@requires(Permission.ACCOUNT)
def read_all() -> ResponseReturnValue:
    now = clock.now()
    services.mark_all_read(db.session, current_actor(), seen_at=seen_at() or now, now=now)
    return redirect(url_for(".index"), 303)


@bp.route("/account/notices", methods=["GET", "POST"])
@requires(Permission.ACCOUNT)
def settings() -> ResponseReturnValue:
    actor = current_actor()
    form = PaceForm(pace=db.session.get_one(User, actor.user_id).deal_notices.value)
    if form.validate_on_submit():
        services.change_pace(db.session, actor, pace=NoticePace(form.pace.data))
        flash(_("Saved."), "success")
        return redirect(url_for(".settings"), 303)
    return render_template("notices/settings.html", form=form), unprocessable(form)


def sentence_of(told: Told) -> str:
    """What happened, with how often where it is more than once and the sentence does not say."""
    words = words_of(told.event, told.by)
    params = {"other": told.other, "material": material_name(told.material_key), "times": told.times}
    sentence = translate(words, params)
    return f"{sentence} ({told.times})" if told.times > 1 and "%(times)s" not in words else sentence
