"""The pages of moderation, as visitors, owners and administrators use them."""

from http import HTTPStatus
from io import BytesIO

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.actor import NOBODY
from marketplace.models import Appeal, Document, Listing, ListingReport, Organisation, User, VerificationRequest
from marketplace.services.bans import ban_organisation, ban_user
from marketplace.services.hiding import hide_listing
from marketplace.services.passwords import hash_password
from marketplace.services.reports import report_listing
from marketplace.types import ListingStatus, PausedReason, ReportOutcome, ReportReason, Role
from marketplace.web import limits
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory
from tests.files import PDF

LONG = "x" * 2_001


@pytest.fixture
def admin(make: Factory) -> User:
    return make.user(is_admin=True, name="Anne Administrator")


@pytest.fixture
def owner(make: Factory) -> User:
    return make.member(name="Eva Eier")


@pytest.fixture
def organisation(session: Session, owner: User) -> Organisation:
    return session.get_one(Organisation, owner.memberships[0].organisation_id)


@pytest.fixture
def listing(make: Factory, organisation: Organisation, owner: User) -> Listing:
    return make.listing(organisation, created_by_id=owner.id)


def hidden(session: Session, make: Factory, admin: User, listing: Listing) -> None:
    hide_listing(session, make.actor(admin), listing_id=listing.id, reason="Bildet viser noe annet.", now=NOW)
    session.commit()


def banned(session: Session, make: Factory, admin: User, organisation: Organisation) -> None:
    ban_organisation(session, make.actor(admin), organisation_id=organisation.id, reason="Falske oppføringer.", now=NOW)
    session.commit()


# Reporting --------------------------------------------------------------------------------------------------------


def test_a_visitor_reports_a_listing(client: Client, session: Session, listing: Listing) -> None:
    client.in_english()
    assert f"/listings/{listing.id}/report" in client.get(f"/listings/{listing.id}").text
    answer = client.post(
        f"/listings/{listing.id}/report",
        data={"reason": "wrong_material", "text": "Dette er leire.", "email": "Tips@Example.com"},
    )
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert "A moderator will look at the listing." in client.get(answer.location).text
    report = session.scalars(select(ListingReport)).one()
    assert (report.reason, report.text, report.locale) == (ReportReason.WRONG_MATERIAL, "Dette er leire.", "en")


def test_a_visitor_without_a_name_counts_once(client: Client, session: Session, listing: Listing) -> None:
    address = f"/listings/{listing.id}/report"
    assert client.post(address, data={"reason": "spam"}).status_code == HTTPStatus.SEE_OTHER
    again = client.in_english().post(address, data={"reason": "not_clean", "email": "tips@example.com"})
    assert again.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "You have reported this listing already." in again.text
    assert session.scalars(select(ListingReport.reason)).all() == [ReportReason.SPAM]


def test_the_form_says_when_a_word_is_required(client: Client, listing: Listing) -> None:
    assert (
        "Required where you chose “Something else”." in client.in_english().get(f"/listings/{listing.id}/report").text
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"text": "Kept text"}, "Choose what is wrong."),
        ({"reason": "nonsense", "text": "Kept text"}, "Choose what is wrong."),
        ({"reason": "other", "text": ""}, "Say what is wrong."),
        ({"reason": "spam", "text": "Kept text", "email": "nobody"}, "Enter an e-mail address"),
        ({"reason": "spam", "text": LONG}, "Use at most 2000 characters."),
    ],
)
def test_what_cannot_be_taken_is_said_beside_its_field_and_nothing_is_lost(
    client: Client, session: Session, listing: Listing, data: dict[str, str], said: str
) -> None:
    answer = client.in_english().post(f"/listings/{listing.id}/report", data=data)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.text
    assert data["text"] in answer.text
    assert session.scalars(select(ListingReport)).all() == []


def test_who_is_logged_in_is_not_asked_for_an_address(client: Client, make: Factory, listing: Listing) -> None:
    assert 'name="email"' in client.get(f"/listings/{listing.id}/report").text
    client.log_in_as(make.member())
    assert 'name="email"' not in client.get(f"/listings/{listing.id}/report").text


def test_reports_from_one_place_are_limited(
    client: Client, session: Session, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = limits.Limit(name="report.client", attempts=2, window=limits.REPORTS_BY_CLIENT.window)
    monkeypatch.setattr("marketplace.web.reports.REPORTS_BY_CLIENT", few)
    listings = [make.listing() for _ in range(3)]
    answers = [client.post(f"/listings/{each.id}/report", data={"reason": "spam"}) for each in listings]
    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert len(session.scalars(select(ListingReport)).all()) == 2


def test_a_listing_that_went_out_of_sight_meanwhile_is_not_reported(
    client: Client, session: Session, make: Factory, owner: User, organisation: Organisation
) -> None:
    paused = make.listing(organisation, status=ListingStatus.PAUSED)
    answer = client.log_in_as(owner).post(f"/listings/{paused.id}/report", data={"reason": "spam"})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert session.scalars(select(ListingReport)).all() == []


# The desk ---------------------------------------------------------------------------------------------------------


def test_the_desk_shows_each_reported_listing_once(
    client: Client, session: Session, make: Factory, admin: User, listing: Listing
) -> None:
    for reason in (ReportReason.SPAM, ReportReason.NOT_CLEAN, ReportReason.SPAM):
        report_listing(session, NOBODY, listing_id=listing.id, reason=reason, locale="nb", now=NOW)
    page = client.in_english().log_in_as(admin).get("/admin").text
    assert page.count(f"/admin/listings/{listing.id}") == 1
    assert "3 reports" in page
    assert "The masses are not clean · It is advertising or nonsense" in page


def test_the_desk_asks_the_same_of_the_database_for_one_and_for_three(
    client: Client, session: Session, make: Factory, admin: User, count_queries: QueryCounter
) -> None:
    client.log_in_as(admin)
    pages = ("/admin", "/admin/organisations", "/admin/people")

    def counted() -> list[int]:
        counts = []
        for page in pages:
            with count_queries() as statements:
                client.get(page)
            counts.append(len(statements))
        return counts

    def add() -> None:
        listing = make.listing(created_by_id=make.member().id)
        report_listing(session, NOBODY, listing_id=listing.id, reason=ReportReason.SPAM, locale="nb", now=NOW)
        session.commit()

    add()
    client.get("/admin")  # what a process asks once
    one = counted()
    add()
    add()
    assert counted() == one


def test_a_moderator_hides_a_listing_and_its_owner_reads_why(
    client: Client, session: Session, make: Factory, admin: User, owner: User, listing: Listing
) -> None:
    report_listing(session, NOBODY, listing_id=listing.id, reason=ReportReason.SPAM, locale="nb", now=NOW)
    session.commit()
    client.in_english().log_in_as(admin)
    answer = client.post(f"/admin/listings/{listing.id}/hide", data={"hide-reason": "Bildet er av <noe> annet."})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    page = client.get(answer.location).text
    assert "Hidden since" in page
    assert "Bildet er av &lt;noe&gt; annet." in page
    assert session.scalars(select(ListingReport)).one().outcome is ReportOutcome.HIDDEN

    client.log_in_as(owner)
    page = client.get(f"/listings/{listing.id}").text
    assert "A moderator has hidden this listing." in page
    assert "Bildet er av &lt;noe&gt; annet." in page
    assert f"/listings/{listing.id}/appeal" in page
    assert f"/listings/{listing.id}/publish" not in page
    assert f"/listings/{listing.id}/duplicate" not in page


def test_a_hidden_listing_is_not_there_for_others(
    client: Client, session: Session, make: Factory, admin: User, listing: Listing
) -> None:
    hidden(session, make, admin, listing)
    assert client.get(f"/listings/{listing.id}").status_code == HTTPStatus.FOUND
    assert client.log_in_as(make.member()).get(f"/listings/{listing.id}").status_code == HTTPStatus.NOT_FOUND


def test_its_owner_is_told_why_it_cannot_be_published_or_copied(
    client: Client, session: Session, make: Factory, admin: User, owner: User, listing: Listing
) -> None:
    hidden(session, make, admin, listing)
    client.in_english().log_in_as(owner)
    answer = client.post(f"/listings/{listing.id}/publish", follow_redirects=True)
    assert "A moderator has hidden this listing, so it cannot be published." in answer.text
    answer = client.post(f"/listings/{listing.id}/duplicate")
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "cannot be copied" in answer.text


@pytest.mark.parametrize("reason", ["", "  ", LONG])
def test_a_form_of_the_desk_that_cannot_be_taken_keeps_what_was_typed(
    client: Client, admin: User, organisation: Organisation, listing: Listing, owner: User, reason: str
) -> None:
    client.log_in_as(admin)
    for path, field in (
        (f"/admin/listings/{listing.id}/hide", "hide-reason"),
        (f"/admin/organisations/{organisation.id}/ban", "ban-reason"),
        (f"/admin/organisations/{organisation.id}/verify", "verify-note"),
        (f"/admin/people/{owner.id}/ban", "ban-reason"),
    ):
        answer = client.post(path, data={field: reason})
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, path
        assert answer.text.count('aria-invalid="true"') == 1, path
        assert reason.strip() in answer.text


def test_the_owner_answers_and_the_moderator_shows_it_again(
    client: Client, session: Session, make: Factory, admin: User, owner: User, listing: Listing
) -> None:
    hidden(session, make, admin, listing)
    client.in_english().log_in_as(owner)
    path = f"/listings/{listing.id}/appeal"
    assert client.post(path, data={"text": ""}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert client.post(path, data={"text": "Nytt bilde."}).status_code == HTTPStatus.SEE_OTHER
    assert "waits for a moderator" in client.get(path).text
    again = client.post(path, data={"text": "En gang til."})
    assert again.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "has answered already" in again.text
    assert "En gang til." in again.text

    client.log_in_as(admin)
    assert "Nytt bilde." in client.get("/admin/appeals").text
    client.post(f"/admin/listings/{listing.id}/restore", data={"restore-answer": "Takk."})
    session.refresh(listing)
    assert listing.status is ListingStatus.PUBLISHED
    assert session.scalars(select(Appeal)).one().is_granted is True
    assert "Nytt bilde." not in client.get("/admin/appeals").text
    assert client.log_in_as(owner).get(path).status_code == HTTPStatus.SEE_OTHER


def test_a_refused_appeal_stays_on_the_page_with_its_answer(
    client: Client, session: Session, make: Factory, admin: User, owner: User, listing: Listing
) -> None:
    hidden(session, make, admin, listing)
    client.in_english().log_in_as(owner).post(f"/listings/{listing.id}/appeal", data={"text": "Feil."})
    appeal = session.scalars(select(Appeal)).one()
    client.log_in_as(admin)
    refused = client.post(f"/admin/appeals/{appeal.id}/refuse", data={"refuse-answer": ""})
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    client.post(f"/admin/appeals/{appeal.id}/refuse", data={"refuse-answer": "Bildet er det samme."})
    page = client.log_in_as(owner).get(f"/listings/{listing.id}/appeal").text
    assert "The moderator answered: Bildet er det samme." in page
    assert "<form" in page


def test_two_moderators_do_not_both_decide(
    client: Client, session: Session, make: Factory, admin: User, listing: Listing
) -> None:
    hidden(session, make, admin, listing)
    client.in_english().log_in_as(admin)
    answer = client.post(f"/admin/listings/{listing.id}/hide", data={"hide-reason": "Igjen."}, follow_redirects=True)
    assert "This listing is hidden already." in answer.text
    answer = client.post(f"/admin/listings/{listing.id}/dismiss", follow_redirects=True)
    assert "Somebody else has answered these reports already." in answer.text


# Organisations ----------------------------------------------------------------------------------------------------


def test_a_banned_organisation_reads_why_and_posts_nothing(
    client: Client, session: Session, make: Factory, admin: User, owner: User, listing: Listing
) -> None:
    banned(session, make, admin, listing.organisation)
    client.in_english().log_in_as(owner)
    page = client.get(f"/organisations/{listing.organisation_id}").text
    assert "Falske oppføringer." in page
    assert f"/organisations/{listing.organisation_id}/appeal" in page
    assert client.get(f"/listings/{listing.id}").status_code == HTTPStatus.OK
    assert client.get("/listings/new").status_code == HTTPStatus.FOUND
    assert client.post(f"/listings/{listing.id}/publish").status_code == HTTPStatus.FORBIDDEN
    assert client.get(f"/listings/{listing.id}/edit").status_code == HTTPStatus.FORBIDDEN
    assert client.get(f"/organisations/{listing.organisation_id}/members").status_code == HTTPStatus.OK
    invited = client.post(f"/organisations/{listing.organisation_id}/members", data={"email": "a@b.example"})
    assert invited.status_code == HTTPStatus.FORBIDDEN


def test_others_are_not_told_why_an_organisation_is_banned(
    client: Client, session: Session, make: Factory, admin: User, listing: Listing
) -> None:
    banned(session, make, admin, listing.organisation)
    page = client.get(f"/organisations/{listing.organisation_id}")
    assert page.status_code == HTTPStatus.OK
    assert "Falske oppføringer." not in page.text


def test_a_ban_is_answered_and_lifted_on_the_pages(
    client: Client, session: Session, make: Factory, admin: User, owner: User, listing: Listing
) -> None:
    path = f"/admin/organisations/{listing.organisation_id}"
    client.in_english().log_in_as(admin).post(f"{path}/ban", data={"ban-reason": "Falskt."})
    session.refresh(listing)
    assert listing.paused_reason is PausedReason.BANNED
    client.log_in_as(owner).post(f"/organisations/{listing.organisation_id}/appeal", data={"text": "Det er feil."})
    client.log_in_as(admin)
    assert "Det er feil." in client.get(path).text
    client.post(f"{path}/unban", data={"unban-answer": "Enig."})
    session.refresh(listing)
    assert listing.status is ListingStatus.PUBLISHED


def test_an_owner_asks_to_be_verified_and_an_administrator_verifies(
    client: Client, session: Session, admin: User, owner: User, organisation: Organisation, listing: Listing
) -> None:
    path = f"/organisations/{organisation.id}"
    assert "Not verified yet" in client.in_english().get(f"/listings/{listing.id}").text
    client.log_in_as(owner)
    assert f"{path}/verification" in client.get(path).text
    answer = client.post(
        f"{path}/verification",
        data={"text": "Jeg er daglig leder.", "file": (BytesIO(PDF), "fullmakt.pdf")},
    )
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert "An administrator will look at it" in client.get(f"{path}/verification").text
    document = session.scalars(select(Document)).one()

    client.log_in_as(admin)
    page = client.get(f"/admin/organisations/{organisation.id}").text
    assert "Jeg er daglig leder." in page
    assert f"/documents/{document.id}/" in page
    assert client.get(f"/documents/{document.id}/{document.file_name}").status_code == HTTPStatus.OK
    client.post(f"/admin/organisations/{organisation.id}/verify", data={"verify-note": "Fullmakt sett."})
    session.refresh(organisation)
    assert organisation.is_verified
    client.post("/logout")
    page = client.in_english().get(f"/listings/{listing.id}").text
    assert "Not verified yet" not in page
    assert client.get(f"/documents/{document.id}/{document.file_name}").status_code == HTTPStatus.FOUND


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"text": ""}, "Say who you are"),
        ({"text": "Kept text", "file": (b"<script>", "a.pdf")}, "file"),
        ({"text": LONG}, "Use at most 2000 characters."),
    ],
)
def test_a_request_that_cannot_be_taken_keeps_its_text(
    client: Client,
    session: Session,
    owner: User,
    organisation: Organisation,
    data: dict[str, object],
    said: str,
) -> None:
    sent = {name: (BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value for name, value in data.items()}
    client.in_english().log_in_as(owner)
    answer = client.post(f"/organisations/{organisation.id}/verification", data=sent)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.text
    assert str(data["text"]) in answer.text
    assert session.scalars(select(VerificationRequest)).all() == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=fjell", ["Fjell og Tunnel"]),
        ("q=100%25", ["100% Masse"]),
        ("q=_", []),
        ("state=banned", ["Fjell og Tunnel"]),
        ("state=verified", ["100% Masse"]),
        ("state=nonsense&q=masse", ["100% Masse"]),
        ("q=finnes+ikke", []),
    ],
)
def test_organisations_are_found_by_name_and_state(
    client: Client, make: Factory, admin: User, query: str, found: list[str]
) -> None:
    make.organisation(name="Fjell og Tunnel", banned_at=NOW, ban_reason="Falskt.")
    make.organisation(name="100% Masse", verified_at=NOW, verified_by_id=admin.id, verification_note="Sett.")
    page = client.log_in_as(admin).get(f"/admin/organisations?{query}").text
    assert [name for name in ("Fjell og Tunnel", "100% Masse") if name in page] == found


def test_an_organisation_is_found_by_its_number_with_spaces(client: Client, make: Factory, admin: User) -> None:
    organisation = make.organisation()
    spaced = "+".join(organisation.org_number[at : at + 3] for at in range(0, 9, 3))
    page = client.log_in_as(admin).get(f"/admin/organisations?q={spaced}").text
    assert organisation.name in page


# People -----------------------------------------------------------------------------------------------------------


def test_a_banned_person_is_out_at_once_and_told_at_log_in(
    client: Client, session: Session, make: Factory, admin: User
) -> None:
    person = make.member(password_hash=hash_password("riktig hest batteri"))
    client.in_english().log_in_as(person)
    assert client.get("/account").status_code == HTTPStatus.OK
    ban_user(session, make.actor(admin), user_id=person.id, reason="Trakassering.", now=NOW)
    session.commit()
    assert client.get("/account").status_code == HTTPStatus.FOUND
    answer = client.post("/login", data={"email": person.email, "password": "riktig hest batteri"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "This account is banned." in answer.text
    wrong = client.post("/login", data={"email": person.email, "password": "feil hest batteri"})
    assert "banned" not in wrong.text


def test_a_person_is_found_banned_and_taken_back_on_the_pages(
    client: Client, session: Session, make: Factory, admin: User
) -> None:
    person = make.member(name="Per Plager")
    client.in_english().log_in_as(admin)
    assert "Per Plager" in client.get("/admin/people?q=plager").text
    path = f"/admin/people/{person.id}"
    client.post(f"{path}/ban", data={"ban-reason": "Trakassering."})
    assert "Trakassering." in client.get(path).text
    assert "Per Plager" in client.get("/admin/people?state=banned").text
    client.post(f"{path}/unban")
    session.refresh(person)
    assert person.banned_at is None


def test_an_editor_sees_no_way_to_ask_for_verification(
    client: Client, make: Factory, organisation: Organisation
) -> None:
    client.log_in_as(make.member(organisation, role=Role.EDITOR))
    assert "/verification" not in client.get(f"/organisations/{organisation.id}").text
