"""Reading accounts, organisations and memberships."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.actor import Actor, ActorMembership
from marketplace.models import Membership, Organisation, User
from marketplace.types import OrganisationKind, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAccount:
    """An account as a session cookie names it."""

    actor: Actor
    session_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleAccount:
    """A demo log-in: an invented person, and one place where they act (None for an administrator)."""

    user_id: int
    name: str
    email: str
    is_admin: bool
    role: Role | None
    organisation_name: str | None
    kind: OrganisationKind | None


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
                is_banned=membership.organisation.is_banned,
            )
            for membership in sorted(user.memberships, key=lambda each: each.organisation_id)
        ),
    )


def account_for_session(session: Session, *, user_id: int, epoch: int) -> SessionAccount | None:
    """The account, unless its sessions have been ended since this one began."""
    query = (
        select(User)
        .where(User.id == user_id, User.session_epoch == epoch, User.banned_at.is_(None))
        .options(selectinload(User.memberships).options(joinedload(Membership.organisation)))
    )
    user = session.scalars(query).one_or_none()
    return SessionAccount(actor=actor_of(user), session_epoch=user.session_epoch) if user else None


def user_by_email(session: Session, *, email: str) -> User | None:
    """The account of an address, however it is capitalised."""
    return session.scalars(select(User).where(func.lower(User.email) == email.lower())).one_or_none()


def example_accounts(session: Session) -> list[ExampleAccount]:
    """The demo log-ins, by kind of organisation, organisation and role; administrators last."""
    query = (
        select(User, Membership, Organisation)
        .outerjoin(Membership, Membership.user_id == User.id)
        .outerjoin(Organisation, Organisation.id == Membership.organisation_id)
        # The author of generated rows is an example as well, but unconfirmed, and so no log-in.
        .where(User.is_example, User.email_confirmed_at.is_not(None), User.banned_at.is_(None))
    )
    kinds, roles = list(OrganisationKind), list(Role)
    found = [
        ExampleAccount(
            user_id=user.id,
            name=user.name,
            email=user.email,
            is_admin=user.is_admin,
            role=membership.role if membership else None,
            organisation_name=organisation.name if organisation else None,
            kind=organisation.kind if organisation else None,
        )
        for user, membership, organisation in session.execute(query)
    ]
    return sorted(
        found,
        key=lambda account: (
            kinds.index(account.kind) if account.kind else len(kinds),
            account.organisation_name or "",
            roles.index(account.role) if account.role else len(roles),
            account.user_id,
        ),
    )
