"""The daily mail: one a person and day, with what they have not seen, and never twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.db import make_sessions
from marketplace.mailing import MailRenderer
from marketplace.models import Deal, Notice, NoticeDigest, OutboxMail, User
from marketplace.queries.accounts import actor_of
from marketplace.queries.notices import unread_count
from marketplace.services import notices as services
from marketplace.services.deal_events import DealEvent, tell
from marketplace.services.deal_messages import mark_read
from marketplace.services.notices import mark_all_read, send_daily_mails
from marketplace.types import NoticePace, Side
from tests.conftest import NOW
from tests.factories import Factory

DAY = timedelta(days=1)
BEFORE_SEVEN = datetime(2027, 3, 2, 5, 59, tzinfo=UTC)
"""06:59 in Oslo."""
AT_SEVEN = datetime(2027, 3, 2, 6, 0, tzinfo=UTC)
AT_SEVEN_IN_SUMMER = datetime(2027, 7, 1, 5, 0, tzinfo=UTC)


@pytest.fixture
def reader(make: Factory) -> User:
    return make.member(deal_notices=NoticePace.DAILY)


@pytest.fixture
def deal(make: Factory, reader: User) -> Deal:
    organisation = reader.memberships[0].organisation
    return make.deal(surplus=make.listing(organisation, created_by_id=reader.id))


def mails(session: Session) -> list[OutboxMail]:
    session.expire_all()
    return list(session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def lines_of(mail: OutboxMail) -> list[tuple[str, int]]:
    return [(line["event"], line["times"]) for line in mail.context["lines"]]


@pytest.mark.parametrize(
    ("now", "count"), [(BEFORE_SEVEN, 0), (AT_SEVEN, 1), (AT_SEVEN_IN_SUMMER, 1), (AT_SEVEN + timedelta(hours=9), 1)]
)
def test_it_is_written_from_seven_in_oslo(session: Session, deal: Deal, now: datetime, count: int) -> None:
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    send_daily_mails(session, now=now)
    assert len(mails(session)) == count


def test_nobody_gets_a_mail_about_nothing(session: Session, deal: Deal) -> None:
    send_daily_mails(session, now=AT_SEVEN)
    assert mails(session) == []


def test_a_second_run_finds_nothing_to_do(session: Session, deal: Deal) -> None:
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    for hours in range(5):
        send_daily_mails(session, now=AT_SEVEN + timedelta(hours=hours))
    assert len(mails(session)) == 1


def test_what_happens_after_the_mail_is_in_the_next_days(session: Session, deal: Deal) -> None:
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    send_daily_mails(session, now=AT_SEVEN)
    tell(session, deal, DealEvent.WITHDRAWN, by=Side.TAKER, now=AT_SEVEN)
    send_daily_mails(session, now=AT_SEVEN + timedelta(hours=1))
    send_daily_mails(session, now=AT_SEVEN + DAY)
    assert [lines_of(mail) for mail in mails(session)] == [[("countered", 1)], [("withdrawn", 1)]]


def test_what_was_read_is_not_mailed(session: Session, deal: Deal, reader: User) -> None:
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    mark_all_read(session, actor_of(reader), seen_at=NOW, now=NOW)
    send_daily_mails(session, now=AT_SEVEN)
    assert mails(session) == []


def test_what_came_after_the_page_was_shown_stays_unread(session: Session, deal: Deal, reader: User) -> None:
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    mark_all_read(session, actor_of(reader), seen_at=NOW - timedelta(seconds=1), now=NOW)
    assert unread_count(session, user_id=reader.id) == 1


@pytest.mark.parametrize("trait", ["never", "banned", "unconfirmed"])
def test_who_gets_no_mail(session: Session, deal: Deal, reader: User, trait: str) -> None:
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    match trait:
        case "never":
            reader.deal_notices = NoticePace.NEVER
        case "banned":
            reader.banned_at, reader.ban_reason = NOW, "Søppelpost"
        case "unconfirmed":
            reader.email_confirmed_at = None
    session.flush()
    send_daily_mails(session, now=AT_SEVEN)
    assert mails(session) == []


def test_who_wants_mail_at_once_gets_loads_once_a_day(session: Session, deal: Deal, reader: User) -> None:
    reader.deal_notices = NoticePace.IMMEDIATE
    for _load in range(12):
        tell(session, deal, DealEvent.TICKET_ADDED, by=Side.TAKER, now=NOW)
    tell(session, deal, DealEvent.CANCELLED, by=Side.TAKER, now=NOW)
    send_daily_mails(session, now=AT_SEVEN)
    at_once, daily = mails(session)
    assert at_once.context["event"] == "cancelled"
    assert lines_of(daily) == [("ticket_added", 12)]


def test_messages_of_a_deal_are_one_line(session: Session, deal: Deal) -> None:
    for number in range(3):
        tell(session, deal, DealEvent.DECLINED, by=Side.TAKER, now=NOW, about_id=number)
    send_daily_mails(session, now=AT_SEVEN)
    assert lines_of(mails(session)[0]) == [("declined", 3)]


def test_a_long_day_is_cut_and_says_so(
    app: Flask, session: Session, make: Factory, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_LINES", 2)
    organisation = reader.memberships[0].organisation
    for _deal in range(5):
        deal = make.deal(surplus=make.listing(organisation, created_by_id=reader.id))
        tell(session, deal, DealEvent.REQUESTED, by=Side.TAKER, now=NOW)
    send_daily_mails(session, now=AT_SEVEN)
    mail = mails(session)[0]
    mail.locale = "en"
    body = MailRenderer(app.settings)(mail).body_text  # type: ignore[attr-defined] - set by build_app
    assert body.count("/deals/") == 2
    assert "And 3 things more" in body
    assert session.scalar(select(func.count()).where(Notice.mail_id.is_(None))) == 0


def test_people_are_mailed_in_several_transactions(
    session: Session, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "AT_ONCE", 2)
    for _person in range(3):
        reader = make.member(deal_notices=NoticePace.DAILY)
        deal = make.deal(surplus=make.listing(reader.memberships[0].organisation, created_by_id=reader.id))
        tell(session, deal, DealEvent.REQUESTED, by=Side.TAKER, now=NOW)
    after = send_daily_mails(session, now=AT_SEVEN)
    assert after is not None
    assert len(mails(session)) == 2
    assert send_daily_mails(session, now=AT_SEVEN, after=after) is None
    assert len(mails(session)) == 3


# Crashes and several workers --------------------------------------------------------------------------------------


@pytest.fixture
def shared(committing_engine: Engine) -> int:
    """A deal whose giver's people have something to be told, committed."""
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        reader = make.member(deal_notices=NoticePace.DAILY)
        deal = make.deal(surplus=make.listing(reader.memberships[0].organisation, created_by_id=reader.id))
        tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
        return deal.id


def counts(engine: Engine) -> tuple[int, int, int]:
    """How many mails, daily mails noted and notices told by mail there are."""
    with make_sessions(engine)() as session:
        return (
            session.scalar(select(func.count(OutboxMail.id))) or 0,
            session.scalar(select(func.count(NoticeDigest.day))) or 0,
            session.scalar(select(func.count(Notice.id)).where(Notice.mail_id.is_not(None))) or 0,
        )


class Killed(Exception):
    pass


def test_a_worker_that_dies_before_the_end_leaves_nothing_and_the_next_sends_it(
    committing_engine: Engine, shared: int
) -> None:
    sessions = make_sessions(committing_engine)

    def die() -> None:
        with sessions.begin() as session:
            send_daily_mails(session, now=AT_SEVEN)
            raise Killed

    with pytest.raises(Killed):
        die()
    assert counts(committing_engine) == (0, 0, 0)
    for _run in range(2):
        with sessions.begin() as session:
            send_daily_mails(session, now=AT_SEVEN)
    assert counts(committing_engine) == (1, 1, 1)


def test_several_workers_mail_a_person_once(committing_engine: Engine, shared: int) -> None:
    ready = Barrier(4)

    def work(_number: int) -> None:
        with make_sessions(committing_engine).begin() as session:
            session.scalar(select(func.count(Notice.id)))
            ready.wait(timeout=10)
            send_daily_mails(session, now=AT_SEVEN)

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, range(4)))
    assert counts(committing_engine) == (1, 1, 1)


def test_whose_notices_are_being_written_is_left_for_the_next_hour(committing_engine: Engine, shared: int) -> None:
    sessions = make_sessions(committing_engine)
    with sessions.begin() as writer:
        tell(writer, writer.get_one(Deal, shared), DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
        with sessions.begin() as session:
            send_daily_mails(session, now=AT_SEVEN)  # must not wait for the writer
        assert counts(committing_engine) == (0, 0, 0)
    with sessions.begin() as session:
        send_daily_mails(session, now=AT_SEVEN)
    assert counts(committing_engine) == (1, 1, 1)


def test_whoever_reads_does_not_wait_for_whoever_writes(committing_engine: Engine, shared: int) -> None:
    """Each might hold what the other one needs next."""
    sessions = make_sessions(committing_engine)
    with sessions() as session:
        reader = session.scalars(select(User).join(Notice, Notice.user_id == User.id)).one()
        actor = actor_of(reader)
    with sessions.begin() as writer:
        tell(writer, writer.get_one(Deal, shared), DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
        with sessions.begin() as session:
            mark_all_read(session, actor, seen_at=NOW, now=NOW)
            mark_read(session, actor, deal_id=shared, seen_at=NOW, now=NOW)
    with sessions() as session:
        assert unread_count(session, user_id=reader.id) == 1
