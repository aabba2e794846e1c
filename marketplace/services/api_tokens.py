"""Tokens: made by an organisation's owner, shown once, and shown again by the systems that use them."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.actor import EDITING_ROLES, Actor, ActorMembership
from marketplace.errors import Forbidden, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import ApiToken, Membership, User
from marketplace.types import Role

PREFIX: Final = "msf_"
"""So that whoever finds one, a person or a scanner for secrets, sees what it is."""
SECRET_BYTES: Final = 32
LONGEST_LIFE: Final = timedelta(days=730)
MOST_TOKENS: Final = 50
NOTED_EVERY: Final = timedelta(minutes=10)
"""When a token was last used is noted no more often, so that a busy weighbridge does not write for it."""


def make_token(
    session: Session, actor: Actor, *, organisation_id: int, name: str, days: int, now: datetime
) -> tuple[ApiToken, str]:
    """A new token and its secret, which is kept nowhere.

    Raises:
        Forbidden: the actor does not own the organisation.
        InvalidInput: no such life, or there are too many tokens already.
    """
    if actor.user_id is None or not actor.is_confirmed or not actor.owns(organisation_id):
        raise Forbidden
    if not 1 <= days <= LONGEST_LIFE.days:
        raise field_error("days", N_("Choose between 1 and %(most)s days."), most=LONGEST_LIFE.days)
    alive = select(func.count()).where(
        ApiToken.organisation_id == organisation_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
    )
    if session.scalar(alive) >= MOST_TOKENS:  # type: ignore[operator]
        raise field_error("name", N_("There are %(most)s tokens already. Revoke one first."), most=MOST_TOKENS)
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = ApiToken(
        organisation_id=organisation_id,
        name=name,
        token_hash=_hash(secret),
        created_by_id=actor.user_id,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(token)
    session.flush()
    return token, secret


def revoke_token(session: Session, actor: Actor, *, organisation_id: int, token_id: int, now: datetime) -> None:
    """End a token; a second time changes nothing.

    Raises:
        Forbidden: the actor neither owns the organisation nor administers Masseflyt.
        NotFound: it has no such token.
    """
    if not (actor.owns(organisation_id) or actor.is_admin):
        raise Forbidden
    token = session.get(ApiToken, token_id)
    if token is None or token.organisation_id != organisation_id:
        raise NotFound
    if token.revoked_at is None:
        token.revoked_at, token.revoked_by_id = now, actor.user_id
    session.flush()


def actor_of_secret(session: Session, secret: str, *, now: datetime) -> tuple[Actor, ApiToken] | None:
    """Who acts when a system shows this secret: whoever made the token, for its organisation alone, and as an editor.

    None where no living token has it, its maker may not edit there any more, or one of the two is banned.
    """
    if not secret.startswith(PREFIX):
        return None
    query = (
        select(ApiToken)
        .where(ApiToken.token_hash == _hash(secret))
        .options(
            joinedload(ApiToken.created_by).options(
                selectinload(User.memberships).options(joinedload(Membership.organisation))
            )
        )
    )
    token = session.scalars(query).one_or_none()
    if token is None or not token.is_alive(now=now):
        return None
    maker = token.created_by
    membership = next((each for each in maker.memberships if each.organisation_id == token.organisation_id), None)
    if membership is None or membership.role not in EDITING_ROLES or maker.email_confirmed_at is None:
        return None
    if maker.banned_at is not None or membership.organisation.is_banned:
        return None
    acting = ActorMembership(
        organisation_id=membership.organisation_id,
        organisation_name=membership.organisation.name,
        kind=membership.organisation.kind,
        role=Role.EDITOR,
    )
    actor = Actor(
        user_id=maker.id,
        name=maker.name,
        email=maker.email,
        locale=maker.locale,
        is_confirmed=True,
        memberships=(acting,),
    )
    return actor, token


def note_use(session: Session, *, token_id: int, now: datetime) -> None:
    """Keep when a token was last used, to within `NOTED_EVERY`."""
    stale = ApiToken.last_used_at.is_(None) | (ApiToken.last_used_at < now - NOTED_EVERY)
    session.execute(update(ApiToken).where(ApiToken.id == token_id, stale).values(last_used_at=now))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
