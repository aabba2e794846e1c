"""Deals left silent are chased: once a step, ever further apart, and in the end their owners too."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.config import Settings
from marketplace.jobs.app import app as job_app
from marketplace.mailing import MailRenderer
from marketplace.models import DealStatement, OutboxMail
from marketplace.queue import Task
from marketplace.services.deal_chasing import chase_silent_deals
from marketplace.services.statements import draw_up
from marketplace.types import DealStatus, NoticePace, Role, Side, TicketStatus
from tests.closing import Closing, closing_deal
from tests.conftest import NOW
from tests.factories import Factory

MONDAY = NOW
"""Ten in the morning in Oslo, a Monday."""


def mails(session: Session) -> list[OutboxMail]:
    return list(
        session.scalars(select(OutboxMail).where(OutboxMail.template == "deals_silent").order_by(OutboxMail.id))
    )


def said(session: Session) -> list[tuple[str, str]]:
    """Whom the mails went to, and of which silence each line speaks."""
    return [(mail.recipient, each["silence"]) for mail in mails(session) for each in mail.context["deals"]]


def silent_offer(session: Session, make: Factory, *, days: int, **values: object) -> Closing:
    closing = closing_deal(session, make, status=DealStatus.NEGOTIATING, **values)
    closing.deal.touched_at = closing.deal.offers[0].created_at = MONDAY - timedelta(days=days)
    closing.deal.offers[0].expires_at = MONDAY + timedelta(days=60)
    session.flush()
    return closing


def over(session: Session, make: Factory, *, days: int) -> Closing:
    """A deal whose last day was so many days ago, and nothing has happened since."""
    closing = closing_deal(session, make)
    deal = closing.deal
    deal.agreed_from, deal.agreed_to = date(2026, 1, 1), MONDAY.date() - timedelta(days=days)
    deal.touched_at = MONDAY - timedelta(days=100)
    session.flush()
    return closing


# What is chased, and whom ------------------------------------------------------------------------------------------


def test_who_has_not_answered_an_offer_is_asked_after_three_days(session: Session, make: Factory) -> None:
    silent_offer(session, make, days=2)
    assert chase_silent_deals(session, now=MONDAY) == 0
    closing = silent_offer(session, make, days=3)
    assert chase_silent_deals(session, now=MONDAY) == 1
    assert said(session) == [(closing.giver_user.email, "offer")]


def test_loads_that_nobody_confirms_or_corrects_are_asked_about(session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    long_ago = MONDAY - timedelta(days=4)
    closing.load(status=TicketStatus.REPORTED, created_at=long_ago)
    closing.load(status=TicketStatus.REPORTED, created_at=MONDAY)
    closing.load(status=TicketStatus.DISPUTED, disputed_at=long_ago)
    assert chase_silent_deals(session, now=MONDAY) == 1
    assert sorted(said(session)) == sorted(
        [(closing.taker_user.email, "confirm"), (closing.giver_user.email, "correct")]
    )


def test_fresh_loads_do_not_hide_that_old_ones_wait(session: Session, make: Factory) -> None:
    closing = closing_deal(session, make)
    closing.load(status=TicketStatus.REPORTED, created_at=MONDAY - timedelta(days=5))
    closing.deal.touched_at = MONDAY
    session.flush()
    assert chase_silent_deals(session, now=MONDAY) == 1


@pytest.mark.parametrize(("loads", "silence"), [(0, "nothing"), (2, "close")])
def test_a_deal_whose_period_is_over_is_to_be_closed_by_both(
    session: Session, make: Factory, loads: int, silence: str
) -> None:
    closing = over(session, make, days=4)
    closing.loads(loads)
    assert chase_silent_deals(session, now=MONDAY) == 1
    assert sorted(said(session)) == sorted([(closing.giver_user.email, silence), (closing.taker_user.email, silence)])


def test_only_who_has_not_signed_is_asked_to(session: Session, make: Factory) -> None:
    closing = over(session, make, days=10)
    closing.loads(4, 120)
    closing.answer()
    draw_up(session, closing.giver, deal_id=closing.deal.id, deviation="", now=MONDAY - timedelta(days=3))
    assert chase_silent_deals(session, now=MONDAY) == 1
    assert said(session) == [(closing.taker_user.email, "sign")]


@pytest.mark.parametrize("status", [DealStatus.DECLINED, DealStatus.CANCELLED])
def test_what_is_over_is_left_alone(session: Session, make: Factory, status: DealStatus) -> None:
    closing = closing_deal(session, make, status=status)
    closing.deal.touched_at = MONDAY - timedelta(days=90)
    session.flush()
    assert chase_silent_deals(session, now=MONDAY) == 0


def test_what_is_invented_for_the_demo_is_left_alone(session: Session, make: Factory) -> None:
    silent_offer(session, make, days=30, is_example=True)
    assert chase_silent_deals(session, now=MONDAY) == 0


# How often ----------------------------------------------------------------------------------------------------------


def test_a_silence_is_spoken_of_once_a_step(session: Session, make: Factory) -> None:
    closing = over(session, make, days=0)
    spoken = []
    for day in range(80):
        now = MONDAY + timedelta(days=day)
        before = len(mails(session))
        chase_silent_deals(session, now=now)
        chase_silent_deals(session, now=now + timedelta(hours=2))
        if len(mails(session)) > before:
            spoken.append((now.date() - closing.deal.agreed_to).days - 1)
    assert spoken == [3, 7, 14, 28, 56]


def test_after_a_weekend_it_is_said_on_monday_once(session: Session, make: Factory) -> None:
    silent_offer(session, make, days=3)
    saturday, sunday = MONDAY + timedelta(days=5), MONDAY + timedelta(days=6)
    assert [chase_silent_deals(session, now=day) for day in (saturday, sunday)] == [0, 0]
    monday = MONDAY + timedelta(days=7)
    assert [chase_silent_deals(session, now=monday) for _ in range(2)] == [1, 0]


def test_a_worker_that_was_down_for_long_speaks_once(session: Session, make: Factory) -> None:
    silent_offer(session, make, days=30)
    assert [chase_silent_deals(session, now=MONDAY + timedelta(hours=hour)) for hour in range(3)] == [1, 0, 0]


@pytest.mark.parametrize("hour", [3, 6, 15, 22])
def test_nobody_is_chased_at_night(session: Session, make: Factory, hour: int) -> None:
    silent_offer(session, make, days=30)
    assert chase_silent_deals(session, now=datetime(2027, 3, 1, hour, 30, tzinfo=UTC)) == 0


def test_a_silence_that_was_broken_begins_anew(session: Session, make: Factory) -> None:
    closing = silent_offer(session, make, days=7)
    chase_silent_deals(session, now=MONDAY)
    closing.deal.touched_at = MONDAY + timedelta(days=1)
    session.flush()
    days = [day for day in range(1, 9) if chase_silent_deals(session, now=MONDAY + timedelta(days=day))]
    assert days == [4, 8]


def test_all_that_somebody_is_behind_with_comes_in_one_mail(session: Session, make: Factory) -> None:
    first = over(session, make, days=4)
    second = closing_deal(session, make)
    second.load(status=TicketStatus.REPORTED, created_at=MONDAY - timedelta(days=4))
    second.deal.taker_organisation_id = first.deal.taker_organisation_id
    second.deal.created_by_id = first.taker_user.id
    session.flush()
    chase_silent_deals(session, now=MONDAY)
    [mail] = [each for each in mails(session) if each.recipient == first.taker_user.email]
    assert [each["silence"] for each in mail.context["deals"]] == ["nothing", "confirm"]


# Who hears of it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "hears"), [(3, False), (13, False), (14, True), (56, True)])
def test_the_owners_hear_of_it_from_the_third_step_on(session: Session, make: Factory, days: int, hears: bool) -> None:
    closing = closing_deal(session, make)
    owner = make.member(closing.deal.taker_organisation, role=Role.OWNER)
    closing.load(status=TicketStatus.REPORTED, created_at=MONDAY - timedelta(days=days))
    chase_silent_deals(session, now=MONDAY)
    told = {recipient for recipient, _ in said(session)}
    assert closing.taker_user.email in told
    assert (owner.email in told) is hears


def test_who_wants_no_mail_of_deals_gets_none(session: Session, make: Factory) -> None:
    closing = over(session, make, days=4)
    closing.taker_user.deal_notices = NoticePace.NEVER
    session.flush()
    chase_silent_deals(session, now=MONDAY)
    assert {recipient for recipient, _ in said(session)} == {closing.giver_user.email}


# The mail, the job, and many deals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["nb", "en"])
def test_the_mail_says_what_waits_and_where(session: Session, make: Factory, settings: Settings, locale: str) -> None:
    closing = over(session, make, days=20)
    closing.taker_user.locale = locale
    closing.load(status=TicketStatus.REPORTED, created_at=MONDAY - timedelta(days=4))
    closing.load(status=TicketStatus.DISPUTED, side=Side.TAKER, disputed_at=MONDAY - timedelta(days=4))
    chase_silent_deals(session, now=MONDAY)
    [mail] = [each for each in mails(session) if each.recipient == closing.taker_user.email]
    body = MailRenderer(settings)(mail).body_text
    assert body.count(f"/deals/{closing.deal.id}\n") == 3
    assert "Fjell og Grus AS" in body
    assert "blasted rock" in body.lower() if locale == "en" else "sprengstein" in body.lower()


def test_the_task_is_registered_and_comes_every_hour() -> None:
    job_app.perform_import_paths()
    assert Task.CHASE_DEALS in job_app.tasks
    [periodic] = [
        each for each in job_app.periodic_registry.periodic_tasks.values() if each.task.name == Task.CHASE_DEALS
    ]
    assert periodic.cron == "20 * * * *"


def test_a_signed_statement_ends_the_silence(session: Session, make: Factory) -> None:
    closing = over(session, make, days=10)
    closing.loads(4, 120)
    closing.answer()
    draw_up(session, closing.giver, deal_id=closing.deal.id, deviation="", now=MONDAY)
    assert session.scalars(select(DealStatement)).one().voided_at is None
    assert chase_silent_deals(session, now=MONDAY) == 0
