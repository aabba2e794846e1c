"""Keeping searches and choosing mail, on pages; and stopping mail by a link without logging in."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.models import Alert, MatchSubscription, SavedSearch, User
from marketplace.queries.saved_searches import default_frequency, match_paces
from marketplace.services.links import LinkSigner
from marketplace.services.saved_searches import MOST_SEARCHES, Sources
from marketplace.services.unsubscribe import unsubscribe_path, unsubscribe_token
from marketplace.types import AlertFrequency, Documentation, ListingKind, Role
from tests.conftest import NOW, Client
from tests.factories import Factory

SEARCH = (
    "q=grus&kind=surplus&documentation=tested&group=stone&material=clay&mass_min=100&mass_max=5000"
    "&from_day=2027-03-01&to_day=2027-06-30&price=free&price_max=45&near=Oslo&at=10.75220,59.91390,Oslo&within=25"
    "&municipality=3201&area=10.00000,59.50000,11.00000,60.50000"
)


@pytest.fixture
def kari(make: Factory) -> User:
    return make.member(name="Kari")


@pytest.fixture
def page(client: Client, kari: User) -> Client:
    return client.log_in_as(kari).in_english()


def kept(session: Session) -> SavedSearch:
    session.expire_all()
    return session.scalars(select(SavedSearch)).one()


def keep(page: Client, query: str = SEARCH, **fields: str):
    return page.post("/searches/new", data={"query": query, "name": "Grus", "frequency": "daily", **fields})


# Keeping ----------------------------------------------------------------------------------------------------------


def test_a_search_is_kept_with_all_its_filters(page, session, kari):
    answer = keep(page)
    assert (answer.status_code, answer.location) == (HTTPStatus.SEE_OTHER, "/searches")
    search = kept(session)
    assert (search.user_id, search.name, search.frequency) == (kari.id, "Grus", AlertFrequency.DAILY)
    assert search.query == SEARCH
    assert (search.kind, search.documentation) == (ListingKind.SURPLUS, Documentation.TESTED)
    assert (search.materials, search.municipality_numbers) == (["clay", "group:stone"], ["3201"])
    assert (search.mass_min_t, search.mass_max_t, search.price_max_nok_per_t, search.reach_m) == (100, 5000, 45, 25_000)
    assert (search.word_begins, search.word_insides) == (["'grus':*"], ["%grus%"])
    assert search.outline is not None


def test_the_search_page_leads_to_keeping_it(page):
    text = page.get(f"/search?{SEARCH}&sort=quantity&view=map").text
    assert f"/searches/new?{SEARCH.replace('&', '&amp;')}" in text


def test_what_will_be_kept_is_said_in_words_and_named(page):
    text = page.get(f"/searches/new?{SEARCH}").text
    for words in ("«grus»", "Surplus", "Within 25\N{NO-BREAK SPACE}km of Oslo", "Bærum", "In the visible map"):
        assert words in text
    assert 'value="«grus», Surplus' in text


def test_who_is_not_logged_in_comes_back_after_logging_in(client):
    answer = client.get("/searches/new?q=grus")
    assert answer.status_code == HTTPStatus.FOUND
    assert answer.location == "/login?next=/searches/new?q%3Dgrus"


def test_a_typing_error_is_not_waited_for(page, make):
    make.listing(search_text="sprengstein")
    text = page.get("/searches/new?q=sprengstien").text
    assert "Searched for sprengstein" in text
    assert 'value="q=sprengstein"' in text


def test_a_word_that_nothing_has_yet_is_waited_for(page, session):
    text = page.get("/searches/new?q=olivin").text
    assert 'value="q=olivin"' in text
    keep(page, "q=olivin")
    assert kept(session).word_begins == ["'olivin':*"]


def test_what_cannot_be_read_is_said_and_left_out(page):
    text = page.get("/searches/new?mass_min=mange&near=Ingensteds&within=10&kind=demand").text
    assert "Enter a number, with digits only." in text
    assert "No place of that name was found." in text
    assert 'name="query" type="hidden" value="kind=demand"' in text


def test_a_place_of_ones_own_is_kept_as_the_place_it_is(page, session, make, kari):
    project = make.project(kari.memberships[0].organisation, name="Fornebubanen")
    text = page.get(f"/searches/new?origin=project:{project.id}&within=10").text
    assert "of Fornebubanen" in text
    assert "origin" not in text.split('name="query"')[1].split(">")[0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " "}, "Give the search a name"),
        ({"name": "x" * 121}, "At most 120 characters."),
        ({"frequency": "hourly"}, "Choose how often."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(page, session, fields, said):
    answer = keep(page, **fields)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.text
    assert "mass_min=100" in answer.text
    assert session.scalars(select(SavedSearch)).all() == []


def test_the_same_search_is_kept_once(page, session):
    keep(page)
    answer = keep(page)
    assert answer.location == f"/searches/{kept(session).id}"
    assert page.get(f"/searches/new?{SEARCH}").location == f"/searches/{kept(session).id}"


def test_nobody_keeps_searches_without_end(page, session):
    for n in range(MOST_SEARCHES):
        keep(page, f"mass_min={n + 1}")
    answer = keep(page, "mass_min=1000")
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "You keep 50 searches" in answer.text


def test_a_made_up_query_is_read_without_fail(page, session):
    keep(page, "mass_min=NaN&area=1,2,3&at=x&origin=project:1&within=5&material=lava&sort=newest&q=" + "x" * 9000)
    search = kept(session)
    assert search.query == "q=" + "x" * 200
    assert search.municipality_numbers is None
    assert search.materials == ["*"]


# The list ---------------------------------------------------------------------------------------------------------


def found(session: Session, make: Factory, search: SavedSearch, **values: object) -> Alert:
    alert = Alert(
        user_id=search.user_id,
        saved_search_id=search.id,
        found_listing_id=make.listing().id,
        created_at=NOW + timedelta(hours=1),
        awaits_mail=True,
    )
    session.add(alert)
    session.flush()
    return alert


def test_the_list_says_how_much_is_new_until_it_is_opened(page, session, make):
    keep(page)
    search = kept(session)
    found(session, make, search)
    found(session, make, search)
    assert "2 new" in page.get("/searches").text
    search.seen_at = NOW - timedelta(days=1)
    session.scalars(select(Alert)).first().created_at = NOW - timedelta(hours=1)
    session.flush()
    answer = page.post(f"/searches/{search.id}/open")
    assert (answer.status_code, answer.location) == (HTTPStatus.SEE_OTHER, f"/search?{SEARCH}")
    assert "1 new" in page.get("/searches").text


def test_the_list_asks_as_often_for_three_as_for_one(page, session, make, count_queries):
    keep(page)
    page.get("/searches")  # what is asked only once is asked now
    with count_queries() as for_one:
        page.get("/searches")
    keep(page, "municipality=0301")
    keep(page, "municipality=4601")
    with count_queries() as for_three:
        page.get("/searches")
    assert len(for_three) == len(for_one)


def test_a_search_can_be_renamed_hushed_and_deleted(page, session, make):
    keep(page)
    search = kept(session)
    alert = found(session, make, search)
    page.post(f"/searches/{search.id}", data={"name": "Pukk", "frequency": "never"})
    session.expire_all()
    assert (search.name, search.frequency, alert.awaits_mail) == ("Pukk", AlertFrequency.NEVER, False)
    page.post(f"/searches/{search.id}/delete")
    session.expire_all()
    assert session.scalars(select(SavedSearch)).all() == []
    assert session.scalars(select(Alert)).all() == []


def test_searches_are_nobody_elses_business(page, client, session, make):
    keep(page)
    search = kept(session)
    client.log_in_as(make.user(is_admin=True))
    assert client.get(f"/searches/{search.id}").status_code == HTTPStatus.NOT_FOUND
    assert client.post(f"/searches/{search.id}/delete").status_code == HTTPStatus.NOT_FOUND


# How often --------------------------------------------------------------------------------------------------------


def test_paces_are_chosen_for_new_searches_and_for_each_organisation(page, session, kari):
    organisation_id = kari.memberships[0].organisation_id
    answer = page.post("/searches/mail", data={"of_new_searches": "weekly", f"matches_{organisation_id}": "immediate"})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert default_frequency(session, user_id=kari.id) is AlertFrequency.WEEKLY
    assert [pace.frequency for pace in match_paces(session, user_id=kari.id)] == [AlertFrequency.IMMEDIATE]
    assert "checked" in page.get("/searches/new?q=grus").text.split('value="weekly"')[1].split(">")[0]


def test_a_pace_that_there_is_not_is_refused(page, session, kari):
    answer = page.post("/searches/mail", data={"of_new_searches": "hourly"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Choose how often." in answer.text


def test_viewers_get_no_mail_of_matches_unless_they_ask(session, make):
    viewer = make.member(role=Role.VIEWER)
    assert [pace.frequency for pace in match_paces(session, user_id=viewer.id)] == [AlertFrequency.NEVER]


# The link of a mail -----------------------------------------------------------------------------------------------


@pytest.fixture
def link(app: Flask, page: Client, session: Session, kari: User) -> str:
    keep(page)
    sources = Sources(
        user_id=kari.id, search_ids=(kept(session).id,), organisation_ids=(kari.memberships[0].organisation_id,)
    )
    return unsubscribe_path(unsubscribe_token(LinkSigner(app.config["SECRET_KEY"]), sources))


@pytest.fixture
def stranger(app: Flask, link: str) -> Client:
    """A mail program: no cookie, and CSRF looked after as for everybody."""
    app.config["WTF_CSRF_ENABLED"] = True
    client: Client = app.test_client()  # type: ignore[assignment]
    return client


def test_one_click_stops_everything_without_a_cookie(stranger, session, kari, link):
    answer = stranger.post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == HTTPStatus.OK  # never a redirect: RFC 8058, 3.1
    search = kept(session)
    assert (search.frequency, search.unsubscribed_at) == (AlertFrequency.NEVER, NOW)
    subscription = session.scalars(select(MatchSubscription)).one()
    assert (subscription.frequency, subscription.unsubscribed_at) == (AlertFrequency.NEVER, NOW)


def test_opening_the_link_changes_nothing(stranger, session, link):
    assert "Kari" in stranger.get(link).text
    assert kept(session).frequency is AlertFrequency.DAILY


def test_one_source_can_be_stopped_alone(stranger, session, kari, link):
    answer = stranger.post(link, data={"only": f"search:{kept(session).id}"})
    assert (answer.status_code, answer.location) == (HTTPStatus.SEE_OTHER, link)
    assert kept(session).frequency is AlertFrequency.NEVER
    assert [pace.frequency for pace in match_paces(session, user_id=kari.id)] == [AlertFrequency.DAILY]


@pytest.mark.parametrize("only", ["search:0", "matches:999", "search:", "x", "search:1:2"])
def test_a_source_that_the_link_is_not_about_is_not_stopped(stranger, session, kari, link, only):
    stranger.post(link, data={"only": only})
    assert kept(session).frequency is AlertFrequency.DAILY
    assert session.scalars(select(MatchSubscription)).all() == []


def test_what_was_stopped_stays_in_sight_in_the_account(page, stranger, session, app, link):
    stranger.post(link)
    text = page.get("/searches").text
    assert text.count("Stopped by the link in a mail") == 2, text


def test_the_link_of_what_is_deleted_says_so(page, stranger, session, make, kari, app, link):
    page.post(f"/searches/{kept(session).id}/delete")
    session.delete(kari.memberships[0])
    session.flush()
    assert stranger.get(link).status_code == HTTPStatus.OK
    assert stranger.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == HTTPStatus.OK


@pytest.mark.parametrize("token", ["x", "WzFd.abc", "a" * 3000])
def test_a_link_that_is_not_ours_opens_nothing(stranger, token):
    assert stranger.get(f"/unsubscribe/{token}").status_code == HTTPStatus.NOT_FOUND
    assert stranger.post(f"/unsubscribe/{token}").status_code == HTTPStatus.NOT_FOUND
