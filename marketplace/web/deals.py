"""Deals: the list of one's own, a deal's page, and the answers to what is offered in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from geo.materials import taxonomy
from marketplace import clock, db
from marketplace.errors import Conflict
from marketplace.filters import nok_per_t, period, tonnes
from marketplace.forms.deals import AnswerForm, CancelForm, TermsForm
from marketplace.i18n import translate
from marketplace.labels import label
from marketplace.models import Deal, DealOffer
from marketplace.permissions import Permission
from marketplace.queries import deals as queries
from marketplace.queries.deals import DealFilter, Ours
from marketplace.services import deals as services
from marketplace.services.deal_actions import DealAction, accepted_offer, open_offer, require, sides_of
from marketplace.types import DealStatus, Side
from marketplace.web.access import current_actor, requires
from marketplace.web.deal_page import DealView, deal_page, deal_section, load_deal, view_of_deal
from marketplace.web.deal_prefill import tell_the_rest, terms_from, terms_of_offer
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.submit import applying, unprocessable

bp = Blueprint("deals", __name__, url_prefix="/deals")


@bp.app_context_processor
def deal_globals() -> dict[str, object]:
    return {"deals_waiting": deals_waiting}


def deals_waiting() -> int:
    """How many deals wait for the visitor to do something, for the menu; counted once a page."""
    if "deals_waiting" not in g:
        own = tuple(each.organisation_id for each in current_actor().editable)
        today = clock.local_date(clock.now())
        g.deals_waiting = queries.count_waiting(db.session, organisation_ids=own, today=today) if own else 0
    waiting: int = g.deals_waiting
    return waiting


# The list ---------------------------------------------------------------------------------------------------------


@bp.get("")
@requires(Permission.ACCOUNT)
def index() -> ResponseReturnValue:
    today = clock.local_date(clock.now())
    ours = ours_now()
    show = _member(DealFilter, request.args.get("show"))
    side = _member(Side, request.args.get("side"))
    unread = 1 if request.args.get("unread") == "1" else None
    page = queries.deals_of(
        db.session,
        ours=ours,
        show=show,
        side=side,
        unread_only=bool(unread),
        today=today,
        cursor=cursor_from_address(),
    )
    return render_template(
        "deals/index.html",
        rows=page.items,
        counts=queries.count_deals_of(db.session, ours=ours, today=today),
        show=show,
        side=side,
        unread=unread,
        links=page_links(page, ".index", show=show, side=side, unread=unread),
    )


def ours_now() -> Ours:
    actor = current_actor()
    return Ours(organisation_ids=tuple(each.organisation_id for each in actor.memberships), user_id=actor.user_id)


def _member[Member: (DealFilter, Side)](members: type[Member], text: str | None) -> Member | None:
    """The member an address names; a name nobody gave counts for nothing."""
    return next((member for member in members if member.value == text), None)


# A deal's page ----------------------------------------------------------------------------------------------------


@bp.get("/<id:deal_id>")
@requires(Permission.VIEW_DEAL, subject=load_deal)
def show(deal: Deal) -> ResponseReturnValue:
    return deal_page(deal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One term, as it was agreed and as it is proposed."""

    name: str
    before: str
    after: str

    @property
    def is_other(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class OffersSection:
    """`shown` are the terms that count now; `history` what was offered before, the last first.

    `refused` says why an answer could not be taken, and `open` which of the answers stands open to be put right.
    """

    answer_form: FlaskForm
    standing: DealOffer | None
    on_table: DealOffer | None
    shown: DealOffer
    changes: tuple[Change, ...]
    history: tuple[DealOffer, ...]
    maker_names: Mapping[Side, str]
    open: str
    refused: str

    def maker_of(self, offer: DealOffer) -> str:
        if offer.is_suggestion:
            return offer.maker.name
        return self.maker_names[offer.made_by]


@deal_section("offers")
def offers_of(view: DealView, form: FlaskForm | None) -> OffersSection:
    deal = view.deal
    standing, on_table = accepted_offer(deal), open_offer(deal)
    shown = on_table or standing or deal.offers[-1]
    names = {Side.GIVER: deal.giver_organisation.name, Side.TAKER: deal.taker_organisation.name}
    answer = form if isinstance(form, AnswerForm) else AnswerForm(formdata=None)
    return OffersSection(
        answer_form=answer,
        standing=standing,
        on_table=on_table,
        shown=shown,
        changes=tuple(_changes(standing, on_table)) if standing and on_table else (),
        history=tuple(offer for offer in reversed(deal.offers) if offer not in (shown, standing)),
        maker_names=names,
        open=request.endpoint.rpartition(".")[2] if form is not None and request.endpoint else "",
        refused=" ".join(answer.form_errors) if form is not None else "",
    )


def _changes(before: DealOffer, after: DealOffer) -> Sequence[Change]:
    rows: tuple[tuple[str, Callable[[DealOffer], str]], ...] = (
        (_("Quantity"), lambda offer: tonnes(offer.mass_t)),
        (_("Period"), lambda offer: period((offer.starts_on, offer.ends_on))),
        (_("Price"), _price),
        (_("Loading"), lambda offer: label(offer.loading)),
        (_("Haulage"), lambda offer: label(offer.haulage)),
        (_("Haulier"), lambda offer: offer.haulier),
        (_("Opening hours"), lambda offer: offer.opening_hours),
        (_("Access"), lambda offer: offer.access),
        (_("Other terms"), lambda offer: offer.note),
    )
    return [Change(name=name, before=said(before), after=said(after)) for name, said in rows]


def _price(offer: DealOffer) -> str:
    said = label(offer.price_kind)
    return said if offer.price_nok_per_t is None else f"{said} {nok_per_t(offer.price_nok_per_t)}"


# Answers ----------------------------------------------------------------------------------------------------------


@bp.post("/<id:deal_id>/offers/accept")
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def accept(deal: Deal) -> ResponseReturnValue:
    return _answered(deal, services.accept)


@bp.post("/<id:deal_id>/offers/decline")
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def decline(deal: Deal) -> ResponseReturnValue:
    return _answered(deal, services.decline, with_reason=True)


@bp.post("/<id:deal_id>/offers/withdraw")
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def withdraw(deal: Deal) -> ResponseReturnValue:
    return _answered(deal, services.withdraw, with_reason=True)


def _answered(deal: Deal, service: Callable[..., Deal], *, with_reason: bool = False) -> ResponseReturnValue:
    form = AnswerForm()
    if not form.validate_on_submit():
        return deal_page(deal, refused={"offers": form}), unprocessable(form)
    words = {"reason": form.reason.data} if with_reason else {}
    deal_id, was = deal.id, deal.status
    try:
        with applying(form) as attempt:
            service(
                db.session,
                current_actor(),
                deal_id=deal_id,
                offer_id=form.offer_id.data,
                now=clock.now(),
                **words,
            )
    except Conflict as conflict:
        form.form_errors.append(translate(conflict.message, conflict.params))
        return deal_page(deal, refused={"offers": form}), HTTPStatus.CONFLICT
    if not attempt.ok:
        return deal_page(deal, refused={"offers": form}), unprocessable(form)
    flash(_said(deal, was=was, by=service), "success")
    return redirect(url_for(".show", deal_id=deal_id), HTTPStatus.SEE_OTHER)


def _said(deal: Deal, *, was: DealStatus, by: Callable[..., Deal]) -> str:
    """What has come of an answer, for who gave it."""
    is_change = was is DealStatus.AGREED
    if by is services.decline:
        return _("The change is declined. What was agreed holds.") if is_change else _("The offer is declined.")
    if by is services.withdraw:
        return _("The change is withdrawn. What was agreed holds.") if is_change else _("The offer is withdrawn.")
    if deal.status is not DealStatus.AGREED:
        return _("The terms are taken up as your own offer. The other side answers now.")
    if is_change:
        return _("The change is agreed.")
    return _("Agreed. Contacts and exact places are open to both sides now.")


# Other terms ------------------------------------------------------------------------------------------------------


@bp.route("/<id:deal_id>/offers/new", methods=["GET", "POST"])
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def counter(deal: Deal) -> ResponseReturnValue:
    """Other terms than those that are open; on an agreed deal, a change of those that hold."""
    is_change = deal.status is DealStatus.AGREED
    try:
        side = require(DealAction.AMEND if is_change else DealAction.COUNTER, deal, current_actor())
    except Conflict as conflict:
        if request.method != "POST":
            return _back(deal, conflict)
        side = sides_of(deal, current_actor())[0]  # the service says it again, beside what was written
    last = open_offer(deal) or accepted_offer(deal) or deal.offers[-1]
    form = TermsForm(data=terms_of_offer(last))
    status = HTTPStatus.OK
    deal_id, material_key = deal.id, deal.material_key
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                services.counter(
                    db.session,
                    current_actor(),
                    deal_id=deal_id,
                    terms=terms_from(form),
                    message=form.message.data,
                    now=clock.now(),
                )
            if attempt.ok:
                flash(
                    _("The change is proposed. What was agreed holds until it is accepted.")
                    if is_change
                    else _("The offer is sent."),
                    "success",
                )
                return redirect(url_for(".show", deal_id=deal_id), HTTPStatus.SEE_OTHER)
        except Conflict as conflict:
            form.form_errors.append(translate(conflict.message, conflict.params))
            status = HTTPStatus.CONFLICT
    elif form.is_submitted():
        tell_the_rest(form, material_key=material_key, now=clock.now())
    deal = load_deal(deal_id)
    page = render_template(
        "deals/counter.html",
        form=form,
        deal=deal,
        view=view_of_deal(deal),
        side=side,
        last=last,
        is_change=is_change,
        densities=taxonomy().material(deal.material_key).densities_t_per_m3,
        is_own=open_offer(deal) is not None and last.made_by is side and not last.is_suggestion,
    )
    return page, (unprocessable(form) if status is HTTPStatus.OK else status)


def _back(deal: Deal, conflict: Conflict) -> ResponseReturnValue:
    """To the deal as it stands, with why that cannot be done with it any more."""
    flash(translate(conflict.message, conflict.params), "warning")
    return redirect(url_for(".show", deal_id=deal.id), HTTPStatus.SEE_OTHER)


# Calling off ------------------------------------------------------------------------------------------------------


@bp.route("/<id:deal_id>/cancel", methods=["GET", "POST"])
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def cancel(deal: Deal) -> ResponseReturnValue:
    try:
        require(DealAction.CANCEL, deal, current_actor())
    except Conflict as conflict:
        if request.method != "POST":
            return _back(deal, conflict)
    form = CancelForm()
    status = HTTPStatus.OK
    deal_id = deal.id
    if form.validate_on_submit():
        try:
            with applying(form) as attempt:
                services.cancel(db.session, current_actor(), deal_id=deal_id, reason=form.reason.data, now=clock.now())
            if attempt.ok:
                flash(_("The deal is cancelled. What it held is free for others."), "success")
                return redirect(url_for(".show", deal_id=deal_id), HTTPStatus.SEE_OTHER)
        except Conflict as conflict:
            form.form_errors.append(translate(conflict.message, conflict.params))
            status = HTTPStatus.CONFLICT
    page = render_template("deals/cancel.html", form=form, deal=deal, view=view_of_deal(deal))
    return page, (unprocessable(form) if status is HTTPStatus.OK else status)
