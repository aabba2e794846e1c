"""Telling at the same moment, and telling that is broken off: each person is mailed of each thing once."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.db import make_sessions
from marketplace.models import Alert, ListingNews, OutboxMail
from marketplace.queries.search_filters import SearchFilters
from marketplace.services import alert_mails, alerts
from marketplace.services.links import LinkSigner
from marketplace.services.saved_searches import save_search
from marketplace.types import AlertFrequency
from tests.conftest import NOW
from tests.factories import Factory

SIGNER = LinkSigner("k" * 40)
PEOPLE = 5


@pytest.fixture
def news(committing_engine: Engine) -> int:
    """Three listings, one of them changed since, and five people who wait for anything."""
    with make_sessions(committing_engine).begin() as session:
        make = Factory(session, now=NOW)
        for _ in range(PEOPLE):
            save_search(
                session,
                make.actor(make.user()),
                name="Alt",
                query="",
                filters=SearchFilters(),
                frequency=AlertFrequency.IMMEDIATE,
                now=NOW - timedelta(days=1),
            )
        listings = [make.listing() for _ in range(3)]
        listings[0].mass_t = 5
    return len(listings)


def tell(engine: Engine) -> None:
    more = 1
    while more:
        with make_sessions(engine).begin() as session:
            more = alerts.tell_of_news(session, signer=SIGNER, now=NOW)


def count(session: Session, model: type[object]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def told_of(session: Session) -> list[int]:
    return sorted(item["listing_id"] for mail in session.scalars(select(OutboxMail)) for item in mail.context["items"])


def test_several_workers_tell_each_person_of_each_thing_once(
    committing_engine: Engine, news: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "AT_ONCE", 1)
    workers = [threading.Thread(target=tell, args=(committing_engine,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with make_sessions(committing_engine)() as session:
        assert count(session, ListingNews) == 0
        assert count(session, Alert) == news * PEOPLE
        told = told_of(session)
        assert len(told) == news * PEOPLE
        assert len(set(told)) == news


def test_what_is_broken_off_begins_anew(committing_engine: Engine, news: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_arguments: object, **_more: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(alert_mails, "unsubscribe_path", killed)
        with pytest.raises(SystemExit):
            tell(committing_engine)
    with make_sessions(committing_engine)() as session:
        assert count(session, Alert) == count(session, OutboxMail) == 0
        assert count(session, ListingNews) == news + 1
    tell(committing_engine)
    with make_sessions(committing_engine)() as session:
        assert count(session, OutboxMail) == PEOPLE
        assert len(told_of(session)) == news * PEOPLE
