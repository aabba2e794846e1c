"""Deals and their loads, for weighbridge systems."""

from http import HTTPStatus

from flask import Response, make_response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from marketplace import clock, db
from marketplace.api.auth import authenticate, declares, of_deal
from marketplace.api.problems import Problem
from marketplace.api.schemas import DealOut, DealPage, PageQuery, TicketIn, TicketOut, TicketPage
from marketplace.models import Deal
from marketplace.permissions import Permission
from marketplace.queries.api import deals_after, tickets_after
from marketplace.services.tickets import add_ticket
from marketplace.types import TicketSource
from marketplace.web.access import current_actor

REFUSALS = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
)

bp = APIBlueprint(
    "api",
    __name__,
    url_prefix="/api/v1",
    abp_security=[{"token": []}],
    abp_responses={status.value: Problem for status in REFUSALS},
)
bp.before_request(authenticate)


@bp.get("/deals", summary="The organisation's agreed deals", responses={200: DealPage})
@declares(Permission.ACCOUNT)
def deals(query: PageQuery) -> Response:
    own = [each.organisation_id for each in current_actor().memberships]
    found = deals_after(db.session, organisation_ids=own, after=query.after, limit=query.limit)
    more = found[-1].id if len(found) == query.limit else None
    return _json(DealPage(items=[DealOut.of(deal) for deal in found], next_after=more))


@bp.get("/deals/<id:deal_id>/tickets", summary="A deal's loads", responses={200: TicketPage})
@of_deal(Permission.VIEW_DEAL)
def tickets(deal: Deal, query: PageQuery) -> Response:
    found = tickets_after(db.session, deal_id=deal.id, after=query.after, limit=query.limit)
    more = found[-1].id if len(found) == query.limit else None
    return _json(TicketPage(items=[TicketOut.of(ticket) for ticket in found], next_after=more))


@bp.post(
    "/deals/<id:deal_id>/tickets",
    summary="Report a load",
    description="201 where it is new, 200 where the same load was there already; it counts once.",
    responses={201: TicketOut, 200: TicketOut},
)
@of_deal(Permission.ACT_ON_DEAL)
def report(deal: Deal, body: TicketIn) -> Response:
    added = add_ticket(
        db.session,
        current_actor(),
        deal_id=deal.id,
        report=body.as_report(),
        source=TicketSource.API,
        now=clock.now(),
    )
    return _json(TicketOut.of(added.ticket), HTTPStatus.CREATED if added.is_new else HTTPStatus.OK)


def _json(value: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    response = make_response(value.model_dump_json(), status)
    response.mimetype = "application/json"
    return response
