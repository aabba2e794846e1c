"""Verifying organisations: asked for by an owner, decided by an administrator."""

from uuid import uuid4

import pytest
from obstore.store import MemoryStore
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, Forbidden, InvalidInput, NotFound
from marketplace.models import Document, Organisation, OutboxMail, User, VerificationRequest
from marketplace.permissions import Permission, allows
from marketplace.services.bans import ban_organisation
from marketplace.services.documents import remove_document
from marketplace.services.organisations import edit_organisation
from marketplace.services.verification import (
    SentFile,
    refuse_verification,
    request_verification,
    verify_organisation,
    withdraw_verification,
)
from marketplace.storage import ObjectStorage, Storage
from marketplace.types import Role
from tests.conftest import NOW
from tests.factories import Factory
from tests.files import HTML, PDF


@pytest.fixture
def storage() -> Storage:
    return ObjectStorage(MemoryStore())


@pytest.fixture
def moderator(make: Factory) -> Actor:
    return make.actor(make.user(is_admin=True))


@pytest.fixture
def owner_user(make: Factory) -> User:
    return make.member()


@pytest.fixture
def owner(make: Factory, owner_user: User) -> Actor:
    return make.actor(owner_user)


@pytest.fixture
def organisation(session: Session, owner_user: User) -> Organisation:
    return session.get_one(Organisation, owner_user.memberships[0].organisation_id)


def ask(
    session: Session, actor: Actor, organisation: Organisation, storage: Storage, *, content: bytes | None = None
) -> VerificationRequest:
    file = SentFile(name="fullmakt.pdf", content=content, upload_id=uuid4()) if content else None
    return request_verification(
        session,
        actor,
        organisation_id=organisation.id,
        text="Jeg er daglig leder.",
        file=file,
        storage=storage,
        now=NOW,
    )


def verify(session: Session, moderator: Actor, organisation: Organisation) -> None:
    verify_organisation(session, moderator, organisation_id=organisation.id, note="Fullmakt sett.", now=NOW)


def templates(session: Session) -> list[tuple[str, str]]:
    return [(mail.template, mail.recipient) for mail in session.scalars(select(OutboxMail).order_by(OutboxMail.id))]


def test_an_owner_asks_and_is_told_of_the_answer(
    session: Session, organisation: Organisation, owner: Actor, moderator: Actor, storage: Storage
) -> None:
    request = ask(session, owner, organisation, storage)
    assert not organisation.is_verified
    verify(session, moderator, organisation)
    assert (organisation.is_verified, organisation.verified_by_id) == (True, moderator.user_id)
    assert (request.is_granted, request.decided_by_id) == (True, moderator.user_id)
    assert templates(session) == [("verification_granted", owner.email)]


def test_only_members_and_administrators_open_what_shows_it(
    session: Session, make: Factory, organisation: Organisation, owner: Actor, moderator: Actor, storage: Storage
) -> None:
    request = ask(session, owner, organisation, storage, content=PDF)
    document = session.scalars(select(Document)).one()
    assert (document.verification_request_id, document.title, document.is_shared) == (request.id, "fullmakt", False)
    assert b"".join(storage.read(document.sha256)) == PDF
    may_open = [allows(Permission.VIEW_DOCUMENT, actor, document) for actor in (owner, moderator, make.actor())]
    assert may_open == [True, True, False]


def test_what_shows_it_is_neither_shared_nor_taken_away(
    session: Session, organisation: Organisation, owner: Actor, storage: Storage
) -> None:
    ask(session, owner, organisation, storage, content=PDF)
    document = session.scalars(select(Document)).one()
    with pytest.raises(NotFound):
        remove_document(session, owner, document_id=document.id, now=NOW)
    document.is_shared = True
    with pytest.raises(IntegrityError, match="ck_document_private_proof"):
        session.flush()


def test_a_file_that_cannot_be_taken_leaves_no_request(
    session: Session, organisation: Organisation, owner: Actor, storage: Storage
) -> None:
    with pytest.raises(InvalidInput) as refused, session.begin_nested():
        ask(session, owner, organisation, storage, content=HTML)
    assert [error.field for error in refused.value.errors] == ["file"]
    assert session.scalars(select(VerificationRequest)).all() == []


def test_one_request_waits_at_a_time(
    session: Session, organisation: Organisation, owner: Actor, moderator: Actor, storage: Storage
) -> None:
    ask(session, owner, organisation, storage)
    with pytest.raises(InvalidInput, match="already"):
        ask(session, owner, organisation, storage)
    refuse_verification(session, moderator, organisation_id=organisation.id, answer="Send fullmakten.", now=NOW)
    ask(session, owner, organisation, storage)
    assert templates(session) == [("verification_refused", owner.email)]


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_only_owners_ask(
    session: Session, make: Factory, organisation: Organisation, storage: Storage, role: Role
) -> None:
    with pytest.raises(Forbidden):
        ask(session, make.actor(make.member(organisation, role=role)), organisation, storage)


def test_a_verified_or_banned_organisation_does_not_ask(
    session: Session, organisation: Organisation, owner: Actor, moderator: Actor, storage: Storage
) -> None:
    verify(session, moderator, organisation)
    with pytest.raises(Conflict):
        ask(session, owner, organisation, storage)
    withdraw_verification(session, moderator, organisation_id=organisation.id, reason="Slettet i registeret.")
    ban_organisation(session, moderator, organisation_id=organisation.id, reason="Falskt.", now=NOW)
    with pytest.raises(Forbidden):
        ask(session, owner, organisation, storage)


def test_only_administrators_decide_and_say_why(
    session: Session, organisation: Organisation, owner: Actor, moderator: Actor, storage: Storage
) -> None:
    ask(session, owner, organisation, storage)
    with pytest.raises(Forbidden):
        verify(session, owner, organisation)
    with pytest.raises(Forbidden):
        refuse_verification(session, owner, organisation_id=organisation.id, answer="Nei.", now=NOW)
    with pytest.raises(InvalidInput):
        verify_organisation(session, moderator, organisation_id=organisation.id, note=" ", now=NOW)
    with pytest.raises(InvalidInput):
        refuse_verification(session, moderator, organisation_id=organisation.id, answer="", now=NOW)
    verify(session, moderator, organisation)
    with pytest.raises(Forbidden):
        withdraw_verification(session, owner, organisation_id=organisation.id, reason="Nei.")
    with pytest.raises(InvalidInput):
        withdraw_verification(session, moderator, organisation_id=organisation.id, reason="")
    assert organisation.is_verified


def test_what_was_decided_is_not_decided_again(
    session: Session, organisation: Organisation, owner: Actor, moderator: Actor, storage: Storage
) -> None:
    with pytest.raises(Conflict):
        refuse_verification(session, moderator, organisation_id=organisation.id, answer="Nei.", now=NOW)
    with pytest.raises(Conflict):
        withdraw_verification(session, moderator, organisation_id=organisation.id, reason="Nei.")
    verify(session, moderator, organisation)
    with pytest.raises(Conflict):
        verify(session, moderator, organisation)


def test_another_name_is_not_the_one_that_was_verified(
    session: Session, organisation: Organisation, owner: Actor, moderator: Actor
) -> None:
    verify(session, moderator, organisation)
    edit_organisation(session, owner, organisation=organisation, name=organisation.name, kind=organisation.kind)
    assert organisation.is_verified
    edit_organisation(session, owner, organisation=organisation, name="Noe helt annet AS", kind=organisation.kind)
    session.flush()
    assert not organisation.is_verified
