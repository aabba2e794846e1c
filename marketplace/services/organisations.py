"""Organisations and their members."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Membership, Organisation, User
from marketplace.queries.municipalities import find_municipality
from marketplace.registers.enhetsregisteret import RegisteredOrganisation
from marketplace.registers.orgnr import parse_org_number
from marketplace.services.search_text import refresh_search_text
from marketplace.text import is_blank
from marketplace.types import OrganisationKind, Role


class LastOwner(Conflict):
    message = N_("An organisation needs an owner. Make somebody else an owner first.")


def register_organisation(
    session: Session,
    actor: Actor,
    *,
    org_number: str,
    name: str,
    kind: OrganisationKind,
    found: RegisteredOrganisation | None,
    now: datetime,
) -> Organisation:
    """The new organisation, with its first member as its owner.

    `found` is what Enhetsregisteret says of the number, None where it could not be asked: then the name that was typed
    is taken, and the register's name and address come when it can be asked again (`refresh_from_register`).

    Raises:
        InvalidInput: no organisation number, no name, dissolved, or registered here already.
    """
    number = parse_org_number(org_number)
    if number is None:
        raise field_error("org_number", N_("This is no Norwegian organisation number. It has nine digits; check each."))
    if session.scalar(select(Organisation.id).where(Organisation.org_number == number)):
        raise field_error("org_number", N_("This organisation is already registered. Ask its owner to invite you."))
    organisation = Organisation(org_number=number, name=name, kind=kind)
    if found is not None:
        _take_over(session, organisation, found, now=now)
    _require_name(organisation.name)
    session.add(organisation)
    session.flush()
    session.add(Membership(user_id=actor.user_id, organisation_id=organisation.id, role=Role.OWNER))
    session.flush()
    return organisation


def edit_organisation(
    session: Session, _actor: Actor, *, organisation: Organisation, name: str, kind: OrganisationKind
) -> None:
    """Change what its owner may change; a name that Enhetsregisteret gave stays as it is there.

    What was verified was the organisation of that name, so that another name ends it.

    Raises:
        InvalidInput: no name.
    """
    if organisation.register_checked_at is None:
        _require_name(name)
        if name != organisation.name:
            organisation.verified_at = organisation.verified_by_id = organisation.verification_note = None
        organisation.name = name
    organisation.kind = kind
    refresh_search_text(session, organisation_id=organisation.id)


def refresh_from_register(
    session: Session, _actor: Actor, *, organisation: Organisation, found: RegisteredOrganisation, now: datetime
) -> None:
    """Take over the register's name and address.

    Raises:
        InvalidInput: the organisation is dissolved.
    """
    _take_over(session, organisation, found, now=now)
    refresh_search_text(session, organisation_id=organisation.id)


def change_role(session: Session, _actor: Actor, *, organisation_id: int, user_id: int, role: Role) -> None:
    """
    Raises:
        LastOwner: nobody else owns the organisation.
        NotFound: they are no member (any longer).
    """
    members = _lock_members(session, organisation_id)
    membership = _member(members, user_id)
    if role is not Role.OWNER:
        _require_another_owner(members, user_id)
    membership.role = role
    session.flush()


def remove_member(session: Session, _actor: Actor, *, organisation_id: int, user_id: int) -> None:
    """End a membership. What the person posted for the organisation stays the organisation's.

    Raises:
        LastOwner: nobody else owns the organisation.
        NotFound: they are no member (any longer).
    """
    members = _lock_members(session, organisation_id)
    membership = _member(members, user_id)
    _require_another_owner(members, user_id)
    session.delete(membership)
    session.flush()


def leave_organisation(session: Session, actor: Actor, *, organisation_id: int) -> None:
    """As `remove_member`, for oneself."""
    assert actor.user_id is not None
    remove_member(session, actor, organisation_id=organisation_id, user_id=actor.user_id)


def _require_name(name: str) -> None:
    if is_blank(name):
        raise field_error("name", N_("Enter the organisation's name."))


def _take_over(session: Session, organisation: Organisation, found: RegisteredOrganisation, *, now: datetime) -> None:
    if found.is_deleted:
        raise field_error("org_number", N_("Enhetsregisteret says that this organisation has been dissolved."))
    organisation.name = found.name
    organisation.address = found.address
    organisation.municipality_number = _present_number(session, found.municipality_number)
    organisation.register_checked_at = now


def _present_number(session: Session, number: str | None) -> str | None:
    """The register's municipality, where this database knows it under that number or a former one."""
    municipality = find_municipality(session, number) if number else None
    return municipality.number if municipality else None


def _lock_members(session: Session, organisation_id: int) -> list[Membership]:
    """All memberships, locked in id order: two owners who demote each other at once must take turns."""
    query = (
        select(Membership)
        .where(Membership.organisation_id == organisation_id)
        .order_by(Membership.user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query))


def _member(members: list[Membership], user_id: int) -> Membership:
    for membership in members:
        if membership.user_id == user_id:
            return membership
    raise NotFound


def _require_another_owner(members: list[Membership], user_id: int) -> None:
    owners = {membership.user_id for membership in members if membership.role is Role.OWNER}
    if owners == {user_id}:
        raise LastOwner


def add_member(session: Session, *, organisation_id: int, user: User, role: Role) -> Membership:
    """Their membership; somebody who is a member already keeps the role they have."""
    existing = session.get(Membership, (user.id, organisation_id))
    if existing is not None:
        return existing
    membership = Membership(user_id=user.id, organisation_id=organisation_id, role=role)
    session.add(membership)
    session.flush()
    return membership
