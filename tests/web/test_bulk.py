"""Imports as somebody sends them: the form, what came of a file, and the files that are given out."""

import csv
import io
import zipfile

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from marketplace.models import ImportBatch, ImportRow, Listing, Organisation, User
from marketplace.services import bulk
from marketplace.services.bulk_kinds import columns_of
from marketplace.table_columns import find_header
from marketplace.tables import read_table
from marketplace.types import ImportKind, ImportStatus, Role
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory
from tests.services.test_bulk import csv_file, row, xlsx_file
from tests.web.test_mass_plans import words


@pytest.fixture
def organisation(make: Factory) -> Organisation:
    return make.organisation()


@pytest.fixture
def editor(make: Factory, organisation: Organisation) -> User:
    return make.member(organisation, role=Role.EDITOR)


@pytest.fixture
def browser(client: Client, editor: User) -> Client:
    return client.log_in_as(editor)


def send(browser: Client, organisation: Organisation, data: bytes, *, name: str = "masser.csv") -> TestResponse:
    # Written by hand: the test client would leave a large file of its own open.
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in {"kind": "listings", "organisation_id": organisation.id}.items()
    ]
    head = "".join([*parts, f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'])
    body = head.encode() + data + b"\r\n--x--\r\n"
    return browser.post("/imports/new", data=body, content_type="multipart/form-data; boundary=x")


def only_batch(session: Session) -> ImportBatch:
    session.expire_all()
    return session.scalars(select(ImportBatch)).one()


def work(session: Session, editor: User) -> None:
    """What the worker does."""
    batch = only_batch(session)
    while bulk.check_chunk(session, batch_id=batch.id, now=NOW):
        session.commit()
    session.commit()
    while bulk.apply_chunk(session, batch_id=batch.id, user_id=editor.id, now=NOW):
        session.commit()
    session.commit()


def test_a_file_goes_from_the_form_to_listings(
    browser: Client, session: Session, organisation: Organisation, editor: User
) -> None:
    answer = send(browser, organisation, csv_file([row(), row(Referanse="B", Mengde="mye")]))
    address = answer.location
    assert answer.status_code == 302
    work(session, editor)
    page = browser.in_english().get(address).text
    assert "One row cannot be used as it is" in page
    assert "Apply the good rows" in page
    assert "Enter a number, with digits only." in page
    assert "mye" in page
    assert browser.post(f"{address}/apply").status_code == 302
    work(session, editor)
    assert "One row was applied" in browser.get(address).text
    assert [each.external_reference for each in session.scalars(select(Listing))] == ["A-1"]


def test_good_rows_are_seen_as_they_were_understood_before_they_are_applied(
    browser: Client, session: Session, organisation: Organisation, editor: User
) -> None:
    rows = [row(Mengde="1,200"), row(Referanse="B", Mengde="50", Enhet="faste m3", Publiser="ja"), row(Mengde="x")]
    rows[2]["Referanse"] = "C"
    address = send(browser, organisation, csv_file(rows)).location
    work(session, editor)
    page = words(browser.in_english().get(address).text)
    assert "2 good rows: 2 new, 0 about listings you have" in page
    assert "See the good rows" in page
    page = words(browser.get(f"{address}?rows=good").text)
    assert "Demand: Blasted rock" in page
    assert "1.2 t" in page
    assert "(50 m³ bank)" in page
    assert "1 Apr" in page
    assert "New, draft" in page
    assert "New, to be published" in page
    assert "Asker" in page or "Bærum" in page
    browser.post(f"{address}/apply")
    work(session, editor)
    page = browser.get(f"{address}?rows=good").text
    for listing in session.scalars(select(Listing)):
        assert f'href="/listings/{listing.id}"' in page
    address = send(browser, organisation, csv_file([row(Mengde="13")])).location
    batch_id = int(address.rsplit("/", 1)[1])
    bulk.check_chunk(session, batch_id=batch_id, now=NOW)
    session.commit()
    page = words(browser.get(address).text)
    assert "0 new, 1 about listings you have" in page
    assert "Changes what differs: your listing" in page


def test_good_rows_are_shown_a_page_at_a_time_with_as_few_questions_for_many(
    browser: Client, session: Session, organisation: Organisation, editor: User, count_queries: QueryCounter
) -> None:
    address = send(browser, organisation, csv_file([row(Referanse=f"R{n}", Mengde=f"{n + 1}") for n in range(60)]))
    one = send(browser, organisation, csv_file([row(Referanse="alene")])).location
    for batch in session.scalars(select(ImportBatch)).all():
        bulk.check_chunk(session, batch_id=batch.id, now=NOW)
    session.commit()
    browser.get(one)
    with count_queries() as few:
        browser.get(one)
    with count_queries() as many:
        page = browser.get(address.location).text
    assert len(many) == len(few)
    assert ">26</th>" in page
    assert ">27</th>" not in page
    assert "rows=good&amp;after=26" in page or "after=26&amp;rows=good" in page


def test_a_row_that_would_be_read_otherwise_by_now_is_named_and_nothing_made_up_for_it(
    browser: Client, session: Session, organisation: Organisation, editor: User
) -> None:
    address = send(browser, organisation, csv_file([row(), row(Referanse="B")])).location
    bulk.check_chunk(session, batch_id=only_batch(session).id, now=NOW)
    first = session.scalars(select(ImportRow).order_by(ImportRow.line)).first()
    assert first is not None
    first.cells = [cell.replace("12 000", "tolv") for cell in first.cells]
    session.commit()
    page = words(browser.in_english().get(address).text)
    assert "These rows would not be read as they were then, and are not shown: 2." in page
    assert page.count("Demand: Blasted rock") == 1


def test_an_unclear_number_is_offered_as_the_visitor_writes_numbers(
    browser: Client, session: Session, organisation: Organisation, editor: User
) -> None:
    data = xlsx_file([list(row()), list(row(Mengde="1,200").values())])
    address = send(browser, organisation, data, name="masser.xlsx").location
    work(session, editor)
    assert "1200" in browser.get(address).text
    assert "1,2." in browser.get(address).text
    assert "Write 1200 or 1.2." in browser.in_english().get(address).text


def test_all_rows_are_applied_only_when_none_is_bad(
    browser: Client, session: Session, organisation: Organisation, editor: User
) -> None:
    address = send(browser, organisation, csv_file([row()])).location
    work(session, editor)
    page = browser.in_english().get(address).text
    assert "Apply all rows" in page
    assert "Apply the good rows" not in page


def test_progress_is_shown_and_ends_by_loading_the_page_anew(
    browser: Client, session: Session, organisation: Organisation, editor: User
) -> None:
    address = send(browser, organisation, csv_file([row()])).location
    page = browser.in_english().get(address).text
    assert 'hx-trigger="every 2s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    part = browser.get(f"{address}/progress")
    assert "Checked 0 of 1 rows" in part.text
    assert "HX-Refresh" not in part.headers
    work(session, editor)
    assert browser.get(f"{address}/progress").headers["HX-Refresh"] == "true"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.4", "This is a PDF."),
        (b"hei;du\n1;2\n", "The headings of the template were not found in the first 20 rows."),
        (b"Kind;Material\nSurplus;gravel\n", "The table lacks these columns: Quantity, Unit, From, To."),
    ],
)
def test_what_is_wrong_with_a_file_stands_beside_it(
    browser: Client, session: Session, organisation: Organisation, data: bytes, said: str
) -> None:
    answer = send(browser.in_english(), organisation, data)
    assert answer.status_code == 422
    assert said in answer.text
    assert session.scalars(select(ImportBatch)).all() == []


def test_pasted_cells_do_as_well_and_stay_when_refused(
    browser: Client, session: Session, organisation: Organisation
) -> None:
    def paste(text: str) -> TestResponse:
        form = {"kind": "listings", "organisation_id": str(organisation.id), "text": text}
        return browser.post("/imports/new", data=form)

    refused = paste("bare tull")
    assert refused.status_code == 422
    assert "bare tull" in refused.text
    assert paste(csv_file([row()], delimiter="\t").decode("utf-8-sig")).status_code == 302
    assert only_batch(session).row_count == 1


def test_neither_file_nor_cells(browser: Client, organisation: Organisation) -> None:
    answer = browser.in_english().post(
        "/imports/new", data={"kind": "listings", "organisation_id": str(organisation.id)}
    )
    assert "Choose a file, or paste the cells." in answer.text


def test_a_file_of_some_megabytes_is_taken_in_and_one_of_thirty_is_not(
    browser: Client, session: Session, organisation: Organisation
) -> None:
    rows = [row(Referanse=f"R{n}", Beskrivelse="x" * 900) for n in range(6_000)]
    data = csv_file(rows)
    assert len(data) > 5_000_000
    assert send(browser, organisation, data).status_code == 302
    assert only_batch(session).row_count == 6_000
    assert send(browser, organisation, data * 6).status_code == 413


def test_a_file_for_an_organisation_that_is_not_ones_own_is_refused(
    browser: Client, session: Session, make: Factory
) -> None:
    assert send(browser, make.organisation(), csv_file([row()])).status_code == 422
    assert session.scalars(select(ImportBatch)).all() == []


def test_the_same_file_again_leads_to_the_first(browser: Client, organisation: Organisation) -> None:
    first = send(browser.in_english(), organisation, csv_file([row()])).location
    again = send(browser, organisation, csv_file([row()]))
    assert again.location == first
    assert "This very file is here already." in browser.get(first).text


def test_bad_rows_come_back_with_what_is_wrong_and_can_be_sent_again(
    browser: Client, session: Session, organisation: Organisation, editor: User
) -> None:
    rows = [row(Referanse="A"), row(Referanse="B", Mengde="mye", Beskrivelse="=1+1"), row(Referanse="C", Enhet="m3")]
    address = send(browser, organisation, csv_file(rows)).location
    work(session, editor)
    answer = browser.in_english().get(f"{address}/bad-rows.csv")
    assert answer.mimetype == "text/csv"
    assert "filename=bad-rows-masser.csv" in answer.headers["Content-Disposition"]
    given = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert [each["Referanse"] for each in given] == ["B", "C"]
    assert given[0]["Beskrivelse"] == " =1+1"
    assert "Quantity: Enter a number, with digits only." in given[0]["What is wrong"]
    put_right = answer.data.replace(b"mye", b"12").replace(b";m3;", b";tonn;").replace(b" =1+1", b"To")
    batch_id = int(send(browser, organisation, put_right).location.rsplit("/", 1)[1])
    bulk.check_chunk(session, batch_id=batch_id, now=NOW)
    session.commit()
    assert session.get_one(ImportBatch, batch_id).bad_count == 0
    assert "not known and was left out" not in browser.get(f"/imports/{batch_id}").text


def test_many_bad_rows_are_shown_a_page_at_a_time(
    browser: Client, session: Session, organisation: Organisation, editor: User
) -> None:
    rows = [row(Referanse=f"R{n}", Mengde=f"mye{n}x") for n in range(60)]
    address = send(browser, organisation, csv_file(rows)).location
    work(session, editor)
    first = browser.get(address).text
    assert "mye24x" in first
    assert "mye25x" not in first
    second = browser.get(f"{address}?after=26").text
    assert "mye24x" not in second
    assert "mye25x" in second
    assert "before=27" in second
    back = browser.get(f"{address}?before=27").text
    assert "mye0x" in back


def test_a_draft_that_was_not_published_is_told_of_with_a_way_there(
    browser: Client, session: Session, organisation: Organisation, editor: User
) -> None:
    address = send(browser, organisation, csv_file([row(Type="Overskudd", Publiser="ja")])).location
    work(session, editor)
    browser.post(f"{address}/apply")
    work(session, editor)
    page = browser.in_english().get(address).text
    listing = session.scalars(select(Listing)).one()
    assert "Stored, and not published" in page
    assert f'href="/listings/{listing.id}"' in page


def test_a_discarded_file_is_gone(browser: Client, session: Session, organisation: Organisation, editor: User) -> None:
    address = send(browser, organisation, csv_file([row()])).location
    work(session, editor)
    assert browser.post(f"{address}/discard").location == "/imports"
    assert only_batch(session).status is ImportStatus.DISCARDED
    assert "masser.csv" in browser.get("/imports").text


def test_a_plan_is_sent_for_a_project(
    browser: Client, session: Session, make: Factory, organisation: Organisation, editor: User
) -> None:
    project = make.project(organisation)
    data = "Materiale;År;Kvartal;Utgravd\nsprengstein;2027;2;12000\nsprengstein;2027;2;1\nleire;2027;7;1\n".encode()
    form = {"kind": "plan", "project_id": str(project.id), "file": (io.BytesIO(data), "plan.csv")}
    answer = browser.post("/imports/new", data=form, content_type="multipart/form-data")
    assert answer.status_code == 302
    work(session, editor)
    page = browser.in_english().get(answer.location).text
    assert "Row 3 is about the same material and quarter. Which of them holds?" in page
    assert only_batch(session).kind is ImportKind.PLAN


def test_a_plan_is_seen_as_understood_and_leads_to_the_plan(
    browser: Client, session: Session, make: Factory, organisation: Organisation, editor: User
) -> None:
    project = make.project(organisation)
    data = "Materiale;År;Kvartal;Utgravd;Gjenbrukt\nsprengstein;2027;2;12000;3000\nleire;2027;3;1,5;0\n".encode()
    form = {"kind": "plan", "project_id": str(project.id), "file": (io.BytesIO(data), "plan.csv")}
    answer = browser.post("/imports/new", data=form, content_type="multipart/form-data")
    bulk.check_chunk(session, batch_id=only_batch(session).id, now=NOW)
    session.commit()
    page = words(browser.in_english().get(answer.location).text)
    assert "2 new, 0 about rows the plan has" in page
    assert "12,000 t" in page
    assert "1.5 t" in page
    assert "Q2 2027" in page
    browser.post(f"{answer.location}/apply")
    work(session, editor)
    page = browser.get(answer.location).text
    assert f'href="/projects/{project.id}/plan"' in page
    changed = io.BytesIO(data.replace(b"12000", b"13000"))
    answer = browser.post(
        "/imports/new", data=form | {"file": (changed, "plan.csv")}, content_type="multipart/form-data"
    )
    bulk.check_chunk(session, batch_id=int(answer.location.rsplit("/", 1)[1]), now=NOW)
    session.commit()
    assert "0 new, 2 about rows the plan has" in words(browser.get(answer.location).text)


@pytest.mark.parametrize("is_pasted", [False, True])
def test_a_file_of_the_other_kind_is_recognised(
    browser: Client, make: Factory, organisation: Organisation, is_pasted: bool
) -> None:
    project = make.project(organisation)
    plan = "Materiale\tÅr\tKvartal\tUtgravd\nsprengstein\t2027\t2\t12000\n"
    listings = csv_file([row()], delimiter="\t").decode("utf-8-sig")

    def hand_in(kind: str, text: str) -> str:
        given = {"text": text} if is_pasted else {"file": (io.BytesIO(text.encode()), "a.tsv")}
        form = {"kind": kind, "organisation_id": str(organisation.id), "project_id": str(project.id), **given}
        answer = browser.in_english().post("/imports/new", data=form, content_type="multipart/form-data")
        assert answer.status_code == 422
        return answer.text

    assert "This looks like a mass plan." in hand_in("listings", plan)
    assert "This looks like a file of listings." in hand_in("plan", listings)


def test_a_plan_without_a_project_is_asked_for_one(browser: Client) -> None:
    answer = browser.in_english().post(
        "/imports/new",
        data={"kind": "plan", "file": (io.BytesIO(b"x"), "plan.csv")},
        content_type="multipart/form-data",
    )
    assert "Choose the project that the plan is for." in answer.text


@pytest.mark.parametrize("kind", ["listings", "plan"])
@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_template_is_read_as_what_it_is(
    browser: Client, make: Factory, organisation: Organisation, kind: str, language: str, form: str
) -> None:
    make.project(organisation, name="E18 'Vest'")
    visitor = browser.in_english() if language == "en" else browser
    answer = visitor.get(f"/imports/template?kind={kind}&format={form}")
    assert f".{form}" in answer.headers["Content-Disposition"]
    columns = columns_of(ImportKind(kind))
    with read_table(io.BytesIO(answer.data)) as table:
        header = find_header(list(table), columns)
    assert header is not None
    assert (header.unknown, header.twice, header.missing) == ((), (), ())
    assert len(header.places) == len(columns)
    if form == "xlsx":
        with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
            assert len([name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]) == 3
            assert b"dataValidation" in book.read("xl/worksheets/sheet1.xml")


def test_the_form_offers_templates_and_explains_the_columns(browser: Client) -> None:
    page = browser.in_english().get("/imports/new").text
    assert "/imports/template?kind=plan" in page
    assert "Format the cells as text, or 4/8 becomes a day." in page
