"""Moderation: reports, hiding and showing again, bans, and that nothing goes round them."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.actor import NOBODY, Actor
from marketplace.errors import Conflict, Forbidden, InvalidInput
from marketplace.models import Appeal, Listing, ListingReport, Organisation, OutboxMail, User
from marketplace.queries.accounts import account_for_session
from marketplace.services import deals
from marketplace.services.accounts import authenticate
from marketplace.services.appeals import appeal_ban, appeal_hiding, refuse_appeal
from marketplace.services.bans import ban_organisation, ban_user, unban_organisation, unban_user
from marketplace.services.freshness import confirm_listing
from marketplace.services.hiding import hide_listing, restore_listing
from marketplace.services.listings import (
    close_listing,
    duplicate_listing,
    publish_each,
    publish_listing,
)
from marketplace.services.passwords import hash_password
from marketplace.services.receptions import refresh_receptions
from marketplace.services.reports import dismiss_reports, report_listing
from marketplace.types import ListingStatus, PausedReason, ReportOutcome, ReportReason, Role
from tests.conftest import NOW
from tests.factories import Factory
from tests.services.parties import Parties

LATER = NOW + timedelta(days=1)


@pytest.fixture
def moderator(make: Factory) -> Actor:
    return make.actor(make.user(is_admin=True))


@pytest.fixture
def owner_user(make: Factory) -> User:
    return make.member()


@pytest.fixture
def organisation(session: Session, owner_user: User) -> Organisation:
    return session.get_one(Organisation, owner_user.memberships[0].organisation_id)


@pytest.fixture
def owner(make: Factory, owner_user: User) -> Actor:
    return make.actor(owner_user)


@pytest.fixture
def listing(make: Factory, organisation: Organisation, owner_user: User) -> Listing:
    return make.listing(organisation, created_by_id=owner_user.id)


def report(session: Session, listing: Listing, actor: Actor = NOBODY, **values: object) -> ListingReport:
    given = {"reason": ReportReason.SPAM, "locale": "nb", "now": NOW, **values}
    return report_listing(session, actor, listing_id=listing.id, **given)  # type: ignore[arg-type]


def hide(session: Session, moderator: Actor, listing: Listing) -> None:
    hide_listing(session, moderator, listing_id=listing.id, reason="Bildet viser noe annet.", now=NOW)


def ban(session: Session, moderator: Actor, organisation: Organisation) -> None:
    ban_organisation(session, moderator, organisation_id=organisation.id, reason="Falske oppføringer.", now=NOW)


def mails(session: Session) -> list[tuple[str, str]]:
    return sorted((mail.template, mail.recipient) for mail in session.scalars(select(OutboxMail)))


# Reports ----------------------------------------------------------------------------------------------------------


def test_somebody_without_an_account_can_report_and_leave_an_address(session: Session, listing: Listing) -> None:
    kept = report(session, listing, email="tips@example.com", text="Dette er leire.")
    assert (kept.reporter_id, kept.reporter_email, kept.text) == (None, "tips@example.com", "Dette er leire.")


def test_whoever_is_logged_in_reports_under_their_name(session: Session, make: Factory, listing: Listing) -> None:
    actor = make.actor()
    kept = report(session, listing, actor, email="other@example.com")
    assert (kept.reporter_id, kept.reporter_email) == (actor.user_id, None)


def test_another_reason_takes_a_word_of_which(session: Session, listing: Listing) -> None:
    with pytest.raises(InvalidInput) as refused:
        report(session, listing, reason=ReportReason.OTHER, text=" ")
    assert [error.field for error in refused.value.errors] == ["text"]


def test_one_person_reports_a_listing_once_while_it_waits(session: Session, make: Factory, listing: Listing) -> None:
    actor = make.actor()
    report(session, listing, actor)
    report(session, listing, email="a@example.com")
    with pytest.raises(InvalidInput, match="already"):
        report(session, listing, actor)
    with pytest.raises(InvalidInput, match="already"):
        report(session, listing, email="A@Example.com")


@pytest.mark.parametrize("status", [ListingStatus.DRAFT, ListingStatus.PAUSED])
def test_what_nobody_sees_is_not_reported(session: Session, make: Factory, status: ListingStatus) -> None:
    with pytest.raises(Conflict):
        report(session, make.listing(status=status))


def test_dismissing_answers_every_open_report_and_tells_who_reported(
    session: Session, make: Factory, listing: Listing, moderator: Actor
) -> None:
    reporter = make.user()
    report(session, listing, make.actor(reporter))
    report(session, listing, email="tips@example.com")
    report(session, listing)
    assert dismiss_reports(session, moderator, listing_id=listing.id, now=LATER) == 3
    kept = session.scalars(select(ListingReport)).all()
    assert {(each.outcome, each.decided_by_id) for each in kept} == {(ReportOutcome.DISMISSED, moderator.user_id)}
    assert listing.status is ListingStatus.PUBLISHED
    assert mails(session) == [("report_decided", reporter.email), ("report_decided", "tips@example.com")]
    with pytest.raises(Conflict):
        dismiss_reports(session, moderator, listing_id=listing.id, now=LATER)


def test_what_a_reporter_wrote_goes_into_no_mail(session: Session, listing: Listing, moderator: Actor) -> None:
    report(session, listing, email="victim@example.com", text="Buy at evil.example")
    dismiss_reports(session, moderator, listing_id=listing.id, now=NOW)
    assert "evil" not in str(session.scalars(select(OutboxMail)).one().context)


# Hiding -----------------------------------------------------------------------------------------------------------


def test_a_hidden_listing_is_out_of_sight_and_everybody_concerned_is_told(
    session: Session, listing: Listing, moderator: Actor, owner_user: User
) -> None:
    kept = report(session, listing, email="tips@example.com")
    hide(session, moderator, listing)
    assert (listing.status, listing.paused_reason) == (ListingStatus.PAUSED, PausedReason.MODERATOR)
    assert listing.hidden_reason == "Bildet viser noe annet."
    assert kept.outcome is ReportOutcome.HIDDEN
    assert mails(session) == [("listing_hidden", owner_user.email), ("report_decided", "tips@example.com")]


def test_hiding_takes_a_reason(session: Session, listing: Listing, moderator: Actor) -> None:
    with pytest.raises(InvalidInput) as refused:
        hide_listing(session, moderator, listing_id=listing.id, reason=" \n", now=NOW)
    assert [error.field for error in refused.value.errors] == ["reason"]
    assert listing.status is ListingStatus.PUBLISHED


MODERATING: dict[str, Callable[[Session, Actor, Listing], object]] = {
    "hide": hide,
    "restore": lambda session, actor, each: restore_listing(session, actor, listing_id=each.id, now=NOW),
    "dismiss": lambda session, actor, each: dismiss_reports(session, actor, listing_id=each.id, now=NOW),
    "ban": lambda session, actor, each: ban(session, actor, each.organisation),
    "unban": lambda session, actor, each: unban_organisation(
        session, actor, organisation_id=each.organisation_id, now=NOW
    ),
    "ban a person": lambda session, actor, each: ban_user(
        session, actor, user_id=each.created_by_id, reason="x", now=NOW
    ),
    "unban a person": lambda session, actor, each: unban_user(session, actor, user_id=each.created_by_id),
    "refuse": lambda session, actor, each: refuse_appeal(session, actor, appeal_id=1, answer="x", now=NOW),
}


@pytest.mark.parametrize("act", MODERATING)
def test_only_administrators_moderate(session: Session, listing: Listing, owner: Actor, act: str) -> None:
    with pytest.raises(Forbidden):
        MODERATING[act](session, owner, listing)


def bulk_publish(session: Session, owner: Actor, listing: Listing) -> None:
    refused = publish_each(session, owner, [listing], now=LATER)
    if listing.id in refused:
        raise InvalidInput(*refused[listing.id])


def raw_publish(session: Session, _owner: Actor, listing: Listing) -> None:
    with session.begin_nested():
        session.execute(
            update(Listing)
            .where(Listing.id == listing.id)
            .values(status=ListingStatus.PUBLISHED, paused_reason=None, renewed_at=NOW)
        )


def raw_publish_and_forget(session: Session, _owner: Actor, listing: Listing) -> None:
    """As code would that knows nothing of moderators but the columns."""
    with session.begin_nested():
        session.execute(text("UPDATE listing SET status = 'published', paused_reason = NULL"))


WAYS_INTO_SIGHT: dict[str, Callable[[Session, Actor, Listing], object]] = {
    "publish": lambda session, owner, each: publish_listing(session, owner, listing_id=each.id, now=LATER),
    "a file": bulk_publish,
    "still stands": lambda session, owner, each: confirm_listing(session, owner, listing_id=each.id, now=LATER),
    "SQLAlchemy": raw_publish,
    "SQL": raw_publish_and_forget,
}
REFUSALS = (InvalidInput, Conflict, Forbidden, IntegrityError)


@pytest.mark.parametrize("way", WAYS_INTO_SIGHT)
def test_the_owner_cannot_publish_what_a_moderator_hid(
    session: Session, listing: Listing, moderator: Actor, owner: Actor, way: str
) -> None:
    hide(session, moderator, listing)
    with pytest.raises(REFUSALS):
        WAYS_INTO_SIGHT[way](session, owner, listing)
    session.refresh(listing)
    assert listing.status is ListingStatus.PAUSED


@pytest.mark.parametrize("way", WAYS_INTO_SIGHT)
def test_nothing_of_a_banned_organisation_is_published(
    session: Session, listing: Listing, moderator: Actor, owner: Actor, organisation: Organisation, way: str
) -> None:
    """Also by who began before the ban, and still counts as an editor."""
    ban(session, moderator, organisation)
    with pytest.raises(REFUSALS):
        WAYS_INTO_SIGHT[way](session, owner, listing)
    session.refresh(listing)
    assert (listing.status, listing.paused_reason) == (ListingStatus.PAUSED, PausedReason.BANNED)


def test_a_listing_cannot_be_put_straight_into_sight_for_a_banned_organisation(
    session: Session, make: Factory, moderator: Actor, organisation: Organisation
) -> None:
    ban(session, moderator, organisation)
    with pytest.raises(IntegrityError, match="is banned"), session.begin_nested():
        make.listing(organisation)


def test_the_owner_can_put_a_hidden_listing_right_but_not_copy_it(
    session: Session, make: Factory, listing: Listing, moderator: Actor, owner: Actor
) -> None:
    hide(session, moderator, listing)
    with pytest.raises(Conflict, match="copied"):
        duplicate_listing(session, owner, listing_id=listing.id, now=LATER)
    close_listing(session, owner, listing_id=listing.id, now=LATER)
    assert listing.hidden_at is not None
    with pytest.raises(Conflict, match="copied"):
        duplicate_listing(session, owner, listing_id=listing.id, now=LATER)


def test_a_restored_listing_is_in_sight_again(
    session: Session, listing: Listing, moderator: Actor, owner_user: User
) -> None:
    hide(session, moderator, listing)
    restored = restore_listing(session, moderator, listing_id=listing.id, answer="Takk.", now=LATER)
    assert restored.is_in_sight
    assert (listing.hidden_at, listing.hidden_reason, listing.paused_reason) == (None, None, None)
    assert ("listing_restored", owner_user.email) in mails(session)


def test_what_the_owner_had_paused_comes_back_paused(session: Session, make: Factory, moderator: Actor) -> None:
    listing = make.listing(status=ListingStatus.PAUSED)
    hide(session, moderator, listing)
    assert not restore_listing(session, moderator, listing_id=listing.id, now=LATER).is_in_sight
    assert (listing.status, listing.paused_reason) == (ListingStatus.PAUSED, PausedReason.OWNER)


def test_a_restored_listing_goes_through_the_gate(session: Session, listing: Listing, moderator: Actor) -> None:
    hide(session, moderator, listing)
    session.execute(text("DELETE FROM declaration"))
    session.expire_all()
    restored = restore_listing(session, moderator, listing_id=listing.id, now=LATER)
    assert restored.problems
    assert (listing.status, listing.paused_reason) == (ListingStatus.PAUSED, PausedReason.QUALITY)


def test_a_listing_whose_period_is_over_is_not_shown_again(
    session: Session, listing: Listing, moderator: Actor
) -> None:
    hide(session, moderator, listing)
    restored = restore_listing(session, moderator, listing_id=listing.id, now=NOW + timedelta(days=200))
    assert [problem.field for problem in restored.problems] == ["available_to"]
    assert listing.paused_reason is PausedReason.OWNER


def test_hiding_twice_and_restoring_twice_are_refused(session: Session, listing: Listing, moderator: Actor) -> None:
    with pytest.raises(Conflict):
        restore_listing(session, moderator, listing_id=listing.id, now=NOW)
    hide(session, moderator, listing)
    with pytest.raises(Conflict):
        hide(session, moderator, listing)


def test_a_hidden_reception_stays_hidden_whatever_its_facility_says(
    session: Session, make: Factory, moderator: Actor, owner: Actor, organisation: Organisation
) -> None:
    facility = make.facility(
        organisation, accepts=["clay"], capacity_t=500, capacity_left_t=500, reception_price_nok_per_t=0
    )
    refresh_receptions(session, owner, facility=facility, now=NOW)
    reception = session.scalars(select(Listing).where(Listing.facility_id == facility.id)).one()
    hide(session, moderator, reception)
    for accepts in (["blasted_rock"], ["blasted_rock", "clay"]):
        facility.accepts = accepts
        refresh_receptions(session, owner, facility=facility, now=LATER)
    of_clay = session.scalars(
        select(Listing).where(Listing.facility_id == facility.id, Listing.material_key == "clay")
    ).all()
    assert [(each.id, each.paused_reason) for each in of_clay] == [(reception.id, PausedReason.MODERATOR)]

    restore_listing(session, moderator, listing_id=reception.id, now=LATER)
    assert reception.status is ListingStatus.PUBLISHED


def test_a_restored_reception_of_a_full_facility_is_full(
    session: Session, make: Factory, moderator: Actor, owner: Actor, organisation: Organisation
) -> None:
    facility = make.facility(
        organisation, accepts=["clay"], capacity_t=500, capacity_left_t=500, reception_price_nok_per_t=0
    )
    refresh_receptions(session, owner, facility=facility, now=NOW)
    reception = session.scalars(select(Listing).where(Listing.facility_id == facility.id)).one()
    hide(session, moderator, reception)
    facility.capacity_left_t = Decimal(0)
    refresh_receptions(session, owner, facility=facility, now=LATER)
    restore_listing(session, moderator, listing_id=reception.id, now=LATER)
    assert (reception.status, reception.paused_reason) == (ListingStatus.PAUSED, PausedReason.FULL)


def test_what_deals_gave_back_while_it_was_hidden_is_in_sight_when_restored(
    session: Session, make: Factory, moderator: Actor
) -> None:
    parties = Parties(session, make, NOW)
    deal = parties.agree(1000)
    assert parties.surplus.paused_reason is PausedReason.FULL
    hide(session, moderator, parties.surplus)
    deals.cancel(session, parties.giver, deal_id=deal.id, reason="Gikk ikke.", now=NOW)
    assert parties.surplus.paused_reason is PausedReason.MODERATOR
    assert restore_listing(session, moderator, listing_id=parties.surplus.id, now=NOW).is_in_sight


def test_what_is_still_full_is_restored_as_full(session: Session, make: Factory, moderator: Actor) -> None:
    parties = Parties(session, make, NOW)
    parties.agree(1000)
    hide(session, moderator, parties.surplus)
    assert not restore_listing(session, moderator, listing_id=parties.surplus.id, now=NOW).is_in_sight
    assert parties.surplus.paused_reason is PausedReason.FULL


# Appeals ----------------------------------------------------------------------------------------------------------


def test_an_editor_answers_once_and_restoring_grants_it(
    session: Session, make: Factory, listing: Listing, moderator: Actor, organisation: Organisation
) -> None:
    hide(session, moderator, listing)
    editor = make.actor(make.member(organisation, role=Role.EDITOR))
    appeal = appeal_hiding(session, editor, listing_id=listing.id, text="Nytt bilde er lagt ut.", now=LATER)
    with pytest.raises(InvalidInput, match="already"):
        appeal_hiding(session, editor, listing_id=listing.id, text="Og en gang til.", now=LATER)
    restore_listing(session, moderator, listing_id=listing.id, answer="Fint.", now=LATER)
    assert (appeal.is_granted, appeal.answer, appeal.decided_by_id) == (True, "Fint.", moderator.user_id)


def test_a_refused_appeal_leaves_the_listing_hidden_and_tells_why(
    session: Session, listing: Listing, moderator: Actor, owner: Actor
) -> None:
    hide(session, moderator, listing)
    appeal = appeal_hiding(session, owner, listing_id=listing.id, text="Det stemmer ikke.", now=LATER)
    refuse_appeal(session, moderator, appeal_id=appeal.id, answer="Bildet er det samme.", now=LATER)
    assert (appeal.is_granted, listing.paused_reason) == (False, PausedReason.MODERATOR)
    assert ("appeal_refused", owner.email) in mails(session)
    with pytest.raises(Conflict):
        refuse_appeal(session, moderator, appeal_id=appeal.id, answer="Igjen.", now=LATER)


def test_others_cannot_answer_and_there_must_be_something_to_answer(
    session: Session, make: Factory, listing: Listing, moderator: Actor, owner: Actor, organisation: Organisation
) -> None:
    with pytest.raises(Conflict):
        appeal_hiding(session, owner, listing_id=listing.id, text="Hvorfor?", now=NOW)
    with pytest.raises(Conflict):
        appeal_ban(session, owner, organisation_id=organisation.id, text="Hvorfor?", now=NOW)
    hide(session, moderator, listing)
    for actor in (make.actor(), make.actor(make.member(organisation, role=Role.VIEWER))):
        with pytest.raises(Forbidden):
            appeal_hiding(session, actor, listing_id=listing.id, text="Hvorfor?", now=NOW)
    assert session.scalar(select(func.count()).select_from(Appeal)) == 0


# Bans of organisations --------------------------------------------------------------------------------------------


def test_a_ban_takes_every_listing_out_of_sight_and_unbanning_brings_them_back(
    session: Session, make: Factory, listing: Listing, moderator: Actor, organisation: Organisation, owner_user: User
) -> None:
    paused = make.listing(organisation, status=ListingStatus.PAUSED)
    others = make.listing()
    kept = report(session, listing)
    ban(session, moderator, organisation)
    assert [each.paused_reason for each in (listing, paused, others)] == [
        PausedReason.BANNED,
        PausedReason.OWNER,
        None,
    ]
    assert kept.outcome is ReportOutcome.HIDDEN
    unban_organisation(session, moderator, organisation_id=organisation.id, now=LATER)
    assert [each.status for each in (listing, paused)] == [ListingStatus.PUBLISHED, ListingStatus.PAUSED]
    assert [template for template, _ in mails(session)] == ["organisation_banned", "organisation_unbanned"]


def test_what_deals_gave_back_during_a_ban_is_in_sight_after_it(
    session: Session, make: Factory, moderator: Actor
) -> None:
    parties = Parties(session, make, NOW)
    still_full = make.listing(parties.giver_organisation)
    parties.demand.mass_t = Decimal(2000)
    session.flush()
    parties.agree(1000, surplus=still_full)
    deal = parties.agree(1000)
    ban(session, moderator, parties.giver_organisation)
    deals.cancel(session, parties.taker, deal_id=deal.id, reason="Gikk ikke.", now=NOW)
    assert parties.surplus.paused_reason is PausedReason.FULL
    unban_organisation(session, moderator, organisation_id=parties.giver_organisation.id, now=NOW)
    assert parties.surplus.status is ListingStatus.PUBLISHED
    assert still_full.paused_reason is PausedReason.FULL


def test_a_reception_that_was_full_before_a_ban_has_the_room_of_its_facility_after_it(
    session: Session, make: Factory, moderator: Actor, owner: Actor, organisation: Organisation
) -> None:
    facility = make.facility(
        organisation, accepts=["clay"], capacity_t=500, capacity_left_t=500, reception_price_nok_per_t=0
    )
    refresh_receptions(session, owner, facility=facility, now=NOW)
    reception = session.scalars(select(Listing).where(Listing.facility_id == facility.id)).one()
    facility.capacity_left_t = Decimal(0)
    refresh_receptions(session, owner, facility=facility, now=NOW)
    assert reception.paused_reason is PausedReason.FULL
    ban(session, moderator, organisation)
    facility.capacity_left_t = Decimal(300)
    session.flush()
    unban_organisation(session, moderator, organisation_id=organisation.id, now=LATER)
    assert (reception.status, reception.mass_t) == (ListingStatus.PUBLISHED, 300)


def test_members_of_a_banned_organisation_read_and_do_nothing(
    session: Session, make: Factory, listing: Listing, moderator: Actor, organisation: Organisation, owner_user: User
) -> None:
    ban(session, moderator, organisation)
    account = account_for_session(session, user_id=owner_user.id, epoch=owner_user.session_epoch)
    assert account is not None
    actor = account.actor
    assert actor.is_member(organisation.id)
    assert actor.owns(organisation.id)
    assert not actor.can_edit(organisation.id)
    assert actor.editable == ()
    with pytest.raises(Forbidden):
        close_listing(session, actor, listing_id=listing.id, now=LATER)


def test_an_owner_answers_a_ban_and_unbanning_grants_it(
    session: Session, moderator: Actor, owner: Actor, organisation: Organisation
) -> None:
    ban(session, moderator, organisation)
    appeal = appeal_ban(session, owner, organisation_id=organisation.id, text="Det var en feil.", now=LATER)
    unban_organisation(session, moderator, organisation_id=organisation.id, answer="Enig.", now=LATER)
    assert (appeal.is_granted, appeal.answer) == (True, "Enig.")


def test_what_was_hidden_during_a_ban_stays_hidden_after_it(
    session: Session, listing: Listing, moderator: Actor, organisation: Organisation
) -> None:
    ban(session, moderator, organisation)
    hide(session, moderator, listing)
    unban_organisation(session, moderator, organisation_id=organisation.id, now=LATER)
    assert listing.paused_reason is PausedReason.MODERATOR
    assert restore_listing(session, moderator, listing_id=listing.id, now=LATER).is_in_sight


def test_what_is_restored_during_a_ban_comes_back_with_the_organisation(
    session: Session, listing: Listing, moderator: Actor, organisation: Organisation
) -> None:
    hide(session, moderator, listing)
    ban(session, moderator, organisation)
    restore_listing(session, moderator, listing_id=listing.id, now=LATER)
    assert listing.paused_reason is PausedReason.BANNED
    unban_organisation(session, moderator, organisation_id=organisation.id, now=LATER)
    assert listing.status is ListingStatus.PUBLISHED


def test_banning_twice_and_lifting_no_ban_are_refused(
    session: Session, moderator: Actor, organisation: Organisation
) -> None:
    with pytest.raises(Conflict):
        unban_organisation(session, moderator, organisation_id=organisation.id, now=NOW)
    ban(session, moderator, organisation)
    with pytest.raises(Conflict):
        ban(session, moderator, organisation)


# Bans of people ---------------------------------------------------------------------------------------------------


def test_a_banned_person_is_logged_out_and_cannot_log_in(session: Session, make: Factory, moderator: Actor) -> None:
    user = make.user(password_hash=hash_password("riktig hest batteri"))
    epoch = user.session_epoch
    ban_user(session, moderator, user_id=user.id, reason="Trakassering.", now=NOW)
    assert account_for_session(session, user_id=user.id, epoch=epoch) is None
    assert account_for_session(session, user_id=user.id, epoch=user.session_epoch) is None
    with pytest.raises(InvalidInput, match="banned"):
        authenticate(session, email=user.email, password="riktig hest batteri")
    assert authenticate(session, email=user.email, password="feil hest batteri") is None
    unban_user(session, moderator, user_id=user.id)
    assert authenticate(session, email=user.email, password="riktig hest batteri") is user
    assert [template for template, _ in mails(session)] == ["account_banned", "account_unbanned"]


def test_an_administrator_is_not_banned(session: Session, make: Factory, moderator: Actor) -> None:
    with pytest.raises(Conflict):
        ban_user(session, moderator, user_id=make.user(is_admin=True).id, reason="x", now=NOW)


def test_a_banned_person_gets_no_mail_about_listings(
    session: Session, listing: Listing, moderator: Actor, owner_user: User
) -> None:
    ban_user(session, moderator, user_id=owner_user.id, reason="Trakassering.", now=NOW)
    hide(session, moderator, listing)
    assert mails(session) == [("account_banned", owner_user.email)]
