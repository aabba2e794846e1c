"""What visitors ask: nobody is told before the address is confirmed, and nobody's address is told at all."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from marketplace.mailing import MailRenderer
from marketplace.models import Enquiry, EnquiryMessage, Listing, Notice, OutboxMail, User
from marketplace.queries.accounts import actor_of
from marketplace.queries.enquiries import count_waiting, is_unread
from marketplace.services import enquiries as services
from marketplace.services import enquiry_answers as answers
from marketplace.services.enquiries import CONFIRMED_WITHIN, KEPT_FOR, LONGEST, MOST_UNANSWERED, token_of
from marketplace.services.links import DeadLink, LinkSigner
from marketplace.types import EnquiryStatus, ListingStatus, NoticePace, PausedReason, Role
from tests.conftest import NOW
from tests.factories import Factory

SIGNER = LinkSigner("k" * 40)
VISITOR = "ola@visitor.example"
QUESTION = "Kan vi hente 200 t i mai?"


@pytest.fixture
def owner(make: Factory) -> User:
    return make.member(email="owner@owner.example")


@pytest.fixture
def listing(make: Factory, owner: User) -> Listing:
    return make.listing(owner.memberships[0].organisation, created_by_id=owner.id)


def ask(session: Session, listing: Listing, **values: str) -> None:
    given = {"name": "Ola Nordmann", "firm": "Ola Graving", "email": VISITOR, "body": QUESTION, **values}
    services.ask(session, listing=listing, locale="nb", signer=SIGNER, now=NOW, **given)
    session.expire_all()


def only_enquiry(session: Session) -> Enquiry:
    return session.scalars(select(Enquiry)).one()


def link(session: Session) -> str:
    return token_of(only_enquiry(session), signer=SIGNER)


def confirmed(session: Session, listing: Listing, **values: str) -> Enquiry:
    ask(session, listing, **values)
    enquiry = session.scalars(select(Enquiry).order_by(Enquiry.id.desc())).first()
    assert enquiry is not None
    return services.confirm(session, token=token_of(enquiry, signer=SIGNER), signer=SIGNER, now=NOW)


def mails(session: Session) -> list[OutboxMail]:
    return list(session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def told(session: Session) -> list[int]:
    return list(session.scalars(select(Notice.user_id).order_by(Notice.id)))


# Asking -----------------------------------------------------------------------------------------------------------


def test_nobody_is_told_before_the_address_is_confirmed(session: Session, listing: Listing) -> None:
    ask(session, listing)
    assert told(session) == []
    assert [(mail.recipient, mail.template) for mail in mails(session)] == [(VISITOR, "enquiry_confirm")]
    assert only_enquiry(session).status is EnquiryStatus.UNCONFIRMED


@pytest.mark.parametrize("locale", ["nb", "en"])
def test_the_mail_with_the_link_holds_nothing_that_was_typed(
    app: Flask, session: Session, listing: Listing, locale: str
) -> None:
    """Else anybody could have us write to somebody else."""
    ask(session, listing, name="Billig lån", firm="Kredittfirma", body="Ring 22 00 00 00")
    mail = mails(session)[0]
    mail.locale = locale
    rendered = MailRenderer(app.settings)(mail)  # type: ignore[attr-defined] - set by build_app
    text = rendered.subject + rendered.body_text
    assert not any(typed in text for typed in ("Billig", "Kreditt", "22 00 00 00"))
    assert f"/enquiries/with/{link(session)}" in text


def test_confirming_sends_it_to_who_looks_after_the_listing(session: Session, listing: Listing, owner: User) -> None:
    enquiry = confirmed(session, listing)
    assert enquiry.status is EnquiryStatus.OPEN
    assert told(session) == [owner.id]
    assert [mail.recipient for mail in mails(session)] == [VISITOR, owner.email]


def test_confirming_twice_tells_once(session: Session, listing: Listing) -> None:
    confirmed(session, listing)
    services.confirm(session, token=link(session), signer=SIGNER, now=NOW)
    assert len(told(session)) == 1
    assert len(mails(session)) == 2


def test_asking_again_before_confirming_replaces_the_question_and_kills_the_link(
    session: Session, listing: Listing
) -> None:
    ask(session, listing)
    old = link(session)
    ask(session, listing, email=VISITOR.upper(), body="Eller i juni?")
    with pytest.raises(DeadLink):
        services.confirm(session, token=old, signer=SIGNER, now=NOW)
    services.confirm(session, token=link(session), signer=SIGNER, now=NOW)
    assert list(session.scalars(select(EnquiryMessage.body))) == ["Eller i juni?"]


@pytest.mark.parametrize("spoil", [lambda token: token[:-3], lambda token: "x" + token, lambda _token: "x" * 5000])
def test_a_forged_link_opens_nothing(session: Session, listing: Listing, spoil: object) -> None:
    ask(session, listing)
    with pytest.raises(DeadLink):
        services.enquiry_of_link(session, token=spoil(link(session)), signer=SIGNER, now=NOW)  # type: ignore[operator]


def test_a_link_that_was_not_opened_in_time_is_dead(session: Session, listing: Listing) -> None:
    ask(session, listing)
    late = NOW + CONFIRMED_WITHIN + timedelta(seconds=1)
    with pytest.raises(DeadLink):
        services.confirm(session, token=link(session), signer=SIGNER, now=late)


def test_a_link_holds_on_once_it_was_confirmed(session: Session, listing: Listing) -> None:
    confirmed(session, listing)
    late = NOW + timedelta(days=100)
    assert services.enquiry_of_link(session, token=link(session), signer=SIGNER, now=late).messages


def test_nothing_is_sent_about_a_listing_that_was_taken_down(session: Session, listing: Listing) -> None:
    ask(session, listing)
    listing.status, listing.paused_reason = ListingStatus.PAUSED, PausedReason.OWNER
    session.flush()
    with pytest.raises(Conflict):
        services.confirm(session, token=link(session), signer=SIGNER, now=NOW)
    with pytest.raises(Conflict):
        ask(session, listing)
    assert told(session) == []


@pytest.mark.parametrize(
    "body",
    ["", " \n ", "x" * (LONGEST + 1), "http://a.no https://b.no www.c.no"],
    ids=["none", "blank", "long", "links"],
)
def test_what_cannot_be_asked(session: Session, listing: Listing, body: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(session, listing, body=body)
    assert refused.value.errors[0].field == "body"


def test_an_account_with_the_address_changes_nothing_that_the_visitor_sees(
    session: Session, make: Factory, listing: Listing
) -> None:
    make.user(email=VISITOR)
    ask(session, listing)
    assert [mail.template for mail in mails(session)] == ["enquiry_confirm"]


def test_a_banned_person_is_not_heard(session: Session, make: Factory, listing: Listing) -> None:
    make.user(email=VISITOR, banned_at=NOW, ban_reason="Søppelpost")
    with pytest.raises(Conflict):
        confirmed(session, listing)
    assert told(session) == []


def test_whoever_is_logged_in_is_heard_at_once(session: Session, make: Factory, listing: Listing, owner: User) -> None:
    asker = make.member(email=VISITOR)
    services.ask_as_member(session, actor_of(asker), listing=listing, body=QUESTION, now=NOW)
    enquiry = only_enquiry(session)
    assert (enquiry.status, enquiry.name) == (EnquiryStatus.OPEN, asker.name)
    assert told(session) == [owner.id]


def test_nobody_asks_themselves(session: Session, make: Factory, listing: Listing, owner: User) -> None:
    with pytest.raises(Conflict):
        services.ask_as_member(session, actor_of(owner), listing=listing, body=QUESTION, now=NOW)
    with pytest.raises(Forbidden):
        services.ask_as_member(session, actor_of(make.member(confirmed=False)), listing=listing, body="Hei", now=NOW)


# Answering --------------------------------------------------------------------------------------------------------


def answer(session: Session, user: User, enquiry: Enquiry, body: str = "Ja, gjerne.") -> None:
    answers.answer(session, actor_of(user), enquiry_id=enquiry.id, body=body, signer=SIGNER, now=NOW)


def test_the_answer_is_mailed_to_the_visitor_once(session: Session, listing: Listing, owner: User) -> None:
    enquiry = confirmed(session, listing)
    for _press in range(2):
        answer(session, owner, enquiry)
    answered = [mail for mail in mails(session) if mail.template == "enquiry_answer"]
    assert [mail.recipient for mail in answered] == [VISITOR]
    assert enquiry.is_answered


@pytest.mark.parametrize("locale", ["nb", "en"])
@pytest.mark.parametrize("template", ["enquiry_answer", "enquiry_invited"])
def test_the_visitor_learns_the_organisation_and_of_its_people_nothing(
    app: Flask, session: Session, listing: Listing, owner: User, template: str, locale: str
) -> None:
    enquiry = confirmed(session, listing)
    answer(session, owner, enquiry)
    answers.invite(session, actor_of(owner), enquiry_id=enquiry.id, signer=SIGNER, now=NOW)
    mail = next(mail for mail in mails(session) if mail.template == template)
    mail.locale = locale
    rendered = MailRenderer(app.settings)(mail)  # type: ignore[attr-defined] - set by build_app
    text = rendered.subject + rendered.body_text
    assert listing.organisation.name in text
    assert "/signup" in text
    assert not any(secret in text for secret in (owner.name, owner.email, VISITOR))


def test_the_owner_learns_the_name_and_not_the_address(app: Flask, session: Session, listing: Listing) -> None:
    confirmed(session, listing)
    rendered = MailRenderer(app.settings)(mails(session)[1])  # type: ignore[attr-defined] - set by build_app
    text = rendered.subject + rendered.body_text
    assert "Ola Nordmann" in text
    assert f"> {QUESTION}" in text
    assert VISITOR not in text
    assert VISITOR not in str(mails(session)[1].context)


def test_the_visitor_writes_on_and_whoever_answered_is_told(
    session: Session, make: Factory, listing: Listing, owner: User
) -> None:
    enquiry = confirmed(session, listing)
    colleague = make.member(listing.organisation, role=Role.EDITOR)
    answer(session, colleague, enquiry)
    services.write_more(session, enquiry, body="Takk!", now=NOW)
    assert sorted(told(session)) == sorted([owner.id, owner.id, colleague.id])
    assert not enquiry.is_answered


def test_a_visitor_waits_for_an_answer_after_some_messages(session: Session, listing: Listing, owner: User) -> None:
    enquiry = confirmed(session, listing)
    for number in range(MOST_UNANSWERED - 1):
        services.write_more(session, enquiry, body=f"Hallo {number}?", now=NOW)
    with pytest.raises(InvalidInput):
        services.write_more(session, enquiry, body="Hallo!", now=NOW)
    answer(session, owner, enquiry)
    services.write_more(session, enquiry, body="Hallo!", now=NOW)
    assert len(enquiry.messages) == MOST_UNANSWERED + 2


def test_the_same_message_sent_twice_is_one(session: Session, listing: Listing) -> None:
    enquiry = confirmed(session, listing)
    for _press in range(3):
        services.write_more(session, enquiry, body="Hallo?", now=NOW)
    assert len(enquiry.messages) == 2


def test_who_is_refused_in_one_enquiry_writes_in_no_other_of_the_owner(
    session: Session, make: Factory, listing: Listing, owner: User
) -> None:
    enquiry, other = confirmed(session, listing), confirmed(session, make.listing(listing.organisation))
    elsewhere = confirmed(session, make.listing())
    answers.close(session, make.actor(owner), enquiry_id=other.id, is_unwanted=True, now=NOW)
    with pytest.raises(Conflict, match="no more questions"):
        services.write_more(session, enquiry, body="Hallo?", now=NOW)
    services.write_more(session, elsewhere, body="Hallo?", now=NOW)
    answers.reopen(session, make.actor(owner), enquiry_id=other.id)
    services.write_more(session, enquiry, body="Hallo?", now=NOW)


def test_a_banned_person_writes_no_more_by_their_link(session: Session, make: Factory, listing: Listing) -> None:
    enquiry = confirmed(session, listing)
    make.user(email=VISITOR.upper(), banned_at=NOW, ban_reason="Trakassering.")
    with pytest.raises(Conflict, match="no more questions"):
        services.write_more(session, enquiry, body="Hallo?", now=NOW)
    assert len(enquiry.messages) == 1


def test_nothing_is_written_in_what_is_closed(session: Session, listing: Listing, owner: User) -> None:
    enquiry = confirmed(session, listing)
    answers.close(session, actor_of(owner), enquiry_id=enquiry.id, is_unwanted=False, now=NOW)
    with pytest.raises(Conflict):
        services.write_more(session, enquiry, body="Hallo?", now=NOW)
    with pytest.raises(Conflict):
        answer(session, owner, enquiry)
    answers.reopen(session, actor_of(owner), enquiry_id=enquiry.id)
    answer(session, owner, enquiry)


def test_who_is_refused_is_not_heard_again_anywhere_in_the_organisation(
    session: Session, make: Factory, listing: Listing, owner: User
) -> None:
    enquiry = confirmed(session, listing)
    answers.close(session, actor_of(owner), enquiry_id=enquiry.id, is_unwanted=True, now=NOW)
    other = make.listing(listing.organisation)
    with pytest.raises(Conflict):
        confirmed(session, other, email=VISITOR.upper())
    confirmed(session, make.listing())


def test_an_invitation_is_mailed_once(session: Session, listing: Listing, owner: User) -> None:
    enquiry = confirmed(session, listing)
    done = [
        answers.invite(session, actor_of(owner), enquiry_id=enquiry.id, signer=SIGNER, now=NOW) for _press in range(2)
    ]
    assert done == [True, False]
    assert [mail.template for mail in mails(session)].count("enquiry_invited") == 1


@pytest.mark.parametrize("who", ["viewer", "unconfirmed", "stranger"])
def test_who_cannot_answer(session: Session, make: Factory, listing: Listing, who: str) -> None:
    enquiry = confirmed(session, listing)
    user = {
        "viewer": lambda: make.member(listing.organisation, role=Role.VIEWER),
        "unconfirmed": lambda: make.member(listing.organisation, confirmed=False),
        "stranger": make.member,
    }[who]()
    actor = actor_of(user)
    acts = [
        lambda: answer(session, user, enquiry),
        lambda: answers.close(session, actor, enquiry_id=enquiry.id, is_unwanted=True, now=NOW),
        lambda: answers.reopen(session, actor, enquiry_id=enquiry.id),
        lambda: answers.invite(session, actor, enquiry_id=enquiry.id, signer=SIGNER, now=NOW),
    ]
    for act in acts:
        with pytest.raises(Forbidden):
            act()


def test_an_enquiry_that_waits_for_its_address_is_not_there_for_the_owner(
    session: Session, listing: Listing, owner: User
) -> None:
    ask(session, listing)
    with pytest.raises(NotFound):
        answer(session, owner, only_enquiry(session))
    assert count_waiting(session, organisation_ids=(listing.organisation_id,)) == 0


def test_unread_until_it_was_seen(session: Session, listing: Listing, owner: User) -> None:
    owner.deal_notices = NoticePace.NEVER
    enquiry = confirmed(session, listing)
    assert is_unread(session, enquiry_id=enquiry.id, user_id=owner.id)
    answers.mark_read(session, actor_of(owner), enquiry=enquiry, seen_at=NOW, now=NOW)
    assert not is_unread(session, enquiry_id=enquiry.id, user_id=owner.id)


# Forgetting -------------------------------------------------------------------------------------------------------


def test_what_nobody_confirmed_and_what_is_long_over_is_forgotten(
    session: Session, make: Factory, listing: Listing
) -> None:
    long_ago, days_ago = NOW - KEPT_FOR - timedelta(days=1), NOW - 2 * CONFIRMED_WITHIN - timedelta(days=1)
    make.enquiry(listing, status=EnquiryStatus.UNCONFIRMED, touched_at=days_ago)
    make.enquiry(listing, touched_at=long_ago)
    kept = {
        make.enquiry(listing, status=EnquiryStatus.UNCONFIRMED).id,
        make.enquiry(listing, touched_at=days_ago).id,
        make.enquiry(listing, status=EnquiryStatus.REFUSED, touched_at=long_ago).id,
    }
    services.forget_enquiries(session, now=NOW)
    assert set(session.scalars(select(Enquiry.id))) == kept
    assert session.scalar(select(func.count(EnquiryMessage.id))) == len(kept)


def test_an_enquiry_is_forgotten_with_its_notices(session: Session, listing: Listing) -> None:
    confirmed(session, listing)
    services.forget_enquiries(session, now=NOW + KEPT_FOR + timedelta(days=1))
    assert session.scalar(select(func.count(Notice.id))) == 0


def test_a_refusal_says_nothing_of_why(session: Session, make: Factory, listing: Listing, owner: User) -> None:
    """Banned by us or refused by the owner: the visitor reads the same."""
    make.user(email="banned@visitor.example", banned_at=NOW, ban_reason="Søppelpost")
    enquiry = confirmed(session, listing)
    answers.close(session, actor_of(owner), enquiry_id=enquiry.id, is_unwanted=True, now=NOW)
    messages = set()
    for email in (VISITOR, "banned@visitor.example"):
        with pytest.raises(DomainError) as refused:
            confirmed(session, listing, email=email)
        messages.add(str(refused.value))
    assert len(messages) == 1
