"""Asking the owner of a listing without an account: the form, the mailed link, the owner's pages."""

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.models import Enquiry, EnquiryMessage, Listing, Notice, OutboxMail, Throttle, User
from marketplace.services.enquiries import token_of
from marketplace.services.links import LinkSigner
from marketplace.types import EnquiryStatus, ListingStatus, Role
from marketplace.web.limits import ENQUIRIES_BY_ADDRESS
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory

pytestmark = pytest.mark.usefixtures("now")

VISITOR = "ola@visitor.example"
ASKED = {"body": "Kan vi hente 200 t?", "name": "Ola Nordmann", "firm": "", "email": VISITOR}


@pytest.fixture
def owner(make: Factory) -> User:
    return make.member(email="owner@owner.example", name="Eva Eier")


@pytest.fixture
def listing(make: Factory, owner: User) -> Listing:
    return make.listing(owner.memberships[0].organisation, created_by_id=owner.id)


@pytest.fixture
def visitor(client: Client) -> Client:
    return client.in_english()


def count(session: Session, model: type[object]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def link_to(app: Flask, enquiry: Enquiry) -> str:
    return f"/enquiries/with/{token_of(enquiry, signer=LinkSigner(app.config['SECRET_KEY']))}"


# Asking -----------------------------------------------------------------------------------------------------------


def test_a_listing_leads_to_the_form_but_not_for_its_own_people(client: Client, listing: Listing, owner: User) -> None:
    assert f"/listings/{listing.id}/enquiries/new" in client.get(f"/listings/{listing.id}").text
    assert "enquiries/new" not in client.log_in_as(owner).get(f"/listings/{listing.id}").text


def test_a_visitor_asks_confirms_and_is_answered(
    app: Flask, visitor: Client, session: Session, listing: Listing, owner: User
) -> None:
    answer = visitor.post(f"/listings/{listing.id}/enquiries/new", data=ASKED)
    assert answer.location == "/enquiries/sent"
    assert VISITOR in visitor.get("/enquiries/sent").text
    enquiry = session.scalars(select(Enquiry)).one()
    link = link_to(app, enquiry)
    for _look in range(2):  # as mail scanners do
        assert "Send the question" in visitor.get(link).text
    assert count(session, Notice) == 0
    assert visitor.post(f"{link}/confirm").status_code == HTTPStatus.SEE_OTHER
    assert count(session, Notice) == 1
    assert "No answer yet" in visitor.get(link).text
    with visitor.session_transaction() as cookie:
        cookie.clear()
    at_owners = visitor.log_in_as(owner).in_english()
    at_owners.post(f"/enquiries/{enquiry.id}/messages", data={"body": "Ja, på mandag."})
    at_owners.post("/logout")
    page = visitor.in_english().get(link).text
    assert "Ja, på mandag." in page
    assert listing.organisation.name in page
    assert owner.name not in page
    assert owner.email not in page


def test_the_owner_sees_the_name_and_not_the_address(
    client: Client, make: Factory, listing: Listing, owner: User
) -> None:
    enquiry = make.enquiry(listing, name="Ola Nordmann", email=VISITOR)
    at_owners = client.log_in_as(owner)
    for path in (f"/enquiries/{enquiry.id}", "/enquiries", "/enquiries?waiting=1"):
        page = at_owners.get(path).text
        assert "Ola Nordmann" in page
        assert VISITOR not in page


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("body", ""),
        ("body", "x" * 3001),
        ("body", "http://a.no http://b.no http://c.no"),
        ("name", ""),
        ("name", "www.kjop.no"),
        ("name", "x" * 101),
        ("firm", "https://kjop.no"),
        ("email", ""),
        ("email", "ola"),
        ("email", "ola@visitor.example\r\nBcc: alle@visitor.example"),
    ],
)
def test_what_is_refused_is_said_beside_its_field_and_stays(
    visitor: Client, session: Session, listing: Listing, field: str, typed: str
) -> None:
    answer = visitor.post(f"/listings/{listing.id}/enquiries/new", data={**ASKED, field: typed})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert f'id="{field}-error"' in answer.text
    kept = {name: value for name, value in ASKED.items() if value and name != field}
    assert all(value in answer.text for value in kept.values())
    assert count(session, Enquiry) == 0


def test_a_machine_that_fills_in_everything_is_not_heard(visitor: Client, session: Session, listing: Listing) -> None:
    answer = visitor.post(f"/listings/{listing.id}/enquiries/new", data={**ASKED, "website": "https://kjop.no"})
    assert answer.location == "/enquiries/sent"
    assert (count(session, Enquiry), count(session, OutboxMail)) == (0, 0)


def test_an_address_gets_only_some_mails_a_day(visitor: Client, session: Session, listing: Listing) -> None:
    visitor.post(f"/listings/{listing.id}/enquiries/new", data=ASKED)
    counter = session.scalars(select(Throttle).where(Throttle.key.startswith(ENQUIRIES_BY_ADDRESS.name))).one()
    counter.hits = ENQUIRIES_BY_ADDRESS.attempts
    session.flush()
    answer = visitor.post(f"/listings/{listing.id}/enquiries/new", data={**ASKED, "email": VISITOR.upper()})
    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert ASKED["body"] in answer.text
    assert count(session, OutboxMail) == 1


@pytest.mark.parametrize("status", [ListingStatus.DRAFT, ListingStatus.PAUSED])
def test_nobody_asks_about_what_they_do_not_see(visitor: Client, make: Factory, status: ListingStatus) -> None:
    hidden = make.listing(status=status)
    answer = visitor.post(f"/listings/{hidden.id}/enquiries/new", data=ASKED)
    assert answer.status_code == HTTPStatus.FOUND
    assert "/login" in answer.location


def test_ones_own_people_are_led_back(client: Client, session: Session, listing: Listing, owner: User) -> None:
    answer = client.log_in_as(owner).post(f"/listings/{listing.id}/enquiries/new", data=ASKED)
    assert answer.location == f"/listings/{listing.id}"
    assert count(session, Enquiry) == 0


def test_whoever_is_logged_in_only_writes(client: Client, session: Session, make: Factory, listing: Listing) -> None:
    asker = client.log_in_as(make.member(email=VISITOR)).in_english()
    assert 'name="email"' not in asker.get(f"/listings/{listing.id}/enquiries/new").text
    answer = asker.post(f"/listings/{listing.id}/enquiries/new", data={"body": "Er de tørre?"})
    enquiry = session.scalars(select(Enquiry)).one()
    assert answer.location == f"/enquiries/{enquiry.id}"
    assert "Er de tørre?" in asker.get(answer.location).text
    assert count(session, Notice) == 1


def test_who_signs_up_later_finds_their_question_and_writes_on(
    client: Client, session: Session, make: Factory, listing: Listing
) -> None:
    enquiry = make.enquiry(listing, email=VISITOR)
    asker = client.log_in_as(make.user(email=VISITOR.upper())).in_english()
    assert f"/enquiries/{enquiry.id}" in asker.get("/enquiries").text
    answer = asker.post(f"/enquiries/{enquiry.id}/messages", data={"body": "Hallo?"})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert "Hallo?" in asker.get(f"/enquiries/{enquiry.id}").text


def test_an_unconfirmed_account_with_the_address_sees_nothing(client: Client, make: Factory, listing: Listing) -> None:
    enquiry = make.enquiry(listing, email=VISITOR)
    asker = client.log_in_as(make.user(email=VISITOR, confirmed=False))
    assert asker.get(f"/enquiries/{enquiry.id}").status_code == HTTPStatus.NOT_FOUND


# By the link ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/enquiries/with/x", "/enquiries/with/WzFd.abc", "/enquiries/with/" + "x" * 3000])
def test_a_dead_link_says_so(visitor: Client, path: str) -> None:
    assert visitor.get(path).status_code == HTTPStatus.NOT_FOUND
    assert visitor.post(path, data={"body": "Hei"}).status_code == HTTPStatus.NOT_FOUND
    assert visitor.post(f"{path}/confirm").status_code == HTTPStatus.NOT_FOUND


def test_what_cannot_be_sent_any_more_says_why(app: Flask, visitor: Client, make: Factory, listing: Listing) -> None:
    enquiry = make.enquiry(listing, status=EnquiryStatus.UNCONFIRMED)
    listing.status = ListingStatus.CLOSED
    listing.closed_at, listing.closed_reason = NOW, "owner"
    make.session.flush()
    link = link_to(app, enquiry)
    assert "taken down meanwhile" in visitor.post(f"{link}/confirm", follow_redirects=True).text


def test_a_visitor_writes_before_confirming_in_vain(
    app: Flask, visitor: Client, session: Session, make: Factory, listing: Listing
) -> None:
    enquiry = make.enquiry(listing, status=EnquiryStatus.UNCONFIRMED)
    answer = visitor.post(link_to(app, enquiry), data={"body": "Hei igjen"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert count(session, EnquiryMessage) == 1


@pytest.mark.parametrize("body", ["", "x" * 3001])
def test_a_visitors_bad_message_stays(app: Flask, visitor: Client, make: Factory, listing: Listing, body: str) -> None:
    answer = visitor.post(link_to(app, make.enquiry(listing)), data={"body": body})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'id="body-error"' in answer.text
    assert body in answer.text


def test_markup_of_a_visitor_is_text(client: Client, make: Factory, listing: Listing, owner: User) -> None:
    enquiry = make.enquiry(listing, body="<script>alert(1)</script>", name="<b>Ola", firm='"><img src=x>')
    page = client.log_in_as(owner).get(f"/enquiries/{enquiry.id}").text
    assert not any(markup in page for markup in ("<script>alert", "<b>Ola", "<img src=x"))


# The owner's pages --------------------------------------------------------------------------------------------------


def test_closing_refusing_opening_again_and_inviting(
    client: Client, session: Session, make: Factory, listing: Listing, owner: User
) -> None:
    enquiry = make.enquiry(listing)
    at_owners = client.log_in_as(owner).in_english()
    steps = [
        ("invite", {}, EnquiryStatus.OPEN, "The invitation is on its way"),
        ("invite", {}, EnquiryStatus.OPEN, "They have been invited already"),
        ("close", {}, EnquiryStatus.CLOSED, "Closed."),
        ("invite", {}, EnquiryStatus.CLOSED, "This enquiry is closed"),
        ("reopen", {}, EnquiryStatus.OPEN, "open again"),
        ("close", {"unwanted": "yes"}, EnquiryStatus.REFUSED, "takes no more questions"),
    ]
    for step, data, status, said in steps:
        page = at_owners.post(f"/enquiries/{enquiry.id}/{step}", data=data, follow_redirects=True).text
        session.refresh(enquiry)
        assert enquiry.status is status
        assert said in page


@pytest.mark.parametrize("body", ["", "x" * 5001])
def test_a_bad_answer_stays(client: Client, make: Factory, listing: Listing, owner: User, body: str) -> None:
    enquiry = make.enquiry(listing)
    answer = client.log_in_as(owner).post(f"/enquiries/{enquiry.id}/messages", data={"body": body})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert body in answer.text


def test_a_viewer_reads_and_cannot_answer(client: Client, make: Factory, listing: Listing) -> None:
    enquiry = make.enquiry(listing)
    viewer = client.log_in_as(make.member(listing.organisation, role=Role.VIEWER)).in_english()
    assert "Send the answer" not in viewer.get(f"/enquiries/{enquiry.id}").text


def test_what_waits_is_said_above_ones_listings(client: Client, make: Factory, listing: Listing, owner: User) -> None:
    at_owners = client.log_in_as(owner).in_english()
    assert "wait for an answer" not in at_owners.get("/listings").text
    for _question in range(2):
        make.enquiry(listing)
    make.enquiry(listing, is_answered=True)
    make.enquiry(listing, status=EnquiryStatus.UNCONFIRMED)
    assert "2 questions about your listings wait for an answer" in at_owners.get("/listings").text


def test_the_list_asks_the_same_for_one_and_for_several(
    client: Client, make: Factory, listing: Listing, owner: User, count_queries: QueryCounter
) -> None:
    at_owners = client.log_in_as(owner)
    make.enquiry(listing)
    at_owners.get("/enquiries")
    with count_queries() as one:
        at_owners.get("/enquiries")
    for _question in range(3):
        make.enquiry(make.listing(listing.organisation))
    with count_queries() as several:
        at_owners.get("/enquiries")
    assert len(several) == len(one)


def test_what_waits_stands_first_and_then_what_was_written_in_last(
    client: Client, make: Factory, listing: Listing, owner: User
) -> None:
    names = {}
    for name, is_answered, hours in (("A", True, 1), ("B", False, 5), ("C", True, 3), ("D", False, 2)):
        touched_at = NOW - timedelta(hours=hours)
        names[name] = make.enquiry(listing, name=f"Spørrer {name}", is_answered=is_answered, touched_at=touched_at)
    page = client.log_in_as(owner).get("/enquiries").text
    assert re.findall(r"Spørrer (\w)", page) == ["D", "B", "A", "C"]
    page = client.get(f"/enquiries?before={names['B'].id}").text
    assert re.findall(r"Spørrer (\w)", page) == ["A", "C"]
    page = client.get(f"/enquiries?after={names['A'].id}").text
    assert re.findall(r"Spørrer (\w)", page) == ["D", "B"]
