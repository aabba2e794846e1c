"""A database that does not answer gives a page that says so, to anybody."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import make_url

from marketplace import create_app
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
