"""The agreement and the statement on paper, and the pages where a deal ends."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pypdf
import pypdfium2
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.models import DealStatement, Document, RecoveryAnswer
from marketplace.services.deals import cancel
from marketplace.services.statement_changes import void_if_changed
from marketplace.services.statements import draw_up, sign
from marketplace.types import DealStatus, RecoveryTest, Role, TicketStatus
from tests.closing import Closing, closing_deal
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory
from tests.files import PDF

LATER = NOW + timedelta(days=1)


@pytest.fixture
def ending(session: Session, make: Factory) -> Closing:
    closing = closing_deal(session, make)
    closing.loads(30, "12.25")
    closing.loads(10, "12.25", is_weighed=False)
    closing.answer()
    return closing


def read(client: Client, path: str) -> tuple[str, bytes]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    assert answer.mimetype == "application/pdf"
    pages = pypdf.PdfReader(BytesIO(answer.data)).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    return text.replace("\u202f", " ").replace("\xa0", " "), answer.data


def agreement_of(client: Client, closing: Closing) -> tuple[str, bytes]:
    return read(client, f"/deals/{closing.deal.id}/agreement.pdf")


def statement_of(client: Client, closing: Closing) -> tuple[str, bytes]:
    return read(client, f"/deals/{closing.deal.id}/statement.pdf")


def page_of(client: Client, closing: Closing, path: str = "") -> str:
    answer = client.get(f"/deals/{closing.deal.id}{path}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True).replace("\u202f", " ").replace("\xa0", " ")


def giver(client: Client, closing: Closing) -> Client:
    return client.in_english().log_in_as(closing.giver_user)


def taker(client: Client, closing: Closing) -> Client:
    return client.in_english().log_in_as(closing.taker_user)


def drawn_up(closing: Closing) -> DealStatement:
    return draw_up(closing.session, closing.giver, deal_id=closing.deal.id, now=NOW)


def signed(closing: Closing) -> DealStatement:
    statement = drawn_up(closing)
    return sign(closing.session, closing.taker, deal_id=closing.deal.id, statement_id=statement.id, now=LATER)


# The agreement ----------------------------------------------------------------------------------------------------


def test_the_agreement_names_both_sides_the_lot_the_terms_and_who_signed(client: Client, ending: Closing) -> None:
    offer = ending.deal.offers[0]
    offer.access, offer.opening_hours, offer.haulier = "Port 3, ring først", "7–15", "Lastebil AS"
    ending.session.flush()
    text, pdf = agreement_of(giver(client, ending), ending)
    for said in (
        "Agreement on surplus masses",
        "500 t blasted rock",
        "Fjell og Grus AS",
        "Grunn og Vei AS",
        "Kari Giver",
        "Ola Taker",
        ending.giver_user.email,
        ending.taker_user.email,
        "Declared, not tested",
        "Skoytebanen",
        "Fyllinga",
        "Bærum (3201)",
        "Port 3, ring først",
        "7–15",
        "Lastebil AS",
        "The giver loads",
        "Reguleringsplan, suitable",
        "Recovery",
        str(ending.deal.surplus.passport_token),
        f"Deal no. {ending.deal.id}",
        "Page 1 of",
    ):
        assert said in text, said
    for organisation in (ending.deal.giver_organisation, ending.deal.taker_organisation):
        number = organisation.org_number
        assert f"{number[:3]} {number[3:6]} {number[6:]}" in text
    assert len(pypdf.PdfReader(BytesIO(pdf)).pages) <= 2


def test_the_papers_have_names_that_can_be_read(client: Client, ending: Closing) -> None:
    statement = draw_up(ending.session, ending.giver, deal_id=ending.deal.id, now=NOW)
    assert statement.delivered_t == 490
    at_giver = client.log_in_as(ending.giver_user)
    for path, name in (("agreement", "Avtale"), ("statement", "Sluttoppgave")):
        answer = at_giver.get(f"/deals/{ending.deal.id}/{path}.pdf")
        assert answer.headers["Content-Disposition"] == f"inline; filename={name}_{ending.deal.id}_Sprengstein.pdf"


def test_the_jump_to_the_tests_of_recovery_is_called_what_it_leads_to(client: Client, ending: Closing) -> None:
    page = page_of(giver(client, ending), ending)
    assert page.count("Recovery or disposal") >= 2
    assert ">Tests of recovery<" not in page


def test_who_takes_from_a_hub_is_told_where_the_lot_began_and_not_its_position(
    client: Client, session: Session, make: Factory
) -> None:
    hub_owner = make.organisation(name="Mellomlager AS")
    hub = make.facility(hub_owner, name="Lageret på Rud", capacity_t=10_000, position=(10.7, 59.95))
    first = closing_deal(session, make, destination_facility_id=hub.id)
    first.loads(10, 20)
    taker_user = make.member(make.organisation(name="Sluttbruker AS"), role=Role.EDITOR)
    onward = make.deal(
        taker=taker_user.memberships[0].organisation,
        surplus=first.deal.surplus,
        status=DealStatus.AGREED,
        mass_t=100,
        giver_organisation_id=hub_owner.id,
        origin_facility_id=hub.id,
        origin_name=hub.name,
        origin_position_25833=hub.position_25833,
        source_deal_id=first.deal.id,
        destination_name="Sluttstedet",
        destination_position_25833=hub.position_25833,
        created_by_id=taker_user.id,
    )
    second = Closing(session=session, make=make, deal=onward, giver_user=taker_user, taker_user=taker_user)
    text, _ = agreement_of(taker(client, second), second)
    assert "Where the lot began" in text
    assert "Skoytebanen" in text
    assert "Lageret på Rud" in text
    assert "59.95000 N" in text
    assert "59.89060" not in text


def test_both_sides_get_the_same_agreement_and_others_none(client: Client, ending: Closing) -> None:
    _, ours = agreement_of(giver(client, ending), ending)
    _, theirs = agreement_of(taker(client, ending), ending)
    assert ours == theirs
    stranger = client.log_in_as(ending.make.member())
    assert stranger.get(f"/deals/{ending.deal.id}/agreement.pdf").status_code == 404


def test_nothing_agreed_is_nothing_to_print(client: Client, session: Session, make: Factory) -> None:
    closing = closing_deal(session, make, status=DealStatus.NEGOTIATING)
    assert giver(client, closing).get(f"/deals/{closing.deal.id}/agreement.pdf").status_code == 404
    assert client.get(f"/deals/{closing.deal.id}/statement.pdf").status_code == 404
    assert client.get(f"/deals/{closing.deal.id}/statement").status_code == 404


def test_a_cancelled_agreement_says_so_across_the_page(client: Client, session: Session, make: Factory) -> None:
    closing = closing_deal(session, make, status=DealStatus.CANCELLED, end_reason="Rammet fjell")
    text, _ = agreement_of(giver(client, closing), closing)
    assert "Cancelled on" in text
    assert "Rammet fjell" in text


@pytest.mark.parametrize(
    ("holds", "said"),
    [
        ({}, "All three tests hold"),
        ({"suitable": False}, "No virgin material is credited: a use that fails"),
    ],
)
def test_the_agreement_says_what_follows_of_recovery(
    client: Client, session: Session, make: Factory, holds: dict[str, bool], said: str
) -> None:
    closing = closing_deal(session, make)
    closing.answer(**holds)
    text, _ = agreement_of(giver(client, closing), closing)
    assert said in text


def test_long_texts_break_over_pages_and_are_all_there(client: Client, ending: Closing) -> None:
    ending.deal.offers[0].note = "Veien er smal. " * 260
    for answer in ending.deal.recovery_answers:
        answer.evidence = f"{answer.test} " * 180
    ending.session.flush()
    text, pdf = agreement_of(giver(client, ending), ending)
    assert text.count("Veien er smal.") == 260
    assert len(pypdf.PdfReader(BytesIO(pdf)).pages) <= 4


# The statement ----------------------------------------------------------------------------------------------------


def test_the_statement_lists_every_load_and_says_what_it_adds_up_to(client: Client, ending: Closing) -> None:
    drawn_up(ending)
    text, _ = statement_of(giver(client, ending), ending)
    for said in ("490 t blasted rock", "Waits for the signature of Grunn og Vei AS", "10 t less than agreed", "2%"):
        assert said in text, said
    assert "367.5 t in 30 loads" in text
    assert "122.5 t in 10 loads" in text
    assert text.count("AB 12345") == 40
    assert text.count("estimated") >= 10
    assert "Not signed yet" in text


def test_signed_by_both_it_says_so_and_names_its_number(client: Client, ending: Closing) -> None:
    statement = signed(ending)
    text, pdf = statement_of(taker(client, ending), ending)
    assert "Signed by both" in text
    assert "Not signed" not in text
    assert "Kari Giver" in text
    assert "Ola Taker" in text
    assert statement.content["lot"]["proof_sha256"] in text.replace(" ", "")
    assert len(pypdf.PdfReader(BytesIO(pdf)).pages) <= 3


def test_the_statement_prints_the_same_for_ever(client: Client, ending: Closing) -> None:
    signed(ending)
    _, before = statement_of(giver(client, ending), ending)
    ending.deal.giver_organisation.name = "Noe annet AS"
    ending.deal.surplus.project.name = "Et annet prosjekt"
    ending.giver_user.name = "En annen"
    ending.session.flush()
    _, after = statement_of(taker(client, ending), ending)
    assert before == after


def test_a_statement_of_a_thousand_loads_prints_every_one(client: Client, session: Session, make: Factory) -> None:
    closing = closing_deal(session, make, lot_t=20_000, mass_t=15_000)
    closing.loads(1000, 15)
    closing.answer()
    drawn_up(closing)
    text, pdf = statement_of(giver(client, closing), closing)
    assert text.count("AB 12345") == 1000
    assert 15 <= len(pypdf.PdfReader(BytesIO(pdf)).pages) <= 40


def test_the_papers_are_archive_pdfs_with_tags(client: Client, ending: Closing) -> None:
    signed(ending)
    for _, pdf in (agreement_of(giver(client, ending), ending), statement_of(giver(client, ending), ending)):
        root = pypdf.PdfReader(BytesIO(pdf)).trailer["/Root"]
        metadata = root["/Metadata"].get_data().decode()
        assert "pdfaid" in metadata
        assert "pdfuaid" in metadata
        assert root["/MarkInfo"]["/Marked"]
        assert pypdfium2.PdfDocument(pdf)[0].render(scale=0.2).to_pil().getcolors(maxcolors=1) is None


# The pages --------------------------------------------------------------------------------------------------------


def test_the_whole_way_from_drawing_up_to_signing(client: Client, ending: Closing) -> None:
    deal_id = ending.deal.id
    assert "Draw up the statement" in page_of(giver(client, ending), ending)
    answer = client.post(f"/deals/{deal_id}/statement", data={"deviation": "To lass mindre"})
    assert answer.status_code == 303
    assert "Read and sign" in page_of(taker(client, ending), ending)
    page = page_of(client, ending, "/statement")
    assert "To lass mindre" in page
    statement = ending.session.scalars(select(DealStatement)).one()
    assert client.post(f"/deals/{deal_id}/statement/sign", data={"statement_id": statement.id}).status_code == 303
    assert "Both have signed what was delivered: 490 t." in page_of(client, ending)
    ending.session.refresh(ending.deal)
    assert ending.deal.status is DealStatus.COMPLETED


def test_what_is_in_the_way_stands_on_the_page(client: Client, session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    closing.load(12, status=TicketStatus.REPORTED)
    page = page_of(giver(client, closing), closing)
    assert "Some loads are not confirmed yet." in page
    assert "The three tests of recovery are not answered yet." in page
    assert "Draw up the statement" not in page
    assert client.post(f"/deals/{closing.deal.id}/statement", data={}).status_code == 409


def test_a_missing_explanation_stands_beside_its_field_with_what_was_typed_kept(
    client: Client, session: Session, make: Factory
) -> None:
    closing = closing_deal(session, make)
    closing.loads(3, 100)
    closing.answer()
    answer = giver(client, closing).post(f"/deals/{closing.deal.id}/statement", data={"deviation": " "})
    assert answer.status_code == 422
    assert "Say why what was delivered is not what was agreed." in answer.get_data(as_text=True)


def test_sent_back_with_a_reason_that_the_other_side_reads(client: Client, ending: Closing) -> None:
    statement = drawn_up(ending)
    address = f"/deals/{ending.deal.id}/statement/send-back"
    empty = taker(client, ending).post(address, data={"statement_id": statement.id, "reason": ""})
    assert empty.status_code == 422
    sent = client.post(address, data={"statement_id": statement.id, "reason": "Lass 12 er ikke vårt"})
    assert sent.status_code == 303
    assert "Lass 12 er ikke vårt" in page_of(giver(client, ending), ending)
    text, _ = statement_of(client, ending)
    assert "Void since" in text


def test_a_statement_that_somebody_else_drew_up_meanwhile_is_shown_with_what_was_typed(
    client: Client, ending: Closing
) -> None:
    drawn_up(ending)
    answer = taker(client, ending).post(f"/deals/{ending.deal.id}/statement", data={"deviation": "Skrevet her"})
    assert answer.status_code == 409
    assert "has been drawn up already" in answer.text
    assert "Skrevet her" in answer.text
    assert "Sign the statement" in answer.text


def test_an_explanation_stays_in_its_form_where_a_load_is_not_confirmed_after_all(
    client: Client, ending: Closing
) -> None:
    ending.load(1, status=TicketStatus.REPORTED)
    address = f"/deals/{ending.deal.id}/statement"
    answer = giver(client, ending).post(address, data={"deviation": "Skrevet her"})
    assert answer.status_code == 409
    assert "Some loads are not confirmed yet." in answer.text
    assert "Skrevet her</textarea>" in answer.text
    assert "Skrevet her" not in client.get(address).text


def test_a_reason_is_kept_for_the_statement_that_came_in_place_of_the_one_that_was_read(
    client: Client, ending: Closing
) -> None:
    old = drawn_up(ending)
    ending.load(1)
    void_if_changed(ending.session, ending.deal, now=NOW)
    new = drawn_up(ending)
    address = f"/deals/{ending.deal.id}/statement/send-back"
    answer = taker(client, ending).post(address, data={"statement_id": old.id, "reason": "Skrevet her"})
    assert answer.status_code == 409
    assert "Another statement has been drawn up" in answer.text
    assert "Skrevet her</textarea>" in answer.text
    assert f'id="send-back-statement-id" name="statement_id" type="hidden" value="{new.id}"' in answer.text
    assert client.post(address, data={"statement_id": new.id, "reason": "Skrevet her"}).status_code == 303


def test_a_reason_for_a_statement_that_is_gone_is_shown_as_not_sent(client: Client, ending: Closing) -> None:
    statement = drawn_up(ending)
    ending.load(1)
    void_if_changed(ending.session, ending.deal, now=NOW)
    answer = taker(client, ending).post(
        f"/deals/{ending.deal.id}/statement/send-back", data={"statement_id": statement.id, "reason": "Skrevet her"}
    )
    assert answer.status_code == 409
    assert "There is no statement to sign." in answer.text
    assert "What you wrote was not sent:" in answer.text
    assert "Skrevet her" in answer.text


@pytest.mark.parametrize(
    ("path", "field", "who"),
    [
        ("statement", "deviation", giver),
        ("statement/send-back", "reason", giver),
        ("recovery", "suitable_evidence", taker),
    ],
)
def test_what_was_typed_stays_where_the_deal_was_cancelled_meanwhile(
    client: Client,
    session: Session,
    make: Factory,
    path: str,
    field: str,
    who: Callable[[Client, Closing], Client],
) -> None:
    closing = closing_deal(session, make)
    cancel(session, closing.giver, deal_id=closing.deal.id, reason="Annen plan", now=NOW)
    data = {"statement_id": "1", "suitable_holds": "yes", field: "Skrevet her"}
    answer = who(client, closing).post(f"/deals/{closing.deal.id}/{path}", data=data)
    assert answer.status_code == 409
    assert "This deal was cancelled." in answer.text
    assert "Skrevet her" in answer.text


def test_a_statement_that_became_void_is_not_signed_and_says_so(client: Client, ending: Closing) -> None:
    statement = drawn_up(ending)
    ending.load(1)
    answer = taker(client, ending).post(
        f"/deals/{ending.deal.id}/statement/sign", data={"statement_id": statement.id}, follow_redirects=True
    )
    assert "so it is void" in answer.get_data(as_text=True)
    ending.session.refresh(statement)
    assert statement.voided_at is not None


@pytest.mark.parametrize("typed", ["", "abc", "-1", "9" * 40, "\N{ARABIC-INDIC DIGIT THREE}"])
def test_a_statement_number_that_is_none_is_no_fault_of_ours(client: Client, ending: Closing, typed: str) -> None:
    drawn_up(ending)
    answer = taker(client, ending).post(f"/deals/{ending.deal.id}/statement/sign", data={"statement_id": typed})
    assert answer.status_code == 409


@pytest.mark.parametrize("path", ["statement", "statement/sign", "statement/send-back", "recovery"])
def test_viewers_and_administrators_look_and_do_nothing(client: Client, ending: Closing, path: str) -> None:
    drawn_up(ending)
    viewer = ending.make.member(ending.deal.taker_organisation, role=Role.VIEWER)
    admin = ending.make.user(is_admin=True)
    for user in (viewer, admin):
        client.in_english().log_in_as(user)
        assert client.post(f"/deals/{ending.deal.id}/{path}", data={}).status_code == 403
        page = page_of(client, ending, "/statement")
        assert "Sign the statement" not in page
        assert "Send it back" not in page


def test_the_page_asks_as_much_of_forty_loads_as_of_one(
    client: Client, session: Session, make: Factory, count_queries: QueryCounter
) -> None:
    few, many = closing_deal(session, make), closing_deal(session, make)
    few.load(120)
    few.answer()
    many.loads(40, 12)
    many.answer()
    for closing in (few, many):
        draw_up(session, closing.giver, deal_id=closing.deal.id, deviation="Lite", now=NOW)
    user = make.user(is_admin=True)
    client.in_english().log_in_as(user)
    page_of(client, few, "/statement")
    with count_queries() as one:
        page_of(client, few, "/statement")
    with count_queries() as more:
        page_of(client, many, "/statement")
    assert len(more) == len(one)


# Recovery ---------------------------------------------------------------------------------------------------------


def answers(**values: object) -> dict[str, object]:
    data: dict[str, object] = {}
    for test in RecoveryTest:
        data |= {f"{test}_holds": "yes", f"{test}_evidence": f"Plan for {test}"}
    return {**data, **values}


def test_the_taker_answers_and_both_sides_read_it(client: Client, session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    assert "No virgin material is credited until" in page_of(taker(client, closing), closing)
    assert "Answer the three tests" in page_of(client, closing)
    sent = client.post(
        f"/deals/{closing.deal.id}/recovery",
        data=answers(suitable_holds="no", suitable_file=(BytesIO(PDF), "tegning.pdf")),
    )
    assert sent.status_code == 303
    page = page_of(giver(client, closing), closing)
    assert "Not recovery" in page
    assert "Plan for suitable" in page
    assert "tegning" in page
    assert "Answer the three tests" not in page
    paper = client.get(f"/deals/{closing.deal.id}/recovery/suitable/document")
    assert paper.status_code == 200
    assert paper.data == PDF


def test_nobody_else_opens_what_an_answer_rests_on(client: Client, session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    taker(client, closing).post(
        f"/deals/{closing.deal.id}/recovery", data=answers(suitable_file=(BytesIO(PDF), "tegning.pdf"))
    )
    document = session.scalars(select(Document).where(Document.file_name == "tegning.pdf")).one()
    client.log_in_as(make.member())
    assert client.get(f"/deals/{closing.deal.id}/recovery/suitable/document").status_code == 404
    assert client.get(f"/documents/{document.id}/{document.file_name}").status_code == 404
    giver(client, closing)
    for test in ("quantity_matches_need", "nonsense"):
        assert client.get(f"/deals/{closing.deal.id}/recovery/{test}/document").status_code == 404


def test_what_was_typed_comes_back_beside_what_is_missing(client: Client, session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    sent = taker(client, closing).post(f"/deals/{closing.deal.id}/recovery", data=answers(suitable_evidence=""))
    page = sent.get_data(as_text=True)
    assert sent.status_code == 422
    assert "Say what shows it." in page
    assert "Plan for quantity_matches_need" in page
    assert session.scalars(select(RecoveryAnswer)).all() == []


def test_answers_under_a_statement_that_waits_come_back_in_the_form(client: Client, ending: Closing) -> None:
    drawn_up(ending)
    address = f"/deals/{ending.deal.id}/recovery"
    answer = taker(client, ending).post(address, data=answers(suitable_holds="no", suitable_evidence="Skrevet her"))
    assert answer.status_code == 409
    assert "A statement with these answers waits for a signature." in answer.text
    assert "Skrevet her</textarea>" in answer.text
    kept = ending.session.scalars(select(RecoveryAnswer.evidence))
    assert "Skrevet her" not in kept.all()


def test_the_giver_is_told_whose_it_is_to_answer(client: Client, session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    answer = giver(client, closing).get(f"/deals/{closing.deal.id}/recovery")
    assert answer.status_code == 403
    assert "Whoever receives the masses answers this." in answer.get_data(as_text=True)
