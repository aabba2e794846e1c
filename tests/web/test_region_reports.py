"""A region's indicators, reduction plans and yearly report, and the public page."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from unicodedata import normalize

import pytest
from flask import Flask
from flask_babel import force_locale
from pypdf import PdfReader
from sqlalchemy.orm import Session

from geo.impact import Measure, rates_of
from geo.months import MonthPeriod
from geo.pyramid import Level
from marketplace.disclosure import Disclosure
from marketplace.indicators import DEFINITIONS, Figure, Indicator
from marketplace.models import Deal, ImpactReport, Organisation, ReductionTarget, User
from marketplace.queries import indicators
from marketplace.queries.indicators import indicators_of
from marketplace.queries.region_flows import FlowScope, flow_groups
from marketplace.queries.regions import EVERYWHERE, Region, region_of_municipality
from marketplace.services.yearly_reports import make_yearly_report, yearly_content
from marketplace.types import DealStatus, FacilityKind, ListingKind, OrganisationKind
from marketplace.web import region_reports
from marketplace.web.indicator_sheet import large_figure
from marketplace.web.limits import Limit
from marketplace.yearly_values import from_json, to_json
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import BAERUM, Factory
from tests.geo.test_impact import golden

HOUR = timedelta(hours=1)
YEAR = MonthPeriod.of_year(2027)


@pytest.fixture
def baerum(session: Session) -> Region:
    region = region_of_municipality(session, BAERUM)
    assert region is not None
    return region


@pytest.fixture
def engineer(make: Factory) -> User:
    """Somebody of the municipality itself, which has been verified."""
    municipality = make.organisation(
        name="Bærum kommune",
        kind=OrganisationKind.MUNICIPALITY,
        municipality_number=BAERUM,
        verified_at=NOW,
        verified_by_id=make.user(is_admin=True).id,
        verification_note="Ringte.",
    )
    return make.member(municipality)


def delivered(
    make: Factory,
    giver: Organisation | None = None,
    taker: Organisation | None = None,
    *,
    mass_t: str = "20",
    level: Level = Level.REUSE,
    **values: object,
) -> Deal:
    deal = make.deal(giver, taker, status=DealStatus.AGREED, **values)
    make.impact(deal, rates_of(golden()), level=level)
    make.ticket(deal, mass_t=Decimal(mass_t))
    return deal


def figures(session: Session, region: Region, disclosure: Disclosure = Disclosure.FULL) -> dict[Indicator, Figure]:
    scope = FlowScope(region=region, period=YEAR)
    found = indicators_of(session, scope, disclosure=disclosure, today=NOW.date())
    return {each.indicator: each for each in found}


# Indicators -----------------------------------------------------------------------------------------------------------


def test_every_indicator_has_a_definition_and_a_figure(session: Session, baerum: Region) -> None:
    assert set(DEFINITIONS) == set(Indicator) == set(figures(session, baerum))


def test_an_enterprise_that_gives_and_takes_counts_once(session: Session, make: Factory, baerum: Region) -> None:
    one, other = make.organisation(), make.organisation()
    delivered(make, one, other)
    delivered(make, other, one)
    found = figures(session, baerum)
    counts = [
        found[each].value
        for each in (Indicator.SHARING_ENTERPRISES, Indicator.GIVING_ENTERPRISES, Indicator.TAKING_ENTERPRISES)
    ]
    assert counts == [2, 2, 2]


def test_what_waits_in_storage_is_not_shared_yet(session: Session, make: Factory, baerum: Region) -> None:
    delivered(make, mass_t="20")
    delivered(make, mass_t="10", level=Level.PENDING)
    delivered(make, mass_t="20", level=Level.DISPOSAL)
    found = figures(session, baerum)
    assert found[Indicator.SHARED_MASS_T].value == 40
    assert found[Indicator.RECOVERED_SHARE].value == Decimal("0.5")


def test_avoided_figures_are_the_ledgers_own(session: Session, make: Factory, baerum: Region) -> None:
    for _ in range(2):
        delivered(make)
    (together,) = flow_groups(session, FlowScope(region=baerum, period=YEAR), measures=(Measure.LANDFILL_T,))
    landfill = together.ledger[Measure.LANDFILL_T]
    found = figures(session, baerum)[Indicator.LANDFILL_AVOIDED_T]
    assert (found.low, found.value, found.high) == (landfill.low, landfill.value, landfill.high)


def test_shared_storage_is_open_and_lists_something(session: Session, make: Factory, baerum: Region) -> None:
    for values in ({}, {"closed_at": NOW}, {"kind": FacilityKind.LANDFILL}):
        place = make.facility(make.organisation(), capacity_t=500, capacity_left_t=400, **values)
        make.listing(
            place.organisation, kind=ListingKind.RECEPTION, facility_id=place.id, material="clay", is_proven=False
        )
    make.facility(make.organisation())
    found = figures(session, baerum)
    assert (found[Indicator.STORAGE_OFFERED].value, found[Indicator.STORAGE_CAPACITY_T].value) == (1, 500)


def test_storage_that_others_used(session: Session, make: Factory, baerum: Region) -> None:
    place = make.facility(make.organisation())
    delivered(make, None, place.organisation, destination_facility_id=place.id, level=Level.PENDING, mass_t="7")
    delivered(make)
    found = figures(session, baerum)
    assert (found[Indicator.STORAGE_USED].value, found[Indicator.STORAGE_RECEIVED_T].value) == (1, 7)


def test_surplus_that_found_a_taker(session: Session, make: Factory, baerum: Region) -> None:
    surplus = make.listing(mass_t=1000, published_at=NOW)
    make.listing(mass_t=1000, published_at=NOW)
    make.listing(mass_t=5000, published_at=NOW.replace(year=2026))
    make.deal(surplus=surplus, status=DealStatus.AGREED, mass_t=500)
    assert figures(session, baerum)[Indicator.PLACED_SHARE].value == Decimal("0.25")


def test_few_are_held_back_from_the_public(session: Session, make: Factory, baerum: Region) -> None:
    delivered(make)
    found = figures(session, baerum, Disclosure.OPEN)
    held = [each for each in Indicator if found[each].is_held_back]
    assert Indicator.SHARED_MASS_T in held
    assert Indicator.SHARING_ENTERPRISES in held
    assert all(found[each].value is None for each in held)


def test_a_share_that_would_tell_of_one_deal_is_held_back(session: Session, make: Factory, baerum: Region) -> None:
    for _ in range(4):
        delivered(make)
    assert figures(session, baerum, Disclosure.OPEN)[Indicator.RECOVERED_SHARE].value == 1
    delivered(make, level=Level.DISPOSAL)
    found = figures(session, baerum, Disclosure.OPEN)
    assert found[Indicator.SHARED_MASS_T].value == 100
    assert found[Indicator.RECOVERED_SHARE].is_held_back
    assert figures(session, baerum)[Indicator.RECOVERED_SHARE].value == Decimal("0.8")
    for _ in range(2):
        delivered(make, level=Level.DISPOSAL)
    assert not figures(session, baerum, Disclosure.OPEN)[Indicator.RECOVERED_SHARE].is_held_back


# The pages ------------------------------------------------------------------------------------------------------------


def test_the_page_defines_each_indicator(client: Client) -> None:
    page = client.in_english().get("/regions/report?county=32&year=2027").text
    for definition in DEFINITIONS.values():
        assert definition.name in page
        assert definition.meaning.replace("'", "&#39;") in page


@pytest.mark.parametrize(
    ("query", "year"),
    [("year=2026", 2026), ("", 2027), ("from=2025-01&to=2025-06", 2025), ("year=MMXX", 2027), ("year=9999", 2027)],
)
def test_the_year_is_the_one_asked_for(client: Client, query: str, year: int) -> None:
    assert f"Indicators, {year}" in client.in_english().get(f"/regions/report?{query}").text


def test_indicators_are_a_file_with_their_definitions(client: Client, make: Factory, engineer: User) -> None:
    delivered(make)
    response = client.in_english().log_in_as(engineer).get(f"/regions/indicators.csv?municipality={BAERUM}&year=2027")
    rows = list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"), newline=""), delimiter=";"))
    shared = next(row for row in rows if row and row[0] == "Material shared")
    assert shared[1:5] == ["20", "–" if shared[2] else "", shared[3], "t"]
    assert shared[5].startswith("Tonnes delivered")


def test_plans_are_followed_up_project_by_project(
    client: Client, make: Factory, engineer: User, session: Session
) -> None:
    project = make.project(name="Riksveien", builder="Eiendom AS")
    make.plan_row(project, year=2027)
    session.add(ReductionTarget(project_id=project.id, year=2027, surplus_target_t=500, measures="Bruker på stedet"))
    make.project(name="Planløst")
    session.flush()
    page = client.log_in_as(engineer).get(f"/regions/reduction?municipality={BAERUM}&year=2027").text
    for words in ("Riksveien", "Eiendom AS", "Bruker på stedet", "Planløst"):
        assert words in page
    file = client.get(f"/regions/reduction.csv?municipality={BAERUM}&year=2027").data.decode("utf-8-sig")
    assert "Riksveien;" in file


def test_others_see_plans_together_or_not_at_all(client: Client, make: Factory) -> None:
    for n in range(2):
        make.plan_row(make.project(name=f"Hemmelig {n}"), year=2027)
    address = f"/regions/reduction?municipality={BAERUM}&year=2027"
    assert "Too few to be shown" in client.in_english().get(address).text
    make.plan_row(make.project(name="Hemmelig 3"), year=2027)
    page = client.get(address).text
    assert "3 projects have a plan or a target for the year. 3 organisations are behind them." in page
    assert "Hemmelig" not in page
    assert client.get(f"/regions/reduction.csv?municipality={BAERUM}&year=2027").status_code == 404


def test_following_up_asks_as_much_for_many_projects(
    client: Client, make: Factory, engineer: User, count_queries: QueryCounter
) -> None:
    address = f"/regions/reduction?municipality={BAERUM}&year=2027"
    client.log_in_as(engineer)
    make.plan_row(make.project(), year=2027)
    make.project()
    client.get(address)
    with count_queries() as few:
        client.get(address)
    for _ in range(3):
        make.plan_row(make.project(), year=2027)
        make.project()
    with count_queries() as many:
        client.get(address)
    assert len(many) == len(few)


# The yearly report ----------------------------------------------------------------------------------------------------


def text_of(client: Client, report: ImpactReport) -> str:
    response = client.get(f"/regions/report/{report.id}.pdf")
    assert response.status_code == 200
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(response.data)).pages)
    return " ".join(normalize("NFKC", text).split())


def test_a_report_is_made_and_found_again(
    client: Client, make: Factory, engineer: User, session: Session, baerum: Region
) -> None:
    delivered(make)
    client.in_english().log_in_as(engineer)
    made = client.post(f"/regions/report?municipality={BAERUM}&year=2027")
    assert made.status_code == 302
    report = session.query(ImpactReport).one()
    assert (report.is_full, report.municipality_numbers) == (True, [BAERUM])
    assert f"/regions/report/{report.id}.pdf" in client.get(made.headers["Location"]).text
    text = text_of(client, report)
    assert "Bærum, 2027" in text
    assert "the year is not over" in text
    assert report.content_sha256[:8] in text


def test_a_report_prints_the_same_whatever_is_delivered_since(
    client: Client, make: Factory, session: Session, baerum: Region
) -> None:
    admin = make.user(is_admin=True)
    deal = delivered(make, mass_t="20")
    report = make_yearly_report(session, make.actor(admin), region=baerum, year=2027, now=NOW)
    client.in_english().log_in_as(admin)
    before = client.get(f"/regions/report/{report.id}.pdf").data
    make.ticket(deal, mass_t=Decimal(30))
    make.impact(deal, rates_of(golden(substitution=Decimal(0))))
    deal.origin_municipality.name = "Et annet navn"
    session.flush()
    assert client.get(f"/regions/report/{report.id}.pdf").data == before


def test_a_report_adds_up_to_the_dashboard(session: Session, make: Factory, baerum: Region) -> None:
    for mass_t in ("20", "7.125", "0.001"):
        delivered(make, mass_t=mass_t)
    content = yearly_content(session, region=baerum, year=2027, disclosure=Disclosure.FULL, now=NOW)
    whole = Decimal("27.126")
    for lines in (content.ways, content.months, content.levels, content.materials, content.between):
        assert sum((line.delivered_t for line in lines), Decimal(0)) == whole  # type: ignore[attr-defined]
    by_month = sum((line.ledger[0].value for line in content.months), Decimal(0))
    assert by_month == content.ledger[0].value


def test_levels_are_in_the_order_of_the_pyramid(session: Session, make: Factory, baerum: Region) -> None:
    for level in (Level.PENDING, Level.DISPOSAL, Level.RECYCLING, Level.REUSE):
        delivered(make, level=level)
    content = yearly_content(session, region=baerum, year=2027, disclosure=Disclosure.FULL, now=NOW)
    found = [line.level for line in content.levels]
    assert found == [Level.REUSE, Level.RECYCLING, Level.DISPOSAL, Level.PENDING]


def test_a_report_is_kept_to_the_digit(session: Session, make: Factory, baerum: Region) -> None:
    delivered(make)
    content = yearly_content(session, region=baerum, year=2027, disclosure=Disclosure.FULL, now=NOW)
    assert from_json(to_json(content)) == content


def test_what_says_everything_is_for_the_region_alone(
    client: Client, make: Factory, engineer: User, session: Session, baerum: Region
) -> None:
    admin = make.actor(make.user(is_admin=True))
    full = make_yearly_report(session, admin, region=baerum, year=2027, now=NOW)
    open_one = make_yearly_report(session, make.actor(), region=baerum, year=2027, now=NOW)
    assert (full.is_full, open_one.is_full) == (True, False)
    assert client.get(f"/regions/report/{full.id}.pdf").status_code == 404
    assert client.get(f"/regions/report/{open_one.id}.pdf").status_code == 200
    assert f"report/{full.id}.pdf" not in client.get(f"/regions/report?municipality={BAERUM}").text
    assert client.log_in_as(make.member()).get(f"/regions/report/{full.id}.pdf").status_code == 404
    assert client.log_in_as(engineer).get(f"/regions/report/{full.id}.pdf").status_code == 200


def test_a_public_report_holds_back_what_rests_on_few(session: Session, make: Factory, baerum: Region) -> None:
    delivered(make)
    content = yearly_content(session, region=baerum, year=2027, disclosure=Disclosure.OPEN, now=NOW)
    assert (content.ways, content.months, content.between, content.plans) == ((), (), (), None)
    assert content.held_back["ways"] == 1


def test_an_empty_year_prints(client: Client, session: Session, make: Factory) -> None:
    report = make_yearly_report(session, make.actor(), region=EVERYWHERE, year=2026, now=NOW)
    assert "2026" in text_of(client, report)


def test_the_same_report_is_given_back(session: Session, make: Factory, baerum: Region) -> None:
    actor, later = make.actor(), NOW + timedelta(hours=1)
    first = make_yearly_report(session, actor, region=baerum, year=2027, now=NOW)
    assert make_yearly_report(session, make.actor(), region=baerum, year=2027, now=later) is first
    assert make_yearly_report(session, actor, region=baerum, year=2026, now=later) is not first
    delivered(make)
    assert make_yearly_report(session, actor, region=baerum, year=2027, now=later) is not first


def test_no_report_is_made_of_a_year_that_has_not_begun(client: Client, session: Session, make: Factory) -> None:
    client.in_english().log_in_as(make.user())
    assert client.post(f"/regions/report?municipality={BAERUM}&year=2028").status_code == 422
    assert session.query(ImpactReport).count() == 0
    page = client.get(f"/regions/report?municipality={BAERUM}&year=2028").text
    assert "It can be made when the year has begun." in page
    assert "Make the report of" not in page


def test_an_account_makes_so_many_reports_an_hour(
    client: Client, session: Session, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.log_in_as(make.user())
    client.application.settings = client.application.settings.model_copy(update={"rate_limits": True})  # type: ignore[attr-defined]
    monkeypatch.setattr(region_reports, "YEARLY_REPORTS_BY_ACCOUNT", Limit(name="t", attempts=1, window=HOUR))
    path = f"/regions/report?municipality={BAERUM}&year=2027"
    assert [client.post(path).status_code for _ in range(2)] == [302, 429]


# The public page ------------------------------------------------------------------------------------------------------


def test_everybody_sees_what_was_avoided(client: Client, make: Factory) -> None:
    page = client.in_english().get("/impact")
    assert page.status_code == 200
    assert "Nothing to show yet" in page.text
    for _ in range(3):
        delivered(make)
    page = client.get("/impact").text
    assert "Avoided so far" in page
    assert "/impact/method" in page
    assert "/regions/export" in page


def test_the_public_page_is_the_same_for_an_administrator(client: Client, make: Factory) -> None:
    delivered(make)
    assert "Nothing to show yet" in client.in_english().log_in_as(make.user(is_admin=True)).get("/impact").text


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (Figure(indicator=Indicator.SHARING_ENTERPRISES, value=Decimal(7)), ("7", "", "")),
        (Figure(indicator=Indicator.SHARED_MASS_T, value=Decimal(50500)), ("50,500", "t", "")),
        (Figure(indicator=Indicator.RECOVERED_SHARE, value=Decimal("0.93")), ("93%", "", "")),
        (Figure(indicator=Indicator.RECOVERED_SHARE, value=None), ("–", "", "")),
        (Figure(indicator=Indicator.SHARED_MASS_T, value=None, is_held_back=True), ("–", "", "Held back")),
    ],
)
def test_a_large_indicator_fits_its_box(app: Flask, figure: Figure, expected: tuple[str, str, str]) -> None:
    with app.test_request_context(), force_locale("en"):
        large = large_figure(figure)
    assert (large.value, large.unit, large.between) == expected


def test_the_public_page_reads_no_plans(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indicators, "reduction_in_region", None)
    assert client.get("/impact").status_code == 200
