"""What a person was told of, on a page, and how they choose to be mailed."""

from http import HTTPStatus

import pytest
from sqlalchemy.orm import Session

from marketplace.models import Notice, User
from marketplace.types import DealEvent, NoticePace, Side
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def reader(make: Factory) -> User:
    return make.member()


@pytest.fixture
def visitor(client: Client, reader: User) -> Client:
    return client.log_in_as(reader).in_english()


def told(session: Session, make: Factory, reader: User, event: DealEvent, *, times: int = 1) -> Notice:
    deal = make.deal(surplus=make.listing(reader.memberships[0].organisation))
    moments = {"first_at": NOW, "last_at": NOW}
    notice = Notice(user_id=reader.id, deal_id=deal.id, event=event, by=Side.TAKER, times=times, **moments)
    session.add(notice)
    session.flush()
    return notice


@pytest.mark.parametrize("event", [event for event in DealEvent if event is not DealEvent.ENQUIRY])
def test_every_event_has_its_sentence(
    visitor: Client, session: Session, make: Factory, reader: User, event: DealEvent
) -> None:
    notice = told(session, make, reader, event, times=3)
    page = visitor.get("/notices").text
    line = page.split(f'href="/deals/{notice.deal_id}">')[1].split("</a>")[0]
    assert "%(" not in line
    assert "3" in line
    assert notice.deal is not None
    assert notice.deal.taker_organisation.name in line or event is DealEvent.STATEMENT_VOIDED


def test_the_taker_reads_of_the_giver(client: Client, session: Session, make: Factory) -> None:
    deal = make.deal()
    taker = session.get_one(User, deal.created_by_id)
    session.add(Notice(user_id=taker.id, deal_id=deal.id, event=DealEvent.DECLINED, first_at=NOW, last_at=NOW))
    session.flush()
    assert deal.giver_organisation.name in client.log_in_as(taker).in_english().get("/notices").text


def test_an_enquiry_is_told_of_by_the_visitors_name(
    visitor: Client, session: Session, make: Factory, reader: User
) -> None:
    enquiry = make.enquiry(make.listing(reader.memberships[0].organisation), name="Ola Nordmann")
    about = enquiry.messages[0].id
    moments = {"first_at": NOW, "last_at": NOW}
    session.add(Notice(user_id=reader.id, enquiry_id=enquiry.id, event=DealEvent.ENQUIRY, about_id=about, **moments))
    session.flush()
    page = visitor.get("/notices").text
    assert "Ola Nordmann asks about your listing" in page
    assert f'href="/enquiries/{enquiry.id}"' in page


def test_all_can_be_marked_as_read(visitor: Client, session: Session, make: Factory, reader: User) -> None:
    told(session, make, reader, DealEvent.REQUESTED)
    assert "Mark all as read" in visitor.get("/notices").text
    assert visitor.post("/notices/read").status_code == HTTPStatus.SEE_OTHER
    page = visitor.get("/notices").text
    assert "Mark all as read" not in page
    assert "asks for your masses" in page


def test_nobody_reads_what_others_were_told(client: Client, session: Session, make: Factory, reader: User) -> None:
    told(session, make, reader, DealEvent.REQUESTED)
    colleague = make.member(reader.memberships[0].organisation)
    assert "Nothing has happened yet" in client.log_in_as(colleague).in_english().get("/notices").text


def test_the_page_asks_the_same_for_one_and_for_several(
    visitor: Client, session: Session, make: Factory, reader: User, count_queries: QueryCounter
) -> None:
    told(session, make, reader, DealEvent.REQUESTED)
    visitor.get("/notices")
    with count_queries() as one:
        visitor.get("/notices")
    for _notice in range(3):
        told(session, make, reader, DealEvent.COUNTERED)
    with count_queries() as several:
        visitor.get("/notices")
    assert len(several) == len(one)


@pytest.mark.parametrize("pace", list(NoticePace))
def test_people_choose_when_they_get_mail(visitor: Client, session: Session, reader: User, pace: NoticePace) -> None:
    assert visitor.post("/account/notices", data={"pace": pace.value}).status_code == HTTPStatus.SEE_OTHER
    session.expire_all()
    assert reader.deal_notices is pace
    assert f'value="{pace.value}" checked' in visitor.get("/account/notices").text


@pytest.mark.parametrize("pace", ["", "hourly"])
def test_a_pace_that_there_is_not(visitor: Client, session: Session, reader: User, pace: str) -> None:
    answer = visitor.post("/account/notices", data={"pace": pace})
    session.expire_all()
    assert (answer.status_code, reader.deal_notices) == (HTTPStatus.UNPROCESSABLE_ENTITY, NoticePace.IMMEDIATE)
