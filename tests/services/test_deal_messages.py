"""What people write in a deal, how far each has read, and whether they are told."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.errors import Forbidden, InvalidInput, NotFound
from marketplace.models import Deal, DealMessage, Notice, User
from marketplace.queries.accounts import actor_of
from marketplace.queries.deal_messages import AT_ONCE, Correspondence, correspondence
from marketplace.queries.paging import Cursor
from marketplace.services.deal_events import followers
from marketplace.services.deal_messages import LONGEST, SENT_TWICE, follow, mark_read, send_message
from marketplace.types import DealStatus, Role, Side
from tests.conftest import NOW
from tests.factories import Factory

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def giver(make: Factory) -> User:
    return make.member(role=Role.EDITOR)


@pytest.fixture
def deal(make: Factory, giver: User) -> Deal:
    organisation = giver.memberships[0].organisation
    return make.deal(surplus=make.listing(organisation, created_by_id=giver.id))


@pytest.fixture
def taker(session: Session, deal: Deal) -> User:
    return session.get_one(User, deal.created_by_id)


def send(session: Session, user: User, deal: Deal, body: str = "Hei", **values: object) -> DealMessage:
    now = values.pop("now", NOW)
    return send_message(session, actor_of(user), deal_id=deal.id, body=body, now=now)  # type: ignore[arg-type]


def read_by(session: Session, user: User, deal: Deal, side: Side) -> Correspondence:
    return correspondence(session, deal_id=deal.id, user_id=user.id, side=side, cursor=Cursor())


def test_a_message_is_of_the_side_of_who_wrote_it(session: Session, deal: Deal, giver: User, taker: User) -> None:
    assert send(session, giver, deal).side is Side.GIVER
    assert send(session, taker, deal).side is Side.TAKER


def test_a_message_touches_the_deal(session: Session, deal: Deal, giver: User) -> None:
    send(session, giver, deal, now=LATER)
    assert deal.touched_at == LATER


def test_the_other_side_is_told_of_each_message_once(session: Session, deal: Deal, giver: User, taker: User) -> None:
    first = send(session, giver, deal)
    send(session, giver, deal)
    second = send(session, giver, deal, "Hei igjen")
    told = session.execute(select(Notice.user_id, Notice.about_id).order_by(Notice.id)).all()
    assert told == [(taker.id, first.id), (taker.id, second.id)]


def test_the_same_words_are_a_message_of_their_own_later(session: Session, deal: Deal, giver: User) -> None:
    first = send(session, giver, deal)
    assert send(session, giver, deal, now=NOW + SENT_TWICE / 2).id == first.id
    assert send(session, giver, deal, now=NOW + SENT_TWICE * 2).id != first.id


@pytest.mark.parametrize("body", ["", "  \n\t", "\u3164", "x" * (LONGEST + 1)])
def test_what_is_no_message(session: Session, deal: Deal, giver: User, body: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        send(session, giver, deal, body)
    assert refused.value.errors[0].field == "body"
    assert session.scalar(select(func.count(DealMessage.id))) == 0


def test_who_cannot_write(session: Session, make: Factory, deal: Deal) -> None:
    viewer = make.member(deal.giver_organisation, role=Role.VIEWER)
    unconfirmed = make.member(deal.giver_organisation, confirmed=False)
    for user in (viewer, unconfirmed, make.member()):
        with pytest.raises(Forbidden):
            send(session, user, deal)
    with pytest.raises(NotFound):
        send_message(session, actor_of(viewer), deal_id=2**62, body="Hei", now=NOW)


@pytest.mark.parametrize("status", list(DealStatus))
def test_people_can_write_whatever_became_of_the_deal(session: Session, make: Factory, status: DealStatus) -> None:
    deal = make.deal(status=status)
    assert send(session, session.get_one(User, deal.created_by_id), deal).id


def test_unread_is_what_the_other_side_wrote_since_one_read(
    session: Session, deal: Deal, giver: User, taker: User
) -> None:
    send(session, giver, deal, "Når?")
    send(session, taker, deal, "Nå")
    assert read_by(session, taker, deal, Side.TAKER).unread == 1
    mark_read(session, actor_of(taker), deal_id=deal.id, seen_at=NOW, now=NOW)
    send(session, giver, deal, "Takk", now=LATER)
    found = read_by(session, taker, deal, Side.TAKER)
    assert (found.unread, found.has_notices) == (1, True)
    mark_read(session, actor_of(taker), deal_id=deal.id, seen_at=LATER, now=LATER)
    found = read_by(session, taker, deal, Side.TAKER)
    assert (found.unread, found.has_notices) == (0, False)


def test_each_person_has_read_for_themselves(session: Session, make: Factory, deal: Deal, giver: User) -> None:
    colleagues = [make.member(deal.taker_organisation, role=Role.EDITOR) for _each in range(2)]
    send(session, giver, deal)
    mark_read(session, actor_of(colleagues[0]), deal_id=deal.id, seen_at=NOW, now=NOW)
    assert [read_by(session, each, deal, Side.TAKER).unread for each in colleagues] == [0, 1]


def test_reading_never_goes_backwards_nor_ahead_of_now(session: Session, deal: Deal, taker: User) -> None:
    actor = actor_of(taker)
    for seen in (NOW + timedelta(days=9), NOW - timedelta(days=1)):
        mark_read(session, actor, deal_id=deal.id, seen_at=seen, now=NOW)
        assert read_by(session, taker, deal, Side.TAKER).read_at == NOW


def test_the_newest_messages_come_first_in_their_order(session: Session, deal: Deal, giver: User) -> None:
    for number in range(AT_ONCE + 5):
        session.add(DealMessage(deal_id=deal.id, side=Side.GIVER, author_id=giver.id, body=str(number)))
        session.flush()
    found = read_by(session, giver, deal, Side.GIVER)
    assert [each.body for each in found.messages] == [str(number) for number in range(5, AT_ONCE + 5)]
    assert found.page.older is not None
    older = correspondence(session, deal_id=deal.id, user_id=giver.id, side=Side.GIVER, cursor=found.page.older)
    assert [each.body for each in older.messages] == ["0", "1", "2", "3", "4"]


def test_people_say_themselves_whether_they_are_told(session: Session, deal: Deal, giver: User) -> None:
    for is_following in (False, True, False):
        follow(session, actor_of(giver), deal=deal, is_following=is_following)
        assert (giver in followers(session, deal, side=Side.GIVER)) is is_following


def test_whoever_acts_for_neither_side_follows_nothing(session: Session, make: Factory, deal: Deal) -> None:
    with pytest.raises(Forbidden):
        follow(session, make.actor(), deal=deal, is_following=True)
