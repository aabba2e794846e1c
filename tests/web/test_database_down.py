"""A database that does not answer gives a page that says so, to anybody."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from marketplace import create_app
from marketplace.config import Settings
from marketplace.db import make_engine
from marketplace.web.errors import on_fault
from tests.conftest import test_settings as settings_on


@pytest.fixture
def client() -> FlaskClient:
    app = create_app(settings_on(make_url("postgresql://someone@127.0.0.1:1/nothing")))
    return app.test_client()


@pytest.mark.parametrize("path", ["/", "/nothing-at-this-address"])
@pytest.mark.parametrize("logged_in", [False, True])
def test_page_says_that_something_is_wrong(client: FlaskClient, path: str, logged_in: bool) -> None:
    if logged_in:
        with client.session_transaction() as cookie:
            cookie["_user_id"] = "1:1"
    response = client.get(path, headers={"Accept": "text/html"})
    assert response.status_code == 503
    assert response.mimetype == "text/html"
    assert "<h1" in response.text


def test_alive_but_not_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_no_free_connection_is_the_databases_fault_as_well(app: Flask) -> None:
    with app.test_request_context("/"):
        response = app.make_response(on_fault(NoConnectionFree()))
    assert response.status_code == 503


def test_a_failing_statement_does_not_say_what_it_was_to_write(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(ProgrammingError) as failed:
        connection.execute(text("SELECT no_such_function(:token)"), {"token": "between you and me"})
    assert "no_such_function" in str(failed.value)
    assert "between you and me" not in str(failed.value)


def test_a_server_that_swallows_everything_is_given_up(engine: Engine) -> None:
    with engine.connect() as connection:
        asked = connection.connection.driver_connection.info.get_parameters()
    assert int(asked["connect_timeout"]) <= 10
    assert int(asked["tcp_user_timeout"]) <= 60_000


def test_the_address_may_say_how_long_to_wait(settings: Settings) -> None:
    url = make_url(settings.database_url or "").update_query_dict({"connect_timeout": "17"})
    engine = make_engine(settings, url=url.render_as_string(hide_password=False))
    with engine.connect() as connection:
        assert connection.connection.driver_connection.info.get_parameters()["connect_timeout"] == "17"
    engine.dispose()
