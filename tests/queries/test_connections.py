"""What the pool hands out works, whatever the server did to its connections meanwhile."""

import time

import pytest
from sqlalchemy import Engine, bindparam, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import Integer

from marketplace.config import Settings
from marketplace.db import make_engine, make_sessions
from marketplace.queries import direct

OWN_PID = text("SELECT pg_backend_pid()")


def test_a_connection_that_the_server_dropped_is_replaced(settings: Settings, engine: Engine) -> None:
    pool = make_engine(settings)
    with pool.connect() as connection:
        dropped = connection.scalar(OWN_PID)
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": dropped})
        for _ in range(100):
            if not other.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": dropped}):
                break
            time.sleep(0.02)
    with pool.connect() as connection:
        assert connection.scalar(OWN_PID) != dropped
    pool.dispose()


def test_an_idle_connection_is_handed_out_again(settings: Settings) -> None:
    pool = make_engine(settings)
    pids = set()
    for _ in range(3):
        with pool.connect() as connection:
            pids.add(connection.scalar(OWN_PID))
    pool.dispose()
    assert len(pids) == 1


TIMES = select(bindparam("one", type_=Integer()) * bindparam("other", 3, Integer()))


def test_a_statement_handed_to_the_driver_takes_values_and_keeps_what_is_fixed(engine: Engine) -> None:
    statement = direct.written(TIMES)
    with make_sessions(engine)() as session:
        assert direct.scalar(session, statement, {"one": 2, "another": "unheard"}) == 6
        assert direct.scalar(session, statement, {"one": 2, "other": 5}) == 10


def test_one_question_leaves_no_transaction_and_no_mark_on_the_connection(settings: Settings) -> None:
    pool = make_engine(settings)
    with make_sessions(pool)() as session:
        direct.scalar(session, direct.written(TIMES), {"one": 2})
        assert not session.in_transaction()
    with pool.connect() as connection:
        assert not connection.connection.driver_connection.autocommit
    pool.dispose()


def test_a_question_within_a_transaction_sees_what_it_has_written(engine: Engine) -> None:
    with make_sessions(engine)() as session:
        session.execute(text("CREATE TEMPORARY TABLE told (word text) ON COMMIT DROP"))
        session.execute(text("INSERT INTO told VALUES ('yes')"))
        assert direct.scalar(session, direct.written(select(text("word")).select_from(text("told"))), {}) == "yes"
        session.rollback()


def test_what_the_driver_refuses_is_raised_as_everywhere(engine: Engine) -> None:
    with make_sessions(engine)() as session, pytest.raises(DBAPIError) as refused:
        direct.scalar(session, direct.written(select(func.ST_GeomFromText("secret"))), {})
    assert "INSERT" not in str(refused.value)
