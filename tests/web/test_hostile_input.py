"""What no form of ours sends: programs that try, and people who slip."""

from http import HTTPStatus
from io import BytesIO

import pytest
from sqlalchemy.orm import Session

from marketplace.text import clean_line, clean_text
from marketplace.types import Role
from tests.conftest import Client
from tests.factories import Factory

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


INVISIBLE = ("   ", "\u200b\u200d", "\u202e", "\u3164", "\u00ad\ufeff")


@pytest.mark.parametrize("name", INVISIBLE)
def test_an_organisation_keeps_a_name_one_can_read(client: Client, make: Factory, session: Session, name: str) -> None:
    organisation = make.organisation(name="Grus AS")
    client.log_in_as(make.member(organisation))
    response = client.post(f"/organisations/{organisation.id}/edit", data={"name": name, "kind": "contractor"})
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Skriv navnet på organisasjonen." in response.text
    session.expire_all()
    assert organisation.name == "Grus AS"


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_person_has_a_name_one_can_read(client: Client, name: str) -> None:
    response = client.post("/signup", data={"name": name, "email": "kari@firma.no", "password": "tre gule hester"})
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Skriv navnet ditt." in response.text


def test_nothing_typed_turns_the_text_after_it() -> None:
    assert clean_line("Kari\u202e gnitsøH\u2066") == "Kari gnitsøH"
    assert clean_text("en\n\u202eto") == "en\nto"
    assert clean_line("شركة البناء 😀 👷🏽\u200d♀️") == "شركة البناء 😀 👷🏽\u200d♀️"


@pytest.mark.parametrize("name", ["Vinn på evil.com", "Se evil.com/gratis", "kari@firma.no", "Klikk WWW.evil.com"])
def test_a_persons_name_carries_no_link_into_mails(client: Client, name: str) -> None:
    response = client.post("/signup", data={"name": name, "email": "kari@firma.no", "password": "tre gule hester"})
    assert "Et navn kan ikke inneholde en nettadresse." in response.text


@pytest.mark.parametrize("name", ["Kari A. Berg", "K.A. Berg", "Per Jr. Li", "O'Hara-Næss", "Åse 2."])
def test_names_of_people_are_taken(client: Client, name: str) -> None:
    response = client.post("/signup", data={"name": name, "email": "kari@firma.no", "password": "tre gule hester"})
    assert response.status_code == HTTPStatus.FOUND


@pytest.mark.parametrize("path", ["/listings/new", "/projects/new"])
@pytest.mark.parametrize("number", ["abc", "", "9" * 5000])
def test_a_forged_organisation_is_refused_in_words(client: Client, make: Factory, path: str, number: str) -> None:
    client.log_in_as(make.member(make.organisation(), role=Role.EDITOR))
    response = client.post(path, data={"organisation_id": number})
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Velg en av dine egne organisasjoner." in response.text


@pytest.mark.parametrize(("in_english", "said"), [(False, "Gå tilbake, gjør det kortere"), (True, "Go back, make it")])
def test_what_is_too_large_comes_back_with_advice(client: Client, in_english: bool, said: str) -> None:
    if in_english:
        client.in_english()
    response = client.post("/signup", data={"name": "x" * 10_000_000})
    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert said in response.text
