"""What holds on every page: CSRF, cookies, headers, and addresses that lead elsewhere."""

import re
from html import unescape
from http import HTTPStatus

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace import create_app, db
from marketplace.config import BadSettings, Settings, load_settings
from marketplace.models import User
from marketplace.web.security import content_security_policy, safe_next
from tests.conftest import Client
from tests.factories import Factory


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "javascript:alert(1)",
        "/ok\r\nSet-Cookie: x=1",
        "/\tevil",
        "search",
    ],
)
def test_next_never_leads_off_the_site(target: str | None) -> None:
    assert safe_next(target, default="/home") == "/home"


@pytest.mark.parametrize("target", ["/", "/search?q=pukk&page=2", "/listings/3#matches"])
def test_next_keeps_addresses_of_our_own(target: str) -> None:
    assert safe_next(target, default="/home") == target


def test_a_form_without_its_token_is_refused(app: Flask) -> None:
    response = app.test_client().post("/language", data={"locale": "en"})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.mimetype == "text/html"


def test_policy_allows_own_assets_only(client: Client) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


def test_each_response_has_a_nonce_of_its_own(client: Client) -> None:
    nonces = {re.findall(r"'nonce-([^']+)'", client.get("/").headers["Content-Security-Policy"])[0] for _ in range(3)}
    assert len(nonces) == 3


def test_every_inline_script_and_style_carries_the_nonce(client: Client) -> None:
    response = client.get("/")
    nonce = re.findall(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"])[0]
    opened = re.findall(r"<(?:script|style)\b[^>]*>", response.text)
    assert opened
    assert [tag for tag in opened if f'nonce="{nonce}"' not in tag and " src=" not in tag and "json" not in tag] == []


def test_tile_host_is_the_only_foreign_source(settings: Settings) -> None:
    policy = content_security_policy(
        settings.model_copy(update={"basemap_url": "https://tiles.example/{z}/{x}/{y}.png"}), "n"
    )
    assert "img-src 'self' data: https://tiles.example;" in policy
    assert policy.count("https://") == 1


@pytest.mark.parametrize("header", ["X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "X-Request-ID"])
def test_security_headers_are_on_every_answer(client: Client, header: str) -> None:
    assert header in client.get("/").headers
    assert header in client.get("/no-such-page").headers


def test_cookie_is_http_only_and_same_site(client: Client) -> None:
    cookie = client.post("/language", data={"locale": "en"}).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_cookie_is_secure_behind_tls(settings: Settings) -> None:
    served = settings.model_copy(update={"base_url": "https://masseflyt.example"})
    app = create_app(served, testing=True)
    app.config["WTF_CSRF_ENABLED"] = False
    response = app.test_client().post("/language", data={"locale": "en"}, base_url="https://masseflyt.example")
    app.extensions[db.EXTENSION].kw["bind"].dispose()
    assert "Secure" in response.headers["Set-Cookie"]
    assert "max-age=" in response.headers["Strict-Transport-Security"]


def test_language_switch_does_not_lead_off_the_site(client: Client) -> None:
    response = client.post("/language", data={"locale": "en", "next": "https://evil.example/"})
    assert response.location == "/"


def test_language_is_remembered_on_the_account(client: Client, make: Factory, session: Session) -> None:
    user = make.member()
    client.log_in_as(user).post("/language", data={"locale": "en"})
    session.expire_all()
    assert session.scalars(select(User.locale).where(User.id == user.id)).one() == "en"


@pytest.mark.parametrize("listing_id", ["0", "-1", "9223372036854775808", "1e3", "abc", "%00", "1'--"])
def test_forged_ids_are_not_found(client: Client, listing_id: str) -> None:
    assert client.get(f"/listings/{listing_id}").status_code == HTTPStatus.NOT_FOUND


def test_an_error_in_a_json_call_is_problem_json(client: Client) -> None:
    response = client.get("/no-such-page", headers={"Accept": "application/json"})
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["status"] == 404


def test_a_body_over_the_limit_is_refused_in_words(client: Client) -> None:
    response = client.post("/language", data={"locale": "x" * 11_000_000})
    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "<h1" in response.text


def test_a_given_request_id_is_kept_and_a_strange_one_replaced(client: Client) -> None:
    kept = client.get("/healthz", headers={"X-Request-ID": "abc-12345"}).headers["X-Request-ID"]
    replaced = client.get("/healthz", headers={"X-Request-ID": "<script>"}).headers["X-Request-ID"]
    assert kept == "abc-12345"
    assert re.fullmatch(r"[0-9a-f]{32}", replaced)


def test_healthz_and_readyz_answer(client: Client) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json()["status"] == "ok"


def test_a_get_never_writes(app: Flask, session: Session, make: Factory) -> None:
    """A change made while answering a GET is gone when it has been answered."""
    user = make.user(name="Before")
    with app.test_request_context("/", method="GET"):
        db.session.get_one(User, user.id).name = "After"
        db.session.flush()
        app.process_response(app.response_class())
    session.expire_all()
    assert session.scalars(select(User.name).where(User.id == user.id)).one() == "Before"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"database_url": "mysql://x/y", "secret_key": "x" * 40}, "DATABASE_URL must be a PostgreSQL address"),
        ({"database_url": "no address", "secret_key": "x" * 40}, "DATABASE_URL is not a database address"),
        ({"database_url": "postgresql:///x", "secret_key": ""}, "SECRET_KEY must be given"),
        ({"base_url": "masseflyt.no"}, "BASE_URL must begin with"),
        ({"basemap_pmtiles": "/no/such/file"}, "BASEMAP_PMTILES names no file"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadSettings, match=re.escape(said)):
        load_settings(**environment)


FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


def test_what_was_typed_outlives_a_log_out_in_another_tab(app: Flask, make: Factory, session: Session) -> None:
    app.test_client_class = Client
    visitor: Client = app.test_client().log_in_as(make.member())  # type: ignore[attr-defined]  # of the class set above
    typed = {"name": 'Kari "K" <b>Berg</b>', "locale": "nb", "csrf_token": "of a session that is over"}
    page = visitor.post("/account?from=menu", data=typed, headers=FROM_OUR_PAGE)
    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert "Det du skrev, er tatt vare på." in page.text
    assert 'action="/account?from=menu"' in page.text
    assert "<b>Berg" not in page.text
    again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    answer = visitor.post("/account", data={name: unescape(value) for name, value in again.items()})
    assert answer.status_code == HTTPStatus.FOUND
    assert session.scalar(select(User.name).where(User.name == typed["name"]))


def test_no_password_stands_in_the_page_that_sends_a_form_again(app: Flask) -> None:
    page = app.test_client().post("/login", data={"email": "a@b.no", "password": "hemmelig"}, headers=FROM_OUR_PAGE)
    assert "a@b.no" in page.text
    assert "hemmelig" not in page.text


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}])
def test_another_site_cannot_fill_in_the_page_that_sends_a_form_again(app: Flask, site: dict[str, str]) -> None:
    page = app.test_client().post("/language", data={"locale": "en"}, headers=site)
    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert 'value="en">' not in re.sub(r"<button.*?</button>", "", page.text)
    assert "Send på nytt" not in page.text
