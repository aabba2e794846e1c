"""Accounts: what may be known of them, and what it takes to get in."""

import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.db import make_sessions
from marketplace.errors import InvalidInput
from marketplace.models import OutboxMail, User
from marketplace.queries.accounts import account_for_session, example_accounts, user_by_email
from marketplace.services import accounts
from marketplace.services.links import DeadLink, LinkSigner, Purpose
from marketplace.services.passwords import hash_password, is_easily_guessed, is_password
from marketplace.types import OrganisationKind, Role
from tests.conftest import NOW
from tests.factories import Factory

PASSWORD = "rolig elv under brua"
OTHER = "fire blå traktorer sover"
EMAIL = "kari@bygg.example"
BROWSER = "this browser"

SIGNER = LinkSigner("a secret of the tests, long enough")


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(PASSWORD)


def sign_up(session: Session, *, email: str = EMAIL, password: str = PASSWORD, browser_key: str = BROWSER) -> None:
    accounts.sign_up(
        session,
        name="Kari Nordmann",
        email=email,
        password=password,
        locale="nb",
        browser_key=browser_key,
        signer=SIGNER,
        now=NOW,
    )


def mails(session: Session) -> list[OutboxMail]:
    return list(session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def last_token(session: Session) -> str:
    return str(mails(session)[-1].context["token"])


def confirm(session: Session, token: str, *, password: str | None = None, browser_key: str = BROWSER) -> User:
    return accounts.confirm_address(
        session, token=token, password=password, browser_key=browser_key, signer=SIGNER, now=NOW
    )


def said(error: pytest.ExceptionInfo[InvalidInput]) -> tuple[str, str]:
    return error.value.errors[0].field, error.value.errors[0].message


# Signing up -----------------------------------------------------------------------------------------------------------


def test_sign_up_makes_an_account_that_waits_for_its_address(session: Session) -> None:
    sign_up(session)
    user = user_by_email(session, email=EMAIL)
    assert user is not None
    assert (user.email_confirmed_at, user.is_admin) == (None, False)
    assert PASSWORD not in user.password_hash
    assert mails(session)[0].template == "confirm_address"


def test_sign_up_with_a_known_address_changes_nothing_and_mails_its_owner(
    session: Session, make: Factory, hashed: str
) -> None:
    owner = make.user(email="Kari@Bygg.example", name="Owner", password_hash=hashed)
    sign_up(session, password=OTHER)
    session.refresh(owner)
    assert (owner.name, owner.password_hash) == ("Owner", hashed)
    assert [(mail.template, mail.recipient) for mail in mails(session)] == [("already_signed_up", owner.email)]


def test_signing_up_again_takes_the_last_entry_and_kills_older_links(session: Session) -> None:
    sign_up(session)
    first = last_token(session)
    sign_up(session, password=OTHER)
    with pytest.raises(DeadLink):
        confirm(session, first)
    assert is_password(OTHER, hashed=confirm(session, last_token(session)).password_hash)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 129,
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "123456789012",
        "qwertyuiop12",
        "Passord123456",
        "passwordpassword",
        "Velkommen2027!",
        "kari12345678",
        "kari@bygg.example",
        "!!!bygg2027!!!",
        "1029384756564738",
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(session: Session, password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sign_up(session, password=password)
    assert said(refused)[0] == "password"
    assert user_by_email(session, email=EMAIL) is None
    assert mails(session) == []


@pytest.mark.parametrize(
    "password", [PASSWORD, OTHER, "correct horse battery staple", "Tr0ub4dor&3Tr0", "pukk i alle bakker"]
)
def test_a_long_password_needs_no_decoration(password: str) -> None:
    assert not is_easily_guessed(password.casefold())


def test_a_password_is_the_same_however_the_keyboard_composes_it() -> None:
    assert is_password("bl\u00e5b\u00e6r p\u00e5 myra", hashed=hash_password("bla\u030ab\u00e6r pa\u030a myra"))


# Confirming -----------------------------------------------------------------------------------------------------------


def test_the_link_confirms_in_the_browser_that_signed_up(session: Session) -> None:
    sign_up(session)
    assert confirm(session, last_token(session)).email_confirmed_at == NOW


def test_another_browser_needs_the_password(session: Session) -> None:
    """Else whoever signs up with your address would have you open an account with their password."""
    sign_up(session)
    token = last_token(session)
    with pytest.raises(InvalidInput):
        confirm(session, token, browser_key="another")
    with pytest.raises(InvalidInput):
        confirm(session, token, browser_key="another", password=OTHER)
    assert confirm(session, token, browser_key="another", password=PASSWORD).email_confirmed_at == NOW


def test_a_browser_without_a_key_is_no_browser_we_know(session: Session) -> None:
    sign_up(session, browser_key="")
    with pytest.raises(InvalidInput):
        confirm(session, last_token(session), browser_key="")


def test_a_link_confirms_once(session: Session) -> None:
    sign_up(session)
    token = last_token(session)
    confirm(session, token)
    with pytest.raises(DeadLink, match="confirmed already"):
        confirm(session, token)


def test_a_link_runs_out(session: Session) -> None:
    sign_up(session)
    with pytest.raises(DeadLink, match="run out"):
        accounts.pending_confirmation(
            session,
            token=last_token(session),
            browser_key=BROWSER,
            signer=SIGNER,
            now=NOW + timedelta(days=3, seconds=1),
        )


@pytest.mark.parametrize("forge", ["", "x", "x.y", "%00", "é", "." * 5000])
def test_a_forged_link_opens_nothing(session: Session, forge: str) -> None:
    with pytest.raises(DeadLink):
        confirm(session, forge)


def test_a_link_of_another_secret_or_purpose_opens_nothing(session: Session, make: Factory) -> None:
    user = make.user(confirmed=False)
    foreign = LinkSigner("another secret").sign(Purpose.CONFIRM_ADDRESS, user, now=NOW)
    with pytest.raises(DeadLink):
        confirm(session, foreign)
    with pytest.raises(DeadLink):
        confirm(session, SIGNER.sign(Purpose.RESET_PASSWORD, user, now=NOW))


def test_a_link_with_a_changed_account_opens_nothing(session: Session, make: Factory) -> None:
    """The signature covers every part, so cutting it off or swapping parts of two links fails."""
    first, second = (SIGNER.sign(Purpose.CONFIRM_ADDRESS, make.user(confirmed=False), now=NOW) for _ in range(2))
    swapped = first.rpartition(".")[0] + "." + second.rpartition(".")[2]
    with pytest.raises(DeadLink):
        confirm(session, swapped)


def test_resending_gives_a_link_that_works(session: Session) -> None:
    sign_up(session)
    accounts.resend_confirmation(
        session, email=EMAIL.upper(), browser_key="phone", locale="nb", signer=SIGNER, now=NOW + timedelta(days=10)
    )
    user = accounts.confirm_address(
        session,
        token=last_token(session),
        password=None,
        browser_key="phone",
        signer=SIGNER,
        now=NOW + timedelta(days=12),
    )
    assert user.email == EMAIL


@pytest.mark.parametrize(("known", "template"), [(True, "already_signed_up"), (False, "no_account")])
def test_resending_to_any_other_address_says_by_mail_how_it_stands(
    session: Session, make: Factory, known: bool, template: str
) -> None:
    if known:
        make.user(email=EMAIL)
    accounts.resend_confirmation(session, email=EMAIL, browser_key="", locale="en", signer=SIGNER, now=NOW)
    assert [(mail.template, mail.recipient) for mail in mails(session)] == [(template, EMAIL)]


# Logging in -----------------------------------------------------------------------------------------------------------


def test_address_and_password_open_the_account(session: Session, make: Factory, hashed: str) -> None:
    user = make.user(email=EMAIL, password_hash=hashed)
    assert accounts.authenticate(session, email="KARI@bygg.example", password=PASSWORD) is user


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper(), PASSWORD + " ", "x" * 100_000])
def test_a_wrong_password_opens_nothing(session: Session, make: Factory, hashed: str, password: str) -> None:
    make.user(email=EMAIL, password_hash=hashed)
    assert accounts.authenticate(session, email=EMAIL, password=password) is None


def test_an_unknown_address_opens_nothing(session: Session) -> None:
    assert accounts.authenticate(session, email="nobody@example.com", password=PASSWORD) is None


def test_an_unconfirmed_address_opens_nothing(session: Session, make: Factory, hashed: str) -> None:
    make.user(email=EMAIL, password_hash=hashed, confirmed=False)
    assert accounts.authenticate(session, email=EMAIL, password=PASSWORD) is None


def test_an_account_without_a_password_opens_with_none(session: Session, make: Factory) -> None:
    make.user(email=EMAIL, password_hash="no password")
    assert accounts.authenticate(session, email=EMAIL, password="no password") is None


def test_an_unknown_address_costs_as_many_hashes_as_a_known_one(
    session: Session, make: Factory, hashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of an answer is the time of one Argon2 verification, whoever is asked for."""
    make.user(email=EMAIL, password_hash=hashed)
    make.user(email="waiting@bygg.example", password_hash=hashed, confirmed=False)
    accounts.authenticate(session, email="nobody@example.com", password="to have the hash of nothing made")
    verified = []
    original = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda self, *given: verified.append(1) or original(self, *given))
    counts = []
    for email in (EMAIL, "waiting@bygg.example", "nobody@example.com"):
        verified.clear()
        accounts.authenticate(session, email=email, password="wrong password here")
        counts.append(len(verified))
    assert counts == [1, 1, 1]


def test_a_hash_of_weaker_parameters_is_renewed_at_log_in(session: Session, make: Factory) -> None:
    user = make.user(email=EMAIL, password_hash=PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD))
    before = user.password_hash
    assert accounts.authenticate(session, email=EMAIL, password=PASSWORD)
    assert user.password_hash != before
    assert accounts.authenticate(session, email=EMAIL, password=PASSWORD)


# New passwords --------------------------------------------------------------------------------------------------------


def ask_for_reset(session: Session, email: str = EMAIL) -> str:
    accounts.ask_for_reset(session, email=email, locale="nb", signer=SIGNER, now=NOW)
    return str(mails(session)[-1].context.get("token", ""))


def reset(session: Session, token: str, *, after: timedelta = timedelta()) -> User:
    return accounts.reset_password(session, token=token, password=OTHER, signer=SIGNER, now=NOW + after)


def test_a_reset_link_sets_the_password_and_ends_all_sessions(session: Session, make: Factory, hashed: str) -> None:
    user = make.user(email=EMAIL, password_hash=hashed)
    epoch = user.session_epoch
    reset(session, ask_for_reset(session))
    assert is_password(OTHER, hashed=user.password_hash)
    assert account_for_session(session, user_id=user.id, epoch=epoch) is None
    assert mails(session)[-1].template == "password_changed"


def test_a_reset_link_works_once(session: Session, make: Factory, hashed: str) -> None:
    make.user(email=EMAIL, password_hash=hashed)
    token, second = ask_for_reset(session), ask_for_reset(session)
    reset(session, token)
    for dead in (token, second):
        with pytest.raises(DeadLink, match="used"):
            reset(session, dead)


def test_a_reset_link_runs_out(session: Session, make: Factory) -> None:
    make.user(email=EMAIL)
    with pytest.raises(DeadLink, match="run out"):
        reset(session, ask_for_reset(session), after=timedelta(hours=2, seconds=1))


def test_a_reset_confirms_the_address_it_was_mailed_to(session: Session, make: Factory) -> None:
    make.user(email=EMAIL, confirmed=False)
    assert reset(session, ask_for_reset(session)).email_confirmed_at == NOW


def test_a_reset_for_an_unknown_address_is_answered_by_mail_alone(session: Session) -> None:
    ask_for_reset(session, "nobody@example.com")
    assert [(mail.template, mail.recipient) for mail in mails(session)] == [("no_account", "nobody@example.com")]


def test_changing_the_password_takes_the_present_one(session: Session, make: Factory, hashed: str) -> None:
    user = make.user(password_hash=hashed)
    with pytest.raises(InvalidInput) as refused:
        accounts.change_password(session, Actor(user_id=user.id), current="wrong", new=OTHER)
    assert said(refused)[0] == "current"
    assert user.password_hash == hashed


def test_changing_the_password_ends_sessions_elsewhere(session: Session, make: Factory, hashed: str) -> None:
    user = make.user(password_hash=hashed)
    accounts.change_password(session, Actor(user_id=user.id), current=PASSWORD, new=OTHER)
    assert user.session_epoch == 2
    assert is_password(OTHER, hashed=user.password_hash)


def test_an_example_account_keeps_its_password(session: Session, make: Factory, hashed: str) -> None:
    user = make.user(email=EMAIL, password_hash=hashed, is_example=True)
    with pytest.raises(InvalidInput, match="example"):
        accounts.change_password(session, Actor(user_id=user.id), current=PASSWORD, new=OTHER)
    with pytest.raises(InvalidInput, match="example"):
        reset(session, ask_for_reset(session))


# Administrators and examples ------------------------------------------------------------------------------------------


def test_create_admin_makes_an_account_that_can_log_in(session: Session) -> None:
    accounts.create_admin(session, email=EMAIL, name="Ada", password=PASSWORD, now=NOW)
    user = accounts.authenticate(session, email=EMAIL, password=PASSWORD)
    assert user is not None
    assert user.is_admin


def test_create_admin_promotes_an_account_and_ends_its_sessions(session: Session, make: Factory) -> None:
    user = make.user(email=EMAIL, name="Kari", confirmed=False)
    promoted = accounts.create_admin(session, email=EMAIL, name="Other", password=PASSWORD, now=NOW)
    assert (promoted.id, promoted.name, promoted.is_admin, promoted.session_epoch) == (user.id, "Kari", True, 2)
    assert promoted.email_confirmed_at == NOW


def test_example_accounts_come_by_kind_and_role_with_administrators_last(session: Session, make: Factory) -> None:
    developer = make.organisation(kind=OrganisationKind.DEVELOPER, name="A")
    contractor = make.organisation(kind=OrganisationKind.CONTRACTOR, name="B")
    made = [
        make.user(is_example=True, is_admin=True),
        make.member(developer, role=Role.OWNER, is_example=True),
        make.member(contractor, role=Role.VIEWER, is_example=True),
        make.member(contractor, role=Role.OWNER, is_example=True),
    ]
    make.member(contractor)
    assert [account.user_id for account in example_accounts(session)] == [user.id for user in reversed(made)]


def test_signing_up_twice_at_once_makes_one_account_and_tells_nobody(committing_engine: Engine) -> None:
    """On connections of their own: the index refuses the second row, and neither of the two learns of it."""
    sessions = make_sessions(committing_engine)
    start, failures = threading.Barrier(2), []
    email = "twice@bygg.example"

    def attempt() -> None:
        with sessions() as session:
            start.wait()
            try:
                sign_up(session, email=email)
                session.commit()
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with sessions() as session:
        assert len(session.scalars(select(User).where(User.email == email)).all()) == 1
        assert len(session.scalars(select(OutboxMail).where(OutboxMail.recipient == email)).all()) == 2
