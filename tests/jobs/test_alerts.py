"""People are told of what is new, each of each thing once: by their searches, and by what fits their listings."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from sqlalchemy import column, delete, func, select, table
from sqlalchemy.orm import Session

from marketplace.clock import local_date
from marketplace.mailing import MailRenderer
from marketplace.models import Alert, ListingNews, Membership, OutboxMail, SavedSearch, User
from marketplace.queries.matches import matches_for_listings
from marketplace.queries.search_filters import SearchFilters
from marketplace.services import alerts
from marketplace.services.alert_mails import fell_due
from marketplace.services.links import LinkSigner
from marketplace.services.listings import publish_listing
from marketplace.services.mail import RenderedMail, deliver_mail
from marketplace.services.saved_searches import change_search, save_search, set_paces, stop_mails
from marketplace.services.unsubscribe import sources_of_token
from marketplace.types import AlertFrequency, ListingKind, ListingStatus, Role
from tests.conftest import NOW
from tests.factories import Factory

SIGNER = LinkSigner("k" * 40)
IMMEDIATE, DAILY, WEEKLY, NEVER = AlertFrequency
NEXT_MORNING = datetime(2027, 3, 2, 7, 2, tzinfo=UTC)
"""Two minutes past eight in Norway, on the Tuesday after NOW."""
JOBS = table("procrastinate_jobs", column("task_name"))
NEXT_MONDAY = datetime(2027, 3, 8, 7, 2, tzinfo=UTC)


def wait_for(
    session: Session, make: Factory, user: User, frequency: AlertFrequency = IMMEDIATE, **filters: object
) -> SavedSearch:
    return save_search(
        session,
        make.actor(user),
        name=f"Alt {frequency}",
        query=f"{frequency}{sorted(filters)}",
        filters=SearchFilters(**filters),
        frequency=frequency,
        now=NOW - timedelta(days=1),
    )


def tell(session: Session, now: datetime = NOW) -> int:
    total = 0
    while told := alerts.tell_of_news(session, signer=SIGNER, now=now):
        total += told
    session.expire_all()
    return total


def send_digests(session: Session, now: datetime) -> int:
    mailed = alerts.send_digests(session, signer=SIGNER, now=now)
    session.expire_all()
    return mailed


def mails(session: Session) -> list[OutboxMail]:
    return list(session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def news(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ListingNews)) or 0


@pytest.fixture
def kari(make: Factory) -> User:
    return make.user(name="Kari", email="kari@example.com", locale="en")


# What is news -----------------------------------------------------------------------------------------------------


def test_a_published_listing_is_news_and_a_draft_is_not(session, make):
    make.listing(status=ListingStatus.DRAFT)
    make.listing(is_example=True)
    assert news(session) == 0
    make.listing()
    assert news(session) == 1


def test_to_publish_is_news_and_queues_the_telling(session, make):
    user = make.member()
    listing = make.listing(user.memberships[0].organisation, status=ListingStatus.DRAFT)
    publish_listing(session, make.actor(user), listing_id=listing.id, now=NOW)
    assert news(session) == 1
    queued = select(func.count()).select_from(JOBS).where(JOBS.c.task_name == "tell_of_news")
    assert session.scalar(queued) == 1


@pytest.mark.parametrize(
    ("change", "is_news"),
    [
        ({"mass_t": 2000}, True),
        ({"committed_t": 500}, True),
        ({"search_text": "ny tekst"}, True),
        ({"asked_at": NOW}, False),
        ({}, False),
    ],
)
def test_a_change_that_a_search_can_see_is_news(session, make, change, is_news):
    listing = make.listing()
    tell(session)
    for name, value in change.items():
        setattr(listing, name, value)
    listing.updated_at = NOW
    session.flush()
    assert news(session) == int(is_news)


# Searches ---------------------------------------------------------------------------------------------------------


def test_who_wants_it_at_once_is_mailed_at_once(session, make, kari):
    search = wait_for(session, make, kari, text="sprengstein")
    listing = make.listing(search_text="sprengstein")
    make.listing(search_text="leire")
    assert tell(session) == 2
    (mail,) = mails(session)
    assert (mail.recipient, mail.template, mail.locale) == ("kari@example.com", "alerts", "en")
    assert [item["listing_id"] for item in mail.context["items"]] == [listing.id]
    (alert,) = session.scalars(select(Alert))
    assert (alert.saved_search_id, alert.found_listing_id, alert.mail_id) == (search.id, listing.id, mail.id)
    assert news(session) == 0


def test_telling_twice_tells_once(session, make, kari):
    wait_for(session, make, kari)
    listing = make.listing()
    tell(session)
    listing.mass_t = 5000
    session.flush()
    assert news(session) == 1
    tell(session)
    assert len(mails(session)) == 1


def test_a_person_gets_one_mail_for_an_item_that_two_searches_find(session, make, kari):
    wait_for(session, make, kari, IMMEDIATE)
    wait_for(session, make, kari, WEEKLY, kind=ListingKind.SURPLUS)
    make.listing()
    tell(session)
    (mail,) = mails(session)
    (item,) = mail.context["items"]
    assert [each["name"] for each in item["searches"]] == ["Alt immediate", "Alt weekly"]
    assert send_digests(session, NEXT_MONDAY) == 0


def test_what_was_told_by_one_search_is_not_told_by_another_later(session, make, kari):
    wait_for(session, make, kari)
    listing = make.listing(mass_t=1000)
    tell(session)
    wait_for(session, make, kari, mass_min_t=2000)
    listing.mass_t = 3000
    session.flush()
    tell(session)
    assert len(mails(session)) == 1
    assert session.scalar(select(func.count()).select_from(Alert)) == 2


def test_nobody_is_told_of_what_their_own_organisation_offers(session, make):
    user = make.member(role=Role.VIEWER)
    wait_for(session, make, user)
    make.listing(user.memberships[0].organisation)
    tell(session)
    assert mails(session) == []
    assert session.scalars(select(Alert)).all() == []


def test_what_has_gone_again_is_not_told_of(session, make, kari):
    wait_for(session, make, kari)
    listing = make.listing()
    listing.status, listing.paused_reason = ListingStatus.PAUSED, "owner"
    session.flush()
    assert tell(session) == 1
    assert mails(session) == []


@pytest.mark.parametrize("values", [{"confirmed": False}, {"banned_at": NOW, "ban_reason": "spam"}])
def test_some_are_not_written_to(session, make, values):
    wait_for(session, make, make.user(**values))
    make.listing()
    tell(session)
    assert mails(session) == []


def test_many_things_make_one_mail(session, make, kari):
    wait_for(session, make, kari)
    organisation = make.organisation()
    for _ in range(25):
        make.listing(organisation)
    tell(session)
    (mail,) = mails(session)
    assert (mail.context["count"], mail.context["more"], len(mail.context["items"])) == (25, 5, 20)


# Digests ----------------------------------------------------------------------------------------------------------


def test_the_morning_brings_what_the_day_before_brought(session, make, kari):
    wait_for(session, make, kari, DAILY)
    make.listing()
    make.listing()
    tell(session)
    assert mails(session) == []
    assert send_digests(session, NOW) == 0
    assert send_digests(session, NEXT_MORNING) == 1
    assert send_digests(session, NEXT_MORNING) == 0
    (mail,) = mails(session)
    assert mail.context["count"] == 2


def test_monday_brings_the_week(session, make, kari):
    wait_for(session, make, kari, WEEKLY)
    make.listing()
    tell(session)
    assert send_digests(session, NEXT_MORNING) == 0
    assert send_digests(session, NEXT_MONDAY) == 1


def test_a_digest_leaves_out_what_is_gone(session, make, kari):
    wait_for(session, make, kari, DAILY)
    listing = make.listing()
    tell(session)
    listing.status, listing.paused_reason = ListingStatus.PAUSED, "owner"
    session.flush()
    assert send_digests(session, NEXT_MORNING) == 0


def test_what_never_is_to_be_mailed_is_counted_all_the_same(session, make, kari):
    search = wait_for(session, make, kari, NEVER)
    make.listing()
    tell(session)
    change_search(session, search, name="Alt", frequency=DAILY)
    assert send_digests(session, NEXT_MONDAY) == 0
    assert session.scalar(select(func.count()).select_from(Alert)) == 1


@pytest.mark.parametrize(
    ("now", "daily", "weekly"),
    [
        # Summer time begins on 28 March 2027, a Sunday.
        ("2027-03-28T05:59:00+00:00", "2027-03-27T07:00:00+00:00", "2027-03-22T07:00:00+00:00"),
        ("2027-03-28T06:00:00+00:00", "2027-03-28T06:00:00+00:00", "2027-03-22T07:00:00+00:00"),
        ("2027-03-29T05:59:00+00:00", "2027-03-28T06:00:00+00:00", "2027-03-22T07:00:00+00:00"),
        ("2027-03-29T06:00:00+00:00", "2027-03-29T06:00:00+00:00", "2027-03-29T06:00:00+00:00"),
    ],
)
def test_mail_falls_due_at_eight_in_norway(now, daily, weekly):
    due = fell_due(datetime.fromisoformat(now))
    assert due[DAILY] == datetime.fromisoformat(daily)
    assert due[WEEKLY] == datetime.fromisoformat(weekly)


# Own listings -----------------------------------------------------------------------------------------------------


def test_owners_are_told_of_what_fits_their_listing(session, make):
    owner = make.member(name="Ola", email="ola@example.com", locale="en")
    organisation = owner.memberships[0].organisation
    need = make.listing(organisation, kind=ListingKind.DEMAND, mass_t=2000)
    tell(session)
    offer = make.listing(mass_t=500, position=(10.62, 59.9))
    tell(session)
    assert mails(session) == []
    assert send_digests(session, NEXT_MORNING) == 1
    (mail,) = mails(session)
    (item,) = mail.context["items"]
    (fit,) = item["fits"]
    assert (item["listing_id"], fit["listing_id"]) == (offer.id, need.id)
    assert (fit["coverage_percent"], fit["distance_km"], fit["quality"]) == (25, "5.3", "tested")


def test_a_thing_that_fits_many_listings_names_the_best_of_them(session, make):
    organisation = make.member().memberships[0].organisation
    for mass_t in (100, 200, 300, 400, 500):
        make.listing(organisation, kind=ListingKind.DEMAND, mass_t=mass_t)
    tell(session)
    make.listing(mass_t=600)
    tell(session)
    assert send_digests(session, NEXT_MORNING) == 1
    (item,) = mails(session)[0].context["items"]
    assert [fit["mass_t"] for fit in item["fits"]] == ["500", "400", "300"]
    assert item["more_fits"] == 2


@pytest.mark.parametrize("own", [0, 4])
def test_the_last_of_many_is_told_of_what_fits_it_too(session, make, monkeypatch, own):
    """However many others it fits better, and whether or not those are listings of its own organisation."""
    monkeypatch.setattr(alerts, "FIRST_MATCHES", 2)
    monkeypatch.setattr(alerts, "GROWTH", 2)
    giver, crowd = make.member().memberships[0].organisation, make.member().memberships[0].organisation
    for _ in range(own):
        make.listing(giver, kind=ListingKind.DEMAND, mass_t=9000)
    for _ in range(7):
        make.listing(crowd, kind=ListingKind.DEMAND, mass_t=8000)
    last = make.member()
    need = make.listing(last.memberships[0].organisation, kind=ListingKind.DEMAND, mass_t=50, position=(10.9, 59.9))
    tell(session)
    session.execute(delete(Alert))
    offer = make.listing(giver, mass_t=500)
    tell(session)
    told = session.execute(select(Alert.user_id, Alert.listing_id, Alert.found_listing_id)).all()
    assert len(told) == 8
    assert (last.id, need.id, offer.id) in told


def test_own_listings_take_nobodys_place_among_the_best(session, make):
    giver = make.organisation()
    for _ in range(3):
        make.listing(giver, kind=ListingKind.DEMAND, mass_t=9000)
    need = make.listing(kind=ListingKind.DEMAND, mass_t=50, position=(10.9, 59.9))
    offer = make.listing(giver, mass_t=500)
    found = matches_for_listings(session, [offer], today=local_date(NOW), limit=2, with_own=False)[offer.id]
    assert [match.listing.id for match in found.fits] == [need.id]
    assert not found.has_more_fits
    with_own = matches_for_listings(session, [offer], today=local_date(NOW), limit=2)[offer.id]
    assert [match.is_own for match in with_own.fits] == [True, True]


def test_viewers_are_told_only_where_they_have_asked(session, make):
    owner = make.member(email="owner@example.com")
    organisation = owner.memberships[0].organisation
    viewer = make.member(organisation, role=Role.VIEWER, email="viewer@example.com")
    make.listing(organisation, kind=ListingKind.DEMAND)
    tell(session)
    make.listing()
    tell(session)
    assert {alert.user_id for alert in session.scalars(select(Alert))} == {owner.id}
    set_paces(
        session, make.actor(viewer), of_new_searches=WEEKLY, of_matches={organisation.id: AlertFrequency.IMMEDIATE}
    )
    set_paces(session, make.actor(owner), of_new_searches=DAILY, of_matches={organisation.id: NEVER})
    make.listing()
    tell(session)
    assert [mail.recipient for mail in mails(session)] == ["viewer@example.com"]
    assert send_digests(session, NEXT_MONDAY) == 0


def test_who_has_left_is_not_told(session, make):
    owner = make.member()
    make.listing(owner.memberships[0].organisation, kind=ListingKind.DEMAND)
    tell(session)
    make.listing()
    tell(session)
    session.delete(session.get(Membership, (owner.id, owner.memberships[0].organisation_id)))
    session.flush()
    assert send_digests(session, NEXT_MONDAY) == 0


def test_a_facility_is_told_of_what_it_may_take(session, make):
    owner = make.member()
    organisation = owner.memberships[0].organisation
    facility = make.facility(organisation)
    make.listing(organisation, kind=ListingKind.RECEPTION, facility_id=facility.id, material="clay", mass_t=90_000)
    tell(session)
    make.listing(material="clay", mass_t=500)
    tell(session)
    assert send_digests(session, NEXT_MORNING) == 1


def test_what_has_long_been_closed_is_forgotten(session, make, kari):
    wait_for(session, make, kari)
    listings = [make.listing(), make.listing()]
    tell(session)
    for listing, days in zip(listings, (91, 89), strict=True):
        listing.status, listing.closed_reason, listing.closed_at = "closed", "owner", NOW - timedelta(days=days)
    session.flush()
    alerts.forget_closed(session, now=NOW)
    assert session.scalars(select(Alert.found_listing_id)).all() == [listings[1].id]


# The mail ---------------------------------------------------------------------------------------------------------


def everything(session: Session, make: Factory, locale: str) -> OutboxMail:
    """A mail with a match and a search in it."""
    owner = make.member(name="Ola", locale=locale)
    organisation = owner.memberships[0].organisation
    make.listing(organisation, kind=ListingKind.DEMAND, mass_t=2000)
    tell(session)
    wait_for(session, make, owner)
    make.listing(mass_t=500)
    tell(session)
    (mail,) = mails(session)
    return mail


def rendered(session: Session, make: Factory, settings, locale: str) -> RenderedMail:
    return MailRenderer(settings)(everything(session, make, locale))


def test_the_mail_says_what_where_and_why(session, make, settings):
    mail = rendered(session, make, settings, "en")
    assert mail.subject == "New: Surplus: 500 t of blasted rock"
    for said in (
        "Found by your search: Alt immediate",
        "Fits your need of 2,000 t of blasted rock: 0 km away. Covers 25 % of the need. The same material.",
        "/unsubscribe/",
        "/searches",
        "Bærum",
    ):
        assert said in mail.body_text


@pytest.mark.parametrize("locale", ["nb", "en"])
def test_the_mail_can_be_read_in_both_languages(session, make, settings, locale):
    mail = rendered(session, make, settings, locale)
    assert "500 t" in mail.subject
    assert "%(" not in mail.subject + mail.body_text
    assert "\n\n\n" not in mail.body_text


class Kept:
    """A server that keeps what it is given."""

    leaves_the_house = True

    def __init__(self) -> None:
        self.raw = b""

    def send(self, message) -> None:
        self.raw = message.as_bytes()


def test_one_click_unsubscribes_by_the_headers_of_rfc_8058(session, make, settings):
    mail = everything(session, make, "nb")
    token = mail.context["token"]
    server = Kept()
    over_tls = settings.model_copy(update={"base_url": "https://masseflyt.example"})
    deliver_mail(
        session, mail_id=mail.id, render=MailRenderer(over_tls), transport=server, sender="x@masseflyt.example", now=NOW
    )
    url = f"https://masseflyt.example/unsubscribe/{token}"
    assert f"List-Unsubscribe: <{url}>\r\n".encode() in server.raw
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in server.raw
    assert url in message_from_bytes(server.raw, policy=policy.default).get_content()
    assert token not in (mail.body_text or "")
    assert mail.unsubscribe_path is None


def test_an_address_of_fifty_sources_is_kept_whole(session, make, settings):
    mail = everything(session, make, "nb")
    mail.unsubscribe_path = "/unsubscribe/" + "a" * 800
    server = Kept()
    deliver_mail(
        session, mail_id=mail.id, render=MailRenderer(settings), transport=server, sender="x@y.example", now=NOW
    )
    assert b"/unsubscribe/" + b"a" * 800 + b">\r\n" in server.raw
    assert b"One-Click" not in server.raw  # not over plain HTTP


def test_the_token_stops_what_the_mail_was_about(session, make):
    mail = everything(session, make, "nb")
    sources = sources_of_token(SIGNER, mail.context["token"])
    stop_mails(session, sources, now=NOW)
    session.expire_all()
    (search,) = session.scalars(select(SavedSearch))
    assert (search.frequency, search.unsubscribed_at) == (NEVER, NOW)
    make.listing(mass_t=700)
    tell(session)
    assert send_digests(session, NEXT_MONDAY) == 0
    assert len(mails(session)) == 1
