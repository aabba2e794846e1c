"""The flow map's page, its data, its table as a file, and the map as a file that opens alone."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geo.crs import to_stored
from marketplace.config import ROOT
from marketplace.models import Deal, Municipality, Organisation
from marketplace.types import DealStatus, OrganisationKind
from marketplace.web import flow_file
from marketplace.web.bundled import CannotBundle, bundle, in_script
from marketplace.web.flow_file import MODULES, without_files
from tests.conftest import NOW, Client
from tests.factories import Factory

BAERUM, OSLO = "3201", "0301"
SPOTS = {BAERUM: (10.5262, 59.9385), OSLO: (10.75, 59.91)}
IN_BAERUM = f"municipality={BAERUM}&from=2027-01&to=2027-03"
JS = ROOT / "marketplace/static/js"


@pytest.fixture(autouse=True)
def _flows(make: Factory) -> None:
    """Three deals from Oslo to Bærum, and one of a name that would like to be a script."""
    for number in range(4):
        is_one_alone = number == 3
        ends = (BAERUM, OSLO) if is_one_alone else (OSLO, BAERUM)
        at = [from_shape(to_stored(shapely.Point(*SPOTS[end])), srid=25833) for end in ends]
        deal = make.deal(
            surplus=make.listing(material="clay" if is_one_alone else "blasted_rock"),
            status=DealStatus.AGREED,
            mass_t=600,
            origin_municipality_number=ends[0],
            origin_position_25833=at[0],
            origin_name="</script><script>alert(1)</script>",
            destination_municipality_number=ends[1],
            destination_position_25833=at[1],
        )
        make.ticket(deal, loaded_at=datetime(2027, 1 + number % 2, 20, 12, tzinfo=UTC), mass_t=Decimal(40))


@pytest.fixture
def municipality(make: Factory) -> Organisation:
    return make.organisation(
        kind=OrganisationKind.MUNICIPALITY,
        municipality_number=BAERUM,
        verified_at=NOW,
        verified_by_id=make.user().id,
        verification_note="seen",
    )


@pytest.fixture
def insider(client: Client, make: Factory, municipality: Organisation) -> Client:
    """Somebody of the municipality, who sees all of it."""
    return client.log_in_as(make.member(municipality)).in_english()


def test_the_page_says_in_a_table_what_the_map_draws(insider: Client) -> None:
    page = insider.get(f"/regions/flows?{IN_BAERUM}").text
    rows = re.findall(r'<tr data-mf-flow="([^"]+)">.*?class="mf-num">([^<]+)</td>', page, re.DOTALL)
    assert rows == [
        (f"municipality/{OSLO}/{BAERUM}/stone", "120\N{NO-BREAK SPACE}t"),
        (f"municipality/{BAERUM}/{OSLO}/soil", "40\N{NO-BREAK SPACE}t"),
    ]
    assert "January 2027\N{NO-BREAK SPACE}– March 2027" in page


def test_a_municipality_that_is_no_more_is_in_the_table_by_its_number(insider: Client, session: Session) -> None:
    session.add(Municipality(number="3299", name="Gamle Bærum", county_number="32", source="of the past"))
    deal = session.scalars(select(Deal).where(Deal.origin_municipality_number == BAERUM)).one()
    deal.destination_municipality_number = "3299"
    session.flush()
    query = f"{IN_BAERUM}&detail=municipality"
    assert "3299" in insider.get(f"/regions/flows?{query}").text
    assert "3299" in insider.get(f"/regions/flows.csv?{query}").text
    assert insider.get(f"/regions/flows.json?{query}").status_code == 200
    assert insider.get(f"/regions/flows.html?{query}").status_code == 200


def test_numbers_lead_to_the_deals_behind_them(insider: Client) -> None:
    page = insider.get(f"/regions/flows?{IN_BAERUM}").text
    links = re.findall(r'href="(/regions/deals\?[^"]*origin=[^"]*)"', page)
    assert len(links) == 2
    deals = insider.get(links[0].replace("&amp;", "&"))
    assert deals.status_code == 200
    assert deals.text.count('href="/deals/') == 0  # somebody else's: listed, and not to be opened
    assert "from Oslo" in deals.text
    assert "Stone" in deals.text


def test_a_visitor_sees_what_rests_on_enough_deals(client: Client) -> None:
    page = client.in_english().get(f"/regions/flows?{IN_BAERUM}").text
    # The one that stands alone takes the other with it: three deals and one would tell the one apart.
    assert "data-mf-flow=" not in page
    assert "4 deals are held back" in page
    assert "/regions/deals?origin" not in page


@pytest.mark.parametrize("detail", ["grid", "project"])
def test_no_place_finer_than_a_municipality_is_shown_to_everybody(client: Client, detail: str) -> None:
    data = client.get(f"/regions/flows.json?{IN_BAERUM}&detail={detail}&group=stone").get_json()
    assert data["detail"] == "municipality"
    assert [place["name"] for place in data["places"]] == ["Oslo", "Bærum"]
    page = client.get(f"/regions/flows?{IN_BAERUM}&detail={detail}").text
    assert 'value="project"' not in page


def test_the_map_has_its_flows_with_their_months(insider: Client) -> None:
    data = insider.get(f"/regions/flows.json?{IN_BAERUM}&detail=project").get_json()
    assert data["months_t"] == [80, 80, 0]
    assert sum(flow["mass_t"] for flow in data["flows"]) == 160
    assert data["rest"] == {"flows": 0, "mass_t": 0}
    assert data["held_back"] == {"flows": 0, "deals": 0}


def test_the_map_is_sent_only_when_it_has_changed(insider: Client) -> None:
    address = f"/regions/flows.json?{IN_BAERUM}&detail=grid&bbox=10.4,59.8,11,60"
    first = insider.get(address)
    assert insider.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "query",
    [
        "from=2027-13&to=x",
        "from=2027-05&to=2027-01",
        "stage=whatever&way=up&group=gold&material=cheese&detail=planet",
        "bbox=1,2,3",
        "bbox=nan,0,1,1",
        "stage=planned",
        "stage=agreed&way=in",
        "from=1027-05&to=2999-01",
    ],
)
def test_whatever_an_address_says_is_answered(client: Client, query: str) -> None:
    for path in ("flows", "flows.json", "flows.csv", "flows.html"):
        assert client.get(f"/regions/{path}?county=32&{query}").status_code == 200


def test_a_region_that_is_none_is_not_found(client: Client) -> None:
    assert client.get("/regions/flows?municipality=9999").status_code == 404


def test_the_table_as_a_file(insider: Client) -> None:
    answer = insider.get(f"/regions/flows.csv?{IN_BAERUM}")
    head, first, second = answer.data.decode("utf-8-sig").splitlines()
    assert head.startswith("From;From, number;To;To, number;Material;Tonnes")
    assert first == f"Oslo;{OSLO};Bærum;{BAERUM};Stone;120,000;3;Delivered;2027-01;2027-03"
    assert second.startswith("Bærum;3201;Oslo;0301;Soil;40,000;1")
    assert "flyt-3201-delivered-2027-01--2027-03.csv" in answer.headers["Content-Disposition"]


def test_the_map_as_a_file_holds_everything(insider: Client) -> None:
    answer = insider.get(f"/regions/flows.html?{IN_BAERUM}")
    page = answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert not re.search(
        r'(src|href)="(?!https://leafletjs\.com)', re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    )
    assert not re.search(r"url\((?!#|data:)", re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1])  # type: ignore[index]
    assert "default-src 'none'" in page
    assert page.count("</script>") == page.count("<script>") == 2
    assert "alert(1)" in page  # a name of a place, which is no script
    assert "<script>alert" not in page
    assert len(page) < 1_500_000


def test_the_file_says_where_it_is_from_whatever_the_request_says(insider: Client) -> None:
    answer = insider.get(f"/regions/flows.html?{IN_BAERUM}", headers={"Host": "elsewhere.example"})
    assert "elsewhere.example" not in answer.text


def test_the_land_is_simplified_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def count(areas: list[object]) -> list[list[int]]:
        made.append(len(areas))
        return []

    monkeypatch.setattr(flow_file, "outline_of", count)
    monkeypatch.setattr(flow_file, "_outlines", {})
    for _time in range(2):
        assert flow_file.outline(session) == []
    assert len(made) == 1
    session.execute(update(Municipality).where(Municipality.number == BAERUM).values(area_25833=None))
    flow_file.outline(session)
    assert made[1] == made[0] - 1


def test_the_file_of_a_visitor_names_no_projects(client: Client) -> None:
    page = client.get(f"/regions/flows.html?{IN_BAERUM}").text
    assert "Fyllinga" not in page
    assert "alert(1)" not in page


# A script of modules --------------------------------------------------------------------------------------------------


def test_the_modules_of_the_file_are_all_that_it_needs() -> None:
    script = bundle(JS, MODULES, wanted=("createMap", "drawFlowFile"))
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
    assert "const { drawFlowFile } = module_flow_file;" in script


def test_a_module_that_is_not_there_yet_is_refused() -> None:
    with pytest.raises(CannotBundle, match="does not come before"):
        bundle(JS, ("flow-file",), wanted=())
    with pytest.raises(CannotBundle, match="no module exports"):
        bundle(JS, ("symbols",), wanted=("drawFlowFile",))


def test_an_unknown_form_of_import_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.js").write_text('import * as all from "./other.js";\n')
    with pytest.raises(CannotBundle, match="import"):
        bundle(tmp_path, ("odd",), wanted=())


def test_nothing_in_a_script_ends_it() -> None:
    assert in_script('const a = "</script>", b = "<!--";') == 'const a = "\\x3c/script>", b = "\\x3c!--";'


def test_styles_fetch_nothing() -> None:
    style = ".a { color: red; background-image: url(images/x.png); width: 1px; } .b { behavior: url(#default#VML); }"
    assert without_files(style) == ".a { color: red; width: 1px; } .b { }"


# The map layer --------------------------------------------------------------------------------------------------------


def test_the_layer_calls_a_function_that_its_module_exports(client: Client) -> None:
    page = client.get(f"/regions/flows?{IN_BAERUM}").text
    assert re.search(r'import \{ addFlows \} from "/static/js/flows\.js"', page)
    assert "export function addFlows(" in (JS / "flows.js").read_text()
