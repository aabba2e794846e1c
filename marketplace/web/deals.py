"""Deals: a deal's page."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from marketplace.models import Deal
from marketplace.permissions import Permission
from marketplace.web.access import requires
from marketplace.web.deal_page import deal_page, load_deal

bp = Blueprint("deals", __name__, url_prefix="/deals")


@bp.get("/<id:deal_id>")
@requires(Permission.VIEW_DEAL, subject=load_deal)
def show(deal: Deal) -> ResponseReturnValue:
    return deal_page(deal)
