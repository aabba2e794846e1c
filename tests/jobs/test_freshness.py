"""Owners are asked whether their listings still stand; what nobody answers for sinks, and is then paused."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.mailing import MailRenderer
from marketplace.models import AuditEntry, Listing, OutboxMail, User
from marketplace.queries.accounts import actor_of
from marketplace.services.freshness import (
    ASKED_AFTER,
    PAUSED_AFTER,
    QUESTION,
    SHOWN_AFTER,
    ask_whether_listings_stand,
    awaiting_answer,
    confirm_listing,
    confirm_listings,
    pause_unanswered,
    unconfirmed_since,
)
from marketplace.services.links import LinkSigner, Purpose
from marketplace.types import Documentation, ListingKind, ListingStatus, PausedReason, Role
from tests.conftest import NOW, Client
from tests.factories import Factory

SIGNER = LinkSigner("k" * 40)
LONG_AGO = NOW - ASKED_AFTER
DAY = timedelta(days=1)


def stale(make: Factory, poster: User, **values: object) -> Listing:
    """A listing whose owner has said nothing for thirty days."""
    organisation = poster.memberships[0].organisation
    defaults = {
        "created_by_id": poster.id,
        "published_at": LONG_AGO,
        "renewed_at": LONG_AGO,
        "available_to": (NOW + timedelta(days=300)).date(),
    }
    return make.listing(organisation, **{**defaults, **values})


def ask(session: Session, now: datetime = NOW) -> int:
    return ask_whether_listings_stand(session, signer=SIGNER, now=now)


def mails(session: Session) -> list[OutboxMail]:
    return list(session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


@pytest.fixture
def poster(make: Factory) -> User:
    return make.member(role=Role.EDITOR, name="Kari Gravemester", email="kari@example.com")


# Asking -----------------------------------------------------------------------------------------------------------


def test_an_owner_gets_one_mail_about_all_that_is_due(session, make, poster):
    due = [stale(make, poster), stale(make, poster, kind=ListingKind.DEMAND), stale(make, poster)]
    assert ask(session) == 3
    (mail,) = mails(session)
    assert (mail.recipient, mail.template) == ("kari@example.com", QUESTION)
    assert [row["listing_id"] for row in mail.context["listings"]] == [each.id for each in due]
    assert {each.asked_at for each in due} == {NOW}


@pytest.mark.parametrize(
    "values",
    [
        {"renewed_at": LONG_AGO + timedelta(minutes=1)},
        {"updated_at": NOW - DAY},  # who has just changed it need not be asked
        {"asked_at": NOW - DAY},
        {"status": ListingStatus.PAUSED},
        {"available_from": (NOW - 9 * DAY).date(), "available_to": (NOW - DAY).date()},
        {"is_example": True},
    ],
)
def test_nobody_is_asked_about_the_rest(session, make, poster, values):
    stale(make, poster, **values)
    assert ask(session) == 0
    assert mails(session) == []


def test_asking_twice_asks_once(session, make, poster):
    stale(make, poster)
    assert (ask(session), ask(session)) == (1, 0)
    assert len(mails(session)) == 1


def test_what_falls_due_later_in_a_day_waits_for_the_next_ones_mail(session, make, poster):
    stale(make, poster)
    assert ask(session) == 1
    later = stale(make, poster)
    assert ask(session, NOW + timedelta(hours=2)) == 0
    assert later.asked_at is None
    assert ask(session, NOW + DAY) == 1
    assert len(mails(session)) == 2


def test_owners_are_asked_where_the_poster_has_left(session, make, poster):
    owner = make.member(poster.memberships[0].organisation, email="eier@example.com")
    stale(make, owner, created_by_id=make.user().id)
    ask(session)
    assert [mail.recipient for mail in mails(session)] == ["eier@example.com"]


@pytest.mark.parametrize("locale", ["nb", "en"])
@pytest.mark.parametrize("count", [1, 2])
def test_the_mail_has_a_link_for_each_and_one_for_all(session, make, poster, settings, locale, count):
    poster.locale = locale
    some = [stale(make, poster) for _ in range(count)]
    ask(session)
    (mail,) = mails(session)
    rendered = MailRenderer(settings)(mail)
    assert rendered.subject
    for listing in some:
        assert f"/still-stands/{mail.context['token']}?listing={listing.id}" in rendered.body_text
    assert rendered.body_text.count("/still-stands/") == (1 if count == 1 else count + 1)


# Sinking and pausing ----------------------------------------------------------------------------------------------


def test_a_week_without_an_answer_is_shown(make, poster):
    listing = stale(make, poster, asked_at=NOW)
    assert unconfirmed_since(listing, now=NOW + SHOWN_AFTER - timedelta(minutes=1)) is None
    assert unconfirmed_since(listing, now=NOW + SHOWN_AFTER) == LONG_AGO.date()


def test_two_weeks_without_an_answer_take_it_out_of_sight_and_say_so_once(session, make, poster):
    some = [stale(make, poster, asked_at=NOW - PAUSED_AFTER) for _ in range(2)]
    fresh = stale(make, poster, asked_at=NOW - PAUSED_AFTER + timedelta(minutes=1))
    assert pause_unanswered(session, signer=SIGNER, now=NOW) == 2
    assert {(each.status, each.paused_reason) for each in some} == {(ListingStatus.PAUSED, PausedReason.UNANSWERED)}
    assert fresh.status is ListingStatus.PUBLISHED
    (mail,) = mails(session)
    assert (mail.template, len(mail.context["listings"])) == ("listings_paused_unanswered", 2)
    assert pause_unanswered(session, signer=SIGNER, now=NOW) == 0
    assert len(mails(session)) == 1


@pytest.mark.parametrize("locale", ["nb", "en"])
def test_the_notice_can_be_read(session, make, poster, settings, locale):
    poster.locale = locale
    stale(make, poster, asked_at=NOW - PAUSED_AFTER)
    pause_unanswered(session, signer=SIGNER, now=NOW)
    rendered = MailRenderer(settings)(mails(session)[0])
    assert "/still-stands/" in rendered.body_text


# Answering --------------------------------------------------------------------------------------------------------


def test_saying_yes_to_all_renews_what_was_asked_about_and_nothing_else(session, make, poster):
    asked, other = stale(make, poster, asked_at=NOW - DAY), stale(make, poster)
    foreign = stale(make, make.member(), asked_at=NOW - DAY)
    confirmed = confirm_listings(session, make.actor(poster), now=NOW)
    assert confirmed.standing == (asked,)
    assert (asked.renewed_at, asked.asked_at) == (NOW, None)
    assert other.renewed_at == foreign.renewed_at == LONG_AGO
    assert ask(session, NOW + ASKED_AFTER - DAY) == 1  # the other one; what is renewed is not due yet


def test_what_was_paused_for_want_of_an_answer_is_in_sight_again(session, make, poster):
    listing = stale(make, poster, status=ListingStatus.PAUSED, paused_reason=PausedReason.UNANSWERED)
    listing.kind = ListingKind.DEMAND
    confirm_listing(session, make.actor(poster), listing_id=listing.id, now=NOW)
    assert (listing.status, listing.paused_reason, listing.renewed_at) == (ListingStatus.PUBLISHED, None, NOW)


def test_the_gate_holds_for_what_is_confirmed_too(session, make, poster):
    listing = stale(
        make,
        poster,
        status=ListingStatus.PAUSED,
        paused_reason=PausedReason.UNANSWERED,
        documentation=Documentation.NONE,
    )
    confirmed = confirm_listings(session, make.actor(poster), now=NOW)
    assert [each.listing for each in confirmed.refused] == [listing]
    assert listing.status is ListingStatus.PAUSED


def test_what_awaits_an_answer_is_that_of_ones_own_organisations(session, make, poster):
    asked = stale(make, poster, asked_at=NOW)
    stale(make, make.member(), asked_at=NOW)
    assert list(awaiting_answer(session, make.actor(poster))) == [asked]
    viewer = make.member(poster.memberships[0].organisation, role=Role.VIEWER)
    assert list(awaiting_answer(session, actor_of(viewer))) == []


# The mailed link --------------------------------------------------------------------------------------------------


@pytest.fixture
def token(app: Flask, poster: User) -> str:
    signer = LinkSigner(app.settings.secret_key.get_secret_value())
    return signer.sign(Purpose.CONFIRM_LISTINGS, poster, now=NOW)


def test_opening_the_link_changes_nothing(client: Client, make, poster, token):
    listing = stale(make, poster, asked_at=NOW - DAY)
    page = client.get(f"/still-stands/{token}?listing={listing.id}")
    assert page.status_code == 200
    assert listing.asked_at == NOW - DAY


def test_one_press_renews_one_and_another_all(client: Client, session, make, poster, token):
    one, other = stale(make, poster, asked_at=NOW - DAY), stale(make, poster, asked_at=NOW - DAY)
    assert client.post(f"/still-stands/{token}?listing={one.id}").status_code == 302
    session.expire_all()
    assert (one.asked_at, other.asked_at) == (None, NOW - DAY)
    client.post(f"/still-stands/{token}")
    session.expire_all()
    assert other.asked_at is None


def test_what_the_link_does_is_logged_as_done_by_its_owner(client: Client, session, make, poster, token):
    listing = stale(make, poster, asked_at=NOW - DAY)
    client.post(f"/still-stands/{token}?listing={listing.id}")
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.subject_id, entry.actor_user_id, entry.actor_label) == (listing.id, poster.id, "link")


def test_the_link_is_for_its_owner_alone(client: Client, make, token):
    foreign = make.listing(asked_at=NOW - DAY)
    assert client.post(f"/still-stands/{token}?listing={foreign.id}").status_code in {403, 404}
    assert foreign.asked_at == NOW - DAY


def test_a_link_that_is_not_whole_opens_nothing(client: Client, token):
    assert client.get(f"/still-stands/{token[:-2]}").status_code == 404


def test_own_pages_ask_and_take_the_answer(client: Client, session, make, poster):
    listing = stale(make, poster, asked_at=NOW - SHOWN_AFTER)
    client.log_in_as(poster)
    client.in_english()
    assert "still stand?" in client.get("/listings").text
    assert "Not confirmed since" in client.get(f"/listings/{listing.id}").text
    client.post(f"/listings/{listing.id}/still-stands")
    session.expire_all()
    assert listing.renewed_at == NOW
    assert "Not confirmed since" not in client.get(f"/listings/{listing.id}").text


def test_everybody_sees_what_nobody_has_confirmed(client: Client, make, poster):
    stale(make, poster, asked_at=NOW - SHOWN_AFTER)
    client.in_english()
    assert "Not confirmed since" in client.get("/search").text
