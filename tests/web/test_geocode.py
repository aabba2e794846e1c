from flask import Flask

from marketplace.registers import Registers
from marketplace.registers.enhetsregisteret import NoOrganisationRegister
from marketplace.registers.kartverket import AddressKind, FoundAddress
from marketplace.web.geocode import LIMIT_EXTENSION, LOOKUPS, WINDOW_S, LightLimit
from marketplace.web.registers import EXTENSION
from tests.conftest import Client


def test_a_place_is_found(client: Client) -> None:
    answer = client.get("/geocode?q=Sandvika")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, max-age=300"
    first = answer.json[0]
    assert first.keys() == {"label", "kind", "municipality", "lon", "lat", "bbox", "source"}
    assert (first["label"], first["kind"], first["municipality"]) == ("Sandvika, Bærum", "town", "Bærum")
    assert abs(first["lon"] - 10.5277) < 0.001
    assert abs(first["lat"] - 59.8907) < 0.001
    assert first["bbox"] is None


def test_a_municipality_has_a_box_of_west_south_east_north(client: Client) -> None:
    west, south, east, north = client.get("/geocode?q=Bærum").json[0]["bbox"]
    assert 10 < west < east < 11
    assert 59 < south < north < 61


def test_an_empty_question_has_an_empty_answer(client: Client) -> None:
    assert [client.get(url).json for url in ("/geocode", "/geocode?q=", "/geocode?q=%20")] == [[], [], []]


def test_near_prefers_what_is_near(client: Client) -> None:
    assert client.get("/geocode?q=Sandvika&near=13.6,64.46").json[0]["municipality"] == "Lierne"


def test_bad_input_is_answered_as_if_it_were_not_there(client: Client) -> None:
    for near in ("nan,nan", "1", "a,b", "999,999", "1,2,3", ""):
        assert client.get("/geocode", query_string={"q": "Sandvika", "near": near}).json[0]["municipality"] == "Bærum"
    assert client.get("/geocode", query_string={"q": "x" * 100_000}).json == []
    assert client.get("/geocode", query_string={"q": "\x00<script>"}).status_code == 200


def test_the_online_register_is_asked_where_there_is_one(app: Flask, client: Client) -> None:
    class Register:
        is_online = True

        def search(self, query: str, *, limit: int, wait_s: float) -> list[FoundAddress]:
            return [
                FoundAddress(
                    kind=AddressKind.ADDRESS,
                    name=f"{query}, 1337 Sandvika",
                    municipality_number="3201",
                    municipality_name="Bærum",
                    lon=10.52,
                    lat=59.89,
                )
            ]

    before = app.extensions.get(EXTENSION)
    app.extensions[EXTENSION] = Registers(addresses=Register(), organisations=NoOrganisationRegister())
    try:
        found = client.get("/geocode?q=Løkketangen 12").json
    finally:
        app.extensions.pop(EXTENSION)
        if before is not None:
            app.extensions[EXTENSION] = before
    assert (found[0]["label"], found[0]["kind"]) == ("Løkketangen 12, 1337 Sandvika", "address")


def test_a_visitor_who_asks_without_end_is_asked_to_wait(app: Flask, client: Client) -> None:
    app.extensions[LIMIT_EXTENSION] = LightLimit()
    statuses = [client.get("/geocode").status_code for _ in range(LOOKUPS + 1)]
    app.extensions.pop(LIMIT_EXTENSION)
    assert statuses == [200] * LOOKUPS + [429]


def test_a_subscriber_with_many_addresses_is_one_visitor(app: Flask, client: Client) -> None:
    app.extensions[LIMIT_EXTENSION] = LightLimit()
    addresses = [{"REMOTE_ADDR": f"2001:db8::{number:x}"} for number in range(1, LOOKUPS + 2)]
    statuses = [client.get("/geocode", environ_base=address).status_code for address in addresses]
    app.extensions.pop(LIMIT_EXTENSION)
    assert statuses[-1] == 429


def test_the_limit_is_each_visitors_own_and_passes() -> None:
    limit = LightLimit()
    assert not any(limit.is_over("a", at_s=0.0) for _ in range(LOOKUPS))
    assert limit.is_over("a", at_s=1.0)
    assert not limit.is_over("b", at_s=1.0)
    assert not limit.is_over("a", at_s=WINDOW_S + 1)
