"""Laboratory results on their way in: shown as they were understood, and stored only when confirmed."""

from io import BytesIO

import pytest
import xlsxwriter
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from geo.proof import Medium
from marketplace.models import LabDraft, LabReport, LabSample, LabValueRow, Listing, User
from marketplace.services.lab_drafts import HandedIn, read_handed_in
from marketplace.table_faults import TableError, TableFault
from marketplace.tables import SHEETS_TRIED
from marketplace.types import Documentation, LabSource, ListingStatus, Role
from tests.conftest import Client
from tests.factories import Factory
from tests.web.test_quality import path

SUITE = {"As": 3, "Pb": 14, "Cd": "<0,05", "Cr": 31, "Cu": 22, "Hg": "<0,01", "Ni": 28, "Zn": 66}
ORGANIC = {"Sum PAH16": "0,45", "Benzo(a)pyren": "0,03", "Sum PCB7": "<0,007"}


def table(*samples: str, **changes: str) -> str:
    values = {**SUITE, **ORGANIC, **changes}
    rows = [f"{sample};{name};{value};mg/kg TS" for sample in samples for name, value in values.items()]
    return "\n".join(["Prøve;Parameter;Resultat;Enhet", *rows])


@pytest.fixture
def editor(make: Factory) -> User:
    return make.member(role=Role.EDITOR)


@pytest.fixture
def browser(client: Client, editor: User) -> Client:
    return client.in_english().log_in_as(editor)


@pytest.fixture
def draft(make: Factory, editor: User) -> Listing:
    return make.listing(
        editor.memberships[0].organisation,
        material="moraine",
        status=ListingStatus.DRAFT,
        documentation=Documentation.NONE,
    )


def upload(browser: Client, listing: Listing, text: str, name: str = "prøver.csv") -> str:
    """The address of the preview."""
    data = {"file": (BytesIO(text.encode()), name), "text": ""}
    answer = browser.post(path(listing, "/tables/new"), data=data, content_type="multipart/form-data")
    assert answer.status_code == 302, answer.text
    return answer.location


def seen(*names: str) -> dict[str, str]:
    """The hidden fields of a preview of these samples, all kept."""
    sent = {}
    for index, name in enumerate(names):
        sent |= {f"seen-{index}": f"mass:{name.casefold()}", f"keep-{index}": "y", f"medium-{index}": "mass"}
    return sent


def stored(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(LabReport)) or 0


# A table ----------------------------------------------------------------------------------------------------------


def test_a_file_is_shown_before_anything_of_it_counts(browser: Client, draft: Listing, session: Session) -> None:
    address = upload(browser, draft, table("P1", "P2"))
    page = browser.get(address).text
    assert "Arsenic (As): 3 mg/kg" in page
    assert "Mercury (Hg): &lt;\u202f0.01 mg/kg" in page
    assert page.count("class 1") >= 2
    assert stored(session) == 0
    session.refresh(draft)
    assert draft.documentation is Documentation.NONE


def test_confirming_stores_what_was_kept(browser: Client, draft: Listing, session: Session) -> None:
    address = upload(browser, draft, table("P1", "P2", "P3"))
    sent = seen("P1", "P2", "P3") | {
        "action": "confirm",
        "laboratory": "Eksempellab AS",
        "report_number": "EX-1",
        "sampled_on": "2027-02-01",
        "layer-0": "øvre",
    }
    del sent["keep-1"]
    answer = browser.post(address, data=sent)
    assert answer.location == path(draft)
    report = session.scalars(select(LabReport)).one()
    assert (report.laboratory, report.source, report.file_name) == ("Eksempellab AS", LabSource.FILE, "prøver.csv")
    assert report.file_sha256 is not None
    assert [(sample.name, sample.layer) for sample in report.samples] == [("P1", "øvre"), ("P3", None)]
    value = next(each for each in report.samples[0].values if each.parameter == "Cd")
    assert (str(value.value_mg_kg.normalize()), value.is_below, value.entered_value) == ("0.05", True, "<0,05")
    session.refresh(draft)
    assert (draft.documentation, draft.quality_class) == (Documentation.TESTED, 1)
    assert session.scalars(select(LabDraft)).all() == []


def test_rows_that_cannot_be_used_are_told_with_their_line_and_reason(browser: Client, draft: Listing) -> None:
    text = table("P1") + "\nP1;Bly;=SUM(A1:A9);mg/kg TS\nP1;Kobolt-60;12;mg/l\nP2;Sink;0,5;mg/l"
    page = browser.get(upload(browser, draft, text)).text
    assert "This is a formula. Paste its value instead." in page
    assert "is not a parameter we know" in page
    assert "mg/l" in page
    assert ">13<" in page.replace(" ", "").replace("\n", "")


def test_what_was_said_stays_when_another_file_is_chosen(browser: Client, draft: Listing, session: Session) -> None:
    address = upload(browser, draft, table("P1", "P2"))
    sent = seen("P1", "P2") | {"action": "again", "laboratory": "Eksempellab AS", "layer-1": "nedre"}
    del sent["keep-0"]
    better = {"file": (BytesIO(table("P1", "P2", "P9").encode()), "bedre.csv"), "text": ""}
    answer = browser.post(address, data=sent | better, content_type="multipart/form-data")
    assert answer.location == address
    page = browser.get(address).text
    assert "bedre.csv" in page
    assert 'value="Eksempellab AS"' in page
    assert 'value="nedre"' in page
    draft_row = session.scalars(select(LabDraft)).one()
    assert draft_row.said["samples"]["mass:p1"]["keep"] is False


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"%PDF-1.7 ...", "rapport.pdf", "This is a PDF"),
        (b"", "tom.csv", "There is nothing in the table."),
        (b"en;to\n1;2\n", "feil.csv", ""),
    ],
)
def test_a_wrong_file_loses_nothing(
    browser: Client, draft: Listing, session: Session, content: bytes, name: str, said: str
) -> None:
    address = upload(browser, draft, table("P1"))
    sent = seen("P1") | {"action": "again", "laboratory": "Eksempellab AS", "file": (BytesIO(content), name)}
    answer = browser.post(address, data=sent, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="Eksempellab AS"' in answer.text
    assert "Arsenic (As): 3 mg/kg" in browser.get(address).text
    assert stored(session) == 0


def test_a_first_file_that_is_no_table_says_why(browser: Client, draft: Listing, session: Session) -> None:
    data = {"file": (BytesIO(b"en;to\n1;2\n"), "feil.csv")}
    answer = browser.post(path(draft, "/tables/new"), data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert 'id="file-error"' in answer.text
    assert session.scalars(select(LabDraft)).all() == []


def test_a_pasted_table_is_read_the_same(browser: Client, draft: Listing, session: Session) -> None:
    pasted = table("P1").replace(";", "\t")
    answer = browser.post(path(draft, "/tables/new"), data={"text": pasted})
    browser.post(answer.location, data=seen("P1") | {"action": "confirm"})
    assert session.scalars(select(LabReport)).one().source is LabSource.PASTED


def test_nothing_handed_in_is_said(browser: Client, draft: Listing) -> None:
    answer = browser.post(path(draft, "/tables/new"), data={"text": "  "})
    assert answer.status_code == 422
    assert "Choose a file, or paste the table below." in answer.text


def test_a_huge_file_is_refused_with_its_limit(browser: Client, draft: Listing) -> None:
    rows = "\n".join(f"P1;Bly;{number};mg/kg TS" for number in range(20_100))
    data = {"file": (BytesIO(("Prøve;Parameter;Resultat;Enhet\n" + rows).encode()), "stor.csv")}
    answer = browser.post(path(draft, "/tables/new"), data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "20,000" in answer.text


@pytest.mark.parametrize(
    ("row", "fault"),
    [("P;Pb;1;mg/kg", TableFault.TOO_MANY_ROWS), ("Prøve nummer en;Bly;12;mg/kg TS;<0,5", TableFault.FILE_TOO_LARGE)],
)
def test_a_hundred_thousand_rows_are_refused_before_they_are_read_through(row: str, fault: TableFault) -> None:
    content = "\n".join(["Prøve;Parameter;Resultat;Enhet;LOQ", *[row] * 100_000]).encode()
    with pytest.raises(TableError) as caught:
        read_handed_in(HandedIn(source=LabSource.FILE, content=content, file_name="stor.csv"))
    assert caught.value.fault is fault


def test_a_unit_that_the_table_lacks_can_be_said(browser: Client, draft: Listing, session: Session) -> None:
    text = table("P1").replace("mg/kg TS", "")
    address = upload(browser, draft, text)
    assert 'name="assumed_unit"' in browser.get(address).text
    browser.post(address, data={"action": "again", "assumed_unit": "mg/kg TS"})
    browser.post(address, data=seen("P1") | {"action": "confirm", "assumed_unit": "mg/kg TS"})
    assert session.scalar(select(func.count()).select_from(LabValueRow)) == len(SUITE) + len(ORGANIC)


def test_a_sample_can_be_called_a_coating(browser: Client, make: Factory, editor: User, session: Session) -> None:
    wall = make.listing(editor.memberships[0].organisation, material="concrete", status=ListingStatus.DRAFT)
    address = upload(browser, wall, "Prøve;Parameter;Resultat;Enhet\nMaling;Sum PCB7;55;mg/kg TS")
    browser.post(address, data=seen("Maling") | {"action": "confirm", "medium-0": "coating"})
    sample = session.scalars(select(LabSample).where(LabSample.name == "Maling")).one()
    assert sample.medium is Medium.COATING
    assert "Remove the coating" in browser.get(path(wall)).text


def test_leaving_out_everything_stores_nothing(browser: Client, draft: Listing, session: Session) -> None:
    address = upload(browser, draft, table("P1"))
    sent = seen("P1") | {"action": "confirm"}
    del sent["keep-0"]
    answer = browser.post(address, data=sent)
    assert answer.status_code == 422
    assert "There is no sample to keep." in answer.text
    assert stored(session) == 0


def test_a_table_can_be_thrown_away(browser: Client, draft: Listing, session: Session) -> None:
    address = upload(browser, draft, table("P1"))
    browser.post(address, data={"action": "discard"})
    assert session.scalars(select(LabDraft)).all() == []
    assert browser.get(address).status_code == 404


def test_a_draft_of_another_listing_is_not_found(browser: Client, draft: Listing, make: Factory, editor: User) -> None:
    other = make.listing(editor.memberships[0].organisation, status=ListingStatus.DRAFT)
    number = upload(browser, draft, table("P1")).rsplit("/", 1)[1]
    assert browser.get(path(other, f"/tables/{number}")).status_code == 404


# By hand ----------------------------------------------------------------------------------------------------------


def typed(**changes: str) -> dict[str, str]:
    values = {"As": "3", "Pb": "14", "Cd": "<0,05", "Cr": "31", "Cu": "22", "Hg": "<0.01", "Ni": "28", "Zn": "66"}
    organic = {"PAH16": "0,45", "BaP": "0,03", "PCB7": "<0,007"}
    sent = {f"value_{code}": value for code, value in (values | organic).items()}
    return {"sample": "P1", "unit": "mg/kg TS", **sent, **changes}


def test_a_sample_is_typed_in(browser: Client, draft: Listing, session: Session) -> None:
    answer = browser.post(path(draft, "/results/new"), data=typed())
    assert answer.location == path(draft)
    assert session.scalars(select(LabReport)).one().source is LabSource.TYPED
    session.refresh(draft)
    assert draft.quality_class == 1


def test_values_that_cannot_be_read_are_told_beside_them(browser: Client, draft: Listing, session: Session) -> None:
    answer = browser.post(path(draft, "/results/new"), data=typed(value_Pb="mye", value_Zn="n.d.", sample=""))
    assert answer.status_code == 422
    assert "Give the sample a name" in answer.text
    answer = browser.post(path(draft, "/results/new"), data=typed(value_Pb="mye", value_Zn="n.d."))
    assert 'id="value_Pb-error"' in answer.text
    assert 'id="value_Zn-error"' in answer.text
    assert 'value="mye"' in answer.text
    assert stored(session) == 0


def test_micrograms_are_converted(browser: Client, draft: Listing, session: Session) -> None:
    browser.post(path(draft, "/results/new"), data=typed(unit="µg/kg TS", value_Pb="14000"))
    value = session.scalars(select(LabValueRow).where(LabValueRow.parameter == "Pb")).one()
    assert value.value_mg_kg == 14


def test_the_next_sample_starts_with_the_same_report(browser: Client, draft: Listing) -> None:
    sent = typed(action="another", laboratory="Eksempellab AS", sampled_on="2027-02-01")
    answer = browser.post(path(draft, "/results/new"), data=sent)
    page = browser.get(answer.location).text
    assert 'value="Eksempellab AS"' in page
    assert 'value="2027-02-01"' in page


# Out again --------------------------------------------------------------------------------------------------------


def test_a_removed_report_counts_no_more_and_stays_on_record(
    browser: Client, draft: Listing, make: Factory, session: Session
) -> None:
    report = make.report(draft, Pb="90")
    browser.post(path(draft, f"/reports/{report.id}/remove"))
    session.refresh(draft)
    assert draft.quality_class is None
    session.refresh(report)
    assert report.removed_at is not None
    assert browser.post(path(draft, f"/reports/{report.id}/remove")).status_code == 404


def test_a_closed_listing_takes_no_results(browser: Client, make: Factory, editor: User, session: Session) -> None:
    listing = make.listing(editor.memberships[0].organisation, status=ListingStatus.DRAFT)
    listing.status = ListingStatus.CLOSED
    listing.published_at = listing.closed_at = listing.created_at
    listing.closed_reason = "owner"
    session.flush()
    assert browser.post(path(listing, "/results/new"), data=typed()).status_code == 409


# Sheets -----------------------------------------------------------------------------------------------------------


def book(**sheets: list[list[object]]) -> bytes:
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as file:
        for name, rows in sheets.items():
            sheet = file.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return buffer.getvalue()


RESULTS: list[list[object]] = [["Prøve", "As (mg/kg)", "Pb (mg/kg)"], ["P1", 3, 14]]
COVER: list[list[object]] = [["Analyserapport"], ["Oppdragsgiver", "Eksempel AS"]]


def hand_in(browser: Client, listing: Listing, content: bytes) -> TestResponse:
    data = {"file": (BytesIO(content), "prøver.xlsx"), "text": ""}
    return browser.post(path(listing, "/tables/new"), data=data, content_type="multipart/form-data")


@pytest.mark.parametrize("first", [COVER, []])
def test_results_behind_a_cover_are_found_and_the_sheet_is_named(browser: Client, draft: Listing, first) -> None:
    answer = hand_in(browser, draft, book(Forside=first, Resultater=RESULTS, Mer=RESULTS))
    assert answer.status_code == 302, answer.text
    page = browser.get(answer.location).text
    assert "Read from the sheet “Resultater”." in page
    assert "Arsenic (As): 3 mg/kg" in page


def test_file_with_no_results_on_any_sheet_is_told_which_were_looked_at(browser: Client, draft: Listing) -> None:
    answer = hand_in(browser, draft, book(Forside=COVER, Notater=COVER))
    assert answer.status_code == 422
    assert "were found on the sheets Forside, Notater." in answer.text


def test_no_more_sheets_than_some_are_looked_at(browser: Client, draft: Listing) -> None:
    covers = {f"Ark{number}": COVER for number in range(SHEETS_TRIED)}
    answer = hand_in(browser, draft, book(**covers, Resultater=RESULTS))
    assert answer.status_code == 422
    assert f"Ark{SHEETS_TRIED - 1}." in answer.text


# What the preview counts ------------------------------------------------------------------------------------------


def test_preview_counts_results_and_not_rows(browser: Client, draft: Listing) -> None:
    page = browser.get(upload(browser, draft, "Prøve;As mg/kg;Pb mg/kg\nP1;3;14\nP2;4;15\n")).text
    assert "of 4 results" in page
    assert "Show 2 results" in page


def test_table_without_a_sample_cannot_be_stored(browser: Client, draft: Listing) -> None:
    page = browser.get(upload(browser, draft, "Prøve;As;Pb\nP1;3;14\n")).text
    assert "No sample with a value was found." in page
    assert "Store the results" not in page


def test_typed_number_that_may_be_two_is_asked_about(browser: Client, draft: Listing) -> None:
    data = {"sample": "P1", "unit": "mg/kg TS", "value_Pb": "1.234", "medium": "mass"}
    page = browser.post(path(draft, "/results/new"), data=data)
    assert page.status_code == 422
    assert "can be 1234 or 1,234" in page.text
