"""The outbox, and the demo log-ins: open in a demo database, and nowhere else."""

from http import HTTPStatus

import pytest
from sqlalchemy.orm import Session

from marketplace.models import Installation, OutboxMail, User
from marketplace.services.mail import send_mail
from marketplace.types import Role
from marketplace.web.outbox import Piece, pieces_of
from tests.conftest import NOW, Client, QueryCounter
from tests.factories import Factory


@pytest.fixture
def visitor(client: Client) -> Client:
    return client.in_english()


@pytest.fixture
def demo(session: Session) -> Installation:
    installation = session.get(Installation, 1) or Installation(id=1)
    installation.is_demo = True
    session.add(installation)
    session.flush()
    return installation


def mail(session: Session, *, subject: str | None = "Hello", body: str | None = "Text") -> OutboxMail:
    kept = send_mail(session, to="kari@bygg.example", template="password_changed", locale="nb", context={"name": "K"})
    kept.subject, kept.body_text, kept.sent_at = subject, body, NOW if body else None
    session.flush()
    return kept


# The outbox -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("demo")
def test_in_a_demo_everybody_reads_the_mail(visitor: Client, session: Session) -> None:
    kept = mail(session)
    assert f"/outbox/{kept.id}" in visitor.get("/outbox").text
    assert "Text" in visitor.get(f"/outbox/{kept.id}").text


def test_elsewhere_only_administrators_do(visitor: Client, session: Session, make: Factory) -> None:
    kept = mail(session)
    for path in ("/outbox", f"/outbox/{kept.id}"):
        assert visitor.get(path).location == f"/login?next={path}"
    visitor.log_in_as(make.member())
    assert visitor.get(f"/outbox/{kept.id}").status_code == HTTPStatus.FORBIDDEN
    visitor.log_in_as(make.user(is_admin=True))
    assert visitor.get(f"/outbox/{kept.id}").status_code == HTTPStatus.OK


def test_an_administrator_finds_it_in_the_menu(visitor: Client, make: Factory) -> None:
    visitor.log_in_as(make.user(is_admin=True))
    assert 'href="/outbox"' in visitor.get("/about").text
    visitor.log_in_as(make.member())
    assert 'href="/outbox"' not in visitor.get("/about").text


@pytest.mark.usefixtures("demo")
def test_links_of_our_own_lead_to_this_server(visitor: Client, session: Session) -> None:
    kept = mail(
        session, body="Open:\n\nhttp://127.0.0.1:5000/signup/confirm?token=a-b_c.d&x=1\n\nOr https://evil.example/"
    )
    page = visitor.get(f"/outbox/{kept.id}").text
    assert 'href="/signup/confirm?token=a-b_c.d&amp;x=1"' in page
    assert 'href="https://evil.example' not in page


def test_a_mail_in_pieces_loses_nothing() -> None:
    text = "See http://a.example/x, not http://a.example.evil/x.\nhttp://a.example/y"
    pieces = pieces_of(text, base_url="http://a.example")
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.href for piece in pieces if piece.href] == ["/x,", "/y"]
    assert pieces_of("", base_url="http://a.example") == []
    assert pieces_of("x", base_url="http://a.example") == [Piece(text="x")]


@pytest.mark.usefixtures("demo")
def test_markup_in_a_mail_is_shown_as_it_is(visitor: Client, session: Session) -> None:
    kept = mail(session, subject="<b>Hi</b>", body="<script>alert(1)</script>")
    page = visitor.get(f"/outbox/{kept.id}").text
    assert "<script>alert(1)" not in page
    assert "<b>Hi</b>" not in page
    assert "&lt;b&gt;Hi&lt;/b&gt;" in visitor.get("/outbox").text


@pytest.mark.usefixtures("demo")
def test_a_mail_that_is_not_written_yet_says_so(visitor: Client, session: Session) -> None:
    kept = mail(session, subject=None, body=None)
    assert "Not written yet" in visitor.get("/outbox").text
    assert "Look again in a moment" in visitor.get(f"/outbox/{kept.id}").text


@pytest.mark.usefixtures("demo")
def test_an_empty_outbox_says_what_fills_it(visitor: Client) -> None:
    assert "No mail yet" in visitor.get("/outbox").text


@pytest.mark.usefixtures("demo")
def test_pages_are_by_key_newest_first(visitor: Client, session: Session) -> None:
    ids = [mail(session).id for _ in range(45)]

    def shown(path: str) -> list[int]:
        page = visitor.get(path).text
        return [number for number in reversed(ids) if f'href="/outbox/{number}"' in page]

    newest_first = list(reversed(ids))
    assert shown("/outbox") == newest_first[:20]
    assert shown(f"/outbox?before={newest_first[19]}") == newest_first[20:40]
    assert shown(f"/outbox?before={newest_first[39]}") == newest_first[40:]
    assert shown(f"/outbox?after={newest_first[20]}") == newest_first[:20]
    assert 'rel="prev"' not in visitor.get("/outbox").text


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=" + "9" * 40, "after=0", "before=%00", "before=²"])
def test_a_strange_key_is_the_first_page(visitor: Client, session: Session, query: str) -> None:
    kept = mail(session)
    assert f"/outbox/{kept.id}" in visitor.get(f"/outbox?{query}").text


@pytest.mark.usefixtures("demo")
def test_a_mail_that_does_not_exist_is_not_found(visitor: Client) -> None:
    assert visitor.get("/outbox/999999").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.usefixtures("demo")
def test_the_outbox_takes_as_many_queries_for_three_mails_as_for_one(
    visitor: Client, session: Session, count_queries: QueryCounter
) -> None:
    mail(session)
    visitor.get("/outbox")
    with count_queries() as one:
        visitor.get("/outbox")
    mail(session)
    mail(session)
    with count_queries() as three:
        visitor.get("/outbox")
    assert len(three) == len(one)


# The demo log-ins -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("demo")
def test_one_press_logs_in_as_an_example(visitor: Client, make: Factory) -> None:
    example = make.member(role=Role.EDITOR, is_example=True, name="Eksempel Person")
    page = visitor.get("/demo").text
    assert "Eksempel Person" in page
    assert f'action="/demo/{example.id}"' in page
    assert visitor.post(f"/demo/{example.id}").location == "/"
    assert "Eksempel Person" in visitor.get("/account").text


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("kept_out", [{"is_example": False}, {"is_example": True, "confirmed": False}])
def test_only_example_log_ins_are_for_trying(visitor: Client, make: Factory, kept_out: dict[str, bool]) -> None:
    person = make.member(name="Ikke Prøve", **kept_out)
    assert "Ikke Prøve" not in visitor.get("/demo").text
    assert visitor.post(f"/demo/{person.id}").status_code == HTTPStatus.NOT_FOUND
    assert visitor.get("/account").status_code == HTTPStatus.FOUND


def test_outside_a_demo_there_is_no_such_page(visitor: Client, make: Factory) -> None:
    example = make.member(is_example=True)
    assert visitor.get("/demo").status_code == HTTPStatus.NOT_FOUND
    assert visitor.post(f"/demo/{example.id}").status_code == HTTPStatus.NOT_FOUND
    assert visitor.get("/account").status_code == HTTPStatus.FOUND


@pytest.mark.usefixtures("demo")
def test_a_demo_log_in_comes_back_to_where_one_was_going(visitor: Client, make: Factory) -> None:
    example = make.member(is_example=True)
    assert 'name="next" value="/projects"' in visitor.get("/demo?next=/projects").text
    assert visitor.post(f"/demo/{example.id}", data={"next": "/projects"}).location == "/projects"
    assert visitor.post(f"/demo/{example.id}", data={"next": "//evil.example"}).location == "/"


@pytest.mark.usefixtures("demo")
def test_a_demo_without_examples_says_so(visitor: Client) -> None:
    assert "No demo log-ins" in visitor.get("/demo").text


@pytest.mark.usefixtures("demo")
def test_the_demo_page_takes_as_many_queries_for_three_people_as_for_one(
    visitor: Client, make: Factory, count_queries: QueryCounter
) -> None:
    def more() -> User:
        return make.member(is_example=True)

    more()
    visitor.get("/demo")
    with count_queries() as one:
        visitor.get("/demo")
    more()
    more()
    with count_queries() as three:
        visitor.get("/demo")
    assert len(three) == len(one)
