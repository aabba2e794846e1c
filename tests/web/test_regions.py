"""A region's dashboard: whose figures it shows, what it holds back, and where its numbers lead."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from marketplace.models import Deal, User
from marketplace.queries.region_outlook import receiver_rooms
from marketplace.types import DealStatus, OrganisationKind, TicketStatus
from marketplace.web import region_desk
from tests.conftest import Client, QueryCounter
from tests.factories import Factory

OSLO, ASKER, BAERUM, BERGEN = "0301", "3203", "3201", "4601"
MARCH = "from=2027-01&to=2027-03"
ASKERS = f"/regions/dashboard?municipality={ASKER}&{MARCH}"


def delivered(
    make: Factory, *, origin: str = OSLO, destination: str = ASKER, mass_t: int = 100, loads: int = 1, **values: object
) -> Deal:
    """A deal between organisations of its own that delivered `loads` weighed loads of `mass_t` tonnes in March."""
    deal = make.deal(
        status=DealStatus.AGREED,
        mass_t=5_000,
        surplus=make.listing(mass_t=Decimal(20_000)),
        origin_municipality_number=origin,
        destination_municipality_number=destination,
        **values,
    )
    for _ in range(loads):
        make.ticket(deal, mass_t=Decimal(mass_t), loaded_at=datetime(2027, 3, 1, 7, tzinfo=UTC))
    return deal


def of_municipality(make: Factory, number: str = ASKER) -> User:
    """Somebody who acts for a verified municipality."""
    admin = make.user(is_admin=True)
    return make.member(
        make.organisation(
            kind=OrganisationKind.MUNICIPALITY,
            municipality_number=number,
            verified_at=make.now,
            verified_by_id=admin.id,
            verification_note="seen",
        )
    )


def rows(client: Client, key: str, query: str) -> list[list[str]]:
    """The lines of a panel's file below its headings."""
    answer = client.get(f"/regions/dashboard/{key}.csv?{query}")
    assert answer.status_code == 200
    lines = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff")), delimiter=";"))
    return lines[lines.index([]) + 2 :]


def test_a_region_is_chosen_from_counties_and_municipalities(client: Client) -> None:
    page = client.in_english().get("/regions").get_data(as_text=True)

    assert "/regions/dashboard?county=32" in page
    assert f'name="municipality" value="{ASKER}"' in page


def test_without_a_region_one_is_asked_to_choose(client: Client) -> None:
    assert client.get("/regions/dashboard").headers["Location"] == "/regions"


def test_a_region_that_is_not_there_is_not_found(client: Client) -> None:
    assert client.get("/regions/dashboard?municipality=9999").status_code == 404


def test_tonnes_lie_out_of_within_and_into_the_region(client: Client, make: Factory) -> None:
    delivered(make, origin=ASKER, destination=OSLO, mass_t=10)
    delivered(make, origin=ASKER, destination=ASKER, mass_t=20)
    delivered(make, origin=OSLO, destination=ASKER, mass_t=40)
    delivered(make, origin=OSLO, destination=OSLO, mass_t=80)
    client.in_english().log_in_as(of_municipality(make))

    found = rows(client, "ways", f"municipality={ASKER}&{MARCH}")

    assert [row[2] for row in found] == ["10", "20", "40"]


def test_a_set_of_municipalities_is_one_region(client: Client, make: Factory) -> None:
    delivered(make, origin=BAERUM, destination=ASKER, mass_t=40)
    client.in_english().log_in_as(of_municipality(make))

    found = rows(client, "ways", f"municipality={ASKER}&municipality={BAERUM}&{MARCH}")

    assert [row[2] for row in found] == ["", "40", ""]


def test_a_disputed_load_is_delivered_and_avoids_nothing(client: Client, make: Factory) -> None:
    deal = delivered(make, mass_t=40)
    make.ticket(deal, mass_t=Decimal(60), status=TicketStatus.DISPUTED, loaded_at=datetime(2027, 3, 1, 8, tzinfo=UTC))
    client.in_english().log_in_as(of_municipality(make))

    into = rows(client, "ways", f"municipality={ASKER}&{MARCH}")[2]

    assert into[2:4] == ["100", "40"]


def test_another_period_has_other_figures(client: Client, make: Factory) -> None:
    delivered(make)
    client.in_english().log_in_as(of_municipality(make))

    assert rows(client, "levels", f"municipality={ASKER}&from=2026-01&to=2027-02") == []
    assert rows(client, "levels", f"municipality={ASKER}&{MARCH}")[0][1] == "100"


@pytest.mark.parametrize("period", ["from=x&to=y", "from=2027-13", "to=9999-99", "from=2027-03&to=2020-01"])
def test_a_period_that_cannot_be_read_is_the_usual_one(client: Client, make: Factory, period: str) -> None:
    assert client.get(f"/regions/dashboard?municipality={ASKER}&{period}").status_code == 200


# What is held back ----------------------------------------------------------------------------------------------------


def test_few_deals_are_held_back_from_the_public_and_said_to_be(client: Client, make: Factory) -> None:
    delivered(make, mass_t=47)

    page = client.in_english().get(ASKERS).get_data(as_text=True)

    assert "1 deal is held back" in page
    assert "47" not in [cell for row in rows(client, "ways", f"municipality={ASKER}&{MARCH}") for cell in row]


def test_many_deals_are_shown_to_everybody(client: Client, make: Factory) -> None:
    for _ in range(3):
        delivered(make, mass_t=50)

    assert rows(client.in_english(), "levels", f"municipality={ASKER}&{MARCH}")[0][1] == "150"


def test_what_is_held_back_is_not_in_the_total(client: Client, make: Factory) -> None:
    for _ in range(3):
        delivered(make, material_key="clay", mass_t=50)
    for _ in range(4):
        delivered(make, material_key="moraine", mass_t=70)
    delivered(make, material_key="topsoil", mass_t=33)

    found = rows(client.in_english(), "materials", f"municipality={ASKER}&{MARCH}")

    # Clay goes with the topsoil, which would else be the difference between the total here and the one above.
    assert [row[2] for row in found] == ["280", "280"]


def test_a_member_of_another_municipality_sees_what_everybody_sees(client: Client, make: Factory) -> None:
    delivered(make, mass_t=47)
    client.in_english().log_in_as(of_municipality(make, BERGEN))

    assert "1 deal is held back" in client.get(ASKERS).get_data(as_text=True)


def test_the_public_is_told_no_names(client: Client, make: Factory) -> None:
    deals = [delivered(make) for _ in range(4)]

    pages = [
        client.in_english().get(path).get_data(as_text=True)
        for path in (ASKERS, ASKERS.replace("dashboard", "deals"), ASKERS.replace("dashboard", "deals.csv"))
    ]

    for deal in deals:
        for page in pages:
            assert deal.giver_organisation.name not in page
            assert deal.taker_organisation.name not in page
            assert deal.destination_project is not None
            assert deal.destination_project.name not in page


# Where the numbers lead -----------------------------------------------------------------------------------------------


def test_a_number_leads_to_the_deals_it_rests_on(client: Client, make: Factory) -> None:
    wanted, other = delivered(make, material_key="clay", mass_t=30), delivered(make, material_key="moraine")
    client.in_english().log_in_as(of_municipality(make))

    page = client.get(f"/regions/deals?municipality={ASKER}&{MARCH}&material=clay").get_data(as_text=True)

    assert wanted.giver_organisation.name in page
    assert other.giver_organisation.name not in page
    assert "1 deal, 1 load, 30" in page


def test_the_dashboards_links_name_the_region_and_the_period(client: Client, make: Factory) -> None:
    delivered(make, material_key="clay")
    client.in_english().log_in_as(of_municipality(make))

    page = client.get(ASKERS).get_data(as_text=True).replace("&amp;", "&")

    assert f"/regions/deals?municipality={ASKER}&from=2027-01&to=2027-03&material=clay" in page


def test_a_deal_leads_to_its_page_only_for_its_parties(client: Client, make: Factory) -> None:
    deal = delivered(make)
    client.in_english().log_in_as(of_municipality(make))

    page = client.get(ASKERS.replace("dashboard", "deals")).get_data(as_text=True)

    assert f"No. {deal.id}" in page
    assert f'href="/deals/{deal.id}"' not in page


def test_a_party_finds_its_own_deals_among_those_of_a_region(client: Client, make: Factory) -> None:
    mine, other = delivered(make), delivered(make)
    client.in_english().log_in_as(make.member(mine.taker_organisation))

    page = client.get(ASKERS.replace("dashboard", "deals")).get_data(as_text=True)

    assert f'href="/deals/{mine.id}"' in page
    assert other.giver_organisation.name not in page


def test_a_file_of_deals_that_has_not_all_of_them_says_so(
    client: Client, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(make)
    delivered(make)
    client.in_english().log_in_as(of_municipality(make))
    address = ASKERS.replace("dashboard", "deals.csv")
    assert "There are more deals" not in client.get(address).text
    monkeypatch.setattr("marketplace.web.regions.MOST_IN_FILE", 1)
    assert "There are more deals than the 1 in this file" in client.get(address).text


def test_prices_are_not_for_a_municipality(client: Client, make: Factory) -> None:
    delivered(make)
    client.in_english().log_in_as(of_municipality(make))

    assert "NOK" not in client.get(ASKERS.replace("dashboard", "deals")).get_data(as_text=True)


def test_projects_are_named_to_the_municipality_with_what_they_gave_and_took(client: Client, make: Factory) -> None:
    project = make.project(municipality_number=ASKER)
    delivered(make, destination_project_id=project.id, mass_t=64)
    client.in_english().log_in_as(of_municipality(make))

    found = rows(client, "projects", f"municipality={ASKER}&{MARCH}")

    assert [(row[0], row[5]) for row in found] == [(project.name, "64")]


def test_figures_of_panels_agree(client: Client, make: Factory) -> None:
    for n, (origin, destination) in enumerate([(OSLO, ASKER), (ASKER, BAERUM), (ASKER, ASKER), (BERGEN, ASKER)]):
        delivered(make, origin=origin, destination=destination, mass_t=17 + n, loads=2)
    client.in_english().log_in_as(of_municipality(make))
    query = f"municipality={ASKER}&{MARCH}"

    def total(key: str, *columns: int) -> Decimal:
        return sum((Decimal(row[column] or 0) for row in rows(client, key, query) for column in columns), Decimal(0))

    assert total("ways", 2) == total("months", 1, 2, 3) == total("levels", 1) == total("matrix", 5) == 148
    assert total("materials", 2) == 2 * 148  # the last line is the sum


def test_the_page_asks_as_often_for_many_deals_as_for_one(
    client: Client, make: Factory, count_queries: QueryCounter
) -> None:
    client.in_english().log_in_as(of_municipality(make))
    delivered(make)
    client.get(ASKERS)
    with count_queries() as one:
        client.get(ASKERS)
    for n in range(3):
        delivered(make, material_key=("clay", "moraine", "topsoil")[n])
    with count_queries() as many:
        client.get(ASKERS)

    assert len(many) == len(one)


def test_the_page_asks_for_the_receivers_once(client: Client, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def counted(*args: object, **named: object) -> object:
        asked.append(named)
        return receiver_rooms(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(region_desk, "receiver_rooms", counted)
    client.in_english().log_in_as(of_municipality(make)).get(ASKERS)
    assert len(asked) == 1
