"""Organisations, members and invitations, as a visitor meets them."""

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.models import Invitation, Membership, Organisation, OutboxMail, User
from marketplace.registers import Registers
from marketplace.registers.enhetsregisteret import RegisteredOrganisation
from marketplace.registers.kartverket import NoAddressRegister
from marketplace.services.passwords import hash_password
from marketplace.types import ListingStatus, Role
from marketplace.web import registers
from marketplace.web.geocode import LIMIT_EXTENSION, LOOKUPS, LightLimit
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory, org_number

NUMBER = org_number(4_500_000)
UNKNOWN = org_number(4_600_000)
PASSWORD = "rolig elv under brua"
EMAIL = "ola@anlegg.example"
FORM = {"org_number": NUMBER, "name": "Typed AS", "kind": "contractor"}


class OneOrganisation:
    """A register that answers at once, and knows of one organisation."""

    is_online = True

    def find(self, org_number: str) -> RegisteredOrganisation | None:
        if org_number != NUMBER:
            return None
        return RegisteredOrganisation(
            org_number=NUMBER,
            name="BYGG <OG> ANLEGG AS",
            form_code="AS",
            form_name="Aksjeselskap",
            address="Storgata 1, 1337 SANDVIKA",
            municipality_number="3201",
            is_deleted=False,
            is_bankrupt=False,
        )


@pytest.fixture
def visitor(client: Client) -> Client:
    return client.in_english()


@pytest.fixture
def another_browser(app: Flask, visitor: Client) -> Client:
    del visitor
    browser: Client = app.test_client()  # type: ignore[assignment]
    return browser.in_english()


@pytest.fixture
def register(app: Flask) -> Iterator[None]:
    before = app.extensions.pop(registers.EXTENSION, None)
    app.extensions[registers.EXTENSION] = Registers(addresses=NoAddressRegister(), organisations=OneOrganisation())
    yield
    app.extensions.pop(registers.EXTENSION)
    if before is not None:
        app.extensions[registers.EXTENSION] = before


@pytest.fixture
def organisation(make: Factory) -> Organisation:
    return make.organisation(name="Fjell & Vann AS")


@pytest.fixture
def owner(make: Factory, organisation: Organisation) -> User:
    return make.member(organisation, name="Eva Eier")


def pages(organisation: Organisation) -> str:
    return f"/organisations/{organisation.id}"


def role_of(session: Session, user: User, organisation: Organisation) -> Role | None:
    session.expire_all()
    found = session.get(Membership, (user.id, organisation.id))
    return found.role if found else None


def token(session: Session) -> str:
    mail = session.scalars(select(OutboxMail).order_by(OutboxMail.id.desc())).first()
    assert mail is not None
    return str(mail.context["token"])


def count(session: Session, model: type) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


# Registering ----------------------------------------------------------------------------------------------------------


def test_registering_makes_the_visitor_its_owner(visitor: Client, make: Factory, session: Session) -> None:
    user = make.user()
    answer = visitor.log_in_as(user).post("/organisations/new", data=FORM)
    organisation = session.scalars(select(Organisation).where(Organisation.org_number == NUMBER)).one()
    assert answer.location == pages(organisation)
    assert role_of(session, user, organisation) is Role.OWNER
    assert "Typed AS" in visitor.get("/organisations").text


@pytest.mark.parametrize(("role", "may_post"), [(Role.OWNER, True), (Role.EDITOR, True), (Role.VIEWER, False)])
def test_the_page_of_ones_own_organisation_leads_on_to_posting(
    visitor: Client, make: Factory, organisation: Organisation, role: Role, may_post: bool
) -> None:
    visitor.log_in_as(make.member(organisation, role=role))
    page = visitor.get(pages(organisation)).text
    own = page[page.index("<main") :]
    assert ('href="/listings/new"' in own) is may_post
    assert ('href="/projects/new"' in own) is may_post


def test_another_organisations_page_offers_no_posting(
    visitor: Client, make: Factory, organisation: Organisation
) -> None:
    visitor.log_in_as(make.member(make.organisation()))
    page = visitor.get(pages(organisation)).text
    assert 'href="/listings/new"' not in page[page.index("<main") :]


@pytest.mark.usefixtures("register")
def test_the_register_names_the_organisation(visitor: Client, make: Factory, session: Session) -> None:
    visitor.log_in_as(make.user()).post("/organisations/new", data={**FORM, "name": ""})
    organisation = session.scalars(select(Organisation).where(Organisation.org_number == NUMBER)).one()
    assert organisation.name == "BYGG <OG> ANLEGG AS"
    page = visitor.get(pages(organisation)).text
    assert "BYGG &lt;OG&gt; ANLEGG AS" in page
    assert "<OG>" not in page
    assert "Storgata 1, 1337 SANDVIKA" in page


@pytest.mark.usefixtures("register")
def test_a_number_that_the_register_does_not_know_is_refused(visitor: Client, make: Factory, session: Session) -> None:
    answer = visitor.log_in_as(make.user()).post("/organisations/new", data={**FORM, "org_number": UNKNOWN})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "knows of no organisation" in answer.text
    assert count(session, Organisation) == 0


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("org_number", "", "Enter the organisation number."),
        ("org_number", "123456789", "This is no Norwegian organisation number."),
        ("org_number", "9" * 5000, "An organisation number has nine digits."),
        ("name", "", "Enter the organisation&#39;s name."),
        ("name", "x" * 201, "Use at most 200 characters."),
        ("kind", "bank", "Choose what fits best."),
        ("kind", "", "Choose what fits best."),
    ],
)
def test_what_cannot_be_used_is_said_beside_it(
    visitor: Client, make: Factory, session: Session, field: str, value: str, said: str
) -> None:
    answer = visitor.log_in_as(make.user()).post("/organisations/new", data={**FORM, field: value})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.text
    kept = NUMBER if field != "org_number" else "Typed AS"
    assert f'value="{kept}"' in answer.text
    assert count(session, Organisation) == 0


def test_a_registered_number_leads_to_its_owner(visitor: Client, make: Factory) -> None:
    make.organisation(org_number=NUMBER)
    answer = visitor.log_in_as(make.user()).post("/organisations/new", data=FORM)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Ask its owner to invite you." in answer.text


@pytest.mark.usefixtures("register")
@pytest.mark.parametrize(
    ("query", "said"),
    [
        (f"org_number={NUMBER}", "BYGG &lt;OG&gt; ANLEGG AS"),
        (f"org_number={UNKNOWN}", "knows of no organisation"),
        ("org_number=12&name=Half+typed", "Half typed"),
        ("name=" + "x" * 3000, "Filled in from"),
        ("", "Filled in from"),
    ],
)
def test_the_name_is_looked_up_while_the_number_is_typed(visitor: Client, make: Factory, query: str, said: str) -> None:
    answer = visitor.log_in_as(make.user()).get(f"/organisations/lookup?{query}")
    assert answer.status_code == HTTPStatus.OK
    assert said in answer.text
    assert "<html" not in answer.text


@pytest.mark.usefixtures("register")
def test_the_register_is_not_asked_without_end_through_us(app: Flask, visitor: Client, make: Factory) -> None:
    visitor.log_in_as(make.user())
    app.extensions[LIMIT_EXTENSION] = LightLimit()
    answers = [visitor.get(f"/organisations/lookup?org_number={NUMBER}").text for _ in range(LOOKUPS + 1)]
    app.extensions.pop(LIMIT_EXTENSION)
    assert "does not answer just now" not in answers[0]
    assert "does not answer just now" in answers[-1]


def test_a_register_that_does_not_answer_holds_nobody_up(visitor: Client, make: Factory) -> None:
    page = visitor.log_in_as(make.user()).get(f"/organisations/lookup?org_number={NUMBER}&name=Typed").text
    assert "Type the name yourself" in page
    assert 'value="Typed"' in page


def test_the_kind_is_edited(visitor: Client, session: Session, owner: User, organisation: Organisation) -> None:
    answer = visitor.log_in_as(owner).post(f"{pages(organisation)}/edit", data={"name": "Nytt AS", "kind": "haulier"})
    assert answer.location == pages(organisation)
    session.expire_all()
    assert (organisation.name, organisation.kind) == ("Nytt AS", "haulier")


def test_a_name_of_the_register_has_no_field(
    visitor: Client, session: Session, owner: User, organisation: Organisation
) -> None:
    organisation.register_checked_at = NOW
    session.flush()
    page = visitor.log_in_as(owner).get(f"{pages(organisation)}/edit").text
    assert 'name="name"' not in page
    visitor.post(f"{pages(organisation)}/edit", data={"name": "Forged", "kind": "haulier"})
    session.expire_all()
    assert organisation.name == "Fjell & Vann AS"


def test_fetching_from_a_register_that_is_switched_off_says_so(
    visitor: Client, owner: User, organisation: Organisation
) -> None:
    visitor.log_in_as(owner)
    answer = visitor.post(f"{pages(organisation)}/refresh", follow_redirects=True)
    assert "does not answer just now" in answer.text


@pytest.mark.usefixtures("register")
def test_name_and_address_are_fetched(visitor: Client, make: Factory, session: Session) -> None:
    organisation = make.organisation(org_number=NUMBER)
    visitor.log_in_as(make.member(organisation)).post(f"{pages(organisation)}/refresh")
    session.expire_all()
    assert (organisation.name, organisation.municipality_number) == ("BYGG <OG> ANLEGG AS", "3201")


# The public page ------------------------------------------------------------------------------------------------------


def test_the_public_page_shows_open_listings_and_no_members(
    visitor: Client, make: Factory, owner: User, organisation: Organisation
) -> None:
    shown = make.listing(organisation)
    hidden = [
        make.listing(organisation, status=ListingStatus.DRAFT),
        make.listing(organisation, available_from=make.today - timedelta(2), available_to=make.today - timedelta(1)),
        make.listing(),
    ]
    page = visitor.get(pages(organisation)).text
    assert f"/listings/{shown.id}" in page
    assert [listing.id for listing in hidden if f"/listings/{listing.id}" in page] == []
    assert owner.email not in page
    assert "Eva Eier" not in page


def test_an_organisation_without_listings_says_so(visitor: Client, organisation: Organisation) -> None:
    assert "Nothing published just now" in visitor.get(pages(organisation)).text


def test_members_see_the_members(visitor: Client, make: Factory, owner: User, organisation: Organisation) -> None:
    viewer = make.member(organisation, role=Role.VIEWER)
    page = visitor.log_in_as(viewer).get(f"{pages(organisation)}/members").text
    assert owner.email in page
    assert "Send invitation" not in page
    assert "Remove" not in page


# Members --------------------------------------------------------------------------------------------------------------


def test_an_owner_changes_a_role(
    visitor: Client, make: Factory, session: Session, owner: User, organisation: Organisation
) -> None:
    viewer = make.member(organisation, role=Role.VIEWER)
    visitor.log_in_as(owner).post(f"{pages(organisation)}/members/{viewer.id}/role", data={"role": "editor"})
    assert role_of(session, viewer, organisation) is Role.EDITOR


@pytest.mark.parametrize("data", [{}, {"role": ""}, {"role": "emperor"}])
def test_a_role_that_is_none_changes_nothing(
    visitor: Client, make: Factory, session: Session, owner: User, organisation: Organisation, data: dict[str, str]
) -> None:
    viewer = make.member(organisation, role=Role.VIEWER)
    visitor.log_in_as(owner).post(f"{pages(organisation)}/members/{viewer.id}/role", data=data)
    assert role_of(session, viewer, organisation) is Role.VIEWER


def test_the_last_owner_is_told_why_not(
    visitor: Client, session: Session, owner: User, organisation: Organisation
) -> None:
    visitor.log_in_as(owner)
    for path, data in (
        (f"/members/{owner.id}/role", {"role": "viewer"}),
        (f"/members/{owner.id}/remove", {}),
        ("/leave", {}),
    ):
        answer = visitor.post(pages(organisation) + path, data=data, follow_redirects=True)
        assert "Make somebody else an owner first." in answer.text
    assert role_of(session, owner, organisation) is Role.OWNER


def test_an_owner_who_steps_down_still_sees_the_members(
    visitor: Client, make: Factory, session: Session, owner: User, organisation: Organisation
) -> None:
    make.member(organisation)
    answer = visitor.log_in_as(owner).post(
        f"{pages(organisation)}/members/{owner.id}/role", data={"role": "viewer"}, follow_redirects=True
    )
    assert answer.status_code == HTTPStatus.OK
    assert role_of(session, owner, organisation) is Role.VIEWER


def test_a_member_is_removed_and_loses_sight_at_once(
    visitor: Client, another_browser: Client, make: Factory, owner: User, organisation: Organisation
) -> None:
    viewer = make.member(organisation, role=Role.VIEWER)
    another_browser.log_in_as(viewer)
    visitor.log_in_as(owner).post(f"{pages(organisation)}/members/{viewer.id}/remove")
    assert another_browser.get(f"{pages(organisation)}/members").status_code == HTTPStatus.FORBIDDEN


def test_leaving_leads_to_what_is_left(
    visitor: Client, make: Factory, session: Session, owner: User, organisation: Organisation
) -> None:
    del owner
    viewer = make.member(organisation, role=Role.VIEWER)
    assert visitor.log_in_as(viewer).post(f"{pages(organisation)}/leave").location == "/organisations"
    assert role_of(session, viewer, organisation) is None


def test_a_member_of_another_organisation_cannot_be_named(
    visitor: Client, make: Factory, owner: User, organisation: Organisation
) -> None:
    stranger = make.member()
    answer = visitor.log_in_as(owner).post(f"{pages(organisation)}/members/{stranger.id}/remove")
    assert answer.status_code == HTTPStatus.NOT_FOUND


def test_an_invitation_of_another_organisation_cannot_be_named(
    visitor: Client, make: Factory, session: Session, owner: User, organisation: Organisation
) -> None:
    other_owner = make.member()
    visitor.log_in_as(owner).post(f"{pages(organisation)}/members", data={"email": EMAIL, "role": "editor"})
    invitation = session.scalars(select(Invitation)).one()
    elsewhere = f"/organisations/{other_owner.memberships[0].organisation_id}/invitations/{invitation.id}/revoke"
    assert visitor.log_in_as(other_owner).post(elsewhere).status_code == HTTPStatus.NOT_FOUND
    session.expire_all()
    assert invitation.revoked_at is None


def test_who_would_post_and_may_not_is_told_what_it_takes(
    visitor: Client, make: Factory, owner: User, organisation: Organisation
) -> None:
    del owner
    visitor.log_in_as(make.member(organisation, role=Role.VIEWER))
    assert "you must be an owner or editor" in visitor.get("/listings/new", follow_redirects=True).text
    visitor.log_in_as(make.user())
    assert "Whom do you act for?" in visitor.get("/projects/new", follow_redirects=True).text


# Invitations ----------------------------------------------------------------------------------------------------------


def invite(client: Client, owner: User, organisation: Organisation, **values: str) -> object:
    data = {"email": EMAIL, "role": "editor", **values}
    return client.log_in_as(owner).post(f"{pages(organisation)}/members", data=data)


def test_an_invitation_to_a_new_address_becomes_an_account(
    visitor: Client, another_browser: Client, session: Session, owner: User, organisation: Organisation
) -> None:
    assert invite(visitor, owner, organisation).location == f"{pages(organisation)}/members"
    assert EMAIL in visitor.get(f"{pages(organisation)}/members").text
    link = f"/invitation?token={token(session)}"
    page = another_browser.get(link).text
    assert "Fjell &amp; Vann AS" in page
    assert "Create account and accept" in page
    answer = another_browser.post(link, data={"name": "Ola", "password": PASSWORD})
    assert answer.location == pages(organisation)
    user = session.scalars(select(User).where(User.email == EMAIL)).one()
    assert role_of(session, user, organisation) is Role.EDITOR
    assert another_browser.get("/account").status_code == HTTPStatus.OK


def test_an_invitation_to_a_known_address_is_accepted_after_logging_in(
    visitor: Client, another_browser: Client, make: Factory, session: Session, owner: User, organisation: Organisation
) -> None:
    user = make.user(email=EMAIL, password_hash=hash_password(PASSWORD))
    invite(visitor, owner, organisation)
    link = f"/invitation?token={token(session)}"
    page = another_browser.get(link).text
    assert "Log in and accept" in page
    assert "Create account" not in page.split("<main")[1]
    log_in = another_browser.get("/login", query_string={"next": link}).request.full_path
    assert another_browser.post(log_in, data={"email": EMAIL, "password": PASSWORD}).location == link
    assert role_of(session, user, organisation) is None
    assert another_browser.post(link).location == pages(organisation)
    assert role_of(session, user, organisation) is Role.EDITOR


def test_opening_an_invitation_accepts_nothing(
    visitor: Client, another_browser: Client, make: Factory, session: Session, owner: User, organisation: Organisation
) -> None:
    user = make.user(email=EMAIL)
    invite(visitor, owner, organisation)
    another_browser.log_in_as(user).get(f"/invitation?token={token(session)}")
    assert role_of(session, user, organisation) is None


def test_somebody_else_is_told_whom_the_invitation_is_for(
    visitor: Client, another_browser: Client, make: Factory, session: Session, owner: User, organisation: Organisation
) -> None:
    invite(visitor, owner, organisation)
    stranger = make.user()
    link = f"/invitation?token={token(session)}"
    assert EMAIL in another_browser.log_in_as(stranger).get(link).text
    assert another_browser.post(link).status_code == HTTPStatus.FORBIDDEN
    assert role_of(session, stranger, organisation) is None


def test_an_invitation_with_a_weak_password_keeps_what_was_typed(
    visitor: Client, another_browser: Client, session: Session, owner: User, organisation: Organisation
) -> None:
    invite(visitor, owner, organisation)
    link = f"/invitation?token={token(session)}"
    answer = another_browser.post(link, data={"name": "Ola Typet", "password": "passord12345"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'value="Ola Typet"' in answer.text
    assert count(session, User) == 1


def test_a_withdrawn_invitation_says_so(
    visitor: Client, another_browser: Client, session: Session, owner: User, organisation: Organisation
) -> None:
    invite(visitor, owner, organisation)
    invitation = session.scalars(select(Invitation)).one()
    visitor.post(f"{pages(organisation)}/invitations/{invitation.id}/revoke")
    answer = another_browser.get(f"/invitation?token={token(session)}")
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert "has been withdrawn" in answer.text
    assert EMAIL not in visitor.get(f"{pages(organisation)}/members").text.split("<main")[1].split("mf-flashes")[0]


def test_an_invitation_is_sent_again_with_a_new_link(
    visitor: Client, another_browser: Client, session: Session, owner: User, organisation: Organisation
) -> None:
    invite(visitor, owner, organisation)
    first, invitation = token(session), session.scalars(select(Invitation)).one()
    visitor.post(f"{pages(organisation)}/invitations/{invitation.id}/resend")
    assert another_browser.get(f"/invitation?token={first}").status_code == HTTPStatus.NOT_FOUND
    assert another_browser.get(f"/invitation?token={token(session)}").status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"email": ""}, "Enter your e-mail address."),
        ({"email": "ola\r\nBcc: x@y.example"}, "Enter an e-mail address"),
        ({"role": "emperor"}, "Choose one of the roles."),
    ],
)
def test_an_invitation_that_cannot_be_sent_says_why(
    visitor: Client, session: Session, owner: User, organisation: Organisation, values: dict[str, str], said: str
) -> None:
    answer = invite(visitor, owner, organisation, **values)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.text
    assert count(session, OutboxMail) == 0


def test_invitations_of_one_organisation_are_limited(
    visitor: Client, session: Session, owner: User, organisation: Organisation
) -> None:
    for number in range(50):
        invite(visitor, owner, organisation, email=f"person{number}@bygg.example")
    answer = invite(visitor, owner, organisation)
    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert f'value="{EMAIL}"' in answer.text
    assert count(session, OutboxMail) == 50


# Lists ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/members"])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    visitor: Client,
    make: Factory,
    owner: User,
    organisation: Organisation,
    count_queries: QueryCounter,
    path: str,
    session: Session,
) -> None:
    def more() -> None:
        make.member(organisation)
        make.listing(organisation)
        make._add(
            Invitation(
                organisation_id=organisation.id,
                email=f"person{count(session, Invitation)}@x.example",
                role=Role.VIEWER,
                token_hash=f"{count(session, Invitation)}",
                invited_by_id=owner.id,
                expires_at=NOW,
            )
        )

    visitor.log_in_as(owner)
    more()
    visitor.get(pages(organisation) + path)
    with count_queries() as one:
        visitor.get(pages(organisation) + path)
    more()
    more()
    with count_queries() as three:
        visitor.get(pages(organisation) + path)
    assert len(three) == len(one)


def test_my_organisations_take_as_many_queries_for_three_as_for_one(
    visitor: Client, make: Factory, count_queries: QueryCounter
) -> None:
    user = make.member()
    visitor.log_in_as(user).get("/organisations")
    with count_queries() as one:
        visitor.get("/organisations")
    for _ in range(2):
        make._add(Membership(user_id=user.id, organisation_id=make.organisation().id, role=Role.VIEWER))
    with count_queries() as three:
        page = visitor.get("/organisations").text
    assert page.count('class="mf-rows__row"') == 3
    assert len(three) == len(one)


# The menu -------------------------------------------------------------------------------------------------------------


def menu(page: str) -> str:
    return page[page.index("<nav") : page.index("</nav>")]


def test_the_menu_leads_straight_to_the_only_organisation(
    visitor: Client, make: Factory, organisation: Organisation, owner: User
) -> None:
    visitor.log_in_as(owner)
    assert f'href="{pages(organisation)}" aria-current="page"' in menu(visitor.get(pages(organisation)).text)
    make.session.add(Membership(user_id=owner.id, organisation_id=make.organisation().id, role=Role.VIEWER))
    make.session.flush()
    assert 'href="/organisations"' in menu(visitor.get("/about").text)


def test_the_menu_calls_only_ones_own_listings_that(visitor: Client, make: Factory, owner: User) -> None:
    visitor.log_in_as(owner)
    listing = make.listing()
    assert 'href="/listings" aria-current="page"' in menu(visitor.get("/listings").text)
    assert "aria-current" not in menu(visitor.get(f"/listings/{listing.id}").text)
