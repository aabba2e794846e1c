"""The messages on a deal's page: writing, reading, older ones, being told."""

from http import HTTPStatus

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.models import Deal, DealFollow, DealMessage, DealReading, Notice, Throttle, User
from marketplace.services.deal_messages import LONGEST
from marketplace.types import Role, Side
from marketplace.web.limits import MESSAGES_BY_ACCOUNT
from marketplace.web.seen import stamp
from tests.conftest import NOW, Client
from tests.factories import Factory

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def giver(make: Factory) -> User:
    return make.member(role=Role.EDITOR, name="Guro Giver")


@pytest.fixture
def deal(make: Factory, giver: User) -> Deal:
    organisation = giver.memberships[0].organisation
    return make.deal(surplus=make.listing(organisation, created_by_id=giver.id))


@pytest.fixture
def visitor(client: Client, giver: User) -> Client:
    return client.log_in_as(giver).in_english()


def written(session: Session, deal: Deal, body: str = "Når kan dere hente?", side: Side = Side.TAKER) -> DealMessage:
    message = DealMessage(deal_id=deal.id, side=side, author_id=deal.created_by_id, body=body, created_at=NOW)
    session.add(message)
    session.flush()
    return message


def test_a_message_is_sent_and_shown(visitor: Client, session: Session, deal: Deal) -> None:
    answer = visitor.post(f"/deals/{deal.id}/messages", data={"body": "Mandag kl. 7"})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert answer.location == f"/deals/{deal.id}#messages"
    assert "Mandag kl. 7" in visitor.get(f"/deals/{deal.id}").text
    assert session.scalar(select(func.count(DealMessage.id))) == 1


@pytest.mark.parametrize("body", ["", "   ", "x" * (LONGEST + 1)])
def test_what_is_refused_stays_typed_on_the_page_of_the_deal(visitor: Client, deal: Deal, body: str) -> None:
    answer = visitor.post(f"/deals/{deal.id}/messages", data={"body": body})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'href="#body"' in answer.text
    assert body.strip() in answer.text


def test_markup_in_a_message_is_text(visitor: Client, session: Session, deal: Deal) -> None:
    written(session, deal, "<script>alert(1)</script>")
    page = visitor.get(f"/deals/{deal.id}").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_what_is_new_is_marked_until_it_was_read(visitor: Client, session: Session, deal: Deal) -> None:
    written(session, deal)
    page = visitor.get(f"/deals/{deal.id}").text
    assert "mf-message--new" in page
    assert "1 new" in page
    visitor.post(f"/deals/{deal.id}/read", data={"seen": stamp(NOW)})
    page = visitor.get(f"/deals/{deal.id}").text
    assert "mf-message--new" not in page
    assert "data-mf-seen" not in page


def test_looking_at_a_page_writes_nothing(visitor: Client, session: Session, deal: Deal) -> None:
    written(session, deal)
    visitor.get(f"/deals/{deal.id}")
    assert session.scalar(select(func.count()).select_from(DealReading)) == 0


def test_whoever_answers_has_read_what_the_page_showed(visitor: Client, session: Session, deal: Deal) -> None:
    written(session, deal)
    visitor.post(f"/deals/{deal.id}/messages", data={"body": "Mandag", "seen": stamp(NOW)})
    assert "mf-message--new" not in visitor.get(f"/deals/{deal.id}").text


@pytest.mark.parametrize("seen", ["", "x", "-1", "9" * 40, "٣", "99999999999999999"])
def test_an_unreadable_moment_is_now(visitor: Client, session: Session, deal: Deal, seen: str) -> None:
    assert visitor.post(f"/deals/{deal.id}/read", data={"seen": seen}).status_code == HTTPStatus.SEE_OTHER
    assert session.scalars(select(DealReading.read_at)).one() == NOW


def test_older_messages_are_on_pages_of_their_own(visitor: Client, session: Session, deal: Deal) -> None:
    for number in range(52):
        written(session, deal, f"melding nr. {number}.")
    page = visitor.get(f"/deals/{deal.id}").text
    assert "melding nr. 51." in page
    assert "melding nr. 1." not in page
    first = visitor.get(f"/deals/{deal.id}/messages").text
    older = first.split('rel="prev" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "melding nr. 1." in visitor.get(older).text


def test_a_page_asks_the_same_for_one_message_and_for_many(
    visitor: Client, session: Session, deal: Deal, count_queries: object
) -> None:
    written(session, deal)
    visitor.get(f"/deals/{deal.id}/messages")
    with count_queries() as one:  # type: ignore[operator]
        visitor.get(f"/deals/{deal.id}/messages")
    for number in range(5):
        written(session, deal, f"{number}")
    with count_queries() as many:  # type: ignore[operator]
        visitor.get(f"/deals/{deal.id}/messages")
    assert len(many) == len(one)


def test_people_stop_being_told_and_begin_again(visitor: Client, session: Session, deal: Deal) -> None:
    assert "Stop telling me" in visitor.get(f"/deals/{deal.id}").text
    visitor.post(f"/deals/{deal.id}/follow", data={"follow": "no"})
    assert session.scalars(select(DealFollow.is_following)).one() is False
    assert "Tell me" in visitor.get(f"/deals/{deal.id}").text


def test_a_viewer_reads_and_does_not_write(client: Client, make: Factory, session: Session, deal: Deal) -> None:
    written(session, deal)
    viewer = client.log_in_as(make.member(deal.giver_organisation, role=Role.VIEWER)).in_english()
    page = viewer.get(f"/deals/{deal.id}").text
    assert "Når kan dere hente?" in page
    assert f'/deals/{deal.id}/messages"' not in page
    assert viewer.post(f"/deals/{deal.id}/messages", data={"body": "Hei"}).status_code == HTTPStatus.FORBIDDEN


def test_a_flood_is_held_back_and_keeps_what_was_typed(visitor: Client, session: Session, deal: Deal) -> None:
    visitor.post(f"/deals/{deal.id}/messages", data={"body": "Den første"})
    counter = session.scalars(select(Throttle).where(Throttle.key.startswith(MESSAGES_BY_ACCOUNT.name))).one()
    counter.hits = MESSAGES_BY_ACCOUNT.attempts
    session.flush()
    answer = visitor.post(f"/deals/{deal.id}/messages", data={"body": "En til"})
    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert "En til" in answer.text
    assert session.scalar(select(func.count(DealMessage.id))) == 1


def test_the_menu_says_how_much_is_new(visitor: Client, session: Session, deal: Deal, giver: User) -> None:
    event = {"event": "countered", "by": Side.TAKER, "first_at": NOW, "last_at": NOW}
    session.add(Notice(user_id=giver.id, deal_id=deal.id, **event))
    session.flush()
    assert "Notices (1)" in visitor.get("/about").text
    visitor.post(f"/deals/{deal.id}/read", data={"seen": stamp(NOW)})
    assert "Notices (1)" not in visitor.get("/about").text
