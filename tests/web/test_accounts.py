"""Signing up, logging in and out, passwords and the account page, as a visitor meets them."""

import re
from datetime import datetime, timedelta
from http import HTTPStatus

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.config import Settings
from marketplace.models import OutboxMail, Throttle, User
from marketplace.queries.accounts import user_by_email
from marketplace.services.passwords import hash_password, is_password
from tests.conftest import NOW, Client
from tests.factories import Factory

PASSWORD = "rolig elv under brua"
OTHER = "fire blå traktorer sover"
EMAIL = "kari@bygg.example"
FORM = {"name": "Kari Nordmann", "email": EMAIL, "password": PASSWORD}


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def visitor(client: Client) -> Client:
    return client.in_english()


@pytest.fixture
def another_browser(app: Flask, visitor: Client) -> Client:
    del visitor  # it has set the class of clients
    browser: Client = app.test_client()  # type: ignore[assignment]
    return browser.in_english()


def last_mail(session: Session) -> OutboxMail:
    session.expire_all()
    mail = session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
    assert mail is not None
    return mail


def token(session: Session) -> str:
    return str(last_mail(session).context["token"])


def is_logged_in(client: Client) -> bool:
    return client.get("/account").status_code == HTTPStatus.OK


def count(session: Session, model: type) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


# Signing up -----------------------------------------------------------------------------------------------------------


def test_signing_up_and_confirming_logs_in(visitor: Client, session: Session) -> None:
    assert visitor.post("/signup", data=FORM).location == "/signup/sent"
    assert EMAIL in visitor.get("/signup/sent").text
    assert not is_logged_in(visitor)
    link = f"/signup/confirm?token={token(session)}"
    assert "password" not in visitor.get(link).text.split("<main")[1].lower()
    assert visitor.post(link).location == "/organisations"
    assert is_logged_in(visitor)
    assert "Register an organisation" in visitor.get("/organisations").text


def test_opening_the_link_confirms_nothing(visitor: Client, session: Session) -> None:
    """Mail scanners open links."""
    visitor.post("/signup", data=FORM)
    visitor.get(f"/signup/confirm?token={token(session)}")
    session.expire_all()
    assert session.scalars(select(User.email_confirmed_at)).all() == [None]


def test_another_browser_is_asked_for_the_password(visitor: Client, another_browser: Client, session: Session) -> None:
    visitor.post("/signup", data=FORM)
    link = f"/signup/confirm?token={token(session)}"
    assert "in another browser" in another_browser.get(link).text
    assert another_browser.post(link, data={"password": "wrong"}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert another_browser.post(link, data={"password": PASSWORD}).status_code == HTTPStatus.FOUND
    assert is_logged_in(another_browser)


def test_a_known_and_a_new_address_get_the_same_answer(
    visitor: Client, another_browser: Client, make: Factory, session: Session
) -> None:
    make.user(email=EMAIL)
    known = visitor.post("/signup", data=FORM)
    new = another_browser.post("/signup", data={**FORM, "email": "new@bygg.example"})
    assert (known.status_code, known.location) == (new.status_code, new.location)
    pages = [browser.get("/signup/sent").text for browser in (visitor, another_browser)]
    cleaned = [re.sub(r'(kari|new)@bygg|nonce-[^"\']+|value="[^"]+"', "", page) for page in pages]
    assert cleaned[0] == cleaned[1]
    assert sorted(session.scalars(select(OutboxMail.template))) == ["already_signed_up", "confirm_address"]


def test_the_chosen_password_does_not_tell_whether_the_address_was_new(
    visitor: Client, make: Factory, session: Session
) -> None:
    """Logging in straight after signing up fails the same way for a known address and for a new one."""
    make.user(email="known@bygg.example")
    answers = []
    for email in ("known@bygg.example", "new@bygg.example"):
        visitor.post("/signup", data={**FORM, "email": email})
        answer = visitor.post("/login", data={"email": email, "password": PASSWORD})
        answers.append((answer.status_code, re.findall(r"<li>.*?</li>", answer.text.split("<main")[1])))
    assert answers[0] == answers[1]
    assert answers[0][0] == HTTPStatus.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Enter your name."),
        ("name", "x" * 101, "Use at most 100 characters."),
        ("name", "Vinn her: http://evil.example", "A name holds no web address."),
        ("email", "", "Enter your e-mail address."),
        ("email", "kari", "Enter an e-mail address"),
        ("email", "kari@bygg", "Enter an e-mail address"),
        ("email", "kari@bygg.example\r\nBcc: all@bygg.example", "Enter an e-mail address"),
        ("email", "kari@bygg.example, ola@bygg.example", "Enter an e-mail address"),
        ("email", "k" * 70 + "@bygg.example", "Enter an e-mail address"),
        ("email", "x" * 100_000 + "@bygg.example", "Enter an e-mail address"),
        ("email", "kåri@bygg.example", "Enter an e-mail address"),
        ("password", "", "Choose a password."),
        ("password", "kort", "Use at least 12 characters."),
        ("password", "x" * 129, "Use at most 128 characters."),
        ("password", "passord12345", "Anybody would guess this"),
        ("password", "kari@bygg.example", "too close to your e-mail address"),
    ],
)
def test_what_cannot_be_used_is_said_beside_it_and_nothing_is_stored(
    visitor: Client, session: Session, field: str, value: str, said: str
) -> None:
    answer = visitor.post("/signup", data={**FORM, field: value})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.text
    kept = "Kari Nordmann" if field != "name" else EMAIL
    assert f'value="{kept}"' in answer.text
    assert PASSWORD not in answer.text
    assert (count(session, User), count(session, OutboxMail)) == (0, 0)


def test_a_name_with_markup_is_shown_as_it_is(visitor: Client, session: Session) -> None:
    visitor.post("/signup", data={**FORM, "name": "<script>alert(1)</script> & Co\x00\x1b"})
    visitor.post(f"/signup/confirm?token={token(session)}")
    page = visitor.get("/account").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in page


def test_ten_megabytes_are_refused_in_words(visitor: Client, session: Session) -> None:
    answer = visitor.post("/signup", data={**FORM, "name": "x" * 10_000_000})
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "too large" in answer.text
    assert count(session, User) == 0


@pytest.mark.parametrize("path", ["/signup/confirm", "/password/reset", "/invitation"])
@pytest.mark.parametrize("forged", ["", "?token=", "?token=x", "?token=%00", "?token=" + "é" * 3000, "?token[]=x"])
def test_a_forged_link_says_so(visitor: Client, path: str, forged: str) -> None:
    for answer in (visitor.get(path + forged), visitor.post(path + forged, data={"password": OTHER, "name": "X"})):
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert "This link does not work" in answer.text


def test_the_same_answer_for_a_new_link_whoever_asks(visitor: Client, session: Session, make: Factory) -> None:
    make.user(email=EMAIL)
    make.user(email="waiting@bygg.example", confirmed=False)
    for email in (EMAIL, "waiting@bygg.example", "nobody@bygg.example"):
        assert visitor.post("/signup/resend", data={"email": email}).location == "/signup/sent"
    assert count(session, OutboxMail) == 3


# Logging in -----------------------------------------------------------------------------------------------------------


def log_in(client: Client, *, next_page: str = "", **values: str) -> object:
    query = f"?next={next_page}" if next_page else ""
    return client.post(f"/login{query}", data={"email": EMAIL, "password": PASSWORD, **values})


def test_logging_in_leads_where_one_was_going(visitor: Client, make: Factory, hashed: str) -> None:
    make.member(email=EMAIL, password_hash=hashed)
    to_log_in = visitor.get("/account").location
    assert to_log_in == "/login?next=/account"
    assert visitor.post(to_log_in, data={"email": EMAIL, "password": PASSWORD}).location == "/account"
    assert is_logged_in(visitor)


@pytest.mark.parametrize("next_page", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"])
def test_logging_in_never_leads_off_the_site(visitor: Client, make: Factory, hashed: str, next_page: str) -> None:
    make.member(email=EMAIL, password_hash=hashed)
    assert log_in(visitor, next_page=next_page).location == "/"


def test_who_acts_for_nobody_is_led_to_an_organisation(visitor: Client, make: Factory, hashed: str) -> None:
    make.user(email=EMAIL, password_hash=hashed)
    assert log_in(visitor).location == "/organisations"


def test_a_wrong_password_and_an_unknown_address_read_the_same(visitor: Client, make: Factory, hashed: str) -> None:
    make.user(email=EMAIL, password_hash=hashed)
    wrong, unknown = log_in(visitor, password="wrong"), log_in(visitor, email="ukjent@bygg.example")
    assert wrong.status_code == unknown.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "do not fit together" in wrong.text
    texts = [re.sub(r'(kari|ukjent)@bygg|value="[^"@]{40,}"', "", answer.text) for answer in (wrong, unknown)]
    assert texts[0] == texts[1]
    assert not is_logged_in(visitor)


def test_the_address_typed_stays_and_the_password_does_not(visitor: Client) -> None:
    page = log_in(visitor, password="my other secret").text
    assert f'value="{EMAIL}"' in page
    assert "my other secret" not in page


def test_logging_in_leaves_nothing_of_the_session_before(visitor: Client, make: Factory, hashed: str) -> None:
    make.member(email=EMAIL, password_hash=hashed)
    with visitor.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
        cookie["csrf_token"] = "known to somebody else"
    log_in(visitor)
    with visitor.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie.get("csrf_token") != "known to somebody else"
        assert cookie["locale"] == "en"


def test_the_session_ends_with_the_browser_unless_asked_otherwise(visitor: Client, make: Factory, hashed: str) -> None:
    make.member(email=EMAIL, password_hash=hashed)
    log_in(visitor)
    assert visitor.get_cookie("remember_token") is None
    visitor.post("/logout")
    log_in(visitor, remember="y")
    remembered = visitor.get_cookie("remember_token")
    assert remembered is not None
    assert remembered.http_only
    assert remembered.same_site == "Lax"


def test_a_remembered_browser_comes_back_until_the_password_changes(
    visitor: Client, make: Factory, hashed: str, session: Session
) -> None:
    user = make.member(email=EMAIL, password_hash=hashed)
    log_in(visitor, remember="y")
    visitor.delete_cookie("masseflyt")
    assert is_logged_in(visitor)
    visitor.delete_cookie("masseflyt")
    session.execute(User.__table__.update().where(User.id == user.id).values(session_epoch=7))
    assert not is_logged_in(visitor)


def test_logging_out_ends_it_and_forgets_the_device(visitor: Client, make: Factory, hashed: str) -> None:
    make.member(email=EMAIL, password_hash=hashed)
    log_in(visitor, remember="y")
    assert visitor.post("/logout").location == "/"
    assert visitor.get_cookie("remember_token") is None
    assert not is_logged_in(visitor)
    assert visitor.get("/logout").status_code == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("key", ["", "1", "1:", ":1", "x:y", "1:1:1", "-1:1", "²:1"])
def test_a_strange_session_key_is_nobody(visitor: Client, key: str) -> None:
    with visitor.session_transaction() as cookie:
        cookie["_user_id"] = key
    assert visitor.get("/account").status_code == HTTPStatus.FOUND


def test_who_is_logged_in_needs_no_form(visitor: Client, make: Factory) -> None:
    visitor.log_in_as(make.member())
    assert visitor.get("/login?next=/account").location == "/account"
    assert visitor.get("/signup").location == "/organisations"


# Attempts are counted -------------------------------------------------------------------------------------------------


def test_attempts_at_one_address_are_limited(
    visitor: Client, make: Factory, hashed: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.member(email=EMAIL, password_hash=hashed)
    for _ in range(10):
        assert log_in(visitor, password="wrong").status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    refused = log_in(visitor)
    assert refused.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert int(refused.headers["Retry-After"]) <= 15 * 60 + 1
    assert "Too many attempts" in refused.text
    assert f'value="{EMAIL}"' in refused.text
    assert log_in(visitor, email=EMAIL.upper()).status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert log_in(visitor, email="other@bygg.example").status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    monkeypatch.setattr("marketplace.clock.now", lambda: NOW + timedelta(minutes=15))
    assert log_in(visitor).status_code == HTTPStatus.FOUND
    assert count(session, Throttle) > 0


def test_who_logs_in_and_out_all_day_is_not_locked_out(visitor: Client, make: Factory, hashed: str) -> None:
    make.member(email=EMAIL, password_hash=hashed)
    for _ in range(12):
        assert log_in(visitor, email=EMAIL.upper()).status_code == HTTPStatus.FOUND
        visitor.post("/logout")
    for _ in range(9):
        log_in(visitor, password="wrong")
    assert log_in(visitor).status_code == HTTPStatus.FOUND


def test_a_log_in_leaves_the_count_of_others_and_of_the_client(visitor: Client, make: Factory, hashed: str) -> None:
    make.member(email=EMAIL, password_hash=hashed)
    for _ in range(10):
        log_in(visitor, email="other@bygg.example")
    assert log_in(visitor).status_code == HTTPStatus.FOUND
    visitor.post("/logout")
    assert log_in(visitor, email="other@bygg.example").status_code == HTTPStatus.TOO_MANY_REQUESTS
    for number in range(60 - 11):  # a refused attempt is none of the client's
        log_in(visitor, email=f"person{number}@bygg.example")
    assert log_in(visitor).status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_attempts_of_one_client_are_limited_whatever_address_they_try(visitor: Client) -> None:
    statuses = {log_in(visitor, email=f"person{number}@bygg.example").status_code for number in range(60)}
    assert statuses == {HTTPStatus.UNPROCESSABLE_ENTITY}
    assert log_in(visitor, email="one-more@bygg.example").status_code == HTTPStatus.TOO_MANY_REQUESTS
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    answer = visitor.post("/login", data={"email": EMAIL, "password": "x"}, environ_base=elsewhere)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize("path", ["/signup", "/signup/resend", "/password/forgotten"])
def test_mails_to_one_address_are_limited(visitor: Client, session: Session, path: str) -> None:
    for _ in range(5):
        assert visitor.post(path, data=FORM).status_code == HTTPStatus.FOUND
    assert visitor.post(path, data=FORM).status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert count(session, OutboxMail) == 5


def test_a_subscriber_of_ipv6_is_one_client() -> None:
    from marketplace import create_app
    from marketplace.web.limits import client as client_of

    assert create_app  # the web package is loaded by the application
    app = Flask("probe")
    seen = set()
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "::ffff:192.0.2.1", "192.0.2.1", "unknown"):
        with app.test_request_context("/", environ_base={"REMOTE_ADDR": address}):
            seen.add(client_of())
    assert seen == {"2001:db8:1:2::/64", "192.0.2.1", "unknown"}


def test_no_address_is_kept_with_the_counts(visitor: Client, session: Session) -> None:
    log_in(visitor)
    assert [key for key in session.scalars(select(Throttle.key)) if "@" in key or "127" in key.split(":")[0]] == []


def test_limits_can_be_switched_off(visitor: Client, app: Flask, settings: Settings) -> None:
    app.settings = settings.model_copy(update={"rate_limits": False})  # type: ignore[attr-defined]
    try:
        statuses = {visitor.post("/signup/resend", data={"email": EMAIL}).status_code for _ in range(12)}
    finally:
        app.settings = settings  # type: ignore[attr-defined]
    assert statuses == {HTTPStatus.FOUND}


# New passwords --------------------------------------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_by_mail(
    visitor: Client, another_browser: Client, make: Factory, hashed: str, session: Session
) -> None:
    user = make.member(email=EMAIL, password_hash=hashed)
    another_browser.log_in_as(user)
    assert visitor.post("/password/forgotten", data={"email": EMAIL}).location == "/password/sent"
    link = f"/password/reset?token={token(session)}"
    assert EMAIL in visitor.get(link).text
    assert visitor.post(link, data={"password": OTHER}).location == "/"
    assert is_logged_in(visitor)
    assert not is_logged_in(another_browser)
    assert log_in(another_browser).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert log_in(another_browser, password=OTHER).status_code == HTTPStatus.FOUND
    assert visitor.get(link).status_code == HTTPStatus.NOT_FOUND


def test_a_weak_new_password_leaves_the_link_alive(visitor: Client, make: Factory, session: Session) -> None:
    make.user(email=EMAIL)
    visitor.post("/password/forgotten", data={"email": EMAIL})
    link = f"/password/reset?token={token(session)}"
    assert visitor.post(link, data={"password": "passord12345"}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert visitor.post(link, data={"password": OTHER}).status_code == HTTPStatus.FOUND


def test_asking_for_a_reset_answers_the_same_for_every_address(visitor: Client, make: Factory) -> None:
    make.user(email=EMAIL)
    answers = {visitor.post("/password/forgotten", data={"email": email}).location for email in (EMAIL, "no@x.example")}
    assert answers == {"/password/sent"}


def test_changing_the_password_keeps_this_session_and_ends_the_others(
    visitor: Client, another_browser: Client, make: Factory, hashed: str
) -> None:
    user = make.member(email=EMAIL, password_hash=hashed)
    visitor.log_in_as(user)
    another_browser.log_in_as(user)
    answer = visitor.post("/account/password", data={"current": PASSWORD, "new": OTHER})
    assert answer.location == "/account"
    assert is_logged_in(visitor)
    assert not is_logged_in(another_browser)


def test_a_wrong_present_password_changes_nothing(
    visitor: Client, make: Factory, hashed: str, session: Session
) -> None:
    user = make.member(password_hash=hashed)
    answer = visitor.log_in_as(user).post("/account/password", data={"current": "wrong", "new": OTHER})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "This is not your present password." in answer.text
    session.expire_all()
    assert is_password(PASSWORD, hashed=user.password_hash)


# The account page -----------------------------------------------------------------------------------------------------


def test_name_and_language_are_changed(visitor: Client, make: Factory, session: Session) -> None:
    user = make.member()
    visitor.log_in_as(user)
    assert visitor.post("/account", data={"name": "Nytt Navn", "locale": "nb"}).location == "/account"
    session.expire_all()
    assert (user.name, user.locale) == ("Nytt Navn", "nb")
    assert '<html lang="nb"' in visitor.get("/account").text


@pytest.mark.parametrize("data", [{"name": "", "locale": "nb"}, {"name": "X", "locale": "tlh"}, {"name": "X" * 300}])
def test_a_profile_that_cannot_be_used_is_not_stored(
    visitor: Client, make: Factory, session: Session, data: dict[str, str]
) -> None:
    user = make.member(name="Before")
    answer = visitor.log_in_as(user).post("/account", data=data)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    session.expire_all()
    assert (user.name, user.locale) == ("Before", "nb")


def test_a_mail_is_asked_for_in_the_language_of_the_page(client: Client, session: Session, now: datetime) -> None:
    del now
    client.post("/signup", data=FORM)
    user = user_by_email(session, email=EMAIL)
    assert user is not None
    assert (user.locale, last_mail(session).locale) == ("nb", "nb")
