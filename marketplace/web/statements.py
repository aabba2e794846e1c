"""Closing a deal: what is still in the way, the statement before and after it is signed, and its buttons."""

from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from marketplace import clock, db
from marketplace.errors import Conflict, NotFound
from marketplace.forms.statements import DrawUpForm, SendBackForm, SignForm
from marketplace.i18n import translate
from marketplace.models import Deal, DealStatement
from marketplace.permissions import Permission
from marketplace.queries.statements import statement_for_page
from marketplace.services import statements as services
from marketplace.services.deal_actions import DealAction
from marketplace.types import DealStatus, Side
from marketplace.web.access import current_actor, requires
from marketplace.web.deal_page import DealView, deal_section, load_deal, view_of_deal
from marketplace.web.deal_words import exact_tonnes, mass_line
from marketplace.web.statement_sheet import Figure, StatementSheet, deviation_text, statement_sheet
from marketplace.web.submit import applying, refused_in, unprocessable

bp = Blueprint("statements", __name__, url_prefix="/deals/<id:deal_id>/statement")

LOADS_ON_PAGE = 100
"""The rest stands in the PDF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementSection:
    """Where a deal stands at its end.

    `live` is the statement that holds or waits, `sent_back` the last one that was voided where there is none other.
    `waits_for` is who has not signed it.
    """

    is_shown: bool
    live: DealStatement | None
    sent_back: DealStatement | None
    waits_for: str
    is_signed: bool
    can_sign: bool
    can_send_back: bool
    can_draw_up: bool
    """Whether the visitor may, once nothing is in the way."""
    figures: tuple[Figure, ...]
    obstacles: tuple[str, ...]
    must_explain: bool
    is_time: bool
    """Whether all is delivered, or the period is over."""


@deal_section("statement")
def section(view: DealView, _form: FlaskForm | None) -> StatementSection:
    return statement_section(view)


def statement_section(view: DealView) -> StatementSection:
    """Where the deal stands, and what the visitor may do about it."""
    deal = view.deal
    found = statement_for_page(db.session, deal_id=deal.id) if view.is_firm else None
    live = found if found is not None and found.voided_at is None else None
    closing = services.closing_of(db.session, deal) if deal.status is DealStatus.AGREED else None
    sides = view.acting or tuple(each for each in (view.side,) if each is not None)
    unsigned = [side for side in Side if live is not None and live.signed_at(side) is None]
    return StatementSection(
        is_shown=view.is_firm,
        live=live,
        sent_back=found if live is None else None,
        waits_for=_name_of(deal, unsigned[0]) if unsigned else "",
        is_signed=live is not None and not unsigned,
        can_sign=view.may(DealAction.SIGN_STATEMENT) and any(side in view.acting for side in unsigned),
        can_send_back=view.may(DealAction.VOID_STATEMENT) and live is not None,
        can_draw_up=view.may(DealAction.DRAW_UP_STATEMENT) and live is None,
        figures=_figures(deal, closing),
        obstacles=tuple(translate(each, {}) for each in services.obstacle_words(closing, sides)) if closing else (),
        must_explain=closing is not None and closing.must_explain,
        is_time=_is_time(view),
    )


def _is_time(view: DealView) -> bool:
    deal = view.deal
    return deal.delivered_t >= deal.agreed_t or (deal.agreed_to is not None and deal.agreed_to < view.today)


def _name_of(deal: Deal, side: Side) -> str:
    return (deal.giver_organisation if side is Side.GIVER else deal.taker_organisation).name


def _figures(deal: Deal, closing: services.Closing | None) -> tuple[Figure, ...]:
    if closing is None:
        return ()
    sums = closing.sums
    return (
        Figure(name=_("Agreed"), value=exact_tonnes(deal.agreed_t)),
        Figure(
            name=_("Delivered"),
            value=exact_tonnes(sums.delivered_t),
            note=deviation_text(closing.deviation_t, deal.agreed_t),
        ),
        Figure(name=_("Weighed"), value=mass_line(sums.weighed_t, sums.weighed_count)),
        Figure(name=_("Estimated"), value=mass_line(sums.estimated_t, sums.estimated_count)),
    )


@bp.get("")
@requires(Permission.VIEW_DEAL, subject=load_deal)
def show(deal: Deal) -> ResponseReturnValue:
    return _page(deal)


def _page(deal: Deal, *, draw_up: DrawUpForm | None = None, sending_back: SendBackForm | None = None) -> str:
    """The statement that is there, or what it takes to draw one up.

    A form that came back is there whatever has become of the deal meanwhile: what was written in it is not lost.

    Raises:
        NotFound: there is nothing to close.
    """
    view = view_of_deal(deal)
    if not view.is_firm and draw_up is None and sending_back is None:
        raise NotFound
    said = statement_section(view)
    about = {"statement_id": said.live.id if said.live else 0}
    send_back_form = sending_back or SendBackForm(formdata=None)
    send_back_form.statement_id.data = about["statement_id"]  # the one on this page, not the one it was sent about
    return render_template(
        "deals/statement.html",
        view=view,
        deal=deal,
        said=said,
        sheet=_sheet(said.live),
        most_loads=LOADS_ON_PAGE,
        draw_up_form=draw_up or DrawUpForm(formdata=None),
        sign_form=SignForm(formdata=None, data=about),
        send_back_form=send_back_form,
    )


def _sheet(live: DealStatement | None) -> StatementSheet | None:
    return None if live is None else statement_sheet(live)


@bp.post("")
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def draw_up(deal: Deal) -> ResponseReturnValue:
    deal_id, status = deal.id, None
    form = DrawUpForm()
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                services.draw_up(
                    db.session, current_actor(), deal_id=deal_id, deviation=form.deviation.data or "", now=clock.now()
                )
            if attempt.ok:
                flash(_("The statement is drawn up and signed by your side. The other side has been told."), "success")
                return redirect(url_for(".show", deal_id=deal_id), HTTPStatus.SEE_OTHER)
        except Conflict as refused:
            status = refused_in(form, refused)
    return _page(load_deal(deal_id), draw_up=form), status or unprocessable(form)


@bp.post("/sign")
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def sign(deal: Deal) -> ResponseReturnValue:
    form = SignForm()
    if form.validate_on_submit():
        statement = services.sign(
            db.session, current_actor(), deal_id=deal.id, statement_id=form.statement_id.data or 0, now=clock.now()
        )
        if statement.voided_at is None:
            flash(_("Both have signed, and the deal is completed."), "success")
        else:
            flash(
                _("The loads or the terms have changed since it was drawn up, so it is void. Draw up another one."),
                "warning",
            )
    return redirect(url_for(".show", deal_id=deal.id), HTTPStatus.SEE_OTHER)


@bp.post("/send-back")
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def send_back(deal: Deal) -> ResponseReturnValue:
    deal_id, status = deal.id, None
    form = SendBackForm()
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                services.send_back(
                    db.session,
                    current_actor(),
                    deal_id=deal_id,
                    statement_id=form.statement_id.data or 0,
                    reason=form.reason.data or "",
                    now=clock.now(),
                )
            if attempt.ok:
                flash(_("The statement is sent back. The other side has been told why."), "success")
                return redirect(url_for("deals.show", deal_id=deal_id, _anchor="statement"), HTTPStatus.SEE_OTHER)
        except Conflict as refused:
            status = refused_in(form, refused)
    return _page(load_deal(deal_id), sending_back=form), status or unprocessable(form)
