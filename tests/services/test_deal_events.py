"""Who is told of what befalls a deal, how often, and by what mail."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.deal_event_words import EVENT_WORDS
from marketplace.mailing import MailRenderer
from marketplace.models import Deal, DealFollow, DealMessage, Notice, OutboxMail, User
from marketplace.services.deal_events import NEVER_AT_ONCE, DealEvent, followers, tell
from marketplace.types import DealStatus, NoticePace, PriceKind, Role, Side, TicketStatus
from tests.conftest import NOW
from tests.factories import Factory


@pytest.fixture
def poster(make: Factory) -> User:
    """Who put up the lot that the deal is about."""
    return make.member(role=Role.EDITOR)


@pytest.fixture
def deal(make: Factory, poster: User) -> Deal:
    giver = poster.memberships[0].organisation
    return make.deal(surplus=make.listing(giver, created_by_id=poster.id), status=DealStatus.AGREED)


def notices(session: Session, user: User | None = None) -> list[Notice]:
    session.expire_all()
    query = select(Notice).order_by(Notice.id)
    return list(session.scalars(query if user is None else query.where(Notice.user_id == user.id)))


def mails(session: Session) -> list[OutboxMail]:
    return list(session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def told_of(session: Session, deal: Deal, side: Side) -> set[str]:
    return {user.name for user in followers(session, deal, side=side)}


def test_the_other_side_is_told_and_ones_own_is_not(session: Session, deal: Deal, poster: User) -> None:
    assert tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW) == 1
    assert [notice.user_id for notice in notices(session)] == [poster.id]
    assert [mail.recipient for mail in mails(session)] == [poster.email]


def test_both_sides_are_told_of_what_happens_by_itself(session: Session, deal: Deal, poster: User) -> None:
    assert tell(session, deal, DealEvent.EXPIRED, by=None, now=NOW) == 2
    assert {notice.user_id for notice in notices(session)} == {poster.id, deal.created_by_id}


def test_the_mail_and_the_notice_come_together(session: Session, deal: Deal) -> None:
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    assert [notice.mail_id for notice in notices(session)] == [mail.id for mail in mails(session)]


def test_what_is_rolled_back_was_told_to_nobody(session: Session, deal: Deal) -> None:
    attempt = session.begin_nested()
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    attempt.rollback()
    assert (notices(session), mails(session)) == ([], [])


@pytest.mark.parametrize("pace", [NoticePace.DAILY, NoticePace.NEVER])
def test_only_whoever_wants_it_at_once_is_mailed_at_once(
    session: Session, deal: Deal, poster: User, pace: NoticePace
) -> None:
    poster.deal_notices = pace
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    assert [notice.mail_id for notice in notices(session)] == [None]
    assert mails(session) == []


@pytest.mark.parametrize("event", sorted(NEVER_AT_ONCE))
def test_what_comes_by_the_dozen_waits_and_is_counted(session: Session, deal: Deal, event: DealEvent) -> None:
    for _load in range(3):
        tell(session, deal, event, by=Side.TAKER, now=NOW)
    assert mails(session) == []
    assert [notice.times for notice in notices(session)] == [3]


def test_one_thing_is_told_of_once(session: Session, deal: Deal) -> None:
    for _time in range(3):
        tell(session, deal, DealEvent.STATEMENT_DRAWN_UP, by=Side.TAKER, now=NOW, about_id=7)
    tell(session, deal, DealEvent.STATEMENT_DRAWN_UP, by=Side.TAKER, now=NOW, about_id=8)
    assert [notice.about_id for notice in notices(session)] == [7, 8]
    assert len(mails(session)) == 2


def test_what_was_mailed_or_read_is_not_counted_up(session: Session, deal: Deal, poster: User) -> None:
    poster.deal_notices = NoticePace.DAILY
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    notices(session)[0].read_at = NOW
    tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW)
    assert [notice.times for notice in notices(session)] == [1, 1]


def test_owners_are_told_where_nobody_has_to_do_with_it(session: Session, make: Factory, deal: Deal) -> None:
    stranger = make.listing()
    owner = make.member(stranger.organisation)
    make.member(stranger.organisation, role=Role.EDITOR)
    other = make.deal(surplus=stranger)
    assert told_of(session, other, Side.GIVER) == {owner.name}


def test_whoever_wrote_or_offered_is_told(session: Session, make: Factory, deal: Deal, poster: User) -> None:
    writer, maker, silent = (make.member(deal.giver_organisation, role=Role.EDITOR) for _each in range(3))
    session.add(DealMessage(deal_id=deal.id, side=Side.GIVER, author_id=writer.id, body="Hei"))
    deal.offers[0].answered_by_id = maker.id
    session.flush()
    assert told_of(session, deal, Side.GIVER) == {poster.name, writer.name, maker.name}
    assert silent.name not in told_of(session, deal, Side.GIVER)


def test_ones_own_word_goes_first(session: Session, make: Factory, deal: Deal, poster: User) -> None:
    colleague = make.member(deal.giver_organisation, role=Role.EDITOR)
    session.add_all(
        [
            DealFollow(deal_id=deal.id, user_id=poster.id, is_following=False),
            DealFollow(deal_id=deal.id, user_id=colleague.id, is_following=True),
        ]
    )
    session.flush()
    assert told_of(session, deal, Side.GIVER) == {colleague.name}


def test_an_owner_who_said_no_is_not_told_for_want_of_others(
    session: Session, make: Factory, deal: Deal, poster: User
) -> None:
    owner = make.member(deal.giver_organisation)
    for user in (poster, owner):
        session.add(DealFollow(deal_id=deal.id, user_id=user.id, is_following=False))
    session.flush()
    assert told_of(session, deal, Side.GIVER) == set()
    assert tell(session, deal, DealEvent.COUNTERED, by=Side.TAKER, now=NOW) == 0


@pytest.mark.parametrize("trait", ["viewer", "unconfirmed", "banned", "gone"])
def test_whoever_may_not_act_is_not_told(session: Session, deal: Deal, poster: User, trait: str) -> None:
    match trait:
        case "viewer":
            poster.memberships[0].role = Role.VIEWER
        case "unconfirmed":
            poster.email_confirmed_at = None
        case "banned":
            poster.banned_at, poster.ban_reason = NOW, "Søppelpost"
        case "gone":
            session.delete(poster.memberships[0])
    session.flush()
    assert told_of(session, deal, Side.GIVER) == set()


# Mails ------------------------------------------------------------------------------------------------------------


def rendered(app: Flask, mail: OutboxMail) -> tuple[str, str]:
    found = MailRenderer(app.settings)(mail)  # type: ignore[attr-defined] - set by build_app
    return found.subject, found.body_text


@pytest.mark.parametrize("locale", ["nb", "en"])
@pytest.mark.parametrize("event", list(DealEvent))
def test_every_event_has_a_mail_in_every_language(
    app: Flask, deal: Deal, poster: User, event: DealEvent, locale: str
) -> None:
    context = {
        "name": poster.name,
        "path": f"/deals/{deal.id}",
        "event": event.value,
        "by": "giver",
        "other": "Fyllinga AS",
        "material": "leire",
        "lines": [],
    }
    mail = OutboxMail(recipient=poster.email, template="deal_notice", locale=locale, context=context)
    subject, body = rendered(app, mail)
    assert event in EVENT_WORDS
    assert "leire" in subject
    assert "%(" not in subject + body
    assert f"/deals/{deal.id}" in body


@pytest.mark.parametrize(("by", "said"), [(Side.TAKER, "has withdrawn"), (None, "has come to nothing")])
def test_nobody_is_said_to_have_done_what_happened_by_itself(
    app: Flask, session: Session, deal: Deal, poster: User, by: Side | None, said: str
) -> None:
    poster.locale = "en"
    tell(session, deal, DealEvent.WITHDRAWN, by=by, now=NOW)
    mail = next(mail for mail in mails(session) if mail.recipient == poster.email)
    assert said in rendered(app, mail)[0]


def test_a_message_stands_in_its_mail_and_cannot_pose_as_ours(app: Flask, session: Session, deal: Deal) -> None:
    body = "Hei\n\nSe det her: \nhttps://elsewhere.example"
    message = DealMessage(deal_id=deal.id, side=Side.TAKER, author_id=deal.created_by_id, body=body)
    session.add(message)
    session.flush()
    tell(session, deal, DealEvent.MESSAGE, by=Side.TAKER, now=NOW, about_id=message.id)
    subject, text = rendered(app, mails(session)[0])
    assert deal.taker_organisation.name in subject
    assert "> Hei\n>\n> Se det her:\n> https://elsewhere.example\n" in text.replace("> \n", ">\n")


def english_mail(app: Flask, session: Session, poster: User) -> tuple[str, str]:
    mail = next(mail for mail in mails(session) if mail.recipient == poster.email)
    mail.locale = "en"
    return rendered(app, mail)


@pytest.mark.parametrize("event", [DealEvent.REQUESTED, DealEvent.COUNTERED, DealEvent.AMENDMENT_PROPOSED])
def test_the_mail_of_an_offer_says_what_is_offered(
    app: Flask, session: Session, make: Factory, poster: User, event: DealEvent
) -> None:
    surplus = make.listing(poster.memberships[0].organisation, created_by_id=poster.id)
    deal = make.deal(surplus=surplus, mass_t=Decimal("750.64"))
    offer = deal.offers[0]
    offer.price_kind, offer.price_nok_per_t = PriceKind.TAKER_PAYS, Decimal("45.50")
    offer.starts_on, offer.ends_on = date(2026, 10, 1), date(2026, 10, 31)
    offer.expires_at = datetime(2026, 9, 20, 12, tzinfo=UTC)
    tell(session, deal, event, by=Side.TAKER, now=NOW)
    _subject, text = english_mail(app, session, poster)
    assert "Quantity: 750.64 t\n" in text
    assert "Period: 1 October 2026 to 31 October 2026\n" in text
    assert "Price: the taker pays 45.5 kr/t\n" in text
    assert "It stands until 20 September 2026.\n" in text
    assert "See it and answer here:" in text


def test_the_mail_of_a_dispute_says_which_load_and_why(
    app: Flask, session: Session, deal: Deal, poster: User, make: Factory
) -> None:
    ticket = make.ticket(deal, number="V-17", mass_t=Decimal("31.64"), status=TicketStatus.DISPUTED)
    ticket.dispute_reason = "Weighed twice"
    session.flush()
    tell(session, deal, DealEvent.TICKET_DISPUTED, by=Side.TAKER, now=NOW, about_id=ticket.id)
    _subject, text = english_mail(app, session, poster)
    assert "Ticket V-17: 31.64 t\n" in text
    assert "> Weighed twice\n" in text
    assert f"/deals/{deal.id}/tickets/{ticket.id}\n" in text


@pytest.mark.parametrize(
    ("event", "said", "path"),
    [
        (DealEvent.ACCEPTED, "See the deal:", ""),
        (DealEvent.DECLINED, "See the deal:", ""),
        (DealEvent.COMPLETED, "See the statement that both have signed:", "/statement"),
        (DealEvent.STATEMENT_DRAWN_UP, "Read it, and sign it or send it back, here:", "/statement"),
    ],
)
def test_no_mail_asks_for_an_answer_where_there_is_none_to_give(
    app: Flask, session: Session, deal: Deal, poster: User, event: DealEvent, said: str, path: str
) -> None:
    tell(session, deal, event, by=Side.TAKER, now=NOW)
    _subject, text = english_mail(app, session, poster)
    assert f"{said}\n" in text
    assert f"/deals/{deal.id}{path}\n" in text
    assert "answer here" not in text


def test_what_somebody_waits_for_is_told_at_once(session: Session, deal: Deal) -> None:
    tell(session, deal, DealEvent.TICKET_CORRECTED, by=Side.TAKER, now=NOW, at_once=True)
    assert len(mails(session)) == 1
