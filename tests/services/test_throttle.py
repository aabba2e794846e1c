"""Attempts counted in the database, the same for every process."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.db import make_sessions
from marketplace.errors import TooManyAttempts
from marketplace.models import Throttle
from marketplace.services.throttle import forget, forget_old, hit
from tests.conftest import NOW

WINDOW = timedelta(minutes=15)


def try_it(session: Session, *, key: str = "log-in:x", limit: int = 3, after: timedelta = timedelta()) -> None:
    hit(session, key=key, limit=limit, window=WINDOW, now=NOW + after)


def test_the_limit_is_the_last_attempt_that_passes(session: Session) -> None:
    for _ in range(3):
        try_it(session)
    with pytest.raises(TooManyAttempts):
        try_it(session)


def test_a_new_window_begins_at_nought(session: Session) -> None:
    for _ in range(3):
        try_it(session)
    with pytest.raises(TooManyAttempts) as refused:
        try_it(session, after=timedelta(minutes=5))
    assert refused.value.retry_after_s == 10 * 60 + 1
    assert refused.value.params == {"minutes": 10}
    try_it(session, after=WINDOW)


def test_one_key_says_nothing_of_another(session: Session) -> None:
    for _ in range(3):
        try_it(session)
    try_it(session, key="log-in:y")


def test_what_is_forgotten_begins_at_nought(session: Session) -> None:
    for _ in range(3):
        try_it(session)
        try_it(session, key="log-in:y")
    forget(session, key="log-in:x")
    try_it(session)
    with pytest.raises(TooManyAttempts):
        try_it(session, key="log-in:y")


def test_what_can_refuse_nobody_is_forgotten(session: Session) -> None:
    try_it(session)
    try_it(session, after=timedelta(days=2))
    forget_old(session, now=NOW + timedelta(days=2))
    assert session.scalars(select(Throttle.window_started_at)).all() == [NOW + timedelta(days=2)]


def test_attempts_at_once_are_all_counted(committing_engine: Engine) -> None:
    sessions = make_sessions(committing_engine)
    start = threading.Barrier(8)

    def attempt() -> None:
        start.wait()
        for _ in range(10):
            with sessions.begin() as session:
                try_it(session, key="at once", limit=1000)

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions() as session:
        assert session.scalar(select(func.sum(Throttle.hits)).where(Throttle.key == "at once")) == 80
