"""Listings end with their period, and somebody is told a week before, once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.config import Settings
from marketplace.jobs.app import app as job_app
from marketplace.mailing import MailRenderer
from marketplace.models import Listing, OutboxMail
from marketplace.queue import Task
from marketplace.services.expiry import expire_listings, remind_of_expiry
from marketplace.types import ClosedReason, ListingKind, ListingStatus, Role
from tests.conftest import NOW
from tests.factories import Factory

TODAY = date(2027, 3, 1)
LONG_AGO = NOW - timedelta(days=60)


def ending(make: Factory, in_days: int, **values: object) -> Listing:
    defaults = {
        "available_from": TODAY - timedelta(days=90),
        "available_to": TODAY + timedelta(days=in_days),
        "published_at": LONG_AGO,
    }
    return make.listing(**{**defaults, **values})


def mails(session: Session) -> list[OutboxMail]:
    return list(session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def test_a_listing_is_open_to_the_end_of_its_last_day(session: Session, make: Factory) -> None:
    over, last_day, later = ending(make, -1), ending(make, 0), ending(make, 1)
    assert expire_listings(session, now=NOW) == 1
    session.expire_all()
    assert (over.status, over.closed_reason, over.closed_at) == (ListingStatus.CLOSED, ClosedReason.EXPIRED, NOW)
    assert (last_day.status, later.status) == (ListingStatus.PUBLISHED,) * 2


def test_the_day_ends_at_midnight_in_norway(session: Session, make: Factory) -> None:
    listing = ending(make, 0)
    before_midnight = datetime(2027, 3, 1, 22, 59, tzinfo=UTC)
    assert expire_listings(session, now=before_midnight) == 0
    assert expire_listings(session, now=before_midnight + timedelta(minutes=1)) == 1
    assert listing.status is ListingStatus.CLOSED


def test_only_published_listings_expire(session: Session, make: Factory) -> None:
    draft, paused = (
        ending(make, -5, status=ListingStatus.DRAFT, published_at=None),
        ending(make, -5, status=ListingStatus.PAUSED),
    )
    assert expire_listings(session, now=NOW) == 0
    assert (draft.status, paused.status) == (ListingStatus.DRAFT, ListingStatus.PAUSED)


def test_expiring_twice_changes_nothing_more(session: Session, make: Factory) -> None:
    listing = ending(make, -1)
    expire_listings(session, now=NOW)
    assert expire_listings(session, now=NOW + timedelta(hours=1)) == 0
    session.expire_all()
    assert listing.closed_at == NOW


def test_the_poster_is_reminded_once(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    poster = make.member(organisation, role=Role.EDITOR)
    make.member(organisation)
    listing = ending(make, 7, organisation=organisation, created_by_id=poster.id)
    assert remind_of_expiry(session, now=NOW) == 1
    assert remind_of_expiry(session, now=NOW + timedelta(hours=1)) == 0
    assert [(mail.recipient, mail.template) for mail in mails(session)] == [(poster.email, "listing_expires")]
    assert listing.reminded_at == NOW


@pytest.mark.parametrize("in_days", [-1, 8])
def test_not_before_the_last_week_and_not_after_the_end(session: Session, make: Factory, in_days: int) -> None:
    organisation = make.organisation()
    ending(make, in_days, organisation=organisation, created_by_id=make.member(organisation).id)
    assert remind_of_expiry(session, now=NOW) == 0
    assert mails(session) == []


def test_what_was_published_in_its_last_week_needs_no_reminder(session: Session, make: Factory) -> None:
    organisation = make.organisation()
    poster = make.member(organisation)
    ending(make, 5, organisation=organisation, created_by_id=poster.id, published_at=NOW - timedelta(days=1))
    assert remind_of_expiry(session, now=NOW) == 0


@pytest.mark.parametrize("status", [ListingStatus.DRAFT, ListingStatus.PAUSED])
def test_only_published_listings_are_reminded_of(session: Session, make: Factory, status: ListingStatus) -> None:
    organisation = make.organisation()
    ending(make, 5, organisation=organisation, created_by_id=make.member(organisation).id, status=status)
    assert remind_of_expiry(session, now=NOW) == 0


@pytest.mark.parametrize(
    "poster",
    [
        pytest.param({"role": Role.VIEWER}, id="may no longer edit"),
        pytest.param({"role": Role.EDITOR, "confirmed": False}, id="address not confirmed"),
        pytest.param(None, id="has left"),
    ],
)
def test_the_owners_are_reminded_where_the_poster_cannot_act(
    session: Session, make: Factory, poster: dict[str, object] | None
) -> None:
    organisation = make.organisation()
    posted_by = make.user() if poster is None else make.member(organisation, **poster)
    owners = {make.member(organisation).email, make.member(organisation).email}
    ending(make, 3, organisation=organisation, created_by_id=posted_by.id)
    remind_of_expiry(session, now=NOW)
    assert {mail.recipient for mail in mails(session)} == owners


@pytest.mark.parametrize("kind", [ListingKind.SURPLUS, ListingKind.DEMAND])
@pytest.mark.parametrize("locale", ["nb", "en"])
def test_the_reminder_says_what_ends_and_leads_to_it(
    session: Session, make: Factory, settings: Settings, kind: ListingKind, locale: str
) -> None:
    organisation = make.organisation()
    poster = make.member(organisation, locale=locale, name="Kari <Nordmann>")
    listing = ending(make, 7, organisation=organisation, created_by_id=poster.id, kind=kind, mass_t=1200)
    remind_of_expiry(session, now=NOW)
    [mail] = mails(session)
    rendered = MailRenderer(settings)(mail)
    assert ("blasted rock" if locale == "en" else "sprengstein") in rendered.subject
    assert f"{settings.base_url}/listings/{listing.id}/edit" in rendered.body_text
    assert "8" in rendered.body_text
    assert "Kari <Nordmann>" in rendered.body_text


def test_both_jobs_run_every_hour_of_the_day() -> None:
    """A worker that was down at midnight makes up for it, since a missed hour is not run again."""
    for module in job_app.import_paths:
        __import__(module)
    periodic = {key[0]: job.cron for key, job in job_app.periodic_registry.periodic_tasks.items()}
    assert periodic[Task.EXPIRE_LISTINGS].split()[1] == "*"
    assert periodic[Task.REMIND_OF_EXPIRY]
