"""Tokens: what one opens, for whom, and when it stops."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from marketplace.errors import Forbidden, InvalidInput, NotFound
from marketplace.models import Membership, Organisation
from marketplace.services.api_tokens import PREFIX, actor_of_secret, make_token, note_use, revoke_token
from marketplace.services.bans import ban_organisation, ban_user, unban_organisation
from marketplace.types import Role
from tests.conftest import NOW
from tests.factories import Factory


def made(session: Session, make: Factory, organisation: Organisation, *, days: int = 30) -> tuple[int, str]:
    owner = make.actor(make.member(organisation))
    token, secret = make_token(session, owner, organisation_id=organisation.id, name="Vekta", days=days, now=NOW)
    return token.id, secret


def test_a_token_acts_for_its_organisation_alone_and_as_an_editor(session: Session, make: Factory) -> None:
    organisation, other = make.organisation(), make.organisation()
    owner = make.member(organisation)
    session.add(Membership(user_id=owner.id, organisation_id=other.id, role=Role.OWNER))
    session.flush()
    session.refresh(owner, ["memberships"])
    _token, secret = make_token(
        session, make.actor(owner), organisation_id=organisation.id, name="Vekta", days=30, now=NOW
    )
    found = actor_of_secret(session, secret, now=NOW)
    assert found is not None
    actor, _token = found
    assert actor.user_id == owner.id
    assert actor.can_edit(organisation.id)
    assert not actor.owns(organisation.id)
    assert not actor.is_member(other.id)


def test_the_secret_itself_is_kept_nowhere(session: Session, make: Factory) -> None:
    owner = make.actor(make.member())
    token, secret = make_token(
        session, owner, organisation_id=owner.memberships[0].organisation_id, name="Vekta", days=30, now=NOW
    )
    assert secret.startswith(PREFIX)
    assert secret not in str(vars(token))


@pytest.mark.parametrize("wrong", ["", "msf_", "msf_nonsense", "Bearer", "x" * 5000])
def test_no_other_secret_opens_anything(session: Session, make: Factory, wrong: str) -> None:
    made(session, make, make.organisation())
    assert actor_of_secret(session, wrong, now=NOW) is None


def test_it_is_over_when_its_time_is(session: Session, make: Factory) -> None:
    _id, secret = made(session, make, make.organisation(), days=30)
    assert actor_of_secret(session, secret, now=NOW + timedelta(days=29)) is not None
    assert actor_of_secret(session, secret, now=NOW + timedelta(days=30)) is None


def test_a_revoked_one_opens_nothing_and_revoking_twice_changes_nothing(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    token_id, secret = made(session, make, organisation)
    owner = make.actor(make.member(organisation))
    revoke_token(session, owner, organisation_id=organisation.id, token_id=token_id, now=NOW)
    revoke_token(session, owner, organisation_id=organisation.id, token_id=token_id, now=NOW + timedelta(days=1))
    assert actor_of_secret(session, secret, now=NOW) is None


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_it_can_do_no_more_than_its_maker_still_can(session: Session, make: Factory, role: Role | None) -> None:
    organisation = make.organisation()
    owner = make.member(organisation)
    _token, secret = make_token(
        session, make.actor(owner), organisation_id=organisation.id, name="Vekta", days=30, now=NOW
    )
    membership = session.get_one(Membership, (owner.id, organisation.id))
    if role is None:
        session.delete(membership)
    else:
        membership.role = role
    session.flush()
    session.expire_all()
    assert actor_of_secret(session, secret, now=NOW) is None


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_only_owners_make_and_revoke(session: Session, make: Factory, role: Role) -> None:
    organisation = make.organisation()
    token_id, _secret = made(session, make, organisation)
    actor = make.actor(make.member(organisation, role=role))
    with pytest.raises(Forbidden):
        make_token(session, actor, organisation_id=organisation.id, name="Vekta", days=30, now=NOW)
    with pytest.raises(Forbidden):
        revoke_token(session, actor, organisation_id=organisation.id, token_id=token_id, now=NOW)


def test_another_organisations_token_is_not_found(session: Session, make: Factory) -> None:
    token_id, _secret = made(session, make, make.organisation())
    stranger = make.organisation()
    with pytest.raises(NotFound):
        revoke_token(
            session, make.actor(make.member(stranger)), organisation_id=stranger.id, token_id=token_id, now=NOW
        )


def test_nothing_is_opened_while_its_organisation_or_its_maker_is_banned(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    _token_id, secret = made(session, make, organisation)
    moderator = make.actor(make.user(is_admin=True))
    found = actor_of_secret(session, secret, now=NOW)
    assert found is not None
    ban_organisation(session, moderator, organisation_id=organisation.id, reason="Falskt.", now=NOW)
    assert actor_of_secret(session, secret, now=NOW) is None
    unban_organisation(session, moderator, organisation_id=organisation.id, now=NOW)
    assert actor_of_secret(session, secret, now=NOW) is not None
    ban_user(session, moderator, user_id=found[0].user_id or 0, reason="Falskt.", now=NOW)
    assert actor_of_secret(session, secret, now=NOW) is None


@pytest.mark.parametrize("days", [0, -1, 731])
def test_it_lives_for_a_while_and_no_longer(session: Session, make: Factory, days: int) -> None:
    with pytest.raises(InvalidInput):
        made(session, make, make.organisation(), days=days)


def test_its_use_is_noted_now_and_then(session: Session, make: Factory) -> None:
    _id, secret = made(session, make, make.organisation())
    found = actor_of_secret(session, secret, now=NOW)
    assert found is not None
    token = found[1]
    for minutes, noted in ((0, 0), (5, 0), (11, 11)):
        note_use(session, token_id=token.id, now=NOW + timedelta(minutes=minutes))
        session.refresh(token)
        assert token.last_used_at == NOW + timedelta(minutes=noted)
