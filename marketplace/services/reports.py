"""Reports: somebody says that something is wrong with a listing, and is told what came of it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from marketplace.actor import Actor
from marketplace.errors import Conflict, NotFound, field_error
from marketplace.i18n_marker import N_
from marketplace.models import Listing, ListingReport, User
from marketplace.services.listing_people import listing_words
from marketplace.services.mail import send_mail
from marketplace.services.moderation_mail import require_administrator, text_from
from marketplace.types import ListingStatus, ReportOutcome, ReportReason

SAY_WHAT = N_("Say what is wrong.")
REPORTED_ALREADY = N_("You have reported this listing already. A moderator will look at it.")
NOT_IN_SIGHT = N_("This listing is not in sight any more, so there is nothing to report.")
NOTHING_OPEN = N_("Somebody else has answered these reports already.")


def report_listing(
    session: Session,
    actor: Actor,
    *,
    listing_id: int,
    reason: ReportReason,
    text: str = "",
    email: str | None = None,
    sent_before: Collection[int] = (),
    locale: str,
    now: datetime,
) -> ListingReport:
    """Tell the moderators that something is wrong with a listing that others see.

    `email` is where somebody who is not logged in wants to hear what came of it. `sent_before` are the reports that
    the same browser has sent: a visitor counts once, with a name or without.

    Raises:
        NotFound: there is no such listing.
        Conflict: it is not in sight.
        InvalidInput: another reason without a word of which, a text that is too long, or reported by them already.
    """
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise NotFound
    if listing.status is not ListingStatus.PUBLISHED:
        raise Conflict(NOT_IN_SIGHT)
    report = ListingReport(
        listing_id=listing_id,
        reason=reason,
        text=text_from(text, field="text", missing=SAY_WHAT if reason is ReportReason.OTHER else None),
        reporter_id=actor.user_id,
        reporter_email=(email or None) if actor.is_anonymous else None,
        locale=locale,
        created_at=now,
    )
    _require_first(session, report, sent_before=sent_before)
    session.add(report)
    session.flush()
    return report


def dismiss_reports(session: Session, actor: Actor, *, listing_id: int, now: datetime) -> int:
    """Let a listing stand as it is, and tell those who reported it; returns how many reports that answers.

    Raises:
        Forbidden: the actor is no administrator.
        Conflict: none is open any more.
    """
    require_administrator(actor)
    answered = decide_reports(session, actor, listing_ids=[listing_id], outcome=ReportOutcome.DISMISSED, now=now)
    if not answered:
        raise Conflict(NOTHING_OPEN)
    return answered


def decide_reports(
    session: Session, actor: Actor, *, listing_ids: Sequence[int], outcome: ReportOutcome, now: datetime
) -> int:
    """Answer the open reports of listings, and tell who reported; returns how many there were."""
    reports = session.scalars(
        select(ListingReport)
        .where(ListingReport.listing_id.in_(listing_ids), ListingReport.decided_at.is_(None))
        .order_by(ListingReport.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    for report in reports:
        report.outcome, report.decided_at, report.decided_by_id = outcome, now, actor.user_id
    session.flush()
    for report in reports:
        _tell_reporter(session, report)
    return len(reports)


def _require_first(session: Session, report: ListingReport, *, sent_before: Collection[int]) -> None:
    """One person has one open report of a listing; more would only be counted as many people."""
    same = select(ListingReport.id).where(
        ListingReport.listing_id == report.listing_id, ListingReport.decided_at.is_(None)
    )
    by_same: list[ColumnElement[bool]] = [ListingReport.id.in_(list(sent_before))]
    if report.reporter_id is not None:
        by_same.append(ListingReport.reporter_id == report.reporter_id)
    elif report.reporter_email is not None:
        by_same.append(func.lower(ListingReport.reporter_email) == report.reporter_email.lower())
    same = same.where(or_(*by_same))
    if session.scalar(same.limit(1)) is not None:
        raise field_error("", REPORTED_ALREADY)


def _tell_reporter(session: Session, report: ListingReport) -> None:
    """What the person wrote does not go into the mail: an address may not be the one of who left it."""
    assert report.outcome is not None
    reporter = session.get(User, report.reporter_id) if report.reporter_id else None
    if reporter is not None and reporter.banned_at is not None:
        return
    to, locale = (reporter.email, reporter.locale) if reporter else (report.reporter_email, report.locale)
    if to is None:
        return
    listing = session.get_one(Listing, report.listing_id)
    context = {**listing_words(listing, locale=locale), "outcome": report.outcome.value}
    send_mail(session, to=to, template="report_decided", locale=locale, context=context)
