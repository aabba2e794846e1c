"""Invariants of every page: a visitor of each role follows every link of the demo, and each page must hold up."""

import re
from collections import deque
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urldefrag, urlsplit

import html5lib
import pytest
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from marketplace.models import Membership, Organisation, User
from marketplace.types import OrganisationKind, Role
from tests.conftest import Client

PAGES_A_ROLE = 70
VISITORS = ("anonymous", "contractor", "developer", "municipality", "viewer", "administrator")
# Pages whose links multiply without end; one or a few of each is enough.
PAGES_OF_ONE_KIND = 4


@pytest.fixture
def connection(demo_connection: Connection) -> Connection:
    """The application of these tests serves the demo."""
    return demo_connection


@pytest.fixture
def visitor(request: pytest.FixtureRequest, demo: Session, client: Client) -> Client:
    name = request.param
    people = select(User).where(User.is_example)
    members = people.join(Membership).join(Organisation).order_by(User.id)
    wanted = {
        "contractor": members.where(Organisation.kind == OrganisationKind.CONTRACTOR, Membership.role == Role.OWNER),
        "developer": members.where(Organisation.kind == OrganisationKind.DEVELOPER, Membership.role == Role.OWNER),
        "municipality": members.where(Organisation.kind == OrganisationKind.MUNICIPALITY),
        "viewer": members.where(Membership.role == Role.VIEWER),
        "administrator": people.where(User.is_admin),
    }
    if name in wanted:
        client.log_in_as(demo.scalars(wanted[name]).first())
    return client


class Markup(HTMLParser):
    """What a test needs to know of a page's tags."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.problems: list[str] = []
        self.ids: list[str] = []
        self.headings = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        held = dict(attributes)
        if tag == "a" and held.get("href"):
            self.links.append(str(held["href"]))
        if tag == "h1":
            self.headings += 1
        if held.get("id"):
            self.ids.append(str(held["id"]))
        if tag == "img" and "alt" not in held:
            self.problems.append(f"a picture without alt text: {held.get('src')}")
        if tag in {"script", "link", "img", "source", "iframe"}:
            address = str(held.get("src") or (held.get("href") if tag == "link" else "") or "")
            if urlsplit(address).netloc and held.get("rel") != "canonical":
                self.problems.append(f"an asset from outside: {address}")
        for name in held:
            if name.startswith("on") or name == "style":
                self.problems.append(f"an inline {name} on <{tag}>")


def kind_of(path: str) -> str:
    return re.sub(r"\d+", "N", urlsplit(path).path)


def crawl(client: Client) -> Iterator[tuple[str, str]]:
    """(path, html) of the pages that links lead to from the front page, few of each kind."""
    waiting, seen, kinds = deque(["/"]), {"/"}, dict[str, int]()
    read = 0
    while waiting and read < PAGES_A_ROLE:
        path = waiting.popleft()
        response = client.get(path)
        assert response.status_code in {200, 302, 303}, f"{path} answers {response.status_code}"
        read += 1
        if response.mimetype != "text/html" or response.status_code != 200:
            continue
        yield path, response.text
        markup = Markup()
        markup.feed(response.text)
        for link in markup.links:
            target, _ = urldefrag(link)
            if not target.startswith("/") or target in seen or target.startswith(("/static/", "//")):
                continue
            kinds[kind_of(target)] = kinds.get(kind_of(target), 0) + 1
            if kinds[kind_of(target)] <= PAGES_OF_ONE_KIND:
                seen.add(target)
                waiting.append(target)


@pytest.mark.parametrize("visitor", VISITORS, indirect=True)
def test_every_page_a_visitor_can_reach_holds_up(visitor: Client) -> None:
    problems: list[str] = []
    for path, html in crawl(visitor):
        parser = html5lib.HTMLParser()
        parser.parse(html)
        problems += [f"{path}: invalid HTML at {where}: {code} {data}" for where, code, data in parser.errors]
        markup = Markup()
        markup.feed(html)
        problems += [f"{path}: {problem}" for problem in markup.problems]
        problems += [f"{path}: the id {i} twice" for i in {i for i in markup.ids if markup.ids.count(i) > 1}]
        if markup.headings != 1:
            problems.append(f"{path}: {markup.headings} <h1>")
        if not re.search(r"<title>[^<]{3,}</title>", html):
            problems.append(f"{path}: no title")
        if '<html lang="nb"' not in html:
            problems.append(f"{path}: no language")
    assert problems == []


@pytest.mark.parametrize("visitor", ["anonymous", "contractor"], indirect=True)
def test_every_page_of_a_demo_says_that_it_is_one(visitor: Client) -> None:
    silent = [path for path, html in crawl(visitor) if 'class="mf-demo"' not in html]
    assert silent == []
