"""What a lot's passport says of where it has gone, to whom."""

from io import BytesIO

import pypdf
import pytest
from sqlalchemy.orm import Session

from marketplace.models import Listing, User
from marketplace.services.statements import draw_up, sign
from marketplace.types import Role, TicketStatus
from tests.closing import Closing, closing_deal
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory


@pytest.fixture
def closing(session: Session, make: Factory) -> Closing:
    """Forty loads of 12.25 t, driven to Fyllinga."""
    closing = closing_deal(session, make)
    closing.loads(40, "12.25")
    closing.answer()
    return closing


def page_of(client: Client, listing: Listing) -> str:
    answer = client.get(f"/passports/{listing.passport_token}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True).replace("\u202f", " ").replace("\xa0", " ")


def paper_of(client: Client, listing: Listing) -> str:
    pdf = client.get(f"/passports/{listing.passport_token}.pdf").data
    pages = pypdf.PdfReader(BytesIO(pdf)).pages
    assert len(pages) <= 2
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    return text.replace("\u202f", " ").replace("\xa0", " ")


def another_deal(closing: Closing) -> Closing:
    """A second deal of the same lot, to somebody else."""
    make = closing.make
    taker = make.organisation(name="Tredje AS")
    taker_user = make.member(taker, role=Role.EDITOR)
    deal = make.deal(
        taker=taker,
        surplus=closing.deal.surplus,
        status=closing.deal.status,
        mass_t=200,
        created_by_id=taker_user.id,
        destination_name="Havnelageret",
    )
    second = Closing(
        session=closing.session, make=make, deal=deal, giver_user=closing.giver_user, taker_user=taker_user
    )
    second.loads(5, 10)
    return second


def test_nothing_driven_is_nothing_said(client: Client, session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    closing.load(status=TicketStatus.VOIDED, confirmed_at=None, confirmed_by_id=None)
    assert "What has been delivered" not in page_of(client.in_english(), closing.deal.surplus)


def test_both_sides_see_where_it_went_on_page_and_paper(client: Client, closing: Closing) -> None:
    for user in (closing.giver_user, closing.taker_user, closing.make.user(is_admin=True)):
        client.in_english().log_in_as(user)
        for text in (page_of(client, closing.deal.surplus), paper_of(client, closing.deal.surplus)):
            assert "490 t of it has been delivered, to 1 receiver." in text
            assert "Fyllinga, Bærum" in text
            assert "Grunn og Vei AS" in text
            assert "490 t in 40 loads" in text
            assert "under way" in text


@pytest.mark.parametrize("logged_in", [True, False])
def test_others_see_the_sum_alone(client: Client, closing: Closing, logged_in: bool) -> None:
    client.in_english()
    if logged_in:
        client.log_in_as(closing.make.member())
    for text in (page_of(client, closing.deal.surplus), paper_of(client, closing.deal.surplus)):
        assert "490 t of it has been delivered, to 1 receiver." in text
        assert "known to its two sides only" in text
        assert "Fyllinga" not in text
        assert "Grunn og Vei AS" not in text


def test_a_taker_sees_their_own_deliveries_and_that_there_are_others(client: Client, closing: Closing) -> None:
    second = another_deal(closing)
    page = page_of(client.in_english().log_in_as(second.taker_user), closing.deal.surplus)
    assert "540 t of it has been delivered, to 2 receivers." in page
    assert "Havnelageret" in page
    assert "Fyllinga" not in page
    assert "To whom 1 delivery went" in page


def test_it_says_when_both_have_signed(client: Client, closing: Closing) -> None:
    statement = draw_up(closing.session, closing.giver, deal_id=closing.deal.id, now=NOW)
    sign(closing.session, closing.taker, deal_id=closing.deal.id, statement_id=statement.id, now=NOW)
    page = page_of(client.in_english().log_in_as(closing.giver_user), closing.deal.surplus)
    assert "signed by both" in page


def test_what_goes_on_from_a_hub_is_counted_once_and_known_to_its_own_sides(
    client: Client, session: Session, make: Factory
) -> None:
    hub_owner = make.organisation(name="Mellomlager AS")
    hub = make.facility(hub_owner, name="Lageret på Rud", capacity_t=10_000)
    first = closing_deal(session, make, destination_facility_id=hub.id)
    first.loads(10, 20)
    hub_user = make.member(hub_owner, role=Role.EDITOR)
    onward = make.deal(
        surplus=first.deal.surplus,
        status=first.deal.status,
        mass_t=100,
        giver_organisation_id=hub_owner.id,
        origin_facility_id=hub.id,
        source_deal_id=first.deal.id,
        destination_name="Sluttstedet",
    )
    second = Closing(session=session, make=make, deal=onward, giver_user=hub_user, taker_user=hub_user)
    second.loads(5, 20)
    client.in_english()

    def seen_by(user: User) -> str:
        return page_of(client.log_in_as(user), first.deal.surplus)

    assert "200 t of it has been delivered, to 1 receiver." in seen_by(first.giver_user)
    assert "Sluttstedet" not in seen_by(first.giver_user)
    assert "Sluttstedet, Bærum, by way of Lageret på Rud" in seen_by(hub_user)


def test_the_agreement_and_the_passport_name_the_same_proof(client: Client, closing: Closing) -> None:
    client.in_english().log_in_as(closing.giver_user)
    pdf = client.get(f"/deals/{closing.deal.id}/agreement.pdf").data
    agreement = "".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages).replace(" ", "")
    page = page_of(client, closing.deal.surplus)
    number = page.split('mf-passport__hash">')[-1].split("<")[0]
    assert len(number) == 64
    assert number in agreement.replace("\n", "")
    assert number in paper_of(client, closing.deal.surplus).replace(" ", "")


def test_many_deals_take_as_many_statements_as_one(
    client: Client, closing: Closing, count_queries: QueryCounter
) -> None:
    client.in_english().log_in_as(closing.giver_user)
    page_of(client, closing.deal.surplus)
    with count_queries() as one:
        page_of(client, closing.deal.surplus)
    for _ in range(2):
        another_deal(closing)
    with count_queries() as three:
        page_of(client, closing.deal.surplus)
    assert len(three) == len(one)
