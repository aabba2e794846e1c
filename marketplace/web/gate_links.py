"""Making links for gates, printing their sheets, and withdrawing them."""

from datetime import date
from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from marketplace import clock, db
from marketplace.errors import NotFound
from marketplace.forms.tickets import GateLinkForm
from marketplace.models import Deal, GateLink
from marketplace.permissions import Permission
from marketplace.printing import qr_svg
from marketplace.queries.tickets import gate_links_of
from marketplace.services.deal_actions import DealAction, sides_of
from marketplace.services.gate_links import SENT_WITHIN, make_gate_link, revoke_gate_link
from marketplace.web.access import current_actor, requires
from marketplace.web.deal_page import load_deal, view_of_deal
from marketplace.web.gate import gate_signer
from marketplace.web.paging import cursor_from_address, page_links
from marketplace.web.submit import applying, unprocessable
from marketplace.web.ticket_section import warn_of_day

bp = Blueprint("gate_links", __name__, url_prefix="/deals/<id:deal_id>/gate")


def load_deal_of_link(deal_id: int, link_id: int) -> Deal:
    return load_deal(deal_id)


@bp.route("", methods=["GET", "POST"])
@requires(Permission.ACT_ON_DEAL, subject=load_deal)
def index(deal: Deal) -> ResponseReturnValue:
    now = clock.now()
    form = GateLinkForm(data={"valid_on": max(clock.local_date(now), deal.agreed_from or date.min)})
    if form.validate_on_submit():
        with applying(form) as attempt:
            link = make_gate_link(
                db.session,
                current_actor(),
                deal_id=deal.id,
                valid_on=form.valid_on.data,
                label=form.label.data,
                now=now,
            )
        if attempt.ok:
            warn_of_day(deal, link.valid_on)
            return redirect(url_for(".sheet", deal_id=deal.id, link_id=link.id), HTTPStatus.SEE_OTHER)
    sides = sides_of(deal, current_actor())
    links = gate_links_of(
        db.session, deal_id=deal.id, side=sides[0] if len(sides) == 1 else None, cursor=cursor_from_address()
    )
    page = render_template(
        "tickets/gate_links.html",
        deal=deal,
        form=form,
        page=links,
        links=page_links(links, ".index", deal_id=deal.id),
        can_make=view_of_deal(deal).may(DealAction.MAKE_GATE_LINK),
        today=clock.local_date(now),
        sent_within=SENT_WITHIN,
    )
    return page, unprocessable(form)


@bp.get("/<id:link_id>/sheet")
@requires(Permission.ACT_ON_DEAL, subject=load_deal_of_link)
def sheet(deal: Deal) -> ResponseReturnValue:
    """A sheet to print and hang up where the lorries stop."""
    link = _own_link(deal)
    address = gate_address(link)
    qr = Markup(qr_svg(address))  # noqa: S704 - drawn by us
    return render_template("tickets/sheet.html", deal=deal, link=link, address=address, qr=qr, sent_within=SENT_WITHIN)


@bp.post("/<id:link_id>/revoke")
@requires(Permission.ACT_ON_DEAL, subject=load_deal_of_link)
def revoke(deal: Deal) -> ResponseReturnValue:
    assert request.view_args is not None
    revoke_gate_link(
        db.session, current_actor(), deal_id=deal.id, link_id=request.view_args["link_id"], now=clock.now()
    )
    flash(_("The link is withdrawn, and takes no loads any more. Take down its sheet."), "success")
    return redirect(url_for(".index", deal_id=deal.id), HTTPStatus.SEE_OTHER)


def gate_address(link: GateLink) -> str:
    """As the site was reached by whoever prints it: a name that leads here from their network."""
    return request.host_url.rstrip("/") + url_for("gate.report", token=gate_signer().sign(link))


def _own_link(deal: Deal) -> GateLink:
    """The link that the address names; only of the gate of a side that the visitor acts for."""
    assert request.view_args is not None
    link = db.session.get(GateLink, request.view_args["link_id"])
    if link is None or link.deal_id != deal.id or link.side not in sides_of(deal, current_actor()):
        raise NotFound
    return link
