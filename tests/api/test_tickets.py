"""Loads that a weighbridge's system reports by itself."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.models import Deal, Ticket
from marketplace.services.api_tokens import make_token
from marketplace.types import DealStatus, Side, TicketSource
from tests.conftest import NOW, Client
from tests.factories import Factory

LOAD: dict[str, Any] = {
    "number": "104233",
    "loaded_at": (NOW - timedelta(hours=1)).isoformat(),
    "vehicle_registration": "ab12345",
    "mass_t": 18.42,
    "carrier": "Bærum Transport AS",
}


class System:
    """A weighbridge's system of the deal's giver."""

    def __init__(self, client: Client, session: Session, make: Factory) -> None:
        self.client, self.session = client, session
        self.deal = make.deal(status=DealStatus.AGREED, mass_t=100)
        self.secret = self.token_of(make, self.deal.giver_organisation_id)

    def token_of(self, make: Factory, organisation_id: int) -> str:
        organisation = self.session.get_one(type(self.deal.giver_organisation), organisation_id)
        owner = make.actor(make.member(organisation))
        _token, secret = make_token(
            self.session, owner, organisation_id=organisation_id, name="Vekta", days=30, now=NOW
        )
        return secret

    def send(self, load: object = LOAD, *, deal: Deal | None = None, secret: str | None = None) -> TestResponse:
        return self.client.post(
            f"/api/v1/deals/{(deal or self.deal).id}/tickets",
            json=load,
            headers={"Authorization": f"Bearer {secret or self.secret}"},
        )

    def ask(self, path: str) -> TestResponse:
        return self.client.get(path, headers={"Authorization": f"Bearer {self.secret}"})


@pytest.fixture
def system(client: Client, session: Session, make: Factory, now: object) -> System:
    return System(client, session, make)


def count_of(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Ticket)) or 0


def problem_of(answer: TestResponse, status: HTTPStatus) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert problem["status"] == status
    return problem


def test_a_load_is_taken_in_and_counts(system: System, session: Session) -> None:
    answer = system.send()
    assert answer.status_code == HTTPStatus.CREATED
    assert answer.get_json()["vehicle_registration"] == "AB 12345"
    ticket = session.scalars(select(Ticket)).one()
    assert (ticket.source, ticket.side, str(ticket.mass_t)) == (TicketSource.API, Side.GIVER, "18.420")
    session.refresh(system.deal)
    assert str(system.deal.delivered_t) == "18.420"


def test_a_load_may_say_where_it_came_from_and_went(system: System) -> None:
    said = system.send({**LOAD, "origin": "Salve 12", "destination": "Tipp 2"}).get_json()
    assert (said["origin"], said["destination"]) == ("Salve 12", "Tipp 2")
    left_out = system.send({**LOAD, "number": "104234"}).get_json()
    assert (left_out["origin"], left_out["destination"]) == (system.deal.origin_name, system.deal.destination_name)


def test_the_same_load_sent_twice_counts_once(system: System, session: Session) -> None:
    first, second = system.send(), system.send()
    assert (first.status_code, second.status_code) == (HTTPStatus.CREATED, HTTPStatus.OK)
    assert first.get_json()["id"] == second.get_json()["id"]
    assert count_of(session) == 1


def test_the_same_number_with_another_mass_is_a_conflict(system: System, session: Session) -> None:
    system.send()
    problem = problem_of(system.send({**LOAD, "mass_t": 19}), HTTPStatus.CONFLICT)
    assert "104233" in problem["detail"]
    assert count_of(session) == 1


def test_more_than_is_left_is_refused_beside_the_mass(system: System, session: Session) -> None:
    for number, mass_t in (("1", 60), ("2", 40)):
        assert system.send({**LOAD, "number": number, "mass_t": mass_t}).status_code == HTTPStatus.CREATED
    problem = problem_of(system.send({**LOAD, "number": "3", "mass_t": 10}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert [each["field"] for each in problem["errors"]] == ["mass_t"]
    assert "5 t" in problem["errors"][0]["message"].replace("\N{NO-BREAK SPACE}", " ")
    assert count_of(session) == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": "x" * 61}, "number"),
        ({"mass_t": 0}, "mass_t"),
        ({"mass_t": 201}, "mass_t"),
        ({"mass_t": "heavy"}, "mass_t"),
        ({"mass_t": "NaN"}, "mass_t"),
        ({"loaded_at": "2027-03-01T09:00:00"}, "loaded_at"),
        ({"loaded_at": "yesterday"}, "loaded_at"),
        ({"loaded_at": (NOW + timedelta(days=1)).isoformat()}, "loaded_at"),
        ({"loaded_at": "0001-01-01T00:00:00+14:00"}, "loaded_at"),
        ({"loaded_at": "9999-12-31T23:59:00-12:00"}, "loaded_at"),
        ({"origin": "x" * 201}, "origin"),
        ({"destination": 2}, "destination"),
        ({"vehicle_registration": "??"}, "vehicle_registration"),
        ({"weight": 18}, "weight"),
        ({"client_key": "mine"}, "client_key"),
    ],
)
def test_what_cannot_be_read_is_said_field_by_field(
    system: System, session: Session, change: dict[str, Any], field: str
) -> None:
    problem = problem_of(system.send({**LOAD, **change}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert field in [each["field"] for each in problem["errors"]]
    assert all(each["message"] for each in problem["errors"])
    assert count_of(session) == 0


@pytest.mark.parametrize("lacking", ["number", "loaded_at", "vehicle_registration", "mass_t"])
def test_what_must_be_there_is_named(system: System, lacking: str) -> None:
    load = {name: value for name, value in LOAD.items() if name != lacking}
    problem = problem_of(system.send(load), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert [each["field"] for each in problem["errors"]] == [lacking]


def test_what_is_no_json_is_refused(system: System) -> None:
    answer = system.client.post(
        f"/api/v1/deals/{system.deal.id}/tickets",
        data="number=1",
        headers={"Authorization": f"Bearer {system.secret}", "Content-Type": "application/json"},
    )
    problem_of(answer, HTTPStatus.UNPROCESSABLE_ENTITY)


# Who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer msf_wrong", "Basic bXNm"])
def test_without_a_living_token_nothing_is_answered(system: System, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for path in (f"/api/v1/deals/{system.deal.id}/tickets", "/api/v1/deals"):
        answer = system.client.get(path, headers=headers)
        problem_of(answer, HTTPStatus.UNAUTHORIZED)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_browsers_cookie_opens_nothing(system: System, make: Factory) -> None:
    system.client.log_in_as(make.member(system.deal.giver_organisation))
    answer = system.client.post(f"/api/v1/deals/{system.deal.id}/tickets", json=LOAD)
    problem_of(answer, HTTPStatus.UNAUTHORIZED)


def test_a_bare_secret_is_no_token(system: System) -> None:
    answer = system.client.get("/api/v1/deals", headers={"Authorization": system.secret})
    problem_of(answer, HTTPStatus.UNAUTHORIZED)


def test_another_organisations_deal_is_not_found(system: System, make: Factory) -> None:
    other = make.deal(status=DealStatus.AGREED, mass_t=100)
    problem_of(system.send(deal=other), HTTPStatus.NOT_FOUND)


def test_both_sides_can_report(system: System, session: Session, make: Factory) -> None:
    secret = system.token_of(make, system.deal.taker_organisation_id)
    assert system.send(secret=secret).status_code == HTTPStatus.CREATED
    assert session.scalars(select(Ticket)).one().side is Side.TAKER


def test_a_deal_that_is_not_agreed_takes_no_loads(system: System, make: Factory) -> None:
    talks = make.deal(system.deal.giver_organisation)
    problem_of(system.send(deal=talks), HTTPStatus.CONFLICT)


# Reading ----------------------------------------------------------------------------------------------------------


def test_deals_are_listed_for_their_sides_only_once_agreed(system: System, make: Factory) -> None:
    make.deal(status=DealStatus.AGREED)
    make.deal(system.deal.giver_organisation)
    items = system.ask("/api/v1/deals").get_json()["items"]
    assert [each["id"] for each in items] == [system.deal.id]
    assert items[0]["agreed_t"] == 100


def test_loads_are_read_page_by_page_without_a_gap(system: System, count_queries: Callable[..., Any]) -> None:
    for number in range(5):
        system.send({**LOAD, "number": str(number), "mass_t": 1})
    numbers, after = [], 0
    while after is not None:
        page = system.ask(f"/api/v1/deals/{system.deal.id}/tickets?limit=2&after={after}").get_json()
        numbers += [each["number"] for each in page["items"]]
        after = page["next_after"]
    assert numbers == ["0", "1", "2", "3", "4"]


def test_the_api_describes_itself(client: Client) -> None:
    described = client.get("/api/v1/openapi.json").get_json()
    assert described["openapi"].startswith("3.1")
    post = described["paths"]["/api/v1/deals/{deal_id}/tickets"]["post"]
    assert post["security"] == [{"token": []}]
    assert {"200", "201", "401", "409", "422"} <= post["responses"].keys()
    assert "mass_t" in described["components"]["schemas"]["TicketIn"]["required"]
