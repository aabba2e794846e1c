"""Exports: what is in them adds up to what the dashboard reads, and nothing private is in what everybody may have."""

import csv
import io
import json
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
import shapely
from sqlalchemy.orm import Session

from geo.impact import Measure, rates_of
from geo.months import Month, MonthPeriod
from marketplace.disclosure import GIVEN_OUT
from marketplace.export_columns import key_of
from marketplace.exports import Format
from marketplace.models import Deal, Organisation, User
from marketplace.queries.region_flows import FlowScope, flow_groups
from marketplace.queries.regions import EVERYWHERE, region_of_municipality
from marketplace.types import DealStatus, OrganisationKind
from tests.conftest import NOW, Client
from tests.factories import BAERUM, SANDVIKA, Factory
from tests.geo.test_impact import golden

OSLO = "0301"
YEAR = {"from": "2027-01", "to": "2027-12"}
PERIOD = MonthPeriod(Month(2027, 1), Month(2027, 12))


@pytest.fixture
def admin(make: Factory) -> User:
    return make.user(is_admin=True)


def delivered(
    make: Factory, *, to: str = BAERUM, giver: Organisation | None = None, taker: Organisation | None = None
) -> Deal:
    """A deal with two loads that count, and one that is still to be confirmed."""
    deal = make.deal(
        giver, taker, status=DealStatus.AGREED, destination_municipality_number=to, origin_name="Hemmelig tomt"
    )
    make.impact(deal, rates_of(golden()))
    make.ticket(deal, mass_t=Decimal("17.123"))
    make.ticket(deal, mass_t=Decimal("0.001"))
    make.ticket(deal, mass_t=Decimal(9), is_weighed=False)
    return deal


def rows_of(client: Client, path: str, **query: object) -> list[dict[str, str]]:
    response = client.get(path, query_string={**YEAR, **query})
    assert response.status_code == 200, response.text
    text = response.data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";", skipinitialspace=True))


def number(cell: str) -> Decimal:
    return Decimal(cell.replace(",", "."))


# Flows ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", ["flows", "deals"])
def test_exports_add_up_to_the_dashboard_to_the_kilogram(
    client: Client, session: Session, make: Factory, admin: User, dataset: str
) -> None:
    for to in (BAERUM, OSLO, OSLO):
        delivered(make, to=to)
    response = client.log_in_as(admin).get(f"/regions/export/{dataset}.parquet", query_string=YEAR)
    table = pq.read_table(io.BytesIO(response.data))
    (together,) = flow_groups(session, FlowScope(region=EVERYWHERE, period=PERIOD), measures=tuple(Measure))

    def total(key: str) -> Decimal:
        return sum(table[key].to_pylist(), Decimal(0))

    assert (total("delivered_t"), total("avoided_t")) == (together.delivered_t, together.avoided_t)
    assert together.delivered_t == 3 * Decimal("26.124")
    for measure in GIVEN_OUT:
        assert abs(total(key_of(measure)) - together.ledger[measure].value) <= Decimal("0.001") * table.num_rows


def test_every_format_has_the_same_rows(client: Client, make: Factory, admin: User) -> None:
    delivered(make)
    client.log_in_as(admin)
    for kind in Format:
        response = client.get(f"/regions/export/flows.{kind}", query_string=YEAR)
        assert response.status_code == 200
        assert response.content_type == kind.media_type
        assert f".{kind}" in response.headers["Content-Disposition"]
    found = json.loads(client.get("/regions/export/flows.geojson", query_string=YEAR).data)
    (feature,) = found["features"]
    assert feature["properties"]["delivered_t"] == 26.124
    assert feature["geometry"]["type"] == "Point"
    assert found["metadata"]["factor_set"].startswith("set-")


def test_a_region_has_the_flows_that_touch_it(client: Client, make: Factory, admin: User) -> None:
    delivered(make, to=OSLO)
    delivered(make)
    found = rows_of(client.log_in_as(admin), "/regions/export/flows.csv", municipality=OSLO)
    assert [(row["origin_number"], row["destination_number"]) for row in found] == [(BAERUM, OSLO)]


def test_few_deals_are_held_back_from_everybody_else(client: Client, make: Factory) -> None:
    one = make.organisation()
    for _ in range(3):
        delivered(make, taker=one)
    delivered(make, to=OSLO)
    response = client.get("/regions/export/flows.geojson", query_string=YEAR)
    found = json.loads(response.data)
    shown = [(each["properties"]["destination_number"], each["properties"]["deals"]) for each in found["features"]]
    # The one flow to Oslo alone would be the difference between all and those within Bærum.
    assert shown == []
    assert found["metadata"]["held_back_deals"].startswith("4")


def test_flows_of_many_are_open(client: Client, make: Factory) -> None:
    for _ in range(3):
        delivered(make)
    (row,) = rows_of(client, "/regions/export/flows.csv")
    assert (row["deals"], row["organisations"], number(row["delivered_t"])) == ("3", "6", 3 * Decimal("26.124"))
    assert (row["material"], row["level"]) == ("all", "all")
    assert "Hemmelig" not in str(row)


def test_only_those_who_see_everything_have_deals(client: Client, session: Session, make: Factory) -> None:
    delivered(make)
    assert client.get("/regions/export/deals.csv", query_string=YEAR).status_code == 404
    municipality = make.organisation(
        kind=OrganisationKind.MUNICIPALITY,
        municipality_number=BAERUM,
        verified_at=NOW,
        verified_by_id=make.user(is_admin=True).id,
        verification_note="Ringte.",
    )
    client.log_in_as(make.member(municipality))
    assert client.get("/regions/export/deals.csv", query_string=YEAR).status_code == 404
    (row,) = rows_of(client, "/regions/export/deals.csv", municipality=BAERUM)
    assert (row["origin_place"], row["month"]) == ("Hemmelig tomt", "2027-03")
    assert not [key for key in row if "nok" in key or "price" in key]


# Listings and facilities ----------------------------------------------------------------------------------------------


def test_listings_are_given_out_by_the_square_they_lie_in(client: Client, make: Factory) -> None:
    project = make.project(name="Hemmelig prosjekt")
    listing = make.listing(project.organisation, project_id=project.id, position=SANDVIKA)
    make.listing(status="draft")
    (row,) = rows_of(client, "/regions/export/listings.csv")
    assert row["id"] == str(listing.id)
    assert row["url"].endswith(f"/listings/{listing.id}")
    place = shapely.from_wkt(row["geometry_wkt"])
    assert 0.001 < place.distance(shapely.Point(*SANDVIKA)) < 0.07
    assert not {"organisation_name", "project_name"} & row.keys()
    assert "Hemmelig" not in str(row)


def test_two_listings_of_a_square_cannot_be_told_apart_by_place(client: Client, make: Factory) -> None:
    make.listing(position=SANDVIKA)
    make.listing(position=(SANDVIKA[0] + 0.001, SANDVIKA[1]))
    first, second = rows_of(client, "/regions/export/listings.csv")
    assert first["geometry_wkt"] == second["geometry_wkt"]


def test_the_municipality_has_names_and_places_as_listings_show_them(
    client: Client, make: Factory, admin: User
) -> None:
    project = make.project(name="Riksveien")
    make.listing(project.organisation, project_id=project.id)
    (row,) = rows_of(client.log_in_as(admin), "/regions/export/listings.csv", municipality=BAERUM)
    assert (row["project_name"], row["position_is"]) == ("Riksveien", "exact")
    assert shapely.from_wkt(row["geometry_wkt"]).distance(shapely.Point(*SANDVIKA)) < 1e-5


def test_facilities_are_public(client: Client, make: Factory) -> None:
    facility = make.facility(make.organisation(), capacity_t=1000, capacity_left_t=800, capacity_reported_at=NOW)
    make.facility(closed_at=NOW)
    rows = rows_of(client, "/regions/export/facilities.csv", municipality=BAERUM)
    (row,) = [row for row in rows if row["id"] == str(facility.id)]
    assert (row["accepts"], row["free_t"]) == ("blasted_rock clay", "800")


# The page -------------------------------------------------------------------------------------------------------------


def test_the_page_offers_every_format_and_says_the_terms(client: Client) -> None:
    page = client.in_english().get("/regions/export", query_string={"county": "32", **YEAR}).text
    for kind in Format:
        assert f"flows.{kind}?county=32&amp;from=2027-01&amp;to=2027-12" in page
    assert "CC BY 4.0" in page
    assert "deals.csv" not in page


def test_metadata_stands_beside_a_csv_file(client: Client) -> None:
    response = client.get("/regions/export/listings.csv", query_string=YEAR)
    link = response.headers["Link"]
    described = json.loads(client.get(link[1 : link.index(">")]).data)
    assert described["url"].startswith("/regions/export/listings.csv")
    assert described["crs"].endswith("CRS84")
    heading = response.data.decode("utf-8-sig").splitlines()[0].split(";")
    assert [column["name"] for column in described["tableSchema"]["columns"]] == heading


@pytest.mark.parametrize(
    "path", ["flows.exe", "secrets.csv", "flows.csv?county=99", "flows.csv?municipality=abcd", "x-metadata.json"]
)
def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    assert client.get(f"/regions/export/{path}").status_code == 404


def test_a_region_is_asked_for_by_county(client: Client, session: Session) -> None:
    assert region_of_municipality(session, BAERUM) is not None
    assert client.get("/regions/export/facilities.csv?county=32").status_code == 200
