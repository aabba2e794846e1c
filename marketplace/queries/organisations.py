"""Reading organisations, their members and invitations."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.models import Invitation, Listing, Membership, Municipality, User
from marketplace.queries.open_listings import is_open
from marketplace.queries.paging import Cursor, IdPage, page_by_id
from marketplace.types import Role

RANK = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    user_id: int
    name: str
    email: str
    role: Role
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SentInvitation:
    """An invitation that is neither accepted nor withdrawn."""

    id: int
    email: str
    role: Role
    invited_by: str
    expires_at: datetime
    has_run_out: bool


def members_of(session: Session, *, organisation_id: int) -> list[Member]:
    """Owners first, then by name."""
    query = (
        select(Membership)
        .where(Membership.organisation_id == organisation_id)
        .options(joinedload(Membership.user, innerjoin=True))
    )
    found = [
        Member(
            user_id=membership.user_id,
            name=membership.user.name,
            email=membership.user.email,
            role=membership.role,
            since=membership.created_at,
        )
        for membership in session.scalars(query)
    ]
    return sorted(found, key=lambda member: (RANK[member.role], member.name, member.user_id))


def open_invitations(session: Session, *, organisation_id: int, now: datetime) -> list[SentInvitation]:
    """Newest first; those that have run out stay in the list until they are renewed or withdrawn."""
    query = (
        select(Invitation, User.name)
        .join(User, User.id == Invitation.invited_by_id)
        .where(
            Invitation.organisation_id == organisation_id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .order_by(Invitation.id.desc())
    )
    return [
        SentInvitation(
            id=invitation.id,
            email=invitation.email,
            role=invitation.role,
            invited_by=inviter,
            expires_at=invitation.expires_at,
            has_run_out=invitation.expires_at <= now,
        )
        for invitation, inviter in session.execute(query)
    ]


def open_listings_of(session: Session, *, organisation_id: int, today: date, cursor: Cursor) -> IdPage[Listing]:
    """What the organisation offers and looks for in public, newest first; what it takes in stands at its facilities."""
    return page_by_id(
        session,
        select(Listing)
        .where(Listing.organisation_id == organisation_id, Listing.facility_id.is_(None), is_open(today))
        .options(joinedload(Listing.municipality, innerjoin=True)),
        key=Listing.id,
        make=lambda row: row.Listing,
        id_of=lambda listing: listing.id,
        cursor=cursor,
    )


def membership(session: Session, *, organisation_id: int, user_id: int) -> Membership | None:
    query = select(Membership).where(Membership.organisation_id == organisation_id, Membership.user_id == user_id)
    return session.scalars(query.options(joinedload(Membership.user, innerjoin=True))).one_or_none()


def invitation(session: Session, *, organisation_id: int, invitation_id: int) -> Invitation | None:
    """The invitation, if it is the organisation's."""
    return session.scalars(
        select(Invitation).where(Invitation.id == invitation_id, Invitation.organisation_id == organisation_id)
    ).one_or_none()


def municipality_name(session: Session, *, number: str | None) -> str | None:
    return session.scalar(select(Municipality.name).where(Municipality.number == number)) if number else None
