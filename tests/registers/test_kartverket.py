import threading

import pytest

from marketplace.registers.kartverket import AddressKind, KartverketAddresses, read_addresses, read_place_names
from tests.registers.conftest import Answer, LocalRegister, RemoteMaker

ADDRESS = {
    "adressetekst": "Løkketangen 12A",
    "kommunenummer": "3201",
    "kommunenavn": "BÆRUM",
    "postnummer": "1337",
    "poststed": "SANDVIKA",
    "representasjonspunkt": {"epsg": "EPSG:4258", "lat": 59.8898, "lon": 10.5221},
}
ADDRESSES = {"metadata": {"totaltAntallTreff": 1, "side": 0, "treffPerSide": 8}, "adresser": [ADDRESS]}
PLACE_NAMES = {
    "metadata": {"totaltAntallTreff": 1},
    "navn": [
        {
            "skrivemåte": "Sandvika",
            "navneobjekttype": "By",
            "kommuner": [{"kommunenummer": "3201", "kommunenavn": "Bærum"}],
            "representasjonspunkt": {"øst": 10.52365, "nord": 59.89099, "koordsys": 4258},
        }
    ],
}
"""The shapes of the registers' answers, with what is not read left out."""


def test_an_address_is_read() -> None:
    (found,) = read_addresses(ADDRESSES)
    assert found.kind is AddressKind.ADDRESS
    assert found.name == "Løkketangen 12A, 1337 Sandvika"
    assert (found.municipality_number, found.municipality_name) == ("3201", "Bærum")
    assert (found.lon, found.lat) == (10.5221, 59.8898)


def test_a_place_name_is_read() -> None:
    (found,) = read_place_names(PLACE_NAMES)
    assert (found.kind, found.name, found.municipality_name) == (AddressKind.PLACE, "Sandvika", "Bærum")
    assert (found.lon, found.lat) == (10.52365, 59.89099)


@pytest.mark.parametrize(("capitals", "name"), [("MO I RANA", "Mo i Rana"), ("NORE OG UVDAL", "Nore og Uvdal")])
def test_names_in_capitals_are_written_as_names(capitals: str, name: str) -> None:
    (found,) = read_addresses({"adresser": [{**ADDRESS, "kommunenavn": capitals}]})
    assert found.municipality_name == name


@pytest.fixture
def addresses(make_remote: RemoteMaker) -> KartverketAddresses:
    """Both registers at the local server, which gives each its own answer by path."""
    return KartverketAddresses(make_remote(), make_remote())


def test_both_registers_are_asked_and_addresses_come_first(
    register: LocalRegister, addresses: KartverketAddresses
) -> None:
    register.answer = Answer({**ADDRESSES, **PLACE_NAMES})
    found = addresses.search("Sandv", limit=8, wait_s=2)
    assert [one.name for one in found] == ["Løkketangen 12A, 1337 Sandvika", "Sandvika"]
    assert {path: asked["sok"] for path, asked in register.asked} == {"/sok": "Sandv*", "/navn": "Sandv*"}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(raw=b"{"),
        Answer([]),
        Answer({"adresser": [{}], "navn": [{"skrivemåte": "Nowhere"}]}),
        Answer({"adresser": None, "navn": "x"}),
        Answer({"adresser": [{**ADDRESS, "representasjonspunkt": {"lat": 599, "lon": 10}}], "navn": []}),
        Answer(raw=b'{"navn": [], "adresser": [{"adressetekst": "A", "postnummer": "1", "poststed": "B",'
               b' "representasjonspunkt": {"lat": NaN, "lon": 10}}]}'),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_used_finds_nothing(
    register: LocalRegister, addresses: KartverketAddresses, answer: Answer
) -> None:
    register.answer = answer
    assert addresses.search("Sandvika", limit=8, wait_s=2) == []


def test_a_slow_register_holds_nobody_up(register: LocalRegister, addresses: KartverketAddresses) -> None:
    register.answer = Answer({**ADDRESSES, **PLACE_NAMES}, may_end=threading.Event())
    assert addresses.search("Sandvika", limit=8, wait_s=0.02) == []
