"""Invitations: a mailed link that makes its recipient a member of an organisation."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Invitation, Membership, Organisation, User
from marketplace.queries.accounts import user_by_email
from marketplace.services.links import DeadLink
from marketplace.services.mail import send_mail
from marketplace.services.organisations import add_member
from marketplace.services.passwords import hash_password, require_good_password
from marketplace.types import Role

LASTS = timedelta(days=14)


class InvitationOver(Conflict):
    message = N_("This invitation has been answered or withdrawn.")


def invite(
    session: Session, actor: Actor, *, organisation: Organisation, email: str, role: Role, locale: str, now: datetime
) -> Invitation:
    """An invitation, mailed. `locale` is the mail's language where the address has no account that has chosen one.

    Raises:
        InvalidInput: they are a member already, or have an invitation that is still open.
    """
    _lock(session, organisation)
    invitee = user_by_email(session, email=email)
    if invitee is not None and session.get(Membership, (invitee.id, organisation.id)) is not None:
        raise field_error("email", N_("This person is a member already."))
    open_one = _open_invitation(session, organisation, email)
    if open_one is not None:
        if open_one.expires_at > now:
            raise field_error("email", N_("This address has already been invited."))
        open_one.revoked_at = now
        session.flush()
    invitation = Invitation(organisation_id=organisation.id, email=email, role=role, invited_by_id=actor.user_id)
    session.add(invitation)
    _mail(session, actor, invitation, organisation=organisation, locale=invitee.locale if invitee else locale, now=now)
    return invitation


def resend_invitation(session: Session, actor: Actor, *, invitation: Invitation, locale: str, now: datetime) -> None:
    """Mail it once more with a new link, which alone counts and starts its time anew.

    Raises:
        InvitationOver: it has been answered or withdrawn.
    """
    _require_open(session, invitation)
    invitee = user_by_email(session, email=invitation.email)
    organisation = session.get_one(Organisation, invitation.organisation_id)
    _mail(session, actor, invitation, organisation=organisation, locale=invitee.locale if invitee else locale, now=now)


def revoke_invitation(session: Session, _actor: Actor, *, invitation: Invitation, now: datetime) -> None:
    """
    Raises:
        InvitationOver: it has been answered or withdrawn.
    """
    _require_open(session, invitation)
    invitation.revoked_at = now
    session.flush()


def open_invitation(session: Session, *, token: str, now: datetime, lock: bool = False) -> Invitation:
    """The invitation behind a mailed link, with its organisation and who sent it.

    Raises:
        DeadLink: forged, run out, replaced by a newer link, answered or withdrawn.
    """
    query = (
        select(Invitation)
        .where(Invitation.token_hash == hash_of(token))
        .options(joinedload(Invitation.organisation, innerjoin=True), joinedload(Invitation.invited_by, innerjoin=True))
    )
    if lock:
        query = query.with_for_update(of=Invitation).execution_options(populate_existing=True)
    invitation = session.scalars(query).one_or_none()
    if invitation is None:
        raise DeadLink(N_("This invitation is not known. If there is a newer mail, use the link in that one."))
    if invitation.accepted_at is not None:
        raise DeadLink(N_("This invitation has been accepted already."))
    if invitation.revoked_at is not None:
        raise DeadLink(N_("This invitation has been withdrawn. Ask the organisation for a new one."))
    if invitation.expires_at <= now:
        raise DeadLink(N_("This invitation has run out. Ask the organisation for a new one."))
    return invitation


def accept_invitation(session: Session, actor: Actor, *, token: str, now: datetime) -> Membership:
    """The membership that the invitation promised to the person acting.

    Raises:
        DeadLink: as `open_invitation`.
        Forbidden: it was sent to another address than theirs.
    """
    invitation = open_invitation(session, token=token, now=now, lock=True)
    if actor.email.lower() != invitation.email.lower():
        raise Forbidden(N_("This invitation was sent to another address than the one you are logged in with."))
    user = session.get_one(User, actor.user_id)
    return _accept(session, invitation, user, now=now)


def sign_up_from_invitation(
    session: Session, *, token: str, name: str, password: str, locale: str, now: datetime
) -> User:
    """A new account that is a member; its address is confirmed, since the link came to it by mail.

    Raises:
        DeadLink: as `open_invitation`.
        Forbidden: the address has an account in use, which must log in instead.
        InvalidInput: the password is refused.
    """
    invitation = open_invitation(session, token=token, now=now, lock=True)
    require_good_password(password, email=invitation.email)
    user = user_by_email(session, email=invitation.email)
    if user is not None and user.email_confirmed_at is not None:
        raise Forbidden(N_("This address has an account. Log in to accept the invitation."))
    if user is None:
        user = User(email=invitation.email, session_epoch=1)
        session.add(user)
    # A sign-up that nobody confirmed may not have been the recipient's: what is entered here takes its place.
    user.name, user.password_hash, user.locale, user.email_confirmed_at = name, hash_password(password), locale, now
    session.flush()
    _accept(session, invitation, user, now=now)
    return user


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _accept(session: Session, invitation: Invitation, user: User, *, now: datetime) -> Membership:
    membership = add_member(session, organisation_id=invitation.organisation_id, user=user, role=invitation.role)
    invitation.accepted_at = now
    session.flush()
    return membership


def _mail(
    session: Session, actor: Actor, invitation: Invitation, *, organisation: Organisation, locale: str, now: datetime
) -> None:
    token = secrets.token_urlsafe(32)
    invitation.token_hash, invitation.expires_at = hash_of(token), now + LASTS
    session.flush()
    context: dict[str, str | int] = {
        "organisation": organisation.name,
        "inviter": actor.name,
        "expires_on": invitation.expires_at.date().isoformat(),
        "token": token,
    }
    send_mail(session, to=invitation.email, template="invitation", locale=locale, context=context)


def _lock(session: Session, organisation: Organisation) -> None:
    """One invitation of an organisation at a time, so that the same address is not asked twice at once."""
    session.execute(select(Organisation.id).where(Organisation.id == organisation.id).with_for_update())


def _open_invitation(session: Session, organisation: Organisation, email: str) -> Invitation | None:
    return session.scalars(
        select(Invitation).where(
            Invitation.organisation_id == organisation.id,
            func.lower(Invitation.email) == email.lower(),
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
    ).one_or_none()


def _require_open(session: Session, invitation: Invitation) -> None:
    session.refresh(invitation, with_for_update=True)  # not answered while it is being changed
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        raise InvitationOver
