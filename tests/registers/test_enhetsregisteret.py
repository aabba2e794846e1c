import pytest

from marketplace.registers.enhetsregisteret import Enhetsregisteret, NoOrganisationRegister
from marketplace.registers.remote import RemoteUnavailable
from tests.registers.conftest import Answer, LocalRegister, RemoteMaker

UNIT = {
    "organisasjonsnummer": "974760673",
    "navn": "REGISTERENHETEN  I BRØNNØYSUND",
    "organisasjonsform": {"kode": "ORGL", "beskrivelse": "Organisasjonsledd"},
    "forretningsadresse": {
        "land": "Norge",
        "landkode": "NO",
        "postnummer": "8910",
        "poststed": "BRØNNØYSUND",
        "adresse": ["Havnegata 48"],
        "kommune": "BRØNNØY",
        "kommunenummer": "1813",
    },
    "konkurs": False,
}
"""The shape of the register's answer, with what is not read left out."""


def test_an_organisation_is_found(register: LocalRegister, make_remote: RemoteMaker) -> None:
    register.answer = Answer(UNIT)
    found = Enhetsregisteret(make_remote()).find("974760673")
    assert found is not None
    assert (found.org_number, found.name) == ("974760673", "REGISTERENHETEN I BRØNNØYSUND")
    assert (found.form_code, found.form_name) == ("ORGL", "Organisasjonsledd")
    assert found.address == "Havnegata 48, 8910 BRØNNØYSUND"
    assert found.municipality_number == "1813"
    assert found.is_active
    assert register.asked == [("/enheter/974760673", {})]


@pytest.mark.parametrize("status", [404, 410])
def test_one_that_the_register_does_not_know_is_none(
    register: LocalRegister, make_remote: RemoteMaker, status: int
) -> None:
    register.answer = Answer(status=status)
    assert Enhetsregisteret(make_remote()).find("974760673") is None


@pytest.mark.parametrize("sign", [{"slettedato": "2024-01-31"}, {"konkurs": True}])
def test_a_deleted_or_bankrupt_one_is_not_active(
    register: LocalRegister, make_remote: RemoteMaker, sign: dict[str, object]
) -> None:
    register.answer = Answer({**UNIT, **sign})
    found = Enhetsregisteret(make_remote()).find("974760673")
    assert found is not None
    assert not found.is_active


def test_an_address_abroad_names_its_country_and_has_no_municipality(
    register: LocalRegister, make_remote: RemoteMaker
) -> None:
    abroad = {"adresse": ["Storgatan 1", None], "poststed": "111 20 STOCKHOLM", "land": "Sverige", "landkode": "SE"}
    register.answer = Answer({**UNIT, "forretningsadresse": abroad})
    found = Enhetsregisteret(make_remote()).find("974760673")
    assert found is not None
    assert found.address == "Storgatan 1, 111 20 STOCKHOLM, Sverige"
    assert found.municipality_number is None


@pytest.mark.parametrize("body", [[], "text", None, {"navn": "No number"}, {**UNIT, "organisasjonsform": "AS"}])
def test_an_answer_of_another_form_is_unavailable(
    register: LocalRegister, make_remote: RemoteMaker, body: object
) -> None:
    register.answer = Answer(body)
    with pytest.raises(RemoteUnavailable):
        Enhetsregisteret(make_remote()).find("974760673")


def test_a_register_that_is_switched_off_says_so_at_once() -> None:
    with pytest.raises(RemoteUnavailable):
        NoOrganisationRegister().find("974760673")
