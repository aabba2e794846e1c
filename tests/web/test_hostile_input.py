"""What no form of ours sends: programs that try, and people who slip."""

from http import HTTPStatus
from io import BytesIO

import pytest

from tests.conftest import Client

POSTED = ("/login", "/signup", "/password/forgotten")


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    "body",
    [
        {"name": 1, "email": 5, "password": 7},
        {"email": "kari@firma.no", "password": "\ud800" * 20},
        {"email": ["kari@firma.no"], "password": {"a": 1}},
        [1, 2],
        "text",
    ],
)
def test_a_form_takes_no_json(client: Client, path: str, body: object) -> None:
    assert client.post(path, json=body).status_code == HTTPStatus.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize("path", POSTED)
def test_a_form_takes_no_file_for_an_answer_in_words(client: Client, path: str) -> None:
    files = {name: (BytesIO(b"kari@firma.no"), "a.txt") for name in ("name", "email", "password")}
    assert client.post(path, data=files).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
