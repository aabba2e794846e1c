"""Organisations, who is a member of them, and who is asked to be."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import Forbidden, InvalidInput, NotFound
from marketplace.models import Invitation, Membership, Organisation, OutboxMail, User
from marketplace.queries.accounts import user_by_email
from marketplace.queries.organisations import members_of, open_invitations
from marketplace.registers.enhetsregisteret import RegisteredOrganisation
from marketplace.services import invitations, organisations
from marketplace.services.invitations import InvitationOver
from marketplace.services.links import DeadLink
from marketplace.services.organisations import LastOwner
from marketplace.services.passwords import is_password
from marketplace.types import OrganisationKind, Role
from tests.conftest import NOW
from tests.factories import BAERUM, Factory, org_number

PASSWORD = "rolig elv under brua"
EMAIL = "ola@anlegg.example"
DAY = timedelta(days=1)


def registered(number: str, **values: object) -> RegisteredOrganisation:
    return RegisteredOrganisation(
        **{
            "org_number": number,
            "name": "BYGG OG ANLEGG AS",
            "form_code": "AS",
            "form_name": "Aksjeselskap",
            "address": "Storgata 1, 1337 SANDVIKA",
            "municipality_number": BAERUM,
            "is_deleted": False,
            "is_bankrupt": False,
            **values,
        }
    )


def register(
    session: Session, actor: Actor, *, number: str, name: str = "Typed", found: RegisteredOrganisation | None = None
) -> Organisation:
    return organisations.register_organisation(
        session, actor, org_number=number, name=name, kind=OrganisationKind.CONTRACTOR, found=found, now=NOW
    )


def said(error: pytest.ExceptionInfo[InvalidInput]) -> tuple[str, str]:
    return error.value.errors[0].field, error.value.errors[0].message


@pytest.fixture
def actor(make: Factory) -> Actor:
    return make.actor(make.user(name="Kari"))


@pytest.fixture
def number() -> str:
    return org_number(4_000_000)


# Registering ----------------------------------------------------------------------------------------------------------


def test_the_first_member_is_the_owner(session: Session, actor: Actor, number: str) -> None:
    organisation = register(session, actor, number=number)
    assert [(m.user_id, m.role) for m in members_of(session, organisation_id=organisation.id)] == [
        (actor.user_id, Role.OWNER)
    ]


def test_without_the_register_the_typed_name_is_taken(session: Session, actor: Actor, number: str) -> None:
    organisation = register(session, actor, number=f"NO {number[:3]} {number[3:6]} {number[6:]} MVA", name="Typed AS")
    assert (organisation.org_number, organisation.name) == (number, "Typed AS")
    assert organisation.register_checked_at is None


def test_the_register_knows_the_name_and_address_better(session: Session, actor: Actor, number: str) -> None:
    organisation = register(session, actor, number=number, name="Typed", found=registered(number))
    assert organisation.name == "BYGG OG ANLEGG AS"
    assert organisation.address == "Storgata 1, 1337 SANDVIKA"
    assert (organisation.municipality_number, organisation.register_checked_at) == (BAERUM, NOW)


@pytest.mark.parametrize(("given", "kept"), [("3024", BAERUM), ("9999", None), (None, None)])
def test_a_former_municipality_number_leads_to_the_present_one(
    session: Session, actor: Actor, number: str, given: str | None, kept: str | None
) -> None:
    """3024 was Bærum's until 2024; a number that nobody knows is left out, and keeps nobody from registering."""
    organisation = register(session, actor, number=number, found=registered(number, municipality_number=given))
    assert organisation.municipality_number == kept


@pytest.mark.parametrize("written", ["", "123456789", "12345678", "99999999999", "abc", "974760674", "9747606７3"])
def test_what_is_no_organisation_number_is_refused(session: Session, actor: Actor, written: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        register(session, actor, number=written)
    assert said(refused)[0] == "org_number"


def test_a_number_is_registered_once(session: Session, actor: Actor, number: str, make: Factory) -> None:
    make.organisation(org_number=number)
    with pytest.raises(InvalidInput) as refused:
        register(session, actor, number=number)
    assert said(refused) == ("org_number", "This organisation is already registered. Ask its owner to invite you.")


def test_a_dissolved_organisation_is_refused(session: Session, actor: Actor, number: str) -> None:
    with pytest.raises(InvalidInput, match="dissolved"):
        register(session, actor, number=number, found=registered(number, is_deleted=True))


def test_a_name_is_needed_where_the_register_gives_none(session: Session, actor: Actor, number: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        register(session, actor, number=number, name="")
    assert said(refused)[0] == "name"


@pytest.mark.parametrize(("checked", "kept"), [(NOW, "From the register"), (None, "New name")])
def test_a_name_of_the_register_is_not_edited(
    session: Session, make: Factory, actor: Actor, checked: object, kept: str
) -> None:
    organisation = make.organisation(name="From the register", register_checked_at=checked)
    organisations.edit_organisation(
        session, actor, organisation=organisation, name="New name", kind=OrganisationKind.HAULIER
    )
    assert (organisation.name, organisation.kind) == (kept, OrganisationKind.HAULIER)


def test_the_register_can_be_asked_later(session: Session, make: Factory, actor: Actor) -> None:
    organisation = make.organisation(name="Typed")
    found = registered(organisation.org_number)
    organisations.refresh_from_register(session, actor, organisation=organisation, found=found, now=NOW)
    assert (organisation.name, organisation.register_checked_at) == ("BYGG OG ANLEGG AS", NOW)


# Members --------------------------------------------------------------------------------------------------------------


def role_of(session: Session, user: User, organisation: Organisation) -> Role | None:
    session.expire_all()
    membership = session.get(Membership, (user.id, organisation.id))
    return membership.role if membership else None


def change(session: Session, user: User, organisation: Organisation, role: Role) -> None:
    organisations.change_role(session, Actor(user_id=None), organisation_id=organisation.id, user_id=user.id, role=role)


def test_a_role_is_changed(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    make.member(organisation)
    editor = make.member(organisation, role=Role.EDITOR)
    change(session, editor, organisation, Role.OWNER)
    assert role_of(session, editor, organisation) is Role.OWNER


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_the_last_owner_stays_an_owner(session: Session, make: Factory, role: Role) -> None:
    organisation = make.organisation()
    owner = make.member(organisation)
    make.member(organisation, role=Role.EDITOR)
    with pytest.raises(LastOwner):
        change(session, owner, organisation, role)
    with pytest.raises(LastOwner):
        organisations.remove_member(session, make.actor(owner), organisation_id=organisation.id, user_id=owner.id)
    with pytest.raises(LastOwner):
        organisations.leave_organisation(session, make.actor(owner), organisation_id=organisation.id)
    assert role_of(session, owner, organisation) is Role.OWNER


def test_the_last_owner_may_be_made_an_owner_again(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    owner = make.member(organisation)
    change(session, owner, organisation, Role.OWNER)
    assert role_of(session, owner, organisation) is Role.OWNER


def test_an_owner_leaves_when_there_is_another(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    first, second = make.member(organisation), make.member(organisation)
    organisations.leave_organisation(session, make.actor(first), organisation_id=organisation.id)
    assert role_of(session, first, organisation) is None
    with pytest.raises(LastOwner):
        organisations.leave_organisation(session, make.actor(second), organisation_id=organisation.id)


def test_a_member_is_removed(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    owner, viewer = make.member(organisation), make.member(organisation, role=Role.VIEWER)
    organisations.remove_member(session, make.actor(owner), organisation_id=organisation.id, user_id=viewer.id)
    assert role_of(session, viewer, organisation) is None


def test_what_a_removed_member_posted_stays(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    make.member(organisation)
    editor = make.member(organisation, role=Role.EDITOR)
    listing = make.listing(organisation, created_by_id=editor.id)
    organisations.leave_organisation(session, make.actor(editor), organisation_id=organisation.id)
    session.refresh(listing)
    assert listing.organisation_id == organisation.id


def test_somebody_who_is_no_member_cannot_be_changed(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    make.member(organisation)
    with pytest.raises(NotFound):
        change(session, make.member(), organisation, Role.OWNER)


def test_two_owners_who_leave_at_once_do_not_leave_none(committing_engine: Engine) -> None:
    """On connections of their own: the second waits for the first, and is then refused."""
    sessions = make_sessions(committing_engine)
    with sessions.begin() as session:
        make = Factory(session, now=NOW)
        organisation = make.organisation()
        owners = [make.actor(make.member(organisation)) for _ in range(2)]
        organisation_id = organisation.id
    start = threading.Barrier(2)
    outcomes = []

    def leave(actor: Actor) -> None:
        with sessions() as session:
            start.wait()
            try:
                organisations.leave_organisation(session, actor, organisation_id=organisation_id)
                session.commit()
                outcomes.append("left")
            except LastOwner:
                outcomes.append("refused")

    threads = [threading.Thread(target=leave, args=(actor,)) for actor in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["left", "refused"]


# Invitations ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def organisation(make: Factory) -> Organisation:
    return make.organisation(name="Fjell & Vann AS")


@pytest.fixture
def owner(make: Factory, organisation: Organisation) -> Actor:
    return make.actor(make.member(organisation, name="Eva Eier"))


def invite(
    session: Session, owner: Actor, organisation: Organisation, *, email: str = EMAIL, role: Role = Role.EDITOR
) -> Invitation:
    return invitations.invite(session, owner, organisation=organisation, email=email, role=role, locale="nb", now=NOW)


def token_of_last_mail(session: Session) -> str:
    mail = session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
    assert mail is not None
    return str(mail.context["token"])


def test_an_invitation_is_mailed_and_only_its_hash_is_kept(
    session: Session, owner: Actor, organisation: Organisation
) -> None:
    invitation = invite(session, owner, organisation)
    token = token_of_last_mail(session)
    assert invitation.token_hash == invitations.hash_of(token)
    assert invitation.expires_at == NOW + 14 * DAY
    mail = session.scalars(select(OutboxMail)).one()
    assert (mail.recipient, mail.context["organisation"], mail.context["inviter"]) == (
        EMAIL,
        "Fjell & Vann AS",
        "Eva Eier",
    )


def test_who_is_a_member_already_is_not_invited(
    session: Session, owner: Actor, organisation: Organisation, make: Factory
) -> None:
    make.member(organisation, email=EMAIL)
    with pytest.raises(InvalidInput, match="member already"):
        invite(session, owner, organisation, email=EMAIL.upper())


def test_an_address_is_asked_once(session: Session, owner: Actor, organisation: Organisation) -> None:
    invite(session, owner, organisation)
    with pytest.raises(InvalidInput, match="already been invited"):
        invite(session, owner, organisation, email=EMAIL.capitalize())


def test_an_invitation_that_has_run_out_makes_room_for_a_new_one(
    session: Session, owner: Actor, organisation: Organisation
) -> None:
    first = invite(session, owner, organisation)
    later = NOW + 15 * DAY
    second = invitations.invite(
        session, owner, organisation=organisation, email=EMAIL, role=Role.VIEWER, locale="nb", now=later
    )
    found = open_invitations(session, organisation_id=organisation.id, now=later)
    assert [each.id for each in found] == [second.id]
    assert first.revoked_at == later


def test_accepting_makes_a_member_with_the_role(
    session: Session, owner: Actor, organisation: Organisation, make: Factory
) -> None:
    invite(session, owner, organisation)
    invitee = make.user(email=EMAIL.capitalize())
    invitations.accept_invitation(session, make.actor(invitee), token=token_of_last_mail(session), now=NOW)
    assert role_of(session, invitee, organisation) is Role.EDITOR
    assert open_invitations(session, organisation_id=organisation.id, now=NOW) == []


def test_somebody_else_cannot_accept(session: Session, owner: Actor, organisation: Organisation, make: Factory) -> None:
    invite(session, owner, organisation)
    stranger = make.user()
    with pytest.raises(Forbidden):
        invitations.accept_invitation(session, make.actor(stranger), token=token_of_last_mail(session), now=NOW)
    assert role_of(session, stranger, organisation) is None


def test_who_became_a_member_meanwhile_keeps_their_role(
    session: Session, owner: Actor, organisation: Organisation, make: Factory
) -> None:
    invite(session, owner, organisation, role=Role.VIEWER)
    invitee = make.member(organisation, role=Role.OWNER, email=EMAIL)
    invitations.accept_invitation(session, make.actor(invitee), token=token_of_last_mail(session), now=NOW)
    assert role_of(session, invitee, organisation) is Role.OWNER


def test_signing_up_from_an_invitation_confirms_the_address(
    session: Session, owner: Actor, organisation: Organisation
) -> None:
    invite(session, owner, organisation)
    user = invitations.sign_up_from_invitation(
        session, token=token_of_last_mail(session), name="Ola", password=PASSWORD, locale="nb", now=NOW
    )
    assert (user.email, user.email_confirmed_at) == (EMAIL, NOW)
    assert role_of(session, user, organisation) is Role.EDITOR


def test_signing_up_from_an_invitation_takes_the_place_of_a_sign_up_nobody_confirmed(
    session: Session, owner: Actor, organisation: Organisation, make: Factory
) -> None:
    squatter = make.user(email=EMAIL, name="Squatter", confirmed=False)
    invite(session, owner, organisation)
    user = invitations.sign_up_from_invitation(
        session, token=token_of_last_mail(session), name="Ola", password=PASSWORD, locale="nb", now=NOW
    )
    assert (user.id, user.name) == (squatter.id, "Ola")
    assert is_password(PASSWORD, hashed=user.password_hash)


def test_an_account_in_use_is_not_taken_over_by_an_invitation(
    session: Session, owner: Actor, organisation: Organisation, make: Factory
) -> None:
    user = make.user(email=EMAIL, password_hash="theirs")
    invite(session, owner, organisation)
    with pytest.raises(Forbidden):
        invitations.sign_up_from_invitation(
            session, token=token_of_last_mail(session), name="Ola", password=PASSWORD, locale="nb", now=NOW
        )
    assert user.password_hash == "theirs"


def test_a_weak_password_is_refused_from_an_invitation_too(
    session: Session, owner: Actor, organisation: Organisation
) -> None:
    invite(session, owner, organisation)
    with pytest.raises(InvalidInput):
        invitations.sign_up_from_invitation(
            session, token=token_of_last_mail(session), name="Ola", password="kort", locale="nb", now=NOW
        )
    assert user_by_email(session, email=EMAIL) is None


def test_resending_replaces_the_link_and_starts_its_time_anew(
    session: Session, owner: Actor, organisation: Organisation
) -> None:
    invitation = invite(session, owner, organisation)
    first = token_of_last_mail(session)
    later = NOW + 20 * DAY
    invitations.resend_invitation(session, owner, invitation=invitation, locale="nb", now=later)
    with pytest.raises(DeadLink):
        invitations.open_invitation(session, token=first, now=later)
    found = invitations.open_invitation(session, token=token_of_last_mail(session), now=later + 13 * DAY)
    assert found.id == invitation.id


def test_a_withdrawn_invitation_opens_nothing(session: Session, owner: Actor, organisation: Organisation) -> None:
    invitation = invite(session, owner, organisation)
    invitations.revoke_invitation(session, owner, invitation=invitation, now=NOW)
    with pytest.raises(DeadLink, match="withdrawn"):
        invitations.open_invitation(session, token=token_of_last_mail(session), now=NOW)


def test_an_answered_invitation_is_over(
    session: Session, owner: Actor, organisation: Organisation, make: Factory
) -> None:
    invitation = invite(session, owner, organisation)
    token = token_of_last_mail(session)
    invitations.accept_invitation(session, make.actor(make.user(email=EMAIL)), token=token, now=NOW)
    with pytest.raises(DeadLink, match="accepted"):
        invitations.open_invitation(session, token=token, now=NOW)
    with pytest.raises(InvitationOver):
        invitations.revoke_invitation(session, owner, invitation=invitation, now=NOW)
    with pytest.raises(InvitationOver):
        invitations.resend_invitation(session, owner, invitation=invitation, locale="nb", now=NOW)


def test_an_invitation_runs_out(session: Session, owner: Actor, organisation: Organisation) -> None:
    invite(session, owner, organisation)
    with pytest.raises(DeadLink, match="run out"):
        invitations.open_invitation(session, token=token_of_last_mail(session), now=NOW + 14 * DAY)


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "\x00", "é" * 1000])
def test_a_forged_invitation_opens_nothing(session: Session, token: str) -> None:
    with pytest.raises(DeadLink):
        invitations.open_invitation(session, token=token, now=NOW)


def test_the_mail_speaks_the_language_of_the_account_it_goes_to(
    session: Session, owner: Actor, organisation: Organisation, make: Factory
) -> None:
    make.user(email=EMAIL, locale="en")
    invite(session, owner, organisation)
    assert session.scalars(select(OutboxMail.locale)).one() == "en"
