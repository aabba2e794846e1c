"""Who asks: the system that shows a token, for the organisation that the token is of."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final

from flask import g, request
from flask.typing import ResponseReturnValue
from flask_login import UserMixin
from pydantic import BaseModel, Field

from marketplace import clock, db
from marketplace.acting import Acting, act_as
from marketplace.actor import Actor
from marketplace.errors import NotAuthenticated
from marketplace.models import Deal
from marketplace.permissions import Permission
from marketplace.services.api_tokens import actor_of_secret, note_use
from marketplace.services.throttle import hit
from marketplace.web.access import DECLARATION, refusal
from marketplace.web.deal_page import load_deal

SCHEME: Final = "Bearer "
REQUESTS_A_MINUTE: Final = 300


class DealPath(BaseModel):
    deal_id: int = Field(description="The deal's id, as in its address.")


class TokenUser(UserMixin):
    """What Flask-Login takes for the visitor: the token's actor."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.locale = actor.locale


def authenticate() -> None:
    """Make the token's actor the visitor of this request, whatever cookie came with it.

    Raises:
        NotAuthenticated: no token, or one that is unknown, over or revoked.
        TooManyAttempts: the token is used more often than a weighbridge can weigh.
    """
    shown = request.headers.get("Authorization", "")
    now = clock.now()
    found = actor_of_secret(db.session, shown.removeprefix(SCHEME).strip(), now=now) if shown else None
    if found is None or not shown.startswith(SCHEME):
        raise NotAuthenticated
    actor, token = found
    g._login_user = TokenUser(actor)
    if request.method in db.SAFE_METHODS:
        return
    act_as(db.session, Acting(label=f"token:{token.id}", user_id=actor.user_id, request_id=g.get("request_id")))
    hit(db.session, key=f"api-token:{token.id}", limit=REQUESTS_A_MINUTE, window=timedelta(minutes=1), now=now)
    note_use(db.session, token_id=token.id, now=now)


def declares(permission: Permission) -> Callable[..., Any]:
    """Declare and enforce what a view takes that is about no one thing."""

    def decorate(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        @wraps(view)
        def guarded(**arguments: object) -> ResponseReturnValue:
            return refusal(permission, None) or view(**arguments)

        setattr(guarded, DECLARATION, permission)
        return guarded

    return decorate


def of_deal(permission: Permission) -> Callable[..., Any]:
    """Declare and enforce what a view of a deal takes; it is handed the deal instead of its path."""

    def decorate(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        @wraps(view)
        def guarded(path: DealPath, **rest: object) -> ResponseReturnValue:
            deal: Deal = load_deal(path.deal_id)
            return refusal(permission, deal) or view(deal, **rest)

        setattr(guarded, DECLARATION, permission)
        annotations = {name: hint for name, hint in view.__annotations__.items() if name != "deal"}
        guarded.__annotations__ = {"path": DealPath, **annotations}  # what a request is validated against
        return guarded

    return decorate
