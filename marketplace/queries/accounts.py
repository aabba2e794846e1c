"""Reading accounts, organisations and memberships."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.actor import Actor, ActorMembership
from marketplace.models import Membership, User


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAccount:
    """An account as a session cookie names it."""

    actor: Actor
    session_epoch: int


def actor_of(user: User) -> Actor:
    """The acting person of an account whose memberships are loaded with their organisations."""
    return Actor(
        user_id=user.id,
        name=user.name,
        email=user.email,
        locale=user.locale,
        is_admin=user.is_admin,
        is_confirmed=user.email_confirmed_at is not None,
        memberships=tuple(
            ActorMembership(
                organisation_id=membership.organisation_id,
                organisation_name=membership.organisation.name,
                kind=membership.organisation.kind,
                role=membership.role,
            )
            for membership in sorted(user.memberships, key=lambda each: each.organisation_id)
        ),
    )


def account_for_session(session: Session, *, user_id: int, epoch: int) -> SessionAccount | None:
    """The account, unless its sessions have been ended since this one began."""
    query = (
        select(User)
        .where(User.id == user_id, User.session_epoch == epoch)
        .options(selectinload(User.memberships).options(joinedload(Membership.organisation)))
    )
    user = session.scalars(query).one_or_none()
    return SessionAccount(actor=actor_of(user), session_epoch=user.session_epoch) if user else None
