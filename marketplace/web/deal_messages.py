"""Messages of a deal: the section of its page, all of them, writing one, and whether one is told of the deal."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from marketplace import clock, db
from marketplace.forms.messages import MessageForm
from marketplace.models import Deal, DealMessage
from marketplace.permissions import Permission
from marketplace.queries.deal_messages import correspondence
from marketplace.queries.paging import Cursor
from marketplace.services import deal_messages as services
from marketplace.services.deal_actions import DealAction
from marketplace.services.deal_events import followers
from marketplace.types import Side
from marketplace.web.access import current_actor, requires
from marketplace.web.deal_page import DealView, deal_page, deal_section, load_deal, view_of_deal
from marketplace.web.limits import MESSAGES_BY_ACCOUNT, over_limit, refused
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.seen import seen_at, stamp
from marketplace.web.submit import applying

bp = Blueprint("deal_messages", __name__, url_prefix="/deals/<id:deal_id>")


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    message: DealMessage
    organisation: str
    is_ours: bool
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSection:
    """`is_following` is None for whoever is not told in any case."""

    rows: tuple[MessageRow, ...]
    earlier_url: str | None
    later_url: str | None
    unread: int
    has_unseen: bool
    seen: str
    form: FlaskForm
    may_write: bool
    is_following: bool | None


@deal_section("messages")
def messages_of(view: DealView, form: FlaskForm | None) -> MessageSection:
    return _section(view, form, cursor=Cursor())


@bp.get("/messages")
@requires(Permission.VIEW_DEAL, subject=load_deal)
def index(deal: Deal) -> ResponseReturnValue:
    """All messages, page by page."""
    view = view_of_deal(deal)
    section = _section(view, None, cursor=cursor_from_address())
    return render_template("deals/messages.html", view=view, deal=deal, messages=section)


@bp.post("/messages")
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def send(deal: Deal) -> ResponseReturnValue:
    deal_id, actor = deal.id, current_actor()
    form = MessageForm()
    if form.validate_on_submit():
        over = over_limit(form, (MESSAGES_BY_ACCOUNT, actor.user_id or 0))
        if over:
            return refused(deal_page(load_deal(deal_id), refused={"messages": form}), over)
        now = clock.now()
        with applying(form) as attempt:
            services.send_message(db.session, actor, deal_id=deal_id, body=form.body.data, now=now)
            shown_at = seen_at()
            if shown_at is not None:  # whoever answers has read what they answer
                services.mark_read(db.session, actor, deal_id=deal_id, seen_at=shown_at, now=now)
        if attempt.ok:
            return _back(deal_id)
    return deal_page(deal, refused={"messages": form}), 422


@bp.post("/read")
@requires(Permission.VIEW_DEAL, subject=load_deal)
def read(deal: Deal) -> ResponseReturnValue:
    now = clock.now()
    services.mark_read(db.session, current_actor(), deal_id=deal.id, seen_at=seen_at() or now, now=now)
    return _back(deal.id)


@bp.post("/follow")
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def follow(deal: Deal) -> ResponseReturnValue:
    is_following = request.form.get("follow") == "yes"
    services.follow(db.session, current_actor(), deal=deal, is_following=is_following)
    flash(_("You are told of this deal.") if is_following else _("You are not told of this deal any more."), "success")
    return _back(deal.id)


def _section(view: DealView, form: FlaskForm | None, *, cursor: Cursor) -> MessageSection:
    deal, user_id = view.deal, view.actor.user_id
    found = correspondence(db.session, deal_id=deal.id, user_id=user_id, side=view.side, cursor=cursor)
    links = page_links(found.page, "deal_messages.index", deal_id=deal.id)
    return MessageSection(
        rows=tuple(_row(each, view, read_at=found.read_at) for each in found.messages),
        earlier_url=links["next_url"],
        later_url=links["previous_url"],
        unread=found.unread,
        has_unseen=found.unread > 0 or found.has_notices,
        seen=stamp(view.now),
        form=form or MessageForm(),
        may_write=view.may(DealAction.MESSAGE),
        is_following=_is_following(view),
    )


def _row(message: DealMessage, view: DealView, *, read_at: datetime | None) -> MessageRow:
    deal = view.deal
    organisation = deal.giver_organisation if message.side is Side.GIVER else deal.taker_organisation
    is_others = view.side is not None and message.side is not view.side
    return MessageRow(
        message=message,
        organisation=organisation.name,
        is_ours=message.side is view.side,
        is_new=is_others and (read_at is None or message.created_at > read_at),
    )


def _is_following(view: DealView) -> bool | None:
    if not view.acting or not view.actor.is_confirmed:
        return None
    return any(
        user.id == view.actor.user_id for side in view.acting for user in followers(db.session, view.deal, side=side)
    )


def _back(deal_id: int) -> ResponseReturnValue:
    return redirect(url_for("deals.show", deal_id=deal_id, _anchor="messages"), 303)
