"""What waits in a hub, costs, and how sure the figures are: on the dashboard, /impact, the report and in files."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from geo.impact import Method, Rates, is_plausible, rates_of
from geo.months import MonthPeriod
from geo.pyramid import Level
from marketplace.disclosure import Disclosure
from marketplace.models import Deal
from marketplace.queries.impact import avoided_by
from marketplace.queries.region_flows import FlowScope
from marketplace.queries.region_marks import Marks, marks_of
from marketplace.queries.regions import EVERYWHERE
from marketplace.services.yearly_reports import yearly_content
from marketplace.types import DealStatus
from tests.conftest import NOW, Client
from tests.factories import Factory
from tests.geo.test_impact import golden

YEAR = "from=2027-01&to=2027-12"
SCOPE = FlowScope(region=EVERYWHERE, period=MonthPeriod.of_year(2027))


def delivered(
    make: Factory, mass_t: int, *, level: Level = Level.REUSE, substitution: str = "1", rates: Rates | None = None
) -> Deal:
    deal = make.deal(status=DealStatus.AGREED)
    make.impact(deal, rates or rates_of(golden(substitution=Decimal(substitution))), level=level)
    make.ticket(deal, mass_t=Decimal(mass_t), loaded_at=datetime(2027, 3, 1, 7, tzinfo=UTC))
    return deal


def times(rates: Rates, factor: int) -> Rates:
    """Rates of so many times as much a tonne."""
    return replace(rates, per_tonne={key: each.scaled(Decimal(factor)) for key, each in rates.per_tonne.items()})


def rows(client: Client, path: str) -> list[list[str]]:
    """The lines of a file below its headings."""
    text = client.get(f"{path}?{YEAR}").get_data(as_text=True).lstrip("\ufeff")
    lines = list(csv.reader(io.StringIO(text), delimiter=";"))
    return lines[lines.index([]) + 2 if [] in lines else 1 :]


@pytest.fixture
def admin(client: Client, make: Factory) -> Client:
    client.in_english().log_in_as(make.user(is_admin=True))
    return client


@pytest.mark.parametrize(
    ("panel", "column"), [("ways", 2), ("ways", 3), ("months", 1), ("materials", 2), ("matrix", 5)]
)
def test_what_waits_in_storage_is_in_no_sum(admin: Client, make: Factory, panel: str, column: int) -> None:
    delivered(make, 20)
    delivered(make, 7, level=Level.PENDING)
    found = {row[column] for row in rows(admin, f"/regions/dashboard/{panel}.csv")}
    assert "20" in found
    assert not found & {"7", "27"}


def test_what_waits_in_storage_is_a_line_of_its_own_and_no_share(admin: Client, make: Factory) -> None:
    delivered(make, 20)
    delivered(make, 20, level=Level.DISPOSAL)
    delivered(make, 7, level=Level.PENDING)
    found = [row[1:] for row in rows(admin, "/regions/dashboard/levels.csv")]
    assert found == [["20", "50"], ["20", "50"], ["7", ""]]
    page = admin.get(f"/regions/dashboard?county=32&{YEAR}").text
    assert "neither weighed nor confirmed, are among the delivered" in page


def test_regions_are_compared_by_what_came_to_its_use(admin: Client, make: Factory) -> None:
    delivered(make, 20)
    (before,) = rows(admin, "/regions/dashboard/benchmark.csv")
    delivered(make, 20, level=Level.PENDING)
    assert rows(admin, "/regions/dashboard/benchmark.csv") == [before]
    assert before[1:3] == ["20", "100"]


def test_everybody_is_told_no_share_that_tells_of_one_deal(client: Client, make: Factory) -> None:
    for _ in range(3):
        delivered(make, 20)
    assert rows(client, "/regions/dashboard/benchmark.csv")[0][1:3] == ["60", "100"]
    delivered(make, 20, level=Level.DISPOSAL)
    assert rows(client, "/regions/dashboard/benchmark.csv")[0][1:3] == ["80", ""]
    client.log_in_as(make.user(is_admin=True))
    assert rows(client, "/regions/dashboard/benchmark.csv")[0][1:3] == ["80", "75"]


def test_what_waits_in_storage_avoids_nothing_in_the_files(admin: Client, make: Factory) -> None:
    delivered(make, 7, level=Level.PENDING)
    for dataset in ("deals", "flows"):
        text = admin.get(f"/regions/export/{dataset}.csv?{YEAR}").get_data(as_text=True).lstrip("\ufeff")
        (row,) = csv.DictReader(io.StringIO(text), delimiter=";")
        assert (Decimal(row["delivered_t"]), Decimal(row["avoided_t"])) == (7, 0)


def test_the_public_has_what_waits_in_storage_in_rows_of_its_own(client: Client, make: Factory) -> None:
    for _ in range(3):
        delivered(make, 20)
        delivered(make, 7, level=Level.PENDING)
    text = client.in_english().get(f"/regions/export/flows.csv?{YEAR}").get_data(as_text=True).lstrip("\ufeff")
    found = {row["level"]: Decimal(row["delivered_t"]) for row in csv.DictReader(io.StringIO(text), delimiter=";")}
    assert found == {"all": 60, "pending": 21}


def test_the_report_counts_what_waits_in_storage_apart(session: Session, make: Factory) -> None:
    delivered(make, 20)
    delivered(make, 7, level=Level.PENDING)
    content = yearly_content(session, region=EVERYWHERE, year=2027, disclosure=Disclosure.FULL, now=NOW)
    for lines in (content.ways, content.months, content.materials, content.between):
        assert [line.delivered_t for line in lines] == [20]  # type: ignore[attr-defined]
    assert {line.level: line.delivered_t for line in content.levels} == {Level.REUSE: 20, Level.PENDING: 7}
    assert (content.judged_deals, content.estimated_deals) == (1, 1)


def test_costs_are_on_no_open_page(client: Client, make: Factory) -> None:
    for _ in range(3):
        delivered(make, 20)
    client.in_english()
    assert len(rows(client, "/regions/dashboard/avoided.csv")) == 11
    assert "kr" not in {row[-1] for row in rows(client, "/regions/dashboard/avoided.csv")}
    assert "haulage" not in client.get("/impact").text.lower()


def test_a_ledger_is_a_name_and_a_figure_with_its_range_beneath(client: Client, make: Factory) -> None:
    for _ in range(3):
        delivered(make, 20)
    page = client.in_english().get("/impact").text
    panel = page[page.index('id="avoided"') :].split("</section>")[0]
    assert panel.count('<th scope="col"') == 2
    assert 'class="mf-figuretable__note"' in panel


def test_deals_outside_what_is_published_and_estimates_are_counted(session: Session, make: Factory) -> None:
    deals = [delivered(make, 20, substitution=share) for share in ("1", "0.5", "0")]
    deals += [delivered(make, 20, rates=times(rates_of(golden()), factor)) for factor in (0, 10)]
    delivered(make, 20, level=Level.PENDING)
    avoided = [avoided_by(session, deal_id=deal.id) for deal in deals]
    outside = sum(not is_plausible(each.ledger, mass_t=each.avoided_t) for each in avoided)
    assert marks_of(session, SCOPE) == Marks(deals=5, implausible=outside, estimated=5)
    assert 0 < outside < 5


def test_how_sure_the_figures_are_stands_beside_them(admin: Client, make: Factory) -> None:
    for _ in range(3):
        delivered(make, 20)
    words = "distances are estimates: 3 of 3"
    assert words in admin.get("/impact").text
    assert words in admin.get(f"/regions/dashboard?county=32&{YEAR}").text
    assert "Distances are estimates." in admin.get(f"/regions/deals?county=32&{YEAR}").text
    assert {row[10] for row in rows(admin, "/regions/deals.csv")} == {"estimates"}
    text = admin.get(f"/regions/export/deals.csv?{YEAR}").get_data(as_text=True).lstrip("\ufeff")
    assert {row["distances"] for row in csv.DictReader(io.StringIO(text), delimiter=";")} == {Method.ESTIMATE.value}
